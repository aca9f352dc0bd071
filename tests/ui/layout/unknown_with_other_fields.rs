use barewire::prelude::*;

#[derive(BareUnion)]
enum A {
    B(f32),
    #[bare(unknown)]
    C { tag: u32, bytes: Vec<u8> },
}

fn main() {}
