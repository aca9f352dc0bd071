use barewire::prelude::*;

#[derive(BareStruct)]
struct A<'a> {
    x: &'a [f32],
}

fn main() {}
