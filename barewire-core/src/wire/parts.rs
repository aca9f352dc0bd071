//! [`List`] and [`Map`] as parts of a model: their elements and values are parameters, keys are not.

use alloc::string::String;
use alloc::vec::Vec;

use crate::Error;
use crate::list::PartList;
use crate::part::{GradLeaf, Leaf, LeafMut, Part};
use crate::real::{Lift, Real};

use super::map::Key;
use super::{Index, List, Map, Walked};

impl<T: Part> Part for List<T> {
    type Grad<R: Real> = Vec<T::Grad<R>>;

    fn point<R: Real, P: Lift<R>>(view: Self::View<'_, P>) -> Self::Grad<R> {
        <Walked as PartList<T>>::point::<R, P>(view)
    }
    fn at<'o, 'w: 'o, R: Real, P: Lift<R>>(
        view: Self::View<'w, P>,
        point: &'o Self::Grad<R>,
        index: &'o Index,
    ) -> Result<Self::View<'o, R>, Error> {
        <Walked as PartList<T>>::at::<R, P>(view, point, index)
    }
    fn walk<R: Real, P: Lift<R>>(
        view: Self::View<'_, P>,
        grad: &mut Self::Grad<R>,
        path: &mut String,
        visit: &mut dyn FnMut(Leaf<'_, R>),
    ) -> Result<(), Error> {
        <Walked as PartList<T>>::walk::<R, P>(view, grad, path, visit)
    }
    fn walk_mut(
        view: Self::ViewMut<'_>,
        grad: &mut Self::Grad<f32>,
        path: &mut String,
        visit: &mut dyn FnMut(LeafMut<'_>),
    ) -> Result<(), Error> {
        <Walked as PartList<T>>::walk_mut(view, grad, path, visit)
    }
    fn walk_grad<R: Real>(grad: &mut Self::Grad<R>, visit: &mut dyn FnMut(GradLeaf<'_, R>)) {
        <Walked as PartList<T>>::walk_grad::<R>(grad, visit);
    }
    fn add_grad<R: Real>(grad: &mut Self::Grad<R>, other: &Self::Grad<R>) -> Result<(), Error> {
        <Walked as PartList<T>>::add_grad::<R>(grad, other)
    }
}

impl<K: Key, V: Part> Part for Map<K, V> {
    type Grad<R: Real> = Vec<V::Grad<R>>;

    fn point<R: Real, P: Lift<R>>(view: Self::View<'_, P>) -> Self::Grad<R> {
        view.iter().map(|(_, value)| V::point::<R, P>(*value)).collect()
    }
    fn at<'o, 'w: 'o, R: Real, P: Lift<R>>(
        view: Self::View<'w, P>,
        point: &'o Self::Grad<R>,
        index: &'o Index,
    ) -> Result<Self::View<'o, R>, Error> {
        if view.len() != point.len() {
            return Err(Error::length("entries", view.len(), point.len()));
        }
        let mut entries = Vec::with_capacity(view.len());
        for ((key, value), point) in view.iter().zip(point) {
            entries.push((K::same_view::<'o, 'w, P, R>(*key), V::at::<R, P>(*value, point, index)?));
        }
        Ok(index.alloc_slice(&entries))
    }
    fn walk<R: Real, P: Lift<R>>(
        view: Self::View<'_, P>,
        grad: &mut Self::Grad<R>,
        path: &mut String,
        visit: &mut dyn FnMut(Leaf<'_, R>),
    ) -> Result<(), Error> {
        let values: Vec<_> = view.iter().map(|(_, value)| *value).collect();
        <Walked as PartList<V>>::walk::<R, P>(&values, grad, path, visit)
    }
    fn walk_mut(
        view: Self::ViewMut<'_>,
        grad: &mut Self::Grad<f32>,
        path: &mut String,
        visit: &mut dyn FnMut(LeafMut<'_>),
    ) -> Result<(), Error> {
        <Walked as PartList<V>>::walk_mut(view, grad, path, visit)
    }
    fn walk_grad<R: Real>(grad: &mut Self::Grad<R>, visit: &mut dyn FnMut(GradLeaf<'_, R>)) {
        <Walked as PartList<V>>::walk_grad::<R>(grad, visit);
    }
    fn add_grad<R: Real>(grad: &mut Self::Grad<R>, other: &Self::Grad<R>) -> Result<(), Error> {
        <Walked as PartList<V>>::add_grad::<R>(grad, other)
    }
}
