use barewire::prelude::*;

#[derive(BareStruct)]
struct A {
    #[bare(scaled_by = scael)]
    digits: TernaryMatrix,
    scale: f32,
}

fn main() {}
