use barewire::prelude::*;

#[derive(BareStruct)]
struct A<const N: usize> {
    x: [f32; N],
}

fn main() {}
