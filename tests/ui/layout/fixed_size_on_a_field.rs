use barewire::BareStruct;

#[derive(BareStruct)]
struct Point {
    #[bare(fixed_size)]
    x: f32,
}

fn main() {}
