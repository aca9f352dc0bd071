use barewire::prelude::*;

#[derive(BareUnion)]
enum A {
    B(f32),
    #[bare(rename = "AB")]
    C(f32),
}

fn main() {}
