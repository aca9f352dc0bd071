//! What each model union keeps for its backward pass, to the byte, as a formula of the sizes; and what checkpoints save.

use barewire::prelude::*;
use barewire::wire::{from_message, to_message};
use barewire_models::hgrn::{HgrnBlock, HgrnConfig, HgrnLayer, HgrnLm, HgrnObjective, Projection};
use barewire_models::weight::MatmulFreeWeight;

#[derive(Clone, Copy)]
struct Sizes {
    batch: usize,
    time: usize,
    d: usize,
    ffn: usize,
    layers: usize,
    vocab: usize,
    ternary: bool,
}

const SMALL: Sizes = Sizes { batch: 2, time: 3, d: 32, ffn: 64, layers: 5, vocab: 11, ternary: true };
/// of the character model: 12 texts of 64 characters
const REFERENCE: Sizes = Sizes { batch: 12, time: 64, d: 128, ffn: 352, layers: 4, vocab: 65, ternary: true };
const F32: usize = size_of::<f32>();

impl Sizes {
    /// tokens
    fn rows(self) -> usize {
        self.batch * self.time
    }

    /// one array over the residual stream
    fn stream(self) -> usize {
        self.rows() * self.d * F32
    }

    /// A projection over rows of `d_in`: a factor for each row of its norm, and what its linear map was given: numbers, or a code for
    /// each and the step of each row.
    fn projection(self, d_in: usize) -> usize {
        let given = if self.ternary { self.rows() * d_in + self.rows() * F32 } else { self.rows() * d_in * F32 };
        self.rows() * F32 + given
    }

    fn token_mixer(self) -> usize {
        let (rows, stream) = (self.rows() * F32, self.stream());
        let alone = rows // factors of the norm in front
            + stream // `n`
            + 2 * stream // `f`, and the sigmoid in it
            + 2 * stream // `i_proj(n)`, and the sigmoid of its silu
            + stream + self.state() // `h`, and the state before the first step
            + rows + stream // factors of the gate's norm, and `g_proj(n)`
            + 2 * stream // the gate, and the sigmoid of `silu(h)`
            + stream; // what `o_proj` is given
        alone + 4 * self.projection(self.d)
    }

    fn state(self) -> usize {
        self.batch * self.d * F32
    }

    fn channel_mixer(self) -> usize {
        let wide = self.rows() * self.ffn * F32;
        let alone = self.rows() * F32 // factors of the norm in front
            + self.stream() // its result, which `gate_proj` is given
            + 2 * wide // `gate` and `up`
            + wide // the sigmoid of `silu(gate)`
            + wide; // what `down_proj` is given
        alone + self.projection(self.d) + self.projection(self.ffn)
    }

    /// Two blocks, and the value between them.
    fn layer(self) -> usize {
        self.token_mixer() + self.stream() + self.channel_mixer()
    }

    /// The model but for its list of layers, whose input and result are counted here.
    fn around(self) -> usize {
        let bounds = 2 * self.layers * self.d * F32; // shares of the lower bounds, and the bounds
        let norm = self.rows() * F32 + self.stream(); // factors of the last norm, and its result
        2 * self.stream() + bounds + norm + self.projection(self.d)
    }

    /// Each layer, and the value behind it.
    fn model(self) -> usize {
        self.around() + self.layers * (self.layer() + self.stream())
    }

    /// Inputs of the segments of `k` layers but the first, which is the list's.
    fn checkpointed(self, k: usize) -> usize {
        self.around() + (self.layers.div_ceil(k) - 1) * self.stream()
    }

    fn x(self) -> Vec<f32> {
        (0..self.rows() * self.d).map(|i| (i as f32).sin()).collect()
    }

    fn tokens(self) -> Vec<u32> {
        (0..self.rows()).map(|i| (i * i % self.vocab) as u32).collect()
    }

    fn random(self) -> HgrnLm {
        let Sizes { d: d_model, ffn, layers, vocab, ternary, .. } = self;
        HgrnLm::random(&HgrnConfig { vocab, d_model, layers, ffn, ternary }, 1).unwrap().0
    }
}

/// Small sizes, with both kinds of projections.
fn each_small(f: impl Fn(Sizes)) {
    for ternary in [true, false] {
        f(Sizes { ternary, ..SMALL });
    }
}

/// Bytes that a forward pass puts aside.
fn bytes<T: Layer>(part: &T, inputs: &[Input<'_, '_, f32>]) -> usize {
    let index = Index::new();
    let model = Checked::<T>::new(part.view(&index)).unwrap();
    let mut workspace = Workspace::new();
    let _pass = model.forward_saving::<f32>(inputs, &mut Default::default(), &mut workspace).unwrap();
    workspace.saved_bytes()
}

#[test]
fn weights_keep() {
    let Sizes { batch, time, .. } = SMALL;
    let (rows, cols) = (7, 32);
    let x = vec![0.5; batch * time * cols];
    let given = [numbers(&x, &[batch, time, cols])];
    let codes = vec![1; rows * cols];
    let ternary = TernaryMatrix::from_digits(rows, cols, &vec![1; rows * cols]).unwrap();
    let binary = BinaryMatrix::from_bits(rows, cols, &vec![true; rows * cols]).unwrap();
    // the product without its scale, for the scale's gradient; the input is the caller's
    let product = SMALL.rows() * rows * F32;
    assert_eq!(bytes(&MatmulFreeWeight::Ternary { weights: ternary, scale: 0.5 }, &given), product);
    assert_eq!(bytes(&MatmulFreeWeight::Binary { bits: binary, scale: 0.5 }, &given), product);
    let values = QuantizedMatrix::from_codes(rows, cols, 4, 1.0, 0.0, &codes).unwrap();
    assert_eq!(bytes(&MatmulFreeWeight::Quantized { values }, &given), 0);
}

#[test]
fn projections_keep() {
    each_small(|sizes| {
        let x = sizes.x();
        let head: Projection = sizes.random().head;
        assert_eq!(bytes(&head, &[numbers(&x, &[sizes.batch, sizes.time, sizes.d])]), sizes.projection(sizes.d));
    });
}

#[test]
fn blocks_and_layers_keep() {
    each_small(|sizes| {
        let (x, lower) = (sizes.x(), vec![0.5; sizes.d]);
        let given = [numbers(&x, &[sizes.batch, sizes.time, sizes.d]), numbers(&lower, &[sizes.d])];
        let layer: HgrnLayer = sizes.random().layers.remove(0);
        assert_eq!(bytes::<HgrnBlock>(&layer.token_mixer, &given), sizes.token_mixer());
        assert_eq!(bytes::<HgrnBlock>(&layer.channel_mixer, &given), sizes.channel_mixer());
        assert_eq!(bytes(&layer, &given), sizes.layer());
    });
}

#[test]
fn models_keep() {
    each_small(|sizes| {
        let tokens = sizes.tokens();
        let text = || ids(&tokens, &[sizes.batch, sizes.time]);
        let model = sizes.random();
        assert_eq!(bytes(&model, &[text()]), sizes.model());
        // and the gradient of the logits, which are not kept
        let objective = HgrnObjective { model };
        assert_eq!(bytes(&objective, &[text(), text()]), sizes.model() + sizes.rows() * sizes.vocab * F32);
    });
}

/// [`HgrnLm`] with checkpoints behind every second layer.
#[derive(BareStruct)]
#[bare(forward = |tokens: u32[batch, time]| {
    let h = layers(embedding(embeddings, tokens), lower_bounds(bounds));
    head(rms_norm(h, norm, 1e-6))
})]
struct Checkpointed {
    #[bare(dims = [vocab, d_model])]
    embeddings: Matrix<f32>,
    #[bare(dims = [layers, d_model])]
    bounds: Matrix<f32>,
    #[bare(axes(d_model = d_model), checkpoint = 2)]
    layers: Vec<HgrnLayer>,
    #[bare(dims = [d_model])]
    norm: Vec<f32>,
    #[bare(axes(d_in = d_model, d_out = vocab))]
    head: Projection,
}

/// Bits of the gradients of everything but digits, of a pass that starts from an empty state.
fn gradients<T: Layer + Wire>(octets: &[u8], sizes: Sizes) -> Vec<(String, Vec<u32>)> {
    let part = from_message::<T>(octets).unwrap();
    let index = Index::new();
    let model = Checked::<T>::new(part.view(&index)).unwrap();
    let tokens = sizes.tokens();
    let (mut workspace, mut grad) = (Workspace::new(), T::Grad::<f32>::default());
    let given = [ids(&tokens, &[sizes.batch, sizes.time])];
    let mut pass = model.forward_saving::<f32>(&given, &mut Default::default(), &mut workspace).unwrap();
    let cot: Vec<f32> = (0..sizes.rows() * sizes.vocab).map(|i| (i as f32).cos()).collect();
    pass.vjp(&[&cot], &mut [Slot::Skip], &mut grad, &mut Default::default()).unwrap();
    let mut found = Vec::new();
    T::walk::<f32, f32>(part.view(&index), &mut grad, &mut String::new(), &mut |leaf| {
        found.push((leaf.path.to_owned(), leaf.grad.iter().map(|x| x.to_bits()).collect()));
    })
    .unwrap();
    found
}

#[test]
fn checkpoints_keep_the_inputs_of_every_second_layer_and_give_the_same_bits() {
    each_small(|sizes| {
        let octets = to_message(&sizes.random());
        let tokens = sizes.tokens();
        let model = from_message::<Checkpointed>(&octets).unwrap();
        assert_eq!(bytes(&model, &[ids(&tokens, &[sizes.batch, sizes.time])]), sizes.checkpointed(2));
        assert_eq!(gradients::<Checkpointed>(&octets, sizes), gradients::<HgrnLm>(&octets, sizes));
    });
}

/// The figures of `docs/design.md`.
#[test]
fn at_the_size_of_the_character_model() {
    let mebibytes = |bytes: usize| (bytes as f64 / (1 << 20) as f64 * 100.0).round() / 100.0;
    assert_eq!(mebibytes(REFERENCE.model()), 40.34);
    assert_eq!(mebibytes(REFERENCE.checkpointed(2)), 1.61);
    // in the backward pass, two layers at a time
    assert_eq!(mebibytes(2 * (REFERENCE.layer() + REFERENCE.stream())), 19.55);
}
