use barewire::prelude::*;

#[derive(BareUnion)]
enum Gate {
    #[bare(recompute = [gaet], forward = |x: [batch, d]| {
        let gate = sigmoid(scale * x) * x;
        gate + x
    })]
    Sigmoid { scale: f32 },
}

fn main() {}
