//! A list of layers, applied in turn.

use alloc::format;
use alloc::vec::Vec;

use super::sized;
use crate::Error;
use crate::error::Inside;
use crate::layer::{Buf, Input, Layer, Sizes, exactly, exactly_mut};
use crate::primitive::{Arg, Slot};
use crate::real::{Lift, Real};
use crate::shape::{Dims, MAX_ARGS, Sig, in_turn};
use crate::wire::{Element, Walked};
use crate::workspace::Arena;

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
        scratch: Arena<'_, R>,
    ) -> Result<(), Error> {
        let [y] = exactly_mut(outs, "results")?;
        let state = sized(state, view.len())?;
        forward::<T, R, P>(view, 0, first(ins)?.real()?.data(), ins, y, state, scratch)
    }

    fn forward_saving<'w: 'r, 'r, R: Real, P: Lift<R>>(
        view: &'w [T::View<'w, P>],
        ins: &[Input<'r, '_, R>],
        outs: &mut [&mut [R]],
        state: &mut Vec<T::State<R>>,
        saved: &mut Arena<'r, R>,
        scratch: Arena<'_, R>,
    ) -> Result<Self::Residual<'r, R>, Error> {
        let [y] = exactly_mut(outs, "results")?;
        let state = sized(state, view.len())?;
        forward_saving::<T, R, P>(view, 0, first(ins)?.real()?, ins, y, state, saved, scratch)
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
        let c = s.take_copy(c);
        let Some((x, rows)) = ins.split_first_mut() else { return Err(no_input()) };
        vjp::<T, R>(steps, Place { first: 0, of: steps.len() }, c, rows, grads, states, s.lend())?;
        x.put(c);
        Ok(())
    }
}

/// What one layer of a list left behind.
pub struct Step<'r, T: Layer, R: Real> {
    pub(super) residual: T::Residual<'r, R>,
    pub(super) out: &'r [R],
}

impl<T: Layer, R: Real> Clone for Step<'_, T, R> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T: Layer, R: Real> Copy for Step<'_, T, R> {}

/// Whether the value between two layers is kept: as the result of one, or as the input of the next.
pub(super) const fn keeps_values<T: Layer>() -> bool {
    T::KEEPS_OUT || T::KEEPS[0]
}

/// Where a run of layers stands in its list.
#[derive(Clone, Copy)]
pub(super) struct Place {
    /// its first layer
    pub(super) first: usize,
    /// layers of the list
    pub(super) of: usize,
}

/// Runs the layers of `view`, of which the first is layer `first` of its list, from the value `x` on.
pub(super) fn forward<T: Layer, R: Real, P: Lift<R>>(
    view: &[T::View<'_, P>],
    first: usize,
    x: &[R],
    ins: &[Input<'_, '_, R>],
    y: &mut [R],
    states: &mut [T::State<R>],
    mut scratch: Arena<'_, R>,
) -> Result<(), Error> {
    let mut s = scratch.lend();
    let dims = self::first(ins)?.dims();
    // the value between two layers lives in two buffers that swap
    let (mut from, mut to) = (s.take_copy(x), s.take(x.len()));
    for (i, (layer, state)) in (first..).zip(view.iter().zip(states)) {
        let value = Arg::kept(from, dims);
        let mut row = [Input::Real(value); MAX_ARGS];
        let row = inputs_of(i, ins, value, &mut row)?;
        T::forward::<R, P>(*layer, row, &mut [&mut *to], state, s.lend()).map_err(|e| e.inside(&format!("{i}")))?;
        core::mem::swap(&mut from, &mut to);
    }
    copy(y, from)
}

/// As [`forward`], with what the backward pass needs.
#[allow(clippy::too_many_arguments)] // those of `Layer::forward_saving`, with the place in the list
pub(super) fn forward_saving<'w: 'r, 'r, T: Layer, R: Real, P: Lift<R>>(
    view: &'w [T::View<'w, P>],
    first: usize,
    x: Arg<'r, '_, R>,
    ins: &[Input<'r, '_, R>],
    y: &mut [R],
    states: &mut [T::State<R>],
    saved: &mut Arena<'r, R>,
    mut scratch: Arena<'_, R>,
) -> Result<&'r [Option<Step<'r, T, R>>], Error> {
    let mut s = scratch.lend();
    let n = x.data().len();
    let steps = saved.take_list::<Step<'r, T, R>>(view.len());
    let keep = keeps_values::<T>();
    // two buffers that swap, where no layer's input outlives it
    let mut buffers = [
        Buf::new(false, if keep { 0 } else { n }, saved, &mut s),
        Buf::new(false, if keep { 0 } else { n }, saved, &mut s),
    ];
    let mut last = x;
    for (at, (layer, state)) in view.iter().zip(states).enumerate() {
        let i = first + at;
        let mut row = [Input::Real(x); MAX_ARGS];
        let failed = |e: Error| e.inside(&format!("{i}"));
        if keep {
            let out = saved.take(n);
            let row = inputs_of(i, ins, last, &mut row)?;
            let residual = T::forward_saving::<R, P>(*layer, row, &mut [&mut *out], state, saved, s.lend());
            let out: &'r [R] = out;
            steps[at] = Some(Step { residual: residual.map_err(failed)?, out });
            last = Arg::kept(out, x.dims());
        } else {
            let [from, to] = &mut buffers;
            let given = if at == 0 { x } else { Arg::passing(&*from.write(), x.dims()) };
            let row = inputs_of(i, ins, given, &mut row)?;
            let residual = T::forward_saving::<R, P>(*layer, row, &mut [to.write()], state, saved, s.lend());
            steps[at] = Some(Step { residual: residual.map_err(failed)?, out: &[] });
            buffers.swap(0, 1);
        }
    }
    let [from, _] = &mut buffers;
    copy(y, if keep || view.is_empty() { last.data() } else { from.write() })?;
    Ok(steps)
}

/// The backward pass of a run of layers: `c` is the cotangent of its result on entry and of its input on return; `rows` are the slots
/// of the list's further inputs.
pub(super) fn vjp<T: Layer, R: Real>(
    steps: &[Option<Step<'_, T, R>>],
    place: Place,
    c: &mut [R],
    rows: &mut [Slot<'_, R>],
    grads: &mut [T::Grad<R>],
    states: &mut [T::State<R>],
    mut scratch: Arena<'_, R>,
) -> Result<(), Error> {
    let mut s = scratch.lend();
    let other = s.take(c.len());
    let (mut from, mut to) = (&mut *c, &mut *other);
    for (at, step) in steps.iter().enumerate().rev() {
        let i = place.first + at;
        let Some(step) = step else {
            return Err(Error::input("a residual for each layer", format!("none for {i}")));
        };
        let count = 1 + rows.len();
        let mut slots: [Slot<'_, R>; MAX_ARGS] = core::array::from_fn(|_| Slot::Skip);
        slots[0] = Slot::Write(&mut *to);
        for (slot, row) in slots[1..].iter_mut().zip(&mut *rows) {
            *slot = row.row(i, place.of);
        }
        let slots = &mut slots[..count];
        T::vjp::<R>(step.residual, &[step.out], &[&*from], slots, &mut grads[at], &mut states[at], s.lend())
            .map_err(|e| e.inside(&format!("{i}")))?;
        core::mem::swap(&mut from, &mut to);
    }
    if steps.len() % 2 == 1 {
        // an odd number of swaps: the last one wrote to the other buffer
        to.copy_from_slice(from);
    }
    Ok(())
}

pub(super) fn no_input() -> Error {
    Error::input("an input", "none")
}

pub(super) fn first<'i, 'r, 'a, R>(ins: &'i [Input<'r, 'a, R>]) -> Result<&'i Input<'r, 'a, R>, Error> {
    ins.first().ok_or_else(no_input)
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

pub(super) fn copy<R: Real>(to: &mut [R], from: &[R]) -> Result<(), Error> {
    if to.len() != from.len() {
        return Err(Error::length("result", from.len(), to.len()));
    }
    to.copy_from_slice(from);
    Ok(())
}
