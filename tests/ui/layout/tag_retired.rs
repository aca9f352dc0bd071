use barewire::prelude::*;

#[derive(BareUnion)]
#[bare(retired = [2, 3])]
enum A {
    #[bare(tag = 3)]
    B(f32),
}

fn main() {}
