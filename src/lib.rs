//! Model parts as Rust enums: aligned zero-copy layout, views, and equations.
#![forbid(unsafe_code)]

pub use barewire_core::wire;

pub use barewire_derive::{BareStruct, BareUnion};

/// What a model's source imports.
pub mod prelude {
    pub use crate::wire::{
        BinaryMatrix, Index, Int, Matrix, QuantizedMatrix, Region, TernaryMatrix, Uint, Union, Wire,
    };
    pub use crate::{BareStruct, BareUnion};
}

/// All that generated code names. Not part of the public interface.
#[doc(hidden)]
pub mod __private {
    pub use barewire_core::__private::*;
}
