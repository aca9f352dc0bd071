use barewire::prelude::*;

#[derive(BareStruct)]
struct A {
    #[bare(rename = "two words")]
    x: f32,
}

fn main() {}
