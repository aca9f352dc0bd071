//! Every octet altered, every length cut, for every shape of root: an error or an equal value, never a panic, and never more
//! memory than a small multiple of the input.
//!
//! One test in a binary of its own: the allocator counts for the whole process.

use std::alloc::{GlobalAlloc, Layout, System};
use std::fmt::Debug;
use std::sync::atomic::{AtomicUsize, Ordering};

use barewire_core::wire::{
    AlignedBuf, BinaryMatrix, Index, Int, Level, List, Map, Matrix, QuantizedMatrix, Region, TernaryMatrix, Uint, Wire,
    from_foreign_message, from_message, to_file, to_message, view_message, view_message_mut,
};
use barewire_derive::{BareStruct, BareUnion};

struct Counting;

static NOW: AtomicUsize = AtomicUsize::new(0);
static PEAK: AtomicUsize = AtomicUsize::new(0);

// SAFETY: every call is handed on to `System` as it is; counting touches no memory of the caller. (`realloc` and
// `alloc_zeroed` are the trait's own, which call these.)
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        let now = NOW.fetch_add(layout.size(), Ordering::Relaxed) + layout.size();
        PEAK.fetch_max(now, Ordering::Relaxed);
        // SAFETY: the caller's promises to us are those that `System` asks for.
        unsafe { System.alloc(layout) }
    }
    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        NOW.fetch_sub(layout.size(), Ordering::Relaxed);
        // SAFETY: the pointer came from `alloc` above, and so from `System`.
        unsafe { System.dealloc(pointer, layout) }
    }
}

#[global_allocator]
static COUNTING: Counting = Counting;

/// The most octets that were allocated at one time while `f` ran, beyond those before.
fn peak<T>(f: impl FnOnce() -> T) -> (T, usize) {
    let before = NOW.load(Ordering::Relaxed);
    PEAK.store(before, Ordering::Relaxed);
    let result = f();
    (result, PEAK.load(Ordering::Relaxed) - before)
}

#[derive(BareUnion, Clone, Debug, PartialEq)]
#[bare(crate = barewire_core)]
enum Part {
    Ternary {
        digits: TernaryMatrix,
        scale: f32,
    },
    Dense {
        weights: Matrix<f32>,
        bias: Vec<f32>,
    },
    #[bare(tag = 200)]
    Nothing,
    Nested(Vec<Kind>),
}

#[derive(BareUnion, Clone, Copy, Debug, PartialEq)]
#[bare(crate = barewire_core)]
enum Kind {
    Plain,
    Gated,
}

#[derive(BareStruct, Clone, Debug, PartialEq)]
#[bare(crate = barewire_core)]
struct Model {
    name: String,
    parts: Vec<Part>,
    #[bare(align = 256)]
    bias: Vec<f64>,
    head: Option<Kind>,
}

#[derive(BareStruct, Clone, Debug, PartialEq)]
#[bare(crate = barewire_core)]
struct Pair(i16, List<Map<String, [bool; 2]>>);

fn parts() -> Vec<Part> {
    vec![
        Part::Ternary { digits: TernaryMatrix::from_digits(1, 3, &[1, -1, 0]).unwrap(), scale: 0.5 },
        Part::Nothing,
        Part::Dense { weights: Matrix::from_vec(1, 2, vec![1.0f32, -2.0]).unwrap(), bias: vec![3.0] },
        Part::Nested(vec![Kind::Gated, Kind::Plain]),
    ]
}

/// What an octet is changed by.
const CHANGES: [u8; 7] = [0x01, 0x02, 0x04, 0x10, 0x40, 0x80, 0xff];

/// The most memory that reading `len` octets may take: a page or two to start with, the value, its views, and a copy of the
/// octets; an octet of input (`Nothing`, a flag) can be some dozens of octets in memory.
fn allowed(len: usize) -> usize {
    64 * 1024 + 200 * len
}

/// Reads octets in every way; they are a value's canonical ones, or all ways refuse them alike.
fn read<T: Wire + PartialEq>(bytes: &mut AlignedBuf, what: &str) -> Option<T> {
    let before = bytes.clone();
    let (owned, memory) = peak(|| from_message::<T>(bytes));
    assert!(memory <= allowed(bytes.len()), "{what}: {memory} octets to decode {}", bytes.len());
    let index = Index::new();
    let (viewed, memory) = peak(|| view_message::<T>(bytes, &index).map(drop));
    assert!(memory <= allowed(bytes.len()), "{what}: {memory} octets to view {}", bytes.len());
    let (foreign, memory) = peak(|| from_foreign_message::<T>(bytes));
    assert!(memory <= allowed(bytes.len()), "{what}: {memory} octets to decode {} of others", bytes.len());
    assert_eq!(owned.as_ref().err(), viewed.as_ref().err(), "{what}: decoding and viewing differ");
    let (lent, memory) = peak(|| view_message_mut::<T>(bytes).map(drop));
    assert!(memory <= allowed(before.len()), "{what}: {memory} octets to lend {}", before.len());
    assert_eq!(lent.err(), viewed.err(), "{what}: viewing and lending differ");
    assert!(*bytes == before, "{what}: reading changed something");
    let value = owned.ok()?;
    assert!(to_message(&value) == before, "{what}: accepted octets are not the canonical ones");
    // what is strict is also foreign
    assert!(foreign.is_ok_and(|foreign| to_message(&foreign) == before), "{what}: refused as foreign");
    Some(value)
}

fn sweep<T: Wire + PartialEq + Debug>(value: &T) {
    let name = std::any::type_name::<T>();
    let mut message = to_message(value);
    assert_eq!(read::<T>(&mut message, name).as_ref(), Some(value));
    for at in 0..message.len() {
        for change in CHANGES {
            let mut bytes = message.clone();
            bytes[at] ^= change;
            read::<T>(&mut bytes, &format!("{name}, octet {at} changed by {change:#x}"));
        }
        let mut cut = AlignedBuf::copy_from(&message[..at]);
        assert!(read::<T>(&mut cut, &format!("{name}, cut to {at}")).is_none());
    }
    file(value);
}

/// The same for the file around the value: nothing that was altered passes the full check.
fn file<T: Wire + PartialEq + Debug>(value: &T) {
    let name = std::any::type_name::<T>();
    let file = to_file(value);
    let open = |bytes: &[u8], what: &str| {
        let (full, memory) = peak(|| {
            let region = Region::<T>::from_bytes(bytes).ok()?;
            let _ = region.decode().map(drop);
            let _ = region.lazy::<Part>().map(|lazy| (0..lazy.len()).for_each(|k| drop(lazy.decode(k))));
            region.verify(Level::Full).ok()?;
            region.decode().ok()
        });
        assert!(memory <= allowed(bytes.len()), "{what}: {memory} octets for a file of {}", bytes.len());
        full
    };
    assert_eq!(open(&file, name).as_ref(), Some(value));
    for at in 0..file.len() {
        for change in [0x01, 0x80] {
            let mut bytes = file.to_vec();
            bytes[at] ^= change;
            let what = format!("a file of {name}, octet {at} changed by {change:#x}");
            assert!(open(&bytes, &what).is_none(), "{what} went unseen");
        }
        let what = format!("a file of {name}, cut to {at}");
        assert!(open(&file[..at], &what).is_none(), "{what} went unseen");
    }
}

/// Counts of 2^20 to 2^64 - 1 in front of 64 zeros.
fn huge<T: Wire + PartialEq>(head: &[u8]) {
    for count in [1u64 << 20, 1 << 32, 1 << 61, 1 << 62, 1 << 63, u64::MAX] {
        let mut bytes = AlignedBuf::copy_from(head);
        bytes.extend_from_slice(&to_message(&Uint(count)));
        bytes.extend_from_slice(&[0; 64]);
        assert!(read::<T>(&mut bytes, &format!("{count} in a {}", std::any::type_name::<T>())).is_none());
    }
}

#[test]
fn errors_or_equal_values_and_little_memory() {
    // numbers and flags
    sweep(&true);
    sweep(&-2i8);
    sweep(&0x0102_0304_u32);
    sweep(&1.5f64);
    sweep(&Uint(u64::MAX));
    sweep(&Int(-300));
    // lists
    sweep(&vec![1u8, 2, 3]);
    sweep(&vec![true, false]);
    sweep(&vec![1i8, -1]);
    sweep(&vec![1u16, 2, 3]);
    sweep(&vec![1.0f32, 2.0]);
    sweep(&vec![u64::MAX]);
    sweep(&Vec::<f64>::new());
    sweep(&vec![vec![1.0f32], vec![]]);
    sweep(&vec![Some(true), None]);
    sweep(&List(vec![258u16, 1]));
    sweep(&vec![String::from("größe"), String::new()]);
    sweep(&[vec![1i32], vec![2]]);
    sweep(&[[1u16, 2], [3, 4]]);
    // options, maps, text
    sweep(&Some(vec![0.5f32]));
    sweep(&Some(Some(false)));
    sweep(&Map::from_entries(vec![(String::from("a"), 1u32), (String::from("b"), 2)]).unwrap());
    sweep(&Map::from_entries(vec![(7u8, Part::Nothing), (8, parts().remove(0))]).unwrap());
    // matrices
    sweep(&Matrix::from_vec(2, 2, vec![1.0f32, 2.0, 3.0, 4.0]).unwrap());
    sweep(&TernaryMatrix::from_digits(2, 3, &[1, 0, -1, 0, 0, 1]).unwrap());
    sweep(&BinaryMatrix::from_bits(2, 3, &[true, false, true, false, false, true]).unwrap());
    sweep(&QuantizedMatrix::from_codes(1, 25, 3, 0.25, 4.0, &[5; 25]).unwrap());
    // unions and structs
    sweep(&Kind::Gated);
    sweep(&vec![Kind::Gated, Kind::Plain]);
    parts().iter().for_each(sweep);
    sweep(&parts());
    sweep(&List(parts()));
    sweep(&Model { name: "m".into(), parts: parts(), bias: vec![0.25], head: Some(Kind::Plain) });
    sweep(&Pair(-1, List(vec![Map::from_entries(vec![("k".into(), [true, false])]).unwrap()])));
    // the file that other versions of this crate wrote
    let fixture = include_bytes!("fixtures/weight.bare");
    for at in 0..fixture.len() {
        let mut bytes = fixture.to_vec();
        bytes[at] ^= 1;
        let header = barewire_core::wire::Header::read(&bytes);
        assert!(header.is_err() || header.is_ok_and(|header| header.check_hashes(&bytes).is_err()), "octet {at}");
        assert!(barewire_core::wire::Header::read(&fixture[..at]).is_err());
    }
    // a million parts announced
    huge::<Vec<Part>>(&[]);
    huge::<Vec<Kind>>(&[]);
    huge::<List<Kind>>(&[]);
    huge::<Vec<f32>>(&[0]);
    huge::<Vec<f32>>(&[]);
    huge::<Vec<Vec<f64>>>(&[]);
    huge::<Vec<u8>>(&[]);
    huge::<Vec<bool>>(&[]);
    huge::<String>(&[]);
    huge::<Map<u8, Kind>>(&[]);
    huge::<Matrix<f32>>(&[0xff; 8]);
    // a small octet each that is a large value in memory: in proportion, with the factor that `allowed` has
    let mut many = AlignedBuf::copy_from(&to_message(&Uint(100_000)));
    many.extend_from_slice(&[0; 100_000]);
    assert!(read::<Vec<Option<TernaryMatrix>>>(&mut many, "many").is_some());
}
