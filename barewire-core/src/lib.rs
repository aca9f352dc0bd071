//! The parts under barewire: the wire, scalars, shapes, ops, gradients and optimisers.
//!
//! Use the facade crate `barewire`; this crate is what its derive expands to. Without the feature `std` (on by
//! default) only [`wire`] is there, for `no_std` targets with an allocator.
#![cfg_attr(not(feature = "std"), no_std)]

extern crate alloc;

pub mod wire;

#[cfg(feature = "std")]
pub mod autodiff;
#[cfg(all(feature = "std", target_endian = "little"))]
pub mod columns;
#[cfg(feature = "std")]
pub mod error;
#[cfg(feature = "std")]
pub mod explain;
#[cfg(feature = "std")]
pub mod fuse;
#[cfg(feature = "std")]
pub mod gradient;
#[cfg(feature = "std")]
pub mod layer;
#[cfg(feature = "std")]
pub mod list;
#[cfg(feature = "std")]
pub mod model;
#[cfg(feature = "std")]
pub mod ops;
#[cfg(feature = "std")]
pub mod part;
#[cfg(feature = "std")]
pub mod precision;
#[cfg(feature = "std")]
pub mod primitive;
#[cfg(feature = "std")]
pub mod real;
#[cfg(feature = "std")]
pub mod routed;
#[cfg(feature = "std")]
pub mod shape;
#[cfg(feature = "std")]
pub mod state;
#[cfg(feature = "std")]
pub mod testing;
#[cfg(feature = "std")]
pub mod train;
#[cfg(feature = "std")]
pub mod workspace;

#[cfg(feature = "std")]
pub use barewire_kernels as kernels;
#[cfg(feature = "std")]
pub use error::Error;

#[doc(hidden)]
pub mod __private;
