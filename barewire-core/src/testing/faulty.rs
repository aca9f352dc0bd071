//! A scalar whose operations can go wrong, one at a time.

use core::cell::Cell;
use core::ops::{Add, AddAssign, Div, Mul, MulAssign, Neg, Sub, SubAssign};

use crate::real::{Lift, Real};

/// An `f64` that counts its operations, of which [`with_fault`] makes one wrong: a sum becomes a difference and the other
/// way round, a product, quotient or function its negative, and a negation nothing.
///
/// A rule that runs over it runs with a wrong sign in its code, without being written twice. Nothing else changes: over
/// `Faulty` an op takes the plain loops that any scalar without a kernel takes.
///
/// ```
/// use barewire_core::real::Real;
/// use barewire_core::testing::{Faulty, with_fault};
///
/// let line = || (Faulty::of(2.0) * Faulty::of(3.0) + Faulty::of(1.0)).value();
/// assert_eq!(with_fault(None, line), (7.0, 2));
/// assert_eq!(with_fault(Some(0), line), (-5.0, 2));
/// assert_eq!(with_fault(Some(1), line), (5.0, 2));
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, PartialOrd)]
pub struct Faulty(f64);

std::thread_local! {
    /// operations so far, and the wrong one
    static STATE: Cell<(u64, Option<u64>)> = const { Cell::new((0, None)) };
}

/// Runs `f` with operation `fault` on this thread wrong, counted from 0. Gives what it gives, and the number of its
/// operations.
pub fn with_fault<T>(fault: Option<u64>, f: impl FnOnce() -> T) -> (T, u64) {
    let outer = STATE.replace((0, fault));
    let result = f();
    (result, STATE.replace(outer).0)
}

/// Whether the next operation is the wrong one.
fn goes_wrong() -> bool {
    let (at, fault) = STATE.get();
    STATE.set((at + 1, fault));
    fault == Some(at)
}

/// The result, or its negative.
fn signed(x: f64) -> Faulty {
    Faulty(if goes_wrong() { -x } else { x })
}

impl Add for Faulty {
    type Output = Self;
    fn add(self, o: Self) -> Self {
        Faulty(if goes_wrong() { self.0 - o.0 } else { self.0 + o.0 })
    }
}
impl Sub for Faulty {
    type Output = Self;
    fn sub(self, o: Self) -> Self {
        Faulty(if goes_wrong() { self.0 + o.0 } else { self.0 - o.0 })
    }
}
impl Mul for Faulty {
    type Output = Self;
    fn mul(self, o: Self) -> Self {
        signed(self.0 * o.0)
    }
}
impl Div for Faulty {
    type Output = Self;
    fn div(self, o: Self) -> Self {
        signed(self.0 / o.0)
    }
}
impl Neg for Faulty {
    type Output = Self;
    fn neg(self) -> Self {
        signed(-self.0)
    }
}
impl AddAssign for Faulty {
    fn add_assign(&mut self, o: Self) {
        *self = *self + o;
    }
}
impl SubAssign for Faulty {
    fn sub_assign(&mut self, o: Self) {
        *self = *self - o;
    }
}
impl MulAssign for Faulty {
    fn mul_assign(&mut self, o: Self) {
        *self = *self * o;
    }
}

/// Functions of one number, of `f64`.
macro_rules! functions {
    ($($name:ident)*) => { $(
        fn $name(self) -> Self {
            signed(Real::$name(self.0))
        }
    )* };
}

impl Real for Faulty {
    const ZERO: Self = Faulty(0.0);
    const ONE: Self = Faulty(1.0);

    fn of(x: f64) -> Self {
        Faulty(x)
    }
    fn value(self) -> f64 {
        self.0
    }
    fn at_value(self, value: f64) -> Self {
        Faulty(value)
    }
    functions! { exp ln sqrt tanh sigmoid softplus normal_cdf sin cos }
    fn step_with_slope(self, slope: Self) -> Self {
        signed(self.0.step_with_slope(slope.0))
    }
}

impl Lift<Faulty> for Faulty {
    fn lift(self) -> Faulty {
        self
    }
    fn same(s: &[Self]) -> Option<&[Faulty]> {
        Some(s)
    }
}
