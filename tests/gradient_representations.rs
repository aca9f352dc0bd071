//! `#[bare(gradient = ..)]`: whatever holds a gradient, it is the same gradient, and an optimiser takes the same step.

mod common;

use barewire::autodiff;
use barewire::gradient::{Form, Representation};
use barewire::part::{GradLeaf, LeafMut, clear_grad};
use barewire::prelude::*;
use barewire::testing::Rng;
use barewire::train::{AdamW, AdamWOptions};
use common::{bits, digits, matrix};

/// The same parts twice: as it comes, and with a representation for each field.
// rustfmt moves the equation to the right each time
#[rustfmt::skip]
macro_rules! model {
    ($name:ident, $table:meta, $pairs:meta, $digits:meta) => {
        #[derive(BareStruct)]
        #[bare(forward = |ids: u32[batch, time]| {
            let x = bit_linear(ternary, scale, embedding(table, ids));
            let y = ternary_linear(wide, quantized_linear(codes, x));
            linear_bias(head, bias, binary_linear(binary, y))
        })]
        struct $name {
            #[bare(dims = [vocab, d])]
            #[$table]
            table: Matrix<f32>,
            #[bare(dims = [a, d], scaled_by = scale)]
            #[$pairs]
            ternary: TernaryMatrix,
            scale: f32,
            #[bare(dims = [b, a])]
            #[$pairs]
            codes: QuantizedMatrix,
            #[bare(dims = [c, b])]
            #[$digits]
            wide: TernaryMatrix,
            #[bare(dims = [e, c])]
            #[$pairs]
            binary: BinaryMatrix,
            #[bare(dims = [vocab, e])]
            #[$pairs]
            head: Matrix<f32>,
            #[bare(dims = [vocab])]
            bias: Vec<f32>,
        }

        impl $name {
            fn new() -> Self {
                let rng = &mut Rng::new(5);
                let codes: Vec<u8> = (0..70 * 66).map(|_| rng.below(16) as u8).collect();
                let signs: Vec<bool> = (0..68 * 71).map(|_| rng.below(2) == 0).collect();
                $name {
                    table: matrix(rng, 90, 65),
                    ternary: digits(rng, 66, 65),
                    scale: 0.3,
                    codes: QuantizedMatrix::from_codes(70, 66, 4, 0.1, 7.0, &codes).unwrap(),
                    wide: digits(rng, 71, 70),
                    binary: BinaryMatrix::from_bits(68, 71, &signs).unwrap(),
                    head: matrix(rng, 90, 68),
                    bias: common::vector(rng, 90),
                }
            }
        }
    };
}

model!(Plain, allow(dead_code), allow(dead_code), allow(dead_code));
model!(Held, bare(gradient = sparse), bare(gradient = low_rank), bare(gradient = ternary));

const TOKENS: [u32; 6] = [3, 80, 3, 17, 5, 80];

/// Adds one backward pass to the gradient.
fn backward<T: Layer>(model: &Checked<'_, T>, tokens: &[u32], grad: &mut T::Grad<f32>) {
    let (mut state, mut state_cot, mut workspace) = (T::State::default(), T::State::default(), Workspace::new());
    let input = [ids(tokens, &[1, tokens.len()])];
    let mut pass = model.forward_saving(&input, &mut state, &mut workspace).unwrap();
    // any cotangent: the results themselves, scaled
    let cot: Vec<f32> = pass.result(0).iter().map(|y| 1e-3 * y).collect();
    pass.vjp(&[&cot], &mut [Slot::Skip], grad, &mut state_cot).unwrap();
}

/// What a leaf is, and its norm; then all of it.
fn leaves<T: Part>(grad: &mut T::Grad<f32>, sizes: &[usize]) -> Vec<(Form, f64, Vec<u32>)> {
    let mut sizes = sizes.iter();
    let mut all = Vec::new();
    T::walk_grad::<f32>(grad, &mut |leaf| match leaf {
        GradLeaf::Number(g) => all.push((Form::Dense, 0.0, bits(&[*g]))),
        GradLeaf::Float(g) => {
            let (form, norm) = (g.form(), g.norm_squared());
            all.push((form, norm, bits(g.dense(*sizes.next().unwrap()).unwrap().unwrap())));
        }
        GradLeaf::Signal(g) => {
            let (form, norm) = (g.form(), g.norm_squared());
            all.push((form, norm, bits(g.dense(*sizes.next().unwrap(), 1).unwrap().unwrap())));
        }
    });
    all
}

const SIZES: [usize; 7] = [90 * 65, 66 * 65, 70 * 66, 71 * 70, 68 * 71, 90 * 68, 90];

#[test]
fn a_gradient_has_the_same_bits_in_every_representation() {
    let (plain, held) = (Region::encode(&Plain::new()), Region::encode(&Held::new()));
    let index = Index::new();
    let plain = Checked::<Plain>::new(plain.view(&index).unwrap()).unwrap();
    let held = Checked::<Held>::new(held.view(&index).unwrap()).unwrap();
    let (mut a, mut b) = (PlainCotangent::default(), HeldCotangent::default());
    backward(&plain, &TOKENS, &mut a);
    backward(&held, &TOKENS, &mut b);
    let (a, b) = (leaves::<Plain>(&mut a, &SIZES), leaves::<Held>(&mut b, &SIZES));
    assert_eq!(a.len(), b.len());
    // the table; digits and their scale; scale, zero and codes; digits; bits; the head and its bias
    let numbers = [Form::Dense; 3];
    let forms = [[Form::Sparse, Form::LowRank].as_slice(), &numbers, &[Form::LowRank; 4], &[Form::Dense]].concat();
    assert_eq!(b.iter().map(|leaf| leaf.0).collect::<Vec<_>>(), forms);
    for (i, ((_, a_norm, a), (_, b_norm, b))) in a.iter().zip(&b).enumerate() {
        assert_eq!(a_norm.to_bits(), b_norm.to_bits(), "norm of leaf {i}");
        // but for the sign of a zero
        let differ = a.iter().zip(b).filter(|(a, b)| f32::from_bits(**a) != f32::from_bits(**b)).count();
        assert_eq!(differ, 0, "leaf {i}");
    }
}

#[test]
fn an_optimiser_takes_the_same_step_from_rows_and_pairs() {
    let (mut plain, mut held) = (Region::encode(&Plain::new()), Region::encode(&Held::new()));
    let options = AdamWOptions { clip: 0.01, ..AdamWOptions::default() };
    let mut one = AdamW::new::<Plain>(plain.view_mut().unwrap(), options, &mut |_| None).unwrap();
    let mut two = AdamW::new::<Held>(held.view_mut().unwrap(), options, &mut |_| None).unwrap();
    let (mut a, mut b) = (PlainCotangent::default(), HeldCotangent::default());
    for _ in 0..4 {
        let index = Index::new();
        clear_grad::<Plain, f32>(&mut a);
        clear_grad::<Held, f32>(&mut b);
        backward(&Checked::<Plain>::new(plain.view(&index).unwrap()).unwrap(), &TOKENS, &mut a);
        backward(&Checked::<Held>::new(held.view(&index).unwrap()).unwrap(), &TOKENS, &mut b);
        let norms = [one.step(&mut plain, &mut a, 1e-2).unwrap(), two.step(&mut held, &mut b, 1e-2).unwrap()];
        assert!(norms[0] == norms[1] && norms[0] > f64::from(options.clip), "{norms:?}");
        // neither table nor head became a matrix, nor the signal of digits that have latent weights
        assert_eq!((b.table.form(), b.head.form()), (Form::Sparse, Form::LowRank));
        assert_eq!((b.ternary.form(), b.wide.form()), (Form::LowRank, Form::LowRank));
    }
    assert_eq!(numbers::<Plain>(&mut plain), numbers::<Held>(&mut held));
}

/// The bits of all floats and digits.
fn numbers<T: Part>(region: &mut Region<T, barewire::wire::Owned>) -> Vec<u64> {
    let mut all = Vec::new();
    let visit = &mut |leaf: LeafMut<'_>| match leaf {
        LeafMut::Number { value, .. } => all.push(value.get().to_bits().into()),
        LeafMut::Float { values, .. } => all.extend(values.iter().map(|x| u64::from(x.to_bits()))),
        LeafMut::Ternary { words, .. } | LeafMut::Binary { words, .. } => all.extend_from_slice(words),
    };
    T::walk_mut(region.view_mut().unwrap(), &mut T::Grad::default(), &mut String::new(), visit).unwrap();
    all
}

#[test]
fn shards_put_their_pairs_together() {
    let region = Region::encode(&Held::new());
    let index = Index::new();
    let model = Checked::<Held>::new(region.view(&index).unwrap()).unwrap();
    let [mut whole, mut left, mut right] = [(); 3].map(|()| HeldCotangent::default());
    backward(&model, &TOKENS, &mut whole);
    backward(&model, &TOKENS[..2], &mut left);
    backward(&model, &TOKENS[2..], &mut right);
    Held::add_grad::<f32>(&mut left, &right).unwrap();
    let pairs = left.head.pairs().unwrap();
    assert_eq!((pairs.sizes(), left.ternary.pairs().unwrap().sizes()), ([6, 90, 68], [6, 66, 65]));
    assert_eq!(left.table.sparse_rows().unwrap().numbers(), [3, 5, 17, 80]);
    assert_eq!(pairs.x(), whole.head.pairs().unwrap().x(), "in the order of the shards");
    assert_eq!(left.head.dense(90 * 68).unwrap(), whole.head.dense(90 * 68).unwrap());
}

#[derive(BareUnion)]
enum Kind {
    #[bare(forward = |x: [batch, d]| linear(weights, x))]
    Linear {
        #[bare(dims = [d, d])]
        weights: Matrix<f32>,
    },
    #[bare(forward = |x: [batch, d]| linear(weights, x))]
    Pairs {
        #[bare(dims = [d, d], gradient = low_rank)]
        weights: Matrix<f32>,
    },
    #[bare(forward = |x: [batch, d]| linear(weights, x))]
    Square {
        #[bare(dims = [d, d], gradient = diagonal)]
        weights: Matrix<f32>,
    },
    #[bare(forward = |x: [batch, d]| scale * ternary_linear(digits, x))]
    Ternary {
        #[bare(dims = [d, d], gradient = ternary)]
        digits: TernaryMatrix,
        scale: f32,
    },
    #[bare(forward = |x: [batch, d]| gains * x)]
    Arithmetic {
        #[bare(dims = [d])]
        gains: Vec<f32>,
    },
    #[bare(forward = |x: [batch, d]| rms_norm(x, gains, 1e-6))]
    Norm {
        #[bare(dims = [d])]
        gains: Vec<f32>,
    },
}

/// A gradient that is kept for a model of one size, and then given to a model of another: neither is lost.
#[test]
fn a_gradient_of_another_size_is_refused_whatever_op_adds_to_it() {
    let of = |n: usize| {
        let rng = &mut Rng::new(3);
        let weights = |rng: &mut Rng| matrix(rng, n, n);
        [
            Kind::Linear { weights: weights(rng) },
            Kind::Pairs { weights: weights(rng) },
            Kind::Square { weights: weights(rng) },
            Kind::Ternary { digits: digits(rng, n, n), scale: 0.5 },
            Kind::Arithmetic { gains: common::vector(rng, n) },
            Kind::Norm { gains: common::vector(rng, n) },
        ]
    };
    let pull = |model: &Kind, n: usize, grad: &mut KindCotangent| {
        let (region, index) = (Region::encode(model), Index::new());
        let model = Checked::<Kind>::new(region.view(&index).unwrap()).unwrap();
        let (x, mut workspace) = (vec![1.0; 2 * n], Workspace::new());
        let input = [barewire::model::numbers(&x, &[2, n])];
        let mut pass = model.forward_saving(&input, &mut Default::default(), &mut workspace).unwrap();
        pass.vjp(&[&x], &mut [Slot::Skip], grad, &mut Default::default())
    };
    let held = |grad: &mut KindCotangent| {
        let mut norms = Vec::new();
        Kind::walk_grad::<f32>(grad, &mut |leaf| match leaf {
            GradLeaf::Number(_) => {}
            GradLeaf::Float(g) => norms.push((g.form(), g.norm_squared())),
            GradLeaf::Signal(g) => norms.push((g.form(), g.norm_squared())),
        });
        norms
    };
    for (small, large) in of(3).iter().zip(&of(4)) {
        let mut grad = KindCotangent::default();
        pull(small, 3, &mut grad).unwrap();
        let before = held(&mut grad);
        let error = pull(large, 4, &mut grad).unwrap_err().to_string();
        assert!(error.contains('3') || error.contains('9'), "{error}");
        assert_eq!(held(&mut grad), before, "{error}");
        // cleared, it is anybody's
        clear_grad::<Kind, f32>(&mut grad);
        pull(large, 4, &mut grad).unwrap();
        assert!(held(&mut grad)[0].1 > 0.0);
    }
}

#[derive(BareStruct)]
#[bare(forward = |x: [batch, d]| linear(w, x))]
struct Diagonal {
    #[bare(dims = [d, d], gradient = diagonal)]
    w: Matrix<f32>,
}

#[test]
fn a_diagonal_gets_what_is_on_it() {
    let region = Region::encode(&Diagonal { w: matrix(&mut Rng::new(2), 3, 3) });
    let index = Index::new();
    let model = Checked::<Diagonal>::new(region.view(&index).unwrap()).unwrap();
    let (mut grad, mut workspace) = (DiagonalCotangent::default(), Workspace::new());
    let x = [1.0, 2.0, 3.0, -1.0, 0.5, 4.0];
    for _ in 0..2 {
        let mut pass = model.forward_saving(&[numbers_of(&x)], &mut Default::default(), &mut workspace).unwrap();
        pass.vjp(&[&[1.0, 1.0, 1.0, 2.0, 2.0, 2.0]], &mut [Slot::Skip], &mut grad, &mut Default::default()).unwrap();
    }
    // twice y x of two tokens, on the diagonal
    let want = [-2.0, 6.0, 22.0];
    assert_eq!((grad.w.form(), grad.w.norm_squared()), (Form::Diagonal, 4.0 + 36.0 + 484.0));
    let mut row = [9.0; 3];
    grad.w.read_rows([3, 3], 1..2, &mut row).unwrap();
    assert_eq!(row, [0.0, 6.0, 0.0]);
    // what another op adds beside the diagonal is no gradient of a parameter
    let all = grad.w.dense(9).unwrap().unwrap();
    assert_eq!([all[0], all[4], all[8]], want);
    all.iter_mut().for_each(|g| *g += 1.0);
    let mut sum = DiagonalCotangent::default();
    Diagonal::add_grad::<f32>(&mut sum, &grad).unwrap();
    assert_eq!(sum.w.dense(9).unwrap().unwrap(), [-1.0, 0.0, 0.0, 0.0, 7.0, 0.0, 0.0, 0.0, 23.0]);
    assert_eq!(grad.w.form(), Form::Diagonal);
}

fn numbers_of(x: &[f32]) -> Input<'_, '_, f32> {
    barewire::model::numbers(x, &[2, 3])
}

#[derive(BareUnion)]
enum Table {
    #[bare(forward = |ids: u32[n]| embedding(rows, ids))]
    Dense {
        #[bare(dims = [vocab, d], gradient = dense)]
        rows: Matrix<f32>,
    },
    #[bare(forward = |ids: u32[n]| embedding(rows, ids))]
    Sparse {
        #[bare(dims = [vocab, d], gradient = sparse)]
        rows: Matrix<f32>,
    },
    #[bare(forward = |ids: u32[n]| embedding(rows, ids))]
    Any {
        #[bare(dims = [vocab, d])]
        rows: Matrix<f32>,
    },
}

#[test]
fn a_table_is_held_as_its_field_says() {
    let table = || matrix(&mut Rng::new(1), 4, 2);
    let models = [Table::Dense { rows: table() }, Table::Sparse { rows: table() }, Table::Any { rows: table() }];
    let mut forms = Vec::new();
    for model in &models {
        for tokens in [&[2][..], &[0, 1, 2, 3]] {
            let (region, index) = (Region::encode(model), Index::new());
            let model = Checked::<Table>::new(region.view(&index).unwrap()).unwrap();
            let (mut grad, mut workspace) = (TableCotangent::default(), Workspace::new());
            let input = [ids(tokens, &[tokens.len()])];
            let mut pass = model.forward_saving(&input, &mut Default::default(), &mut workspace).unwrap();
            let cot = vec![1.0_f32; 2 * tokens.len()];
            pass.vjp(&[&cot], &mut [Slot::Skip], &mut grad, &mut Default::default()).unwrap();
            Table::walk_grad::<f32>(&mut grad, &mut |leaf| {
                if let GradLeaf::Float(g) = leaf {
                    forms.push((g.representation(), g.form()));
                    let want: Vec<f32> = (0..8).map(|i| f32::from(u8::from(tokens.contains(&(i / 2))))).collect();
                    assert_eq!(g.dense(8).unwrap().unwrap(), want);
                }
            });
        }
    }
    use Form as F;
    use Representation as R;
    let want = [(R::Dense, F::Dense); 2].into_iter().chain([(R::Sparse, F::Sparse); 2]);
    assert_eq!(forms, want.chain([(R::Any, F::Sparse), (R::Any, F::Dense)]).collect::<Vec<_>>());
}

/// Sum of squares, as a loss.
struct Squares;

impl autodiff::Formula for Squares {
    fn eval<R: Real>(&self, y: &[R], loss: &mut Vec<R>) -> Result<(), barewire::Error> {
        loss.push(y.iter().fold(R::ZERO, |sum, y| sum + *y * *y));
        Ok(())
    }
}

/// Flat gradients have every number, however the fields hold theirs.
#[test]
fn functions_give_the_same_gradient_in_every_representation() {
    fn gradient<T: Layer>(model: Checked<'_, T>) -> Vec<u64> {
        let model = autodiff::Model::new(model, &[ids::<f32>(&TOKENS, &[1, TOKENS.len()])]).unwrap();
        let found = autodiff::grad(&autodiff::Then(&model, &Squares), &model.point::<f64>()).unwrap();
        found.iter().map(|g| g.to_bits()).collect()
    }
    let (plain, held) = (Region::encode(&Plain::new()), Region::encode(&Held::new()));
    let index = Index::new();
    let plain = gradient(Checked::<Plain>::new(plain.view(&index).unwrap()).unwrap());
    let held = gradient(Checked::<Held>::new(held.view(&index).unwrap()).unwrap());
    // the table, the head, the list and the scale are among them
    assert!(plain.len() > 90 * 65 + 90 * 68 + 90);
    assert!(plain == held);
}
