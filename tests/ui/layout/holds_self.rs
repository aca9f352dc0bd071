use barewire::prelude::*;

#[derive(BareStruct)]
struct Tree {
    children: Option<Vec<Self>>,
}

fn main() {}
