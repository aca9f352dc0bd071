use barewire::prelude::*;

#[derive(BareStruct)]
struct B {
    x: f32,
}

#[derive(BareStruct)]
struct A {
    #[bare(axes(d_in = d_model, d_in = d_ffn))]
    b: B,
}

fn main() {}
