use barewire::prelude::*;

#[derive(BareStruct)]
#[bare(save = [h], forward = |x: [batch, d]| {
    let h = sigmoid(scale * x);
    h * x
})]
struct Gate {
    scale: f32,
}

fn main() {}
