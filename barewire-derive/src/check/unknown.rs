//! The variant that keeps members that the type does not list.

use super::fields;
use crate::ast::{Field, Keeps, Variant, unraw};
use crate::attr::{Attrs, Errors};

/// The type of its field.
const TYPE: &str = "UnknownMember";

/// What it says about the whole union.
pub(super) fn check(variants: &[(&syn::Variant, Attrs)], union: &Attrs, errors: &mut Errors) {
    let marked: Vec<_> = variants.iter().filter_map(|(v, attrs)| Some((v, attrs.unknown.as_ref()?))).collect();
    let [(first, key), more @ ..] = &marked[..] else { return };
    for (_, key) in more {
        errors.push(key.span(), format!("`{}` keeps unknown members already", unraw(&first.ident)));
    }
    if variants.len() == marked.len() {
        errors.push(key.span(), "a union that lists no member has no schema; give it another variant".into());
    }
    if union.fixed_size.is_some() {
        let message =
            "a `fixed_size` union has no place for members of any length; take `unknown` or `fixed_size` away";
        errors.push(key.span(), message.into());
    }
    if variants.iter().any(|(_, attrs)| attrs.forward.is_some()) {
        let message =
            "an unknown member has no equation, and the other variants have; a union that runs lists all its members";
        errors.push(key.span(), message.into());
    }
}

/// The variant itself.
pub(super) fn variant(variant: &syn::Variant, attrs: Attrs, errors: &mut Errors) -> Variant {
    let said = unraw(&variant.ident);
    if let Some((_, span)) = attrs.tag {
        errors.push(span, format!("`{said}` is `unknown`: it has the tag of what it keeps, and none of its own"));
    }
    if let Some((_, span)) = attrs.rename {
        errors.push(span, format!("`{said}` is `unknown`, so it is not in the schema and has no name there"));
    }
    let (style, fields) = fields(&variant.fields, errors);
    match &fields[..] {
        [field] if is_member(&field.ty) => {
            let role = field.role.is_some() || field.scaled_by.is_some() || field.checkpoint.is_some();
            if role
                || field.dims.is_some()
                || !field.axes.is_empty()
                || field.align.is_some()
                || field.gradient.is_some()
                || field.wire_name.is_some()
            {
                errors.push(field.span, "an unknown member is kept as it is, so its field has no attributes".into());
            }
        }
        [field] => {
            let message = format!(
                "an `unknown` variant holds one `{TYPE}`, which has the tag and the octets; write `{said}({TYPE})`"
            );
            errors.push(syn::spanned::Spanned::span(&field.ty), message);
        }
        _ => {
            let message = format!(
                "an `unknown` variant has one field, a `{TYPE}`, which has the tag and the octets; write `{said}({TYPE})`"
            );
            errors.push(variant.ident.span(), message);
        }
    }
    // what has no member is written as any other variant would be, so that nothing is said twice
    let unknown = matches!(&fields[..], [field] if is_member(&field.ty));
    Variant {
        ident: variant.ident.clone(),
        tag: if unknown { 0 } else { u32::MAX },
        unknown,
        style,
        fields,
        equation: None,
        keeps: Keeps::default(),
        // no name of a schema has this form
        wire_name: String::new(),
        docs: attrs.docs,
        span: variant.ident.span(),
    }
}

/// In other places nothing says where an unknown member ends.
pub(super) fn not_in(fields: &[Field], errors: &mut Errors) {
    for field in fields.iter().filter(|field| is_member(&field.ty)) {
        let message = format!("`{TYPE}` stands only in a variant marked `#[bare(unknown)]`");
        errors.push(syn::spanned::Spanned::span(&field.ty), message);
    }
}

fn is_member(ty: &syn::Type) -> bool {
    matches!(ty, syn::Type::Path(path) if path.path.segments.last().is_some_and(|last| last.ident == TYPE))
}
