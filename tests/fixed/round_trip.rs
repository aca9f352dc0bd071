//! Any values, there and back.

use barewire::prelude::*;
use barewire::wire::{AlignedBuf, FixedType, Writer, from_message, to_message, view_message, view_message_mut};
use proptest::prelude::*;

use crate::types::*;

fn both_ways<T: FixedType + Clone + PartialEq + std::fmt::Debug>(values: Vec<T>) {
    let index = Index::new();
    let (slots, columns) = (Slots::from_vec(values.clone()), Columns::from_vec(values.clone()));
    let (mut in_slots, mut in_columns) = (to_message(&slots), to_message(&columns));
    assert!(from_message::<Slots<T>>(&in_slots).unwrap() == values);
    assert!(from_message::<Columns<T>>(&in_columns).unwrap() == values);
    assert!(view_message::<Slots<T>>(&in_slots, &index).unwrap() == values);
    assert!(view_message::<Columns<T>>(&in_columns, &index).unwrap() == values);
    assert!(slots == columns);

    // straight from the values, over octets of an older message
    let old = || AlignedBuf::copy_from(&vec![0xee; in_slots.len().max(in_columns.len()) + 100]);
    let (mut w, mut v) = (Writer::into_buf(old()), Writer::into_buf(old()));
    Slots::encode_slice(&values, &mut w);
    Columns::encode_slice(&values, &mut v);
    assert_eq!(w.finish(), in_slots);
    assert_eq!(v.finish(), in_columns);

    // element by element in place, from other values
    let reversed: Vec<T> = values.iter().rev().cloned().collect();
    let mut lent = view_message_mut::<Slots<T>>(&mut in_slots).unwrap();
    reversed.iter().enumerate().for_each(|(i, value)| lent.set_variant(i, value).unwrap());
    let mut lent = view_message_mut::<Columns<T>>(&mut in_columns).unwrap();
    reversed.iter().enumerate().for_each(|(i, value)| lent.set_variant(i, value).unwrap());
    assert_eq!(in_slots, to_message(&Slots::from_vec(reversed.clone())));
    assert_eq!(in_columns, to_message(&Columns::from_vec(reversed)));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn neurons(values in prop::collection::vec(neuron(), 0..200)) {
        both_ways(values);
    }

    #[test]
    fn everything(values in prop::collection::vec(rich(), 0..70)) {
        both_ways(values);
    }

    #[test]
    fn structs(values in prop::collection::vec((-1e9..1e9, any::<u16>()), 0..70)) {
        both_ways(values.into_iter().map(|(x, y)| Point { x, y }).collect());
    }
}

/// The counts around which lengths take another octet, and blocks end.
#[test]
fn counts_around_the_edges() {
    for n in [0, 1, 2, 63, 64, 65, 127, 128, 129, 16_383, 16_384] {
        both_ways((0..n).map(|i| if i % 5 == 0 { Kernel::Exp } else { Kernel::Alpha }).collect());
        both_ways((0..n).map(|i| Point { x: i as f64, y: i as u16 }).collect());
    }
}

/// NaNs are numbers like others: their bits are kept.
#[test]
fn nans_pass_through() {
    for bits in [0x7fc0_0000, 0x7f80_0001, 0xffff_ffff, 0x7fa0_dead] {
        let neuron = Neuron::Izhikevich { a: f32::from_bits(bits), b: 0.0, c: f32::from_bits(bits), d: 1.0 };
        let columns = Columns::from_vec(vec![neuron.clone()]);
        let slots = Slots::from_vec(vec![neuron]);
        for found in [
            from_message::<Columns<Neuron>>(&to_message(&columns)).unwrap().value(0),
            from_message::<Slots<Neuron>>(&to_message(&slots)).unwrap().value(0),
        ] {
            let Some(Neuron::Izhikevich { a, c, .. }) = found else { panic!("{found:?}") };
            assert_eq!((a.to_bits(), c.to_bits()), (bits, bits));
        }
    }
}
