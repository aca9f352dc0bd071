use barewire::prelude::*;

#[derive(BareUnion)]
enum Gate {
    #[bare(recompute, save = [h], forward = |x: [batch, d]| {
        let h = square(x);
        tanh(h * h * scale)
    })]
    Square { scale: f32 },
}

fn main() {}
