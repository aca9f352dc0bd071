//! [`MatmulFreeWeight`]: a weight matrix in one of three packed forms.

use barewire::prelude::*;

/// A weight matrix of a matmul-free layer: `y = W x` over `[batch, time, d_in]`, f32-grade.
///
/// | variant     | `W`                            | bits a weight |
/// |-------------|--------------------------------|---------------|
/// | `Ternary`   | `scale * digits`, -1, 0, +1    | 2             |
/// | `Binary`    | `scale * bits`, 0, 1           | 1             |
/// | `Quantized` | `own scale * (code - own zero)`| 2 to 8        |
#[derive(BareUnion)]
#[bare(portable)]
pub enum MatmulFreeWeight {
    /// digits -1, 0, +1 with one learned scale
    #[bare(tag = 0, forward = |x: [batch, time, d_in]| scale * ternary_linear(weights, x))]
    Ternary {
        /// packed digits
        #[bare(dims = [d_out, d_in], scaled_by = scale)]
        weights: TernaryMatrix,
        /// the size of a digit
        scale: f32,
    },
    /// bits 0, 1 with one learned scale
    #[bare(tag = 1, forward = |x: [batch, time, d_in]| scale * binary_linear(bits, x))]
    Binary {
        /// packed bits
        #[bare(dims = [d_out, d_in])]
        bits: BinaryMatrix,
        /// the value of a set bit
        scale: f32,
    },
    /// codes of 2 to 8 bits with a scale and a zero of their own
    #[bare(tag = 2, forward = |x: [batch, time, d_in]| quantized_linear(values, x))]
    Quantized {
        /// packed codes
        #[bare(dims = [d_out, d_in])]
        values: QuantizedMatrix,
    },
}
