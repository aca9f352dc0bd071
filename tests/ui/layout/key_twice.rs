use barewire::prelude::*;

#[derive(BareUnion)]
enum A {
    #[bare(tag = 1, tag = 2)]
    B(f32),
}

fn main() {}
