//! What an equation keeps for its backward pass, and what it carries along time.

use proc_macro2::{Ident, TokenStream};
use quote::{format_ident, quote};

use super::{Place, Writer};
use crate::program::{Kind, Value};

impl Writer<'_> {
    /// Fields of the residual: name and type.
    pub(crate) fn residual_fields(&self) -> Vec<(Ident, TokenStream)> {
        let k = self.krate;
        let mut list = Vec::new();
        for f in self.kept_fields() {
            let ty = self.parameter_type(f);
            list.push((self.parameter(f), quote!(<#ty as #k::Wire>::View<'r, R>)));
        }
        for (n, node) in self.program.nodes.iter().enumerate() {
            match &node.kind {
                Kind::Call(_) => {
                    let callee = self.callee(n);
                    list.push((format_ident!("r{n}"), quote!(<names::#callee as #k::Primitive>::Residual<'r, R>)));
                }
                Kind::Sub(_) => {
                    let layer = self.sub_layer(n);
                    list.push((format_ident!("r{n}"), quote!(#layer::Residual<'r, R>)));
                }
                Kind::Fused(fused) => {
                    let Some(adjoint) = self.adjoint(n) else { continue };
                    if !adjoint.saved.is_empty() {
                        list.push((format_ident!("s{n}"), quote!(&'r [R])));
                    }
                    for (i, leaf) in fused.leaves.iter().enumerate() {
                        if adjoint.needs_leaf[i] && !matches!(leaf, Value::Field(_)) {
                            list.push((format_ident!("l{n}_{i}"), quote!(&'r [R])));
                        }
                    }
                }
            }
            for out in 0..node.outs {
                if matches!(self.place(Value::Node(n, out)), Place::Own) {
                    list.push((self.suffixed("n", n, out), quote!(usize)));
                    if self.may_keep_out(n) {
                        list.push((self.suffixed("o", n, out), quote!(&'r [R])));
                    }
                } else if self.is_kept_result(Value::Node(n, out)) {
                    list.push((self.suffixed("o", n, out), quote!(&'r [R])));
                }
            }
        }
        list
    }

    /// Ops and sub-layers decide by a constant; a fused loop's need is known here. A residual that goes to the wire holds each kept value
    /// itself, whoever borrows it.
    pub(super) fn may_keep_out(&self, n: usize) -> bool {
        self.portable || self.adjoint(n).is_none_or(|a| a.needs_out)
    }

    /// A result of the equation that its own steps use, of which they have a copy in a residual that goes to the wire.
    pub(super) fn is_kept_result(&self, value: Value) -> bool {
        self.portable && matches!(self.place(value), Place::Result(_)) && self.program.uses(value) > 0
    }

    /// Fields of the state: name and type.
    pub(crate) fn state_fields(&self) -> Vec<(Ident, TokenStream)> {
        let k = self.krate;
        self.program
            .nodes
            .iter()
            .enumerate()
            .filter_map(|(n, node)| match &node.kind {
                Kind::Call(_) => {
                    let callee = self.callee(n);
                    Some((node.name.clone(), quote!(<names::#callee as #k::Primitive>::State<R>)))
                }
                Kind::Sub(_) => {
                    let layer = self.sub_layer(n);
                    Some((node.name.clone(), quote!(#layer::State<R>)))
                }
                Kind::Fused(_) => None,
            })
            .collect()
    }
}
