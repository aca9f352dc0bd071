//! Which of two schemas reads the other: cases with their reasons, and random changes against what decoding really does.

#[path = "common/change.rs"]
mod change;
#[path = "common/random.rs"]
mod random;

use barewire_core::wire::schema::{Compatibility, Definition, Types, compat};
use barewire_core::wire::{Pads, TypeRef, Value};
use change::change;
use proptest::prelude::*;
use random::Rng;

fn report(old: &str, new: &str, pads: Pads) -> (Compatibility, Vec<String>, Vec<String>) {
    let [old, new] = [old, new].map(|text| Types::parse(text).unwrap());
    let report = compat(&old, &new, pads);
    let words = |difference: &barewire_core::wire::schema::Difference| difference.to_string();
    (report.compatibility(), report.reasons().map(words).collect(), report.notes().map(words).collect())
}

#[test]
fn answers_and_reasons() {
    use Compatibility::{Backward, Forward, Full, Incompatible};
    let members = "type A u8 type B str type C f32 ";
    for (old, new, answer, reasons) in [
        ("type R u8", "type R u8", Full, &[][..]),
        ("type A u8 type R A", "type R u8", Full, &[]),
        ("type R u8", "type R i8", Incompatible, &["the root: was `u8`, is `i8`"]),
        ("type R uint", "type R u64", Incompatible, &["the root: was `uint`, is `u64`"]),
        ("type R data", "type R str", Incompatible, &["the root: was `data`, is `str`"]),
        ("type R data[4]", "type R data[5]", Incompatible, &["the root: was `data[4]`, is `data[5]`"]),
        ("type R list<u8>[4]", "type R list<u8>[5]", Incompatible, &["the root: was `list<u8>[4]`, is `list<u8>[5]`"]),
        ("type R list<u8>", "type R list<u8>[5]", Incompatible, &["the root: was `list<u8>`, is `list<u8>[5]`"]),
        ("type R list<u8>", "type R list<u16>", Incompatible, &["[]: was `u8`, is `u16`"]),
        ("type R u8", "type R optional<u8>", Incompatible, &["the root: was `u8`, is `optional<u8>`"]),
        (
            "type R map<str><u8>",
            "type R map<data><u16>",
            Incompatible,
            &["[key]: was `str`, is `data`", "[]: was `u8`, is `u16`"],
        ),
        // a struct takes no new field, at the end neither
        (
            "type R struct { x: u8 }",
            "type R struct { x: u8 y: u8 }",
            Incompatible,
            &["the root: was a struct of 1 fields (x), is a struct of 2 fields (x y)"],
        ),
        (
            "type R struct { x: u8 y: u8 }",
            "type R struct { x: u8 }",
            Incompatible,
            &["the root: was a struct of 2 fields (x y), is a struct of 1 fields (x)"],
        ),
        (
            "type R struct { x: u8 }",
            "type R struct { x: u8 y: optional<u8> }",
            Incompatible,
            &["the root: was a struct of 1 fields (x), is a struct of 2 fields (x y)"],
        ),
        // same octets, other meaning
        (
            "type R struct { x: u8 y: u8 }",
            "type R struct { y: u8 x: u8 }",
            Incompatible,
            &[
                "the root: was field 0 called `x`, is field 0 called `y`",
                "the root: was field 1 called `y`, is field 1 called `x`",
            ],
        ),
        (
            "type R enum { A B }",
            "type R enum { B A }",
            Incompatible,
            &["the root: was `A` = 0, is `B` = 0", "the root: was `B` = 1, is `A` = 1"],
        ),
        // enums grow
        ("type R enum { A B }", "type R enum { A B C }", Backward, &["the root: was no number 2, is `C` = 2"]),
        ("type R enum { A B C }", "type R enum { A C = 2 }", Forward, &["the root: was `B` = 1, is no number 1"]),
        (
            "type R enum { A B }",
            "type R enum { A C = 5 }",
            Incompatible,
            &["the root: was `B` = 1, is no number 1", "the root: was no number 5, is `C` = 5"],
        ),
        (
            "type R enum { A B }",
            "type R enum { A = 1 B }",
            Incompatible,
            &[
                "the root: was `A` = 0, is no number 0",
                "the root: was `B` = 1, is `A` = 1",
                "the root: was no number 2, is `B` = 2",
            ],
        ),
    ] {
        assert_eq!(report(old, new, Pads::Data).0, answer, "{old} / {new}");
        assert_eq!(report(old, new, Pads::Data).1, reasons, "{old} / {new}");
    }
    // unions grow
    for (old, new, answer, reasons) in [
        ("{ A | B }", "{ A | B | C }", Backward, &["the root: was no tag 2, is `C` = 2"][..]),
        ("{ A | B | C }", "{ A | B }", Forward, &["the root: was `C` = 2, is no tag 2"]),
        (
            "{ A | B }",
            "{ B = 1 | C }",
            Incompatible,
            &["the root: was `A` = 0, is no tag 0", "the root: was no tag 2, is `C` = 2"],
        ),
        (
            "{ A | B }",
            "{ A | void = 9 }",
            Incompatible,
            &["the root: was `B` = 1, is no tag 1", "the root: was no tag 9, is `void` = 9"],
        ),
        ("{ A | B }", "{ A | C }", Incompatible, &["C: was `str`, is `f32`"]),
    ] {
        let [old, new] = [old, new].map(|union| format!("{members}type R union {union}"));
        assert_eq!(report(&old, &new, Pads::Data).0, answer, "{old} / {new}");
        assert_eq!(report(&old, &new, Pads::Data).1, reasons, "{old} / {new}");
    }
    // members of one shape that change tags
    let (answer, reasons, _) =
        report("type A u8 type B u8 type R union { A | B }", "type B u8 type A u8 type R union { B | A }", Pads::Data);
    assert_eq!(
        (answer, &reasons[..]),
        (Incompatible, &["the root: was `A` = 0, is `B` = 0".into(), "the root: was `B` = 1, is `A` = 1".into()][..])
    );
}

#[test]
fn paths_and_names() {
    let old = "type Norm struct { eps: f32 } type Layer union { Norm | u8 } type R struct { layers: list<Layer> head: optional<Layer> }";
    let new = "type LayerNorm struct { epsilon: f64 } type Layer union { LayerNorm | u8 | void } type R struct { blocks: list<Layer> head: optional<Layer> }";
    let (answer, reasons, notes) = report(old, new, Pads::Data);
    assert_eq!(answer, Compatibility::Incompatible);
    assert_eq!(reasons, ["blocks[].LayerNorm.epsilon: was `f32`, is `f64`", "blocks[]: was no tag 2, is `void` = 2"]);
    assert_eq!(
        notes,
        [
            "the root: was field 0 called `layers`, is field 0 called `blocks`",
            "blocks[].LayerNorm: was `Norm`, is `LayerNorm`",
            "blocks[].LayerNorm: was field 0 called `eps`, is field 0 called `epsilon`",
        ]
    );
    let [old, new] = ["type A u8 type R list<A>", "type B u8 type S list<B>"].map(|text| Types::parse(text).unwrap());
    let report = compat(&old, &new, Pads::Data);
    assert_eq!(report.to_string(), "full\nnote: the root: was `R`, is `S`\nnote: []: was `A`, is `B`");
}

#[test]
fn the_alignment_of_lists_counts_where_it_is_checked() {
    let [old, new] = ["pad", "pad256"].map(|pad| format!("type R struct {{ {pad}: data values: list<f32> }}"));
    assert_eq!(report(&old, &new, Pads::Data).0, Compatibility::Full);
    let (answer, reasons, _) = report(&old, &new, Pads::Aligned);
    assert_eq!(answer, Compatibility::Incompatible);
    assert_eq!(reasons, ["pad256: was a pad to multiples of 64, is a pad to multiples of 256"]);
    let plain = "type R struct { gap: data values: list<f32> }";
    assert_eq!(report(&old, plain, Pads::Aligned).1, ["gap: was a pad to multiples of 64, is no pad"]);
}

/// Types used many times are compared once.
#[test]
fn many_uses_of_one_type_take_no_time() {
    let text = |leaf: &str| -> String {
        (1..90).fold(format!("type T0 {leaf}"), |text, i| {
            format!("{text}\ntype T{i} struct {{ a: T{j} b: T{j} }}", j = i - 1)
        })
    };
    assert_eq!(report(&text("u8"), &text("u8"), Pads::Data).0, Compatibility::Full);
    assert_eq!(report(&text("u8"), &text("i8"), Pads::Data).1.len(), 1);
}

/// Whether a reader of `to` takes a message of `from` for what it is.
fn understood(rng: &mut Rng, from: &Types, to: &Types, pads: Pads) -> bool {
    let value = random::value(rng, from.root(), pads);
    let message = value.encode(from.root(), pads).unwrap();
    Value::decode(to.root(), &message, pads).is_ok_and(|read| read == value)
}

#[derive(Default)]
struct Tally {
    /// pairs said not to be read, and how many of them a message shows
    refused: usize,
    shown: usize,
    read: usize,
}

fn try_pair(rng: &mut Rng, old: &Types, new: &Types, pads: Pads, tally: &mut Tally) -> Result<(), TestCaseError> {
    let report = compat(old, new, pads);
    for (from, to, says) in [(old, new, report.new_reads_old()), (new, old, report.old_reads_new())] {
        let shown = (0..60).any(|_| !understood(rng, from, to, pads));
        // sound: what is said to be read is read
        prop_assert!(!(says && shown), "{}\n{}{}", report, old.schema(), new.schema());
        tally.read += usize::from(says);
        tally.refused += usize::from(!says);
        tally.shown += usize::from(!says && shown);
    }
    // the same the other way round
    let back = compat(new, old, pads);
    prop_assert_eq!(back.new_reads_old(), report.old_reads_new());
    prop_assert_eq!(back.old_reads_new(), report.new_reads_old());
    Ok(())
}

/// Random changes, against decoding: nothing that is said to be read may be refused, and what is said to be refused should be
/// refused for some message. Names that change places show in no octet; random values do not reach everything.
#[test]
fn what_it_says_is_what_happens() {
    let mut tally = Tally::default();
    let (mut changed, mut pairs) = (0, 0);
    for seed in 0..if cfg!(debug_assertions) { 400 } else { 20_000 } {
        let mut rng = Rng(seed);
        let pads = if rng.chance(50) { Pads::Data } else { Pads::Aligned };
        let old = random::schema(&mut rng);
        let Some(change) = change(&mut rng, &old) else { continue };
        changed += usize::from(change.octets);
        pairs += 1;
        try_pair(&mut rng, &old, &change.types, pads, &mut tally).unwrap();
        // unrelated schemas
        let other = random::schema(&mut rng);
        try_pair(&mut rng, &old, &other, pads, &mut tally).unwrap();
        // and itself
        assert_eq!(compat(&old, &old, pads).compatibility(), Compatibility::Full);
    }
    println!(
        "{pairs} changes ({changed} of types); read {}, refused {}, shown {}",
        tally.read, tally.refused, tally.shown
    );
    assert!(tally.read > pairs / 4, "the changes are all breaks");
    assert!(tally.shown * 10 > tally.refused * 9, "{} of {} shown by a message", tally.shown, tally.refused);
}

#[test]
fn definitions_that_the_root_does_not_use_do_not_count() {
    let old = Types::parse("type A u8 type R str").unwrap();
    let mut schema = old.schema().clone();
    schema.definitions[0] = Definition::new("A", TypeRef::F64);
    assert_eq!(compat(&old, &Types::new(schema).unwrap(), Pads::Data).compatibility(), Compatibility::Full);
}
