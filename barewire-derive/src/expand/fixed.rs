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
    /// Nothing, unless the type is fixed in size.
    pub(super) fn fixed(&self) -> TokenStream {
        if !self.ty.fixed_size {
            return TokenStream::new();
        }
        let root = &self.ty.crate_path;
        let (items, impls) = if self.stub {
            (TokenStream::new(), self.fixed_stub())
        } else {
            let (run, run_mut) = (self.run_name("Run"), self.run_name("RunMut"));
            (self.run_items(&run, &run_mut), self.fixed_impls(&run, &run_mut))
        };
        quote! {
            #items
            const _: () = {
                use #root::__private;
                #impls
            };
        }
    }

    fn run_name(&self, suffix: &str) -> Ident {
        format_ident!("{}{suffix}", unraw(&self.ty.ident), span = self.ty.ident.span())
    }

    /// `<T as Fixed>::ITEM`, all of it at `T`'s place.
    fn fixed_of(&self, private: &TokenStream, field: &Field, item: TokenStream) -> TokenStream {
        let ty = &field.ty;
        let (p, item) = (at(ty.span(), private.clone()), at(ty.span(), item));
        quote_spanned!(ty.span()=> <#ty as #p::fixed::Fixed>::#item)
    }

    /// The types of runs, which the user names.
    fn run_items(&self, run: &Ident, run_mut: &Ident) -> TokenStream {
        let p = &self.p;
        let name = unraw(&self.ty.ident);
        let params = if self.layout.borrows { quote!(<'w>) } else { TokenStream::new() };
        let docs = format!("Many [`{name}`]s of one variant: a slice, or what stands for it, for each field.");
        let item = self.view_item(run, &params, &docs, |field| self.fixed_of(p, field, quote!(Column<'w>)));
        let docs = format!("Many [`{name}`]s of one variant, whose fields may be changed where they lie.");
        let item_mut = self.view_item(run_mut, &params, &docs, |field| self.fixed_of(p, field, quote!(ColumnMut<'w>)));
        let debug = self.debug(run, &params);
        quote! {
            #item
            #item_mut
            #[automatically_derived]
            impl #params #p::Copy for #run #params {}
            #[automatically_derived]
            impl #params #p::Clone for #run #params {
                #[inline]
                fn clone(&self) -> Self {
                    *self
                }
            }
            #debug
        }
    }

    fn fixed_impls(&self, run: &Ident, run_mut: &Ident) -> TokenStream {
        let f = quote!(__private::fixed);
        let (ident, view, view_mut) = (&self.ty.ident, &self.layout.view, &self.layout.view_mut);
        let mut_args = if self.layout.borrows { quote!(<'w>) } else { TokenStream::new() };
        let (shape, put) = (self.shape(), self.put());
        let take = self.value_of(&quote!(Self), &quote!(Source), &quote!(take));
        let look = self.value_of(&quote!(#view), &quote!(Source), &quote!(look));
        let lend = self.value_of(&quote!(#view_mut), &quote!(Lender), &quote!(lend));
        let run_of = self.by_tag(quote!(tag), &quote!(#run), &quote!(column));
        let run_mut_of = self.by_tag(quote!(tag), &quote!(#run_mut), &quote!(column_mut));
        let (column, column_mut, of_column, of_column_mut) = if self.ty.is_union() {
            (
                quote!(#f::ColumnsView<'w, Self>),
                quote!(#f::ColumnsViewMut<'w, Self>),
                quote!(#f::ColumnsView::of_field(from)),
                quote!(#f::ColumnsViewMut::of_field(from)),
            )
        } else {
            (quote!(#run #mut_args), quote!(#run_mut #mut_args), run_of.clone(), run_mut_of.clone())
        };
        quote! {
            #[automatically_derived]
            #[allow(clippy::all)]
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
                fn look<'w>(from: &mut impl #f::Source) -> Self::View<'w, __private::f32> {
                    #look
                }
                #[inline(always)]
                fn lend<'w>(from: &mut impl #f::Lender<'w>) -> Self::ViewMut<'w> {
                    #lend
                }
                fn column<'w>(from: &mut #f::RunSource<'w>) -> Self::Column<'w> {
                    #of_column
                }
                fn column_mut<'w>(from: &mut #f::RunLender<'_, 'w>) -> Self::ColumnMut<'w> {
                    #of_column_mut
                }
            }
            #[automatically_derived]
            #[allow(clippy::all)]
            impl #f::FixedType for #ident {
                type Run<'w> = #run #mut_args;
                type RunMut<'w> = #run_mut #mut_args;
                fn run<'w>(tag: __private::u8, from: &mut #f::RunSource<'w>) -> #run #mut_args {
                    #run_of
                }
                fn run_mut<'w>(tag: __private::u8, from: &mut #f::RunLender<'_, 'w>) -> #run_mut #mut_args {
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
                fn look<'w>(_: &mut impl #f::Source) -> Self::View<'w, __private::f32> { #stub }
                fn lend<'w>(_: &mut impl #f::Lender<'w>) -> Self::ViewMut<'w> { #stub }
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
                return quote!(#f::Shape::Struct(&#f::StructShape { name: #name, tuple: #tuple, fields: #fields }));
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
        let arms = self.ty.variants().iter().map(|variant| {
            let pattern = self.pattern(&quote!(Self), variant);
            let tag = self.ty.is_union().then(|| {
                let tag = Literal::u32_unsuffixed(variant.tag);
                quote!(#f::Sink::tag(to, #tag);)
            });
            let fields = variant.fields.iter().zip(Self::bindings(variant)).map(|(field, binding)| {
                let put = self.fixed_of(&quote!(__private), field, quote!(put));
                quote!(#put(#binding, to);)
            });
            quote!(#pattern => { #tag #(#fields)* })
        });
        quote! {
            let start = #f::Cursor::enter::<Self>(to);
            match self { #(#arms)* }
            #f::Cursor::leave::<Self>(to, start);
        }
    }

    /// The bodies of `take`, `look` and `lend`: a value whose fields come from the cursor.
    fn value_of(&self, of: &TokenStream, cursor: &TokenStream, item: &TokenStream) -> TokenStream {
        let f = quote!(__private::fixed);
        let value = self.by_tag(quote!(#f::#cursor::tag(from)), of, item);
        quote! {
            let start = #f::Cursor::enter::<Self>(from);
            let value = #value;
            #f::Cursor::leave::<Self>(from, start);
            value
        }
    }

    /// The value of the variant that has the tag. Tags were checked, so what is none of the others is the last.
    fn by_tag(&self, tag: TokenStream, of: &TokenStream, item: &TokenStream) -> TokenStream {
        let value = |variant: &Variant| {
            let fields = variant.fields.iter().map(|field| {
                let function = self.fixed_of(&quote!(__private), field, item.clone());
                quote!(#function(from))
            });
            self.with_fields(of, variant, fields)
        };
        let TypeKind::Union(variants) = &self.ty.kind else {
            return value(&self.ty.variants()[0]);
        };
        let arms = variants.iter().enumerate().map(|(i, variant)| {
            let (value, last) = (value(variant), i + 1 == variants.len());
            let tag = Literal::u32_unsuffixed(variant.tag);
            let pattern = if last { quote!(_) } else { quote!(#tag) };
            quote!(#pattern => #value,)
        });
        quote!(match #tag { #(#arms)* })
    }
}
