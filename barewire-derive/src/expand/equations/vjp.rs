//! The backward pass: the calls in reverse.

use proc_macro2::{Ident, Literal, TokenStream};
use quote::{format_ident, quote};

use super::{Place, Writer};
use crate::program::{Argument, Fused, Kind, Value};

impl Writer<'_> {
    /// The body of `vjp`.
    pub(crate) fn vjp(&self) -> TokenStream {
        let k = self.krate;
        let inputs: Vec<_> = (0..self.closure.params.len()).map(|i| self.input(i)).collect();
        let outs: Vec<_> = (0..self.program.results.len()).map(|i| format_ident!("y{i}")).collect();
        let given: Vec<_> = (0..self.program.results.len()).map(|i| format_ident!("cot{i}")).collect();
        // which values have a contribution already, in the order in which the program is written
        let mut written: Vec<Value> = Vec::new();
        let mut buffers = Vec::new();
        for (n, node) in self.program.nodes.iter().enumerate() {
            for out in 0..node.outs {
                let value = Value::Node(n, out);
                let (c, len) = (self.suffixed("c", n, out), self.suffixed("n", n, out));
                match self.place(value) {
                    Place::Result(at) if self.program.uses(value) > 0 => {
                        let cot = format_ident!("cot{at}");
                        buffers.push(quote!(let #c = s.take_copy(#cot);));
                        written.push(value);
                    }
                    Place::Result(_) => written.push(value),
                    Place::Own => buffers.push(quote!(let #c = s.take(r.#len);)),
                }
            }
        }
        let mut steps = Vec::new();
        for n in (0..self.program.nodes.len()).rev() {
            let values: Vec<_> = (0..self.program.nodes[n].outs).map(|out| Value::Node(n, out)).collect();
            if values.iter().all(|value| !written.contains(value)) {
                // only `stop` uses it: nothing to hand on
                continue;
            }
            for value in &values {
                if !written.contains(value) {
                    let c = self.cotangent_name(*value);
                    steps.push(quote!(#c.fill(<R as #k::Real>::ZERO);));
                }
            }
            steps.push(self.node_vjp(n, &mut written));
        }
        let untouched =
            inputs.iter().enumerate().filter(|(i, _)| !written.contains(&Value::Input(*i))).map(|(_, input)| {
                // an input without a gradient of its own, such as ids: a caller that asks gets zeros
                quote!(#input.accumulate();)
            });
        quote! {
            let mut s = scratch.lend();
            let [#(#outs),*] = #k::exactly(outs, "results")?;
            let [#(#given),*] = #k::exactly(cots, "cotangents")?;
            let [#(#inputs),*] = #k::exactly_mut(ins, "inputs")?;
            #(#buffers)*
            #(#steps)*
            #(#untouched)*
            ::core::result::Result::Ok(())
        }
    }

    /// The cotangent of a node's result, as a slice.
    pub(super) fn cotangent_name(&self, value: Value) -> Ident {
        match (value, self.place(value)) {
            (Value::Node(..), Place::Result(at)) if self.program.uses(value) == 0 => format_ident!("cot{at}"),
            (Value::Node(n, out), _) => self.suffixed("c", n, out),
            (other, _) => self.local(other),
        }
    }

    /// Where a contribution to a value goes: the first one writes, later ones add.
    pub(super) fn slot(&self, value: Value, written: &mut Vec<Value>) -> TokenStream {
        let k = self.krate;
        let first = !written.contains(&value);
        if first {
            written.push(value);
        }
        match value {
            Value::Node(..) => {
                let c = self.cotangent_name(value);
                if first { quote!(#k::Slot::Write(&mut *#c)) } else { quote!(#k::Slot::Add(&mut *#c)) }
            }
            _ => {
                let input = self.local(value);
                if first { quote!(#input.first()) } else { quote!(#input.more()) }
            }
        }
    }

    /// The gradient of a field.
    pub(super) fn gradient(&self, field: usize) -> TokenStream {
        let (k, ty, binding) = (self.krate, self.field_type(field), self.fields[field].binding());
        if self.is_fixed(field) { quote!(&mut <#ty as #k::Part>::ignored::<R>()) } else { quote!(&mut *grad.#binding) }
    }

    pub(super) fn node_vjp(&self, n: usize, written: &mut Vec<Value>) -> TokenStream {
        let (k, node) = (self.krate, &self.program.nodes[n]);
        let (r, name, label) = (format_ident!("r{n}"), &node.name, node.name.to_string());
        let cots: Vec<_> = (0..node.outs)
            .map(|out| {
                let c = self.cotangent_name(Value::Node(n, out));
                quote!(&*#c)
            })
            .collect();
        let outs: Vec<_> = (0..node.outs)
            .map(|out| match self.place(Value::Node(n, out)) {
                Place::Result(at) => {
                    let y = format_ident!("y{at}");
                    quote!(#y)
                }
                Place::Own => {
                    let o = self.suffixed("o", n, out);
                    quote!(r.#o)
                }
            })
            .collect();
        match &node.kind {
            Kind::Call(call) => {
                let callee = self.callee(n);
                let slots: Vec<_> = call
                    .args
                    .iter()
                    .zip(&call.spans)
                    .map(|(arg, at)| match arg {
                        Argument::Literal(_) => quote!(&mut <R as #k::Real>::ZERO),
                        Argument::Value(value) if self.is_ids(*value) => quote!(()),
                        Argument::Value(Value::Field(f)) => Self::located(&self.gradient(*f), *at),
                        Argument::Value(value) => self.slot(*value, written),
                    })
                    .collect();
                quote!(#k::within(#label, <names::#callee as #k::Primitive>::vjp::<R>(
                    r.#r, [#(#outs),*], [#(#cots),*], (#(#slots,)*), &mut state.#name, s.lend()))?;)
            }
            Kind::Sub(sub) => {
                let layer = self.sub_layer(n);
                let slots: Vec<_> = sub
                    .args
                    .iter()
                    .map(|value| if self.is_ids(*value) { quote!(#k::Slot::Skip) } else { self.slot(*value, written) })
                    .collect();
                let gradient = match self.gradient(sub.field) {
                    gradient if !self.specialised => gradient,
                    gradient if self.is_fixed(sub.field) => quote!(#layer::grad::<R>(#gradient)?),
                    _ => {
                        let binding = self.fields[sub.field].binding();
                        quote!(#layer::lend::<R>(&mut grad.#binding))
                    }
                };
                quote!(#k::within(#label, #layer::vjp::<R>(
                    r.#r, &[#(#outs),*], &[#(#cots),*], &mut [#(#slots),*], #gradient, &mut state.#name, s.lend()))?;)
            }
            Kind::Fused(fused) => self.fused_vjp(n, fused, &outs, &cots[0], written),
        }
    }

    pub(super) fn fused_vjp(
        &self,
        n: usize,
        fused: &Fused,
        outs: &[TokenStream],
        cot: &TokenStream,
        written: &mut Vec<Value>,
    ) -> TokenStream {
        let k = self.krate;
        let Some(adjoint) = self.adjoint(n) else { return quote!() };
        let (group, back) = (format_ident!("E{n}"), format_ident!("e{n}_back"));
        let (mut operands, mut sinks) = (Vec::new(), Vec::new());
        for (i, leaf) in fused.leaves.iter().enumerate() {
            let at = Literal::usize_unsuffixed(i);
            let p = self.local(*leaf);
            operands.push(match leaf {
                _ if !adjoint.needs_leaf[i] => quote!(#k::Operand::unused()),
                Value::Field(f) => {
                    let ty = self.parameter_type(*f);
                    quote!(#k::Operand::<R, { #group.spread[#at] as u8 }>::new(<#ty as #k::Elementwise>::numbers::<R>(&r.#p)))
                }
                _ => {
                    let l = format_ident!("l{n}_{i}");
                    quote!(#k::Operand::<R, { #group.spread[#at] as u8 }>::new(r.#l))
                }
            });
            sinks.push(match leaf {
                _ if !adjoint.reaches_leaf[i] => quote!(#k::Sink::nowhere()),
                Value::Field(f) if self.is_fixed(*f) => quote!(#k::Sink::nowhere()),
                Value::Field(f) => {
                    let (ty, gradient) = (self.parameter_type(*f), self.gradient(*f));
                    quote!(<#ty as #k::Elementwise>::sink::<R, { #group.spread[#at] as u8 }>(
                        #gradient, <#ty as #k::Elementwise>::numbers::<R>(&r.#p).len())?)
                }
                value => {
                    let slot = self.slot(*value, written);
                    quote!(#k::Sink::<R, { #group.spread[#at] as u8 }>::slot(#slot))
                }
            });
        }
        if adjoint.needs_out {
            let out = &outs[0];
            operands.push(quote!(#k::Operand::<R, { #k::Spread::Full as u8 }>::new(#out)));
            sinks.push(quote!(#k::Sink::nowhere()));
        }
        let saved = if adjoint.saved.is_empty() {
            quote!(&[])
        } else {
            let s = format_ident!("s{n}");
            quote!(r.#s)
        };
        quote!(#k::fuse::backward(#cot, #saved, (#(#operands,)*), (#(#sinks,)*), #back::<R>());)
    }
}
