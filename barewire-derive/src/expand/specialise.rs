//! Writes variants as types: a marker for each variant of a union, and for a struct its programs once more, with a type parameter for
//! each layer that its equation calls.

use proc_macro2::{Ident, TokenStream};
use quote::{format_ident, quote};

use super::equations::Writer;
use super::parts::{Part, Source, Written};
use crate::ast::{Field, Type, Variant, unraw};
use crate::errors::Errors;
use crate::program::Kind;

/// What cannot be specialised.
pub(super) fn check(ty: &Type, sources: &[Source<'_>], errors: &mut Errors) {
    let (Some(key), false) = (&ty.specialise, ty.is_union()) else { return };
    let calls_layers = |source: &Source<'_>| match source {
        Source::Own(_, program) => program.nodes.iter().any(|node| matches!(node.kind, Kind::Sub(_))),
        Source::Shared(_) => false,
    };
    if ty.variants().iter().any(|only| only.keeps.inputs_only.is_some()) {
        errors.push(
            key.span(),
            "an equation that runs again is not specialised; remove `recompute` or `specialise`".into(),
        );
    } else if !sources.iter().any(calls_layers) {
        errors.push(key.span(), "this equation calls no layer, so there is nothing to specialise".into());
    }
}

impl Part<'_> {
    /// `items` stand in the type's module.
    pub(super) fn specialised(&self, module: &Ident, sources: &[Source<'_>]) -> Written {
        if self.ty.is_union() {
            let variants = self.ty.variants();
            let vis = seen_from_module(&self.ty.vis);
            let items = variants.iter().map(|variant| {
                let (name, doc) = (self.marker(variant), format!("`{}::{}`, as a type.", self.ty.ident, variant.ident));
                quote!(#[doc = #doc] #vis struct #name;)
            });
            let impls = variants.iter().map(|variant| self.variant(module, variant));
            Written { items: quote!(#(#items)*), impls: quote!(#(#impls)*) }
        } else {
            match &sources[0] {
                Source::Own(closure, program) => {
                    let fields = &self.ty.variants()[0].fields;
                    let writer =
                        Writer::new(self.p, String::new(), quote!(super), fields, closure, program).specialised();
                    Written { items: self.combination_programs(&writer), impls: self.combination(module, &writer) }
                }
                // `check` has refused it
                Source::Shared(_) => Written { items: quote!(), impls: quote!() },
            }
        }
    }

    /// The type that stands for a variant; a variant whose module has the same name leaves it to that.
    fn marker(&self, variant: &Variant) -> Ident {
        let name = &variant.ident;
        if self.module_of(variant) == *name { format_ident!("{}_", unraw(name)) } else { name.clone() }
    }

    /// `impl Variant` for one variant of a union.
    fn variant(&self, module: &Ident, variant: &Variant) -> TokenStream {
        let (k, ident, view) = (self.p, &self.ty.ident, self.named("View"));
        let (path, marker, accessor) =
            (self.path_to(module, variant), self.marker(variant), self.accessor_name(variant));
        let names = Self::bindings(variant, "v_");
        let pattern = self.pattern(&view, variant, &names);
        let (members, bindings) = (members(variant), Self::bindings(variant, "g_"));
        let phantom = members.is_empty().then(|| quote!(marker: ::core::marker::PhantomData));
        let of = quote! {
            match view {
                #pattern => ::core::option::Option::Some(#path::Fields { #(#members: #names,)* #phantom }),
                _ => ::core::option::Option::None,
            }
        };
        let grad = quote! {
            let (#(#bindings,)*) = grad.#accessor()?;
            ::core::result::Result::Ok(#path::Grad { #(#members: #bindings,)* #phantom })
        };
        let lend = quote!(#path::Grad { #(#members: &mut *grad.#members,)* #phantom });
        let types = Types {
            fields: quote!(#path::Fields<'w, P>),
            residual: quote!(#path::Residual<'r, R>),
            state: quote!(#path::State<R>),
            grad: quote!(#path::Grad<'g, R>),
        };
        implementation(
            k,
            ident,
            quote!(),
            quote!(#module::#marker),
            (quote!(#path::KEEPS), quote!(#path::KEEPS_OUT)),
            &types,
            [of, grad, lend],
            &path,
            &quote!(),
        )
    }

    /// `V0: Variant<Of = names::F0>, ..`, and `V0, ..`
    fn parameters(&self, writer: &Writer<'_>, types: impl Fn(usize) -> TokenStream) -> (TokenStream, TokenStream) {
        let (k, called) = (self.p, writer.called_fields());
        let names: Vec<_> = called.iter().map(|f| Writer::variant_of(*f)).collect();
        let types = called.iter().map(|f| types(*f));
        (quote!(#(#names: #k::Variant<Of = #types>),*), quote!(#(#names),*))
    }

    /// The struct's programs with its layers' variants as parameters, in a module `of`; and the type `Of`.
    fn combination_programs(&self, writer: &Writer<'_>) -> TokenStream {
        let (k, variant) = (self.p, &self.ty.variants()[0]);
        let (bounds, names) = self.parameters(writer, |f| {
            let alias = format_ident!("F{f}");
            writer.called_as(f, quote!(names::#alias))
        });
        let (members, called) = (members(variant), writer.called_fields());
        let each =
            |own: &dyn Fn(TokenStream) -> TokenStream, layer: &dyn Fn(Ident) -> TokenStream| -> Vec<TokenStream> {
                let types = (0..members.len()).map(|f| {
                    let alias = format_ident!("F{f}");
                    if called.contains(&f) { layer(Writer::variant_of(f)) } else { own(quote!(names::#alias)) }
                });
                types.collect()
            };
        let fields =
            each(&|ty| quote!(<#ty as #k::Wire>::View<'w, P>), &|v| quote!(<#v as #k::Variant>::Fields<'w, P>));
        let grads =
            each(&|ty| quote!(&'g mut <#ty as #k::Part>::Grad<R>), &|v| quote!(<#v as #k::Variant>::Grad<'g, R>));
        let (residual, residual_types): (Vec<_>, Vec<_>) = writer.residual_fields().into_iter().unzip();
        let (state, state_types): (Vec<_>, Vec<_>) = writer.state_fields().into_iter().unzip();
        let state_names: Vec<_> = state.iter().map(unraw).collect();
        let (dims, forward, forward_saving, vjp) =
            (writer.dims(), writer.forward(false), writer.forward(true), writer.vjp());
        let copies = |ty: TokenStream, generics: TokenStream| {
            quote! {
                impl<#generics> ::core::clone::Clone for #ty { fn clone(&self) -> Self { *self } }
                impl<#generics> ::core::marker::Copy for #ty {}
            }
        };
        let fields_copy = copies(quote!(Fields<'w, #names, P>), quote!('w, #bounds, P: ::core::marker::Copy + 'static));
        let residual_copy = copies(quote!(Residual<'r, #names, R>), quote!('r, #bounds, R: #k::Real));
        let vis = seen_from_module(&self.ty.vis);
        let doc = format!("A [`{0}`](super::{0}) whose layers have these variants.", self.ty.ident);
        quote! {
            #[doc = #doc]
            #vis struct Of<#names>(::core::marker::PhantomData<(#names,)>);
            /// The programs with the variants of layers in the type.
            pub mod of {
                use super::*;
                /// The fields, borrowed.
                pub struct Fields<'w, #bounds, P: ::core::marker::Copy + 'static> { #(pub #members: #fields,)* }
                #fields_copy
                /// The gradients of the fields.
                pub struct Grad<'g, #bounds, R: #k::Real> { #(pub #members: #grads,)* }
                /// What the backward pass needs.
                pub struct Residual<'r, #bounds, R: #k::Real> { #(pub #residual: #residual_types,)* }
                #residual_copy
                /// What is carried along time.
                pub struct State<#bounds, R: #k::Real> { #(pub #state: #state_types,)* }
                impl<#bounds, R: #k::Real> ::core::default::Default for State<#names, R> {
                    fn default() -> Self { State { #(#state: ::core::default::Default::default(),)* } }
                }
                impl<#bounds, R: #k::Real> #k::State<R> for State<#names, R> {
                    fn walk(&mut self, path: &mut #k::String, visit: &mut dyn ::core::ops::FnMut(&str, &mut #k::Vec<R>)) {
                        #(#k::descend(path, #state_names, |path| #k::State::walk(&mut self.#state, path, visit));)*
                    }
                    fn arrays(&mut self, visit: &mut dyn ::core::ops::FnMut(&mut #k::Vec<R>)) {
                        #(#k::State::arrays(&mut self.#state, visit);)*
                    }
                }
                /// Sizes of the results.
                pub fn dims<#bounds, P: ::core::marker::Copy + 'static>(view: Fields<'_, #names, P>, ins: &[#k::Dims], outs: &mut [#k::Dims]) -> ::core::result::Result<(), #k::Error> {
                    #dims
                    ::core::result::Result::Ok(())
                }
                /// The forward pass.
                pub fn forward<#bounds, R: #k::Real, P: #k::Lift<R>>(
                    view: Fields<'_, #names, P>, ins: &[#k::Input<'_, '_, R>], outs: &mut [&mut [R]], state: &mut State<#names, R>, mut scratch: #k::Arena<'_, R>,
                ) -> ::core::result::Result<(), #k::Error> { #forward }
                /// The forward pass that keeps what the backward pass needs.
                pub fn forward_saving<'w: 'r, 'r, #bounds, R: #k::Real, P: #k::Lift<R>>(
                    view: Fields<'w, #names, P>, ins: &[#k::Input<'r, '_, R>], outs: &mut [&mut [R]], state: &mut State<#names, R>, saved: &mut #k::Arena<'r, R>, mut scratch: #k::Arena<'_, R>,
                ) -> ::core::result::Result<Residual<'r, #names, R>, #k::Error> { #forward_saving }
                /// The backward pass.
                pub fn vjp<#bounds, R: #k::Real>(
                    r: Residual<'_, #names, R>, outs: &[&[R]], cots: &[&[R]], ins: &mut [#k::Slot<'_, R>], mut grad: Grad<'_, #names, R>, state: &mut State<#names, R>, mut scratch: #k::Arena<'_, R>,
                ) -> ::core::result::Result<(), #k::Error> { #vjp }
            }
        }
    }

    /// `impl Variant for net::Of<..>`.
    fn combination(&self, module: &Ident, writer: &Writer<'_>) -> TokenStream {
        let (k, ident, view, variant) = (self.p, &self.ty.ident, self.named("View"), &self.ty.variants()[0]);
        let (bounds, names) = self.parameters(writer, |f| {
            let ty = &variant.fields[f].ty;
            writer.called_as(f, quote!(#ty))
        });
        let (members, called, accessor) = (members(variant), writer.called_fields(), self.accessor_name(variant));
        let (views, bindings) = (Self::bindings(variant, "v_"), Self::bindings(variant, "g_"));
        let pattern = self.pattern(&view, variant, &views);
        let each =
            |own: &dyn Fn(usize) -> TokenStream, layer: &dyn Fn(Ident, usize) -> TokenStream| -> Vec<TokenStream> {
                let values = (0..members.len())
                    .map(|f| if called.contains(&f) { layer(Writer::variant_of(f), f) } else { own(f) });
                values.collect()
            };
        let fields = each(
            &|f| {
                let name = &views[f];
                quote!(#name)
            },
            &|v, f| {
                let name = &views[f];
                quote!(<#v as #k::Variant>::of::<P>(#name)?)
            },
        );
        let grads = each(
            &|f| {
                let name = &bindings[f];
                quote!(#name)
            },
            &|v, f| {
                let name = &bindings[f];
                quote!(<#v as #k::Variant>::grad::<R>(#name)?)
            },
        );
        let lent = each(
            &|f| {
                let name = &members[f];
                quote!(&mut *grad.#name)
            },
            &|v, f| {
                let name = &members[f];
                quote!(<#v as #k::Variant>::lend::<R>(&mut grad.#name))
            },
        );
        let path = quote!(#module::of);
        let of =
            quote!({ let #pattern = view; ::core::option::Option::Some(#path::Fields { #(#members: #fields,)* }) });
        let grad = quote! {
            let (#(#bindings,)*) = grad.#accessor()?;
            ::core::result::Result::Ok(#path::Grad { #(#members: #grads,)* })
        };
        let lend = quote!(#path::Grad { #(#members: #lent,)* });
        let types = Types {
            fields: quote!(#path::Fields<'w, #names, P>),
            residual: quote!(#path::Residual<'r, #names, R>),
            state: quote!(#path::State<#names, R>),
            grad: quote!(#path::Grad<'g, #names, R>),
        };
        // what any variant needs is enough
        let keeps = (quote!(#module::KEEPS), quote!(#module::KEEPS_OUT));
        implementation(
            k,
            ident,
            bounds,
            quote!(#module::Of<#names>),
            keeps,
            &types,
            [of, grad, lend],
            &path,
            &quote!(#names,),
        )
    }
}

/// The visibility of the type, written in its module: no wider, or a private type would be named in public.
fn seen_from_module(vis: &syn::Visibility) -> TokenStream {
    let syn::Visibility::Restricted(restricted) = vis else {
        return if matches!(vis, syn::Visibility::Public(_)) { quote!(pub) } else { quote!(pub(super)) };
    };
    let path = &restricted.path;
    match path.segments.first() {
        Some(first) if first.ident == "crate" => quote!(#vis),
        Some(first) if first.ident == "self" => quote!(pub(super)),
        _ => quote!(pub(in super::#path)),
    }
}

fn members(variant: &Variant) -> Vec<Ident> {
    variant.fields.iter().map(Field::binding).collect()
}

struct Types {
    fields: TokenStream,
    residual: TokenStream,
    state: TokenStream,
    grad: TokenStream,
}

/// `impl Variant`, whose programs are those of the module `path`, with `arguments` in front of their type arguments.
#[allow(clippy::too_many_arguments)] // the parts of one impl
fn implementation(
    k: &TokenStream,
    ident: &Ident,
    bounds: TokenStream,
    marker: TokenStream,
    (keeps, keeps_out): (TokenStream, TokenStream),
    types: &Types,
    [of, grad, lend]: [TokenStream; 3],
    path: &TokenStream,
    arguments: &TokenStream,
) -> TokenStream {
    let Types { fields, residual, state, grad: grad_type } = types;
    quote! {
        #[allow(unused_variables, unreachable_patterns, non_snake_case, clippy::all)]
        impl<#bounds> #k::Variant for #marker {
            type Of = #ident;
            const KEEPS: &'static [bool] = #keeps;
            const KEEPS_OUT: bool = #keeps_out;
            type Fields<'w, P: ::core::marker::Copy + 'static> = #fields;
            type Residual<'r, R: #k::Real> = #residual;
            type State<R: #k::Real> = #state;
            type Grad<'g, R: #k::Real> = #grad_type;

            fn of<'w, P: ::core::marker::Copy + 'static>(view: <#ident as #k::Wire>::View<'w, P>) -> ::core::option::Option<Self::Fields<'w, P>> { #of }
            fn grad<'g, R: #k::Real>(grad: &'g mut <#ident as #k::Part>::Grad<R>) -> ::core::result::Result<Self::Grad<'g, R>, #k::Error> { #grad }
            fn lend<'a, R: #k::Real>(grad: &'a mut Self::Grad<'_, R>) -> Self::Grad<'a, R> { #lend }
            fn dims<P: ::core::marker::Copy + 'static>(fields: Self::Fields<'_, P>, ins: &[#k::Dims], outs: &mut [#k::Dims]) -> ::core::result::Result<(), #k::Error> {
                #path::dims::<#arguments P>(fields, ins, outs)
            }
            fn forward<R: #k::Real, P: #k::Lift<R>>(
                fields: Self::Fields<'_, P>, ins: &[#k::Input<'_, '_, R>], outs: &mut [&mut [R]], state: &mut Self::State<R>, scratch: #k::Arena<'_, R>,
            ) -> ::core::result::Result<(), #k::Error> {
                #path::forward::<#arguments R, P>(fields, ins, outs, state, scratch)
            }
            fn forward_saving<'w: 'r, 'r, R: #k::Real, P: #k::Lift<R>>(
                fields: Self::Fields<'w, P>, ins: &[#k::Input<'r, '_, R>], outs: &mut [&mut [R]], state: &mut Self::State<R>, saved: &mut #k::Arena<'r, R>, scratch: #k::Arena<'_, R>,
            ) -> ::core::result::Result<Self::Residual<'r, R>, #k::Error> {
                #path::forward_saving::<#arguments R, P>(fields, ins, outs, state, saved, scratch)
            }
            fn vjp<R: #k::Real>(
                residual: Self::Residual<'_, R>, outs: &[&[R]], cots: &[&[R]], ins: &mut [#k::Slot<'_, R>], grad: Self::Grad<'_, R>, state: &mut Self::State<R>, scratch: #k::Arena<'_, R>,
            ) -> ::core::result::Result<(), #k::Error> {
                #path::vjp::<#arguments R>(residual, outs, cots, ins, grad, state, scratch)
            }
        }
    }
}
