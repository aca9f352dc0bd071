use barewire::prelude::*;

#[derive(BareUnion)]
enum A {
    #[bare(forward = |x: [batch]| scale * x)]
    B { scale: f32 },
    #[bare(unknown)]
    C(barewire::wire::UnknownMember),
}

fn main() {}
