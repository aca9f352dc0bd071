//! Each function, as a vector and in f64.

use super::{Op, reference};
use crate::simd::{Simd, math};

/// Writes a type that stands for a function.
macro_rules! ops {
    ($($name:ident |$s:ident, $($x:ident),+| $vector:expr, $exact:expr;)+) => {$(
        #[derive(Clone, Copy)]
        pub(super) struct $name;

        impl Op<{ [$(stringify!($x)),+].len() }> for $name {
            #[inline(always)]
            fn vector<S: Simd>($s: S, [$($x),+]: [S::F; { [$(stringify!($x)),+].len() }]) -> S::F {
                $vector
            }

            fn exact([$($x),+]: [f64; { [$(stringify!($x)),+].len() }]) -> f64 {
                $exact
            }
        }
    )+};
}

ops! {
    Exp |s, x| math::exp(s, x), x.exp();
    ExpVjp |s, y, y_cot| s.mul(y_cot, y), y_cot * y;
    Ln |s, x| math::ln(s, x), x.ln();
    LnVjp |s, x, y_cot| s.div(y_cot, x), y_cot / x;
    Sigmoid |s, x| math::sigmoid(s, x), reference::sigmoid(x);
    SigmoidVjp |s, x, y_cot| math::times_sigmoid_slope(s, y_cot, x), y_cot * reference::sigmoid_slope(x);
    Silu |s, x| math::silu(s, x), reference::silu(x);
    SiluVjp |s, x, y_cot| math::times_silu_slope(s, y_cot, x), y_cot * reference::silu_slope(x);
    Softplus |s, x| math::softplus(s, x), reference::softplus(x);
    SoftplusVjp |s, x, y_cot| math::times_sigmoid(s, y_cot, x), y_cot * reference::sigmoid(x);
    Tanh |s, x| math::tanh(s, x), x.tanh();
    // 1 - tanh(x)^2 is four times the slope of the sigmoid at 2 x.
    TanhVjp |s, x, y_cot| math::times_tanh_slope(s, y_cot, x),
        4.0 * y_cot * reference::sigmoid_slope(2.0 * x);
}
