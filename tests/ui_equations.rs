//! One mistake a file: our words on the user's smallest wrong token, and nothing after them.
//!
//! `TRYBUILD=overwrite cargo test --test ui_equations` writes the `.stderr` files anew; read their diff like code.

/// Found by `cargo check`, on the source alone.
#[test]
fn mistakes() {
    trybuild::TestCases::new().compile_fail("tests/ui/equations/*.rs");
}

/// Found where a generic function is built for a type, which `cargo check` does not do.
#[test]
fn mistakes_of_a_build() {
    let cases = trybuild::TestCases::new();
    cases.pass("tests/ui/equations/built/forward_of_an_op_that_is_not_causal.rs");
    cases.compile_fail("tests/ui/equations/built/step_of_an_op_that_is_not_causal.rs");
}
