//! Each operation on each instruction set against plain Rust.

use super::*;

/// Numbers of every kind, a whole number of vectors of them.
const SAMPLE: [f32; 32] = [
    0.0,
    -0.0,
    1.0,
    -1.0,
    0.5,
    1.5,
    2.5,
    -2.5,
    -0.4,
    0.499_999_97,
    1e-40,
    -1e-45,
    f32::MIN_POSITIVE,
    1e-20,
    3.25,
    -7.75,
    1e10,
    -3e10,
    8_388_607.5,
    4_194_303.5,
    16_777_217.0,
    f32::MAX,
    f32::MIN,
    f32::INFINITY,
    f32::NEG_INFINITY,
    f32::NAN,
    12.345,
    -0.001,
    127.0,
    -126.0,
    core::f32::consts::SQRT_2,
    core::f32::consts::FRAC_1_SQRT_2,
];

/// Runs a body on every instruction set.
fn everywhere<K: SimdKernel + Clone>(kernel: K, check: impl Fn(Isa, K::Output)) {
    for isa in Isa::available() {
        check(isa, dispatch(isa, kernel.clone()));
    }
}

/// Equal bits, or both NaN.
fn same(a: f32, b: f32) -> bool {
    a.to_bits() == b.to_bits() || a.is_nan() && b.is_nan()
}

#[derive(Clone)]
struct Unary;

impl SimdKernel for Unary {
    type Output = Vec<[f32; 6]>;

    #[inline(always)]
    fn run<S: Simd>(self, s: S) -> Self::Output {
        let mut out = vec![[0.0; 6]; SAMPLE.len()];
        for at in (0..SAMPLE.len()).step_by(S::LANES) {
            let a = s.load(&SAMPLE[at..]);
            let (m, e) = s.split_exponent(a);
            let results = [s.sqrt(a), s.abs(a), s.round(a), m, e, s.scale(a, s.splat(-3.0))];
            for (k, v) in results.into_iter().enumerate() {
                let mut lanes = [0.0; 16];
                s.store(&mut lanes, v);
                for l in 0..S::LANES {
                    out[at + l][k] = lanes[l];
                }
            }
        }
        out
    }
}

#[test]
fn unary_operations() {
    everywhere(Unary, |isa, out| {
        for (a, [sqrt, abs, round, m, e, scaled]) in SAMPLE.into_iter().zip(out) {
            let what = format!("{} {a}", isa.name());
            assert!(same(sqrt, a.sqrt()), "{what}: {sqrt}");
            assert!(same(abs, a.abs()), "{what}: {abs}");
            assert!(same(round, a.round_ties_even()), "{what}: {round}");
            assert!(same(scaled, a * 0.125) || a.abs() < 1e-37, "{what}: {scaled}");
            if a.is_finite() && a >= f32::MIN_POSITIVE {
                assert_eq!(f64::from(m) * f64::from(e).exp2(), f64::from(a), "{what}: {m} {e}");
                assert!((0.707..1.4143).contains(&m), "{what}: {m}");
            }
        }
    });
}

#[derive(Clone)]
struct Binary(f32);

impl SimdKernel for Binary {
    type Output = Vec<[f32; 13]>;

    #[inline(always)]
    fn run<S: Simd>(self, s: S) -> Self::Output {
        let mut out = vec![[0.0; 13]; SAMPLE.len()];
        let b = s.splat(self.0);
        let (yes, no) = (s.splat(1.0), s.splat(2.0));
        for at in (0..SAMPLE.len()).step_by(S::LANES) {
            let a = s.load(&SAMPLE[at..]);
            let any = |m| s.splat(f32::from(u8::from(s.any(m))));
            let results = [
                s.add(a, b),
                s.sub(a, b),
                s.mul(a, b),
                s.div(a, b),
                s.max(a, b),
                s.min(a, b),
                s.copysign(a, b),
                s.select(s.lt(a, b), yes, no),
                s.select(s.le(a, b), yes, no),
                s.select(s.eq(a, b), yes, no),
                any(s.eq(a, a)),
                s.mul_add(a, b, yes),
                s.neg_mul_add(a, b, yes),
            ];
            for (k, v) in results.into_iter().enumerate() {
                let mut lanes = [0.0; 16];
                s.store(&mut lanes, v);
                for l in 0..S::LANES {
                    out[at + l][k] = lanes[l];
                }
            }
        }
        out
    }
}

#[test]
fn binary_operations() {
    let one_if = |m: bool| if m { 1.0 } else { 2.0 };
    for b in SAMPLE {
        everywhere(Binary(b), |isa, out| {
            for (a, out) in SAMPLE.into_iter().zip(out) {
                let expected = [
                    a + b,
                    a - b,
                    a * b,
                    a / b,
                    if a > b { a } else { b },
                    if a < b { a } else { b },
                    a.copysign(b),
                    one_if(a < b),
                    one_if(a <= b),
                    one_if(a == b),
                ];
                for (k, (found, expected)) in out.into_iter().zip(expected).enumerate() {
                    assert!(same(found, expected), "{} operation {k} of {a} and {b}: {found}", isa.name());
                }
                let fused = [a.mul_add(b, 1.0), (-a).mul_add(b, 1.0)];
                let twice = [a * b + 1.0, 1.0 - a * b];
                for k in 0..2 {
                    let found = out[11 + k];
                    assert!(same(found, fused[k]) || same(found, twice[k]), "{} {a} {b}: {found}", isa.name());
                }
            }
        });
    }
}

#[derive(Clone)]
struct Parts(usize);

impl SimdKernel for Parts {
    type Output = ([f32; 16], [f32; 16], f32);

    #[inline(always)]
    fn run<S: Simd>(self, s: S) -> Self::Output {
        let x: [f32; 16] = core::array::from_fn(|i| (i + 1) as f32);
        let part = s.load_part(&x[..self.0]);
        let (mut whole, mut stored) = ([0.0; 16], [9.0; 16]);
        s.store(&mut whole, part);
        s.store_part(&mut stored[..self.0], s.load(&x));
        s.prefetch(&x, 1 << 20);
        (whole, stored, s.sum(s.load(&x)))
    }
}

#[test]
fn parts_touch_no_more_than_they_should() {
    for len in 0..=16 {
        everywhere(Parts(len), |isa, (whole, stored, _)| {
            let lanes = match isa.name() {
                "avx512" => 16,
                "neon" => 4,
                _ => 8,
            };
            for i in 0..16 {
                let used = if i < len.min(lanes) { (i + 1) as f32 } else { 0.0 };
                assert_eq!(whole[i], used, "{} {len}", isa.name());
                let kept = if i < len.min(lanes) { (i + 1) as f32 } else { 9.0 };
                assert_eq!(stored[i], kept, "{} {len}", isa.name());
            }
        });
    }
    everywhere(Parts(0), |isa, (.., sum)| {
        let lanes = if isa.name() == "avx512" {
            16.0
        } else if isa.name() == "neon" {
            4.0
        } else {
            8.0
        };
        assert_eq!(sum, lanes * (lanes + 1.0) / 2.0, "{}", isa.name());
    });
}

#[derive(Clone)]
struct Transpose;

impl SimdKernel for Transpose {
    type Output = (usize, [[f32; 16]; 16]);

    #[inline(always)]
    fn run<S: Simd>(self, s: S) -> Self::Output {
        let mut x = [s.splat(-1.0); 16];
        for (i, x) in x.iter_mut().enumerate() {
            *x = s.load(&core::array::from_fn::<f32, 16, _>(|j| (16 * i + j) as f32));
        }
        s.transpose(&mut x);
        let mut out = [[0.0; 16]; 16];
        for (out, x) in out.iter_mut().zip(x) {
            s.store(out, x);
        }
        (S::LANES, out)
    }
}

#[test]
fn squares_are_transposed() {
    everywhere(Transpose, |isa, (lanes, out)| {
        for i in 0..16 {
            for j in 0..lanes {
                let expected = if i < lanes { 16 * j + i } else { 16 * i + j };
                assert_eq!(out[i][j], expected as f32, "{} {i} {j}", isa.name());
            }
        }
    });
}

#[derive(Clone)]
struct Functions(Vec<f32>);

impl SimdKernel for Functions {
    type Output = Vec<[f32; 4]>;

    #[inline(always)]
    fn run<S: Simd>(self, s: S) -> Self::Output {
        let mut out = vec![[0.0; 4]; self.0.len()];
        for (at, x) in self.0.chunks(S::LANES).enumerate() {
            let x = s.load_part(x);
            // `exp2` is for finite numbers.
            let low = s.max(s.splat(-1e30), s.min(s.splat(0.0), x));
            let results = [math::exp(s, x), math::Exp2::new(s).of(s, low), math::softplus(s, x), math::sigmoid(s, x)];
            for (k, v) in results.into_iter().enumerate() {
                let mut lanes = [0.0; 16];
                s.store(&mut lanes, v);
                for (out, lane) in out[at * S::LANES..].iter_mut().zip(lanes).take(S::LANES) {
                    out[k] = lane;
                }
            }
        }
        out
    }
}

#[test]
fn functions_hold_their_bounds() {
    let x: Vec<f32> = (-180_000..180_000).map(|i| i as f32 * 5e-4).collect();
    everywhere(Functions(x.clone()), |isa, out| {
        let mut worst = [0.0f64; 4];
        for (x, out) in x.iter().zip(out) {
            let x = f64::from(*x);
            let exact = [x.exp(), x.min(0.0).exp2(), x.max(0.0) + (-x.abs()).exp().ln_1p(), 1.0 / (1.0 + (-x).exp())];
            for k in 0..4 {
                let rounded = exact[k] as f32;
                if rounded.abs() < f32::MIN_POSITIVE || rounded.is_infinite() {
                    continue;
                }
                let ulp = f64::from(f32::from_bits(rounded.to_bits() + 1)) - f64::from(rounded);
                worst[k] = worst[k].max((f64::from(out[k]) - exact[k]).abs() / ulp);
            }
        }
        println!("{}: worst errors of exp, exp2, softplus, sigmoid in ulp: {worst:?}", isa.name());
        assert!(worst.iter().all(|w| *w < 3.0), "{} {worst:?}", isa.name());
    });
    let edges = vec![f32::NAN, f32::INFINITY, f32::NEG_INFINITY, -200.0, 200.0, 0.0, -100.0, 1e-30];
    everywhere(Functions(edges), |isa, out| {
        let name = isa.name();
        assert!(out[0].iter().all(|v| v.is_nan()), "{name}: {:?}", out[0]);
        assert_eq!(out[1], [f32::INFINITY, 1.0, f32::INFINITY, 1.0], "{name}");
        assert_eq!(out[2], [0.0, 0.0, 0.0, 0.0], "{name}");
        assert_eq!([out[3][0], out[3][1]], [0.0, 0.0], "{name}");
        assert_eq!(out[4], [f32::INFINITY, 1.0, 200.0, 1.0], "{name}");
        assert_eq!(out[5][0], 1.0, "{name}");
        assert!(out[6][0] > 0.0, "{name}: subnormal results are kept");
    });
}

/// A result of every operation on three numbers, and its bits.
#[inline(always)]
fn every_operation<S: Simd>(s: S, a: S::F, b: S::F, c: S::F) -> [S::F; 28] {
    let (m, e) = s.split_exponent(a);
    let few = s.clamp_exponent(b);
    let select = |m| s.select(m, a, b);
    [
        s.add(a, b),
        s.sub(a, b),
        s.mul(a, b),
        s.div(a, b),
        s.sqrt(a),
        s.mul_add(a, b, c),
        s.neg_mul_add(a, b, c),
        s.neg_fused(a, b, c),
        s.max(a, b),
        s.min(a, b),
        s.abs(a),
        s.copysign(a, b),
        s.round(a),
        s.scale(a, s.splat(3.0)),
        few,
        s.scale_exponent(s.splat(1.0), s.splat(-5.0)),
        m,
        e,
        select(s.lt(a, b)),
        select(s.le(a, b)),
        select(s.eq(a, b)),
        s.splat(f32::from(u8::from(s.any(s.eq(a, a))))),
        math::exp(s, a),
        math::ln(s, a),
        math::tanh(s, a),
        math::sigmoid(s, a),
        math::silu(s, a),
        math::softplus(s, a),
    ]
}

/// [`every_operation`] on the sample, side by side and vector by vector; the last one of each by parts.
#[derive(Clone)]
struct SideBySide;

impl SimdKernel for SideBySide {
    type Output = [Vec<[f32; 28]>; 2];

    #[inline(always)]
    fn run<S: Simd>(self, s: S) -> Self::Output {
        [operations(Several::<S, 2>(s)), operations(s)]
    }
}

#[inline(always)]
fn operations<S: Simd>(s: S) -> Vec<[f32; 28]> {
    let mut out = vec![[0.0; 28]; SAMPLE.len()];
    for at in (0..SAMPLE.len()).step_by(S::LANES) {
        let a = s.load(&SAMPLE[at..]);
        let results = every_operation(s, a, s.splat(-1.75), s.load_part(&SAMPLE[at + 3..]));
        for (k, v) in results.into_iter().enumerate() {
            let mut lanes = [7.0; 32];
            s.store(&mut lanes, v);
            let mut part = [7.0; 32];
            s.store_part(&mut part[..3], v);
            assert!(part[3..].iter().all(|v| *v == 7.0) && (0..3).all(|i| same(part[i], lanes[i])));
            for l in 0..S::LANES {
                out[at + l][k] = lanes[l];
            }
        }
    }
    out
}

#[test]
fn vectors_side_by_side_have_the_same_bits() {
    everywhere(SideBySide, |isa, [wide, narrow]| {
        for (i, (wide, narrow)) in wide.iter().zip(&narrow).enumerate() {
            for (k, (wide, narrow)) in wide.iter().zip(narrow).enumerate() {
                assert!(same(*wide, *narrow), "{} operation {k} of {}: {wide} {narrow}", isa.name(), SAMPLE[i]);
            }
        }
    });
}

#[derive(Clone)]
struct Negative(Vec<f32>);

impl SimdKernel for Negative {
    type Output = Vec<[f32; 2]>;

    #[inline(always)]
    fn run<S: Simd>(self, s: S) -> Self::Output {
        let mut out = Vec::new();
        for x in self.0.chunks_exact(16).flat_map(|x| x.chunks_exact(S::LANES)) {
            let x = s.load(x);
            let (mut short, mut long) = ([0.0; 16], [0.0; 16]);
            s.store(&mut short, math::exp_of_negative(s, x));
            s.store(&mut long, math::exp(s, x));
            out.extend(short.into_iter().zip(long).take(S::LANES).map(|(a, b)| [a, b]));
        }
        out
    }
}

/// Subnormal results among them, which begin at -87.3.
#[test]
fn exp_of_negative_has_the_bits_of_exp() {
    let mut x: Vec<f32> = (0..110_000).map(|i| i as f32 * -1e-3).collect();
    x.extend([-0.0, -1e-45, f32::NEG_INFINITY, f32::NAN, f32::MIN, -104.0, -103.97, -103.98]);
    x.resize(x.len().next_multiple_of(16), -1.0);
    everywhere(Negative(x.clone()), |isa, out| {
        for (x, [short, long]) in x.iter().zip(out) {
            assert!(same(short, long), "{} {x}: {short} {long}", isa.name());
        }
    });
}
