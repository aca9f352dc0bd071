//! Writes what every derived type is as a part of a model (its cotangent and the walks over its parameters), and, for
//! types with equations, the module of programs, the residual and state unions, and the `match` over variants.

use std::collections::BTreeMap;

use proc_macro2::{Ident, TokenStream};
use quote::{format_ident, quote, quote_spanned};

use crate::ast::{Closure, Equation, Field, Role, Style, Type, Variant, unraw};
use crate::errors::Errors;
use crate::program::{Program, lower};

/// The math half of a type's expansion. Mistakes in equations go to `errors`; then the equations are left out.
pub(crate) fn expand(ty: &Type, errors: &mut Errors) -> TokenStream {
    let krate = {
        let path = &ty.crate_path;
        quote!(#path::__private)
    };
    let programs = programs(ty, errors);
    let part = Part { ty, k: &krate, p: &quote!(__private), words: module_words(ty.variants()) };
    let mut written = part.cotangent();
    written.impls.extend(part.implementation());
    match programs {
        Programs::None => {}
        Programs::Failed => written.items.extend(part.stub_layer()),
        Programs::All(programs) => written.add(part.layer(&programs)),
    }
    let Written { items, impls } = written;
    quote! {
        #items
        const _: () = {
            use #krate;
            #impls
        };
    }
}

/// What is written for a type.
pub(super) struct Written {
    /// items that the user can name, which name ours by their whole path
    pub(super) items: TokenStream,
    /// impls, in a block where `__private` is in scope
    pub(super) impls: TokenStream,
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

    // ---- the cotangent --------------------------------------------------------------------------------------------

    fn cotangent(&self) -> Written {
        let (k, vis, ident) = (self.k, &self.ty.vis, &self.ty.ident);
        let (name, none) = (self.named("Cotangent"), self.free_name("Zero"));
        let doc = format!("Gradient of a [`{ident}`], and a point or direction of its parameter space.");
        let body = |variant: &Variant, vis: Option<()>| {
            let fields = variant.fields.iter().map(|field| {
                let (ty, member) = (&field.ty, &field.member);
                let vis = vis.map(|()| &field.vis);
                match variant.style {
                    Style::Named => quote!(#vis #member: <#ty as #k::Part>::Grad<R>),
                    _ => quote!(#vis <#ty as #k::Part>::Grad<R>),
                }
            });
            match variant.style {
                Style::Unit => quote!(),
                Style::Tuple => quote!((#(#fields),*)),
                Style::Named => quote!({ #(#fields),* }),
            }
        };
        let definition = if self.ty.is_union() {
            let variants = self.ty.variants().iter().map(|variant| {
                let (name, body) = (&variant.ident, body(variant, None));
                let doc = format!("of `{name}`");
                quote!(#[doc = #doc] #[allow(missing_docs)] #name #body)
            });
            // a union without any number in it still has the parameter
            quote! {
                #[allow(non_camel_case_types, non_snake_case)]
                #vis enum #name<R: #k::Real = f32> {
                    /// no contribution yet
                    #none,
                    #(#variants,)*
                    #[doc(hidden)]
                    #[allow(non_camel_case_types, non_snake_case)]
                    __Scalar(#k::Never<R>),
                }
            }
        } else {
            let variant = &self.ty.variants()[0];
            let body = body(variant, Some(()));
            let end = (variant.style != Style::Named).then(|| quote!(;));
            quote!(#[allow(missing_docs, non_snake_case)] #vis struct #name<R: #k::Real = f32> #body #end)
        };
        let default = {
            let variant = &self.ty.variants()[0];
            if self.ty.is_union() { quote!(Self::#none) } else { self.default_of(&quote!(Self), variant) }
        };
        let accessors = self.ty.variants().iter().map(|variant| self.accessor(&name, variant));
        let p = self.p;
        let items = quote!(#[doc = #doc] #definition);
        let impls = quote! {
            impl<R: #p::Real> ::core::default::Default for #name<R> {
                fn default() -> Self { #default }
            }
            #[allow(dead_code, unused_parens, unreachable_patterns, non_snake_case, clippy::all)]
            impl<R: #p::Real> #name<R> { #(#accessors)* }
        };
        Written { items, impls }
    }

    fn default_of(&self, path: &TokenStream, variant: &Variant) -> TokenStream {
        let k = self.p;
        let zeros = variant.fields.iter().map(|field| match &field.gradient {
            // the word's span, so that a type without this representation is reported there
            Some(word) => {
                let ty = &field.ty;
                quote_spanned!(word.span()=> <#ty as #k::HeldAs<#k::held::#word>>::held::<R>())
            }
            None => quote!(::core::default::Default::default()),
        });
        match variant.style {
            Style::Unit => quote!(#path),
            Style::Tuple => quote!(#path(#(#zeros),*)),
            Style::Named => {
                let members = variant.fields.iter().map(|f| &f.member);
                quote!(#path { #(#members: #zeros),* })
            }
        }
    }

    /// The gradients of a variant's fields; `Zero` becomes the variant on first use.
    fn accessor(&self, cotangent: &Ident, variant: &Variant) -> TokenStream {
        let (k, name, none) = (self.p, self.accessor_name(variant), self.free_name("Zero"));
        let types = variant.fields.iter().map(|field| {
            let ty = &field.ty;
            quote!(&mut <#ty as #k::Part>::Grad<R>)
        });
        let bindings = Self::bindings(variant, "g_");
        let pattern = self.pattern(cotangent, variant, &bindings);
        let said = unraw(&variant.ident);
        if self.ty.is_union() {
            let ident = &variant.ident;
            let fresh = self.default_of(&quote!(Self::#ident), variant);
            quote! {
                fn #name(&mut self) -> ::core::result::Result<(#(#types,)*), #k::Error> {
                    if let Self::#none = self {
                        *self = #fresh;
                    }
                    match self {
                        #pattern => ::core::result::Result::Ok((#(#bindings,)*)),
                        _ => ::core::result::Result::Err(#k::Error::tag(#said, "the gradient of another variant")),
                    }
                }
            }
        } else {
            quote! {
                fn #name(&mut self) -> ::core::result::Result<(#(#types,)*), #k::Error> {
                    let #pattern = self;
                    ::core::result::Result::Ok((#(#bindings,)*))
                }
            }
        }
    }

    // ---- Part -----------------------------------------------------------------------------------------------------

    fn implementation(&self) -> TokenStream {
        let (k, ident) = (self.p, &self.ty.ident);
        let (view, view_mut, cotangent) = (self.named("View"), self.named("ViewMut"), self.named("Cotangent"));
        let arms =
            |arm: &dyn Fn(&Variant) -> TokenStream| -> TokenStream { self.ty.variants().iter().map(arm).collect() };
        let point = arms(&|variant| {
            let names = Self::bindings(variant, "v_");
            let values: Vec<_> = variant
                .fields
                .iter()
                .zip(&names)
                .map(|(field, name)| {
                    let ty = &field.ty;
                    quote!(<#ty as #k::Part>::point::<R, P>(#name))
                })
                .collect();
            let (pattern, built) = (self.pattern(&view, variant, &names), self.built(&cotangent, variant, &values));
            quote!(#pattern => #built,)
        });
        let at = arms(&|variant| {
            let (names, points) = (Self::bindings(variant, "v_"), Self::bindings(variant, "p_"));
            let values: Vec<_> = variant
                .fields
                .iter()
                .zip(names.iter().zip(&points))
                .map(|(field, (name, point))| {
                    let (ty, said) = (&field.ty, field.name());
                    quote!(#k::within(#said, <#ty as #k::Part>::at::<R, P>(#name, #point, index))?)
                })
                .collect();
            let (from, point) = (self.pattern(&view, variant, &names), self.pattern(&cotangent, variant, &points));
            let built = self.built(&view, variant, &values);
            quote!((#from, #point) => #built,)
        });
        let walk = arms(&|variant| {
            let steps = active(variant).map(|(field, name, g)| {
                let (ty, said) = (&field.ty, field.name());
                quote!(#k::descend(path, #said, |path| <#ty as #k::Part>::walk::<R, P>(#name, #g, path, visit))?;)
            });
            self.walk_arm(&view, variant, quote!(#(#steps)*))
        });
        let walk_mut = arms(&|variant| {
            let steps = active(variant).map(|(field, name, g)| {
                let (ty, said) = (&field.ty, field.name());
                let is_scale = variant.fields.iter().flat_map(|f| &f.scaled_by).any(|scale| unraw(scale) == said);
                let visit = match &field.scaled_by {
                    Some(scale) => {
                        let by = format_ident!("v_{}", unraw(scale));
                        quote!(&mut |leaf| visit(#k::scaled(leaf, #by)))
                    }
                    None if is_scale => quote!(&mut |leaf| visit(#k::digit_scale(leaf))),
                    None => quote!(visit),
                };
                quote!(#k::descend(path, #said, |path| <#ty as #k::Part>::walk_mut(#name, #g, path, #visit))?;)
            });
            self.walk_arm(&view_mut, variant, quote!(#(#steps)*))
        });
        let walk_grad = arms(&|variant| {
            let bindings = Self::bindings(variant, "g_");
            let pattern = self.pattern(&cotangent, variant, &bindings);
            let steps = active(variant).map(|(field, _, g)| {
                let ty = &field.ty;
                quote!(<#ty as #k::Part>::walk_grad::<R>(#g, visit);)
            });
            quote!(#pattern => { #(#steps)* })
        });
        let add_grad = arms(&|variant| {
            let (others, name) = (Self::bindings(variant, "o_"), self.accessor_name(variant));
            let pattern = self.pattern(&cotangent, variant, &others);
            let bindings = Self::bindings(variant, "g_");
            let steps = variant.fields.iter().zip(bindings.iter().zip(&others)).map(|(field, (g, o))| {
                let ty = &field.ty;
                quote!(<#ty as #k::Part>::add_grad::<R>(#g, #o)?;)
            });
            quote!(#pattern => { let (#(#bindings,)*) = grad.#name()?; #(#steps)* })
        });
        let (nothing, mismatch) = if self.ty.is_union() {
            (
                quote!(_ => {}),
                quote!((_, _) => return ::core::result::Result::Err(#k::Error::tag("the view's", "a point of another variant")),),
            )
        } else {
            (quote!(), quote!())
        };
        quote! {
            #[allow(unused_variables, unused_parens, unreachable_patterns, non_snake_case, clippy::all)]
            impl #k::Part for #ident {
                type Grad<R: #k::Real> = #cotangent<R>;

                fn point<R: #k::Real, P: #k::Lift<R>>(view: <Self as #k::Wire>::View<'_, P>) -> #cotangent<R> {
                    match view { #point }
                }
                fn at<'o, 'w: 'o, R: #k::Real, P: #k::Lift<R>>(
                    view: <Self as #k::Wire>::View<'w, P>,
                    point: &'o #cotangent<R>,
                    index: &'o #k::Index,
                ) -> ::core::result::Result<<Self as #k::Wire>::View<'o, R>, #k::Error> {
                    ::core::result::Result::Ok(match (view, point) { #at #mismatch })
                }
                fn walk<R: #k::Real, P: #k::Lift<R>>(
                    view: <Self as #k::Wire>::View<'_, P>,
                    grad: &mut #cotangent<R>,
                    path: &mut #k::String,
                    visit: &mut dyn ::core::ops::FnMut(#k::Leaf<'_, R>),
                ) -> ::core::result::Result<(), #k::Error> {
                    match view { #walk }
                    ::core::result::Result::Ok(())
                }
                fn walk_mut(
                    view: <Self as #k::Wire>::ViewMut<'_>,
                    grad: &mut #cotangent<f32>,
                    path: &mut #k::String,
                    visit: &mut dyn ::core::ops::FnMut(#k::LeafMut<'_>),
                ) -> ::core::result::Result<(), #k::Error> {
                    match view { #walk_mut }
                    ::core::result::Result::Ok(())
                }
                fn walk_grad<R: #k::Real>(grad: &mut #cotangent<R>, visit: &mut dyn ::core::ops::FnMut(#k::GradLeaf<'_, R>)) {
                    match grad { #walk_grad #nothing }
                }
                fn add_grad<R: #k::Real>(
                    grad: &mut #cotangent<R>,
                    other: &#cotangent<R>,
                ) -> ::core::result::Result<(), #k::Error> {
                    match other { #add_grad #nothing }
                    ::core::result::Result::Ok(())
                }
            }
        }
    }

    fn built(&self, of: &Ident, variant: &Variant, values: &[TokenStream]) -> TokenStream {
        let path = if self.ty.is_union() {
            let name = &variant.ident;
            quote!(#of::#name)
        } else {
            quote!(#of)
        };
        match variant.style {
            Style::Unit => path,
            Style::Tuple => quote!(#path(#(#values),*)),
            Style::Named => {
                let members = variant.fields.iter().map(|f| &f.member);
                quote!(#path { #(#members: #values),* })
            }
        }
    }

    fn walk_arm(&self, view: &Ident, variant: &Variant, steps: TokenStream) -> TokenStream {
        let pattern = self.pattern(view, variant, &Self::bindings(variant, "v_"));
        let (bindings, name) = (Self::bindings(variant, "g_"), self.accessor_name(variant));
        quote!(#pattern => { let (#(#bindings,)*) = grad.#name()?; #steps })
    }
}

/// Fields that take part in walks: name of the value and of its gradient.
fn active(variant: &Variant) -> impl Iterator<Item = (&Field, Ident, Ident)> {
    variant
        .fields
        .iter()
        .filter(|field| field.role != Some(Role::Fixed))
        .map(|field| (field, format_ident!("v_{}", field.name()), format_ident!("g_{}", field.name())))
}

/// `SSMComponent` becomes `ssm_component`; a keyword becomes raw.
pub(crate) fn snake(ident: &Ident) -> Ident {
    module_name(&words(&unraw(ident)), ident)
}

fn module_name(word: &str, of: &Ident) -> Ident {
    match word {
        "self" | "super" | "crate" | "_" => format_ident!("{word}_"),
        _ => syn::parse_str::<Ident>(word).unwrap_or_else(|_| Ident::new_raw(word, of.span())),
    }
}

/// The names of variants in snake case; `AB` and `Ab` differ by their tags.
fn module_words(variants: &[Variant]) -> Vec<String> {
    let all: Vec<String> = variants.iter().map(|variant| words(&unraw(&variant.ident))).collect();
    let mut counts = BTreeMap::new();
    all.iter().for_each(|word| *counts.entry(word.clone()).or_insert(0) += 1);
    let tagged = |(word, variant): (String, &Variant)| match counts[&word] {
        1 => word,
        _ => format!("{word}_{}", variant.tag),
    };
    all.into_iter().zip(variants).map(tagged).collect()
}

fn words(name: &str) -> String {
    let chars: Vec<char> = name.chars().collect();
    let mut out = String::new();
    for (i, c) in chars.iter().enumerate() {
        let after_lower = i > 0 && (chars[i - 1].is_lowercase() || chars[i - 1].is_ascii_digit());
        let before_lower = i > 0 && chars[i - 1].is_uppercase() && chars.get(i + 1).is_some_and(|n| n.is_lowercase());
        if c.is_uppercase() && (after_lower || before_lower) {
            out.push('_');
        }
        out.extend(c.to_lowercase());
    }
    out
}

#[cfg(test)]
mod tests {
    use super::words;

    #[test]
    fn names_of_modules() {
        for (name, module) in [
            ("SSMComponent", "ssm_component"),
            ("MatmulFreeWeight", "matmul_free_weight"),
            ("Mamba2", "mamba2"),
            ("X", "x"),
        ] {
            assert_eq!(words(name), module);
        }
    }
}
