//! Model parts as unions, and whole models over them, written as a user of barewire writes them.
#![forbid(unsafe_code)]

pub mod hgrn;
pub mod weight;
