use barewire::BareUnion;

#[derive(BareUnion)]
#[bare(fixed_size)]
enum Neuron {
    #[bare(tag = 127)]
    Lif { decay: f32 },
    #[bare(tag = 128)]
    Izhikevich { a: f32 },
}

fn main() {}
