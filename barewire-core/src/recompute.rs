//! Equations that run again in the backward pass: what they keep in place of a residual.
//!
//! `#[bare(recompute)]` on an equation keeps its inputs and the state it started from, and its backward pass runs the forward
//! program once more. [`Checkpointed`](crate::list::Checkpointed) does the same for runs of layers. The price is one more forward pass
//! of what is computed again; every number is the same as without, to the bit, since the same program runs on the same numbers.

use alloc::vec::Vec;

use crate::Error;
use crate::layer::Input;
use crate::primitive::Arg;
use crate::real::Real;
use crate::shape::Dims;
use crate::state::State;
use crate::wire::{DecodeError, Reader, Writer};
use crate::workspace::Arena;

/// A state as it was before a forward pass, which leaves the final one in its place.
#[derive(Clone, Copy, Debug)]
pub struct Carried<'r, R> {
    /// in the order in which the state visits them
    arrays: &'r [Option<&'r [R]>],
}

impl<'r, R: Real> Carried<'r, R> {
    /// Copies a state's numbers. An unset state has none.
    pub fn of<S: State<R>>(state: &mut S, saved: &mut Arena<'r, R>) -> Self {
        let mut count = 0;
        state.arrays(&mut |values| count += usize::from(!values.is_empty()));
        if count == 0 {
            return Carried { arrays: &[] };
        }
        let mut count = 0;
        state.arrays(&mut |_| count += 1);
        let arrays = saved.take_list(count);
        let mut at = arrays.iter_mut();
        state.arrays(&mut |values| {
            if let Some(array) = at.next() {
                *array = Some(&*saved.take_copy(values));
            }
        });
        Carried { arrays }
    }

    /// After a run from an unset state: the next run will copy what this one left.
    pub fn expect_next<S: State<R>>(&self, state: &mut S, saved: &mut Arena<'r, R>) {
        if self.arrays.is_empty() {
            state.arrays(&mut |values| saved.expect(values.len()));
        }
    }

    /// Gives `state` these numbers. A state learns its arrays from a run, so one that never ran is first given `run`.
    ///
    /// # Errors
    /// As `run`; or the state has other arrays.
    pub fn restore<S: State<R>>(
        &self,
        state: &mut S,
        run: impl FnOnce(&mut S) -> Result<(), Error>,
    ) -> Result<(), Error> {
        if self.copy_to(state) {
            return Ok(());
        }
        run(state)?;
        if self.copy_to(state) { Ok(()) } else { Err(Error::input("the state of another run", "other arrays")) }
    }

    /// Whether the state has as many arrays; then it has these numbers.
    pub(crate) fn copy_to<S: State<R>>(&self, state: &mut S) -> bool {
        let mut count = 0;
        state.arrays(&mut |_| count += 1);
        if !self.arrays.is_empty() && self.arrays.len() != count {
            return false;
        }
        let mut at = self.arrays.iter();
        state.arrays(&mut |values: &mut Vec<R>| {
            // memory stays, so that a warm run takes none from the heap
            values.clear();
            values.extend_from_slice(at.next().copied().flatten().unwrap_or(&[]));
        });
        true
    }
}

impl<'r> Carried<'r, f32> {
    /// Appends the arrays to a message.
    pub fn write(&self, w: &mut Writer) {
        w.uint(self.arrays.len() as u64);
        self.arrays.iter().for_each(|array| w.padded(array.unwrap_or(&[])));
    }

    /// The arrays of a message, where they lie. Their lengths are those that the ops compare with the inputs' when they run again.
    ///
    /// # Errors
    /// The octets are no arrays.
    pub fn read(saved: &mut Arena<'r, f32>, r: &mut Reader<'r>) -> Result<Self, DecodeError> {
        // the least array is an empty pad and a count
        let arrays = saved.take_list(r.count(2)?);
        for array in &mut *arrays {
            *array = Some(r.padded::<f32>()?);
        }
        Ok(Carried { arrays })
    }
}

/// Where an equation's forward pass started: its inputs and its state.
#[derive(Clone, Copy, Debug)]
pub struct Start<'r, R, const N: usize> {
    /// the inputs, borrowed where they live long enough
    pub inputs: [Input<'r, 'r, R>; N],
    /// the state before
    pub state: Carried<'r, R>,
}

impl<'r, R: Real, const N: usize> Start<'r, R, N> {
    /// Notes where a forward pass starts.
    ///
    /// # Errors
    /// Another number of inputs.
    pub fn of<S: State<R>>(
        inputs: &[Input<'r, '_, R>],
        state: &mut S,
        saved: &mut Arena<'r, R>,
    ) -> Result<Self, Error> {
        let inputs = crate::layer::exactly::<N, _>(inputs, "inputs")?;
        Ok(Start { inputs: inputs.map(|input| keep(input, saved)), state: Carried::of(state, saved) })
    }

    /// Sizes of the inputs.
    pub fn dims(&self) -> [Dims; N] {
        self.inputs.map(|input| input.dims())
    }
}

/// The input, for as long as the residual lives.
pub(crate) fn keep<'r, R: Real>(input: Input<'r, '_, R>, saved: &mut Arena<'r, R>) -> Input<'r, 'r, R> {
    match input {
        Input::Real(arg) => Input::Real(Arg::kept(arg.keep(saved), arg.dims())),
        Input::Ids(ids) => Input::Ids(ids),
    }
}

/// Puts a program that runs again around the programs of the module `again`.
///
/// The residual borrows the fields through a trait object, since the scalar of stored numbers is no part of its type.
#[doc(hidden)]
#[macro_export]
macro_rules! __recompute {
    () => {
        const INPUTS: usize = again::SIG.inputs();
        const RESULTS: usize = again::SIG.outputs();

        pub use again::{Fields, Grad, SIG, STEPS, bind, dims};

        /// For each input, whether the residual borrows it: all of them, to run again.
        pub const KEEPS: &[bool] = &[true; INPUTS];
        /// The results are computed again.
        pub const KEEPS_OUT: bool = false;

        /// The forward pass once more.
        trait Again<R: $crate::real::Real> {
            fn dims(
                &self,
                ins: &[$crate::shape::Dims],
                outs: &mut [$crate::shape::Dims],
            ) -> ::core::result::Result<(), $crate::Error>;
            fn forward_saving<'q>(
                &self,
                ins: &[$crate::layer::Input<'q, '_, R>],
                outs: &mut [&mut [R]],
                state: &mut again::State<R>,
                saved: &mut $crate::workspace::Arena<'q, R>,
                scratch: $crate::workspace::Arena<'_, R>,
            ) -> ::core::result::Result<again::Residual<'q, R>, $crate::Error>
            where
                Self: 'q;
        }
        impl<'w, R: $crate::real::Real, P: $crate::real::Lift<R>> Again<R> for again::Fields<'w, P> {
            fn dims(
                &self,
                ins: &[$crate::shape::Dims],
                outs: &mut [$crate::shape::Dims],
            ) -> ::core::result::Result<(), $crate::Error> {
                again::dims::<P>(*self, ins, outs)
            }
            fn forward_saving<'q>(
                &self,
                ins: &[$crate::layer::Input<'q, '_, R>],
                outs: &mut [&mut [R]],
                state: &mut again::State<R>,
                saved: &mut $crate::workspace::Arena<'q, R>,
                scratch: $crate::workspace::Arena<'_, R>,
            ) -> ::core::result::Result<again::Residual<'q, R>, $crate::Error>
            where
                Self: 'q,
            {
                again::forward_saving::<R, P>(*self, ins, outs, state, saved, scratch)
            }
        }

        /// What the backward pass needs: where the forward pass started.
        pub struct Residual<'r, R: $crate::real::Real> {
            fields: &'r (dyn Again<R> + 'r),
            start: $crate::recompute::Start<'r, R, INPUTS>,
        }
        impl<R: $crate::real::Real> ::core::clone::Clone for Residual<'_, R> {
            fn clone(&self) -> Self {
                *self
            }
        }
        impl<R: $crate::real::Real> ::core::marker::Copy for Residual<'_, R> {}

        /// What is carried along time.
        pub struct State<R: $crate::real::Real = f32> {
            now: again::State<R>,
            /// of the run in the backward pass, in a state of cotangents: kept for its memory
            again: again::State<R>,
        }
        impl<R: $crate::real::Real> ::core::default::Default for State<R> {
            fn default() -> Self {
                State { now: ::core::default::Default::default(), again: ::core::default::Default::default() }
            }
        }
        impl<R: $crate::real::Real> $crate::state::State<R> for State<R> {
            fn walk(
                &mut self,
                path: &mut $crate::__private::String,
                visit: &mut dyn ::core::ops::FnMut(&str, &mut $crate::__private::Vec<R>),
            ) {
                $crate::state::State::walk(&mut self.now, path, visit);
            }
            fn arrays(&mut self, visit: &mut dyn ::core::ops::FnMut(&mut $crate::__private::Vec<R>)) {
                $crate::state::State::arrays(&mut self.now, visit);
            }
        }

        /// The forward pass.
        pub fn forward<R: $crate::real::Real, P: $crate::real::Lift<R>>(
            view: Fields<'_, P>,
            ins: &[$crate::layer::Input<'_, '_, R>],
            outs: &mut [&mut [R]],
            state: &mut State<R>,
            scratch: $crate::workspace::Arena<'_, R>,
        ) -> ::core::result::Result<(), $crate::Error> {
            again::forward::<R, P>(view, ins, outs, &mut state.now, scratch)
        }
        /// The forward pass that keeps what the backward pass needs.
        pub fn forward_saving<'w: 'r, 'r, R: $crate::real::Real, P: $crate::real::Lift<R>>(
            view: Fields<'w, P>,
            ins: &[$crate::layer::Input<'r, '_, R>],
            outs: &mut [&mut [R]],
            state: &mut State<R>,
            saved: &mut $crate::workspace::Arena<'r, R>,
            scratch: $crate::workspace::Arena<'_, R>,
        ) -> ::core::result::Result<Residual<'r, R>, $crate::Error> {
            let start = $crate::recompute::Start::of(ins, &mut state.now, saved)?;
            again::forward::<R, P>(view, ins, outs, &mut state.now, scratch)?;
            start.state.expect_next(&mut state.now, saved);
            ::core::result::Result::Ok(Residual { fields: saved.put(view), start })
        }
        /// The backward pass.
        pub fn vjp<R: $crate::real::Real>(
            r: Residual<'_, R>,
            _: &[&[R]],
            cots: &[&[R]],
            ins: &mut [$crate::primitive::Slot<'_, R>],
            grad: Grad<'_, R>,
            state: &mut State<R>,
            scratch: $crate::workspace::Arena<'_, R>,
        ) -> ::core::result::Result<(), $crate::Error> {
            let (mut saved, mut scratch) = scratch.split();
            let mut dims = [$crate::shape::Dims::SCALAR; RESULTS];
            r.fields.dims(&r.start.dims(), &mut dims)?;
            let mut outs = dims.map(|dims| saved.take(dims.len()));
            r.start.state.restore(&mut state.again, |state| {
                let (mut saved, scratch) = scratch.lend().split();
                r.fields.forward_saving(&r.start.inputs, &mut outs, state, &mut saved, scratch).map(|_| ())
            })?;
            let residual =
                r.fields.forward_saving(&r.start.inputs, &mut outs, &mut state.again, &mut saved, scratch.lend())?;
            let outs = outs.each_ref().map(|out| &**out);
            again::vjp::<R>(residual, &outs, cots, ins, grad, &mut state.now, scratch)
        }

        /// Whether the residual has octets on the wire.
        pub const HAS_OCTETS: bool = true;
        /// Fields of the residual in a schema.
        pub fn residual_fields(types: &mut $crate::wire::SchemaBuilder) -> $crate::residual::Fields {
            let mut fields = $crate::residual::Fields::new();
            fields.state(types);
            fields
        }
        /// Appends what the residual holds beside the inputs.
        pub fn write_residual(r: Residual<'_, f32>, w: &mut $crate::wire::Writer) {
            r.start.state.write(w);
        }
        /// The residual of a pass that ran elsewhere.
        pub fn read_residual<'w: 'r, 'r>(
            view: Fields<'w, f32>,
            ins: &[$crate::layer::Input<'r, 'r, f32>],
            saved: &mut $crate::workspace::Arena<'r, f32>,
            from: &mut $crate::wire::Reader<'r>,
        ) -> ::core::result::Result<Residual<'r, f32>, $crate::Error> {
            let inputs = $crate::layer::exactly(ins, "inputs")?;
            let state = $crate::recompute::Carried::read(saved, from)?;
            let start = $crate::recompute::Start { inputs, state };
            ::core::result::Result::Ok(Residual { fields: saved.put(view), start })
        }
    };
}
