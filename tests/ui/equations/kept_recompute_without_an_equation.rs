use barewire::prelude::*;

#[derive(BareStruct)]
#[bare(recompute)]
struct Gate {
    scale: f32,
}

fn main() {}
