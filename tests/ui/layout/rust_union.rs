use barewire::prelude::*;

#[derive(BareUnion)]
union A {
    x: f32,
}

fn main() {}
