//! Sums that are put off.

use alloc::vec::Vec;
use core::cmp::Ordering;

use super::flow::{FlowRef, GradientFlow};
use crate::Error;
use crate::real::Real;

/// A sum of gradients that nobody has formed yet: its terms as they came.
///
/// [`force`](Deferred::force) sums them in an order of their own, so the result has the same bits in whatever order the terms
/// were put in: workers may report as they are done.
///
/// ```
/// use barewire_core::gradient::{Deferred, GradientFlow};
///
/// let terms = [1e8_f32, 1.0, -1e8].map(|x| GradientFlow::Dense(vec![x]));
/// let (mut one, mut two) = (Deferred::new(), Deferred::new());
/// terms.iter().for_each(|term| one.push(term.clone()));
/// terms.iter().rev().for_each(|term| two.push(term.clone()));
/// assert_eq!(one.force()?, two.force()?);
/// # Ok::<(), barewire_core::Error>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Deferred<R = f32> {
    terms: Vec<GradientFlow<R>>,
}

impl<R: Real> GradientFlow<R> {
    /// A sum of this term alone, to be formed later: `g.defer().force() == g`.
    pub fn defer(self) -> Deferred<R> {
        Deferred { terms: alloc::vec![self] }
    }
}

impl<R: Real> Deferred<R> {
    /// A sum without terms.
    pub fn new() -> Self {
        Deferred { terms: Vec::new() }
    }

    /// One more term.
    pub fn push(&mut self, term: GradientFlow<R>) {
        self.terms.push(term);
    }

    /// The terms of another sum as well.
    pub fn append(&mut self, other: Deferred<R>) {
        self.terms.extend(other.terms);
    }

    /// The terms, in the order in which they came.
    pub fn terms(&self) -> &[GradientFlow<R>] {
        &self.terms
    }

    /// The sum; `Zero` if there are no terms.
    ///
    /// Terms are sorted by form and numbers and added in that order, so equal sets of terms give equal bits. With tangents
    /// ([`Dual`](crate::real::Dual)) only the values decide the order.
    ///
    /// # Errors
    /// The terms are of different sizes.
    pub fn force(&self) -> Result<GradientFlow<R>, Error> {
        let mut order: Vec<&GradientFlow<R>> = self.terms.iter().collect();
        order.sort_by(|a, b| compare(a.as_ref(), b.as_ref()));
        let Some((first, rest)) = order.split_first() else { return Ok(GradientFlow::Zero) };
        let mut sum = (*first).clone();
        rest.iter().try_for_each(|term| sum.add(*term))?;
        Ok(sum)
    }
}

/// An order of all gradients that sees every number of theirs.
fn compare<R: Real>(a: FlowRef<'_, R>, b: FlowRef<'_, R>) -> Ordering {
    let key = |flow: FlowRef<'_, R>| (flow.form() as u8, flow.size());
    key(a).cmp(&key(b)).then_with(|| match (a, b) {
        (FlowRef::Dense(a), FlowRef::Dense(b)) => numbers(a, b),
        (FlowRef::Sparse(a), FlowRef::Sparse(b)) => a
            .width()
            .cmp(&b.width())
            .then_with(|| a.numbers().cmp(b.numbers()))
            .then_with(|| numbers(a.values(), b.values())),
        (FlowRef::Structured(a), FlowRef::Structured(b)) => {
            a.pattern().cmp(&b.pattern()).then_with(|| numbers(a.data(), b.data()))
        }
        (FlowRef::LowRank(a), FlowRef::LowRank(b)) => a
            .sizes()
            .cmp(&b.sizes())
            .then_with(|| numbers(&[a.alpha()], &[b.alpha()]))
            .then_with(|| numbers(a.y(), b.y()))
            .then_with(|| numbers(a.x(), b.x())),
        _ => Ordering::Equal,
    })
}

fn numbers<R: Real>(a: &[R], b: &[R]) -> Ordering {
    a.iter()
        .map(|x| x.value())
        .zip(b.iter().map(|x| x.value()))
        .map(|(a, b)| a.total_cmp(&b))
        .find(|o| o.is_ne())
        .unwrap_or_else(|| a.len().cmp(&b.len()))
}
