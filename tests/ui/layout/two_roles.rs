use barewire::prelude::*;

#[derive(BareStruct)]
struct A {
    #[bare(active, fixed)]
    x: f32,
}

fn main() {}
