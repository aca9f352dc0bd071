use barewire::prelude::*;

#[differentiable]
struct Twice;

fn main() {}
