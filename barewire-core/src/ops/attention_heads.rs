//! Softmax attention over blocks of queries: what the attention ops share.
//!
//! Scores exist for one block of queries and the keys it sees, never for all pairs. The backward pass makes them again.

use core::ops::Range;

use super::softmax_op::{softmax_rows, softmax_rows_cotangent};
use super::support::{add_outer, length, numbers, shaped, times, times_transposed};
use crate::Error;
use crate::primitive::Arg;
use crate::real::Real;
use crate::workspace::Arena;

/// Queries whose scores are held at a time.
const BLOCK: usize = 32;

/// Which keys a query at position `i` sees: all, or those `j` with `0 <= i - j < window` and `i - j` a multiple of
/// `stride`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Mask {
    All,
    Causal { window: usize, stride: usize },
}

impl Mask {
    fn sees(self, i: usize, j: usize) -> bool {
        match self {
            Mask::All => true,
            Mask::Causal { window, stride } => j <= i && i - j < window && (i - j).is_multiple_of(stride),
        }
    }
}

/// Sizes of one call. Positions count from the first cached key on.
#[derive(Clone, Copy, Debug)]
pub(super) struct Heads {
    batch: usize,
    time: usize,
    /// cached positions
    past: usize,
    heads: usize,
    kv_heads: usize,
    head_dim: usize,
    mask: Mask,
}

/// Queries, keys and values, and the cached keys and values as `[past, batch, 2, kv_heads, head_dim]`.
#[derive(Clone, Copy, Debug)]
pub(super) struct Sources<'a, R> {
    pub(super) q: &'a [R],
    pub(super) k: &'a [R],
    pub(super) v: &'a [R],
    pub(super) cache: &'a [R],
}

/// Where their cotangents go.
pub(super) struct Targets<'a, R> {
    /// written
    pub(super) q: &'a mut [R],
    /// zeros, added to
    pub(super) k: &'a mut [R],
    /// zeros, added to
    pub(super) v: &'a mut [R],
    /// zeros, added to
    pub(super) cache: &'a mut [R],
}

/// One head's block of queries: `rows` of them from `start` on, and the positions they see.
struct Block {
    start: usize,
    rows: usize,
    keys: Range<usize>,
}

impl Heads {
    /// Checks the arguments; `cached` is the length of the state.
    pub(super) fn new<R: Real>(
        [q, k, v]: [Arg<'_, '_, R>; 3],
        heads: u32,
        mask: Mask,
        cached: usize,
    ) -> Result<Self, Error> {
        let [batch, time, d] = super::support::batch_time_d("q", q.dims())?;
        let (heads, e) = (heads as usize, k.dims().last());
        let head_dim = d.checked_div(heads).unwrap_or(0);
        let kv_heads = e.checked_div(head_dim).unwrap_or(0);
        if head_dim * heads != d || kv_heads * head_dim != e || heads.checked_rem(kv_heads) != Some(0) {
            return Err(Error::shape(
                "heads that divide the last axis of `q`, and heads of that size in `k` that divide them",
                format!("{heads} heads, `q` of {d} and `k` of {e}"),
            ));
        }
        if matches!(mask, Mask::Causal { window: 0, .. } | Mask::Causal { stride: 0, .. }) {
            return Err(Error::input("a window and a stride of at least 1", "0"));
        }
        numbers("q", q)?;
        shaped("k", k, &[batch, time, e])?;
        shaped("v", v, &[batch, time, e])?;
        let row = batch * 2 * e;
        let past = cached.checked_div(row).unwrap_or(0);
        length("state", past * row, cached)?;
        Ok(Heads { batch, time, past, heads, kv_heads, head_dim, mask })
    }

    /// Numbers of one cached position.
    fn row(&self) -> usize {
        self.batch * 2 * self.kv_heads * self.head_dim
    }

    /// Positions whose keys and values the next call may see.
    fn kept(&self) -> usize {
        match self.mask {
            Mask::All => 0,
            Mask::Causal { window, .. } => (self.past + self.time).min(window - 1),
        }
    }

    /// The offset in a cache of a position's keys (`part` 0) or values (`part` 1).
    fn cached(&self, position: usize, entry: usize, part: usize, kv_head: usize) -> usize {
        (((position * self.batch + entry) * 2 + part) * self.kv_heads + kv_head) * self.head_dim
    }

    /// The offset in new keys or values of the step `t`.
    fn fresh(&self, t: usize, entry: usize, kv_head: usize) -> usize {
        ((entry * self.time + t) * self.kv_heads + kv_head) * self.head_dim
    }

    /// Appends new keys and values to the cache and drops what no later query sees.
    pub(super) fn extend<R: Real>(&self, k: &[R], v: &[R], cache: &mut Vec<R>) {
        let e = self.kv_heads * self.head_dim;
        for t in 0..self.time {
            for entry in 0..self.batch {
                for part in [k, v] {
                    cache.extend_from_slice(&part[(entry * self.time + t) * e..][..e]);
                }
            }
        }
        cache.drain(..cache.len() - self.kept() * self.row());
    }

    /// Adds the cotangent of the final state to those of the keys and values that it holds.
    pub(super) fn add_final<R: Real>(&self, cot: &[R], to: &mut Targets<'_, R>) -> Result<(), Error> {
        if cot.is_empty() {
            return Ok(());
        }
        length("cotangent of the state", self.kept() * self.row(), cot.len())?;
        let first = self.past + self.time - self.kept();
        for position in first..self.past + self.time {
            for entry in 0..self.batch {
                for kv_head in 0..self.kv_heads {
                    for part in 0..2 {
                        let from = &cot[self.cached(position - first, entry, part, kv_head)..][..self.head_dim];
                        super::support::add_into(self.target(to, position, entry, part, kv_head), from);
                    }
                }
            }
        }
        Ok(())
    }

    fn target<'t, R: Real>(
        &self,
        to: &'t mut Targets<'_, R>,
        position: usize,
        entry: usize,
        part: usize,
        kv_head: usize,
    ) -> &'t mut [R] {
        match position.checked_sub(self.past) {
            None => &mut to.cache[self.cached(position, entry, part, kv_head)..][..self.head_dim],
            Some(t) => {
                let list = if part == 0 { &mut *to.k } else { &mut *to.v };
                &mut list[self.fresh(t, entry, kv_head)..][..self.head_dim]
            }
        }
    }

    /// Keys (`part` 0) or values of one head at all positions, side by side.
    fn gather<R: Real>(&self, from: Sources<'_, R>, entry: usize, part: usize, kv_head: usize, to: &mut [R]) {
        for (position, to) in to.chunks_exact_mut(self.head_dim).enumerate() {
            let (list, at) = match position.checked_sub(self.past) {
                None => (from.cache, self.cached(position, entry, part, kv_head)),
                Some(t) => (if part == 0 { from.k } else { from.v }, self.fresh(t, entry, kv_head)),
            };
            to.copy_from_slice(&list[at..][..self.head_dim]);
        }
    }

    fn blocks(self) -> impl Iterator<Item = Block> {
        (0..self.time).step_by(BLOCK).map(move |start| {
            let rows = BLOCK.min(self.time - start);
            let (first, end) = (self.past + start, self.past + start + rows);
            let keys = match self.mask {
                Mask::All => 0..self.past + self.time,
                Mask::Causal { window, .. } => (first + 1).saturating_sub(window)..end,
            };
            Block { start, rows, keys }
        })
    }

    /// Most scores of a block.
    fn scores(self) -> usize {
        self.blocks().map(|block| block.rows * block.keys.len()).max().unwrap_or(0)
    }

    /// Rows of one head out of, or with `f` into, an array of queries.
    fn each_row(&self, block: &Block, entry: usize, head: usize, mut f: impl FnMut(usize, Range<usize>)) {
        for row in 0..block.rows {
            let at = ((entry * self.time + block.start + row) * self.heads + head) * self.head_dim;
            f(row * self.head_dim, at..at + self.head_dim);
        }
    }

    /// The queries of a block, over the root of their size, and the softmax of their scores. `s` is working memory.
    fn weights<R: Real>(
        &self,
        block: &Block,
        [q, keys]: [&[R]; 2],
        [entry, head]: [usize; 2],
        rows: &mut [R],
        s: &mut [R],
        p: &mut [R],
    ) -> Result<(), Error> {
        let (hd, n) = (self.head_dim, block.keys.len());
        let scale = R::of(1.0 / (hd as f64).sqrt());
        self.each_row(block, entry, head, |at, from| {
            for (to, &q) in rows[at..at + hd].iter_mut().zip(&q[from]) {
                *to = q * scale;
            }
        });
        times_transposed([block.rows, n, hd], rows, &keys[block.keys.start * hd..block.keys.end * hd], false, s)?;
        if self.mask != Mask::All {
            for (row, s) in s.chunks_exact_mut(n.max(1)).enumerate() {
                for (s, j) in s.iter_mut().zip(block.keys.clone()) {
                    if !self.mask.sees(self.past + block.start + row, j) {
                        *s = R::of(f64::NEG_INFINITY);
                    }
                }
            }
        }
        softmax_rows(s, n, false, p)
    }

    /// `y = softmax(q kᵀ / sqrt(head_dim)) v`, head by head.
    pub(super) fn forward<R: Real>(
        &self,
        from: Sources<'_, R>,
        y: &mut [R],
        mut scratch: Arena<'_, R>,
    ) -> Result<(), Error> {
        length("result", from.q.len(), y.len())?;
        let hd = self.head_dim;
        let [keys, values] = [(); 2].map(|()| scratch.take((self.past + self.time) * hd));
        let [rows, outs] = [(); 2].map(|()| scratch.take(BLOCK * hd));
        let [s, p] = [(); 2].map(|()| scratch.take(self.scores()));
        for (entry, kv_head) in self.pairs() {
            self.gather(from, entry, 0, kv_head, keys);
            self.gather(from, entry, 1, kv_head, values);
            for head in self.sharing(kv_head) {
                for block in self.blocks() {
                    let (m, n) = (block.rows, block.keys.len());
                    let (rows, outs) = (&mut rows[..m * hd], &mut outs[..m * hd]);
                    let (s, p) = (&mut s[..m * n], &mut p[..m * n]);
                    self.weights(&block, [from.q, keys], [entry, head], rows, s, p)?;
                    times([m, n, hd], p, &values[block.keys.start * hd..block.keys.end * hd], false, outs)?;
                    self.each_row(&block, entry, head, |at, to| y[to].copy_from_slice(&outs[at..at + hd]));
                }
            }
        }
        Ok(())
    }

    /// The cotangents of everything that entered.
    pub(super) fn backward<R: Real>(
        &self,
        from: Sources<'_, R>,
        c: &[R],
        to: &mut Targets<'_, R>,
        mut scratch: Arena<'_, R>,
    ) -> Result<(), Error> {
        let hd = self.head_dim;
        let scale = R::of(1.0 / (hd as f64).sqrt());
        let [keys, values, keys_cot, values_cot] = [(); 4].map(|()| scratch.take((self.past + self.time) * hd));
        let [rows, outs_cot, rows_cot] = [(); 3].map(|()| scratch.take(BLOCK * hd));
        let [s, p, p_cot] = [(); 3].map(|()| scratch.take(self.scores()));
        for (entry, kv_head) in self.pairs() {
            self.gather(from, entry, 0, kv_head, keys);
            self.gather(from, entry, 1, kv_head, values);
            keys_cot.fill(R::ZERO);
            values_cot.fill(R::ZERO);
            for head in self.sharing(kv_head) {
                for block in self.blocks() {
                    let (m, n) = (block.rows, block.keys.len());
                    let seen = block.keys.start * hd..block.keys.end * hd;
                    let [rows, outs_cot, rows_cot] =
                        [&mut *rows, &mut *outs_cot, &mut *rows_cot].map(|x| &mut x[..m * hd]);
                    let [s, p, p_cot] = [&mut *s, &mut *p, &mut *p_cot].map(|x| &mut x[..m * n]);
                    self.weights(&block, [from.q, keys], [entry, head], rows, s, p)?;
                    self.each_row(&block, entry, head, |at, from| outs_cot[at..at + hd].copy_from_slice(&c[from]));
                    add_outer([m, n, hd], R::ONE, p, outs_cot, &mut values_cot[seen.clone()])?;
                    times_transposed([m, n, hd], outs_cot, &values[seen.clone()], false, p_cot)?;
                    // the scores are of no use any more: their cotangent takes their place
                    softmax_rows_cotangent(p, p_cot, n, false, s)?;
                    add_outer([m, n, hd], R::ONE, s, rows, &mut keys_cot[seen.clone()])?;
                    times([m, n, hd], s, &keys[seen], false, rows_cot)?;
                    self.each_row(&block, entry, head, |at, into| {
                        for (to, &cot) in to.q[into].iter_mut().zip(&rows_cot[at..at + hd]) {
                            *to = cot * scale;
                        }
                    });
                }
            }
            for position in 0..self.past + self.time {
                for (part, cot) in [&*keys_cot, &*values_cot].into_iter().enumerate() {
                    let cot = &cot[position * hd..][..hd];
                    super::support::add_into(self.target(to, position, entry, part, kv_head), cot);
                }
            }
        }
        Ok(())
    }

    /// Every batch entry with every head of keys.
    fn pairs(&self) -> impl Iterator<Item = (usize, usize)> + use<> {
        let kv_heads = self.kv_heads;
        (0..self.batch).flat_map(move |entry| (0..kv_heads).map(move |head| (entry, head)))
    }

    /// The heads of queries that share a head of keys.
    fn sharing(&self, kv_head: usize) -> Range<usize> {
        let each = self.heads / self.kv_heads;
        kv_head * each..(kv_head + 1) * each
    }

    /// Numbers of the cache before the call.
    pub(super) fn cache_len(&self) -> usize {
        self.past * self.row()
    }
}
