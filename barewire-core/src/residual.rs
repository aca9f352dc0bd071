//! Residuals on the wire: a forward pass here, its backward pass in another process.
//!
//! A residual borrows: kept values, and the model's parameters. Its message has what it keeps and no parameter; the process that runs
//! the backward pass has the same model, and its decoder goes through the equations as a forward pass would, with the model's view and
//! the inputs' sizes, but takes each kept array from the message, where it lies, in place of computing it. So parameters are borrowed
//! from the view there, every length is compared with the one that these sizes give, and a residual of the wrong variant is an error.
//!
//! A message is a BARE struct, canonical as all messages are: the hash of its schema, the [`ModelId`], inputs and results with their
//! sizes, and the residual, a struct or a tagged union like its type. It holds what [`Workspace::saved_bytes`](crate::workspace::Workspace::saved_bytes) counts, and the inputs
//! that the backward pass reads. Numbers are f32.
//!
//! Types say `#[bare(portable)]`, functions `#[differentiable(portable)]`; an op implements [`PortableOp`]. What does not is a compile
//! error on its token.

mod layer;
mod op;
mod pass;

pub use layer::{Fields, PortableLayer, layer_travels, tag, value};
pub use op::{Arrays, Elements, Outgoing, PortableOp, op_travels};
pub use pass::pass_schema;

use alloc::format;

use crate::wire::{DecodeError, Reader, Scalar};

/// Which model a residual belongs to: a hash of its octets. Sender and receiver make it of the same message or file, once for each set of
/// weights.
///
/// It finds mistakes (other weights, another model); it is no defence against someone who wants two models to look alike.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ModelId([u8; 16]);

impl ModelId {
    /// XXH3-128 of the model's octets, such as [`Region::bytes`](crate::wire::Region::bytes).
    pub fn of(octets: &[u8]) -> Self {
        ModelId(xxhash_rust::xxh3::xxh3_128(octets).to_be_bytes())
    }
}

/// A padded list of `n` numbers where it lies.
pub(crate) fn list<'r, S: Scalar>(r: &mut Reader<'r>, n: usize) -> Result<&'r [S], DecodeError> {
    let at = r.offset();
    let values = r.padded::<S>()?;
    if values.len() == n {
        Ok(values)
    } else {
        Err(DecodeError::new(at, format!("{n} numbers, as the sizes of the inputs give"), format!("{}", values.len())))
    }
}
