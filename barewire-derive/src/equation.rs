//! The grammar of `forward = ..`.
//!
//! `[batch, time, d_in]` is not a Rust type, so syn's closures do not take it: the inputs and the left sides of `let` are read
//! by hand, everything else is an ordinary expression. Spans are the user's own.

use proc_macro2::Ident;
use syn::ext::IdentExt;
use syn::parse::ParseStream;
use syn::punctuated::Punctuated;
use syn::spanned::Spanned;
use syn::{Token, braced, bracketed, parenthesized, token};

use crate::ast::{Body, Closure, Elem, Equation, Let, LetNames, Param};
use crate::attr::here;
use crate::errors::Errors;

const EXAMPLE: &str = "expected an equation as in `forward = |x: [batch, time, d_in]| scale * linear(weights, x)`, or the path of a \
                       `#[differentiable]` function";

/// `= |inputs| body` or `= path::to::a_function`.
pub(crate) fn parse(key: &Ident, input: ParseStream<'_>, errors: &mut Errors) -> syn::Result<Equation> {
    if !input.peek(Token![=]) {
        return Err(syn::Error::new(key.span(), EXAMPLE));
    }
    input.parse::<Token![=]>()?;
    if input.peek(Token![||]) {
        return Err(input.error("an equation has at least one input, such as `|x: [batch, time, d_in]|`"));
    }
    if input.peek(Token![|]) {
        return closure(input, errors).map(Equation::Closure);
    }
    if input.peek(Token![move]) {
        return Err(input.error("an equation captures nothing; remove `move`"));
    }
    let at = here(input, key);
    let path = input.call(syn::Path::parse_mod_style).map_err(|_| syn::Error::new(at, EXAMPLE))?;
    if !input.is_empty() && !input.peek(Token![,]) {
        return Err(syn::Error::new(at, EXAMPLE));
    }
    Ok(Equation::Path(path))
}

fn closure(input: ParseStream<'_>, errors: &mut Errors) -> syn::Result<Closure> {
    let bar: Token![|] = input.parse()?;
    let mut params = Vec::new();
    while !input.peek(Token![|]) {
        params.push(param(input)?);
        if !input.peek(Token![|]) {
            let at = input.span();
            input.parse::<Token![,]>().map_err(|_| syn::Error::new(at, "expected `,` or `|` after an input's axes"))?;
        }
    }
    let bar_at: Token![|] = input.parse()?;
    if params.is_empty() {
        errors.push(bar.span(), "an equation has at least one input, such as `|x: [batch, time, d_in]|`".into());
    }
    if input.is_empty() || input.peek(Token![,]) {
        return Err(syn::Error::new(bar_at.span(), "expected the equation's expression after its inputs"));
    }
    let body = body(input, errors)?;
    Ok(Closure { params, body, span: bar.span() })
}

/// `x: [batch, time, d_in]` or `ids: u32[batch, time]`
fn param(input: ParseStream<'_>) -> syn::Result<Param> {
    let at = input.span();
    let ident: Ident =
        input.parse().map_err(|_| syn::Error::new(at, "expected an input's name, as in `x: [batch, time, d_in]`"))?;
    if !input.peek(Token![:]) {
        let example = format!(
            "input `{ident}` needs its axes, such as `{ident}: [batch, time, d_in]` or `{ident}: u32[batch, time]`"
        );
        return Err(syn::Error::new(ident.span(), example));
    }
    input.parse::<Token![:]>()?;
    let elem = if input.peek(token::Bracket) {
        Elem::Real
    } else {
        let at = input.span();
        let wrong = || syn::Error::new(at, "an input is `[axes]`, of real numbers, or `u32[axes]`, of ids");
        let elem: Ident = input.parse().map_err(|_| wrong())?;
        if elem != "u32" || !input.peek(token::Bracket) {
            return Err(wrong());
        }
        Elem::Ids
    };
    Ok(Param { ident, elem, axes: axes(input)? })
}

/// `[batch, time, d_in]`
fn axes(input: ParseStream<'_>) -> syn::Result<Vec<Ident>> {
    let at = input.span();
    if !input.peek(token::Bracket) {
        return Err(syn::Error::new(at, "expected axis names, as in `[batch, time, d_in]`"));
    }
    let content;
    bracketed!(content in input);
    let names = Punctuated::<Ident, Token![,]>::parse_terminated_with(&content, Ident::parse_any)
        .map_err(|error| syn::Error::new(error.span(), "an axis is a name, as in `[batch, time, d_in]`"))?;
    Ok(names.into_iter().collect())
}

/// An expression, or `{ let ..; let ..; expression }`.
pub(crate) fn body(input: ParseStream<'_>, errors: &mut Errors) -> syn::Result<Body> {
    if !input.peek(token::Brace) {
        return Ok(Body { lets: Vec::new(), result: input.parse()? });
    }
    let content;
    let braces = braced!(content in input);
    block(&content, braces.span.close(), errors)
}

/// `let ..; let ..; expression`: the inside of a block. `end` is where a missing result is reported.
pub(crate) fn block(input: ParseStream<'_>, end: proc_macro2::Span, errors: &mut Errors) -> syn::Result<Body> {
    let mut lets = Vec::new();
    while input.peek(Token![let]) {
        lets.push(binding(input)?);
    }
    if input.is_empty() {
        return Err(syn::Error::new(end, "an equation's block ends with its result, an expression without `;`"));
    }
    let result: syn::Expr = input.parse()?;
    if input.is_empty() {
        return Ok(Body { lets, result });
    }
    if input.peek(Token![;]) {
        let message = "an equation's block is `let`s and then one result; this statement has no effect";
        errors.push(result.span(), message.into());
        input.parse::<Token![;]>()?;
        return block(input, end, errors)
            .map(|rest| Body { lets: lets.into_iter().chain(rest.lets).collect(), result: rest.result });
    }
    Err(input.error("expected an operator or the end of the equation"))
}

/// `let a = ..;`, `let a: [batch, time] = ..;`, `let (a, b): ([..], [..]) = ..;`
fn binding(input: ParseStream<'_>) -> syn::Result<Let> {
    input.parse::<Token![let]>()?;
    let names = if input.peek(token::Paren) {
        let content;
        let parens = parenthesized!(content in input);
        let names = Punctuated::<Ident, Token![,]>::parse_terminated_with(&content, name)?;
        let axes = if input.peek(Token![:]) {
            input.parse::<Token![:]>()?;
            let at = input.span();
            if !input.peek(token::Paren) {
                return Err(syn::Error::new(
                    at,
                    "axes of several names stand in parentheses, as in `([batch, f], [batch, f])`",
                ));
            }
            let content;
            parenthesized!(content in input);
            let axes = Punctuated::<Option<Vec<Ident>>, Token![,]>::parse_terminated_with(&content, axes_or_not)?;
            if axes.len() != names.len() {
                return Err(syn::Error::new(
                    at,
                    format!("there are {} names on the left and axes for {}", names.len(), axes.len()),
                ));
            }
            axes.into_iter().collect()
        } else {
            vec![None; names.len()]
        };
        if names.is_empty() {
            return Err(syn::Error::new(parens.span.join(), "expected names"));
        }
        LetNames::Many(names.into_iter().zip(axes).collect())
    } else {
        let name = name(input)?;
        let written = if input.peek(Token![:]) {
            input.parse::<Token![:]>()?;
            Some(axes(input)?)
        } else {
            None
        };
        LetNames::One(name, written)
    };
    let at = input.span();
    input.parse::<Token![=]>().map_err(|_| syn::Error::new(at, "expected `=` after the names of a `let`"))?;
    let value: syn::Expr = input.parse()?;
    let at = input.span();
    input.parse::<Token![;]>().map_err(|_| syn::Error::new(at, "expected `;` after a `let`"))?;
    Ok(Let { names, value })
}

/// Axes, or `_` for those that the value has anyway.
fn axes_or_not(input: ParseStream<'_>) -> syn::Result<Option<Vec<Ident>>> {
    if input.peek(Token![_]) {
        input.parse::<Token![_]>()?;
        return Ok(None);
    }
    axes(input).map(Some)
}

/// A name, or `_` for a value that is dropped.
fn name(input: ParseStream<'_>) -> syn::Result<Ident> {
    if input.peek(Token![_]) {
        let underscore: Token![_] = input.parse()?;
        return Ok(Ident::new("_dropped", underscore.span()));
    }
    if input.peek(Token![mut]) {
        return Err(input.error("values of an equation do not change; remove `mut`"));
    }
    let at = input.span();
    input.parse().map_err(|_| syn::Error::new(at, "the left side of a `let` is a name, or names in parentheses"))
}
