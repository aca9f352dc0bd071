//! Numbers, flags, texts, options and arrays as parts.

use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

use zerocopy::F32;
use zerocopy::byteorder::LE;

use super::{Elementwise, GradLeaf, Leaf, LeafMut, Parameter, Part};
use crate::Error;
use crate::fuse::Sink;
use crate::real::{Lift, Real};
use crate::shape::Dims;
use crate::state::descend;
use crate::wire::{Columns, FixedType, Index, Int, Slots, Uint, UnknownMember};
use crate::workspace::Arena;

impl Part for f32 {
    type Grad<R: Real> = R;

    fn point<R: Real, P: Lift<R>>(view: P) -> R {
        view.lift()
    }
    fn at<'o, 'w: 'o, R: Real, P: Lift<R>>(_: P, point: &'o R, _: &'o Index) -> Result<R, Error> {
        Ok(*point)
    }
    fn walk<R: Real, P: Lift<R>>(
        view: P,
        grad: &mut R,
        path: &mut String,
        visit: &mut dyn FnMut(Leaf<'_, R>),
    ) -> Result<(), Error> {
        let grad = core::slice::from_mut(grad);
        visit(Leaf { path, dims: Dims::SCALAR, value: &|_| view.lift(), grad });
        Ok(())
    }
    fn walk_mut(
        value: &mut F32<LE>,
        grad: &mut f32,
        path: &mut String,
        visit: &mut dyn FnMut(LeafMut<'_>),
    ) -> Result<(), Error> {
        visit(LeafMut::Number { path, value, grad: *grad, scales_digits: false });
        Ok(())
    }
    fn walk_grad<R: Real>(grad: &mut R, visit: &mut dyn FnMut(GradLeaf<'_, R>)) {
        visit(GradLeaf::Number(grad));
    }
    fn add_grad<R: Real>(grad: &mut R, other: &R) -> Result<(), Error> {
        *grad += *other;
        Ok(())
    }
}

impl Parameter for f32 {
    const RANK: usize = 0;
    fn dims<P: Copy + 'static>(_: &P) -> Dims {
        Dims::SCALAR
    }
    fn lower<'w: 'r, 'r, R: Real, P: Lift<R>>(view: P, _: &mut Arena<'r, R>) -> R {
        view.lift()
    }
}

impl Elementwise for f32 {
    fn numbers<R: Real>(view: &R) -> &[R] {
        core::slice::from_ref(view)
    }
    fn sink<R: Real, const SPREAD: u8>(grad: &mut R, _: usize) -> Result<Sink<'_, R, SPREAD>, Error> {
        Ok(Sink::number(grad))
    }
}

/// What is discrete has no tangent: its cotangent is `()`.
macro_rules! discrete {
    ($($name:ident)*) => { $( discrete!(<> $name); )* };
    (<$($param:ident: $bound:ident)?> $t:ty) => {
        impl<$($param: $bound)?> Part for $t {
            type Grad<R: Real> = ();

            fn point<R: Real, P: Lift<R>>(_: Self::View<'_, P>) {}
            fn at<'o, 'w: 'o, R: Real, P: Lift<R>>(
                view: Self::View<'w, P>,
                (): &'o (),
                _: &'o Index,
            ) -> Result<Self::View<'o, R>, Error> {
                Ok(view)
            }
            fn walk<R: Real, P: Lift<R>>(
                _: Self::View<'_, P>,
                (): &mut (),
                _: &mut String,
                _: &mut dyn FnMut(Leaf<'_, R>),
            ) -> Result<(), Error> {
                Ok(())
            }
            fn walk_mut(
                _: Self::ViewMut<'_>,
                (): &mut (),
                _: &mut String,
                _: &mut dyn FnMut(LeafMut<'_>),
            ) -> Result<(), Error> {
                Ok(())
            }
            fn walk_grad<R: Real>((): &mut (), _: &mut dyn FnMut(GradLeaf<'_, R>)) {}
            fn add_grad<R: Real>((): &mut (), (): &()) -> Result<(), Error> {
                Ok(())
            }
        }
    };
}

discrete!(bool u8 u16 u32 u64 i8 i16 i32 i64 f64 Uint Int String UnknownMember);
// data, which equations process run by run
discrete!(<T: FixedType> Slots<T>);
discrete!(<T: FixedType> Columns<T>);

/// Discrete numbers may be arguments of an op, such as a window or a stride.
macro_rules! setting {
    ($($t:ty)*) => { $(
        impl Parameter for $t {
            const RANK: usize = 0;
            fn dims<P: Copy + 'static>(_: &$t) -> Dims {
                Dims::SCALAR
            }
            fn lower<'w: 'r, 'r, R: Real, P: Lift<R>>(view: $t, _: &mut Arena<'r, R>) -> $t {
                view
            }
        }
    )* };
}

setting!(bool u8 u16 u32 u64 i8 i16 i32 i64 f64 Uint Int);

impl<T: Part> Part for Option<T> {
    type Grad<R: Real> = Option<T::Grad<R>>;

    fn point<R: Real, P: Lift<R>>(view: Option<T::View<'_, P>>) -> Option<T::Grad<R>> {
        view.map(T::point::<R, P>)
    }
    fn at<'o, 'w: 'o, R: Real, P: Lift<R>>(
        view: Option<T::View<'w, P>>,
        point: &'o Option<T::Grad<R>>,
        index: &'o Index,
    ) -> Result<Option<T::View<'o, R>>, Error> {
        match (view, point) {
            (None, _) => Ok(None),
            (Some(view), Some(point)) => T::at::<R, P>(view, point, index).map(Some),
            (Some(_), None) => Err(Error::tag("Some", "None")),
        }
    }
    fn walk<R: Real, P: Lift<R>>(
        view: Option<T::View<'_, P>>,
        grad: &mut Option<T::Grad<R>>,
        path: &mut String,
        visit: &mut dyn FnMut(Leaf<'_, R>),
    ) -> Result<(), Error> {
        match view {
            None => Ok(()),
            Some(view) => T::walk::<R, P>(view, grad.get_or_insert_default(), path, visit),
        }
    }
    fn walk_mut(
        view: Option<T::ViewMut<'_>>,
        grad: &mut Option<T::Grad<f32>>,
        path: &mut String,
        visit: &mut dyn FnMut(LeafMut<'_>),
    ) -> Result<(), Error> {
        match view {
            None => Ok(()),
            Some(view) => T::walk_mut(view, grad.get_or_insert_default(), path, visit),
        }
    }
    fn walk_grad<R: Real>(grad: &mut Option<T::Grad<R>>, visit: &mut dyn FnMut(GradLeaf<'_, R>)) {
        if let Some(grad) = grad {
            T::walk_grad::<R>(grad, visit);
        }
    }
    fn add_grad<R: Real>(grad: &mut Option<T::Grad<R>>, other: &Option<T::Grad<R>>) -> Result<(), Error> {
        match other {
            None => Ok(()),
            Some(other) => T::add_grad::<R>(grad.get_or_insert_default(), other),
        }
    }
}

impl<T: Part, const N: usize> Part for [T; N] {
    type Grad<R: Real> = Vec<T::Grad<R>>;

    fn point<R: Real, P: Lift<R>>(view: [T::View<'_, P>; N]) -> Vec<T::Grad<R>> {
        view.into_iter().map(T::point::<R, P>).collect()
    }
    fn at<'o, 'w: 'o, R: Real, P: Lift<R>>(
        view: [T::View<'w, P>; N],
        points: &'o Vec<T::Grad<R>>,
        index: &'o Index,
    ) -> Result<[T::View<'o, R>; N], Error> {
        if points.len() != N {
            return Err(Error::length("point", N, points.len()));
        }
        let views = index.try_alloc_with(N, |i| T::at::<R, P>(view[i], &points[i], index))?;
        crate::layer::exactly(views, "elements")
    }
    fn walk<R: Real, P: Lift<R>>(
        view: [T::View<'_, P>; N],
        grads: &mut Vec<T::Grad<R>>,
        path: &mut String,
        visit: &mut dyn FnMut(Leaf<'_, R>),
    ) -> Result<(), Error> {
        grads.resize_with(N, Default::default);
        for (i, (view, grad)) in view.into_iter().zip(grads).enumerate() {
            descend(path, &format!("{i}"), |path| T::walk::<R, P>(view, grad, path, visit))?;
        }
        Ok(())
    }
    fn walk_mut(
        view: [T::ViewMut<'_>; N],
        grads: &mut Vec<T::Grad<f32>>,
        path: &mut String,
        visit: &mut dyn FnMut(LeafMut<'_>),
    ) -> Result<(), Error> {
        grads.resize_with(N, Default::default);
        for (i, (view, grad)) in view.into_iter().zip(grads).enumerate() {
            descend(path, &format!("{i}"), |path| T::walk_mut(view, grad, path, visit))?;
        }
        Ok(())
    }
    fn walk_grad<R: Real>(grads: &mut Vec<T::Grad<R>>, visit: &mut dyn FnMut(GradLeaf<'_, R>)) {
        for grad in grads {
            T::walk_grad::<R>(grad, visit);
        }
    }
    fn add_grad<R: Real>(grads: &mut Vec<T::Grad<R>>, others: &Vec<T::Grad<R>>) -> Result<(), Error> {
        if !others.is_empty() {
            grads.resize_with(N, Default::default);
        }
        grads.iter_mut().zip(others).try_for_each(|(grad, other)| T::add_grad::<R>(grad, other))
    }
}
