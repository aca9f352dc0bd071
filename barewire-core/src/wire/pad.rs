//! The arithmetic that makes one octet stream both a plain BARE message and readable in place.

/// The alignment of every array of numbers that no attribute changes.
pub const ALIGN: usize = 64;

/// The largest alignment an attribute may ask for.
pub const MAX_ALIGN: usize = 4096;

/// How a reader or writer that goes by a schema takes the field `pad: data` before a list of numbers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Pads {
    /// As data like any other: plain BARE. In a schema from elsewhere, `pad` may mean anything.
    #[default]
    Data,
    /// As barewire does: of the smallest length that puts the list at a multiple of its alignment, and of zeros. A reader refuses
    /// any other, a writer makes it. The pad is no part of the value then, which has an empty one.
    Aligned,
}

/// Octets of `value` as a BARE uint.
///
/// ```
/// # use barewire_core::wire::varint_len;
/// assert_eq!([0, 127, 128, 16_383, 16_384, u64::MAX].map(varint_len), [1, 1, 2, 2, 3, 10]);
/// ```
#[inline]
pub const fn varint_len(value: u64) -> u64 {
    let bits = 64 - (value | 1).leading_zeros() as u64;
    bits.div_ceil(7)
}

/// How many zero octets the `pad: data` holds that stands at `offset`, before a list of `count` numbers, so that the
/// first number lies at a multiple of `align`: the smallest `n` with
/// `(offset + varint_len(n) + n + varint_len(count)) % align == 0`.
///
/// `align` is a power of two up to [`MAX_ALIGN`].
///
/// ```
/// # use barewire_core::wire::pad_len;
/// // tag at 0, pad at 1, one octet each for the pad's length and the count: 61 zeros, data at 64
/// assert_eq!(pad_len(1, 3, 64), 61);
/// ```
#[inline]
pub const fn pad_len(offset: u64, count: u64, align: u64) -> u64 {
    pad_before(offset, varint_len(count), align)
}

/// As [`pad_len`], with `between` octets between the pad and what is aligned.
#[inline]
pub(crate) const fn pad_before(offset: u64, between: u64, align: u64) -> u64 {
    let mask = align - 1;
    // `offset` is at most the length of a slice, so the sums stay far below 2^64
    let short = (align - ((offset + 1 + between) & mask)) & mask;
    if short < 128 {
        return short;
    }
    let long = (align - ((offset + 2 + between) & mask)) & mask;
    if long >= 128 { long } else { long + align }
}

/// What pads are made of, and compared with.
pub(crate) static ZEROS: [u8; 2 * MAX_ALIGN] = [0; 2 * MAX_ALIGN];

/// The first octet of a pad that is not zero.
pub(crate) fn first_nonzero(pad: &[u8]) -> Option<usize> {
    if ZEROS.get(..pad.len()) == Some(pad) { None } else { pad.iter().position(|&octet| octet != 0) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_octet_that_is_not_zero() {
        assert_eq!(first_nonzero(&[]), None);
        for n in (1..200).chain([8192, 8193]) {
            let mut pad = alloc::vec![0; n];
            assert_eq!(first_nonzero(&pad), None);
            for at in (0..n).rev().take(300) {
                pad[at] = 1 << (at % 8);
                assert_eq!(first_nonzero(&pad), Some(at));
            }
        }
    }

    /// The definition, searched.
    fn smallest(offset: u64, count: u64, align: u64) -> u64 {
        (0..).find(|&n| (offset + varint_len(n) + n + varint_len(count)).is_multiple_of(align)).unwrap()
    }

    #[test]
    fn the_pad_is_the_smallest_that_aligns() {
        for log in 0..=12 {
            let align = 1 << log;
            for count in [0, 127, 128, 16_383, 16_384] {
                for offset in (0..align + 3).step_by(if log > 9 { 13 } else { 1 }) {
                    assert_eq!(
                        pad_len(offset, count, align),
                        smallest(offset, count, align),
                        "{offset} {count} {align}"
                    );
                }
            }
        }
    }

    #[test]
    fn widest_pads() {
        let widest = |align: u64| (0..align).map(|offset| pad_len(offset, 1, align)).max().unwrap();
        assert_eq!(widest(64), 63);
        assert_eq!(widest(256), 383);
        assert_eq!(widest(4096), 4223);
    }
}
