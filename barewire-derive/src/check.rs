//! From a parsed type and its attributes to the model, refusing what contradicts itself. Nothing stops at the first mistake.

use proc_macro2::{Ident, Span, TokenStream, TokenTree};
use quote::ToTokens;
use syn::spanned::Spanned;

use crate::ast::{Equation, Field, Keeps, Role, Style, Type, TypeKind, Variant, unraw};
use crate::attr::{Attrs, Errors, Place, nearest};

pub(crate) mod keeps;
mod types;
mod unknown;

/// Which derive was written.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Derive {
    Union,
    Struct,
}

/// The model of a type. `None` where not even stubs can be written.
pub(crate) fn check(input: &syn::DeriveInput, derive: Derive, errors: &mut Errors) -> Option<Type> {
    let before = errors.len();
    generics(&input.generics, errors);
    let place = if matches!(input.data, syn::Data::Enum(_)) { Place::Enum } else { Place::Struct };
    let attrs = Attrs::read(&input.attrs, place, errors);
    let name = unraw(&input.ident);
    let wire_name = match &attrs.rename {
        Some((name, span)) => {
            type_name(name, *span, errors);
            name.clone()
        }
        None => {
            unnamed_type(&name, input.ident.span(), errors);
            name.clone()
        }
    };
    let mut kind = match (&input.data, derive) {
        (syn::Data::Enum(data), Derive::Union) => {
            TypeKind::Union(union(data, &wire_name, &attrs, &input.ident, errors))
        }
        (syn::Data::Struct(data), Derive::Struct) => {
            TypeKind::Struct(structure(data, (attrs.forward, attrs.keeps), &input.ident, &wire_name, errors))
        }
        (syn::Data::Enum(data), Derive::Struct) => {
            errors.push(
                data.enum_token.span,
                "`BareStruct` is for structs; use `#[derive(BareUnion)]` for this enum".into(),
            );
            return None;
        }
        (syn::Data::Struct(data), Derive::Union) => {
            errors.push(
                data.struct_token.span,
                "`BareUnion` is for enums; use `#[derive(BareStruct)]` for this struct".into(),
            );
            return None;
        }
        (syn::Data::Union(data), _) => {
            let message = "a Rust `union` does not know what it holds; use an `enum` with `#[derive(BareUnion)]`";
            errors.push(data.union_token.span, message.into());
            return None;
        }
    };
    let recursive = recursion(&input.ident, &kind, errors);
    if !input.generics.params.is_empty() || recursive {
        return None;
    }
    if let TypeKind::Union(variants) = &mut kind {
        if variants.is_empty() {
            return None;
        }
        if errors.len() == before {
            variants.sort_by_key(|variant| (variant.unknown, variant.tag));
        }
    }
    if kind_has_no_octets(&kind) {
        return None;
    }
    types::check(&mut kind, attrs.fixed_size.is_some(), errors);
    Some(Type {
        ident: input.ident.clone(),
        vis: input.vis.clone(),
        crate_path: attrs.crate_path.unwrap_or_else(|| syn::parse_quote!(::barewire)),
        wire_name,
        fixed_size: attrs.fixed_size.is_some(),
        portable: attrs.portable,
        specialise: attrs.specialise,
        retired: attrs.retired.iter().map(|(tag, _)| *tag).collect(),
        kind,
    })
}

fn kind_has_no_octets(kind: &TypeKind) -> bool {
    matches!(kind, TypeKind::Struct(only) if only.fields.is_empty())
}

fn generics(generics: &syn::Generics, errors: &mut Errors) {
    for param in &generics.params {
        let (span, message) = match param {
            syn::GenericParam::Type(p) => (
                p.ident.span(),
                "type parameters are not supported: the wire layout and its hash need a concrete type; derive one type for each use",
            ),
            syn::GenericParam::Lifetime(p) => (
                p.lifetime.span(),
                "lifetimes are not supported: the derived type owns its data, and its generated view borrows; use `Vec` or `String`",
            ),
            syn::GenericParam::Const(p) => (
                p.ident.span(),
                "const parameters are not supported: the wire layout and its hash need a concrete type; write the number in the type",
            ),
        };
        errors.push(span, message.into());
    }
}

fn structure(
    data: &syn::DataStruct,
    (forward, keeps): (Option<Equation>, Keeps),
    ident: &Ident,
    wire_name: &str,
    errors: &mut Errors,
) -> Variant {
    let (style, fields) = fields(&data.fields, errors);
    unknown::not_in(&fields, errors);
    keeps::check(&keeps, forward.as_ref(), errors);
    if fields.is_empty() {
        errors.push(
            ident.span(),
            "a struct without fields takes no octets, which BARE does not allow; give it a field".into(),
        );
    }
    Variant {
        ident: ident.clone(),
        tag: 0,
        unknown: false,
        style,
        fields,
        equation: forward,
        keeps,
        wire_name: wire_name.to_owned(),
        docs: Vec::new(),
        span: ident.span(),
    }
}

fn union(data: &syn::DataEnum, wire_name: &str, attrs: &Attrs, ident: &Ident, errors: &mut Errors) -> Vec<Variant> {
    if data.variants.is_empty() {
        errors.push(
            ident.span(),
            "an enum without variants has no values, so there is nothing to write; give it a variant".into(),
        );
    }
    let read: Vec<_> = data.variants.iter().map(|v| (v, Attrs::read(&v.attrs, Place::Variant, errors))).collect();
    let plain = read.iter().all(|(variant, read)| variant.fields.is_empty() || read.unknown.is_some());
    unknown::check(&read, attrs, errors);
    let mut variants: Vec<Variant> = Vec::new();
    let mut without = Vec::new();
    let mut next = Some(0u32);
    for (variant, read) in read {
        if let Some((_, discriminant)) = &variant.discriminant {
            let shown = discriminant.to_token_stream();
            let message =
                format!("the tag on the wire is an attribute: write `#[bare(tag = {shown})]` instead of `= {shown}`");
            errors.push(discriminant.span(), message);
        }
        if read.unknown.is_some() {
            variants.push(unknown::variant(variant, read, errors));
            continue;
        }
        let (tag, tag_span) = match (read.tag, next) {
            (Some((tag, span)), _) => (tag, span),
            (None, Some(tag)) => (tag, variant.ident.span()),
            (None, None) => {
                let message = "the tag before is the largest there is; give this variant one with `#[bare(tag = ..)]`";
                errors.push(variant.ident.span(), message.into());
                (0, variant.ident.span())
            }
        };
        // a tag that did not parse is not also a repeated one
        let unreadable = read.tag.is_none() && read.seen.iter().any(|key| key == "tag");
        if !unreadable {
            if let Some(same) = variants.iter().find(|v| !v.unknown && v.tag == tag) {
                errors.push(tag_span, format!("tag {tag} is already used by variant `{}`", unraw(&same.ident)));
            }
            if attrs.retired.iter().any(|(retired, _)| *retired == tag) {
                errors.push(
                    tag_span,
                    format!("tag {tag} is retired: old messages may carry it with another meaning; choose a new one"),
                );
            }
        }
        if attrs.fixed_size.is_some() && tag > 127 && !unreadable {
            let message =
                format!("tag {tag} takes two octets; a `fixed_size` union has tags up to 127, of one octet each");
            errors.push(tag_span, message);
        }
        next = tag.checked_add(1);
        let (style, fields) = fields(&variant.fields, errors);
        unknown::not_in(&fields, errors);
        let name = unraw(&variant.ident);
        let member = match &read.rename {
            Some((name, span)) => {
                if plain {
                    constant_name(name, *span, errors);
                } else {
                    type_name(name, *span, errors);
                }
                name.clone()
            }
            None if plain => name.clone(),
            None => {
                unnamed_type(&name, variant.ident.span(), errors);
                format!("{wire_name}{name}")
            }
        };
        if let Some(same) = variants.iter().find(|v| v.wire_name == member) {
            let span = read.rename.as_ref().map_or(variant.ident.span(), |(_, span)| *span);
            errors.push(
                span,
                format!("`{member}` is already the name of variant `{}` in the schema", unraw(&same.ident)),
            );
        }
        let said = read.seen.iter().any(|key| key == "forward");
        if read.forward.is_some() || !said {
            keeps::check(&read.keeps, read.forward.as_ref(), errors);
        }
        if !said {
            without.push((variant.ident.span(), name));
        }
        variants.push(Variant {
            ident: variant.ident.clone(),
            tag,
            unknown: false,
            style,
            fields,
            equation: read.forward,
            keeps: read.keeps,
            wire_name: member,
            docs: read.docs,
            span: variant.ident.span(),
        });
    }
    if variants.iter().any(|variant| variant.equation.is_some()) {
        for (span, name) in without {
            errors.push(
                span,
                format!(
                    "variant `{name}` has no equation, though others have; give it one with `#[bare(forward = ..)]`"
                ),
            );
        }
    }
    for (i, (tag, span)) in attrs.retired.iter().enumerate() {
        if attrs.retired[..i].iter().any(|(earlier, _)| earlier == tag) {
            errors.push(*span, format!("tag {tag} is retired twice"));
        }
    }
    variants
}

fn fields(fields: &syn::Fields, errors: &mut Errors) -> (Style, Vec<Field>) {
    let style = match fields {
        syn::Fields::Named(_) if !fields.is_empty() => Style::Named,
        syn::Fields::Unnamed(_) if !fields.is_empty() => Style::Tuple,
        _ => Style::Unit,
    };
    let mut all: Vec<Field> = Vec::new();
    let mut scales = Vec::new();
    for (at, field) in fields.iter().enumerate() {
        let attrs = Attrs::read(&field.attrs, Place::Field, errors);
        let span = field.ident.as_ref().map_or_else(|| field.ty.span(), Ident::span);
        if let [(_, first), (_, second), ..] = &attrs.roles[..] {
            errors.push(second.span(), format!("a field has one role, and this one is already `{first}`"));
        }
        if let Some((align, span)) = attrs.align
            && !(align.is_power_of_two() && (64..=4096).contains(&align))
        {
            errors.push(span, format!("an alignment is a power of two from 64 to 4096, found {align}"));
        }
        for (i, (theirs, _)) in attrs.axes.iter().enumerate() {
            if attrs.axes[..i].iter().any(|(earlier, _)| earlier == theirs) {
                errors.push(theirs.span(), format!("axis `{theirs}` is bound twice"));
            }
        }
        if let (Some((_, span)), false) = (&attrs.dims, attrs.axes.is_empty()) {
            errors.push(
                *span,
                "`dims` names the axes of numbers and `axes` those of a sub-layer; a field has one of them".into(),
            );
        }
        // what was refused is left out, so that the mistake is the only message
        let of_layers = attrs.checkpoint.is_none_or(|checkpoint| keeps::check_list(&checkpoint, &field.ty, errors));
        if let Some((name, span)) = &attrs.rename {
            field_name(name, *span, errors);
        }
        let member = match &field.ident {
            Some(ident) => syn::Member::Named(ident.clone()),
            None => syn::Member::Unnamed(syn::Index { index: at as u32, span }),
        };
        let mut checked = Field {
            member,
            ty: field.ty.clone(),
            vis: field.vis.clone(),
            dims: attrs.dims.map(|(names, _)| names),
            axes: attrs.axes,
            role: attrs.roles.first().map(|(role, _)| *role),
            gradient: attrs.gradient,
            align: attrs.align.map(|(align, _)| align),
            scaled_by: attrs.scaled_by.clone(),
            checkpoint: attrs.checkpoint.filter(|_| of_layers),
            wire_name: attrs.rename.as_ref().map(|(name, _)| name.clone()),
            docs: attrs.docs,
            span,
        };
        if checked.wire_name.is_none() && !checked.name().is_ascii() {
            let message = format!(
                "`{}` has letters that a BARE schema does not know; name it with `#[bare(rename = \"..\")]`",
                checked.name()
            );
            errors.push(span, message);
        }
        let before = errors.len();
        representation(&checked, errors);
        if errors.len() > before {
            // said once
            checked.gradient = None;
        }
        let on_wire = on_wire(&checked);
        if let Some(same) = all.iter().find(|other| self::on_wire(other) == on_wire) {
            let span = attrs.rename.map_or(span, |(_, span)| span);
            errors.push(
                span,
                format!("`{on_wire}` is already the name of field `{}` in the schema; rename one of them", same.name()),
            );
        }
        if let Some(scale) = attrs.scaled_by {
            scales.push((scale, checked.name()));
        }
        all.push(checked);
    }
    for (scale, of) in scales {
        let names: Vec<String> = all.iter().map(Field::name).filter(|name| *name != of).collect();
        if names.contains(&unraw(&scale)) {
            continue;
        }
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        let hint = nearest(&unraw(&scale), &names).map_or(String::new(), |near| format!("; did you mean `{near}`?"));
        errors.push(
            scale.span(),
            format!("`scaled_by` names another field of the same variant, and there is no `{scale}`{hint}"),
        );
    }
    (style, all)
}

/// Refuses a representation of a gradient that contradicts what else the field says.
fn representation(field: &Field, errors: &mut Errors) {
    let Some(word) = &field.gradient else { return };
    if field.role == Some(Role::Fixed) {
        errors.push(word.span(), "a `fixed` field gets no gradient, so there is none to hold".into());
        return;
    }
    if !field.axes.is_empty() {
        let message = "this field is a sub-layer, whose own fields say how their gradients are held";
        errors.push(word.span(), message.into());
        return;
    }
    match (word.to_string().as_str(), field.dims.as_deref()) {
        ("diagonal", Some([rows, cols])) if rows == cols => {}
        ("diagonal", Some([rows, cols])) => {
            let message = format!(
                "a diagonal gradient is that of a square matrix, and this one is [{rows}, {cols}]; give both axes one name"
            );
            errors.push(word.span(), message);
        }
        ("diagonal", _) => {
            let message = "a diagonal gradient is that of a square matrix; say that it is one: `dims = [d, d]`";
            errors.push(word.span(), message.into());
        }
        ("low_rank", Some(dims)) if dims.len() != 2 => {
            let message =
                format!("a low-rank gradient is that of a matrix, which has two axes; `dims` names {}", dims.len());
            errors.push(word.span(), message);
        }
        _ => {}
    }
}

/// The name that a field has in the schema, in camel case as the wire crate makes it.
fn on_wire(field: &Field) -> String {
    if let Some(name) = &field.wire_name {
        return name.clone();
    }
    let mut out = String::new();
    for word in field.name().split('_').filter(|word| !word.is_empty()) {
        let mut letters = word.chars();
        if let Some(first) = letters.next() {
            out.push(if out.is_empty() { first.to_ascii_lowercase() } else { first.to_ascii_uppercase() });
            out.push_str(letters.as_str());
        }
    }
    out
}

fn is_word(name: &str, first: fn(&char) -> bool, rest: fn(char) -> bool) -> bool {
    name.chars().next().is_some_and(|c| first(&c)) && name.chars().skip(1).all(rest)
}

/// A Rust name that is to be a type's name in the schema.
fn unnamed_type(name: &str, span: Span, errors: &mut Errors) {
    if !is_word(name, char::is_ascii_uppercase, |c| c.is_ascii_alphanumeric()) {
        errors.push(
            span,
            format!("`{name}` cannot be a type name in a BARE schema (an upper-case letter, then letters and digits); name it with `#[bare(rename = \"..\")]`"),
        );
    }
}

fn type_name(name: &str, span: Span, errors: &mut Errors) {
    if !is_word(name, char::is_ascii_uppercase, |c| c.is_ascii_alphanumeric()) {
        errors.push(
            span,
            format!("`{name}` is no type name of a BARE schema: an upper-case letter, then letters and digits"),
        );
    }
}

fn constant_name(name: &str, span: Span, errors: &mut Errors) {
    if !is_word(name, char::is_ascii_uppercase, |c| c.is_ascii_uppercase() || c.is_ascii_digit() || c == '_') {
        let message = format!(
            "`{name}` is no value name of a BARE enum: upper-case letters, digits and `_`, as in `ELU_PLUS_ONE`"
        );
        errors.push(span, message);
    }
}

fn field_name(name: &str, span: Span, errors: &mut Errors) {
    if !is_word(name, char::is_ascii_alphabetic, |c| c.is_ascii_alphanumeric() || c == '_') {
        errors
            .push(span, format!("`{name}` is no field name of a BARE schema: a letter, then letters, digits and `_`"));
    }
}

/// A type that holds itself has no end in a BARE schema.
fn recursion(ident: &Ident, kind: &TypeKind, errors: &mut Errors) -> bool {
    let variants = match kind {
        TypeKind::Struct(only) => core::slice::from_ref(only),
        TypeKind::Union(variants) => variants,
    };
    let mut found = false;
    for field in variants.iter().flat_map(|variant| &variant.fields) {
        if let Some(span) = mention(field.ty.to_token_stream(), ident) {
            let message = format!(
                "`{ident}` holds itself, and BARE types end somewhere; keep all of them in one `Vec` and refer to each by its number"
            );
            errors.push(span, message);
            found = true;
        }
    }
    found
}

/// Where `ident` or `Self` stands as a word of its own, not as a part of a longer path.
fn mention(tokens: TokenStream, ident: &Ident) -> Option<Span> {
    let mut before: Option<char> = None;
    for token in tokens {
        match &token {
            TokenTree::Ident(word) if (word == ident || word == "Self") && before != Some(':') => {
                return Some(word.span());
            }
            TokenTree::Group(group) => {
                if let Some(span) = mention(group.stream(), ident) {
                    return Some(span);
                }
            }
            _ => {}
        }
        before = match &token {
            TokenTree::Punct(punct) => Some(punct.as_char()),
            _ => None,
        };
    }
    None
}
