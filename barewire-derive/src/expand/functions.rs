//! Writes a `#[differentiable] fn`: a module with its programs, like a variant's, and a unit struct that is an op.

use proc_macro2::{Literal, TokenStream};
use quote::{format_ident, quote};

use super::equations::{Writer, seen_from_names};
use super::layers::programs_of;
use crate::ast::{Elem, Role};
use crate::differentiable::{Argument, Function};
use crate::errors::Errors;
use crate::program::{Kind, Value, lower};

pub(crate) fn expand(function: &Function, errors: &mut Errors) -> TokenStream {
    let Function { ident, vis, docs, crate_path, arguments, fields, closure, returns } = function;
    let (krate, k) = (&quote!(#crate_path::__private), &quote!(__private));
    let stub = quote!(#[allow(non_camel_case_types, missing_docs)] #vis struct #ident;);
    let Some(mut program) = lower(fields, &closure.params, &closure.body, &ident.to_string(), errors) else {
        return stub;
    };
    if let Some(node) = program.nodes.iter().find(|node| matches!(node.kind, Kind::Sub(_))) {
        errors.push(
            node.span,
            "a parameter of a `#[differentiable]` function is no layer; call the layer where it is a field".into(),
        );
        return stub;
    }
    if let Some(returns) = returns {
        if returns.len() != program.results.len() {
            let message =
                format!("{} results are written, the equation gives {}", returns.len(), program.results.len());
            errors.push(ident.span(), message);
            return stub;
        }
        for (result, axes) in program.results.clone().iter().zip(returns) {
            if let Value::Node(n, out) = result {
                program.nodes[*n].axes[*out].get_or_insert_with(|| axes.clone());
            }
        }
    }
    let writer = Writer::new(k, String::new(), quote!(super), fields, closure, &program);
    let module = format_ident!("{}_equation", ident);
    let (aliases, contents) = (writer.aliases(), programs_of(k, "", fields, &writer));
    let explained = writer.explained(false);
    let field_types = fields.iter().enumerate().map(|(i, field)| {
        let (alias, ty) = (format_ident!("F{i}"), seen_from_names(&field.ty));
        quote!(pub type #alias = #ty;)
    });

    let name = |argument: &Argument| match argument {
        Argument::Field(i) => format_ident!("p_{}", fields[*i].name()),
        Argument::Input(i) => format_ident!("in_{}", closure.params[*i].ident),
    };
    let names: Vec<_> = arguments.iter().map(name).collect();
    let each = |f: &dyn Fn(&Argument) -> TokenStream| -> Vec<TokenStream> { arguments.iter().map(f).collect() };
    let args = each(&|argument| match argument {
        Argument::Field(i) => {
            let ty = &fields[*i].ty;
            quote!(<#ty as #k::Wire>::View<'r, R>)
        }
        Argument::Input(i) if closure.params[*i].elem == Elem::Ids => quote!(#k::Ids<'r>),
        Argument::Input(_) => quote!(#k::Arg<'r, 'a, R>),
    });
    let cots = each(&|argument| match argument {
        Argument::Field(i) => {
            let ty = &fields[*i].ty;
            quote!(&'a mut <#ty as #k::Part>::Grad<R>)
        }
        Argument::Input(i) if closure.params[*i].elem == Elem::Ids => quote!(()),
        Argument::Input(_) => quote!(#k::Slot<'a, R>),
    });
    let keeps = each(&|argument| match argument {
        Argument::Field(_) => quote!(false),
        Argument::Input(i) => {
            let i = Literal::usize_unsuffixed(*i);
            quote!(#module::KEEPS[#i])
        }
    });
    let (ins, slots): (Vec<_>, Vec<_>) = arguments
        .iter()
        .filter_map(|argument| match argument {
            Argument::Field(_) => None,
            Argument::Input(i) => {
                let name = name(argument);
                Some(match closure.params[*i].elem {
                    Elem::Ids => (quote!(#k::Input::Ids(#name)), quote!(#k::Slot::Skip)),
                    Elem::Real => (quote!(#k::Input::Real(#name)), quote!(#name)),
                })
            }
        })
        .unzip();
    let members: Vec<_> = fields.iter().map(|field| field.binding()).collect();
    let values: Vec<_> = fields.iter().map(|field| format_ident!("p_{}", field.name())).collect();
    let marker = fields.is_empty().then(|| quote!(marker: ::core::marker::PhantomData));
    let fixed = fields.iter().find(|field| field.role == Some(Role::Fixed));
    if let Some(field) = fixed {
        errors.push(field.span, "`fixed` belongs on the field that is handed in".into());
        return stub;
    }
    let outs = Literal::usize_unsuffixed(program.results.len());
    let dims = writer.dims_of_arguments(arguments);
    let all = writer.argument_shapes(arguments);
    let results: Vec<_> = program.results.iter().map(|r| writer.shape(*r)).collect();
    let doc = format!("The equation of [`{ident}`](super::{ident}).");
    quote! {
        #[doc = #doc]
        #[allow(missing_docs, unreachable_pub, non_camel_case_types, non_snake_case, unused_imports, unused_variables, unused_mut, dead_code, clippy::all)]
        #vis mod #module {
            use #krate;
            mod names {
                pub(super) use super::super::*;
                use super::__private::{self, ops::*};
                #(#field_types)*
                #aliases
            }
            #contents
            #explained
            /// Axes of all arguments and of the results.
            pub const ARGUMENTS: #k::Sig = #k::signature(&[#(#all),*], &[#(#results),*]);
            /// Sizes of the results, from those of all arguments.
            pub fn dims_of_arguments(args: &[#k::Dims], outs: &mut [#k::Dims]) -> ::core::result::Result<(), #k::Error> {
                #dims
                ::core::result::Result::Ok(())
            }
        }
        #(#docs)*
        #[allow(non_camel_case_types, non_snake_case)]
        #vis struct #ident;
        const _: () = {
        use #krate;
        #[allow(unused_variables, unused_mut, unused_parens, clippy::all)]
        impl #k::Primitive for #ident {
            const SIG: #k::Sig = #module::ARGUMENTS;
            const KEEPS: &'static [bool] = &[#(#keeps),*];
            const KEEPS_OUT: bool = #module::KEEPS_OUT;
            const STEPS: bool = #module::STEPS;
            type Args<'r, 'a, R: #k::Real> = (#(#args,)*);
            type Cots<'a, R: #k::Real> = (#(#cots,)*);
            type Out<T> = [T; #outs];
            type Residual<'r, R: #k::Real> = #module::Residual<'r, R>;
            type State<R: #k::Real> = #module::State<R>;

            fn dims(args: &[#k::Dims], outs: &mut [#k::Dims]) -> ::core::result::Result<(), #k::Error> {
                #module::dims_of_arguments(args, outs)
            }
            fn forward<R: #k::Real>(
                (#(#names,)*): Self::Args<'_, '_, R>, mut out: [&mut [R]; #outs], state: &mut Self::State<R>, scratch: #k::Arena<'_, R>,
            ) -> ::core::result::Result<(), #k::Error> {
                #module::forward::<R, R>(#module::Fields { #(#members: #values,)* #marker }, &[#(#ins),*], &mut out, state, scratch)
            }
            fn forward_saving<'r, R: #k::Real>(
                (#(#names,)*): Self::Args<'r, '_, R>, mut out: [&mut [R]; #outs], state: &mut Self::State<R>, saved: &mut #k::Arena<'r, R>, scratch: #k::Arena<'_, R>,
            ) -> ::core::result::Result<Self::Residual<'r, R>, #k::Error> {
                #module::forward_saving::<R, R>(#module::Fields { #(#members: #values,)* #marker }, &[#(#ins),*], &mut out, state, saved, scratch)
            }
            fn vjp<R: #k::Real>(
                residual: Self::Residual<'_, R>, out: [&[R]; #outs], cot: [&[R]; #outs], (#(#names,)*): Self::Cots<'_, R>, state: &mut Self::State<R>, scratch: #k::Arena<'_, R>,
            ) -> ::core::result::Result<(), #k::Error> {
                #module::vjp::<R>(residual, &out, &cot, &mut [#(#slots),*], #module::Grad { #(#members: #values,)* #marker }, state, scratch)
            }
        }
        };
    }
}
