use barewire::prelude::*;

#[derive(BareUnion)]
enum Tree {
    Leaf(f32),
    Node(Vec<Tree>),
}

fn main() {}
