use barewire::prelude::*;

#[derive(BareUnion)]
enum A {
    #[bare(forward = |x: [n]| x * scale)]
    B { scale: f32 },
    C { scale: f32 },
}

fn main() {}
