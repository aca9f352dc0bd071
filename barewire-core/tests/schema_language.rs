//! The schema language: the grammar, every rule, text in both forms, building by hand.

#[path = "common/random.rs"]
mod random;

use barewire_core::wire::schema::{MAX_DEPTH, Schema, TypeRef, Types, schema};
use barewire_core::wire::{FieldNames, Matrix, TernaryMatrix, schema_text};
use barewire_derive::{BareStruct, BareUnion};
use proptest::prelude::*;
use random::Rng;

fn mistakes(text: &str) -> Vec<String> {
    let error = Schema::parse(text).map(drop).expect_err(text);
    error.mistakes().iter().map(ToString::to_string).collect()
}

#[test]
fn golden_schemas() {
    let file: serde_json::Value = serde_json::from_str(include_str!("fixtures/bare.json")).unwrap();
    let cases = file["schemas"].as_array().unwrap();
    for case in cases {
        let text = case["schema"].as_str().unwrap();
        let parsed = Schema::parse(text);
        assert_eq!(parsed.is_ok(), case["valid"].as_bool().unwrap(), "{}: {parsed:?}", case["id"]);
        if let Err(error) = parsed {
            assert!(error.mistakes().iter().all(|mistake| mistake.position.is_some()), "{error}");
        }
    }
    assert_eq!(cases.len(), 32);
    for part in ["valid", "invalid"] {
        for case in file[part].as_array().unwrap() {
            let parsed = Schema::parse(case["schema"].as_str().unwrap()).unwrap();
            assert_eq!(Schema::parse(&parsed.text()).unwrap().text(), parsed.text());
            assert_eq!(Schema::parse(&parsed.pretty()).unwrap(), parsed);
        }
    }
}

/// Each rule once, with the words and the place.
#[test]
fn every_rule_has_its_words() {
    for (text, expected) in [
        ("", "line 1, column 1: expected at least one type, found none"),
        ("# only words\n", "line 1, column 1: expected at least one type, found none"),
        ("A u8", "line 1, column 1: expected `type`, found `A`"),
        ("type A", "line 1, column 6: expected a type, found the end"),
        ("type A string", "line 1, column 8: expected a type, found `string`"),
        ("type A []u8", "line 1, column 8: expected a type, found `[`"),
        ("type A struct { x: u8, y: u8 }", "line 1, column 22: expected the name of a field or `}`, found `,`"),
        ("type A struct { x: u8; }", "line 1, column 22: expected the name of a field or `}`, found `;`"),
        ("type A (u8 | str)", "line 1, column 8: expected a type, found `(`"),
        ("type A { x: u8 }", "line 1, column 8: expected a type, found `{`"),
        ("type A map[str]u8", "line 1, column 11: expected `<`, found `[`"),
        ("type A struct { }", "line 1, column 17: expected the name of a field, found `}`"),
        ("type A enum { }", "line 1, column 15: expected the name of a value, found `}`"),
        ("type A union { }", "line 1, column 16: expected a type, found `}`"),
        ("type A union { u8 str }", "line 1, column 19: expected `|` or `}`, found `str`"),
        ("type A data[x]", "line 1, column 13: expected a number, found `x`"),
        (
            "type A data[18446744073709551616]",
            "line 1, column 13: expected a number below 2^64, found `18446744073709551616`",
        ),
        ("type A data[-1]", "line 1, column 13: expected a number, found `-`"),
        ("type É u8", "line 1, column 6: expected the name of a type, found `\\u{c9}`"),
        (
            "type A enum { X = 18446744073709551615 Y }",
            "line 1, column 40: expected a number below 2^64, found the one after 2^64 - 1",
        ),
        (
            "type a u8",
            "line 1, column 6: expected a type's name: an upper-case letter, then letters and digits, found `a`",
        ),
        (
            "type A_b u8",
            "line 1, column 6: expected a type's name: an upper-case letter, then letters and digits, found `A_b`",
        ),
        (
            "type A enum { x }",
            "line 1, column 15: expected a value's name: an upper-case letter, then upper-case letters, digits and `_`, found `x`",
        ),
        ("type A B", "line 1, column 8: expected a type that is defined above, found `B`, which is not defined"),
        (
            "type A list<B>\ntype B u8",
            "line 1, column 13: expected a type that is defined above, found `B`, which is defined below",
        ),
        ("type A optional<A>", "line 1, column 17: expected a type that is defined above, found `A` inside itself"),
        ("type A u8\n type A u16", "line 2, column 7: expected each type defined once, found `A` again"),
        (
            "type A list<void>",
            "line 1, column 13: expected a type that takes octets, since void stands only in unions, found `void`",
        ),
        (
            "type N void type M N type A struct { x: M }",
            "line 1, column 41: expected a type that takes octets, since void stands only in unions, found `M`",
        ),
        (
            "type A optional<void>",
            "line 1, column 17: expected a type that takes octets, since void stands only in unions, found `void`",
        ),
        (
            "type A map<u8><void>",
            "line 1, column 16: expected a type that takes octets, since void stands only in unions, found `void`",
        ),
        (
            "type A map<void><u8>",
            "line 1, column 12: expected a key: an integer, a bool, a str, data or an enum, found `void`",
        ),
        (
            "type F f64 type A map<F><u8>",
            "line 1, column 23: expected a key: an integer, a bool, a str, data or an enum, found `F`",
        ),
        (
            "type A map<list<u8>><u8>",
            "line 1, column 12: expected a key: an integer, a bool, a str, data or an enum, found `list<u8>`",
        ),
        ("type A data[0]", "line 1, column 13: expected a length of at least 1, found 0"),
        ("type A list<u8>[0]", "line 1, column 17: expected a length of at least 1, found 0"),
        ("type A struct { x: u8 x: u8 }", "line 1, column 23: expected each field's name once, found `x` again"),
        ("type A enum { X X }", "line 1, column 17: expected each value's name once, found `X` again"),
        ("type A enum { X = 2 Y = 2 }", "line 1, column 25: expected a number above 2, found 2"),
        ("type A union { u8 = 2 | str = 1 }", "line 1, column 31: expected a number above 2, found 1"),
        ("type A union { u8 | str | u8 }", "line 1, column 27: expected each type once in a union, found `u8` again"),
        (
            "type A union { struct { x: u8 } | struct { x: u8 } }",
            "line 1, column 35: expected each type once in a union, found `struct { .. }` again",
        ),
    ] {
        assert_eq!(mistakes(text), [expected], "{text}");
    }
}

#[test]
fn all_mistakes_at_once() {
    let text = "type A struct { x: B x: void }\ntype c enum { X = 2 y = 1 }\ntype D data[0]";
    let places: Vec<_> = Schema::parse(text).unwrap_err().mistakes().iter().map(|m| m.position.unwrap()).collect();
    let places: Vec<_> = places.iter().map(|at| (at.line, at.column)).collect();
    assert_eq!(places, [(1, 20), (1, 22), (1, 25), (2, 6), (2, 21), (2, 25), (3, 13)]);
    // a definition that does not parse has one message, and the next is read all the same
    let text = "type A struct { x u8 y: list<> }\ntype B [\ntype C struct { type: u8 }\ntype D string";
    assert_eq!(
        mistakes(text),
        [
            "line 1, column 19: expected `:`, found `u8`",
            "line 2, column 8: expected a type, found `[`",
            "line 4, column 8: expected a type, found `string`",
        ]
    );
    // without text, the definition is named
    let error = schema("A").with_type("A", TypeRef::list(TypeRef::Void)).build().unwrap_err().to_string();
    assert_eq!(error, "in `A`: expected a type that takes octets, since void stands only in unions, found `void`");
    let empty = TypeRef::structure([
        ("x", TypeRef::Enum(vec![])),
        ("y", TypeRef::Union(vec![])),
        ("z", TypeRef::Struct(vec![])),
    ]);
    assert_eq!(schema("A").with_type("A", empty).build().unwrap_err().mistakes().len(), 3);
    let error = schema("Root").with_type("A", TypeRef::U8).build().unwrap_err().to_string();
    assert_eq!(error, "expected the root, `Root`, as the last type, found `A`");
}

#[test]
fn what_is_allowed() {
    for text in [
        "type A union { | u8 | str | }",
        "type A union {\n | u8 = 5\n | str\n}",
        "type A struct{x:u8 y:list<u8>[2]}type B A",
        "type A struct { my_field: u8 T: u8 type: u8 struct: u8 }",
        "type E enum { A_1 B = 18446744073709551615 } type K E type A map<K><u8>",
        "type A map<data[3]><map<bool><str>>",
        "type N void type M N type A union { void | N = 4 | M }",
        "type A\r\n\tu8\r\n",
        "type A data[007]",
    ] {
        let parsed = Schema::parse(text).unwrap_or_else(|error| panic!("{text}: {error}"));
        assert_eq!(Schema::parse(&parsed.text()).unwrap(), parsed);
    }
}

#[test]
fn comments_stay_with_what_they_are_about() {
    let text = "# first\n#\n# about A\ntype A struct { # of x\n x: u8 # also x\n # of y\n y: u8\n # the last\n } # behind A\n\
                # about B\ntype B enum { X # one\n Y }\n# the end";
    let parsed = Schema::parse(text).unwrap();
    assert_eq!(parsed.definitions[0].comments.above, ["first", "", "about A", "of x", "behind A"]);
    let inside = [(0, "also x"), (1, "of y"), (1, "the last")].map(|(at, text)| (at, text.to_owned()));
    assert_eq!(parsed.definitions[0].comments.inside, inside);
    assert_eq!(parsed.definitions[1].comments.above, ["about B", "the end"]);
    assert_eq!(parsed.definitions[1].comments.inside, [(0, "one".to_owned())]);
    assert_eq!(parsed.text(), "type A struct { x: u8 y: u8 }\ntype B enum { X Y }\n", "no part of the hash");
    assert_eq!(Schema::parse(&parsed.pretty()).unwrap(), parsed, "{}", parsed.pretty());
}

#[test]
fn hostile_text_neither_overflows_the_stack_nor_takes_long() {
    for open in ["optional<", "list<", "map<u8><", "struct { x: ", "union { "] {
        let text = format!("type D {}", open.repeat(200_000));
        assert!(mistakes(&text)[0].contains("nested at most 200 deep"), "{open}");
    }
    let deep = |n: usize| format!("type D {}u8{}", "optional<".repeat(n), ">".repeat(n));
    assert!(Schema::parse(&deep(MAX_DEPTH - 1)).is_ok());
    assert!(Schema::parse(&deep(MAX_DEPTH)).is_err());
    // also through names
    let chain = |n: usize| -> String {
        (1..n).fold("type T0 u8".into(), |text, i| format!("{text}\ntype T{i} list<T{}>", i - 1))
    };
    assert!(Schema::parse(&chain(MAX_DEPTH / 2)).is_ok());
    assert!(mistakes(&chain(1000))[0].contains("nested at most 200 deep"));
    // doubling sizes stay numbers
    let wide: String =
        (1..60).fold("type T0 u64".into(), |text, i| format!("{text}\ntype T{i} list<T{}>[4294967296]", i - 1));
    assert_eq!(Types::parse(&wide).unwrap().root().min_len(), u64::MAX);
    // many names, fields and members
    let many: String = (0..20_000).map(|i| format!("type T{i} struct {{ f{i}: u8 }}\n")).collect();
    let members: Vec<String> = (0..20_000).map(|i| format!("T{i}")).collect();
    let fields: String = members.iter().map(|name| format!(" f{name}: {name}")).collect();
    let text = format!("{many}type U union {{ {} }}\ntype S struct {{{fields} }}", members.join(" | "));
    assert_eq!(Schema::parse(&text).unwrap().definitions.len(), 20_002);
    // as many mistakes
    assert_eq!(mistakes(&many.replace("struct", "strukt")).len(), 20_000);
}

#[test]
fn names_in_the_other_style() {
    let schema = Schema::parse("type A struct { dModel: u8 HTTPPort: list<struct { x1Y: u8 }> }").unwrap();
    let snake = schema.with_field_names(FieldNames::Snake).unwrap();
    assert_eq!(snake.text(), "type A struct { d_model: u8 http_port: list<struct { x1_y: u8 }> }\n");
    assert_eq!(
        snake.with_field_names(FieldNames::Camel).unwrap().text(),
        "type A struct { dModel: u8 httpPort: list<struct { x1Y: u8 }> }\n"
    );
    let both = Schema::parse("type A struct { d_model: u8 dModel: u8 }").unwrap();
    assert!(both.with_field_names(FieldNames::Snake).unwrap_err().to_string().contains("each field's name once"));
}

#[derive(BareUnion)]
#[bare(crate = barewire_core)]
#[allow(dead_code)]
enum Layer {
    Ternary {
        digits: TernaryMatrix,
        scale: f32,
    },
    #[bare(tag = 3)]
    Dense {
        weights: Matrix<f32>,
        bias: Option<Vec<f32>>,
    },
    Nothing,
}

#[derive(BareUnion)]
#[bare(crate = barewire_core)]
#[allow(dead_code)]
enum Kernel {
    EluPlusOne,
    #[bare(tag = 7)]
    Relu,
}

#[derive(BareStruct)]
#[bare(crate = barewire_core)]
#[allow(dead_code)]
struct Model {
    d_model: u32,
    kernel: Kernel,
    name: String,
    shape: [u8; 2],
    layers: Vec<Layer>,
}

#[test]
fn the_builder_and_the_derive_give_the_same_text() {
    let named = TypeRef::named;
    let layer = schema("Layer")
        .with::<TernaryMatrix>()
        .with_type("LayerTernary", TypeRef::structure([("digits", named("TernaryMatrix")), ("scale", TypeRef::F32)]))
        .with::<Matrix<f32>>()
        .with::<Vec<f32>>()
        .with_type(
            "LayerDense",
            TypeRef::structure([("weights", named("F32Matrix")), ("bias", TypeRef::optional(named("F32Array")))]),
        )
        .with_type("LayerNothing", TypeRef::Void)
        .with_type(
            "Layer",
            TypeRef::tagged_union([(named("LayerTernary"), 0), (named("LayerDense"), 3), (named("LayerNothing"), 4)]),
        );
    assert_eq!(layer.clone().build().unwrap().text(), schema_text::<Layer>());

    let kernel = TypeRef::Enum(vec![("ELU_PLUS_ONE".into(), 0), ("RELU".into(), 7)]);
    let model = schema("Model").with_type("Kernel", kernel).with::<Layer>().with_type(
        "Model",
        TypeRef::structure([
            ("dModel", TypeRef::U32),
            ("kernel", named("Kernel")),
            ("name", TypeRef::Str),
            ("shape", TypeRef::Data(Some(2))),
            ("layers", TypeRef::list(named("Layer"))),
        ]),
    );
    let model = model.comment("the whole\nmodel").build().unwrap();
    assert_eq!(model.text(), schema_text::<Model>());
    assert!(model.pretty().contains("# the whole\n# model\ntype Model struct {"), "{}", model.pretty());
    // what the derive prints is read back as what it was printed from
    assert_eq!(Schema::parse(&schema_text::<Model>()).unwrap(), Schema::of::<Model>(FieldNames::Camel));
}

fn config(cases: u32) -> ProptestConfig {
    // a failure is shown with its seed
    ProptestConfig { cases, failure_persistence: None, ..ProptestConfig::default() }
}

proptest! {
    #![proptest_config(config(if cfg!(debug_assertions) { 200 } else { 5_000 }))]

    #[test]
    fn text_is_read_back(seed: u64) {
        let mut rng = Rng(seed);
        let mut schema = random::schema(&mut rng).schema().clone();
        prop_assert_eq!(&Schema::parse(&schema.text()).unwrap(), &schema);
        for definition in &mut schema.definitions {
            let members = match &definition.ty {
                TypeRef::Struct(fields) => fields.len(),
                TypeRef::Union(members) => members.len(),
                TypeRef::Enum(values) => values.len(),
                _ => 0,
            };
            definition.comments.above = (0..rng.below(3)).map(|i| format!("# {i} type X u8 {{")).collect();
            definition.comments.inside =
                (0..members).filter(|_| rng.chance(30)).map(|at| (at, "a | b".to_owned())).collect();
        }
        prop_assert_eq!(&Schema::parse(&schema.pretty()).unwrap(), &schema);
    }

    /// Texts that are nearly right: no panic, and places inside the text.
    #[test]
    fn nearly_right_text(seed: u64) {
        let mut rng = Rng(seed);
        let text = random::schema(&mut rng).schema().text();
        let mut words: Vec<&str> = text.split_inclusive([' ', '<', '>', '\n']).collect();
        for _ in 0..1 + rng.below(3) {
            let (a, b) = (rng.below(words.len()), rng.below(words.len()));
            match rng.below(3) {
                0 => words.swap(a, b),
                1 => words[a] = words[b],
                _ => words[a] = ["type ", "void", "{ ", "} ", "| ", "= 0 ", "[0]", "T0 ", "# "][rng.below(9)],
            }
        }
        let text = words.concat();
        match Schema::parse(&text) {
            Ok(schema) => prop_assert_eq!(Schema::parse(&schema.text()).unwrap().text(), schema.text()),
            Err(error) => for mistake in error.mistakes() {
                let at = mistake.position.unwrap();
                prop_assert!(at.line as usize <= text.split('\n').count(), "{}\n{}", mistake, text);
            }
        }
    }

    #[test]
    fn any_text(text in ".{0,200}") {
        let _ = Schema::parse(&text);
    }
}
