//! Writes what makes a type with `#[bare(fixed_size)]` an element of `Slots` and `Columns`: its shape as a constant, and its
//! fields named in order, once for each thing that can be done with them.
//!
//! For
//!
//! ```text
//! #[derive(BareUnion)]
//! #[bare(fixed_size)]
//! enum Neuron { Lif { threshold: f32, decay: f32 }, Off }
//! ```
//!
//! the result is, with `f` for `__private::fixed`,
//!
//! ```text
//! enum NeuronRun<'w> { Lif { threshold: <f32 as f::Fixed>::Column<'w>, .. }, Off }
//! enum NeuronRunMut<'w> { .. }
//! impl f::Fixed for Neuron {
//!     const SHAPE: f::Shape = f::Shape::Union(&f::UnionShape { name: "Neuron", variants: &[..], .. });
//!     fn put(&self, to) { let start = to.enter::<Self>(); match self { Self::Lif { threshold: f0, .. } => { to.tag(0); f0.put(to); .. } .. } to.leave::<Self>(start); }
//!     fn take(from) -> Self { .. match from.tag() { 0 => Self::Lif { threshold: <f32 as f::Fixed>::take(from), .. }, _ => Self::Off } .. }
//!     ..
//! }
//! impl f::FixedType for Neuron { .. }
//! ```

use proc_macro2::{Ident, Literal, TokenStream};
use quote::{format_ident, quote, quote_spanned};
use syn::spanned::Spanned;

use super::layout::{Expander, at};
use crate::ast::{Field, Style, TypeKind, Variant, unraw};

impl Expander<'_> {
    /// Whether there are types of runs.
    pub(super) fn has_runs(&self) -> bool {
        self.ty.fixed_size && !self.stub
    }

    fn run_name(&self, suffix: &str) -> Ident {
        format_ident!("{}{suffix}", unraw(&self.ty.ident), span = self.ty.ident.span())
    }

    /// `<'w>`, if the views have it.
    fn lifetime(&self) -> TokenStream {
        if self.layout.borrows { quote!(<'w>) } else { TokenStream::new() }
    }

    /// `<T as Fixed>::ITEM`, all of it at `T`'s place.
    fn fixed_of(&self, field: &Field, item: TokenStream) -> TokenStream {
        let ty = &field.ty;
        let (p, item) = (at(ty.span(), self.p.clone()), at(ty.span(), item));
        quote_spanned!(ty.span()=> <#ty as #p::fixed::Fixed>::#item)
    }

    /// The types of runs, which the user names.
    pub(super) fn run_items(&self) -> TokenStream {
        let name = unraw(&self.ty.ident);
        let params = self.lifetime();
        let docs = format!("Many [`{name}`]s of one variant: a slice, or what stands for it, for each field.");
        let item =
            self.view_item(&self.run_name("Run"), &params, &docs, |field| self.fixed_of(field, quote!(Column<'w>)));
        let docs = format!("Many [`{name}`]s of one variant, whose fields may be changed where they lie.");
        let item_mut = self
            .view_item(&self.run_name("RunMut"), &params, &docs, |field| self.fixed_of(field, quote!(ColumnMut<'w>)));
        quote!(#item #item_mut)
    }

    /// What makes it an element of `Slots` and `Columns`.
    pub(super) fn fixed(&self) -> TokenStream {
        if self.stub {
            return self.fixed_stub();
        }
        let f = quote!(__private::fixed);
        let (run, run_mut) = (&self.run_name("Run"), &self.run_name("RunMut"));
        let (ident, view, view_mut) = (&self.ty.ident, &self.layout.view, &self.layout.view_mut);
        let args = self.lifetime();
        let (copy, debug) = (self.copy(run, &args, &args), self.debug(run, &args));
        let (shape, put) = (self.shape(), self.put());
        let take = self.value_of(&quote!(Self), &quote!(Source), &quote!(take), Self::owned_tuple);
        let look = self.value_of(&quote!(#view), &quote!(Source), &quote!(look), Self::tuple);
        let lend = self.value_of(&quote!(#view_mut), &quote!(Lender), &quote!(lend), Self::tuple);
        let run_of = self.by_tag(quote!(tag), &quote!(#run), &quote!(column), Self::tuple);
        let run_mut_of = self.by_tag(quote!(tag), &quote!(#run_mut), &quote!(column_mut), Self::tuple);
        let (column, column_mut, of_column, of_column_mut) = if self.ty.is_union() {
            (
                quote!(#f::ColumnsView<'w, Self>),
                quote!(#f::ColumnsViewMut<'w, Self>),
                quote!(#f::ColumnsView::of_field(from)),
                quote!(#f::ColumnsViewMut::of_field(from)),
            )
        } else {
            // a struct has no tag: its columns are those of any run
            let no_tag = |function: TokenStream| quote!(<Self as #f::FixedType>::#function(0, from));
            (quote!(#run #args), quote!(#run_mut #args), no_tag(quote!(run)), no_tag(quote!(run_mut)))
        };
        quote! {
            #copy
            #debug
            #[automatically_derived]
            #[allow(unused_variables, clippy::all)]
            impl #f::Fixed for #ident {
                const SHAPE: #f::Shape = #shape;
                type Column<'w> = #column;
                type ColumnMut<'w> = #column_mut;
                #[inline(always)]
                fn put(&self, to: &mut impl #f::Sink) {
                    #put
                }
                #[inline(always)]
                fn take(from: &mut impl #f::Source) -> Self {
                    #take
                }
                #[inline(always)]
                fn look<'w>(from: &mut impl #f::Source) -> <Self as __private::Wire>::View<'w, __private::f32> {
                    #look
                }
                #[inline(always)]
                fn lend<'w>(from: &mut impl #f::Lender<'w>) -> <Self as __private::Wire>::ViewMut<'w> {
                    #lend
                }
                #[inline]
                fn column<'w>(from: &mut #f::RunSource<'w>) -> <Self as #f::Fixed>::Column<'w> {
                    #of_column
                }
                #[inline]
                fn column_mut<'w>(from: &mut #f::RunLender<'_, 'w>) -> <Self as #f::Fixed>::ColumnMut<'w> {
                    #of_column_mut
                }
            }
            #[automatically_derived]
            #[allow(unused_variables, clippy::all)]
            impl #f::FixedType for #ident {
                type Run<'w> = #run #args;
                type RunMut<'w> = #run_mut #args;
                #[inline]
                fn run<'w>(tag: __private::u8, from: &mut #f::RunSource<'w>) -> #run #args {
                    #run_of
                }
                #[inline]
                fn run_mut<'w>(tag: __private::u8, from: &mut #f::RunLender<'_, 'w>) -> #run_mut #args {
                    #run_mut_of
                }
            }
        }
    }

    /// After a mistake: of fixed size, so that no list of the type turns red as well.
    fn fixed_stub(&self) -> TokenStream {
        let (f, ident) = (quote!(__private::fixed), &self.ty.ident);
        let stub = quote!(__private::stub());
        quote! {
            impl #f::Fixed for #ident {
                const SHAPE: #f::Shape = #f::Shape::Cell(#f::Kind::U8);
                type Column<'w> = ();
                type ColumnMut<'w> = ();
                fn put(&self, _: &mut impl #f::Sink) { #stub }
                fn take(_: &mut impl #f::Source) -> Self { #stub }
                fn look<'w>(_: &mut impl #f::Source) -> <Self as __private::Wire>::View<'w, __private::f32> { #stub }
                fn lend<'w>(_: &mut impl #f::Lender<'w>) -> <Self as __private::Wire>::ViewMut<'w> { #stub }
                fn column<'w>(_: &mut #f::RunSource<'w>) { #stub }
                fn column_mut<'w>(_: &mut #f::RunLender<'_, 'w>) { #stub }
            }
            impl #f::FixedType for #ident {
                type Run<'w> = ();
                type RunMut<'w> = ();
                fn run<'w>(_: __private::u8, _: &mut #f::RunSource<'w>) { #stub }
                fn run_mut<'w>(_: __private::u8, _: &mut #f::RunLender<'_, 'w>) { #stub }
            }
        }
    }

    fn shape(&self) -> TokenStream {
        let f = quote!(__private::fixed);
        let name = &self.ty.wire_name;
        let fields = |variant: &Variant| {
            let fields = variant.fields.iter().map(|field| {
                let (name, ty) = (field.name(), &field.ty);
                let f = at(ty.span(), f.clone());
                match &field.wire_name {
                    None => quote_spanned!(ty.span()=> #f::field::<#ty>(#name)),
                    Some(wire_name) => quote_spanned!(ty.span()=> #f::renamed::<#ty>(#name, #wire_name)),
                }
            });
            quote!(&[#(#fields),*])
        };
        let variants = match &self.ty.kind {
            TypeKind::Struct(only) => {
                let (fields, tuple) = (fields(only), only.style == Style::Tuple);
                let rust_name = unraw(&only.ident);
                return quote!(#f::Shape::Struct(&#f::StructShape { rust_name: #rust_name, name: #name, tuple: #tuple, fields: #fields }));
            }
            TypeKind::Union(variants) => variants,
        };
        let plain = !self.ty.has_fields();
        let variants = variants.iter().map(|variant| {
            let (tag, name, wire_name) =
                (Literal::u32_unsuffixed(variant.tag), unraw(&variant.ident), &variant.wire_name);
            let (tuple, exact) = (variant.style == Style::Tuple, plain && *wire_name != name);
            let fields = fields(variant);
            quote!(#f::variant(#tag, #name, #wire_name, #exact, #tuple, #fields))
        });
        let retired = self.ty.retired.iter().map(|tag| Literal::u32_unsuffixed(*tag));
        quote! {
            #f::Shape::Union(&#f::UnionShape { name: #name, variants: &[#(#variants),*], retired: &[#(#retired),*] })
        }
    }

    fn put(&self) -> TokenStream {
        let f = quote!(__private::fixed);
        let arms = self.ty.variants().iter().enumerate().map(|(i, variant)| {
            let pattern = self.pattern(&quote!(Self), variant);
            let tag = self.ty.is_union().then(|| {
                let tag = Literal::u32_unsuffixed(variant.tag);
                quote!(#f::Sink::tag(to, #tag);)
            });
            let fields = Self::is_tuple(variant).then(|| {
                let put = self.fields_of(i, variant, &quote!(fixed::FixedFields), &quote!(put));
                let values = Self::tuple(variant);
                quote!(#put(#values, to);)
            });
            quote!(#pattern => { #tag #fields })
        });
        quote! {
            let start = #f::Cursor::enter::<Self>(to);
            match self { #(#arms)* }
            #f::Cursor::leave::<Self>(to, start);
        }
    }

    /// The bodies of `take`, `look` and `lend`: a value whose fields come from the cursor, as the pattern `fields`.
    fn value_of(
        &self,
        of: &TokenStream,
        cursor: &TokenStream,
        item: &TokenStream,
        fields: fn(&Variant) -> TokenStream,
    ) -> TokenStream {
        let f = quote!(__private::fixed);
        let value = self.by_tag(quote!(#f::#cursor::tag(from)), of, item, fields);
        quote! {
            let start = #f::Cursor::enter::<Self>(from);
            let value = #value;
            #f::Cursor::leave::<Self>(from, start);
            value
        }
    }

    /// The value of the variant that has the tag. Tags were checked, so what is none of the others is the last.
    fn by_tag(
        &self,
        tag: TokenStream,
        of: &TokenStream,
        item: &TokenStream,
        fields: fn(&Variant) -> TokenStream,
    ) -> TokenStream {
        let value = |i: usize, variant: &Variant| {
            let value = self.pattern(of, variant);
            if !Self::is_tuple(variant) {
                return value;
            }
            let function = self.fields_of(i, variant, &quote!(fixed::FixedFields), item);
            let values = fields(variant);
            quote!({ let #values = #function(from); #value })
        };
        let TypeKind::Union(variants) = &self.ty.kind else {
            return value(0, &self.ty.variants()[0]);
        };
        let arms = variants.iter().enumerate().map(|(i, variant)| {
            let (value, last) = (value(i, variant), i + 1 == variants.len());
            let tag = Literal::u32_unsuffixed(variant.tag);
            let pattern = if last { quote!(_) } else { quote!(#tag) };
            quote!(#pattern => #value,)
        });
        quote!(match #tag { #(#arms)* })
    }
}
