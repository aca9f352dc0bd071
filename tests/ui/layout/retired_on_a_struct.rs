use barewire::prelude::*;

#[derive(BareStruct)]
#[bare(retired = [3])]
struct A {
    x: f32,
}

fn main() {}
