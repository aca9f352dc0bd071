//! int8 cotangents row after row: `[n][8 * ceil(rows / 8)]`, padding zero.

use crate::ternary::activations::{Order, groups, record_len, store};
use crate::{Isa, Kernel, vectorize};

/// Codes in the order of [`crate::ternary::quantize_int8`], put into that of rows. Bytes of `codes`
/// that belong to no row are left out, whatever they are.
pub(super) fn from_groups(isa: Isa, codes: &[i8], rows: usize, out: &mut [i8]) {
    vectorize(isa, FromGroups { codes, rows, out });
}

struct FromGroups<'a> {
    codes: &'a [i8],
    rows: usize,
    out: &'a mut [i8],
}

impl Kernel for FromGroups<'_> {
    type Output = ();

    #[inline(always)]
    fn run(self) {
        let tokens = groups(self.codes).chunks_exact(self.rows.div_ceil(32));
        for (token, out) in tokens.zip(self.out.chunks_exact_mut(record_len(Order::Columns, self.rows))) {
            for (group, out) in token.iter().zip(out.chunks_mut(32)) {
                let mut natural = [0; 32];
                for b in 0..8 {
                    for f in 0..4 {
                        natural[4 * b + f] = group[f][b];
                    }
                }
                store(out, natural);
            }
            out[self.rows..].fill(0);
        }
    }
}
