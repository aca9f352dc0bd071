use barewire::prelude::*;

#[derive(BareStruct)]
#[bare(save = [h, h], forward = |x: [batch, d]| {
    let h = tanh(square(x)) * x * x;
    scale * h
})]
struct Gate {
    scale: f32,
}

fn main() {}
