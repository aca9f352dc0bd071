//! AVX-512 with VBMI and VNNI: two table look-ups turn a byte of five digits into two-bit codes.
//!
//! A line holds 8 rows x 40 columns. A table of 256 bytes is four registers: `vpermi2b` looks up 128 of them by
//! the low 7 bits of a byte, and does so twice, merged by the top bit. The first table gives the codes of four digits, two
//! bits each, as a byte of the two-bit form; the second that of the last digit. From there it is the
//! product of that form: mask a field, `vpdpbusd`.
//!
//! The other way, `256 digit = 3 y - 3 y mod 256` with `vpdpbusd` on the bytes themselves, takes 10 of them and 10
//! additions for a line, against 5, 4 look-ups and 4 masks here.

#![expect(clippy::needless_range_loop, reason = "registers are arrays with constant bounds; indices say which one")]

use core::arch::x86_64::*;

use super::product::{Dot, Product, Strip, Sums};
use super::{Planes, bytes};
use crate::Avx512;
use crate::ternary::Line;
use crate::ternary::shared::avx512::{broadcast, lanes, load, minus};

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
        if C == 1 {
            // SAFETY: this `Avx512` token exists only after detection found all features asked for.
            unsafe { dot_one(strip, x[0], x_sums[0], sums.as_flattened_mut()) }
        } else {
            // SAFETY: as above.
            unsafe { dot_block(strip, x, x_sums, sums) }
        }
    }
}

#[inline]
#[target_feature(enable = "avx512f")]
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
    // SAFETY: `sums` is 32 writable bytes; the store has no alignment requirement.
    unsafe { _mm256_storeu_si256(sums.as_mut_ptr().cast(), lanes(acc)) };
}

/// Tiles at a time: several streams through memory, and independent look-ups, which take long one by one.
const TILES: usize = 2;

/// All tiles of a strip for a block of tokens.
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512dq,avx512vbmi,avx512vnni,avx2,fma")]
fn dot_block<const C: usize>(strip: Strip<'_>, x: [&[Planes]; C], x_sums: [i32; C], sums: &mut [[Sums; C]]) {
    let (full, rest) = sums.as_chunks_mut::<TILES>();
    for (k, sums) in full.iter_mut().enumerate() {
        dot_tiles(strip.tiles::<TILES>(k * TILES), &x, &x_sums, sums);
    }
    for (k, sums) in rest.iter_mut().enumerate() {
        dot_tiles(strip.tiles(full.len() * TILES + k), &x, &x_sums, core::array::from_mut(sums));
    }
}

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
    let mask = _mm512_set1_epi8(3);
    let mut acc = [[_mm512_setzero_si512(); C]; T];
    for c in 0..C {
        for t in 0..T {
            acc[t][c] = minus(x_sums[c]);
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
            if n < 4 {
                for t in 0..T {
                    codes[t] = _mm512_and_si512(fields[t], mask);
                    fields[t] = _mm512_srli_epi16::<2>(fields[t]);
                }
            }
            for c in 0..C {
                let x = broadcast(&columns[c][w][n]);
                for t in 0..T {
                    acc[t][c] = _mm512_dpbusd_epi32(acc[t][c], codes[t], x);
                }
            }
        }
    }
    for t in 0..T {
        for c in 0..C {
            store(&mut sums[t][c], acc[t][c]);
        }
    }
}

/// All tiles of a strip for one token.
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512dq,avx512vbmi,avx512vnni,avx2,fma")]
fn dot_one(strip: Strip<'_>, x: &[Planes], x_sum: i32, sums: &mut [Sums]) {
    let (full, rest) = sums.as_chunks_mut::<TILES>();
    for (k, sums) in full.iter_mut().enumerate() {
        dot_in_place(strip.tiles::<TILES>(k * TILES), x, x_sum, sums);
    }
    for (k, sums) in rest.iter_mut().enumerate() {
        dot_in_place(strip.tiles(full.len() * TILES + k), x, x_sum, core::array::from_mut(sums));
    }
}

/// Words after which the sums of [`dot_in_place`] are folded: a word adds 4 products of at most
/// `128 * 128` to each i32 of the top field.
const FOLD: usize = 16384;
const _: () = assert!(FOLD * 4 * 128 * 128 < i32::MAX as usize);

/// As [`dot_tiles`] for one token. With nothing to share an unpacked field with, the shifts are
/// left out: a field is masked in place and its sums are divided by 4, 16 and 64 at the end, exactly.
#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512dq,avx512vbmi,avx512vnni,avx2,fma")]
fn dot_in_place<const T: usize>(tiles: [&[Line]; T], x: &[Planes], x_sum: i32, sums: &mut [Sums; T]) {
    let len = x.len();
    let mut lines: [&[Line]; T] = [&[]; T];
    for t in 0..T {
        lines[t] = &tiles[t][..len];
    }
    let (four, last) = (load_table(&FOUR), load_table(&LAST));
    let masks = [_mm512_set1_epi8(0x03), _mm512_set1_epi8(0x0C), _mm512_set1_epi8(0x30), _mm512_set1_epi8(-0x40)];
    let mut total = [minus(x_sum); T];
    for start in (0..len).step_by(FOLD) {
        let mut acc = [[_mm512_setzero_si512(); T]; 4];
        for w in start..len.min(start + FOLD) {
            for t in 0..T {
                let line = load(&lines[t][w]);
                let high = _mm512_movepi8_mask(line);
                let fields = look_up(four, line, high);
                for f in 0..4 {
                    let codes = _mm512_and_si512(fields, masks[f]);
                    acc[f][t] = _mm512_dpbusd_epi32(acc[f][t], codes, broadcast(&x[w][f]));
                }
                let codes = look_up(last, line, high);
                acc[0][t] = _mm512_dpbusd_epi32(acc[0][t], codes, broadcast(&x[w][4]));
            }
        }
        for t in 0..T {
            let low = _mm512_add_epi32(acc[0][t], _mm512_srai_epi32::<2>(acc[1][t]));
            let high = _mm512_add_epi32(_mm512_srai_epi32::<4>(acc[2][t]), _mm512_srai_epi32::<6>(acc[3][t]));
            total[t] = _mm512_add_epi32(total[t], _mm512_add_epi32(low, high));
        }
    }
    for t in 0..T {
        store(&mut sums[t], total[t]);
    }
}
