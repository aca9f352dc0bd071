use barewire::prelude::*;

#[derive(BareUnion)]
enum A {
    #[bare(colour = 1)]
    B(f32),
}

fn main() {}
