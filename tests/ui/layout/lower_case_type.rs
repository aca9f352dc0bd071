use barewire::prelude::*;

#[derive(BareStruct)]
#[allow(non_camel_case_types)]
struct lower {
    x: f32,
}

fn main() {}
