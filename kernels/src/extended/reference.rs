//! The same sums in integers: the bits that the unit must give.

use super::{F80, SPECIAL};

/// The sum of two numbers of the format, rounded to nearest, ties to even.
///
/// NaN, for infinities of both signs and for what is no number, is the unit's default NaN.
pub fn plus(a: F80, b: F80) -> F80 {
    let special = |x: F80| x.sign_and_exponent() & SPECIAL == SPECIAL;
    if !is_number(a) || !is_number(b) || (special(a) && special(b) && a != b) {
        return F80::from_parts(0xffff, 3 << 62);
    }
    if special(a) || special(b) {
        return if special(a) { a } else { b };
    }
    // as m 2^(e - 16446), the larger exponent first, the significands with 60 bits of room below
    let parts = |x: F80| (i32::from((x.sign_and_exponent() & SPECIAL).max(1)), u128::from(x.significand()) << 60);
    let negative = |x: F80| x.sign_and_exponent() >> 15 == 1;
    let (a, b) = if parts(a).0 >= parts(b).0 { (a, b) } else { (b, a) };
    let ((exponent, large), (other, small)) = (parts(a), parts(b));
    // what is shifted out leaves a bit, which says that it was not 0
    let shift = (exponent - other).min(127) as u32;
    let small = (small >> shift) | u128::from(small & ((1 << shift) - 1) != 0);
    if negative(a) == negative(b) {
        rounded(negative(a), exponent, large + small)
    } else if large >= small {
        // an exact 0 is positive
        rounded(negative(a) && large != small, exponent, large - small)
    } else {
        rounded(negative(b), exponent, small - large)
    }
}

/// The sum in the order of [`super::sum`].
pub fn sum(values: &[f32]) -> F80 {
    let mut partial = [F80::default(); 4];
    for (i, x) in values.iter().enumerate() {
        partial[i % 4] = plus(partial[i % 4], F80::from(*x));
    }
    partial.into_iter().skip(1).fold(partial[0], plus)
}

/// An infinity or a finite number as arithmetic leaves them.
fn is_number(x: F80) -> bool {
    match x.sign_and_exponent() & SPECIAL {
        SPECIAL => x.significand() == 1 << 63,
        0 => true,
        _ => x.significand() >> 63 == 1,
    }
}

/// `m 2^(exponent - 16446 - 60)`, rounded to 64 bits.
fn rounded(negative: bool, exponent: i32, m: u128) -> F80 {
    let sign = u16::from(negative) << 15;
    if m == 0 {
        return F80::from_parts(sign, 0);
    }
    // bring the leading bit to place 123, or as near as the smallest exponent lets it
    let up = m.leading_zeros() as i32 - 4;
    let (m, mut exponent) = if up < 0 {
        ((m >> 1) | (m & 1), exponent + 1)
    } else {
        let up = up.min(exponent - 1);
        (m << up, exponent - up)
    };
    let (kept, rest, half) = (m >> 60, m & ((1 << 60) - 1), 1 << 59);
    let mut kept = kept + u128::from(rest > half || (rest == half && kept & 1 == 1));
    if kept >> 64 == 1 {
        kept >>= 1;
        exponent += 1;
    }
    if exponent >= i32::from(SPECIAL) {
        return F80::from_parts(sign | SPECIAL, 1 << 63);
    }
    // without its leading bit a number has the exponent field 0
    let field = if kept >> 63 == 0 { 0 } else { exponent as u16 };
    F80::from_parts(sign | field, kept as u64)
}
