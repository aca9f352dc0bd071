//! What can go wrong when a model is made or loaded.

use barewire::kernels::KernelError;
use barewire::wire::ValueError;

/// Why a model was not made.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// a checkpoint's files or a model's sizes, in words that name the file and the tensor
    #[error("{0}")]
    Config(String),
    /// sizes that a matrix cannot have
    #[error(transparent)]
    Value(#[from] ValueError),
    /// sizes that a kernel cannot take
    #[error(transparent)]
    Kernel(#[from] KernelError),
}
