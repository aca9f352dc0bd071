//! Model parts as unions, and whole models over them, written as a user of barewire writes them.
#![forbid(unsafe_code)]

mod error;
pub mod gradient_flow;
pub mod hgrn;
pub mod precision_gradient;
pub mod weight;

pub use error::Error;
