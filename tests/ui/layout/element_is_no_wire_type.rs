use barewire::prelude::*;

#[derive(BareStruct)]
struct A {
    x: Vec<std::time::Duration>,
}

fn main() {}
