use barewire::prelude::*;

#[derive(BareUnion)]
enum A {
    #[bare(tag = 4294967295)]
    B(f32),
    C,
}

fn main() {}
