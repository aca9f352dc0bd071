use barewire::prelude::*;

#[derive(BareStruct)]
struct A {
    #[bare(fixed rename = "y")]
    x: f32,
}

fn main() {}
