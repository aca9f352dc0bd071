//! `Vec<T>` as a part (a list of numbers, or a list of parts) and as a layer (its elements applied in turn).

use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

use crate::Error;
use crate::error::Inside;
use crate::fuse::Sink;
use crate::gradient::Gradient;
use crate::layer::{Buf, Input, Layer, Sizes, exactly, exactly_mut};
use crate::part::{Elementwise, GradLeaf, Leaf, LeafMut, Parameter, Part};
use crate::primitive::{Arg, Slot};
use crate::real::{Lift, Real};
use crate::shape::{Dims, MAX_ARGS, Sig, in_turn};
use crate::state::descend;
use crate::wire::{Element, Flags, Index, ListOf, Octets, Padded, Walked, Wire};
use crate::workspace::Arena;

/// A kind of list (see [`Element`]) that is a [`Part`]. The methods are those of `Part`, for the list.
pub trait PartList<T: Wire>: ListOf<T> {
    /// The cotangent of the list.
    type Grad<R: Real>: Default;

    /// See [`Part::ignored`].
    fn ignored<R: Real>() -> Self::Grad<R> {
        Self::Grad::default()
    }
    /// See [`Part::point`].
    fn point<R: Real, P: Lift<R>>(view: &[T::View<'_, P>]) -> Self::Grad<R>;
    /// See [`Part::at`].
    ///
    /// # Errors
    /// As there.
    fn at<'o, 'w: 'o, R: Real, P: Lift<R>>(
        view: &'w [T::View<'w, P>],
        point: &'o Self::Grad<R>,
        index: &'o Index,
    ) -> Result<&'o [T::View<'o, R>], Error>;
    /// See [`Part::walk`].
    ///
    /// # Errors
    /// As there.
    fn walk<R: Real, P: Lift<R>>(
        view: &[T::View<'_, P>],
        grad: &mut Self::Grad<R>,
        path: &mut String,
        visit: &mut dyn FnMut(Leaf<'_, R>),
    ) -> Result<(), Error>;
    /// See [`Part::walk_mut`].
    ///
    /// # Errors
    /// As there.
    fn walk_mut(
        view: Self::ListMut<'_>,
        grad: &mut Self::Grad<f32>,
        path: &mut String,
        visit: &mut dyn FnMut(LeafMut<'_>),
    ) -> Result<(), Error>;
    /// See [`Part::walk_grad`].
    fn walk_grad<R: Real>(grad: &mut Self::Grad<R>, visit: &mut dyn FnMut(GradLeaf<'_, R>));
    /// See [`Part::add_grad`].
    ///
    /// # Errors
    /// As there.
    fn add_grad<R: Real>(grad: &mut Self::Grad<R>, other: &Self::Grad<R>) -> Result<(), Error>;
}

impl<T: Element> Part for Vec<T>
where
    T::Kind: PartList<T>,
{
    type Grad<R: Real> = <T::Kind as PartList<T>>::Grad<R>;

    fn ignored<R: Real>() -> Self::Grad<R> {
        <T::Kind as PartList<T>>::ignored::<R>()
    }
    fn point<R: Real, P: Lift<R>>(view: Self::View<'_, P>) -> Self::Grad<R> {
        <T::Kind as PartList<T>>::point::<R, P>(view)
    }
    fn at<'o, 'w: 'o, R: Real, P: Lift<R>>(
        view: Self::View<'w, P>,
        point: &'o Self::Grad<R>,
        index: &'o Index,
    ) -> Result<Self::View<'o, R>, Error> {
        <T::Kind as PartList<T>>::at::<R, P>(view, point, index)
    }
    fn walk<R: Real, P: Lift<R>>(
        view: Self::View<'_, P>,
        grad: &mut Self::Grad<R>,
        path: &mut String,
        visit: &mut dyn FnMut(Leaf<'_, R>),
    ) -> Result<(), Error> {
        <T::Kind as PartList<T>>::walk::<R, P>(view, grad, path, visit)
    }
    fn walk_mut(
        view: Self::ViewMut<'_>,
        grad: &mut Self::Grad<f32>,
        path: &mut String,
        visit: &mut dyn FnMut(LeafMut<'_>),
    ) -> Result<(), Error> {
        <T::Kind as PartList<T>>::walk_mut(view, grad, path, visit)
    }
    fn walk_grad<R: Real>(grad: &mut Self::Grad<R>, visit: &mut dyn FnMut(GradLeaf<'_, R>)) {
        <T::Kind as PartList<T>>::walk_grad::<R>(grad, visit);
    }
    fn add_grad<R: Real>(grad: &mut Self::Grad<R>, other: &Self::Grad<R>) -> Result<(), Error> {
        <T::Kind as PartList<T>>::add_grad::<R>(grad, other)
    }
}

impl PartList<f32> for Padded {
    type Grad<R: Real> = Gradient<R>;

    fn ignored<R: Real>() -> Gradient<R> {
        Gradient::ignored()
    }
    fn point<R: Real, P: Lift<R>>(view: &[P]) -> Gradient<R> {
        Gradient::from_values(view.iter().map(|x| x.lift()).collect())
    }
    fn at<'o, 'w: 'o, R: Real, P: Lift<R>>(
        view: &'w [P],
        point: &'o Gradient<R>,
        _: &'o Index,
    ) -> Result<&'o [R], Error> {
        point.as_point(view.len())
    }
    fn walk<R: Real, P: Lift<R>>(
        view: &[P],
        grad: &mut Gradient<R>,
        path: &mut String,
        visit: &mut dyn FnMut(Leaf<'_, R>),
    ) -> Result<(), Error> {
        crate::part::walk_floats(view, Dims::new(&[view.len()]), grad, path, visit);
        Ok(())
    }
    fn walk_mut(
        values: &mut [f32],
        grad: &mut Gradient<f32>,
        path: &mut String,
        visit: &mut dyn FnMut(LeafMut<'_>),
    ) -> Result<(), Error> {
        visit(LeafMut::Float { path, dims: Dims::new(&[values.len()]), values, grad });
        Ok(())
    }
    fn walk_grad<R: Real>(grad: &mut Gradient<R>, visit: &mut dyn FnMut(GradLeaf<'_, R>)) {
        visit(GradLeaf::Float(grad));
    }
    fn add_grad<R: Real>(grad: &mut Gradient<R>, other: &Gradient<R>) -> Result<(), Error> {
        grad.add(other)
    }
}

/// Lists of what is discrete: nothing to differentiate.
macro_rules! discrete_list {
    ($($kind:ty: $t:ty;)*) => { $(
        impl PartList<$t> for $kind {
            type Grad<R: Real> = ();

            fn point<R: Real, P: Lift<R>>(_: &[$t]) {}
            fn at<'o, 'w: 'o, R: Real, P: Lift<R>>(view: &'w [$t], (): &'o (), _: &'o Index) -> Result<&'o [$t], Error> {
                Ok(view)
            }
            fn walk<R: Real, P: Lift<R>>(
                _: &[$t],
                (): &mut (),
                _: &mut String,
                _: &mut dyn FnMut(Leaf<'_, R>),
            ) -> Result<(), Error> {
                Ok(())
            }
            fn walk_mut(
                _: Self::ListMut<'_>,
                (): &mut (),
                _: &mut String,
                _: &mut dyn FnMut(LeafMut<'_>),
            ) -> Result<(), Error> {
                Ok(())
            }
            fn walk_grad<R: Real>((): &mut (), _: &mut dyn FnMut(GradLeaf<'_, R>)) {}
            fn add_grad<R: Real>((): &mut (), (): &()) -> Result<(), Error> {
                Ok(())
            }
        }
    )* };
}

discrete_list! {
    Padded: u16; Padded: u32; Padded: u64; Padded: i8; Padded: i16; Padded: i32; Padded: i64; Padded: f64;
    Octets: u8; Flags: bool;
}

/// A gradient for each element.
impl<T: Part> PartList<T> for Walked {
    type Grad<R: Real> = Vec<T::Grad<R>>;

    fn point<R: Real, P: Lift<R>>(views: &[T::View<'_, P>]) -> Vec<T::Grad<R>> {
        views.iter().map(|view| T::point::<R, P>(*view)).collect()
    }
    fn at<'o, 'w: 'o, R: Real, P: Lift<R>>(
        views: &'w [T::View<'w, P>],
        points: &'o Vec<T::Grad<R>>,
        index: &'o Index,
    ) -> Result<&'o [T::View<'o, R>], Error> {
        same_count(views.len(), points.len())?;
        index.try_alloc_with(views.len(), |i| {
            T::at::<R, P>(views[i], &points[i], index).map_err(|e| e.inside(&format!("{i}")))
        })
    }
    fn walk<R: Real, P: Lift<R>>(
        views: &[T::View<'_, P>],
        grads: &mut Vec<T::Grad<R>>,
        path: &mut String,
        visit: &mut dyn FnMut(Leaf<'_, R>),
    ) -> Result<(), Error> {
        sized(grads, views.len())?;
        for (i, (view, grad)) in views.iter().zip(grads).enumerate() {
            let segment = format!("{i}");
            descend(path, &segment, |path| T::walk::<R, P>(*view, grad, path, visit)).inside(&segment)?;
        }
        Ok(())
    }
    fn walk_mut(
        views: Vec<T::ViewMut<'_>>,
        grads: &mut Vec<T::Grad<f32>>,
        path: &mut String,
        visit: &mut dyn FnMut(LeafMut<'_>),
    ) -> Result<(), Error> {
        sized(grads, views.len())?;
        for (i, (view, grad)) in views.into_iter().zip(grads).enumerate() {
            let segment = format!("{i}");
            descend(path, &segment, |path| T::walk_mut(view, grad, path, visit)).inside(&segment)?;
        }
        Ok(())
    }
    fn walk_grad<R: Real>(grads: &mut Vec<T::Grad<R>>, visit: &mut dyn FnMut(GradLeaf<'_, R>)) {
        for grad in grads {
            T::walk_grad::<R>(grad, visit);
        }
    }
    fn add_grad<R: Real>(grads: &mut Vec<T::Grad<R>>, others: &Vec<T::Grad<R>>) -> Result<(), Error> {
        // an empty list is one that nothing was added to
        if others.is_empty() {
            return Ok(());
        }
        sized(grads, others.len())?;
        grads.iter_mut().zip(others).try_for_each(|(grad, other)| T::add_grad::<R>(grad, other))
    }
}

/// Sizes a list of gradients or states on first use.
pub(crate) fn sized<T: Default>(list: &mut Vec<T>, n: usize) -> Result<&mut [T], Error> {
    if list.is_empty() {
        list.resize_with(n, T::default);
    }
    same_count(n, list.len())?;
    Ok(list)
}

fn same_count(expected: usize, found: usize) -> Result<(), Error> {
    if expected == found { Ok(()) } else { Err(Error::length("elements", expected, found)) }
}

impl Parameter for Vec<f32> {
    const RANK: usize = 1;
    fn dims<P: Copy + 'static>(view: &&[P]) -> Dims {
        Dims::new(&[view.len()])
    }
    fn lower<'w: 'r, 'r, R: Real, P: Lift<R>>(view: &'w [P], arena: &mut Arena<'r, R>) -> &'r [R] {
        crate::part::lower_slice(view, arena)
    }
}

impl Elementwise for Vec<f32> {
    fn numbers<'a, R: Real>(view: &'a &'_ [R]) -> &'a [R] {
        view
    }
    fn sink<R: Real, const SPREAD: u8>(grad: &mut Gradient<R>, n: usize) -> Sink<'_, R, SPREAD> {
        Sink::parameter(grad, n)
    }
}

/// Applies the layers in turn: the first input and the result have the same axes. Of a further input with the axes
/// `[..]`, the list takes `[layers, ..]` and each layer gets its row. An empty list copies.
impl<T: Layer + Element<Kind = Walked>> Layer for Vec<T> {
    const SIG: Sig = in_turn(&T::SIG);
    const KEEPS: &'static [bool] = T::KEEPS;
    const KEEPS_OUT: bool = false;
    const STEPS: bool = T::STEPS;

    type Residual<'r, R: Real> = &'r [Option<Step<'r, T, R>>];
    type State<R: Real> = Vec<T::State<R>>;

    fn bind<P: Copy + 'static>(view: &[T::View<'_, P>], sizes: &mut Sizes) -> Result<(), Error> {
        for (i, layer) in view.iter().enumerate() {
            let mut inner = Sizes::new();
            let segment = format!("{i}");
            T::bind::<P>(*layer, &mut inner).inside(&segment)?;
            for axis in T::SIG.input_axes() {
                sizes.join(&inner, &[(axis, axis)], &segment)?;
            }
        }
        if T::SIG.inputs() > 1 { sizes.bind("layers", view.len(), "the list") } else { Ok(()) }
    }

    fn dims<P: Copy + 'static>(view: &[T::View<'_, P>], ins: &[Dims], outs: &mut [Dims]) -> Result<(), Error> {
        let mut rows = [Dims::SCALAR; MAX_ARGS];
        let rows = row_dims(ins, view.len(), &mut rows)?;
        let [y] = exactly_mut(outs, "results")?;
        *y = ins[0];
        for (i, layer) in view.iter().enumerate() {
            rows[0] = *y;
            let mut next = [Dims::SCALAR];
            T::dims::<P>(*layer, rows, &mut next).map_err(|e| e.inside(&format!("{i}")))?;
            *y = next[0];
        }
        if *y == ins[0] { Ok(()) } else { Err(Error::shape(format!("layers that give {}", ins[0]), format!("{y}"))) }
    }

    fn forward<R: Real, P: Lift<R>>(
        view: &[T::View<'_, P>],
        ins: &[Input<'_, '_, R>],
        outs: &mut [&mut [R]],
        state: &mut Vec<T::State<R>>,
        mut scratch: Arena<'_, R>,
    ) -> Result<(), Error> {
        let mut s = scratch.lend();
        let [y] = exactly_mut(outs, "results")?;
        let x = first(ins)?.real()?;
        let state = sized(state, view.len())?;
        // the value between two layers lives in two buffers that swap
        let (mut from, mut to) = (s.take_copy(x.data()), s.take(x.data().len()));
        for (i, (layer, state)) in view.iter().zip(state).enumerate() {
            let mut row = [Input::Real(x); MAX_ARGS];
            let row = inputs_of(i, ins, Arg::kept(from, x.dims()), &mut row)?;
            T::forward::<R, P>(*layer, row, &mut [&mut *to], state, s.lend()).map_err(|e| e.inside(&format!("{i}")))?;
            core::mem::swap(&mut from, &mut to);
        }
        copy(y, from)
    }

    fn forward_saving<'w: 'r, 'r, R: Real, P: Lift<R>>(
        view: &'w [T::View<'w, P>],
        ins: &[Input<'r, '_, R>],
        outs: &mut [&mut [R]],
        state: &mut Vec<T::State<R>>,
        saved: &mut Arena<'r, R>,
        mut scratch: Arena<'_, R>,
    ) -> Result<Self::Residual<'r, R>, Error> {
        let mut s = scratch.lend();
        let [y] = exactly_mut(outs, "results")?;
        let x = first(ins)?.real()?;
        let n = x.data().len();
        let state = sized(state, view.len())?;
        let steps = saved.take_list::<Step<'r, T, R>>(view.len());
        let keep = T::KEEPS_OUT || T::KEEPS[0];
        // two buffers that swap, where no layer's input outlives it
        let mut buffers = [
            Buf::new(false, if keep { 0 } else { n }, saved, &mut s),
            Buf::new(false, if keep { 0 } else { n }, saved, &mut s),
        ];
        let mut last = x;
        for (i, (layer, state)) in view.iter().zip(state).enumerate() {
            let mut row = [Input::Real(x); MAX_ARGS];
            let failed = |e: Error| e.inside(&format!("{i}"));
            if keep {
                let out = saved.take(n);
                let row = inputs_of(i, ins, last, &mut row)?;
                let residual = T::forward_saving::<R, P>(*layer, row, &mut [&mut *out], state, saved, s.lend());
                let out: &'r [R] = out;
                steps[i] = Some(Step { residual: residual.map_err(failed)?, out });
                last = Arg::kept(out, x.dims());
            } else {
                let [from, to] = &mut buffers;
                let given = if i == 0 { x } else { Arg::passing(&*from.write(), x.dims()) };
                let row = inputs_of(i, ins, given, &mut row)?;
                let residual = T::forward_saving::<R, P>(*layer, row, &mut [to.write()], state, saved, s.lend());
                steps[i] = Some(Step { residual: residual.map_err(failed)?, out: &[] });
                buffers.swap(0, 1);
            }
        }
        let [from, _] = &mut buffers;
        copy(y, if keep || view.is_empty() { last.data() } else { from.write() })?;
        Ok(steps)
    }

    fn vjp<R: Real>(
        steps: Self::Residual<'_, R>,
        _: &[&[R]],
        cots: &[&[R]],
        ins: &mut [Slot<'_, R>],
        grad: &mut Vec<T::Grad<R>>,
        state: &mut Vec<T::State<R>>,
        mut scratch: Arena<'_, R>,
    ) -> Result<(), Error> {
        let mut s = scratch.lend();
        let [c] = exactly(cots, "cotangents")?;
        let grads = sized(grad, steps.len())?;
        let states = sized(state, steps.len())?;
        let (mut from, mut to) = (s.take_copy(c), s.take(c.len()));
        let Some((x, rows)) = ins.split_first_mut() else { return Err(Error::input("an input", "none")) };
        for (i, step) in steps.iter().enumerate().rev() {
            let Some(step) = step else {
                return Err(Error::input("a residual for each layer", format!("none for {i}")));
            };
            let count = 1 + rows.len();
            let mut slots: [Slot<'_, R>; MAX_ARGS] = core::array::from_fn(|_| Slot::Skip);
            slots[0] = Slot::Write(&mut *to);
            for (slot, row) in slots[1..].iter_mut().zip(&mut *rows) {
                *slot = row.row(i, steps.len());
            }
            let slots = &mut slots[..count];
            T::vjp::<R>(step.residual, &[step.out], &[&*from], slots, &mut grads[i], &mut states[i], s.lend())
                .map_err(|e| e.inside(&format!("{i}")))?;
            core::mem::swap(&mut from, &mut to);
        }
        x.put(from);
        Ok(())
    }
}

fn first<'i, 'r, 'a, R>(ins: &'i [Input<'r, 'a, R>]) -> Result<&'i Input<'r, 'a, R>, Error> {
    ins.first().ok_or_else(|| Error::input("an input", "none"))
}

/// Sizes of one layer's inputs: those of the first as they are, the others without `layers`.
fn row_dims<'d>(ins: &[Dims], layers: usize, rows: &'d mut [Dims; MAX_ARGS]) -> Result<&'d mut [Dims], Error> {
    if ins.is_empty() || ins.len() > MAX_ARGS {
        return Err(Error::input("1 to 8 inputs", format!("{}", ins.len())));
    }
    for (i, (row, dims)) in rows.iter_mut().zip(ins).enumerate() {
        *row = if i == 0 { *dims } else { dims.without_first(layers)? };
    }
    Ok(&mut rows[..ins.len()])
}

/// The inputs of layer `i`: the value so far, and its rows of the others.
fn inputs_of<'l, 'r, 'a, R: Real>(
    i: usize,
    ins: &[Input<'r, 'a, R>],
    value: Arg<'r, 'a, R>,
    row: &'l mut [Input<'r, 'a, R>; MAX_ARGS],
) -> Result<&'l [Input<'r, 'a, R>], Error> {
    row[0] = Input::Real(value);
    for (row, input) in row.iter_mut().zip(ins).skip(1) {
        *row = input.row(i)?;
    }
    Ok(&row[..ins.len()])
}

/// What one layer of a list left behind.
pub struct Step<'r, T: Layer, R: Real> {
    residual: T::Residual<'r, R>,
    out: &'r [R],
}

impl<T: Layer, R: Real> Clone for Step<'_, T, R> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T: Layer, R: Real> Copy for Step<'_, T, R> {}

fn copy<R: Real>(to: &mut [R], from: &[R]) -> Result<(), Error> {
    if to.len() != from.len() {
        return Err(Error::length("result", from.len(), to.len()));
    }
    to.copy_from_slice(from);
    Ok(())
}
