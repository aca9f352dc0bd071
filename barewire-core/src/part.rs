//! What a part of a model is beyond its bytes: parameters, gradients, and named walks over both.

pub(crate) mod derived;
pub(crate) mod fields;
mod matrix;
mod number;
mod representation;

pub use representation::{HeldAs, held};

use alloc::string::String;

use zerocopy::F32;
use zerocopy::byteorder::LE;

use crate::Error;
use crate::error::Inside;
use crate::fuse::Sink;
use crate::gradient::{Gradient, Signal};
use crate::real::{Lift, Real};
use crate::shape::Dims;
use crate::wire::{Index, Wire};
use crate::workspace::Arena;

/// Whatever may be a field of a model: a parameter, a constant, or a derived type.
///
/// `Grad` is the cotangent: `()` for what is discrete, a number, a [`Gradient`], a [`Signal`] for packed digits, and a
/// generated union or struct for derived types. The same type is a *point* of parameter space: laid over a view by
/// [`at`](Part::at) it replaces the stored numbers by numbers of another scalar, which is all that finite differences,
/// JVPs and Hessian-vector products over parameters need.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be a part of a model",
    label = "no part",
    note = "parts are the fields on the wire, and types with `#[derive(BareUnion)]` or `#[derive(BareStruct)]`; a wire type written by hand implements `Part`, too"
)]
pub trait Part: Wire {
    /// The cotangent, and a point of parameter space.
    type Grad<R: Real>: Default;

    /// A cotangent that drops what it gets, for fields marked `fixed`.
    fn ignored<R: Real>() -> Self::Grad<R> {
        Self::Grad::default()
    }

    /// The stored numbers as a point of parameter space.
    fn point<R: Real, P: Lift<R>>(view: Self::View<'_, P>) -> Self::Grad<R>;

    /// The view with the numbers of `point` in place of the stored ones; where the point has none, `None`.
    fn at<'o, 'w: 'o, R: Real, P: Lift<R>>(
        view: Self::View<'w, P>,
        point: &'o Self::Grad<R>,
        index: &'o Index,
    ) -> Result<Self::View<'o, R>, Error>;

    /// Visits every active float parameter with its path and gradient (made dense).
    ///
    /// # Errors
    /// The gradient belongs to another variant than the view, or to a parameter of another size.
    fn walk<R: Real, P: Lift<R>>(
        view: Self::View<'_, P>,
        grad: &mut Self::Grad<R>,
        path: &mut String,
        visit: &mut dyn FnMut(Leaf<'_, R>),
    ) -> Result<(), Error>;

    /// Visits every parameter for an update in place: floats and digits.
    ///
    /// # Errors
    /// The gradient belongs to another variant than the view.
    fn walk_mut(
        view: Self::ViewMut<'_>,
        grad: &mut Self::Grad<f32>,
        path: &mut String,
        visit: &mut dyn FnMut(LeafMut<'_>),
    ) -> Result<(), Error>;

    /// Visits the gradients alone: to clear, scale or measure them.
    fn walk_grad<R: Real>(grad: &mut Self::Grad<R>, visit: &mut dyn FnMut(GradLeaf<'_, R>));

    /// Adds another gradient of the same part.
    ///
    /// # Errors
    /// The two belong to different variants.
    fn add_grad<R: Real>(grad: &mut Self::Grad<R>, other: &Self::Grad<R>) -> Result<(), Error>;
}

/// One float parameter during a walk.
pub struct Leaf<'a, R> {
    /// such as `layers.3.gate_proj.norm`
    pub path: &'a str,
    /// its sizes
    pub dims: Dims,
    /// its stored numbers
    pub value: &'a dyn Fn(usize) -> R,
    /// its gradient, as many numbers
    pub grad: &'a mut [R],
}

/// One parameter during an update.
pub enum LeafMut<'a> {
    /// one inline number
    Number {
        /// such as `blocks.0.scale`
        path: &'a str,
        /// the stored number
        value: &'a mut F32<LE>,
        /// its gradient
        grad: f32,
        /// whether a field of digits names it as `scaled_by`: it was visited with them as well
        scales_digits: bool,
    },
    /// a list or matrix of floats
    Float {
        /// such as `embedding`
        path: &'a str,
        /// sizes
        dims: Dims,
        /// the stored numbers
        values: &'a mut [f32],
        /// their gradient
        grad: &'a mut Gradient<f32>,
    },
    /// packed ternary digits
    Ternary {
        /// such as `layers.0.i_proj.digits`
        path: &'a str,
        /// number of rows
        rows: usize,
        /// number of columns
        cols: usize,
        /// `Tile8` words
        words: &'a mut [u64],
        /// what the digits received
        signal: &'a mut Signal<f32>,
        /// the field that `scaled_by` names: effective weights are `scale * digits`
        scale: Option<&'a mut F32<LE>>,
    },
    /// packed bits
    Binary {
        /// such as `layers.0.bits`
        path: &'a str,
        /// number of rows
        rows: usize,
        /// number of columns
        cols: usize,
        /// words, each row padded to a whole one
        words: &'a mut [u64],
        /// what the bits received
        signal: &'a mut Signal<f32>,
    },
}

impl<'a> LeafMut<'a> {
    /// Where the parameter stands, such as `layers.0.i_proj.digits`.
    pub fn path(&self) -> &'a str {
        match self {
            LeafMut::Number { path, .. }
            | LeafMut::Float { path, .. }
            | LeafMut::Ternary { path, .. }
            | LeafMut::Binary { path, .. } => path,
        }
    }
}

/// One gradient during a walk over gradients.
pub enum GradLeaf<'a, R> {
    /// of one number
    Number(&'a mut R),
    /// of a list or matrix
    Float(&'a mut Gradient<R>),
    /// of packed digits
    Signal(&'a mut Signal<R>),
}

/// Back to zero, keeping the memory.
pub fn clear_grad<T: Part, R: Real>(grad: &mut T::Grad<R>) {
    T::walk_grad(grad, &mut |leaf| match leaf {
        GradLeaf::Number(g) => *g = R::ZERO,
        GradLeaf::Float(g) => g.clear(),
        GradLeaf::Signal(g) => g.clear(),
    });
}

/// A [`Part`] that can be an argument of an op.
#[diagnostic::on_unimplemented(
    message = "a `{Self}` cannot be an argument of an operation",
    label = "not a parameter",
    note = "parameters are f32, integers, lists and matrices; a part with an equation is called like a function"
)]
pub trait Parameter: Part {
    /// Number of axes, the length of `#[bare(dims = [..])]`.
    const RANK: usize;
    /// Sizes of the stored value.
    fn dims<P: Copy + 'static>(view: &Self::View<'_, P>) -> Dims;
    /// The stored numbers in the scalar of the run: the slice itself for f32 over f32, else a copy in the arena.
    fn lower<'w: 'r, 'r, R: Real, P: Lift<R>>(view: Self::View<'w, P>, arena: &mut Arena<'r, R>) -> Self::View<'r, R>;
}

/// A [`Parameter`] that can take part in elementwise arithmetic.
#[diagnostic::on_unimplemented(
    message = "a `{Self}` cannot take part in elementwise arithmetic",
    label = "neither a number nor a list or matrix of numbers",
    note = "packed matrices enter equations through their ops, such as `ternary_linear(weights, x)`"
)]
pub trait Elementwise: Parameter {
    /// The numbers.
    fn numbers<'a, R: Real>(view: &'a Self::View<'_, R>) -> &'a [R];
    /// Where their gradient goes; `n` is how many there are, `SPREAD` how they spread over the result.
    ///
    /// # Errors
    /// A gradient of another number of them is held.
    fn sink<R: Real, const SPREAD: u8>(grad: &mut Self::Grad<R>, n: usize) -> Result<Sink<'_, R, SPREAD>, Error>;
}

pub(crate) fn lower_slice<'w: 'r, 'r, R: Real, P: Lift<R>>(stored: &'w [P], arena: &mut Arena<'r, R>) -> &'r [R] {
    match P::same(stored) {
        Some(same) => same,
        None => {
            let lifted = arena.take(stored.len());
            for (to, from) in lifted.iter_mut().zip(stored) {
                *to = from.lift();
            }
            lifted
        }
    }
}

pub(crate) fn lifted<R: Real, P: Lift<R>>(stored: &[P]) -> Gradient<R> {
    Gradient::from_values(stored.iter().map(|x| x.lift()).collect())
}

pub(crate) fn walk_floats<R: Real, P: Lift<R>>(
    stored: &[P],
    dims: Dims,
    grad: &mut Gradient<R>,
    path: &str,
    visit: &mut dyn FnMut(Leaf<'_, R>),
) -> Result<(), Error> {
    if let Some(grad) = grad.dense(stored.len()).inside(path)? {
        visit(Leaf { path, dims, value: &|i| stored[i].lift(), grad });
    }
    Ok(())
}
