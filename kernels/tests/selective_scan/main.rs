//! The selective scan on every instruction set against its f64 reference, and the reference's gradient
//! against central differences.

#[path = "../common/mod.rs"]
mod common;

mod bounds;
mod case;
mod cuts;
mod lengths;
mod special;

use barewire_kernels::Scratch;
use barewire_kernels::selective_scan::Shape;
use bounds::check;
use case::{ALL, Case, every_option, shape};
use common::for_each_isa;

fn shapes() -> Vec<Shape> {
    let mut shapes = vec![shape(2, 33, 33, 16), shape(1, 40, 130, 3), shape(1, 140, 17, 5), shape(1, 3, 320, 4)];
    shapes.extend([1, 2, 7, 16, 31, 32, 63, 64, 65].map(|d_inner| shape(1, 5, d_inner, 7)));
    shapes.extend([1, 2, 3, 4, 5, 8, 15, 17, 33, 64, 128].map(|d_state| shape(1, 3, 19, d_state)));
    shapes.extend([1, 2, 31, 32, 33, 64, 97].map(|seq_len| shape(1, seq_len, 9, 6)));
    shapes.push(shape(5, 2, 3, 2));
    shapes
}

#[test]
fn every_shape_matches_the_reference() {
    let mut scratch = Scratch::new();
    for (i, shape) in shapes().into_iter().enumerate() {
        let case = Case::new(shape, ALL, 1.0, i as u64);
        let expected = case.wide().run();
        for_each_isa(|isa| {
            check(&format!("{} {shape:?}", isa.name()), &case.run(isa, &mut scratch), &case, &expected);
        });
    }
}

#[test]
fn every_option_matches_the_reference() {
    let mut scratch = Scratch::new();
    for options in every_option() {
        let case = Case::new(shape(2, 35, 21, 3), options, 1.0, 11);
        let expected = case.wide().run();
        for_each_isa(|isa| {
            check(&format!("{} {options:?}", isa.name()), &case.run(isa, &mut scratch), &case, &expected);
        });
    }
}

/// Time steps from 1e-8 to 18, so that decays underflow and both tails of softplus are reached.
#[test]
fn wide_time_steps_match_the_reference() {
    let mut scratch = Scratch::new();
    for d_state in [5, 16, 32] {
        let case = Case::new(shape(1, 67, 40, d_state), ALL, 18.0, 12);
        let expected = case.wide().run();
        for_each_isa(|isa| {
            check(&format!("{} wide {d_state}", isa.name()), &case.run(isa, &mut scratch), &case, &expected);
        });
    }
}

#[test]
fn the_reference_gradient_is_that_of_central_differences() {
    for options in every_option() {
        let case = Case::new(shape(2, 4, 3, 2), options, 3.0, 16).wide();
        let gradient = case.run();
        type Field = fn(&mut Case<f64>) -> &mut Vec<f64>;
        let fields: [(&str, Field, &[f64], bool); 9] = [
            ("x", |c| &mut c.x, &gradient.x, true),
            ("dt", |c| &mut c.dt, &gradient.dt, true),
            ("z", |c| &mut c.z, &gradient.z, options.z),
            ("a", |c| &mut c.a, &gradient.a, true),
            ("b", |c| &mut c.b, &gradient.b, true),
            ("c", |c| &mut c.c, &gradient.c, true),
            ("d", |c| &mut c.d, &gradient.d, options.d),
            ("dt_bias", |c| &mut c.dt_bias, &gradient.dt_bias, options.dt_bias),
            ("h", |c| &mut c.h, &gradient.state, true),
        ];
        for (name, field, gradient, _) in fields.into_iter().filter(|f| f.3) {
            for (i, found) in gradient.iter().enumerate() {
                let at = |delta: f64| {
                    let mut moved = case.clone();
                    field(&mut moved)[i] += delta;
                    moved.objective()
                };
                let step = 1e-4;
                // Fourth order: the error is of the size of step^4.
                let slope = (8.0 * (at(step) - at(-step)) - (at(2.0 * step) - at(-2.0 * step))) / (12.0 * step);
                assert!((found - slope).abs() < 1e-9 * (1.0 + slope.abs()), "{options:?} {name}[{i}]: {found} {slope}");
            }
        }
    }
}

#[test]
fn empty_extents() {
    for shape in [shape(0, 3, 4, 2), shape(2, 0, 4, 2), shape(2, 3, 0, 2), shape(2, 3, 40, 0), shape(0, 0, 0, 0)] {
        let case = Case::new(shape, ALL, 1.0, 23);
        let expected = case.wide().run();
        for_each_isa(|isa| {
            check(&format!("{} {shape:?}", isa.name()), &case.run(isa, &mut Scratch::new()), &case, &expected);
        });
    }
}
