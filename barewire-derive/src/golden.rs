//! Expansions as files, to be read in a diff like code. `BLESS=1 cargo test -p barewire-derive golden` writes them anew.

use std::path::PathBuf;

use proc_macro2::TokenStream;

use crate::ast::Type;
use crate::check::{Derive, check};
use crate::differentiable::differentiable;
use crate::errors::Errors;
use crate::expand::layout::Expander;
use crate::expand::parts;

/// A type's expansion by `expand`, formatted.
fn expansion(input: &str, which: Derive, expand: impl FnOnce(&Type, &mut Errors) -> TokenStream) -> String {
    let input: syn::DeriveInput = syn::parse_str(input).unwrap();
    let mut errors = Errors::default();
    let ty = check(&input, which, &mut errors).unwrap();
    let tokens = expand(&ty, &mut errors);
    assert!(errors.is_empty(), "{:?}", errors.messages());
    pretty(tokens)
}

/// The layout half.
fn layout(input: &str, which: Derive) -> String {
    expansion(input, which, |ty, _| Expander::new(ty, false).expand(TokenStream::new()))
}

/// The equation half, whose impls stand in the block of the layout.
fn equations(input: &str, which: Derive) -> String {
    expansion(input, which, |ty, errors| {
        let parts::Written { items, impls } = parts::expand(ty, errors);
        quote::quote!(#items const _: () = { #impls };)
    })
}

fn pretty(tokens: TokenStream) -> String {
    prettyplease::unparse(&syn::parse2(tokens).unwrap())
}

fn golden(name: &str, found: &str) {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/golden").join(name);
    if std::env::var_os("BLESS").is_some() {
        std::fs::write(&path, found).unwrap();
    }
    let expected = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(expected == found, "{} differs; look at the result, then bless it:\n{found}", path.display());
    assert!(!found.contains("unsafe"), "{} has unsafe code", path.display());
}

#[test]
fn union() {
    let input = "
        /// A weight.
        pub enum Weight {
            /// digits with a scale
            Ternary {
                /// digits
                #[bare(dims = [d_out, d_in], scaled_by = scale)]
                digits: TernaryMatrix,
                scale: f32,
            },
            #[bare(tag = 7)]
            Dense(#[bare(align = 256)] Matrix<f32>, Vec<f32>),
            #[bare(tag = 3)]
            Zero,
        }";
    golden("union.rs", &layout(input, Derive::Union));
}

#[test]
fn structure() {
    let input = "
        #[bare(crate = other::place, rename = \"Renamed\")]
        struct Block {
            norm: Vec<f32>,
            #[bare(rename = \"W\")]
            pub(crate) weight: Weight,
            r#type: u8,
        }";
    golden("struct.rs", &layout(input, Derive::Struct));
}

#[test]
fn plain_enum() {
    golden("enum.rs", &layout("pub(crate) enum Kernel { EluPlusOne, Relu, #[bare(tag = 200)] Exp }", Derive::Union));
}

#[test]
fn fixed_size() {
    let input = "
        #[bare(fixed_size, retired = [2])]
        pub enum Neuron {
            Lif { threshold: f32, kernel: super::Kernel },
            Pair([f32; 2], #[bare(rename = \"on\")] bool),
            #[bare(tag = 7)]
            Silent,
        }";
    golden("fixed.rs", &layout(input, Derive::Union));
    golden("fixed-struct.rs", &layout("#[bare(fixed_size)] struct Point { x: f32, y: f32 }", Derive::Struct));
}

#[test]
fn mistakes_leave_stubs() {
    let input: syn::DeriveInput = syn::parse_str("enum A { #[bare(tag = 1)] B(f32), #[bare(tag = 1)] C }").unwrap();
    let mut errors = Errors::default();
    let ty = check(&input, Derive::Union, &mut errors).unwrap();
    assert_eq!(errors.messages(), ["tag 1 is already used by variant `B`"]);
    golden("stub.rs", &pretty(Expander::new(&ty, true).expand(TokenStream::new())));
}

/// The expansion grows with variants times fields and stays small: a user's compiler reads all of it.
#[test]
fn fifty_variants_stay_under_ten_thousand_lines() {
    let lines = |attribute: &str, fields: &str, variants: usize| {
        let variants: String = (0..variants).map(|i| format!("V{i} {{ {fields} }},")).collect();
        layout(&format!("{attribute} pub enum Big {{ {variants} }}"), Derive::Union).lines().count()
    };
    let sized = "#[bare(fixed_size)]";
    let numbers = |n: usize| (0..n).map(|i| format!("x{i}: f32,")).collect::<String>();
    for (attribute, fields) in
        [("", "weights: Matrix<f32>, bias: Vec<f32>, scale: f32".into()), (sized, numbers(3)), (sized, numbers(5))]
    {
        let (fifty, hundred) = (lines(attribute, &fields, 50), lines(attribute, &fields, 100));
        println!("{fifty} lines for 50 variants {attribute} of {fields}");
        assert!(fifty < 10_000, "{fifty}");
        assert!(hundred < 2 * fifty, "not linear: {fifty}, then {hundred}");
    }
    let (three, six) = (lines(sized, &numbers(3), 50), lines(sized, &numbers(6), 50));
    assert!(six < 2 * three, "not linear in the fields: {three}, then {six}");
}

#[test]
fn a_fused_chain() {
    let input = "
        #[bare(forward = |x: [batch, time, d]| {
            let h = rms_norm(x, norm, 1e-6);
            x + gain * silu(h) * sigmoid(rms_norm(h * 0.5, norm, 1e-6))
        })]
        pub struct Chain {
            #[bare(dims = [d])]
            norm: Vec<f32>,
            gain: f32,
        }";
    golden("equations-chain.rs", &equations(input, Derive::Struct));
}

#[test]
fn a_union() {
    let input = "
        pub enum Mixer {
            #[bare(tag = 0, forward = |x: [batch, time, d]| x + gated_linear_recurrence(sigmoid(gate(x)), x))]
            Recurrence {
                #[bare(axes(d_in = d, d_out = d))]
                gate: super::Projection,
            },
            #[bare(tag = 1, forward = |x: [batch, time, d]| { let (a, b) = split(x); concat(b, a) * f0 })]
            Swap(#[bare(fixed)] f32),
        }";
    golden("equations-union.rs", &equations(input, Derive::Union));
}

#[test]
fn a_function() {
    let function = "
        /// A gated linear unit.
        fn gated(#[bare(dims = [d_out, d_in])] weights: Matrix<f32>, x: (batch, d_in), gate: (batch, d_out)) -> (batch, d_out) {
            linear(weights, x) * sigmoid(gate)
        }";
    let tokens = differentiable(TokenStream::new(), syn::parse_str(function).unwrap());
    golden("equations-function.rs", &pretty(tokens));
}

/// What is written by leave: a residual on the wire, variants as types, a program that runs again. The same of a function, and
/// of a type whose equation it is.
#[test]
fn by_leave() {
    let union = "
        #[bare(portable, specialise)]
        pub(crate) enum Gate {
            #[bare(recompute, forward = |x: [batch, d]| silu(x))]
            Silu,
            #[bare(forward = |x: [batch, d]| gain * x)]
            Linear { gain: f32 },
        }";
    let structure = "
        #[bare(portable, specialise, forward = |x: [batch, d]| x + scale * gate(tanh(x)))]
        struct Block {
            scale: f32,
            #[bare(axes(d = d))]
            gate: Gate,
        }";
    let variant = "#[bare(portable, forward = scaled)] struct Scaled { gain: f32 }";
    let function = "pub fn scaled(x: (batch, d), gain: f32) -> (batch, d) { gain * exp(softmax(x)) }";
    let function = |keys: &str| {
        let tokens = differentiable(syn::parse_str(keys).unwrap(), syn::parse_str(function).unwrap());
        pretty(tokens)
    };
    let types = [(union, Derive::Union), (structure, Derive::Struct), (variant, Derive::Struct)];
    let found: String = types.iter().map(|(input, which)| equations(input, *which)).collect();
    golden("equations-by-leave.rs", &(found + &function("portable")));
    golden("equations-function-again.rs", &function("recompute, portable"));
}

/// Code grows with the number of variants, not faster.
#[test]
fn lines_grow_with_the_number_of_variants() {
    let lines = |n: usize| {
        let variants: String = (0..n)
            .map(|i| {
                format!(
                    "#[bare(forward = |x: [batch, d]| silu(linear(weights, x) + bias) * gain)]
                     V{i} {{
                         #[bare(dims = [d, d])] weights: Matrix<f32>,
                         #[bare(dims = [d])] bias: Vec<f32>,
                         gain: f32,
                     }},"
                )
            })
            .collect();
        equations(&format!("pub enum Big {{ {variants} }}"), Derive::Union).lines().count()
    };
    let (ten, twenty) = (lines(10), lines(20));
    println!("{} lines a variant", ten / 10);
    assert!(twenty < 2 * ten, "not linear: {ten}, then {twenty}");
}
