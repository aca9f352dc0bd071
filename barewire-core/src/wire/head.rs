//! What stands before the numbers of a list, a pad and a count, read at once where it is as nearly all are.
//!
//! [`Reader::padded_count`](super::Reader) asks here first, and goes the long way, which also says what is wrong, where this has no answer.

/// A pad and a count, as nearly all are: a pad of at most 64 octets, a count in at most eight, and something behind them. Gives the
/// octets of both and the count, if they stand at `offset` and are right; `None` says nothing.
///
/// Opening a model is little else than this, so it is done with the octets in registers: 64 octets of the pad at once, eight of the
/// count, and no branch on how many of them there are.
#[inline]
pub(super) fn quick_head(octets: &[u8], offset: u64, align: u64) -> Option<(usize, u64)> {
    let (&n, from_pad) = octets.split_first()?;
    let n = usize::from(n);
    if starts_with_zeros(from_pad, n) != Some(true) {
        return None;
    }
    let (len, count) = quick_uint(from_pad.get(n..)?.first_chunk()?)?;
    let octets = 1 + n + len;
    is_short_pad(n as u64, offset + octets as u64, align).then_some((octets, count))
}

/// A uint of at most eight octets, and how many it has; `None` says nothing.
#[inline]
fn quick_uint(octets: &[u8; 8]) -> Option<(usize, u64)> {
    const MORE: u64 = 0x8080_8080_8080_8080;
    let octets = u64::from_le_bytes(*octets);
    let ends = !octets & MORE;
    if ends == 0 {
        return None;
    }
    // the first octet without a mark is the last
    let before = ends.trailing_zeros() & !7;
    let octets = octets & (ends ^ (ends - 1)) & !MORE;
    // the last of several octets is not zero
    let fewest = before == 0 || octets >> before != 0;
    fewest.then_some((before as usize / 8 + 1, without_marks(octets)))
}

/// Seven bits of each octet, one behind the other.
#[inline]
const fn without_marks(octets: u64) -> u64 {
    let pairs = (octets & 0x007f_007f_007f_007f) | (octets & 0x7f00_7f00_7f00_7f00) >> 1;
    let fours = (pairs & 0x0000_3fff_0000_3fff) | (pairs & 0x3fff_0000_3fff_0000) >> 2;
    (fours & 0x0fff_ffff) | (fours & 0x0fff_ffff_0000_0000) >> 4
}

/// Whether `len` octets are the smallest pad that puts `end`, an offset behind it, at a multiple of `align`; true only of pads whose
/// length takes one octet.
///
/// A pad of less than `align` octets is the only one of them that does so: others are off by less than `align`.
#[inline]
const fn is_short_pad(len: u64, end: u64, align: u64) -> bool {
    len < 128 && len < align && end & (align - 1) == 0
}

/// 64 octets of ones, then 64 of zeros: from `64 - n` on, a mask of the first `n` of 64.
static MASKS: [u8; 128] = {
    let (mut masks, mut i) = ([0; 128], 0);
    while i < 64 {
        masks[i] = 0xff;
        i += 1;
    }
    masks
};

/// Whether the first `n` octets are zero; `None` where this quick look does not say: `n` above 64, or fewer than 64 octets.
///
/// It looks at 64 octets whatever `n` is: the lengths of pads follow no pattern, so a loop of that many steps ends in a branch that the
/// processor guesses wrong.
#[inline]
fn starts_with_zeros(octets: &[u8], n: usize) -> Option<bool> {
    let octets = octets.first_chunk::<64>()?;
    let mask = MASKS.get(64usize.checked_sub(n)?..)?.first_chunk::<64>()?;
    // words and no comparison of arrays, which would be a call
    let words = octets.as_chunks().0.iter().zip(mask.as_chunks().0);
    Some(words.fold(0, |any, (octets, mask)| any | (u64::from_ne_bytes(*octets) & u64::from_ne_bytes(*mask))) == 0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::pad::{pad_before, pad_len, varint_len};
    use crate::wire::{Reader, Writer};

    /// The loop is the definition.
    #[test]
    fn a_quick_uint_is_that_of_the_loop() {
        let mut read = 0;
        for bits in 0..64 {
            for value in [1 << bits, (1 << bits) - 1, 0x0123_4567_89ab_cdef >> bits, u64::MAX >> bits] {
                let mut w = Writer::new();
                w.uint(value);
                let mut octets = w.finish().to_vec();
                octets.resize(octets.len().max(8) + 1, 0xff);
                if let Some(quick) = quick_uint(octets.first_chunk().unwrap()) {
                    assert_eq!(quick, (varint_len(value) as usize, value));
                    read += 1;
                }
                assert_eq!(quick_uint(octets.first_chunk().unwrap()).is_some(), varint_len(value) <= 8, "{value}");
            }
        }
        assert!(read > 100);
        // needless octets, and no end
        assert_eq!(quick_uint(&[0x80, 0, 1, 1, 1, 1, 1, 1]), None);
        assert_eq!(quick_uint(&[0xff, 0x80, 0x80, 0, 1, 1, 1, 1]), None);
        assert_eq!(quick_uint(&[0x80; 8]), None);
    }

    /// What the quick look accepts, the long way does, and with the same answer; and it does accept what writers write.
    #[test]
    fn a_quick_head_is_that_of_the_long_way() {
        let mut quick = 0;
        for align in [1, 2, 64, 128, 256] {
            for count in [0, 1, 3, 127, 128, 300, 20_000] {
                for offset in (0..(2 * align).min(150)).step_by(7) {
                    let right = pad_len(offset, count, align);
                    for n in [right, right + 1, right + align, right.saturating_sub(1), 0, 63, 64, 65] {
                        for wrong in [None, Some(0), Some(n / 2), n.checked_sub(1)] {
                            let mut w = Writer::new();
                            w.uint(n);
                            let pad = w.offset();
                            w.grow(n as usize).fill(0);
                            w.uint(count);
                            w.grow(count as usize + 70).fill(7);
                            let mut octets = w.finish();
                            if let Some(at) = wrong.filter(|&at| at < n) {
                                octets[(pad + at) as usize] = 1 << (at % 8);
                            }
                            let mut r = Reader::new(&octets).with_base(offset);
                            let any = r.any_head(1, Some(align)).ok().map(|count| (r.consumed(), count as u64));
                            let found = quick_head(&octets, offset, align);
                            assert!(found.is_none() || found == any, "{align} {count} {offset} {n} {wrong:?}");
                            assert_eq!(found.is_some(), any.is_some() && n <= 64, "{align} {count} {offset} {n}");
                            quick += usize::from(found.is_some());
                        }
                    }
                }
            }
        }
        assert!(quick > 100, "{quick}");
    }

    #[test]
    fn a_short_pad_is_the_smallest() {
        for align in [1, 2, 64, 128, 256, 4096] {
            for between in [1, 2, 3] {
                for offset in 0..align + 3 {
                    let smallest = pad_before(offset, between, align);
                    for len in (0..128).chain([smallest]) {
                        let end = offset + varint_len(len) + len + between;
                        let expected = len == smallest && len < 128;
                        assert_eq!(is_short_pad(len, end, align), expected, "{len} at {offset}, {between}, {align}");
                    }
                }
            }
        }
    }

    #[test]
    fn the_quick_look_says_the_same() {
        for n in 0..=64 {
            for at in 0..64 {
                let mut octets = [0; 64];
                octets[at] = 1 << (at % 8);
                assert_eq!(starts_with_zeros(&octets, n), Some(at >= n), "{n} {at}");
            }
            assert_eq!(starts_with_zeros(&[0; 63], n), None);
        }
        assert_eq!(starts_with_zeros(&[0; 200], 65), None);
    }
}
