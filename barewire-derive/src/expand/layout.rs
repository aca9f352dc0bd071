//! Writes the layout half: views, codec, schema. Constants and calls only; what they call is compiled once, in the core.
//!
//! For
//!
//! ```text
//! #[derive(BareUnion)]
//! enum Weight { Dense { values: Matrix<f32> }, Scaled(f32) }
//! ```
//!
//! the result is, with `p` for `::barewire::__private`,
//!
//! ```text
//! enum WeightView<'w, P = f32> { Dense { values: <Matrix<f32> as p::Wire>::View<'w, P> }, Scaled(..) }
//! enum WeightViewMut<'w> { .. }
//! impl p::Wire for Weight {
//!     type View<'w, P> = WeightView<'w, P>;
//!     const MIN_LEN: usize = p::union_len(&[(0, <Matrix<f32> as p::Wire>::MIN_LEN), (1, <f32 as p::Wire>::MIN_LEN)]);
//!     fn schema(types) { p::union_schema(types, "Weight", &[p::VariantEntry { .. }, ..]) }
//!     fn encode(&self, w) { match self { Self::Dense { values: f0 } => { w.open_union(0); p::Wire::encode(f0, w); } .. } w.close_union() }
//!     fn decode(r) { let tag = r.open_union()?; let value = match tag { 0 => Self::Dense { values: p::decode(r, "Dense.values")? }, .. }; .. }
//!     ..
//! }
//! ```

use proc_macro2::{Group, Ident, Literal, Span, TokenStream, TokenTree};
use quote::{format_ident, quote, quote_spanned};
use syn::spanned::Spanned;

use crate::ast::{Field, Style, Type, Variant, unraw};
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
    /// `view`: a view of an owned value, whose fields are bound
    Owned,
}

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

    /// All items.
    pub(crate) fn expand(&self) -> TokenStream {
        let views = self.views();
        let wire = self.wire();
        let union = if self.ty.is_union() { self.union() } else { TokenStream::new() };
        let fixed = self.fixed();
        let (ident, p) = (&self.ty.ident, &self.p);
        quote! {
            #views
            #wire
            #[automatically_derived]
            impl #p::Element for #ident {
                type Kind = #p::Walked;
            }
            #union
            #fixed
        }
    }

    /// `Self::Name`, or `Self` for a struct.
    fn constructor(&self, of: &TokenStream, variant: &Variant) -> TokenStream {
        let ident = &variant.ident;
        if self.ty.is_union() { quote!(#of::#ident) } else { quote!(#of) }
    }

    /// A literal, or a pattern, of a variant: `Self::Dense { values: A }`, `Self::Pair(A, B)`, `Self::Unit`.
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

    pub(super) fn bindings(variant: &Variant) -> impl Iterator<Item = Ident> {
        (0..variant.fields.len()).map(|i| Ident::new(&format!("f{i}"), Span::mixed_site()))
    }

    /// `Self::Dense { values: f0 }`
    pub(super) fn pattern(&self, of: &TokenStream, variant: &Variant) -> TokenStream {
        self.with_fields(of, variant, Self::bindings(variant).map(|binding| quote!(#binding)))
    }

    /// `<T as Wire>::ITEM`, all of it at `T`'s place, so that rustc reports one missing `Wire` once, and there.
    fn wire_of(&self, field: &Field, item: TokenStream) -> TokenStream {
        let ty = &field.ty;
        let (p, item) = (at(ty.span(), self.p.clone()), at(ty.span(), item));
        quote_spanned!(ty.span()=> <#ty as #p::Wire>::#item)
    }

    // ------------------------------------------------------------------------------------------------ views

    fn views(&self) -> TokenStream {
        let Layout { view, view_mut, scalar, borrows } = &self.layout;
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
        let (impl_params, args) = if *borrows {
            (quote!(<'w, #scalar: #p::Copy + 'static>), quote!(<'w, #scalar>))
        } else {
            (TokenStream::new(), TokenStream::new())
        };
        let tag = if self.ty.is_union() { self.view_tag(&impl_params, &args) } else { TokenStream::new() };
        let debug = self.debug(view, &if *borrows { quote!(<'w, #p::f32>) } else { TokenStream::new() });
        let debug_mut = self.debug(view_mut, &mut_params);
        quote! {
            #view_item
            #mut_item
            #[automatically_derived]
            impl #impl_params #p::Copy for #view #args {}
            #[automatically_derived]
            impl #impl_params #p::Clone for #view #args {
                #[inline]
                fn clone(&self) -> Self {
                    *self
                }
            }
            #tag
            #debug
            #debug_mut
        }
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
            crate::ast::TypeKind::Struct(only) => {
                let semicolon = (only.style == Style::Tuple).then(|| quote!(;));
                let body = body(only, true);
                quote!(#vis struct #name #params #body #semicolon)
            }
            crate::ast::TypeKind::Union(variants) => {
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

    fn view_tag(&self, params: &TokenStream, args: &TokenStream) -> TokenStream {
        let Layout { view, .. } = &self.layout;
        let (vis, p) = (&self.ty.vis, &self.p);
        let arms = self.tag_arms();
        quote! {
            #[allow(dead_code)]
            impl #params #view #args {
                /// The tag on the wire.
                #[inline]
                #vis const fn tag(&self) -> #p::u32 {
                    match self { #arms }
                }
            }
        }
    }

    fn tag_arms(&self) -> TokenStream {
        let arms = self.ty.variants().iter().map(|variant| {
            if variant.unknown {
                let pattern = self.pattern(&quote!(Self), variant);
                let member = Self::bindings(variant);
                return quote!(#pattern => #(#member)*.tag(),);
            }
            let (path, tag) = (self.constructor(&quote!(Self), variant), Literal::u32_unsuffixed(variant.tag));
            quote!(#path { .. } => #tag,)
        });
        quote!(#(#arms)*)
    }

    pub(super) fn debug(&self, view: &Ident, args: &TokenStream) -> TokenStream {
        let p = &self.p;
        let params = self.layout.borrows.then(|| quote!(<'w>));
        let arms = self.ty.variants().iter().map(|variant| {
            let pattern = self.pattern(&quote!(Self), variant);
            let name = unraw(&variant.ident);
            let tuple = variant.style == Style::Tuple;
            let fields = variant.fields.iter().zip(Self::bindings(variant)).map(|(field, binding)| {
                let name = field.name();
                quote!((#name, #binding))
            });
            quote!(#pattern => #p::debug(f, #name, #tuple, &[#(#fields),*]),)
        });
        quote! {
            #[automatically_derived]
            impl #params #p::Debug for #view #args {
                fn fmt(&self, f: &mut #p::fmt::Formatter<'_>) -> #p::fmt::Result {
                    match self { #(#arms)* }
                }
            }
        }
    }

    // ------------------------------------------------------------------------------------------------ Wire

    fn wire(&self) -> TokenStream {
        let Layout { view, view_mut, scalar, borrows } = &self.layout;
        let (ident, p) = (&self.ty.ident, &self.p);
        let (view_args, mut_args) = if *borrows { (quote!(<'w, #scalar>), quote!(<'w>)) } else { Default::default() };
        let view_f32 = if *borrows { quote!(#view::<'w, #p::f32>) } else { quote!(#view) };
        let (min_len, align) = (self.min_len(), self.align());
        let (schema, encode, owned) = if self.stub {
            (quote!(#p::stub()), quote!(#p::stub()), quote!(#p::stub()))
        } else {
            (self.schema(), self.encode(), self.owned(&quote!(#view)))
        };
        let decode = self.reading(From::Octets, &quote!(Self));
        let read = self.reading(From::View, &quote!(#view));
        let read_mut = self.reading(From::ViewMut, &quote!(#view_mut));
        quote! {
            #[automatically_derived]
            #[allow(clippy::all)]
            impl #p::Wire for #ident {
                type View<'w, #scalar: #p::Copy + 'static> = #view #view_args;
                type ViewMut<'w> = #view_mut #mut_args;
                const MIN_LEN: #p::usize = #min_len;
                const ALIGN: #p::usize = #align;
                fn schema(types: &mut #p::SchemaBuilder) -> #p::TypeRef {
                    #schema
                }
                fn encode(&self, w: &mut #p::Writer) {
                    #encode
                }
                fn decode(r: &mut #p::Reader<'_>) -> #p::Result<Self, #p::DecodeError> {
                    #decode
                }
                fn view<'w>(&'w self, index: &'w #p::Index) -> #view_f32 {
                    #owned
                }
                fn read<'w>(r: &mut #p::Reader<'w>, index: &'w #p::Index) -> #p::Result<#view_f32, #p::DecodeError> {
                    #read
                }
                fn read_mut<'w>(r: &mut #p::ReaderMut<'w>) -> #p::Result<#view_mut #mut_args, #p::DecodeError> {
                    #read_mut
                }
            }
        }
    }

    fn min_len(&self) -> TokenStream {
        if self.stub {
            return quote!(1);
        }
        let p = &self.p;
        let sum = |variant: &Variant| {
            let lens = variant.fields.iter().map(|field| self.wire_of(field, quote!(MIN_LEN)));
            if variant.fields.is_empty() { quote!(0) } else { quote!(#(#lens)+*) }
        };
        if !self.ty.is_union() {
            return sum(&self.ty.variants()[0]);
        }
        let variants = self.ty.listed().map(|variant| {
            let (tag, sum) = (Literal::u32_unsuffixed(variant.tag), sum(variant));
            quote!((#tag, #sum))
        });
        // what is not listed may be void
        let unknown = self.ty.unknown().map(|_| quote!((0, 0)));
        quote!(#p::union_len(&[#(#variants,)* #unknown]))
    }

    fn align(&self) -> TokenStream {
        if self.stub {
            return quote!(1);
        }
        let p = &self.p;
        let fields = self.ty.listed().flat_map(|variant| &variant.fields);
        let aligns = fields.map(|field| match field.align {
            Some(align) => {
                let align = Literal::u32_unsuffixed(align);
                quote!(#align)
            }
            None => self.wire_of(field, quote!(ALIGN)),
        });
        quote!(#p::largest(&[#(#aligns),*]))
    }

    fn schema(&self) -> TokenStream {
        let p = &self.p;
        if self.ty.fixed_size {
            // what it is made of stands in a constant already
            return quote!(#p::fixed::schema::<Self>(types));
        }
        let name = &self.ty.wire_name;
        let entries = |variant: &Variant| {
            let fields = variant.fields.iter().map(|field| {
                let (name, exact) = layout::field_name(field);
                let align = Literal::u32_unsuffixed(layout::align(field));
                let schema = self.wire_of(field, quote!(schema));
                quote!(#p::FieldEntry { name: #name, exact: #exact, align: #align, ty: #schema })
            });
            quote!(&[#(#fields),*])
        };
        if let crate::ast::TypeKind::Struct(only) = &self.ty.kind {
            let (fields, tuple) = (entries(only), only.style == Style::Tuple);
            return quote!(#p::struct_schema(types, #name, #fields, #tuple));
        }
        let plain = self.ty.listed().all(|variant| variant.fields.is_empty());
        let variants = self.ty.listed().map(|variant| {
            let (wire_name, tag, tuple) =
                (&variant.wire_name, Literal::u32_unsuffixed(variant.tag), variant.style == Style::Tuple);
            let exact = plain && *wire_name != unraw(&variant.ident);
            let fields = entries(variant);
            quote!(#p::VariantEntry { name: #wire_name, exact: #exact, tag: #tag, tuple: #tuple, fields: #fields })
        });
        let function = match self.ty.unknown() {
            Some(_) => quote!(open_union_schema::<Self>),
            None => quote!(union_schema),
        };
        quote!(#p::#function(types, #name, &[#(#variants),*]))
    }

    fn encode(&self) -> TokenStream {
        let p = &self.p;
        let arms = self.ty.variants().iter().map(|variant| {
            let pattern = self.pattern(&quote!(Self), variant);
            if variant.unknown {
                let member = Self::bindings(variant);
                return quote!(#pattern => { #p::encode_unknown(#(#member)*, w); });
            }
            let fields = variant.fields.iter().zip(Self::bindings(variant)).map(|(field, binding)| match field.align {
                Some(align) => {
                    let align = Literal::u32_unsuffixed(align);
                    let span = field.ty.span();
                    let ty = &field.ty;
                    quote_spanned!(span=> #p::encode_aligned::<#ty>(#binding, w, #align);)
                }
                None => {
                    let encode = self.wire_of(field, quote!(encode));
                    quote!(#encode(#binding, w);)
                }
            });
            let open = self.ty.is_union().then(|| {
                let tag = Literal::u32_unsuffixed(variant.tag);
                quote!(w.open_union(#tag);)
            });
            quote!(#pattern => { #open #(#fields)* })
        });
        let close = self.ty.is_union().then(|| quote!(w.close_union();));
        quote! {
            match self { #(#arms)* }
            #close
        }
    }

    /// The body of `view`.
    fn owned(&self, of: &TokenStream) -> TokenStream {
        let arms = self.ty.variants().iter().map(|variant| {
            let pattern = self.pattern(&quote!(Self), variant);
            let value = self.value(From::Owned, of, variant);
            quote!(#pattern => #value,)
        });
        quote!(match self { #(#arms)* })
    }

    /// The bodies of `decode`, `read` and `read_mut`.
    fn reading(&self, from: From, of: &TokenStream) -> TokenStream {
        let p = &self.p;
        if self.stub {
            return quote!(#p::stub());
        }
        if !self.ty.is_union() {
            let value = self.value(from, of, &self.ty.variants()[0]);
            return quote!(#p::Ok(#value));
        }
        let arms = self.ty.listed().map(|variant| {
            let (tag, value) = (Literal::u32_unsuffixed(variant.tag), self.value(from, of, variant));
            quote!(#tag => #value,)
        });
        let (open, unknown, close) = match from {
            From::ViewMut => (quote!(r.scan(|r| r.open_union())?), quote!(unknown_tag_mut), TokenStream::new()),
            _ => (quote!(r.open_union()?), quote!(unknown_tag), quote!(r.close_union();)),
        };
        let rest = match self.ty.unknown() {
            None => quote!(return #p::Err(#p::#unknown::<Self>(r, tag))),
            Some(variant) => {
                let said = unraw(&variant.ident);
                let keep = match from {
                    From::ViewMut => quote!(read_unknown_mut),
                    From::View => quote!(read_unknown),
                    _ => quote!(decode_unknown),
                };
                self.with_fields(of, variant, core::iter::once(quote!(#p::#keep::<Self>(r, tag, #said)?)))
            }
        };
        quote! {
            let tag = #open;
            let value = match tag {
                #(#arms)*
                _ => #rest,
            };
            #close
            #p::Ok(value)
        }
    }

    /// A value of a variant, made of its fields in their order.
    fn value(&self, from: From, of: &TokenStream, variant: &Variant) -> TokenStream {
        let p = &self.p;
        let fields = variant.fields.iter().zip(Self::bindings(variant)).map(|(field, binding)| {
            let ty = &field.ty;
            let path = layout::path(self.ty, variant, field);
            let align = field.align.map(Literal::u32_unsuffixed);
            let function = |name: &str| {
                let name = format_ident!("{name}{}", if align.is_some() { "_aligned" } else { "" }, span = ty.span());
                let p = at(ty.span(), p.clone());
                quote_spanned!(ty.span()=> #p::#name::<#ty>)
            };
            let align = align.as_ref().map(|align| quote!(, #align));
            match from {
                From::Octets => {
                    let f = function("decode");
                    quote!(#f(r, #path #align)?)
                }
                From::View => {
                    let f = function("read");
                    quote!(#f(r, index, #path #align)?)
                }
                From::ViewMut => {
                    let f = function("read_mut");
                    quote!(#f(r, #path #align)?)
                }
                From::Owned => {
                    let view = self.wire_of(field, quote!(view));
                    quote!(#view(#binding, index))
                }
            }
        });
        self.with_fields(of, variant, fields)
    }

    // ------------------------------------------------------------------------------------------------ Union

    fn union(&self) -> TokenStream {
        let (ident, p, name) = (&self.ty.ident, &self.p, &self.ty.wire_name);
        let variants = self.ty.listed().map(|variant| {
            let (tag, name) = (Literal::u32_unsuffixed(variant.tag), unraw(&variant.ident));
            quote!((#tag, #name))
        });
        let arms = self.tag_arms();
        let retired = (!self.ty.retired.is_empty()).then(|| {
            let tags = self.ty.retired.iter().map(|tag| Literal::u32_unsuffixed(*tag));
            quote!(const RETIRED: &'static [#p::u32] = &[#(#tags),*];)
        });
        quote! {
            #[automatically_derived]
            impl #p::Union for #ident {
                const NAME: &'static #p::str = #name;
                const VARIANTS: &'static [(#p::u32, &'static #p::str)] = &[#(#variants),*];
                #retired
                fn tag(&self) -> #p::u32 {
                    match self { #arms }
                }
            }
        }
    }
}
