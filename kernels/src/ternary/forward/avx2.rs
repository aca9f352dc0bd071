//! AVX2: `vpmaddubsw` on masked packed bytes, sums in i16 that are widened before they overflow.
//!
//! A register holds half a line, 4 rows x 32 columns. Field `f` of the bytes is masked out and
//! multiplied with the 8 activations of that field, repeated for all rows, as in `avx512.rs`.
//!
//! What limits it is the pair of a multiplication and the addition that waits for it: on Zen 3 no more
//! than three such pairs go in two cycles, 75 % of the rate of `vpmaddubsw` alone, and all that
//! unpacks comes on top. So [`one`] column saves on unpacking, [`few`] share it, and for [`many`] nothing but
//! those pairs is left inside.

#![expect(clippy::needless_range_loop, reason = "registers are arrays with constant bounds; indices say which one")]

use core::arch::x86_64::*;

use super::blocks::{Dot, Finish, PART, Product, Strip, Sums};
use crate::Avx2;
use crate::ternary::shared::avx2::{integers, load, widen};
use crate::ternary::shared::{as_i64, prefetch};
use crate::ternary::{Group, Line};

/// The product, all of it compiled for AVX2.
#[target_feature(enable = "avx2,fma")]
pub(super) fn run<F: Finish<L>, const L: usize>(token: Avx2, product: Product<'_, F, L>) {
    product.on(Kernel { _token: token, spread: None });
}

/// The token, and room for activations once they are needed: for a small product, making it takes a while.
struct Kernel {
    _token: Avx2,
    spread: Option<Spread>,
}

/// Tiles from which [`many`] pays: it prepares activations once for all of them.
const TILES: usize = 16;

/// Words whose activations [`many`] keeps repeated.
const SPREAD: usize = 20;

/// Activations of so many words of a block of columns, repeated for all rows: 15 KiB, half of a first level cache.
type Spread = [__m256i; SPREAD * 4 * Kernel::COLUMNS];

impl Dot for Kernel {
    // 6 sums, half a line, a field of it, the mask and a product: more sums fit, but not their
    // activations in the first cache level.
    const COLUMNS: usize = 6;

    #[inline(always)]
    fn add<const C: usize>(&mut self, strip: Strip<'_>, x: [&[Group]; C], sums: &mut [[Sums; C]]) {
        match C {
            // SAFETY: the `Avx2` token exists only after detection found AVX2 and FMA.
            1 => unsafe { one(strip, x[0], sums.as_flattened_mut()) },
            // SAFETY: as above.
            4.. if sums.len() >= TILES => unsafe { many(&mut self.spread, strip, x, sums) },
            // SAFETY: as above.
            _ => unsafe { few(strip, x, sums) },
        }
    }
}

/// Adds the two parts of each row, which are in order within a half, to the sums of a tile.
#[inline]
#[target_feature(enable = "avx2")]
fn add_rows(sums: &mut Sums, [first, second]: [__m256i; 2]) {
    // Per 128-bit lane, two rows of the first half, then two of the second.
    let rows = _mm256_hadd_epi32(first, second);
    let rows = integers(_mm256_permute4x64_epi64::<0b11_01_10_00>(rows));
    for (sum, row) in sums.iter_mut().zip(rows) {
        *sum = sum.wrapping_add(row);
    }
}

#[inline]
#[target_feature(enable = "avx2")]
fn broadcast(codes: &[i8; 8]) -> __m256i {
    _mm256_set1_epi64x(as_i64(codes))
}

/// `sums + codes * x`.
#[inline]
#[target_feature(enable = "avx2")]
fn multiply(sums: __m256i, codes: __m256i, x: __m256i) -> __m256i {
    _mm256_add_epi16(sums, _mm256_maddubs_epi16(codes, x))
}

/// One column. Two tiles are two streams through memory.
#[target_feature(enable = "avx2,fma")]
fn one(strip: Strip<'_>, x: &[Group], sums: &mut [Sums]) {
    let (pairs, rest) = sums.as_chunks_mut::<2>();
    for (k, sums) in pairs.iter_mut().enumerate() {
        one_tiles(strip.tiles::<2>(2 * k), x, sums);
    }
    for sums in rest {
        one_tiles(strip.tiles(2 * pairs.len()), x, core::array::from_mut(sums));
    }
}

#[inline]
#[target_feature(enable = "avx2,fma")]
fn one_tiles<const T: usize>(tiles: [&[Line]; T], x: &[Group], sums: &mut [Sums; T]) {
    // A word adds 16 products of codes, times 4, to each i32.
    const { assert!(PART * 16 * 12 * 128 < i32::MAX as usize) };

    let mut total = [[_mm256_setzero_si256(); 2]; T];
    let done = one_words::<5, T>(&mut total, tiles, x);
    let mut rest = tiles;
    for t in 0..T {
        rest[t] = &tiles[t][done..];
    }
    one_words::<1, T>(&mut total, rest, &x[done..]);
    for t in 0..T {
        let [first, second] = total[t];
        add_rows(&mut sums[t], [_mm256_srai_epi32::<2>(first), _mm256_srai_epi32::<2>(second)]);
    }
}

/// Adds 4 times the products of as many words as there are groups of `N`, and says how many those are. The tiles
/// have their turns group by group: they need the same registers.
#[inline]
#[target_feature(enable = "avx2,fma")]
fn one_words<const N: usize, const T: usize>(total: &mut [[__m256i; 2]; T], tiles: [&[Line]; T], x: &[Group]) -> usize {
    // A word adds 2 fields in 2 pairs, of codes that are 12 at most, to each i16.
    const { assert!(N * 2 * 2 * 12 * 128 < i16::MAX as usize) };

    let x = x.as_chunks::<N>().0;
    let mut lines: [&[[Line; N]]; T] = [&[]; T];
    for t in 0..T {
        lines[t] = &tiles[t].as_chunks().0[..x.len()];
    }
    let (low, high) = (_mm256_set1_epi8(0x03), _mm256_set1_epi8(0x0C));
    for at in 0..x.len() {
        for t in 0..T {
            // Fields 1 and 3 stay where they are, times 4, with sums of their own: one shift in place of three.
            let mut even = [_mm256_setzero_si256(); 2];
            let mut odd = even;
            for w in 0..N {
                let (halves, _) = lines[t][at][w].as_chunks::<4>();
                let mut half = [load(&halves[0]), load(&halves[1])];
                for f in [0, 2] {
                    let fields = [broadcast(&x[at][w][f]), broadcast(&x[at][w][f + 1])];
                    for h in 0..2 {
                        even[h] = multiply(even[h], _mm256_and_si256(half[h], low), fields[0]);
                        odd[h] = multiply(odd[h], _mm256_and_si256(half[h], high), fields[1]);
                        half[h] = _mm256_srli_epi16::<4>(half[h]);
                    }
                }
            }
            for h in 0..2 {
                let even = _mm256_madd_epi16(even[h], _mm256_set1_epi16(4));
                total[t][h] = widen(_mm256_add_epi32(total[t][h], even), odd[h]);
            }
        }
    }
    x.len() * N
}

/// Two columns or three, or more where there are few tiles.
#[target_feature(enable = "avx2,fma")]
fn few<const C: usize>(strip: Strip<'_>, x: [&[Group]; C], sums: &mut [[Sums; C]]) {
    let mask = _mm256_set1_epi8(3);
    for (tile, sums) in sums.iter_mut().enumerate() {
        let [lines] = strip.tiles(tile);
        let len = lines.len();
        let mut columns: [&[Group]; C] = [&[]; C];
        for c in 0..C {
            columns[c] = &x[c][..len];
        }
        let mut total = [[_mm256_setzero_si256(); 2]; C];
        for start in (0..len).step_by(FOLD) {
            let mut acc = [[_mm256_setzero_si256(); 2]; C];
            for w in start..len.min(start + FOLD) {
                let (halves, _) = lines[w].as_chunks::<4>();
                let mut half = [load(&halves[0]), load(&halves[1])];
                for f in 0..4 {
                    let mut codes = half;
                    for h in 0..2 {
                        codes[h] = _mm256_and_si256(half[h], mask);
                        half[h] = _mm256_srli_epi16::<2>(half[h]);
                    }
                    for c in 0..C {
                        let x = broadcast(&columns[c][w][f]);
                        for h in 0..2 {
                            acc[c][h] = multiply(acc[c][h], codes[h], x);
                        }
                    }
                }
            }
            for c in 0..C {
                for h in 0..2 {
                    total[c][h] = widen(total[c][h], acc[c][h]);
                }
            }
        }
        for c in 0..C {
            add_rows(&mut sums[c], total[c]);
        }
    }
}

/// Words after which the sums of [`few`] and [`many`] are widened: a word adds 4 fields in 2 pairs to each i16.
const FOLD: usize = 10;
const _: () = assert!(FOLD * 4 * 2 * 3 * 128 < i16::MAX as usize);

/// Four columns or more. Their activations are repeated in memory once for all tiles, so that a multiplication
/// takes them from there; a broadcast for each would need the units that additions do.
#[target_feature(enable = "avx2,fma")]
fn many<const C: usize>(spread: &mut Option<Spread>, strip: Strip<'_>, x: [&[Group]; C], sums: &mut [[Sums; C]]) {
    let spread = spread.get_or_insert_with(|| [_mm256_setzero_si256(); _]);
    let spread: &mut [[[__m256i; C]; 4]] = spread.as_chunks_mut().0.as_chunks_mut().0;
    let len = x[0].len();
    for start in (0..len).step_by(SPREAD) {
        let words = start..len.min(start + SPREAD);
        let spread = &mut spread[..words.len()];
        for c in 0..C {
            for (spread, x) in spread.iter_mut().zip(&x[c][words.clone()]) {
                for f in 0..4 {
                    spread[f][c] = broadcast(&x[f]);
                }
            }
        }
        for (tile, sums) in sums.iter_mut().enumerate() {
            let [lines] = strip.tiles(tile);
            many_words(&lines[words.clone()], spread, strip.words_per_row(), sums);
        }
    }
}

/// Some words of a tile, half a line at a time: that has registers for all columns. The next tile is `ahead` lines
/// away, which after so few lines the CPU does not expect.
#[inline]
#[target_feature(enable = "avx2,fma")]
fn many_words<const C: usize>(lines: &[Line], x: &[[[__m256i; C]; 4]], ahead: usize, sums: &mut [Sums; C]) {
    let mask = _mm256_set1_epi8(3);
    let mut total = [[_mm256_setzero_si256(); 2]; C];
    for half in 0..2 {
        for (lines, x) in lines.chunks(FOLD).zip(x.chunks(FOLD)) {
            let mut acc = [_mm256_setzero_si256(); C];
            for (line, x) in lines.iter().zip(x) {
                if half == 0 {
                    prefetch(line, ahead);
                }
                let mut rows = load(&line.as_chunks().0[half]);
                for f in 0..4 {
                    let codes = _mm256_and_si256(rows, mask);
                    rows = _mm256_srli_epi16::<2>(rows);
                    for c in 0..C {
                        acc[c] = multiply(acc[c], codes, x[f][c]);
                    }
                }
            }
            for c in 0..C {
                total[c][half] = widen(total[c][half], acc[c]);
            }
        }
    }
    for c in 0..C {
        add_rows(&mut sums[c], total[c]);
    }
}
