//! Data parallelism: a batch in a fixed number of parts, whatever the number of threads.

use std::vec::Vec;

use rayon::prelude::*;

use crate::Error;
use crate::layer::Layer;
use crate::part::{Part, clear_grad};
use crate::workspace::Workspace;

/// What one part of a batch needs for itself. Reused from step to step, so a warm step allocates nothing.
pub struct Shard<T: Layer> {
    /// memory of the forward and backward pass
    pub workspace: Workspace<f32>,
    /// what is carried along time
    pub state: T::State<f32>,
    /// its cotangent
    pub state_cot: T::State<f32>,
    /// gradient of the parameters
    pub grad: T::Grad<f32>,
    /// the shard's part of the loss
    pub loss: f64,
}

impl<T: Layer> Default for Shard<T> {
    fn default() -> Self {
        Shard {
            workspace: Workspace::new(),
            state: T::State::default(),
            state_cot: T::State::default(),
            grad: T::Grad::default(),
            loss: 0.0,
        }
    }
}

/// A fixed number of [`Shard`]s.
///
/// Work is cut by shard and never by thread, and gradients are summed in one order: the same batch gives the same bits
/// on one thread and on many.
pub struct Shards<T: Layer> {
    shards: Vec<Shard<T>>,
}

impl<T: Layer> Shards<T>
where
    Shard<T>: Send,
{
    /// `count` shards, at least one.
    pub fn new(count: usize) -> Self {
        Shards { shards: (0..count.max(1)).map(|_| Shard::default()).collect() }
    }

    /// The part of `rows` rows that shard `shard` takes: equal parts, the first ones one larger where they do not divide.
    pub fn rows(&self, shard: usize, rows: usize) -> core::ops::Range<usize> {
        let count = self.shards.len();
        let start = |i: usize| i * (rows / count) + i.min(rows % count);
        start(shard)..start(shard + 1)
    }

    /// Runs `work` on each shard with its number, on the current rayon pool. Gradients are cleared before.
    ///
    /// # Errors
    /// The error of the first shard that had one.
    pub fn run(&mut self, work: impl Fn(usize, &mut Shard<T>) -> Result<(), Error> + Sync) -> Result<(), Error> {
        let run = |(i, shard): (usize, &mut Shard<T>)| {
            clear_grad::<T, f32>(&mut shard.grad);
            shard.loss = 0.0;
            work(i, shard)
        };
        let results: Vec<_> = self.shards.par_iter_mut().enumerate().map(run).collect();
        results.into_iter().collect()
    }

    /// The sum of the losses and of the gradients (left in the first shard).
    ///
    /// Neighbours are added pairwise, so the order is a tree over shard numbers.
    ///
    /// # Errors
    /// Gradients of different variants.
    pub fn reduce(&mut self) -> Result<(f64, &mut T::Grad<f32>), Error> {
        let loss = self.shards.iter().map(|shard| shard.loss).sum();
        reduce(&mut self.shards)?;
        Ok((loss, &mut self.shards[0].grad))
    }
}

/// Sums the gradients of `shards` into the first one.
fn reduce<T: Layer>(shards: &mut [Shard<T>]) -> Result<(), Error>
where
    Shard<T>: Send,
{
    if shards.len() < 2 {
        return Ok(());
    }
    let (left, right) = shards.split_at_mut(shards.len().div_ceil(2));
    let (a, b) = rayon::join(|| reduce(left), || reduce(right));
    a.and(b)?;
    <T as Part>::add_grad(&mut left[0].grad, &right[0].grad)
}
