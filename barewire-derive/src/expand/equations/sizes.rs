//! Sizes: bound at load, computed for each call.

use proc_macro2::{Ident, Literal, TokenStream};
use quote::{format_ident, quote};

use super::Writer;
use crate::ast::unraw;
use crate::differentiable::Argument;
use crate::program::{Argument as Given, Kind, Value};

impl Writer<'_> {
    /// Statements that bind the axes of the fields.
    pub(crate) fn bind(&self) -> TokenStream {
        let k = self.krate;
        let lowered = self.lowered_fields();
        // each sub-layer once, by its first call
        let mut subs: Vec<(usize, usize)> = self
            .program
            .nodes
            .iter()
            .enumerate()
            .filter_map(|(n, node)| if let Kind::Sub(sub) = &node.kind { Some((sub.field, n)) } else { None })
            .collect();
        subs.sort_unstable();
        subs.dedup_by_key(|(field, _)| *field);
        let parameters = lowered.iter().filter(|f| self.fields[**f].dims.is_some()).map(|&f| {
            let (field, ty) = (&self.fields[f], self.parameter_type(f));
            let (binding, name) = (field.binding(), field.name());
            let axes = field.dims.iter().flatten().map(unraw);
            quote!(sizes.bind_all(&[#(#axes),*], <#ty as #k::Parameter>::dims::<P>(&view.#binding), #name)?;)
        });
        let layers = subs.iter().map(|&(f, n)| {
            let (field, callee) = (&self.fields[f], self.callee(n));
            let (binding, name) = (field.binding(), field.name());
            let pairs = field.axes.iter().map(|(theirs, ours)| {
                let (theirs, ours) = (unraw(theirs), unraw(ours));
                quote!((#theirs, #ours))
            });
            quote! {
                let mut inner = #k::Sizes::new();
                #k::within(#name, <names::#callee as #k::Layer>::bind::<P>(view.#binding, &mut inner))?;
                sizes.join(&inner, &[#(#pairs),*], #name)?;
            }
        });
        quote!(#(#parameters)* #(#layers)*)
    }

    /// Statements that size the results, from the fields and the sizes `ins` of the inputs.
    pub(crate) fn dims(&self) -> TokenStream {
        let k = self.krate;
        let inputs: Vec<_> = (0..self.closure.params.len()).map(|i| self.input_dims(i)).collect();
        let results = self.results_dims(|f| {
            let (ty, binding) = (self.parameter_type(f), self.fields[f].binding());
            quote!(<#ty as #k::Parameter>::dims::<P>(&view.#binding))
        });
        quote!(let [#(#inputs),*] = #k::exactly(ins, "inputs")?; #results)
    }

    /// The same for a function: the sizes of parameters and inputs are in `args`, in the order of its arguments.
    pub(crate) fn dims_of_arguments(&self, arguments: &[Argument]) -> TokenStream {
        let k = self.krate;
        let names = arguments.iter().map(|argument| match argument {
            Argument::Field(f) => format_ident!("d_{}", self.parameter(*f)),
            Argument::Input(i) => self.input_dims(*i),
        });
        let results = self.results_dims(|f| {
            let d = format_ident!("d_{}", self.parameter(f));
            quote!(#d)
        });
        quote!(let [#(#names),*] = #k::exactly(args, "arguments")?; #results)
    }

    /// Axes of a function's arguments.
    pub(crate) fn argument_shapes(&self, arguments: &[Argument]) -> Vec<Ident> {
        let value = |argument: &Argument| match argument {
            Argument::Field(f) => Value::Field(*f),
            Argument::Input(i) => Value::Input(*i),
        };
        arguments.iter().map(|argument| self.shape(value(argument))).collect()
    }

    fn input_dims(&self, i: usize) -> Ident {
        format_ident!("d_{}", self.input(i))
    }

    fn results_dims(&self, field: impl Fn(usize) -> TokenStream) -> TokenStream {
        let k = self.krate;
        let inputs: Vec<_> = (0..self.closure.params.len()).map(|i| self.input_dims(i)).collect();
        let nodes = (0..self.program.nodes.len()).map(|n| {
            self.node_dims(n, |value| match value {
                Value::Input(i) => {
                    let d = &inputs[i];
                    quote!(#d)
                }
                Value::Field(f) => field(f),
                Value::Node(n, out) => {
                    let d = self.suffixed("d", n, out);
                    quote!(#d)
                }
            })
        });
        let results = self.program.results.iter().map(|r| match r {
            Value::Node(n, out) => self.suffixed("d", *n, *out),
            Value::Input(i) => inputs[*i].clone(),
            Value::Field(f) => self.parameter(*f),
        });
        quote! {
            #(#nodes)*
            *#k::exactly_mut(outs, "results")? = [#(#results),*];
        }
    }

    /// `let [d0] = ..;` from the sizes of the arguments.
    pub(super) fn node_dims(&self, n: usize, of: impl Fn(Value) -> TokenStream) -> TokenStream {
        let (k, node) = (self.krate, &self.program.nodes[n]);
        let outs: Vec<_> = (0..node.outs).map(|out| self.suffixed("d", n, out)).collect();
        let count = Literal::usize_unsuffixed(node.outs);
        match &node.kind {
            Kind::Call(call) => {
                let (callee, name) = (self.callee(n), node.name.to_string());
                let args = call.args.iter().map(|arg| match arg {
                    Given::Value(value) => of(*value),
                    Given::Literal(_) => quote!(#k::Dims::SCALAR),
                });
                quote!(let [#(#outs),*] = #k::dims_of::<names::#callee, #count>(#name, &[#(#args),*])?;)
            }
            Kind::Sub(sub) => {
                let (callee, field) = (self.callee(n), &self.fields[sub.field]);
                let (binding, name) = (field.binding(), field.name());
                let args = sub.args.iter().map(|value| of(*value));
                if self.specialised {
                    let variant = Self::variant_of(sub.field);
                    return quote!(let [#(#outs),*] = #k::dims_of_variant::<#variant, P, #count>(#name, view.#binding, &[#(#args),*])?;);
                }
                quote!(let [#(#outs),*] = #k::dims_of_layer::<names::#callee, P, #count>(#name, view.#binding, &[#(#args),*])?;)
            }
            Kind::Fused(fused) => {
                let (d, group) = (&outs[0], format_ident!("E{n}"));
                let args = fused.leaves.iter().map(|value| of(*value));
                quote!(let #d = #k::fuse::dims(&#group, [#(#args),*])?;)
            }
        }
    }
}
