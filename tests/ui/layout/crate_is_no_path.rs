use barewire::prelude::*;

#[derive(BareStruct)]
#[bare(crate = "barewire")]
struct A {
    x: f32,
}

fn main() {}
