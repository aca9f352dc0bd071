use barewire::prelude::*;

#[derive(BareStruct)]
struct A {
    x: std::time::Duration,
}

fn main() {}
