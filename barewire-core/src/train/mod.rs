//! Training: an optimiser for floats and ternary digits, a learning-rate schedule, and data parallelism.
//!
//! One step of a run is: [`Shards::run`] (each shard has its own workspace, state and gradient), [`Shards::reduce`] (a
//! sum in fixed order), then [`AdamW::step`] straight on the wire bytes. Nothing here depends on how many threads work:
//! on one instruction set the same seed gives the same bits.

mod accumulate;
mod adamw;
mod moments;
mod random;
mod schedule;
mod shards;

pub use accumulate::{
    Accumulate, AccumulateLeaf, AccumulateLeafViewMut, AccumulateOptions, AccumulateState, AccumulateStateViewMut,
    Stepped, default_gain, randomize_digits,
};
pub use adamw::{AdamW, AdamWOptions, LeafState, OptimizerState};
pub use random::Random;
pub use schedule::Schedule;
pub use shards::{Shard, Shards};
