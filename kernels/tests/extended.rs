//! The 80-bit format: conversions against those of the machine's `f64`, sums against integers, bit by bit.

use barewire_kernels::KernelError;
use barewire_kernels::extended::{self, F80, reference};

/// Random bits: SplitMix64.
struct Bits(u64);

impl Bits {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let z = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// Any float of exponents that meet often.
    fn float(&mut self) -> f32 {
        let bits = self.next();
        let exponent = 127 + (bits >> 40) as i32 % 40 - 20;
        f32::from_bits((bits as u32 & 0x807f_ffff) | (exponent as u32) << 23)
    }

    /// Any number of the format, small exponents and the ends of the range among them.
    fn number(&mut self) -> F80 {
        let (bits, kind) = (self.next(), self.next());
        let sign = (kind as u16) & 0x8000;
        let exponent = match kind % 8 {
            0 => (kind >> 8) as u16 % 70,
            1 => 0x7ffe - (kind >> 8) as u16 % 70,
            2 => return F80::from_parts(sign, bits >> 1),
            _ => 16383 + (kind >> 8) as u16 % 140,
        };
        if exponent == 0 { F80::from_parts(sign, bits >> 1) } else { F80::from_parts(sign | exponent, bits | 1 << 63) }
    }
}

/// Whether this build has the arithmetic; elsewhere every call must say that it has not.
fn available() -> bool {
    let there = cfg!(target_arch = "x86_64");
    let calls = [
        extended::sum(&[1.0]).map(drop),
        extended::accumulate(&mut [F80::default()], &[1.0]),
        extended::add(&mut [F80::default()], &[F80::default()]),
    ];
    for call in calls {
        match call {
            Ok(()) => assert!(there),
            Err(error) => {
                assert!(!there && matches!(error, KernelError::Unavailable { .. }));
                assert!(error.to_string().contains("x86-64"), "{error}");
            }
        }
    }
    if !there {
        println!("no 80-bit arithmetic here: only that it is refused was tested");
    }
    there
}

#[test]
fn what_needs_61_bits_is_recovered() {
    let tiny = (-60_f32).exp2();
    if available() {
        let mut acc = [F80::from(1.0)];
        extended::accumulate(&mut acc, &[tiny]).unwrap();
        assert_eq!(acc[0].to_bytes(), [8, 0, 0, 0, 0, 0, 0, 0x80, 0xff, 0x3f]);
        extended::accumulate(&mut acc, &[-1.0]).unwrap();
        assert_eq!(acc[0], F80::from(tiny));
        // and 2^-64 is a tie, which goes to the even neighbour
        let mut tie = [F80::from(1.0)];
        extended::accumulate(&mut tie, &[(-64_f32).exp2()]).unwrap();
        assert_eq!(tie[0], F80::from(1.0));
    }
}

#[test]
fn sums_have_the_bits_of_integer_arithmetic() {
    if !available() {
        return;
    }
    let mut bits = Bits(1);
    for n in (0..70).chain([1001, 4096]) {
        let values: Vec<f32> = (0..n).map(|_| bits.float()).collect();
        assert_eq!(extended::sum(&values).unwrap(), reference::sum(&values), "{n} numbers");
        let mut acc: Vec<F80> = (0..n).map(|_| bits.number()).collect();
        let want: Vec<F80> = acc.iter().zip(&values).map(|(a, x)| reference::plus(*a, F80::from(*x))).collect();
        extended::accumulate(&mut acc, &values).unwrap();
        assert_eq!(acc, want, "{n} numbers");
    }
    let (a, b): (Vec<F80>, Vec<F80>) = (0..20_000).map(|_| (bits.number(), bits.number())).unzip();
    let mut sums = a.clone();
    extended::add(&mut sums, &b).unwrap();
    for ((a, b), sum) in a.iter().zip(&b).zip(&sums) {
        assert_eq!(*sum, reference::plus(*a, *b), "{a:?} + {b:?}");
    }
}

#[test]
fn specials_are_those_of_the_format() {
    let [one, inf] = [1.0, f32::INFINITY].map(F80::from);
    let nan = F80::from_parts(0xffff, 3 << 62);
    // an exponent without the leading bit is no number
    let unnormal = F80::from_parts(16383, 1);
    let huge = F80::from_parts(0x7ffe, u64::MAX);
    let minus = |x: F80| F80::from_parts(x.sign_and_exponent() ^ 0x8000, x.significand());
    let cases = [
        (inf, one, inf),
        (minus(inf), minus(inf), minus(inf)),
        (inf, minus(inf), nan),
        (unnormal, one, nan),
        (huge, huge, inf),
        (one, minus(one), F80::default()),
        (minus(F80::default()), minus(F80::default()), minus(F80::default())),
        (minus(F80::default()), F80::default(), F80::default()),
    ];
    for (a, b, want) in cases {
        assert_eq!(reference::plus(a, b), want, "{a:?} + {b:?}");
        if available() {
            let mut sum = [a];
            extended::add(&mut sum, &[b]).unwrap();
            assert_eq!(sum[0], want, "{a:?} + {b:?}");
        }
    }
    assert_eq!((huge.to_f64(), minus(huge).to_f32()), (f64::INFINITY, f32::NEG_INFINITY));
    assert!(unnormal.to_f64().is_nan() && nan.to_f64().is_nan() && F80::from_f64(f64::NAN).to_f64().is_nan());
}

#[test]
fn every_double_survives_and_rounding_is_to_nearest() {
    let mut bits = Bits(2);
    let edges = [0.0, -0.0, f64::MIN_POSITIVE, 5e-324, f64::MAX, f64::NEG_INFINITY, 1.0, -0.1];
    for x in edges.into_iter().chain((0..20_000).map(|_| f64::from_bits(bits.next()))) {
        if !x.is_nan() {
            assert_eq!(F80::from_f64(x).to_f64().to_bits(), x.to_bits(), "{x:e}");
            // a double is rounded to a float once
            assert_eq!(F80::from_f64(x).to_f32().to_bits(), (x as f32).to_bits(), "{x:e}");
        }
    }
    // halfway between 1 and its neighbour, and one bit of the format to each side of it
    let near = |significand: u64| F80::from_parts(16383, 1 << 63 | significand).to_f64();
    let next = 1.0 + f64::EPSILON;
    assert_eq!([near((1 << 10) - 1), near(1 << 10), near((1 << 10) + 1)], [1.0, 1.0, next]);
    assert_eq!(near(3 << 10), 1.0 + 2.0 * f64::EPSILON);
    // halfway of the smallest subnormal: 2^-1075, and a little more
    let least = |significand: u64| F80::from_parts(16383 - 1075, significand).to_f64();
    assert_eq!([least(1 << 63), least(1 << 63 | 1)], [0.0, 5e-324]);
}

#[test]
fn lengths_are_checked() {
    let mut acc = [F80::default(); 2];
    for error in [extended::accumulate(&mut acc, &[1.0]), extended::add(&mut acc, &[F80::default()])] {
        assert!(matches!(error, Err(KernelError::Length { expected: 2, found: 1, .. })));
    }
}
