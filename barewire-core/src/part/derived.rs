//! What a derive writes of a type as a part: how its views and its gradients are taken apart. All that is done with their fields is
//! compiled once, here and in [`PartFields`](super::fields::PartFields).
#![allow(missing_docs)]

use alloc::string::String;

use super::{GradLeaf, Leaf, LeafMut, Part};
use crate::Error;
use crate::real::{Lift, Real};
use crate::state::descend;
use crate::wire::{Index, Wire};

/// A variant of a union, or a struct, as the table of parts has it.
pub struct PartEntry {
    tag: u32,
    name: &'static str,
    /// the Rust names of its fields
    fields: &'static [&'static str],
    /// the numbers of fields that get no gradient
    fixed: &'static [usize],
    /// the numbers of fields that are the scale of digits
    scales: &'static [usize],
}

impl PartEntry {
    /// Fields that all take part.
    pub const fn new(tag: u32, name: &'static str, fields: &'static [&'static str]) -> Self {
        Self { tag, name, fields, fixed: &[], scales: &[] }
    }

    /// The same with fields that get no gradient.
    pub const fn fixed(self, fixed: &'static [usize]) -> Self {
        Self { fixed, ..self }
    }

    /// The same with numbers that are the scale of digits.
    pub const fn digit_scales(self, scales: &'static [usize]) -> Self {
        Self { scales, ..self }
    }

    /// The error of a gradient that has another variant.
    #[cold]
    fn mismatch<T>(&self) -> Result<T, Error> {
        Err(Error::tag(self.name, "the gradient of another variant"))
    }
}

/// Fields of an entry, from the one with this number on.
pub struct Visit<W> {
    of: &'static PartEntry,
    pub(super) first: usize,
    what: W,
}

impl<W> Visit<W> {
    fn new(of: &'static PartEntry, what: W) -> Self {
        Self { of, first: 0, what }
    }

    /// The error of a gradient that has another variant.
    ///
    /// # Errors
    /// Always.
    #[cold]
    pub fn mismatch<T>(&self) -> Result<T, Error> {
        self.of.mismatch()
    }
}

/// What is done with stored numbers and their gradients.
pub enum Read<'a, R> {
    /// the gradient becomes the point of the numbers
    Copy,
    /// active numbers are visited
    Walk { path: &'a mut String, visit: &'a mut dyn FnMut(Leaf<'_, R>) },
}

impl<R: Real> Visit<Read<'_, R>> {
    pub(super) fn field<T: Part, P: Lift<R>>(
        &mut self,
        field: usize,
        view: T::View<'_, P>,
        grad: &mut T::Grad<R>,
    ) -> Result<(), Error> {
        let field = self.first + field;
        match &mut self.what {
            Read::Copy => *grad = T::point::<R, P>(view),
            Read::Walk { .. } if self.of.fixed.contains(&field) => {}
            Read::Walk { path, visit } => {
                descend(path, self.of.fields[field], |path| T::walk::<R, P>(view, grad, path, *visit))?;
            }
        }
        Ok(())
    }
}

/// A walk for an update in place.
pub struct Update<'a> {
    path: &'a mut String,
    visit: &'a mut dyn FnMut(LeafMut<'_>),
}

impl Visit<Update<'_>> {
    /// A field.
    ///
    /// # Errors
    /// See [`Part::walk_mut`].
    pub fn field<T: Part>(&mut self, field: usize, view: T::ViewMut<'_>, grad: &mut T::Grad<f32>) -> Result<(), Error> {
        let field = self.first + field;
        if self.of.fixed.contains(&field) {
            return Ok(());
        }
        let Update { path, visit } = &mut self.what;
        descend(path, self.of.fields[field], |path| {
            if self.of.scales.contains(&field) {
                T::walk_mut(view, grad, path, &mut |leaf| visit(digit_scale(leaf)))
            } else {
                T::walk_mut(view, grad, path, *visit)
            }
        })
    }

    /// Digits, with the number that is their scale.
    ///
    /// # Errors
    /// See [`Part::walk_mut`].
    pub fn scaled<T: Part>(
        &mut self,
        field: usize,
        view: T::ViewMut<'_>,
        scale: <f32 as Wire>::ViewMut<'_>,
        grad: &mut T::Grad<f32>,
    ) -> Result<(), Error> {
        let field = self.first + field;
        if self.of.fixed.contains(&field) {
            return Ok(());
        }
        let Update { path, visit } = &mut self.what;
        descend(path, self.of.fields[field], |path| {
            T::walk_mut(view, grad, path, &mut |leaf| visit(scaled(leaf, scale)))
        })
    }
}

/// A walk over gradients.
pub struct Grads<'a, R>(&'a mut dyn FnMut(GradLeaf<'_, R>));

impl<R: Real> Visit<Grads<'_, R>> {
    pub(super) fn field<T: Part>(&mut self, field: usize, grad: &mut T::Grad<R>) {
        if !self.of.fixed.contains(&(self.first + field)) {
            T::walk_grad::<R>(grad, self.what.0);
        }
    }
}

/// A point that is laid over a view.
pub struct Points<'o> {
    index: &'o Index,
}

impl<'o> Visit<Points<'o>> {
    pub(super) fn field<'w: 'o, T: Part, R: Real, P: Lift<R>>(
        &self,
        field: usize,
        view: T::View<'w, P>,
        point: &'o T::Grad<R>,
    ) -> Result<T::View<'o, R>, Error> {
        T::at::<R, P>(view, point, self.what.index).map_err(|error| error.inside(self.of.fields[self.first + field]))
    }

    /// The error of a point that has another variant.
    ///
    /// # Errors
    /// Always.
    #[cold]
    pub fn other_point<T>(&self) -> Result<T, Error> {
        Err(Error::tag("the view's", "a point of another variant"))
    }
}

/// A number that digits name as their scale.
fn digit_scale(leaf: LeafMut<'_>) -> LeafMut<'_> {
    match leaf {
        LeafMut::Number { path, value, grad, .. } => LeafMut::Number { path, value, grad, scales_digits: true },
        other => other,
    }
}

/// The digits of a leaf with their scale.
fn scaled<'a>(leaf: LeafMut<'a>, by: <f32 as Wire>::ViewMut<'a>) -> LeafMut<'a> {
    match leaf {
        LeafMut::Ternary { path, rows, cols, words, signal, .. } => {
            LeafMut::Ternary { path, rows, cols, words, signal, scale: Some(by) }
        }
        other => other,
    }
}

/// A derived type as a part: its views and cotangents taken apart, once their variants are known to be the same.
pub trait Derived: Wire {
    type Cotangent<R: Real>: Default;
    const PARTS: &'static [PartEntry];
    /// Tags that the table has; of a struct 0.
    fn tag_of<P: Copy + 'static>(view: &Self::View<'_, P>) -> u32;
    fn tag_of_mut(view: &Self::ViewMut<'_>) -> u32;
    /// `None` if nothing has been added to it.
    fn tag_of_grad<R: Real>(grad: &Self::Cotangent<R>) -> Option<u32>;
    /// Gives a gradient to which nothing has been added the variant.
    fn fit<R: Real>(grad: &mut Self::Cotangent<R>, tag: u32);
    fn visit<R: Real, P: Lift<R>>(
        view: Self::View<'_, P>,
        grad: &mut Self::Cotangent<R>,
        v: &mut Visit<Read<'_, R>>,
    ) -> Result<(), Error>;
    fn update(view: Self::ViewMut<'_>, grad: &mut Self::Cotangent<f32>, v: &mut Visit<Update<'_>>)
    -> Result<(), Error>;
    fn grads<R: Real>(grad: &mut Self::Cotangent<R>, v: &mut Visit<Grads<'_, R>>);
    fn points<'o, 'w: 'o, R: Real, P: Lift<R>>(
        view: Self::View<'w, P>,
        point: &'o Self::Cotangent<R>,
        v: &mut Visit<Points<'o>>,
    ) -> Result<Self::View<'o, R>, Error>;
    fn add<R: Real>(grad: &mut Self::Cotangent<R>, other: &Self::Cotangent<R>, v: &Visit<()>) -> Result<(), Error>;
}

/// The table's entry of a variant; the last is that of all tags which are not listed.
fn entry<T: Derived>(tag: u32) -> &'static PartEntry {
    let last = T::PARTS.len() - 1;
    T::PARTS.iter().find(|entry| entry.tag == tag).unwrap_or(&T::PARTS[last])
}

fn read<T: Derived, R: Real, P: Lift<R>>(
    view: T::View<'_, P>,
    grad: &mut T::Cotangent<R>,
    what: Read<'_, R>,
) -> Result<(), Error> {
    let tag = T::tag_of(&view);
    T::fit(grad, tag);
    T::visit(view, grad, &mut Visit::new(entry::<T>(tag), what))
}

#[diagnostic::do_not_recommend]
impl<T: Derived> Part for T {
    type Grad<R: Real> = T::Cotangent<R>;

    fn point<R: Real, P: Lift<R>>(view: T::View<'_, P>) -> T::Cotangent<R> {
        let mut point = T::Cotangent::default();
        match read::<T, R, P>(view, &mut point, Read::Copy) {
            Ok(()) => point,
            Err(error) => unreachable!("a gradient to which nothing was added takes any variant: {error}"),
        }
    }
    fn at<'o, 'w: 'o, R: Real, P: Lift<R>>(
        view: T::View<'w, P>,
        point: &'o T::Cotangent<R>,
        index: &'o Index,
    ) -> Result<T::View<'o, R>, Error> {
        let of = entry::<T>(T::tag_of(&view));
        T::points(view, point, &mut Visit::new(of, Points { index }))
    }
    fn walk<R: Real, P: Lift<R>>(
        view: T::View<'_, P>,
        grad: &mut T::Cotangent<R>,
        path: &mut String,
        visit: &mut dyn FnMut(Leaf<'_, R>),
    ) -> Result<(), Error> {
        read::<T, R, P>(view, grad, Read::Walk { path, visit })
    }
    fn walk_mut(
        view: T::ViewMut<'_>,
        grad: &mut T::Cotangent<f32>,
        path: &mut String,
        visit: &mut dyn FnMut(LeafMut<'_>),
    ) -> Result<(), Error> {
        let tag = T::tag_of_mut(&view);
        T::fit(grad, tag);
        T::update(view, grad, &mut Visit::new(entry::<T>(tag), Update { path, visit }))
    }
    fn walk_grad<R: Real>(grad: &mut T::Cotangent<R>, visit: &mut dyn FnMut(GradLeaf<'_, R>)) {
        if let Some(tag) = T::tag_of_grad(grad) {
            T::grads(grad, &mut Visit::new(entry::<T>(tag), Grads(visit)));
        }
    }
    fn add_grad<R: Real>(grad: &mut T::Cotangent<R>, other: &T::Cotangent<R>) -> Result<(), Error> {
        let Some(tag) = T::tag_of_grad(other) else { return Ok(()) };
        T::fit(grad, tag);
        T::add(grad, other, &Visit::new(entry::<T>(tag), ()))
    }
}

/// The error of a gradient that has another variant than the one with this tag.
#[cold]
pub fn other_gradient<T: Derived, V>(tag: u32) -> Result<V, Error> {
    entry::<T>(tag).mismatch()
}
