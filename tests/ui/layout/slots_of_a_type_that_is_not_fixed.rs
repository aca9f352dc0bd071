use barewire::BareStruct;
use barewire::wire::Slots;

#[derive(BareStruct)]
struct Point {
    x: f32,
}

#[derive(BareStruct)]
struct Cloud {
    points: Slots<Point>,
}

fn main() {}
