//! Underflow, overflow, NaN and infinity.

use crate::bounds::bounds;
use crate::case::{ALL, Case, Options, shape};
use crate::common::{assert_within, for_each_isa};
use barewire_kernels::Scratch;

#[test]
fn decay_underflows_to_zero() {
    let options = Options { softplus: false, ..ALL };
    let mut case = Case::new(shape(1, 2, 20, 16), options, 1.0, 13);
    case.dt.fill(1.0);
    case.dt_bias.fill(0.0);
    case.x.fill(0.0);
    for a in [-110.0, -1e4, -1e30, f32::MIN] {
        case.a.fill(a);
        for_each_isa(|isa| {
            let r = case.run(isa, &mut Scratch::new());
            assert!(r.h.iter().all(|h| *h == 0.0), "{} {a}: {:?}", isa.name(), r.h);
            assert!(r.state.iter().all(|h| *h == 0.0), "{} {a}: {:?}", isa.name(), r.state);
            assert!(r.a.iter().chain(&r.dt).chain(&r.x).all(|v| v.is_finite()), "{} {a}", isa.name());
        });
    }
}

/// A positive exponent is allowed; past the range of f32 it gives infinity.
#[test]
fn growth_overflows_to_infinity() {
    let mut case = Case::new(shape(1, 1, 20, 16), Options { softplus: false, ..ALL }, 1.0, 14);
    case.dt.fill(1.0);
    case.dt_bias.fill(0.0);
    case.h.fill(1.0);
    case.a.fill(100.0);
    for_each_isa(|isa| {
        let r = case.run(isa, &mut Scratch::new());
        assert!(r.h.iter().all(|h| *h == f32::INFINITY), "{}: {:?}", isa.name(), r.h);
    });
    case.a.fill(5.0);
    let expected = case.wide().run();
    let bounds = bounds(&case);
    for_each_isa(|isa| {
        assert_within(isa.name(), &case.run(isa, &mut Scratch::new()).h, &expected.h, &bounds.h);
    });
}

/// NaN and infinity reach what depends on them, and nothing else: not other channels, nor earlier steps.
#[test]
fn nan_and_infinity_reach_what_depends_on_them() {
    let clean = Case::new(shape(1, 9, 37, 3), ALL, 1.0, 15);
    let (t, d) = (4, 21);
    let at = t * 37 + d;
    for bad in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY, f32::from_bits(0x7FC0_0001), f32::from_bits(0xFFFF_FFFF)] {
        for_each_isa(|isa| {
            let before = clean.run(isa, &mut Scratch::new());
            for input in ["x", "dt", "z"] {
                let mut case = clean.clone();
                let hit = match input {
                    "x" => &mut case.x,
                    "dt" => &mut case.dt,
                    _ => &mut case.z,
                };
                hit[at] = bad;
                let r = case.run(isa, &mut Scratch::new());
                let what = format!("{} {input} {bad}", isa.name());
                if !(bad == f32::NEG_INFINITY && input != "x") {
                    assert!(!r.y[at].is_finite(), "{what}: {}", r.y[at]);
                }
                for i in (0..r.y.len()).filter(|i| i % 37 != d || *i < at) {
                    assert_eq!(r.y[i].to_bits(), before.y[i].to_bits(), "{what} {i}");
                }
                for i in (0..r.x.len()).filter(|i| i % 37 != d) {
                    assert_eq!(r.x[i].to_bits(), before.x[i].to_bits(), "{what} x_cot {i}");
                }
            }
        });
    }
}
