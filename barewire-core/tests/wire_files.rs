//! Files: zero copy, hostile octets, hashes, saving, maps.

use barewire_core::wire::{
    AlignedBuf, BinaryMatrix, BinaryView, DecodeError, FileError, Header, Index, Level, List, Mapped, MappedMut,
    Matrix, QuantizedMatrix, Region, TernaryMatrix, TernaryView, Wire, from_foreign_message, from_message, schema_hash,
    to_file, to_message, varint_len, view_file, view_message, view_message_mut,
};
use barewire_derive::{BareStruct, BareUnion};

#[derive(BareUnion, Clone, Debug, PartialEq)]
#[bare(crate = barewire_core)]
enum Part {
    Ternary { digits: TernaryMatrix, scale: f32 },
    Binary(BinaryMatrix),
    Quantized(QuantizedMatrix),
    Dense { weights: Matrix<f32>, bias: Vec<f32>, steps: Vec<u64>, codes: Vec<i8>, doubles: Vec<f64> },
    Nothing,
}

#[derive(BareStruct, Clone, Debug, PartialEq)]
#[bare(crate = barewire_core)]
struct Model {
    name: String,
    parts: Vec<Part>,
    #[bare(align = 256)]
    embedding: Matrix<f32>,
    head: Part,
    rows: Vec<Vec<f32>>,
}

fn parts() -> Vec<Part> {
    let digits: Vec<i8> = (0..9 * 33).map(|i| (i * 7 % 3) as i8 - 1).collect();
    let bits: Vec<bool> = (0..3 * 65).map(|i| i % 3 == 0).collect();
    let codes: Vec<u8> = (0..2 * 23).map(|i| (i % 32) as u8).collect();
    vec![
        Part::Ternary { digits: TernaryMatrix::from_digits(9, 33, &digits).unwrap(), scale: 0.5 },
        Part::Binary(BinaryMatrix::from_bits(3, 65, &bits).unwrap()),
        Part::Quantized(QuantizedMatrix::from_codes(2, 23, 5, 0.25, 16.0, &codes).unwrap()),
        Part::Nothing,
        Part::Dense {
            weights: Matrix::from_vec(2, 3, vec![1.0f32, -2.0, 3.0, -4.0, 5.0, -6.0]).unwrap(),
            bias: vec![0.5, 0.25],
            steps: vec![1, 2, 3],
            codes: vec![-1, 1],
            doubles: vec![1e300],
        },
        Part::Dense {
            weights: Matrix::zeros(0, 3).unwrap(),
            bias: vec![],
            steps: vec![],
            codes: vec![],
            doubles: vec![],
        },
    ]
}

fn model() -> Model {
    Model {
        name: "größe".into(),
        parts: parts(),
        embedding: Matrix::from_vec(1, 2, vec![7.0f32, 8.0]).unwrap(),
        head: parts().remove(0),
        rows: vec![vec![1.0], vec![2.0, 3.0]],
    }
}

/// Start and length in octets of every slice of numbers in a view.
fn slices(view: &ModelView<'_>) -> Vec<(usize, usize, usize)> {
    fn of<T>(slice: &[T]) -> (usize, usize, usize) {
        (slice.as_ptr().addr(), size_of_val(slice), 64)
    }
    let part = |part: &PartView<'_>| match *part {
        PartView::Ternary { digits: TernaryView { words, .. }, .. } => vec![of(words)],
        PartView::Binary(BinaryView { words, .. }) => vec![of(words)],
        PartView::Quantized(view) => vec![of(view.words)],
        PartView::Dense { weights, bias, steps, codes, doubles } => {
            vec![of(weights.values), of(bias), of(steps), of(codes), of(doubles)]
        }
        PartView::Nothing => vec![],
    };
    let mut all: Vec<_> = view.parts.iter().flat_map(part).collect();
    all.extend(part(&view.head));
    all.extend(view.rows.iter().map(|row| of(row)));
    let (start, len, _) = of(view.embedding.values);
    all.push((start, len, 256));
    all
}

fn assert_zero_copy(bytes: &[u8], view: &ModelView<'_>) {
    let slices = slices(view);
    assert_eq!(slices.len(), 3 + 2 * 5 + 1 + 2 + 1);
    let file = bytes.as_ptr_range();
    for (start, len, align) in slices {
        assert_eq!(start % align, 0, "a slice at {start:#x} is not at a multiple of {align}");
        assert!(start >= file.start.addr() && start + len <= file.end.addr(), "a slice lies outside the file");
    }
    let name = view.name.as_ptr();
    assert!(file.contains(&name), "the name was copied");
}

#[test]
fn every_slice_lies_in_the_file_at_a_multiple_of_its_alignment() {
    let region = Region::encode(&model());
    let index = Index::new();
    assert_zero_copy(region.bytes(), &region.view(&index).unwrap());

    let message = to_message(&model());
    assert_zero_copy(&message, &view_message::<Model>(&message, &index).unwrap());

    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("model.bare");
    region.save(&path).unwrap();
    // SAFETY: the file is in a folder of our own, and nobody touches it until the region is dropped.
    let mapped = unsafe { Region::<Model, Mapped>::map(&path) }.unwrap();
    assert_zero_copy(mapped.bytes(), &mapped.view(&index).unwrap());
    mapped.verify(Level::Full).unwrap();
}

#[test]
fn owned_matrices_are_aligned_too() {
    for part in parts() {
        let index = Index::new();
        match part.view(&index) {
            PartView::Ternary { digits, .. } => assert_eq!(digits.words.as_ptr().addr() % 64, 0),
            PartView::Dense { weights, .. } => assert_eq!(weights.values.as_ptr().addr() % 64, 0),
            _ => {}
        }
    }
}

#[test]
fn the_root_of_a_file_is_the_plain_message() {
    let region = Region::encode(&model());
    let root = region.header().unwrap().root;
    assert_eq!(region.bytes()[root.start as usize..root.end as usize], to_message(&model())[..]);
    assert_eq!(root.start % 256, 0);
}

/// Whatever is done to a file: an error, or the same value. Never a panic, never another value.
fn survives(bytes: &[u8], what: &str) {
    let region = match Region::<Model>::from_bytes(bytes) {
        Ok(region) => region,
        Err(error) => return assert!(!error.to_string().is_empty()),
    };
    let _ = region.decode();
    let index = Index::new();
    if let Ok(view) = region.view(&index) {
        let _ = format!("{view:?}");
    }
    let mut change = region.clone_bytes();
    if let Ok(header) = Header::read(bytes) {
        let root = header.root.start as usize..header.root.end as usize;
        let _ = view_message_mut::<Model>(&mut change[root]);
    }
    if region.verify(Level::Full).is_ok() {
        assert_eq!(region.decode().unwrap(), model(), "{what} went unseen");
    }
}

trait CloneBytes {
    fn clone_bytes(&self) -> AlignedBuf;
}

impl CloneBytes for Region<Model> {
    fn clone_bytes(&self) -> AlignedBuf {
        AlignedBuf::copy_from(self.bytes())
    }
}

#[test]
fn every_altered_octet_is_found() {
    let file = to_file(&model());
    for at in 0..file.len() {
        for change in [0x01, 0x80, 0xff] {
            let mut bytes = file.to_vec();
            bytes[at] ^= change;
            survives(&bytes, &format!("octet {at} changed by {change:#x}"));
            let full = Region::<Model>::from_bytes(&bytes).is_ok_and(|region| region.verify(Level::Full).is_ok());
            assert!(!full, "octet {at} changed by {change:#x} went unseen");
        }
    }
}

#[test]
fn every_truncation_is_found() {
    let file = to_file(&model());
    for cut in 0..file.len() {
        assert!(Region::<Model>::from_bytes(&file[..cut]).is_err(), "cut to {cut}");
    }
    let mut longer = file.to_vec();
    longer.push(0);
    assert!(Region::<Model>::from_bytes(&longer).is_err());
}

#[test]
fn altered_messages_give_errors_or_canonical_values() {
    let message = to_message(&model());
    for at in 0..message.len() {
        for change in [0x01, 0x02, 0x40, 0x80, 0xff] {
            let mut bytes = AlignedBuf::copy_from(&message);
            bytes[at] ^= change;
            let index = Index::new();
            let owned = from_message::<Model>(&bytes);
            let viewed = view_message::<Model>(&bytes, &index).map(drop);
            // the two readers agree, to the letter
            assert_eq!(owned.as_ref().err(), viewed.as_ref().err(), "octet {at} changed by {change:#x}");
            if let Ok(value) = owned {
                assert_eq!(to_message(&value), bytes, "accepted octets are the canonical ones");
            }
            let copy = bytes.clone();
            assert_eq!(view_message_mut::<Model>(&mut bytes).err(), viewed.err());
            assert_eq!(bytes, copy, "reading changes nothing");
        }
    }
}

#[test]
fn swapped_components_are_found() {
    let two = vec![
        Part::Binary(BinaryMatrix::from_bits(1, 1, &[true]).unwrap()),
        Part::Binary(BinaryMatrix::from_bits(1, 1, &[false]).unwrap()),
    ];
    let region = Region::encode(&two);
    let components: Vec<_> = region.header().unwrap().components().collect();
    let mut bytes = region.bytes().to_vec();
    // the last octets of each are its word; sizes and pads are the same
    let (a, b) = (components[0].extent.end as usize - 8, components[1].extent.end as usize - 8);
    for i in 0..8 {
        bytes.swap(a + i, b + i);
    }
    let swapped = Region::<Vec<Part>>::from_bytes(&bytes).unwrap();
    swapped.verify(Level::Structure).unwrap();
    let error = swapped.verify(Level::Full).unwrap_err();
    assert_eq!(error.path(), "components[0]");
}

#[test]
fn only_the_full_check_reads_payloads() {
    let digits = TernaryMatrix::from_digits(1, 2, &[1, -1]).unwrap();
    let mut region = Region::encode(&Part::Ternary { digits, scale: 1.0 });
    match region.view_mut().unwrap() {
        PartViewMut::Ternary { digits, .. } => digits.words[0] |= 3,
        other => panic!("{other:?}"),
    }
    region.seal().unwrap();
    region.verify(Level::Structure).unwrap();
    let error = region.verify(Level::Full).unwrap_err();
    assert_eq!((error.path(), error.expected()), ("Ternary.digits".into(), "digit codes 0, 1 and 2"));
    assert!(TernaryMatrix::from_words(1, 2, vec![3u64; 8]).is_err());
}

#[test]
fn the_index_must_say_what_the_walk_finds() {
    let region = Region::encode(&model());
    let length = region.bytes().len();
    let count = region.header().unwrap().components().len();
    let first = length - 48 * count;
    let entry = |bytes: &[u8], i: usize| u64::from_le_bytes(bytes[first + 48 * i..][..8].try_into().unwrap());
    for (i, value) in
        [(0, 0), (1, entry(region.bytes(), 0)), (1, entry(region.bytes(), 1) + 1), (2, u64::MAX), (0, 1 << 63)]
    {
        let mut bytes = region.bytes().to_vec();
        bytes[first + 48 * i..][..8].copy_from_slice(&u64::to_le_bytes(value));
        let refused = Region::<Model>::from_bytes(&bytes).and_then(|region| {
            let cause = region.view(&Index::new()).map(drop);
            cause.map_err(|cause| FileError::Decode { path: "".into(), cause })
        });
        let message = refused.unwrap_err().to_string();
        assert!(message.contains("`index"), "{message}");
    }
}

#[test]
fn huge_counts_are_refused_before_anything_is_reserved() {
    fn huge<T: Wire>(head: &[u8]) -> DecodeError {
        let mut worst = DecodeError::new(0, "", "");
        for count in [1u64 << 20, 1 << 32, 1 << 61, 1 << 62, 1 << 63, u64::MAX] {
            let mut bytes = AlignedBuf::copy_from(head);
            let mut rest = count;
            while rest >= 0x80 {
                bytes.extend_from_slice(&[rest as u8 | 0x80]);
                rest >>= 7;
            }
            bytes.extend_from_slice(&[rest as u8]);
            bytes.extend_from_slice(&[0; 64]);
            let index = Index::new();
            worst = view_message::<T>(&bytes, &index).map(drop).unwrap_err();
            assert!(index.allocated() < 1 << 16, "{} octets reserved", index.allocated());
            from_message::<T>(&bytes).map(drop).unwrap_err();
            view_message_mut::<T>(&mut bytes).map(drop).unwrap_err();
        }
        worst
    }
    huge::<Vec<f32>>(&[0]); // after an empty pad
    huge::<Vec<f32>>(&[]); // as the pad itself
    huge::<Vec<u64>>(&[0]);
    huge::<List<u64>>(&[]);
    huge::<Vec<u8>>(&[]);
    huge::<Vec<bool>>(&[]);
    huge::<String>(&[]);
    huge::<Vec<Part>>(&[]);
    let error = huge::<Vec<Vec<f32>>>(&[]);
    assert_eq!(error.expected(), "a count of at most 32, which is what 64 octets can hold");
}

#[test]
fn sizes_that_overflow_are_compared_not_multiplied_away() {
    // 2^32 - 1 rows and columns, no values
    let mut bytes = AlignedBuf::copy_from(&[0xff; 8]);
    bytes.extend_from_slice(&[54]);
    bytes.extend_from_slice(&[0; 55]);
    let index = Index::new();
    let error = view_message::<Matrix<f32>>(&bytes, &index).unwrap_err();
    assert_eq!(error.expected(), "18446744065119617025 values for a 4294967295 x 4294967295 matrix");
    assert!(view_message::<TernaryMatrix>(&bytes, &index).is_err());
    assert!(view_message::<BinaryMatrix>(&bytes, &index).is_err());
}

#[test]
fn pads_of_other_writers_are_read_by_copying_when_asked_for() {
    // an empty pad: out of place
    let mut foreign = vec![0, 2];
    foreign.extend([1.0f32, 2.0].iter().flat_map(|x| x.to_le_bytes()));
    let error = from_message::<Vec<f32>>(&foreign).unwrap_err();
    assert_eq!(error.to_string(), "at octet 0: expected a pad of 62 octets before 2 numbers aligned to 64, found 0");
    assert_eq!(from_foreign_message::<Vec<f32>>(&foreign).unwrap(), [1.0, 2.0]);
    // a pad of the right length that hides something
    let mut hiding = to_message(&vec![1.0f32]);
    hiding[7] = 1;
    let error = from_message::<Vec<f32>>(&hiding).unwrap_err();
    assert_eq!((error.offset(), error.expected()), (7, "a zero in a pad"));
    assert_eq!(from_foreign_message::<Vec<f32>>(&hiding).unwrap(), [1.0]);
}

#[test]
fn a_message_out_of_place_in_memory_is_refused_not_misread() {
    let message = to_message(&vec![1.0f32, 2.0]);
    let mut shifted = AlignedBuf::zeroed(4);
    shifted.extend_from_slice(&message);
    let error = view_message::<Vec<f32>>(&shifted[4..], &Index::new()).unwrap_err();
    assert_eq!(error.found(), "numbers 4 octets past one");
    assert_eq!(from_message::<Vec<f32>>(&shifted[4..]).unwrap(), [1.0, 2.0]);
    assert!(view_message_mut::<Vec<f32>>(&mut shifted[4..]).is_err());
}

#[test]
fn another_schema_is_refused_with_both() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("part.bare");
    Region::encode(&Part::Nothing).save(&path).unwrap();
    let error = Region::<Model>::open(&path).unwrap_err();
    let FileError::Schema { cause, .. } = &error else { panic!("{error}") };
    assert_eq!(cause.expected_hash, schema_hash::<Model>());
    assert_eq!(cause.found_hash, schema_hash::<Part>());
    assert!(error.to_string().contains("part.bare"), "{error}");
    assert!(error.to_string().contains("cannot read it: the root: was `union"), "{error}");
    assert!(view_file::<Model>(&to_file(&Part::Nothing), &Index::new()).is_err());
}

#[test]
fn a_mapped_file_is_changed_in_place_and_sealed() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("model.bare");
    Region::encode(&model()).save(&path).unwrap();
    {
        // SAFETY: the file is in a folder of our own, and nobody touches it until the region is dropped.
        let mut region = unsafe { Region::<Model, MappedMut>::map_mut(&path) }.unwrap();
        region.view_mut().unwrap().embedding.values[1] = 9.5;
        assert_eq!(region.verify(Level::Full).unwrap_err().path(), "contentHash");
        region.seal().unwrap();
        region.verify(Level::Full).unwrap();
        region.flush().unwrap();
    }
    let changed = Region::<Model>::open(&path).unwrap();
    changed.verify(Level::Full).unwrap();
    assert_eq!(changed.decode().unwrap().embedding.values(), [7.0, 9.5]);
}

#[test]
fn saving_replaces_whole_files_and_leaves_nothing_behind() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("model.bare");
    Region::encode(&model()).save(&path).unwrap();
    Region::encode(&model()).save(&path).unwrap();
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
    let missing = folder.path().join("no/such/folder.bare");
    let error = Region::encode(&model()).save(&missing).unwrap_err();
    assert!(error.to_string().contains("folder.bare"), "{error}");
}

#[test]
fn files_that_are_none() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("x");
    assert!(matches!(Region::<Model>::open(&path), Err(FileError::Io { .. })));
    for (bytes, word) in
        [(&b""[..], "magic"), (b"GGUFGGUF", "magic"), (b"BAREWIRE", "version"), (b"BAREWIRE\x02\0\0\0", "version 1")]
    {
        std::fs::write(&path, bytes).unwrap();
        let error = Region::<Model>::open(&path).unwrap_err().to_string();
        assert!(error.contains(word), "{error}");
        // SAFETY: as above.
        assert!(unsafe { Region::<Model, Mapped>::map(&path) }.is_err());
    }
}

mod properties {
    use super::*;
    use proptest::prelude::*;

    fn any_part() -> impl Strategy<Value = Part> {
        let ternary = (0usize..20, 0usize..70).prop_flat_map(|(rows, cols)| {
            (proptest::collection::vec(-1i8..=1, rows * cols), any::<f32>()).prop_map(move |(digits, scale)| {
                Part::Ternary { digits: TernaryMatrix::from_digits(rows, cols, &digits).unwrap(), scale }
            })
        });
        let binary = (0usize..9, 0usize..130).prop_flat_map(|(rows, cols)| {
            proptest::collection::vec(any::<bool>(), rows * cols)
                .prop_map(move |bits| Part::Binary(BinaryMatrix::from_bits(rows, cols, &bits).unwrap()))
        });
        let quantized = (0usize..9, 0usize..40, 2u8..=8).prop_flat_map(|(rows, cols, bits)| {
            proptest::collection::vec(0..=(u8::MAX >> (8 - bits)), rows * cols).prop_map(move |codes| {
                Part::Quantized(QuantizedMatrix::from_codes(rows, cols, bits, 0.5, 1.5, &codes).unwrap())
            })
        });
        let dense = (any::<Vec<u64>>(), any::<Vec<i8>>(), proptest::collection::vec(-1e30f32..1e30, 0..300)).prop_map(
            |(steps, codes, bias)| {
                let weights = Matrix::from_vec(1, bias.len(), bias.clone()).unwrap();
                Part::Dense { weights, bias, steps, codes, doubles: vec![0.25] }
            },
        );
        prop_oneof![Just(Part::Nothing), ternary, binary, quantized, dense]
    }

    proptest! {
        #[test]
        fn values_come_back(parts in proptest::collection::vec(any_part(), 0..6), name in any::<String>()) {
            // NaN is not equal to itself; its octets are kept, which `round` sees
            let model = Model { name, parts, embedding: Matrix::zeros(2, 2).unwrap(), head: Part::Nothing, rows: vec![vec![1.5]] };
            let message = to_message(&model);
            let round = from_message::<Model>(&message).unwrap();
            prop_assert_eq!(to_message(&round), message.clone());
            let (a, b) = (Index::new(), Index::new());
            let view = view_message::<Model>(&message, &a).unwrap();
            prop_assert_eq!(format!("{view:?}"), format!("{:?}", model.view(&b)));
            let region = Region::encode(&model);
            region.verify(Level::Full).unwrap();
        }

        #[test]
        fn digits_bits_and_codes_come_back(rows in 0usize..20, cols in 1usize..70, seed in any::<u64>()) {
            let mix = |i: usize| (seed ^ i as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 40;
            let digits: Vec<i8> = (0..rows * cols).map(|i| (mix(i) % 3) as i8 - 1).collect();
            let packed = TernaryMatrix::from_digits(rows, cols, &digits).unwrap();
            prop_assert_eq!(packed.to_digits(), digits);
            let again = TernaryMatrix::from_words(rows, cols, packed.words().to_vec()).unwrap();
            prop_assert_eq!(again, packed);
            for bits in 2..=8u8 {
                let codes: Vec<u8> = (0..rows * cols).map(|i| (mix(i) & ((1 << bits) - 1)) as u8).collect();
                let packed = QuantizedMatrix::from_codes(rows, cols, bits, 1.0, 0.0, &codes).unwrap();
                let found: Vec<u8> = (0..rows * cols).map(|i| packed.code(i / cols, i % cols)).collect();
                prop_assert_eq!(found, codes);
                QuantizedMatrix::from_words(rows, cols, bits, 1.0, 0.0, packed.words().to_vec()).unwrap();
            }
        }

        #[test]
        fn random_octets_never_panic(bytes in any::<Vec<u8>>()) {
            let mut bytes = AlignedBuf::copy_from(&bytes);
            let _ = view_message::<Model>(&bytes, &Index::new()).map(drop);
            let _ = view_message::<Vec<Part>>(&bytes, &Index::new()).map(drop);
            let _ = view_message_mut::<Part>(&mut bytes).map(drop);
            let _ = from_foreign_message::<Model>(&bytes);
            let _ = Header::read(&bytes);
        }

        #[test]
        fn numbers_take_the_octets_they_should(value in any::<u64>()) {
            use barewire_core::wire::{Int, Uint};
            let message = to_message(&Uint(value));
            prop_assert_eq!(message.len() as u64, varint_len(value));
            prop_assert_eq!(from_message::<Uint>(&message).unwrap(), Uint(value));
            prop_assert_eq!(from_message::<Int>(&to_message(&Int(value as i64))).unwrap(), Int(value as i64));
        }
    }
}

/// The example of `docs/wire-format.md`, octet by octet. `BLESS=1` writes the file anew; then the version changes too.
#[test]
fn golden_file() {
    #[derive(BareUnion)]
    #[bare(crate = barewire_core)]
    enum Weight {
        Ternary {
            digits: TernaryMatrix,
            scale: f32,
        },
        #[bare(tag = 3)]
        Dense {
            bias: Vec<f32>,
        },
    }
    let value = vec![
        Weight::Ternary { digits: TernaryMatrix::from_digits(2, 3, &[1, 0, -1, -1, 0, 1]).unwrap(), scale: 0.5 },
        Weight::Dense { bias: vec![1.0, -2.0] },
    ];
    let file = to_file(&value);
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/weight.bare");
    if std::env::var_os("BLESS").is_some() {
        std::fs::write(path, &file[..]).unwrap();
    }
    assert_eq!(std::fs::read(path).unwrap(), file[..], "the format changed");

    let message = to_message(&value);
    assert_eq!(message[..12], [2, 0, 2, 0, 0, 0, 3, 0, 0, 0, 0x34, 0]);
    assert_eq!(
        message[0x3f..0x51],
        [8, 0x46, 0x55, 0x55, 0x55, 0x55, 0x55, 0x55, 0x55, 0x64, 0x55, 0x55, 0x55, 0x55, 0x55, 0x55, 0x55, 0x55]
    );
    assert_eq!(message[0x80..0x87], [0, 0, 0, 0x3f, 3, 0x39, 0]);
    assert_eq!(message[0xbf..], [2, 0, 0, 0x80, 0x3f, 0, 0, 0, 0xc0]);
}
