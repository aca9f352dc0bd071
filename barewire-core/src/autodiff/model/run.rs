//! A model's passes at a point.

use core::mem::take;

use alloc::string::String;
use alloc::vec::Vec;

use super::super::flat::{append, fill, write_state};
use super::super::{Cotangents, Function};
use super::{Given, Model, Wrt};
use crate::Error;
use crate::layer::{Input, Layer};
use crate::model::{Checked, MAX_RESULTS};
use crate::part::GradLeaf;
use crate::primitive::{Arg, Ids, Slot};
use crate::real::{Lift, Real};
use crate::shape::{Dims, MAX_ARGS};
use crate::state::State;
use crate::wire::Index;
use crate::workspace::Workspace;

/// Memory of a [`Model`]: a warm call allocates nothing.
pub struct ModelMemory<T: Layer, R: Real> {
    workspace: Workspace<R>,
    index: Index,
    point: Option<T::Grad<R>>,
    rest: Rest<T, R>,
}

/// What a pass needs beside the point and the workspace.
struct Rest<T: Layer, R: Real> {
    grad: Option<T::Grad<R>>,
    /// the state, and in a backward pass its cotangent
    state: T::State<R>,
    /// whether a run has sized the state
    sized: bool,
    /// where a walk over the state is
    path: String,
    inputs: Vec<R>,
    input_cots: Vec<R>,
    y: Vec<R>,
    w: Vec<R>,
}

impl<T: Layer, R: Real> Default for ModelMemory<T, R> {
    fn default() -> Self {
        let rest = Rest {
            grad: None,
            state: T::State::default(),
            sized: false,
            path: String::new(),
            inputs: Vec::new(),
            input_cots: Vec::new(),
            y: Vec::new(),
            w: Vec::new(),
        };
        ModelMemory { workspace: Workspace::new(), index: Index::new(), point: None, rest }
    }
}

impl<T: Layer, R: Real> Function<R> for Model<'_, T>
where
    f32: Lift<R>,
{
    type Memory = ModelMemory<T, R>;

    fn run(&self, x: &[R], y: &mut Vec<R>, memory: &mut Self::Memory) -> Result<(), Error> {
        let x = self.cut(x)?;
        let ModelMemory { workspace, index, point, rest } = memory;
        if self.is_by(Wrt::Parameters) {
            let model = self.laid(x[0], point, index)?;
            self.run_at(model, x, y, workspace, rest)
        } else {
            self.run_at(self.checked, x, y, workspace, rest)
        }
    }

    fn pull(&self, x: &[R], cot: Cotangents<'_, R>, g: &mut Vec<R>, memory: &mut Self::Memory) -> Result<(), Error> {
        let x = self.cut(x)?;
        let ModelMemory { workspace, index, point, rest } = memory;
        if self.is_by(Wrt::Parameters) {
            let model = self.laid(x[0], point, index)?;
            self.pull_at(model, x, cot, g, workspace, rest)
        } else {
            self.pull_at(self.checked, x, cot, g, workspace, rest)
        }
    }
}

impl<T: Layer> Model<'_, T> {
    /// The model with these parameters.
    fn laid<'o, R: Real>(
        &'o self,
        parameters: &[R],
        point: &'o mut Option<T::Grad<R>>,
        index: &'o mut Index,
    ) -> Result<Checked<'o, T, R>, Error> {
        let point = point.get_or_insert_with(|| T::point::<R, f32>(self.checked.view()));
        fill::<T, R>(point, parameters)?;
        index.reset();
        Ok(self.checked.with_numbers(T::at::<R, f32>(self.checked.view(), point, index)?))
    }

    fn run_at<P: Lift<R>, R: Real>(
        &self,
        model: Checked<'_, T, P>,
        [_, numbers, state]: [&[R]; 3],
        y: &mut Vec<R>,
        workspace: &mut Workspace<R>,
        rest: &mut Rest<T, R>,
    ) -> Result<(), Error> {
        rest.set_state(self, state)?;
        rest.set_inputs(self, numbers);
        let inputs = &inputs(&self.inputs, &rest.inputs)[..self.inputs.len()];
        let mut dims = [Dims::SCALAR; MAX_RESULTS];
        let count = model.sized(inputs, &mut dims)?;
        y.clear();
        y.resize(dims[..count].iter().map(Dims::len).sum(), R::ZERO);
        let (mut results, mut free) = ([(); MAX_RESULTS].map(|()| Default::default()), &mut y[..]);
        for (result, dims) in results.iter_mut().zip(&dims[..count]) {
            (*result, free) = take(&mut free).split_at_mut(dims.len());
        }
        model.forward(inputs, &mut results[..count], &mut rest.state, workspace)?;
        if self.final_state {
            rest.state.walk(&mut rest.path, &mut |_, list| y.extend_from_slice(list));
        }
        Ok(())
    }

    fn pull_at<'m: 'r, 'r, P: Lift<R>, R: Real>(
        &self,
        model: Checked<'m, T, P>,
        [_, numbers, state]: [&[R]; 3],
        cot: Cotangents<'_, R>,
        g: &mut Vec<R>,
        workspace: &'r mut Workspace<R>,
        rest: &'r mut Rest<T, R>,
    ) -> Result<(), Error> {
        rest.set_state(self, state)?;
        rest.set_inputs(self, numbers);
        let Rest { grad, state, path, inputs: given, input_cots, y, w, .. } = rest;
        let given = &inputs(&self.inputs, given)[..self.inputs.len()];
        let mut pass = model.forward_saving(given, state, workspace)?;
        y.clear();
        (0..pass.results()).for_each(|i| y.extend_from_slice(pass.result(i)));
        let outs = y.len();
        if self.final_state {
            state.walk(path, &mut |_, list| y.extend_from_slice(list));
        }
        w.clear();
        w.resize(y.len(), R::ZERO);
        cot(y, w)?;
        let (mut out_cots, mut state_cot) = w.split_at(outs);
        let mut cots = [&[][..]; MAX_RESULTS];
        for (i, cot) in cots.iter_mut().enumerate().take(pass.results()) {
            (*cot, out_cots) = out_cots.split_at(pass.dims(i).len());
        }
        // what was the final state takes its cotangent: zeros, unless it is a result
        state.walk(path, &mut |_, list| {
            let (cot, after) = state_cot.split_at(list.len().min(state_cot.len()));
            state_cot = after;
            list.fill(R::ZERO);
            list.iter_mut().zip(cot).for_each(|(to, from)| *to = *from);
        });
        let grad = grad.get_or_insert_with(|| self.shaped(self.is_by(Wrt::Parameters)));
        clear::<T, R>(grad);
        input_cots.clear();
        input_cots.resize(numbers.len(), R::ZERO);
        let slots = &mut slots(&self.inputs, input_cots)[..self.inputs.len()];
        pass.vjp(&cots[..pass.results()], slots, grad, state)?;
        g.clear();
        append::<T, R>(grad, g);
        if !self.is_by(Wrt::Parameters) {
            g.clear();
        }
        g.extend_from_slice(input_cots);
        self.append_state(state, path, g)
    }

    /// The cotangent of the initial state, in the lengths that it was given with: unset is zero.
    fn append_state<R: Real>(&self, state: &mut T::State<R>, path: &mut String, g: &mut Vec<R>) -> Result<(), Error> {
        let (true, Some((lengths, _))) = (self.is_by(Wrt::State), &self.state) else { return Ok(()) };
        let mut fits = true;
        let mut expected = lengths.iter();
        state.walk(path, &mut |_, list| {
            let n = expected.next().copied().unwrap_or(0);
            fits &= list.is_empty() || list.len() == n;
            g.extend_from_slice(list);
            g.resize(g.len() + n - list.len().min(n), R::ZERO);
        });
        if fits { Ok(()) } else { Err(Error::shape("a cotangent of the initial state's sizes", "another")) }
    }
}

impl<T: Layer, R: Real> Rest<T, R> {
    /// The inputs' numbers, those of the point or those that were given.
    fn set_inputs(&mut self, model: &Model<'_, T>, numbers: &[R]) {
        self.inputs.clear();
        if model.is_by(Wrt::Inputs) {
            self.inputs.extend_from_slice(numbers);
        } else {
            self.inputs.extend(model.inputs.iter().flat_map(|input| &input.numbers).map(|x| R::of(*x)));
        }
    }

    /// The initial state, that of the point or that which was given.
    fn set_state(&mut self, model: &Model<'_, T>, numbers: &[R]) -> Result<(), Error>
    where
        f32: Lift<R>,
    {
        let Some((lengths, given)) = &model.state else {
            // unset is the beginning of a sequence
            self.state.walk(&mut self.path, &mut |_, list| list.clear());
            return Ok(());
        };
        if !self.sized {
            let all: Vec<R> = model.inputs.iter().flat_map(|input| &input.numbers).map(|x| R::of(*x)).collect();
            let inputs = &inputs(&model.inputs, &all)[..model.inputs.len()];
            model.checked.forward_saving(inputs, &mut self.state, &mut Workspace::new())?;
            self.sized = true;
        }
        if model.is_by(Wrt::State) {
            return write_state(&mut self.state, &mut self.path, lengths, numbers);
        }
        self.w.clear();
        self.w.extend(given.iter().map(|x| R::of(*x)));
        write_state(&mut self.state, &mut self.path, lengths, &self.w)
    }
}

/// Back to zero, dense; what is ignored stays so.
fn clear<T: Layer, R: Real>(grad: &mut T::Grad<R>) {
    T::walk_grad::<R>(grad, &mut |leaf| match leaf {
        GradLeaf::Number(x) => *x = R::ZERO,
        GradLeaf::Float(g) => g.values_mut().fill(R::ZERO),
        GradLeaf::Signal(_) => {}
    });
}

/// The inputs, on these numbers.
fn inputs<'x, R: Real>(given: &'x [Given], mut numbers: &'x [R]) -> [Input<'x, 'x, R>; MAX_ARGS] {
    let mut all = [Input::Ids(Ids::new(&[], Dims::SCALAR)); MAX_ARGS];
    for (to, input) in all.iter_mut().zip(given) {
        let (taken, after) = numbers.split_at(input.numbers.len().min(numbers.len()));
        numbers = after;
        *to = match &input.ids {
            Some(ids) => Input::Ids(Ids::new(ids, input.dims)),
            None => Input::Real(Arg::kept(taken, input.dims)),
        };
    }
    all
}

/// Where their gradients go: nowhere, if there is no room.
fn slots<'x, R: Real>(given: &[Given], mut cots: &'x mut [R]) -> [Slot<'x, R>; MAX_ARGS] {
    let mut all = [(); MAX_ARGS].map(|()| Slot::Skip);
    for (to, input) in all.iter_mut().zip(given) {
        let n = input.numbers.len();
        if input.ids.is_none() && n <= cots.len() && !cots.is_empty() {
            let (taken, after) = take(&mut cots).split_at_mut(n);
            cots = after;
            *to = Slot::Write(taken);
        }
    }
    all
}
