use barewire::prelude::*;

#[derive(BareUnion)]
enum A {
    #[bare(unknown)]
    B(barewire::wire::UnknownMember),
}

fn main() {}
