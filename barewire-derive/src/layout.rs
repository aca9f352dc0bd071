//! Decisions about the layout, so that the writer of tokens has none to make.

use proc_macro2::{Ident, TokenStream, TokenTree};
use quote::{ToTokens, format_ident};

use crate::ast::{Field, Style, Type, Variant, unraw};

/// The alignment of lists that no attribute changes.
pub(crate) const ALIGN: u32 = 64;

/// What the expansion of a type's layout needs beyond the type.
pub(crate) struct Layout {
    /// `MatmulFreeWeightView`
    pub(crate) view: Ident,
    /// `MatmulFreeWeightViewMut`
    pub(crate) view_mut: Ident,
    /// the views' scalar parameter: `P`, unless a field's type has that name
    pub(crate) scalar: Ident,
    /// whether the views have parameters at all
    pub(crate) borrows: bool,
}

impl Layout {
    pub(crate) fn of(ty: &Type) -> Self {
        let name = unraw(&ty.ident);
        let span = ty.ident.span();
        let fields = || ty.variants().iter().flat_map(|variant| &variant.fields);
        let taken = |word: &str| fields().any(|field| mentions(field.ty.to_token_stream(), word));
        let scalar = ["P", "Stored", "StoredScalar"].into_iter().find(|word| !taken(word)).unwrap_or("BarewireScalar");
        Self {
            view: format_ident!("{name}View", span = span),
            view_mut: format_ident!("{name}ViewMut", span = span),
            scalar: format_ident!("{scalar}"),
            borrows: ty.has_fields(),
        }
    }
}

/// The alignment of a field's own lists.
pub(crate) fn align(field: &Field) -> u32 {
    field.align.unwrap_or(ALIGN)
}

/// The name in the schema, and whether it stands as it is.
pub(crate) fn field_name(field: &Field) -> (String, bool) {
    match &field.wire_name {
        Some(name) => (name.clone(), true),
        None => (field.name(), false),
    }
}

/// Where an error is, seen from the type: `Ternary.weights` in a union, `weights` in a struct.
pub(crate) fn path(ty: &Type, variant: &Variant, field: &Field) -> String {
    let variant_name = unraw(&variant.ident);
    match (ty.is_union(), variant.style, variant.fields.len()) {
        (false, _, _) => field.name(),
        // the only field of a tuple variant has no name worth telling
        (true, Style::Tuple, 1) => variant_name,
        (true, _, _) => format!("{variant_name}.{}", field.name()),
    }
}

fn mentions(tokens: TokenStream, word: &str) -> bool {
    tokens.into_iter().any(|token| match token {
        TokenTree::Ident(ident) => ident == word,
        TokenTree::Group(group) => mentions(group.stream(), word),
        _ => false,
    })
}
