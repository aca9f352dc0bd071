use barewire::prelude::*;

#[derive(BareStruct)]
struct A {
    #[bare(align = 256)]
    x: f32,
}

fn main() {}
