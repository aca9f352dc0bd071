//! AVX2: `vpermilps` takes a term from a table of four by the two lowest bits of a lane.
//!
//! A register holds half a word (16 columns) of the 8 rows of a tile, in the order 0, 1, 4, 5, 2,
//! 3, 6, 7, which is put right at the end.

#![expect(clippy::needless_range_loop, reason = "registers are arrays with constant bounds; indices say which one")]

use core::arch::x86_64::*;

use super::{Block, WORDS};
use crate::columns::ColumnsMut;
use crate::ternary::Line;
use crate::ternary::shared::avx2::load;
use crate::ternary::shared::columns_of;

/// The four terms of each column of a block.
#[derive(Clone, Copy)]
#[repr(align(32))]
struct Table([[f32; 4]; 32 * WORDS]);

/// See [`super::run_block`].
#[target_feature(enable = "avx2,fma")]
pub(super) fn run(block: &Block<'_>, out: &mut ColumnsMut<'_, f32>) {
    match block.x.len() / block.m.cols {
        1 => tokens::<1, 4>(block, out),
        2 => tokens::<2, 2>(block, out),
        3 => tokens::<3, 2>(block, out),
        _ => tokens::<4, 2>(block, out),
    }
}

/// `C` tokens, `T` tiles at a time.
#[target_feature(enable = "avx2,fma")]
fn tokens<const C: usize, const T: usize>(block: &Block<'_>, out: &mut ColumnsMut<'_, f32>) {
    // What the code of damaged padding finds: the terms of 0.
    let mut tables = [Table([[-0.0, 0.0, 0.0, 0.0]; 32 * WORDS]); C];
    for c in 0..C {
        for (table, &x) in tables[c].0.iter_mut().zip(block.columns(c)) {
            *table = [-x, 0.0, x, x + x];
        }
    }
    let mut tile = block.tiles.start;
    while tile + T <= block.tiles.end {
        store(block, out, tile, sums::<C, T>(block, tile, &tables));
        tile += T;
    }
    while tile < block.tiles.end {
        store(block, out, tile, sums::<C, 1>(block, tile, &tables));
        tile += 1;
    }
}

/// The sums of a block, for `T` tiles. Sums start at -0, which is what leaves a first term as it is.
#[inline]
#[target_feature(enable = "avx2,fma")]
fn sums<const C: usize, const T: usize>(block: &Block<'_>, tile: usize, tables: &[Table; C]) -> [[__m256; C]; T] {
    let stride = block.m.words_per_row;
    let lines = columns_of::<_, T>(&block.m.lines[tile * stride..], stride);
    let mut total = [[_mm256_set1_ps(-0.0); C]; T];
    for (i, w) in block.words.clone().enumerate() {
        let mut sums = [[_mm256_set1_ps(-0.0); C]; T];
        for half in 0..2 {
            let mut codes = [_mm256_setzero_si256(); T];
            for t in 0..T {
                codes[t] = half_words(&lines[t][w], half);
            }
            for k in 0..block.pairs {
                let at = 32 * i + 16 * half + 2 * k;
                let mut seconds = codes;
                for t in 0..T {
                    seconds[t] = _mm256_srli_epi32::<2>(codes[t]);
                }
                for c in 0..C {
                    let (first, second) = (broadcast(&tables[c].0[at]), broadcast(&tables[c].0[at + 1]));
                    for t in 0..T {
                        let first = _mm256_permutevar_ps(first, codes[t]);
                        let pair = _mm256_add_ps(first, _mm256_permutevar_ps(second, seconds[t]));
                        sums[t][c] = _mm256_add_ps(sums[t][c], pair);
                    }
                }
                for t in 0..T {
                    codes[t] = _mm256_srli_epi32::<2>(seconds[t]);
                }
            }
        }
        for t in 0..T {
            for c in 0..C {
                total[t][c] = _mm256_add_ps(total[t][c], sums[t][c]);
            }
        }
    }
    total
}

/// The low or the high half of each row's word.
#[inline]
#[target_feature(enable = "avx2")]
fn half_words(line: &Line, half: usize) -> __m256i {
    let (rows, _) = line.as_chunks::<4>();
    let (a, b) = (_mm256_castsi256_ps(load(&rows[0])), _mm256_castsi256_ps(load(&rows[1])));
    _mm256_castps_si256(if half == 0 { _mm256_shuffle_ps::<0x88>(a, b) } else { _mm256_shuffle_ps::<0xDD>(a, b) })
}

#[inline]
#[target_feature(enable = "avx2")]
fn broadcast(terms: &[f32; 4]) -> __m256 {
    // SAFETY: `terms` is 16 readable bytes; the load has no alignment requirement.
    let terms = unsafe { _mm_loadu_ps(terms.as_ptr()) };
    _mm256_set_m128(terms, terms)
}

#[inline]
#[target_feature(enable = "avx2,fma")]
fn store<const C: usize, const T: usize>(
    block: &Block<'_>,
    out: &mut ColumnsMut<'_, f32>,
    tile: usize,
    sums: [[__m256; C]; T],
) {
    for t in 0..T {
        for c in 0..C {
            let rows = _mm256_permute4x64_pd::<0b11_01_10_00>(_mm256_castps_pd(sums[t][c]));
            let rows = _mm256_castpd_ps(rows);
            let mut natural = [0.0; 8];
            // SAFETY: `natural` is 32 writable bytes; the store has no alignment requirement.
            unsafe { _mm256_storeu_ps(natural.as_mut_ptr(), rows) };
            block.store(out, tile + t, c, natural);
        }
    }
}
