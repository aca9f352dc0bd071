//! Writes tokens. Nothing here decides or refuses.

mod columns;
mod equations;
mod fixed;
mod functions;
mod layers;
pub(crate) mod layout;
pub(crate) mod parts;
mod specialise;
mod views;

use proc_macro2::TokenStream;

use crate::ast::Type;
use crate::differentiable::Function;
use crate::errors::Errors;

/// Everything that is written for a type: its layout, and what its equations become.
///
/// With mistakes in `errors` the layout's bodies are stubs, so that the derive's messages stand alone.
pub(crate) fn expand(ty: &Type, errors: &mut Errors) -> TokenStream {
    let equations = parts::expand(ty, errors);
    let layout = layout::Expander::new(ty, !errors.is_empty()).expand();
    // without std there is the wire only, which the core knows and this crate does not
    let root = &ty.crate_path;
    quote::quote!(#layout #root::__private::with_std! { #equations })
}

/// Everything that is written for a `#[differentiable]` function.
pub(crate) fn function(function: &Function, errors: &mut Errors) -> TokenStream {
    functions::expand(function, errors)
}
