use barewire::prelude::*;

#[derive(BareStruct)]
#[bare(rename = Other)]
struct A {
    x: f32,
}

fn main() {}
