use barewire::prelude::*;

#[derive(BareStruct)]
struct P {
    x: f32,
}

#[derive(BareUnion)]
enum A {
    B { ps: Vec<P> },
    C(self::P),
}

fn main() {}
