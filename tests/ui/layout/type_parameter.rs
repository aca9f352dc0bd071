use barewire::prelude::*;

#[derive(BareUnion)]
enum A<T> {
    B(T),
}

fn main() {}
