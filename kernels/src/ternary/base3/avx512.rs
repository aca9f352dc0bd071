//! AVX-512 with VBMI and VNNI: two table look-ups turn a byte of five digits into two-bit codes.
//!
//! A line holds 8 rows x 40 columns. A table of 256 bytes is four registers: `vpermi2b` looks up 128
//! of them by the low 7 bits of a byte, and does so twice, merged by the top bit. The first table
//! gives the codes of four digits, two bits each, as a byte of the two-bit form; the second that of
//! the last digit. From there it is the product of that form: mask a field, `vpdpbusd`.
//!
//! The other way, `256 digit = 3 y - y'` with `vpdpbusd` on the bytes themselves, takes 10 of them and 10 additions
//! for a line, against 5, 4 look-ups and 7 cheap ones here. On Zen 4, where a look-up costs as much as a `vpdpbusd`,
//! that is 10 cycles against 8; on Intel, where it costs twice as much, 10 against 12. Blocks of tokens share the
//! look-ups, but would not share the other way's doubled `vpdpbusd`.

#![expect(clippy::needless_range_loop, reason = "registers are arrays with constant bounds; indices say which one")]

use core::arch::x86_64::*;

use super::product::{Dot, Product, Strip, Sums};
use super::{COLUMNS, Planes, bytes};
use crate::Avx512;
use crate::ternary::shared::avx512::{broadcast, lanes, load};
use crate::ternary::{Line, MAX_DIM};

/// 256 bytes by stored byte.
#[repr(align(64))]
struct Table([[u64; 8]; 4]);

/// By stored byte, the first four codes: the first at bits 0 and 1.
static FOUR: Table = table([1, 4, 16, 64, 0]);
/// By stored byte, the last code.
static LAST: Table = table([0, 0, 0, 0, 1]);

/// For each byte the sum of its codes times `weights`.
const fn table(weights: bytes::Codes) -> Table {
    let mut table = [[0; 8]; 4];
    let mut byte = 0;
    while byte < 256 {
        let codes = bytes::codes(byte as u8 ^ 0x80);
        let (mut entry, mut n) = (0, 0);
        while n < 5 {
            entry += (codes[n] * weights[n]) as u64;
            n += 1;
        }
        table[byte / 64][byte / 8 % 8] |= entry << (8 * (byte % 8));
        byte += 1;
    }
    Table(table)
}

/// The product, all of it compiled for AVX-512.
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512dq,avx512vbmi,avx512vnni,avx2,fma")]
pub(super) fn run(token: Avx512, product: Product<'_>) {
    product.on(token);
}

impl Dot for Avx512 {
    #[inline(always)]
    fn dot<const C: usize>(self, strip: Strip<'_>, x: [&[Planes]; C], x_sums: [i32; C], sums: &mut [[Sums; C]]) {
        // Tiles at a time are streams through memory and share each broadcast. With two sums for each tile and
        // token beside the tables, 4 x 2 does not fit the registers.
        match C {
            // SAFETY: this `Avx512` token exists only after detection found all features asked for.
            1 => unsafe { dot_strip::<4, C>(strip, x, x_sums, sums) },
            // SAFETY: as above.
            _ => unsafe { dot_strip::<2, C>(strip, x, x_sums, sums) },
        }
    }
}

/// `-sum` for each row: in the first of its two parts, 0 in the second.
#[inline]
#[target_feature(enable = "avx512f")]
fn minus(sum: i32) -> __m512i {
    _mm512_set1_epi64(i64::from(sum.wrapping_neg() as u32))
}

#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512dq,avx512vbmi,avx512vnni,avx2,fma")]
fn load_table(table: &Table) -> [__m512i; 4] {
    [load(&table.0[0]), load(&table.0[1]), load(&table.0[2]), load(&table.0[3])]
}

/// Entry of each byte, `high` being those with their top bit set.
#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512vbmi")]
fn look_up(table: [__m512i; 4], bytes: __m512i, high: __mmask64) -> __m512i {
    // Where the mask is 0 the byte stays, so that it is still there for the second look-up.
    let low = _mm512_mask2_permutex2var_epi8(table[0], bytes, !high, table[1]);
    _mm512_mask2_permutex2var_epi8(table[2], low, high, table[3])
}

#[inline]
#[target_feature(enable = "avx512f,avx512vl,avx2")]
fn store(sums: &mut Sums, acc: __m512i) {
    let rows = lanes(acc);
    // SAFETY: `sums` is 32 writable bytes; the store has no alignment requirement.
    unsafe { _mm256_storeu_si256(sums.as_mut_ptr().cast(), rows) };
}

/// All tiles of a strip, `T` at a time, for a block of tokens.
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512dq,avx512vbmi,avx512vnni,avx2,fma")]
fn dot_strip<const T: usize, const C: usize>(
    strip: Strip<'_>,
    x: [&[Planes]; C],
    x_sums: [i32; C],
    sums: &mut [[Sums; C]],
) {
    let (full, rest) = sums.as_chunks_mut::<T>();
    for (k, sums) in full.iter_mut().enumerate() {
        dot_tiles(strip.tiles::<T>(k * T), &x, &x_sums, sums);
    }
    for (k, sums) in rest.iter_mut().enumerate() {
        dot_tiles(strip.tiles(full.len() * T + k), &x, &x_sums, core::array::from_mut(sums));
    }
}

// Fields at bits 2 and 3 are multiplied in place; their sums are divided by 4 at the end, exactly. A word adds to each
// of them 4 products of two fields, at most `8 * 128`.
const _: () = assert!(MAX_DIM.div_ceil(COLUMNS) * 4 * 2 * 8 * 128 < i32::MAX as usize);

#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512dq,avx512vbmi,avx512vnni,avx2,fma")]
fn dot_tiles<const T: usize, const C: usize>(
    tiles: [&[Line]; T],
    x: &[&[Planes]; C],
    x_sums: &[i32; C],
    sums: &mut [[Sums; C]; T],
) {
    let len = tiles[0].len();
    let mut lines: [&[Line]; T] = [&[]; T];
    for t in 0..T {
        lines[t] = &tiles[t][..len];
    }
    let mut columns: [&[Planes]; C] = [&[]; C];
    for c in 0..C {
        columns[c] = &x[c][..len];
    }
    let (four, last) = (load_table(&FOUR), load_table(&LAST));
    let masks = [_mm512_set1_epi8(0x03), _mm512_set1_epi8(0x0C)];
    let mut acc = [[[_mm512_setzero_si512(); C]; T]; 2];
    for c in 0..C {
        for t in 0..T {
            acc[0][t][c] = minus(x_sums[c]);
        }
    }
    for w in 0..len {
        let mut fields = [_mm512_setzero_si512(); T];
        let mut codes = fields;
        for t in 0..T {
            let line = load(&lines[t][w]);
            let high = _mm512_movepi8_mask(line);
            fields[t] = look_up(four, line, high);
            codes[t] = look_up(last, line, high);
        }
        for n in [4, 0, 1, 2, 3] {
            let place = n % 2;
            if n < 4 {
                for t in 0..T {
                    codes[t] = _mm512_and_si512(fields[t], masks[place]);
                    if n == 1 {
                        fields[t] = _mm512_srli_epi16::<4>(fields[t]);
                    }
                }
            }
            for c in 0..C {
                let x = broadcast(&columns[c][w][n]);
                for t in 0..T {
                    acc[place][t][c] = _mm512_dpbusd_epi32(acc[place][t][c], codes[t], x);
                }
            }
        }
    }
    for t in 0..T {
        for c in 0..C {
            store(&mut sums[t][c], _mm512_add_epi32(acc[0][t][c], _mm512_srai_epi32::<2>(acc[1][t][c])));
        }
    }
}
