//! What is read and changed, one element at a time.

use barewire::prelude::*;
use barewire::wire::{SetError, from_message, to_message, view_message, view_message_mut};
use barewire::{BareStruct, BareUnion};

use crate::types::*;

/// Runs a test on slots and columns, owned, viewed in a message and lent out; the three have the same methods.
macro_rules! each_form {
    ($values:expr, $ty:ty, |$list:ident| $test:block) => {{
        let values: Vec<$ty> = $values;
        let index = Index::new();
        let (slots, columns) = (Slots::from_vec(values.clone()), Columns::from_vec(values.clone()));
        let (mut in_slots, mut in_columns) = (to_message(&slots), to_message(&columns));
        {
            let $list = &slots;
            $test
        }
        {
            let $list = &columns;
            $test
        }
        {
            let $list = &view_message::<Slots<$ty>>(&in_slots, &index).unwrap();
            $test
        }
        {
            let $list = &view_message::<Columns<$ty>>(&in_columns, &index).unwrap();
            $test
        }
        {
            let $list = &view_message_mut::<Slots<$ty>>(&mut in_slots).unwrap();
            $test
        }
        {
            let $list = &view_message_mut::<Columns<$ty>>(&mut in_columns).unwrap();
            $test
        }
    }};
}

#[test]
fn elements_are_read_by_number() {
    each_form!(some_neurons(), Neuron, |list| {
        assert_eq!(list.len(), 5);
        assert!(!list.is_empty());
        assert_eq!(
            (0..6).map(|i| list.tag(i)).collect::<Vec<_>>(),
            [Some(0), Some(0), Some(7), Some(1), Some(0), None]
        );
        let Some(NeuronView::Izhikevich { a, d, .. }) = list.get(3) else { panic!("{:?}", list.get(3)) };
        assert_eq!((a, d), (0.02, 8.0));
        assert!(list.get(5).is_none() && list.value(5).is_none());
        assert_eq!(list.value(1), Some(some_neurons()[1].clone()));
        assert_eq!(list.iter().map(|view| view.tag()).collect::<Vec<_>>(), [0, 0, 7, 1, 0]);
        assert_eq!(list.iter().rev().len(), 5);
        assert_eq!(list.to_vec(), some_neurons());
        assert_eq!(*list, some_neurons());
        assert_ne!(*list, some_neurons()[1..]);
        assert_eq!(format!("{list:?}"), format!("{:?}", Slots::from_vec(some_neurons())));
    });
    each_form!(Vec::new(), Neuron, |list| {
        assert!(list.is_empty() && list.get(0).is_none() && list.tag(0).is_none() && list.iter().next().is_none());
    });
    each_form!(some_rich(), Rich, |list| {
        assert_eq!(list.to_vec(), some_rich());
        let Some(RichView::Nested { kernel, on, from, curve: CurveView::Decay(rate) }) = list.get(1) else {
            panic!("{:?}", list.get(1))
        };
        assert_eq!((kernel.tag(), on, from.x, from.y, rate), (3, true, 1.5, 9, 2.5));
    });
}

/// Changes one field of each variant of the rich union in place, through any mutable form.
macro_rules! change_fields {
    ($list:expr) => {{
        let list = $list;
        let Some(RichViewMut::Numbers { a, b, f, .. }) = list.get_mut(0) else { panic!() };
        *a = 11;
        b.set(-12);
        f.set(16);
        let Some(RichViewMut::Nested { on, from, curve: CurveViewMut::Decay(rate), .. }) = list.get_mut(1) else {
            panic!()
        };
        *on = false;
        from.x.set(-1.25);
        from.y.set(99);
        rate.set(0.125);
        let Some(RichViewMut::Pair([_, second], _)) = list.get_mut(2) else { panic!() };
        second.set(22.0);
        let Some(RichViewMut::Two { second: [_, CurveViewMut::Table { at, on }], u, .. }) = list.get_mut(4) else {
            panic!()
        };
        at[1].set(-55);
        *on = true;
        u.set(88);
        assert!(list.get_mut(7).is_none());
    }};
}

fn changed() -> Vec<Rich> {
    let mut values = some_rich();
    values[0] = Rich::Numbers { a: 11, b: -12, c: 3, d: -4, e: 5.5, f: 16 };
    values[1] =
        Rich::Nested { kernel: Kernel::Alpha, on: false, from: Point { x: -1.25, y: 99 }, curve: Curve::Decay(0.125) };
    values[2] = Rich::Pair([1.0, 22.0], Kernel::Exp);
    values[4] = Rich::Two {
        first: Curve::Table { at: [1, -2, 3], on: true },
        second: [Curve::Flat, Curve::Table { at: [4, -55, 6], on: true }],
        i: -7,
        u: 88,
    };
    values
}

#[test]
fn fields_are_changed_in_place() {
    let mut slots = Slots::from_vec(some_rich());
    change_fields!(&mut slots);
    assert_eq!(slots, changed());
    let mut columns = Columns::from_vec(some_rich());
    change_fields!(&mut columns);
    assert_eq!(columns, changed());
    let mut message = to_message(&Slots::from_vec(some_rich()));
    change_fields!(&mut view_message_mut::<Slots<Rich>>(&mut message).unwrap());
    assert_eq!(message, to_message(&slots));
    let mut message = to_message(&Columns::from_vec(some_rich()));
    change_fields!(&mut view_message_mut::<Columns<Rich>>(&mut message).unwrap());
    assert_eq!(message, to_message(&columns));
}

macro_rules! replace {
    ($list:expr) => {{
        let list = $list;
        let lif = Neuron::Lif { threshold: 9.0, decay: 8.0, refractory: 7.0 };
        list.set(0, &lif).unwrap();
        let error = list.set(3, &lif).unwrap_err();
        assert_eq!(error, SetError::Variant { index: 3, expected: "Izhikevich", found: "Lif" });
        assert_eq!(
            error.to_string(),
            "element 3: expected a `Izhikevich`, found a `Lif`; `set_variant` changes the variant too"
        );
        assert_eq!(list.set_variant(5, &lif), Err(SetError::Index { index: 5, len: 5 }));
        assert_eq!(list.set(5, &lif).unwrap_err().to_string(), "expected an element below 5, found 5");
        list.set_variant(3, &Neuron::Silent).unwrap();
        list.set_variant(2, &Neuron::Izhikevich { a: 1.0, b: 2.0, c: 3.0, d: 4.0 }).unwrap();
    }};
}

#[test]
fn elements_are_replaced_and_leave_nothing_behind() {
    let mut expected = some_neurons();
    expected[0] = Neuron::Lif { threshold: 9.0, decay: 8.0, refractory: 7.0 };
    expected[3] = Neuron::Silent;
    expected[2] = Neuron::Izhikevich { a: 1.0, b: 2.0, c: 3.0, d: 4.0 };
    let (mut slots, mut columns) = (Slots::from_vec(some_neurons()), Columns::from_vec(some_neurons()));
    let (mut in_slots, mut in_columns) = (to_message(&slots), to_message(&columns));
    replace!(&mut slots);
    replace!(&mut columns);
    replace!(&mut view_message_mut::<Slots<Neuron>>(&mut in_slots).unwrap());
    replace!(&mut view_message_mut::<Columns<Neuron>>(&mut in_columns).unwrap());
    // to the octet: what the old variant had is zero
    assert_eq!(in_slots, to_message(&Slots::from_vec(expected.clone())));
    assert_eq!(in_columns, to_message(&Columns::from_vec(expected.clone())));
    assert_eq!(slots, expected);
    assert_eq!(columns, expected);
    assert!(slots == columns);
    assert!(columns == slots);
    columns.set_variant(0, &Neuron::Silent).unwrap();
    assert!(slots != columns);
    assert!(columns != slots);
}

#[test]
fn lists_grow() {
    let (mut slots, mut columns) = (Slots::new(), Columns::new());
    for value in some_rich() {
        slots.push(value.clone());
        columns.push(value);
    }
    assert_eq!(slots, some_rich());
    assert_eq!(columns, some_rich());
    assert_eq!(to_message(&slots), to_message(&Slots::from_vec(some_rich())));
    assert_eq!(to_message(&columns), to_message(&Columns::from_vec(some_rich())));
    slots.extend(some_rich());
    assert_eq!(slots.len(), 14);
    assert_eq!(columns.clone().into_iter_twice(), 14);
    let collected: Columns<Rich> = some_rich().into_iter().chain(some_rich()).collect();
    assert!(collected == slots);
}

/// `extend` on columns, counted.
trait Twice {
    fn into_iter_twice(self) -> usize;
}

impl Twice for Columns<Rich> {
    fn into_iter_twice(mut self) -> usize {
        self.extend(some_rich());
        self.len()
    }
}

#[test]
fn columns_have_names() {
    let index = Index::new();
    let message = to_message(&Columns::from_vec(some_neurons()));
    let view = view_message::<Columns<Neuron>>(&message, &index).unwrap();
    assert_eq!(view.tags(), [0, 0, 7, 1, 0]);
    assert_eq!(view.column::<f32>("Lif.threshold").unwrap(), [1.0, 1.5, 0.0, 0.02, -0.0]);
    assert_eq!(view.column::<f32>("Izhikevich.d").unwrap(), [0.0, 0.0, 0.0, 8.0, 0.0]);
    assert_eq!(view.column::<f32>("Lif.threshold").unwrap().as_ptr().addr() % 64, 0);
    assert_eq!(view.slice(1..4).column::<f32>("Lif.decay").unwrap(), [0.25, 0.0, 0.2]);
    for nothing in ["Lif", "Lif.", "threshold", "Lif.thresholds", "Lif.d", "Silent", "", "?", "Lif.threshold[0]"] {
        assert!(view.column::<f32>(nothing).is_none(), "{nothing}");
    }
    assert!(view.column::<u32>("Lif.threshold").is_none());

    let columns = Columns::from_vec(some_rich());
    let view = columns.as_view();
    assert_eq!(view.column::<i64>("Numbers.b").unwrap()[0], -2);
    assert_eq!(view.column::<f64>("Nested.from.x").unwrap()[1], 1.5);
    assert_eq!(view.column::<f64>("Nested.curve.Decay").unwrap()[1], 2.5);
    assert_eq!(view.column::<f32>("Pair.f0[1]").unwrap()[2], 2.0);
    assert_eq!(view.column::<i16>("Two.second[1].Table.at[2]").unwrap()[4], 6);
    assert_eq!(view.column::<i32>("Two.i").unwrap()[4], -7);
    assert!(view.column::<f32>("Pair.f0[2]").is_none() && view.column::<f32>("Pair.f0").is_none());

    let mut message = to_message(&Columns::from_vec(some_neurons()));
    let mut lent = view_message_mut::<Columns<Neuron>>(&mut message).unwrap();
    lent.column_mut::<f32>("Lif.decay").unwrap().iter_mut().for_each(|decay| *decay *= 2.0);
    assert!(lent.column_mut::<f64>("Lif.decay").is_none());
    assert_eq!(lent.value(1), Some(Neuron::Lif { threshold: 1.5, decay: 0.5, refractory: 3.0 }));
}

#[derive(BareStruct, Clone, Debug, PartialEq)]
struct Net {
    name: String,
    neurons: Columns<Neuron>,
    rows: Slots<Rich>,
    layers: Vec<Columns<Point>>,
    kernels: Columns<Kernel>,
    maybe: Option<Slots<Kernel>>,
    weights: Vec<f32>,
}

fn net() -> Net {
    Net {
        name: "net".into(),
        neurons: Columns::from_vec(some_neurons()),
        rows: Slots::from_vec(some_rich()),
        layers: vec![Columns::from_vec(vec![Point { x: 1.0, y: 2 }, Point { x: 3.0, y: 4 }]), Columns::new()],
        kernels: Columns::from_vec(vec![Kernel::Alpha, Kernel::Exp]),
        maybe: Some(Slots::from_vec(vec![Kernel::Exp])),
        weights: vec![1.0, 2.0],
    }
}

#[test]
fn they_are_fields_like_others() {
    let message = to_message(&net());
    assert_eq!(from_message::<Net>(&message).unwrap(), net());
    let index = Index::new();
    let view = view_message::<Net>(&message, &index).unwrap();
    assert_eq!(view.neurons, some_neurons());
    assert_eq!(view.layers[0].get(1).unwrap().y, 4);
    assert_eq!(view.layers[0].column::<f64>("x").unwrap(), [1.0, 3.0]);
    assert_eq!(view.kernels.tags(), [3, 2]);
    assert_eq!(format!("{view:?}"), format!("{:?}", net().view(&Index::new())));

    let mut region = Region::encode(&net());
    // elements of fixed size are data, not components with a hash each
    assert_eq!(region.header().unwrap().components().len(), 0);
    region.view_mut().unwrap().neurons.set_variant(0, &Neuron::Silent).unwrap();
    assert_eq!(region.decode().unwrap().neurons.tag(0), Some(7));
}

/// A field named like the gap, and one that would be.
#[derive(BareUnion, Clone, Debug, PartialEq)]
#[bare(fixed_size)]
enum Gaps {
    One {
        gap: u32,
        gap2: u64,
    },
    #[bare(rename = "Two")]
    Other {
        #[bare(rename = "gap3")]
        x: u8,
    },
}

#[test]
fn gaps_have_names_of_their_own() {
    let values = vec![Gaps::One { gap: 1, gap2: 2 }, Gaps::Other { x: 3 }];
    let slots = Slots::from_vec(values.clone());
    assert_eq!(from_message::<Slots<Gaps>>(&to_message(&slots)).unwrap(), values);
    assert_eq!(
        barewire::wire::schema_text::<Slots<Gaps>>(),
        "type GapsOneSlot struct { gap3: data[3] gap: u32 gap2: u64 }\n\
         type TwoSlot struct { gap3: u8 gap: data[14] }\n\
         type GapsSlot union { GapsOneSlot | TwoSlot }\n\
         type GapsSlots struct { pad: data slots: list<GapsSlot> }\n"
    );
}
