use barewire::prelude::*;

#[derive(BareUnion)]
enum A {
    #[bare(tag = 1)]
    Dense(f32),
    #[bare(tag = 1)]
    Sparse(f32),
}

fn main() {}
