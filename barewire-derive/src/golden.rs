//! Expansions as files, to be read in a diff like code. `BLESS=1 cargo test -p barewire-derive golden` writes them anew.

use std::path::PathBuf;

use proc_macro2::TokenStream;

use crate::check::{Derive, check};
use crate::errors::Errors;
use crate::expand::layout::Expander;

/// The layout half of an expansion, formatted.
fn layout(input: &str, which: Derive) -> String {
    let input: syn::DeriveInput = syn::parse_str(input).unwrap();
    let mut errors = Errors::default();
    let ty = check(&input, which, &mut errors).unwrap();
    assert!(errors.is_empty(), "{:?}", errors.messages());
    pretty(Expander::new(&ty, false).expand())
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
fn mistakes_leave_stubs() {
    let input: syn::DeriveInput = syn::parse_str("enum A { #[bare(tag = 1)] B(f32), #[bare(tag = 1)] C }").unwrap();
    let mut errors = Errors::default();
    let ty = check(&input, Derive::Union, &mut errors).unwrap();
    assert_eq!(errors.messages(), ["tag 1 is already used by variant `B`"]);
    golden("stub.rs", &pretty(Expander::new(&ty, true).expand()));
}

/// The expansion grows with variants times fields and stays small: a user's compiler reads all of it.
#[test]
fn fifty_variants_stay_under_ten_thousand_lines() {
    let lines = |n: usize| {
        let variants: String =
            (0..n).map(|i| format!("V{i} {{ weights: Matrix<f32>, bias: Vec<f32>, scale: f32 }},")).collect();
        layout(&format!("pub enum Big {{ {variants} }}"), Derive::Union).lines().count()
    };
    let (fifty, hundred) = (lines(50), lines(100));
    println!("{fifty} lines for 50 variants of 3 fields");
    assert!(fifty < 10_000, "{fifty}");
    assert!(hundred < 2 * fifty, "not linear: {fifty}, then {hundred}");
}
