use barewire::prelude::*;

#[derive(BareStruct)]
#[bare(forward = |x: [batch, d]| x * digits)]
struct Layer {
    #[bare(dims = [batch, d])]
    digits: TernaryMatrix,
}

fn main() {}
