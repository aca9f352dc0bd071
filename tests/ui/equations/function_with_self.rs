use barewire::prelude::*;

struct Layer;

impl Layer {
    #[differentiable]
    fn twice(&self, x: (batch, d)) -> (batch, d) {
        x + x
    }
}

fn main() {}
