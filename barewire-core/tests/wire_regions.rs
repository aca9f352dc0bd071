//! Regions: components one at a time, growing and shrinking, changes in place that are interrupted.

use std::path::Path;
use std::process::Command;

use barewire_core::wire::{
    AlignedBuf, BinaryMatrix, FileError, Header, Index, Level, List, Mapped, MappedMut, Matrix, Region, TernaryMatrix,
    Wire, lazy_file, to_file, view_file,
};
use barewire_derive::{BareStruct, BareUnion};
use proptest::prelude::*;

#[derive(BareUnion, Clone, Debug, PartialEq)]
#[bare(crate = barewire_core)]
enum Part {
    Dense(Vec<f32>),
    Ternary { digits: TernaryMatrix, scale: f32 },
    Wide(#[bare(align = 256)] Vec<f32>),
    Scale(f32),
    Nothing,
}

/// The same without arrays: nothing has to be aligned.
#[derive(BareUnion, Clone, Debug, PartialEq)]
#[bare(crate = barewire_core)]
enum Small {
    Scale(f32),
    Name(String),
}

#[derive(BareUnion, Clone, Debug, PartialEq)]
#[bare(crate = barewire_core)]
enum Head {
    Scale(f32),
    Full(Matrix<f32>),
}

#[derive(BareUnion, Clone, Copy, Debug, PartialEq)]
#[bare(crate = barewire_core)]
enum Kind {
    Plain,
    Gated,
}

/// Components of three unions, with all kinds of things between them.
#[derive(BareStruct, Clone, Debug, PartialEq)]
#[bare(crate = barewire_core)]
struct Model {
    name: String,
    kind: Kind,
    first: Option<Head>,
    counts: Vec<u64>,
    flags: Vec<bool>,
    parts: Vec<Part>,
    facts: barewire_core::wire::Map<u16, Option<Vec<u8>>>,
    shape: [[u16; 3]; 2],
    head: Head,
    words: Vec<String>,
    pair: [Part; 2],
}

fn ternary() -> Part {
    let digits: Vec<i8> = (0..9 * 33).map(|i| (i * 7 % 3) as i8 - 1).collect();
    Part::Ternary { digits: TernaryMatrix::from_digits(9, 33, &digits).unwrap(), scale: 0.5 }
}

fn parts() -> Vec<Part> {
    vec![Part::Scale(1.0), Part::Dense(vec![1.0, 2.0]), ternary(), Part::Nothing, Part::Wide(vec![3.0; 70])]
}

fn model() -> Model {
    Model {
        name: "größe".into(),
        kind: Kind::Gated,
        first: Some(Head::Scale(0.25)),
        counts: vec![1, 2, 3],
        flags: vec![true, false],
        parts: parts(),
        facts: barewire_core::wire::Map::from_entries(vec![(1, None), (2, Some(vec![1, 2, 3]))]).unwrap(),
        shape: [[1, 2, 3], [4, 5, 6]],
        head: Head::Full(Matrix::from_vec(1, 2, vec![7.0f32, 8.0]).unwrap()),
        words: vec!["a".into(), String::new()],
        pair: [Part::Nothing, Part::Dense(vec![9.0])],
    }
}

/// The index's entry `i` in a file of `count` components, and its two offsets.
fn entry(bytes: &mut [u8], count: usize, i: usize) -> &mut [u8] {
    let at = bytes.len() - 48 * (count - i);
    &mut bytes[at..at + 48]
}

// ---------------------------------------------------------------------------------------------------------- lazy

#[test]
fn lazy_components_are_those_of_the_walk() {
    let region = Region::encode(&parts());
    let lazy = region.lazy::<Part>().unwrap();
    let (index, all) = (Index::new(), Index::new());
    let walked = region.view(&all).unwrap();
    assert_eq!(lazy.len(), walked.len());
    for (k, (view, part)) in walked.iter().zip(parts()).enumerate() {
        let found = lazy.view(k, &index).unwrap();
        assert_eq!(format!("{found:?}"), format!("{view:?}"));
        assert_eq!(lazy.decode(k).unwrap(), part);
        lazy.verify(k).unwrap();
    }
    let error = lazy.decode(5).unwrap_err();
    assert_eq!((error.path(), error.expected(), error.found()), ("components[5]".into(), "a component below 5", "5"));
    assert!(lazy.component(5).is_none() && lazy.component(usize::MAX).is_none());

    let empty = Region::encode(&List(Vec::<Part>::new()));
    assert!(empty.lazy::<Part>().unwrap().is_empty());
    let single = Region::encode(&ternary());
    assert_eq!(single.lazy::<Part>().unwrap().decode(0).unwrap(), ternary());
}

#[test]
fn among_components_of_several_unions_each_is_known_by_its_place() {
    let region = Region::encode(&model());
    let all: Vec<Part> = parts().into_iter().chain(model().pair).collect();
    let lazy = region.lazy::<Part>().unwrap();
    let found: Vec<Part> = (0..lazy.len()).map(|k| lazy.decode(k).unwrap()).collect();
    assert_eq!(found, all);
    let heads = region.lazy::<Head>().unwrap();
    assert_eq!(heads.len(), 2);
    assert_eq!(heads.decode(0).unwrap(), Head::Scale(0.25));
    assert_eq!(heads.decode(1).unwrap(), model().head);
    assert_eq!(region.lazy::<Kind>().unwrap().decode(0).unwrap(), Kind::Gated);
    // components of the whole file: kind, first, parts, head, pair
    assert_eq!(heads.component(1), region.header().unwrap().component(1 + 1 + 5));
}

#[test]
fn a_union_that_the_root_does_not_have_is_refused() {
    mod other {
        use super::*;
        // another `Head`, whose first variant looks the same
        #[derive(BareUnion, Debug)]
        #[bare(crate = barewire_core)]
        pub(super) enum Head {
            Scale(f32),
            Full(Vec<f32>),
        }
    }
    let region = Region::encode(&model());
    let error = region.lazy::<Small>().unwrap_err();
    assert_eq!(error.expected(), "a root with components of the union `Small`");
    assert!(region.lazy::<other::Head>().is_err());
    assert!(Region::encode(&vec![1.0f32]).lazy::<Head>().is_err());
    // unions inside unions are no components
    #[derive(BareUnion)]
    #[bare(crate = barewire_core)]
    enum Outer {
        One(Head),
    }
    assert!(Region::encode(&vec![Outer::One(Head::Scale(1.0))]).lazy::<Head>().is_err());
}

#[test]
fn a_lazy_reader_does_not_look_at_other_components() {
    let mut bytes = to_file(&parts());
    let first = Header::read(&bytes).unwrap().component(0).unwrap().extent.start as usize;
    bytes[first] = 99;
    let lazy = lazy_file::<Vec<Part>, Part>(&bytes).unwrap();
    assert!(lazy.decode(0).unwrap_err().path().starts_with("components[0]"));
    assert_eq!(lazy.decode(2).unwrap(), ternary());
    assert!(view_file::<Vec<Part>>(&bytes, &Index::new()).is_err());
}

#[test]
fn a_lazy_component_is_exactly_what_the_index_says() {
    let file = to_file(&parts());
    for i in 0..5 {
        for (at, by) in [(0, 1i64), (0, -1), (8, 1), (8, -1)] {
            let mut bytes = file.clone();
            let field = &mut entry(&mut bytes, 5, i)[at..at + 8];
            let moved = i64::from_le_bytes((*field).try_into().unwrap()) + by;
            field.copy_from_slice(&moved.to_le_bytes());
            // refused for its order, or when it is read; a later tag may itself be a valid part, as `Nothing` is
            if let Ok(lazy) = lazy_file::<Vec<Part>, Part>(&bytes) {
                let found = lazy.decode(i);
                assert_ne!(found.as_ref().ok(), Some(&parts()[i]), "component {i}, {at} by {by}");
                assert!(lazy.verify(i).is_err(), "component {i}, {at} by {by}");
            }
        }
    }
    // entries that are equal, overlap or descend do not open
    for (i, from) in [(1, 0), (2, 1), (4, 1), (0, 4)] {
        let mut bytes = file.clone();
        let copy = entry(&mut bytes, 5, from).to_vec();
        entry(&mut bytes, 5, i).copy_from_slice(&copy);
        assert!(lazy_file::<Vec<Part>, Part>(&bytes).unwrap_err().path().starts_with("index["));
    }
}

#[test]
fn with_several_unions_the_index_must_fit_what_stands_between() {
    let file = to_file(&model());
    let count = Header::read(&file).unwrap().components().len();
    for i in 0..count {
        for at in [0, 8] {
            let mut bytes = file.clone();
            let field = &mut entry(&mut bytes, count, i)[at..at + 8];
            let moved = u64::from_le_bytes((*field).try_into().unwrap()) + 1;
            field.copy_from_slice(&moved.to_le_bytes());
            assert!(lazy_file::<Model, Head>(&bytes).is_err(), "entry {i}, octet {at}");
        }
    }
}

// ------------------------------------------------------------------------------------------------------- splicing

/// `splice` gives the octets that encoding the spliced list anew gives.
fn assert_splice<U>(list: &[U], range: std::ops::Range<usize>, values: &[U])
where
    U: barewire_core::wire::Union + barewire_core::wire::Element<Kind = barewire_core::wire::Walked> + Clone,
{
    let mut expected = list.to_vec();
    expected.splice(range.clone(), values.iter().cloned());
    let mut region = Region::encode(&list.to_vec());
    region.splice(range.clone(), values).unwrap();
    assert!(region.bytes() == &to_file(&expected)[..], "{range:?} of {} by {}", list.len(), values.len());
    let mut region = Region::encode(&List(list.to_vec()));
    region.splice(range, values).unwrap();
    assert!(region.bytes() == &to_file(&List(expected))[..]);
}

fn any_part() -> impl Strategy<Value = Part> {
    prop_oneof![
        Just(Part::Nothing),
        Just(ternary()),
        (-1e9f32..1e9).prop_map(Part::Scale),
        proptest::collection::vec(-1e9f32..1e9, 0..40).prop_map(Part::Dense),
        proptest::collection::vec(-1e9f32..1e9, 0..40).prop_map(Part::Wide),
    ]
}

fn any_small() -> impl Strategy<Value = Small> {
    prop_oneof![(-1e9f32..1e9).prop_map(Small::Scale), any::<String>().prop_map(Small::Name)]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn splicing_is_encoding_anew(
        list in proptest::collection::vec(any_part(), 0..7),
        values in proptest::collection::vec(any_part(), 0..4),
        ends in any::<(prop::sample::Index, prop::sample::Index)>(),
    ) {
        let (a, b) = (ends.0.index(list.len() + 1), ends.1.index(list.len() + 1));
        assert_splice(&list, a.min(b)..a.max(b), &values);
    }

    #[test]
    fn splicing_without_arrays_is_encoding_anew(
        list in proptest::collection::vec(any_small(), 0..7),
        values in proptest::collection::vec(any_small(), 0..4),
        ends in any::<(prop::sample::Index, prop::sample::Index)>(),
    ) {
        let (a, b) = (ends.0.index(list.len() + 1), ends.1.index(list.len() + 1));
        assert_splice(&list, a.min(b)..a.max(b), &values);
    }
}

#[test]
fn the_count_may_take_an_octet_more_or_less() {
    for n in [126, 127, 128, 129] {
        let mut list = vec![Part::Scale(0.0); n];
        list[n / 2] = Part::Dense(vec![4.0]);
        assert_splice(&list, n..n, &[Part::Dense(vec![5.0])]);
        assert_splice(&list, n..n, &[Part::Nothing, Part::Dense(vec![5.0])]);
        assert_splice(&list, n - 1..n, &[]);
        assert_splice(&list, 3..4, &[]);
        assert_splice(&list, 0..n, &[]);
        assert_splice(&list, 0..0, &vec![Part::Nothing; 130]);
    }
    for n in [16_383, 16_384] {
        let mut list = vec![Small::Scale(1.0); n];
        list[7] = Small::Name("seven".into());
        assert_splice(&list, n..n, &[Small::Scale(2.0)]);
        assert_splice(&list, 0..1, &[]);
    }
}

#[test]
fn a_file_grows_part_by_part() {
    let mut region = Region::encode(&Vec::<Part>::new());
    let mut all = Vec::new();
    for i in 0..140 {
        let part = parts().swap_remove(i % 5);
        region.append(std::slice::from_ref(&part)).unwrap();
        all.push(part);
    }
    assert!(region.bytes() == &to_file(&all)[..]);
    region.verify(Level::Full).unwrap();
    region.replace(70, &ternary()).unwrap();
    all[70] = ternary();
    assert!(region.bytes() == &to_file(&all)[..]);
}

#[test]
fn a_range_past_the_end_changes_nothing() {
    let mut region = Region::encode(&parts());
    let before = region.bytes().to_vec();
    #[allow(clippy::reversed_empty_ranges)]
    for range in [4..6, 6..6, 3..2, 0..usize::MAX, usize::MAX..usize::MAX] {
        let error = region.splice(range, &[Part::Nothing]).unwrap_err();
        assert_eq!(error.expected(), "a range of the 5 components");
    }
    assert!(region.replace(usize::MAX, &Part::Nothing).is_err());
    assert_eq!(region.bytes(), before);
}

#[test]
fn a_damaged_component_does_not_get_a_new_hash() {
    let mut bytes = to_file(&parts());
    let end = Header::read(&bytes).unwrap().component(1).unwrap().extent.end as usize;
    bytes[end - 1] ^= 1; // a number of component 1
    let mut region = Region::<Vec<Part>>::from_bytes(&bytes).unwrap();
    // it would move by an octet, and so be written anew
    let error = region.replace(0, &Part::Nothing).unwrap_err();
    assert_eq!(error.path(), "components[1]");
    assert_eq!(region.bytes(), &bytes[..]);
    // where it stays, its hash stays, and still does not fit
    region.append(&[Part::Nothing]).unwrap();
    assert_eq!(region.verify(Level::Full).unwrap_err().path(), "components[1]");
    // an index that lies is found before anything is done by it
    let mut bytes = to_file(&parts());
    let start = &mut entry(&mut bytes, 5, 4)[..8];
    let moved = u64::from_le_bytes((*start).try_into().unwrap()) + 1;
    start.copy_from_slice(&moved.to_le_bytes());
    let mut region = Region::<Vec<Part>>::from_bytes(&bytes).unwrap();
    assert_eq!(region.append(&[Part::Nothing]).unwrap_err().path(), "index[4]");
    assert_eq!(region.bytes(), &bytes[..]);
}

#[test]
fn a_file_on_the_disk_grows_while_it_is_mapped() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("parts.bare");
    Region::encode(&parts()).save(&path).unwrap();
    // SAFETY: the file is in a folder of our own; what replaces its name is another file.
    let region = unsafe { Region::<Vec<Part>, Mapped>::map(&path) }.unwrap();
    region.save_spliced(&path, 5..5, &[ternary()]).unwrap();
    let mut all = parts();
    all.push(ternary());
    assert!(std::fs::read(&path).unwrap() == to_file(&all)[..]);
    region.save_spliced(&path, 0..2, &[]).unwrap();
    assert!(std::fs::read(&path).unwrap() == to_file(&parts()[2..].to_vec())[..]);
    // the map is still of the file that it was made of
    assert_eq!(region.decode().unwrap(), parts());
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
}

// ------------------------------------------------------------------------------------------------ changes in place

fn change(region: &mut Region<Vec<Part>, impl barewire_core::wire::AccessMut>, to: f32) {
    for part in region.view_mut().unwrap() {
        match part {
            PartViewMut::Dense(values) | PartViewMut::Wide(values) => values.fill(to),
            PartViewMut::Scale(value) => value.set(to),
            _ => {}
        }
    }
}

#[test]
fn a_region_between_change_and_seal_is_marked() {
    let mut region = Region::encode(&parts());
    change(&mut region, 2.0);
    assert!(!region.header().unwrap().is_sealed());
    for level in [Level::Header, Level::Structure, Level::Full] {
        assert_eq!(region.verify(level).unwrap_err().path(), "contentHash");
    }
    assert!(region.append(&[Part::Nothing]).is_err());
    // what is in it can still be read where it was changed
    assert_eq!(region.decode().unwrap()[0], Part::Scale(2.0));
    let error = Region::<Vec<Part>>::from_bytes(region.bytes()).unwrap_err();
    assert!(error.to_string().contains("changed in place and not sealed"), "{error}");
    assert!(view_file::<Vec<Part>>(region.bytes(), &Index::new()).is_err());
    assert!(lazy_file::<Vec<Part>, Part>(region.bytes()).is_err());
    region.seal().unwrap();
    region.verify(Level::Full).unwrap();
    Region::<Vec<Part>>::from_bytes(region.bytes()).unwrap();
}

#[test]
fn sealing_what_changed_costs_and_says_no_more_than_that() {
    let mut region = Region::encode(&parts());
    let sealed = |region: &mut Region<_>, which: &[usize]| region.seal_components(which.iter().copied());
    change(&mut region, 2.0);
    sealed(&mut region, &[0, 1, 4]).unwrap();
    region.verify(Level::Full).unwrap();
    assert!(region.bytes() == &to_file(&region.decode().unwrap())[..]);
    change(&mut region, 3.0);
    sealed(&mut region, &[0, 1]).unwrap();
    assert_eq!(region.verify(Level::Full).unwrap_err().path(), "components[4]");
    assert!(sealed(&mut region, &[5]).is_err());
}

#[test]
fn an_index_that_lies_is_not_sealed() {
    let mut bytes = to_file(&parts());
    let start = &mut entry(&mut bytes, 5, 4)[..8];
    let moved = u64::from_le_bytes((*start).try_into().unwrap()) + 1;
    start.copy_from_slice(&moved.to_le_bytes());
    let mut region = Region::<Vec<Part>>::from_bytes(&bytes).unwrap();
    change(&mut region, 2.0);
    assert_eq!(region.seal().unwrap_err().path(), "index[4]");
    assert!(!region.header().unwrap().is_sealed());
}

/// What a crash may leave of a file that was sealed, changed and sealed again: any of its pieces old, any new.
#[test]
fn a_mix_of_two_sealed_states_is_found() {
    let mut region = Region::encode(&parts());
    let old = region.bytes().to_vec();
    change(&mut region, 2.0);
    region.seal().unwrap();
    let new = region.bytes().to_vec();
    let pieces: Vec<usize> = (0..old.len())
        .step_by(16)
        .filter(|&at| old[at..].iter().zip(&new[at..]).take(16).any(|(a, b)| a != b))
        .collect();
    let mut rng = 1u64;
    for round in 0..4000 {
        let mut mix = old.clone();
        let mut which = Vec::new();
        for (i, &at) in pieces.iter().enumerate() {
            rng = rng.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            // first every single piece, and all but one; then any
            let taken = match round / pieces.len() {
                0 => i == round,
                1 => i != round - pieces.len(),
                _ => rng >> 63 == 1,
            };
            if taken {
                let end = (at + 16).min(old.len());
                mix[at..end].copy_from_slice(&new[at..end]);
                which.push(at);
            }
        }
        if mix == old || mix == new {
            continue;
        }
        let full = Region::<Vec<Part>>::from_bytes(&mix).map(|region| region.verify(Level::Full));
        assert!(!matches!(full, Ok(Ok(()))), "pieces {which:?} went unseen");
    }
}

/// The same test binary again, as a process that dies while it changes a file.
fn dies(path: &Path, at: &str) {
    let test = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "changed_by_a_process_that_dies", "--nocapture"])
        .env("BAREWIRE_TEST_FILE", path)
        .env("BAREWIRE_TEST_DIE", at)
        .output()
        .unwrap();
    assert!(!test.status.success(), "it was to die");
}

#[test]
fn changed_by_a_process_that_dies() {
    if let Some(path) = std::env::var_os("BAREWIRE_TEST_FILE") {
        let at = std::env::var("BAREWIRE_TEST_DIE").unwrap();
        // SAFETY: the parent process waits for this one and does not touch the file meanwhile.
        let mut region = unsafe { Region::<Vec<Part>, MappedMut>::map_mut(&path) }.unwrap();
        if at == "opened" {
            std::process::abort();
        }
        match &mut region.view_mut().unwrap()[0] {
            PartViewMut::Scale(value) => value.set(2.0),
            other => panic!("{other:?}"),
        }
        if at == "changed" {
            std::process::abort();
        }
        region.seal().unwrap();
        std::process::abort();
    }
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("parts.bare");
    Region::encode(&parts()).save(&path).unwrap();
    let open = || {
        let region = Region::<Vec<Part>>::open(&path)?;
        region.verify(Level::Full).map_err(|cause| FileError::Decode { path: path.clone(), cause })?;
        Ok::<_, FileError>(region)
    };
    dies(&path, "opened");
    assert_eq!(open().unwrap().decode().unwrap(), parts());
    dies(&path, "changed");
    let error = open().unwrap_err().to_string();
    assert!(error.contains("not sealed"), "{error}");
    // SAFETY: the process that touched the file is dead.
    let mapped = unsafe { Region::<Vec<Part>, Mapped>::map(&path) };
    assert!(mapped.is_err());
    dies(&path, "sealed");
    assert_eq!(open().unwrap().decode().unwrap()[0], Part::Scale(2.0));
}

#[test]
fn a_reader_beside_a_writer_sees_whole_files() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("parts.bare");
    Region::encode(&parts()).save(&path).unwrap();
    std::thread::scope(|scope| {
        let writer = scope.spawn(|| {
            for _ in 0..20 {
                let region = Region::<Vec<Part>>::open(&path).unwrap();
                region.save_spliced(&path, 5..5, &[ternary()]).unwrap();
                Region::encode(&parts()).save(&path).unwrap();
            }
        });
        while !writer.is_finished() {
            let region = Region::<Vec<Part>>::open(&path).unwrap();
            region.verify(Level::Full).unwrap();
            assert!([5, 6].contains(&region.lazy::<Part>().unwrap().len()));
        }
    });
}

// ---------------------------------------------------------------------------------------------------------- memory

#[test]
fn memory_is_used_again() {
    let region = Region::encode(&parts());
    let expected = region.bytes().to_vec();
    let buf = region.into_buf();
    let at = buf.as_ptr();
    // another file in the same memory, then the first again: nothing of either shows in the other
    let small = Region::encode_into(&vec![Part::Nothing], buf);
    assert!(small.bytes() == &to_file(&vec![Part::Nothing])[..]);
    let region = Region::encode_into(&parts(), small.into_buf());
    assert_eq!(region.bytes(), expected);
    assert_eq!(region.bytes().as_ptr(), at);
}

proptest! {
    #[test]
    fn an_aligned_buffer_is_a_vec(steps in proptest::collection::vec((0u8..4, 0usize..10_000), 0..20)) {
        let (mut buf, mut vec) = (AlignedBuf::new(), Vec::new());
        for (i, (what, n)) in steps.into_iter().enumerate() {
            match what {
                0 | 1 => {
                    let bytes = vec![i as u8 + 1; n];
                    buf.extend_from_slice(&bytes);
                    vec.extend_from_slice(&bytes);
                }
                2 => {
                    buf.resize(n);
                    vec.resize(n, 0);
                }
                _ => {
                    buf.clear();
                    vec.clear();
                    buf.reserve(n);
                }
            }
            prop_assert!(buf[..] == vec[..]);
            prop_assert_eq!(buf.as_ptr().addr() % 4096, 0);
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn every_array_lies_at_its_alignment_or_is_refused(
        list in proptest::collection::vec(any_part(), 1..7),
        shift in 1usize..256,
    ) {
        let file = to_file(&list);
        let index = Index::new();
        let views = view_file::<Vec<Part>>(&file, &index).unwrap();
        let lazy = lazy_file::<Vec<Part>, Part>(&file).unwrap();
        let mut widest = 1;
        for (k, view) in views.iter().enumerate() {
            for view in [*view, lazy.view(k, &index).unwrap()] {
                let (address, align) = match view {
                    PartView::Dense(values) => (values.as_ptr().addr(), 64),
                    PartView::Ternary { digits, .. } => (digits.words.as_ptr().addr(), 64),
                    PartView::Wide(values) => (values.as_ptr().addr(), 256),
                    PartView::Scale(_) | PartView::Nothing => (0, 1),
                };
                prop_assert_eq!(address % align, 0);
                widest = widest.max(align);
            }
        }
        // the same octets elsewhere in memory: an error as soon as there is an array that is out of place
        let mut moved = AlignedBuf::zeroed(shift);
        moved.extend_from_slice(&file);
        let refused = view_file::<Vec<Part>>(&moved[shift..], &index).is_err();
        prop_assert_eq!(refused, shift % widest != 0, "{} octets past a multiple of {}", shift % widest, widest);
    }
}

#[test]
fn schemas_are_kept_by_type() {
    // hashes are kept once a type: two types of one name and shape share a schema, others do not
    fn hash<T: Wire>() -> [u8; 32] {
        assert_eq!(barewire_core::wire::schema_hash::<T>(), barewire_core::wire::schema_hash::<T>());
        barewire_core::wire::schema_hash::<T>()
    }
    assert_eq!(hash::<Vec<Part>>(), hash::<List<Part>>());
    assert_ne!(hash::<Vec<Part>>(), hash::<Vec<Small>>());
    assert_ne!(hash::<BinaryMatrix>(), hash::<TernaryMatrix>());
}
