//! The design of bitnet.cpp's I2_S on AVX2, written here from its description: 128 weights in 32 octets, digit plus one in two
//! bits, weights 0 to 31 in the top bits of the octets, and so on. Three shifts, four masks, four `vpmaddubsw` for 128
//! weights, sums in i16 that are widened every 32 steps, one row at a time, one token or four. Integer outputs, as
//! theirs, still with the sum of the activations that the plus one adds.

use std::arch::x86_64::*;

/// Weights of a block.
const BLOCK: usize = 128;
/// Blocks after which i16 sums are widened.
const WIDEN: usize = 32;
/// Tokens that share what a row unpacks.
const TOKENS: usize = 4;

/// Packs rows of digits; `cols` is a multiple of 128.
pub fn pack(digits: &[i8]) -> Vec<u8> {
    let octet = |block: &[i8], i: usize| (0..4).fold(0, |octet, q| octet << 2 | (block[32 * q + i] + 1) as u8);
    digits.chunks_exact(BLOCK).flat_map(|block| (0..32).map(move |i| octet(block, i))).collect()
}

/// `out[t][r] = sum over c of (w[r][c] + 1) x[t][c]`
pub fn product(weights: &[u8], cols: usize, x: &[i8], out: &mut [f32]) {
    assert!(is_x86_feature_detected!("avx2") && cols.is_multiple_of(BLOCK));
    let rows = 4 * weights.len() / cols;
    assert_eq!(out.len(), rows * (x.len() / cols));
    for (r, row) in weights.chunks_exact(cols / 4).enumerate() {
        let (mut x, mut at) = (x, r);
        while x.len() >= TOKENS * cols {
            // SAFETY: AVX2 was detected.
            let sums = unsafe { row_sums::<TOKENS>(row, x, cols) };
            for sum in sums {
                out[at] = sum as f32;
                at += rows;
            }
            x = &x[TOKENS * cols..];
        }
        for token in x.chunks_exact(cols) {
            // SAFETY: as above.
            let [sum] = unsafe { row_sums::<1>(row, token, cols) };
            out[at] = sum as f32;
            at += rows;
        }
    }
}

#[target_feature(enable = "avx2")]
fn row_sums<const T: usize>(row: &[u8], x: &[i8], cols: usize) -> [i32; T] {
    let mask = _mm256_set1_epi8(3);
    let row: &[[u8; 32]] = row.as_chunks().0;
    let x: [&[[[i8; 32]; 4]]; T] = std::array::from_fn(|t| {
        let quarters: &[[i8; 32]] = x[t * cols..][..cols].as_chunks().0;
        &quarters.as_chunks().0[..row.len()]
    });
    let mut total = [_mm256_setzero_si256(); T];
    for start in (0..row.len()).step_by(WIDEN) {
        let mut sums = [_mm256_setzero_si256(); T];
        for i in start..row.len().min(start + WIDEN) {
            // SAFETY: 32 octets.
            let packed = unsafe { _mm256_loadu_si256(row[i].as_ptr().cast()) };
            let digits = [
                _mm256_and_si256(_mm256_srli_epi16::<6>(packed), mask),
                _mm256_and_si256(_mm256_srli_epi16::<4>(packed), mask),
                _mm256_and_si256(_mm256_srli_epi16::<2>(packed), mask),
                _mm256_and_si256(packed, mask),
            ];
            for (sum, x) in sums.iter_mut().zip(x) {
                let mut products = [_mm256_setzero_si256(); 4];
                for q in 0..4 {
                    // SAFETY: 32 octets.
                    let x = unsafe { _mm256_loadu_si256(x[i][q].as_ptr().cast()) };
                    products[q] = _mm256_maddubs_epi16(digits[q], x);
                }
                let [a, b, c, d] = products;
                *sum = _mm256_add_epi16(*sum, _mm256_add_epi16(_mm256_add_epi16(a, b), _mm256_add_epi16(c, d)));
            }
        }
        for (total, sum) in total.iter_mut().zip(sums) {
            *total = _mm256_add_epi32(*total, _mm256_madd_epi16(sum, _mm256_set1_epi16(1)));
        }
    }
    total.map(|total| {
        let mut lanes = [0; 8];
        // SAFETY: 32 octets.
        unsafe { _mm256_storeu_si256(lanes.as_mut_ptr().cast(), total) };
        lanes.iter().sum()
    })
}
