//! The transposed products: checks, scratch, and the choice of a path.

#[cfg(target_arch = "x86_64")]
mod avx2;
#[cfg(target_arch = "x86_64")]
mod avx512;
mod portable;
pub(super) mod reference;

use super::Matrix;
use super::activations::{Order, limbs_len, record_len, split_limbs};
use crate::error::{KernelError, check_len, product};
use crate::{Isa, Scratch};

/// f32-grade transposed product: `out[t, c] = sum over r of T[r, c] * y[t, r]`.
///
/// This is the cotangent of the input of [`super::forward_f32`] for the cotangent `y` of its output.
/// Rounding and error bound are those of [`super::forward_f32`], with rows in place of columns.
///
/// | name    | shape                |
/// |---------|----------------------|
/// | `words` | [`super::words_len`] |
/// | `y`     | `[n, rows]`          |
/// | `out`   | `[n, cols]`          |
///
/// Scratch: `3 * n * 8 * ceil(rows / 8)` bytes and `n` f64; `portable` also
/// `96 * ceil(cols / 32)` i32.
///
/// # Errors
/// [`KernelError::Length`] for `words`, `y` or `out`; the errors of [`super::words_len`].
pub fn transposed_f32(
    words: &[u64],
    rows: usize,
    cols: usize,
    y: &[f32],
    n: usize,
    out: &mut [f32],
    scratch: &mut Scratch,
) -> Result<(), KernelError> {
    transposed_f32_with(Isa::best(), words, rows, cols, y, n, out, scratch)
}

/// [`transposed_f32`] on a given instruction set.
///
/// # Errors
/// As [`transposed_f32`].
#[expect(clippy::too_many_arguments, reason = "shapes come with their slices")]
pub fn transposed_f32_with(
    isa: Isa,
    words: &[u64],
    rows: usize,
    cols: usize,
    y: &[f32],
    n: usize,
    out: &mut [f32],
    scratch: &mut Scratch,
) -> Result<(), KernelError> {
    let m = Matrix::new(words, rows, cols)?;
    check_len("y", y, product("y", &[n, rows])?)?;
    check_len("out", out, product("out", &[n, cols])?)?;
    if m.trivial(n) {
        out.fill(0.0);
        return Ok(());
    }
    if isa == Isa::Reference {
        reference::transposed_f32(m, y, out);
        return Ok(());
    }
    let sums = match isa {
        #[cfg(target_arch = "x86_64")]
        Isa::Avx2(_) | Isa::Avx512(_) => 0,
        _ => 3 * record_len(Order::Groups, cols),
    };
    let parts = scratch.parts(limbs_len(Order::Columns, n, rows)?, n, sums);
    split_limbs(isa, Order::Columns, y, rows, parts.codes, parts.steps);
    let (y, steps) = (parts.codes.as_chunks().0, parts.steps);
    match isa {
        Isa::Reference | Isa::Portable => portable::transposed_limbs(m, y, steps, parts.sums, out),
        // SAFETY: an `Avx2` token exists only after detection found AVX2 and FMA.
        #[cfg(target_arch = "x86_64")]
        Isa::Avx2(_) => unsafe { avx2::transposed_limbs(m, y, steps, out) },
        // SAFETY: an `Avx512` token exists only after detection found all features asked for.
        #[cfg(target_arch = "x86_64")]
        Isa::Avx512(_) => unsafe { avx512::transposed_limbs(m, y, steps, out) },
        #[cfg(target_arch = "aarch64")]
        Isa::Neon(_) => portable::transposed_limbs(m, y, steps, parts.sums, out),
    }
    Ok(())
}
