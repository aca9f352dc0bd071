//! Activations as the kernels read them: int8 codes, or the limbs of rounded floats.

use super::{BLOCK, order};
use crate::columns::Columns;
use crate::error::{KernelError, product};
use crate::exec::Job;
use crate::ternary::{limb_steps, max_magnitude, rounded};
use crate::{Exec, Isa, Kernel, vectorize};

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

    /// Three columns of limbs a token, of 8 bits, or two of 12 bits.
    pub(super) fn limbs(bits: u32, len: usize, wide: bool) -> Self {
        Self { limbs: if wide { 2 } else { 3 }, ..Self::int8(bits, len, wide) }
    }

    /// Bytes of `n` tokens.
    pub(super) fn len(&self, n: usize) -> Result<usize, KernelError> {
        product("scratch", &[n, self.limbs, self.column()])
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

/// Rounds tokens of `len` floats to integers below 2^23 times a step, and splits them into limbs:
/// signed digits of base 256 or, if wide, 4096, lowest first. A token that is not finite has a NaN
/// step.
pub(super) fn split_limbs<'a>(
    exec: Exec,
    layout: Layout,
    affine: (f32, i32),
    x: &[f32],
    len: usize,
    codes: &'a mut [i8],
    steps: &'a mut [f64],
) -> Activations<'a> {
    let token = layout.limbs * layout.column();
    let steps_out = steps.as_chunks_mut().0;
    // A float takes about a nanosecond.
    exec.run(Split { isa: exec.isa(), layout, affine, x, len, codes, steps: steps_out, token }, (1 << 14) / len + 1);
    Activations::new(layout, codes, steps)
}

struct Split<'a> {
    isa: Isa,
    layout: Layout,
    affine: (f32, i32),
    x: &'a [f32],
    len: usize,
    codes: &'a mut [i8],
    steps: &'a mut [[f64; 2]],
    /// Bytes of a token.
    token: usize,
}

impl Job for Split<'_> {
    fn units(&self) -> usize {
        self.steps.len()
    }

    fn split_at(self, units: usize) -> (Self, Self) {
        let (x, x_rest) = self.x.split_at(units * self.len);
        let (codes, codes_rest) = self.codes.split_at_mut(units * self.token);
        let (steps, steps_rest) = self.steps.split_at_mut(units);
        (Self { x, codes, steps, ..self }, Self { x: x_rest, codes: codes_rest, steps: steps_rest, ..self })
    }

    fn run(self) {
        vectorize(self.isa, self);
    }
}

impl Kernel for Split<'_> {
    type Output = ();

    #[inline(always)]
    fn run(self) {
        let (scale, zero) = self.affine;
        let tokens = self.x.chunks_exact(self.len).zip(self.codes.chunks_exact_mut(self.token));
        for ((x, codes), steps) in tokens.zip(self.steps) {
            let (s, step) = limb_steps(max_magnitude(x));
            if step.is_nan() {
                codes.fill(0);
                *steps = [f64::NAN, 0.0];
                continue;
            }
            let column = self.layout.column();
            let (full, rest) = x.as_chunks::<BLOCK>();
            let mut sum = 0i64;
            for (k, x) in full.iter().enumerate() {
                let q = round_block(x, s);
                sum += i64::from(q.iter().sum::<i32>());
                store_limbs(&self.layout, q, k, codes, column);
            }
            if !rest.is_empty() {
                let mut padded = [0.0; BLOCK];
                padded[..rest.len()].copy_from_slice(rest);
                let q = round_block(&padded, s);
                sum += i64::from(q.iter().sum::<i32>());
                store_limbs(&self.layout, q, full.len(), codes, column);
            }
            *steps = [f64::from(step) * f64::from(scale), f64::from(zero) * sum as f64];
        }
    }
}

/// Below 2^23 in magnitude, so that 64 of them add up in an i32.
#[inline(always)]
fn round_block(x: &[f32; BLOCK], s: f32) -> [i32; BLOCK] {
    let mut q = [0; BLOCK];
    for i in 0..BLOCK {
        q[i] = rounded(x[i], s);
    }
    q
}

/// Splits off one digit after the other.
#[inline(always)]
fn store_limbs(layout: &Layout, mut q: [i32; BLOCK], k: usize, codes: &mut [i8], column: usize) {
    if layout.wide {
        for l in 0..2 {
            let mut part = [0i8; 2 * BLOCK];
            for i in 0..BLOCK {
                // The signed low 12 bits.
                let digit = q[i] << 20 >> 20;
                q[i] = (q[i] - digit) >> 12;
                part[2 * i] = digit as i8;
                part[2 * i + 1] = (digit >> 8) as i8;
            }
            store(codes, l * column + k * 2 * BLOCK, part);
        }
    } else {
        for l in 0..3 {
            let mut part = [0i8; BLOCK];
            for i in 0..BLOCK {
                part[i] = q[i] as i8;
                q[i] = (q[i] - i32::from(part[i])) >> 8;
            }
            store(codes, l * column + k * BLOCK, order::place(layout.stages, part));
        }
    }
}

#[inline(always)]
fn store<const N: usize>(codes: &mut [i8], at: usize, part: [i8; N]) {
    codes[at..][..N].copy_from_slice(&part);
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
    let job = Reorder { layout, affine, groups, scales, len, codes, steps: steps.as_chunks_mut().0 };
    vectorize(exec.isa(), job);
    Activations::new(layout, codes, steps)
}

struct Reorder<'a> {
    layout: Layout,
    affine: (f32, i32),
    groups: &'a [i8],
    scales: &'a [f32],
    len: usize,
    codes: &'a mut [i8],
    steps: &'a mut [[f64; 2]],
}

impl Kernel for Reorder<'_> {
    type Output = ();

    #[inline(always)]
    fn run(self) {
        let (scale, zero) = self.affine;
        let token = self.groups.len() / self.scales.len();
        let tokens = self.groups.chunks_exact(token).zip(self.codes.chunks_exact_mut(self.layout.column()));
        for ((groups, codes), (steps, &token_scale)) in tokens.zip(self.steps.iter_mut().zip(self.scales)) {
            let mut sum = 0i64;
            let blocks = groups.chunks(BLOCK).zip(codes.chunks_exact_mut(BLOCK * self.layout.size()));
            for (k, (groups, codes)) in blocks.enumerate() {
                let mut block = [0i8; BLOCK];
                block[..groups.len()].copy_from_slice(groups);
                let mut natural = ungrouped(block);
                // What stands past the end must not count, whatever it is.
                let used = BLOCK.min(self.len - k * BLOCK);
                natural[used..].fill(0);
                let mut part = 0i32;
                for q in natural {
                    part += i32::from(q);
                }
                sum += i64::from(part);
                if self.layout.wide {
                    let mut wide = [0i8; 2 * BLOCK];
                    for i in 0..BLOCK {
                        wide[2 * i] = natural[i];
                        wide[2 * i + 1] = natural[i] >> 7;
                    }
                    codes.copy_from_slice(&wide);
                } else {
                    codes.copy_from_slice(&order::place(self.layout.stages, natural));
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
    for g in 0..2 {
        for b in 0..8 {
            for f in 0..4 {
                out[32 * g + 4 * b + f] = groups[32 * g + 8 * f + b];
            }
        }
    }
    out
}
