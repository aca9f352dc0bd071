//! The math half: what every derived type is as a part of a model, and, for types with equations, the module of programs, the
//! residual and state unions, and the `match` over variants.

use proc_macro2::{Ident, TokenStream};
use quote::{format_ident, quote};

use super::layout::Expander;
pub(super) use super::names::snake;
use super::names::{module_name, module_words};
use crate::ast::{Closure, Equation, Style, Type, Variant, unraw};
use crate::errors::Errors;
use crate::program::{Program, lower};

/// The math half of a type's expansion. Mistakes in equations go to `errors`; then the equations are left out.
pub(crate) fn expand(ty: &Type, errors: &mut Errors) -> Written {
    let programs = programs(ty, errors);
    if !cfg!(feature = "std") {
        return Written::default();
    }
    let k = {
        let path = &ty.crate_path;
        quote!(#path::__private)
    };
    let part = Part { ty, k: &k, p: &quote!(__private), words: module_words(ty.variants()) };
    let parts = Expander::new(ty, !errors.is_empty());
    let mut written = Written { items: parts.cotangent(), impls: parts.derived() };
    match programs {
        Programs::None => {}
        Programs::Failed => written.items.extend(part.stub_layer()),
        Programs::All(programs) => {
            let accessors = ty.variants().iter().map(|variant| (part.accessor_name(variant), variant));
            written.impls.extend(parts.accessors(accessors));
            written.add(part.layer(&programs));
        }
    }
    written
}

/// What is written for a type.
#[derive(Default)]
pub(crate) struct Written {
    /// items that the user can name, which name ours by their whole path
    pub(crate) items: TokenStream,
    /// impls, in the block of the layout
    pub(crate) impls: TokenStream,
}

impl Written {
    fn add(&mut self, other: Written) {
        self.items.extend(other.items);
        self.impls.extend(other.impls);
    }
}

enum Programs<'a> {
    None,
    Failed,
    All(Vec<Source<'a>>),
}

/// Where a variant's equation is.
pub(super) enum Source<'a> {
    Own(&'a Closure, Program),
    /// a `#[differentiable]` function whose parameters have the names of the fields
    Shared(&'a syn::Path),
}

fn programs<'a>(ty: &'a Type, errors: &mut Errors) -> Programs<'a> {
    let variants = ty.variants();
    if variants.iter().all(|v| v.equation.is_none()) {
        for checkpoint in variants.iter().flat_map(|variant| &variant.fields).filter_map(|field| field.checkpoint) {
            errors.push(checkpoint.span, "`checkpoint` is about a backward pass, and there is no equation here".into());
        }
        if let Some(portable) = &ty.portable {
            errors.push(portable.span(), "`portable` is about residuals, and there is no equation here".into());
        }
        if let Some(specialise) = &ty.specialise {
            errors.push(specialise.span(), "`specialise` is about programs, and there is no equation here".into());
        }
        return Programs::None;
    }
    let before = errors.len();
    let mut programs = Vec::new();
    for variant in variants {
        match &variant.equation {
            Some(Equation::Closure(closure)) => {
                let owner = variant.ident.to_string();
                if let Some(mut program) = lower(&variant.fields, &closure.params, &closure.body, &owner, errors) {
                    // beside `recompute` for the whole, lists have been refused
                    if variant.keeps.inputs_only.is_none() {
                        program.keep(&variant.keeps, errors);
                    }
                    program.check_checkpoints(&variant.fields, errors);
                    programs.push(Source::Own(closure, program));
                }
            }
            Some(Equation::Path(path)) => programs.push(Source::Shared(path)),
            // `check` has reported it, or the reason why it could not be read
            None => return Programs::Failed,
        }
    }
    super::specialise::check(ty, &programs, errors);
    if errors.len() > before { Programs::Failed } else { Programs::All(programs) }
}

/// A derived type, and where `__private` is.
pub(super) struct Part<'a> {
    pub(super) ty: &'a Type,
    /// the whole path, for items
    pub(super) k: &'a TokenStream,
    /// the same in blocks and modules of ours, which import it
    pub(super) p: &'a TokenStream,
    /// what each variant is called in names of modules and functions
    words: Vec<String>,
}

impl Part<'_> {
    pub(super) fn named(&self, suffix: &str) -> Ident {
        format_ident!("{}{suffix}", self.ty.ident)
    }

    /// `XView::Ternary { weights, scale }` with these names for the fields.
    pub(super) fn pattern(&self, of: &Ident, variant: &Variant, names: &[Ident]) -> TokenStream {
        let path = if self.ty.is_union() {
            let name = &variant.ident;
            quote!(#of::#name)
        } else {
            quote!(#of)
        };
        match variant.style {
            Style::Unit => path,
            Style::Tuple => quote!(#path(#(#names),*)),
            Style::Named => {
                let members = variant.fields.iter().map(|f| &f.member);
                quote!(#path { #(#members: #names),* })
            }
        }
    }

    /// A name for a variant of our own: `wanted`, with `_` behind it while a variant of the user has that name.
    pub(super) fn free_name(&self, wanted: &str) -> Ident {
        let mut name = wanted.to_owned();
        while self.ty.variants().iter().any(|variant| unraw(&variant.ident) == name) {
            name.push('_');
        }
        format_ident!("{name}")
    }

    /// The variant's name in snake case, unlike that of any other variant.
    fn word(&self, variant: &Variant) -> &str {
        let at = self.ty.variants().iter().position(|other| core::ptr::eq(other, variant));
        &self.words[at.expect("a variant of this type")]
    }

    /// The module of a variant's equation; `names` is taken by ours.
    pub(super) fn module_of(&self, variant: &Variant) -> Ident {
        match self.word(variant) {
            "names" => format_ident!("names_"),
            word => module_name(word, &variant.ident),
        }
    }

    pub(super) fn accessor_name(&self, variant: &Variant) -> Ident {
        format_ident!("as_{}", self.word(variant))
    }

    pub(super) fn bindings(variant: &Variant, prefix: &str) -> Vec<Ident> {
        variant.fields.iter().map(|f| format_ident!("{prefix}{}", f.name())).collect()
    }
}
