use barewire::prelude::*;
use barewire::wire::UnknownMember;

#[derive(BareUnion)]
enum A {
    B(f32),
    #[bare(unknown)]
    C(UnknownMember),
    #[bare(unknown)]
    D(UnknownMember),
}

fn main() {}
