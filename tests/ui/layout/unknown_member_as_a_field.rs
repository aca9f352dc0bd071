use barewire::prelude::*;

#[derive(BareStruct)]
struct A {
    b: f32,
    c: barewire::wire::UnknownMember,
}

fn main() {}
