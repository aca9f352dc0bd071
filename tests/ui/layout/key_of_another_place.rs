use barewire::prelude::*;

#[derive(BareUnion)]
enum A {
    B {
        #[bare(tag = 1)]
        x: f32,
    },
}

fn main() {}
