use barewire::prelude::*;

#[derive(BareStruct)]
struct A {
    #[bare(3)]
    x: f32,
}

fn main() {}
