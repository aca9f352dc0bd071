use barewire::BareUnion;

#[derive(BareUnion)]
#[bare(fixed_size)]
enum Neuron {
    Lif { decay: f32 },
    Izhikevich { weights: Vec<f32> },
}

fn main() {}
