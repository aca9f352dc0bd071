//! Running an equation from outside: sizes checked once, memory in a [`Workspace`], errors in place of panics.

use alloc::format;
use alloc::vec::Vec;

use crate::Error;
use crate::layer::{Input, Layer, Sizes};
use crate::primitive::{Arg, Ids, Slot};
use crate::real::{Lift, Real};
use crate::shape::Dims;
use crate::workspace::{Arena, Workspace};

/// Most results of one equation.
pub const MAX_RESULTS: usize = 8;

/// A view whose sizes fit each other: the only thing that can run.
///
/// `P` is the scalar of the stored numbers: `f32` from the wire, or the scalar of a point of parameter space.
pub struct Checked<'w, T: Layer, P: Copy + 'static = f32> {
    view: T::View<'w, P>,
}

impl<T: Layer, P: Copy + 'static> Clone for Checked<'_, T, P> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T: Layer, P: Copy + 'static> Copy for Checked<'_, T, P> {}

impl<'w, T: Layer, P: Copy + 'static> Checked<'w, T, P> {
    /// Binds every named axis to a number and runs the sizes through the equation once.
    ///
    /// # Errors
    /// Two fields give one axis different sizes, or an op gets sizes it cannot take; the message has both names.
    pub fn new(view: T::View<'w, P>) -> Result<Self, Error> {
        let mut sizes = Sizes::new();
        T::bind::<P>(view, &mut sizes)?;
        let sig = &T::SIG;
        let ins: Vec<Dims> =
            (0..sig.inputs()).map(|i| sig.input_dims(i, |axis| sizes.get(axis).unwrap_or(1))).collect();
        T::dims::<P>(view, &ins, &mut [Dims::SCALAR; MAX_RESULTS][..sig.outputs()])?;
        Ok(Checked { view })
    }

    /// The same model with other numbers, laid over it by [`at`](crate::part::Part::at): the sizes are the same.
    pub(crate) fn with_numbers<'o, Q: Copy + 'static>(&self, view: T::View<'o, Q>) -> Checked<'o, T, Q> {
        Checked { view }
    }

    /// The view.
    pub fn view(&self) -> T::View<'w, P> {
        self.view
    }

    /// Sizes of the results for these inputs.
    ///
    /// # Errors
    /// Sizes that do not fit.
    pub fn result_dims<R: Real>(&self, inputs: &[Input<'_, '_, R>]) -> Result<Vec<Dims>, Error> {
        let mut outs = [Dims::SCALAR; MAX_RESULTS];
        let count = self.sized(inputs, &mut outs)?;
        Ok(outs[..count].to_vec())
    }

    /// Checks the inputs against their announced sizes and sizes the results.
    pub(crate) fn sized<R: Real>(
        &self,
        inputs: &[Input<'_, '_, R>],
        outs: &mut [Dims; MAX_RESULTS],
    ) -> Result<usize, Error> {
        self.sized_by(inputs, outs, |ins, outs| T::dims::<P>(self.view, ins, outs))
    }

    /// The same, with another way to size the results.
    pub(crate) fn sized_by<R: Real>(
        &self,
        inputs: &[Input<'_, '_, R>],
        outs: &mut [Dims; MAX_RESULTS],
        size: impl FnOnce(&[Dims], &mut [Dims]) -> Result<(), Error>,
    ) -> Result<usize, Error> {
        let sig = &T::SIG;
        if inputs.len() != sig.inputs() {
            return Err(Error::input(format!("{} inputs", sig.inputs()), format!("{}", inputs.len())));
        }
        let mut dims = [Dims::SCALAR; MAX_RESULTS];
        for (i, (dims, input)) in dims.iter_mut().zip(inputs).enumerate() {
            if sig.takes_ids(i) != matches!(input, Input::Ids(_)) {
                let (want, found) = if sig.takes_ids(i) { ("ids", "numbers") } else { ("numbers", "ids") };
                return Err(Error::input(format!("{want} for input {}", i + 1), found));
            }
            if input.dims().rank() != sig.input_rank(i) {
                return Err(Error::shape(
                    format!("{} axes for input {}", sig.input_rank(i), i + 1),
                    format!("{}", input.dims()),
                ));
            }
            if input.len() != input.dims().len() {
                return Err(Error::length(&format!("input {}", i + 1), input.dims().len(), input.len()));
            }
            *dims = input.dims();
        }
        let count = sig.outputs();
        size(&dims[..inputs.len()], &mut outs[..count])?;
        Ok(count)
    }

    /// Checks that results have these sizes.
    pub(crate) fn fits<R>(results: &[&mut [R]], dims: &[Dims]) -> Result<(), Error> {
        if results.len() != dims.len() {
            return Err(Error::input(format!("{} results", dims.len()), format!("{}", results.len())));
        }
        for (i, (result, dims)) in results.iter().zip(dims).enumerate() {
            if result.len() != dims.len() {
                return Err(Error::length(&format!("result {}", i + 1), dims.len(), result.len()));
            }
        }
        Ok(())
    }

    /// Runs the equation. Each result is written to its slice; `state` is read and left at its final value, so a
    /// streaming step is this call with one time step.
    ///
    /// # Errors
    /// Inputs, results or a state of the wrong size.
    pub fn forward<R: Real>(
        &self,
        inputs: &[Input<'_, '_, R>],
        results: &mut [&mut [R]],
        state: &mut T::State<R>,
        workspace: &mut Workspace<R>,
    ) -> Result<(), Error>
    where
        P: Lift<R>,
    {
        let mut dims = [Dims::SCALAR; MAX_RESULTS];
        let count = self.sized(inputs, &mut dims)?;
        Self::fits(results, &dims[..count])?;
        let (_, scratch) = workspace.start();
        T::forward::<R, P>(self.view, inputs, results, state, scratch)
    }

    /// One more time step (or chunk of them) of a stream: [`forward`](Checked::forward), refused at compile time if the
    /// equation uses an op that is not causal.
    ///
    /// # Errors
    /// As `forward`.
    pub fn step<R: Real>(
        &self,
        inputs: &[Input<'_, '_, R>],
        results: &mut [&mut [R]],
        state: &mut T::State<R>,
        workspace: &mut Workspace<R>,
    ) -> Result<(), Error>
    where
        P: Lift<R>,
    {
        const { assert!(T::STEPS, "this equation uses an op that is not causal along time, so it has no `step`") };
        self.forward(inputs, results, state, workspace)
    }

    /// Runs the equation and keeps what the backward pass needs, and the results, in the workspace.
    ///
    /// # Errors
    /// Inputs or a state of the wrong size.
    pub fn forward_saving<'r, R: Real>(
        &self,
        inputs: &[Input<'r, '_, R>],
        state: &mut T::State<R>,
        workspace: &'r mut Workspace<R>,
    ) -> Result<Pass<'r, T, R>, Error>
    where
        'w: 'r,
        P: Lift<R>,
    {
        let mut dims = [Dims::SCALAR; MAX_RESULTS];
        let count = self.sized(inputs, &mut dims)?;
        Results::of(&dims[..count], workspace, |results, saved, scratch| {
            let kept = saved.take_list(inputs.len());
            for (kept, input) in kept.iter_mut().zip(inputs) {
                *kept = Some(match input {
                    Input::Real(arg) => Input::Real(Arg::kept(arg.kept_data().unwrap_or(&[]), arg.dims())),
                    Input::Ids(ids) => Input::Ids(*ids),
                });
            }
            Ok((T::forward_saving::<R, P>(self.view, inputs, results, state, saved, scratch)?, &*kept))
        })
        .map(|((residual, inputs), results)| Pass { residual, inputs, results })
    }
}

/// The results of a pass, and what its backward pass has to work with.
pub(crate) struct Results<'r, R> {
    values: [&'r [R]; MAX_RESULTS],
    dims: &'r [Option<Dims>],
    scratch: Arena<'r, R>,
}

impl<'r, R: Real> Results<'r, R> {
    /// Runs a forward pass that keeps what the backward pass needs. Results, of these sizes, live beside the residual in the workspace
    /// but are no part of it.
    pub(crate) fn of<T>(
        sizes: &[Dims],
        workspace: &'r mut Workspace<R>,
        run: impl FnOnce(&mut [&mut [R]], &mut Arena<'r, R>, Arena<'_, R>) -> Result<T, Error>,
    ) -> Result<(T, Self), Error> {
        let (mut saved, mut scratch) = workspace.start();
        let dims = saved.take_list(sizes.len());
        let mut values: [&'r mut [R]; MAX_RESULTS] = Default::default();
        for ((value, dims), size) in values.iter_mut().zip(&mut *dims).zip(sizes) {
            *dims = Some(*size);
            *value = scratch.take(size.len());
        }
        let ran = run(&mut values[..sizes.len()], &mut saved, scratch.lend())?;
        Ok((ran, Results { values: values.map(|value| &*value), dims, scratch }))
    }

    /// Results that a message has.
    pub(crate) fn received(
        values: [&'r [R]; MAX_RESULTS],
        sizes: &[Dims],
        saved: &mut Arena<'r, R>,
        scratch: Arena<'r, R>,
    ) -> Self {
        let dims = saved.take_list(sizes.len());
        dims.iter_mut().zip(sizes).for_each(|(dims, size)| *dims = Some(*size));
        Results { values, dims, scratch }
    }

    pub(crate) fn count(&self) -> usize {
        self.dims.len()
    }

    /// Result `i`; empty if there is none.
    pub(crate) fn value(&self, i: usize) -> &'r [R] {
        self.values.get(i).copied().unwrap_or(&[])
    }

    /// Sizes of result `i`.
    pub(crate) fn dims(&self, i: usize) -> Dims {
        self.dims.get(i).copied().flatten().unwrap_or_default()
    }

    /// Runs the backward pass `run(results, scratch)`, if the cotangents have the sizes of the results.
    pub(crate) fn backward(
        &mut self,
        cots: &[&[R]],
        run: impl FnOnce(&[&[R]], Arena<'_, R>) -> Result<(), Error>,
    ) -> Result<(), Error> {
        if cots.len() != self.count() {
            return Err(Error::input(format!("{} cotangents", self.count()), format!("{}", cots.len())));
        }
        for (i, cot) in cots.iter().enumerate() {
            let size = self.dims(i).len();
            if cot.len() != size {
                return Err(Error::length(&format!("cotangent {}", i + 1), size, cot.len()));
            }
        }
        run(&self.values[..self.dims.len()], self.scratch.lend())
    }
}

/// A forward pass that can be run backward.
pub struct Pass<'r, T: Layer, R: Real> {
    residual: T::Residual<'r, R>,
    /// with their numbers where these live as long as the pass
    inputs: &'r [Option<Input<'r, 'r, R>>],
    results: Results<'r, R>,
}

impl<'r, T: Layer, R: Real> Pass<'r, T, R> {
    /// Number of results.
    pub fn results(&self) -> usize {
        self.results.count()
    }

    /// A pass that ran elsewhere.
    pub(crate) fn of(
        residual: T::Residual<'r, R>,
        inputs: &'r [Option<Input<'r, 'r, R>>],
        results: Results<'r, R>,
    ) -> Self {
        Pass { residual, inputs, results }
    }

    /// The inputs; numbers that did not live as long as the pass are left out.
    pub(crate) fn inputs(&self) -> impl Iterator<Item = &Input<'r, 'r, R>> {
        self.inputs.iter().flatten()
    }

    /// Sizes of input `i`.
    pub fn input_dims(&self, i: usize) -> Dims {
        self.inputs().nth(i).map(Input::dims).unwrap_or_default()
    }

    /// Result `i`; empty if there is none.
    pub fn result(&self, i: usize) -> &'r [R] {
        self.results.value(i)
    }

    /// Sizes of result `i`.
    pub fn dims(&self, i: usize) -> Dims {
        self.results.dims(i)
    }

    /// What the forward pass kept.
    pub fn residual(&self) -> T::Residual<'r, R> {
        self.residual
    }

    /// The backward pass: `cots` are the cotangents of the results; `inputs` say where those of the inputs go
    /// ([`Slot::Skip`] for ids and for what nobody asks); `grad` is added to; `state` is the cotangent of the final
    /// state on entry and of the initial state on return.
    ///
    /// # Errors
    /// Cotangents or slots of the wrong number or size, or a gradient or state of another variant.
    pub fn vjp(
        &mut self,
        cots: &[&[R]],
        inputs: &mut [Slot<'_, R>],
        grad: &mut T::Grad<R>,
        state: &mut T::State<R>,
    ) -> Result<(), Error> {
        let residual = self.residual;
        self.results.backward(cots, |outs, scratch| T::vjp::<R>(residual, outs, cots, inputs, grad, state, scratch))
    }
}

/// Numbers as an input: row-major, with their sizes.
pub fn numbers<'r, R: Real>(data: &'r [R], sizes: &[usize]) -> Input<'r, 'r, R> {
    Input::Real(Arg::kept(data, Dims::new(sizes)))
}

/// Token ids as an input: row-major, with their sizes.
pub fn ids<'r, R: Real>(data: &'r [u32], sizes: &[usize]) -> Input<'r, 'r, R> {
    Input::Ids(Ids::new(data, Dims::new(sizes)))
}
