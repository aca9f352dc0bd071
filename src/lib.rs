//! Model parts as Rust enums: an aligned zero-copy wire layout, borrowed views, and, from one equation per variant, the
//! forward pass, the gradients and the streaming step.
//!
//! ```
//! use barewire::prelude::*;
//!
//! /// A low-rank or a full map.
//! #[derive(BareUnion)]
//! pub enum Map {
//!     #[bare(tag = 0, forward = |x: [batch, d_in]| linear(weights, x))]
//!     Full {
//!         #[bare(dims = [d_out, d_in])]
//!         weights: Matrix<f32>,
//!     },
//!     #[bare(tag = 1, forward = |x: [batch, d_in]| gain * linear(up, tanh(linear(down, x))))]
//!     LowRank {
//!         #[bare(dims = [rank, d_in])]
//!         down: Matrix<f32>,
//!         #[bare(dims = [d_out, rank])]
//!         up: Matrix<f32>,
//!         gain: f32,
//!     },
//! }
//!
//! fn main() -> Result<(), Box<dyn std::error::Error>> {
//!     let map = Map::LowRank {
//!         down: Matrix::from_vec(1, 2, vec![0.5, -0.5])?,
//!         up: Matrix::from_vec(2, 1, vec![1.0, 2.0])?,
//!         gain: 3.0,
//!     };
//!     let region = Region::encode(&map);
//!     let index = Index::new();
//!     let model = Checked::<Map>::new(region.view(&index)?)?;
//!
//!     let (mut state, mut workspace) = (Default::default(), Workspace::new());
//!     let mut pass = model.forward_saving(&[numbers(&[1.0_f32, 0.0], &[1, 2])], &mut state, &mut workspace)?;
//!     assert_eq!(pass.result(0), [3.0 * 0.5_f32.tanh(), 6.0 * 0.5_f32.tanh()]);
//!
//!     let (mut grad, mut state_cot) = (MapCotangent::default(), Default::default());
//!     pass.vjp(&[&[1.0, 0.0]], &mut [Slot::Skip], &mut grad, &mut state_cot)?;
//!     let MapCotangent::LowRank { gain, .. } = grad else { unreachable!("the gradient has the variant of the value") };
//!     assert!((gain - 0.5_f32.tanh()).abs() < 1e-6);
//!     Ok(())
//! }
//! ```
//!
//! # Without std
//! With `default-features = false` the crate is `no_std` and needs an allocator. Then there is the [`wire`], with files in
//! memory, and derives write the layout only: equations are read and checked, and become nothing.
#![forbid(unsafe_code)]
#![cfg_attr(not(feature = "std"), no_std)]

#[cfg(all(feature = "std", target_endian = "little"))]
pub use barewire_core::columns;
#[cfg(feature = "std")]
pub use barewire_core::formula;
#[cfg(feature = "std")]
pub use barewire_core::primitive::Primitive;
/// Variants in the type, in a program:
///
/// ```
/// use barewire::prelude::*;
/// use barewire::specialise;
///
/// #[derive(BareUnion)]
/// #[bare(specialise)]
/// enum Weight {
///     #[bare(forward = |x: [batch, d]| linear(weights, x))]
///     Dense {
///         #[bare(dims = [d, d])]
///         weights: Matrix<f32>,
///     },
///     #[bare(forward = |x: [batch, d]| scale * x)]
///     Scaled { scale: f32 },
/// }
///
/// #[derive(BareStruct)]
/// #[bare(specialise, forward = |x: [batch, d]| x + second(square(first(x))))]
/// struct Net {
///     #[bare(axes(d = d))]
///     first: Weight,
///     #[bare(axes(d = d))]
///     second: Weight,
/// }
///
/// fn main() -> Result<(), Box<dyn std::error::Error>> {
///     let weights = Matrix::from_vec(2, 2, vec![1.0, 0.0, 0.0, 2.0])?;
///     let net = Net { first: Weight::Scaled { scale: 2.0 }, second: Weight::Dense { weights } };
///     let index = Index::new();
///     let model = Checked::<Net>::new(net.view(&index))?;
///     let (x, mut workspace) = ([numbers(&[1.0_f32, 0.5], &[1, 2])], Workspace::new());
///
///     // straight-line code, if these are its variants
///     type ScaledDense = net::Of<weight::Scaled, weight::Dense>;
///     assert!(model.specialised::<net::Of<weight::Dense, weight::Dense>>().is_none());
///     let net = model.specialised::<ScaledDense>().ok_or("other variants")?;
///     let pass = net.forward_saving(&x, &mut Default::default(), &mut workspace)?;
///     assert_eq!(pass.result(0), [5.0, 2.5]);
///
///     // a `match` over some combinations, with the model as it is at its end
///     let mut y = [0.0; 2];
///     specialise!(model, [net::Of<weight::Dense, weight::Dense>, ScaledDense], |net| {
///         net.forward(&x, &mut [&mut y], &mut Default::default(), &mut workspace)
///     })?;
///     assert_eq!(y, [5.0, 2.5]);
///     Ok(())
/// }
/// ```
#[cfg(feature = "std")]
pub use barewire_core::specialise;
pub use barewire_core::wire;
#[cfg(feature = "std")]
pub use barewire_core::{
    Error, autodiff, error, explain, gradient, kernels, layer, list, model, ops, part, precision, primitive, real,
    residual, routed, shape, state, testing, train, workspace,
};
#[cfg(feature = "std")]
pub use barewire_derive::differentiable;
pub use barewire_derive::{BareStruct, BareUnion};

/// What a model's source imports.
pub mod prelude {
    pub use crate::wire::{
        BinaryMatrix, Columns, Index, Int, Matrix, QuantizedMatrix, Slots, TernaryMatrix, Uint, Union, Wire,
    };
    pub use crate::{BareStruct, BareUnion};
    #[cfg(feature = "std")]
    pub use crate::{
        autodiff, differentiable, formula,
        gradient::{Gradient, Signal},
        layer::{Input, Layer},
        model::{Checked, Pass, ids, numbers},
        part::Part,
        primitive::{Primitive, Slot},
        real::{Dual, Real},
        routed::Routed,
        wire::Region,
        workspace::Workspace,
    };
}

/// All that generated code names. Not part of the public interface.
#[doc(hidden)]
pub mod __private {
    pub use barewire_core::__private::*;
}

#[doc = include_str!("../README.md")]
#[cfg(all(doctest, feature = "std"))]
struct Readme;

#[doc = include_str!("../docs/gradients.md")]
#[cfg(all(doctest, feature = "std"))]
struct Gradients;
