//! Axes of every value as constants, and what the residual keeps.

use proc_macro2::{Literal, TokenStream};
use quote::{format_ident, quote, quote_spanned};

use super::Writer;
use crate::ast::{Elem, unraw};
use crate::program::{Argument, Kind, Node, Value};

impl Writer<'_> {
    /// Axes of every value, and the signature.
    pub(crate) fn constants(&self) -> TokenStream {
        let k = self.krate;
        let inputs = self.closure.params.iter().enumerate().map(|(i, param)| {
            let name = self.shape(Value::Input(i));
            let axes = param.axes.iter().map(unraw);
            let new = if param.elem == Elem::Ids { quote!(of_ids) } else { quote!(new) };
            quote!(pub const #name: #k::Shape = #k::Shape::#new(&[#(#axes),*]);)
        });
        let fields = self.lowered_fields().into_iter().map(|f| {
            let (name, field) = (self.shape(Value::Field(f)), &self.fields[f]);
            let axes: Vec<String> = field.dims.iter().flatten().map(unraw).collect();
            let (fits, count) = (format_ident!("FITS{f}"), Literal::usize_unsuffixed(axes.len()));
            let (ty, at) = (Self::located(&self.field_type(f), field.span), Self::located(k, field.span));
            let elementwise = self.program.nodes.iter().any(|node| match &node.kind {
                Kind::Fused(fused) => fused.leaves.contains(&Value::Field(f)),
                _ => false,
            });
            let rank = if elementwise { quote!(elementwise_rank) } else { quote!(rank) };
            let check = quote_spanned!(field.span=> #at::check_rank(#at::#rank::<#ty>(), #count));
            quote!(pub const #name: #k::Shape = #k::Shape::new(&[#(#axes),*]); pub const #fits: bool = #check;)
        });
        let nodes = (0..self.program.nodes.len()).map(|n| self.node_constants(n));
        let ins = (0..self.closure.params.len()).map(|i| self.shape(Value::Input(i)));
        let outs = self.program.results.iter().map(|r| self.shape(*r));
        let keeps = (0..self.closure.params.len()).map(|i| self.keep_of(Value::Input(i)));
        let keeps_out = any(self.program.results.iter().filter_map(|r| match r {
            Value::Node(n, _) => Some(self.keeps_out(*n)),
            _ => None,
        }));
        let steps: Vec<_> = self
            .program
            .nodes
            .iter()
            .enumerate()
            .filter_map(|(n, node)| match &node.kind {
                Kind::Call(_) => {
                    let callee = self.callee(n);
                    Some(quote!(<names::#callee as #k::Primitive>::STEPS))
                }
                Kind::Sub(_) => {
                    let callee = self.callee(n);
                    Some(quote!(<names::#callee as #k::Layer>::STEPS))
                }
                Kind::Fused(_) => None,
            })
            .collect();
        let steps = if steps.is_empty() { quote!(true) } else { quote!(#(#steps)&&*) };
        quote! {
            #(#inputs)* #(#fields)* #(#nodes)*
            /// Axes of the inputs and of the results.
            pub const SIG: #k::Sig = #k::signature(&[#(#ins),*], &[#(#outs),*]);
            /// For each input, whether the residual borrows it.
            pub const KEEPS: &[bool] = &[#(#keeps),*];
            /// Whether the backward pass reads the results.
            pub const KEEPS_OUT: bool = #keeps_out;
            /// Whether the equation can run in chunks along time.
            pub const STEPS: bool = #steps;
        }
    }

    pub(super) fn node_constants(&self, n: usize) -> TokenStream {
        let (k, node) = (self.krate, &self.program.nodes[n]);
        let span = node.span;
        let at = Self::located(k, span);
        match &node.kind {
            Kind::Fused(fused) => {
                let (group, shape) = (format_ident!("E{n}"), self.shape(Value::Node(n, 0)));
                let args = fused.leaves.iter().map(|leaf| self.shape(*leaf));
                let count = Literal::usize_unsuffixed(fused.leaves.len());
                let out = self.named(quote!(#group.out), &node.axes[0]);
                quote_spanned! {span=>
                    pub const #group: #k::Broadcast<#count> = #at::broadcast(&[#(#args),*]);
                    pub const #shape: #k::Shape = #out;
                }
            }
            Kind::Call(call) => {
                let named = format_ident!("{}N{n}", self.prefix);
                let named = Self::located(&quote!(names::#named), span);
                let name = call.path.segments.last().map_or_else(String::new, |s| unraw(&s.ident));
                let args: Vec<_> = call
                    .args
                    .iter()
                    .map(|arg| match arg {
                        Argument::Value(value) => {
                            let shape = self.shape(*value);
                            quote!(#shape)
                        }
                        Argument::Literal(_) => quote!(#k::Shape::SCALAR),
                    })
                    .collect();
                let sig = quote_spanned!(span=> #at::sig::<#named>());
                self.inferred(n, node, sig, &args, quote!(), &name)
            }
            Kind::Sub(sub) => {
                let (ty, field) = (Self::located(&self.field_type(sub.field), span), &self.fields[sub.field]);
                let args: Vec<_> = sub
                    .args
                    .iter()
                    .map(|value| {
                        let shape = self.shape(*value);
                        quote!(#shape)
                    })
                    .collect();
                let binds = field.axes.iter().map(|(theirs, ours)| {
                    let (theirs, ours) = (unraw(theirs), unraw(ours));
                    quote!((#theirs, #ours))
                });
                let sig = quote_spanned!(span=> #at::sig_of_layer::<#ty>());
                self.inferred(n, node, sig, &args, quote!(#(#binds),*), &field.name())
            }
        }
    }

    pub(super) fn inferred(
        &self,
        n: usize,
        node: &Node,
        sig: TokenStream,
        args: &[TokenStream],
        binds: TokenStream,
        name: &str,
    ) -> TokenStream {
        let (k, span) = (self.krate, node.span);
        let (at, agrees) = (Self::located(k, span), format_ident!("A{n}"));
        let results: Vec<_> = (0..node.outs).map(|out| self.shape(Value::Node(n, out))).collect();
        let shapes = (0..node.outs).map(|out| {
            let shape = self.shape(Value::Node(n, out));
            let index = Literal::usize_unsuffixed(out);
            let inferred = quote_spanned!(span=> #at::infer(&#sig, &[#(#args),*], &[#binds], #name, #name, #index));
            let shaped = self.named(inferred, &node.axes[out]);
            quote_spanned!(span=> pub const #shape: #k::Shape = #shaped;)
        });
        let agrees = quote_spanned! {span=>
            pub const #agrees: bool = #at::check_results(&#sig, &[#(#results),*]);
        };
        quote!(#(#shapes)* #agrees)
    }

    pub(super) fn named(&self, shape: TokenStream, axes: &Option<Vec<proc_macro2::Ident>>) -> TokenStream {
        match axes {
            None => shape,
            Some(axes) => {
                let span = axes.first().map_or_else(proc_macro2::Span::call_site, proc_macro2::Ident::span);
                let (axes, at) = (axes.iter().map(unraw), Self::located(self.krate, span));
                quote_spanned!(span=> #at::require(#shape, &[#(#axes),*]))
            }
        }
    }

    /// Whether any consumer of a value borrows it for its residual, as a constant expression.
    pub(super) fn keep_of(&self, value: Value) -> TokenStream {
        let k = self.krate;
        let mut terms = Vec::new();
        for (n, node) in self.program.nodes.iter().enumerate() {
            match &node.kind {
                Kind::Call(call) => {
                    for (i, arg) in call.args.iter().enumerate() {
                        if matches!(arg, Argument::Value(v) if *v == value) {
                            let (callee, i) = (self.callee(n), Literal::usize_unsuffixed(i));
                            terms.push(quote!(<names::#callee as #k::Primitive>::KEEPS[#i]));
                        }
                    }
                }
                Kind::Sub(sub) => {
                    for (i, arg) in sub.args.iter().enumerate() {
                        if *arg == value {
                            let (layer, i) = (self.sub_layer(n), Literal::usize_unsuffixed(i));
                            terms.push(quote!(#layer::KEEPS[#i]));
                        }
                    }
                }
                Kind::Fused(fused) => {
                    if let (Some(i), Some(adjoint)) = (fused.leaves.iter().position(|l| *l == value), self.adjoint(n))
                        && adjoint.needs_leaf[i]
                    {
                        return quote!(true);
                    }
                }
            }
        }
        any(terms)
    }

    /// Whether the backward pass of a node reads its results, as a constant expression.
    pub(super) fn keeps_out(&self, n: usize) -> TokenStream {
        let k = self.krate;
        match &self.program.nodes[n].kind {
            Kind::Call(_) => {
                let callee = self.callee(n);
                quote!(<names::#callee as #k::Primitive>::KEEPS_OUT)
            }
            Kind::Sub(_) => {
                let layer = self.sub_layer(n);
                quote!(#layer::KEEPS_OUT)
            }
            Kind::Fused(_) => {
                let needs = self.adjoint(n).is_some_and(|a| a.needs_out);
                quote!(#needs)
            }
        }
    }
}

/// `a || b || ..`, without what is known to be `false`.
pub(super) fn any(terms: impl IntoIterator<Item = TokenStream>) -> TokenStream {
    let terms: Vec<_> = terms.into_iter().filter(|term| term.to_string() != "false").collect();
    match terms.iter().find(|term| term.to_string() == "true") {
        Some(known) => known.clone(),
        None if terms.is_empty() => quote!(false),
        None => quote!(#(#terms)||*),
    }
}
