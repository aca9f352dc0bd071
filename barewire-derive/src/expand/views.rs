//! Writes the types of views, and what they can do.

use proc_macro2::{Ident, TokenStream};
use quote::quote;

use super::layout::Expander;
use crate::ast::{Field, Style, TypeKind, Variant, unraw};
use crate::layout::Layout;
use proc_macro2::Literal;

impl Expander<'_> {
    /// The types, which the user names.
    pub(super) fn views(&self) -> TokenStream {
        let Layout { view, view_mut, scalar, borrows, .. } = &self.layout;
        let p = &self.p;
        let name = unraw(&self.ty.ident);
        let (view_params, mut_params) = if *borrows {
            (quote!(<'w, #scalar: #p::Copy + 'static = #p::f32>), quote!(<'w>))
        } else {
            (TokenStream::new(), TokenStream::new())
        };
        let view_docs = format!(
            "A borrowed [`{name}`]. The scalar parameter is that of stored float parameters: `f32` on the wire."
        );
        let mut_docs =
            format!("A borrowed [`{name}`] whose numbers may be changed where they lie; its tag and lengths stay.");
        let view_item =
            self.view_item(view, &view_params, &view_docs, |field| self.wire_of(field, quote!(View<'w, #scalar>)));
        let mut_item =
            self.view_item(view_mut, &mut_params, &mut_docs, |field| self.wire_of(field, quote!(ViewMut<'w>)));
        quote!(#view_item #mut_item)
    }

    /// What is implemented for them.
    pub(super) fn view_impls(&self) -> TokenStream {
        let Layout { view, view_mut, scalar, borrows, .. } = &self.layout;
        let (params, args, args_f32, mut_args) = if *borrows {
            let (params, args) = (quote!(<'w, #scalar: __private::Copy + 'static>), quote!(<'w, #scalar>));
            (params, args, quote!(<'w, __private::f32>), quote!(<'w>))
        } else {
            Default::default()
        };
        let copy = self.copy(view, &params, &args);
        let tag = if self.ty.is_union() { self.view_tag(&params, &args) } else { TokenStream::new() };
        let (debug, debug_mut) = (self.debug(view, &args_f32), self.debug(view_mut, &mut_args));
        quote!(#copy #tag #debug #debug_mut)
    }

    pub(super) fn view_item(
        &self,
        name: &Ident,
        params: &TokenStream,
        docs: &str,
        field_type: impl Fn(&Field) -> TokenStream,
    ) -> TokenStream {
        let vis = &self.ty.vis;
        let body = |variant: &Variant, in_struct: bool| {
            let fields = variant.fields.iter().map(|field| {
                let (docs, ty) = (&field.docs, field_type(field));
                let vis = if in_struct { Some(&field.vis) } else { None };
                match &field.member {
                    syn::Member::Named(ident) => quote!(#(#docs)* #vis #ident: #ty),
                    syn::Member::Unnamed(_) => quote!(#(#docs)* #vis #ty),
                }
            });
            match variant.style {
                Style::Unit => TokenStream::new(),
                Style::Tuple => quote!((#(#fields),*)),
                Style::Named => quote!({ #(#fields),* }),
            }
        };
        let item = match &self.ty.kind {
            TypeKind::Struct(only) => {
                let semicolon = (only.style == Style::Tuple).then(|| quote!(;));
                let body = body(only, true);
                quote!(#vis struct #name #params #body #semicolon)
            }
            TypeKind::Union(variants) => {
                let variants = variants.iter().map(|variant| {
                    let (docs, ident, body) = (&variant.docs, &variant.ident, body(variant, false));
                    quote!(#(#docs)* #ident #body)
                });
                quote!(#vis enum #name #params { #(#variants),* })
            }
        };
        quote! {
            #[doc = #docs]
            #[allow(missing_docs, dead_code, non_camel_case_types, non_snake_case, clippy::all)]
            #item
        }
    }

    pub(super) fn copy(&self, view: &Ident, params: &TokenStream, args: &TokenStream) -> TokenStream {
        quote! {
            #[automatically_derived]
            impl #params __private::Copy for #view #args {}
            #[automatically_derived]
            impl #params __private::Clone for #view #args {
                #[inline]
                fn clone(&self) -> Self {
                    *self
                }
            }
        }
    }

    fn view_tag(&self, params: &TokenStream, args: &TokenStream) -> TokenStream {
        let Layout { view, .. } = &self.layout;
        let vis = &self.ty.vis;
        let arms = self.tag_arms();
        quote! {
            #[allow(dead_code)]
            impl #params #view #args {
                /// The tag on the wire.
                #[inline]
                #vis const fn tag(&self) -> __private::u32 {
                    match self { #arms }
                }
            }
        }
    }

    pub(super) fn tag_arms(&self) -> TokenStream {
        let arms = self.ty.variants().iter().map(|variant| {
            if variant.unknown {
                let pattern = self.pattern(&quote!(Self), variant);
                let member = Self::bindings(variant);
                return quote!(#pattern => #(#member)*.tag(),);
            }
            let (ident, tag) = (&variant.ident, Literal::u32_unsuffixed(variant.tag));
            quote!(Self::#ident { .. } => #tag,)
        });
        quote!(#(#arms)*)
    }

    pub(super) fn debug(&self, view: &Ident, args: &TokenStream) -> TokenStream {
        let params = self.layout.borrows.then(|| quote!(<'w>));
        let ident = &self.ty.ident;
        let arms = self.ty.variants().iter().enumerate().map(|(i, variant)| {
            let (pattern, n) = (self.pattern(&quote!(Self), variant), Literal::usize_unsuffixed(i));
            let values = Self::bindings(variant);
            if variant.unknown {
                let name = unraw(&variant.ident);
                return quote!(#pattern => __private::debug_unknown(f, #name, #(#values)*),);
            }
            if self.ty.fixed_size {
                return quote!(#pattern => __private::fixed::plain::debug::<#ident>(f, #n, &[#(#values),*]),);
            }
            quote!(#pattern => __private::debug(f, &__VARIANTS[#n], &[#(#values),*]),)
        });
        let body = if self.stub { quote!(__private::stub()) } else { quote!(match self { #(#arms)* }) };
        quote! {
            #[automatically_derived]
            impl #params __private::Debug for #view #args {
                #[inline]
                fn fmt(&self, f: &mut __private::fmt::Formatter<'_>) -> __private::fmt::Result {
                    #body
                }
            }
        }
    }
}
