use barewire::prelude::*;

#[derive(BareUnion)]
enum A {
    B = 3,
    C = 4,
}

fn main() {}
