use barewire::prelude::*;

#[derive(BareStruct)]
#[bare(rename = "other")]
struct A {
    x: f32,
}

fn main() {}
