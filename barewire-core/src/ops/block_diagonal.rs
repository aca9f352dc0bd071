//! A linear map of blocks along the diagonal.

use super::support::{add_to_gradient, length, matrix, numbers, rows, slot_length};
use crate::Error;
use crate::gradient::Gradient;
use crate::primitive::{Arg, Primitive, Slot};
use crate::real::Real;
use crate::residual::{Arrays, Elements, Outgoing, PortableOp};
use crate::shape::Sig;
use crate::wire::MatrixView;
use crate::workspace::Arena;

/// A linear map whose matrix has square blocks along its diagonal and zeros elsewhere: `y = W x`.
///
/// `y[g k + i] = Σ_j w[g k + i, j] · x[g k + j]`, for each block `g` of `k` channels
///
/// | name   | shape     | range or unit                                       |
/// |--------|-----------|-----------------------------------------------------|
/// | `w`    | `[d, k]`  | the blocks below each other; `k` divides `d`        |
/// | `x`    | `[.., d]` | any                                                 |
/// | result | `[.., d]` | as `x`                                              |
///
/// With `k` 1 it is a product with a diagonal, with `k = d` a dense matrix: `d k` numbers and products in place of `d²`.
///
/// VJP: `x̄ = Wᵀ ȳ`, and `w̄[g k + i, j] = Σ ȳ[g k + i] x[g k + j]` over the rows of `x`.
///
/// Residual: borrows `w` and `x`.
///
/// # Errors
/// `Shape` if `k` does not divide `d`, or if sizes do not fit.
#[allow(non_camel_case_types)]
pub struct block_diagonal;

/// What [`block_diagonal`] keeps.
#[derive(Clone, Copy, Debug)]
pub struct Residual<'r, R> {
    w: Blocks<'r, R>,
    x: &'r [R],
}

impl Primitive for block_diagonal {
    const SIG: Sig = Sig::new("(d k), (.. d) -> (.. d)");
    const KEEPS: &'static [bool] = &[true, true];
    type Args<'r, 'a, R: Real> = (MatrixView<'r, R>, Arg<'r, 'a, R>);
    type Cots<'a, R: Real> = (&'a mut Gradient<R>, Slot<'a, R>);
    type Out<T> = [T; 1];
    type Residual<'r, R: Real> = Residual<'r, R>;
    type State<R: Real> = ();

    fn forward_saving<'r, R: Real>(
        (w, x): (MatrixView<'r, R>, Arg<'r, '_, R>),
        [y]: [&mut [R]; 1],
        _: &mut (),
        saved: &mut Arena<'r, R>,
        _: Arena<'_, R>,
    ) -> Result<Residual<'r, R>, Error> {
        let w = Blocks::new("w", w)?;
        rows("x", x.dims(), w.d)?;
        let values = numbers("x", x)?;
        length("result", values.len(), y.len())?;
        for (x, y) in values.chunks_exact(w.d.max(1)).zip(y.chunks_exact_mut(w.d.max(1))) {
            y.fill(R::ZERO);
            w.add_product(x, y);
        }
        Ok(Residual { w, x: x.keep(saved) })
    }

    fn vjp<R: Real>(
        Residual { w, x }: Residual<'_, R>,
        _: [&[R]; 1],
        [c]: [&[R]; 1],
        (w_cot, mut slot): (&mut Gradient<R>, Slot<'_, R>),
        _: &mut (),
        mut scratch: Arena<'_, R>,
    ) -> Result<(), Error> {
        length("cotangent", x.len(), c.len())?;
        slot_length("x", &slot, x.len())?;
        let d = w.d.max(1);
        let sums = scratch.take_zeros(w.values.len());
        for (x, c) in x.chunks_exact(d).zip(c.chunks_exact(d)) {
            w.add_outer(c, x, sums);
        }
        add_to_gradient(w_cot, sums)?;
        if let Some(x_cot) = slot.accumulate() {
            for (x_cot, c) in x_cot.chunks_exact_mut(d).zip(c.chunks_exact(d)) {
                w.add_transposed_product(c, x_cot);
            }
        }
        Ok(())
    }
}

impl PortableOp for block_diagonal {
    const ARRAYS: &'static [(&'static str, Elements)] = &[];

    fn write(_: Self::Residual<'_, f32>, _: &mut Outgoing<'_>) {}
    fn read<'r>((w, x): Self::Args<'r, 'r, f32>, from: &mut Arrays<'_, 'r>) -> Result<Self::Residual<'r, f32>, Error> {
        let w = Blocks::new("w", w)?;
        rows("x", x.dims(), w.d)?;
        Ok(Residual { w, x: from.kept(x)? })
    }
}

/// Square blocks below each other.
#[derive(Clone, Copy, Debug)]
pub(super) struct Blocks<'r, R> {
    pub(super) values: &'r [R],
    /// channels
    pub(super) d: usize,
    /// channels of a block
    k: usize,
}

impl<'r, R: Real> Blocks<'r, R> {
    pub(super) fn new(name: &str, w: MatrixView<'r, R>) -> Result<Self, Error> {
        let (values, d, k) = (matrix(name, w)?, w.rows, w.cols);
        if k == 0 || !d.is_multiple_of(k) {
            let wanted = alloc::format!("blocks `{name}` whose size divides {d}");
            return Err(Error::shape(wanted, alloc::format!("{k}")));
        }
        Ok(Blocks { values, d, k })
    }

    /// `y += W x`, of one row.
    pub(super) fn add_product(&self, x: &[R], y: &mut [R]) {
        for ((w, x), y) in self.each(x).zip(y.chunks_exact_mut(self.k)) {
            for (w, y) in w.chunks_exact(self.k).zip(y) {
                w.iter().zip(x).for_each(|(w, x)| *y += *w * *x);
            }
        }
    }

    /// `x += Wᵀ y`, of one row.
    pub(super) fn add_transposed_product(&self, y: &[R], x: &mut [R]) {
        for ((w, y), x) in self.each(y).zip(x.chunks_exact_mut(self.k)) {
            for (w, y) in w.chunks_exact(self.k).zip(y) {
                x.iter_mut().zip(w).for_each(|(x, w)| *x += *w * *y);
            }
        }
    }

    /// `sums += y xᵀ`, of one row, on the blocks alone.
    pub(super) fn add_outer(&self, y: &[R], x: &[R], sums: &mut [R]) {
        for ((x, y), sums) in
            x.chunks_exact(self.k).zip(y.chunks_exact(self.k)).zip(sums.chunks_exact_mut(self.k * self.k))
        {
            for (y, sums) in y.iter().zip(sums.chunks_exact_mut(self.k)) {
                sums.iter_mut().zip(x).for_each(|(sum, x)| *sum += *y * *x);
            }
        }
    }

    /// Each block with its channels.
    fn each<'x>(&self, x: &'x [R]) -> impl Iterator<Item = (&'r [R], &'x [R])> + use<'r, 'x, R> {
        self.values.chunks_exact(self.k * self.k).zip(x.chunks_exact(self.k))
    }
}
