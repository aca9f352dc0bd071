use barewire::BareUnion;

#[derive(BareUnion)]
enum Weight {
    #[bare(tag = -1)]
    Dense(f32),
}

fn main() {}
