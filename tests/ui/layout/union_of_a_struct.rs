use barewire::prelude::*;

#[derive(BareUnion)]
struct A {
    x: f32,
}

fn main() {}
