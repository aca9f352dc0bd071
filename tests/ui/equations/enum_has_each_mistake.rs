use barewire::prelude::*;

#[derive(BareUnion)]
enum Map {
    #[bare(forward = |x: [batch, d]| x * scale)]
    Unused { scale: f32, gain: f32 },
    #[bare(forward = |x: [batch, d]| step(x) * scale)]
    Steep { scale: f32 },
}

fn main() {}
