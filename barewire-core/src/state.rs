//! What an equation carries along time.

use core::fmt::Write;

use alloc::string::String;
use alloc::vec::Vec;

use crate::Error;
use crate::real::Real;

/// The state of an op or a part: unset (a sequence starts from zero) until the first call, then sized.
///
/// The same type holds the cotangent of a state in a backward pass.
pub trait State<R: Real>: Default {
    /// Whether there is never anything in it, so that no time step sees another. `false` where nobody says so.
    const EMPTY: bool = false;

    /// Visits every array with its path, such as `layers.3.token_mixer.gated_recurrence`, unset ones too (empty).
    fn walk(&mut self, path: &mut String, visit: &mut dyn FnMut(&str, &mut Vec<R>));
}

impl<R: Real> State<R> for () {
    const EMPTY: bool = true;

    fn walk(&mut self, _: &mut String, _: &mut dyn FnMut(&str, &mut Vec<R>)) {}
}

/// One array that an op carries along time; empty until it is first used.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Carry<R> {
    values: Vec<R>,
}

impl<R: Real> Carry<R> {
    /// The `n` numbers, zeros if unset.
    ///
    /// # Errors
    /// The state was sized by a run with other sizes, such as another batch.
    pub fn sized(&mut self, n: usize) -> Result<&mut [R], Error> {
        if self.values.is_empty() {
            self.values.resize(n, R::ZERO);
        }
        if self.values.len() != n {
            return Err(Error::length("state", n, self.values.len()));
        }
        Ok(&mut self.values)
    }

    /// The numbers of a state that grows along time, such as cached keys; empty if unset.
    pub(crate) fn list(&mut self) -> &mut Vec<R> {
        &mut self.values
    }

    /// The numbers; empty if unset.
    pub fn values(&self) -> &[R] {
        &self.values
    }
}

impl<R: Real> State<R> for Carry<R> {
    fn walk(&mut self, path: &mut String, visit: &mut dyn FnMut(&str, &mut Vec<R>)) {
        visit(path, &mut self.values);
    }
}

impl<R: Real, S: State<R>> State<R> for Vec<S> {
    const EMPTY: bool = S::EMPTY;

    fn walk(&mut self, path: &mut String, visit: &mut dyn FnMut(&str, &mut Vec<R>)) {
        for (i, state) in self.iter_mut().enumerate() {
            descend_to(path, i, |path| state.walk(path, visit));
        }
    }
}

/// Runs `f` with `segment` added to the path.
pub fn descend<T>(path: &mut String, segment: &str, f: impl FnOnce(&mut String) -> T) -> T {
    let end = path.len();
    if end > 0 {
        path.push('.');
    }
    path.push_str(segment);
    let result = f(path);
    path.truncate(end);
    result
}

/// The same with a number, in the path's own memory.
fn descend_to<T>(path: &mut String, number: usize, f: impl FnOnce(&mut String) -> T) -> T {
    descend(path, "", |path| {
        // a `String` takes whatever is written
        let _ = write!(path, "{number}");
        f(path)
    })
}
