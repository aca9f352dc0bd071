use barewire::prelude::*;

#[derive(BareUnion)]
enum A {
    B(f32),
    #[bare(unknown)]
    C(Vec<u8>),
}

fn main() {}
