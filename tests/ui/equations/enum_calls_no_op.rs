use barewire::prelude::*;

#[allow(non_camel_case_types)]
struct twice;

#[derive(BareUnion)]
enum Map {
    #[bare(forward = |x: [batch, d]| scale * twice(x))]
    Scaled { scale: f32 },
}

fn main() {}
