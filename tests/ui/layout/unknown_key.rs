use barewire::prelude::*;

#[derive(BareUnion)]
enum A {
    #[bare(taag = 1)]
    B(f32),
}

fn main() {}
