//! A number that knows how far f32 arithmetic may be off it.

use std::ops::{Add, AddAssign, Div, Mul, MulAssign, Neg, Sub, SubAssign};

use barewire::real::{Lift, Real};

/// Largest relative error of one rounding to f32.
pub(super) const U: f64 = 1.0 / (1 << 24) as f64;

/// Results under the smallest normal f32 may be flushed to 0.
pub(super) const FLUSHED: f64 = f32::MIN_POSITIVE as f64;

/// Errors of the kernels' exponential, sigmoid and softplus, the widest that one of them states: 4 ulp of up to `2 U`.
const FUNCTION: f64 = 8.0;

/// An `f64` with a bound of what it is off by where each operation rounds to f32: running error analysis, to which an op runs
/// as it runs over any other scalar.
///
/// Kernels add in another order than the loops that run here, so an error in a sum is counted in units of all its
/// terms made positive, and each term goes through all of its additions. (In the order of a loop the last term goes
/// through one only.) A recurrence is one addition a step, in the order of time, unless it is `CHUNKED`: then a state
/// may be summed from the contributions of many steps, and its terms stay positive through products, too.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Rounded<const CHUNKED: bool> {
    value: f64,
    /// of the terms of the sum at hand
    size: f64,
    /// of what its terms were made of
    error: f64,
    additions: f64,
}

/// Roundings that a kernel's documentation counts, beside those of the formula.
#[derive(Clone, Copy, Debug)]
pub(super) struct Counts {
    /// additions that a term of the longest sum in f32 goes through
    pub(super) longest: usize,
    /// more roundings of each term of an output
    pub(super) forward: usize,
    /// and of a gradient
    pub(super) backward: usize,
}

impl<const CHUNKED: bool> Rounded<CHUNKED> {
    pub(super) fn exact(value: f64) -> Self {
        Self { value, size: value.abs(), error: 0.0, additions: 0.0 }
    }

    /// The largest error of a result, where sums are no longer than `longest` and each term goes through `more` roundings.
    /// Infinite where terms are beyond the range of f32.
    pub(super) fn bound_with(self, longest: f64, more: f64) -> f64 {
        if self.size > f64::from(f32::MAX) {
            return f64::INFINITY;
        }
        self.error + (self.additions.min(longest) + more) * U * self.size
    }

    fn bound(self) -> f64 {
        self.bound_with(f64::INFINITY, 0.0)
    }

    /// What a factor counts for.
    fn magnitude(self) -> f64 {
        if CHUNKED { self.size } else { self.value.abs() }
    }

    /// A result, what it is off by for what it was made of, and its own roundings.
    fn result(value: f64, size: f64, error: f64, roundings: f64) -> Self {
        Self { value, size, error: error + roundings * U * (size + error) + FLUSHED, additions: 0.0 }
    }

    /// A function of one number.
    fn function(value: f64, error: f64) -> Self {
        Self::result(value, value.abs(), error, FUNCTION)
    }
}

impl<const CHUNKED: bool> Add for Rounded<CHUNKED> {
    type Output = Self;
    fn add(self, o: Self) -> Self {
        // nothing is lost by what every sum starts with
        if self.size == 0.0 && self.error == 0.0 {
            return o;
        }
        if o.size == 0.0 && o.error == 0.0 {
            return self;
        }
        Self {
            value: self.value + o.value,
            size: self.size + o.size,
            error: self.error + o.error,
            additions: self.additions + o.additions + 1.0,
        }
    }
}
impl<const CHUNKED: bool> Neg for Rounded<CHUNKED> {
    type Output = Self;
    fn neg(self) -> Self {
        Self { value: -self.value, ..self }
    }
}
impl<const CHUNKED: bool> Sub for Rounded<CHUNKED> {
    type Output = Self;
    fn sub(self, o: Self) -> Self {
        self + -o
    }
}
impl<const CHUNKED: bool> Mul for Rounded<CHUNKED> {
    type Output = Self;
    fn mul(self, o: Self) -> Self {
        let (a, b, size, other) = (self.bound(), o.bound(), self.magnitude(), o.magnitude());
        Self::result(self.value * o.value, size * other, a * other + b * size + a * b, 1.0)
    }
}
impl<const CHUNKED: bool> Div for Rounded<CHUNKED> {
    type Output = Self;
    fn div(self, o: Self) -> Self {
        let (a, b) = (self.bound(), o.bound());
        // nothing is known of a quotient by what may be 0
        let least = if o.value.abs() > b { o.value.abs() - b } else { 0.0 };
        let size = self.magnitude() / o.value.abs();
        Self::result(self.value / o.value, size, (a + size * b) / least, 1.0)
    }
}
impl<const CHUNKED: bool> AddAssign for Rounded<CHUNKED> {
    fn add_assign(&mut self, o: Self) {
        *self = *self + o;
    }
}
impl<const CHUNKED: bool> SubAssign for Rounded<CHUNKED> {
    fn sub_assign(&mut self, o: Self) {
        *self = *self - o;
    }
}
impl<const CHUNKED: bool> MulAssign for Rounded<CHUNKED> {
    fn mul_assign(&mut self, o: Self) {
        *self = *self * o;
    }
}
impl<const CHUNKED: bool> PartialEq for Rounded<CHUNKED> {
    fn eq(&self, o: &Self) -> bool {
        self.value == o.value
    }
}
impl<const CHUNKED: bool> PartialOrd for Rounded<CHUNKED> {
    fn partial_cmp(&self, o: &Self) -> Option<std::cmp::Ordering> {
        self.value.partial_cmp(&o.value)
    }
}

impl<const CHUNKED: bool> Real for Rounded<CHUNKED> {
    const ZERO: Self = Self { value: 0.0, size: 0.0, error: 0.0, additions: 0.0 };
    const ONE: Self = Self { value: 1.0, size: 1.0, error: 0.0, additions: 0.0 };

    fn of(x: f64) -> Self {
        Self::exact(x)
    }
    fn value(self) -> f64 {
        self.value
    }
    fn at_value(self, value: f64) -> Self {
        Self { value, ..self }
    }
    fn exp(self) -> Self {
        let value = self.value.exp();
        // The argument is multiplied by log2(e) and split: two more roundings. What is 0 stays 0.
        let off = self.bound_with(f64::INFINITY, 2.0);
        Self::function(value, if value == 0.0 { 0.0 } else { value * off.exp_m1() })
    }
    fn ln(self) -> Self {
        let off = self.bound() / self.value;
        Self::function(self.value.ln(), -(-off).ln_1p())
    }
    fn sqrt(self) -> Self {
        let value = self.value.sqrt();
        Self::result(value, value, self.bound() / value, 1.0)
    }
    fn tanh(self) -> Self {
        let value = self.value.tanh();
        Self::function(value, self.bound().min(2.0))
    }
    fn sigmoid(self) -> Self {
        let (value, off) = (self.value.sigmoid(), self.bound());
        // its slope grows by a factor of e^off at most within the error of the argument
        Self::function(value, (value * (-self.value).sigmoid() * off.exp_m1()).min(1.0))
    }
    fn softplus(self) -> Self {
        let off = self.bound();
        Self::function(self.value.softplus(), (self.value.sigmoid() * off.exp_m1()).min(off))
    }
    fn normal_cdf(self) -> Self {
        Self::function(self.value.normal_cdf(), (0.4 * self.bound()).min(1.0))
    }
    fn sin(self) -> Self {
        Self::function(self.value.sin(), self.bound().min(2.0))
    }
    fn cos(self) -> Self {
        Self::function(self.value.cos(), self.bound().min(2.0))
    }
    fn step_with_slope(self, _: Self) -> Self {
        Self::exact(self.value.step_with_slope(0.0))
    }
}

impl<const CHUNKED: bool> Lift<Self> for Rounded<CHUNKED> {
    fn lift(self) -> Self {
        self
    }
    fn same(s: &[Self]) -> Option<&[Self]> {
        Some(s)
    }
}
