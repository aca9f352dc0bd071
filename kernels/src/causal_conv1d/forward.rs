//! Outputs and the new state.

use super::{CHANNELS, GROUP, Line, Padded, Shape, UNROLLED, load, pack, reference, store};
use crate::columns::{Columns, ColumnsMut};
use crate::error::check_len;
use crate::exec::Job;
use crate::simd::{Simd, SimdKernel, dispatch};
use crate::{Exec, Isa, KernelError, Scratch};

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
    let packed = d.div_ceil(CHANNELS) * (k + 1) * CHANNELS;
    let (taps, before) = scratch.aligned(packed + states, 0).0.split_at_mut(packed);
    let (taps, _) = taps.as_chunks_mut();
    pack(w, Some(b), k, taps);
    before.copy_from_slice(state);
    let job = Forward {
        isa: exec.isa(),
        shape,
        taps,
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
    /// of [`pack`], with the bias
    taps: &'a [Line],
    p: Padded<'a>,
    state: ColumnsMut<'a, f32>,
    y: ColumnsMut<'a, f32>,
}

impl Job for Forward<'_> {
    fn units(&self) -> usize {
        self.y.len().div_ceil(CHANNELS)
    }

    fn split_at(self, units: usize) -> (Self, Self) {
        let (at, len) = (units * CHANNELS, self.y.len());
        let taps = self.taps.split_at(units * (self.shape.k + 1));
        let (p, state, y) = (self.p.split_at(at, len), self.state.split_at(at), self.y.split_at(at));
        (
            Self { taps: taps.0, p: p.0, state: state.0, y: y.0, ..self },
            Self { taps: taps.1, p: p.1, state: state.1, y: y.1, ..self },
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
        match CHANNELS / S::LANES {
            1 => self.sequences::<S, 1>(s),
            2 => self.sequences::<S, 2>(s),
            _ => self.sequences::<S, 4>(s),
        }
    }
}

impl Forward<'_> {
    /// `V`: vectors of a block.
    #[inline(always)]
    fn sequences<S: Simd, const V: usize>(&mut self, s: S) {
        let Shape { batch, time, k, .. } = self.shape;
        for e in 0..batch {
            match k {
                2 => self.unrolled::<S, V, 2>(s, e),
                3 => self.unrolled::<S, V, 3>(s, e),
                4 => self.unrolled::<S, V, 4>(s, e),
                _ => self.any::<S, V>(s, e),
            }
            // Where time is shorter than the state, the state moves up.
            for i in 0..k - 1 {
                self.state.row(e * (k - 1) + i).copy_from_slice(self.p.row(e, time + i));
            }
        }
    }

    /// All steps, any number of taps.
    #[inline(always)]
    fn any<S: Simd, const V: usize>(&mut self, s: S, e: usize) {
        let Shape { time, k, .. } = self.shape;
        for t in 0..time {
            let y = self.y.row(e * time + t);
            for (block, lines) in self.taps.chunks_exact(k + 1).enumerate() {
                let (taps, bias) = lines.split_at(k);
                let mut sum = load::<S, V, false>(s, &bias[0], 0);
                for (j, tap) in taps.iter().enumerate() {
                    let x = load::<S, V, true>(s, self.p.row(e, t + j), block * CHANNELS);
                    let w = load::<S, V, false>(s, tap, 0);
                    for v in 0..V {
                        sum[v] = s.mul_add(w[v], x[v], sum[v]);
                    }
                }
                store::<S, V, true>(s, y, block * CHANNELS, sum);
            }
        }
    }

    /// All steps, with `K` taps.
    #[inline(always)]
    fn unrolled<S: Simd, const V: usize, const K: usize>(&mut self, s: S, e: usize) {
        let time = self.shape.time;
        let grouped = time - time % GROUP;
        for t in (0..grouped).step_by(GROUP) {
            self.group::<S, V, K, GROUP>(s, e, t);
        }
        for t in grouped..time {
            self.group::<S, V, K, 1>(s, e, t);
        }
    }

    /// `G` steps: the same sums as one by one, with taps and inputs loaded once.
    #[inline(always)]
    fn group<S: Simd, const V: usize, const K: usize, const G: usize>(&mut self, s: S, e: usize, t: usize) {
        let len = self.y.len();
        let mut x = [&[][..]; GROUP + UNROLLED - 1];
        for (q, x) in x.iter_mut().enumerate().take(G + K - 1) {
            *x = &self.p.row(e, t + q)[..len];
        }
        let mut y = self.y.rows::<G>(e * self.shape.time + t);
        for (block, taps) in self.taps.chunks_exact(K + 1).enumerate() {
            let at = block * CHANNELS;
            // All slices have the length `len`, so that this condition is every bounds check of the block.
            if at + CHANNELS <= len {
                outputs::<S, V, K, G, false>(s, taps, x, &mut y, at);
            } else {
                outputs::<S, V, K, G, true>(s, taps, x, &mut y, at);
            }
        }
    }
}

/// A block of `G` outputs. All of it is computed before any is stored, so that a line of `x` is done with when a
/// line of `y` takes its place.
#[inline(always)]
fn outputs<S: Simd, const V: usize, const K: usize, const G: usize, const PART: bool>(
    s: S,
    taps: &[Line],
    x: [&[f32]; GROUP + UNROLLED - 1],
    y: &mut [&mut [f32]; G],
    at: usize,
) {
    let mut window = [[s.splat(0.0); V]; GROUP + UNROLLED - 1];
    for q in 0..G + K - 1 {
        window[q] = load::<S, V, PART>(s, x[q], at);
    }
    let mut sums = [load::<S, V, false>(s, &taps[K], 0); G];
    for v in 0..V {
        for j in 0..K {
            let w = s.load(&taps[j][v * S::LANES..]);
            for i in 0..G {
                sums[i][v] = s.mul_add(w, window[i + j][v], sums[i][v]);
            }
        }
    }
    for i in 0..G {
        store::<S, V, PART>(s, y[i], at, sums[i]);
    }
}
