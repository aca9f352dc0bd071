use barewire::prelude::*;

#[derive(BareUnion)]
enum A {
    B(f32),
    #[bare(unknown, tag = 7)]
    C(barewire::wire::UnknownMember),
}

fn main() {}
