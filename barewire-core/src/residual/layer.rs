//! Layers whose residual can travel, and what generated code calls for them.

use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

use super::{Elements, PortableOp, list};
use crate::Error;
use crate::layer::{Input, Layer};
use crate::shape::Dims;
use crate::wire::schema::{SchemaBuilder, TypeRef};
use crate::wire::{DecodeError, Reader, Writer};
use crate::workspace::Arena;

/// A part with an equation whose residual can travel: `#[bare(portable)]`, and lists of such layers.
#[diagnostic::on_unimplemented(
    message = "the residual of `{Self}` cannot travel",
    label = "not `portable`",
    note = "mark its type with `#[bare(portable)]`"
)]
pub trait PortableLayer: Layer {
    /// Whether its residual has any octets; if not, it is no field of anything.
    const HAS_OCTETS: bool;
    /// The type of its residual in a schema.
    fn residual_schema(types: &mut SchemaBuilder) -> TypeRef;
    /// Appends what the residual holds beside parameters and inputs.
    fn write_residual(residual: Self::Residual<'_, f32>, w: &mut Writer);
    /// The residual of a forward pass of `view` over inputs of these sizes. Inputs have their numbers where the equation
    /// [keeps](Layer::KEEPS) them.
    ///
    /// # Errors
    /// The octets are no such residual: the error says where, what was expected and what was found.
    fn read_residual<'w: 'r, 'r>(
        view: Self::View<'w, f32>,
        ins: &[Input<'r, 'r, f32>],
        saved: &mut Arena<'r, f32>,
        r: &mut Reader<'r>,
    ) -> Result<Self::Residual<'r, f32>, Error>;
}

/// True, of a layer whose residual can travel: see [`op_travels`](super::op_travels).
pub const fn layer_travels<T: PortableLayer>() -> bool {
    true
}

/// A kept value, or nothing where it is not kept.
///
/// # Errors
/// Another number of elements.
pub fn value<'r>(keep: bool, dims: Dims, r: &mut Reader<'r>) -> Result<&'r [f32], Error> {
    if keep { Ok(list(r, dims.len())?) } else { Ok(&[]) }
}

/// Fields of a residual's struct, as they are found: those that turn out to have octets.
#[derive(Debug, Default)]
pub struct Fields(Vec<(String, TypeRef)>);

impl Fields {
    /// None yet.
    pub fn new() -> Self {
        Self::default()
    }
    /// A list of numbers, if it is kept.
    pub fn floats(&mut self, keep: bool, name: &str, types: &mut SchemaBuilder) {
        if keep {
            self.0.push((name.into(), types.padded_list::<f32>()));
        }
    }
    /// What an op keeps.
    pub fn op<O: PortableOp>(&mut self, name: &str, types: &mut SchemaBuilder) {
        if O::HAS_OCTETS {
            let ty = O::fields(types).structure();
            self.0.push((name.into(), ty));
        }
    }
    /// An array of an op.
    pub(super) fn array(&mut self, name: &str, elements: Elements, types: &mut SchemaBuilder) {
        let list = match elements {
            Elements::Floats => types.padded_list::<f32>(),
            Elements::Codes => types.padded_list::<i8>(),
        };
        self.0.push((name.into(), list));
    }
    /// What a sub-layer keeps.
    pub fn layer<T: PortableLayer>(&mut self, name: &str, types: &mut SchemaBuilder) {
        if T::HAS_OCTETS {
            let ty = T::residual_schema(types);
            self.0.push((name.into(), ty));
        }
    }
    /// The states from which a program that runs again starts.
    pub fn state(&mut self, types: &mut SchemaBuilder) {
        self.0.push(("state".into(), TypeRef::list(types.padded_list::<f32>())));
    }
    /// The struct, without a name.
    pub(crate) fn structure(self) -> TypeRef {
        TypeRef::structure(self.0)
    }
    /// The struct under this name; `void` if it has no field, as members of a union may.
    pub fn define(self, name: &str, types: &mut SchemaBuilder) -> TypeRef {
        let ty = if self.0.is_empty() { TypeRef::Void } else { TypeRef::structure(self.0) };
        types.define(name, ty)
    }
}

/// The tag of a residual, which is that of the view's variant.
///
/// # Errors
/// Another one.
pub fn tag(r: &mut Reader<'_>, variant: &str, tag: u32) -> Result<(), Error> {
    let at = r.offset();
    let found = r.open_union()?;
    if found == tag {
        return Ok(());
    }
    let expected = format!("the residual of `{variant}`, tag {tag}, as in the model");
    Err(DecodeError::new(at, expected, format!("tag {found}")).into())
}

/// After a mistake in an equation: an implementation that never runs, so that the mistake is the only message.
#[doc(hidden)]
#[macro_export]
macro_rules! impl_stub_portable {
    ($part:ty) => {
        impl $crate::residual::PortableLayer for $part {
            const HAS_OCTETS: bool = false;
            fn residual_schema(_: &mut $crate::wire::SchemaBuilder) -> $crate::wire::TypeRef {
                ::core::unreachable!()
            }
            fn write_residual(_: (), _: &mut $crate::wire::Writer) {
                ::core::unreachable!()
            }
            fn read_residual<'w: 'r, 'r>(
                _: <$part as $crate::wire::Wire>::View<'w, f32>,
                _: &[$crate::layer::Input<'r, 'r, f32>],
                _: &mut $crate::workspace::Arena<'r, f32>,
                _: &mut $crate::wire::Reader<'r>,
            ) -> ::core::result::Result<(), $crate::Error> {
                ::core::unreachable!()
            }
        }
    };
}
