//! Which token goes to which expert, and what a run of one leaves behind.

use crate::Error;
use crate::layer::Layer;
use crate::real::Real;
use crate::shape::{Dims, MAX_RANK};
use crate::state::State;

/// Which expert each token took, and what the backward pass needs of them.
pub struct Path<'r, T: Layer, R: Real> {
    pub(super) tags: &'r [i8],
    pub(super) gates: &'r [R],
    /// of each run, if it had any token
    pub(super) runs: &'r [Option<Run<'r, T, R>>],
    pub(super) sizes: Tokens,
}

impl<'r, T: Layer, R: Real> Path<'r, T, R> {
    /// The expert of each token, in the order of the tokens.
    pub fn tags(&self) -> &'r [i8] {
        self.tags
    }

    /// The gate of the expert of each token.
    pub fn gates(&self) -> &'r [R] {
        self.gates
    }
}

impl<T: Layer, R: Real> Clone for Path<'_, T, R> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T: Layer, R: Real> Copy for Path<'_, T, R> {}

/// What one expert left behind: its residual, and what it gave.
pub(super) struct Run<'r, T: Layer, R: Real> {
    pub(super) residual: T::Residual<'r, R>,
    pub(super) out: &'r [R],
}

impl<T: Layer, R: Real> Clone for Run<'_, T, R> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T: Layer, R: Real> Copy for Run<'_, T, R> {}

/// How tokens go to runs: a run an expert for each sequence, all experts of the first sequence first. Where no token can
/// see another, all tokens are one sequence.
#[derive(Clone, Copy, Debug)]
pub(super) struct Tokens {
    pub(super) experts: usize,
    sequences: usize,
    /// tokens a sequence
    time: usize,
    pub(super) d_in: usize,
    pub(super) d_out: usize,
    rank: usize,
}

impl Tokens {
    pub(super) fn new<T: Layer, R: Real, P: Copy + 'static>(view: &[T::View<'_, P>], x: Dims) -> Result<Self, Error> {
        let Some(expert) = view.first() else { return Err(Error::input("1 to 127 experts", "0")) };
        let mut y = [Dims::SCALAR];
        T::dims::<P>(*expert, &[x], &mut y)?;
        // what is causal and carries nothing sees one token at a time
        let apart = T::STEPS && <T::State<R> as State<R>>::EMPTY;
        let sequences = if apart { 1 } else { x.leading().rows() };
        let time = if apart { x.rows() } else { x.leading().last() };
        Ok(Tokens { experts: view.len(), sequences, time, d_in: x.last(), d_out: y[0].last(), rank: x.rank() })
    }

    pub(super) fn count(&self) -> usize {
        self.sequences * self.time
    }

    pub(super) fn runs(&self) -> usize {
        self.sequences * self.experts
    }

    /// Refuses a list of another length than `width` a token, where there is one.
    pub(super) fn fit(&self, name: &str, width: usize, found: Option<usize>) -> Result<(), Error> {
        let expected = self.count() * width;
        found.filter(|found| *found != expected).map_or(Ok(()), |found| Err(Error::length(name, expected, found)))
    }

    /// Sizes of the input of a run with `n` tokens: one sequence.
    pub(super) fn dims(&self, n: usize) -> Dims {
        let mut sizes = [1; MAX_RANK];
        sizes[self.rank - 2] = n;
        sizes[self.rank - 1] = self.d_in;
        Dims::new(&sizes[..self.rank])
    }

    /// The tokens of a run, in order.
    pub(super) fn given<'t>(&self, tags: &'t [i8], run: usize) -> impl Iterator<Item = usize> + Clone + use<'t> {
        let (start, expert) = (run / self.experts * self.time, run % self.experts);
        let tags = &tags[start..start + self.time];
        tags.iter().enumerate().filter(move |(_, tag)| **tag as usize == expert).map(move |(t, _)| start + t)
    }
}

/// The largest gate of each token, and which it is: the first of equal ones, and a NaN only if there is nothing else.
pub(super) fn choose<R: Real>(gates: &[R], experts: usize, tags: &mut [i8], taken: &mut [R]) {
    for ((row, tag), taken) in gates.chunks_exact(experts).zip(tags).zip(taken) {
        let mut best = 0;
        for (i, gate) in row.iter().enumerate() {
            if *gate > row[best] || (row[best].value().is_nan() && !gate.value().is_nan()) {
                best = i;
            }
        }
        (*tag, *taken) = (best as i8, row[best]);
    }
}

/// The rows of the tokens, side by side.
pub(super) fn gather<R: Real>(x: &[R], tokens: impl Iterator<Item = usize>, d: usize, to: &mut [R]) {
    for (t, to) in tokens.zip(to.chunks_exact_mut(d.max(1))) {
        to.copy_from_slice(&x[t * d..][..d]);
    }
}

/// The rows back to their tokens, times the gates.
pub(super) fn scatter<R: Real>(from: &[R], tokens: impl Iterator<Item = usize>, gates: &[R], d: usize, y: &mut [R]) {
    for (t, from) in tokens.zip(from.chunks_exact(d.max(1))) {
        y[t * d..][..d].iter_mut().zip(from).for_each(|(y, x)| *y = gates[t] * *x);
    }
}

pub(super) fn sum_of_products<R: Real>(a: &[R], b: &[R]) -> R {
    let mut sum = R::ZERO;
    a.iter().zip(b).for_each(|(a, b)| sum += *a * *b);
    sum
}
