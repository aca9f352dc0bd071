use barewire::prelude::*;

#[derive(BareStruct)]
#[bare(forward = twice)]
struct Layer {
    #[bare(dims = [d])]
    bias: Vec<f32>,
}

fn main() {}
