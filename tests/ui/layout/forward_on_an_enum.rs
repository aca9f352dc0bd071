use barewire::prelude::*;

#[derive(BareUnion)]
#[bare(forward = |x: [n]| x)]
enum A {
    B(f32),
}

fn main() {}
