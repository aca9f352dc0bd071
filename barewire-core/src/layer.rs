//! A part with an equation.

use alloc::format;
use alloc::vec::Vec;

use crate::Error;
use crate::part::Part;
use crate::primitive::{Arg, Ids, Slot};
use crate::real::{Lift, Real};
use crate::shape::{Dims, Sig};
use crate::state::State;
use crate::workspace::Arena;

/// A part with an equation: a struct, a union (one `match` a call), or a `Vec` of one, applied in turn.
///
/// The derive implements it; users call it through [`Checked`](crate::model::Checked), which has bound all sizes.
#[diagnostic::on_unimplemented(
    message = "`{Self}` has no equation, so it cannot be called like a function",
    label = "no `forward` here",
    note = "give its type (or each of its variants) `#[bare(forward = |x: [..]| ..)]`"
)]
pub trait Layer: Part {
    /// Axes of inputs and results.
    const SIG: Sig;
    /// For each input, whether the residual borrows it.
    const KEEPS: &'static [bool];
    /// Whether [`vjp`](Layer::vjp) reads the results.
    const KEEPS_OUT: bool;
    /// Whether the equation can run in chunks along time.
    const STEPS: bool;

    /// What the backward pass needs of the taken variant.
    type Residual<'r, R: Real>: Copy;
    /// What is carried along time.
    type State<R: Real>: State<R>;

    /// Binds the sizes of the named axes that the stored parameters have.
    ///
    /// # Errors
    /// Two fields that give one axis different sizes; the message has both names.
    fn bind<P: Copy + 'static>(view: Self::View<'_, P>, sizes: &mut Sizes) -> Result<(), Error>;

    /// Sizes of the results for these sizes of the inputs.
    ///
    /// # Errors
    /// Sizes that do not fit.
    fn dims<P: Copy + 'static>(view: Self::View<'_, P>, ins: &[Dims], outs: &mut [Dims]) -> Result<(), Error>;

    /// The forward pass when nothing is kept.
    ///
    /// # Errors
    /// Sizes or values that an op cannot take.
    fn forward<R: Real, P: Lift<R>>(
        view: Self::View<'_, P>,
        ins: &[Input<'_, '_, R>],
        outs: &mut [&mut [R]],
        state: &mut Self::State<R>,
        scratch: Arena<'_, R>,
    ) -> Result<(), Error>;

    /// The forward pass that keeps what the backward pass needs.
    ///
    /// # Errors
    /// As [`forward`](Layer::forward).
    fn forward_saving<'w: 'r, 'r, R: Real, P: Lift<R>>(
        view: Self::View<'w, P>,
        ins: &[Input<'r, '_, R>],
        outs: &mut [&mut [R]],
        state: &mut Self::State<R>,
        saved: &mut Arena<'r, R>,
        scratch: Arena<'_, R>,
    ) -> Result<Self::Residual<'r, R>, Error>;

    /// The backward pass. `outs` are the results (empty slices unless [`KEEPS_OUT`](Layer::KEEPS_OUT)), `cots` their
    /// cotangents; parameter gradients are added to `grad`; `state` is the cotangent of the final state on entry and
    /// of the initial state on return.
    ///
    /// # Errors
    /// A residual, gradient or state of another variant.
    fn vjp<R: Real>(
        residual: Self::Residual<'_, R>,
        outs: &[&[R]],
        cots: &[&[R]],
        ins: &mut [Slot<'_, R>],
        grad: &mut Self::Grad<R>,
        state: &mut Self::State<R>,
        scratch: Arena<'_, R>,
    ) -> Result<(), Error>;
}

/// An input of an equation.
#[derive(Clone, Copy, Debug)]
pub enum Input<'r, 'a, R> {
    /// activations
    Real(Arg<'r, 'a, R>),
    /// token ids
    Ids(Ids<'r>),
}

impl<'r, 'a, R: Real> Input<'r, 'a, R> {
    /// The activations.
    ///
    /// # Errors
    /// The input holds ids.
    pub fn real(&self) -> Result<Arg<'r, 'a, R>, Error> {
        match self {
            Input::Real(arg) => Ok(*arg),
            Input::Ids(_) => Err(Error::input("numbers", "ids")),
        }
    }

    /// The ids.
    ///
    /// # Errors
    /// The input holds activations.
    pub fn ids(&self) -> Result<Ids<'r>, Error> {
        match self {
            Input::Ids(ids) => Ok(*ids),
            Input::Real(_) => Err(Error::input("ids", "numbers")),
        }
    }

    /// The sizes.
    pub fn dims(&self) -> Dims {
        match self {
            Input::Real(arg) => arg.dims(),
            Input::Ids(ids) => ids.dims(),
        }
    }

    /// Row `i` of the outermost axis.
    pub(crate) fn row(&self, i: usize) -> Result<Self, Error> {
        let dims = self.dims();
        let layers = dims.sizes().first().copied().unwrap_or(0);
        let row = dims.without_first(layers)?;
        let range = i * row.len()..(i + 1) * row.len();
        let short = || Error::length("input", dims.len(), self.len());
        Ok(match self {
            Input::Real(arg) => Input::Real(arg.part(range, row).ok_or_else(short)?),
            Input::Ids(ids) => Input::Ids(Ids::new(ids.data().get(range).ok_or_else(short)?, row)),
        })
    }

    /// The number of elements that is really there.
    pub(crate) fn len(&self) -> usize {
        match self {
            Input::Real(arg) => arg.data().len(),
            Input::Ids(ids) => ids.data().len(),
        }
    }
}

/// Exactly `N` inputs, results or cotangents.
///
/// # Errors
/// Another number of them.
pub fn exactly<const N: usize, T: Copy>(items: &[T], name: &str) -> Result<[T; N], Error> {
    items.try_into().map_err(|_| Error::input(format!("{N} {name}"), format!("{}", items.len())))
}

/// As [`exactly`], mutable.
///
/// # Errors
/// Another number of them.
pub fn exactly_mut<'a, const N: usize, T>(items: &'a mut [T], name: &str) -> Result<&'a mut [T; N], Error> {
    let found = items.len();
    items.try_into().map_err(|_| Error::input(format!("{N} {name}"), format!("{found}")))
}

/// Where the result of a call goes: saved if a consumer borrows it, else scratch.
#[derive(Debug)]
pub enum Buf<'r, 'a, R> {
    /// lives as long as the residual
    Saved(&'r mut [R]),
    /// free again when the caller returns
    Scratch(&'a mut [R]),
}

impl<'r, 'a, R: Real> Buf<'r, 'a, R> {
    /// Takes `n` elements from `saved` or from `scratch`.
    pub fn new(keep: bool, n: usize, saved: &mut Arena<'r, R>, scratch: &mut Arena<'a, R>) -> Self {
        if keep { Buf::Saved(saved.take(n)) } else { Buf::Scratch(scratch.take(n)) }
    }

    /// The memory, to write the result to.
    pub fn write(&mut self) -> &mut [R] {
        match self {
            Buf::Saved(data) => data,
            Buf::Scratch(data) => data,
        }
    }

    /// The written result as an argument of the next call.
    pub fn read(self, dims: Dims) -> Arg<'r, 'a, R>
    where
        'r: 'a,
    {
        match self {
            Buf::Saved(data) => Arg::kept(data, dims),
            Buf::Scratch(data) => Arg::passing(data, dims),
        }
    }
}

/// The written result as borrowed by the residual: empty if it was not kept.
pub fn kept<'r, R: Real>(arg: &Arg<'r, '_, R>) -> &'r [R] {
    arg.kept_data().unwrap_or(&[])
}

/// Sizes of named axes, and which field gave them.
#[derive(Debug, Default)]
pub struct Sizes {
    known: Vec<(&'static str, usize, alloc::string::String)>,
}

impl Sizes {
    /// Nothing bound yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// The size of an axis, if a field has it.
    pub fn get(&self, axis: &str) -> Option<usize> {
        self.known.iter().find(|(name, ..)| *name == axis).map(|(_, size, _)| *size)
    }

    /// Binds an axis to the size that `field` has.
    ///
    /// # Errors
    /// Another field gave it another size; the message has both.
    pub fn bind(&mut self, axis: &'static str, size: usize, field: &str) -> Result<(), Error> {
        match self.known.iter().find(|(name, ..)| *name == axis) {
            None => {
                self.known.push((axis, size, field.into()));
                Ok(())
            }
            Some((_, known, _)) if *known == size => Ok(()),
            Some((_, known, first)) => {
                Err(Error::shape(format!("`{axis}` = {known} as in `{first}`"), format!("{size} in `{field}`")))
            }
        }
    }

    /// Binds the sizes of a field whose axes are named.
    ///
    /// # Errors
    /// As [`bind`](Sizes::bind), or another number of axes.
    pub fn bind_all(&mut self, axes: &[&'static str], dims: Dims, field: &str) -> Result<(), Error> {
        if axes.len() != dims.rank() {
            return Err(Error::shape(format!("{} axes in `{field}`", axes.len()), format!("{dims}")));
        }
        axes.iter().zip(dims.sizes()).try_for_each(|(axis, size)| self.bind(axis, *size, field))
    }

    /// Binds axes of a sub-layer to axes here: pairs of (its axis, ours).
    ///
    /// # Errors
    /// As [`bind`](Sizes::bind).
    pub fn join(&mut self, inner: &Sizes, pairs: &[(&'static str, &'static str)], field: &str) -> Result<(), Error> {
        for (theirs, ours) in pairs {
            if let Some(size) = inner.get(theirs) {
                self.bind(ours, size, &format!("{field}.{theirs}"))?;
            }
        }
        Ok(())
    }
}

/// After a mistake in an equation: an implementation that never runs, so that the mistake is the only message.
#[doc(hidden)]
#[macro_export]
macro_rules! impl_stub_layer {
    ($part:ty) => {
        impl $crate::layer::Layer for $part {
            const SIG: $crate::shape::Sig = $crate::shape::Sig::UNKNOWN;
            const KEEPS: &'static [bool] = &[false; 8];
            const KEEPS_OUT: bool = false;
            const STEPS: bool = true;
            type Residual<'r, R: $crate::real::Real> = ();
            type State<R: $crate::real::Real> = ();

            fn bind<P: ::core::marker::Copy + 'static>(
                _: <$part as $crate::wire::Wire>::View<'_, P>,
                _: &mut $crate::layer::Sizes,
            ) -> ::core::result::Result<(), $crate::Error> {
                ::core::unreachable!()
            }
            fn dims<P: ::core::marker::Copy + 'static>(
                _: <$part as $crate::wire::Wire>::View<'_, P>,
                _: &[$crate::shape::Dims],
                _: &mut [$crate::shape::Dims],
            ) -> ::core::result::Result<(), $crate::Error> {
                ::core::unreachable!()
            }
            fn forward<R: $crate::real::Real, P: $crate::real::Lift<R>>(
                _: <$part as $crate::wire::Wire>::View<'_, P>,
                _: &[$crate::layer::Input<'_, '_, R>],
                _: &mut [&mut [R]],
                _: &mut (),
                _: $crate::workspace::Arena<'_, R>,
            ) -> ::core::result::Result<(), $crate::Error> {
                ::core::unreachable!()
            }
            fn forward_saving<'w: 'r, 'r, R: $crate::real::Real, P: $crate::real::Lift<R>>(
                _: <$part as $crate::wire::Wire>::View<'w, P>,
                _: &[$crate::layer::Input<'r, '_, R>],
                _: &mut [&mut [R]],
                _: &mut (),
                _: &mut $crate::workspace::Arena<'r, R>,
                _: $crate::workspace::Arena<'_, R>,
            ) -> ::core::result::Result<(), $crate::Error> {
                ::core::unreachable!()
            }
            fn vjp<R: $crate::real::Real>(
                _: (),
                _: &[&[R]],
                _: &[&[R]],
                _: &mut [$crate::primitive::Slot<'_, R>],
                _: &mut <$part as $crate::part::Part>::Grad<R>,
                _: &mut (),
                _: $crate::workspace::Arena<'_, R>,
            ) -> ::core::result::Result<(), $crate::Error> {
                ::core::unreachable!()
            }
        }
    };
}
