//! Writes tokens. Nothing here decides or refuses.

mod columns;
mod cotangent;
mod equations;
mod fixed;
mod functions;
mod layers;
pub(crate) mod layout;
mod names;
pub(crate) mod parts;
mod specialise;
mod views;

use proc_macro2::TokenStream;
use quote::quote;

use crate::ast::Type;
use crate::differentiable::Function;
use crate::errors::Errors;

/// Everything that is written for a type: its layout, and what its equations become.
///
/// With mistakes in `errors` the layout's bodies are stubs, so that the derive's messages stand alone.
pub(crate) fn expand(ty: &Type, errors: &mut Errors) -> TokenStream {
    let parts::Written { items, impls } = parts::expand(ty, errors);
    // without std there is the wire only, which the core knows, and this crate does if all that it is built for is without
    let root = &ty.crate_path;
    let with_std = |root: TokenStream, tokens: TokenStream| match tokens.is_empty() {
        true => tokens,
        false => quote!(#root::with_std! { #tokens }),
    };
    let layout = layout::Expander::new(ty, !errors.is_empty()).expand(with_std(quote!(__private), impls));
    let items = with_std(quote!(#root::__private), items);
    quote!(#layout #items)
}

/// Everything that is written for a `#[differentiable]` function.
pub(crate) fn function(function: &Function, errors: &mut Errors) -> TokenStream {
    functions::expand(function, errors)
}
