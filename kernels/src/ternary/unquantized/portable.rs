//! Plain Rust: eight rows side by side, terms from bits of `x`; the compiler vectorises them.

use super::Block;
use crate::columns::ColumnsMut;
use crate::ternary::Line;

/// See [`super::run_block`].
pub(super) fn run(block: &Block<'_>, out: &mut ColumnsMut<'_, f32>) {
    for c in 0..block.x.len() / block.m.cols {
        let x = block.columns(c);
        for tile in block.tiles.clone() {
            let lines = &block.m.tile(tile)[block.words.clone()];
            block.store(out, tile, c, sums(lines, x));
        }
    }
}

/// The sums of a block for 8 rows.
fn sums(lines: &[Line], x: &[f32]) -> [f32; 8] {
    // -0 is what leaves a first term as it is.
    let mut sums = [-0.0; 8];
    for (line, x) in lines.iter().zip(x.chunks(32)) {
        let mut padded = [0.0; 32];
        padded[..x.len()].copy_from_slice(x);
        let word = word(line, &padded);
        for r in 0..8 {
            sums[r] += word[r];
        }
    }
    sums
}

fn word(line: &Line, x: &[f32; 32]) -> [f32; 8] {
    let mut sums = [-0.0; 8];
    for (half, x) in x.as_chunks::<16>().0.iter().enumerate() {
        let mut codes = line.map(|word| (word >> (32 * half)) as u32);
        for [a, b] in x.as_chunks::<2>().0 {
            for r in 0..8 {
                sums[r] += term(codes[r] & 3, *a) + term(codes[r] >> 2 & 3, *b);
                codes[r] >>= 4;
            }
        }
    }
    sums
}

/// `-x`, `+0`, `x` or `x + x`, for a code from 0 to 3, without a branch or a table.
#[inline(always)]
fn term(code: u32, x: f32) -> f32 {
    let not_one = ((code ^ 1) + 3) >> 2;
    let three = (code + 1) >> 2;
    let zero = 1 - ((code + 3) >> 2);
    let double = 0u32.wrapping_sub(three);
    let value = x.to_bits() & !double | (x + x).to_bits() & double;
    f32::from_bits(value & 0u32.wrapping_sub(not_one) ^ zero << 31)
}

#[cfg(test)]
mod tests {
    use super::term;

    #[test]
    fn terms() {
        for x in [0.0, -0.0, 1.5, -3e38, 1e-45, f32::INFINITY] {
            let found = [0, 1, 2, 3].map(|code| term(code, x).to_bits());
            assert_eq!(found, [-x, 0.0, x, x + x].map(f32::to_bits));
        }
        assert_eq!(term(1, f32::NAN).to_bits(), 0);
        assert!(term(0, f32::NAN).is_nan());
    }
}
