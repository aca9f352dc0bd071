//! The tags: how a gradient is held, and how a field asks for it to be held.

/// How a gradient is held now: the tag of the union.
///
/// The tag of a sum is the [`join`](Form::join) of the tags of its terms, except that rows and pairs become dense where
/// dense is smaller.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Form {
    /// no contribution yet
    #[default]
    Zero,
    /// every element
    Dense,
    /// some elements, or some rows of a matrix, by ascending number
    Sparse,
    /// the diagonal of a square matrix
    Diagonal,
    /// blocks along the diagonal of a matrix
    Block,
    /// a diagonal and some beside it
    Banded,
    /// numbers that repeat along an axis
    Broadcast,
    /// pairs of vectors, whose outer products are added
    LowRank,
    /// not asked for: contributions are dropped
    Ignored,
}

impl Form {
    /// The form that holds a sum of these two, if both have one pattern.
    ///
    /// `Zero` is neutral, what meets its like stays, all else is `Dense`.
    #[must_use]
    pub fn join(self, other: Form) -> Form {
        match (self, other) {
            (Form::Zero, form) | (form, Form::Zero) => form,
            (a, b) if a == b => a,
            (Form::Ignored, _) | (_, Form::Ignored) => Form::Ignored,
            _ => Form::Dense,
        }
    }
}

/// How a field asks for its gradient to be held: `#[bare(gradient = low_rank)]`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Representation {
    /// as it arrives: rows of an embedding stay rows while they are smaller, all else is dense
    #[default]
    Any,
    /// every element, always
    Dense,
    /// the rows of a lookup stay rows, however many there are
    Sparse,
    /// the outer products of linear layers stay pairs, until dense is smaller
    LowRank,
    /// the signal of ternary digits as [accumulators](super::TernaryGradient) take it: outer products stay pairs, however many,
    /// and a step forms some rows at a time
    Ternary,
    /// the diagonal of a square matrix; what is beside it is not a parameter, and its gradient is dropped
    Diagonal,
    /// not held at all: contributions are dropped
    Ignored,
}
