//! The forward pass, with and without what the backward pass needs.

use proc_macro2::{Literal, TokenStream};
use quote::{format_ident, quote, quote_spanned};

use super::constants::any;
use super::{Place, Writer};
use crate::ast::Elem;
use crate::program::{Argument, Fused, Kind, Value};

impl Writer<'_> {
    /// The body of `forward`, or of `forward_saving` with its residual.
    pub(crate) fn forward(&self, saving: bool) -> TokenStream {
        let k = self.krate;
        let arena = if saving { quote!(saved) } else { quote!(&mut s) };
        let count = self.closure.params.len();
        let inputs: Vec<_> = (0..count).map(|i| self.input(i)).collect();
        let results: Vec<_> = (0..self.program.results.len()).map(|i| format_ident!("y{i}")).collect();
        let kinds = self.closure.params.iter().map(|p| if p.elem == Elem::Ids { quote!(ids) } else { quote!(real) });
        let parameters = self.lowered_fields().into_iter().map(|f| {
            let (p, ty, binding) = (self.parameter(f), self.parameter_type(f), self.fields[f].binding());
            quote!(let #p = <#ty as #k::Parameter>::lower::<R, P>(view.#binding, #arena);)
        });
        let nodes = (0..self.program.nodes.len()).map(|n| self.node_forward(n, saving));
        let end = if saving {
            let fields = self.residual_values();
            let marker = self.residual_fields().iter().all(|(_, ty)| ty.to_string() == "usize");
            let marker = marker.then(|| quote!(marker: ::core::marker::PhantomData));
            quote!(::core::result::Result::Ok(Residual { #(#fields,)* #marker }))
        } else {
            quote!(::core::result::Result::Ok(()))
        };
        quote! {
            let mut s = scratch.lend();
            let [#(#inputs),*] = #k::exactly(ins, "inputs")?;
            #(let #inputs = #inputs.#kinds()?;)*
            let [#(#results),*] = #k::exactly_mut(outs, "results")?;
            #(#parameters)*
            #(#nodes)*
            #end
        }
    }

    pub(super) fn residual_values(&self) -> Vec<TokenStream> {
        self.residual_fields().into_iter().map(|(name, _)| quote!(#name)).collect()
    }

    pub(super) fn node_forward(&self, n: usize, saving: bool) -> TokenStream {
        let (k, node) = (self.krate, &self.program.nodes[n]);
        let sizes = self.node_dims(n, |value| match value {
            Value::Field(f) => {
                let (ty, p) = (self.parameter_type(f), self.parameter(f));
                quote!(<#ty as #k::Parameter>::dims::<R>(&#p))
            }
            other => {
                let local = self.local(other);
                quote!(#local.dims())
            }
        });
        let (mut before, mut writes, mut after) = (Vec::new(), Vec::new(), Vec::new());
        for out in 0..node.outs {
            let value = Value::Node(n, out);
            let (d, v, b) = (self.suffixed("d", n, out), self.suffixed("v", n, out), self.suffixed("b", n, out));
            let used = self.program.uses(value) > 0;
            match self.place(value) {
                Place::Result(at) => {
                    let y = format_ident!("y{at}");
                    before.push(quote!(#k::fits(#y, #d)?;));
                    writes.push(quote!(&mut **#y));
                    if saving && self.is_kept_result(value) {
                        let (keep, o) = (self.keep_of(value), self.suffixed("o", n, out));
                        after.push(quote! {
                            let #v = if const { #keep } { #k::Arg::kept(saved.take_copy(&**#y), #d) } else { #k::Arg::passing(&**#y, #d) };
                            let #o = #k::kept(&#v);
                        });
                    } else if used {
                        // when nothing is saved, memory of this call outlives every callee
                        let arg = if saving { quote!(passing) } else { quote!(kept) };
                        after.push(quote!(let #v = #k::Arg::#arg(&**#y, #d);));
                    }
                }
                Place::Own if saving => {
                    let keep = any([self.keep_of(value), self.keeps_out(n)]);
                    before.push(quote!(let mut #b = #k::Buf::new(const { #keep }, #d.len(), saved, &mut s);));
                    writes.push(quote!(#b.write()));
                    let (len, o) = (self.suffixed("n", n, out), self.suffixed("o", n, out));
                    after.push(quote!(let #v = #b.read(#d); let #len = #d.len();));
                    if self.may_keep_out(n) {
                        after.push(quote!(let #o = #k::kept(&#v);));
                    }
                }
                Place::Own => {
                    before.push(quote!(let #b = s.take(#d.len());));
                    writes.push(quote!(&mut *#b));
                    if used {
                        after.push(quote!(let #v = #k::Arg::kept(&*#b, #d);));
                    }
                }
            }
        }
        let run = self.node_run(n, saving, &writes);
        quote!(#sizes #(#before)* #run #(#after)*)
    }

    pub(super) fn node_run(&self, n: usize, saving: bool, writes: &[TokenStream]) -> TokenStream {
        let (k, node) = (self.krate, &self.program.nodes[n]);
        let (r, name, label) = (format_ident!("r{n}"), &node.name, node.name.to_string());
        match &node.kind {
            Kind::Call(call) => {
                let callee = self.callee(n);
                let args = call.args.iter().zip(&call.spans).map(|(arg, at)| match arg {
                    Argument::Value(value) => {
                        let local = self.local(*value);
                        Self::located(&quote!(#local), *at)
                    }
                    Argument::Literal(number) => quote!(<R as #k::Real>::of(#number)),
                });
                let span = node.span;
                let args = quote_spanned!(span=> (#(#args,)*));
                if saving {
                    quote!(let #r = #k::within(#label, <names::#callee as #k::Primitive>::forward_saving::<R>(
                        #args, [#(#writes),*], &mut state.#name, saved, s.lend()))?;)
                } else {
                    quote!(#k::within(#label, <names::#callee as #k::Primitive>::forward::<R>(
                        #args, [#(#writes),*], &mut state.#name, s.lend()))?;)
                }
            }
            Kind::Sub(sub) => {
                let (layer, binding) = (self.sub_layer(n), self.fields[sub.field].binding());
                let ins = sub.args.iter().map(|value| {
                    let local = self.local(*value);
                    if self.is_ids(*value) { quote!(#k::Input::Ids(#local)) } else { quote!(#k::Input::Real(#local)) }
                });
                if saving {
                    quote!(let #r = #k::within(#label, #layer::forward_saving::<R, P>(
                        view.#binding, &[#(#ins),*], &mut [#(#writes),*], &mut state.#name, saved, s.lend()))?;)
                } else {
                    quote!(#k::within(#label, #layer::forward::<R, P>(
                        view.#binding, &[#(#ins),*], &mut [#(#writes),*], &mut state.#name, s.lend()))?;)
                }
            }
            Kind::Fused(fused) => self.fused_run(n, fused, saving, &writes[0]),
        }
    }

    pub(super) fn fused_run(&self, n: usize, fused: &Fused, saving: bool, write: &TokenStream) -> TokenStream {
        let k = self.krate;
        let Some(adjoint) = self.adjoint(n) else { return quote!() };
        let (group, e, e_saving) = (format_ident!("E{n}"), format_ident!("e{n}"), format_ident!("e{n}_saving"));
        let operands: Vec<_> = fused
            .leaves
            .iter()
            .enumerate()
            .map(|(i, leaf)| {
                let (i, local) = (Literal::usize_unsuffixed(i), self.local(*leaf));
                let data = match leaf {
                    Value::Field(f) => {
                        let ty = self.parameter_type(*f);
                        quote!(<#ty as #k::Elementwise>::numbers::<R>(&#local))
                    }
                    _ => quote!(#local.data()),
                };
                quote!(#k::Operand::<R, { #group.spread[#i] as u8 }>::new(#data))
            })
            .collect();
        if !saving {
            return quote!(#k::fuse::forward(#write, (#(#operands,)*), #e::<R>()););
        }
        let run = if adjoint.saved.is_empty() {
            quote!(#k::fuse::forward(#write, (#(#operands,)*), #e::<R>());)
        } else {
            let (s, d) = (format_ident!("s{n}"), self.suffixed("d", n, 0));
            let each = Literal::usize_unsuffixed(adjoint.saved.len());
            let count = if adjoint.saved.len() == 1 { quote!(#d.len()) } else { quote!(#each * #d.len()) };
            quote! {
                let #s = saved.take(#count);
                #k::fuse::forward_saving(#write, &mut *#s, (#(#operands,)*), #e_saving::<R>());
                let #s = &*#s;
            }
        };
        let kept = fused.leaves.iter().enumerate().filter_map(|(i, leaf)| {
            let wanted = adjoint.needs_leaf[i] && !matches!(leaf, Value::Field(_));
            let (l, local) = (format_ident!("l{n}_{i}"), self.local(*leaf));
            wanted.then(|| quote!(let #l = #local.keep(saved);))
        });
        quote!(#run #(#kept)*)
    }
}
