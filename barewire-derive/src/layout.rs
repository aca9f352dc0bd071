//! Decisions about the layout, so that the writer of tokens has none to make.

use proc_macro2::{Ident, TokenStream, TokenTree};
use quote::{ToTokens, format_ident};

use crate::ast::{Type, unraw};

/// What the expansion of a type's layout needs beyond the type.
pub(crate) struct Layout {
    /// `MatmulFreeWeightView`
    pub(crate) view: Ident,
    /// `MatmulFreeWeightViewMut`
    pub(crate) view_mut: Ident,
    /// `MatmulFreeWeightCotangent`
    pub(crate) cotangent: Ident,
    /// the views' scalar parameter: `P`, unless a field's type has that name
    pub(crate) scalar: Ident,
    /// the cotangent's: `R`, likewise
    pub(crate) real: Ident,
    /// whether the views have parameters at all
    pub(crate) borrows: bool,
}

impl Layout {
    pub(crate) fn of(ty: &Type) -> Self {
        let name = unraw(&ty.ident);
        let span = ty.ident.span();
        let fields = || ty.variants().iter().flat_map(|variant| &variant.fields);
        let taken = |word: &str| name == word || fields().any(|field| mentions(field.ty.to_token_stream(), word));
        let free = |words: [&str; 2]| match words.into_iter().find(|word| !taken(word)) {
            Some(word) => format_ident!("{word}"),
            None => format_ident!("Barewire{}", words[1]),
        };
        Self {
            view: format_ident!("{name}View", span = span),
            view_mut: format_ident!("{name}ViewMut", span = span),
            cotangent: format_ident!("{name}Cotangent", span = span),
            scalar: free(["P", "Stored"]),
            real: free(["R", "Scalar"]),
            borrows: ty.has_fields(),
        }
    }
}

/// Whether a type is one that can be a field on every wire, going by its name.
pub(crate) fn is_well_known(ty: &syn::Type) -> bool {
    const NAMES: [&str; 18] = [
        "bool",
        "u8",
        "u16",
        "u32",
        "u64",
        "i8",
        "i16",
        "i32",
        "i64",
        "f32",
        "f64",
        "String",
        "Uint",
        "Int",
        "TernaryMatrix",
        "BinaryMatrix",
        "QuantizedMatrix",
        "UnknownMember",
    ];
    const LISTS: [&str; 3] = ["Vec", "Matrix", "Option"];
    let syn::Type::Path(path) = ty else { return false };
    let Some(last) = path.path.segments.last() else { return false };
    match &last.arguments {
        syn::PathArguments::None => NAMES.iter().any(|name| last.ident == name),
        syn::PathArguments::AngleBracketed(of) => {
            let inside = |argument: &syn::GenericArgument| matches!(argument, syn::GenericArgument::Type(ty) if is_well_known(ty));
            LISTS.iter().any(|name| last.ident == name) && of.args.iter().all(inside)
        }
        syn::PathArguments::Parenthesized(_) => false,
    }
}

fn mentions(tokens: TokenStream, word: &str) -> bool {
    tokens.into_iter().any(|token| match token {
        TokenTree::Ident(ident) => ident == word,
        TokenTree::Group(group) => mentions(group.stream(), word),
        _ => false,
    })
}
