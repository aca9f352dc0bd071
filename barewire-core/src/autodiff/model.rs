//! A model as a function.

use core::ops::Range;

use alloc::string::String;
use alloc::vec::Vec;

mod run;

pub use run::ModelMemory;

use super::flat::{append, fill, read_state};
use crate::Error;
use crate::layer::{Input, Layer};
use crate::model::Checked;
use crate::part::GradLeaf;
use crate::real::{Lift, Real};
use crate::shape::Dims;

/// What a [`Model`] is a function of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wrt {
    /// every active float parameter; packed digits stay as they are
    Parameters,
    /// every input that holds numbers
    Inputs,
    /// what it carries along time, as it is in the beginning
    State,
}

/// A checked model at given inputs, as a function of its parameters, its inputs, its initial state, or several of them.
///
/// The argument is the parameters' numbers in the order of their walk ([`leaves`](Model::leaves) has names and places), then
/// those of the inputs, then those of the initial state, of what [`by`](Model::by) chose: parameters alone at first. The
/// results are the model's, one after the other, then the final state if asked for.
///
/// A model runs by its own rules in every scalar, [`Dual`](crate::real::Dual) numbers included; with `f32` on its kernels.
///
/// ```
/// use barewire_core::autodiff::{Model, Then, Wrt, grad, hvp, value_and_grad};
/// use barewire_core::layer::Layer;
/// use barewire_core::model::{Checked, numbers};
/// # use barewire_core::{formula, part::Part};
///
/// # fn example<T: Layer>(view: T::View<'_, f32>) -> Result<(), barewire_core::Error> {
/// let model = Model::new(Checked::<T>::new(view)?, &[numbers(&[0.5_f32; 24], &[2, 3, 4])])?;
/// let square = formula!(for<R> |y| {
///     let mut sum = R::ZERO;
///     y.iter().for_each(|y| sum += *y * *y);
///     [sum]
/// });
/// let loss = Then(&model, &square);
/// let point: Vec<f64> = model.point();                    // the stored parameters
/// let (value, gradient) = value_and_grad(&loss, &point)?;
/// let curvature = hvp(&loss, &point, &gradient)?;
/// let typed: T::Grad<f64> = model.cotangent(&gradient)?;  // the gradient as the model's own union
///
/// let model = model.by(&[Wrt::Inputs]);
/// let saliency = grad(&Then(&model, &square), &model.point::<f64>())?;
/// # let _ = (value, curvature, typed, saliency);
/// # Ok(()) }
/// ```
pub struct Model<'w, T: Layer> {
    checked: Checked<'w, T>,
    inputs: Vec<Given>,
    /// lengths of the arrays of the initial state, and their numbers
    state: Option<(Vec<usize>, Vec<f64>)>,
    wrt: [bool; 3],
    final_state: bool,
    parameters: usize,
}

/// An input.
struct Given {
    dims: Dims,
    numbers: Vec<f64>,
    ids: Option<Vec<u32>>,
}

/// One float parameter in a flat list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LeafRange {
    /// such as `layers.3.gate_proj.norm`
    pub path: String,
    /// its sizes
    pub dims: Dims,
    /// where its numbers are
    pub range: Range<usize>,
}

/// A flat list of numbers, apart.
#[derive(Clone, Debug, PartialEq)]
pub struct Parts<'x, R> {
    /// of the parameters; empty if the model is not by them
    pub parameters: &'x [R],
    /// of each input; empty for ids, and if the model is not by its inputs
    pub inputs: Vec<&'x [R]>,
    /// of the initial state; empty if the model is not by it
    pub state: &'x [R],
}

impl<'w, T: Layer> Model<'w, T> {
    /// The model at these inputs, by its parameters, from the beginning of a sequence.
    ///
    /// # Errors
    /// Inputs that the model does not take.
    pub fn new<R: Real>(checked: Checked<'w, T>, inputs: &[Input<'_, '_, R>]) -> Result<Self, Error> {
        checked.result_dims(inputs)?;
        let inputs = inputs.iter().map(|input| match input {
            Input::Real(x) => {
                Given { dims: x.dims(), numbers: x.data().iter().map(|x| x.value()).collect(), ids: None }
            }
            Input::Ids(ids) => Given { dims: ids.dims(), numbers: Vec::new(), ids: Some(ids.data().to_vec()) },
        });
        let inputs = inputs.collect();
        let parameters = super::flatten::<T, f32>(&mut T::point::<f32, f32>(checked.view())).len();
        Ok(Model { checked, inputs, state: None, wrt: [true, false, false], final_state: false, parameters })
    }

    /// By these.
    #[must_use]
    pub fn by(mut self, wrt: &[Wrt]) -> Self {
        self.wrt = [Wrt::Parameters, Wrt::Inputs, Wrt::State].map(|one| wrt.contains(&one));
        self
    }

    /// From this state instead of the beginning of a sequence: what an earlier run left.
    #[must_use]
    pub fn from_state<R: Real>(mut self, state: &mut T::State<R>) -> Self {
        let lists = read_state(state);
        let numbers = lists.iter().flatten().map(|x| x.value()).collect();
        self.state = Some((lists.iter().map(Vec::len).collect(), numbers));
        self
    }

    /// With the final state behind the results, so that a sequence can be cut and gradients carried over the cut.
    #[must_use]
    pub fn with_final_state(mut self) -> Self {
        self.final_state = true;
        self
    }

    /// Where the model stands: its stored parameters, the given inputs, the given state, of what it is a function of.
    pub fn point<R: Real>(&self) -> Vec<R>
    where
        f32: Lift<R>,
    {
        let mut all = Vec::new();
        if self.is_by(Wrt::Parameters) {
            append::<T, R>(&mut T::point::<R, f32>(self.checked.view()), &mut all);
        }
        if self.is_by(Wrt::Inputs) {
            all.extend(self.inputs.iter().flat_map(|input| &input.numbers).map(|x| R::of(*x)));
        }
        if self.is_by(Wrt::State) {
            all.extend(self.state.iter().flat_map(|(_, numbers)| numbers).map(|x| R::of(*x)));
        }
        all
    }

    /// The parameters' part of a flat gradient (or point), in the model's own type. Digits have no part in it.
    ///
    /// # Errors
    /// A list of another length than [`point`](Model::point) has.
    pub fn cotangent<R: Real>(&self, flat: &[R]) -> Result<T::Grad<R>, Error> {
        let mut grad = self.shaped(self.is_by(Wrt::Parameters));
        fill::<T, R>(&mut grad, self.cut(flat)?[0])?;
        Ok(grad)
    }

    /// A flat gradient (or point, or direction) by parameters, inputs and state.
    ///
    /// # Errors
    /// As [`cotangent`](Model::cotangent).
    pub fn parts<'x, R: Real>(&self, flat: &'x [R]) -> Result<Parts<'x, R>, Error> {
        let [parameters, mut rest, state] = self.cut(flat)?;
        let inputs = self.inputs.iter().map(|input| {
            let (taken, after) = rest.split_at(input.numbers.len().min(rest.len()));
            rest = after;
            taken
        });
        Ok(Parts { parameters, inputs: inputs.collect(), state })
    }

    /// The parameters with their places in a flat list; none if the model is not by them.
    ///
    /// # Errors
    /// None for a checked model.
    pub fn leaves(&self) -> Result<Vec<LeafRange>, Error> {
        let (mut leaves, mut end) = (Vec::new(), 0);
        if self.is_by(Wrt::Parameters) {
            let view = self.checked.view();
            let mut grad = T::point::<f32, f32>(view);
            T::walk::<f32, f32>(view, &mut grad, &mut String::new(), &mut |leaf| {
                let range = end..end + leaf.grad.len();
                end = range.end;
                leaves.push(LeafRange { path: leaf.path.into(), dims: leaf.dims, range });
            })?;
        }
        Ok(leaves)
    }

    fn is_by(&self, wrt: Wrt) -> bool {
        self.wrt[wrt as usize]
    }

    /// The parts of a flat list: parameters, inputs, state.
    fn cut<'x, R>(&self, flat: &'x [R]) -> Result<[&'x [R]; 3], Error> {
        let sizes = [
            self.parameters,
            self.inputs.iter().map(|input| input.numbers.len()).sum(),
            self.state.as_ref().map_or(0, |(_, numbers)| numbers.len()),
        ];
        if self.is_by(Wrt::State) && self.state.is_none() {
            return Err(Error::input("an initial state, by `from_state`", "a model by its state without one"));
        }
        let mut ends = [0; 3];
        let mut end = 0;
        for ((to, size), by) in ends.iter_mut().zip(sizes).zip(self.wrt) {
            end += if by { size } else { 0 };
            *to = end;
        }
        super::passes::same_size("x", end, flat.len())?;
        Ok([&flat[..ends[0]], &flat[ends[0]..ends[1]], &flat[ends[1]..]])
    }

    /// A dense gradient of the model's shape, zero (or one that drops everything); digits receive nothing.
    fn shaped<R: Real>(&self, wanted: bool) -> T::Grad<R>
    where
        f32: Lift<R>,
    {
        let mut grad = T::point::<R, f32>(self.checked.view());
        T::walk_grad::<R>(&mut grad, &mut |leaf| match leaf {
            GradLeaf::Number(x) => *x = R::ZERO,
            GradLeaf::Float(g) if wanted => g.values_mut().fill(R::ZERO),
            GradLeaf::Float(g) => *g = crate::gradient::Gradient::ignored(),
            GradLeaf::Signal(s) => *s = crate::gradient::Signal::ignored(),
        });
        grad
    }
}
