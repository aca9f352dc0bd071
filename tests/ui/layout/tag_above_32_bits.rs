use barewire::prelude::*;

#[derive(BareUnion)]
enum A {
    #[bare(tag = 4294967296)]
    B(f32),
}

fn main() {}
