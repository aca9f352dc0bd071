use barewire::prelude::*;

#[derive(BareStruct)]
#[bare(forward = |tokens: [batch]| embedding(table, tokens))]
struct Layer {
    #[bare(dims = [vocab, d])]
    table: Matrix<f32>,
}

fn main() {}
