//! What accumulate and fire keeps, on the wire.

use std::string::String;
use std::vec::Vec;

use barewire_derive::{BareStruct, BareUnion};
use barewire_kernels::ternary::accumulate::{
    accumulators_len, check_accumulators, check_states, pack_states, state_words,
};

use crate::Error;
use crate::error::Inside;
use crate::part::{LeafMut, Part};
use crate::wire::TernaryMatrix;

/// The width of accumulators that share a byte with their digit.
pub(super) const JOINED: u32 = 6;

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
}

impl AccumulateState {
    /// The state of a model that begins to learn: nothing is accumulated yet. `bits` is the width of accumulators.
    ///
    /// # Errors
    /// A width that is not 4 to 8 bits; digits that are no digits.
    pub fn new<T: Part>(view: T::ViewMut<'_>, bits: u32) -> Result<Self, Error> {
        accumulators_len(0, 0, bits)?;
        let mut leaves = Vec::new();
        let mut failed = None;
        T::walk_mut(view, &mut T::Grad::default(), &mut String::new(), &mut |leaf| match AccumulateLeaf::new(
            &leaf, bits,
        )
        .inside(leaf.path())
        {
            Ok(kept) => leaves.push(kept),
            Err(error) => drop(failed.get_or_insert(error)),
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
            | AccumulateLeaf::Fixed { path } => path,
        }
    }

    /// Number of digits, and of bytes that they and their accumulators take.
    fn digits(&self) -> (usize, usize) {
        match self {
            AccumulateLeaf::Joined { states, .. } => (states.len(), states.len()),
            AccumulateLeaf::Separate { digits, accumulators, .. } => {
                (digits.rows() * digits.cols(), 8 * digits.words().len() + accumulators.len())
            }
            AccumulateLeaf::Floats { .. } | AccumulateLeaf::Fixed { .. } => (0, 0),
        }
    }

    fn new(leaf: &LeafMut<'_>, bits: u32) -> Result<Self, Error> {
        let path = leaf.path().into();
        let floats = |path, values: Vec<f32>| {
            let zeros = vec![0.0; values.len()];
            AccumulateLeaf::Floats { path, values, first: zeros.clone(), second: zeros }
        };
        Ok(match leaf {
            LeafMut::Number { value, .. } => floats(path, vec![value.get()]),
            LeafMut::Float { values, .. } => floats(path, values.to_vec()),
            LeafMut::Ternary { rows, cols, words, .. } => {
                let accumulators = vec![0; accumulators_len(*rows, *cols, bits)?];
                if bits == JOINED {
                    let mut states = vec![0; rows * cols];
                    pack_states(words, &accumulators, *rows, *cols, &mut states)?;
                    AccumulateLeaf::Joined { path, rows: *rows as u64, cols: *cols as u64, states }
                } else {
                    let digits = TernaryMatrix::from_words(*rows, *cols, words.to_vec())
                        .map_err(|error| Error::input("digits", format!("{error}")))?;
                    AccumulateLeaf::Separate { path, digits, bits: bits as u8, accumulators }
                }
            }
            LeafMut::Binary { .. } => AccumulateLeaf::Fixed { path },
        })
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
