//! Elementary functions of every element of a slice, and their vector-Jacobian products.
//!
//! | function   | computes              | its `_vjp` computes                     | error of both, in ulp    |
//! |------------|-----------------------|-----------------------------------------|--------------------------|
//! | `exp`      | `e^x`                 | `y_cot * y`, from the result            | 1.1, 0.5                 |
//! | `ln`       | `ln x`                | `y_cot / x`                             | 1.1, 0.5                 |
//! | `sigmoid`  | `1 / (1 + e^-x)`      | `y_cot * sigmoid(x) * sigmoid(-x)`      | 2                        |
//! | `silu`     | `x sigmoid(x)`        | `y_cot * sigmoid(x) (1 + x sigmoid(-x))`| 2, 2.5: see [`silu_vjp`] |
//! | `softplus` | `ln(1 + e^x)`         | `y_cot * sigmoid(x)`                    | 2                        |
//! | `tanh`     | `(1 - e^-2x) / (1 + e^-2x)` | `y_cot * (1 - tanh(x)^2)`         | 2                        |
//!
//! An ulp is that of the exact result rounded to f32, at least 2^-149. A `_vjp` below 2^-122 may be off by 4 ulp, that
//! of tanh by 8 where `y_cot` is above 1e30 (roundings of a subnormal product, times the 4 of the formula), and that of
//! silu by `2 |x|` where `y_cot sigmoid(x)` is as small. `every_input` in `tests/elementwise.rs` has run the functions at
//! every input at which they bend, and every 97th of the others; the largest errors, in ulp, on AVX2 and `Portable`:
//!
//! | | `exp` | `ln` | `sigmoid` | `silu` | `softplus` | `tanh` |
//! |------------|------|------|------|------|------|------|
//! | AVX2       | 1.02 | 0.86 | 1.60 | 1.52 | 1.71 | 1.87 |
//! | `Portable` | 1.00 | 0.86 | 1.60 | 1.54 | 1.71 | 1.97 |
//!
//! With a fused multiply-add, 1.73 ulp is what the roundings of `sigmoid` and `silu` add up to. The bound of silu's product
//! was set from what was measured on millions of inputs.
//!
//! # Special values
//!
//! NaN gives NaN. Subnormal arguments and results are kept. Infinities give the limit: `exp` infinity and 0, `sigmoid` 1
//! and 0, `silu` infinity and -0, `softplus` infinity and 0, `tanh` 1 and -1. `ln` of zeros is minus infinity, of
//! negative numbers NaN. Results beyond the range are infinite.
//!
//! The bits differ between instruction sets (a fused multiply-add rounds once), but not with the length, the position
//! in the slice or the number of threads.

mod ops;
pub(crate) mod reference;

use self::ops::{Exp, ExpVjp, Ln, LnVjp, Sigmoid, SigmoidVjp, Silu, SiluVjp, Softplus, SoftplusVjp, Tanh, TanhVjp};
use crate::error::check_len;
use crate::exec::Job;
use crate::simd::{Several, Simd, SimdKernel, dispatch};
use crate::{Exec, Isa, KernelError, rows};

/// Writes a function and its twin that takes an [`Exec`].
macro_rules! functions {
    ($($(#[$doc:meta])* $name:ident, $with:ident: $op:ident($($x:ident),+) -> $y:ident;)+) => {$(
        $(#[$doc])*
        ///
        /// # Errors
        /// [`KernelError::Length`] names the first slice that is not as long as the first argument.
        pub fn $name($($x: &[f32],)+ $y: &mut [f32]) -> Result<(), KernelError> {
            $with(Exec::best(), $($x,)+ $y)
        }

        #[doc = concat!("[`", stringify!($name), "`] on a chosen [`Exec`].")]
        ///
        /// # Errors
        #[doc = concat!("As [`", stringify!($name), "`].")]
        pub fn $with(exec: impl Into<Exec>, $($x: &[f32],)+ $y: &mut [f32]) -> Result<(), KernelError> {
            map(exec.into(), $op, [$((stringify!($x), $x)),+], (stringify!($y), $y))
        }
    )+};
}

functions! {
    /// `y = e^x`
    ///
    /// ```
    /// let mut y = [0.0; 3];
    /// barewire_kernels::elementwise::exp(&[0.0, 1.0, f32::NEG_INFINITY], &mut y)?;
    /// assert_eq!(y, [1.0, core::f32::consts::E, 0.0]);
    /// # Ok::<(), barewire_kernels::KernelError>(())
    /// ```
    exp, exp_with: Exp(x) -> y;
    /// `x_cot = y_cot * y`, where `y` is what [`exp`] wrote.
    exp_vjp, exp_vjp_with: ExpVjp(y, y_cot) -> x_cot;
    /// `y = ln x`
    ln, ln_with: Ln(x) -> y;
    /// `x_cot = y_cot / x`
    ln_vjp, ln_vjp_with: LnVjp(x, y_cot) -> x_cot;
    /// `y = 1 / (1 + e^-x)`
    sigmoid, sigmoid_with: Sigmoid(x) -> y;
    /// `x_cot = y_cot * sigmoid(x) * sigmoid(-x)`. From `x`, since `1 - y` cancels where `y` is near 1.
    sigmoid_vjp, sigmoid_vjp_with: SigmoidVjp(x, y_cot) -> x_cot;
    /// `y = x / (1 + e^-x)`
    silu, silu_with: Silu(x) -> y;
    /// `x_cot = y_cot * sigmoid(x) * (1 + x sigmoid(-x))`
    ///
    /// The derivative is 0 at `x = -1.2784645`. Between -2 and 0 the error is 2.5 ulp of the
    /// result or of `y_cot / 8`, whichever is larger.
    silu_vjp, silu_vjp_with: SiluVjp(x, y_cot) -> x_cot;
    /// `y = ln(1 + e^x)`
    softplus, softplus_with: Softplus(x) -> y;
    /// `x_cot = y_cot * sigmoid(x)`
    softplus_vjp, softplus_vjp_with: SoftplusVjp(x, y_cot) -> x_cot;
    /// `y = tanh x`
    tanh, tanh_with: Tanh(x) -> y;
    /// `x_cot = y_cot * (1 - tanh(x)^2)`. From `x`, since `1 - y^2` cancels where `y` is near 1.
    tanh_vjp, tanh_vjp_with: TanhVjp(x, y_cot) -> x_cot;
}

/// A function of `N` numbers.
trait Op<const N: usize>: Copy + Send {
    /// Of a vector of each. Mark the implementation `#[inline(always)]`.
    fn vector<S: Simd>(s: S, x: [S::F; N]) -> S::F;

    /// The formula in f64.
    fn exact(x: [f64; N]) -> f64;
}

/// Elements that a thread should have at least: some 20 microseconds of the fastest function.
const GRAIN: usize = 1 << 15;

fn map<O: Op<N>, const N: usize>(
    exec: Exec,
    op: O,
    x: [(&'static str, &[f32]); N],
    (name, y): (&'static str, &mut [f32]),
) -> Result<(), KernelError> {
    let len = x[0].1.len();
    for (name, x) in x {
        check_len(name, x, len)?;
    }
    check_len(name, y, len)?;
    exec.run(Map { isa: exec.isa(), op, x: x.map(|(_, x)| x), y }, GRAIN);
    Ok(())
}

/// `y[i] = op(x[i])`; the slices are equally long.
struct Map<'a, O, const N: usize> {
    isa: Isa,
    op: O,
    x: [&'a [f32]; N],
    y: &'a mut [f32],
}

impl<O: Op<N>, const N: usize> Job for Map<'_, O, N> {
    fn units(&self) -> usize {
        self.y.len()
    }

    fn split_at(self, units: usize) -> (Self, Self) {
        let Self { isa, op, x, y } = self;
        let (first, second) = y.split_at_mut(units);
        let parts = x.map(|x| x.split_at(units));
        (Self { isa, op, x: parts.map(|(x, _)| x), y: first }, Self { isa, op, x: parts.map(|(_, x)| x), y: second })
    }

    fn run(self) {
        match self.isa {
            Isa::Reference => reference::map(self.op, self.x, self.y),
            isa => dispatch(isa, self),
        }
    }
}

impl<O: Op<N>, const N: usize> SimdKernel for Map<'_, O, N> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, s: S) {
        let Self { x, y, .. } = self;
        let wide = Several::<S, 4>(s);
        let lanes = rows::lanes(wide);
        let whole = y.len() - y.len() % lanes;
        let mut at = 0;
        while at < whole {
            let mut vectors = [wide.splat(0.0); N];
            for i in 0..N {
                vectors[i] = wide.load(&x[i][at..at + lanes]);
            }
            wide.store(&mut y[at..at + lanes], O::vector(wide, vectors));
            at += lanes;
        }
        while at < y.len() {
            let mut vectors = [s.splat(0.0); N];
            for i in 0..N {
                vectors[i] = s.load_part(&x[i][at..]);
            }
            s.store_part(&mut y[at..], O::vector(s, vectors));
            at += S::LANES;
        }
    }
}
