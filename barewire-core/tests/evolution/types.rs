//! Two programs: a newer one, and an older one that keeps what it does not know.

use barewire_core::wire::Matrix;

pub mod newer {
    use barewire_core::wire::Matrix;
    use barewire_derive::{BareStruct, BareUnion};

    #[derive(BareUnion, Clone, Debug, PartialEq)]
    #[bare(crate = barewire_core)]
    pub enum Layer {
        Scale(f32),
        Dense {
            weights: Matrix<f32>,
        },
        #[bare(tag = 5)]
        Gate {
            name: String,
            #[bare(align = 256)]
            codes: Vec<u16>,
            kinds: Vec<Kind>,
            weights: Option<Matrix<f32>>,
        },
        #[bare(tag = 300)]
        Nothing,
    }

    #[derive(BareUnion, Clone, Copy, Debug, PartialEq)]
    #[bare(crate = barewire_core)]
    pub enum Kind {
        Plain,
        Gated,
        Fancy,
    }

    #[derive(BareStruct, Clone, Debug, PartialEq)]
    #[bare(crate = barewire_core)]
    pub struct Model {
        pub name: String,
        pub layers: Vec<Layer>,
        pub kind: Kind,
        #[bare(align = 4096)]
        pub bias: Vec<f32>,
        pub head: Option<Layer>,
    }
}

pub mod older {
    use barewire_core::wire::{Matrix, UnknownMember};
    use barewire_derive::{BareStruct, BareUnion};

    #[derive(BareUnion, Clone, Debug, PartialEq)]
    #[bare(crate = barewire_core)]
    pub enum Layer {
        #[bare(unknown)]
        Unknown(UnknownMember),
        Scale(f32),
        Dense {
            weights: Matrix<f32>,
        },
    }

    #[derive(BareUnion, Clone, Debug, PartialEq)]
    #[bare(crate = barewire_core)]
    pub enum Kind {
        Plain,
        Gated,
        #[bare(unknown)]
        Other {
            member: UnknownMember,
        },
    }

    #[derive(BareStruct, Clone, Debug, PartialEq)]
    #[bare(crate = barewire_core)]
    pub struct Model {
        pub name: String,
        pub layers: Vec<Layer>,
        pub kind: Kind,
        #[bare(align = 4096)]
        pub bias: Vec<f32>,
        pub head: Option<Layer>,
    }
}

pub fn gate(n: usize) -> newer::Layer {
    newer::Layer::Gate {
        name: "g".repeat(n),
        codes: (0..n as u16).collect(),
        kinds: vec![newer::Kind::Fancy; n % 3],
        weights: (n % 2 == 1).then(|| Matrix::from_vec(1, n, vec![0.5f32; n]).unwrap()),
    }
}

pub fn layers() -> Vec<newer::Layer> {
    let dense = newer::Layer::Dense { weights: Matrix::from_vec(1, 3, vec![1.0f32, 2.0, 3.0]).unwrap() };
    vec![gate(3), newer::Layer::Scale(0.5), newer::Layer::Nothing, dense, gate(200), gate(0)]
}

pub fn model() -> newer::Model {
    newer::Model {
        name: "model".into(),
        layers: layers(),
        kind: newer::Kind::Fancy,
        bias: vec![1.0, -1.0],
        head: Some(gate(7)),
    }
}
