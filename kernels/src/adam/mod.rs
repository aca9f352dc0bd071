//! The AdamW update, and the same with the quantisation of latent weights to ternary digits.
//!
//! For every element, with `g = grad * gradient`:
//!
//! `m = beta1 m + (1 - beta1) g`, `v = beta2 v + (1 - beta2) g²`, `w = w keep - rate (m / (sqrt(v second) + eps))`
//!
//! in this order, every operation rounded by itself: the bits are the same on every instruction set but `Reference`
//! (f64 inside), and with any number of threads. NaN and infinities stay in their element.
//!
//! Work: 28 bytes an element; beyond the caches memory is the limit.
//!
//! Source: Loshchilov & Hutter, "Decoupled Weight Decay Regularization" (2019), algorithm 2, with eps as in PyTorch.

pub mod reference;

use crate::error::check_len;
use crate::exec::Job;
use crate::simd::{Simd, SimdKernel, dispatch};
use crate::ternary::absmean::{SUM_BLOCK, SumOfMagnitudes, check, pack, scale_of};
use crate::{Exec, Isa, KernelError, Scratch};

/// What an update needs beside the arrays.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Coefficients {
    /// what every gradient is multiplied by: clipping, and `1 / scale` of digits
    pub grad: f32,
    /// decay of the mean gradient, in [0, 1)
    pub beta1: f32,
    /// decay of the mean squared gradient, in [0, 1)
    pub beta2: f32,
    /// `lr / (1 - beta1^t)`
    pub rate: f32,
    /// `1 / (1 - beta2^t)`
    pub second: f32,
    /// added to the root
    pub eps: f32,
    /// `1 - lr * weight_decay`
    pub keep: f32,
}

/// `w`, `m` and `v` after one update with the gradients `g`; see the [module](self).
///
/// ```
/// use barewire_kernels::adam::{self, Coefficients};
///
/// let c = Coefficients { grad: 1.0, beta1: 0.5, beta2: 0.75, rate: 0.1, second: 4.0, eps: 0.0, keep: 1.0 };
/// let (mut w, mut m, mut v) = ([1.0], [0.0], [0.0]);
/// adam::update(c, &mut w, &[2.0], &mut m, &mut v)?;
/// assert_eq!((w, m, v), ([0.95], [1.0], [1.0]));
/// # Ok::<(), barewire_kernels::KernelError>(())
/// ```
///
/// # Errors
/// [`KernelError::Length`] for `g`, `m` or `v`, if it is not as long as `w`.
pub fn update(c: Coefficients, w: &mut [f32], g: &[f32], m: &mut [f32], v: &mut [f32]) -> Result<(), KernelError> {
    update_with(Exec::best(), c, w, g, m, v)
}

/// [`update`] on a chosen [`Exec`].
///
/// # Errors
/// As [`update`].
pub fn update_with(
    exec: impl Into<Exec>,
    c: Coefficients,
    w: &mut [f32],
    g: &[f32],
    m: &mut [f32],
    v: &mut [f32],
) -> Result<(), KernelError> {
    lengths(w, g, m, v)?;
    run(exec.into(), c, w, g, m, v, None);
    Ok(())
}

/// [`update`] of latent weights `[rows, cols]`, and their absmean quantisation in two passes in all: gives the scale.
///
/// The same bits as [`update`] and then [`quantize_absmean`](crate::ternary::quantize_absmean): its sum is taken in the
/// first pass, the words are written in the second. `scratch` holds a number for each 16384 weights.
///
/// # Errors
/// As [`update`] and [`quantize_absmean`](crate::ternary::quantize_absmean).
#[expect(clippy::too_many_arguments, reason = "shapes come with their slices")]
pub fn update_latent(
    c: Coefficients,
    w: &mut [f32],
    g: &[f32],
    m: &mut [f32],
    v: &mut [f32],
    rows: usize,
    cols: usize,
    words: &mut [u64],
    scratch: &mut Scratch,
) -> Result<f32, KernelError> {
    update_latent_with(Exec::best(), c, w, g, m, v, rows, cols, words, scratch)
}

/// [`update_latent`] on a chosen [`Exec`].
///
/// # Errors
/// As [`update_latent`].
#[expect(clippy::too_many_arguments, reason = "shapes come with their slices")]
pub fn update_latent_with(
    exec: impl Into<Exec>,
    c: Coefficients,
    w: &mut [f32],
    g: &[f32],
    m: &mut [f32],
    v: &mut [f32],
    rows: usize,
    cols: usize,
    words: &mut [u64],
    scratch: &mut Scratch,
) -> Result<f32, KernelError> {
    let exec = exec.into();
    check(w, rows, cols, words)?;
    lengths(w, g, m, v)?;
    let sums = scratch.floats(0, w.len().div_ceil(SUM_BLOCK)).1;
    run(exec, c, w, g, m, v, Some(&mut *sums));
    let scale = scale_of(sums.iter().sum(), w.len());
    pack(exec, w, cols, scale, words);
    Ok(scale)
}

fn lengths(w: &[f32], g: &[f32], m: &[f32], v: &[f32]) -> Result<(), KernelError> {
    check_len("g", g, w.len())?;
    check_len("m", m, w.len())?;
    check_len("v", v, w.len())
}

fn run(exec: Exec, c: Coefficients, w: &mut [f32], g: &[f32], m: &mut [f32], v: &mut [f32], sums: Option<&mut [f64]>) {
    // A block is some 20 microseconds in memory.
    exec.run(Update { isa: exec.isa(), c, w, g, m, v, sums }, 1);
}

/// Blocks of [`SUM_BLOCK`] elements.
struct Update<'a> {
    isa: Isa,
    c: Coefficients,
    w: &'a mut [f32],
    g: &'a [f32],
    m: &'a mut [f32],
    v: &'a mut [f32],
    /// sum of magnitudes of each block of `w`
    sums: Option<&'a mut [f64]>,
}

impl Job for Update<'_> {
    fn units(&self) -> usize {
        self.w.len().div_ceil(SUM_BLOCK)
    }

    fn split_at(self, units: usize) -> (Self, Self) {
        let at = units * SUM_BLOCK;
        let (w, g) = (self.w.split_at_mut(at), self.g.split_at(at));
        let (m, v) = (self.m.split_at_mut(at), self.v.split_at_mut(at));
        let sums = self.sums.map(|sums| sums.split_at_mut(units)).map_or((None, None), |(a, b)| (Some(a), Some(b)));
        (
            Self { w: w.0, g: g.0, m: m.0, v: v.0, sums: sums.0, ..self },
            Self { w: w.1, g: g.1, m: m.1, v: v.1, sums: sums.1, ..self },
        )
    }

    fn run(self) {
        dispatch(self.isa, self);
    }
}

/// Elements updated before their magnitudes are added: they are in the first cache level then.
const PART: usize = 1024;

impl SimdKernel for Update<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(mut self, s: S) {
        let Self { isa, c, w, g, m, v, .. } = self;
        for (block, w) in w.chunks_mut(SUM_BLOCK).enumerate() {
            let mut sum = SumOfMagnitudes::new();
            for (part, w) in w.chunks_mut(PART).enumerate() {
                let at = block * SUM_BLOCK + part * PART;
                let (g, m, v) = (&g[at..][..w.len()], &mut m[at..][..w.len()], &mut v[at..][..w.len()]);
                if isa == Isa::Reference {
                    reference::update(c, w, g, m, v);
                } else {
                    elements(s, c, w, g, m, v);
                }
                if self.sums.is_some() {
                    sum.add(w);
                }
            }
            if let Some(sums) = &mut self.sums {
                sums[block] = sum.total();
            }
        }
    }
}

#[inline(always)]
fn elements<S: Simd>(s: S, c: Coefficients, w: &mut [f32], g: &[f32], m: &mut [f32], v: &mut [f32]) {
    let len = w.len();
    let whole = len - len % S::LANES;
    for at in (0..whole).step_by(S::LANES) {
        let (w, m, v) = (&mut w[at..][..S::LANES], &mut m[at..][..S::LANES], &mut v[at..][..S::LANES]);
        let new = vector(s, c, [s.load(w), s.load(&g[at..][..S::LANES]), s.load(m), s.load(v)]);
        s.store(w, new[0]);
        s.store(m, new[1]);
        s.store(v, new[2]);
    }
    if whole < len {
        let (w, m, v) = (&mut w[whole..], &mut m[whole..], &mut v[whole..]);
        let new = vector(s, c, [s.load_part(w), s.load_part(&g[whole..]), s.load_part(m), s.load_part(v)]);
        s.store_part(w, new[0]);
        s.store_part(m, new[1]);
        s.store_part(v, new[2]);
    }
}

/// `w`, `m` and `v`, from `w`, `g`, `m` and `v`.
#[inline(always)]
fn vector<S: Simd>(s: S, c: Coefficients, [w, g, m, v]: [S::F; 4]) -> [S::F; 3] {
    let g = s.mul(g, s.splat(c.grad));
    let m = s.add(s.mul(s.splat(c.beta1), m), s.mul(s.splat(1.0 - c.beta1), g));
    let v = s.add(s.mul(s.splat(c.beta2), v), s.mul(s.splat(1.0 - c.beta2), s.mul(g, g)));
    let root = s.add(s.sqrt(s.mul(v, s.splat(c.second))), s.splat(c.eps));
    let w = s.sub(s.mul(w, s.splat(c.keep)), s.mul(s.splat(c.rate), s.div(m, root)));
    [w, m, v]
}
