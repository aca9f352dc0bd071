use barewire::prelude::*;

#[derive(BareStruct)]
enum A {
    B(f32),
}

fn main() {}
