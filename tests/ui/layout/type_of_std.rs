use barewire::prelude::*;
use std::collections::HashMap;

#[derive(BareUnion)]
enum A {
    Size(usize),
    Boxed(Option<Box<f32>>),
    Named { values: HashMap<String, f32>, pair: (f32, f32) },
    Text(&'static str),
}

fn main() {
    Region::encode(&A::Size(1));
}
