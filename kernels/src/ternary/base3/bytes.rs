//! Five base-3 digits in a byte, as a fixed-point fraction.
//!
//! A number `v` in 0..243 is stored as `x = ceil(256 v / 243)`, so that `x / 256` lies in
//! `[v / 243, (v + 1) / 243)`. Multiplying by 3 then moves the first digit before the point:
//! `3 x = 256 d + x'`, with `x'` the fraction of the other four. Every byte has five digits by that rule; 243 of
//! the 256 are the stored form of theirs.

/// Codes (digit + 1) of a byte, the most significant first.
pub(in crate::ternary) type Codes = [u8; 5];

/// Value of a code by its place.
pub(in crate::ternary) const POWERS: Codes = [81, 27, 9, 3, 1];

/// The fraction of a number below 243.
pub(in crate::ternary) const fn fraction(v: u8) -> u8 {
    (v as u16 * 256).div_ceil(243) as u8
}

/// The five codes of a fraction, whether or not it is the stored form of a number.
pub(in crate::ternary) const fn codes(fraction: u8) -> Codes {
    let mut codes = [0; 5];
    let (mut x, mut n) = (fraction, 0);
    while n < 5 {
        let product = 3 * x as u16;
        codes[n] = (product >> 8) as u8;
        x = product as u8;
        n += 1;
    }
    codes
}

/// The number that a fraction stands for.
pub(in crate::ternary) const fn number(fraction: u8) -> u8 {
    ((243 * fraction as u16) >> 8) as u8
}

/// Whether a number gives this fraction.
pub(in crate::ternary) const fn is_canonical(x: u8) -> bool {
    fraction(number(x)) == x
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fractions_are_numbers_and_digits() {
        for v in 0..243 {
            assert!(is_canonical(fraction(v)));
            assert_eq!(number(fraction(v)), v);
        }
        for x in 0..=255 {
            let v: u8 = codes(x).iter().zip(POWERS).map(|(code, power)| code * power).sum();
            assert_eq!(v, number(x), "{x}");
        }
        assert_eq!((0..=255).filter(|&x| is_canonical(x)).count(), 243);
    }
}
