//! One mistake a file: the derive's words, on the user's token, and nothing after them.
//!
//! `TRYBUILD=overwrite cargo test --test ui_layout` writes the `.stderr` files anew; read their diff like code.

#[test]
fn mistakes() {
    trybuild::TestCases::new().compile_fail("tests/ui/layout/*.rs");
}
