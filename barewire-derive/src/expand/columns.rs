//! Writes a fixed-size type's equations a second time, over columns: what was one number of a variant is a list of them, one for
//! each element, along the last axis of the inputs.
//!
//! For `#[bare(forward = |x: [neuron]| sigmoid(x - threshold))] Lif { threshold: f32 }` the second program is that of
//! `threshold: Vec<f32>` with `dims = [neuron]`.

use proc_macro2::TokenStream;
use quote::{format_ident, quote};

use super::parts::{Part, Source};
use crate::ast::{Closure, Elem, Field, Variant, unraw};
use crate::program::{Kind, Program};

/// An equation over columns.
pub(super) struct Columns<'a> {
    pub(super) fields: Vec<Field>,
    pub(super) closure: &'a Closure,
    pub(super) program: &'a Program,
}

impl Part<'_> {
    /// The equations over columns, if the type is fixed in size and each equation is arithmetic alone.
    pub(super) fn side_by_side<'s>(&self, sources: &'s [Source<'_>]) -> Option<Vec<Columns<'s>>> {
        if !self.ty.fixed_size {
            return None;
        }
        self.ty.variants().iter().zip(sources).map(|(variant, source)| over_columns(variant, source)).collect()
    }

    /// Prefix of the aliases of an equation over columns, and its module seen from `names`.
    pub(super) fn columns_home(&self, variant: &Variant) -> (String, TokenStream) {
        if self.ty.is_union() {
            let module = self.module_of(variant);
            (format!("{}_Columns_", unraw(&variant.ident)), quote!(super::#module::columns))
        } else {
            ("Columns_".into(), quote!(super::columns))
        }
    }

    /// The implementation that hands a run to its variant's equation.
    pub(super) fn column_layer(&self, module: &proc_macro2::Ident, columns: &[Columns<'_>]) -> TokenStream {
        let (k, ident, run) = (self.p, &self.ty.ident, self.named("Run"));
        let inputs = columns.first().map_or(0, |first| first.closure.params.len());
        let rank = columns.first().and_then(|first| first.closure.params.first()).map_or(0, |param| param.axes.len());
        let arm = |variant: &Variant, body: &dyn Fn(TokenStream, TokenStream) -> TokenStream| {
            let names = Self::bindings(variant, "v_");
            let (pattern, path) = (self.pattern(&run, variant, &names), self.path_to(module, variant));
            let members: Vec<_> = variant.fields.iter().map(Field::binding).collect();
            let marker = members.is_empty().then(|| quote!(marker: ::core::marker::PhantomData));
            let body = body(quote!(#path::columns), quote!(#path::columns::Fields { #(#members: #names,)* #marker }));
            quote!(#pattern => { #body })
        };
        let state = quote!(&mut ::core::default::Default::default());
        let forward = self.ty.variants().iter().map(|variant| {
            arm(
                variant,
                &|path, fields| quote!(#path::forward::<R, #k::f32>(#fields, inputs, &mut [result], #state, scratch)),
            )
        });
        let vjp = self.ty.variants().iter().map(|variant| {
            arm(variant, &|path, fields| {
                let members: Vec<_> = variant.fields.iter().map(Field::binding).collect();
                let grads: Vec<_> = (0..members.len()).map(|i| format_ident!("g{i}")).collect();
                let marker = members.is_empty().then(|| quote!(marker: ::core::marker::PhantomData));
                let n = members.len();
                quote! {
                    let y = scratch.take(cot.len());
                    let r = #path::forward_saving::<R, #k::f32>(#fields, inputs, &mut [&mut *y], #state, &mut saved, scratch.lend())?;
                    let mut fields: [#k::Gradient<R>; #n] = ::core::array::from_fn(|_| ::core::default::Default::default());
                    let [#(#grads),*] = &mut fields;
                    let grad = #path::Grad { #(#members: #grads,)* #marker };
                    #path::vjp::<R>(r, &[&*y], &[cot], inputs_cot, grad, #state, scratch.lend())?;
                    #k::add_gradients(&mut fields, grads)
                }
            })
        });
        quote! {
            #[cfg(target_endian = "little")]
            #[allow(unused_variables, unused_mut, non_snake_case, clippy::all)]
            impl #k::ColumnLayer for #ident {
                const INPUTS: #k::usize = #inputs;
                const RANK: #k::usize = #rank;
                fn forward_run<R: #k::Real>(
                    run: <Self as #k::fixed::FixedType>::Run<'_>, inputs: &[#k::Input<'_, '_, R>], result: &mut [R], scratch: #k::Arena<'_, R>,
                ) -> ::core::result::Result<(), #k::Error> {
                    match run { #(#forward)* }
                }
                fn vjp_run<'w: 'r, 'r, R: #k::Real>(
                    run: <Self as #k::fixed::FixedType>::Run<'w>, inputs: &[#k::Input<'r, '_, R>], cot: &[R], inputs_cot: &mut [#k::Slot<'_, R>], grads: &mut [&mut [R]],
                    mut saved: #k::Arena<'r, R>, scratch: #k::Arena<'_, R>,
                ) -> ::core::result::Result<(), #k::Error> {
                    let mut scratch = scratch;
                    let mut scratch = scratch.lend();
                    match run { #(#vjp)* }
                }
            }
        }
    }
}

fn over_columns<'s>(variant: &Variant, source: &'s Source<'_>) -> Option<Columns<'s>> {
    let Source::Own(closure, program) = source else { return None };
    let axes = &closure.params.first()?.axes;
    let element = axes.last()?;
    let same_axes = closure.params.iter().all(|param| param.elem == Elem::Real && param.axes == *axes);
    let arithmetic = program.nodes.iter().all(|node| matches!(node.kind, Kind::Fused(_))) && program.results.len() == 1;
    let numbers = variant.fields.iter().all(|field| field.dims.is_none() && is_f32(&field.ty));
    if !(same_axes && arithmetic && numbers) {
        return None;
    }
    let list = syn::parse_quote!(__private::Vec<__private::f32>);
    let fields = variant.fields.iter().map(|field| Field {
        ty: syn::Type::clone(&list),
        dims: Some(vec![element.clone()]),
        ..field.clone()
    });
    Some(Columns { fields: fields.collect(), closure, program })
}

/// `f32`, as it is or by a path.
fn is_f32(ty: &syn::Type) -> bool {
    matches!(ty, syn::Type::Path(path) if path.qself.is_none() && path.path.segments.last().is_some_and(|last| last.ident == "f32"))
}
