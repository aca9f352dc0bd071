use barewire::BareUnion;

#[derive(BareUnion)]
#[bare(retired = [1])]
enum Weight {
    Dense(f32),
    Sparse(f32),
}

fn main() {}
