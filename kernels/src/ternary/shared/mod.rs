//! What the kernels of this module share: slices of tiles and columns, loads, sums.

#[cfg(target_arch = "x86_64")]
pub(super) mod avx2;
#[cfg(target_arch = "x86_64")]
pub(super) mod avx512;
pub(super) mod portable;

// Helpers without closures: a closure in a `#[target_feature]` function has its features, so the
// generic `map` or `from_fn` that calls it is not inlined, and arrays of slices that pass through
// memory stall. On short rows this cost a third of the speed.

/// The first `N` records of `len` elements.
#[cfg(target_arch = "x86_64")]
#[inline(always)]
pub(in crate::ternary) fn columns_of<T, const N: usize>(records: &[T], len: usize) -> [&[T]; N] {
    let mut columns: [&[T]; N] = [&[]; N];
    for (k, column) in columns.iter_mut().enumerate() {
        *column = &records[k * len..][..len];
    }
    columns
}

/// Asks for the line `ahead` lines behind this one to be brought into the first cache level.
#[cfg(target_arch = "x86_64")]
#[inline(always)]
pub(in crate::ternary) fn prefetch(line: &super::Line, ahead: usize) {
    use core::arch::x86_64::{_MM_HINT_T0, _mm_prefetch};

    let address = core::ptr::from_ref(line).wrapping_add(ahead);
    // SAFETY: a prefetch is a hint and accesses nothing, so that any address will do; every x86-64
    // CPU has it.
    unsafe { _mm_prefetch::<_MM_HINT_T0>(address.cast()) }
}

/// Eight codes as the integer with the same bytes in memory on a little-endian target.
#[cfg(target_arch = "x86_64")]
#[inline(always)]
pub(in crate::ternary) fn as_i64(codes: &[i8; 8]) -> i64 {
    i64::from_le_bytes(codes.map(|code| code as u8))
}

/// One NaN or infinity in a token makes all its outputs NaN, even where the digit is 0 (which
/// f64 gives as well, 0 * inf being NaN) or where an infinity meets only one sign.
pub(in crate::ternary) fn finite_or_nan(token: &[f32], sum: f64) -> f32 {
    if token.iter().all(|v| v.is_finite()) { sum as f32 } else { f32::NAN }
}
