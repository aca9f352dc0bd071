use barewire::prelude::*;

#[derive(BareUnion)]
#[bare(fixed_size)]
enum A {
    B(f32),
    #[bare(unknown)]
    C(barewire::wire::UnknownMember),
}

fn main() {}
