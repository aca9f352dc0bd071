use barewire::BareStruct;

#[derive(BareStruct)]
#[bare(fixed_size = 16)]
struct Point {
    x: f32,
}

fn main() {}
