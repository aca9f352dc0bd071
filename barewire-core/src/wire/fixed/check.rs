//! Whether octets are values: tags, bools, and, at the full level, that nothing is hidden where no field is.

use alloc::format;
use alloc::vec;
use alloc::vec::Vec;

use super::shape::{FieldShape, KINDS, Kind, Place, Shape};
use super::{Cells, Fixed};
use crate::wire::DecodeError;
use crate::wire::private::no_such_tag;

/// The bits of a bool.
const BOOL: u128 = 0b11;

/// Runs a loop with the instructions of the machine.
#[cfg(feature = "std")]
use barewire_kernels::Kernel;

/// A plain loop; see `barewire_kernels::Kernel`.
#[cfg(not(feature = "std"))]
trait Kernel {
    type Output;
    fn run(self) -> Self::Output;
}

fn vectorize<K: Kernel>(kernel: K) -> K::Output {
    #[cfg(feature = "std")]
    return barewire_kernels::vectorize(barewire_kernels::Isa::best(), kernel);
    #[cfg(not(feature = "std"))]
    kernel.run()
}

/// The runs of ones of a set, as their first bit and how many follow it.
fn ranges(mut set: u128) -> Vec<(u8, u8)> {
    let (mut ranges, mut at) = (Vec::new(), 0);
    while set != 0 {
        let zeros = set.trailing_zeros();
        let ones = (set >> zeros).trailing_ones();
        ranges.push((at + zeros as u8, ones as u8 - 1));
        at += (zeros + ones) as u8;
        set = set.checked_shr(zeros + ones).unwrap_or(0);
    }
    ranges
}

/// The first octet that is not in the set.
pub(crate) fn first_outside(octets: &[u8], set: u128) -> Option<usize> {
    // large enough that a block costs no more than its octets, small enough that the first cache level holds it
    const BLOCK: usize = 8192;
    let ranges = ranges(set);
    for (b, block) in octets.chunks(BLOCK).enumerate() {
        if vectorize(AnyOutside { octets: block, ranges: &ranges }) {
            let place = block.iter().position(|&octet| !contains(set, octet));
            return place.map(|i| b * BLOCK + i);
        }
    }
    None
}

fn contains(set: u128, octet: u8) -> bool {
    octet < 128 && set >> octet & 1 == 1
}

struct AnyOutside<'a> {
    octets: &'a [u8],
    ranges: &'a [(u8, u8)],
}

impl Kernel for AnyOutside<'_> {
    type Output = bool;
    #[inline(always)]
    fn run(self) -> bool {
        const LANES: usize = 64;
        let inside = |octet: u8, (first, more): (u8, u8)| u8::from(octet.wrapping_sub(first) <= more);
        let (chunks, tail) = self.octets.as_chunks::<LANES>();
        let whole = if let &[(first, more)] = self.ranges {
            // one range, as nearly all unions have: the octet farthest above its start decides
            let mut farthest = [0u8; LANES];
            for chunk in chunks {
                for i in 0..LANES {
                    farthest[i] = farthest[i].max(chunk[i].wrapping_sub(first));
                }
            }
            farthest.iter().all(|&octet| octet <= more)
        } else {
            let mut all = [1u8; LANES];
            for chunk in chunks {
                let mut any = [0u8; LANES];
                for &range in self.ranges {
                    for i in 0..LANES {
                        any[i] |= inside(chunk[i], range);
                    }
                }
                for i in 0..LANES {
                    all[i] &= any[i];
                }
            }
            all == [1; LANES]
        };
        let tail = tail.iter().all(|&octet| self.ranges.iter().any(|&range| inside(octet, range) == 1));
        !whole || !tail
    }
}

/// The first slot of `T` whose tag is not in the set.
pub(crate) fn first_slot_outside<T: Fixed>(slots: &[u8], set: u128) -> Option<usize> {
    let slots = slots.chunks_exact(const { T::PLACE.size });
    let mut outside = false;
    if let [(first, more)] = ranges(set)[..] {
        for slot in slots.clone() {
            outside |= slot[0].wrapping_sub(first) > more;
        }
    } else {
        for slot in slots.clone() {
            outside |= !contains(set, slot[0]);
        }
    }
    if outside { slots.clone().position(|slot| !contains(set, slot[0])) } else { None }
}

/// A position in a shape: an octet of a slot, or a column.
#[derive(Clone, Copy)]
pub(super) enum At {
    Slot(usize),
    Row([usize; KINDS]),
}

impl At {
    pub(super) fn next(&mut self, kind: Kind) -> usize {
        match self {
            Self::Slot(at) => {
                let start = at.next_multiple_of(kind.size());
                *at = start + kind.size();
                start
            }
            Self::Row(columns) => {
                columns[kind as usize] += 1;
                columns[kind as usize] - 1
            }
        }
    }

    /// The same position, where a value of this shape begins.
    pub(super) fn enter(&mut self, shape: &Shape) -> Self {
        if let Self::Slot(at) = self {
            *at = at.next_multiple_of(Place::of(shape).align);
        }
        *self
    }

    /// Where a value ends that began at `start`.
    pub(super) fn leave(&mut self, shape: &Shape, start: Self) {
        *self = start;
        match self {
            Self::Slot(at) => *at += Place::of(shape).size,
            Self::Row(columns) => {
                let cells = Cells::of(shape);
                Kind::ALL.into_iter().zip(columns).for_each(|(kind, column)| *column += cells.count(kind));
            }
        }
    }
}

/// An octet that is not always a value: a tag or a bool.
struct Site {
    /// in the slot; or which column
    at: usize,
    /// what it may be
    valid: u128,
    /// for a tag, by tag: the sites of its fields
    inside: Vec<Vec<Site>>,
}

impl Site {
    fn holds(&self, octet: &impl Fn(usize) -> u8) -> bool {
        let found = octet(self.at);
        contains(self.valid, found)
            && self.inside.get(usize::from(found)).is_none_or(|sites| sites.iter().all(|site| site.holds(octet)))
    }

    fn for_each(&self, f: &mut impl FnMut(&Site)) {
        f(self);
        self.inside.iter().flatten().for_each(|site| site.for_each(f));
    }
}

fn sites(shape: &Shape, at: &mut At, all: &mut Vec<Site>) {
    let start = at.enter(shape);
    match shape {
        Shape::Cell(Kind::Bool) => {
            let octet = at.next(Kind::Bool);
            // a column of bools is checked as a whole
            if let At::Slot(_) = at {
                all.push(Site { at: octet, valid: BOOL, inside: Vec::new() });
            }
        }
        Shape::Cell(kind) => drop(at.next(*kind)),
        Shape::Array(item, n) => (0..*n).for_each(|_| sites(item, at, all)),
        Shape::Struct(of) => of.fields.iter().for_each(|field| sites(&field.shape, at, all)),
        Shape::Union(of) => {
            let (tag, fields) = (at.next(Kind::Tag), *at);
            let mut inside: Vec<Vec<Site>> = Vec::new();
            for variant in of.variants {
                let (mut at, mut these) = (fields, Vec::new());
                variant.fields.iter().for_each(|field| sites(&field.shape, &mut at, &mut these));
                if !these.is_empty() {
                    inside.resize_with(variant.tag as usize, Vec::new);
                    inside.push(these);
                }
            }
            all.push(Site { at: tag, valid: of.tags(), inside });
        }
    }
    at.leave(shape, start);
}

/// Checks slots: every tag and bool.
///
/// # Errors
/// The first octet that is no value; `offset` is that of the first slot.
pub(crate) fn check_slots<T: Fixed>(slots: &[u8], offset: u64) -> Result<(), DecodeError> {
    let mut all = Vec::new();
    sites(&T::SHAPE, &mut At::Slot(0), &mut all);
    let size = T::PLACE.size;
    let wrong = match &all[..] {
        [] => None,
        [tag] if tag.inside.is_empty() && tag.at == 0 => first_slot_outside::<T>(slots, tag.valid),
        all => slots.chunks_exact(size).position(|slot| !all.iter().all(|site| site.holds(&|at| slot[at]))),
    };
    let Some(i) = wrong else { return Ok(()) };
    let start = i * size;
    let read = |at: usize| (slots[start + at], offset + (start + at) as u64);
    Err(explain(&T::SHAPE, &mut At::Slot(0), &read).unwrap_or_else(|| unexplained(offset)).at_index(i))
}

/// Checks columns: every tag and bool. `columns` has the octets of each and their offset.
///
/// # Errors
/// The first octet that is no value.
pub(crate) fn check_columns<'a, T: Fixed>(columns: impl Fn(usize) -> (&'a [u8], u64)) -> Result<(), DecodeError> {
    let firsts = T::CELLS.firsts();
    let first_bool = firsts[Kind::Bool as usize];
    for j in first_bool..first_bool + T::CELLS.count(Kind::Bool) {
        let (octets, offset) = columns(j);
        if let Some(i) = first_outside(octets, BOOL) {
            let error = DecodeError::new(offset + i as u64, "0 or 1 as a bool", format!("{}", octets[i]));
            return Err(error.at_index(i).at_index(j - first_bool).within("bool_columns"));
        }
    }
    let mut all = Vec::new();
    sites(&T::SHAPE, &mut At::Row(firsts), &mut all);
    // What every user of a column accepts is good whoever uses it; only if that fails, rows are looked at one by one.
    // The column of the root's own tags has one user.
    let mut common = vec![u128::MAX; T::CELLS.count(Kind::Tag)];
    all.iter().for_each(|site| site.for_each(&mut |site| common[site.at] &= site.valid));
    if common.iter().enumerate().all(|(j, &set)| first_outside(columns(j).0, set).is_none()) {
        return Ok(());
    }
    let rows = columns(0).0.len();
    let wrong = (0..rows).find(|&i| !all.iter().all(|site| site.holds(&|at| columns(at).0[i])));
    let Some(i) = wrong else { return Ok(()) };
    let read = |at: usize| {
        let (octets, offset) = columns(at);
        (octets[i], offset + i as u64)
    };
    Err(explain(&T::SHAPE, &mut At::Row(firsts), &read).unwrap_or_else(|| unexplained(columns(0).1)).at_index(i))
}

/// A site that did not hold and then did: the octets changed between two looks.
#[cold]
fn unexplained(offset: u64) -> DecodeError {
    DecodeError::new(offset, "octets that nobody changes while they are read", "others")
}

/// What is wrong with a value, and in which field. `read` gives an octet and its offset.
fn explain(shape: &Shape, at: &mut At, read: &impl Fn(usize) -> (u8, u64)) -> Option<DecodeError> {
    let start = at.enter(shape);
    let error = match shape {
        Shape::Cell(Kind::Bool) => {
            let (found, offset) = read(at.next(Kind::Bool));
            (found > 1).then(|| DecodeError::new(offset, "0 or 1 as a bool", format!("{found}")))
        }
        Shape::Cell(kind) => {
            at.next(*kind);
            None
        }
        Shape::Array(item, n) => {
            (0..*n).find_map(|i| explain(item, at, read).map(|error: DecodeError| error.at_index(i)))
        }
        Shape::Struct(of) => fields(of.fields, at, read),
        Shape::Union(of) => {
            let (tag, offset) = read(at.next(Kind::Tag));
            match of.variant(tag) {
                None => {
                    let known = of.variants.iter().map(|variant| (variant.tag, variant.name));
                    Some(no_such_tag(offset, of.name, known, of.retired, tag.into()))
                }
                // the only field of a tuple variant has no name worth telling
                Some(variant) if variant.tuple && variant.fields.len() == 1 => {
                    explain(&variant.fields[0].shape, at, read).map(|error| error.within(variant.name))
                }
                Some(variant) => fields(variant.fields, at, read).map(|error| error.within(variant.name)),
            }
        }
    };
    at.leave(shape, start);
    error
}

fn fields(fields: &[FieldShape], at: &mut At, read: &impl Fn(usize) -> (u8, u64)) -> Option<DecodeError> {
    fields.iter().find_map(|field| explain(&field.shape, at, read).map(|error| error.within(field.rust_name)))
}

/// An octet that no field covers, and that is not zero.
#[cold]
pub(crate) fn not_zero(offset: u64, octet: u8) -> DecodeError {
    DecodeError::new(offset, "a zero where the variant has no field", format!("{octet:#04x}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Against the definition, over sets with gaps and lengths around the lanes.
    #[test]
    fn the_first_octet_outside_is_found() {
        let octets: Vec<u8> = (0..9000usize).map(|i| (i * i % 131) as u8 % 7).collect();
        for set in [0b111_1111, 0b101_1011, 1, u128::MAX, 1 << 127 | 0b111_1111] {
            for len in [0, 1, 63, 64, 65, 8191, 8192, 8193, 9000] {
                let octets = &octets[..len];
                let naive = octets.iter().position(|&octet| set >> octet & 1 == 0);
                assert_eq!(first_outside(octets, set), naive, "{set:b} {len}");
            }
        }
        for place in [0, 63, 64, 8192, 8999] {
            for wrong in [7, 127, 128, 255] {
                let mut octets = octets.clone();
                octets[place] = wrong;
                assert_eq!(first_outside(&octets, 0b111_1111), Some(place));
            }
        }
    }

    #[test]
    fn sets_are_ranges() {
        assert_eq!(ranges(0), []);
        assert_eq!(ranges(0b1101), [(0, 0), (2, 1)]);
        assert_eq!(ranges(u128::MAX), [(0, 127)]);
        assert_eq!(ranges(1 << 127), [(127, 0)]);
    }
}
