//! All that generated code names. Not part of the public interface: it changes whenever the derive does.
#![allow(missing_docs)]

pub use crate::wire::private::*;

/// What derives write besides the layout: there with `std`, nothing without.
#[cfg(feature = "std")]
#[doc(hidden)]
#[macro_export]
macro_rules! __with_std {
    ($($items:tt)*) => { $($items)* };
}
#[cfg(not(feature = "std"))]
#[doc(hidden)]
#[macro_export]
macro_rules! __with_std {
    ($($items:tt)*) => {};
}
#[cfg(feature = "std")]
pub use crate::__recompute as recompute;
pub use crate::__with_std as with_std;

#[cfg(feature = "std")]
mod math {
    pub use alloc::string::String;
    pub use alloc::vec::Vec;
    pub use core::default::Default;
    pub use core::ops::FnMut;

    #[cfg(target_endian = "little")]
    pub use crate::columns::{ColumnLayer, add_gradients};
    pub use crate::error::Error;
    pub use crate::explain::{Equation, Explained, Kept};
    pub use crate::fuse::{self, Operand, Sink};
    pub use crate::gradient::{Gradient, Signal};
    pub use crate::impl_stub_layer;
    pub use crate::impl_stub_portable;
    pub use crate::layer::{Buf, Input, Layer, Sizes, exactly, exactly_mut, kept};
    pub use crate::list::Checkpointed;
    pub use crate::ops;
    pub use crate::part::derived::{Derived, Grads, PartEntry, Points, Read, Update, Visit, other_gradient};
    pub use crate::part::fields::PartFields;
    pub use crate::part::{Elementwise, GradLeaf, HeldAs, Leaf, LeafMut, Parameter, Part, held};
    pub use crate::primitive::{Arg, Ids, Primitive, Slot};
    pub use crate::real::{Lift, Real};
    pub use crate::residual;
    pub use crate::shape::{Broadcast, Dims, Shape, Sig, Spread, agree, broadcast, infer, require, signature};
    pub use crate::specialise::Variant;
    pub use crate::state::{State, descend};
    pub use crate::workspace::Arena;

    /// The error, one level further out.
    #[inline(always)]
    pub fn within<T>(segment: &str, result: Result<T, Error>) -> Result<T, Error> {
        match result {
            Ok(value) => Ok(value),
            Err(e) => Err(e.inside(segment)),
        }
    }

    /// No value: it gives a union without numbers its scalar parameter.
    pub struct Never<R>(core::convert::Infallible, core::marker::PhantomData<R>);

    /// Sizes of the results of an op.
    pub fn dims_of<O: Primitive, const N: usize>(name: &str, args: &[Dims]) -> Result<[Dims; N], Error> {
        let mut outs = [Dims::SCALAR; N];
        within(name, O::dims(args, &mut outs))?;
        Ok(outs)
    }

    /// Sizes of the results of a part.
    pub fn dims_of_layer<T: Layer, P: Copy + 'static, const N: usize>(
        name: &str,
        view: T::View<'_, P>,
        ins: &[Dims],
    ) -> Result<[Dims; N], Error> {
        let mut outs = [Dims::SCALAR; N];
        within(name, T::dims::<P>(view, ins, &mut outs))?;
        Ok(outs)
    }

    /// Sizes of the results of a variant.
    pub fn dims_of_variant<V: Variant, P: Copy + 'static, const N: usize>(
        name: &str,
        fields: V::Fields<'_, P>,
        ins: &[Dims],
    ) -> Result<[Dims; N], Error> {
        let mut outs = [Dims::SCALAR; N];
        within(name, V::dims::<P>(fields, ins, &mut outs))?;
        Ok(outs)
    }

    /// A result slice of the size that the equation gives.
    pub fn fits<R>(result: &[R], dims: Dims) -> Result<(), Error> {
        if result.len() == dims.len() { Ok(()) } else { Err(Error::length("result", dims.len(), result.len())) }
    }

    /// For each input, whether any variant's residual borrows it.
    pub const fn any_keeps(variants: &[&[bool]]) -> [bool; 8] {
        let mut keeps = [false; 8];
        let mut v = 0;
        while v < variants.len() {
            let mut i = 0;
            while i < variants[v].len() {
                keeps[i] = keeps[i] || variants[v][i];
                i += 1;
            }
            v += 1;
        }
        keeps
    }

    /// What the user named, once its axes are known to agree. If they do not, the message is the constant's, and this is
    /// no type: nothing that uses it turns red as well.
    pub type Sound<const AGREES: bool, T> = <Verdict<AGREES> as Keeps<T>>::Type;

    /// See [`Sound`].
    pub struct Verdict<const AGREES: bool>;

    /// See [`Sound`].
    pub trait Keeps<T> {
        /// `T` itself
        type Type;
    }

    impl<T> Keeps<T> for Verdict<true> {
        type Type = T;
    }

    /// The signature of an op, in a constant: the place where a type that is no op is reported.
    pub const fn sig<O: Primitive>() -> Sig {
        O::SIG
    }

    /// The signature of a part with an equation, likewise.
    pub const fn sig_of_layer<T: Layer>() -> Sig {
        T::SIG
    }

    /// The number of axes of a parameter, likewise.
    pub const fn rank<T: Parameter>() -> usize {
        T::RANK
    }

    /// The number of axes of a parameter that takes part in elementwise arithmetic, likewise.
    pub const fn elementwise_rank<T: Elementwise>() -> usize {
        T::RANK
    }

    /// A call's results are all taken.
    #[track_caller]
    pub const fn check_results(sig: &Sig, taken: &[Shape]) -> bool {
        if !sig.unknown && sig.outputs() != taken.len() {
            if taken.len() == 1 {
                panic!("this call has several results: take them with `let (a, b) = ..;`");
            }
            panic!("this call has another number of results than there are names on the left");
        }
        true
    }

    /// A field whose axes are written has that many.
    #[track_caller]
    pub const fn check_rank(has: usize, named: usize) -> bool {
        if named == 0 && has > 0 {
            panic!("this field has axes: name them with `#[bare(dims = [..])]`, outermost first");
        }
        assert!(has == named, "`dims` names another number of axes than this field has");
        true
    }
}

#[cfg(feature = "std")]
pub use math::*;
