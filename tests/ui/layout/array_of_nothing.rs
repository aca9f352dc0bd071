use barewire::BareStruct;

#[derive(BareStruct)]
struct Point {
    x: [f32; 0],
}

fn main() {}
