//! Outputs and the new state.

use super::{CHANNELS, GROUP, Padded, Shape, UNROLLED, reference, transpose};
use crate::columns::{Columns, ColumnsMut};
use crate::error::check_len;
use crate::exec::Job;
use crate::simd::{Simd, SimdKernel, dispatch};
use crate::{Exec, Isa, KernelError, Scratch, rows};

/// Runs the convolution over `time` steps; see the [module](super). On return `state` holds the last `k - 1` inputs.
///
/// ```
/// use barewire_kernels::{Scratch, causal_conv1d};
///
/// // One channel, two taps: y[t] = 10 x[t-1] + x[t].
/// let (mut state, mut y) = ([5.0], [0.0; 3]);
/// causal_conv1d::forward(&[10.0, 1.0], &[0.0], &[1.0, 2.0, 3.0], 1, 3, 1, 2, &mut state, &mut y, &mut Scratch::new())?;
/// assert_eq!((y, state), ([51.0, 12.0, 23.0], [3.0]));
/// # Ok::<(), barewire_kernels::KernelError>(())
/// ```
///
/// # Errors
/// [`KernelError::Length`] for `w`, `state`, `b`, `x` or `y`, and for `w` where `k` is 0; [`KernelError::Overflow`].
#[expect(clippy::too_many_arguments, reason = "shapes come with their slices")]
pub fn forward(
    w: &[f32],
    b: &[f32],
    x: &[f32],
    batch: usize,
    time: usize,
    d: usize,
    k: usize,
    state: &mut [f32],
    y: &mut [f32],
    scratch: &mut Scratch,
) -> Result<(), KernelError> {
    forward_with(Exec::best(), w, b, x, batch, time, d, k, state, y, scratch)
}

/// [`forward`] on a chosen [`Exec`].
///
/// # Errors
/// As [`forward`].
#[expect(clippy::too_many_arguments, reason = "shapes come with their slices")]
pub fn forward_with(
    exec: impl Into<Exec>,
    w: &[f32],
    b: &[f32],
    x: &[f32],
    batch: usize,
    time: usize,
    d: usize,
    k: usize,
    state: &mut [f32],
    y: &mut [f32],
    scratch: &mut Scratch,
) -> Result<(), KernelError> {
    let exec = exec.into();
    let shape = Shape { batch, time, d, k };
    let (len, states) = shape.check(w, ("state", state))?;
    check_len("b", b, d)?;
    check_len("x", x, len)?;
    check_len("y", y, len)?;
    if len == 0 {
        return Ok(());
    }
    if exec.isa() == Isa::Reference {
        reference::forward(w, b, x, [time, d, k], state, y);
        return Ok(());
    }
    let (taps, before) = scratch.floats(w.len() + states, 0).0.split_at_mut(w.len());
    transpose(w, k, taps);
    before.copy_from_slice(state);
    let job = Forward {
        isa: exec.isa(),
        shape,
        taps: Columns::new(taps, d),
        b,
        p: Padded { before: Columns::new(before, d), x: Columns::new(x, d), shape },
        state: ColumnsMut::new(state, d),
        y: ColumnsMut::new(y, d),
    };
    exec.run(job, shape.grain());
    Ok(())
}

/// One step: [`forward`] with `time = 1`, `x` and `y` of `[batch, d]`.
///
/// # Errors
/// As [`forward`].
#[expect(clippy::too_many_arguments, reason = "shapes come with their slices")]
pub fn step(
    w: &[f32],
    b: &[f32],
    x: &[f32],
    batch: usize,
    d: usize,
    k: usize,
    state: &mut [f32],
    y: &mut [f32],
    scratch: &mut Scratch,
) -> Result<(), KernelError> {
    step_with(Exec::best(), w, b, x, batch, d, k, state, y, scratch)
}

/// [`step`] on a chosen [`Exec`].
///
/// # Errors
/// As [`forward`].
#[expect(clippy::too_many_arguments, reason = "shapes come with their slices")]
pub fn step_with(
    exec: impl Into<Exec>,
    w: &[f32],
    b: &[f32],
    x: &[f32],
    batch: usize,
    d: usize,
    k: usize,
    state: &mut [f32],
    y: &mut [f32],
    scratch: &mut Scratch,
) -> Result<(), KernelError> {
    forward_with(exec, w, b, x, batch, 1, d, k, state, y, scratch)
}

struct Forward<'a> {
    isa: Isa,
    shape: Shape,
    taps: Columns<'a, f32>,
    b: &'a [f32],
    p: Padded<'a>,
    state: ColumnsMut<'a, f32>,
    y: ColumnsMut<'a, f32>,
}

impl Job for Forward<'_> {
    fn units(&self) -> usize {
        self.b.len().div_ceil(CHANNELS)
    }

    fn split_at(self, units: usize) -> (Self, Self) {
        let (at, len) = (units * CHANNELS, self.b.len());
        let (b, p) = (self.b.split_at(at), self.p.split_at(at, len));
        let (state, y) = (self.state.split_at(at), self.y.split_at(at));
        let taps = (self.taps.range(0..at), self.taps.range(at..len));
        (
            Self { taps: taps.0, b: b.0, p: p.0, state: state.0, y: y.0, ..self },
            Self { taps: taps.1, b: b.1, p: p.1, state: state.1, y: y.1, ..self },
        )
    }

    fn run(self) {
        dispatch(self.isa, self);
    }
}

impl SimdKernel for Forward<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(mut self, s: S) {
        let Shape { batch, time, k, .. } = self.shape;
        for e in 0..batch {
            let mut t = 0;
            while t + GROUP <= time {
                match k {
                    2 => self.group::<S, 2>(s, e, t),
                    3 => self.group::<S, 3>(s, e, t),
                    4 => self.group::<S, 4>(s, e, t),
                    _ => (0..GROUP).for_each(|i| self.row(s, e, t + i)),
                }
                t += GROUP;
            }
            while t < time {
                self.row(s, e, t);
                t += 1;
            }
            // Where time is shorter than the state, the state moves up.
            for i in 0..k - 1 {
                self.state.row(e * (k - 1) + i).copy_from_slice(self.p.row(e, time + i));
            }
        }
    }
}

impl Forward<'_> {
    /// One step, any number of taps.
    #[inline(always)]
    fn row<S: Simd>(&mut self, s: S, e: usize, t: usize) {
        let y = self.y.row(e * self.shape.time + t);
        y.copy_from_slice(self.b);
        for j in 0..self.shape.k {
            rows::update!(s, y = &mut *y, [w = self.taps.row(j), x = self.p.row(e, t + j)], s.mul_add(w, x, y));
        }
    }

    /// [`GROUP`] steps: the same sums, with taps and inputs loaded once.
    #[inline(always)]
    fn group<S: Simd, const K: usize>(&mut self, s: S, e: usize, t: usize) {
        let len = self.b.len();
        let mut taps = [self.b; K];
        for (j, tap) in taps.iter_mut().enumerate() {
            *tap = &self.taps.row(j)[..len];
        }
        let mut x = [self.b; GROUP + UNROLLED - 1];
        for (q, x) in x.iter_mut().enumerate().take(GROUP + K - 1) {
            *x = &self.p.row(e, t + q)[..len];
        }
        let [y0, y1, y2, y3] = self.y.rows(e * self.shape.time + t);
        let y = [&mut y0[..len], &mut y1[..len], &mut y2[..len], &mut y3[..len]];
        let mut at = 0;
        // All slices have the length `len`, so that this condition is every bounds check of the loop.
        while at + S::LANES <= len {
            let part = at..at + S::LANES;
            let mut sums = [s.load(&self.b[part.clone()]); GROUP];
            let mut window = [s.splat(0.0); GROUP + UNROLLED - 1];
            for q in 0..GROUP + K - 1 {
                window[q] = s.load(&x[q][part.clone()]);
            }
            for j in 0..K {
                let w = s.load(&taps[j][part.clone()]);
                for i in 0..GROUP {
                    sums[i] = s.mul_add(w, window[i + j], sums[i]);
                }
            }
            for i in 0..GROUP {
                s.store(&mut y[i][part.clone()], sums[i]);
            }
            at += S::LANES;
        }
        if at < len {
            for i in 0..GROUP {
                let mut sum = s.load_part(&self.b[at..]);
                for j in 0..K {
                    sum = s.mul_add(s.load_part(&taps[j][at..]), s.load_part(&x[i + j][at..]), sum);
                }
                s.store_part(&mut y[i][at..], sum);
            }
        }
    }
}
