//! Where there is no x87 unit: an error, and no other arithmetic in its place.

use super::F80;
use crate::error::KernelError;

const UNAVAILABLE: KernelError =
    KernelError::Unavailable { what: "80-bit arithmetic", needs: "the x87 unit of x86-64" };

pub(super) fn sum(_: &[f32]) -> Result<F80, KernelError> {
    Err(UNAVAILABLE)
}

pub(super) fn accumulate(_: &mut [F80], _: &[f32]) -> Result<(), KernelError> {
    Err(UNAVAILABLE)
}

pub(super) fn add(_: &mut [F80], _: &[F80]) -> Result<(), KernelError> {
    Err(UNAVAILABLE)
}
