use barewire::BareStruct;

#[derive(BareStruct)]
struct Tree {
    left: Option<Node>,
}

#[derive(BareStruct)]
struct Node {
    trees: Vec<Tree>,
}

fn main() {}
