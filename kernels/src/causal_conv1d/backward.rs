//! Cotangents of input, state, taps and bias.

use super::{BLOCK, CHANNELS, GROUP, Padded, Shape, UNROLLED, load, reference, store, transpose};
use crate::columns::{Columns, ColumnsMut};
use crate::error::check_len;
use crate::exec::Job;
use crate::simd::{Simd, SimdKernel, dispatch};
use crate::{Exec, Isa, KernelError, Scratch, rows};

/// Cotangents of [`forward`](super::forward)'s arguments.
///
/// With the state in front of `x`: `x_cot[s] = Σ_j w[:, j] ⊙ y_cot[s + (k-1) - j]`, and for the last `k - 1` inputs the
/// cotangent of the final state, which they are; `w_cot[:, j] = Σ_t y_cot[t] ⊙ x[t - (k-1) + j]`, `b_cot = Σ_t y_cot[t]`.
///
/// | name            | shape              | meaning                                           |
/// |-----------------|--------------------|---------------------------------------------------|
/// | `w`, `x`        |                    | as in the [module](super)                         |
/// | `state_initial` | `[batch, k-1, d]`  | the state before the first step                   |
/// | `y_cot`         | `[batch, time, d]` | cotangent of `y`                                  |
/// | `state_cot`     | `[batch, k-1, d]`  | in: of the final state; out: of the initial state |
/// | `x_cot`         | `[batch, time, d]` | written                                           |
/// | `w_cot`         | `[d, k]`           | written                                           |
/// | `b_cot`         | `[d]`              | written                                           |
///
/// # Errors
/// [`KernelError::Length`] for the first slice of a wrong length, and for `w` where `k` is 0; [`KernelError::Overflow`].
#[expect(clippy::too_many_arguments, reason = "shapes come with their slices")]
pub fn backward(
    w: &[f32],
    x: &[f32],
    state_initial: &[f32],
    y_cot: &[f32],
    batch: usize,
    time: usize,
    d: usize,
    k: usize,
    state_cot: &mut [f32],
    x_cot: &mut [f32],
    w_cot: &mut [f32],
    b_cot: &mut [f32],
    scratch: &mut Scratch,
) -> Result<(), KernelError> {
    let exec = Exec::best();
    backward_with(exec, w, x, state_initial, y_cot, batch, time, d, k, state_cot, x_cot, w_cot, b_cot, scratch)
}

/// [`backward`] on a chosen [`Exec`].
///
/// # Errors
/// As [`backward`].
#[expect(clippy::too_many_arguments, reason = "shapes come with their slices")]
pub fn backward_with(
    exec: impl Into<Exec>,
    w: &[f32],
    x: &[f32],
    state_initial: &[f32],
    y_cot: &[f32],
    batch: usize,
    time: usize,
    d: usize,
    k: usize,
    state_cot: &mut [f32],
    x_cot: &mut [f32],
    w_cot: &mut [f32],
    b_cot: &mut [f32],
    scratch: &mut Scratch,
) -> Result<(), KernelError> {
    let exec = exec.into();
    let shape = Shape { batch, time, d, k };
    let (len, states) = shape.check(w, ("state_initial", state_initial))?;
    check_len("x", x, len)?;
    check_len("y_cot", y_cot, len)?;
    check_len("state_cot", state_cot, states)?;
    check_len("x_cot", x_cot, len)?;
    check_len("w_cot", w_cot, w.len())?;
    check_len("b_cot", b_cot, d)?;
    if len == 0 {
        w_cot.fill(0.0);
        b_cot.fill(0.0);
        return Ok(());
    }
    if exec.isa() == Isa::Reference {
        reference::backward(w, x, state_initial, y_cot, [time, d, k], state_cot, x_cot, w_cot, b_cot);
        return Ok(());
    }
    let (floats, sums) = scratch.floats(w.len() + states + (k + 1) * d, (k + 1) * d);
    let (taps, floats) = floats.split_at_mut(w.len());
    let (last, partial) = floats.split_at_mut(states);
    transpose(w, k, taps);
    last.copy_from_slice(state_cot);
    sums.fill(0.0);
    let job = Backward {
        isa: exec.isa(),
        shape,
        taps: Columns::new(taps, d),
        p: Padded { before: Columns::new(state_initial, d), x: Columns::new(x, d), shape },
        y_cot: Columns::new(y_cot, d),
        last: Columns::new(last, d),
        state_cot: ColumnsMut::new(state_cot, d),
        x_cot: ColumnsMut::new(x_cot, d),
        partial: ColumnsMut::new(partial, d),
        sums: ColumnsMut::new(sums, d),
    };
    exec.run(job, shape.grain());
    let (taps, bias) = sums.split_at(k * d);
    for (i, w_cot) in w_cot.iter_mut().enumerate() {
        *w_cot = taps[i % k * d + i / k] as f32;
    }
    for (b_cot, sum) in b_cot.iter_mut().zip(bias) {
        *b_cot = *sum as f32;
    }
    Ok(())
}

struct Backward<'a> {
    isa: Isa,
    shape: Shape,
    taps: Columns<'a, f32>,
    p: Padded<'a>,
    y_cot: Columns<'a, f32>,
    /// cotangent of the final state
    last: Columns<'a, f32>,
    state_cot: ColumnsMut<'a, f32>,
    x_cot: ColumnsMut<'a, f32>,
    /// `[k + 1, d]`: terms of the taps and of the bias, of one block of steps
    partial: ColumnsMut<'a, f32>,
    /// the same, of all blocks
    sums: ColumnsMut<'a, f64>,
}

impl Job for Backward<'_> {
    fn units(&self) -> usize {
        self.x_cot.len().div_ceil(CHANNELS)
    }

    fn split_at(self, units: usize) -> (Self, Self) {
        let (at, len) = (units * CHANNELS, self.x_cot.len());
        let [taps, y_cot, last] = [self.taps, self.y_cot, self.last].map(|c| (c.range(0..at), c.range(at..len)));
        let p = self.p.split_at(at, len);
        let (state_cot, x_cot) = (self.state_cot.split_at(at), self.x_cot.split_at(at));
        let (partial, sums) = (self.partial.split_at(at), self.sums.split_at(at));
        let Self { isa, shape, .. } = self;
        (
            Self {
                isa,
                shape,
                taps: taps.0,
                p: p.0,
                y_cot: y_cot.0,
                last: last.0,
                state_cot: state_cot.0,
                x_cot: x_cot.0,
                partial: partial.0,
                sums: sums.0,
            },
            Self {
                isa,
                shape,
                taps: taps.1,
                p: p.1,
                y_cot: y_cot.1,
                last: last.1,
                state_cot: state_cot.1,
                x_cot: x_cot.1,
                partial: partial.1,
                sums: sums.1,
            },
        )
    }

    fn run(self) {
        dispatch(self.isa, self);
    }
}

impl SimdKernel for Backward<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(mut self, s: S) {
        let Shape { batch, time, k, .. } = self.shape;
        for e in 0..batch {
            for q in 0..k - 1 {
                self.input(s, e, q);
            }
            for first in (0..time).step_by(BLOCK) {
                (0..=k).for_each(|j| self.partial.row(j).fill(0.0));
                let end = time.min(first + BLOCK);
                let mut t = first;
                while t < end {
                    // A group reads the outputs that its last input is a term of.
                    let whole = t + GROUP <= end && t + GROUP + k - 1 <= time;
                    match k {
                        2 if whole => self.group::<S, 2>(s, e, t),
                        3 if whole => self.group::<S, 3>(s, e, t),
                        4 if whole => self.group::<S, 4>(s, e, t),
                        _ => {
                            self.input(s, e, t + k - 1);
                            self.terms(s, e, t);
                            t += 1;
                            continue;
                        }
                    }
                    t += GROUP;
                }
                for j in 0..=k {
                    for (sum, part) in self.sums.row(j).iter_mut().zip(self.partial.row(j)) {
                        *sum += f64::from(*part);
                    }
                }
            }
        }
    }
}

impl Backward<'_> {
    /// The cotangent of row `q` of the padded input.
    #[inline(always)]
    fn input<S: Simd>(&mut self, s: S, e: usize, q: usize) {
        let Shape { time, k, .. } = self.shape;
        let before = k - 1;
        let cot = if q < before { self.state_cot.row(e * before + q) } else { self.x_cot.row(e * time + q - before) };
        if q >= time {
            cot.copy_from_slice(self.last.row(e * before + q - time));
        } else {
            cot.fill(0.0);
        }
        for j in 0..k {
            if j <= q && q - j < time {
                let y_cot = self.y_cot.row(e * time + q - j);
                rows::update!(s, sum = &mut *cot, [w = self.taps.row(j), c = y_cot], s.mul_add(w, c, sum));
            }
        }
    }

    /// The terms of the taps and of the bias at one step.
    #[inline(always)]
    fn terms<S: Simd>(&mut self, s: S, e: usize, t: usize) {
        let Shape { time, k, .. } = self.shape;
        let c = self.y_cot.row(e * time + t);
        for j in 0..k {
            rows::update!(s, sum = self.partial.row(j), [c = c, x = self.p.row(e, t + j)], s.mul_add(c, x, sum));
        }
        rows::update!(s, sum = self.partial.row(k), [c = c], s.add(sum, c));
    }

    /// [`Self::input`] and [`Self::terms`] of [`GROUP`] steps, with what they share loaded once.
    #[inline(always)]
    fn group<S: Simd, const K: usize>(&mut self, s: S, e: usize, t: usize) {
        let first = e * self.shape.time + t;
        let mut taps = [self.taps.row(0); K];
        for (j, tap) in taps.iter_mut().enumerate() {
            *tap = self.taps.row(j);
        }
        let mut c = [self.y_cot.row(first); GROUP + UNROLLED - 1];
        let mut x = c;
        for q in 0..GROUP + K - 1 {
            c[q] = self.y_cot.row(first + q);
            x[q] = self.p.row(e, t + q);
        }
        let len = self.x_cot.len();
        let whole = len - len % S::LANES;
        for at in (0..whole).step_by(S::LANES) {
            self.inputs::<S, K, false>(s, taps, c, first, at);
            self.products::<S, K, false>(s, c, x, at);
        }
        if whole < len {
            self.inputs::<S, K, true>(s, taps, c, first, whole);
            self.products::<S, K, true>(s, c, x, whole);
        }
    }

    /// Cotangents of a vector of channels of [`GROUP`] inputs, the latest output first.
    #[inline(always)]
    fn inputs<S: Simd, const K: usize, const PART: bool>(
        &mut self,
        s: S,
        taps: [&[f32]; K],
        c: [&[f32]; GROUP + UNROLLED - 1],
        first: usize,
        at: usize,
    ) {
        let mut cot = [s.splat(0.0); GROUP];
        let mut window = [s.splat(0.0); GROUP + UNROLLED - 1];
        for q in 0..GROUP + K - 1 {
            window[q] = load::<S, PART>(s, c[q], at);
        }
        for j in 0..K {
            let w = load::<S, PART>(s, taps[j], at);
            for i in 0..GROUP {
                cot[i] = s.mul_add(w, window[i + K - 1 - j], cot[i]);
            }
        }
        for (i, cot) in cot.iter().enumerate() {
            store::<S, PART>(s, self.x_cot.row(first + i), at, *cot);
        }
    }

    /// Terms of the taps and of the bias of a vector of channels, of [`GROUP`] steps.
    #[inline(always)]
    fn products<S: Simd, const K: usize, const PART: bool>(
        &mut self,
        s: S,
        c: [&[f32]; GROUP + UNROLLED - 1],
        x: [&[f32]; GROUP + UNROLLED - 1],
        at: usize,
    ) {
        let mut window = [s.splat(0.0); GROUP + UNROLLED - 1];
        for q in 0..GROUP + K - 1 {
            window[q] = load::<S, PART>(s, x[q], at);
        }
        // The last one is of the bias.
        let mut terms = [s.splat(0.0); UNROLLED + 1];
        for (j, term) in terms[..=K].iter_mut().enumerate() {
            *term = load::<S, PART>(s, self.partial.row(j), at);
        }
        for i in 0..GROUP {
            let c = load::<S, PART>(s, c[i], at);
            terms[K] = s.add(terms[K], c);
            for j in 0..K {
                terms[j] = s.mul_add(c, window[i + j], terms[j]);
            }
        }
        for (j, term) in terms[..=K].iter().enumerate() {
            store::<S, PART>(s, self.partial.row(j), at, *term);
        }
    }
}
