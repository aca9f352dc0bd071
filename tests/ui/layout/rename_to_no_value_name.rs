use barewire::prelude::*;

#[derive(BareUnion)]
enum A {
    #[bare(rename = "Relu")]
    Relu,
    Exp,
}

fn main() {}
