//! What is done to files.

// all changes have one type, so that they stand in one table
#![allow(clippy::ptr_arg)]

use std::ops::Range;

use barewire::wire::{Extent, Header};
use xxhash_rust::xxh3::xxh3_128_with_seed;

use super::files::Original;

/// SplitMix64: the same changes every time.
pub(super) struct Rng(u64);

impl Rng {
    pub(super) fn new(seed: u64) -> Self {
        Self(seed)
    }

    pub(super) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    pub(super) fn below(&mut self, n: usize) -> usize {
        (self.next() % n as u64) as usize
    }

    fn one<'a, T>(&mut self, of: &'a [T]) -> Option<&'a T> {
        if of.is_empty() { None } else { of.get(self.below(of.len())) }
    }

    /// A range inside `0..n` that is not empty.
    fn range(&mut self, n: usize, longest: usize) -> Range<usize> {
        let start = self.below(n);
        start..start + 1 + self.below(longest.min(n - start))
    }
}

/// `None` if the file has nothing of the kind.
type Change = fn(&mut Vec<u8>, &Original, &[Original], &mut Rng) -> Option<()>;

pub(super) const CHANGES: &[(&str, Change)] = &[
    ("swap two components", |b, o, _, rng| swap(b, o, rng, true, false).map(drop)),
    ("swap two hashes", |b, o, _, rng| swap(b, o, rng, false, true).map(drop)),
    ("swap components and their hashes", |b, o, _, rng| swap(b, o, rng, true, true).map(drop)),
    ("swap two entries of the index", swap_entries),
    ("transpose a matrix's dims", transpose),
    ("rescale a number", rescale_number),
    ("rescale a list", rescale_list),
    ("negate a float", negate),
    ("swap two floats of a list", swap_floats),
    ("another tag", retag),
    ("truncate", truncate),
    ("truncate, and patch the length", |b, o, all, rng| {
        truncate(b, o, all, rng)?;
        patch_length(b)
    }),
    ("append, and patch the length", |b, _, _, rng| {
        b.extend((0..=rng.below(100)).map(|_| 0));
        patch_length(b)
    }),
    ("alter up to 8 octets", |b, _, _, rng| {
        for _ in 0..=rng.below(8) {
            let at = rng.below(b.len());
            b[at] = rng.next() as u8;
        }
        Some(())
    }),
    ("flip a bit", |b, _, _, rng| {
        let at = rng.below(b.len());
        b[at] ^= 1 << rng.below(8);
        Some(())
    }),
    ("clear a range", |b, _, _, rng| {
        let range = rng.range(b.len(), 300);
        b[range].fill(0);
        Some(())
    }),
    ("rotate a range", |b, _, _, rng| {
        let range = rng.range(b.len(), 300);
        b[range].rotate_left(1);
        Some(())
    }),
    ("splice from the same file", |b, o, _, rng| splice(b, &o.bytes, rng)),
    ("splice from another file", |b, _, all, rng| splice(b, &all[rng.below(all.len())].bytes, rng)),
    ("the root of another file of the schema", foreign_root),
    ("a component of another file of the schema", foreign_component),
    ("remove a component", |b, o, _, rng| {
        let extent = *rng.one(&o.components)?;
        b.drain(range(extent));
        patch_length(b)
    }),
    ("double a component", |b, o, _, rng| {
        let extent = range(*rng.one(&o.components)?);
        let copy = b[extent.clone()].to_vec();
        b.splice(extent.end..extent.end, copy);
        patch_length(b)
    }),
    ("move an entry of the index", |b, o, _, rng| {
        let at = entry(o, rng.below(o.components.len().max(1)))?;
        let field = at + 8 * rng.below(2);
        let value = u64::from_le_bytes(b[field..field + 8].try_into().ok()?);
        let moved = if rng.below(2) == 0 { value + 1 + rng.below(64) as u64 } else { value - 1 - rng.below(64) as u64 };
        b[field..field + 8].copy_from_slice(&moved.to_le_bytes());
        Some(())
    }),
    ("patch a field of the header", |b, _, _, rng| {
        let field = [8, 12, 16, 56, 64][rng.below(5)];
        b[field] = b[field].wrapping_add(1 + rng.below(7) as u8);
        Some(())
    }),
    ("alter a component, and seal only it", |b, o, _, rng| {
        let (number, extent) = (rng.below(o.components.len().max(1)), rng.one(&o.components)?);
        let extent = range(*o.components.get(number).unwrap_or(extent));
        let at = extent.start + rng.below(extent.len());
        b[at] ^= 1 << rng.below(8);
        let (hash, at) = (hash(&b[extent]), entry(o, number)? + 16);
        b[at..at + 32].copy_from_slice(&hash);
        Some(())
    }),
    ("swap two letters of the schema, and seal it", |b, _, _, rng| {
        let end = Header::read(b).ok()?.schema.len();
        let start = b.windows(5).position(|window| window == b"type ")?;
        let letter = |at: &usize, b: &[u8]| b[*at].is_ascii_lowercase();
        let places: Vec<usize> = (start + 5..start + end).filter(|at| letter(at, b)).collect();
        let (one, two) = (*rng.one(&places)?, *rng.one(&places)?);
        b.swap(one, two);
        let hash = hash(&b[start..start + end]);
        b[24..56].copy_from_slice(&hash);
        Some(())
    }),
    ("the seal of another file", |b, _, all, rng| {
        let other = &all[rng.below(all.len())].bytes;
        b[72..104].copy_from_slice(&other[72..104]);
        Some(())
    }),
];

fn range(extent: Extent) -> Range<usize> {
    extent.start as usize..extent.end as usize
}

/// As the file format has it.
fn hash(bytes: &[u8]) -> [u8; 32] {
    let mut hash = [0; 32];
    hash[..16].copy_from_slice(&xxh3_128_with_seed(bytes, 0).to_be_bytes());
    hash[16..].copy_from_slice(&xxh3_128_with_seed(bytes, 1).to_be_bytes());
    hash
}

/// Offset of an entry of the index, which ends the file.
fn entry(original: &Original, number: usize) -> Option<usize> {
    let count = original.components.len();
    (number < count).then(|| original.bytes.len() - 48 * (count - number))
}

fn patch_length(bytes: &mut [u8]) -> Option<()> {
    let length = bytes.len() as u64;
    bytes.get_mut(16..24)?.copy_from_slice(&length.to_le_bytes());
    Some(())
}

fn swap(b: &mut [u8], o: &Original, rng: &mut Rng, octets: bool, hashes: bool) -> Option<()> {
    let pairs: Vec<(usize, usize)> = (0..o.components.len())
        .flat_map(|i| (0..i).map(move |j| (j, i)))
        .filter(|(i, j)| range(o.components[*i]).len() == range(o.components[*j]).len())
        .collect();
    let (one, two) = *rng.one(&pairs)?;
    let mut swap = |a: usize, b_at: usize, n: usize| (0..n).for_each(|i| b.swap(a + i, b_at + i));
    if octets {
        let (a, c) = (range(o.components[one]), range(o.components[two]));
        swap(a.start, c.start, a.len());
    }
    if hashes {
        swap(entry(o, one)? + 16, entry(o, two)? + 16, 32);
    }
    Some(())
}

fn swap_entries(b: &mut Vec<u8>, o: &Original, _: &[Original], rng: &mut Rng) -> Option<()> {
    let n = o.components.len().max(1);
    let (one, two) = (entry(o, rng.below(n))?, entry(o, rng.below(n))?);
    (0..48).for_each(|i| b.swap(one + i, two + i));
    Some(())
}

fn transpose(b: &mut Vec<u8>, o: &Original, _: &[Original], rng: &mut Rng) -> Option<()> {
    let rows = *rng.one(&o.dims)? as usize;
    (0..4).for_each(|i| b.swap(rows + i, rows + 4 + i));
    Some(())
}

fn change_float(b: &mut [u8], at: usize, change: impl Fn(f32) -> f32) -> Option<()> {
    let value = f32::from_le_bytes(b.get(at..at + 4)?.try_into().ok()?);
    b[at..at + 4].copy_from_slice(&change(value).to_le_bytes());
    Some(())
}

fn rescale_number(b: &mut Vec<u8>, o: &Original, _: &[Original], rng: &mut Rng) -> Option<()> {
    let by = 0.5 + rng.below(1000) as f32 / 500.0;
    change_float(b, *rng.one(&o.scalars)? as usize, |x| x * by)
}

fn rescale_list(b: &mut Vec<u8>, o: &Original, _: &[Original], rng: &mut Rng) -> Option<()> {
    let by = 0.5 + rng.below(1000) as f32 / 500.0;
    range(*rng.one(&o.floats)?).step_by(4).try_for_each(|at| change_float(b, at, |x| x * by))
}

fn negate(b: &mut Vec<u8>, o: &Original, _: &[Original], rng: &mut Rng) -> Option<()> {
    let list = range(*rng.one(&o.floats)?);
    change_float(b, list.start + 4 * rng.below(list.len() / 4), |x| -x)
}

fn swap_floats(b: &mut Vec<u8>, o: &Original, _: &[Original], rng: &mut Rng) -> Option<()> {
    let list = range(*rng.one(&o.floats)?);
    let mut place = || list.start + 4 * rng.below(list.len() / 4);
    let (one, two) = (place(), place());
    (0..4).for_each(|i| b.swap(one + i, two + i));
    Some(())
}

fn retag(b: &mut Vec<u8>, o: &Original, _: &[Original], rng: &mut Rng) -> Option<()> {
    let (at, known) = rng.one(&o.tags)?;
    b[*at as usize] = *rng.one(known)? as u8;
    Some(())
}

fn truncate(b: &mut Vec<u8>, _: &Original, _: &[Original], rng: &mut Rng) -> Option<()> {
    // where it hurts least: short ends as often as any
    let cut = if rng.below(2) == 0 { 1 + rng.below(200.min(b.len())) } else { 1 + rng.below(b.len()) };
    b.truncate(b.len() - cut);
    Some(())
}

fn splice(b: &mut Vec<u8>, from: &[u8], rng: &mut Rng) -> Option<()> {
    let (source, at) = (rng.range(from.len(), 2000), rng.below(b.len()));
    let n = source.len().min(b.len() - at);
    b[at..at + n].copy_from_slice(&from[source][..n]);
    Some(())
}

/// Another file of the same schema, and so of the same layout as far as its sizes are the same.
fn sibling<'a>(o: &Original, all: &'a [Original], rng: &mut Rng) -> Option<&'a Original> {
    let same = |other: &&Original| other.bytes[..104][24..56] == o.bytes[24..56] && other.name != o.name;
    let siblings: Vec<&Original> = all.iter().filter(same).collect();
    rng.one(&siblings).copied()
}

fn foreign_root(b: &mut Vec<u8>, o: &Original, all: &[Original], rng: &mut Rng) -> Option<()> {
    let other = sibling(o, all, rng)?;
    let (ours, theirs) = (Header::read(&o.bytes).ok()?.root, Header::read(&other.bytes).ok()?.root);
    b.splice(range(ours), other.bytes[range(theirs)].iter().copied());
    patch_length(b)
}

fn foreign_component(b: &mut Vec<u8>, o: &Original, all: &[Original], rng: &mut Rng) -> Option<()> {
    let (other, number) = (sibling(o, all, rng)?, rng.below(o.components.len().max(1)));
    let (ours, theirs) = (*o.components.get(number)?, *other.components.get(number)?);
    b.splice(range(ours), other.bytes[range(theirs)].iter().copied());
    let at = entry(o, number)? + 16;
    if rng.below(2) == 0 && b.len() == o.bytes.len() {
        // its hash comes along
        let hash = hash(&other.bytes[range(theirs)]);
        b[at..at + 32].copy_from_slice(&hash);
    }
    patch_length(b)
}
