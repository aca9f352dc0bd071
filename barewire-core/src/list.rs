//! `Vec<T>` as a part (a list of numbers, or a list of parts) and as a layer (its elements applied in turn).

mod checkpointed;
mod layers;
mod portable;

pub use checkpointed::{Checkpointed, CheckpointedState, Segments};
pub use layers::Step;

use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

use crate::Error;
use crate::error::Inside;
use crate::fuse::Sink;
use crate::gradient::Gradient;
use crate::part::{Elementwise, GradLeaf, Leaf, LeafMut, Parameter, Part};
use crate::real::{Lift, Real};
use crate::shape::Dims;
use crate::state::descend;
use crate::wire::{Element, Flags, Index, ListOf, Octets, Padded, Walked, Wire};
use crate::workspace::Arena;

/// A kind of list (see [`Element`]) that is a [`Part`]. The methods are those of `Part`, for the list.
pub trait PartList<T: Wire>: ListOf<T> {
    /// The cotangent of the list.
    type Grad<R: Real>: Default;

    /// See [`Part::ignored`].
    fn ignored<R: Real>() -> Self::Grad<R> {
        Self::Grad::default()
    }
    /// See [`Part::point`].
    fn point<R: Real, P: Lift<R>>(view: &[T::View<'_, P>]) -> Self::Grad<R>;
    /// See [`Part::at`].
    ///
    /// # Errors
    /// As there.
    fn at<'o, 'w: 'o, R: Real, P: Lift<R>>(
        view: &'w [T::View<'w, P>],
        point: &'o Self::Grad<R>,
        index: &'o Index,
    ) -> Result<&'o [T::View<'o, R>], Error>;
    /// See [`Part::walk`].
    ///
    /// # Errors
    /// As there.
    fn walk<R: Real, P: Lift<R>>(
        view: &[T::View<'_, P>],
        grad: &mut Self::Grad<R>,
        path: &mut String,
        visit: &mut dyn FnMut(Leaf<'_, R>),
    ) -> Result<(), Error>;
    /// See [`Part::walk_mut`].
    ///
    /// # Errors
    /// As there.
    fn walk_mut(
        view: Self::ListMut<'_>,
        grad: &mut Self::Grad<f32>,
        path: &mut String,
        visit: &mut dyn FnMut(LeafMut<'_>),
    ) -> Result<(), Error>;
    /// See [`Part::walk_grad`].
    fn walk_grad<R: Real>(grad: &mut Self::Grad<R>, visit: &mut dyn FnMut(GradLeaf<'_, R>));
    /// See [`Part::add_grad`].
    ///
    /// # Errors
    /// As there.
    fn add_grad<R: Real>(grad: &mut Self::Grad<R>, other: &Self::Grad<R>) -> Result<(), Error>;
}

impl<T: Element> Part for Vec<T>
where
    T::Kind: PartList<T>,
{
    type Grad<R: Real> = <T::Kind as PartList<T>>::Grad<R>;

    fn ignored<R: Real>() -> Self::Grad<R> {
        <T::Kind as PartList<T>>::ignored::<R>()
    }
    fn point<R: Real, P: Lift<R>>(view: Self::View<'_, P>) -> Self::Grad<R> {
        <T::Kind as PartList<T>>::point::<R, P>(view)
    }
    fn at<'o, 'w: 'o, R: Real, P: Lift<R>>(
        view: Self::View<'w, P>,
        point: &'o Self::Grad<R>,
        index: &'o Index,
    ) -> Result<Self::View<'o, R>, Error> {
        <T::Kind as PartList<T>>::at::<R, P>(view, point, index)
    }
    fn walk<R: Real, P: Lift<R>>(
        view: Self::View<'_, P>,
        grad: &mut Self::Grad<R>,
        path: &mut String,
        visit: &mut dyn FnMut(Leaf<'_, R>),
    ) -> Result<(), Error> {
        <T::Kind as PartList<T>>::walk::<R, P>(view, grad, path, visit)
    }
    fn walk_mut(
        view: Self::ViewMut<'_>,
        grad: &mut Self::Grad<f32>,
        path: &mut String,
        visit: &mut dyn FnMut(LeafMut<'_>),
    ) -> Result<(), Error> {
        <T::Kind as PartList<T>>::walk_mut(view, grad, path, visit)
    }
    fn walk_grad<R: Real>(grad: &mut Self::Grad<R>, visit: &mut dyn FnMut(GradLeaf<'_, R>)) {
        <T::Kind as PartList<T>>::walk_grad::<R>(grad, visit);
    }
    fn add_grad<R: Real>(grad: &mut Self::Grad<R>, other: &Self::Grad<R>) -> Result<(), Error> {
        <T::Kind as PartList<T>>::add_grad::<R>(grad, other)
    }
}

impl PartList<f32> for Padded {
    type Grad<R: Real> = Gradient<R>;

    fn ignored<R: Real>() -> Gradient<R> {
        Gradient::ignored()
    }
    fn point<R: Real, P: Lift<R>>(view: &[P]) -> Gradient<R> {
        Gradient::from_values(view.iter().map(|x| x.lift()).collect())
    }
    fn at<'o, 'w: 'o, R: Real, P: Lift<R>>(
        view: &'w [P],
        point: &'o Gradient<R>,
        _: &'o Index,
    ) -> Result<&'o [R], Error> {
        point.as_point(view.len())
    }
    fn walk<R: Real, P: Lift<R>>(
        view: &[P],
        grad: &mut Gradient<R>,
        path: &mut String,
        visit: &mut dyn FnMut(Leaf<'_, R>),
    ) -> Result<(), Error> {
        crate::part::walk_floats(view, Dims::new(&[view.len()]), grad, path, visit)
    }
    fn walk_mut(
        values: &mut [f32],
        grad: &mut Gradient<f32>,
        path: &mut String,
        visit: &mut dyn FnMut(LeafMut<'_>),
    ) -> Result<(), Error> {
        visit(LeafMut::Float { path, dims: Dims::new(&[values.len()]), values, grad });
        Ok(())
    }
    fn walk_grad<R: Real>(grad: &mut Gradient<R>, visit: &mut dyn FnMut(GradLeaf<'_, R>)) {
        visit(GradLeaf::Float(grad));
    }
    fn add_grad<R: Real>(grad: &mut Gradient<R>, other: &Gradient<R>) -> Result<(), Error> {
        grad.add(other)
    }
}

/// Lists of what is discrete: nothing to differentiate.
macro_rules! discrete_list {
    ($($kind:ty: $t:ty;)*) => { $(
        impl PartList<$t> for $kind {
            type Grad<R: Real> = ();

            fn point<R: Real, P: Lift<R>>(_: &[$t]) {}
            fn at<'o, 'w: 'o, R: Real, P: Lift<R>>(view: &'w [$t], (): &'o (), _: &'o Index) -> Result<&'o [$t], Error> {
                Ok(view)
            }
            fn walk<R: Real, P: Lift<R>>(
                _: &[$t],
                (): &mut (),
                _: &mut String,
                _: &mut dyn FnMut(Leaf<'_, R>),
            ) -> Result<(), Error> {
                Ok(())
            }
            fn walk_mut(
                _: Self::ListMut<'_>,
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
    )* };
}

discrete_list! {
    Padded: u16; Padded: u32; Padded: u64; Padded: i8; Padded: i16; Padded: i32; Padded: i64; Padded: f64;
    Octets: u8; Flags: bool;
}

/// A gradient for each element.
impl<T: Part> PartList<T> for Walked {
    type Grad<R: Real> = Vec<T::Grad<R>>;

    fn point<R: Real, P: Lift<R>>(views: &[T::View<'_, P>]) -> Vec<T::Grad<R>> {
        views.iter().map(|view| T::point::<R, P>(*view)).collect()
    }
    fn at<'o, 'w: 'o, R: Real, P: Lift<R>>(
        views: &'w [T::View<'w, P>],
        points: &'o Vec<T::Grad<R>>,
        index: &'o Index,
    ) -> Result<&'o [T::View<'o, R>], Error> {
        same_count(views.len(), points.len())?;
        index.try_alloc_with(views.len(), |i| {
            T::at::<R, P>(views[i], &points[i], index).map_err(|e| e.inside(&format!("{i}")))
        })
    }
    fn walk<R: Real, P: Lift<R>>(
        views: &[T::View<'_, P>],
        grads: &mut Vec<T::Grad<R>>,
        path: &mut String,
        visit: &mut dyn FnMut(Leaf<'_, R>),
    ) -> Result<(), Error> {
        sized(grads, views.len())?;
        for (i, (view, grad)) in views.iter().zip(grads).enumerate() {
            let segment = format!("{i}");
            descend(path, &segment, |path| T::walk::<R, P>(*view, grad, path, visit)).inside(&segment)?;
        }
        Ok(())
    }
    fn walk_mut(
        views: Vec<T::ViewMut<'_>>,
        grads: &mut Vec<T::Grad<f32>>,
        path: &mut String,
        visit: &mut dyn FnMut(LeafMut<'_>),
    ) -> Result<(), Error> {
        sized(grads, views.len())?;
        for (i, (view, grad)) in views.into_iter().zip(grads).enumerate() {
            let segment = format!("{i}");
            descend(path, &segment, |path| T::walk_mut(view, grad, path, visit)).inside(&segment)?;
        }
        Ok(())
    }
    fn walk_grad<R: Real>(grads: &mut Vec<T::Grad<R>>, visit: &mut dyn FnMut(GradLeaf<'_, R>)) {
        for grad in grads {
            T::walk_grad::<R>(grad, visit);
        }
    }
    fn add_grad<R: Real>(grads: &mut Vec<T::Grad<R>>, others: &Vec<T::Grad<R>>) -> Result<(), Error> {
        // an empty list is one that nothing was added to
        if others.is_empty() {
            return Ok(());
        }
        sized(grads, others.len())?;
        grads.iter_mut().zip(others).try_for_each(|(grad, other)| T::add_grad::<R>(grad, other))
    }
}

/// Sizes a list of gradients or states on first use.
pub(crate) fn sized<T: Default>(list: &mut Vec<T>, n: usize) -> Result<&mut [T], Error> {
    if list.is_empty() {
        list.resize_with(n, T::default);
    }
    same_count(n, list.len())?;
    Ok(list)
}

fn same_count(expected: usize, found: usize) -> Result<(), Error> {
    if expected == found { Ok(()) } else { Err(Error::length("elements", expected, found)) }
}

impl Parameter for Vec<f32> {
    const RANK: usize = 1;
    fn dims<P: Copy + 'static>(view: &&[P]) -> Dims {
        Dims::new(&[view.len()])
    }
    fn lower<'w: 'r, 'r, R: Real, P: Lift<R>>(view: &'w [P], arena: &mut Arena<'r, R>) -> &'r [R] {
        crate::part::lower_slice(view, arena)
    }
}

impl Elementwise for Vec<f32> {
    fn numbers<'a, R: Real>(view: &'a &'_ [R]) -> &'a [R] {
        view
    }
    fn sink<R: Real, const SPREAD: u8>(grad: &mut Gradient<R>, n: usize) -> Result<Sink<'_, R, SPREAD>, Error> {
        Sink::parameter(grad, n)
    }
}
