//! Growing and shrinking: the octets are those of encoding anew.

use super::*;

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
