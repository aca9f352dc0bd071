//! Scalars that equations are generic over: `f32`, `f64` and [`Dual`] numbers over either, nested at will.

use core::fmt::Debug;
use core::ops::{Add, AddAssign, Div, Mul, MulAssign, Neg, Sub, SubAssign};

mod f32_math;

/// A scalar of activations.
///
/// `f32` is the fast one: its transcendental functions are branch-free polynomials (within 2 ulp of the true value
/// unless a function says otherwise), so loops over them vectorise, and they use no fused multiply-add, so the bits
/// are the same on every instruction set. `f64` calls the platform's library and is meant for checks. [`Dual`] carries
/// a tangent, and nests.
pub trait Real:
    Copy
    + Default
    + Debug
    + PartialOrd
    + Send
    + Sync
    + 'static
    + Add<Output = Self>
    + Sub<Output = Self>
    + Mul<Output = Self>
    + Div<Output = Self>
    + Neg<Output = Self>
    + AddAssign
    + SubAssign
    + MulAssign
    + Lift<Self>
{
    /// Additive identity.
    const ZERO: Self;
    /// Multiplicative identity.
    const ONE: Self;

    /// The number nearest to `x`, with no tangent.
    fn of(x: f64) -> Self;
    /// The primal value, without any tangent.
    fn value(self) -> f64;
    /// The same tangents around another primal value: the straight-through rule in one word.
    ///
    /// `x.at_value(x.value().round())` rounds and counts as the identity for every derivative.
    fn at_value(self, value: f64) -> Self;

    /// `e^x`
    fn exp(self) -> Self;
    /// Natural logarithm.
    fn ln(self) -> Self;
    /// Square root.
    fn sqrt(self) -> Self;
    /// Hyperbolic tangent.
    fn tanh(self) -> Self;
    /// `1 / (1 + e^-x)`
    fn sigmoid(self) -> Self;
    /// `ln(1 + e^x)`, without overflow.
    fn softplus(self) -> Self;
    /// Distribution function of the standard normal, `(1 + erf(x / sqrt 2)) / 2`; `gelu(x) = x * normal_cdf(x)`.
    fn normal_cdf(self) -> Self;
    /// Sine.
    fn sin(self) -> Self;
    /// Cosine.
    fn cos(self) -> Self;
    /// Rounds half to even; counts as the identity for every derivative.
    fn round_ste(self) -> Self {
        self.at_value(self.value().round_ties_even())
    }
    /// -1, 0 or 1 as the sign is; counts as the identity for every derivative.
    fn sign_ste(self) -> Self {
        let x = self.value();
        self.at_value(f64::from(i8::from(x > 0.0) - i8::from(x < 0.0)))
    }
    /// 1 above 0, else 0, with `slope` for its derivative.
    fn step_with_slope(self, slope: Self) -> Self;
    /// Density of the standard normal, `e^(-x^2/2) / sqrt(2 pi)`: the derivative of [`normal_cdf`](Real::normal_cdf).
    #[inline(always)]
    fn normal_pdf(self) -> Self {
        (self * self * Self::of(-0.5)).exp() * Self::of(0.398_942_280_401_432_7)
    }
    /// Magnitude; its derivative at 0 is 0.
    fn abs(self) -> Self {
        if self < Self::ZERO {
            -self
        } else if self > Self::ZERO {
            self
        } else {
            // 0, -0 and NaN: no direction of growth, and NaN stays NaN
            self * self
        }
    }
    /// The larger one; NaN in either gives NaN.
    fn max(self, other: Self) -> Self {
        if self >= other {
            self
        } else if other > self {
            other
        } else {
            self + other
        }
    }

    /// The slice itself when `Self` is `f32`: the door to the fast kernels, open to every primitive.
    fn as_f32(_: &[Self]) -> Option<&[f32]> {
        None
    }
    /// As [`as_f32`](Real::as_f32), mutable.
    fn as_f32_mut(_: &mut [Self]) -> Option<&mut [f32]> {
        None
    }
    /// A slice of `f32` as a slice of `Self`, when they are the same type.
    fn from_f32(_: &[f32]) -> Option<&[Self]> {
        None
    }
    /// The slice itself when `Self` is `f64`.
    fn as_f64(_: &[Self]) -> Option<&[f64]> {
        None
    }
    /// As [`as_f64`](Real::as_f64), mutable.
    fn as_f64_mut(_: &mut [Self]) -> Option<&mut [f64]> {
        None
    }
}

impl Real for f32 {
    const ZERO: Self = 0.0;
    const ONE: Self = 1.0;

    #[inline(always)]
    fn of(x: f64) -> Self {
        x as f32
    }
    #[inline(always)]
    fn value(self) -> f64 {
        f64::from(self)
    }
    #[inline(always)]
    fn at_value(self, value: f64) -> Self {
        value as f32
    }
    #[inline(always)]
    fn exp(self) -> Self {
        f32_math::exp(self)
    }
    #[inline(always)]
    fn ln(self) -> Self {
        f32_math::ln(self)
    }
    #[inline(always)]
    fn sqrt(self) -> Self {
        f32::sqrt(self)
    }
    #[inline(always)]
    fn tanh(self) -> Self {
        f32_math::tanh(self)
    }
    #[inline(always)]
    fn sigmoid(self) -> Self {
        f32_math::sigmoid(self)
    }
    #[inline(always)]
    fn softplus(self) -> Self {
        f32_math::softplus(self)
    }
    #[inline(always)]
    fn normal_cdf(self) -> Self {
        f32_math::normal_cdf(self)
    }
    #[inline(always)]
    fn sin(self) -> Self {
        f32::sin(self)
    }
    #[inline(always)]
    fn cos(self) -> Self {
        f32::cos(self)
    }
    #[inline(always)]
    fn step_with_slope(self, _: Self) -> Self {
        f32::from(u8::from(self > 0.0))
    }
    #[inline(always)]
    fn abs(self) -> Self {
        f32::abs(self)
    }
    fn as_f32(s: &[Self]) -> Option<&[f32]> {
        Some(s)
    }
    fn as_f32_mut(s: &mut [Self]) -> Option<&mut [f32]> {
        Some(s)
    }
    fn from_f32(s: &[f32]) -> Option<&[Self]> {
        Some(s)
    }
}

impl Real for f64 {
    const ZERO: Self = 0.0;
    const ONE: Self = 1.0;

    fn of(x: f64) -> Self {
        x
    }
    fn value(self) -> f64 {
        self
    }
    fn at_value(self, value: f64) -> Self {
        value
    }
    fn exp(self) -> Self {
        f64::exp(self)
    }
    fn ln(self) -> Self {
        f64::ln(self)
    }
    fn sqrt(self) -> Self {
        f64::sqrt(self)
    }
    fn tanh(self) -> Self {
        f64::tanh(self)
    }
    fn sigmoid(self) -> Self {
        1.0 / (1.0 + f64::exp(-self))
    }
    fn softplus(self) -> Self {
        Real::max(self, 0.0) + f64::ln_1p(f64::exp(-f64::abs(self)))
    }
    fn normal_cdf(self) -> Self {
        0.5 * libm::erfc(-self * core::f64::consts::FRAC_1_SQRT_2)
    }
    fn sin(self) -> Self {
        f64::sin(self)
    }
    fn cos(self) -> Self {
        f64::cos(self)
    }
    fn step_with_slope(self, _: Self) -> Self {
        f64::from(u8::from(self > 0.0))
    }
    fn abs(self) -> Self {
        f64::abs(self)
    }
    fn as_f64(s: &[Self]) -> Option<&[f64]> {
        Some(s)
    }
    fn as_f64_mut(s: &mut [Self]) -> Option<&mut [f64]> {
        Some(s)
    }
}

/// A number and its rate of change along one direction: forward-mode differentiation.
///
/// `forward` over `Dual<R>` is a Jacobian-vector product; `vjp` over `Dual<R>` gives Hessian-vector products; nesting
/// gives higher orders.
///
/// ```
/// use barewire_core::real::{Dual, Real};
/// let x = Dual { value: 3.0_f64, tangent: 1.0 };
/// let y = x * x;
/// assert_eq!((y.value, y.tangent), (9.0, 6.0));
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Dual<R> {
    /// the number
    pub value: R,
    /// its derivative along the chosen direction
    pub tangent: R,
}

impl<R: Real> Dual<R> {
    /// `value` with the derivative `slope * tangent`.
    #[inline(always)]
    fn chain(self, value: R, slope: R) -> Self {
        Dual { value, tangent: slope * self.tangent }
    }
}

impl<R: PartialOrd> PartialOrd for Dual<R> {
    fn partial_cmp(&self, other: &Self) -> Option<core::cmp::Ordering> {
        self.value.partial_cmp(&other.value)
    }
}

impl<R: Real> Add for Dual<R> {
    type Output = Self;
    #[inline(always)]
    fn add(self, o: Self) -> Self {
        Dual { value: self.value + o.value, tangent: self.tangent + o.tangent }
    }
}
impl<R: Real> Sub for Dual<R> {
    type Output = Self;
    #[inline(always)]
    fn sub(self, o: Self) -> Self {
        Dual { value: self.value - o.value, tangent: self.tangent - o.tangent }
    }
}
impl<R: Real> Mul for Dual<R> {
    type Output = Self;
    #[inline(always)]
    fn mul(self, o: Self) -> Self {
        Dual { value: self.value * o.value, tangent: self.tangent * o.value + self.value * o.tangent }
    }
}
impl<R: Real> Div for Dual<R> {
    type Output = Self;
    #[inline(always)]
    fn div(self, o: Self) -> Self {
        let value = self.value / o.value;
        Dual { value, tangent: (self.tangent - value * o.tangent) / o.value }
    }
}
impl<R: Real> Neg for Dual<R> {
    type Output = Self;
    #[inline(always)]
    fn neg(self) -> Self {
        Dual { value: -self.value, tangent: -self.tangent }
    }
}
impl<R: Real> AddAssign for Dual<R> {
    #[inline(always)]
    fn add_assign(&mut self, o: Self) {
        *self = *self + o;
    }
}
impl<R: Real> SubAssign for Dual<R> {
    #[inline(always)]
    fn sub_assign(&mut self, o: Self) {
        *self = *self - o;
    }
}
impl<R: Real> MulAssign for Dual<R> {
    #[inline(always)]
    fn mul_assign(&mut self, o: Self) {
        *self = *self * o;
    }
}

impl<R: Real> Real for Dual<R> {
    const ZERO: Self = Dual { value: R::ZERO, tangent: R::ZERO };
    const ONE: Self = Dual { value: R::ONE, tangent: R::ZERO };

    fn of(x: f64) -> Self {
        Dual { value: R::of(x), tangent: R::ZERO }
    }
    fn value(self) -> f64 {
        self.value.value()
    }
    fn at_value(self, value: f64) -> Self {
        Dual { value: self.value.at_value(value), tangent: self.tangent }
    }
    fn exp(self) -> Self {
        let y = self.value.exp();
        self.chain(y, y)
    }
    fn ln(self) -> Self {
        self.chain(self.value.ln(), R::ONE / self.value)
    }
    fn sqrt(self) -> Self {
        let y = self.value.sqrt();
        self.chain(y, R::of(0.5) / y)
    }
    fn tanh(self) -> Self {
        let y = self.value.tanh();
        self.chain(y, R::ONE - y * y)
    }
    fn sigmoid(self) -> Self {
        let y = self.value.sigmoid();
        self.chain(y, y * (R::ONE - y))
    }
    fn softplus(self) -> Self {
        self.chain(self.value.softplus(), self.value.sigmoid())
    }
    fn normal_cdf(self) -> Self {
        self.chain(self.value.normal_cdf(), self.value.normal_pdf())
    }
    fn step_with_slope(self, slope: Self) -> Self {
        self.chain(self.value.step_with_slope(slope.value), slope.value)
    }
    fn sin(self) -> Self {
        self.chain(self.value.sin(), self.value.cos())
    }
    fn cos(self) -> Self {
        self.chain(self.value.cos(), -self.value.sin())
    }
}

/// A stored parameter's scalar that can enter arithmetic over `R`.
///
/// Wire views store `f32`, which lifts to every `R`; a point of parameter space over `f64` or [`Dual`] lifts to itself.
pub trait Lift<R: Real>: Copy + Send + Sync + 'static {
    /// The number in `R`.
    fn lift(self) -> R;
    /// The slice itself when no conversion is needed.
    fn same(s: &[Self]) -> Option<&[R]>;
}

impl<R: Real> Lift<R> for f32 {
    #[inline(always)]
    fn lift(self) -> R {
        R::of(f64::from(self))
    }
    fn same(s: &[Self]) -> Option<&[R]> {
        R::from_f32(s)
    }
}

impl Lift<f64> for f64 {
    fn lift(self) -> f64 {
        self
    }
    fn same(s: &[Self]) -> Option<&[f64]> {
        Some(s)
    }
}

impl<R: Real> Lift<Dual<R>> for f64 {
    fn lift(self) -> Dual<R> {
        Dual::of(self)
    }
    fn same(_: &[Self]) -> Option<&[Dual<R>]> {
        None
    }
}

impl<R: Real> Lift<Dual<R>> for Dual<R> {
    fn lift(self) -> Dual<R> {
        self
    }
    fn same(s: &[Self]) -> Option<&[Dual<R>]> {
        Some(s)
    }
}

/// Lanes onto each other, halves onto halves: the fixed order in which partial sums come together. `N` is a power of two.
#[inline(always)]
pub(crate) fn fold_lanes<T: Copy, const N: usize>(mut lanes: [T; N], add: impl Fn(T, T) -> T) -> T {
    const { assert!(N.is_power_of_two()) };
    let mut width = N / 2;
    while width > 0 {
        for l in 0..width {
            lanes[l] = add(lanes[l], lanes[l + width]);
        }
        width /= 2;
    }
    lanes[0]
}
