//! Writes a `#[differentiable] fn`: a module with its programs, like a variant's, and a unit struct that is an op.

use proc_macro2::{Ident, Literal, TokenStream};
use quote::{format_ident, quote};

use super::equations::{Writer, seen_from_names};
use super::layers::{programs_of, running_again};
use crate::ast::Elem;
use crate::differentiable::{Argument, Function};
use crate::errors::Errors;
use crate::program::{Kind, Program, Value, lower};

pub(crate) fn expand(function: &Function, errors: &mut Errors) -> TokenStream {
    let Function { ident, vis, docs, crate_path, fields, closure, .. } = function;
    let (krate, k) = (&quote!(#crate_path::__private), &quote!(__private));
    let Some(program) = program(function, errors) else {
        return quote!(#[allow(non_camel_case_types, missing_docs)] #vis struct #ident;);
    };
    let again = function.keeps.inputs_only.is_some();
    let home = if again { quote!(super::again) } else { quote!(super) };
    // what runs again keeps its inputs, and has no residual of its own
    let portable = function.portable && !again;
    let writer = Writer::new(k, String::new(), home, fields, closure, &program).portable(portable);
    let op = Op { function, k, module: format_ident!("{ident}_equation"), results: program.results.len() };
    let (module, contents) = (&op.module, op.contents(&writer, again));
    let (implementation, portable) = (op.implementation(), function.portable.then(|| op.portable_implementation()));
    let aliases = writer.aliases();
    let field_types = fields.iter().enumerate().map(|(i, field)| {
        let (alias, ty) = (format_ident!("F{i}"), seen_from_names(&field.ty));
        quote!(pub type #alias = #ty;)
    });
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
        }
        #(#docs)*
        #[allow(non_camel_case_types, non_snake_case)]
        #vis struct #ident;
        const _: () = {
            use #krate;
            #implementation
            #portable
        };
    }
}

/// The equation, lowered; mistakes go to `errors`.
fn program(function: &Function, errors: &mut Errors) -> Option<Program> {
    let Function { ident, fields, closure, returns, keeps, .. } = function;
    let before = errors.len();
    let mut program = lower(fields, &closure.params, &closure.body, &ident.to_string(), errors)?;
    if let Some(node) = program.nodes.iter().find(|node| matches!(node.kind, Kind::Sub(_))) {
        errors.push(
            node.span,
            "a parameter of a `#[differentiable]` function is no layer; call the layer where it is a field".into(),
        );
        return None;
    }
    // beside `recompute` for the whole, lists have been refused
    if keeps.inputs_only.is_none() {
        program.keep(keeps, errors);
    }
    if let Some(returns) = returns {
        if returns.len() != program.results.len() {
            let message =
                format!("{} results are written, the equation gives {}", returns.len(), program.results.len());
            errors.push(ident.span(), message);
            return None;
        }
        for (result, axes) in program.results.clone().iter().zip(returns) {
            if let Value::Node(n, out) = result {
                program.nodes[*n].axes[*out].get_or_insert_with(|| axes.clone());
            }
        }
    }
    (errors.len() == before).then_some(program)
}

/// A function as an op.
struct Op<'a> {
    function: &'a Function,
    /// `__private`
    k: &'a TokenStream,
    /// where its programs are
    module: Ident,
    /// number of results
    results: usize,
}

impl Op<'_> {
    /// The programs, and what an op needs beside them.
    fn contents(&self, writer: &Writer<'_>, again: bool) -> TokenStream {
        let (k, Function { ident, arguments, fields, closure, .. }) = (self.k, self.function);
        let programs = programs_of(k, "", fields, writer);
        let (dims, all) = (writer.dims_of_arguments(arguments), writer.argument_shapes(arguments));
        let results = writer.program.results.iter().map(|result| writer.shape(*result));
        let programs = quote! {
            #programs
            /// Axes of all arguments and of the results.
            pub const ARGUMENTS: #k::Sig = #k::signature(&[#(#all),*], &[#(#results),*]);
            /// Sizes of the results, from those of all arguments.
            pub fn dims_of_arguments(args: &[#k::Dims], outs: &mut [#k::Dims]) -> ::core::result::Result<(), #k::Error> {
                #dims
                ::core::result::Result::Ok(())
            }
        };
        let explained = writer.explained(again);
        let programs = if again {
            let programs = running_again(k, programs, explained);
            quote!(#programs pub use again::{ARGUMENTS, dims_of_arguments};)
        } else {
            quote!(#programs #explained)
        };
        let inputs: Vec<_> = closure.params.iter().map(|param| format_ident!("in_{}", param.ident)).collect();
        let ordered = arguments.iter().map(|argument| match argument {
            Argument::Field(i) => {
                let member = fields[*i].binding();
                quote!(view.#member)
            }
            Argument::Input(i) => {
                let (input, kind) = (&inputs[*i], closure.params[*i].elem);
                if kind == Elem::Ids { quote!(#input.ids()?) } else { quote!(#input.real()?) }
            }
        });
        quote! {
            #programs
            /// Fields and inputs in the order of the function's arguments.
            pub fn arguments<'r>(
                view: Fields<'r, #k::f32>, ins: &[#k::Input<'r, 'r, #k::f32>],
            ) -> ::core::result::Result<<super::#ident as #k::Primitive>::Args<'r, 'r, #k::f32>, #k::Error> {
                let [#(#inputs),*] = #k::exactly(ins, "inputs")?;
                ::core::result::Result::Ok((#(#ordered,)*))
            }
        }
    }

    /// What an argument is called.
    fn name(&self, argument: &Argument) -> Ident {
        match argument {
            Argument::Field(i) => self.value(*i),
            Argument::Input(i) => format_ident!("in_{}", self.function.closure.params[*i].ident),
        }
    }

    /// What a field is called where it is an argument.
    fn value(&self, field: usize) -> Ident {
        format_ident!("p_{}", self.function.fields[field].name())
    }

    /// The names of all arguments, as a pattern.
    fn names(&self) -> TokenStream {
        let names = self.function.arguments.iter().map(|argument| self.name(argument));
        quote!(#(#names),*)
    }

    /// `Fields` or `Grad` of the arguments that are fields.
    fn of_fields(&self, what: &str) -> TokenStream {
        let (module, what, fields) = (&self.module, format_ident!("{what}"), &self.function.fields);
        let members = fields.iter().map(|field| field.binding());
        let values = (0..fields.len()).map(|i| self.value(i));
        let marker = fields.is_empty().then(|| quote!(marker: ::core::marker::PhantomData));
        quote!(#module::#what { #(#members: #values,)* #marker })
    }

    /// For each argument that is an input: the input, and the slot of its cotangent.
    fn inputs(&self) -> (Vec<TokenStream>, Vec<TokenStream>) {
        let (k, Function { arguments, closure, .. }) = (self.k, self.function);
        let inputs = arguments.iter().filter_map(|argument| match argument {
            Argument::Field(_) => None,
            Argument::Input(i) => {
                let name = self.name(argument);
                Some(match closure.params[*i].elem {
                    Elem::Ids => (quote!(#k::Input::Ids(#name)), quote!(#k::Slot::Skip)),
                    Elem::Real => (quote!(#k::Input::Real(#name)), quote!(#name)),
                })
            }
        });
        inputs.unzip()
    }

    /// For each argument the type in `Args`, that in `Cots`, and whether the residual borrows it.
    fn types(&self) -> [Vec<TokenStream>; 3] {
        let (k, module, Function { arguments, fields, closure, .. }) = (self.k, &self.module, self.function);
        let (mut args, mut cots, mut keeps) = (Vec::new(), Vec::new(), Vec::new());
        for argument in arguments {
            match argument {
                Argument::Field(i) => {
                    let ty = &fields[*i].ty;
                    args.push(quote!(<#ty as #k::Wire>::View<'r, R>));
                    cots.push(quote!(&'a mut <#ty as #k::Part>::Grad<R>));
                    keeps.push(quote!(false));
                }
                Argument::Input(i) => {
                    let at = Literal::usize_unsuffixed(*i);
                    keeps.push(quote!(#module::KEEPS[#at]));
                    if closure.params[*i].elem == Elem::Ids {
                        args.push(quote!(#k::Ids<'r>));
                        cots.push(quote!(()));
                    } else {
                        args.push(quote!(#k::Arg<'r, 'a, R>));
                        cots.push(quote!(#k::Slot<'a, R>));
                    }
                }
            }
        }
        [args, cots, keeps]
    }

    fn implementation(&self) -> TokenStream {
        let (k, module, ident) = (self.k, &self.module, &self.function.ident);
        let [args, cots, keeps] = self.types();
        let (names, (ins, slots)) = (self.names(), self.inputs());
        let (fields, grad) = (self.of_fields("Fields"), self.of_fields("Grad"));
        let outs = Literal::usize_unsuffixed(self.results);
        quote! {
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
                    (#names,): Self::Args<'_, '_, R>, mut out: [&mut [R]; #outs], state: &mut Self::State<R>, scratch: #k::Arena<'_, R>,
                ) -> ::core::result::Result<(), #k::Error> {
                    #module::forward::<R, R>(#fields, &[#(#ins),*], &mut out, state, scratch)
                }
                fn forward_saving<'r, R: #k::Real>(
                    (#names,): Self::Args<'r, '_, R>, mut out: [&mut [R]; #outs], state: &mut Self::State<R>, saved: &mut #k::Arena<'r, R>, scratch: #k::Arena<'_, R>,
                ) -> ::core::result::Result<Self::Residual<'r, R>, #k::Error> {
                    #module::forward_saving::<R, R>(#fields, &[#(#ins),*], &mut out, state, saved, scratch)
                }
                fn vjp<R: #k::Real>(
                    residual: Self::Residual<'_, R>, out: [&[R]; #outs], cot: [&[R]; #outs], (#names,): Self::Cots<'_, R>, state: &mut Self::State<R>, scratch: #k::Arena<'_, R>,
                ) -> ::core::result::Result<(), #k::Error> {
                    #module::vjp::<R>(residual, &out, &cot, &mut [#(#slots),*], #grad, state, scratch)
                }
            }
        }
    }

    /// The residual on the wire: that of the equation.
    fn portable_implementation(&self) -> TokenStream {
        let (k, module, ident) = (self.k, &self.module, &self.function.ident);
        let (names, (ins, _), fields) = (self.names(), self.inputs(), self.of_fields("Fields"));
        quote! {
            impl #k::residual::PortableOp for #ident {
                const ARRAYS: &'static [(&'static str, #k::residual::Elements)] = &[];
                const HAS_OCTETS: bool = #module::HAS_OCTETS;
                fn fields(types: &mut #k::SchemaBuilder) -> #k::residual::Fields {
                    #module::residual_fields(types)
                }
                fn write(residual: Self::Residual<'_, #k::f32>, to: &mut #k::residual::Outgoing<'_>) {
                    #module::write_residual(residual, to.writer())
                }
                fn read<'r>(
                    (#names,): Self::Args<'r, 'r, #k::f32>, from: &mut #k::residual::Arrays<'_, 'r>,
                ) -> ::core::result::Result<Self::Residual<'r, #k::f32>, #k::Error> {
                    let (from, saved) = from.parts();
                    #module::read_residual(#fields, &[#(#ins),*], saved, from)
                }
            }
        }
    }
}
