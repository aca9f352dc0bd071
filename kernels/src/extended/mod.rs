//! Sums in the 80-bit format of the x87 unit: 64 significant bits, exponents to 2^16383.
//!
//! Three operations, each element rounded once to 64 bits, to nearest and ties to even:
//!
//! ```text
//! sum         four partial sums: value i to number i % 4; then ((0 + 1) + 2) + 3
//! accumulate  acc[i] += values[i]          values are f32
//! add         acc[i] += other[i]           both are F80
//! ```
//!
//! The unit adds one number at a time. Element by element that is several times slower than pairs of `f64`, which hold 106
//! bits (a list takes half their time): it is for those who need this very format. There is no arithmetic of the format elsewhere than on x86-64:
//! [`KernelError::Unavailable`] says so, and nothing is computed in another format instead. Conversions are integer
//! arithmetic and work everywhere.
//!
//! [`mod@reference`] adds in integers, and the unit's results have its bits.
//!
//! Source: Intel 64 and IA-32 Architectures Software Developer's Manual, volume 1, sections 4.2.2 and 8.1.

pub mod reference;
#[cfg(not(target_arch = "x86_64"))]
#[path = "elsewhere.rs"]
mod unit;
#[cfg(target_arch = "x86_64")]
#[path = "x87.rs"]
mod unit;

use crate::error::{KernelError, check_len};

/// An 80-bit number as it is stored: 10 bytes little-endian and 6 zeros, at a multiple of 16.
///
/// | bits     | meaning                                                    |
/// |----------|------------------------------------------------------------|
/// | 0 to 63  | significand with its leading 1 written out, in units of 2^-63 |
/// | 64 to 78 | exponent plus 16383; 32767 with infinities and NaN         |
/// | 79       | sign                                                       |
///
/// ```
/// use barewire_kernels::extended::F80;
///
/// let x = F80::from_f64(-0.75);
/// assert_eq!((x.to_f64(), x.significand(), x.sign_and_exponent()), (-0.75, 3 << 62, 0x8000 | 16382));
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
#[repr(C, align(16))]
pub struct F80 {
    significand: u64,
    sign_and_exponent: u16,
    unused: [u16; 3],
}

/// Exponent field of infinities and NaN.
const SPECIAL: u16 = 0x7fff;
/// What is added to an exponent, and the place of the point in a significand.
const BIAS: i32 = 16383 + 63;

impl F80 {
    /// From the two fields.
    pub const fn from_parts(sign_and_exponent: u16, significand: u64) -> Self {
        F80 { significand, sign_and_exponent, unused: [0; 3] }
    }

    /// From its 10 bytes.
    pub const fn from_bytes(bytes: [u8; 10]) -> Self {
        let [a, b, c, d, e, f, g, h, i, j] = bytes;
        Self::from_parts(u16::from_le_bytes([i, j]), u64::from_le_bytes([a, b, c, d, e, f, g, h]))
    }

    /// Its 10 bytes.
    pub fn to_bytes(self) -> [u8; 10] {
        let mut bytes = [0; 10];
        bytes[..8].copy_from_slice(&self.significand.to_le_bytes());
        bytes[8..].copy_from_slice(&self.sign_and_exponent.to_le_bytes());
        bytes
    }

    /// Bits 0 to 63.
    pub const fn significand(self) -> u64 {
        self.significand
    }

    /// Bits 64 to 79.
    pub const fn sign_and_exponent(self) -> u16 {
        self.sign_and_exponent
    }

    /// The same number: every `f64` is one.
    pub fn from_f64(x: f64) -> Self {
        let bits = x.to_bits();
        let sign = (bits >> 48) as u16 & 0x8000;
        let (exponent, fraction) = ((bits >> 52) as u16 & 0x7ff, bits << 12 >> 1);
        match exponent {
            0x7ff => Self::from_parts(sign | SPECIAL, 1 << 63 | fraction),
            0 if fraction == 0 => Self::from_parts(sign, 0),
            0 => {
                let shift = fraction.leading_zeros();
                Self::from_parts(sign | (16383 - 1022 - shift as u16), fraction << shift)
            }
            _ => Self::from_parts(sign | (exponent + 16383 - 1023), 1 << 63 | fraction),
        }
    }

    /// The nearest `f64`, ties to even; infinity beyond its range. What is no number of the format is NaN.
    pub fn to_f64(self) -> f64 {
        self.rounded(53, -1074)
    }

    /// The nearest `f32`, in one rounding.
    pub fn to_f32(self) -> f32 {
        self.rounded(24, -149) as f32
    }

    /// Rounded to `precision` bits, none of them below 2^`least`.
    fn rounded(self, precision: i32, least: i32) -> f64 {
        let m = self.significand;
        let sign = if self.sign_and_exponent >> 15 == 1 { -1.0 } else { 1.0 };
        let exponent = self.sign_and_exponent & SPECIAL;
        if exponent == SPECIAL {
            return if m == 1 << 63 { sign * f64::INFINITY } else { f64::NAN };
        }
        if m >> 63 == 0 && exponent != 0 {
            // such bits come from no arithmetic, and the unit refuses them
            return f64::NAN;
        }
        if m == 0 {
            return sign * 0.0;
        }
        // the number is m 2^q
        let q = i32::from(exponent.max(1)) - BIAS;
        let last = (q + 63 - m.leading_zeros() as i32 - (precision - 1)).max(least);
        let kept = match last - q {
            shift @ ..=0 => return sign * m as f64 * power_of_two(last - shift),
            shift @ 1..=64 => {
                let (wide, half) = (u128::from(m), 1_u128 << (shift - 1));
                let (kept, rest) = (wide >> shift, wide & ((half << 1) - 1));
                kept + u128::from(rest > half || (rest == half && kept & 1 == 1))
            }
            _ => 0,
        };
        sign * kept as f64 * power_of_two(last)
    }
}

impl From<f32> for F80 {
    fn from(x: f32) -> Self {
        Self::from_f64(x.into())
    }
}

/// 2^`exponent`, which is at least -1074.
fn power_of_two(exponent: i32) -> f64 {
    match exponent {
        1024.. => f64::INFINITY,
        -1022..=1023 => f64::from_bits(((exponent + 1023) as u64) << 52),
        _ => f64::from_bits(1 << (exponent + 1074)),
    }
}

/// The sum, in four partial sums.
///
/// # Errors
/// [`KernelError::Unavailable`] elsewhere than on x86-64.
///
/// ```
/// use barewire_kernels::extended;
///
/// // 1 + 2^-60 - 1, which needs 61 bits; the second and third number are in other partial sums
/// let tiny = (-60_f32).exp2();
/// # if cfg!(target_arch = "x86_64") {
/// assert_eq!(extended::sum(&[1.0, 0.0, 0.0, 0.0, tiny, 0.0, 0.0, 0.0, -1.0])?.to_f64(), f64::from(tiny));
/// # }
/// # Ok::<(), barewire_kernels::KernelError>(())
/// ```
pub fn sum(values: &[f32]) -> Result<F80, KernelError> {
    unit::sum(values)
}

/// `acc[i] += values[i]`
///
/// # Errors
/// [`KernelError::Length`] for `values`; [`KernelError::Unavailable`] elsewhere than on x86-64. Nothing was added then.
pub fn accumulate(acc: &mut [F80], values: &[f32]) -> Result<(), KernelError> {
    check_len("values", values, acc.len())?;
    unit::accumulate(acc, values)
}

/// `acc[i] += other[i]`
///
/// # Errors
/// [`KernelError::Length`] for `other`; [`KernelError::Unavailable`] elsewhere than on x86-64. Nothing was added then.
pub fn add(acc: &mut [F80], other: &[F80]) -> Result<(), KernelError> {
    check_len("other", other, acc.len())?;
    unit::add(acc, other)
}
