use barewire::prelude::*;
use barewire::wire::{self, TernaryView};

// every mistake is reported, and what uses the type is not
#[derive(BareUnion)]
#[bare(retired = [7], colour = red)]
enum Weight {
    #[bare(tag = "1")]
    Ternary {
        #[bare(dims = d_in, align = 3)]
        digits: TernaryMatrix,
        #[bare(activ)]
        scale: f32,
    },
    #[bare(tag = 7)]
    Dense(Vec<f32>),
}

fn scale(weight: WeightView<'_>) -> f32 {
    match weight {
        WeightView::Ternary { digits: TernaryView { .. }, scale } => scale,
        WeightView::Dense(values) => values[0],
    }
}

fn scale_of(message: &[u8]) -> f32 {
    scale(wire::view_message::<Weight>(message, &Index::new()).unwrap())
}

fn main() {}
