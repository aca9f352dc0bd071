//! Writes a lowered equation: constants for its axes, and the programs `bind`, `dims`, `forward`, `forward_saving` and
//! `vjp` as straight-line calls.
//!
//! For `#[bare(forward = |x: [batch, time, d_in]| weight(rms_norm(x, norm, 1e-6)))]` the heart of the result is
//!
//! ```text
//! pub const S0: Shape = infer(&<names::rms_norm as Primitive>::SIG, &[X, NORM, Shape::SCALAR], &[], "rms_norm", "rms_norm", 0);
//! pub const S1: Shape = infer(&<names::Weight as Layer>::SIG, &[S0], &[], "weight", "weight", 0);
//!
//! let mut b0 = Buf::new(const { <names::rms_norm as Primitive>::KEEPS_OUT || <names::Weight as Layer>::KEEPS[0] }, d0.len(), saved, &mut s);
//! let r0 = <names::rms_norm as Primitive>::forward_saving((in_x, p_norm, R::of(1e-6)), [b0.write()], &mut state.rms_norm, saved, s.lend())?;
//! let v0 = b0.read(d0);
//! let r1 = <names::Weight as Layer>::forward_saving::<R, P>(view.weight, &[Input::Real(v0)], &mut [&mut *y0], &mut state.weight, saved, s.lend())?;
//! ```

mod constants;
mod elements;
mod explain;
mod forward;
mod memory;
mod portable;
mod sizes;
mod vjp;

use proc_macro2::{Ident, Literal, Spacing, Span, TokenStream, TokenTree};
use quote::{ToTokens, format_ident, quote, quote_spanned};

use crate::ast::{Closure, Elem, Field, Role, unraw};
use crate::program::elementwise::Adjoint;
use crate::program::{Argument, Kind, Program, Value};

/// Everything the writer of one equation looks at.
pub(crate) struct Writer<'a> {
    /// `::barewire::__private`
    pub(crate) krate: &'a TokenStream,
    pub(crate) fields: &'a [Field],
    pub(crate) closure: &'a Closure,
    pub(crate) program: &'a Program,
    /// adjoints of the elementwise nodes
    adjoints: Vec<Option<Adjoint>>,
    /// aliases in `names`: field types `F0 ..`, what the user wrote `N0 ..`, and the same after its axes are checked,
    /// callees `C0 ..` and parameters `P0 ..`; and callees whose residual can travel `W0 ..`
    prefix: String,
    /// the equation's module, seen from `names`
    home: TokenStream,
    /// whether the residual goes to the wire
    portable: bool,
    /// whether sub-layers are type parameters, one a field that is called
    specialised: bool,
}

/// A path or type of the user, written in `names`, which is two modules further in: `self::` and `super::` say so.
pub(super) fn seen_from_names(written: impl ToTokens) -> TokenStream {
    fn within(tokens: TokenStream) -> TokenStream {
        // whether the token before was a `:`, so that this one goes on with a path
        let mut goes_on = false;
        let mut all = TokenStream::new();
        for token in tokens {
            let begins = !goes_on;
            goes_on = matches!(&token, TokenTree::Punct(punct) if punct.as_char() == ':' && (goes_on || punct.spacing() == Spacing::Joint));
            all.extend(match token {
                TokenTree::Ident(word) if begins && word == "self" => quote_spanned!(word.span()=> super::super),
                TokenTree::Ident(word) if begins && word == "super" => {
                    quote_spanned!(word.span()=> super::super::super)
                }
                TokenTree::Group(group) => {
                    let mut inner = proc_macro2::Group::new(group.delimiter(), within(group.stream()));
                    inner.set_span(group.span());
                    TokenTree::Group(inner).into_token_stream()
                }
                other => other.into_token_stream(),
            });
        }
        all
    }
    within(written.into_token_stream())
}

/// Where a node's result goes.
enum Place {
    /// it is result `k` of the equation
    Result(usize),
    /// a buffer of its own
    Own,
}

impl<'a> Writer<'a> {
    pub(crate) fn new(
        krate: &'a TokenStream,
        prefix: String,
        home: TokenStream,
        fields: &'a [Field],
        closure: &'a Closure,
        program: &'a Program,
    ) -> Self {
        let real = quote!(#krate::Real);
        let adjoints = program
            .nodes
            .iter()
            .map(|node| match &node.kind {
                Kind::Fused(fused) => Some(fused.adjoint(&real)),
                _ => None,
            })
            .collect();
        Writer { krate, fields, closure, program, adjoints, prefix, home, portable: false, specialised: false }
    }

    /// The same with a type parameter for each field that is called, a `Variant`.
    pub(crate) fn specialised(self) -> Self {
        Writer { specialised: true, ..self }
    }

    /// The type parameter of a field that is called.
    pub(crate) fn variant_of(field: usize) -> Ident {
        format_ident!("V{field}")
    }

    /// What runs where a field of the type `ty` is called.
    pub(crate) fn called_as(&self, field: usize, ty: TokenStream) -> TokenStream {
        let k = self.krate;
        match &self.fields[field].checkpoint {
            None => ty,
            Some(checkpoint) => {
                // 0: about the square root of the number of layers
                let every = Literal::u32_unsuffixed(checkpoint.every.unwrap_or(0));
                quote!(#k::Checkpointed<#ty, #every>)
            }
        }
    }

    /// The fields that are called, each once.
    pub(crate) fn called_fields(&self) -> Vec<usize> {
        let called = self.program.nodes.iter().filter_map(|node| match &node.kind {
            Kind::Sub(sub) => Some(sub.field),
            _ => None,
        });
        called.collect::<std::collections::BTreeSet<_>>().into_iter().collect()
    }

    /// What a sub-layer's items are taken from: `<names::C1 as Layer>`, or `<V0 as Variant>`.
    fn sub_layer(&self, node: usize) -> TokenStream {
        let k = self.krate;
        match &self.program.nodes[node].kind {
            Kind::Sub(sub) if self.specialised => {
                let variant = Self::variant_of(sub.field);
                quote!(<#variant as #k::Variant>)
            }
            _ => {
                let callee = self.callee(node);
                quote!(<names::#callee as #k::Layer>)
            }
        }
    }

    /// The same for an equation whose residual goes to the wire, if `portable`.
    pub(crate) fn portable(self, portable: bool) -> Self {
        Writer { portable, ..self }
    }

    /// Aliases of everything the user named, resolved where the user wrote it.
    pub(crate) fn aliases(&self) -> TokenStream {
        let (k, home) = (self.krate, &self.home);
        // after a mistake in its axes a callee is no type at all, so that nothing else about it turns red
        let sound =
            |alias: Ident, check: Ident, of: TokenStream| quote!(pub type #alias = #k::Sound<{ #home::#check }, #of>;);
        let calls = self.program.nodes.iter().enumerate().filter_map(|(n, node)| {
            let callee = self.callee(n);
            // nor of one that cannot travel, where it should
            let travelling =
                self.portable.then(|| sound(self.travelling(n), format_ident!("TRAVELS{n}"), quote!(#callee)));
            match &node.kind {
                Kind::Call(call) => {
                    let (named, path) = (format_ident!("{}N{n}", self.prefix), seen_from_names(&call.path));
                    let callee = sound(callee, format_ident!("A{n}"), quote!(#named));
                    Some(quote!(pub type #named = #path; #callee #travelling))
                }
                Kind::Sub(sub) => {
                    let of = format_ident!("{}F{}", self.prefix, sub.field);
                    let callee = sound(callee, format_ident!("A{n}"), self.called_as(sub.field, quote!(#of)));
                    Some(quote!(#callee #travelling))
                }
                Kind::Fused(_) => None,
            }
        });
        let parameters = self.lowered_fields().into_iter().map(|f| {
            let (alias, of) = (format_ident!("{}P{f}", self.prefix), format_ident!("{}F{f}", self.prefix));
            sound(alias, format_ident!("FITS{f}"), quote!(#of))
        });
        quote!(#(#calls)* #(#parameters)*)
    }

    fn callee(&self, node: usize) -> Ident {
        format_ident!("{}C{}", self.prefix, node)
    }

    /// What a callee is called in the programs of the wire.
    fn travelling(&self, node: usize) -> Ident {
        format_ident!("{}W{}", self.prefix, node)
    }

    /// What a field is called in a backward pass and in `lower`: its type, after its axes are checked.
    fn parameter_type(&self, field: usize) -> TokenStream {
        let alias = format_ident!("{}P{}", self.prefix, field);
        quote!(names::#alias)
    }

    /// Tokens of ours that a message about the user's token at `span` points at.
    pub(super) fn located(tokens: &TokenStream, span: Span) -> TokenStream {
        let span = Span::call_site().located_at(span);
        let all = tokens.clone().into_iter().map(|mut token| {
            token.set_span(span);
            token
        });
        all.collect()
    }

    fn field_type(&self, field: usize) -> TokenStream {
        let alias = format_ident!("{}F{}", self.prefix, field);
        quote!(names::#alias)
    }

    fn adjoint(&self, node: usize) -> Option<&Adjoint> {
        self.adjoints.get(node).and_then(Option::as_ref)
    }

    fn input(&self, i: usize) -> Ident {
        format_ident!("in_{}", unraw(&self.closure.params[i].ident))
    }

    fn parameter(&self, field: usize) -> Ident {
        format_ident!("p_{}", self.fields[field].name())
    }

    fn suffixed(&self, letter: &str, node: usize, k: usize) -> Ident {
        if self.program.nodes[node].outs == 1 {
            format_ident!("{letter}{node}")
        } else {
            format_ident!("{letter}{node}_{k}")
        }
    }

    pub(crate) fn shape(&self, value: Value) -> Ident {
        match value {
            Value::Input(i) => constant("IN", i, self.closure.params.iter().map(|param| unraw(&param.ident))),
            Value::Field(f) => constant("P", f, self.fields.iter().map(Field::name)),
            Value::Node(n, k) => self.suffixed("S", n, k),
        }
    }

    /// The value as an argument of a call.
    fn local(&self, value: Value) -> Ident {
        match value {
            Value::Input(i) => self.input(i),
            Value::Field(f) => self.parameter(f),
            Value::Node(n, k) => self.suffixed("v", n, k),
        }
    }

    fn place(&self, value: Value) -> Place {
        match self.program.results.iter().position(|r| *r == value) {
            Some(k) => Place::Result(k),
            None => Place::Own,
        }
    }

    fn is_ids(&self, value: Value) -> bool {
        matches!(value, Value::Input(i) if self.closure.params[i].elem == Elem::Ids)
    }

    fn is_fixed(&self, field: usize) -> bool {
        self.fields[field].role == Some(Role::Fixed)
    }

    /// Fields that enter an op or arithmetic, so that their numbers are lowered once.
    fn lowered_fields(&self) -> Vec<usize> {
        let mut used = vec![false; self.fields.len()];
        let mut mark = |value: &Value| {
            if let Value::Field(f) = value {
                used[*f] = true;
            }
        };
        for node in &self.program.nodes {
            match &node.kind {
                Kind::Call(call) => call.args.iter().for_each(|arg| {
                    if let Argument::Value(value) = arg {
                        mark(value);
                    }
                }),
                Kind::Sub(_) => {}
                Kind::Fused(fused) => fused.leaves.iter().for_each(&mut mark),
            }
        }
        (0..self.fields.len()).filter(|f| used[*f]).collect()
    }

    /// Lowered fields that a backward loop reads or sizes, so that the residual holds them.
    fn kept_fields(&self) -> Vec<usize> {
        let mut kept: Vec<usize> = Vec::new();
        for (n, node) in self.program.nodes.iter().enumerate() {
            let (Kind::Fused(fused), Some(adjoint)) = (&node.kind, self.adjoint(n)) else { continue };
            for (i, leaf) in fused.leaves.iter().enumerate() {
                if let Value::Field(f) = leaf
                    && (adjoint.needs_leaf[i] || adjoint.reaches_leaf[i])
                    && !kept.contains(f)
                {
                    kept.push(*f);
                }
            }
        }
        kept
    }
}

/// `P_NORM` for the field `norm`, or `P3_NORM` where a name before differs in case alone.
fn constant(prefix: &str, at: usize, names: impl Iterator<Item = String>) -> Ident {
    let names: Vec<String> = names.take(at + 1).map(|name| name.to_uppercase()).collect();
    let number = if names[..at].contains(&names[at]) { at.to_string() } else { String::new() };
    format_ident!("{prefix}{number}_{}", names[at])
}
