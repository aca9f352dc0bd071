use barewire::prelude::*;

#[derive(BareStruct)]
struct A {}

fn main() {}
