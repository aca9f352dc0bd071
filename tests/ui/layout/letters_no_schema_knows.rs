use barewire::prelude::*;

#[derive(BareStruct)]
struct A {
    größe: f32,
}

fn main() {}
