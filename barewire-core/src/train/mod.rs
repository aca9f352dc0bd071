//! Training: optimisers for floats and ternary digits, a schedule, and data parallelism.
//!
//! One step of a run is: [`Shards::run`] (each shard has its own workspace, state and gradient), [`Shards::reduce`] (a
//! sum in fixed order), then [`AdamW::step`] or [`Accumulate::step`] straight on the wire bytes. Nothing here depends on how many threads work:
//! on one instruction set the same seed gives the same bits.
//!
//! | optimiser      | ternary digits learn by           | state a digit, beside its gradient                    |
//! |----------------|-----------------------------------|-------------------------------------------------------|
//! | [`AdamW`]      | latent weights, straight through  | 96 bits, in memory, and the packed digit              |
//! | [`Accumulate`] | saturating counters               | 8 bits, and 32 a row, in memory or in a file          |
//! | [`Accumulate`] | accumulators of 4 to 8 bits       | 8 bits with the digit in them, in memory or in a file |
//!
//! On text, counters learn as well as latent weights, and accumulators do not quite: `docs/findings.md`.

mod accumulate;
mod adamw;
mod moments;
mod random;
mod schedule;
mod shards;

pub use accumulate::{
    Accumulate, AccumulateLeaf, AccumulateLeafView, AccumulateLeafViewMut, AccumulateOptions, AccumulateState,
    AccumulateStateView, AccumulateStateViewMut, Stepped, counter_gain, default_gain, randomize_digits,
};
pub use adamw::{AdamW, AdamWOptions, LeafState, OptimizerState};
pub use random::Random;
pub use schedule::Schedule;
pub use shards::{Shard, Shards};
