//! Where the codes of a block of 64 columns go when they are unpacked.

use super::BLOCK;

/// Times that even and odd places are separated: 3, 2 and 1 for 1, 2 and 4 bits, so that field `f`
/// of byte `j`, the code of column `8 / bits * j + f`, has place `8 * bits * f + j`. Codes of other
/// widths stay in their order.
pub(super) const fn stages(bits: u32) -> u32 {
    match bits {
        1 => 3,
        2 => 2,
        4 => 1,
        _ => 0,
    }
}

/// Widths that cross bytes: where the 16 bytes start that hold codes `16 lane ..` of a block and lie
/// in it.
pub(super) const fn gather_start(bits: usize, lane: usize) -> usize {
    let (from, last) = (2 * bits * lane, (8 * bits).saturating_sub(16));
    if from < last { from } else { last }
}

/// Which two of those bytes hold each of the codes `16 lane + 8 part ..`, [`gather_shift`] bits up;
/// 128, which shuffles take as zero, where there is nothing of the code.
pub(super) const fn gather(bits: usize, lane: usize, part: usize) -> [u8; 16] {
    let mut index = [128; 16];
    let mut i = 0;
    while i < 8 {
        let bit = (8 * part + i) * bits;
        let byte = 2 * bits * lane - gather_start(bits, lane) + bit / 8;
        let shift = bit % 8;
        if shift > 0 {
            index[2 * i] = byte as u8;
            if shift + bits > 8 {
                index[2 * i + 1] = byte as u8 + 1;
            }
        } else {
            index[2 * i + 1] = byte as u8;
        }
        i += 1;
    }
    index
}

/// Bits below code `i` of 8 in its two bytes: 1 to 8, never 0, so that a shift to the right is the
/// upper half of a product with `2^(16 - shift)`.
pub(super) const fn gather_shift(bits: usize, i: usize) -> u32 {
    match i * bits % 8 {
        0 => 8,
        shift => shift as u32,
    }
}

/// Codes in the order of their columns to their places. (`STAGES` is a constant: then the compiler
/// makes a few shuffles of it.)
#[inline(always)]
pub(super) fn place<const STAGES: u32, T: Copy + Default>(mut codes: [T; BLOCK]) -> [T; BLOCK] {
    if STAGES > 0 {
        codes = unzip(codes);
    }
    if STAGES > 1 {
        codes = unzip(codes);
    }
    if STAGES > 2 {
        codes = unzip(codes);
    }
    codes
}

/// What [`place`] does, undone.
#[inline(always)]
pub(super) fn natural<const BITS: usize, T: Copy + Default>(mut values: [T; BLOCK]) -> [T; BLOCK] {
    for _ in 0..const { stages(BITS as u32) } {
        values = zip(values);
    }
    values
}

/// Even places before odd ones.
#[inline(always)]
fn unzip<T: Copy + Default>(v: [T; BLOCK]) -> [T; BLOCK] {
    let mut out = [T::default(); BLOCK];
    for i in 0..BLOCK / 2 {
        out[i] = v[2 * i];
        out[BLOCK / 2 + i] = v[2 * i + 1];
    }
    out
}

/// The first half to the even places, the second to the odd ones.
#[inline(always)]
pub(super) fn zip<T: Copy + Default, const N: usize>(v: [T; N]) -> [T; N] {
    let mut out = [T::default(); N];
    for i in 0..N / 2 {
        out[2 * i] = v[i];
        out[2 * i + 1] = v[N / 2 + i];
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_those_of_the_fields() {
        let columns = core::array::from_fn(|c| c as i8);
        for (bits, placed) in [
            (1, place::<3, _>(columns)),
            (2, place::<2, _>(columns)),
            (3, place::<0, _>(columns)),
            (4, place::<1, _>(columns)),
            (8, place::<0, _>(columns)),
        ] {
            assert_eq!(stages(bits), [0, 3, 2, 0, 1, 0, 0, 0, 0][bits as usize]);
            for (at, &c) in placed.iter().enumerate() {
                let fields = 1 << stages(bits);
                assert_eq!(c as usize, at % (BLOCK / fields) * fields + at / (BLOCK / fields));
            }
        }
        assert_eq!(natural::<1, _>(place::<3, _>(columns)), columns);
        assert_eq!(natural::<2, _>(place::<2, _>(columns)), columns);
        assert_eq!(natural::<4, _>(place::<1, _>(columns)), columns);
        assert_eq!(natural::<6, _>(columns), columns);
    }
}
