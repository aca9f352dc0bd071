//! AVX-512: tiles of 8 rows by 3 vectors, 24 of the 32 registers. A term costs 3 loads and 8
//! broadcasts for 24 multiply-adds, so the multipliers are the limit.

#![expect(clippy::needless_range_loop, reason = "registers are arrays with constant bounds; indices say which one")]

use core::arch::x86_64::*;

use super::blocked::{Columns, FewNt, Finish, Left, Simd, Terms, Tile, Transposed, rows_of};
use crate::Avx512;

/// Floats in a vector.
const LANES: usize = 16;

impl Simd for Avx512 {
    const LANES: usize = LANES;
    const ROWS: usize = 8;
    const VECTORS: usize = 3;
    const FEW: usize = 4;

    #[inline]
    fn tile(self, t: &Tile<'_>, c: &mut [f32]) {
        // SAFETY: an `Avx512` token exists only after detection found AVX-512F, which is all that
        // `tile` asks of its caller.
        unsafe { tile(t, c) }
    }

    #[inline]
    fn transpose(self, from: Transposed<'_>, out: &mut [f32], width: usize) {
        // SAFETY: as in `tile`: the token proves AVX-512F.
        unsafe { transpose(from, out, width) }
    }

    #[inline]
    fn few_nt(self, few: &FewNt<'_>, c: &mut [f32]) {
        // SAFETY: as in `tile`: the token proves AVX-512F.
        unsafe { few_nt(few, c) }
    }
}

#[inline]
#[target_feature(enable = "avx512f")]
fn load(x: &[f32; LANES]) -> __m512 {
    // SAFETY: `x` is 64 readable bytes; the load has no alignment requirement.
    unsafe { _mm512_loadu_ps(x.as_ptr()) }
}

#[inline]
#[target_feature(enable = "avx512f")]
fn store(x: &mut [f32; LANES], v: __m512) {
    // SAFETY: `x` is 64 writable bytes; the store has no alignment requirement.
    unsafe { _mm512_storeu_ps(x.as_mut_ptr(), v) }
}

/// The first `len` lanes, at most 16.
#[inline(always)]
fn mask(len: usize) -> __mmask16 {
    ((1_u32 << len.min(LANES)) - 1) as __mmask16
}

/// Up to 16 floats, then zeros.
#[inline]
#[target_feature(enable = "avx512f")]
fn load_part(x: &[f32]) -> __m512 {
    // SAFETY: the mask selects the first `min(x.len(), 16)` lanes, which are readable; lanes that
    // are not selected are not accessed.
    unsafe { _mm512_maskz_loadu_ps(mask(x.len()), x.as_ptr()) }
}

/// The first lanes into up to 16 floats.
#[inline]
#[target_feature(enable = "avx512f")]
fn store_part(x: &mut [f32], v: __m512) {
    // SAFETY: the mask selects the first `min(x.len(), 16)` lanes, which are writable; lanes that
    // are not selected are not accessed.
    unsafe { _mm512_mask_storeu_ps(x.as_mut_ptr(), mask(x.len()), v) }
}

/// What `c` becomes with the sums of a block.
#[inline]
#[target_feature(enable = "avx512f")]
fn finished(finish: Finish, sum: __m512, c: __m512) -> __m512 {
    let alpha = _mm512_set1_ps(finish.alpha);
    if finish.add { _mm512_fmadd_ps(alpha, sum, c) } else { _mm512_mul_ps(alpha, sum) }
}

/// Puts vectors of sums into a row of `c`, of which the last vector may be partial.
#[inline]
#[target_feature(enable = "avx512f")]
fn put<const W: usize>(finish: Finish, sums: [__m512; W], c: &mut [f32]) {
    let (full, part) = c.as_chunks_mut::<LANES>();
    for (w, c) in full.iter_mut().enumerate().take(W) {
        store(c, finished(finish, sums[w], load(c)));
    }
    if full.len() < W {
        store_part(part, finished(finish, sums[full.len()], load_part(part)));
    }
}

#[target_feature(enable = "avx512f")]
fn tile(t: &Tile<'_>, c: &mut [f32]) {
    match t.cols.div_ceil(LANES) {
        1 => rows::<1>(t, c),
        2 => rows::<2>(t, c),
        _ => rows::<3>(t, c),
    }
}

/// Splits the rows of a tile; tails go down in powers of two, so that there are few variants.
#[inline]
#[target_feature(enable = "avx512f")]
fn rows<const W: usize>(t: &Tile<'_>, c: &mut [f32]) {
    let mut row = 0;
    while row < t.rows {
        let c = &mut c[row * t.c_stride..];
        row += match t.rows - row {
            8.. => left::<8, W>(t, row, c),
            4.. => left::<4, W>(t, row, c),
            2.. => left::<2, W>(t, row, c),
            _ => left::<1, W>(t, row, c),
        };
    }
}

/// Rows `row..row + M`; gives `M`.
#[inline]
#[target_feature(enable = "avx512f")]
fn left<const M: usize, const W: usize>(t: &Tile<'_>, row: usize, c: &mut [f32]) -> usize {
    match t.a {
        Left::Rows(a, stride) => {
            product::<M, W>(t, rows_of::<M>(&a[row * stride..], stride, t.terms), c);
        }
        Left::Columns(a, stride) => product::<M, W>(t, Columns::<M>(&a[row..], stride), c),
    }
    M
}

#[target_feature(enable = "avx512f")]
fn product<const M: usize, const W: usize>(t: &Tile<'_>, a: impl Terms, c: &mut [f32]) {
    let mut sums = [[_mm512_setzero_ps(); W]; M];
    for l in 0..t.terms {
        let (from, _) = t.b[l * t.b_stride..][..W * LANES].as_chunks::<LANES>();
        let mut b = [_mm512_setzero_ps(); W];
        for w in 0..W {
            b[w] = load(&from[w]);
        }
        for i in 0..M {
            let a = _mm512_set1_ps(a.at(l, i));
            for w in 0..W {
                sums[i][w] = _mm512_fmadd_ps(a, b[w], sums[i][w]);
            }
        }
    }
    if t.cols == W * LANES {
        // Constant lengths keep the sums in registers.
        for i in 0..M {
            let c = &mut c[i * t.c_stride..][..W * LANES];
            let (c, _) = c.as_chunks_mut::<LANES>();
            for w in 0..W {
                let before = load(&c[w]);
                store(&mut c[w], finished(t.finish, sums[i][w], before));
            }
        }
    } else {
        for i in 0..M {
            put(t.finish, sums[i], &mut c[i * t.c_stride..][..t.cols]);
        }
    }
}

/// Rows to columns of a 16 x 16 block: pairs, fours, then quarters of registers.
#[inline]
#[target_feature(enable = "avx512f")]
fn turn(x: [__m512; LANES]) -> [__m512; LANES] {
    // fours[g][j], quarter q: column 4 q + j of the rows 4 g..4 g + 4
    let mut fours = [[_mm512_setzero_ps(); 4]; 4];
    for g in 0..4 {
        let [a, b, c, d] = [x[4 * g], x[4 * g + 1], x[4 * g + 2], x[4 * g + 3]];
        let (ab, cd) = (_mm512_unpacklo_ps(a, b), _mm512_unpacklo_ps(c, d));
        fours[g][0] = low_pairs(ab, cd);
        fours[g][1] = high_pairs(ab, cd);
        let (ab, cd) = (_mm512_unpackhi_ps(a, b), _mm512_unpackhi_ps(c, d));
        fours[g][2] = low_pairs(ab, cd);
        fours[g][3] = high_pairs(ab, cd);
    }
    let mut out = [_mm512_setzero_ps(); LANES];
    for j in 0..4 {
        let [a, b, c, d] = [fours[0][j], fours[1][j], fours[2][j], fours[3][j]];
        // quarters 0 and 2, then 1 and 3, of two groups
        let (ab, cd) = (_mm512_shuffle_f32x4::<0x88>(a, b), _mm512_shuffle_f32x4::<0x88>(c, d));
        out[j] = _mm512_shuffle_f32x4::<0x88>(ab, cd);
        out[8 + j] = _mm512_shuffle_f32x4::<0xDD>(ab, cd);
        let (ab, cd) = (_mm512_shuffle_f32x4::<0xDD>(a, b), _mm512_shuffle_f32x4::<0xDD>(c, d));
        out[4 + j] = _mm512_shuffle_f32x4::<0x88>(ab, cd);
        out[12 + j] = _mm512_shuffle_f32x4::<0xDD>(ab, cd);
    }
    out
}

#[inline]
#[target_feature(enable = "avx512f")]
fn low_pairs(a: __m512, b: __m512) -> __m512 {
    _mm512_castpd_ps(_mm512_unpacklo_pd(_mm512_castps_pd(a), _mm512_castps_pd(b)))
}

#[inline]
#[target_feature(enable = "avx512f")]
fn high_pairs(a: __m512, b: __m512) -> __m512 {
    _mm512_castpd_ps(_mm512_unpackhi_pd(_mm512_castps_pd(a), _mm512_castps_pd(b)))
}

/// 16 rows in whole blocks of 16 terms, and the rest.
struct Blocks<'a> {
    full: [&'a [[f32; LANES]]; LANES],
    part: [&'a [f32]; LANES],
}

impl<'a> Blocks<'a> {
    #[inline(always)]
    fn new(from: Transposed<'a>) -> Self {
        let blocks = from.terms / LANES;
        let mut rows = Self { full: [&[]; LANES], part: [&[]; LANES] };
        for r in 0..LANES {
            let (full, part) = from.row(r).as_chunks::<LANES>();
            rows.full[r] = &full[..blocks];
            rows.part[r] = part;
        }
        rows
    }

    /// Terms `16 at..16 at + 16`, a vector across the rows each.
    #[inline]
    #[target_feature(enable = "avx512f")]
    fn turned(&self, at: usize) -> [__m512; LANES] {
        let mut x = [_mm512_setzero_ps(); LANES];
        for r in 0..LANES {
            x[r] = load(&self.full[r][at]);
        }
        turn(x)
    }

    /// The terms after the last whole block, then zeros.
    #[inline]
    #[target_feature(enable = "avx512f")]
    fn turned_part(&self) -> [__m512; LANES] {
        let mut x = [_mm512_setzero_ps(); LANES];
        for r in 0..LANES {
            x[r] = load_part(self.part[r]);
        }
        turn(x)
    }
}

#[target_feature(enable = "avx512f")]
fn transpose(from: Transposed<'_>, out: &mut [f32], width: usize) {
    let blocks = Blocks::new(from);
    let mut rows = out.chunks_mut(width);
    for at in 0..from.terms.div_ceil(LANES) {
        let turned = if at < from.terms / LANES { blocks.turned(at) } else { blocks.turned_part() };
        for (v, out) in turned.iter().zip(rows.by_ref().take((from.terms - at * LANES).min(LANES))) {
            if let Some(out) = out.first_chunk_mut() {
                store(out, *v);
            }
        }
    }
}

#[target_feature(enable = "avx512f")]
fn few_nt(few: &FewNt<'_>, c: &mut [f32]) {
    match few.m {
        1 => few_rows::<1>(few, c),
        2 => few_rows::<2>(few, c),
        3 => few_rows::<3>(few, c),
        _ => few_rows::<4>(few, c),
    }
}

/// `M` rows of `c`. Two vectors of columns at once, since a term's multiply-adds wait for those of
/// the term before; with four, so many rows of `b` are open that long ones leave the first cache
/// level before their lines are used up.
#[target_feature(enable = "avx512f")]
fn few_rows<const M: usize>(few: &FewNt<'_>, c: &mut [f32]) {
    let n = few.b.rows;
    let full = n / (2 * LANES) * (2 * LANES);
    for col in (0..full).step_by(2 * LANES) {
        few_columns::<M, 2>(few, col, n, c);
    }
    for col in (full..n).step_by(LANES) {
        few_columns::<M, 1>(few, col, n, c);
    }
}

/// `M` rows by `G` vectors of columns.
#[inline]
#[target_feature(enable = "avx512f")]
fn few_columns<const M: usize, const G: usize>(few: &FewNt<'_>, col: usize, n: usize, c: &mut [f32]) {
    let terms = few.b.terms;
    let a = rows_of::<M>(few.a, few.stride, terms);
    let mut blocks = [const { Blocks { full: [&[]; LANES], part: [&[]; LANES] } }; G];
    for g in 0..G {
        blocks[g] = Blocks::new(few.b.from(col + g * LANES));
    }
    let mut sums = [[_mm512_setzero_ps(); G]; M];
    for at in 0..terms / LANES {
        for g in 0..G {
            let b = blocks[g].turned(at);
            for i in 0..M {
                let (a, _) = a[i][at * LANES..].as_chunks::<LANES>();
                for l in 0..LANES {
                    sums[i][g] = _mm512_fmadd_ps(_mm512_set1_ps(a[0][l]), b[l], sums[i][g]);
                }
            }
        }
    }
    let rest = terms / LANES * LANES;
    if rest < terms {
        for g in 0..G {
            let b = blocks[g].turned_part();
            for i in 0..M {
                for (a, b) in a[i][rest..].iter().zip(b) {
                    sums[i][g] = _mm512_fmadd_ps(_mm512_set1_ps(*a), b, sums[i][g]);
                }
            }
        }
    }
    for i in 0..M {
        let cols = (n - col).min(G * LANES);
        put(few.finish, sums[i], &mut c[i * n + col..][..cols]);
    }
}
