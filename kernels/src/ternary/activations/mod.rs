//! Activations as int8 codes, and what they share with limbs.

#[cfg(target_arch = "x86_64")]
mod avx2;
#[cfg(target_arch = "x86_64")]
mod avx512;
mod limbs;
mod portable;
mod reference;

pub(crate) use limbs::steps_of_limbs;
pub(super) use limbs::{join, split, split_len};

use super::{Group, Matrix};
use crate::entry_points::entry_points;
use crate::error::{KernelError, check_len, product};
use crate::exec::Job;
use crate::{Exec, Isa, Kernel, vectorize};

/// Length of the int8 codes of `n` tokens: `n * 32 * ceil(cols / 32)`.
///
/// # Errors
/// [`KernelError::Overflow`] if it does not fit in a `usize`.
pub fn int8_codes_len(n: usize, cols: usize) -> Result<usize, KernelError> {
    product("codes", &[n, cols.div_ceil(32), 32])
}

entry_points! {
    /// Rounds each token to int8 codes with a step of its own, in the order the kernels read.
    ///
    /// `s = 127 / max(max|x|, 1e-5)`, `code = clamp(round_half_even(x * s), -128, 127)`,
    /// `scales[t] = max(max|x|, 1e-5) / 127`, so that `code * scales[t]` approximates `x`.
    ///
    /// | name     | shape              |
    /// |----------|--------------------|
    /// | `x`      | `[n, cols]`        |
    /// | `codes`  | [`int8_codes_len`] |
    /// | `scales` | `[n]`              |
    ///
    /// Order of the codes: a token is `ceil(cols / 32)` groups of 32 bytes; in group `w`, byte
    /// `8 f + b` is column `32 w + 4 b + f`, for `f` in 0..4 and `b` in 0..8. (Field `f` of the
    /// packed bytes of a word then meets 8 consecutive codes.) Columns past `cols` are 0. Use
    /// [`dequantize_int8`] to read them back.
    ///
    /// A token with a NaN or an infinity gets codes 0 and a NaN scale.
    ///
    /// # Errors
    /// [`KernelError::Length`] for `x`, `codes` or `scales`; [`KernelError::Overflow`].
    ///
    /// Source: Ma et al., "The Era of 1-bit LLMs" (2024), activations per token; the arithmetic is
    /// that of MatMul-free LM's `activation_quant`.
    pub fn quantize_int8 and quantize_int8_with(
        x: &[f32],
        n: usize,
        cols: usize,
        codes: &mut [i8],
        scales: &mut [f32],
    ) on exec {
        check_len("x", x, product("x", &[n, cols])?)?;
        check_len("codes", codes, int8_codes_len(n, cols)?)?;
        check_len("scales", scales, n)?;
        if n == 0 {
            return Ok(());
        }
        if cols == 0 {
            scales.fill(int8_steps(0).1);
            return Ok(());
        }
        exec.run(Quantize { isa: exec.isa(), x, cols, codes, scales }, GRAIN.div_ceil(cols));
        Ok(())
    }
}

/// Elements that are worth a thread: some 20 microseconds.
const GRAIN: usize = 1 << 16;

/// Tokens to be rounded to int8 codes.
struct Quantize<'a> {
    isa: Isa,
    x: &'a [f32],
    cols: usize,
    codes: &'a mut [i8],
    scales: &'a mut [f32],
}

impl Job for Quantize<'_> {
    fn units(&self) -> usize {
        self.scales.len()
    }

    fn split_at(self, tokens: usize) -> (Self, Self) {
        let (x, x_rest) = self.x.split_at(tokens * self.cols);
        let (codes, codes_rest) = self.codes.split_at_mut(tokens * record_len(Order::Groups, self.cols));
        let (scales, scales_rest) = self.scales.split_at_mut(tokens);
        (Self { x, codes, scales, ..self }, Self { x: x_rest, codes: codes_rest, scales: scales_rest, ..self })
    }

    fn run(self) {
        let Self { isa, x, cols, codes, scales } = self;
        match isa {
            Isa::Reference => reference::quantize_int8(x, cols, codes, scales),
            Isa::Portable => portable::quantize_int8(x, cols, codes, scales),
            // SAFETY: an `Avx2` token exists only after detection found AVX2 and FMA.
            #[cfg(target_arch = "x86_64")]
            Isa::Avx2(_) => unsafe { avx2::quantize_int8(x, cols, codes, scales) },
            // SAFETY: an `Avx512` token exists only after detection found all features asked for.
            #[cfg(target_arch = "x86_64")]
            Isa::Avx512(_) => unsafe { avx512::quantize_int8(x, cols, codes, scales) },
            #[cfg(target_arch = "aarch64")]
            Isa::Neon(_) => portable::quantize_int8(x, cols, codes, scales),
        }
    }
}

entry_points! {
    /// The values that int8 codes stand for: `out[t, c] = code[t, c] * scales[t]`.
    ///
    /// | name     | shape              |
    /// |----------|--------------------|
    /// | `codes`  | [`int8_codes_len`], in the order of [`quantize_int8`] |
    /// | `scales` | `[n]`              |
    /// | `out`    | `[n, cols]`        |
    ///
    /// # Errors
    /// [`KernelError::Length`] for `codes`, `scales` or `out`; [`KernelError::Overflow`].
    pub fn dequantize_int8 and dequantize_int8_with(
        codes: &[i8],
        scales: &[f32],
        n: usize,
        cols: usize,
        out: &mut [f32],
    ) on exec {
        check_len("codes", codes, int8_codes_len(n, cols)?)?;
        check_len("scales", scales, n)?;
        check_len("out", out, product("out", &[n, cols])?)?;
        if cols > 0 {
            vectorize(exec.isa(), Dequantize { codes, scales, cols, out });
        }
        Ok(())
    }
}

struct Dequantize<'a> {
    codes: &'a [i8],
    scales: &'a [f32],
    cols: usize,
    out: &'a mut [f32],
}

impl Kernel for Dequantize<'_> {
    type Output = ();

    #[inline(always)]
    fn run(self) {
        let record = self.cols.div_ceil(32) * 32;
        let tokens = self.out.chunks_exact_mut(self.cols);
        for ((out, codes), &step) in tokens.zip(self.codes.chunks_exact(record)).zip(self.scales) {
            let (full, rest) = out.as_chunks_mut::<32>();
            let (groups, _) = codes.as_chunks::<32>();
            for (out, group) in full.iter_mut().zip(groups) {
                *out = values(group, step);
            }
            if let (Some(group), false) = (groups.last(), rest.is_empty()) {
                rest.copy_from_slice(&values(group, step)[..rest.len()]);
            }
        }
    }
}

/// The 32 values of a group in the order of their columns.
#[inline(always)]
fn values(group: &[i8; 32], step: f32) -> [f32; 32] {
    let mut out = [0.0; 32];
    for b in 0..8 {
        for f in 0..4 {
            out[4 * b + f] = f32::from(group[8 * f + b]) * step;
        }
    }
    out
}

/// Bits of the largest magnitude. As integers NaNs are above infinity and that above all finite
/// values, so the maximum needs no order and no care.
#[inline(always)]
pub(crate) fn max_magnitude(x: &[f32]) -> u32 {
    x.iter().fold(0, |max, v| max.max(v.to_bits() & 0x7FFF_FFFF))
}

/// From [`max_magnitude`], `(s, step)` of [`quantize_int8`]; `(0, NaN)` for a token that is not
/// finite.
#[inline(always)]
pub(super) fn int8_steps(max: u32) -> (f32, f32) {
    let max = f32::from_bits(max);
    if !max.is_finite() {
        return (0.0, f32::NAN);
    }
    let max = max.max(1e-5);
    (127.0 / max, max / 127.0)
}

/// Where the byte of a column goes within a token's record of limbs or codes.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Order {
    /// As [`quantize_int8`] says: for the forward product.
    Groups,
    /// Column after column: for the transposed product, whose tokens are as long as a column.
    Columns,
}

/// Bytes of one limb of one token: whole groups of 32, or whole tiles of 8 rows.
pub(super) fn record_len(order: Order, len: usize) -> usize {
    match order {
        Order::Groups => len.div_ceil(32) * 32,
        Order::Columns => len.div_ceil(8) * 8,
    }
}

/// `round_half_even(x * s)`, for results below 2^31: adding 1.5 * 2^52 leaves the integer in the
/// low bits. Plain additions, so that it is fast on every target.
#[inline(always)]
pub(crate) fn rounded(x: f32, s: f32) -> i32 {
    (f64::from(x * s) + 6_755_399_441_055_744.0).to_bits() as i32
}

/// The groups of checked codes.
pub(super) fn groups(codes: &[i8]) -> &[Group] {
    codes.as_chunks::<8>().0.as_chunks::<4>().0
}

/// Outputs of a token from per-field sums: `sums[f][b]` is column `4 b + f`.
#[inline(always)]
pub(super) fn store_fields(out: &mut [f32], fields: [[f32; 8]; 4]) {
    let mut natural = [0.0; 32];
    for b in 0..8 {
        for f in 0..4 {
            natural[4 * b + f] = fields[f][b];
        }
    }
    store(out, natural);
}

/// Stores the first `out.len()` values, at most all of them.
#[inline(always)]
pub(super) fn store<T: Copy, const N: usize>(out: &mut [T], values: [T; N]) {
    match out.first_chunk_mut::<N>() {
        Some(full) => *full = values,
        None => {
            let len = out.len();
            out.copy_from_slice(&values[..len]);
        }
    }
}

impl Matrix<'_> {
    /// Whether a product with `n` tokens has no terms or no outputs.
    pub(super) fn trivial(&self, n: usize) -> bool {
        n == 0 || self.rows == 0 || self.cols == 0
    }
}

/// The first up to 32 elements, zeros past the end.
#[cfg(target_arch = "x86_64")]
#[inline(always)]
pub(super) fn padded(x: &[f32]) -> [f32; 32] {
    x.first_chunk().copied().unwrap_or_else(|| {
        let mut part = [0.0; 32];
        part[..x.len()].copy_from_slice(x);
        part
    })
}
