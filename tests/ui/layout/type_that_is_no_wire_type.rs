use barewire::prelude::*;

struct Mine;

#[derive(BareStruct)]
struct A {
    x: f32,
    mine: Mine,
}

fn main() {}
