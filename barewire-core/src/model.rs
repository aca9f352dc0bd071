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
        let (mut saved, mut scratch) = workspace.start();
        // results live beside the residual but are no part of it
        let mut results = dims.map(|_| Default::default());
        for (result, dims) in results.iter_mut().zip(&dims[..count]) {
            *result = scratch.take(dims.len());
        }
        let residual =
            T::forward_saving::<R, P>(self.view, inputs, &mut results[..count], state, &mut saved, scratch.lend())?;
        let mut kept = [Input::Ids(Ids::new(&[], Dims::SCALAR)); MAX_RESULTS];
        for (kept, input) in kept.iter_mut().zip(inputs) {
            *kept = match input {
                Input::Real(arg) => Input::Real(Arg::kept(arg.kept_data().unwrap_or(&[]), arg.dims())),
                Input::Ids(ids) => Input::Ids(*ids),
            };
        }
        Ok(Pass { residual, inputs: kept, results: results.map(|r: &'r mut [R]| &*r), dims, count, scratch })
    }
}

/// A forward pass that can be run backward.
pub struct Pass<'r, T: Layer, R: Real> {
    residual: T::Residual<'r, R>,
    /// with their numbers where these live as long as the pass
    inputs: [Input<'r, 'r, R>; MAX_RESULTS],
    results: [&'r [R]; MAX_RESULTS],
    dims: [Dims; MAX_RESULTS],
    count: usize,
    scratch: Arena<'r, R>,
}

impl<'r, T: Layer, R: Real> Pass<'r, T, R> {
    /// Number of results.
    pub fn results(&self) -> usize {
        self.count
    }

    /// A pass that ran elsewhere.
    pub(crate) fn of(
        residual: T::Residual<'r, R>,
        inputs: [Input<'r, 'r, R>; MAX_RESULTS],
        results: [&'r [R]; MAX_RESULTS],
        dims: [Dims; MAX_RESULTS],
        scratch: Arena<'r, R>,
    ) -> Self {
        Pass { residual, inputs, results, dims, count: T::SIG.outputs(), scratch }
    }

    /// The inputs; numbers that did not live as long as the pass are left out.
    pub(crate) fn inputs(&self) -> &[Input<'r, 'r, R>] {
        &self.inputs[..T::SIG.inputs()]
    }

    /// Sizes of input `i`.
    pub fn input_dims(&self, i: usize) -> Dims {
        self.inputs().get(i).map(Input::dims).unwrap_or_default()
    }

    /// Result `i`; empty if there is none.
    pub fn result(&self, i: usize) -> &'r [R] {
        self.results.get(i).copied().unwrap_or(&[])
    }

    /// Sizes of result `i`.
    pub fn dims(&self, i: usize) -> Dims {
        self.dims.get(i).copied().unwrap_or_default()
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
        check_cotangents(cots, &self.dims[..self.count])?;
        T::vjp::<R>(self.residual, &self.results[..self.count], cots, inputs, grad, state, self.scratch.lend())
    }
}

/// Checks that cotangents have the sizes of the results.
pub(crate) fn check_cotangents<R>(cots: &[&[R]], dims: &[Dims]) -> Result<(), Error> {
    if cots.len() != dims.len() {
        return Err(Error::input(format!("{} cotangents", dims.len()), format!("{}", cots.len())));
    }
    for (i, (cot, dims)) in cots.iter().zip(dims).enumerate() {
        if cot.len() != dims.len() {
            return Err(Error::length(&format!("cotangent {}", i + 1), dims.len(), cot.len()));
        }
    }
    Ok(())
}

/// Numbers as an input: row-major, with their sizes.
pub fn numbers<'r, R: Real>(data: &'r [R], sizes: &[usize]) -> Input<'r, 'r, R> {
    Input::Real(Arg::kept(data, Dims::new(sizes)))
}

/// Token ids as an input: row-major, with their sizes.
pub fn ids<'r, R: Real>(data: &'r [u32], sizes: &[usize]) -> Input<'r, 'r, R> {
    Input::Ids(Ids::new(data, Dims::new(sizes)))
}
