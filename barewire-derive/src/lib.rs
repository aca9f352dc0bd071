//! The derives of barewire. Use them through the facade crate `barewire`, where they are documented.
//!
//! ```text
//! attr, equation   what the attributes say
//! ast              a type, understood
//! check            what contradicts itself is refused, all of it at once
//! layout, program  what will be written
//! expand           tokens
//! ```
#![forbid(unsafe_code)]

mod ast;
mod attr;
mod check;
mod differentiable;
mod equation;
mod errors;
mod expand;
mod layout;
mod program;

#[cfg(test)]
mod golden;

use proc_macro2::TokenStream;

use check::Derive;

/// Derives the wire layout, views, and equations of an enum: a tagged union.
///
/// See the facade crate `barewire` for the attributes.
#[proc_macro_derive(BareUnion, attributes(bare))]
pub fn bare_union(input: proc_macro::TokenStream) -> proc_macro::TokenStream {
    derive(input.into(), Derive::Union).into()
}

/// Derives the wire layout, views, and equations of a struct.
///
/// See the facade crate `barewire` for the attributes.
#[proc_macro_derive(BareStruct, attributes(bare))]
pub fn bare_struct(input: proc_macro::TokenStream) -> proc_macro::TokenStream {
    derive(input.into(), Derive::Struct).into()
}

/// An equation that several variants share: an op like any other.
///
/// See the facade crate `barewire`.
#[proc_macro_attribute]
pub fn differentiable(attr: proc_macro::TokenStream, item: proc_macro::TokenStream) -> proc_macro::TokenStream {
    differentiable::differentiable(attr.into(), item.into()).into()
}

/// The pipeline. Messages come first, then whatever can be written without causing more of them.
fn derive(input: TokenStream, which: Derive) -> TokenStream {
    let input: syn::DeriveInput = match syn::parse2(input) {
        Ok(input) => input,
        Err(error) => return error.to_compile_error(),
    };
    let mut errors = errors::Errors::default();
    let items = check::check(&input, which, &mut errors).map(|ty| expand::expand(&ty, &mut errors));
    let messages = errors.to_tokens();
    quote::quote!(#messages #items)
}
