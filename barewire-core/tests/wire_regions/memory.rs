//! Buffers that are used again, and where arrays lie in them.

use super::*;

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
