use barewire::prelude::*;

#[derive(BareStruct)]
#[bare(forward = |x: [batch, d], y: [batch, d]| x * y + bias)]
struct Inner {
    #[bare(dims = [d])]
    bias: Vec<f32>,
}

#[derive(BareStruct)]
#[bare(forward = |x: [batch, d], gates: [batch, n]| experts(x, gates))]
struct Outer {
    experts: Routed<Inner>,
}

fn main() {}
