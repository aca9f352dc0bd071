//! Components one at a time.

use super::*;

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
