//! Writes the layout half: views, codec, schema. Constants and calls only; what they call is compiled once, in the core.
//!
//! For
//!
//! ```text
//! #[derive(BareUnion)]
//! enum Weight { Dense { values: Matrix<f32> }, Scaled(f32) }
//! ```
//!
//! the result is
//!
//! ```text
//! enum WeightView<'w, P = f32> { Dense { values: <Matrix<f32> as Wire>::View<'w, P> }, Scaled(..) }
//! enum WeightViewMut<'w> { .. }
//! const _: () = {
//!     use ::barewire::__private;
//!     type __F0 = (Matrix<f32>,);
//!     const __VARIANTS: &[__private::VariantEntry] = &[__private::variant::<__F0>(0, "Dense", ..), ..];
//!     impl __private::Wire for Weight {
//!         type View<'w, P> = WeightView<'w, P>;
//!         const MIN_LEN: usize = __private::min_len(__VARIANTS);
//!         fn schema(types) { __private::union_schema(types, "Weight", __VARIANTS) }
//!         fn encode(&self, w) { match self { Self::Dense { values: f0 } => { w.open_union(0); <__F0 as __private::Fields>::encode(&__VARIANTS[0], 0, (f0,), w); } .. } w.close_union() }
//!         fn decode(r) { .. match tag { 0 => match <__F0 as __private::Fields>::decode(&__VARIANTS[0], 0, r) { Ok((f0,)) => Self::Dense { values: f0 }, Err(e) => return Err(e) }, .. } .. }
//!         ..
//!     }
//! };
//! ```
//!
//! A variant's fields go to the core as one tuple, since what rustc does for an expression costs far more than what it does for a
//! type; and functions are `#[inline]`, so that those which a program does not use are read and never compiled.

use proc_macro2::{Group, Ident, Literal, Span, TokenStream, TokenTree};
use quote::{format_ident, quote, quote_spanned};
use syn::spanned::Spanned;

use crate::ast::{Field, Style, Type, TypeKind, Variant, unraw};
use crate::layout::{self, Layout};

/// Where the values of fields come from, and what is made of them.
#[derive(Clone, Copy)]
enum From {
    /// `decode`: an owned value
    Octets,
    /// `read`: a view
    View,
    /// `read_mut`: a mutable view
    ViewMut,
}

/// The largest tuple that the core knows; more fields are several.
const TUPLE: usize = 12;

/// The same tokens, elsewhere.
pub(super) fn at(span: Span, tokens: TokenStream) -> TokenStream {
    let moved = tokens.into_iter().map(|mut token| {
        if let TokenTree::Group(group) = &token {
            token = TokenTree::Group(Group::new(group.delimiter(), at(span, group.stream())));
        }
        // names keep meaning what they mean where they were written
        token.set_span(token.span().located_at(span));
        token
    });
    moved.collect()
}

/// `(a, b,)`; of more than a tuple has, what `more` makes of the first ones and the others.
fn nested(items: &[TokenStream], more: &dyn Fn(TokenStream, TokenStream) -> TokenStream) -> TokenStream {
    if items.len() <= TUPLE {
        return quote!((#(#items,)*));
    }
    let (first, others) = items.split_at(TUPLE);
    more(quote!((#(#first,)*)), nested(others, more))
}

/// One type's writer.
pub(crate) struct Expander<'a> {
    pub(super) ty: &'a Type,
    pub(super) layout: Layout,
    /// `::barewire::__private`
    pub(super) p: TokenStream,
    /// with mistakes reported: bodies that never run
    pub(super) stub: bool,
}

impl<'a> Expander<'a> {
    pub(crate) fn new(ty: &'a Type, stub: bool) -> Self {
        let root = &ty.crate_path;
        Self { ty, layout: Layout::of(ty), p: quote!(#root::__private), stub }
    }

    /// All items, with the impls of the math half in the same block.
    pub(crate) fn expand(&self, math: TokenStream) -> TokenStream {
        let items = self.views();
        let runs = if self.has_runs() { self.run_items() } else { TokenStream::new() };
        let (tuples, view_impls, wire) = (self.tuples(), self.view_impls(), self.wire());
        let union = if self.ty.is_union() { self.union() } else { TokenStream::new() };
        let fixed = if self.ty.fixed_size { self.fixed() } else { TokenStream::new() };
        let (ident, p) = (&self.ty.ident, &self.p);
        quote! {
            #items
            #runs
            const _: () = {
                use #p;
                #tuples
                #view_impls
                #wire
                #[automatically_derived]
                impl __private::Element for #ident {
                    type Kind = __private::Walked;
                }
                #union
                #fixed
                #math
            };
        }
    }

    /// `Self::Name`, or `Self` for a struct.
    fn constructor(&self, of: &TokenStream, variant: &Variant) -> TokenStream {
        let ident = &variant.ident;
        if self.ty.is_union() { quote!(#of::#ident) } else { quote!(#of) }
    }

    /// A literal, or a pattern, of a variant: `Self::Dense { values: A }`, `Self::Pair(A, B)`, `Self::Unit {}`.
    pub(super) fn with_fields(
        &self,
        of: &TokenStream,
        variant: &Variant,
        values: impl Iterator<Item = TokenStream>,
    ) -> TokenStream {
        let path = self.constructor(of, variant);
        match variant.style {
            Style::Unit => quote!(#path {}),
            Style::Tuple => quote!(#path(#(#values),*)),
            Style::Named => {
                let members = variant.fields.iter().map(|field| &field.member);
                quote!(#path { #(#members: #values),* })
            }
        }
    }

    /// `f0`, `f1`, for the letter `f`.
    pub(super) fn names(variant: &Variant, letter: &'static str) -> impl Iterator<Item = Ident> {
        (0..variant.fields.len()).map(move |i| Ident::new(&format!("{letter}{i}"), Span::mixed_site()))
    }

    pub(super) fn bindings(variant: &Variant) -> impl Iterator<Item = Ident> {
        Self::names(variant, "f")
    }

    /// `Self::Dense { values: f0 }`
    pub(super) fn pattern(&self, of: &TokenStream, variant: &Variant) -> TokenStream {
        self.pattern_of(of, variant, "f")
    }

    /// The same with another letter.
    pub(super) fn pattern_of(&self, of: &TokenStream, variant: &Variant, letter: &'static str) -> TokenStream {
        self.with_fields(of, variant, Self::names(variant, letter).map(|binding| quote!(#binding)))
    }

    /// `<T as Wire>::ITEM`, all of it at `T`'s place, so that rustc reports a missing `Wire` there.
    pub(super) fn wire_of(&self, field: &Field, item: TokenStream) -> TokenStream {
        let (ty, p) = (&field.ty, &self.p);
        if layout::is_well_known(ty) {
            return quote!(<#ty as #p::Wire>::#item);
        }
        let (p, item) = (at(ty.span(), p.clone()), at(ty.span(), item));
        quote_spanned!(ty.span()=> <#ty as #p::Wire>::#item)
    }

    // ------------------------------------------------------------------------------------------------ fields as tuples

    /// Whether a variant has fields that the core handles as a tuple.
    pub(super) fn is_tuple(variant: &Variant) -> bool {
        !variant.unknown && !variant.fields.is_empty()
    }

    /// `(f0, f1,)`
    pub(super) fn tuple(variant: &Variant) -> TokenStream {
        Self::tuple_of(variant, "f")
    }

    /// The same with another letter.
    pub(super) fn tuple_of(variant: &Variant, letter: &'static str) -> TokenStream {
        let names: Vec<_> = Self::names(variant, letter).map(|binding| quote!(#binding)).collect();
        nested(&names, &|first, others| quote!((#first, #others)))
    }

    /// The same as a pattern of the owned fields.
    pub(super) fn owned_tuple(variant: &Variant) -> TokenStream {
        let names: Vec<_> = Self::bindings(variant).map(|binding| quote!(#binding)).collect();
        nested(&names, &|first, others| quote!(__private::More(#first, #others)))
    }

    /// `__F0`, the type of a variant's fields. It stands at the first field whose type is none that every wire knows, so that what
    /// rustc has to say of it is said there.
    fn tuple_type(&self, number: usize, variant: &Variant) -> Ident {
        let known = |field: &&Field| !layout::is_well_known(&field.ty);
        let span = variant.fields.iter().find(known).map_or(Span::call_site(), |field| field.ty.span());
        format_ident!("__F{number}", span = span)
    }

    /// `<__F0 as __private::TRAIT>::ITEM`
    pub(super) fn fields_of(
        &self,
        number: usize,
        variant: &Variant,
        of: &TokenStream,
        item: &TokenStream,
    ) -> TokenStream {
        let ty = self.tuple_type(number, variant);
        if variant.fields.iter().all(|field| layout::is_well_known(&field.ty)) {
            return quote!(<#ty as __private::#of>::#item);
        }
        let (of, item) = (at(ty.span(), of.clone()), at(ty.span(), item.clone()));
        quote_spanned!(ty.span()=> <#ty as __private::#of>::#item)
    }

    /// The types of fields, and what is known of each variant.
    fn tuples(&self) -> TokenStream {
        if self.stub {
            return TokenStream::new();
        }
        let tuples = self.ty.variants().iter().enumerate().filter(|(_, variant)| Self::is_tuple(variant));
        let aliases = tuples.map(|(i, variant)| {
            let name = format_ident!("__F{i}");
            let types: Vec<_> = variant
                .fields
                .iter()
                .map(|field| {
                    let ty = &field.ty;
                    quote!(#ty)
                })
                .collect();
            let types = nested(&types, &|first, others| quote!(__private::More<#first, #others>));
            quote!(type #name = #types;)
        });
        // what a type of fixed size is made of stands in a constant of its own
        let table = (!self.ty.fixed_size).then(|| self.table());
        quote!(#(#aliases)* #table)
    }

    fn table(&self) -> TokenStream {
        let plain = self.ty.listed().all(|variant| variant.fields.is_empty());
        let entries = self.ty.listed().enumerate().map(|(i, variant)| {
            let fields = variant.fields.iter().map(|field| {
                let name = field.name();
                let renamed = field.wire_name.as_ref().map(|wire_name| quote!(.renamed(#wire_name)));
                let aligned = field.align.map(|align| {
                    let align = Literal::u32_unsuffixed(align);
                    quote!(.aligned(#align))
                });
                quote!(__private::field(#name)#renamed #aligned)
            });
            let fields = quote!(&[#(#fields),*]);
            let name = unraw(&variant.ident);
            let tuple = variant.style == Style::Tuple;
            let generic = match Self::is_tuple(variant) {
                true => {
                    let ty = self.tuple_type(i, variant);
                    quote!(::<#ty>)
                }
                false => quote!(::<()>),
            };
            if !self.ty.is_union() {
                return quote!(__private::structure #generic(#name, #tuple, #fields));
            }
            let (tag, wire_name) = (Literal::u32_unsuffixed(variant.tag), &variant.wire_name);
            let exact = plain && *wire_name != name;
            quote!(__private::variant #generic(#tag, #name, #wire_name, #exact, #tuple, #fields))
        });
        // lists alone have an alignment
        let aligned = self.ty.listed().flat_map(|variant| &variant.fields).filter(|field| field.align.is_some());
        let alignable = aligned.map(|field| {
            let ty = &field.ty;
            quote_spanned!(ty.span()=> const _: () = __private::alignable::<#ty>();)
        });
        quote! {
            const __VARIANTS: &[__private::VariantEntry] = &[#(#entries),*];
            #(#alignable)*
        }
    }

    // ------------------------------------------------------------------------------------------------ Wire

    fn wire(&self) -> TokenStream {
        let Layout { view, view_mut, scalar, borrows, .. } = &self.layout;
        let ident = &self.ty.ident;
        let (view_args, mut_args) = if *borrows { (quote!(<'w, #scalar>), quote!(<'w>)) } else { Default::default() };
        let view_f32 = if *borrows { quote!(#view::<'w, __private::f32>) } else { quote!(#view) };
        let Bodies { min_len, align, schema, encode, decode, owned, read, read_mut } = self.bodies();
        quote! {
            #[automatically_derived]
            #[allow(unused_variables, clippy::all)]
            impl __private::Wire for #ident {
                type View<'w, #scalar: __private::Copy + 'static> = #view #view_args;
                type ViewMut<'w> = #view_mut #mut_args;
                const MIN_LEN: __private::usize = #min_len;
                const ALIGN: __private::usize = #align;
                #[inline]
                fn schema(types: &mut __private::SchemaBuilder) -> __private::TypeRef {
                    #schema
                }
                #[inline]
                fn encode(&self, w: &mut __private::Writer) {
                    #encode
                }
                #[inline]
                fn decode(r: &mut __private::Reader<'_>) -> __private::Result<Self, __private::DecodeError> {
                    #decode
                }
                #[inline]
                fn view<'w>(&'w self, index: &'w __private::Index) -> #view_f32 {
                    #owned
                }
                #[inline]
                fn read<'w>(r: &mut __private::Reader<'w>, index: &'w __private::Index) -> __private::Result<#view_f32, __private::DecodeError> {
                    #read
                }
                #[inline]
                fn read_mut<'w>(r: &mut __private::ReaderMut<'w>) -> __private::Result<#view_mut #mut_args, __private::DecodeError> {
                    #read_mut
                }
            }
        }
    }

    fn bodies(&self) -> Bodies {
        if self.stub {
            let stub = || quote!(__private::stub());
            return Bodies {
                min_len: quote!(1),
                align: quote!(1),
                schema: stub(),
                encode: stub(),
                decode: stub(),
                owned: stub(),
                read: stub(),
                read_mut: stub(),
            };
        }
        if self.ty.fixed_size {
            return Bodies {
                min_len: quote!(__private::fixed::plain::min_len(&<Self as __private::fixed::Fixed>::SHAPE)),
                align: quote!(1),
                schema: quote!(__private::fixed::schema::<Self>(types)),
                encode: quote!(__private::fixed::plain::encode(self, w)),
                decode: quote!(__private::fixed::plain::decode(r)),
                owned: quote!(__private::fixed::plain::view(self)),
                read: quote!(__private::fixed::plain::read::<Self>(r)),
                read_mut: quote!(__private::fixed::plain::read_mut::<Self>(r)),
            };
        }
        let Layout { view, view_mut, .. } = &self.layout;
        // what is not listed may be void
        let min_len = match self.ty.unknown() {
            Some(_) => quote!(1),
            None => quote!(__private::min_len(__VARIANTS)),
        };
        let name = &self.ty.wire_name;
        let schema = match (&self.ty.kind, self.ty.unknown()) {
            (TypeKind::Struct(_), _) => quote!(struct_schema),
            (TypeKind::Union(_), Some(_)) => quote!(open_union_schema::<Self>),
            (TypeKind::Union(_), None) => quote!(union_schema),
        };
        Bodies {
            min_len,
            align: quote!(__private::align(__VARIANTS)),
            schema: quote!(__private::#schema(types, #name, __VARIANTS)),
            encode: self.encode(),
            decode: self.reading(From::Octets, &quote!(Self)),
            owned: self.owned(&quote!(#view)),
            read: self.reading(From::View, &quote!(#view)),
            read_mut: self.reading(From::ViewMut, &quote!(#view_mut)),
        }
    }

    fn encode(&self) -> TokenStream {
        let arms = self.ty.variants().iter().enumerate().map(|(i, variant)| {
            let pattern = self.pattern(&quote!(Self), variant);
            if variant.unknown {
                let member = Self::bindings(variant);
                return quote!(#pattern => { __private::encode_unknown(#(#member)*, w); });
            }
            let open = self.ty.is_union().then(|| {
                let tag = Literal::u32_unsuffixed(variant.tag);
                quote!(w.open_union(#tag);)
            });
            let fields = Self::is_tuple(variant).then(|| {
                let encode = self.fields_of(i, variant, &quote!(Fields), &quote!(encode));
                let (n, values) = (Literal::usize_unsuffixed(i), Self::tuple(variant));
                quote!(#encode(&__VARIANTS[#n], 0, #values, w);)
            });
            quote!(#pattern => { #open #fields })
        });
        let close = self.ty.is_union().then(|| quote!(w.close_union();));
        quote! {
            match self { #(#arms)* }
            #close
        }
    }

    /// The body of `view`.
    fn owned(&self, of: &TokenStream) -> TokenStream {
        let arms = self.ty.variants().iter().enumerate().map(|(i, variant)| {
            let (pattern, value) = (self.pattern(&quote!(Self), variant), self.pattern(of, variant));
            if variant.unknown {
                // its one field is a wire type like any other
                let field = &variant.fields[0];
                let (view, member) = (self.wire_of(field, quote!(view)), Self::bindings(variant));
                let value = self.with_fields(of, variant, member.map(|member| quote!(#view(#member, index))));
                return quote!(#pattern => #value,);
            }
            if !Self::is_tuple(variant) {
                return quote!(#pattern => #value,);
            }
            let view = self.fields_of(i, variant, &quote!(Fields), &quote!(view));
            let values = Self::tuple(variant);
            quote!(#pattern => { let #values = #view(#values, index); #value })
        });
        quote!(match self { #(#arms)* })
    }

    /// The bodies of `decode`, `read` and `read_mut`.
    fn reading(&self, from: From, of: &TokenStream) -> TokenStream {
        let value = |(i, variant): (usize, &Variant)| {
            let value = self.pattern(of, variant);
            if !Self::is_tuple(variant) {
                return value;
            }
            let (item, values, arguments) = match from {
                From::Octets => (quote!(decode), Self::owned_tuple(variant), quote!(r)),
                From::View => (quote!(read), Self::tuple(variant), quote!(r, index)),
                From::ViewMut => (quote!(read_mut), Self::tuple(variant), quote!(r)),
            };
            let read = self.fields_of(i, variant, &quote!(Fields), &item);
            let n = Literal::usize_unsuffixed(i);
            // not `?`: it costs the compiler more than all the rest of the arm
            quote! {
                match #read(&__VARIANTS[#n], 0, #arguments) {
                    __private::Ok(#values) => #value,
                    __private::Err(error) => return __private::Err(error),
                }
            }
        };
        if !self.ty.is_union() {
            let value = value((0, &self.ty.variants()[0]));
            return quote!(__private::Ok(#value));
        }
        let arms = self.ty.listed().enumerate().map(|(i, variant)| {
            let (tag, value) = (Literal::u32_unsuffixed(variant.tag), value((i, variant)));
            quote!(#tag => #value,)
        });
        let (open, unknown, close) = match from {
            From::ViewMut => (quote!(r.scan(|r| r.open_union())?), quote!(unknown_tag_mut), TokenStream::new()),
            _ => (quote!(r.open_union()?), quote!(unknown_tag), quote!(r.close_union();)),
        };
        let rest = match self.ty.unknown() {
            None => quote!(return __private::Err(__private::#unknown::<Self>(r, tag))),
            Some(variant) => {
                let said = unraw(&variant.ident);
                let keep = match from {
                    From::ViewMut => quote!(read_unknown_mut),
                    From::View => quote!(read_unknown),
                    From::Octets => quote!(decode_unknown),
                };
                self.with_fields(of, variant, core::iter::once(quote!(__private::#keep::<Self>(r, tag, #said)?)))
            }
        };
        quote! {
            let tag = #open;
            let value = match tag {
                #(#arms)*
                _ => #rest,
            };
            #close
            __private::Ok(value)
        }
    }

    // ------------------------------------------------------------------------------------------------ Union

    fn union(&self) -> TokenStream {
        let (ident, name) = (&self.ty.ident, &self.ty.wire_name);
        let variants = self.ty.listed().map(|variant| {
            let (tag, name) = (Literal::u32_unsuffixed(variant.tag), unraw(&variant.ident));
            quote!((#tag, #name))
        });
        let arms = self.tag_arms();
        let retired = (!self.ty.retired.is_empty()).then(|| {
            let tags = self.ty.retired.iter().map(|tag| Literal::u32_unsuffixed(*tag));
            quote!(const RETIRED: &'static [__private::u32] = &[#(#tags),*];)
        });
        quote! {
            #[automatically_derived]
            impl __private::Union for #ident {
                const NAME: &'static __private::str = #name;
                const VARIANTS: &'static [(__private::u32, &'static __private::str)] = &[#(#variants),*];
                #retired
                #[inline]
                fn tag(&self) -> __private::u32 {
                    match self { #arms }
                }
            }
        }
    }
}

/// What stands in an implementation of `Wire`.
struct Bodies {
    min_len: TokenStream,
    align: TokenStream,
    schema: TokenStream,
    encode: TokenStream,
    decode: TokenStream,
    owned: TokenStream,
    read: TokenStream,
    read_mut: TokenStream,
}
