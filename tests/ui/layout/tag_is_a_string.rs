use barewire::prelude::*;

#[derive(BareUnion)]
enum A {
    #[bare(tag = "1")]
    B(f32),
}

fn main() {}
