//! Types of fields that cannot be right, going by their names: what rustc says of them is long, and stands where nobody looks.

use quote::ToTokens;
use syn::spanned::Spanned;

use crate::ast::TypeKind;
use crate::attr::Errors;

/// What takes a place of any length; a type of one's own may have these names, but hardly with arguments.
const OF_ANY_LENGTH: [&str; 4] = ["String", "TernaryMatrix", "BinaryMatrix", "QuantizedMatrix"];
/// The same with arguments.
const LISTS: [&str; 7] = ["Vec", "List", "Map", "Option", "Matrix", "Slots", "Columns"];

/// What std has and no wire, as a user would write it with arguments; and what to write in its place.
const OF_STD: [(&str, &str); 12] = [
    ("Box", "the type inside it"),
    ("Rc", "the type inside it"),
    ("Arc", "the type inside it"),
    ("Cell", "the type inside it"),
    ("RefCell", "the type inside it"),
    ("Cow", "`String` or `Vec`"),
    ("HashMap", "`Map`"),
    ("BTreeMap", "`Map`"),
    ("HashSet", "`Vec`"),
    ("BTreeSet", "`Vec`"),
    ("VecDeque", "`Vec`"),
    ("Result", "an enum with `#[derive(BareUnion)]`"),
];
/// The same of what has no arguments, and that no type of one's own is called.
const PRIMITIVES: [(&str, &str); 6] = [
    ("usize", "`u64`, or `Uint` for what is mostly small"),
    ("isize", "`i64`, or `Int` for what is mostly small"),
    ("u128", "`[u64; 2]`"),
    ("i128", "`[u64; 2]`"),
    ("char", "`u32` or `String`"),
    ("str", "`String`"),
];

/// Refuses what cannot be right. A type that no wire knows is a `bool` from then on, so that rustc says nothing of it.
pub(super) fn check(kind: &mut TypeKind, fixed_size: bool, errors: &mut Errors) {
    let variants = match kind {
        TypeKind::Struct(only) => core::slice::from_mut(only),
        TypeKind::Union(variants) => variants,
    };
    for field in variants.iter_mut().flat_map(|variant| &mut variant.fields) {
        check_type(&field.ty, fixed_size, errors);
        if !is_known(&field.ty, errors) {
            field.ty = syn::parse_quote!(::core::primitive::bool);
        }
    }
}

/// Whether a type, and what stands in it, may be on the wire, as far as its name or its form says.
fn is_known(ty: &syn::Type, errors: &mut Errors) -> bool {
    let mut refuse = |said: &str, instead: &str, at: proc_macro2::Span| {
        errors.push(at, format!("{said} cannot be a field on the wire; write {instead}"));
        false
    };
    match ty {
        syn::Type::Array(array) => is_known(&array.elem, errors),
        syn::Type::Paren(inside) => is_known(&inside.elem, errors),
        syn::Type::Group(inside) => is_known(&inside.elem, errors),
        syn::Type::Tuple(_) => refuse("a tuple", "a struct with `#[derive(BareStruct)]`", ty.span()),
        syn::Type::Slice(_) => refuse("a slice", "`Vec`", ty.span()),
        syn::Type::Reference(_) => {
            let instead = "the type that owns what it refers to: the view borrows it";
            refuse("a reference", instead, ty.span())
        }
        syn::Type::Ptr(_) | syn::Type::TraitObject(_) | syn::Type::ImplTrait(_) => {
            refuse("an address", "what it stands for, as an enum with `#[derive(BareUnion)]`", ty.span())
        }
        syn::Type::Path(path) => {
            let Some(last) = path.path.segments.last() else { return true };
            let syn::PathArguments::AngleBracketed(of) = &last.arguments else {
                let found = PRIMITIVES.iter().find(|(name, _)| path.path.is_ident(name));
                return found.is_none_or(|(name, instead)| refuse(&format!("`{name}`"), instead, last.ident.span()));
            };
            if let Some((name, instead)) = OF_STD.iter().find(|(name, _)| last.ident == name) {
                return refuse(&format!("`{name}`"), instead, last.ident.span());
            }
            let known = of.args.iter().map(|argument| match argument {
                syn::GenericArgument::Type(ty) => is_known(ty, errors),
                _ => true,
            });
            known.fold(true, |all, one| all & one)
        }
        _ => true,
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
