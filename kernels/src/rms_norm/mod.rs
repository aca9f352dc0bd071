//! Root-mean-square normalisation of rows, forward and backward.
//!
//! `y = x r ⊙ w`, `r = 1 / sqrt(mean(x²) + eps)`, row by row; without `w` it is `y = x r`.
//!
//! | name    | shape       | range or unit                                      |
//! |---------|-------------|----------------------------------------------------|
//! | `x`     | `[rows, d]` | any                                                |
//! | `w`     | `[d]`       | weight of each channel; `None` counts as ones      |
//! | `eps`   | number      | unit of `x²`, such as 1e-6                         |
//! | `y`     | `[rows, d]` | as `w`                                             |
//! | `r`     | `[rows]`    | unit of `1 / x`; what the backward needs           |
//! | `y_cot` | `[rows, d]` | cotangent of `y`                                   |
//! | `x_cot` | `[rows, d]` | written                                            |
//! | `w_cot` | `[d]`       | written                                            |
//!
//! # Errors of rounding
//!
//! A sum over a row keeps 32 partial sums: element `i` goes to number `i % 32`, and then the upper half of them is
//! added to the lower half until one is left. With `u = 2^-24` its relative error for positive terms is at most
//! `(d / 32 + 6) u`. The root halves it, and its four operations, the division and the two products of `y` add one
//! `u` each: `y` is off by at most `(d / 64 + 10) u |y|`, `r` by two `u` less.
//! In the backward the sum has any sign: `|x_cot error| <= (d / 32 + 16) u (|r w y_cot| + |x| r³ mean|x w y_cot|)`.
//! `w_cot` is summed in f32 over [`BLOCK`] rows and then in f64: its error is at most
//! `(BLOCK + 3) u Σ |x r y_cot|`.
//!
//! Squares overflow beyond 1e19, which makes `r` 0. A NaN or an infinity makes its own row NaN (an infinity makes the
//! finite elements 0), and what it meets of `w_cot`.
//!
//! Source: Zhang & Sennrich, "Root Mean Square Layer Normalization" (2019), equation 4.

mod backward;
pub mod reference;

pub use backward::{backward, backward_with};

use crate::error::{check_len, product};
use crate::exec::Job;
use crate::simd::{Simd, SimdKernel, dispatch};
use crate::{Exec, Isa, KernelError, rows};

/// Rows whose terms of `w_cot` are summed in f32; the blocks are summed in f64.
pub const BLOCK: usize = 64;

/// Elements that a thread should have at least.
const GRAIN: usize = 1 << 16;

/// Normalises rows; see the [module](self).
///
/// ```
/// use barewire_kernels::rms_norm;
///
/// let (mut y, mut r) = ([0.0; 4], [0.0; 2]);
/// rms_norm::forward(&[3.0, 4.0, 1.0, -1.0], Some(&[1.0, 2.0]), 2, 2, 0.0, &mut y, &mut r)?;
/// assert_eq!(y[2..], [1.0, -2.0]);
/// assert!((r[0] - 12.5f32.sqrt().recip()).abs() < 1e-7);
/// # Ok::<(), barewire_kernels::KernelError>(())
/// ```
///
/// # Errors
/// [`KernelError::Length`] for `x`, `w`, `y` or `r`; [`KernelError::Overflow`].
pub fn forward(
    x: &[f32],
    w: Option<&[f32]>,
    rows: usize,
    d: usize,
    eps: f32,
    y: &mut [f32],
    r: &mut [f32],
) -> Result<(), KernelError> {
    forward_with(Exec::best(), x, w, rows, d, eps, y, r)
}

/// [`forward`] on a chosen [`Exec`].
///
/// # Errors
/// As [`forward`].
#[expect(clippy::too_many_arguments, reason = "shapes come with their slices")]
pub fn forward_with(
    exec: impl Into<Exec>,
    x: &[f32],
    w: Option<&[f32]>,
    rows: usize,
    d: usize,
    eps: f32,
    y: &mut [f32],
    r: &mut [f32],
) -> Result<(), KernelError> {
    let exec = exec.into();
    let len = product("x", &[rows, d])?;
    check_len("x", x, len)?;
    check_len("w", w.unwrap_or(&[]), w.map_or(0, |_| d))?;
    check_len("y", y, len)?;
    check_len("r", r, rows)?;
    let job = Forward { isa: exec.isa(), x, w, d, eps, y, r };
    exec.run(job, GRAIN.div_ceil(d.max(1)));
    Ok(())
}

struct Forward<'a> {
    isa: Isa,
    x: &'a [f32],
    w: Option<&'a [f32]>,
    d: usize,
    eps: f32,
    y: &'a mut [f32],
    r: &'a mut [f32],
}

impl Job for Forward<'_> {
    fn units(&self) -> usize {
        self.r.len()
    }

    fn split_at(self, units: usize) -> (Self, Self) {
        let at = units * self.d;
        let (x, y, r) = (self.x.split_at(at), self.y.split_at_mut(at), self.r.split_at_mut(units));
        (Self { x: x.0, y: y.0, r: r.0, ..self }, Self { x: x.1, y: y.1, r: r.1, ..self })
    }

    fn run(self) {
        match self.isa {
            Isa::Reference => reference::forward(self.x, self.w, self.d, self.eps, self.y, self.r),
            isa => dispatch(isa, self),
        }
    }
}

impl SimdKernel for Forward<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, s: S) {
        let Self { x, w, d, eps, y, r, .. } = self;
        let per_element = 1.0 / d.max(1) as f32;
        for (row, r) in r.iter_mut().enumerate() {
            let (x, y) = (&x[row * d..][..d], &mut y[row * d..][..d]);
            let squares = rows::sum!(s, sum, [x = x], s.mul_add(x, x, sum));
            *r = 1.0 / (squares * per_element + eps).sqrt();
            let r = s.splat(*r);
            match w {
                Some(w) => rows::map!(s, y, [x = x, w = w], s.mul(s.mul(x, r), w)),
                None => rows::map!(s, y, [x = x], s.mul(x, r)),
            }
        }
    }
}
