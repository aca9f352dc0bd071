use barewire::prelude::*;

#[derive(BareUnion)]
enum A {
    #[bare(tag)]
    B(f32),
}

fn main() {}
