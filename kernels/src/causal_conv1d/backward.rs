//! Cotangents of input, state, taps and bias.

use super::{BLOCK, CHANNELS, GROUP, Line, Padded, Shape, UNROLLED, load, pack, reference, store};
use crate::columns::{Columns, ColumnsMut};
use crate::error::check_len;
use crate::exec::Job;
use crate::simd::{Simd, SimdKernel, dispatch};
use crate::{Exec, Isa, KernelError, Scratch};

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
    let packed = d.div_ceil(CHANNELS) * (k + 1) * CHANNELS;
    let (floats, sums) = scratch.aligned(2 * packed + states, packed);
    let (lines, last) = floats.split_at_mut(2 * packed);
    let (taps, partial) = lines.as_chunks_mut().0.split_at_mut(packed / CHANNELS);
    let (sums, _) = sums.as_chunks_mut();
    pack(w, None, k, taps);
    last.copy_from_slice(state_cot);
    sums.as_flattened_mut().fill(0.0);
    let job = Backward {
        isa: exec.isa(),
        shape,
        taps,
        p: Padded { before: Columns::new(state_initial, d), x: Columns::new(x, d), shape },
        y_cot: Columns::new(y_cot, d),
        last: Columns::new(last, d),
        state_cot: ColumnsMut::new(state_cot, d),
        x_cot: ColumnsMut::new(x_cot, d),
        partial,
        sums,
    };
    exec.run(job, shape.grain());
    for (i, (w_cot, b_cot)) in w_cot.chunks_exact_mut(k).zip(b_cot).enumerate() {
        let sums = &sums[i / CHANNELS * (k + 1)..][..=k];
        for (w_cot, sum) in w_cot.iter_mut().zip(sums) {
            *w_cot = sum[i % CHANNELS] as f32;
        }
        *b_cot = sums[k][i % CHANNELS] as f32;
    }
    Ok(())
}

struct Backward<'a> {
    isa: Isa,
    shape: Shape,
    /// of [`pack`]; the lines of the bias are not used
    taps: &'a [Line],
    p: Padded<'a>,
    y_cot: Columns<'a, f32>,
    /// cotangent of the final state
    last: Columns<'a, f32>,
    state_cot: ColumnsMut<'a, f32>,
    x_cot: ColumnsMut<'a, f32>,
    /// terms of the taps and of the bias, of one block of steps; `k + 1` lines a block of channels
    partial: &'a mut [Line],
    /// the same, of all blocks of steps
    sums: &'a mut [[f64; CHANNELS]],
}

impl Job for Backward<'_> {
    fn units(&self) -> usize {
        self.x_cot.len().div_ceil(CHANNELS)
    }

    fn split_at(self, units: usize) -> (Self, Self) {
        let (at, len) = (units * CHANNELS, self.x_cot.len());
        let [y_cot, last] = [self.y_cot, self.last].map(|c| (c.range(0..at), c.range(at..len)));
        let p = self.p.split_at(at, len);
        let (state_cot, x_cot) = (self.state_cot.split_at(at), self.x_cot.split_at(at));
        let lines = units * (self.shape.k + 1);
        let taps = self.taps.split_at(lines);
        let (partial, sums) = (self.partial.split_at_mut(lines), self.sums.split_at_mut(lines));
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
        match CHANNELS / S::LANES {
            1 => self.sequences::<S, 1>(s),
            2 => self.sequences::<S, 2>(s),
            _ => self.sequences::<S, 4>(s),
        }
    }
}

impl Backward<'_> {
    /// `V`: vectors of a block of channels.
    #[inline(always)]
    fn sequences<S: Simd, const V: usize>(&mut self, s: S) {
        let Shape { batch, time, k, .. } = self.shape;
        for e in 0..batch {
            for q in 0..k - 1 {
                self.input::<S, V>(s, e, q);
            }
            for first in (0..time).step_by(BLOCK) {
                self.partial.as_flattened_mut().fill(0.0);
                let end = time.min(first + BLOCK);
                let mut t = first;
                while t < end {
                    // A group reads the outputs that its last input is a term of.
                    let whole = t + GROUP <= end && t + GROUP + k - 1 <= time;
                    match k {
                        2 if whole => self.group::<S, V, 2>(s, e, t),
                        3 if whole => self.group::<S, V, 3>(s, e, t),
                        4 if whole => self.group::<S, V, 4>(s, e, t),
                        _ => {
                            self.input::<S, V>(s, e, t + k - 1);
                            self.terms::<S, V>(s, e, t);
                            t += 1;
                            continue;
                        }
                    }
                    t += GROUP;
                }
                for (sum, part) in self.sums.as_flattened_mut().iter_mut().zip(self.partial.as_flattened()) {
                    *sum += f64::from(*part);
                }
            }
        }
    }

    /// The cotangent of row `q` of the padded input.
    #[inline(always)]
    fn input<S: Simd, const V: usize>(&mut self, s: S, e: usize, q: usize) {
        let Shape { time, k, .. } = self.shape;
        let before = k - 1;
        let cot = if q < before { self.state_cot.row(e * before + q) } else { self.x_cot.row(e * time + q - before) };
        let last = if q < time { &[] } else { self.last.row(e * before + q - time) };
        for (block, taps) in self.taps.chunks_exact(k + 1).enumerate() {
            let at = block * CHANNELS;
            let mut sum = load::<S, V, true>(s, last, at);
            for (j, tap) in taps[..k].iter().enumerate() {
                if j <= q && q - j < time {
                    let c = load::<S, V, true>(s, self.y_cot.row(e * time + q - j), at);
                    let w = load::<S, V, false>(s, tap, 0);
                    for v in 0..V {
                        sum[v] = s.mul_add(w[v], c[v], sum[v]);
                    }
                }
            }
            store::<S, V, true>(s, cot, at, sum);
        }
    }

    /// The terms of the taps and of the bias at one step.
    #[inline(always)]
    fn terms<S: Simd, const V: usize>(&mut self, s: S, e: usize, t: usize) {
        let Shape { time, k, .. } = self.shape;
        let c = self.y_cot.row(e * time + t);
        for (block, lines) in self.partial.chunks_exact_mut(k + 1).enumerate() {
            let at = block * CHANNELS;
            let c = load::<S, V, true>(s, c, at);
            for (j, line) in lines.iter_mut().enumerate() {
                let mut sum = load::<S, V, false>(s, line, 0);
                // The last line is of the bias.
                let x = if j < k { load::<S, V, true>(s, self.p.row(e, t + j), at) } else { [s.splat(1.0); V] };
                for v in 0..V {
                    sum[v] = s.mul_add(c[v], x[v], sum[v]);
                }
                store::<S, V, false>(s, line, 0, sum);
            }
        }
    }

    /// [`Self::input`] and [`Self::terms`] of [`GROUP`] steps, with what they share loaded once.
    #[inline(always)]
    fn group<S: Simd, const V: usize, const K: usize>(&mut self, s: S, e: usize, t: usize) {
        let first = e * self.shape.time + t;
        let len = self.x_cot.len();
        let mut c = [&[][..]; GROUP + UNROLLED - 1];
        let mut x = c;
        for q in 0..GROUP + K - 1 {
            c[q] = &self.y_cot.row(first + q)[..len];
            x[q] = &self.p.row(e, t + q)[..len];
        }
        let mut x_cot = self.x_cot.rows::<GROUP>(first);
        let blocks = self.taps.chunks_exact(K + 1).zip(self.partial.chunks_exact_mut(K + 1));
        for (block, (taps, partial)) in blocks.enumerate() {
            let at = block * CHANNELS;
            // All slices have the length `len`, so that this condition is every bounds check of the block.
            if at + CHANNELS <= len {
                inputs::<S, V, K, false>(s, taps, c, &mut x_cot, at);
                products::<S, V, K, false>(s, c, x, partial, at);
            } else {
                inputs::<S, V, K, true>(s, taps, c, &mut x_cot, at);
                products::<S, V, K, true>(s, c, x, partial, at);
            }
        }
    }
}

/// Cotangents of a block of channels of [`GROUP`] inputs, the latest output first.
#[inline(always)]
fn inputs<S: Simd, const V: usize, const K: usize, const PART: bool>(
    s: S,
    taps: &[Line],
    c: [&[f32]; GROUP + UNROLLED - 1],
    x_cot: &mut [&mut [f32]; GROUP],
    at: usize,
) {
    let mut window = [[s.splat(0.0); V]; GROUP + UNROLLED - 1];
    for q in 0..GROUP + K - 1 {
        window[q] = load::<S, V, PART>(s, c[q], at);
    }
    let mut cot = [[s.splat(0.0); V]; GROUP];
    for v in 0..V {
        for j in 0..K {
            let w = s.load(&taps[j][v * S::LANES..]);
            for i in 0..GROUP {
                cot[i][v] = s.mul_add(w, window[i + K - 1 - j][v], cot[i][v]);
            }
        }
    }
    for i in 0..GROUP {
        store::<S, V, PART>(s, x_cot[i], at, cot[i]);
    }
}

/// Terms of the taps and of the bias of a block of channels, of [`GROUP`] steps.
#[inline(always)]
fn products<S: Simd, const V: usize, const K: usize, const PART: bool>(
    s: S,
    c: [&[f32]; GROUP + UNROLLED - 1],
    x: [&[f32]; GROUP + UNROLLED - 1],
    partial: &mut [Line],
    at: usize,
) {
    let mut window = [[s.splat(0.0); V]; GROUP + UNROLLED - 1];
    for q in 0..GROUP + K - 1 {
        window[q] = load::<S, V, PART>(s, x[q], at);
    }
    let mut cots = [[s.splat(0.0); V]; GROUP];
    for i in 0..GROUP {
        cots[i] = load::<S, V, PART>(s, c[i], at);
    }
    for v in 0..V {
        // The last one is of the bias.
        let mut terms = [s.splat(0.0); UNROLLED + 1];
        for (term, line) in terms[..=K].iter_mut().zip(&*partial) {
            *term = s.load(&line[v * S::LANES..]);
        }
        for i in 0..GROUP {
            terms[K] = s.add(terms[K], cots[i][v]);
            for j in 0..K {
                terms[j] = s.mul_add(cots[i][v], window[i + j][v], terms[j]);
            }
        }
        for (term, line) in terms[..=K].iter().zip(&mut *partial) {
            s.store(&mut line[v * S::LANES..], *term);
        }
    }
}
