//! Memory for one run of an equation: initialised pools handed out by splitting, so that a warm run allocates nothing.

use alloc::vec::Vec;
use core::cell::Cell;

use bumpalo::Bump;

use crate::real::Real;

/// Pools that grow to the largest demand seen and are then reused.
///
/// Reuse one workspace over the steps of a training run or a stream: from the third step on no heap allocation
/// happens. It is `Send`, and each worker thread owns one.
#[derive(Debug, Default)]
pub struct Workspace<R> {
    saved: Pool<R>,
    scratch: Pool<R>,
    bump: Bump,
}

impl<R: Real> Workspace<R> {
    /// An empty workspace.
    pub fn new() -> Self {
        Self { saved: Pool::default(), scratch: Pool::default(), bump: Bump::new() }
    }

    /// Starts a run: grows the pools to what the last run asked for, and hands out the arena of saved values and the
    /// arena of scratch values.
    pub fn start(&mut self) -> (Arena<'_, R>, Arena<'_, R>) {
        if self.saved.lacks() || self.scratch.lacks() {
            // the last run put whole activations into the bump, which its `reset` would keep beside the grown pools
            self.bump = Bump::with_capacity(self.bump.allocated_bytes().min(LISTS));
        } else {
            self.bump.reset();
        }
        (self.saved.start(&self.bump), self.scratch.start(&self.bump))
    }

    /// Bytes that the last run put aside for its backward pass: exactly the residual arrays, without padding.
    pub fn saved_bytes(&self) -> usize {
        self.saved.exact.get()
    }

    /// Bytes that the pools hold.
    pub fn capacity_bytes(&self) -> usize {
        self.saved.bytes() + self.scratch.bytes() + self.bump.allocated_bytes()
    }
}

#[derive(Debug)]
struct Pool<R> {
    reals: Vec<R>,
    codes: Vec<i8>,
    /// largest demand of the run, in elements
    high: Cell<usize>,
    high_codes: Cell<usize>,
    /// bytes asked for, without rounding to aligned sizes
    exact: Cell<usize>,
}

impl<R> Default for Pool<R> {
    fn default() -> Self {
        Pool { reals: Vec::new(), codes: Vec::new(), high: Cell::new(0), high_codes: Cell::new(0), exact: Cell::new(0) }
    }
}

/// Bytes of the bump that serve typed lists once the pools are grown; more are allocated where that is not enough.
const LISTS: usize = 1 << 16;

/// Elements that a slice may start after, so that it starts at a multiple of 64 bytes.
const ALIGN_SLACK: usize = 64;

impl<R: Real> Pool<R> {
    /// Whether the last run asked for more than there is.
    fn lacks(&self) -> bool {
        self.high.get() + ALIGN_SLACK > self.reals.len() || self.high_codes.get() + ALIGN_SLACK > self.codes.len()
    }

    fn start<'s>(&'s mut self, bump: &'s Bump) -> Arena<'s, R> {
        let grow = |have: usize, high: usize| if high + ALIGN_SLACK > have { high + ALIGN_SLACK } else { have };
        let reals = grow(self.reals.len(), self.high.get());
        if reals > self.reals.len() {
            self.reals.resize(reals, R::ZERO);
        }
        let codes = grow(self.codes.len(), self.high_codes.get());
        if codes > self.codes.len() {
            self.codes.resize(codes, 0);
        }
        self.exact.set(0);
        Arena {
            reals: aligned(&mut self.reals),
            codes: aligned(&mut self.codes),
            bump,
            high: &self.high,
            high_codes: &self.high_codes,
            exact: &self.exact,
            demand: 0,
            demand_codes: 0,
            weight: 1,
        }
    }

    fn bytes(&self) -> usize {
        self.reals.len() * size_of::<R>() + self.codes.len()
    }
}

/// The part of a pool that starts at a multiple of 64 bytes.
fn aligned<T>(pool: &mut [T]) -> &mut [T] {
    let skip = pool.as_ptr().align_offset(64);
    let skip = if skip <= pool.len() { skip } else { 0 };
    &mut pool[skip..]
}

/// One pool during a run. What is taken stays taken for the arena's lifetime; what a [lent](Arena::lend) arena takes
/// is free again when the loan ends.
#[derive(Debug)]
pub struct Arena<'s, R> {
    reals: &'s mut [R],
    codes: &'s mut [i8],
    bump: &'s Bump,
    high: &'s Cell<usize>,
    high_codes: &'s Cell<usize>,
    exact: &'s Cell<usize>,
    demand: usize,
    demand_codes: usize,
    /// 2 to the number of [splits](Arena::split) above: what this arena lacks, the pool lacks that many times
    weight: usize,
}

impl<'s, R: Real> Arena<'s, R> {
    /// `n` numbers with unspecified content, starting at a multiple of 64 bytes.
    pub fn take(&mut self, n: usize) -> &'s mut [R] {
        // a whole number of 64-byte lines, whatever R is
        let rounded = n.next_multiple_of(16);
        self.demand += rounded * self.weight;
        self.high.set(self.high.get().max(self.demand));
        self.exact.set(self.exact.get() + n * size_of::<R>());
        if rounded > self.reals.len() {
            return self.bump.alloc_slice_fill_copy(n, R::ZERO);
        }
        let (taken, rest) = core::mem::take(&mut self.reals).split_at_mut(rounded);
        self.reals = rest;
        &mut taken[..n]
    }

    /// `n` int8 codes with unspecified content, starting at a multiple of 64 bytes.
    pub fn take_codes(&mut self, n: usize) -> &'s mut [i8] {
        let rounded = n.next_multiple_of(64);
        self.demand_codes += rounded * self.weight;
        self.high_codes.set(self.high_codes.get().max(self.demand_codes));
        self.exact.set(self.exact.get() + n);
        if rounded > self.codes.len() {
            return self.bump.alloc_slice_fill_copy(n, 0);
        }
        let (taken, rest) = core::mem::take(&mut self.codes).split_at_mut(rounded);
        self.codes = rest;
        &mut taken[..n]
    }

    /// Notes that a later run will take `n` more numbers, so that the pool grows for them now.
    pub(crate) fn expect(&mut self, n: usize) {
        self.demand += n.next_multiple_of(16) * self.weight;
        self.high.set(self.high.get().max(self.demand));
    }

    /// `n` zeros.
    pub fn take_zeros(&mut self, n: usize) -> &'s mut [R] {
        let taken = self.take(n);
        taken.fill(R::ZERO);
        taken
    }

    /// A copy of `values`.
    pub fn take_copy(&mut self, values: &[R]) -> &'s mut [R] {
        let taken = self.take(values.len());
        taken.copy_from_slice(values);
        taken
    }

    /// A typed list that lives as long as the arena, for the residuals of a `Vec` of layers: `n` times `None`.
    pub fn take_list<T: Copy>(&mut self, n: usize) -> &'s mut [Option<T>] {
        self.bump.alloc_slice_fill_copy(n, None)
    }

    /// A value that lives as long as the arena. It is never dropped.
    pub fn put<T: Copy>(&mut self, value: T) -> &'s T {
        self.bump.alloc(value)
    }

    /// An arena for a callee, on what is left: taken back when the loan ends.
    pub fn lend(&mut self) -> Arena<'_, R> {
        Arena {
            reals: &mut *self.reals,
            codes: &mut *self.codes,
            bump: self.bump,
            high: self.high,
            high_codes: self.high_codes,
            exact: self.exact,
            demand: self.demand,
            demand_codes: self.demand_codes,
            weight: self.weight,
        }
    }

    /// Two arenas on what is left: where a forward pass that keeps nothing runs the saving one.
    pub fn split(self) -> (Arena<'s, R>, Arena<'s, R>) {
        let half = |n: usize| (n / 2).next_multiple_of(64).min(n);
        let (at, at_codes) = (half(self.reals.len()), half(self.codes.len()));
        let (reals, more_reals) = self.reals.split_at_mut(at);
        let (codes, more_codes) = self.codes.split_at_mut(at_codes);
        let arena = |reals, codes| Arena {
            reals,
            codes,
            bump: self.bump,
            high: self.high,
            high_codes: self.high_codes,
            exact: self.exact,
            demand: self.demand + 128 * self.weight,
            demand_codes: self.demand_codes + 128 * self.weight,
            weight: self.weight * 2,
        };
        (arena(reals, codes), arena(more_reals, more_codes))
    }
}
