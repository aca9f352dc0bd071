//! Values of fixed size that stand in no list of slots or columns: written as any other type is.

use barewire::prelude::*;
use barewire::wire::{
    FixedType, Pads, Types, from_message, schema_text, to_message, value::Value, view_message, view_message_mut,
};

use crate::types::*;

fn alone<T: FixedType + PartialEq + std::fmt::Debug>(values: Vec<T>)
where
    for<'w> T::View<'w, f32>: std::fmt::Debug,
{
    let index = Index::new();
    let types = Types::parse(&schema_text::<T>()).unwrap();
    for value in values {
        let message = to_message(&value);
        assert_eq!(from_message::<T>(&message).unwrap(), value);
        let view = format!("{:?}", view_message::<T>(&message, &index).unwrap());
        assert_eq!(view, format!("{:?}", value.view(&index)));
        // what reads by the schema alone finds the same
        assert_eq!(
            Value::decode(types.root(), &message, Pads::Data).unwrap().encode(types.root(), Pads::Data).unwrap()[..],
            message[..]
        );

        for at in 0..message.len() {
            for change in [1, 2, 0x80, 0xff] {
                let mut octets = message.clone();
                octets[at] ^= change;
                let found = from_message::<T>(&octets);
                let by_schema = Value::decode(types.root(), &octets, Pads::Data);
                assert_eq!(
                    found.is_ok(),
                    by_schema.is_ok(),
                    "{value:?}, octet {at} changed by {change}: {found:?}, {by_schema:?}"
                );
                match &found {
                    Ok(found) => assert_eq!(to_message(found), octets),
                    Err(error) => assert!(error.offset() <= octets.len() as u64),
                }
                let viewed = view_message::<T>(&octets, &index);
                assert_eq!(viewed.err(), found.as_ref().err().cloned());
                assert_eq!(view_message_mut::<T>(&mut octets).err(), found.err());
            }
            let error = from_message::<T>(&message[..at]).unwrap_err();
            assert!(error.found().ends_with("left") || error.found().contains("the end"), "{error}");
            assert_eq!(view_message::<T>(&message[..at], &index).err(), Some(error));
        }
        let mut longer = message.to_vec();
        longer.push(0);
        assert_eq!(from_message::<T>(&longer).unwrap_err().found(), "1 octet");
    }
}

#[test]
fn they_are_written_as_others_are() {
    alone(some_neurons());
    alone(some_rich());
    alone(vec![Point { x: 1.5, y: 9 }]);
    alone(vec![Kernel::Alpha, Kernel::Exp]);
}

#[test]
fn errors_name_the_field() {
    let message = to_message(&some_rich()[1]);
    let error = from_message::<Rich>(&message[..message.len() - 1]).unwrap_err();
    assert_eq!(error.path(), "Nested.curve.Decay");
}

#[test]
fn they_are_changed_in_place() {
    let mut message = to_message(&some_neurons()[0]);
    let NeuronViewMut::Lif { threshold, .. } = view_message_mut::<Neuron>(&mut message).unwrap() else { panic!() };
    threshold.set(7.0);
    assert!(matches!(from_message::<Neuron>(&message).unwrap(), Neuron::Lif { threshold: 7.0, .. }));
}
