//! Generated code meets whatever names a user has: no prelude, shadowed types, raw identifiers, fields with the names
//! of our locals, types and variants with the names of our items.
//!
//! That this file compiles is most of the test; the gradient checks show that nothing was mixed up on the way.

extern crate barewire as other;

/// Nothing of the standard prelude is in scope, and what is has other meanings.
#[no_implicit_prelude]
mod bare_ground {
    use ::barewire::wire::Matrix;
    use ::barewire::{BareStruct, BareUnion, differentiable};
    use ::std::vec::Vec;

    #[derive(BareUnion)]
    pub(crate) enum Map {
        #[bare(forward = |x: [batch, d]| doubled(linear(weights, x)) + bias)]
        Full {
            #[bare(dims = [d, d])]
            weights: Matrix<f32>,
            #[bare(dims = [d])]
            bias: Vec<f32>,
        },
        #[bare(forward = |x: [batch, d]| silu(x) * sigmoid(x))]
        Gate,
    }

    #[derive(BareStruct)]
    #[bare(forward = |x: [batch, d]| maps(x) * gain)]
    pub(crate) struct Maps {
        #[bare(axes(d = d))]
        pub(crate) maps: Vec<Map>,
        pub(crate) gain: f32,
    }

    #[differentiable]
    fn doubled(x: (batch, d)) -> (batch, d) {
        x + x
    }

    /// What is written by leave.
    #[derive(BareUnion)]
    #[bare(portable, specialise)]
    pub(crate) enum Leave {
        #[bare(recompute, forward = |x: [batch, d]| silu(linear(weights, x)))]
        Again {
            #[bare(dims = [d, d])]
            weights: Matrix<f32>,
        },
        #[bare(save = [h], forward = |x: [batch, d]| { let h = x * x * x; tanh(h) * h })]
        Saved,
    }

    #[derive(BareStruct)]
    #[bare(portable, specialise, forward = |x: [batch, d]| { let h = one(x); (many(h), h) })]
    pub(crate) struct Leaves {
        #[bare(axes(d = d))]
        pub(crate) one: Leave,
        #[bare(axes(d = d), checkpoint = 2)]
        pub(crate) many: Vec<Leave>,
    }
}

/// The names that generated code would like to use mean something else here.
#[allow(non_camel_case_types, dead_code)]
mod shadowed {
    use other::wire::Matrix;
    use other::{BareStruct, BareUnion};

    pub(crate) struct Option;
    pub(crate) struct Result;
    pub(crate) struct Some;
    pub(crate) struct None;
    pub(crate) struct Ok;
    pub(crate) struct Err;
    pub(crate) struct String;
    pub(crate) struct Box;
    pub(crate) trait Default {}
    pub(crate) trait Clone {}
    pub(crate) trait Copy {}
    pub(crate) trait FnMut {}
    pub(crate) mod core {}
    pub(crate) mod std {}
    pub(crate) mod alloc {}
    pub(crate) mod barewire {}
    pub(crate) fn drop() {}

    #[derive(BareUnion)]
    #[bare(crate = other)]
    pub(crate) enum Vec {
        #[bare(forward = |x: [batch, d]| tanh(linear(weights, x)))]
        Full {
            #[bare(dims = [d, d])]
            weights: Matrix<f32>,
        },
        #[bare(forward = |x: [batch, d]| exp(x) * gain)]
        Gain { gain: f32 },
    }

    #[derive(BareStruct)]
    #[bare(crate = other, forward = |x: [batch, d]| inner(x) - x)]
    pub(crate) struct Outer {
        #[bare(axes(d = d))]
        pub(crate) inner: Vec,
    }

    /// What is written by leave.
    #[derive(BareUnion)]
    #[bare(crate = other, portable, specialise)]
    pub(crate) enum Leave {
        #[bare(recompute, forward = |x: [batch, d]| silu(linear(weights, x)))]
        Again {
            #[bare(dims = [d, d])]
            weights: Matrix<f32>,
        },
        #[bare(save = [h], forward = |x: [batch, d]| { let h = x * x * x; tanh(h) * h })]
        Saved,
    }

    #[derive(BareStruct)]
    #[bare(crate = other, portable, specialise, forward = |x: [batch, d]| { let h = one(x); (many(h), h) })]
    pub(crate) struct Leaves {
        #[bare(axes(d = d))]
        pub(crate) one: Leave,
        #[bare(axes(d = d), checkpoint = 2)]
        pub(crate) many: ::std::vec::Vec<Leave>,
    }
}

/// Types with the names of parameters in generated code.
mod letters {
    use barewire::prelude::*;

    #[derive(BareUnion)]
    pub(crate) enum R {
        #[bare(forward = |x: [batch, d]| x * gain)]
        Gain { gain: f32 },
    }

    #[derive(BareStruct)]
    #[bare(forward = |x: [batch, d]| r(list(x)))]
    pub(crate) struct P {
        #[bare(axes(d = d))]
        pub(crate) r: R,
        #[bare(axes(d = d))]
        pub(crate) list: Vec<R>,
    }

    #[derive(BareUnion)]
    pub(crate) enum Both {
        #[bare(forward = |x: [batch, d]| p(r(x)))]
        All {
            #[bare(axes(d = d))]
            p: P,
            #[bare(axes(d = d))]
            r: R,
        },
    }

    /// An alias, whose gradient is held in a way that is said.
    pub(crate) mod alias {
        use barewire::prelude::*;
        type R = Matrix<f32>;

        #[derive(BareStruct)]
        #[bare(forward = |x: [batch, d]| linear(weights, x))]
        pub(crate) struct Held {
            #[bare(dims = [d, d], gradient = low_rank)]
            pub(crate) weights: R,
        }
    }
}

/// Keywords as names, and names that become the names of modules.
mod keywords {
    use barewire::prelude::*;

    #[derive(BareUnion)]
    pub(crate) enum SSMComponent {
        #[bare(forward = |r#in: [batch, d]| linear(r#type, r#in) * r#loop)]
        Fn {
            #[bare(dims = [d, d])]
            r#type: Matrix<f32>,
            r#loop: f32,
        },
        #[bare(forward = |r#in: [batch, d]| { let r#let = tanh(r#in); f0 * r#let + f1 })]
        Type(f32, #[bare(dims = [d])] Vec<f32>),
        #[bare(forward = |r#in: [batch, d]| square(r#in))]
        Loop,
        #[bare(rename = "Raw", forward = |r#in: [batch, d]| r#in / r#match)]
        #[allow(non_camel_case_types)]
        r#enum { r#match: f32 },
    }

    #[derive(BareStruct)]
    #[bare(forward = |r#fn: [batch, r#mod]| r#impl(r#fn) + r#fn)]
    pub(crate) struct Move {
        #[bare(axes(d = r#mod))]
        pub(crate) r#impl: SSMComponent,
    }

    #[differentiable]
    pub(crate) fn r#mod(r#as: f32, r#in: (batch, d)) -> (batch, d) {
        r#as * r#in
    }

    #[derive(BareStruct)]
    #[bare(forward = |x: [batch, d]| r#mod(r#as, x))]
    pub(crate) struct Scaled {
        pub(crate) r#as: f32,
    }
}

/// Fields, inputs and values with the names of our locals and items.
mod locals {
    use barewire::prelude::*;

    #[derive(BareStruct)]
    #[bare(forward = |x: [batch, d], ins: [batch, d], outs: [d], view: [batch, d], residual: [batch]| {
        let y0 = linear(p, x + s) * state;
        let v0 = tanh(y0 * scratch + saved);
        let c0 = linear(p_x, v0 + outs) + r0 * grad;
        let in_x = sizes * c0 + index;
        in_x * ins - k * marker + r * view * residual + n0 * cot0 + path * visit
    })]
    pub(crate) struct Fields {
        pub(crate) s: f32,
        pub(crate) state: f32,
        #[bare(dims = [d])]
        pub(crate) scratch: Vec<f32>,
        pub(crate) saved: f32,
        pub(crate) grad: f32,
        pub(crate) r: f32,
        pub(crate) r0: f32,
        pub(crate) k: f32,
        pub(crate) n0: f32,
        pub(crate) cot0: f32,
        pub(crate) sizes: f32,
        pub(crate) index: f32,
        pub(crate) marker: f32,
        pub(crate) path: f32,
        pub(crate) visit: f32,
        #[bare(dims = [d, d])]
        pub(crate) p: Matrix<f32>,
        #[bare(dims = [d, d])]
        pub(crate) p_x: Matrix<f32>,
    }

    #[allow(clippy::enum_variant_names)]
    #[derive(BareUnion)]
    pub(crate) enum State {
        #[bare(forward = |x: [batch, d]| x * residual)]
        Residual { residual: f32 },
        #[bare(forward = |x: [batch, d]| x + f0)]
        State(f32),
        #[bare(forward = |x: [batch, d]| -x)]
        Grad,
        #[bare(forward = |x: [batch, d]| x * names)]
        Names { names: f32 },
        #[bare(forward = |x: [batch, d]| x * zero)]
        Zero { zero: f32 },
        #[bare(forward = |x: [batch, d]| 2 * x)]
        Unset,
    }

    #[derive(BareStruct)]
    #[bare(forward = |x: [batch, d]| marker(x) + state(x))]
    pub(crate) struct Residual {
        #[bare(axes(d = d))]
        pub(crate) marker: State,
        #[bare(axes(d = d))]
        pub(crate) state: Grad,
    }

    #[derive(BareStruct)]
    #[bare(forward = |x: [batch, d]| softmax(gain * softmax(x)) + softmax_2(x))]
    pub(crate) struct Grad {
        pub(crate) gain: f32,
        #[bare(axes(d = d))]
        pub(crate) softmax_2: State,
    }

    /// Field names that differ in their case alone, and a repeated `let`.
    #[allow(non_snake_case)]
    #[derive(BareStruct)]
    #[bare(forward = |x: [batch, d], X: [batch, d]| { let h = a * x; let h = linear(A, h + X); h * h })]
    pub(crate) struct Cases {
        pub(crate) a: f32,
        #[bare(dims = [d, d], rename = "capital")]
        pub(crate) A: Matrix<f32>,
    }
}

/// Types that stand in other modules, by relative paths.
mod modules {
    pub(crate) mod inner {
        use barewire::prelude::*;

        #[derive(BareStruct)]
        #[bare(forward = |x: [batch, d]| x * gain)]
        pub(in super::super) struct Gain {
            pub(in super::super) gain: f32,
        }

        pub(crate) mod deeper {
            use barewire::prelude::*;

            #[derive(BareStruct)]
            #[bare(forward = |x: [batch, d]| scale(gain, near(far(x))))]
            pub(crate) struct Both {
                #[bare(axes(d = d))]
                pub(crate) near: self::nearest::Shift,
                #[bare(axes(d = d))]
                pub(crate) far: Vec<super::Gain>,
                pub(crate) gain: f32,
            }

            #[derive(BareStruct)]
            #[bare(forward = |x: [batch, d]| self::scale(gain, super::super::halved(crate::modules::halved(x))))]
            pub(crate) struct Called {
                pub(crate) gain: f32,
            }

            #[differentiable]
            fn scale(gain: f32, x: (batch, d)) -> (batch, d) {
                gain * x
            }

            mod nearest {
                use barewire::prelude::*;

                #[derive(BareUnion)]
                pub(crate) enum Shift {
                    #[bare(forward = super::super::super::shifted)]
                    By { by: f32 },
                }
            }

            pub(crate) fn by(by: f32) -> nearest::Shift {
                nearest::Shift::By { by }
            }
        }
    }

    #[barewire::differentiable]
    pub(crate) fn halved(x: (batch, d)) -> (batch, d) {
        x / 2
    }

    #[barewire::differentiable]
    pub(crate) fn shifted(by: f32, x: (batch, d)) -> (batch, d) {
        x + by
    }
}

/// What a crate downstream does: an op of its own.
mod downstream {
    use barewire::Error;
    use barewire::prelude::*;
    use barewire::primitive::Arg;
    use barewire::shape::Sig;
    use barewire::workspace::Arena;

    /// `y = x^3`
    #[allow(non_camel_case_types)]
    pub(crate) struct cube;

    impl Primitive for cube {
        const SIG: Sig = Sig::new("(..) -> (..)");
        const KEEPS: &'static [bool] = &[true];
        type Args<'r, 'a, R: Real> = (Arg<'r, 'a, R>,);
        type Cots<'a, R: Real> = (Slot<'a, R>,);
        type Out<T> = [T; 1];
        type Residual<'r, R: Real> = &'r [R];
        type State<R: Real> = ();

        fn forward_saving<'r, R: Real>(
            (x,): (Arg<'r, '_, R>,),
            [y]: [&mut [R]; 1],
            _: &mut (),
            saved: &mut Arena<'r, R>,
            _: Arena<'_, R>,
        ) -> Result<&'r [R], Error> {
            y.iter_mut().zip(x.data()).for_each(|(y, &x)| *y = x * x * x);
            Ok(x.keep(saved))
        }
        fn vjp<R: Real>(
            x: &[R],
            _: [&[R]; 1],
            [c]: [&[R]; 1],
            (mut slot,): (Slot<'_, R>,),
            _: &mut (),
            _: Arena<'_, R>,
        ) -> Result<(), Error> {
            slot.each(|i| R::of(3.0) * x[i] * x[i] * c[i]);
            Ok(())
        }
    }

    #[derive(BareStruct)]
    #[bare(forward = |x: [batch, d]| gain * cube(cube(x) - crate::downstream::cube(bias + x)))]
    pub(crate) struct Cubes {
        pub(crate) gain: f32,
        #[bare(dims = [d])]
        pub(crate) bias: Vec<f32>,
    }
}

use barewire::prelude::*;
use barewire::testing::{Sample, check_layer, numbers as sample};

fn check<T: Layer>(part: &T, inputs: &[Sample]) {
    if let Err(e) = check_layer::<T>(part.view(&Index::new()), inputs, 7) {
        panic!("{}: {e}", std::any::type_name::<T>());
    }
}

fn matrix(values: &[f32; 4]) -> Matrix<f32> {
    Matrix::from_vec(2, 2, values.to_vec()).unwrap()
}

const ONE: [f32; 4] = [0.9, -0.4, 0.3, 0.7];

#[test]
fn without_a_prelude() {
    use bare_ground::{Map, Maps};
    let full = Map::Full { weights: matrix(&ONE), bias: vec![0.1, 0.2] };
    check(&Maps { maps: vec![full, Map::Gate, Map::Gate], gain: 0.4 }, &[sample(&[3, 2])]);
}

#[test]
fn shadowed_names_and_a_renamed_crate() {
    use shadowed::{Outer, Vec};
    check(&Outer { inner: Vec::Full { weights: matrix(&ONE) } }, &[sample(&[3, 2])]);
    check(&Outer { inner: Vec::Gain { gain: 0.3 } }, &[sample(&[3, 2])]);
}

#[test]
fn raw_identifiers() {
    use keywords::{Move, SSMComponent, Scaled};
    for part in [
        SSMComponent::Fn { r#type: matrix(&ONE), r#loop: 0.5 },
        SSMComponent::Type(0.3, vec![1.0, 2.0]),
        SSMComponent::Loop,
        SSMComponent::r#enum { r#match: 3.0 },
    ] {
        check(&Move { r#impl: part }, &[sample(&[3, 2])]);
    }
    check(&Scaled { r#as: 3.0 }, &[sample(&[3, 2])]);
    // the name of the module that holds the equations of `SSMComponent`
    const { assert!(keywords::ssm_component::r#loop::STEPS) };
}

#[test]
fn names_of_our_own_parameters() {
    use letters::{Both, P, R, alias::Held};
    let part = || P { r: R::Gain { gain: 0.5 }, list: vec![R::Gain { gain: 2.0 }, R::Gain { gain: -3.0 }] };
    check(&part(), &[sample(&[3, 2])]);
    check(&Both::All { p: part(), r: R::Gain { gain: 0.7 } }, &[sample(&[3, 2])]);
    check(&Held { weights: matrix(&ONE) }, &[sample(&[3, 2])]);
}

#[test]
fn names_of_our_own_locals() {
    let fields = locals::Fields {
        s: 0.1,
        state: 0.2,
        scratch: vec![0.3, 0.4],
        saved: 0.5,
        grad: 0.6,
        r: 0.7,
        r0: 0.8,
        k: 0.9,
        n0: 1.0,
        cot0: 1.1,
        sizes: 1.2,
        index: 1.3,
        marker: 1.4,
        path: 1.5,
        visit: 1.6,
        p: matrix(&ONE),
        p_x: matrix(&[0.5, 0.6, -0.7, 0.8]),
    };
    check(&fields, &[sample(&[3, 2]), sample(&[3, 2]), sample(&[2]), sample(&[3, 2]), sample(&[3])]);
    check(&locals::Cases { a: 0.3, A: matrix(&ONE) }, &[sample(&[3, 2]), sample(&[3, 2])]);
}

#[test]
fn names_of_our_own_items() {
    use locals::{Grad, Residual, State};
    let all: [fn() -> State; 6] = [
        || State::Residual { residual: 0.3 },
        || State::State(0.4),
        || State::Grad,
        || State::Names { names: 0.5 },
        || State::Zero { zero: 0.6 },
        || State::Unset,
    ];
    for one in all {
        let part = Residual { marker: one(), state: Grad { gain: 0.9, softmax_2: one() } };
        check(&part, &[sample(&[3, 2])]);
    }
}

#[test]
fn paths_between_modules() {
    use modules::inner::{Gain, deeper};
    let both = deeper::Both { near: deeper::by(0.3), far: vec![Gain { gain: 0.4 }, Gain { gain: 0.5 }], gain: 0.6 };
    check(&both, &[sample(&[3, 2])]);
    check(&deeper::Called { gain: 0.3 }, &[sample(&[3, 2])]);
}

#[test]
fn ops_of_a_crate_downstream() {
    barewire::testing::check_primitive::<downstream::cube>(&[sample(&[3, 2])], 1).unwrap();
    check(&downstream::Cubes { gain: 0.4, bias: vec![0.2, 0.3] }, &[sample(&[3, 2])]);
}

#[test]
fn what_is_written_by_leave_meets_no_names() {
    use barewire::list::Checkpointed;
    use barewire::prelude::*;
    use barewire::residual::{ModelId, PortableLayer};
    use barewire::specialise::{Any, Variant};

    fn run<V: Variant>(part: &V::Of)
    where
        V::Of: PortableLayer,
    {
        let index = Index::new();
        let model = Checked::<V::Of>::new(part.view(&index)).unwrap();
        let x = [0.5, -1.0, 2.0, 0.25];
        let (mut workspace, mut message) = (Workspace::<f32>::new(), barewire::wire::AlignedBuf::new());
        let id = ModelId::of(b"");
        let pass = model.forward_saving(&[numbers(&x, &[2, 2])], &mut Default::default(), &mut workspace).unwrap();
        pass.send(id, &mut message).unwrap();
        let results = [0, 1].map(|i| pass.result(i).to_vec());
        let (mut there, mut found) = (Workspace::new(), [vec![0.0; 4], vec![0.0; 4]]);
        model.receive(&message, id, 4, &mut there).unwrap();
        let fixed = model.specialised::<V>().unwrap();
        let [a, b] = &mut found;
        fixed.forward(&[numbers(&x, &[2, 2])], &mut [a, b], &mut Default::default(), &mut there).unwrap();
        assert_eq!(found, results);
    }
    let weights = || Matrix::from_vec(2, 2, vec![1.0, -0.5, 0.25, 2.0]).unwrap();
    {
        use bare_ground::{Leave, Leaves, leave, leaves};
        let many = vec![Leave::Saved, Leave::Again { weights: weights() }];
        run::<leaves::Of<leave::Saved, Any<Checkpointed<Vec<Leave>, 2>>>>(&Leaves { one: Leave::Saved, many });
    }
    {
        use shadowed::{Leave, Leaves, leave, leaves};
        let many = vec![Leave::Again { weights: weights() }, Leave::Saved];
        let one = Leave::Again { weights: weights() };
        run::<leaves::Of<leave::Again, Any<Checkpointed<Vec<Leave>, 2>>>>(&Leaves { one, many });
    }
}
