//! The bodies of fused loops, on one element.

use proc_macro2::{Literal, TokenStream};
use quote::{format_ident, quote};

use super::Writer;
use crate::program::Kind;
use crate::program::elementwise::Adjoint;

impl Writer<'_> {
    /// The bodies of the fused loops, on one element. Closures, since a function that is handed over as a value is called through a shim
    /// that need not be inlined, and then has not the instruction set of the loop.
    pub(crate) fn elements(&self) -> TokenStream {
        let k = self.krate;
        let functions = self.program.nodes.iter().enumerate().filter_map(|(n, node)| {
            let (Kind::Fused(fused), Some(adjoint)) = (&node.kind, self.adjoint(n)) else { return None };
            let count = Literal::usize_unsuffixed(fused.leaves.len());
            let leaves: Vec<_> = (0..fused.leaves.len()).map(|i| format_ident!("x{i}")).collect();
            let (e, saving, back) = (format_ident!("e{n}"), format_ident!("e{n}_saving"), format_ident!("e{n}_back"));
            let Adjoint { forward, forward_saving, backward, saved, needs_out, .. } = adjoint;
            let s = Literal::usize_unsuffixed(saved.len());
            let restored = (0..saved.len()).map(|i| format_ident!("s{i}"));
            let with_saved = (!saved.is_empty()).then(|| {
                quote! {
                    fn #saving<R: #k::Real>() -> impl ::core::ops::Fn([R; #count]) -> (R, [R; #s]) {
                        #[inline(always)]
                        |[#(#leaves),*]: [R; #count]| { #forward_saving }
                    }
                }
            });
            // the result itself is one more operand of the backward loop, without a gradient of its own
            let (out, zero) = if *needs_out { (quote!(, y), quote!(+ 1)) } else { (quote!(), quote!()) };
            let backward = if *needs_out {
                quote!({ let [#(#leaves),*] = { #backward }; [#(#leaves,)* <R as #k::Real>::ZERO] })
            } else {
                quote!({ #backward })
            };
            Some(quote! {
                fn #e<R: #k::Real>() -> impl ::core::ops::Fn([R; #count]) -> R {
                    #[inline(always)]
                    |[#(#leaves),*]: [R; #count]| { #forward }
                }
                #with_saved
                fn #back<R: #k::Real>() -> impl ::core::ops::Fn([R; #count #zero], [R; #s], R) -> [R; #count #zero] {
                    #[inline(always)]
                    |[#(#leaves),* #out]: [R; #count #zero], [#(#restored),*]: [R; #s], c: R| #backward
                }
            })
        });
        quote!(#(#functions)*)
    }
}
