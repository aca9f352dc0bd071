use barewire::prelude::*;

#[derive(BareStruct)]
#[bare(recompute = [h], forward = |x: [batch, d]| {
    let h = scale * x;
    silu(h)
})]
struct Gate {
    scale: f32,
}

fn main() {}
