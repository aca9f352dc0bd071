//! What residuals keep, where it is said: contradictions that need no equation to be seen.

use proc_macro2::Ident;
use quote::ToTokens;
use syn::spanned::Spanned;

use crate::ast::{Checkpoint, Equation, Keeps, unraw};
use crate::errors::Errors;

/// `recompute` and `save` of one equation.
pub(super) fn check(keeps: &Keeps, equation: Option<&Equation>, errors: &mut Errors) {
    let first = keeps.inputs_only.iter().chain(&keeps.recompute).chain(&keeps.save).next();
    let Some(first) = first else { return };
    match equation {
        None => {
            let message = "`recompute` and `save` are about what an equation keeps, and there is none here; give it one with `forward = ..`";
            errors.push(first.span(), message.into());
            return;
        }
        Some(Equation::Path(_)) => {
            let of = keeps.recompute.iter().map(|name| ("recompute", name));
            for (key, name) in of.chain(keeps.save.iter().map(|name| ("save", name))) {
                let message = format!(
                    "`{name}` would be a `let` of the equation, and this one is a function's; write `#[differentiable({key} = [{name}])]` there"
                );
                errors.push(name.span(), message);
            }
        }
        Some(Equation::Closure(_)) => {}
    }
    contradictions(keeps, errors);
}

/// What contradicts itself, whatever the equation.
pub(crate) fn contradictions(keeps: &Keeps, errors: &mut Errors) {
    if let (Some(_), Some(save)) = (&keeps.inputs_only, keeps.save.first()) {
        let message =
            "`recompute` keeps the inputs and nothing else, so there is nothing to `save`; remove one of them";
        errors.push(save.span(), message.into());
    }
    twice(&keeps.recompute, errors);
    twice(&keeps.save, errors);
    for name in &keeps.save {
        if keeps.recompute.iter().any(|other| unraw(other) == unraw(name)) {
            errors.push(
                name.span(),
                format!("`{name}` is in `recompute`, too; a value is either kept or computed again"),
            );
        }
    }
}

fn twice(names: &[Ident], errors: &mut Errors) {
    for (i, name) in names.iter().enumerate() {
        if names[..i].iter().any(|earlier| unraw(earlier) == unraw(name)) {
            errors.push(name.span(), format!("`{name}` is named twice"));
        }
    }
}

/// Whether `checkpoint` may stand on a field of this type.
pub(super) fn check_list(checkpoint: &Checkpoint, ty: &syn::Type, errors: &mut Errors) -> bool {
    let before = errors.len();
    if checkpoint.every == Some(0) {
        errors.push(
            checkpoint.span,
            "a segment has at least one layer; `checkpoint` without a number takes about the square root of theirs"
                .into(),
        );
    }
    let list = matches!(ty, syn::Type::Path(path) if path.path.segments.last().is_some_and(|last| last.ident == "Vec"));
    if !list {
        let found = ty.to_token_stream().to_string().replace(' ', "");
        errors.push(
            ty.span(),
            format!("`checkpoint` is for lists of layers, `Vec<Layer>`, and this is `{found}`; on the equation of one layer write `recompute`"),
        );
    }
    errors.len() == before
}
