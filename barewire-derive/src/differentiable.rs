//! `#[differentiable] fn`: an equation that several variants share.
//!
//! An attribute sees a function that is already Rust, so axes stand where types stand, as tuples: `x: (batch, time, d)`
//! for numbers, `ids: u32<(batch, time)>` for ids. A parameter with an ordinary type is what a field is to a variant.

use proc_macro2::{Ident, TokenStream};
use syn::spanned::Spanned;

use crate::ast::{Body, Closure, Elem, Field, Keeps, Let, LetNames, Param};
use crate::attr::{Attrs, Place};
use crate::check;
use crate::errors::Errors;
use crate::expand;

/// What stands at each place of the argument list.
#[derive(Clone, Copy)]
pub(crate) enum Argument {
    Field(usize),
    Input(usize),
}

/// A shared equation, understood.
pub(crate) struct Function {
    pub(crate) ident: Ident,
    pub(crate) vis: syn::Visibility,
    pub(crate) docs: Vec<syn::Attribute>,
    pub(crate) crate_path: syn::Path,
    /// what its residual keeps, where that is said
    pub(crate) keeps: Keeps,
    /// whether its residual goes to the wire
    pub(crate) portable: bool,
    pub(crate) arguments: Vec<Argument>,
    pub(crate) fields: Vec<Field>,
    pub(crate) closure: Closure,
    /// axes written after `->`, for each result
    pub(crate) returns: Option<Vec<Vec<Ident>>>,
}

/// The pipeline for a function.
pub(crate) fn differentiable(attr: TokenStream, item: TokenStream) -> TokenStream {
    let mut errors = Errors::default();
    let mut keys = Attrs::default();
    keys.read_tokens(attr, Place::Function, &mut errors);
    check::keeps::contradictions(&keys.keeps, &mut errors);
    let function: syn::ItemFn = match syn::parse2(item) {
        Ok(function) => function,
        Err(error) => {
            let at = error.span();
            return syn::Error::new(at, "`#[differentiable]` stands on a function").to_compile_error();
        }
    };
    let (name, method) = (function.sig.ident.clone(), function.sig.receiver().is_some());
    let items = understand(function, keys, &mut errors).map(|f| expand::function(&f, &mut errors));
    let messages = errors.to_tokens();
    // the name stays known, so that its callers do not turn red; among methods there is no place for it
    let stub = (items.is_none() && !method)
        .then(|| quote::quote!(#[allow(non_camel_case_types, missing_docs)] pub struct #name;));
    quote::quote!(#messages #items #stub)
}

fn understand(function: syn::ItemFn, keys: Attrs, errors: &mut Errors) -> Option<Function> {
    let before = errors.len();
    let syn::ItemFn { attrs, vis, sig, block, .. } = function;
    for attr in attrs.iter().filter(|attr| attr.path().is_ident("bare")) {
        errors.push(attr.path().span(), "what is said of a function stands in `#[differentiable(..)]`".into());
    }
    for (wrong, what) in [(sig.asyncness.map(|t| t.span()), "async"), (sig.constness.map(|t| t.span()), "const")] {
        if let Some(span) = wrong {
            errors.push(span, format!("an equation is not `{what}`"));
        }
    }
    if let Some(parameter) = sig.generics.params.first() {
        errors.push(parameter.span(), "an equation has no type parameters; it is generic over scalars as it is".into());
    }
    let (mut fields, mut params, mut arguments) = (Vec::new(), Vec::new(), Vec::new());
    for input in &sig.inputs {
        let syn::FnArg::Typed(input) = input else {
            errors.push(input.span(), "an equation has no `self`".into());
            continue;
        };
        let syn::Pat::Ident(name) = &*input.pat else {
            errors.push(input.pat.span(), "a parameter is a name".into());
            continue;
        };
        let ident = name.ident.clone();
        match input_axes(&input.ty) {
            Some((elem, axes)) => {
                arguments.push(Argument::Input(params.len()));
                params.push(Param { ident, elem, axes });
            }
            None => {
                let attrs = Attrs::read(&input.attrs, Place::Parameter, errors);
                arguments.push(Argument::Field(fields.len()));
                fields.push(Field {
                    span: ident.span(),
                    member: syn::Member::Named(ident),
                    ty: (*input.ty).clone(),
                    vis: syn::Visibility::Inherited,
                    dims: attrs.dims.map(|(names, _)| names),
                    axes: Vec::new(),
                    role: None,
                    gradient: None,
                    align: None,
                    scaled_by: None,
                    checkpoint: None,
                    wire_name: None,
                    docs: Vec::new(),
                });
            }
        }
    }
    if params.is_empty() && errors.len() == before {
        errors.push(sig.ident.span(), "an equation has at least one input, such as `x: (batch, time, d_in)`".into());
    }
    let returns = match &sig.output {
        syn::ReturnType::Default => None,
        syn::ReturnType::Type(_, ty) => match result_axes(ty) {
            Some(axes) => Some(axes),
            None => {
                errors.push(ty.span(), "a result is its axes, such as `(batch, time, d_out)`".into());
                None
            }
        },
    };
    let body = body(&block, errors)?;
    let docs = attrs.into_iter().filter(|attr| attr.path().is_ident("doc")).collect();
    let span = sig.ident.span();
    let closure = Closure { params, body, span };
    (errors.len() == before).then_some(Function {
        ident: sig.ident,
        vis,
        docs,
        crate_path: keys.crate_path.unwrap_or_else(|| syn::parse_quote!(::barewire)),
        keeps: keys.keeps,
        portable: keys.portable.is_some(),
        arguments,
        fields,
        closure,
        returns,
    })
}

/// `(batch, time)` or `u32<(batch, time)>`; anything else is an ordinary type.
fn input_axes(ty: &syn::Type) -> Option<(Elem, Vec<Ident>)> {
    if let Some(axes) = tuple_axes(ty) {
        return Some((Elem::Real, axes));
    }
    let syn::Type::Path(path) = ty else { return None };
    let [only] = path.path.segments.iter().collect::<Vec<_>>()[..] else { return None };
    let syn::PathArguments::AngleBracketed(arguments) = &only.arguments else { return None };
    if only.ident != "u32" || arguments.args.len() != 1 {
        return None;
    }
    match &arguments.args[0] {
        syn::GenericArgument::Type(ty) => tuple_axes(ty).map(|axes| (Elem::Ids, axes)),
        _ => None,
    }
}

fn tuple_axes(ty: &syn::Type) -> Option<Vec<Ident>> {
    let one = |ty: &syn::Type| match ty {
        syn::Type::Path(path) if path.qself.is_none() => path.path.get_ident().cloned(),
        _ => None,
    };
    match ty {
        syn::Type::Tuple(tuple) => tuple.elems.iter().map(one).collect(),
        syn::Type::Paren(paren) => one(&paren.elem).map(|axis| vec![axis]),
        _ => None,
    }
}

/// `(batch, d)` for one result, `((batch, a), (batch, b))` for several.
fn result_axes(ty: &syn::Type) -> Option<Vec<Vec<Ident>>> {
    if let Some(axes) = tuple_axes(ty) {
        return Some(vec![axes]);
    }
    match ty {
        syn::Type::Tuple(tuple) => tuple.elems.iter().map(tuple_axes).collect(),
        _ => None,
    }
}

fn body(block: &syn::Block, errors: &mut Errors) -> Option<Body> {
    let Some((last, lets)) = block.stmts.split_last() else {
        errors.push(block.span(), "an equation gives a value".into());
        return None;
    };
    let syn::Stmt::Expr(result, None) = last else {
        errors.push(last.span(), "an equation's block ends with its result, an expression without `;`".into());
        return None;
    };
    let lets = lets.iter().map(|statement| binding(statement, errors)).collect::<Option<Vec<_>>>()?;
    Some(Body { lets, result: result.clone() })
}

/// `let a = ..;`, `let a: (batch, time) = ..;`, `let (a, b): ((batch, f), (batch, f)) = ..;`
fn binding(statement: &syn::Stmt, errors: &mut Errors) -> Option<Let> {
    let syn::Stmt::Local(local) = statement else {
        errors.push(statement.span(), "an equation's block is `let`s and then one result".into());
        return None;
    };
    let Some(init) = local.init.as_ref().filter(|init| init.diverge.is_none()) else {
        errors.push(local.span(), "expected `let name = value;`".into());
        return None;
    };
    let (pat, ty) = match &local.pat {
        syn::Pat::Type(typed) => (&*typed.pat, Some(&*typed.ty)),
        other => (other, None),
    };
    let axes = ty.map(result_axes);
    if let Some(None) = axes {
        errors.push(ty.map_or_else(|| local.span(), Spanned::span), "axes are a tuple, such as `(batch, time)`".into());
        return None;
    }
    let axes = axes.flatten();
    let names = match pat {
        syn::Pat::Ident(name) => LetNames::One(name.ident.clone(), axes.and_then(|axes| axes.into_iter().next())),
        syn::Pat::Tuple(tuple) => {
            let names = tuple.elems.iter().map(|pat| match pat {
                syn::Pat::Ident(name) => Some(name.ident.clone()),
                syn::Pat::Wild(wild) => Some(Ident::new("_dropped", wild.span())),
                _ => None,
            });
            let Some(names) = names.collect::<Option<Vec<_>>>() else {
                errors.push(tuple.span(), "the left side of a `let` is a name, or names in parentheses".into());
                return None;
            };
            let axes = axes.map_or_else(|| vec![None; names.len()], |axes| axes.into_iter().map(Some).collect());
            if axes.len() != names.len() {
                errors.push(
                    tuple.span(),
                    format!("there are {} names on the left and axes for {}", names.len(), axes.len()),
                );
                return None;
            }
            LetNames::Many(names.into_iter().zip(axes).collect())
        }
        other => {
            errors.push(other.span(), "the left side of a `let` is a name, or names in parentheses".into());
            return None;
        }
    };
    Some(Let { names, value: (*init.expr).clone() })
}
