use barewire::prelude::*;

#[derive(BareUnion)]
#[bare(fixed_size)]
enum A {
    B { rate: f32, name: String },
    C([Option<u8>; 2]),
}

fn main() {}
