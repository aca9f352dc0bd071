//! Points, gradients and states as flat lists of numbers.

use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

use crate::Error;
use crate::part::{GradLeaf, Part};
use crate::real::Real;
use crate::state::State;

/// The numbers of a point or gradient, in the order of its walk. What digits received is not among them, and neither is
/// a gradient that was never added to.
pub fn flatten<T: Part, R: Real>(grad: &mut T::Grad<R>) -> Vec<R> {
    let mut all = Vec::new();
    append::<T, R>(grad, &mut all);
    all
}

/// As [`flatten`], behind what `all` holds.
pub(super) fn append<T: Part, R: Real>(grad: &mut T::Grad<R>, all: &mut Vec<R>) {
    T::walk_grad::<R>(grad, &mut |leaf| match leaf {
        GradLeaf::Number(x) => all.push(*x),
        GradLeaf::Float(g) => all.extend_from_slice(g.values()),
        GradLeaf::Signal(_) => {}
    });
}

/// Puts numbers into a point or a dense gradient, in the order of its walk.
///
/// # Errors
/// Another number of numbers than there is room for.
pub fn fill<T: Part, R: Real>(point: &mut T::Grad<R>, values: &[R]) -> Result<(), Error> {
    let (mut rest, mut size) = (values, 0);
    let mut next = |to: &mut [R]| {
        size += to.len();
        if let Some((taken, after)) = rest.split_at_checked(to.len()) {
            to.copy_from_slice(taken);
            rest = after;
        }
    };
    T::walk_grad::<R>(point, &mut |leaf| match leaf {
        GradLeaf::Number(x) => next(core::slice::from_mut(x)),
        GradLeaf::Float(g) => next(g.values_mut()),
        GradLeaf::Signal(_) => {}
    });
    if size == values.len() { Ok(()) } else { Err(Error::length("parameters", size, values.len())) }
}

/// Copies of the lists of a state.
pub(super) fn read_state<R: Real, S: State<R>>(state: &mut S) -> Vec<Vec<R>> {
    let mut lists = Vec::new();
    state.walk(&mut String::new(), &mut |_, list| lists.push(list.clone()));
    lists
}

/// Puts numbers into the lists of a state that a run has sized; `lengths` says how they are cut.
pub(super) fn write_state<R: Real, S: State<R>>(
    state: &mut S,
    path: &mut String,
    lengths: &[usize],
    values: &[R],
) -> Result<(), Error> {
    let (mut rest, mut lengths, mut found) = (values, lengths.iter(), 0);
    let expected = lengths.len();
    state.walk(path, &mut |_, list| {
        found += 1;
        list.clear();
        if let Some((taken, after)) = lengths.next().and_then(|n| rest.split_at_checked(*n)) {
            list.extend_from_slice(taken);
            rest = after;
        }
    });
    match (found == expected, rest.is_empty()) {
        (true, true) => Ok(()),
        (false, _) => Err(Error::input(format!("a state of {found} arrays"), format!("{expected}"))),
        (true, false) => Err(Error::length("state", values.len() - rest.len(), values.len())),
    }
}
