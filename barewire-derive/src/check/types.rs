//! Types of fields that cannot be right, going by their names: what rustc says of them is long, and stands where nobody looks.

use quote::ToTokens;
use syn::spanned::Spanned;

use crate::ast::TypeKind;
use crate::attr::Errors;

/// What takes a place of any length; a type of one's own may have these names, but hardly with arguments.
const OF_ANY_LENGTH: [&str; 4] = ["String", "TernaryMatrix", "BinaryMatrix", "QuantizedMatrix"];
/// The same with arguments.
const LISTS: [&str; 7] = ["Vec", "List", "Map", "Option", "Matrix", "Slots", "Columns"];

/// Whether stubs can be written of the fields.
pub(super) fn check(kind: &TypeKind, fixed_size: bool, errors: &mut Errors) -> bool {
    let variants = match kind {
        TypeKind::Struct(only) => core::slice::from_ref(only),
        TypeKind::Union(variants) => variants,
    };
    for field in variants.iter().flat_map(|variant| &variant.fields) {
        check_type(&field.ty, fixed_size, errors);
    }
    let before = errors.len();
    variants.iter().flat_map(|variant| &variant.fields).for_each(|field| parameter(&field.ty, errors));
    errors.len() == before
}

/// A type whose name is that of a parameter in generated code, which would mean the parameter there.
fn parameter(ty: &syn::Type, errors: &mut Errors) {
    match ty {
        syn::Type::Array(array) => parameter(&array.elem, errors),
        syn::Type::Path(path) => {
            if let Some(ident) = path.path.get_ident().filter(|ident| *ident == "R" || *ident == "P") {
                let message = format!("`{ident}` is the name of a parameter in generated code; write `self::{ident}`");
                errors.push(ident.span(), message);
            }
            for segment in &path.path.segments {
                if let syn::PathArguments::AngleBracketed(of) = &segment.arguments {
                    of.args.iter().for_each(|argument| {
                        if let syn::GenericArgument::Type(ty) = argument {
                            parameter(ty, errors);
                        }
                    });
                }
            }
        }
        _ => {}
    }
}

fn check_type(ty: &syn::Type, fixed_size: bool, errors: &mut Errors) {
    match ty {
        syn::Type::Array(array) => {
            let is_zero = matches!(&array.len, syn::Expr::Lit(of) if matches!(&of.lit, syn::Lit::Int(n) if n.base10_digits() == "0"));
            if is_zero {
                errors.push(array.len.span(), "an array on the wire has at least one element".into());
            }
            check_type(&array.elem, fixed_size, errors);
        }
        syn::Type::Path(path) if fixed_size => {
            let Some(last) = path.path.segments.last() else { return };
            let names = if last.arguments.is_none() { &OF_ANY_LENGTH[..] } else { &LISTS[..] };
            if names.iter().any(|name| last.ident == name) {
                let said = ty.to_token_stream().to_string().replace(' ', "");
                let message = format!(
                    "`{said}` has no fixed size; fields of a `fixed_size` type are numbers, bool, arrays of them, and types that are \
                     `fixed_size` too"
                );
                errors.push(ty.span(), message);
            }
        }
        _ => {}
    }
}
