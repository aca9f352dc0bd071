//! AVX2 with FMA: tiles of 4 rows by 3 vectors, 12 of the 16 registers. A term costs 3 loads and 4
//! broadcasts for 12 multiply-adds, so the multipliers are the limit.

#![expect(clippy::needless_range_loop, reason = "registers are arrays with constant bounds; indices say which one")]

use core::arch::x86_64::*;

use super::blocked::{Columns, FewNt, Finish, Left, Simd, Terms, Tile, Transposed, rows_of};
use crate::Avx2;

/// Floats in a vector.
const LANES: usize = 8;

impl Simd for Avx2 {
    const LANES: usize = LANES;
    const ROWS: usize = 4;
    const VECTORS: usize = 3;
    const FEW: usize = 4;

    #[inline]
    fn tile(self, t: &Tile<'_>, c: &mut [f32]) {
        // SAFETY: an `Avx2` token exists only after detection found AVX2 and FMA, which is all
        // that `tile` asks of its caller.
        unsafe { tile(t, c) }
    }

    #[inline]
    fn transpose(self, from: Transposed<'_>, out: &mut [f32], width: usize) {
        // SAFETY: as in `tile`: the token proves AVX2 and FMA.
        unsafe { transpose(from, out, width) }
    }

    #[inline]
    fn few_nt(self, few: &FewNt<'_>, c: &mut [f32]) {
        // SAFETY: as in `tile`: the token proves AVX2 and FMA.
        unsafe { few_nt(few, c) }
    }
}

#[inline]
#[target_feature(enable = "avx2,fma")]
fn load(x: &[f32; LANES]) -> __m256 {
    // SAFETY: `x` is 32 readable bytes; the load has no alignment requirement.
    unsafe { _mm256_loadu_ps(x.as_ptr()) }
}

#[inline]
#[target_feature(enable = "avx2,fma")]
fn store(x: &mut [f32; LANES], v: __m256) {
    // SAFETY: `x` is 32 writable bytes; the store has no alignment requirement.
    unsafe { _mm256_storeu_ps(x.as_mut_ptr(), v) }
}

/// Up to 8 floats, then zeros.
#[inline]
#[target_feature(enable = "avx2,fma")]
fn load_part(x: &[f32]) -> __m256 {
    let mut whole = [0.0; LANES];
    for (whole, x) in whole.iter_mut().zip(x) {
        *whole = *x;
    }
    load(&whole)
}

/// The first lanes into up to 8 floats. Masked stores are slow on several CPUs.
#[inline]
#[target_feature(enable = "avx2,fma")]
fn store_part(x: &mut [f32], v: __m256) {
    let mut whole = [0.0; LANES];
    store(&mut whole, v);
    for (x, whole) in x.iter_mut().zip(whole) {
        *x = whole;
    }
}

/// What `c` becomes with the sums of a block.
#[inline]
#[target_feature(enable = "avx2,fma")]
fn finished(finish: Finish, sum: __m256, c: __m256) -> __m256 {
    let alpha = _mm256_set1_ps(finish.alpha);
    if finish.add { _mm256_fmadd_ps(alpha, sum, c) } else { _mm256_mul_ps(alpha, sum) }
}

/// Puts vectors of sums into a row of `c`, of which the last vector may be partial.
#[inline]
#[target_feature(enable = "avx2,fma")]
fn put<const W: usize>(finish: Finish, sums: [__m256; W], c: &mut [f32]) {
    let (full, part) = c.as_chunks_mut::<LANES>();
    for (w, c) in full.iter_mut().enumerate().take(W) {
        store(c, finished(finish, sums[w], load(c)));
    }
    if full.len() < W {
        store_part(part, finished(finish, sums[full.len()], load_part(part)));
    }
}

#[target_feature(enable = "avx2,fma")]
fn tile(t: &Tile<'_>, c: &mut [f32]) {
    match t.cols.div_ceil(LANES) {
        1 => rows::<1>(t, c),
        2 => rows::<2>(t, c),
        _ => rows::<3>(t, c),
    }
}

/// Splits the rows of a tile; tails go down in powers of two, so that there are few variants.
#[inline]
#[target_feature(enable = "avx2,fma")]
fn rows<const W: usize>(t: &Tile<'_>, c: &mut [f32]) {
    let mut row = 0;
    while row < t.rows {
        let c = &mut c[row * t.c_stride..];
        row += match t.rows - row {
            4.. => left::<4, W>(t, row, c),
            2.. => left::<2, W>(t, row, c),
            _ => left::<1, W>(t, row, c),
        };
    }
}

/// Rows `row..row + M`; gives `M`.
#[inline]
#[target_feature(enable = "avx2,fma")]
fn left<const M: usize, const W: usize>(t: &Tile<'_>, row: usize, c: &mut [f32]) -> usize {
    match t.a {
        Left::Rows(a, stride) => {
            product::<M, W>(t, rows_of::<M>(&a[row * stride..], stride, t.terms), c);
        }
        Left::Columns(a, stride) => product::<M, W>(t, Columns::<M>(&a[row..], stride), c),
    }
    M
}

#[target_feature(enable = "avx2,fma")]
fn product<const M: usize, const W: usize>(t: &Tile<'_>, a: impl Terms, c: &mut [f32]) {
    let mut sums = [[_mm256_setzero_ps(); W]; M];
    for l in 0..t.terms {
        let (from, _) = t.b[l * t.b_stride..][..W * LANES].as_chunks::<LANES>();
        let mut b = [_mm256_setzero_ps(); W];
        for w in 0..W {
            b[w] = load(&from[w]);
        }
        for i in 0..M {
            let a = _mm256_set1_ps(a.at(l, i));
            for w in 0..W {
                sums[i][w] = _mm256_fmadd_ps(a, b[w], sums[i][w]);
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

/// Rows to columns of an 8 x 8 block: pairs, fours, then halves of registers.
#[inline]
#[target_feature(enable = "avx2,fma")]
fn turn(x: [__m256; LANES]) -> [__m256; LANES] {
    // fours[g][j], half h: column 4 h + j of the rows 4 g..4 g + 4
    let mut fours = [[_mm256_setzero_ps(); 4]; 2];
    for g in 0..2 {
        let [a, b, c, d] = [x[4 * g], x[4 * g + 1], x[4 * g + 2], x[4 * g + 3]];
        let (ab, cd) = (_mm256_unpacklo_ps(a, b), _mm256_unpacklo_ps(c, d));
        fours[g][0] = low_pairs(ab, cd);
        fours[g][1] = high_pairs(ab, cd);
        let (ab, cd) = (_mm256_unpackhi_ps(a, b), _mm256_unpackhi_ps(c, d));
        fours[g][2] = low_pairs(ab, cd);
        fours[g][3] = high_pairs(ab, cd);
    }
    let mut out = [_mm256_setzero_ps(); LANES];
    for j in 0..4 {
        out[j] = _mm256_permute2f128_ps::<0x20>(fours[0][j], fours[1][j]);
        out[4 + j] = _mm256_permute2f128_ps::<0x31>(fours[0][j], fours[1][j]);
    }
    out
}

#[inline]
#[target_feature(enable = "avx2,fma")]
fn low_pairs(a: __m256, b: __m256) -> __m256 {
    _mm256_castpd_ps(_mm256_unpacklo_pd(_mm256_castps_pd(a), _mm256_castps_pd(b)))
}

#[inline]
#[target_feature(enable = "avx2,fma")]
fn high_pairs(a: __m256, b: __m256) -> __m256 {
    _mm256_castpd_ps(_mm256_unpackhi_pd(_mm256_castps_pd(a), _mm256_castps_pd(b)))
}

/// 8 rows in whole blocks of 8 terms, and the rest.
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

    /// Terms `8 at..8 at + 8`, a vector across the rows each.
    #[inline]
    #[target_feature(enable = "avx2,fma")]
    fn turned(&self, at: usize) -> [__m256; LANES] {
        let mut x = [_mm256_setzero_ps(); LANES];
        for r in 0..LANES {
            x[r] = load(&self.full[r][at]);
        }
        turn(x)
    }

    /// The terms after the last whole block, then zeros.
    #[inline]
    #[target_feature(enable = "avx2,fma")]
    fn turned_part(&self) -> [__m256; LANES] {
        let mut x = [_mm256_setzero_ps(); LANES];
        for r in 0..LANES {
            x[r] = load_part(self.part[r]);
        }
        turn(x)
    }
}

#[target_feature(enable = "avx2,fma")]
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

#[target_feature(enable = "avx2,fma")]
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
#[target_feature(enable = "avx2,fma")]
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
#[target_feature(enable = "avx2,fma")]
fn few_columns<const M: usize, const G: usize>(few: &FewNt<'_>, col: usize, n: usize, c: &mut [f32]) {
    let terms = few.b.terms;
    let a = rows_of::<M>(few.a, few.stride, terms);
    let mut blocks = [const { Blocks { full: [&[]; LANES], part: [&[]; LANES] } }; G];
    for g in 0..G {
        blocks[g] = Blocks::new(few.b.from(col + g * LANES));
    }
    let mut sums = [[_mm256_setzero_ps(); G]; M];
    for at in 0..terms / LANES {
        for g in 0..G {
            let b = blocks[g].turned(at);
            for i in 0..M {
                let (a, _) = a[i][at * LANES..].as_chunks::<LANES>();
                for l in 0..LANES {
                    sums[i][g] = _mm256_fmadd_ps(_mm256_set1_ps(a[0][l]), b[l], sums[i][g]);
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
                    sums[i][g] = _mm256_fmadd_ps(_mm256_set1_ps(*a), b, sums[i][g]);
                }
            }
        }
    }
    for i in 0..M {
        let cols = (n - col).min(G * LANES);
        put(few.finish, sums[i], &mut c[i * n + col..][..cols]);
    }
}
