//! The sum table of gradients: how a term joins what is held, in memory that is kept.

use alloc::format;
use alloc::vec::Vec;

use super::flow::{FlowRef, GradientFlow};
use super::pairs::{Pairs, PairsRef};
use super::pattern::{Pattern, Structured};
use super::rows::{self, Merge, Rows};
use super::{Form, add_all};
use crate::Error;
use crate::real::Real;

/// Memory of the forms that a gradient is not held in now.
#[derive(Clone, Debug)]
pub(super) struct Memory<R> {
    dense: Vec<R>,
    rows: Rows<R>,
    pairs: Pairs<R>,
    merge: Merge<R>,
    /// some rows, to measure them
    pub(super) block: Vec<R>,
    /// the form that stays, however large it gets: `Sparse`, `LowRank` or none
    stays: Form,
}

impl<R: Real> Memory<R> {
    pub(super) fn new(stays: Form) -> Self {
        Memory {
            dense: Vec::new(),
            rows: Rows::default(),
            pairs: Pairs::default(),
            merge: Merge::default(),
            block: Vec::new(),
            stays,
        }
    }
}

impl<R: Real> GradientFlow<R> {
    /// [`add`](Self::add) with the memory of another form at hand.
    pub(super) fn add_with(&mut self, other: FlowRef<'_, R>, memory: &mut Memory<R>) -> Result<(), Error> {
        let Some(n) = other.size() else { return Ok(()) };
        self.as_ref().check_size(n)?;
        match other {
            FlowRef::Sparse(rows) => {
                return self.add_rows([rows.count(), rows.width()], rows.numbers(), rows.values(), memory);
            }
            FlowRef::LowRank(pairs) if self.append(pairs, memory) => return Ok(()),
            FlowRef::Structured(other) => match self {
                GradientFlow::Zero => {
                    *self = GradientFlow::Structured(other.to_owned_in(core::mem::take(&mut memory.dense)));
                    return Ok(());
                }
                GradientFlow::Structured(s) if s.as_ref().pattern() == other.pattern() => {
                    add_all(s.data_mut(), other.data());
                    return Ok(());
                }
                _ => {}
            },
            _ => {}
        }
        other.add_to(self.make_dense(n, memory)?)
    }

    /// Adds rows in any order, and makes all of it dense where that takes less memory.
    pub(super) fn add_rows(
        &mut self,
        [count, width]: [usize; 2],
        ids: &[u32],
        values: &[R],
        memory: &mut Memory<R>,
    ) -> Result<(), Error> {
        let n = count.saturating_mul(width);
        self.as_ref().check_size(n)?;
        rows::check([count, width], ids, values)?;
        if matches!(self, GradientFlow::Zero) {
            let mut rows = core::mem::take(&mut memory.rows);
            rows.clear();
            (rows.count, rows.width) = (count, width);
            *self = GradientFlow::Sparse(rows);
        }
        match self {
            GradientFlow::Sparse(rows) if (rows.count, rows.width) == (count, width) => {
                rows.merge(ids, values, &mut memory.merge);
                if memory.stays != Form::Sparse && rows.are_larger_than_dense() {
                    self.make_dense(n, memory)?;
                }
                Ok(())
            }
            _ => {
                let all = self.make_dense(n, memory)?;
                for (&id, row) in ids.iter().zip(values.chunks(width.max(1))) {
                    add_all(&mut all[id as usize * width..], row);
                }
                Ok(())
            }
        }
    }

    /// All `n` elements. The form that they were held in is kept as memory.
    ///
    /// # Errors
    /// Another size is held. Nothing is changed then.
    pub(super) fn make_dense(&mut self, n: usize, memory: &mut Memory<R>) -> Result<&mut [R], Error> {
        self.as_ref().check_size(n)?;
        if !matches!(self, GradientFlow::Dense(_)) {
            let mut all = core::mem::take(&mut memory.dense);
            all.clear();
            all.resize(n, R::ZERO);
            self.as_ref().add_to(&mut all)?;
            self.clear(memory);
            *self = GradientFlow::Dense(all);
        }
        match self {
            GradientFlow::Dense(all) => Ok(all),
            _ => Ok(&mut []),
        }
    }

    /// The numbers of the diagonal of a square matrix, to add to.
    ///
    /// # Errors
    /// Another form is held, or another size.
    pub(super) fn make_diagonal(&mut self, n: usize, memory: &mut Memory<R>) -> Result<&mut [R], Error> {
        let pattern = Pattern::Diagonal { n };
        if matches!(self, GradientFlow::Zero) {
            let mut data = core::mem::take(&mut memory.dense);
            data.clear();
            data.resize(n, R::ZERO);
            *self = GradientFlow::Structured(Structured::new(pattern, data)?);
        }
        let (form, size) = (self.form(), self.size().unwrap_or(0));
        match self {
            GradientFlow::Structured(s) if s.as_ref().pattern() == pattern => Ok(s.data_mut()),
            _ => Err(Error::shape(format!("a diagonal of {n}"), format!("{form:?} of {size} elements"))),
        }
    }

    /// Back to zero; the memory is kept.
    pub(super) fn clear(&mut self, memory: &mut Memory<R>) {
        match core::mem::take(self) {
            GradientFlow::Zero => {}
            GradientFlow::Dense(all) => memory.dense = all,
            GradientFlow::Structured(s) => memory.dense = s.into_data(),
            GradientFlow::Sparse(rows) => memory.rows = rows,
            GradientFlow::LowRank(pairs) => memory.pairs = pairs,
        }
    }

    /// Puts pairs to those that are there, if they stay pairs, or all of them take less memory than the matrix.
    fn append(&mut self, other: PairsRef<'_, R>, memory: &mut Memory<R>) -> bool {
        let have = match self {
            GradientFlow::LowRank(pairs) => pairs.as_ref().sizes(),
            GradientFlow::Zero => [0, other.sizes()[1], other.sizes()[2]],
            _ => return false,
        };
        let larger = memory.stays != Form::LowRank && other.is_larger_than_dense(have[0] + other.sizes()[0]);
        if have[1..] != other.sizes()[1..] || larger {
            return false;
        }
        if !matches!(self, GradientFlow::LowRank(_)) {
            let mut pairs = core::mem::take(&mut memory.pairs);
            pairs.clear();
            *self = GradientFlow::LowRank(pairs);
        }
        if let GradientFlow::LowRank(pairs) = self {
            pairs.append(other);
        }
        true
    }
}
