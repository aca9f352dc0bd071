//! Writes the module of programs, the residual and state unions, and the `match` over variants.

use proc_macro2::{Ident, Span, TokenStream};
use quote::{format_ident, quote};

use super::equations::Writer;
use super::equations::seen_from_names;
use super::parts::{Part, Source, Written, snake};
use crate::ast::{Field, Variant, unraw};

impl Part<'_> {
    pub(super) fn layer(&self, sources: &[Source<'_>]) -> Written {
        let (k, p, ty) = (self.k, self.p, self.ty);
        let module = snake(&ty.ident);
        let vis = &ty.vis;
        // what runs again keeps its inputs, and has no residual of its own
        let portable = |variant: &Variant| ty.portable.is_some() && variant.keeps.inputs_only.is_none();
        let equations: Vec<(String, Equation<'_>)> = ty
            .variants()
            .iter()
            .zip(sources)
            .map(|(variant, source)| {
                let prefix = if ty.is_union() { format!("{}_", unraw(&variant.ident)) } else { String::new() };
                let home = self.home(variant);
                let home = if variant.keeps.inputs_only.is_some() { quote!(#home::again) } else { home };
                let equation = match source {
                    Source::Own(closure, program) => {
                        let writer = Writer::new(p, prefix.clone(), home, &variant.fields, closure, program);
                        Equation::Own(Box::new(writer.portable(portable(variant))))
                    }
                    Source::Shared(path) => Equation::Shared(path),
                };
                (prefix, equation)
            })
            .collect();
        let side_by_side = self.side_by_side(sources);
        let columns: Vec<Option<Writer<'_>>> = match &side_by_side {
            None => equations.iter().map(|_| None).collect(),
            Some(columns) => columns
                .iter()
                .zip(ty.variants())
                .map(|(columns, variant)| {
                    let (prefix, home) = self.columns_home(variant);
                    Some(Writer::new(p, prefix, home, &columns.fields, columns.closure, columns.program))
                })
                .collect(),
        };
        let aliases =
            ty.variants().iter().zip(&equations).zip(&columns).map(|((variant, (prefix, equation)), columns)| {
                let fields = variant.fields.iter().enumerate().map(|(i, field)| {
                    let (alias, ty) = (format_ident!("{prefix}F{i}"), seen_from_names(&field.ty));
                    quote!(pub type #alias = #ty;)
                });
                let calls = match equation {
                    Equation::Own(writer) => writer.aliases(),
                    Equation::Shared(path) => {
                        let (module, alias) = (seen_from_names(equation_module(path)), format_ident!("{prefix}E"));
                        let travels = portable(variant).then(|| {
                            let (named, alias) = (format_ident!("{prefix}N"), format_ident!("{prefix}W"));
                            let (path, home) = (seen_from_names(path), self.home(variant));
                            quote! {
                                pub type #named = #path;
                                pub type #alias = __private::Sound<{ #home::TRAVELS }, #named>;
                            }
                        });
                        quote!(pub(super) use #module as #alias; #travels)
                    }
                };
                let columns = columns.as_ref().map(|writer| {
                    let prefix = self.columns_home(variant).0;
                    let fields = (0..variant.fields.len()).map(|i| {
                        let alias = format_ident!("{prefix}F{i}");
                        quote!(pub type #alias = __private::Vec<__private::f32>;)
                    });
                    let aliases = writer.aliases();
                    quote!(#(#fields)* #aliases)
                });
                quote!(#(#fields)* #calls #columns)
            });
        let doc = format!("The equations of [`{}`](super::{}), without a test of its tag.", ty.ident, ty.ident);
        let contents =
            ty.variants().iter().zip(&equations).zip(&columns).map(|((variant, (prefix, equation)), columns)| {
                let columns = columns.as_ref().map(|writer| {
                    let contents = programs_of(p, &self.columns_home(variant).0, &variant.fields, writer);
                    quote! {
                        /// The same over columns: each element has its own numbers.
                        pub mod columns { use super::{__private, names}; #contents }
                    }
                });
                let again = variant.keeps.inputs_only.is_some();
                let (programs, explained) = match equation {
                    Equation::Own(writer) => (programs_of(p, prefix, &variant.fields, writer), writer.explained(again)),
                    // with `EXPLAINED` among them
                    Equation::Shared(path) => {
                        let portable = portable(variant).then_some(*path);
                        (shared_programs(p, prefix, &variant.fields, portable), quote!())
                    }
                };
                let contents = if again { running_again(p, programs, explained) } else { quote!(#programs #explained) };
                if ty.is_union() {
                    let name = self.module_of(variant);
                    let doc = format!("The equation of `{}::{}`.", ty.ident, variant.ident);
                    quote!(#[doc = #doc] pub mod #name { use super::{__private, names}; #contents #columns })
                } else {
                    quote!(#contents #columns)
                }
            });
        let union = if ty.is_union() { self.union_types(&module) } else { self.struct_types(&module) };
        let implementation = self.layer_implementation(&module);
        let specialised = self.ty.specialise.is_some().then(|| self.specialised(&module, sources));
        let (specialised, variants) =
            specialised.map_or_else(Default::default, |written| (written.items, written.impls));
        let portable = self.ty.portable.is_some().then(|| self.portable_implementation(&module));
        let items = quote! {
            #[doc = #doc]
            #[allow(missing_docs, unreachable_pub, non_camel_case_types, non_snake_case, unused_imports, unused_variables, unused_mut, dead_code, clippy::all)]
            #vis mod #module {
                use #k;
                mod names {
                    pub(super) use super::super::*;
                    use super::__private::{self, ops::*};
                    #(#aliases)*
                }
                #(#contents)*
                #specialised
            }
        };
        let Written { items: types, impls } = union;
        let columns = side_by_side.map(|columns| self.column_layer(&module, &columns));
        Written { items: quote!(#items #types), impls: quote!(#impls #implementation #variants #portable #columns) }
    }

    /// The module of a variant's equation, seen from `names`.
    fn home(&self, variant: &Variant) -> TokenStream {
        if self.ty.is_union() {
            let module = self.module_of(variant);
            quote!(super::#module)
        } else {
            quote!(super)
        }
    }

    fn struct_types(&self, module: &Ident) -> Written {
        let (vis, ident) = (&self.ty.vis, &self.ty.ident);
        let (residual, state) = (self.named("Residual"), self.named("State"));
        let (doc_r, doc_s) = (residual_doc(ident), state_doc(ident));
        let items = quote! {
            #[doc = #doc_r]
            #vis type #residual<'r, R = f32> = #module::Residual<'r, R>;
            #[doc = #doc_s]
            #vis type #state<R = f32> = #module::State<R>;
        };
        Written { items, impls: quote!() }
    }

    fn union_types(&self, module: &Ident) -> Written {
        let (k, p, vis, ident) = (self.k, self.p, &self.ty.vis, &self.ty.ident);
        let (residual, state) = (self.named("Residual"), self.named("State"));
        let (doc_r, doc_s) = (residual_doc(ident), state_doc(ident));
        let names: Vec<_> = self.ty.variants().iter().map(|v| &v.ident).collect();
        let modules: Vec<_> = self.ty.variants().iter().map(|v| self.module_of(v)).collect();
        let docs: Vec<_> = names.iter().map(|name| format!("of `{name}`")).collect();
        let said: Vec<_> = names.iter().map(|name| unraw(name)).collect();
        let unset = self.free_name("Unset");
        let accessors: Vec<_> = self.ty.variants().iter().map(|v| self.accessor_name(v)).collect();
        let items = quote! {
            #[doc = #doc_r]
            #[::core::prelude::v1::derive(::core::clone::Clone, ::core::marker::Copy)]
            #[allow(non_camel_case_types, non_snake_case)]
            #vis enum #residual<'r, R: #k::Real = f32> {
                #(#[doc = #docs] #names(#module::#modules::Residual<'r, R>),)*
            }
            #[doc = #doc_s]
            #[allow(non_camel_case_types, non_snake_case)]
            #vis enum #state<R: #k::Real = f32> {
                /// a sequence starts from zero
                #unset,
                #(#[doc = #docs] #names(#module::#modules::State<R>),)*
            }
        };
        let impls = quote! {
            impl<R: #p::Real> ::core::default::Default for #state<R> {
                fn default() -> Self { Self::#unset }
            }
            impl<R: #p::Real> #p::State<R> for #state<R> {
                const EMPTY: bool = true #(&& <#module::#modules::State<R> as #p::State<R>>::EMPTY)*;
                fn walk(&mut self, path: &mut #p::String, visit: &mut dyn ::core::ops::FnMut(&str, &mut #p::Vec<R>)) {
                    match self {
                        Self::#unset => {}
                        #(Self::#names(state) => #p::State::walk(state, path, visit),)*
                    }
                }
                fn arrays(&mut self, visit: &mut dyn ::core::ops::FnMut(&mut #p::Vec<R>)) {
                    match self {
                        Self::#unset => {}
                        #(Self::#names(state) => #p::State::arrays(state, visit),)*
                    }
                }
            }
            #[allow(unreachable_patterns)]
            impl<R: #p::Real> #state<R> {
                #(fn #accessors(&mut self) -> ::core::result::Result<&mut #module::#modules::State<R>, #p::Error> {
                    if let Self::#unset = self {
                        *self = Self::#names(::core::default::Default::default());
                    }
                    match self {
                        Self::#names(state) => ::core::result::Result::Ok(state),
                        _ => ::core::result::Result::Err(#p::Error::tag(#said, "the state of another variant")),
                    }
                })*
            }
        };
        Written { items, impls }
    }

    fn layer_implementation(&self, module: &Ident) -> TokenStream {
        let (k, ident) = (self.p, &self.ty.ident);
        let (view, cotangent) = (self.named("View"), self.named("Cotangent"));
        let (residual, state) = (self.named("Residual"), self.named("State"));
        let variants = self.ty.variants();
        let first = self.path_to(module, &variants[0]);
        let agreements = variants.iter().skip(1).map(|variant| {
            let path = self.path_to(module, variant);
            let (a, b) = (unraw(&variants[0].ident), unraw(&variant.ident));
            let at = Writer::located(k, variant.span);
            quote::quote_spanned! {variant.span=>
                const _: () = #at::agree(&#first::SIG, #a, &#path::SIG, #b);
            }
        });
        let paths: Vec<_> = variants.iter().map(|v| self.path_to(module, v)).collect();
        let union = self.ty.is_union();
        let arm = |call: &dyn Fn(&Variant, TokenStream, TokenStream) -> TokenStream| -> TokenStream {
            let arms: TokenStream = variants
                .iter()
                .map(|variant| {
                    let names = Self::bindings(variant, "v_");
                    let pattern = self.pattern(&view, variant, &names);
                    let path = self.path_to(module, variant);
                    let members: Vec<_> = variant.fields.iter().map(Field::binding).collect();
                    let marker = members.is_empty().then(|| quote!(marker: ::core::marker::PhantomData));
                    let fields = quote!(#path::Fields { #(#members: #names,)* #marker });
                    let body = call(variant, path, fields);
                    if union { quote!(#pattern => #body,) } else { quote!(let #pattern = view; #body) }
                })
                .collect();
            if union { quote!(match view { #arms }) } else { arms }
        };
        let state_of = |variant: &Variant| {
            let name = self.accessor_name(variant);
            if self.ty.is_union() { quote!(state.#name()?) } else { quote!(state) }
        };
        let bind = arm(&|_, path, fields| quote!(#path::bind::<P>(#fields, sizes)));
        let dims = arm(&|_, path, fields| quote!(#path::dims::<P>(#fields, ins, outs)));
        let forward = arm(&|variant, path, fields| {
            let state = state_of(variant);
            quote!(#path::forward::<R, P>(#fields, ins, outs, #state, scratch))
        });
        let forward_saving = arm(&|variant, path, fields| {
            let (state, name) = (state_of(variant), &variant.ident);
            let run = quote!(#path::forward_saving::<R, P>(#fields, ins, outs, #state, saved, scratch));
            if self.ty.is_union() { quote!(::core::result::Result::Ok(#residual::#name(#run?))) } else { run }
        });
        let vjp: TokenStream = variants
            .iter()
            .map(|variant| {
                let (path, state, accessor) = (self.path_to(module, variant), state_of(variant), self.accessor_name(variant));
                let members: Vec<_> = variant.fields.iter().map(Field::binding).collect();
                let bindings = Self::bindings(variant, "g_");
                let marker = members.is_empty().then(|| quote!(marker: ::core::marker::PhantomData));
                let residual_of = if union { quote!(r) } else { quote!(residual) };
                let run = quote!({
                    let (#(#bindings,)*) = grad.#accessor()?;
                    #path::vjp::<R>(#residual_of, outs, cots, ins, #path::Grad { #(#members: #bindings,)* #marker }, #state, scratch)
                });
                if self.ty.is_union() {
                    let name = &variant.ident;
                    quote!(#residual::#name(r) => #run)
                } else {
                    run
                }
            })
            .collect();
        let vjp = if union { quote!({ match residual { #vjp } }) } else { vjp };
        let (name, said) = (unraw(ident), variants.iter().map(|v| unraw(&v.ident)));
        let tags = variants.iter().map(|v| v.tag);
        let keeps = if union { quote!(&#k::any_keeps(&[#(#paths::KEEPS),*])) } else { quote!(#first::KEEPS) };
        quote! {
            #(#agreements)*
            impl #k::Explained for #ident {
                const NAME: &'static str = #name;
                const EQUATIONS: &'static [(&'static str, u32, #k::Equation)] = &[#((#said, #tags, #paths::EXPLAINED)),*];
            }
            #[allow(unused_variables, unused_parens, non_snake_case, clippy::all)]
            impl #k::Layer for #ident {
                const SIG: #k::Sig = #first::SIG;
                const KEEPS: &'static [bool] = #keeps;
                const KEEPS_OUT: bool = #(#paths::KEEPS_OUT)||*;
                const STEPS: bool = #(#paths::STEPS)&&*;
                type Residual<'r, R: #k::Real> = #residual<'r, R>;
                type State<R: #k::Real> = #state<R>;

                fn bind<P: ::core::marker::Copy + 'static>(view: <Self as #k::Wire>::View<'_, P>, sizes: &mut #k::Sizes) -> ::core::result::Result<(), #k::Error> {
                    #bind
                }
                fn dims<P: ::core::marker::Copy + 'static>(view: <Self as #k::Wire>::View<'_, P>, ins: &[#k::Dims], outs: &mut [#k::Dims]) -> ::core::result::Result<(), #k::Error> {
                    #dims
                }
                fn forward<R: #k::Real, P: #k::Lift<R>>(
                    view: <Self as #k::Wire>::View<'_, P>, ins: &[#k::Input<'_, '_, R>], outs: &mut [&mut [R]], state: &mut #state<R>, scratch: #k::Arena<'_, R>,
                ) -> ::core::result::Result<(), #k::Error> {
                    #forward
                }
                fn forward_saving<'w: 'r, 'r, R: #k::Real, P: #k::Lift<R>>(
                    view: <Self as #k::Wire>::View<'w, P>, ins: &[#k::Input<'r, '_, R>], outs: &mut [&mut [R]], state: &mut #state<R>, saved: &mut #k::Arena<'r, R>, scratch: #k::Arena<'_, R>,
                ) -> ::core::result::Result<#residual<'r, R>, #k::Error> {
                    #forward_saving
                }
                fn vjp<R: #k::Real>(
                    residual: #residual<'_, R>, outs: &[&[R]], cots: &[&[R]], ins: &mut [#k::Slot<'_, R>], grad: &mut #cotangent<R>, state: &mut #state<R>, scratch: #k::Arena<'_, R>,
                ) -> ::core::result::Result<(), #k::Error> #vjp
            }
        }
    }

    /// The residual on the wire.
    fn portable_implementation(&self, module: &Ident) -> TokenStream {
        let (k, ident) = (self.p, &self.ty.ident);
        let (view, residual) = (self.named("View"), self.named("Residual"));
        let variants = self.ty.variants();
        let name = format!("{}Residual", self.ty.wire_name);
        let paths: Vec<_> = variants.iter().map(|variant| self.path_to(module, variant)).collect();
        let reads = variants.iter().zip(&paths).map(|(variant, path)| {
            let names = Self::bindings(variant, "v_");
            let pattern = self.pattern(&view, variant, &names);
            let members: Vec<_> = variant.fields.iter().map(Field::binding).collect();
            let marker = members.is_empty().then(|| quote!(marker: ::core::marker::PhantomData));
            let read = quote!(#path::read_residual(#path::Fields { #(#members: #names,)* #marker }, ins, saved, r));
            if self.ty.is_union() {
                let (variant, said, tag) = (&variant.ident, unraw(&variant.ident), variant.tag);
                quote!(#pattern => {
                    #k::residual::tag(r, #said, #tag)?;
                    let read = #read?;
                    r.close_union();
                    ::core::result::Result::Ok(#residual::#variant(read))
                })
            } else {
                quote!(#pattern => #read,)
            }
        });
        let (octets, schema, write) = if self.ty.is_union() {
            let members = variants.iter().zip(&paths).map(|(variant, path)| {
                let (tag, name) = (
                    proc_macro2::Literal::u32_unsuffixed(variant.tag),
                    format!("{}{}Residual", self.ty.wire_name, unraw(&variant.ident)),
                );
                quote!((#path::residual_fields(types).define(#name, types), #tag))
            });
            let writes = variants.iter().zip(&paths).map(|(variant, path)| {
                let (name, tag) = (&variant.ident, variant.tag);
                quote!(#residual::#name(r) => { w.open_union(#tag); #path::write_residual(r, w); w.close_union(); })
            });
            (
                quote!(true),
                quote!(let members = [#(#members),*]; types.define(#name, #k::TypeRef::tagged_union(members))),
                quote!(match residual { #(#writes)* }),
            )
        } else {
            (
                quote!(#module::HAS_OCTETS),
                quote!(#module::residual_fields(types).define(#name, types)),
                quote!(#module::write_residual(residual, w)),
            )
        };
        quote! {
            #[allow(unused_variables, non_snake_case, clippy::all)]
            impl #k::residual::PortableLayer for #ident {
                const HAS_OCTETS: bool = #octets;
                fn residual_schema(types: &mut #k::SchemaBuilder) -> #k::TypeRef { #schema }
                fn write_residual(residual: #residual<'_, #k::f32>, w: &mut #k::Writer) { #write }
                fn read_residual<'w: 'r, 'r>(
                    view: <Self as #k::Wire>::View<'w, #k::f32>, ins: &[#k::Input<'r, 'r, #k::f32>], saved: &mut #k::Arena<'r, #k::f32>, r: &mut #k::Reader<'r>,
                ) -> ::core::result::Result<#residual<'r, #k::f32>, #k::Error> {
                    match view { #(#reads)* }
                }
            }
        }
    }

    pub(super) fn path_to(&self, module: &Ident, variant: &Variant) -> TokenStream {
        if self.ty.is_union() {
            let name = self.module_of(variant);
            quote!(#module::#name)
        } else {
            quote!(#module)
        }
    }

    /// After a mistake in an equation: an implementation that never runs, so that nothing else turns red.
    pub(super) fn stub_layer(&self) -> TokenStream {
        let (k, ident) = (self.k, &self.ty.ident);
        let portable = self.ty.portable.is_some().then(|| quote!(#k::impl_stub_portable!(#ident);));
        quote!(#k::impl_stub_layer!(#ident); #portable)
    }
}

/// An equation of this type, or one of a function.
enum Equation<'a> {
    Own(Box<Writer<'a>>),
    Shared(&'a syn::Path),
}

/// The module that `#[differentiable]` wrote beside a function: `path::to::f` has `path::to::f_equation`.
fn equation_module(path: &syn::Path) -> syn::Path {
    let mut module = path.clone();
    if let Some(last) = module.segments.last_mut() {
        last.ident = format_ident!("{}_equation", last.ident);
    }
    module
}

/// Programs that run again in the backward pass, and what stands in their place.
pub(super) fn running_again(k: &TokenStream, programs: TokenStream, explained: TokenStream) -> TokenStream {
    quote! {
        /// The programs that run again in the backward pass.
        pub mod again { use super::{__private, names}; #programs }
        use again::*;
        #k::recompute!();
        #explained
    }
}

/// The items of a module whose equation is that of a function: the fields are handed over by name. `portable` is the function's path
/// where the residual goes to the wire.
fn shared_programs(k: &TokenStream, prefix: &str, fields: &[Field], portable: Option<&syn::Path>) -> TokenStream {
    let shared = format_ident!("{prefix}E");
    let members: Vec<_> = fields.iter().map(Field::binding).collect();
    let types: Vec<_> = (0..fields.len()).map(|i| format_ident!("{prefix}F{i}")).collect();
    let marker_fields = members.is_empty().then(|| quote!(pub marker: ::core::marker::PhantomData<(&'w (), P)>));
    let marker_grad = members.is_empty().then(|| quote!(pub marker: ::core::marker::PhantomData<&'g R>));
    let marker = members.is_empty().then(|| quote!(marker: ::core::marker::PhantomData));
    let theirs = quote!(names::#shared::Fields { #(#members: view.#members,)* #marker });
    let on_the_wire = portable.map(|path| {
        let (named, function) = (format_ident!("{prefix}N"), format_ident!("{prefix}W"));
        let span = path.segments.last().map_or_else(Span::call_site, |last| last.ident.span());
        let travels = Writer::located(&quote!(#k::residual::op_travels::<names::#named>()), span);
        let op = quote!(<names::#function as #k::residual::PortableOp>);
        quote! {
            /// Whether the function's residual can travel.
            pub const TRAVELS: bool = #travels;
            /// Whether the residual has octets on the wire.
            pub const HAS_OCTETS: bool = #op::HAS_OCTETS;
            /// Fields of the residual in a schema.
            pub fn residual_fields(types: &mut #k::SchemaBuilder) -> #k::residual::Fields {
                #op::fields(types)
            }
            /// Appends what the residual holds beside parameters and inputs.
            pub fn write_residual(r: Residual<'_, #k::f32>, w: &mut #k::Writer) {
                #op::write(r, &mut #k::residual::Outgoing::new(w))
            }
            /// The residual of a pass that ran elsewhere.
            pub fn read_residual<'w: 'r, 'r>(
                view: Fields<'w, #k::f32>, ins: &[#k::Input<'r, 'r, #k::f32>], saved: &mut #k::Arena<'r, #k::f32>, from: &mut #k::Reader<'r>,
            ) -> ::core::result::Result<Residual<'r, #k::f32>, #k::Error> {
                #op::read(names::#shared::arguments(#theirs, ins)?, &mut #k::residual::Arrays::new(from, saved))
            }
        }
    });
    quote! {
        pub use names::#shared::{EXPLAINED, KEEPS, KEEPS_OUT, Residual, SIG, STEPS, State};
        /// The fields, borrowed.
        #[::core::prelude::v1::derive(::core::clone::Clone, ::core::marker::Copy)]
        pub struct Fields<'w, P: ::core::marker::Copy + 'static = f32> {
            #(pub #members: <names::#types as #k::Wire>::View<'w, P>,)* #marker_fields
        }
        /// The gradients of the fields.
        pub struct Grad<'g, R: #k::Real> {
            #(pub #members: &'g mut <names::#types as #k::Part>::Grad<R>,)* #marker_grad
        }
        /// Binds the sizes of the fields' axes.
        pub fn bind<P: ::core::marker::Copy + 'static>(view: Fields<'_, P>, sizes: &mut #k::Sizes) -> ::core::result::Result<(), #k::Error> {
            names::#shared::bind::<P>(#theirs, sizes)
        }
        /// Sizes of the results.
        pub fn dims<P: ::core::marker::Copy + 'static>(view: Fields<'_, P>, ins: &[#k::Dims], outs: &mut [#k::Dims]) -> ::core::result::Result<(), #k::Error> {
            names::#shared::dims::<P>(#theirs, ins, outs)
        }
        /// The forward pass.
        pub fn forward<R: #k::Real, P: #k::Lift<R>>(
            view: Fields<'_, P>, ins: &[#k::Input<'_, '_, R>], outs: &mut [&mut [R]], state: &mut State<R>, scratch: #k::Arena<'_, R>,
        ) -> ::core::result::Result<(), #k::Error> {
            names::#shared::forward::<R, P>(#theirs, ins, outs, state, scratch)
        }
        /// The forward pass that keeps what the backward pass needs.
        pub fn forward_saving<'w: 'r, 'r, R: #k::Real, P: #k::Lift<R>>(
            view: Fields<'w, P>, ins: &[#k::Input<'r, '_, R>], outs: &mut [&mut [R]], state: &mut State<R>, saved: &mut #k::Arena<'r, R>, scratch: #k::Arena<'_, R>,
        ) -> ::core::result::Result<Residual<'r, R>, #k::Error> {
            names::#shared::forward_saving::<R, P>(#theirs, ins, outs, state, saved, scratch)
        }
        /// The backward pass.
        pub fn vjp<R: #k::Real>(
            r: Residual<'_, R>, outs: &[&[R]], cots: &[&[R]], ins: &mut [#k::Slot<'_, R>], grad: Grad<'_, R>, state: &mut State<R>, scratch: #k::Arena<'_, R>,
        ) -> ::core::result::Result<(), #k::Error> {
            names::#shared::vjp::<R>(r, outs, cots, ins, names::#shared::Grad { #(#members: grad.#members,)* #marker }, state, scratch)
        }
        #on_the_wire
    }
}

/// The items of one equation's module.
pub(super) fn programs_of(k: &TokenStream, prefix: &str, fields: &[Field], writer: &Writer<'_>) -> TokenStream {
    let members: Vec<_> = fields.iter().map(Field::binding).collect();
    let types: Vec<_> = (0..fields.len()).map(|i| format_ident!("{prefix}F{i}")).collect();
    let marker_fields = members.is_empty().then(|| quote!(pub marker: ::core::marker::PhantomData<(&'w (), P)>));
    let marker_grad = members.is_empty().then(|| quote!(pub marker: ::core::marker::PhantomData<&'g R>));
    let (residual, residual_types): (Vec<_>, Vec<_>) = writer.residual_fields().into_iter().unzip();
    let (state, state_types): (Vec<_>, Vec<_>) = writer.state_fields().into_iter().unzip();
    let no_residual = residual_types.iter().all(|ty| ty.to_string() == "usize");
    let marker_residual = no_residual.then(|| quote!(marker: ::core::marker::PhantomData<&'r R>));
    let marker_state = state.is_empty().then(|| quote!(marker: ::core::marker::PhantomData<R>));
    let marker = state.is_empty().then(|| quote!(marker: ::core::marker::PhantomData));
    let state_names = state.iter().map(unraw);
    let (constants, elements) = (writer.constants(), writer.elements());
    let (bind, dims) = (writer.bind(), writer.dims());
    let (forward, forward_saving, vjp) = (writer.forward(false), writer.forward(true), writer.vjp());
    let on_the_wire = writer.on_the_wire();
    quote! {
        /// The fields, borrowed.
        #[::core::prelude::v1::derive(::core::clone::Clone, ::core::marker::Copy)]
        pub struct Fields<'w, P: ::core::marker::Copy + 'static = f32> {
            #(pub #members: <names::#types as #k::Wire>::View<'w, P>,)* #marker_fields
        }
        /// The gradients of the fields.
        pub struct Grad<'g, R: #k::Real> {
            #(pub #members: &'g mut <names::#types as #k::Part>::Grad<R>,)* #marker_grad
        }
        /// What the backward pass needs.
        #[::core::prelude::v1::derive(::core::clone::Clone, ::core::marker::Copy)]
        pub struct Residual<'r, R: #k::Real> {
            #(pub #residual: #residual_types,)* #marker_residual
        }
        /// What is carried along time.
        pub struct State<R: #k::Real = f32> {
            #(pub #state: #state_types,)* #marker_state
        }
        impl<R: #k::Real> ::core::default::Default for State<R> {
            fn default() -> Self {
                State { #(#state: ::core::default::Default::default(),)* #marker }
            }
        }
        impl<R: #k::Real> #k::State<R> for State<R> {
            const EMPTY: bool = true #(&& <#state_types as #k::State<R>>::EMPTY)*;
            fn walk(&mut self, path: &mut #k::String, visit: &mut dyn ::core::ops::FnMut(&str, &mut #k::Vec<R>)) {
                #(#k::descend(path, #state_names, |path| #k::State::walk(&mut self.#state, path, visit));)*
            }
            fn arrays(&mut self, visit: &mut dyn ::core::ops::FnMut(&mut #k::Vec<R>)) {
                #(#k::State::arrays(&mut self.#state, visit);)*
            }
        }
        #constants
        #elements
        /// Binds the sizes of the fields' axes.
        pub fn bind<P: ::core::marker::Copy + 'static>(view: Fields<'_, P>, sizes: &mut #k::Sizes) -> ::core::result::Result<(), #k::Error> {
            #bind
            ::core::result::Result::Ok(())
        }
        /// Sizes of the results.
        pub fn dims<P: ::core::marker::Copy + 'static>(view: Fields<'_, P>, ins: &[#k::Dims], outs: &mut [#k::Dims]) -> ::core::result::Result<(), #k::Error> {
            #dims
            ::core::result::Result::Ok(())
        }
        /// The forward pass.
        pub fn forward<R: #k::Real, P: #k::Lift<R>>(
            view: Fields<'_, P>, ins: &[#k::Input<'_, '_, R>], outs: &mut [&mut [R]], state: &mut State<R>, mut scratch: #k::Arena<'_, R>,
        ) -> ::core::result::Result<(), #k::Error> { #forward }
        /// The forward pass that keeps what the backward pass needs.
        pub fn forward_saving<'w: 'r, 'r, R: #k::Real, P: #k::Lift<R>>(
            view: Fields<'w, P>, ins: &[#k::Input<'r, '_, R>], outs: &mut [&mut [R]], state: &mut State<R>, saved: &mut #k::Arena<'r, R>, mut scratch: #k::Arena<'_, R>,
        ) -> ::core::result::Result<Residual<'r, R>, #k::Error> { #forward_saving }
        /// The backward pass.
        pub fn vjp<R: #k::Real>(
            r: Residual<'_, R>, outs: &[&[R]], cots: &[&[R]], ins: &mut [#k::Slot<'_, R>], mut grad: Grad<'_, R>, state: &mut State<R>, mut scratch: #k::Arena<'_, R>,
        ) -> ::core::result::Result<(), #k::Error> { #vjp }
        #on_the_wire
    }
}

fn residual_doc(ident: &Ident) -> String {
    format!("What the backward pass of [`{ident}`] needs of its forward pass.")
}

fn state_doc(ident: &Ident) -> String {
    format!("What [`{ident}`] carries along time.")
}
