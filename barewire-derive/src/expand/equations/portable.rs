//! The residual on the wire: its fields in a schema, writing it, and reading it where the forward pass did not run.
//!
//! Reading goes through the equation as the forward pass does, with sizes in place of numbers: what was kept comes from the message,
//! parameters come from the view.

use proc_macro2::{Literal, TokenStream};
use quote::{format_ident, quote};

use super::constants::any;
use super::{Place, Writer};
use crate::ast::{Elem, unraw};
use crate::program::{Argument, Kind, Value};

impl Writer<'_> {
    /// `HAS_OCTETS`, `residual_fields`, `write_residual` and `read_residual`; nothing where the residual stays.
    pub(crate) fn on_the_wire(&self) -> TokenStream {
        if !self.portable {
            return quote!();
        }
        let k = self.krate;
        let nodes = 0..self.program.nodes.len();
        let (mut octets, mut fields, mut writes, mut reads) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
        for n in nodes {
            reads.push(self.sizes_of_node(n));
            for out in 0..self.program.nodes[n].outs {
                self.kept_value(n, out, &mut octets, &mut fields, &mut writes, &mut reads);
            }
            self.own_arrays(n, &mut octets, &mut fields, &mut writes, &mut reads);
        }
        let (has_octets, travels) = (any(octets), self.travels());
        let inputs: Vec<_> = (0..self.closure.params.len()).map(|i| self.input(i)).collect();
        let kinds = self.closure.params.iter().map(|p| if p.elem == Elem::Ids { quote!(ids) } else { quote!(real) });
        let parameters = self.lowered_fields().into_iter().map(|f| {
            let (p, ty, binding) = (self.parameter(f), self.parameter_type(f), self.fields[f].binding());
            quote!(let #p = <#ty as #k::Parameter>::lower::<R, P>(view.#binding, saved);)
        });
        let values = self.residual_values();
        let marker = self.residual_fields().iter().all(|(_, ty)| ty.to_string() == "usize");
        let marker = marker.then(|| quote!(marker: ::core::marker::PhantomData));
        quote! {
            #travels
            /// Whether the residual has octets on the wire.
            pub const HAS_OCTETS: bool = #has_octets;
            /// Fields of the residual in a schema.
            pub fn residual_fields(types: &mut #k::SchemaBuilder) -> #k::residual::Fields {
                let mut fields = #k::residual::Fields::new();
                #(#fields)*
                fields
            }
            /// Appends what the residual holds beside parameters and inputs.
            pub fn write_residual(r: Residual<'_, #k::f32>, w: &mut #k::Writer) {
                #(#writes)*
            }
            /// The residual of a pass that ran elsewhere.
            pub fn read_residual<'w: 'r, 'r>(
                view: Fields<'w, #k::f32>, ins: &[#k::Input<'r, 'r, #k::f32>], saved: &mut #k::Arena<'r, #k::f32>, from: &mut #k::Reader<'r>,
            ) -> ::core::result::Result<Residual<'r, #k::f32>, #k::Error> {
                type R = #k::f32;
                type P = #k::f32;
                let [#(#inputs),*] = #k::exactly(ins, "inputs")?;
                #(let #inputs = #inputs.#kinds()?;)*
                #(#parameters)*
                #(#reads)*
                ::core::result::Result::Ok(Residual { #(#values,)* #marker })
            }
        }
    }

    /// For each callee a constant, which is the place where one that cannot travel is reported: at its name.
    fn travels(&self) -> TokenStream {
        let k = self.krate;
        let constants = self.program.nodes.iter().enumerate().filter_map(|(n, node)| {
            let check = match &node.kind {
                Kind::Call(_) => quote!(op_travels),
                Kind::Sub(_) => quote!(layer_travels),
                Kind::Fused(_) => return None,
            };
            let (callee, travels) = (self.callee(n), format_ident!("TRAVELS{n}"));
            let check = Self::located(&quote!(#k::residual::#check::<names::#callee>()), node.span);
            Some(quote!(pub const #travels: bool = #check;))
        });
        quote!(#(#constants)*)
    }

    fn sizes_of_node(&self, n: usize) -> TokenStream {
        let k = self.krate;
        self.node_dims(n, |value| match value {
            Value::Field(f) => {
                let (ty, p) = (self.parameter_type(f), self.parameter(f));
                quote!(<#ty as #k::Parameter>::dims::<R>(&#p))
            }
            other => {
                let local = self.local(other);
                quote!(#local.dims())
            }
        })
    }

    /// A value between two steps.
    fn kept_value(
        &self,
        n: usize,
        out: usize,
        octets: &mut Vec<TokenStream>,
        fields: &mut Vec<TokenStream>,
        writes: &mut Vec<TokenStream>,
        reads: &mut Vec<TokenStream>,
    ) {
        let (k, value) = (self.krate, Value::Node(n, out));
        let [d, v, o, len] = ["d", "v", "o", "n"].map(|letter| self.suffixed(letter, n, out));
        let own = matches!(self.place(value), Place::Own);
        if !own && !self.is_kept_result(value) {
            return;
        }
        let keep = if own { any([self.keep_of(value), self.keeps_out(n)]) } else { self.keep_of(value) };
        let name = v.to_string();
        octets.push(keep.clone());
        fields.push(quote!(fields.floats(const { #keep }, #name, types);));
        writes.push(quote!(if const { #keep } { w.padded(r.#o); }));
        reads.push(quote! {
            let #o = #k::residual::value(const { #keep }, #d, from)?;
            let #v = #k::Arg::kept(#o, #d);
        });
        if own {
            reads.push(quote!(let #len = #d.len();));
        }
    }

    /// What a step keeps beside values.
    fn own_arrays(
        &self,
        n: usize,
        octets: &mut Vec<TokenStream>,
        fields: &mut Vec<TokenStream>,
        writes: &mut Vec<TokenStream>,
        reads: &mut Vec<TokenStream>,
    ) {
        let (k, node, r) = (self.krate, &self.program.nodes[n], format_ident!("r{n}"));
        let said = unraw(&node.name);
        let name = if said.starts_with(|c: char| c.is_ascii_alphabetic()) { said.clone() } else { r.to_string() };
        match &node.kind {
            Kind::Call(call) => {
                let callee = self.travelling(n);
                let op = quote!(<names::#callee as #k::residual::PortableOp>);
                let args = call.args.iter().map(|arg| match arg {
                    Argument::Value(value) => {
                        let local = self.local(*value);
                        quote!(#local)
                    }
                    Argument::Literal(number) => quote!(<R as #k::Real>::of(#number)),
                });
                octets.push(quote!(#op::HAS_OCTETS));
                fields.push(quote!(fields.op::<names::#callee>(#name, types);));
                writes.push(quote!(#op::write(r.#r, &mut #k::residual::Outgoing::new(w));));
                reads.push(quote!(let #r = #k::within(#said, #op::read((#(#args,)*), &mut #k::residual::Arrays::new(from, saved)))?;));
            }
            Kind::Sub(sub) => {
                let callee = self.travelling(n);
                let layer = quote!(<names::#callee as #k::residual::PortableLayer>);
                let binding = self.fields[sub.field].binding();
                let ins = sub.args.iter().map(|value| {
                    let local = self.local(*value);
                    if self.is_ids(*value) { quote!(#k::Input::Ids(#local)) } else { quote!(#k::Input::Real(#local)) }
                });
                octets.push(quote!(#layer::HAS_OCTETS));
                fields.push(quote!(fields.layer::<names::#callee>(#name, types);));
                writes.push(quote!(#layer::write_residual(r.#r, w);));
                reads.push(quote!(let #r = #k::within(#said, #layer::read_residual(view.#binding, &[#(#ins),*], saved, from))?;));
            }
            Kind::Fused(fused) => {
                let Some(adjoint) = self.adjoint(n) else { return };
                if !adjoint.saved.is_empty() {
                    let (s, d) = (format_ident!("s{n}"), self.suffixed("d", n, 0));
                    let (count, name) = (Literal::usize_unsuffixed(adjoint.saved.len()), s.to_string());
                    octets.push(quote!(true));
                    fields.push(quote!(fields.floats(true, #name, types);));
                    writes.push(quote!(w.padded(r.#s);));
                    reads.push(quote!(let #s = #k::residual::Arrays::new(from, saved).floats(#count * #d.len())?;));
                }
                for (i, leaf) in fused.leaves.iter().enumerate() {
                    if adjoint.needs_leaf[i] && !matches!(leaf, Value::Field(_)) {
                        let (l, local) = (format_ident!("l{n}_{i}"), self.local(*leaf));
                        reads.push(quote!(let #l = #k::residual::Arrays::new(from, saved).kept(#local)?;));
                    }
                }
            }
        }
    }
}
