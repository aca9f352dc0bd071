use barewire::prelude::*;

#[derive(BareUnion)]
enum A {}

fn main() {}
