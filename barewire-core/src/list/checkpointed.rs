//! A list of layers that keeps few of the values between them, and runs its layers again in the backward pass.

use alloc::string::String;
use alloc::vec::Vec;
use core::ops::Range;

use super::layers::{Place, copy, first, forward, forward_saving, no_input, vjp};
use super::{Step, sized};
use crate::Error;
use crate::layer::{Input, Layer, Sizes, exactly, exactly_mut};
use crate::part::{GradLeaf, Leaf, LeafMut, Part};
use crate::primitive::{Arg, Slot};
use crate::real::{Lift, Real};
use crate::recompute::{Carried, keep};
use crate::shape::{Dims, MAX_ARGS, Sig};
use crate::state::State;
use crate::wire::{DecodeError, Element, Index, Reader, ReaderMut, SchemaBuilder, TypeRef, Walked, Wire, Writer};
use crate::workspace::Arena;

/// A list of layers of which the forward pass keeps the inputs of every `K`-th layer only, and the states that they started from. The
/// backward pass takes these segments from the last to the first and runs the layers of each once more.
///
/// `K = 0` stands for about the square root of the number of layers, which keeps the least at a time: with `L` layers there are `L / K`
/// inputs and, during the backward pass, what `K` layers need. The price is one more forward pass; gradients are the same to the
/// bit. On the wire and as a part it is the list. `#[bare(checkpoint = 4)]` on a field of type `Vec<Layer>` says the
/// same without another type.
#[derive(Clone, Debug, PartialEq)]
pub struct Checkpointed<V, const K: usize>(pub V);

/// Layers of a segment.
pub(super) fn segment(layers: usize, k: usize) -> usize {
    match k {
        0 => layers.isqrt().max(1),
        k => k,
    }
}

/// What a [`Checkpointed`] list keeps: the input of each segment, and what each layer carried along time before it ran.
pub struct Segments<'r, T: Layer, R: Real> {
    pub(super) layers: &'r (dyn Again<T, R> + 'r),
    /// the list's inputs; the first is that of the first segment
    pub(super) ins: &'r [Option<Input<'r, 'r, R>>],
    /// inputs of the segments
    pub(super) values: &'r [Option<&'r [R]>],
    /// states before, a layer each
    pub(super) states: &'r [Option<Carried<'r, R>>],
}

impl<T: Layer, R: Real> Clone for Segments<'_, T, R> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T: Layer, R: Real> Copy for Segments<'_, T, R> {}

/// The layers of a list, whatever the scalar of their stored numbers.
pub(super) trait Again<T: Layer, R: Real> {
    fn count(&self) -> usize;
    /// Runs some of them from the value `x` on.
    #[allow(clippy::too_many_arguments)] // those of `Layer::forward_saving`, with the place in the list
    fn forward_saving<'q>(
        &self,
        layers: Range<usize>,
        x: Arg<'q, '_, R>,
        ins: &[Input<'q, '_, R>],
        y: &mut [R],
        states: &mut [T::State<R>],
        saved: &mut Arena<'q, R>,
        scratch: Arena<'_, R>,
    ) -> Result<&'q [Option<Step<'q, T, R>>], Error>
    where
        Self: 'q;
}

/// See [`Again`].
pub(super) struct Layers<'w, T: Layer, P: Copy + 'static>(pub(super) &'w [T::View<'w, P>]);

impl<T: Layer, P: Copy + 'static> Clone for Layers<'_, T, P> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T: Layer, P: Copy + 'static> Copy for Layers<'_, T, P> {}

impl<T: Layer, R: Real, P: Lift<R>> Again<T, R> for Layers<'_, T, P> {
    fn count(&self) -> usize {
        self.0.len()
    }
    fn forward_saving<'q>(
        &self,
        layers: Range<usize>,
        x: Arg<'q, '_, R>,
        ins: &[Input<'q, '_, R>],
        y: &mut [R],
        states: &mut [T::State<R>],
        saved: &mut Arena<'q, R>,
        scratch: Arena<'_, R>,
    ) -> Result<&'q [Option<Step<'q, T, R>>], Error>
    where
        Self: 'q,
    {
        let first = layers.start;
        forward_saving::<T, R, P>(&self.0[layers], first, x, ins, y, states, saved, scratch)
    }
}

/// What the layers of a [`Checkpointed`] list carry along time.
pub struct CheckpointedState<S> {
    now: Vec<S>,
    /// of the runs in the backward pass, in a state of cotangents: kept for its memory
    again: Vec<S>,
}

impl<S> Default for CheckpointedState<S> {
    fn default() -> Self {
        Self { now: Vec::new(), again: Vec::new() }
    }
}

impl<R: Real, S: State<R>> State<R> for CheckpointedState<S> {
    fn walk(&mut self, path: &mut String, visit: &mut dyn FnMut(&str, &mut Vec<R>)) {
        self.now.walk(path, visit);
    }
    fn arrays(&mut self, visit: &mut dyn FnMut(&mut Vec<R>)) {
        self.now.arrays(visit);
    }
}

impl<T: Layer + Element<Kind = Walked>, const K: usize> Layer for Checkpointed<Vec<T>, K> {
    const SIG: Sig = <Vec<T> as Layer>::SIG;
    /// every input, to run again
    const KEEPS: &'static [bool] = &[true; MAX_ARGS];
    const KEEPS_OUT: bool = false;
    const STEPS: bool = T::STEPS;

    type Residual<'r, R: Real> = Segments<'r, T, R>;
    type State<R: Real> = CheckpointedState<T::State<R>>;

    fn bind<P: Copy + 'static>(view: Self::View<'_, P>, sizes: &mut Sizes) -> Result<(), Error> {
        <Vec<T> as Layer>::bind::<P>(view, sizes)
    }
    fn dims<P: Copy + 'static>(view: Self::View<'_, P>, ins: &[Dims], outs: &mut [Dims]) -> Result<(), Error> {
        <Vec<T> as Layer>::dims::<P>(view, ins, outs)
    }
    fn forward<R: Real, P: Lift<R>>(
        view: &[T::View<'_, P>],
        ins: &[Input<'_, '_, R>],
        outs: &mut [&mut [R]],
        state: &mut Self::State<R>,
        scratch: Arena<'_, R>,
    ) -> Result<(), Error> {
        let [y] = exactly_mut(outs, "results")?;
        let states = sized(&mut state.now, view.len())?;
        forward::<T, R, P>(view, 0, first(ins)?.real()?.data(), ins, y, states, scratch)
    }

    fn forward_saving<'w: 'r, 'r, R: Real, P: Lift<R>>(
        view: &'w [T::View<'w, P>],
        ins: &[Input<'r, '_, R>],
        outs: &mut [&mut [R]],
        state: &mut Self::State<R>,
        saved: &mut Arena<'r, R>,
        mut scratch: Arena<'_, R>,
    ) -> Result<Segments<'r, T, R>, Error> {
        let mut s = scratch.lend();
        let [y] = exactly_mut(outs, "results")?;
        let (count, k) = (view.len(), segment(view.len(), K));
        let given = saved.take_list(ins.len());
        for (kept, input) in given.iter_mut().zip(ins) {
            *kept = Some(keep(*input, saved));
        }
        let x = first(ins)?.real()?;
        let states = sized(&mut state.now, count)?;
        let before = saved.take_list(count);
        for (before, state) in before.iter_mut().zip(&mut *states) {
            *before = Some(Carried::of(state, saved));
        }
        let values = saved.take_list(count.div_ceil(k));
        let out = s.take_copy(x.data());
        for (at, value) in values.iter_mut().enumerate() {
            let layers = at * k..count.min((at + 1) * k);
            // the first segment's input is that of the list
            let kept = match (at, &given[0]) {
                (0, Some(input)) => input.real()?.keep(saved),
                _ => saved.take_copy(out),
            };
            *value = Some(kept);
            let first = layers.start;
            forward::<T, R, P>(&view[layers.clone()], first, kept, ins, out, &mut states[layers], s.lend())?;
        }
        copy(y, out)?;
        for (before, state) in before.iter().zip(states) {
            before.iter().for_each(|before| before.expect_next(state, saved));
        }
        Ok(Segments { layers: saved.put(Layers::<T, P>(view)), ins: given, values, states: before })
    }

    fn vjp<R: Real>(
        r: Segments<'_, T, R>,
        _: &[&[R]],
        cots: &[&[R]],
        slots: &mut [Slot<'_, R>],
        grad: &mut Vec<T::Grad<R>>,
        state: &mut Self::State<R>,
        mut scratch: Arena<'_, R>,
    ) -> Result<(), Error> {
        let mut s = scratch.lend();
        let [c] = exactly(cots, "cotangents")?;
        let (count, k) = (r.layers.count(), segment(r.layers.count(), K));
        let grads = sized(grad, count)?;
        let (states, again) = (sized(&mut state.now, count)?, sized(&mut state.again, count)?);
        let c = s.take_copy(c);
        let Some((x, rows)) = slots.split_first_mut() else { return Err(no_input()) };
        let Some(Some(given)) = r.ins.first() else { return Err(no_input()) };
        let mut ins = [*given; MAX_ARGS];
        for (to, from) in ins.iter_mut().zip(r.ins) {
            *to = from.unwrap_or(*given);
        }
        let (ins, dims) = (&ins[..r.ins.len().min(MAX_ARGS)], given.dims());
        for (at, value) in r.values.iter().enumerate().rev() {
            let layers = at * k..count.min((at + 1) * k);
            let value = Arg::kept(value.unwrap_or(&[]), dims);
            let (mut saved, mut s) = s.lend().split();
            let y = s.take(dims.len());
            let (before, again) = (&r.states[layers.clone()], &mut again[layers.clone()]);
            if !restore(before, again) {
                // states that never ran learn their arrays from a run
                let (mut saved, s) = s.lend().split();
                r.layers.forward_saving(layers.clone(), value, ins, y, again, &mut saved, s)?;
                if !restore(before, again) {
                    return Err(Error::input("states of the layers' own variants", "others"));
                }
            }
            let steps = r.layers.forward_saving(layers.clone(), value, ins, y, again, &mut saved, s.lend())?;
            let place = Place { first: layers.start, of: count };
            vjp::<T, R>(steps, place, c, rows, &mut grads[layers.clone()], &mut states[layers], s.lend())?;
        }
        x.put(c);
        Ok(())
    }
}

/// Whether the states have the arrays that they had; then they have these numbers.
fn restore<R: Real, S: State<R>>(before: &[Option<Carried<'_, R>>], states: &mut [S]) -> bool {
    before.iter().zip(states).all(|(before, state)| before.as_ref().is_none_or(|before| before.copy_to(state)))
}

impl<V: Wire, const K: usize> Wire for Checkpointed<V, K> {
    type View<'w, P: Copy + 'static> = V::View<'w, P>;
    type ViewMut<'w> = V::ViewMut<'w>;
    const MIN_LEN: usize = V::MIN_LEN;
    const ALIGN: usize = V::ALIGN;
    fn schema(types: &mut SchemaBuilder) -> TypeRef {
        V::schema(types)
    }
    fn encode(&self, w: &mut Writer) {
        self.0.encode(w);
    }
    fn decode(r: &mut Reader<'_>) -> Result<Self, DecodeError> {
        V::decode(r).map(Self)
    }
    fn view<'w>(&'w self, index: &'w Index) -> Self::View<'w, f32> {
        self.0.view(index)
    }
    fn read<'w>(r: &mut Reader<'w>, index: &'w Index) -> Result<Self::View<'w, f32>, DecodeError> {
        V::read(r, index)
    }
    fn read_mut<'w>(r: &mut ReaderMut<'w>) -> Result<Self::ViewMut<'w>, DecodeError> {
        V::read_mut(r)
    }
}

impl<V: Part, const K: usize> Part for Checkpointed<V, K> {
    type Grad<R: Real> = V::Grad<R>;
    fn ignored<R: Real>() -> Self::Grad<R> {
        V::ignored::<R>()
    }
    fn point<R: Real, P: Lift<R>>(view: Self::View<'_, P>) -> Self::Grad<R> {
        V::point::<R, P>(view)
    }
    fn at<'o, 'w: 'o, R: Real, P: Lift<R>>(
        view: Self::View<'w, P>,
        point: &'o Self::Grad<R>,
        index: &'o Index,
    ) -> Result<Self::View<'o, R>, Error> {
        V::at::<R, P>(view, point, index)
    }
    fn walk<R: Real, P: Lift<R>>(
        view: Self::View<'_, P>,
        grad: &mut Self::Grad<R>,
        path: &mut String,
        visit: &mut dyn FnMut(Leaf<'_, R>),
    ) -> Result<(), Error> {
        V::walk::<R, P>(view, grad, path, visit)
    }
    fn walk_mut(
        view: Self::ViewMut<'_>,
        grad: &mut Self::Grad<f32>,
        path: &mut String,
        visit: &mut dyn FnMut(LeafMut<'_>),
    ) -> Result<(), Error> {
        V::walk_mut(view, grad, path, visit)
    }
    fn walk_grad<R: Real>(grad: &mut Self::Grad<R>, visit: &mut dyn FnMut(GradLeaf<'_, R>)) {
        V::walk_grad::<R>(grad, visit);
    }
    fn add_grad<R: Real>(grad: &mut Self::Grad<R>, other: &Self::Grad<R>) -> Result<(), Error> {
        V::add_grad::<R>(grad, other)
    }
}
