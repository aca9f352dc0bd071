//! Writes what every derived type is as a part of a model: its cotangent, and how its fields and their gradients are taken apart.
//!
//! For `enum Weight { Dense { values: Matrix<f32> }, Scaled(f32) }` the result is
//!
//! ```text
//! enum WeightCotangent<R = f32> { Zero, Dense { values: <Matrix<f32> as Part>::Grad<R> }, Scaled(<f32 as Part>::Grad<R>), .. }
//!
//! // in the block of the layout, which has `__F0`
//! impl __private::Derived for Weight {
//!     type Cotangent<R> = WeightCotangent<R>;
//!     const PARTS = &[__private::PartEntry::new(0, "Dense", &["values"]), ..];
//!     fn fit(grad, tag) { if let WeightCotangent::Zero = grad { *grad = match tag { 0 => .., _ => return } } }
//!     fn update(view, grad, v) {
//!         match (view, grad) {
//!             (WeightViewMut::Dense { values: f0 }, WeightCotangent::Dense { values: g0 }) => <__F0 as __private::PartFields>::update((f0,), (g0,), v),
//!             ..
//!             _ => v.mismatch(),
//!         }
//!     }
//!     ..
//! }
//! ```
//!
//! As in the layout, a variant's fields go to the core as one tuple.

use proc_macro2::{Ident, Literal, TokenStream};
use quote::{format_ident, quote, quote_spanned};

use super::layout::Expander;
use crate::ast::{Role, Style, TypeKind, Variant, unraw};

impl Expander<'_> {
    /// The type, which the user names.
    pub(super) fn cotangent(&self) -> TokenStream {
        let (p, vis, ident, real) = (&self.p, &self.ty.vis, &self.ty.ident, &self.layout.real);
        let (name, none) = (&self.layout.cotangent, self.zero());
        let body = |variant: &Variant, in_struct: bool| {
            let fields = variant.fields.iter().map(|field| {
                let (ty, vis) = (&field.ty, in_struct.then_some(&field.vis));
                let name = match &field.member {
                    syn::Member::Named(ident) => Some(quote!(#ident:)),
                    syn::Member::Unnamed(_) => None,
                };
                quote!(#vis #name <#ty as #p::Part>::Grad<#real>)
            });
            match variant.style {
                Style::Unit => quote!(),
                Style::Tuple => quote!((#(#fields),*)),
                Style::Named => quote!({ #(#fields),* }),
            }
        };
        let item = match &self.ty.kind {
            TypeKind::Struct(only) => {
                let (end, body) = ((only.style != Style::Named).then(|| quote!(;)), body(only, true));
                quote!(#vis struct #name<#real: #p::Real = #p::f32> #body #end)
            }
            TypeKind::Union(variants) => {
                let variants = variants.iter().map(|variant| {
                    let (name, body) = (&variant.ident, body(variant, false));
                    let doc = format!("of `{name}`");
                    quote!(#[doc = #doc] #name #body)
                });
                // a union without any number in it still has the parameter
                quote! {
                    #vis enum #name<#real: #p::Real = #p::f32> {
                        /// no contribution yet
                        #none,
                        #(#variants,)*
                        #[doc(hidden)]
                        __Scalar(#p::Never<#real>),
                    }
                }
            }
        };
        let doc = format!("Gradient of a [`{ident}`], and a point or direction of its parameter space.");
        quote!(#[doc = #doc] #[allow(missing_docs, non_camel_case_types, non_snake_case)] #item)
    }

    /// The variant of a union's cotangent that has no contribution yet.
    fn zero(&self) -> Ident {
        let mut name = String::from("Zero");
        while self.ty.variants().iter().any(|variant| unraw(&variant.ident) == name) {
            name.push('_');
        }
        format_ident!("{name}")
    }

    /// What makes it a part.
    pub(super) fn derived(&self) -> TokenStream {
        let (ident, cotangent, real) = (&self.ty.ident, &self.layout.cotangent, &self.layout.real);
        let bodies = if self.stub { Bodies::stub() } else { self.part_bodies() };
        let Bodies { table, tag, tag_mut, tag_grad, fit, read, update, grads, points, add, default } = bodies;
        quote! {
            impl<#real: __private::Real> __private::Default for #cotangent<#real> {
                #[inline]
                fn default() -> Self { #default }
            }
            #[automatically_derived]
            #[allow(unused_variables, unreachable_patterns, clippy::all)]
            impl __private::Derived for #ident {
                type Cotangent<R: __private::Real> = #cotangent<R>;
                const PARTS: &'static [__private::PartEntry] = #table;
                fn tag_of<P: __private::Copy + 'static>(view: &<Self as __private::Wire>::View<'_, P>) -> __private::u32 {
                    #tag
                }
                #[inline]
                fn tag_of_mut(view: &<Self as __private::Wire>::ViewMut<'_>) -> __private::u32 {
                    #tag_mut
                }
                fn tag_of_grad<R: __private::Real>(grad: &#cotangent<R>) -> __private::Option<__private::u32> {
                    #tag_grad
                }
                fn fit<#real: __private::Real>(grad: &mut #cotangent<#real>, tag: __private::u32) {
                    #fit
                }
                fn visit<R: __private::Real, P: __private::Lift<R>>(
                    view: <Self as __private::Wire>::View<'_, P>,
                    grad: &mut #cotangent<R>,
                    v: &mut __private::Visit<__private::Read<'_, R>>,
                ) -> __private::Result<(), __private::Error> {
                    #read
                }
                #[inline]
                fn update(
                    view: <Self as __private::Wire>::ViewMut<'_>,
                    grad: &mut #cotangent<__private::f32>,
                    v: &mut __private::Visit<__private::Update<'_>>,
                ) -> __private::Result<(), __private::Error> {
                    #update
                }
                fn grads<R: __private::Real>(grad: &mut #cotangent<R>, v: &mut __private::Visit<__private::Grads<'_, R>>) {
                    #grads
                }
                fn points<'o, 'w: 'o, R: __private::Real, P: __private::Lift<R>>(
                    view: <Self as __private::Wire>::View<'w, P>,
                    point: &'o #cotangent<R>,
                    v: &mut __private::Visit<__private::Points<'o>>,
                ) -> __private::Result<<Self as __private::Wire>::View<'o, R>, __private::Error> {
                    #points
                }
                fn add<R: __private::Real>(
                    grad: &mut #cotangent<R>,
                    other: &#cotangent<R>,
                    v: &__private::Visit<()>,
                ) -> __private::Result<(), __private::Error> {
                    #add
                }
            }
        }
    }

    fn part_bodies(&self) -> Bodies {
        let (view, view_mut, cotangent) = (&self.layout.view, &self.layout.view_mut, &self.layout.cotangent);
        let (tag, tag_mut, tag_grad, fit, default) = match &self.ty.kind {
            TypeKind::Union(_) => {
                let zero = self.zero();
                let (tag_mut, grads) = (self.tags(view_mut), self.tags(cotangent));
                let tag_grad = quote!(__private::Some(match grad { #grads _ => return __private::None }));
                (quote!(view.tag()), quote!(match view { #tag_mut }), tag_grad, self.fit(), quote!(Self::#zero))
            }
            TypeKind::Struct(only) => {
                let default = self.empty(0, only, &quote!(Self));
                (quote!(0), quote!(0), quote!(__private::Some(0)), quote!(), default)
            }
        };
        let read = self.beside(quote!((view, grad)), view, quote!(v.mismatch()), &|i, variant, fields, grads| {
            let of = self.part_fields(i, variant, quote!(visit::<R, P>));
            quote!(#of(#fields, #grads, v))
        });
        let update = self.beside(quote!((view, grad)), view_mut, quote!(v.mismatch()), &|i, variant, fields, grads| {
            self.update(i, variant, fields, grads)
        });
        let add = self.beside(quote!((other, grad)), cotangent, quote!(v.mismatch()), &|i, variant, others, grads| {
            let of = self.part_fields(i, variant, quote!(add::<R>));
            quote!(#of(#grads, #others))
        });
        let points =
            self.beside(quote!((view, point)), view, quote!(v.other_point()), &|i, variant, fields, points| {
                let of = self.part_fields(i, variant, quote!(points::<R, P>));
                let value = self.pattern(&quote!(#view), variant);
                quote! {
                    match #of(#fields, #points, v) {
                        __private::Ok(#fields) => __private::Ok(#value),
                        __private::Err(error) => __private::Err(error),
                    }
                }
            });
        Bodies {
            table: self.part_table(),
            tag,
            tag_mut,
            tag_grad,
            fit,
            read,
            update,
            grads: self.grads(),
            points,
            add,
            default,
        }
    }

    fn part_table(&self) -> TokenStream {
        let entries = self.ty.variants().iter().map(|variant| {
            let (tag, name) = (Literal::u32_unsuffixed(self.tag_of(variant)), unraw(&variant.ident));
            let names = variant.fields.iter().map(|field| field.name());
            let numbers = |which: &dyn Fn(usize) -> bool| -> Vec<Literal> {
                (0..variant.fields.len()).filter(|i| which(*i)).map(Literal::usize_unsuffixed).collect()
            };
            let fixed = numbers(&|i| variant.fields[i].role == Some(Role::Fixed));
            let fixed = (!fixed.is_empty()).then(|| quote!(.fixed(&[#(#fixed),*])));
            let scales = numbers(&|i| {
                variant.fields.iter().flat_map(|field| &field.scaled_by).any(|s| unraw(s) == variant.fields[i].name())
            });
            let scales = (!scales.is_empty()).then(|| quote!(.digit_scales(&[#(#scales),*])));
            quote!(__private::PartEntry::new(#tag, #name, &[#(#names),*])#fixed #scales)
        });
        quote!(&[#(#entries),*])
    }

    /// `<__F0 as __private::PartFields>::ITEM`
    fn part_fields(&self, number: usize, variant: &Variant, item: TokenStream) -> TokenStream {
        if Self::is_tuple(variant) {
            return self.fields_of(number, variant, &quote!(PartFields), &item);
        }
        // what the layout has no name for: no field, or an unknown member
        let types = variant.fields.iter().map(|field| &field.ty);
        quote!(<(#(#types,)*) as __private::PartFields>::#item)
    }

    /// A variant of the cotangent without contributions.
    fn empty(&self, number: usize, variant: &Variant, of: &TokenStream) -> TokenStream {
        if variant.fields.is_empty() {
            return self.with_fields(of, variant, core::iter::empty());
        }
        let real = &self.layout.real;
        let values = variant.fields.iter().zip(Self::bindings(variant)).map(|(field, binding)| match &field.gradient {
            // the word's span, so that a type without this representation is reported there
            Some(word) => {
                let ty = &field.ty;
                quote_spanned!(word.span()=> <#ty as __private::HeldAs<__private::held::#word>>::held::<#real>())
            }
            None => quote!(#binding),
        });
        let value = self.with_fields(of, variant, values);
        let (zero, names) = (self.part_fields(number, variant, quote!(zero::<#real>)), Self::tuple(variant));
        quote!({ let #names = #zero(); #value })
    }

    /// The body of `fit`.
    fn fit(&self) -> TokenStream {
        let (cotangent, zero) = (&self.layout.cotangent, self.zero());
        let of = quote!(#cotangent);
        let values = self.ty.listed().enumerate().map(|(i, variant)| {
            let (tag, value) = (Literal::u32_unsuffixed(variant.tag), self.empty(i, variant, &of));
            quote!(#tag => #value,)
        });
        let rest = match self.ty.unknown() {
            Some(variant) => self.empty(0, variant, &of),
            None => quote!(return),
        };
        quote! {
            if let #cotangent::#zero = grad {
                *grad = match tag { #(#values)* _ => #rest };
            }
        }
    }

    /// Arms that give the tag.
    fn tags(&self, of: &Ident) -> TokenStream {
        let arms = self.ty.variants().iter().map(|variant| {
            let (ident, tag) = (&variant.ident, Literal::u32_unsuffixed(self.tag_of(variant)));
            quote!(#of::#ident { .. } => #tag,)
        });
        arms.collect()
    }

    /// The tag; of the variant that keeps unknown members, one that nothing else has.
    fn tag_of(&self, variant: &Variant) -> u32 {
        if !variant.unknown {
            return variant.tag;
        }
        let free = |tag: &u32| self.ty.listed().all(|listed| listed.tag != *tag);
        (0..).find(free).unwrap_or_default()
    }

    /// `match (view, grad)`, with what `body` makes of each variant's fields and their gradients; `rest` for two variants.
    fn beside(
        &self,
        both: TokenStream,
        view: &Ident,
        rest: TokenStream,
        body: &dyn Fn(usize, &Variant, TokenStream, TokenStream) -> TokenStream,
    ) -> TokenStream {
        let (view, cotangent) = (quote!(#view), &self.layout.cotangent);
        let cotangent = quote!(#cotangent);
        let arms = self.ty.variants().iter().enumerate().map(|(i, variant)| {
            let (from, to) = (self.pattern(&view, variant), self.pattern_of(&cotangent, variant, "g"));
            let body = body(i, variant, Self::tuple(variant), Self::tuple_of(variant, "g"));
            quote!((#from, #to) => #body,)
        });
        let rest = self.ty.is_union().then(|| quote!(_ => #rest,));
        quote!(match #both { #(#arms)* #rest })
    }

    fn update(&self, number: usize, variant: &Variant, fields: TokenStream, grads: TokenStream) -> TokenStream {
        if variant.fields.iter().all(|field| field.scaled_by.is_none()) {
            let of = self.part_fields(number, variant, quote!(update));
            return quote!(#of(#fields, #grads, v));
        }
        // digits are lent together with their scale, which is lent alone, too
        let names: Vec<_> = Self::bindings(variant).collect();
        let steps = variant.fields.iter().enumerate().zip(Self::names(variant, "g")).map(|((i, field), grad)| {
            let (ty, name, i) = (&field.ty, &names[i], Literal::usize_unsuffixed(i));
            let scale = field.scaled_by.as_ref().and_then(|scale| {
                variant.fields.iter().position(|sibling| sibling.name() == unraw(scale)).map(|at| &names[at])
            });
            match scale {
                Some(scale) => quote!(v.scaled::<#ty>(#i, #name, #scale, #grad)?;),
                None => quote!(v.field::<#ty>(#i, #name, #grad)?;),
            }
        });
        quote!({ #(#steps)* __private::Ok(()) })
    }

    /// The body of `grads`.
    fn grads(&self) -> TokenStream {
        let cotangent = &self.layout.cotangent;
        let cotangent = quote!(#cotangent);
        let arms = self.ty.variants().iter().enumerate().filter(|(_, variant)| !variant.fields.is_empty()).map(
            |(i, variant)| {
                let of = self.part_fields(i, variant, quote!(grads::<R>));
                let (pattern, grads) = (self.pattern_of(&cotangent, variant, "g"), Self::tuple_of(variant, "g"));
                quote!(#pattern => #of(#grads, v),)
            },
        );
        let rest = self.ty.is_union().then(|| quote!(_ => {}));
        quote!(match grad { #(#arms)* #rest })
    }

    /// The gradients of each variant's fields, under these names.
    pub(super) fn accessors<'a>(&self, variants: impl Iterator<Item = (Ident, &'a Variant)>) -> TokenStream {
        let (ident, cotangent, real) = (&self.ty.ident, &self.layout.cotangent, &self.layout.real);
        let accessors = variants.map(|(name, variant)| {
            let types = variant.fields.iter().map(|field| {
                let ty = &field.ty;
                quote!(&mut <#ty as __private::Part>::Grad<#real>)
            });
            let (pattern, names) = (self.pattern_of(&quote!(#cotangent), variant, "g"), Self::names(variant, "g"));
            let values = quote!((#(#names,)*));
            let body = if self.ty.is_union() {
                let tag = Literal::u32_unsuffixed(variant.tag);
                quote! {
                    <#ident as __private::Derived>::fit(self, #tag);
                    match self {
                        #pattern => __private::Ok(#values),
                        _ => __private::other_gradient::<#ident, _>(#tag),
                    }
                }
            } else {
                quote!(let #pattern = self; __private::Ok(#values))
            };
            quote! {
                #[inline]
                fn #name(&mut self) -> __private::Result<(#(#types,)*), __private::Error> { #body }
            }
        });
        quote! {
            #[allow(dead_code, unused_parens, unreachable_patterns, non_snake_case, clippy::all)]
            impl<#real: __private::Real> #cotangent<#real> { #(#accessors)* }
        }
    }
}

/// What stands in an implementation of `Derived`, and of `Default` for the cotangent.
struct Bodies {
    table: TokenStream,
    tag: TokenStream,
    tag_mut: TokenStream,
    tag_grad: TokenStream,
    fit: TokenStream,
    read: TokenStream,
    update: TokenStream,
    grads: TokenStream,
    points: TokenStream,
    add: TokenStream,
    default: TokenStream,
}

impl Bodies {
    fn stub() -> Self {
        let stub = || quote!(__private::stub());
        Bodies {
            table: quote!(&[]),
            tag: stub(),
            tag_mut: stub(),
            tag_grad: stub(),
            fit: stub(),
            read: stub(),
            update: stub(),
            grads: stub(),
            points: stub(),
            add: stub(),
            default: stub(),
        }
    }
}
