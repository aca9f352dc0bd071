//! Activations as the kernels read them: int8 codes, or the limbs of rounded floats.

use core::marker::PhantomData;

use super::{BLOCK, Kernels, order};
use crate::columns::Columns;
use crate::error::{KernelError, product};
use crate::exec::Job;
use crate::scratch::Parts;
use crate::ternary::{max_magnitude, rounded, steps_of_limbs};
use crate::{Exec, Isa, Kernel, Scratch, vectorize};

const CACHE_LINE: usize = 64;

/// How finely a token of floats is rounded.
#[derive(Clone, Copy)]
pub(crate) enum Grade {
    /// To integers of 16 bits times a power of two.
    Fixed16,
    /// To integers of 24 bits times a power of two.
    F32,
}

impl Grade {
    /// Digits of 8 bits.
    fn limbs(self) -> usize {
        match self {
            Self::Fixed16 => 2,
            Self::F32 => 3,
        }
    }

    /// `(1 / step, step)` from [`max_magnitude`].
    #[inline(always)]
    fn steps(self, max: u32) -> (f32, f32) {
        match self {
            Self::Fixed16 => steps_of_limbs::<2>(max),
            Self::F32 => steps_of_limbs::<3>(max),
        }
    }
}

/// What a token is made into: `limbs` columns of `blocks` blocks of bytes, or of i16 if `wide`.
#[derive(Clone, Copy)]
pub(super) struct Layout {
    stages: u32,
    blocks: usize,
    pub(super) limbs: usize,
    pub(super) wide: bool,
}

impl Layout {
    /// One column of int8 codes a token.
    pub(super) fn int8(bits: u32, len: usize, wide: bool) -> Self {
        Self { stages: order::stages(bits), blocks: len.div_ceil(BLOCK), limbs: 1, wide }
    }

    /// Two or three columns of limbs a token, of 8 bits, or two of 12 bits.
    pub(super) fn limbs(grade: Grade, bits: u32, len: usize, wide: bool) -> Self {
        Self { limbs: if wide { 2 } else { grade.limbs() }, ..Self::int8(bits, len, wide) }
    }

    /// What a limb counts, in units of the one before.
    pub(super) fn base(&self) -> f64 {
        if self.wide { 4096.0 } else { 256.0 }
    }

    /// Memory for the bytes of `n` tokens, aligned so that no load crosses a cache line, and for two
    /// numbers a token.
    pub(super) fn parts<'s>(
        &self,
        scratch: &'s mut Scratch,
        n: usize,
    ) -> Result<(&'s mut [i8], &'s mut [f64]), KernelError> {
        let len = product("scratch", &[n, self.limbs, self.column()])?;
        let Parts { codes, steps, .. } = scratch.parts(len + CACHE_LINE, 2 * n, 0);
        let start = codes.as_ptr().align_offset(CACHE_LINE).min(CACHE_LINE);
        Ok((&mut codes[start..start + len], steps))
    }

    /// Bytes of an element.
    pub(super) fn size(&self) -> usize {
        if self.wide { 2 } else { 1 }
    }

    /// Bytes of a column.
    fn column(&self) -> usize {
        self.blocks * BLOCK * self.size()
    }
}

/// Tokens in their layout.
#[derive(Clone, Copy)]
pub(super) struct Activations<'a> {
    pub(super) layout: Layout,
    /// One row a column of limbs or codes.
    pub(super) columns: Columns<'a, i8>,
    /// For each token `[step, offset]`: the value of 1 in the sum, and the share of the zero point
    /// in the sum.
    pub(super) steps: &'a [[f64; 2]],
}

impl<'a> Activations<'a> {
    fn new(layout: Layout, codes: &'a [i8], steps: &'a [f64]) -> Self {
        Self { layout, columns: Columns::new(codes, layout.column()), steps: steps.as_chunks().0 }
    }
}

/// Rounds tokens of `len` floats to integers, below 2^23 at most, times a step, and splits them into limbs:
/// signed digits of base 256 or, if wide, 4096, lowest first. A token that is not finite has a NaN
/// step.
#[expect(clippy::too_many_arguments, reason = "slices come with their layout")]
pub(super) fn split_limbs<'a, K: Kernels>(
    _: K,
    exec: Exec,
    (layout, grade): (Layout, Grade),
    affine: (f32, i32),
    x: &[f32],
    len: usize,
    codes: &'a mut [i8],
    steps: &'a mut [f64],
) -> Activations<'a> {
    // A float takes about a nanosecond.
    let grain = (1 << 14) / len + 1;
    let token = layout.limbs * layout.column();
    let out = Limbs { codes: &mut *codes, steps: steps.as_chunks_mut().0, token };
    let (isa, kernels) = (exec.isa(), PhantomData::<K>);
    match layout.stages {
        1 => exec.run(Split::<_, 1> { isa, kernels, layout, grade, affine, x, len, out }, grain),
        2 => exec.run(Split::<_, 2> { isa, kernels, layout, grade, affine, x, len, out }, grain),
        3 => exec.run(Split::<_, 3> { isa, kernels, layout, grade, affine, x, len, out }, grain),
        _ => exec.run(Split::<_, 0> { isa, kernels, layout, grade, affine, x, len, out }, grain),
    }
    Activations::new(layout, codes, steps)
}

struct Split<'a, K, const STAGES: u32> {
    isa: Isa,
    kernels: PhantomData<K>,
    layout: Layout,
    grade: Grade,
    affine: (f32, i32),
    x: &'a [f32],
    len: usize,
    out: Limbs<'a>,
}

struct Limbs<'a> {
    codes: &'a mut [i8],
    steps: &'a mut [[f64; 2]],
    /// Bytes of a token.
    token: usize,
}

impl<K: Kernels, const STAGES: u32> Job for Split<'_, K, STAGES> {
    fn units(&self) -> usize {
        self.out.steps.len()
    }

    fn split_at(self, units: usize) -> (Self, Self) {
        let Limbs { codes, steps, token } = self.out;
        let (x, x_rest) = self.x.split_at(units * self.len);
        let (codes, codes_rest) = codes.split_at_mut(units * token);
        let (steps, steps_rest) = steps.split_at_mut(units);
        let rest = Limbs { codes: codes_rest, steps: steps_rest, token };
        (Self { x, out: Limbs { codes, steps, token }, ..self }, Self { x: x_rest, out: rest, ..self })
    }

    fn run(self) {
        vectorize(self.isa, self);
    }
}

/// Blocks whose integers, below 2^23, add up in i32 lanes: 16 blocks put 64 into each.
const SUM_BLOCKS: usize = 16;

impl<K: Kernels, const STAGES: u32> Kernel for Split<'_, K, STAGES> {
    type Output = ();

    #[inline(always)]
    fn run(self) {
        let (scale, zero) = self.affine;
        let Limbs { codes, steps, token } = self.out;
        let tokens = self.x.chunks_exact(self.len).zip(codes.chunks_exact_mut(token));
        for ((x, codes), steps) in tokens.zip(steps) {
            let (s, step) = self.grade.steps(max_magnitude(x));
            if step.is_nan() {
                codes.fill(0);
                *steps = [f64::NAN, 0.0];
                continue;
            }
            let mut sum = 0i64;
            for (part, x) in x.chunks(SUM_BLOCKS * BLOCK).enumerate() {
                let mut lanes = [0; 16];
                let (full, rest) = x.as_chunks::<BLOCK>();
                for (k, x) in full.iter().enumerate() {
                    let q = round_block::<K>(x, s, &mut lanes);
                    store_limbs::<STAGES>(&self.layout, q, part * SUM_BLOCKS + k, codes);
                }
                if !rest.is_empty() {
                    let mut padded = [0.0; BLOCK];
                    padded[..rest.len()].copy_from_slice(rest);
                    let q = round_block::<K>(&padded, s, &mut lanes);
                    store_limbs::<STAGES>(&self.layout, q, part * SUM_BLOCKS + full.len(), codes);
                }
                for lane in lanes {
                    sum += i64::from(lane);
                }
            }
            *steps = [f64::from(step) * f64::from(scale), f64::from(zero) * sum as f64];
        }
    }
}

/// `round_half_even(x * s)` of finite numbers, below 2^23 in magnitude; adds them to `lanes`.
#[inline(always)]
fn round_block<K: Kernels>(x: &[f32; BLOCK], s: f32, lanes: &mut [i32; 16]) -> [i32; BLOCK] {
    let mut q = [0; BLOCK];
    for i in 0..BLOCK {
        q[i] = if K::ROUNDS {
            // SAFETY: the token is finite and `s` was chosen so that products are below 2^23.
            unsafe { (x[i] * s).round_ties_even().to_int_unchecked() }
        } else {
            rounded(x[i], s)
        };
    }
    for q in q.as_chunks::<16>().0 {
        for i in 0..16 {
            lanes[i] += q[i];
        }
    }
    q
}

/// Splits off one digit after the other.
#[inline(always)]
fn store_limbs<const STAGES: u32>(layout: &Layout, mut q: [i32; BLOCK], k: usize, codes: &mut [i8]) {
    let column = layout.column();
    if layout.wide {
        for l in 0..2 {
            let mut part = [0i16; BLOCK];
            for i in 0..BLOCK {
                // The signed low 12 bits, and what is left without them.
                part[i] = (q[i] << 20 >> 20) as i16;
                q[i] = (q[i] + 2048) >> 12;
            }
            store_wide(&mut codes[l * column + k * 2 * BLOCK..][..2 * BLOCK], order::place::<STAGES, _>(part));
        }
    } else {
        for l in 0..layout.limbs {
            let mut part = [0i8; BLOCK];
            for i in 0..BLOCK {
                part[i] = q[i] as i8;
                q[i] = (q[i] + 128) >> 8;
            }
            codes[l * column + k * BLOCK..][..BLOCK].copy_from_slice(&order::place::<STAGES, _>(part));
        }
    }
}

/// Low bytes first.
#[inline(always)]
fn store_wide(codes: &mut [i8], part: [i16; BLOCK]) {
    for (codes, part) in codes.as_chunks_mut().0.iter_mut().zip(part) {
        *codes = part.to_le_bytes().map(|byte| byte as i8);
    }
}

/// Brings int8 codes from the order of [`crate::ternary::quantize_int8`] into that of the width.
pub(super) fn reorder_int8<'a>(
    exec: Exec,
    layout: Layout,
    affine: (f32, i32),
    (groups, scales): (&[i8], &[f32]),
    len: usize,
    codes: &'a mut [i8],
    steps: &'a mut [f64],
) -> Activations<'a> {
    let (isa, out) = (exec.isa(), (&mut *codes, steps.as_chunks_mut().0));
    match layout.stages {
        1 => vectorize(isa, Reorder::<1> { layout, affine, groups, scales, len, out }),
        2 => vectorize(isa, Reorder::<2> { layout, affine, groups, scales, len, out }),
        3 => vectorize(isa, Reorder::<3> { layout, affine, groups, scales, len, out }),
        _ => vectorize(isa, Reorder::<0> { layout, affine, groups, scales, len, out }),
    }
    Activations::new(layout, codes, steps)
}

struct Reorder<'a, const STAGES: u32> {
    layout: Layout,
    affine: (f32, i32),
    groups: &'a [i8],
    scales: &'a [f32],
    len: usize,
    /// Codes and steps.
    out: (&'a mut [i8], &'a mut [[f64; 2]]),
}

impl<const STAGES: u32> Kernel for Reorder<'_, STAGES> {
    type Output = ();

    #[inline(always)]
    fn run(self) {
        let (scale, zero) = self.affine;
        let token = self.groups.len() / self.scales.len();
        let tokens = self.groups.chunks_exact(token).zip(self.out.0.chunks_exact_mut(self.layout.column()));
        for ((groups, codes), (steps, &token_scale)) in tokens.zip(self.out.1.iter_mut().zip(self.scales)) {
            let mut sum = 0i64;
            let blocks = groups.chunks(BLOCK).zip(codes.chunks_exact_mut(BLOCK * self.layout.size()));
            for (k, (groups, codes)) in blocks.enumerate() {
                let mut block = [0i8; BLOCK];
                match groups.first_chunk::<BLOCK>() {
                    Some(groups) => block = *groups,
                    None => block[..groups.len()].copy_from_slice(groups),
                }
                let mut natural = ungrouped(block);
                // What stands past the end must not count, whatever it is.
                if let Some(past) = natural.get_mut(self.len - k * BLOCK..) {
                    past.fill(0);
                }
                let mut part = 0i32;
                for q in natural {
                    part += i32::from(q);
                }
                sum += i64::from(part);
                if self.layout.wide {
                    store_wide(codes, order::place::<STAGES, _>(natural.map(i16::from)));
                } else {
                    codes.copy_from_slice(&order::place::<STAGES, _>(natural));
                }
            }
            *steps = [f64::from(token_scale * scale), f64::from(zero) * sum as f64];
        }
    }
}

/// Two groups of 32, byte `8 f + b` being column `4 b + f`, in the order of their columns.
#[inline(always)]
fn ungrouped(groups: [i8; BLOCK]) -> [i8; BLOCK] {
    let mut out = [0; BLOCK];
    for (out, group) in out.as_chunks_mut::<32>().0.iter_mut().zip(groups.as_chunks::<32>().0) {
        *out = order::zip(order::zip(*group));
    }
    out
}
