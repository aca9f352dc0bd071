//! The product: checks, scratch, activations in the order of their columns.

use super::product::{Product, Tokens};
use super::{COLUMNS, Matrix, Planes, reference};
use crate::entry_points::entry_points;
use crate::error::{KernelError, check_len, product};
use crate::scratch::Parts;
use crate::ternary::activations::groups;
use crate::ternary::shared::portable::sum;
use crate::ternary::{Group, int8_codes_len};
use crate::{Exec, Isa, Kernel, Scratch, vectorize};

entry_points! {
    /// Product with int8 activations, with the bits of [`ternary::forward_int8`](crate::ternary::forward_int8)
    /// on the same digits.
    ///
    /// `out[t, r] = (sum over c of T[r, c] * q[t, c]) as f32 * (scales[t] * weight_scale)`
    ///
    /// The sum is an exact integer and the three float operations are rounded as written, so the bits
    /// are the same on every instruction set, with any number of threads and for any batching.
    ///
    /// | name           | shape                                                                                |
    /// |----------------|--------------------------------------------------------------------------------------|
    /// | `words`        | [`words_len`](super::words_len) of this form                                         |
    /// | `codes`        | [`int8_codes_len`], from [`quantize_int8`](crate::ternary::quantize_int8)            |
    /// | `scales`       | `[n]`                                                                                |
    /// | `weight_scale` | one for the matrix                                                                   |
    /// | `out`          | `[n, rows]`                                                                          |
    ///
    /// Scratch: `n * 40 * ceil(cols / 40)` bytes and `n` i32.
    ///
    /// # Errors
    /// [`KernelError::Length`] for `words`, `codes`, `scales` or `out`; the errors of
    /// [`words_len`](super::words_len).
    ///
    /// ```
    /// use barewire_kernels::{Scratch, ternary};
    /// use ternary::base3;
    ///
    /// let (rows, cols) = (2, 3);
    /// let mut words = vec![0; base3::words_len(rows, cols)?];
    /// base3::pack_i8(rows, cols, &[1, 0, -1, 1, 1, 1], &mut words)?;
    /// let mut codes = vec![0; ternary::int8_codes_len(1, cols)?];
    /// let (mut scales, mut out) = ([0.0], [0.0; 2]);
    /// ternary::quantize_int8(&[127.0, 3.0, 5.0], 1, cols, &mut codes, &mut scales)?;
    /// base3::forward_int8(&words, rows, cols, &codes, &scales, 1, 0.5, &mut out, &mut Scratch::new())?;
    /// assert_eq!(out, [61.0, 67.5]);
    /// # Ok::<(), barewire_kernels::KernelError>(())
    /// ```
    pub fn forward_int8 and forward_int8_with(
        words: &[u64],
        rows: usize,
        cols: usize,
        codes: &[i8],
        scales: &[f32],
        n: usize,
        weight_scale: f32,
        out: &mut [f32],
        scratch: &mut Scratch,
    ) on exec {
        let m = Matrix::new(words, rows, cols)?;
        check_len("codes", codes, int8_codes_len(n, cols)?)?;
        check_len("scales", scales, n)?;
        check_len("out", out, product("out", &[n, rows])?)?;
        if n == 0 || rows == 0 || cols == 0 {
            out.fill(0.0);
            return Ok(());
        }
        let groups = groups(codes);
        if exec.isa() == Isa::Reference {
            reference::forward_int8(m, groups, scales, weight_scale, out);
            return Ok(());
        }
        let Parts { codes: x, sums, .. } = scratch.parts(product("scratch", &[n, m.words_per_row, COLUMNS])?, 0, n);
        vectorize(exec.isa(), Natural { groups, cols, x, sums });
        let x: &[Planes] = x.as_chunks::<8>().0.as_chunks::<5>().0;
        Product::compute(exec, m, Tokens { x, sums, scales }, weight_scale, out);
        Ok(())
    }
}

/// Puts the codes of tokens in the order of their columns; 0 past the last, so that what padding holds does not matter.
struct Natural<'a> {
    groups: &'a [Group],
    cols: usize,
    x: &'a mut [i8],
    /// Of each token.
    sums: &'a mut [i32],
}

impl Kernel for Natural<'_> {
    type Output = ();

    #[inline(always)]
    fn run(self) {
        let tokens = self.groups.chunks_exact(self.cols.div_ceil(32));
        let records = self.x.chunks_exact_mut(self.cols.next_multiple_of(COLUMNS));
        for ((groups, x), x_sum) in tokens.zip(records).zip(self.sums) {
            let (parts, rest) = x.as_chunks_mut::<32>();
            for (part, group) in parts.iter_mut().zip(groups) {
                *part = natural(group);
            }
            // A last group that does not fit: its columns do.
            if let Some(group) = groups.get(parts.len()) {
                rest.copy_from_slice(&natural(group)[..rest.len()]);
            }
            x[self.cols..].fill(0);
            *x_sum = sum(x);
        }
    }
}

/// The codes of a group in the order of their columns: byte `b` of field `f` is column `4 b + f`.
#[inline(always)]
fn natural(group: &Group) -> [i8; 32] {
    // Two bytes of each field at a time; bytewise, this does not become vector code.
    let fields = group.map(|field| u64::from_le_bytes(field.map(|code| code as u8)));
    let mut out = [0; 32];
    for (q, out) in out.as_chunks_mut::<8>().0.iter_mut().enumerate() {
        let mut columns = 0;
        for (f, field) in fields.into_iter().enumerate() {
            let pair = field >> (16 * q);
            columns |= (pair & 0xFF | (pair & 0xFF00) << 24) << (8 * f);
        }
        *out = columns.to_le_bytes().map(|byte| byte as i8);
    }
    out
}
