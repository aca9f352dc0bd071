//! A factor for each row of a signal.

use crate::error::{KernelError, check_len, product};
use crate::{Isa, Kernel, vectorize};

/// `factors[i] = gain / rms(signal[i, ..])`, the factors that [`super::fire_rows`] takes.
///
/// The rms is over the finite entries of a row; 0, and so no change, for a row of zeros or without
/// a finite entry. Squares are exact and summed in f64 in a fixed order (entry `c` goes to partial
/// sum `c % 32`, partial sums are added in order), then everything is rounded to f32 once:
/// the same bits on every instruction set. A quotient beyond the largest float is that float.
///
/// | name      | shape       |
/// |-----------|-------------|
/// | `signal`  | `[n, cols]` |
/// | `factors` | `[n]`       |
///
/// # Errors
/// [`KernelError::Length`] for `signal`; [`KernelError::Overflow`].
pub fn row_factors(signal: &[f32], cols: usize, gain: f32, factors: &mut [f32]) -> Result<(), KernelError> {
    row_factors_with(Isa::best(), signal, cols, gain, factors)
}

/// [`row_factors`] on a given instruction set.
///
/// # Errors
/// As [`row_factors`].
pub fn row_factors_with(
    isa: Isa,
    signal: &[f32],
    cols: usize,
    gain: f32,
    factors: &mut [f32],
) -> Result<(), KernelError> {
    check_len("signal", signal, product("signal", &[factors.len(), cols])?)?;
    if cols == 0 {
        factors.fill(0.0);
        return Ok(());
    }
    for (factor, row) in factors.iter_mut().zip(signal.chunks_exact(cols)) {
        *factor = quotient(gain, mean_square(isa, row).sqrt());
    }
    Ok(())
}

/// `factors[i] = gain / rms[i]`, with an rms that remembers: [`row_factors`] for steps that weigh a small gradient less than a
/// large one.
///
/// `rms[i] = sqrt(decay * rms[i]^2 + (1 - decay) * mean(signal[i, ..]^2))`
///
/// over the finite entries of a row, in f64 and rounded once; a row without one counts as zeros. An rms of 0 gives a factor of
/// 0. From an rms of 0 it is too small by `sqrt(1 - decay^t)` after `t` steps: multiply the gain by that.
///
/// | name      | shape       | meaning                                                    |
/// |-----------|-------------|------------------------------------------------------------|
/// | `signal`  | `[n, cols]` | gradient                                                   |
/// | `decay`   |             | in [0, 1); 0 makes it [`row_factors`], but for the rounding |
/// | `rms`     | `[n]`       | changed in place                                           |
/// | `factors` | `[n]`       | written                                                    |
///
/// # Errors
/// [`KernelError::Length`] for `signal` or `rms`; [`KernelError::Overflow`].
///
/// Source: Shazeer & Stern, "Adafactor" (2018), section 3, with the rows' half of the second moment.
pub fn running_row_factors_with(
    isa: Isa,
    signal: &[f32],
    cols: usize,
    gain: f32,
    decay: f32,
    rms: &mut [f32],
    factors: &mut [f32],
) -> Result<(), KernelError> {
    check_len("signal", signal, product("signal", &[factors.len(), cols])?)?;
    check_len("rms", rms, factors.len())?;
    if cols == 0 {
        factors.fill(0.0);
        return Ok(());
    }
    let decay = f64::from(decay);
    for ((factor, rms), row) in factors.iter_mut().zip(rms).zip(signal.chunks_exact(cols)) {
        let square = decay * f64::from(*rms).powi(2) + (1.0 - decay) * mean_square(isa, row);
        // The root of squares of floats is no larger than the largest of them.
        *rms = square.sqrt() as f32;
        *factor = quotient(gain, (*rms).into());
    }
    Ok(())
}

/// The mean square of the finite entries of a row that is not empty; 0 without one.
fn mean_square(isa: Isa, row: &[f32]) -> f64 {
    let sum = match isa {
        Isa::Reference => sum_of_squares(row),
        Isa::Portable => vectorize(isa, SumOfSquares::<false>(row)),
        isa => vectorize(isa, SumOfSquares::<true>(row)),
    };
    // Squares of finite floats cannot overflow the sum.
    let (sum, entries) = if sum.is_finite() { (sum, row.len()) } else { finite_part(row) };
    if sum > 0.0 { sum / entries as f64 } else { 0.0 }
}

/// 0 if there is nothing to divide by, and the largest float at most.
fn quotient(gain: f32, rms: f64) -> f32 {
    let largest = f64::from(f32::MAX);
    if rms == 0.0 { 0.0 } else { (f64::from(gain) / rms).clamp(-largest, largest) as f32 }
}

/// Sum of squares and number of the finite entries.
#[cold]
fn finite_part(row: &[f32]) -> (f64, usize) {
    let mut partial = [0.0f64; 32];
    let mut entries = 0;
    for (c, &v) in row.iter().enumerate().filter(|(_, v)| v.is_finite()) {
        partial[c % 32] += f64::from(v) * f64::from(v);
        entries += 1;
    }
    (partial.iter().sum(), entries)
}

/// The formula.
fn sum_of_squares(row: &[f32]) -> f64 {
    let mut partial = [0.0f64; 32];
    for (c, &v) in row.iter().enumerate() {
        partial[c % 32] += f64::from(v) * f64::from(v);
    }
    partial.iter().sum()
}

/// `FUSED`: the instruction set multiplies and adds at once; the bits are the same, since squares
/// of floats are exact in f64.
struct SumOfSquares<'a, const FUSED: bool>(&'a [f32]);

impl<const FUSED: bool> Kernel for SumOfSquares<'_, FUSED> {
    type Output = f64;

    #[inline(always)]
    fn run(self) -> f64 {
        let mut partial = [0.0f64; 32];
        let (full, rest) = self.0.as_chunks::<32>();
        for part in full {
            for (p, &v) in partial.iter_mut().zip(part) {
                let v = f64::from(v);
                *p = if FUSED { v.mul_add(v, *p) } else { v * v + *p };
            }
        }
        for (p, &v) in partial.iter_mut().zip(rest) {
            *p += f64::from(v) * f64::from(v);
        }
        partial.iter().sum()
    }
}
