//! What several ops share: checks of lengths, dense products for any scalar, sums in lanes, and slots.

use std::cell::Cell;

use barewire_kernels::{Isa, Kernel, Scratch, gemm, vectorize};

use crate::Error;
use crate::gradient::Gradient;
use crate::primitive::{Arg, Slot};
use crate::real::{Real, fold_lanes};
use crate::shape::Dims;
use crate::wire::MatrixView;
use crate::workspace::Arena;

/// Refuses a slice of another length than expected; `name` is the argument's.
#[inline(always)]
pub(super) fn length(name: &str, expected: usize, found: usize) -> Result<(), Error> {
    if expected == found { Ok(()) } else { Err(Error::length(name, expected, found)) }
}

/// The numbers of an activation, as many as its sizes say.
pub(super) fn numbers<'a, R: Real>(name: &str, arg: Arg<'_, 'a, R>) -> Result<&'a [R], Error> {
    length(name, arg.dims().len(), arg.data().len())?;
    Ok(arg.data())
}

/// Refuses an activation of other sizes than these.
pub(super) fn shaped<R: Real>(name: &str, arg: Arg<'_, '_, R>, sizes: &[usize]) -> Result<(), Error> {
    let wanted = Dims::new(sizes);
    if arg.dims() != wanted {
        return Err(Error::shape(format!("`{name}` of {wanted}"), format!("{}", arg.dims())));
    }
    numbers(name, arg).map(drop)
}

/// The numbers of a matrix, as many as its sizes say.
pub(super) fn matrix<'r, R>(name: &str, m: MatrixView<'r, R>) -> Result<&'r [R], Error> {
    length(name, m.rows.saturating_mul(m.cols), m.values.len())?;
    Ok(m.values)
}

/// Rows of an activation `[.., size]`.
pub(super) fn rows(name: &str, dims: Dims, size: usize) -> Result<usize, Error> {
    if dims.rank() > 0 && dims.last() == size {
        Ok(dims.rows())
    } else {
        Err(Error::shape(format!("`{name}` with {size} in its last axis"), format!("{dims}")))
    }
}

/// The three axes of an op that mixes along time.
pub(super) fn batch_time_d(name: &str, dims: Dims) -> Result<[usize; 3], Error> {
    dims.sizes().try_into().map_err(|_| Error::shape(format!("`{name}` as [batch, time, d]"), format!("{dims}")))
}

/// The gradient that a slot asks for has the length of the argument.
pub(super) fn slot_length<R: Real>(name: &str, slot: &Slot<'_, R>, expected: usize) -> Result<(), Error> {
    slot.size().map_or(Ok(()), |found| length(name, expected, found))
}

/// The slices as `f32`, if that is what `R` is: what a kernel takes.
pub(super) fn f32s<R: Real, const N: usize>(slices: [&[R]; N]) -> Option<[&[f32]; N]> {
    let mut all = [&[][..]; N];
    for (to, slice) in all.iter_mut().zip(slices) {
        *to = R::as_f32(slice)?;
    }
    Some(all)
}

/// As [`f32s`], mutable.
pub(super) fn f32s_mut<R: Real, const N: usize>(slices: [&mut [R]; N]) -> Option<[&mut [f32]; N]> {
    let mut complete = true;
    let all = slices.map(|slice| {
        R::as_f32_mut(slice).unwrap_or_else(|| {
            complete = false;
            &mut []
        })
    });
    complete.then_some(all)
}

/// Adds sums to a parameter's gradient, if it is wanted.
pub(super) fn add_to_gradient<R: Real>(gradient: &mut Gradient<R>, sums: &[R]) -> Result<(), Error> {
    if let Some(to) = gradient.dense(sums.len())? {
        add_into(to, sums);
    }
    Ok(())
}

/// Runs `f` with the kernels' working memory of this thread, which grows to the largest call seen.
pub(crate) fn with_kernel_scratch<T>(f: impl FnOnce(&mut Scratch) -> T) -> T {
    thread_local! {
        static SCRATCH: Cell<Scratch> = const { Cell::new(Scratch::new()) };
    }
    // taken out for the call, so a nested call gets a fresh one instead of a panic
    let mut scratch = SCRATCH.take();
    let result = f(&mut scratch);
    SCRATCH.set(scratch);
    result
}

/// `y[n,o] = x[n,i] · w[o,i]ᵀ`, or `+=` with `accumulate`: a linear layer. A row's bits do not depend on other rows.
pub(super) fn times_transposed<R: Real>(
    [n, o, i]: [usize; 3],
    x: &[R],
    w: &[R],
    accumulate: bool,
    y: &mut [R],
) -> Result<(), Error> {
    lengths([n, o, i], x, w, y)?;
    if let (Some(x), Some(w), Some(y)) = (R::as_f32(x), R::as_f32(w), R::as_f32_mut(y)) {
        return Ok(with_kernel_scratch(|s| gemm::nt(n, o, i, x, w, accumulate, y, s))?);
    }
    if let (Some(x), Some(w), Some(y)) = (R::as_f64(x), R::as_f64(w), R::as_f64_mut(y)) {
        return Ok(with_kernel_scratch(|s| gemm::nt(n, o, i, x, w, accumulate, y, s))?);
    }
    plain([n, o, i], R::ONE, |r, t| x[r * i + t], |t, s| w[s * i + t], accumulate, y);
    Ok(())
}

/// `x_cot[n,i] = y_cot[n,o] · w[o,i]`, or `+=` with `accumulate`: the cotangent of its input.
pub(super) fn times<R: Real>(
    [n, o, i]: [usize; 3],
    y_cot: &[R],
    w: &[R],
    accumulate: bool,
    x_cot: &mut [R],
) -> Result<(), Error> {
    lengths([n, i, o], y_cot, w, x_cot)?;
    if let (Some(y), Some(w), Some(x)) = (R::as_f32(y_cot), R::as_f32(w), R::as_f32_mut(x_cot)) {
        return Ok(with_kernel_scratch(|s| gemm::nn(n, i, o, y, w, accumulate, x, s))?);
    }
    if let (Some(y), Some(w), Some(x)) = (R::as_f64(y_cot), R::as_f64(w), R::as_f64_mut(x_cot)) {
        return Ok(with_kernel_scratch(|s| gemm::nn(n, i, o, y, w, accumulate, x, s))?);
    }
    plain([n, i, o], R::ONE, |r, t| y_cot[r * o + t], |t, s| w[t * i + s], accumulate, x_cot);
    Ok(())
}

/// `w_cot[o,i] += alpha · y_cot[n,o]ᵀ · x[n,i]`: the gradient of its weights.
pub(crate) fn add_outer<R: Real>(
    [n, o, i]: [usize; 3],
    alpha: R,
    y_cot: &[R],
    x: &[R],
    w_cot: &mut [R],
) -> Result<(), Error> {
    lengths([o, i, n], y_cot, x, w_cot)?;
    let by = alpha.value();
    if let (Some(y), Some(x), Some(w)) = (R::as_f32(y_cot), R::as_f32(x), R::as_f32_mut(w_cot)) {
        return Ok(with_kernel_scratch(|s| gemm::tn(o, i, n, by as f32, y, x, true, w, s))?);
    }
    if let (Some(y), Some(x), Some(w)) = (R::as_f64(y_cot), R::as_f64(x), R::as_f64_mut(w_cot)) {
        return Ok(with_kernel_scratch(|s| gemm::tn(o, i, n, by, y, x, true, w, s))?);
    }
    plain([o, i, n], alpha, |r, t| y_cot[t * o + r], |t, s| x[t * i + s], true, w_cot);
    Ok(())
}

/// Refuses the factors or the product `[m, n]` of a sum over `k` if one has another length.
fn lengths<R>([m, n, k]: [usize; 3], a: &[R], b: &[R], c: &[R]) -> Result<(), Error> {
    length("left factor", m.saturating_mul(k), a.len())?;
    length("right factor", k.saturating_mul(n), b.len())?;
    length("product", m.saturating_mul(n), c.len())
}

/// `c[r,s] = alpha · Σ_t a(r, t) · b(t, s)`, or `+=` with `accumulate`, for scalars that have no kernels: checks only.
fn plain<R: Real>(
    [_, n, k]: [usize; 3],
    alpha: R,
    a: impl Fn(usize, usize) -> R,
    b: impl Fn(usize, usize) -> R,
    accumulate: bool,
    c: &mut [R],
) {
    for (r, c) in c.chunks_exact_mut(n.max(1)).enumerate() {
        for (s, c) in c.iter_mut().enumerate() {
            let mut sum = R::ZERO;
            for t in 0..k {
                sum += a(r, t) * b(t, s);
            }
            let term = alpha * sum;
            *c = if accumulate { *c + term } else { term };
        }
    }
}

/// `x_cot[n,i] (+)= y_cot[n,o] · w[o,i]` into a slot.
pub(super) fn times_into<R: Real>(
    sizes: [usize; 3],
    y_cot: &[R],
    w: &[R],
    slot: &mut Slot<'_, R>,
) -> Result<(), Error> {
    match slot {
        Slot::Skip => Ok(()),
        Slot::Write(g) => times(sizes, y_cot, w, false, g),
        Slot::Add(g) => times(sizes, y_cot, w, true, g),
    }
}

/// Contributes `by * values` to a slot.
pub(super) fn put_scaled<R: Real>(slot: &mut Slot<'_, R>, values: &[R], by: R) {
    match slot {
        Slot::Skip => {}
        Slot::Write(g) => g.iter_mut().zip(values).for_each(|(g, &v)| *g = by * v),
        Slot::Add(g) => g.iter_mut().zip(values).for_each(|(g, &v)| *g += by * v),
    }
}

/// What stands in for the derivative of a unit step at `x`: `k s (1 - s)`, `s = sigmoid(k x)`.
pub(super) fn surrogate<R: Real>(k: R, x: R) -> R {
    let s = (k * x).sigmoid();
    k * s * (R::ONE - s)
}

/// Adds element by element.
#[inline(always)]
pub(super) fn add_into<R: Real>(to: &mut [R], from: &[R]) {
    for (to, &from) in to.iter_mut().zip(from) {
        *to += from;
    }
}

/// Memory of a gradient that a kernel overwrites: the slot's own for a first contribution, else scratch whose content
/// [`finish`](Overwritten::finish) adds.
pub(super) struct Overwritten<'a, R> {
    pub(super) values: &'a mut [R],
    add_to: Option<&'a mut [R]>,
}

impl<'a, R: Real> Overwritten<'a, R> {
    /// Takes the slot apart; `n` is the length of the argument `name`.
    pub(super) fn new(name: &str, slot: Slot<'a, R>, n: usize, scratch: &mut Arena<'a, R>) -> Result<Self, Error> {
        slot_length(name, &slot, n)?;
        Ok(match slot {
            Slot::Write(g) => Overwritten { values: g, add_to: None },
            Slot::Add(g) => Overwritten { values: scratch.take(n), add_to: Some(g) },
            Slot::Skip => Overwritten { values: scratch.take(n), add_to: None },
        })
    }

    /// Adds what was written, where the slot asked for that.
    pub(super) fn finish(self) {
        if let Some(to) = self.add_to {
            add_into(to, self.values);
        }
    }
}

/// Partial sums of a [`dot`]: the order of additions is the same on every machine.
const LANES: usize = 16;
/// Terms that are computed before they are summed: a loop of this length without a sum in it vectorises in every build.
const TILE: usize = 4 * LANES;

/// `Σ f(a_i, b_i, ..)` over the common length of the operands, in lanes and then in a fixed order.
#[inline(always)]
pub(super) fn sum_over<R: Real, const N: usize>(operands: [&[R]; N], f: impl Fn([R; N]) -> R) -> R {
    let n = operands.iter().fold(usize::MAX, |n, o| n.min(o.len()));
    let parts = operands.map(|o| o[..n].as_chunks::<TILE>());
    let mut lanes = [R::ZERO; LANES];
    let mut terms = [R::ZERO; TILE];
    for tile in 0..n / TILE {
        let tiles = parts.map(|(full, _)| &full[tile]);
        for l in 0..TILE {
            terms[l] = f(tiles.map(|tile| tile[l]));
        }
        for terms in terms.as_chunks::<LANES>().0 {
            for l in 0..LANES {
                lanes[l] += terms[l];
            }
        }
    }
    let rest = parts.map(|(_, rest)| rest.as_chunks::<LANES>());
    for chunk in 0..n % TILE / LANES {
        let chunks = rest.map(|(full, _)| &full[chunk]);
        for l in 0..LANES {
            lanes[l] += f(chunks.map(|chunk| chunk[l]));
        }
    }
    for l in 0..n % LANES {
        lanes[l] += f(rest.map(|(_, tail)| tail[l]));
    }
    fold_lanes(lanes, |a, b| a + b)
}

/// `Σ x_i y_i`
#[inline(always)]
pub(super) fn dot<R: Real>(x: &[R], y: &[R]) -> R {
    sum_over([x, y], |[x, y]| x * y)
}

/// `Σ x_i y_i` over rows of `d`: row by row, so that errors grow with the root of the size only.
pub(super) fn dot_rows<R: Real>(x: &[R], y: &[R], d: usize) -> R {
    vectorize(Isa::best(), DotRows { x, y, d: d.max(1) })
}

struct DotRows<'a, R> {
    x: &'a [R],
    y: &'a [R],
    d: usize,
}

impl<R: Real> Kernel for DotRows<'_, R> {
    type Output = R;
    #[inline(always)]
    fn run(self) -> R {
        let mut lanes = [R::ZERO; 8];
        for (row, (x, y)) in self.x.chunks(self.d).zip(self.y.chunks(self.d)).enumerate() {
            lanes[row % 8] += dot(x, y);
        }
        lanes.into_iter().fold(R::ZERO, |sum, lane| sum + lane)
    }
}
