use barewire::prelude::*;

#[derive(BareUnion)]
enum A {
    #[bare(tag = 1)]
    Dense(f32),
    #[bare(tag = 0)]
    Sparse(f32),
    Banded(f32),
}

fn main() {}
