//! The ops that equations call by name, one file each.
//!
//! Each is a unit struct with `impl Primitive`: the formula and its derivative rule side by side. Activations are
//! row-major `[.., d]`; all axes before the last are flattened to rows. A tangent is the same body over
//! [`Dual`](crate::real::Dual) numbers. With `f32` everything but lookups and copies goes to the
//! [kernels](barewire_kernels); any other scalar takes the formula in plain loops (`f64` a dense matrix product).
//!
//! An op runs on the thread that calls it, on [`Isa::best`](barewire_kernels::Isa::best): threads work on shards of a
//! batch ([`Shards`](crate::train::Shards)), which gains more than cutting every op. The kernels' working memory belongs
//! to the thread and grows to the largest call; all else comes from the arenas of the call.
//!
//! To add one: a file, a `mod` and a `pub use` line here, and a test that calls
//! [`check_primitive`](crate::testing::check_primitive).

mod attention_heads;
mod packed;
mod support;

pub(crate) use support::{add_outer, with_kernel_scratch};

// A unit struct and a module cannot share a name, and equations want the short one for the op.
#[path = "attention.rs"]
mod attention_op;
#[path = "binary_linear.rs"]
mod binary_linear_op;
#[path = "bit_linear.rs"]
mod bit_linear_op;
#[path = "block_diagonal.rs"]
mod block_diagonal_op;
#[path = "block_diagonal_scan.rs"]
mod block_diagonal_scan_op;
#[path = "causal_conv1d.rs"]
mod causal_conv1d_op;
#[path = "concat.rs"]
mod concat_op;
#[path = "cross_entropy.rs"]
mod cross_entropy_op;
#[path = "diagonal_scan.rs"]
mod diagonal_scan_op;
#[path = "discretise.rs"]
mod discretise_op;
#[path = "embedding.rs"]
mod embedding_op;
#[path = "gated_linear_recurrence.rs"]
mod gated_linear_recurrence_op;
#[path = "izhikevich.rs"]
mod izhikevich_op;
#[path = "layer_norm.rs"]
mod layer_norm_op;
#[path = "lif.rs"]
mod lif_op;
#[path = "linear_attention.rs"]
mod linear_attention_op;
#[path = "linear.rs"]
mod linear_op;
#[path = "lower_bounds.rs"]
mod lower_bounds_op;
#[path = "quantized_linear.rs"]
mod quantized_linear_op;
#[path = "random_features.rs"]
mod random_features_op;
#[path = "reductions.rs"]
mod reductions_op;
#[path = "rms_norm.rs"]
mod rms_norm_op;
#[path = "rope.rs"]
mod rope_op;
#[path = "selective_scan.rs"]
mod selective_scan_op;
#[path = "softmax.rs"]
mod softmax_op;
#[path = "sparse_linear.rs"]
mod sparse_linear_op;
#[path = "spike_response.rs"]
mod spike_response_op;
#[path = "split.rs"]
mod split_op;
#[path = "ssd.rs"]
mod ssd_op;
#[path = "ternary_linear.rs"]
mod ternary_linear_op;
#[path = "top_k.rs"]
mod top_k_op;

pub use attention_op::{attention, causal_attention, sliding_window_attention};
pub use binary_linear_op::binary_linear;
pub use bit_linear_op::bit_linear;
pub use block_diagonal_op::block_diagonal;
pub use block_diagonal_scan_op::block_diagonal_scan;
pub use causal_conv1d_op::causal_conv1d;
pub use concat_op::concat;
pub use cross_entropy_op::{IGNORED, cross_entropy};
pub use diagonal_scan_op::diagonal_scan;
pub use discretise_op::discretise;
pub use embedding_op::embedding;
pub use gated_linear_recurrence_op::gated_linear_recurrence;
pub use izhikevich_op::izhikevich;
pub use layer_norm_op::layer_norm;
pub use lif_op::lif;
pub use linear_attention_op::linear_attention;
pub use linear_op::{linear, linear_bias};
pub use lower_bounds_op::lower_bounds;
pub use quantized_linear_op::quantized_linear;
pub use random_features_op::random_features;
pub use reductions_op::{dot, logsumexp, mean, sum};
pub use rms_norm_op::{rms_norm, rms_normalize};
pub use rope_op::rope;
pub use selective_scan_op::{gated_selective_scan, selective_scan};
pub use softmax_op::{log_softmax, softmax};
pub use sparse_linear_op::sparse_linear;
pub use spike_response_op::spike_response;
pub use split_op::split;
pub use ssd_op::ssd;
pub use ternary_linear_op::ternary_linear;
pub use top_k_op::top_k;
