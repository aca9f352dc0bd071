use barewire::prelude::*;

#[derive(BareStruct)]
struct A {
    d_model: f32,
    #[bare(rename = "dModel")]
    other: f32,
}

fn main() {}
