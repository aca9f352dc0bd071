use barewire::prelude::*;

#[derive(BareUnion)]
#[bare(retired = [3, 3])]
enum A {
    B(f32),
}

fn main() {}
