//! Octets that are no values: an error with a place, never a panic, never another value.

use barewire::prelude::*;
use barewire::wire::{
    AlignedBuf, DecodeError, Reader, from_foreign_message, from_message, to_message, view_message, view_message_mut,
};

use crate::types::*;

/// The value, if nothing at all is wrong with the octets.
fn full<T: Wire>(octets: &[u8]) -> Result<T, DecodeError> {
    let mut r = Reader::new(octets).with_payload_checks();
    let value = T::decode(&mut r)?;
    r.finish()?;
    Ok(value)
}

/// Reading by copying, viewing and lending agree.
fn agree<T: Wire>(octets: &mut [u8]) -> Result<T, DecodeError> {
    let (copied, index) = (from_message::<T>(octets), Index::new());
    let viewed = view_message::<T>(octets, &index).map(drop);
    assert_eq!(copied.as_ref().map(drop).map_err(Clone::clone), viewed);
    assert_eq!(viewed, view_message_mut::<T>(octets).map(drop));
    copied
}

fn sweep<T: Wire>(value: &T) {
    let message = to_message(value);
    let mut octets = AlignedBuf::copy_from(&message);
    assert_eq!(full::<T>(&octets).map(|value| to_message(&value)), Ok(message.clone()));
    for i in 0..message.len() {
        for other in [message[i] ^ 1, message[i] ^ 0x80, message[i].wrapping_add(1)] {
            if other == message[i] {
                continue;
            }
            octets[i] = other;
            let found = agree::<T>(&mut octets);
            match full::<T>(&octets) {
                // another value, written as that value is
                Ok(value) => assert_eq!(to_message(&value), octets, "octet {i}"),
                Err(error) => assert!(error.offset() <= message.len() as u64, "octet {i}: {error}"),
            }
            if let Ok(value) = found {
                // whatever it is, it can be looked at and written
                drop(to_message(&value));
            }
            octets[i] = message[i];
        }
    }
    for n in 0..message.len() {
        let mut cut = AlignedBuf::copy_from(&message[..n]);
        assert!(agree::<T>(&mut cut).is_err(), "{n} octets");
    }
    let mut longer = AlignedBuf::copy_from(&message);
    longer.extend_from_slice(&[0]);
    assert!(agree::<T>(&mut longer).is_err());
}

#[test]
fn every_octet_changed_and_every_length_cut() {
    sweep(&Slots::from_vec(some_neurons()));
    sweep(&Columns::from_vec(some_neurons()));
    sweep(&Slots::from_vec(some_rich()));
    sweep(&Columns::from_vec(some_rich()));
    sweep(&Columns::from_vec(vec![Point { x: 1.0, y: 2 }]));
    sweep(&Slots::<Neuron>::new());
    sweep(&Columns::<Rich>::new());
}

fn error_after<T: Wire>(value: &T, at: usize, octet: u8) -> String {
    let mut octets = to_message(value);
    octets[at] = octet;
    agree::<T>(&mut octets).map(drop).unwrap_err().to_string()
}

#[test]
fn tags_are_checked_and_named() {
    let (slots, columns) = (Slots::from_vec(some_neurons()), Columns::from_vec(some_neurons()));
    let known = "expected a tag of `Neuron` (0 Lif, 1 Izhikevich, 7 Silent)";
    assert_eq!(error_after(&slots, 64 + 3 * 20, 2), format!("at `[3]`, octet 124: {known}, found 2"));
    assert_eq!(error_after(&columns, 64 + 3, 6), format!("at `[3]`, octet 67: {known}, found 6"));
    assert_eq!(error_after(&columns, 64, 0xff), format!("at `[0]`, octet 64: {known}, found 255"));
    // the first of two is reported, and past the first block too
    let many: Vec<Neuron> = (0..20_000).map(|_| Neuron::Silent).collect();
    let mut message = to_message(&Columns::from_vec(many));
    let tags = 64;
    (message[tags + 19_998], message[tags + 19_999]) = (3, 4);
    assert_eq!(agree::<Columns<Neuron>>(&mut message).unwrap_err().path(), "[19998]");
}

#[test]
fn retired_tags_are_refused_and_called_retired() {
    let known = "expected a tag of `Rich` (0 Numbers, 5 Nested, 6 Pair, 100 Empty, 101 Two, 127 Alone)";
    for (tag, found) in [(2, "2, which is retired"), (9, "9, which is retired"), (3, "3")] {
        let slots = error_after(&Slots::from_vec(some_rich()), 64, tag);
        assert_eq!(slots, format!("at `[0]`, octet 64: {known}, found {found}"));
        let columns = error_after(&Columns::from_vec(some_rich()), 64, tag);
        assert_eq!(columns, format!("at `[0]`, octet 64: {known}, found {found}"));
        let plain = from_message::<Rich>(&[tag, 0]).unwrap_err().to_string();
        assert_eq!(plain, format!("at octet 0: {known}, found {found}"));
    }
}

#[test]
fn what_is_inside_is_checked_where_it_is_used() {
    let slots = Slots::from_vec(some_rich());
    let octets = to_message(&slots);
    let size = slots.as_view().octets().len() / 7;
    // the kernel of element 1 stands behind its tag
    assert_eq!(octets[64 + size + 1], 3);
    let message = error_after(&slots, 64 + size + 1, 1);
    assert_eq!(
        message,
        format!("at `[1].Nested.kernel`, octet {}: expected a tag of `Kernel` (2 Exp, 3 Alpha), found 1", 65 + size)
    );
    assert_eq!(
        error_after(&slots, 64 + 5 * size + 1, 2),
        format!("at `[5].Alone`, octet {}: expected 0 or 1 as a bool, found 2", 65 + 5 * size)
    );
    let columns = Columns::from_vec(some_rich());
    let message = to_message(&columns);
    // tags, then the first column of tags inside: the kernel of elements 1, 2, 6 and others' curves
    let inside = 128;
    assert_eq!(message[inside..inside + 7], [0, 3, 2, 0, 2, 0, 2]);
    let error = error_after(&columns, inside + 1, 1);
    assert_eq!(error, "at `[1].Nested.kernel`, octet 129: expected a tag of `Kernel` (2 Exp, 3 Alpha), found 1");
    // where the variant has no such field, any octet passes the structural check, and the full one refuses it
    let mut octets = AlignedBuf::copy_from(&message);
    octets[inside] = 77;
    assert_eq!(agree::<Columns<Rich>>(&mut octets).unwrap(), some_rich());
    assert_eq!(
        full::<Columns<Rich>>(&octets).unwrap_err().to_string(),
        "at `[0]`, octet 128: expected a zero where the variant has no field, found 0x4d"
    );
    let mut octets = to_message(&slots);
    octets[64 + 3 * size + 9] = 1;
    assert_eq!(agree::<Slots<Rich>>(&mut octets).unwrap(), some_rich());
    let error = full::<Slots<Rich>>(&octets).unwrap_err();
    assert_eq!((error.path(), error.offset()), ("[3]".into(), (64 + 3 * size + 9) as u64));
}

#[test]
fn columns_have_one_length_and_counts_fit() {
    let columns = Columns::from_vec(some_neurons());
    let at = |path: &str, error: String| assert!(error.starts_with(&format!("at `{path}`")), "{error}");
    // the count of the second column
    at("f32_columns[0]", error_after(&columns, 127, 4));
    at("f32_columns[0]", error_after(&columns, 63, 6));
    at("f32_columns[3]", error_after(&columns, 319, 9));
    for count in [&[0xff; 9][..], &[0xff, 0xff, 0xff, 0xff, 0x0f]] {
        let mut octets = AlignedBuf::copy_from(&[0; 64]);
        let pad = 63 - count.len();
        octets[0] = pad as u8;
        octets.resize(1 + pad);
        octets.extend_from_slice(count);
        octets.extend_from_slice(&[1, 0, 0, 0]);
        for error in [
            agree::<Slots<Neuron>>(&mut octets).map(drop).unwrap_err(),
            agree::<Columns<Neuron>>(&mut octets).map(drop).unwrap_err(),
        ] {
            assert!(error.expected().contains("a count of at most"), "{error}");
        }
    }
}

/// Other BARE writers need not know of pads.
#[test]
fn foreign_pads_are_read_by_copying() {
    let mut octets = vec![0, 1];
    octets.extend_from_slice(&to_message(&Slots::from_vec(some_neurons()))[64..84]);
    assert!(from_message::<Slots<Neuron>>(&octets).is_err());
    assert_eq!(from_foreign_message::<Slots<Neuron>>(&octets).unwrap(), some_neurons()[..1]);
    let mut octets = vec![2, 9, 9, 1, 0];
    for number in [1.0f32, 0.5, 2.0, 0.0] {
        octets.extend_from_slice(&[0, 1]);
        octets.extend_from_slice(&number.to_le_bytes());
    }
    assert_eq!(from_foreign_message::<Columns<Neuron>>(&octets).unwrap(), some_neurons()[..1]);
}

#[test]
fn a_place_in_memory_that_is_no_multiple_is_refused() {
    let message = to_message(&Slots::from_vec(some_neurons()));
    let mut shifted = AlignedBuf::copy_from(&[0; 8]);
    shifted.extend_from_slice(&message);
    let error = view_message::<Slots<Neuron>>(&shifted[8..], &Index::new()).unwrap_err();
    assert!(error.expected().starts_with("a message at a multiple of 64 in memory"), "{error}");
    assert_eq!(from_message::<Slots<Neuron>>(&shifted[8..]).unwrap(), some_neurons());
}
