//! The fields of a variant at once, for types of fixed size: see [`Fields`].
#![allow(missing_docs)]

use super::Fixed;
use super::cursor::{Lender, RunLender, RunSource, Sink, Source};
use crate::wire::fields::{Fields, More};

/// What [`Fixed`] has for a type, for its fields in their order.
pub trait FixedFields: Fields {
    type Column<'w>: Copy;
    type ColumnMut<'w>;
    fn put(values: Self::Refs<'_>, to: &mut impl Sink);
    fn take(from: &mut impl Source) -> Self;
    fn look<'w>(from: &mut impl Source) -> Self::View<'w, f32>;
    fn lend<'w>(from: &mut impl Lender<'w>) -> Self::ViewMut<'w>;
    fn column<'w>(from: &mut RunSource<'w>) -> Self::Column<'w>;
    fn column_mut<'w>(from: &mut RunLender<'_, 'w>) -> Self::ColumnMut<'w>;
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
        impl<$($T: Fixed),*> FixedFields for ($($T,)*) {
            type Column<'w> = ($($T::Column<'w>,)*);
            type ColumnMut<'w> = ($($T::ColumnMut<'w>,)*);
            #[inline(always)]
            fn put(values: Self::Refs<'_>, to: &mut impl Sink) {
                $( values.$number.put(to); )*
            }
            #[inline(always)]
            fn take(from: &mut impl Source) -> Self {
                ($( $T::take(from), )*)
            }
            #[inline(always)]
            fn look<'w>(from: &mut impl Source) -> Self::View<'w, f32> {
                ($( $T::look(from), )*)
            }
            #[inline(always)]
            fn lend<'w>(from: &mut impl Lender<'w>) -> Self::ViewMut<'w> {
                ($( $T::lend(from), )*)
            }
            #[inline(always)]
            fn column<'w>(from: &mut RunSource<'w>) -> Self::Column<'w> {
                ($( $T::column(from), )*)
            }
            #[inline(always)]
            fn column_mut<'w>(from: &mut RunLender<'_, 'w>) -> Self::ColumnMut<'w> {
                ($( $T::column_mut(from), )*)
            }
        }
    };
}

tuples!(0 A, 1 B, 2 C, 3 D, 4 E, 5 F, 6 G, 7 H, 8 I, 9 J, 10 K, 11 L,);

impl<F: FixedFields, G: FixedFields> FixedFields for More<F, G> {
    type Column<'w> = (F::Column<'w>, G::Column<'w>);
    type ColumnMut<'w> = (F::ColumnMut<'w>, G::ColumnMut<'w>);
    #[inline(always)]
    fn put((f, g): Self::Refs<'_>, to: &mut impl Sink) {
        F::put(f, to);
        G::put(g, to);
    }
    #[inline(always)]
    fn take(from: &mut impl Source) -> Self {
        More(F::take(from), G::take(from))
    }
    #[inline(always)]
    fn look<'w>(from: &mut impl Source) -> Self::View<'w, f32> {
        (F::look(from), G::look(from))
    }
    #[inline(always)]
    fn lend<'w>(from: &mut impl Lender<'w>) -> Self::ViewMut<'w> {
        (F::lend(from), G::lend(from))
    }
    #[inline(always)]
    fn column<'w>(from: &mut RunSource<'w>) -> Self::Column<'w> {
        (F::column(from), G::column(from))
    }
    #[inline(always)]
    fn column_mut<'w>(from: &mut RunLender<'_, 'w>) -> Self::ColumnMut<'w> {
        (F::column_mut(from), G::column_mut(from))
    }
}
