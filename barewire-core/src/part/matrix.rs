//! Matrices as parts: floats with a gradient, packed codes with a signal.

use alloc::string::String;

use super::{Elementwise, GradLeaf, Leaf, LeafMut, Parameter, Part, lifted, lower_slice, walk_floats};
use crate::Error;
use crate::fuse::Sink;
use crate::gradient::{Gradient, QuantizedGrad, Signal};
use crate::real::{Lift, Real};
use crate::shape::Dims;
use crate::state::descend;
use crate::wire::{
    BinaryMatrix, BinaryView, Index, Matrix, MatrixView, QuantizedMatrix, QuantizedView, TernaryMatrix, TernaryView,
};
use crate::workspace::Arena;

impl Part for Matrix<f32> {
    type Grad<R: Real> = Gradient<R>;

    fn ignored<R: Real>() -> Gradient<R> {
        Gradient::ignored()
    }
    fn point<R: Real, P: Lift<R>>(view: MatrixView<'_, P>) -> Gradient<R> {
        lifted(view.values)
    }
    fn at<'o, 'w: 'o, R: Real, P: Lift<R>>(
        view: MatrixView<'w, P>,
        point: &'o Gradient<R>,
        _: &'o Index,
    ) -> Result<MatrixView<'o, R>, Error> {
        Ok(MatrixView { rows: view.rows, cols: view.cols, values: point.as_point(view.values.len())? })
    }
    fn walk<R: Real, P: Lift<R>>(
        view: MatrixView<'_, P>,
        grad: &mut Gradient<R>,
        path: &mut String,
        visit: &mut dyn FnMut(Leaf<'_, R>),
    ) -> Result<(), Error> {
        walk_floats(view.values, <Self as Parameter>::dims(&view), grad, path, visit)
    }
    fn walk_mut(
        view: Self::ViewMut<'_>,
        grad: &mut Gradient<f32>,
        path: &mut String,
        visit: &mut dyn FnMut(LeafMut<'_>),
    ) -> Result<(), Error> {
        visit(LeafMut::Float { path, dims: Dims::new(&[view.rows, view.cols]), values: view.values, grad });
        Ok(())
    }
    fn walk_grad<R: Real>(grad: &mut Gradient<R>, visit: &mut dyn FnMut(GradLeaf<'_, R>)) {
        visit(GradLeaf::Float(grad));
    }
    fn add_grad<R: Real>(grad: &mut Gradient<R>, other: &Gradient<R>) -> Result<(), Error> {
        grad.add(other)
    }
}

impl Parameter for Matrix<f32> {
    const RANK: usize = 2;
    fn dims<P: Copy + 'static>(view: &MatrixView<'_, P>) -> Dims {
        Dims::new(&[view.rows, view.cols])
    }
    fn lower<'w: 'r, 'r, R: Real, P: Lift<R>>(view: MatrixView<'w, P>, arena: &mut Arena<'r, R>) -> MatrixView<'r, R> {
        MatrixView { rows: view.rows, cols: view.cols, values: lower_slice(view.values, arena) }
    }
}

impl Elementwise for Matrix<f32> {
    fn numbers<'a, R: Real>(view: &'a MatrixView<'_, R>) -> &'a [R] {
        view.values
    }
    fn sink<R: Real, const SPREAD: u8>(grad: &mut Gradient<R>, n: usize) -> Result<Sink<'_, R, SPREAD>, Error> {
        Sink::parameter(grad, n)
    }
}

impl Part for TernaryMatrix {
    type Grad<R: Real> = Signal<R>;

    fn ignored<R: Real>() -> Signal<R> {
        Signal::ignored()
    }
    fn point<R: Real, P: Lift<R>>(_: TernaryView<'_>) -> Signal<R> {
        Signal::default()
    }
    fn at<'o, 'w: 'o, R: Real, P: Lift<R>>(
        view: TernaryView<'w>,
        _: &'o Signal<R>,
        _: &'o Index,
    ) -> Result<TernaryView<'o>, Error> {
        Ok(view)
    }
    fn walk<R: Real, P: Lift<R>>(
        _: TernaryView<'_>,
        _: &mut Signal<R>,
        _: &mut String,
        _: &mut dyn FnMut(Leaf<'_, R>),
    ) -> Result<(), Error> {
        Ok(())
    }
    fn walk_mut(
        view: Self::ViewMut<'_>,
        signal: &mut Signal<f32>,
        path: &mut String,
        visit: &mut dyn FnMut(LeafMut<'_>),
    ) -> Result<(), Error> {
        visit(LeafMut::Ternary { path, rows: view.rows, cols: view.cols, words: view.words, signal, scale: None });
        Ok(())
    }
    fn walk_grad<R: Real>(grad: &mut Signal<R>, visit: &mut dyn FnMut(GradLeaf<'_, R>)) {
        visit(GradLeaf::Signal(grad));
    }
    fn add_grad<R: Real>(grad: &mut Signal<R>, other: &Signal<R>) -> Result<(), Error> {
        grad.add(other)
    }
}

impl Parameter for TernaryMatrix {
    const RANK: usize = 2;
    fn dims<P: Copy + 'static>(view: &TernaryView<'_>) -> Dims {
        Dims::new(&[view.rows, view.cols])
    }
    fn lower<'w: 'r, 'r, R: Real, P: Lift<R>>(view: TernaryView<'w>, _: &mut Arena<'r, R>) -> TernaryView<'r> {
        view
    }
}

impl Part for BinaryMatrix {
    type Grad<R: Real> = Signal<R>;

    fn ignored<R: Real>() -> Signal<R> {
        Signal::ignored()
    }
    fn point<R: Real, P: Lift<R>>(_: BinaryView<'_>) -> Signal<R> {
        Signal::default()
    }
    fn at<'o, 'w: 'o, R: Real, P: Lift<R>>(
        view: BinaryView<'w>,
        _: &'o Signal<R>,
        _: &'o Index,
    ) -> Result<BinaryView<'o>, Error> {
        Ok(view)
    }
    fn walk<R: Real, P: Lift<R>>(
        _: BinaryView<'_>,
        _: &mut Signal<R>,
        _: &mut String,
        _: &mut dyn FnMut(Leaf<'_, R>),
    ) -> Result<(), Error> {
        Ok(())
    }
    fn walk_mut(
        view: Self::ViewMut<'_>,
        signal: &mut Signal<f32>,
        path: &mut String,
        visit: &mut dyn FnMut(LeafMut<'_>),
    ) -> Result<(), Error> {
        visit(LeafMut::Binary { path, rows: view.rows, cols: view.cols, words: view.words, signal });
        Ok(())
    }
    fn walk_grad<R: Real>(grad: &mut Signal<R>, visit: &mut dyn FnMut(GradLeaf<'_, R>)) {
        visit(GradLeaf::Signal(grad));
    }
    fn add_grad<R: Real>(grad: &mut Signal<R>, other: &Signal<R>) -> Result<(), Error> {
        grad.add(other)
    }
}

impl Parameter for BinaryMatrix {
    const RANK: usize = 2;
    fn dims<P: Copy + 'static>(view: &BinaryView<'_>) -> Dims {
        Dims::new(&[view.rows, view.cols])
    }
    fn lower<'w: 'r, 'r, R: Real, P: Lift<R>>(view: BinaryView<'w>, _: &mut Arena<'r, R>) -> BinaryView<'r> {
        view
    }
}

/// Its scale and zero are floats with gradients, its codes receive a signal.
impl Part for QuantizedMatrix {
    type Grad<R: Real> = QuantizedGrad<R>;

    fn ignored<R: Real>() -> QuantizedGrad<R> {
        QuantizedGrad::ignored()
    }
    fn point<R: Real, P: Lift<R>>(view: QuantizedView<'_, P>) -> QuantizedGrad<R> {
        QuantizedGrad { scale: view.scale.lift(), zero: view.zero.lift(), signal: Signal::default() }
    }
    fn at<'o, 'w: 'o, R: Real, P: Lift<R>>(
        view: QuantizedView<'w, P>,
        point: &'o QuantizedGrad<R>,
        _: &'o Index,
    ) -> Result<QuantizedView<'o, R>, Error> {
        let QuantizedView { rows, cols, bits, words, .. } = view;
        Ok(QuantizedView { rows, cols, bits, scale: point.scale, zero: point.zero, words })
    }
    fn walk<R: Real, P: Lift<R>>(
        view: QuantizedView<'_, P>,
        grad: &mut QuantizedGrad<R>,
        path: &mut String,
        visit: &mut dyn FnMut(Leaf<'_, R>),
    ) -> Result<(), Error> {
        descend(path, "scale", |path| f32::walk::<R, P>(view.scale, &mut grad.scale, path, visit))?;
        descend(path, "zero", |path| f32::walk::<R, P>(view.zero, &mut grad.zero, path, visit))
    }
    fn walk_mut(
        view: Self::ViewMut<'_>,
        grad: &mut QuantizedGrad<f32>,
        path: &mut String,
        visit: &mut dyn FnMut(LeafMut<'_>),
    ) -> Result<(), Error> {
        descend(path, "scale", |path| f32::walk_mut(view.scale, &mut grad.scale, path, visit))?;
        descend(path, "zero", |path| f32::walk_mut(view.zero, &mut grad.zero, path, visit))
    }
    fn walk_grad<R: Real>(grad: &mut QuantizedGrad<R>, visit: &mut dyn FnMut(GradLeaf<'_, R>)) {
        visit(GradLeaf::Number(&mut grad.scale));
        visit(GradLeaf::Number(&mut grad.zero));
        visit(GradLeaf::Signal(&mut grad.signal));
    }
    fn add_grad<R: Real>(grad: &mut QuantizedGrad<R>, other: &QuantizedGrad<R>) -> Result<(), Error> {
        grad.add(other)
    }
}

impl Parameter for QuantizedMatrix {
    const RANK: usize = 2;
    fn dims<P: Copy + 'static>(view: &QuantizedView<'_, P>) -> Dims {
        Dims::new(&[view.rows, view.cols])
    }
    fn lower<'w: 'r, 'r, R: Real, P: Lift<R>>(
        view: QuantizedView<'w, P>,
        _: &mut Arena<'r, R>,
    ) -> QuantizedView<'r, R> {
        let QuantizedView { rows, cols, bits, words, .. } = view;
        QuantizedView { rows, cols, bits, scale: view.scale.lift(), zero: view.zero.lift(), words }
    }
}
