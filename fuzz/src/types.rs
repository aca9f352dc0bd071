//! Types with every kind of field.

use barewire::wire::{BinaryMatrix, List, Map, Matrix, QuantizedMatrix, TernaryMatrix, Uint, UnknownMember};
use barewire::{BareStruct, BareUnion};

/// A component.
#[derive(BareUnion, Clone, Debug, PartialEq)]
pub enum Part {
    /// digits
    Ternary {
        /// the digits
        digits: TernaryMatrix,
        /// their scale
        scale: f32,
    },
    /// numbers
    Dense {
        /// a matrix
        weights: Matrix<f32>,
        /// another alignment
        #[bare(align = 256)]
        bias: Vec<f32>,
    },
    /// a tag of two octets, and nothing else
    #[bare(tag = 200)]
    Nothing,
    /// unions in a union
    Nested(Vec<Kind>),
    /// other packings
    Packed(BinaryMatrix, QuantizedMatrix),
}

/// A union without fields.
#[derive(BareUnion, Clone, Copy, Debug, PartialEq)]
pub enum Kind {
    /// the first
    Plain,
    /// the second
    Gated,
}

/// Of fixed size, with everything that may be in such a type.
#[derive(BareUnion, Clone, Debug, PartialEq)]
#[bare(fixed_size)]
pub enum Unit {
    /// numbers of one size
    Lif {
        /// a number
        threshold: f32,
        /// numbers
        kernel: [f32; 2],
    },
    /// numbers of several sizes, and a flag
    Mixed(u8, f64, bool, i16),
    /// a union inside, of a free tag
    #[bare(tag = 9)]
    Inner(Inner),
}

/// Inside another.
#[derive(BareUnion, Clone, Debug, PartialEq)]
#[bare(fixed_size)]
pub enum Inner {
    /// with a number
    On(u32),
    /// without
    Off,
}

/// A file's root.
#[derive(BareStruct, Clone, Debug, PartialEq)]
pub struct Model {
    /// text
    pub name: String,
    /// components
    pub parts: Vec<Part>,
    /// numbers of eight octets
    pub bias: Vec<f64>,
    /// perhaps
    pub head: Option<Kind>,
}

/// A union that keeps what it does not know.
#[derive(BareUnion, Clone, Debug, PartialEq)]
pub enum Kept {
    /// a number
    Scale(f32),
    /// lists with and without a pad
    Lists {
        /// padded
        codes: Vec<u16>,
        /// an octet each
        flags: Vec<bool>,
    },
    /// an enum that keeps values
    Kinds(Vec<KeptKind>),
    /// the rest
    #[bare(unknown)]
    Unknown(UnknownMember),
}

/// An enum that keeps what it does not know.
#[derive(BareUnion, Clone, Debug, PartialEq)]
pub enum KeptKind {
    /// the only one
    Plain,
    /// the rest
    #[bare(unknown)]
    Unknown(UnknownMember),
}

/// Small things inside each other.
#[derive(BareStruct, Clone, Debug, PartialEq)]
pub struct Pair(pub i16, pub List<Map<String, [bool; 2]>>, pub Uint, pub Vec<u8>);

/// A model with one component of each kind.
pub fn example() -> Model {
    let parts = vec![
        Part::Ternary { digits: TernaryMatrix::from_digits(1, 3, &[1, -1, 0]).expect("three digits"), scale: 0.5 },
        Part::Nothing,
        Part::Dense { weights: Matrix::from_vec(1, 2, vec![1.0, -2.0]).expect("two numbers"), bias: vec![3.0] },
        Part::Nested(vec![Kind::Gated, Kind::Plain]),
    ];
    Model { name: "norm".into(), parts, bias: vec![0.25], head: Some(Kind::Gated) }
}
