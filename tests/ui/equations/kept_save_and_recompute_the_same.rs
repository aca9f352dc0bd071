use barewire::prelude::*;

#[derive(BareStruct)]
#[bare(recompute = [h], save = [h], forward = |x: [batch, d]| {
    let h = tanh(square(x)) * x;
    scale * h
})]
struct Gate {
    scale: f32,
}

fn main() {}
