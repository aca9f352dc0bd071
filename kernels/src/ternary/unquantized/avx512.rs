//! AVX-512: `vpermps` takes the sum of a pair of terms from a table of sixteen by the four lowest
//! bits of a lane.
//!
//! A register holds half a word (16 columns) of 16 rows: two tiles.

#![expect(clippy::needless_range_loop, reason = "registers are arrays with constant bounds; indices say which one")]

use core::arch::x86_64::*;

use super::{Block, WORDS};
use crate::columns::ColumnsMut;
use crate::ternary::Line;
use crate::ternary::shared::avx512::{load, load_floats};

/// For each pair of columns of a block, the sixteen sums of their terms.
#[derive(Clone, Copy)]
#[repr(align(64))]
struct Table([[f32; 16]; 16 * WORDS]);

/// See [`super::run_block`].
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512dq,avx512vbmi,avx512vnni,avx2,fma")]
pub(super) fn run(block: &Block<'_>, out: &mut ColumnsMut<'_, f32>) {
    match block.x.len() / block.m.cols {
        1 => tokens::<1, 6>(block, out),
        2 => tokens::<2, 4>(block, out),
        3 => tokens::<3, 2>(block, out),
        _ => tokens::<4, 2>(block, out),
    }
}

/// `C` tokens, `P` pairs of tiles at a time.
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512dq,avx512vbmi,avx512vnni,avx2,fma")]
fn tokens<const C: usize, const P: usize>(block: &Block<'_>, out: &mut ColumnsMut<'_, f32>) {
    // What the codes of damaged padding find: the terms of 0.
    let mut tables = [Table([pair_sums(0.0, 0.0); 16 * WORDS]); C];
    for c in 0..C {
        for (table, x) in tables[c].0.iter_mut().zip(block.columns(c).chunks(2)) {
            *table = pair_sums(x[0], x.get(1).copied().unwrap_or(0.0));
        }
    }
    let mut tile = block.tiles.start;
    while tile + 2 * P <= block.tiles.end {
        store(block, out, tile, sums::<C, P>(block, tile, &tables));
        tile += 2 * P;
    }
    while tile < block.tiles.end {
        store(block, out, tile, sums::<C, 1>(block, tile, &tables));
        tile += 2;
    }
}

/// Element `4 b + a` is the term of code `a` for the first plus that of code `b` for the second.
#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512dq,avx512vbmi,avx512vnni,avx2,fma")]
fn pair_sums(first: f32, second: f32) -> [f32; 16] {
    let terms = |x: f32| _mm512_broadcast_f32x4(_mm_setr_ps(-x, 0.0, x, x + x));
    let by_low = terms(first);
    let by_high = _mm512_setr_epi32(0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2, 3, 3, 3, 3);
    let by_high = _mm512_permutexvar_ps(by_high, terms(second));
    let pairs = _mm512_add_ps(by_low, by_high);
    let mut sums = [0.0; 16];
    // SAFETY: `sums` is 64 writable bytes; the store has no alignment requirement.
    unsafe { _mm512_storeu_ps(sums.as_mut_ptr(), pairs) };
    sums
}

/// The sums of a block, for `P` pairs of tiles. A tile that the last pair lacks is the other one
/// again. Sums start at -0, which is what leaves a first term as it is.
#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512dq,avx512vbmi,avx512vnni,avx2,fma")]
fn sums<const C: usize, const P: usize>(block: &Block<'_>, tile: usize, tables: &[Table; C]) -> [[__m512; C]; P] {
    let len = block.words.len();
    let mut lines: [[&[Line]; 2]; P] = [[&[]; 2]; P];
    for p in 0..P {
        for k in 0..2 {
            let tile = (tile + 2 * p + k).min(block.tiles.end - 1);
            lines[p][k] = &block.m.tile(tile)[block.words.start..][..len];
        }
    }
    let halves = [
        _mm512_setr_epi32(0, 2, 4, 6, 8, 10, 12, 14, 16, 18, 20, 22, 24, 26, 28, 30),
        _mm512_setr_epi32(1, 3, 5, 7, 9, 11, 13, 15, 17, 19, 21, 23, 25, 27, 29, 31),
    ];
    let mut total = [[_mm512_set1_ps(-0.0); C]; P];
    for w in 0..len {
        let mut sums = [[_mm512_set1_ps(-0.0); C]; P];
        for half in 0..2 {
            let mut codes = [_mm512_setzero_si512(); P];
            for p in 0..P {
                codes[p] = _mm512_permutex2var_epi32(load(&lines[p][0][w]), halves[half], load(&lines[p][1][w]));
            }
            for k in 0..block.pairs {
                let at = 16 * w + 8 * half + k;
                for c in 0..C {
                    let table = load_floats(&tables[c].0[at]);
                    for p in 0..P {
                        let pair = _mm512_permutexvar_ps(codes[p], table);
                        sums[p][c] = _mm512_add_ps(sums[p][c], pair);
                    }
                }
                for p in 0..P {
                    codes[p] = _mm512_srli_epi32::<4>(codes[p]);
                }
            }
        }
        for p in 0..P {
            for c in 0..C {
                total[p][c] = _mm512_add_ps(total[p][c], sums[p][c]);
            }
        }
    }
    total
}

#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512dq,avx512vbmi,avx512vnni,avx2,fma")]
fn store<const C: usize, const P: usize>(
    block: &Block<'_>,
    out: &mut ColumnsMut<'_, f32>,
    tile: usize,
    sums: [[__m512; C]; P],
) {
    for p in 0..P {
        for c in 0..C {
            let mut rows = [0.0; 16];
            // SAFETY: `rows` is 64 writable bytes; the store has no alignment requirement.
            unsafe { _mm512_storeu_ps(rows.as_mut_ptr(), sums[p][c]) };
            let (tiles, _) = rows.as_chunks::<8>();
            for k in 0..2 {
                if tile + 2 * p + k < block.tiles.end {
                    block.store(out, tile + 2 * p + k, c, tiles[k]);
                }
            }
        }
    }
}
