//! The fields of a variant at once, for parts: see [`Fields`].
#![allow(missing_docs)]

use super::Part;
use super::derived::{Grads, Points, Read, Update, Visit};
use crate::Error;
use crate::real::{Lift, Real};
use crate::wire::fields::{Fields, More};

/// What [`Derived`](super::derived::Derived) has for a type, for its fields in their order.
pub trait PartFields: Fields {
    type Grads<R: Real>;
    type GradsMut<'g, R: Real>;
    type GradsRef<'g, R: Real>;
    fn zero<R: Real>() -> Self::Grads<R>;
    fn visit<R: Real, P: Lift<R>>(
        views: Self::View<'_, P>,
        grads: Self::GradsMut<'_, R>,
        v: &mut Visit<Read<'_, R>>,
    ) -> Result<(), Error>;
    fn update(views: Self::ViewMut<'_>, grads: Self::GradsMut<'_, f32>, v: &mut Visit<Update<'_>>)
    -> Result<(), Error>;
    fn grads<R: Real>(grads: Self::GradsMut<'_, R>, v: &mut Visit<Grads<'_, R>>);
    fn points<'o, 'w: 'o, R: Real, P: Lift<R>>(
        views: Self::View<'w, P>,
        points: Self::GradsRef<'o, R>,
        v: &mut Visit<Points<'o>>,
    ) -> Result<Self::View<'o, R>, Error>;
    fn add<R: Real>(grads: Self::GradsMut<'_, R>, others: Self::GradsRef<'_, R>) -> Result<(), Error>;
}

macro_rules! tuples {
    ($($number:tt $T:ident,)*) => { tuples!(@ [] $($number $T,)*); };
    (@ [$($number:tt $T:ident,)*] $next:tt $Next:ident, $($rest:tt)*) => {
        tuples!(= $($number $T,)*);
        tuples!(@ [$($number $T,)* $next $Next,] $($rest)*);
    };
    (@ [$($number:tt $T:ident,)*]) => { tuples!(= $($number $T,)*); };
    (= $($number:tt $T:ident,)*) => {
        #[allow(unused_variables, clippy::unused_unit)]
        impl<$($T: Part),*> PartFields for ($($T,)*) {
            type Grads<R: Real> = ($($T::Grad<R>,)*);
            type GradsMut<'g, R: Real> = ($(&'g mut $T::Grad<R>,)*);
            type GradsRef<'g, R: Real> = ($(&'g $T::Grad<R>,)*);
            fn zero<R: Real>() -> Self::Grads<R> {
                ($( $T::Grad::<R>::default(), )*)
            }
            fn visit<R: Real, P: Lift<R>>(
                views: Self::View<'_, P>,
                grads: Self::GradsMut<'_, R>,
                v: &mut Visit<Read<'_, R>>,
            ) -> Result<(), Error> {
                $( v.field::<$T, P>($number, views.$number, grads.$number)?; )*
                Ok(())
            }
            fn update(
                views: Self::ViewMut<'_>,
                grads: Self::GradsMut<'_, f32>,
                v: &mut Visit<Update<'_>>,
            ) -> Result<(), Error> {
                $( v.field::<$T>($number, views.$number, grads.$number)?; )*
                Ok(())
            }
            fn grads<R: Real>(grads: Self::GradsMut<'_, R>, v: &mut Visit<Grads<'_, R>>) {
                $( v.field::<$T>($number, grads.$number); )*
            }
            fn points<'o, 'w: 'o, R: Real, P: Lift<R>>(
                views: Self::View<'w, P>,
                points: Self::GradsRef<'o, R>,
                v: &mut Visit<Points<'o>>,
            ) -> Result<Self::View<'o, R>, Error> {
                Ok(($( v.field::<$T, R, P>($number, views.$number, points.$number)?, )*))
            }
            fn add<R: Real>(grads: Self::GradsMut<'_, R>, others: Self::GradsRef<'_, R>) -> Result<(), Error> {
                $( $T::add_grad::<R>(grads.$number, others.$number)?; )*
                Ok(())
            }
        }
    };
}

tuples!(0 A, 1 B, 2 C, 3 D, 4 E, 5 F, 6 G, 7 H, 8 I, 9 J, 10 K, 11 L,);

impl<F: PartFields, G: PartFields> PartFields for More<F, G> {
    type Grads<R: Real> = (F::Grads<R>, G::Grads<R>);
    type GradsMut<'g, R: Real> = (F::GradsMut<'g, R>, G::GradsMut<'g, R>);
    type GradsRef<'g, R: Real> = (F::GradsRef<'g, R>, G::GradsRef<'g, R>);
    fn zero<R: Real>() -> Self::Grads<R> {
        (F::zero::<R>(), G::zero::<R>())
    }
    fn visit<R: Real, P: Lift<R>>(
        (f, g): Self::View<'_, P>,
        (to_f, to_g): Self::GradsMut<'_, R>,
        v: &mut Visit<Read<'_, R>>,
    ) -> Result<(), Error> {
        F::visit::<R, P>(f, to_f, v)?;
        v.first += F::LEN;
        G::visit::<R, P>(g, to_g, v)
    }
    fn update(
        (f, g): Self::ViewMut<'_>,
        (to_f, to_g): Self::GradsMut<'_, f32>,
        v: &mut Visit<Update<'_>>,
    ) -> Result<(), Error> {
        F::update(f, to_f, v)?;
        v.first += F::LEN;
        G::update(g, to_g, v)
    }
    fn grads<R: Real>((f, g): Self::GradsMut<'_, R>, v: &mut Visit<Grads<'_, R>>) {
        F::grads::<R>(f, v);
        v.first += F::LEN;
        G::grads::<R>(g, v);
    }
    fn points<'o, 'w: 'o, R: Real, P: Lift<R>>(
        (f, g): Self::View<'w, P>,
        (at_f, at_g): Self::GradsRef<'o, R>,
        v: &mut Visit<Points<'o>>,
    ) -> Result<Self::View<'o, R>, Error> {
        let f = F::points::<R, P>(f, at_f, v)?;
        v.first += F::LEN;
        Ok((f, G::points::<R, P>(g, at_g, v)?))
    }
    fn add<R: Real>((f, g): Self::GradsMut<'_, R>, (of_f, of_g): Self::GradsRef<'_, R>) -> Result<(), Error> {
        F::add::<R>(f, of_f)?;
        G::add::<R>(g, of_g)
    }
}
