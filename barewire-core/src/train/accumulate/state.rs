//! What accumulate and fire keeps, on the wire.

use std::string::String;
use std::vec::Vec;

use barewire_derive::{BareStruct, BareUnion};
use barewire_kernels::ternary::accumulate::{
    accumulators_len, check_accumulators, check_states, counter_words, pack_states, random_counters, state_words,
};

use super::matrix_seed;
use crate::Error;
use crate::error::Inside;
use crate::part::{LeafMut, Part};
use crate::wire::TernaryMatrix;

/// The width of accumulators that share a byte with their digit.
pub(super) const JOINED: u32 = 6;

/// How far from 0 a counter has to be for its digit to be another. Of the 256 values a fifth are digit 0, and with
/// [`random_counters`] a digit that is not 0 is twice as far out as that, on average.
const THRESHOLD: u8 = 25;

/// All that a training by [`Accumulate`](super::Accumulate) changes: parameters and what is kept of them.
///
/// It is a wire type, so it lives in a [`Region`](crate::wire::Region) and changes there in place: in memory, or in a file,
/// which then *is* the training state. A model takes its parameters from it by [`load_into`](Self::load_into); what does not
/// learn (packed bits, quantised codes) stays as the model has it.
///
/// | of                       | bytes on the wire                                                    |
/// |--------------------------|----------------------------------------------------------------------|
/// | a float                  | 12: itself, mean gradient, mean squared gradient                     |
/// | a ternary digit, 6 bits  | 1: digit and accumulator                                             |
/// | a ternary digit, 4 bits  | 3/4: a packed digit of 2 bits and an accumulator                     |
/// | a ternary digit, 5, 7, 8 | 5/4: a packed digit of 2 bits and an accumulator in a byte           |
/// | a ternary digit, counter | 1, and 4 a row of the matrix: the counter, and the rms of its row    |
#[derive(BareStruct, Clone, Debug, PartialEq)]
#[bare(crate = crate)]
pub struct AccumulateState {
    /// steps taken
    pub steps: u64,
    /// one a parameter, in the order of the walk
    pub leaves: Vec<AccumulateLeaf>,
}

/// What is kept of one parameter.
#[derive(BareUnion, Clone, Debug, PartialEq)]
#[bare(crate = crate)]
pub enum AccumulateLeaf {
    /// a number, a list or a matrix
    #[bare(tag = 0)]
    Floats {
        /// where the parameter is, such as `layers.0.token_mixer.norm`
        path: String,
        /// the parameter
        values: Vec<f32>,
        /// mean gradient
        first: Vec<f32>,
        /// mean squared gradient
        second: Vec<f32>,
    },
    /// ternary digits with accumulators of 6 bits
    #[bare(tag = 1)]
    Joined {
        /// where the digits are, such as `layers.0.token_mixer.i_proj.digits`
        path: String,
        /// number of rows
        rows: u64,
        /// number of columns
        cols: u64,
        /// `91 + 61 digit + accumulator`, row-major
        states: Vec<u8>,
    },
    /// ternary digits with accumulators of another width
    #[bare(tag = 2)]
    Separate {
        /// where the digits are
        path: String,
        /// the digits
        digits: TernaryMatrix,
        /// width of an accumulator
        bits: u8,
        /// in the order of [`accumulators_len`](barewire_kernels::ternary::accumulate::accumulators_len)
        accumulators: Vec<u8>,
    },
    /// a parameter that does not learn
    #[bare(tag = 3)]
    Fixed {
        /// where it is
        path: String,
    },
    /// ternary digits that are read off counters
    #[bare(tag = 4)]
    Counters {
        /// where the digits are
        path: String,
        /// number of rows
        rows: u64,
        /// number of columns
        cols: u64,
        /// how far from 0 a counter has to be for its digit not to be 0; at most 127
        threshold: u8,
        /// two's complement, row-major
        counters: Vec<u8>,
        /// root of the mean squared signal of each row
        rms: Vec<f32>,
    },
}

/// What is kept of digits.
#[derive(Clone, Copy)]
enum Kept {
    /// accumulators of this width
    Accumulators(u32),
    /// counters, with the seed of the first ones
    Counters(u64),
}

impl AccumulateState {
    /// The state of a model that begins to learn: nothing is accumulated yet. `bits` is the width of accumulators.
    ///
    /// # Errors
    /// A width that is not 4 to 8 bits; digits that are no digits.
    pub fn new<T: Part>(view: T::ViewMut<'_>, bits: u32) -> Result<Self, Error> {
        accumulators_len(0, 0, bits)?;
        Self::keep::<T>(view, Kept::Accumulators(bits))
    }

    /// The state of a model that begins to learn, of whose digits counters are kept: they start at random, as far as the digits
    /// leave it open.
    ///
    /// # Errors
    /// Digits that are no digits.
    pub fn with_counters<T: Part>(view: T::ViewMut<'_>, seed: u64) -> Result<Self, Error> {
        Self::keep::<T>(view, Kept::Counters(seed))
    }

    fn keep<T: Part>(view: T::ViewMut<'_>, kept: Kept) -> Result<Self, Error> {
        let mut leaves = Vec::new();
        let mut failed = None;
        T::walk_mut(view, &mut T::Grad::default(), &mut String::new(), &mut |leaf| {
            // other counters for every matrix
            let kept = match kept {
                Kept::Counters(seed) => Kept::Counters(matrix_seed(seed, leaves.len() as u64)),
                accumulators => accumulators,
            };
            match AccumulateLeaf::new(&leaf, kept).inside(leaf.path()) {
                Ok(kept) => leaves.push(kept),
                Err(error) => drop(failed.get_or_insert(error)),
            }
        })?;
        failed.map_or(Ok(AccumulateState { steps: 0, leaves }), Err)
    }

    /// Gives a model the parameters of this state. The model has to be made as the one that the training began with.
    ///
    /// # Errors
    /// Another model: a parameter with another path, kind or number of elements. Bytes that are no state of a digit. The
    /// model may have changed in part.
    pub fn load_into<T: Part>(&self, view: T::ViewMut<'_>) -> Result<(), Error> {
        let mut leaves = self.leaves.iter();
        let mut failed = None;
        T::walk_mut(view, &mut T::Grad::default(), &mut String::new(), &mut |mut leaf| {
            let result = match leaves.next() {
                Some(kept) => kept.load_into(&mut leaf).inside(leaf.path()),
                None => Err(another_model(&format!("`{}`", leaf.path()), "nothing")),
            };
            if let Err(error) = result {
                failed.get_or_insert(error);
            }
        })?;
        if let Some(left) = leaves.next() {
            failed.get_or_insert_with(|| another_model("nothing more", &format!("`{}`", left.path())));
        }
        failed.map_or(Ok(()), Err)
    }

    /// Number of ternary digits.
    pub fn digits(&self) -> usize {
        self.leaves.iter().map(|leaf| leaf.digits().0).sum()
    }

    /// Bits that a ternary digit takes here, as stored: digit, accumulator and padding. `None` without digits.
    pub fn bits_per_digit(&self) -> Option<f64> {
        let bytes: usize = self.leaves.iter().map(|leaf| leaf.digits().1).sum();
        let digits = self.digits();
        (digits > 0).then(|| 8.0 * bytes as f64 / digits as f64)
    }
}

pub(super) fn another_model(expected: &str, found: &str) -> Error {
    Error::input(format!("the state of {expected}"), format!("that of {found}"))
}

impl AccumulateLeaf {
    /// Where the parameter is.
    pub fn path(&self) -> &str {
        match self {
            AccumulateLeaf::Floats { path, .. }
            | AccumulateLeaf::Joined { path, .. }
            | AccumulateLeaf::Separate { path, .. }
            | AccumulateLeaf::Counters { path, .. }
            | AccumulateLeaf::Fixed { path } => path,
        }
    }

    /// Number of digits, and of bytes that they and what is kept of them take.
    fn digits(&self) -> (usize, usize) {
        match self {
            AccumulateLeaf::Joined { states, .. } => (states.len(), states.len()),
            AccumulateLeaf::Separate { digits, accumulators, .. } => {
                (digits.rows() * digits.cols(), 8 * digits.words().len() + accumulators.len())
            }
            AccumulateLeaf::Counters { counters, rms, .. } => (counters.len(), counters.len() + size_of_val(&rms[..])),
            AccumulateLeaf::Floats { .. } | AccumulateLeaf::Fixed { .. } => (0, 0),
        }
    }

    fn new(leaf: &LeafMut<'_>, kept: Kept) -> Result<Self, Error> {
        let path = leaf.path().into();
        let floats = |path, values: Vec<f32>| {
            let zeros = vec![0.0; values.len()];
            AccumulateLeaf::Floats { path, values, first: zeros.clone(), second: zeros }
        };
        Ok(match leaf {
            LeafMut::Number { value, .. } => floats(path, vec![value.get()]),
            LeafMut::Float { values, .. } => floats(path, values.to_vec()),
            LeafMut::Ternary { rows, cols, words, .. } => Self::of_digits(path, [*rows, *cols], words, kept)?,
            LeafMut::Binary { .. } => AccumulateLeaf::Fixed { path },
        })
    }

    fn of_digits(path: String, [rows, cols]: [usize; 2], words: &[u64], kept: Kept) -> Result<Self, Error> {
        let sizes = [rows as u64, cols as u64];
        match kept {
            Kept::Accumulators(JOINED) => {
                let accumulators = vec![0; accumulators_len(rows, cols, JOINED)?];
                let mut states = vec![0; rows * cols];
                pack_states(words, &accumulators, rows, cols, &mut states)?;
                Ok(AccumulateLeaf::Joined { path, rows: sizes[0], cols: sizes[1], states })
            }
            Kept::Accumulators(bits) => {
                let accumulators = vec![0; accumulators_len(rows, cols, bits)?];
                let digits = TernaryMatrix::from_words(rows, cols, words.to_vec())
                    .map_err(|error| Error::input("digits", format!("{error}")))?;
                Ok(AccumulateLeaf::Separate { path, digits, bits: bits as u8, accumulators })
            }
            Kept::Counters(seed) => {
                let mut counters = vec![0; rows * cols];
                random_counters(words, rows, cols, THRESHOLD, seed, &mut counters)?;
                let [rows, cols] = sizes;
                let rms = vec![0.0; rows as usize];
                Ok(AccumulateLeaf::Counters { path, rows, cols, threshold: THRESHOLD, counters, rms })
            }
        }
    }

    fn load_into(&self, leaf: &mut LeafMut<'_>) -> Result<(), Error> {
        if self.path() != leaf.path() {
            return Err(another_model(&format!("`{}`", leaf.path()), &format!("`{}`", self.path())));
        }
        match (self, &mut *leaf) {
            (AccumulateLeaf::Floats { values, first, second, .. }, LeafMut::Number { value, .. }) => {
                check_floats(1, [values, first, second])?;
                value.set(values[0]);
            }
            (AccumulateLeaf::Floats { values, first, second, .. }, LeafMut::Float { values: to, .. }) => {
                check_floats(to.len(), [values, first, second])?;
                to.copy_from_slice(values);
            }
            (AccumulateLeaf::Joined { rows, cols, states, .. }, LeafMut::Ternary { rows: r, cols: c, words, .. }) => {
                check_shape([*r, *c], [*rows, *cols])?;
                check_states(states, *r, *c)?;
                state_words(states, *r, *c, words)?;
            }
            (
                AccumulateLeaf::Separate { digits, bits, accumulators, .. },
                LeafMut::Ternary { rows, cols, words, .. },
            ) => {
                check_shape([*rows, *cols], [digits.rows() as u64, digits.cols() as u64])?;
                check_accumulators(accumulators, *rows, *cols, (*bits).into())?;
                words.copy_from_slice(digits.words());
            }
            (
                AccumulateLeaf::Counters { rows, cols, threshold, counters, rms, .. },
                LeafMut::Ternary { rows: r, cols: c, words, .. },
            ) => {
                check_shape([*r, *c], [*rows, *cols])?;
                check_counters(*r, *threshold, rms)?;
                counter_words(counters, *r, *c, *threshold, words)?;
            }
            (AccumulateLeaf::Fixed { .. }, LeafMut::Binary { .. }) => {}
            (_, leaf) => return Err(another_kind(leaf)),
        }
        Ok(())
    }
}

/// A state of another sort than the parameter.
pub(super) fn another_kind(leaf: &LeafMut<'_>) -> Error {
    let kind = match leaf {
        LeafMut::Number { .. } | LeafMut::Float { .. } => "floats",
        LeafMut::Ternary { .. } => "digits",
        LeafMut::Binary { .. } => "bits",
    };
    another_model(&format!("`{}`, which has {kind}", leaf.path()), "something else")
}

fn check_floats(n: usize, arrays: [&[f32]; 3]) -> Result<(), Error> {
    let wrong = arrays.into_iter().find(|array| array.len() != n);
    wrong.map_or(Ok(()), |array| Err(Error::length("state", n, array.len())))
}

pub(super) fn check_shape(expected: [usize; 2], found: [u64; 2]) -> Result<(), Error> {
    if expected.map(|size| size as u64) == found {
        return Ok(());
    }
    Err(Error::shape(format!("the state of digits {expected:?}"), format!("{found:?}")))
}

/// The number of rows whose rms is kept, and the threshold.
pub(super) fn check_counters(rows: usize, threshold: u8, rms: &[f32]) -> Result<(), Error> {
    if rms.len() != rows {
        return Err(Error::length("rms", rows, rms.len()));
    }
    if threshold > 127 {
        return Err(Error::input("a threshold of counters of at most 127", format!("{threshold}")));
    }
    Ok(())
}
