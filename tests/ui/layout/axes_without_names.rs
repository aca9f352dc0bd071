use barewire::prelude::*;

#[derive(BareStruct)]
struct B {
    x: f32,
}

#[derive(BareStruct)]
struct A {
    #[bare(axes(d_in))]
    b: B,
}

fn main() {}
