//! The derives of barewire. Use them through the facade crate `barewire`, where they are documented.
//!
//! ```text
//! attr, equation   what the attributes say
//! ast              a type, understood
//! check            what contradicts itself is refused, all of it at once
//! layout, program  what will be written
//! expand           tokens
//! ```
#![forbid(unsafe_code)]

mod ast;
mod attr;
mod check;
mod differentiable;
mod equation;
mod errors;
mod expand;
mod layout;
mod program;

#[cfg(test)]
mod golden;

use proc_macro2::TokenStream;

use check::Derive;

/// Derives the wire layout, views, and equations of an enum: a tagged union.
///
/// For `enum Part` it writes `PartView`, `PartViewMut` and the codec; `PartCotangent`, a gradient with the variant of the
/// value; for a type of `fixed_size`, `PartRun` and `PartRunMut`, the columns of many of one variant; and, if every variant has an equation, the module `part` with one module of programs a variant
/// (`part::dense::{forward, forward_saving, vjp}`), `PartResidual` and `PartState`.
///
/// | place           | key                            | meaning                                                            |
/// |-----------------|--------------------------------|--------------------------------------------------------------------|
/// | type            | `crate = path`                 | where barewire is, if it is not `::barewire`                       |
/// | type            | `rename = "Name"`              | the name in the schema                                             |
/// | enum            | `retired = [3, 4]`             | tags that must not be used again                                   |
/// | type            | `fixed_size`                   | it may stand in `Slots` and `Columns`: numbers, bools, arrays of such |
/// | type            | `portable`                     | its residual can be sent to another process                        |
/// | type            | `specialise`                   | its variants, or combinations of its layers' variants, are types   |
/// | variant         | `tag = 1`                      | its number on the wire; else one more than the variant before      |
/// | variant         | `unknown`                      | keeps members that the type does not list: one `UnknownMember`     |
/// | variant, struct | `forward = equation`           | a closure, or the path of a [`differentiable`] function            |
/// | variant, struct | `recompute`                    | the residual keeps the inputs; the backward pass runs the forward again |
/// | variant, struct | `recompute = [h]`              | the loop that gives `let h` keeps no function's result             |
/// | variant, struct | `save = [h]`                   | the loop that gives `let h` keeps all that its backward pass reads |
/// | field           | `dims = [d_out, d_in]`         | names of the axes of numbers, outermost first                      |
/// | field           | `axes(d_in = d_model)`         | what a sub-layer's axes are called here                            |
/// | field           | `active`, `signal`, `fixed`    | its role; `fixed` gets no gradient and may stay unused             |
/// | field           | `gradient = low_rank`          | how its gradient is held: `dense`, `sparse`, `low_rank`, `diagonal`, `ternary` |
/// | field           | `scaled_by = scale`            | the sibling that is the absmean scale of these digits              |
/// | field           | `checkpoint = 4`, `checkpoint` | of a list of layers: inputs of every fourth (about every √L-th) layer are kept |
/// | field           | `align = 256`                  | alignment of its lists: a power of two from 64 to 4096             |
/// | field, variant  | `rename = "name"`              | the exact name in the schema                                       |
///
/// An equation is `|x: [batch, time, d], ids: u32[batch, time]| expression`, or a block of `let`s that ends in one. It
/// has fields, inputs, numbers, `+ - * /`, `if a < b { .. } else { .. }`, the elementwise functions `exp ln sqrt tanh
/// sigmoid silu gelu softplus sin cos abs relu relu2 square recip max min clamp`, `stop(..)`, `ste(round(..))`,
/// `ste(sign(..))`, `surrogate(step(..), sigmoid)`, calls of fields that have an equation themselves, and calls of ops by name or path.
/// `let (a, b): ([batch, f], [batch, f]) = split(x);` takes several results and names their axes.
///
/// A type with equations stands at module level, not inside a function: its module must see the types of its fields.
/// Type and lifetime parameters are refused, since a wire layout needs a concrete type.
#[proc_macro_derive(BareUnion, attributes(bare))]
pub fn bare_union(input: proc_macro::TokenStream) -> proc_macro::TokenStream {
    derive(input.into(), Derive::Union).into()
}

/// Derives the wire layout, views, and equations of a struct. `#[bare(forward = ..)]` stands on the type; everything
/// else is as with [`BareUnion`](derive@BareUnion).
#[proc_macro_derive(BareStruct, attributes(bare))]
pub fn bare_struct(input: proc_macro::TokenStream) -> proc_macro::TokenStream {
    derive(input.into(), Derive::Struct).into()
}

/// An equation that several variants share: an op like any other.
///
/// Axes stand where types stand, as tuples, since the compiler reads a function before the attribute does:
/// `x: (batch, time, d)` for numbers, `ids: u32<(batch, time)>` for ids. A parameter with an ordinary type is what a
/// field is to a variant, with the same `#[bare(dims = [..])]`. `fn gated` can be called in equations as `gated(..)`, or
/// be a whole variant's equation as `forward = gated`, if its parameters have the names of the variant's fields.
///
/// ```text
/// #[differentiable]
/// fn swiglu(gate: (batch, f), up: (batch, f)) -> (batch, f) {
///     silu(gate) * up
/// }
/// ```
///
/// `#[differentiable(recompute)]`, `(recompute = [h])`, `(save = [h])` and `(portable)` say of the function what they say of an equation in a
/// derive; so does `(crate = path)`. A type that is `portable` and whose equation is a function needs a function that is.
#[proc_macro_attribute]
pub fn differentiable(attr: proc_macro::TokenStream, item: proc_macro::TokenStream) -> proc_macro::TokenStream {
    differentiable::differentiable(attr.into(), item.into()).into()
}

/// The pipeline. Messages come first, then whatever can be written without causing more of them.
fn derive(input: TokenStream, which: Derive) -> TokenStream {
    let input: syn::DeriveInput = match syn::parse2(input) {
        Ok(input) => input,
        Err(error) => return error.to_compile_error(),
    };
    let mut errors = errors::Errors::default();
    let items = check::check(&input, which, &mut errors).map(|ty| expand::expand(&ty, &mut errors));
    let messages = errors.to_tokens();
    quote::quote!(#messages #items)
}
