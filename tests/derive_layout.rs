//! The layout half of the derives: round trips, views, mutable views, schema texts, hygiene.
// the types here are fixtures
#![allow(missing_docs, unreachable_pub)]

use barewire::wire::{
    BinaryMatrix, FieldNames, Index, Int, List, Map, Matrix, QuantizedMatrix, Region, Schema, TernaryMatrix, Uint,
    Union, Wire, from_message, schema_hash, schema_text, to_message, view_message, view_message_mut,
};
use barewire::{BareStruct, BareUnion};

#[derive(BareUnion, Clone, Debug, PartialEq)]
pub enum Weight {
    /// digits
    Ternary {
        digits: TernaryMatrix,
        scale: f32,
    },
    #[bare(tag = 5)]
    Binary {
        bits: BinaryMatrix,
        scale: f32,
    },
    Quantized(QuantizedMatrix),
    #[bare(tag = 1)]
    Empty,
    Dense(Matrix<f32>, Vec<f32>),
}

#[derive(BareUnion, Clone, Copy, Debug, PartialEq)]
enum Kernel {
    EluPlusOne,
    Relu,
    #[bare(tag = 200)]
    Exp,
}

#[derive(BareStruct, Clone, Debug, PartialEq)]
struct Model {
    name: String,
    kernel: Kernel,
    layers: Vec<Weight>,
    #[bare(align = 4096)]
    embedding: Matrix<f32>,
    head: Option<Weight>,
    counts: Vec<u64>,
    flags: Vec<bool>,
    raw: Vec<u8>,
    shape: [u32; 3],
    steps: Uint,
    shift: Int,
    #[bare(align = 256)]
    bias: Option<Vec<f64>>,
    words: Vec<String>,
    nested: Vec<Vec<f32>>,
    plain: List<u16>,
    facts: Map<String, u32>,
}

#[derive(BareStruct, Clone, Debug, PartialEq)]
struct Pair(f32, Vec<i8>);

#[derive(BareStruct, Clone, Debug, PartialEq)]
struct Alias(Vec<Pair>);

fn ternary() -> TernaryMatrix {
    TernaryMatrix::from_digits(3, 40, &(0..120).map(|i| (i % 3) as i8 - 1).collect::<Vec<_>>()).unwrap()
}

fn weights() -> Vec<Weight> {
    vec![
        Weight::Ternary { digits: ternary(), scale: 0.5 },
        Weight::Empty,
        Weight::Binary {
            bits: BinaryMatrix::from_bits(2, 3, &[true, false, true, false, true, true]).unwrap(),
            scale: -1.0,
        },
        Weight::Quantized(
            QuantizedMatrix::from_codes(2, 25, 3, 0.25, 4.0, &(0..50).map(|i| i % 8).collect::<Vec<_>>()).unwrap(),
        ),
        Weight::Dense(Matrix::from_vec(1, 2, vec![1.0f32, 2.0]).unwrap(), vec![3.0]),
    ]
}

fn model() -> Model {
    Model {
        name: "tiny".into(),
        kernel: Kernel::Exp,
        layers: weights(),
        embedding: Matrix::from_vec(3, 2, vec![1.0f32, 2.0, 3.0, 4.0, 5.0, 6.0]).unwrap(),
        head: Some(Weight::Empty),
        counts: vec![1, u64::MAX],
        flags: vec![true, false],
        raw: vec![9, 8],
        shape: [1, 2, 3],
        steps: Uint(300),
        shift: Int(-300),
        bias: Some(vec![0.5; 5]),
        words: vec!["a".into(), "bc".into()],
        nested: vec![vec![1.0], vec![], vec![2.0, 3.0]],
        plain: List(vec![1, 2]),
        facts: Map::from_entries(vec![("x".into(), 1), ("w".into(), 2)]).unwrap(),
    }
}

#[test]
fn round_trips() {
    for weight in weights() {
        assert_eq!(from_message::<Weight>(&to_message(&weight)).unwrap(), weight);
    }
    assert_eq!(from_message::<Model>(&to_message(&model())).unwrap(), model());
    let alias = Alias(vec![Pair(1.0, vec![-1, 1])]);
    assert_eq!(from_message::<Alias>(&to_message(&alias)).unwrap(), alias);
    let region = Region::encode(&model());
    assert_eq!(region.decode().unwrap(), model());
}

#[test]
fn tags() {
    let tags: Vec<u32> = weights().iter().map(Union::tag).collect();
    assert_eq!(tags, [0, 1, 5, 6, 2]);
    assert_eq!(Weight::VARIANTS, [(0, "Ternary"), (1, "Empty"), (2, "Dense"), (5, "Binary"), (6, "Quantized")]);
    assert_eq!(Weight::NAME, "Weight");
    for weight in weights() {
        assert_eq!(u32::from(to_message(&weight)[0]), weight.tag());
        let index = Index::new();
        assert_eq!(weight.view(&index).tag(), weight.tag());
    }
    assert_eq!(to_message(&Kernel::Exp)[..], [0xc8, 0x01]);
}

#[test]
fn views_of_values_and_of_octets_are_the_same() {
    let (model, a, b) = (model(), Index::new(), Index::new());
    let message = to_message(&model);
    let owned = model.view(&a);
    let borrowed = view_message::<Model>(&message, &b).unwrap();
    assert_eq!(format!("{owned:?}"), format!("{borrowed:?}"));
    assert_eq!(borrowed.name, "tiny");
    assert_eq!(borrowed.layers.len(), 5);
    let WeightView::Ternary { digits, scale } = borrowed.layers[0] else { panic!("{borrowed:?}") };
    assert_eq!((digits.rows, digits.cols, scale), (3, 40, 0.5));
    assert_eq!(digits.words, ternary().words());
    assert_eq!(borrowed.embedding.values.as_ptr().addr() % 4096, 0);
    assert_eq!(borrowed.bias.unwrap().as_ptr().addr() % 256, 0);
    assert_eq!(borrowed.flags, [true, false]);
    assert_eq!(borrowed.nested[2], [2.0, 3.0]);
    assert_eq!(borrowed.facts, [("x", 1), ("w", 2)]);
}

#[test]
fn mutable_views_change_the_message() {
    let mut message = to_message(&model());
    {
        let mut view = view_message_mut::<Model>(&mut message).unwrap();
        view.embedding.values[0] = 7.0;
        view.shape[1].set(20);
        *view.flags.first_mut().unwrap() = false;
        let WeightViewMut::Ternary { digits, scale } = &mut view.layers[0] else { panic!("{:?}", view.layers) };
        scale.set(0.125);
        digits.words[0] = 0x5555_5555_5555_5555;
    }
    let changed = from_message::<Model>(&message).unwrap();
    assert_eq!(changed.embedding.values()[0], 7.0);
    assert_eq!(changed.shape, [1, 20, 3]);
    assert_eq!(changed.flags, [false, false]);
    let Weight::Ternary { digits, scale } = &changed.layers[0] else { panic!("{changed:?}") };
    assert_eq!((digits.digit(0, 0), *scale), (0, 0.125));
}

#[test]
fn schema_texts() {
    assert_eq!(
        schema_text::<Weight>(),
        "type TernaryMatrix struct { rows: u32 cols: u32 pad: data words: list<u64> }\n\
         type WeightTernary struct { digits: TernaryMatrix scale: f32 }\n\
         type WeightEmpty void\n\
         type F32Matrix struct { rows: u32 cols: u32 pad: data values: list<f32> }\n\
         type F32Array struct { pad: data values: list<f32> }\n\
         type WeightDense struct { f0: F32Matrix f1: F32Array }\n\
         type BinaryMatrix struct { rows: u32 cols: u32 pad: data words: list<u64> }\n\
         type WeightBinary struct { bits: BinaryMatrix scale: f32 }\n\
         type QuantizedMatrix struct { rows: u32 cols: u32 bits: u8 scale: f32 zero: f32 pad: data words: list<u64> }\n\
         type WeightQuantized QuantizedMatrix\n\
         type Weight union { WeightTernary | WeightEmpty | WeightDense | WeightBinary = 5 | WeightQuantized }\n"
    );
    assert_eq!(schema_text::<Kernel>(), "type Kernel enum { ELU_PLUS_ONE RELU EXP = 200 }\n");
    let text = schema_text::<Model>();
    assert!(
        text.contains("type F32Matrix4096 struct { rows: u32 cols: u32 pad4096: data values: list<f32> }\n"),
        "{text}"
    );
    assert!(text.contains("bias: optional<F64Array256>"), "{text}");
    assert!(text.ends_with("facts: map<str><u32> }\n"), "{text}");
    assert_ne!(schema_hash::<Model>(), schema_hash::<Weight>());
}

#[test]
fn names_on_the_wire() {
    #[derive(BareStruct)]
    #[bare(rename = "Thing")]
    struct Named {
        d_model: u8,
        #[bare(rename = "T")]
        time: u8,
        r#type: u8,
    }
    assert_eq!(schema_text::<Named>(), "type Thing struct { dModel: u8 T: u8 type: u8 }\n");
    assert_eq!(Schema::of::<Named>(FieldNames::Snake).text(), "type Thing struct { d_model: u8 T: u8 type: u8 }\n");
    let _ = Named { d_model: 0, time: 0, r#type: 0 };

    #[derive(BareUnion)]
    enum Renamed {
        #[bare(rename = "Other")]
        One(u8),
        #[bare(tag = 3)]
        Two,
    }
    assert_eq!(
        schema_text::<Renamed>(),
        "type Other u8\ntype RenamedTwo void\ntype Renamed union { Other | RenamedTwo = 3 }\n"
    );
    let _ = (Renamed::One(0), Renamed::Two);
}

/// Two types with one name, in one schema.
mod twice {
    use super::*;

    #[derive(BareStruct)]
    pub struct Layer {
        pub a: u8,
    }
    pub mod other {
        use super::*;
        #[derive(BareStruct)]
        pub struct Layer {
            pub b: u16,
        }
    }
    #[derive(BareStruct)]
    pub struct Both {
        pub one: Layer,
        pub two: other::Layer,
    }

    #[test]
    fn get_different_names() {
        assert_eq!(
            schema_text::<Both>(),
            "type Layer struct { a: u8 }\ntype Layer2 struct { b: u16 }\ntype Both struct { one: Layer two: Layer2 }\n"
        );
    }
}

#[test]
fn errors_have_path_offset_expected_and_found() {
    let mut message = to_message(&weights());
    let index = Index::new();
    message[0] = 4;
    let error = view_message::<Vec<Weight>>(&message, &index).unwrap_err();
    assert_eq!(error.path(), "");
    let mut message = to_message(&weights());
    message[1] = 9;
    let error = view_message::<Vec<Weight>>(&message, &index).unwrap_err();
    assert_eq!(
        error.to_string(),
        "at `[0]`, octet 1: expected a tag of `Weight` (0 Ternary, 1 Empty, 2 Dense, 5 Binary, 6 Quantized), found 9"
    );
    assert_eq!(from_message::<Vec<Weight>>(&message).unwrap_err(), error);
    let error_mut = view_message_mut::<Vec<Weight>>(&mut message).unwrap_err();
    assert_eq!(error_mut, error);

    let mut message = to_message(&weights());
    message[2] = 9; // rows: two tiles
    let error = from_message::<Vec<Weight>>(&message).unwrap_err();
    assert_eq!((error.path(), error.offset()), ("[0].Ternary.digits".into(), 2));
}

#[test]
fn components_are_the_outermost_unions() {
    let region = Region::encode(&model());
    let header = region.header().unwrap();
    // the kernel, five layers, the head
    assert_eq!(header.components().len(), 7);
    assert_eq!(header.align, 4096);
    assert_eq!(header.schema, schema_text::<Model>());
}

/// Nothing of the user's names, and no prelude.
mod hygiene {
    mod no_prelude {
        #![no_implicit_prelude]
        #![allow(dead_code, non_camel_case_types)]

        // what generated code might be tempted to use
        pub struct Option;
        pub struct Result;
        pub struct Some;
        pub struct None;
        pub struct Ok;
        pub struct Err;
        pub struct Copy;
        pub struct Clone;
        pub struct Vec;
        pub struct String;
        pub struct Wire;
        pub struct Element;
        pub struct Union;
        pub struct P;
        pub struct R;
        pub struct u32;
        pub struct usize;
        pub struct str;
        pub mod core {}
        pub mod std {}
        pub mod alloc {}

        #[derive(::barewire::BareUnion)]
        pub enum SSMComponent {
            DiagonalA(::std::vec::Vec<::core::primitive::f32>),
            r#DeltaParameter { r#type: ::core::primitive::f32, w: ::core::primitive::u8, r: ::core::primitive::u8 },
            Nothing,
        }

        #[derive(::barewire::BareStruct)]
        pub struct Tuple(pub ::core::primitive::f32, SSMComponent);

        #[derive(::barewire::BareUnion)]
        pub enum Plain {
            A,
            B,
        }
    }

    #[test]
    fn works_without_a_prelude_and_beside_shadowed_names() {
        use barewire::wire::{Index, to_message, view_message};
        use no_prelude::{SSMComponent, SSMComponentView};
        let message = to_message(&SSMComponent::DeltaParameter { r#type: 1.5, w: 2, r: 3 });
        let index = Index::new();
        match view_message::<SSMComponent>(&message, &index).unwrap() {
            SSMComponentView::DeltaParameter { r#type, w, r } => assert_eq!((r#type, w, r), (1.5, 2, 3)),
            other => panic!("{other:?}"),
        }
    }

    mod renamed {
        /// as if the dependency had another name
        mod elsewhere {
            pub(super) use barewire as wires;
        }

        #[derive(barewire::BareStruct)]
        #[bare(crate = elsewhere::wires)]
        pub(super) struct Small {
            pub(super) x: f32,
        }
    }

    #[test]
    fn the_crate_may_be_elsewhere() {
        assert_eq!(barewire::wire::to_message(&renamed::Small { x: 1.0 })[..], 1.0f32.to_le_bytes());
    }
}
