use barewire::{BareStruct, BareUnion};

#[derive(BareUnion)]
enum Kernel {
    Exp,
    Alpha,
}

#[derive(BareStruct)]
#[bare(fixed_size)]
struct Neuron {
    kernel: Kernel,
}

fn main() {}
