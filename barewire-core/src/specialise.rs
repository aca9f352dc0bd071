//! Parts whose variants are fixed in the type: chosen once, then run without a test of any tag.
//!
//! A union's `forward` is one `match` a call, and so is each union inside it. Where the parts are small, and the same model runs many
//! times, that can be done once: `#[bare(specialise)]` on a union writes a type for each variant (`weight::Ternary` for the
//! variant `Ternary` of `Weight`), and on a struct a type for each combination of its layers (`net::Of<weight::Ternary, ..>`). Both
//! are [`Variant`]s, and [`Checked::specialised`] gives a [`Fixed`] model, if its variants are those; [`specialise!`](crate::specialise!)
//! is a `match` over several of them. A layer that stays as it is, with its `match`, is [`Any`]. Types that do not say so have none of this.
//! The example is with the facade, which has the derives: `barewire::specialise`.

use core::marker::PhantomData;

use crate::Error;
use crate::layer::{Input, Layer};
use crate::model::{Checked, MAX_RESULTS, Results};
use crate::part::Part;
use crate::primitive::Slot;
use crate::real::{Lift, Real};
use crate::shape::Dims;
use crate::state::State;
use crate::wire::Wire;
use crate::workspace::{Arena, Workspace};

/// One variant of a union, or one combination of variants of a struct. The methods are those of [`Layer`].
#[diagnostic::on_unimplemented(
    message = "`{Self}` is no variant or combination",
    label = "not a `Variant`",
    note = "`#[bare(specialise)]` on a type writes them; for a layer as it is, write `Any<Layer>`"
)]
pub trait Variant: 'static {
    /// The type that it is a variant of.
    type Of: Layer;
    /// See [`Layer::KEEPS`].
    const KEEPS: &'static [bool];
    /// See [`Layer::KEEPS_OUT`].
    const KEEPS_OUT: bool;
    /// Its fields, borrowed.
    type Fields<'w, P: Copy + 'static>: Copy;
    /// What the backward pass needs.
    type Residual<'r, R: Real>: Copy;
    /// What is carried along time.
    type State<R: Real>: State<R>;
    /// The gradients of its fields, borrowed.
    type Grad<'g, R: Real>;

    /// Its fields, if the view is of this variant.
    fn of<'w, P: Copy + 'static>(view: <Self::Of as Wire>::View<'w, P>) -> Option<Self::Fields<'w, P>>;
    /// The gradients of its fields.
    ///
    /// # Errors
    /// A gradient of another variant.
    fn grad<'g, R: Real>(grad: &'g mut <Self::Of as Part>::Grad<R>) -> Result<Self::Grad<'g, R>, Error>;
    /// The same, for a shorter time.
    fn lend<'a, R: Real>(grad: &'a mut Self::Grad<'_, R>) -> Self::Grad<'a, R>;
    /// See [`Layer::dims`].
    ///
    /// # Errors
    /// As there.
    fn dims<P: Copy + 'static>(fields: Self::Fields<'_, P>, ins: &[Dims], outs: &mut [Dims]) -> Result<(), Error>;
    /// See [`Layer::forward`].
    ///
    /// # Errors
    /// As there.
    fn forward<R: Real, P: Lift<R>>(
        fields: Self::Fields<'_, P>,
        ins: &[Input<'_, '_, R>],
        outs: &mut [&mut [R]],
        state: &mut Self::State<R>,
        scratch: Arena<'_, R>,
    ) -> Result<(), Error>;
    /// See [`Layer::forward_saving`].
    ///
    /// # Errors
    /// As there.
    fn forward_saving<'w: 'r, 'r, R: Real, P: Lift<R>>(
        fields: Self::Fields<'w, P>,
        ins: &[Input<'r, '_, R>],
        outs: &mut [&mut [R]],
        state: &mut Self::State<R>,
        saved: &mut Arena<'r, R>,
        scratch: Arena<'_, R>,
    ) -> Result<Self::Residual<'r, R>, Error>;
    /// See [`Layer::vjp`].
    ///
    /// # Errors
    /// As there.
    fn vjp<R: Real>(
        residual: Self::Residual<'_, R>,
        outs: &[&[R]],
        cots: &[&[R]],
        ins: &mut [Slot<'_, R>],
        grad: Self::Grad<'_, R>,
        state: &mut Self::State<R>,
        scratch: Arena<'_, R>,
    ) -> Result<(), Error>;
}

/// A layer as it is, whatever its variant.
#[derive(Debug)]
pub struct Any<T>(PhantomData<T>);

impl<T: Layer> Variant for Any<T> {
    type Of = T;
    const KEEPS: &'static [bool] = T::KEEPS;
    const KEEPS_OUT: bool = T::KEEPS_OUT;
    type Fields<'w, P: Copy + 'static> = T::View<'w, P>;
    type Residual<'r, R: Real> = T::Residual<'r, R>;
    type State<R: Real> = T::State<R>;
    type Grad<'g, R: Real> = &'g mut T::Grad<R>;

    fn of<'w, P: Copy + 'static>(view: T::View<'w, P>) -> Option<T::View<'w, P>> {
        Some(view)
    }
    fn grad<R: Real>(grad: &mut T::Grad<R>) -> Result<&mut T::Grad<R>, Error> {
        Ok(grad)
    }
    fn lend<'a, R: Real>(grad: &'a mut &mut T::Grad<R>) -> &'a mut T::Grad<R> {
        grad
    }
    fn dims<P: Copy + 'static>(fields: T::View<'_, P>, ins: &[Dims], outs: &mut [Dims]) -> Result<(), Error> {
        T::dims::<P>(fields, ins, outs)
    }
    fn forward<R: Real, P: Lift<R>>(
        fields: T::View<'_, P>,
        ins: &[Input<'_, '_, R>],
        outs: &mut [&mut [R]],
        state: &mut T::State<R>,
        scratch: Arena<'_, R>,
    ) -> Result<(), Error> {
        T::forward::<R, P>(fields, ins, outs, state, scratch)
    }
    fn forward_saving<'w: 'r, 'r, R: Real, P: Lift<R>>(
        fields: T::View<'w, P>,
        ins: &[Input<'r, '_, R>],
        outs: &mut [&mut [R]],
        state: &mut T::State<R>,
        saved: &mut Arena<'r, R>,
        scratch: Arena<'_, R>,
    ) -> Result<T::Residual<'r, R>, Error> {
        T::forward_saving::<R, P>(fields, ins, outs, state, saved, scratch)
    }
    fn vjp<R: Real>(
        residual: T::Residual<'_, R>,
        outs: &[&[R]],
        cots: &[&[R]],
        ins: &mut [Slot<'_, R>],
        grad: &mut T::Grad<R>,
        state: &mut T::State<R>,
        scratch: Arena<'_, R>,
    ) -> Result<(), Error> {
        T::vjp::<R>(residual, outs, cots, ins, grad, state, scratch)
    }
}

/// A checked model of one variant or combination: as [`Checked`], without a test of a tag.
pub struct Fixed<'w, V: Variant, P: Copy + 'static = f32> {
    fields: V::Fields<'w, P>,
    checked: Checked<'w, V::Of, P>,
}

impl<V: Variant, P: Copy + 'static> Clone for Fixed<'_, V, P> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<V: Variant, P: Copy + 'static> Copy for Fixed<'_, V, P> {}

impl<'w, T: Layer, P: Copy + 'static> Checked<'w, T, P> {
    /// The same model with its variants in the type, if these are its variants.
    pub fn specialised<V: Variant<Of = T>>(&self) -> Option<Fixed<'w, V, P>> {
        Some(Fixed { fields: V::of::<P>(self.view())?, checked: *self })
    }
}

impl<'w, V: Variant, P: Copy + 'static> Fixed<'w, V, P> {
    /// See [`Checked::forward`].
    ///
    /// # Errors
    /// As there.
    pub fn forward<R: Real>(
        &self,
        inputs: &[Input<'_, '_, R>],
        results: &mut [&mut [R]],
        state: &mut V::State<R>,
        workspace: &mut Workspace<R>,
    ) -> Result<(), Error>
    where
        P: Lift<R>,
    {
        let mut dims = [Dims::SCALAR; MAX_RESULTS];
        let count = self.sized(inputs, &mut dims)?;
        Checked::<V::Of, P>::fits(results, &dims[..count])?;
        let (_, scratch) = workspace.start();
        V::forward::<R, P>(self.fields, inputs, results, state, scratch)
    }

    /// See [`Checked::forward_saving`].
    ///
    /// # Errors
    /// As there.
    pub fn forward_saving<'r, R: Real>(
        &self,
        inputs: &[Input<'r, '_, R>],
        state: &mut V::State<R>,
        workspace: &'r mut Workspace<R>,
    ) -> Result<FixedPass<'r, V, R>, Error>
    where
        'w: 'r,
        P: Lift<R>,
    {
        let mut dims = [Dims::SCALAR; MAX_RESULTS];
        let count = self.sized(inputs, &mut dims)?;
        Results::of(&dims[..count], workspace, |results, saved, scratch| {
            V::forward_saving::<R, P>(self.fields, inputs, results, state, saved, scratch)
        })
        .map(|(residual, results)| FixedPass { residual, results })
    }

    fn sized<R: Real>(&self, inputs: &[Input<'_, '_, R>], outs: &mut [Dims; MAX_RESULTS]) -> Result<usize, Error> {
        self.checked.sized_by(inputs, outs, |ins, outs| V::dims::<P>(self.fields, ins, outs))
    }
}

/// As [`Pass`](crate::model::Pass), of one variant or combination.
pub struct FixedPass<'r, V: Variant, R: Real> {
    residual: V::Residual<'r, R>,
    results: Results<'r, R>,
}

impl<'r, V: Variant, R: Real> FixedPass<'r, V, R> {
    /// Result `i`; empty if there is none.
    pub fn result(&self, i: usize) -> &'r [R] {
        self.results.value(i)
    }

    /// See [`Pass::vjp`](crate::model::Pass::vjp). The gradient is that of the type, so that an optimiser sees no difference.
    ///
    /// # Errors
    /// As there.
    pub fn vjp(
        &mut self,
        cots: &[&[R]],
        inputs: &mut [Slot<'_, R>],
        grad: &mut <V::Of as Part>::Grad<R>,
        state: &mut V::State<R>,
    ) -> Result<(), Error> {
        let (residual, grad) = (self.residual, V::grad::<R>(grad)?);
        self.results.backward(cots, |outs, scratch| V::vjp::<R>(residual, outs, cots, inputs, grad, state, scratch))
    }
}

/// Runs an expression for the first of some combinations that a checked model has, with its variants in the type, or else for the model
/// itself: a `match` that picks once. `specialise!(model, [combination, ..], |net| expression)`.
#[macro_export]
macro_rules! specialise {
    ($model:expr, [$($combination:ty),+ $(,)?], |$net:ident| $body:expr) => {{
        let model = $model;
        $(if let ::core::option::Option::Some($net) = model.specialised::<$combination>() { $body } else)+ {
            let $net = model;
            $body
        }
    }};
}
