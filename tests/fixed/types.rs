//! The types under test.

use barewire::{BareStruct, BareUnion};
use proptest::prelude::*;

/// Four `f32` at most: 17 octets in columns, 20 in a slot.
#[derive(BareUnion, Clone, Debug, PartialEq)]
#[bare(fixed_size)]
pub enum Neuron {
    Lif {
        threshold: f32,
        decay: f32,
        refractory: f32,
    },
    Izhikevich {
        a: f32,
        b: f32,
        c: f32,
        d: f32,
    },
    #[bare(tag = 7)]
    Silent,
}

#[derive(BareUnion, Clone, Copy, Debug, PartialEq)]
#[bare(fixed_size)]
pub enum Kernel {
    #[bare(tag = 2)]
    Exp,
    Alpha,
}

#[derive(BareStruct, Clone, Debug, PartialEq)]
#[bare(fixed_size)]
pub struct Point {
    pub x: f64,
    #[bare(rename = "Y")]
    pub y: u16,
}

#[derive(BareUnion, Clone, Debug, PartialEq)]
#[bare(fixed_size)]
pub enum Curve {
    Flat,
    Decay(f64),
    Table { at: [i16; 3], on: bool },
}

/// Everything at once: every number, gaps and retired tags, structs, unions and enums inside.
#[derive(BareUnion, Clone, Debug, PartialEq)]
#[bare(fixed_size, retired = [2, 9])]
pub enum Rich {
    Numbers {
        a: u8,
        b: i64,
        c: u16,
        d: i8,
        e: f64,
        f: u32,
    },
    #[bare(tag = 5)]
    Nested {
        kernel: Kernel,
        on: bool,
        from: Point,
        curve: Curve,
    },
    Pair([f32; 2], Kernel),
    #[bare(tag = 100)]
    Empty,
    Two {
        first: Curve,
        second: [Curve; 2],
        i: i32,
        u: u64,
    },
    #[bare(tag = 127)]
    Alone(bool),
}

prop_compose! {
    fn number()(bits in any::<u32>()) -> f32 {
        let number = f32::from_bits(bits);
        // equality is what the tests compare with
        if number.is_nan() { 0.5 } else { number }
    }
}

pub fn neuron() -> impl Strategy<Value = Neuron> {
    prop_oneof![
        (number(), number(), number()).prop_map(|(threshold, decay, refractory)| Neuron::Lif {
            threshold,
            decay,
            refractory
        }),
        (number(), number(), number(), number()).prop_map(|(a, b, c, d)| Neuron::Izhikevich { a, b, c, d }),
        Just(Neuron::Silent),
    ]
}

fn kernel() -> impl Strategy<Value = Kernel> {
    prop_oneof![Just(Kernel::Exp), Just(Kernel::Alpha)]
}

fn curve() -> impl Strategy<Value = Curve> {
    prop_oneof![
        Just(Curve::Flat),
        (-1e9..1e9).prop_map(Curve::Decay),
        (any::<[i16; 3]>(), any::<bool>()).prop_map(|(at, on)| Curve::Table { at, on }),
    ]
}

pub fn rich() -> impl Strategy<Value = Rich> {
    prop_oneof![
        (any::<u8>(), any::<i64>(), any::<u16>(), any::<i8>(), -1e9..1e9, any::<u32>())
            .prop_map(|(a, b, c, d, e, f)| Rich::Numbers { a, b, c, d, e, f }),
        (kernel(), any::<bool>(), -1e9..1e9, any::<u16>(), curve())
            .prop_map(|(kernel, on, x, y, curve)| Rich::Nested { kernel, on, from: Point { x, y }, curve }),
        (number(), number(), kernel()).prop_map(|(a, b, kernel)| Rich::Pair([a, b], kernel)),
        Just(Rich::Empty),
        (curve(), curve(), curve(), any::<i32>(), any::<u64>()).prop_map(|(first, a, b, i, u)| Rich::Two {
            first,
            second: [a, b],
            i,
            u
        }),
        any::<bool>().prop_map(Rich::Alone),
    ]
}

/// A few of each variant.
pub fn some_neurons() -> Vec<Neuron> {
    vec![
        Neuron::Lif { threshold: 1.0, decay: 0.5, refractory: 2.0 },
        Neuron::Lif { threshold: 1.5, decay: 0.25, refractory: 3.0 },
        Neuron::Silent,
        Neuron::Izhikevich { a: 0.02, b: 0.2, c: -65.0, d: 8.0 },
        Neuron::Lif { threshold: -0.0, decay: f32::INFINITY, refractory: f32::MIN_POSITIVE },
    ]
}

pub fn some_rich() -> Vec<Rich> {
    vec![
        Rich::Numbers { a: 1, b: -2, c: 3, d: -4, e: 5.5, f: 6 },
        Rich::Nested { kernel: Kernel::Alpha, on: true, from: Point { x: 1.5, y: 9 }, curve: Curve::Decay(2.5) },
        Rich::Pair([1.0, 2.0], Kernel::Exp),
        Rich::Empty,
        Rich::Two {
            first: Curve::Table { at: [1, -2, 3], on: true },
            second: [Curve::Flat, Curve::Table { at: [4, 5, 6], on: false }],
            i: -7,
            u: 8,
        },
        Rich::Alone(true),
        Rich::Nested {
            kernel: Kernel::Exp,
            on: false,
            from: Point { x: -1.0, y: 0 },
            curve: Curve::Table { at: [7, 8, 9], on: true },
        },
    ]
}
