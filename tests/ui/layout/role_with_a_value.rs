use barewire::prelude::*;

#[derive(BareStruct)]
struct A {
    #[bare(fixed = true)]
    x: f32,
}

fn main() {}
