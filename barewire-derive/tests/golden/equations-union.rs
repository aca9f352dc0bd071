///Gradient of a [`Mixer`], and a point or direction of its parameter space.
#[allow(missing_docs, non_camel_case_types, non_snake_case)]
pub enum MixerCotangent<R: ::barewire::__private::Real = ::barewire::__private::f32> {
    /// no contribution yet
    Zero,
    ///of `Recurrence`
    Recurrence { gate: <super::Projection as ::barewire::__private::Part>::Grad<R> },
    ///of `Swap`
    Swap(<f32 as ::barewire::__private::Part>::Grad<R>),
    #[doc(hidden)]
    __Scalar(::barewire::__private::Never<R>),
}
///The equations of [`Mixer`](super::Mixer), without a test of its tag.
#[allow(
    missing_docs,
    unreachable_pub,
    non_camel_case_types,
    non_snake_case,
    unused_imports,
    unused_variables,
    unused_mut,
    dead_code,
    clippy::all
)]
pub mod mixer {
    use ::barewire::__private;
    mod names {
        pub(super) use super::super::*;
        use super::__private::{self, ops::*};
        pub type Recurrence_F0 = super::super::super::Projection;
        pub type Recurrence_C0 = __private::Sound<
            { super::recurrence::A0 },
            Recurrence_F0,
        >;
        pub type Recurrence_N2 = gated_linear_recurrence;
        pub type Recurrence_C2 = __private::Sound<
            { super::recurrence::A2 },
            Recurrence_N2,
        >;
        pub type Swap_F0 = f32;
        pub type Swap_N0 = split;
        pub type Swap_C0 = __private::Sound<{ super::swap::A0 }, Swap_N0>;
        pub type Swap_N1 = concat;
        pub type Swap_C1 = __private::Sound<{ super::swap::A1 }, Swap_N1>;
        pub type Swap_P0 = __private::Sound<{ super::swap::FITS0 }, Swap_F0>;
    }
    ///The equation of `Mixer::Recurrence`.
    pub mod recurrence {
        use super::{__private, names};
        /// The fields, borrowed.
        #[::core::prelude::v1::derive(::core::clone::Clone, ::core::marker::Copy)]
        pub struct Fields<'w, P: ::core::marker::Copy + 'static = f32> {
            pub gate: <names::Recurrence_F0 as __private::Wire>::View<'w, P>,
        }
        /// The gradients of the fields.
        pub struct Grad<'g, R: __private::Real> {
            pub gate: &'g mut <names::Recurrence_F0 as __private::Part>::Grad<R>,
        }
        /// What the backward pass needs.
        #[::core::prelude::v1::derive(::core::clone::Clone, ::core::marker::Copy)]
        pub struct Residual<'r, R: __private::Real> {
            pub r0: <names::Recurrence_C0 as __private::Layer>::Residual<'r, R>,
            pub n0: usize,
            pub o0: &'r [R],
            pub n1: usize,
            pub o1: &'r [R],
            pub r2: <names::Recurrence_C2 as __private::Primitive>::Residual<'r, R>,
            pub n2: usize,
            pub o2: &'r [R],
        }
        /// What is carried along time.
        pub struct State<R: __private::Real = f32> {
            pub gate: <names::Recurrence_C0 as __private::Layer>::State<R>,
            pub gated_linear_recurrence: <names::Recurrence_C2 as __private::Primitive>::State<
                R,
            >,
        }
        impl<R: __private::Real> ::core::default::Default for State<R> {
            fn default() -> Self {
                State {
                    gate: ::core::default::Default::default(),
                    gated_linear_recurrence: ::core::default::Default::default(),
                }
            }
        }
        impl<R: __private::Real> __private::State<R> for State<R> {
            const EMPTY: bool = true
                && <<names::Recurrence_C0 as __private::Layer>::State<
                    R,
                > as __private::State<R>>::EMPTY
                && <<names::Recurrence_C2 as __private::Primitive>::State<
                    R,
                > as __private::State<R>>::EMPTY;
            fn walk(
                &mut self,
                path: &mut __private::String,
                visit: &mut dyn ::core::ops::FnMut(&str, &mut __private::Vec<R>),
            ) {
                __private::descend(
                    path,
                    "gate",
                    |path| __private::State::walk(&mut self.gate, path, visit),
                );
                __private::descend(
                    path,
                    "gated_linear_recurrence",
                    |path| __private::State::walk(
                        &mut self.gated_linear_recurrence,
                        path,
                        visit,
                    ),
                );
            }
            fn arrays(
                &mut self,
                visit: &mut dyn ::core::ops::FnMut(&mut __private::Vec<R>),
            ) {
                __private::State::arrays(&mut self.gate, visit);
                __private::State::arrays(&mut self.gated_linear_recurrence, visit);
            }
        }
        pub const IN_X: __private::Shape = __private::Shape::new(
            &["batch", "time", "d"],
        );
        pub const S0: __private::Shape = __private::infer(
            &__private::sig_of_layer::<names::Recurrence_F0>(),
            &[IN_X],
            &[("d_in", "d"), ("d_out", "d")],
            "gate",
            "gate",
            0,
        );
        pub const A0: bool = __private::check_results(
            &__private::sig_of_layer::<names::Recurrence_F0>(),
            &[S0],
        );
        pub const E1: __private::Broadcast<1> = __private::broadcast(&[S0]);
        pub const S1: __private::Shape = E1.out;
        pub const S2: __private::Shape = __private::infer(
            &__private::sig::<names::Recurrence_N2>(),
            &[S1, IN_X],
            &[],
            "gated_linear_recurrence",
            "gated_linear_recurrence",
            0,
        );
        pub const A2: bool = __private::check_results(
            &__private::sig::<names::Recurrence_N2>(),
            &[S2],
        );
        pub const E3: __private::Broadcast<2> = __private::broadcast(&[IN_X, S2]);
        pub const S3: __private::Shape = E3.out;
        /// Axes of the inputs and of the results.
        pub const SIG: __private::Sig = __private::signature(&[IN_X], &[S3]);
        /// For each input, whether the residual borrows it.
        pub const KEEPS: &[bool] = &[
            <names::Recurrence_C0 as __private::Layer>::KEEPS[0]
                || <names::Recurrence_C2 as __private::Primitive>::KEEPS[1],
        ];
        /// Whether the backward pass reads the results.
        pub const KEEPS_OUT: bool = false;
        /// Whether the equation can run in chunks along time.
        pub const STEPS: bool = <names::Recurrence_C0 as __private::Layer>::STEPS
            && <names::Recurrence_C2 as __private::Primitive>::STEPS;
        fn e1<R: __private::Real>() -> impl ::core::ops::Fn([R; 1]) -> R {
            #[inline(always)]
            |[x0]: [R; 1]| {
                let t0 = __private::Real::sigmoid(x0);
                t0
            }
        }
        fn e1_back<R: __private::Real>() -> impl ::core::ops::Fn(
            [R; 1 + 1],
            [R; 0],
            R,
        ) -> [R; 1 + 1] {
            #[inline(always)]
            |[x0, y]: [R; 1 + 1], []: [R; 0], c: R| {
                let [x0] = {
                    let t0 = y;
                    let c0 = c;
                    let c1 = (t0 - t0 * t0) * c0;
                    [c1]
                };
                [x0, <R as __private::Real>::ZERO]
            }
        }
        fn e3<R: __private::Real>() -> impl ::core::ops::Fn([R; 2]) -> R {
            #[inline(always)]
            |[x0, x1]: [R; 2]| {
                let t0 = x0 + x1;
                t0
            }
        }
        fn e3_back<R: __private::Real>() -> impl ::core::ops::Fn(
            [R; 2],
            [R; 0],
            R,
        ) -> [R; 2] {
            #[inline(always)]
            |[x0, x1]: [R; 2], []: [R; 0], c: R| {
                let c0 = c;
                let c1 = c0;
                let c2 = c0;
                [c1, c2]
            }
        }
        /// Binds the sizes of the fields' axes.
        pub fn bind<P: ::core::marker::Copy + 'static>(
            view: Fields<'_, P>,
            sizes: &mut __private::Sizes,
        ) -> ::core::result::Result<(), __private::Error> {
            let mut inner = __private::Sizes::new();
            __private::within(
                "gate",
                <names::Recurrence_C0 as __private::Layer>::bind::<
                    P,
                >(view.gate, &mut inner),
            )?;
            sizes.join(&inner, &[("d_in", "d"), ("d_out", "d")], "gate")?;
            ::core::result::Result::Ok(())
        }
        /// Sizes of the results.
        pub fn dims<P: ::core::marker::Copy + 'static>(
            view: Fields<'_, P>,
            ins: &[__private::Dims],
            outs: &mut [__private::Dims],
        ) -> ::core::result::Result<(), __private::Error> {
            let [d_in_x] = __private::exactly(ins, "inputs")?;
            let [d0] = __private::dims_of_layer::<
                names::Recurrence_C0,
                P,
                1,
            >("gate", view.gate, &[d_in_x])?;
            let d1 = __private::fuse::dims(&E1, [d0])?;
            let [d2] = __private::dims_of::<
                names::Recurrence_C2,
                1,
            >("gated_linear_recurrence", &[d1, d_in_x])?;
            let d3 = __private::fuse::dims(&E3, [d_in_x, d2])?;
            *__private::exactly_mut(outs, "results")? = [d3];
            ::core::result::Result::Ok(())
        }
        /// The forward pass.
        pub fn forward<R: __private::Real, P: __private::Lift<R>>(
            view: Fields<'_, P>,
            ins: &[__private::Input<'_, '_, R>],
            outs: &mut [&mut [R]],
            state: &mut State<R>,
            mut scratch: __private::Arena<'_, R>,
        ) -> ::core::result::Result<(), __private::Error> {
            let mut s = scratch.lend();
            let [in_x] = __private::exactly(ins, "inputs")?;
            let in_x = in_x.real()?;
            let [y0] = __private::exactly_mut(outs, "results")?;
            let [d0] = __private::dims_of_layer::<
                names::Recurrence_C0,
                P,
                1,
            >("gate", view.gate, &[in_x.dims()])?;
            let b0 = s.take(d0.len());
            __private::within(
                "gate",
                <names::Recurrence_C0 as __private::Layer>::forward::<
                    R,
                    P,
                >(
                    view.gate,
                    &[__private::Input::Real(in_x)],
                    &mut [&mut *b0],
                    &mut state.gate,
                    s.lend(),
                ),
            )?;
            let v0 = __private::Arg::kept(&*b0, d0);
            let d1 = __private::fuse::dims(&E1, [v0.dims()])?;
            let b1 = s.take(d1.len());
            __private::fuse::forward(
                &mut *b1,
                (__private::Operand::<R, { E1.spread[0] as u8 }>::new(v0.data()),),
                e1::<R>(),
            );
            let v1 = __private::Arg::kept(&*b1, d1);
            let [d2] = __private::dims_of::<
                names::Recurrence_C2,
                1,
            >("gated_linear_recurrence", &[v1.dims(), in_x.dims()])?;
            let b2 = s.take(d2.len());
            __private::within(
                "gated_linear_recurrence",
                <names::Recurrence_C2 as __private::Primitive>::forward::<
                    R,
                >((v1, in_x), [&mut *b2], &mut state.gated_linear_recurrence, s.lend()),
            )?;
            let v2 = __private::Arg::kept(&*b2, d2);
            let d3 = __private::fuse::dims(&E3, [in_x.dims(), v2.dims()])?;
            __private::fits(y0, d3)?;
            __private::fuse::forward(
                &mut **y0,
                (
                    __private::Operand::<R, { E3.spread[0] as u8 }>::new(in_x.data()),
                    __private::Operand::<R, { E3.spread[1] as u8 }>::new(v2.data()),
                ),
                e3::<R>(),
            );
            ::core::result::Result::Ok(())
        }
        /// The forward pass that keeps what the backward pass needs.
        pub fn forward_saving<'w: 'r, 'r, R: __private::Real, P: __private::Lift<R>>(
            view: Fields<'w, P>,
            ins: &[__private::Input<'r, '_, R>],
            outs: &mut [&mut [R]],
            state: &mut State<R>,
            saved: &mut __private::Arena<'r, R>,
            mut scratch: __private::Arena<'_, R>,
        ) -> ::core::result::Result<Residual<'r, R>, __private::Error> {
            let mut s = scratch.lend();
            let [in_x] = __private::exactly(ins, "inputs")?;
            let in_x = in_x.real()?;
            let [y0] = __private::exactly_mut(outs, "results")?;
            let [d0] = __private::dims_of_layer::<
                names::Recurrence_C0,
                P,
                1,
            >("gate", view.gate, &[in_x.dims()])?;
            let mut b0 = __private::Buf::new(
                const { <names::Recurrence_C0 as __private::Layer>::KEEPS_OUT },
                d0.len(),
                saved,
                &mut s,
            );
            let r0 = __private::within(
                "gate",
                <names::Recurrence_C0 as __private::Layer>::forward_saving::<
                    R,
                    P,
                >(
                    view.gate,
                    &[__private::Input::Real(in_x)],
                    &mut [b0.write()],
                    &mut state.gate,
                    saved,
                    s.lend(),
                ),
            )?;
            let v0 = b0.read(d0);
            let n0 = d0.len();
            let o0 = __private::kept(&v0);
            let d1 = __private::fuse::dims(&E1, [v0.dims()])?;
            let mut b1 = __private::Buf::new(const { true }, d1.len(), saved, &mut s);
            __private::fuse::forward(
                b1.write(),
                (__private::Operand::<R, { E1.spread[0] as u8 }>::new(v0.data()),),
                e1::<R>(),
            );
            let v1 = b1.read(d1);
            let n1 = d1.len();
            let o1 = __private::kept(&v1);
            let [d2] = __private::dims_of::<
                names::Recurrence_C2,
                1,
            >("gated_linear_recurrence", &[v1.dims(), in_x.dims()])?;
            let mut b2 = __private::Buf::new(
                const { <names::Recurrence_C2 as __private::Primitive>::KEEPS_OUT },
                d2.len(),
                saved,
                &mut s,
            );
            let r2 = __private::within(
                "gated_linear_recurrence",
                <names::Recurrence_C2 as __private::Primitive>::forward_saving::<
                    R,
                >(
                    (v1, in_x),
                    [b2.write()],
                    &mut state.gated_linear_recurrence,
                    saved,
                    s.lend(),
                ),
            )?;
            let v2 = b2.read(d2);
            let n2 = d2.len();
            let o2 = __private::kept(&v2);
            let d3 = __private::fuse::dims(&E3, [in_x.dims(), v2.dims()])?;
            __private::fits(y0, d3)?;
            __private::fuse::forward(
                &mut **y0,
                (
                    __private::Operand::<R, { E3.spread[0] as u8 }>::new(in_x.data()),
                    __private::Operand::<R, { E3.spread[1] as u8 }>::new(v2.data()),
                ),
                e3::<R>(),
            );
            ::core::result::Result::Ok(Residual {
                r0,
                n0,
                o0,
                n1,
                o1,
                r2,
                n2,
                o2,
            })
        }
        /// The backward pass.
        pub fn vjp<R: __private::Real>(
            r: Residual<'_, R>,
            outs: &[&[R]],
            cots: &[&[R]],
            ins: &mut [__private::Slot<'_, R>],
            mut grad: Grad<'_, R>,
            state: &mut State<R>,
            mut scratch: __private::Arena<'_, R>,
        ) -> ::core::result::Result<(), __private::Error> {
            let mut s = scratch.lend();
            let [y0] = __private::exactly(outs, "results")?;
            let [cot0] = __private::exactly(cots, "cotangents")?;
            let [in_x] = __private::exactly_mut(ins, "inputs")?;
            let c0 = s.take(r.n0);
            let c1 = s.take(r.n1);
            let c2 = s.take(r.n2);
            __private::fuse::backward(
                &*cot0,
                &[],
                (__private::Operand::unused(), __private::Operand::unused()),
                (
                    __private::Sink::<R, { E3.spread[0] as u8 }>::slot(in_x.first()),
                    __private::Sink::<
                        R,
                        { E3.spread[1] as u8 },
                    >::slot(__private::Slot::Write(&mut *c2)),
                ),
                e3_back::<R>(),
            );
            __private::within(
                "gated_linear_recurrence",
                <names::Recurrence_C2 as __private::Primitive>::vjp::<
                    R,
                >(
                    r.r2,
                    [r.o2],
                    [&*c2],
                    (__private::Slot::Write(&mut *c1), in_x.more()),
                    &mut state.gated_linear_recurrence,
                    s.lend(),
                ),
            )?;
            __private::fuse::backward(
                &*c1,
                &[],
                (
                    __private::Operand::unused(),
                    __private::Operand::<R, { __private::Spread::Full as u8 }>::new(r.o1),
                ),
                (
                    __private::Sink::<
                        R,
                        { E1.spread[0] as u8 },
                    >::slot(__private::Slot::Write(&mut *c0)),
                    __private::Sink::nowhere(),
                ),
                e1_back::<R>(),
            );
            __private::within(
                "gate",
                <names::Recurrence_C0 as __private::Layer>::vjp::<
                    R,
                >(
                    r.r0,
                    &[r.o0],
                    &[&*c0],
                    &mut [in_x.more()],
                    &mut *grad.gate,
                    &mut state.gate,
                    s.lend(),
                ),
            )?;
            ::core::result::Result::Ok(())
        }
        /// The equation, its programs and what it keeps, for readers.
        pub const EXPLAINED: __private::Equation = __private::Equation {
            text: "|x: [batch, time, d]| x + gated_linear_recurrence(sigmoid(gate(x)), x)",
            forward: &[
                ("v0 = gate(x)", S0),
                ("v1 = sigmoid(v0)", S1),
                ("v2 = gated_linear_recurrence(v1, x)", S2),
                ("y = x + v2", S3),
            ],
            backward: &[
                "c0 = y'\nc1 = c0\nc2 = c0\nx' += c1\nv2' += c2",
                "v1', x' += gated_linear_recurrence.vjp(v2')",
                "t0 = v1\nc0 = v1'\nc1 = (t0 - t0 * t0) * c0\nv0' += c1",
                "gate', x' += gate.vjp(v0')",
            ],
            kept: &[
                __private::Kept {
                    what: "x",
                    axes: IN_X,
                    arrays: (<names::Recurrence_C0 as __private::Layer>::KEEPS[0]
                        || <names::Recurrence_C2 as __private::Primitive>::KEEPS[1])
                        as usize,
                    borrowed: true,
                },
                __private::Kept {
                    what: "v0",
                    axes: S0,
                    arrays: (<names::Recurrence_C0 as __private::Layer>::KEEPS_OUT)
                        as usize,
                    borrowed: false,
                },
                __private::Kept {
                    what: "v1",
                    axes: S1,
                    arrays: (true) as usize,
                    borrowed: false,
                },
                __private::Kept {
                    what: "v2",
                    axes: S2,
                    arrays: (<names::Recurrence_C2 as __private::Primitive>::KEEPS_OUT)
                        as usize,
                    borrowed: false,
                },
            ],
        };
    }
    ///The equation of `Mixer::Swap`.
    pub mod swap {
        use super::{__private, names};
        /// The fields, borrowed.
        #[::core::prelude::v1::derive(::core::clone::Clone, ::core::marker::Copy)]
        pub struct Fields<'w, P: ::core::marker::Copy + 'static = f32> {
            pub f0: <names::Swap_F0 as __private::Wire>::View<'w, P>,
        }
        /// The gradients of the fields.
        pub struct Grad<'g, R: __private::Real> {
            pub f0: &'g mut <names::Swap_F0 as __private::Part>::Grad<R>,
        }
        /// What the backward pass needs.
        #[::core::prelude::v1::derive(::core::clone::Clone, ::core::marker::Copy)]
        pub struct Residual<'r, R: __private::Real> {
            pub p_f0: <names::Swap_P0 as __private::Wire>::View<'r, R>,
            pub r0: <names::Swap_C0 as __private::Primitive>::Residual<'r, R>,
            pub n0_0: usize,
            pub o0_0: &'r [R],
            pub n0_1: usize,
            pub o0_1: &'r [R],
            pub r1: <names::Swap_C1 as __private::Primitive>::Residual<'r, R>,
            pub n1: usize,
            pub o1: &'r [R],
            pub l2_0: &'r [R],
        }
        /// What is carried along time.
        pub struct State<R: __private::Real = f32> {
            pub split: <names::Swap_C0 as __private::Primitive>::State<R>,
            pub concat: <names::Swap_C1 as __private::Primitive>::State<R>,
        }
        impl<R: __private::Real> ::core::default::Default for State<R> {
            fn default() -> Self {
                State {
                    split: ::core::default::Default::default(),
                    concat: ::core::default::Default::default(),
                }
            }
        }
        impl<R: __private::Real> __private::State<R> for State<R> {
            const EMPTY: bool = true
                && <<names::Swap_C0 as __private::Primitive>::State<
                    R,
                > as __private::State<R>>::EMPTY
                && <<names::Swap_C1 as __private::Primitive>::State<
                    R,
                > as __private::State<R>>::EMPTY;
            fn walk(
                &mut self,
                path: &mut __private::String,
                visit: &mut dyn ::core::ops::FnMut(&str, &mut __private::Vec<R>),
            ) {
                __private::descend(
                    path,
                    "split",
                    |path| __private::State::walk(&mut self.split, path, visit),
                );
                __private::descend(
                    path,
                    "concat",
                    |path| __private::State::walk(&mut self.concat, path, visit),
                );
            }
            fn arrays(
                &mut self,
                visit: &mut dyn ::core::ops::FnMut(&mut __private::Vec<R>),
            ) {
                __private::State::arrays(&mut self.split, visit);
                __private::State::arrays(&mut self.concat, visit);
            }
        }
        pub const IN_X: __private::Shape = __private::Shape::new(
            &["batch", "time", "d"],
        );
        pub const P_F0: __private::Shape = __private::Shape::new(&[]);
        pub const FITS0: bool = __private::check_rank(
            __private::elementwise_rank::<names::Swap_F0>(),
            0,
        );
        pub const S0_0: __private::Shape = __private::infer(
            &__private::sig::<names::Swap_N0>(),
            &[IN_X],
            &[],
            "split",
            "split",
            0,
        );
        pub const S0_1: __private::Shape = __private::infer(
            &__private::sig::<names::Swap_N0>(),
            &[IN_X],
            &[],
            "split",
            "split",
            1,
        );
        pub const A0: bool = __private::check_results(
            &__private::sig::<names::Swap_N0>(),
            &[S0_0, S0_1],
        );
        pub const S1: __private::Shape = __private::infer(
            &__private::sig::<names::Swap_N1>(),
            &[S0_1, S0_0],
            &[],
            "concat",
            "concat",
            0,
        );
        pub const A1: bool = __private::check_results(
            &__private::sig::<names::Swap_N1>(),
            &[S1],
        );
        pub const E2: __private::Broadcast<2> = __private::broadcast(&[S1, P_F0]);
        pub const S2: __private::Shape = E2.out;
        /// Axes of the inputs and of the results.
        pub const SIG: __private::Sig = __private::signature(&[IN_X], &[S2]);
        /// For each input, whether the residual borrows it.
        pub const KEEPS: &[bool] = &[<names::Swap_C0 as __private::Primitive>::KEEPS[0]];
        /// Whether the backward pass reads the results.
        pub const KEEPS_OUT: bool = false;
        /// Whether the equation can run in chunks along time.
        pub const STEPS: bool = <names::Swap_C0 as __private::Primitive>::STEPS
            && <names::Swap_C1 as __private::Primitive>::STEPS;
        fn e2<R: __private::Real>() -> impl ::core::ops::Fn([R; 2]) -> R {
            #[inline(always)]
            |[x0, x1]: [R; 2]| {
                let t0 = x0 * x1;
                t0
            }
        }
        fn e2_back<R: __private::Real>() -> impl ::core::ops::Fn(
            [R; 2],
            [R; 0],
            R,
        ) -> [R; 2] {
            #[inline(always)]
            |[x0, x1]: [R; 2], []: [R; 0], c: R| {
                let c0 = c;
                let c1 = x1 * c0;
                let c2 = x0 * c0;
                [c1, c2]
            }
        }
        /// Binds the sizes of the fields' axes.
        pub fn bind<P: ::core::marker::Copy + 'static>(
            view: Fields<'_, P>,
            sizes: &mut __private::Sizes,
        ) -> ::core::result::Result<(), __private::Error> {
            ::core::result::Result::Ok(())
        }
        /// Sizes of the results.
        pub fn dims<P: ::core::marker::Copy + 'static>(
            view: Fields<'_, P>,
            ins: &[__private::Dims],
            outs: &mut [__private::Dims],
        ) -> ::core::result::Result<(), __private::Error> {
            let [d_in_x] = __private::exactly(ins, "inputs")?;
            let [d0_0, d0_1] = __private::dims_of::<
                names::Swap_C0,
                2,
            >("split", &[d_in_x])?;
            let [d1] = __private::dims_of::<names::Swap_C1, 1>("concat", &[d0_1, d0_0])?;
            let d2 = __private::fuse::dims(
                &E2,
                [d1, <names::Swap_P0 as __private::Parameter>::dims::<P>(&view.f0)],
            )?;
            *__private::exactly_mut(outs, "results")? = [d2];
            ::core::result::Result::Ok(())
        }
        /// The forward pass.
        pub fn forward<R: __private::Real, P: __private::Lift<R>>(
            view: Fields<'_, P>,
            ins: &[__private::Input<'_, '_, R>],
            outs: &mut [&mut [R]],
            state: &mut State<R>,
            mut scratch: __private::Arena<'_, R>,
        ) -> ::core::result::Result<(), __private::Error> {
            let mut s = scratch.lend();
            let [in_x] = __private::exactly(ins, "inputs")?;
            let in_x = in_x.real()?;
            let [y0] = __private::exactly_mut(outs, "results")?;
            let p_f0 = <names::Swap_P0 as __private::Parameter>::lower::<
                R,
                P,
            >(view.f0, &mut s);
            let [d0_0, d0_1] = __private::dims_of::<
                names::Swap_C0,
                2,
            >("split", &[in_x.dims()])?;
            let b0_0 = s.take(d0_0.len());
            let b0_1 = s.take(d0_1.len());
            __private::within(
                "split",
                <names::Swap_C0 as __private::Primitive>::forward::<
                    R,
                >((in_x,), [&mut *b0_0, &mut *b0_1], &mut state.split, s.lend()),
            )?;
            let v0_0 = __private::Arg::kept(&*b0_0, d0_0);
            let v0_1 = __private::Arg::kept(&*b0_1, d0_1);
            let [d1] = __private::dims_of::<
                names::Swap_C1,
                1,
            >("concat", &[v0_1.dims(), v0_0.dims()])?;
            let b1 = s.take(d1.len());
            __private::within(
                "concat",
                <names::Swap_C1 as __private::Primitive>::forward::<
                    R,
                >((v0_1, v0_0), [&mut *b1], &mut state.concat, s.lend()),
            )?;
            let v1 = __private::Arg::kept(&*b1, d1);
            let d2 = __private::fuse::dims(
                &E2,
                [v1.dims(), <names::Swap_P0 as __private::Parameter>::dims::<R>(&p_f0)],
            )?;
            __private::fits(y0, d2)?;
            __private::fuse::forward(
                &mut **y0,
                (
                    __private::Operand::<R, { E2.spread[0] as u8 }>::new(v1.data()),
                    __private::Operand::<
                        R,
                        { E2.spread[1] as u8 },
                    >::new(
                        <names::Swap_P0 as __private::Elementwise>::numbers::<R>(&p_f0),
                    ),
                ),
                e2::<R>(),
            );
            ::core::result::Result::Ok(())
        }
        /// The forward pass that keeps what the backward pass needs.
        pub fn forward_saving<'w: 'r, 'r, R: __private::Real, P: __private::Lift<R>>(
            view: Fields<'w, P>,
            ins: &[__private::Input<'r, '_, R>],
            outs: &mut [&mut [R]],
            state: &mut State<R>,
            saved: &mut __private::Arena<'r, R>,
            mut scratch: __private::Arena<'_, R>,
        ) -> ::core::result::Result<Residual<'r, R>, __private::Error> {
            let mut s = scratch.lend();
            let [in_x] = __private::exactly(ins, "inputs")?;
            let in_x = in_x.real()?;
            let [y0] = __private::exactly_mut(outs, "results")?;
            let p_f0 = <names::Swap_P0 as __private::Parameter>::lower::<
                R,
                P,
            >(view.f0, saved);
            let [d0_0, d0_1] = __private::dims_of::<
                names::Swap_C0,
                2,
            >("split", &[in_x.dims()])?;
            let mut b0_0 = __private::Buf::new(
                const {
                    <names::Swap_C1 as __private::Primitive>::KEEPS[1]
                        || <names::Swap_C0 as __private::Primitive>::KEEPS_OUT
                },
                d0_0.len(),
                saved,
                &mut s,
            );
            let mut b0_1 = __private::Buf::new(
                const {
                    <names::Swap_C1 as __private::Primitive>::KEEPS[0]
                        || <names::Swap_C0 as __private::Primitive>::KEEPS_OUT
                },
                d0_1.len(),
                saved,
                &mut s,
            );
            let r0 = __private::within(
                "split",
                <names::Swap_C0 as __private::Primitive>::forward_saving::<
                    R,
                >(
                    (in_x,),
                    [b0_0.write(), b0_1.write()],
                    &mut state.split,
                    saved,
                    s.lend(),
                ),
            )?;
            let v0_0 = b0_0.read(d0_0);
            let n0_0 = d0_0.len();
            let o0_0 = __private::kept(&v0_0);
            let v0_1 = b0_1.read(d0_1);
            let n0_1 = d0_1.len();
            let o0_1 = __private::kept(&v0_1);
            let [d1] = __private::dims_of::<
                names::Swap_C1,
                1,
            >("concat", &[v0_1.dims(), v0_0.dims()])?;
            let mut b1 = __private::Buf::new(const { true }, d1.len(), saved, &mut s);
            let r1 = __private::within(
                "concat",
                <names::Swap_C1 as __private::Primitive>::forward_saving::<
                    R,
                >((v0_1, v0_0), [b1.write()], &mut state.concat, saved, s.lend()),
            )?;
            let v1 = b1.read(d1);
            let n1 = d1.len();
            let o1 = __private::kept(&v1);
            let d2 = __private::fuse::dims(
                &E2,
                [v1.dims(), <names::Swap_P0 as __private::Parameter>::dims::<R>(&p_f0)],
            )?;
            __private::fits(y0, d2)?;
            __private::fuse::forward(
                &mut **y0,
                (
                    __private::Operand::<R, { E2.spread[0] as u8 }>::new(v1.data()),
                    __private::Operand::<
                        R,
                        { E2.spread[1] as u8 },
                    >::new(
                        <names::Swap_P0 as __private::Elementwise>::numbers::<R>(&p_f0),
                    ),
                ),
                e2::<R>(),
            );
            let l2_0 = v1.keep(saved);
            ::core::result::Result::Ok(Residual {
                p_f0,
                r0,
                n0_0,
                o0_0,
                n0_1,
                o0_1,
                r1,
                n1,
                o1,
                l2_0,
            })
        }
        /// The backward pass.
        pub fn vjp<R: __private::Real>(
            r: Residual<'_, R>,
            outs: &[&[R]],
            cots: &[&[R]],
            ins: &mut [__private::Slot<'_, R>],
            mut grad: Grad<'_, R>,
            state: &mut State<R>,
            mut scratch: __private::Arena<'_, R>,
        ) -> ::core::result::Result<(), __private::Error> {
            let mut s = scratch.lend();
            let [y0] = __private::exactly(outs, "results")?;
            let [cot0] = __private::exactly(cots, "cotangents")?;
            let [in_x] = __private::exactly_mut(ins, "inputs")?;
            let c0_0 = s.take(r.n0_0);
            let c0_1 = s.take(r.n0_1);
            let c1 = s.take(r.n1);
            __private::fuse::backward(
                &*cot0,
                &[],
                (
                    __private::Operand::<R, { E2.spread[0] as u8 }>::new(r.l2_0),
                    __private::Operand::<
                        R,
                        { E2.spread[1] as u8 },
                    >::new(
                        <names::Swap_P0 as __private::Elementwise>::numbers::<R>(&r.p_f0),
                    ),
                ),
                (
                    __private::Sink::<
                        R,
                        { E2.spread[0] as u8 },
                    >::slot(__private::Slot::Write(&mut *c1)),
                    __private::Sink::nowhere(),
                ),
                e2_back::<R>(),
            );
            __private::within(
                "concat",
                <names::Swap_C1 as __private::Primitive>::vjp::<
                    R,
                >(
                    r.r1,
                    [r.o1],
                    [&*c1],
                    (
                        __private::Slot::Write(&mut *c0_1),
                        __private::Slot::Write(&mut *c0_0),
                    ),
                    &mut state.concat,
                    s.lend(),
                ),
            )?;
            __private::within(
                "split",
                <names::Swap_C0 as __private::Primitive>::vjp::<
                    R,
                >(
                    r.r0,
                    [r.o0_0, r.o0_1],
                    [&*c0_0, &*c0_1],
                    (in_x.first(),),
                    &mut state.split,
                    s.lend(),
                ),
            )?;
            ::core::result::Result::Ok(())
        }
        /// The equation, its programs and what it keeps, for readers.
        pub const EXPLAINED: __private::Equation = __private::Equation {
            text: "|x: [batch, time, d]| {\n    let (a, b) = split(x);\n    concat(b, a) * f0\n}",
            forward: &[
                ("(a, b) = split(x)", S0_0),
                ("v1 = concat(b, a)", S1),
                ("y = v1 * f0", S2),
            ],
            backward: &[
                "c0 = y'\nc1 = f0 * c0\nc2 = v1 * c0\nv1' += c1\nf0' += c2",
                "b', a' += concat.vjp(v1')",
                "x' += split.vjp(a', b')",
            ],
            kept: &[
                __private::Kept {
                    what: "x",
                    axes: IN_X,
                    arrays: (<names::Swap_C0 as __private::Primitive>::KEEPS[0])
                        as usize,
                    borrowed: true,
                },
                __private::Kept {
                    what: "a",
                    axes: S0_0,
                    arrays: (<names::Swap_C1 as __private::Primitive>::KEEPS[1]
                        || <names::Swap_C0 as __private::Primitive>::KEEPS_OUT) as usize,
                    borrowed: false,
                },
                __private::Kept {
                    what: "b",
                    axes: S0_1,
                    arrays: (<names::Swap_C1 as __private::Primitive>::KEEPS[0]
                        || <names::Swap_C0 as __private::Primitive>::KEEPS_OUT) as usize,
                    borrowed: false,
                },
                __private::Kept {
                    what: "v1",
                    axes: S1,
                    arrays: (true) as usize,
                    borrowed: false,
                },
            ],
        };
    }
}
///What the backward pass of [`Mixer`] needs of its forward pass.
#[::core::prelude::v1::derive(::core::clone::Clone, ::core::marker::Copy)]
#[allow(non_camel_case_types, non_snake_case)]
pub enum MixerResidual<'r, R: ::barewire::__private::Real = f32> {
    ///of `Recurrence`
    Recurrence(mixer::recurrence::Residual<'r, R>),
    ///of `Swap`
    Swap(mixer::swap::Residual<'r, R>),
}
///What [`Mixer`] carries along time.
#[allow(non_camel_case_types, non_snake_case)]
pub enum MixerState<R: ::barewire::__private::Real = f32> {
    /// a sequence starts from zero
    Unset,
    ///of `Recurrence`
    Recurrence(mixer::recurrence::State<R>),
    ///of `Swap`
    Swap(mixer::swap::State<R>),
}
const _: () = {
    impl<R: __private::Real> __private::Default for MixerCotangent<R> {
        #[inline]
        fn default() -> Self {
            Self::Zero
        }
    }
    #[automatically_derived]
    #[allow(unused_variables, unreachable_patterns, clippy::all)]
    impl __private::Derived for Mixer {
        type Cotangent<R: __private::Real> = MixerCotangent<R>;
        const PARTS: &'static [__private::PartEntry] = &[
            __private::PartEntry::new(0, "Recurrence", &["gate"]),
            __private::PartEntry::new(1, "Swap", &["f0"]).fixed(&[0]),
        ];
        fn tag_of<P: __private::Copy + 'static>(
            view: &<Self as __private::Wire>::View<'_, P>,
        ) -> __private::u32 {
            view.tag()
        }
        #[inline]
        fn tag_of_mut(view: &<Self as __private::Wire>::ViewMut<'_>) -> __private::u32 {
            match view {
                MixerViewMut::Recurrence { .. } => 0,
                MixerViewMut::Swap { .. } => 1,
            }
        }
        fn tag_of_grad<R: __private::Real>(
            grad: &MixerCotangent<R>,
        ) -> __private::Option<__private::u32> {
            __private::Some(
                match grad {
                    MixerCotangent::Recurrence { .. } => 0,
                    MixerCotangent::Swap { .. } => 1,
                    _ => return __private::None,
                },
            )
        }
        fn fit<R: __private::Real>(grad: &mut MixerCotangent<R>, tag: __private::u32) {
            if let MixerCotangent::Zero = grad {
                *grad = match tag {
                    0 => {
                        let (f0,) = <__F0 as __private::PartFields>::zero::<R>();
                        MixerCotangent::Recurrence {
                            gate: f0,
                        }
                    }
                    1 => {
                        let (f0,) = <__F1 as __private::PartFields>::zero::<R>();
                        MixerCotangent::Swap(f0)
                    }
                    _ => return,
                };
            }
        }
        fn visit<R: __private::Real, P: __private::Lift<R>>(
            view: <Self as __private::Wire>::View<'_, P>,
            grad: &mut MixerCotangent<R>,
            v: &mut __private::Visit<__private::Read<'_, R>>,
        ) -> __private::Result<(), __private::Error> {
            match (view, grad) {
                (
                    MixerView::Recurrence { gate: f0 },
                    MixerCotangent::Recurrence { gate: g0 },
                ) => <__F0 as __private::PartFields>::visit::<R, P>((f0,), (g0,), v),
                (MixerView::Swap(f0), MixerCotangent::Swap(g0)) => {
                    <__F1 as __private::PartFields>::visit::<R, P>((f0,), (g0,), v)
                }
                _ => v.mismatch(),
            }
        }
        #[inline]
        fn update(
            view: <Self as __private::Wire>::ViewMut<'_>,
            grad: &mut MixerCotangent<__private::f32>,
            v: &mut __private::Visit<__private::Update<'_>>,
        ) -> __private::Result<(), __private::Error> {
            match (view, grad) {
                (
                    MixerViewMut::Recurrence { gate: f0 },
                    MixerCotangent::Recurrence { gate: g0 },
                ) => <__F0 as __private::PartFields>::update((f0,), (g0,), v),
                (MixerViewMut::Swap(f0), MixerCotangent::Swap(g0)) => {
                    <__F1 as __private::PartFields>::update((f0,), (g0,), v)
                }
                _ => v.mismatch(),
            }
        }
        fn grads<R: __private::Real>(
            grad: &mut MixerCotangent<R>,
            v: &mut __private::Visit<__private::Grads<'_, R>>,
        ) {
            match grad {
                MixerCotangent::Recurrence { gate: g0 } => {
                    <__F0 as __private::PartFields>::grads::<R>((g0,), v)
                }
                MixerCotangent::Swap(g0) => {
                    <__F1 as __private::PartFields>::grads::<R>((g0,), v)
                }
                _ => {}
            }
        }
        fn points<'o, 'w: 'o, R: __private::Real, P: __private::Lift<R>>(
            view: <Self as __private::Wire>::View<'w, P>,
            point: &'o MixerCotangent<R>,
            v: &mut __private::Visit<__private::Points<'o>>,
        ) -> __private::Result<
            <Self as __private::Wire>::View<'o, R>,
            __private::Error,
        > {
            match (view, point) {
                (
                    MixerView::Recurrence { gate: f0 },
                    MixerCotangent::Recurrence { gate: g0 },
                ) => {
                    match <__F0 as __private::PartFields>::points::<
                        R,
                        P,
                    >((f0,), (g0,), v) {
                        __private::Ok((f0,)) => {
                            __private::Ok(MixerView::Recurrence { gate: f0 })
                        }
                        __private::Err(error) => __private::Err(error),
                    }
                }
                (MixerView::Swap(f0), MixerCotangent::Swap(g0)) => {
                    match <__F1 as __private::PartFields>::points::<
                        R,
                        P,
                    >((f0,), (g0,), v) {
                        __private::Ok((f0,)) => __private::Ok(MixerView::Swap(f0)),
                        __private::Err(error) => __private::Err(error),
                    }
                }
                _ => v.other_point(),
            }
        }
        fn add<R: __private::Real>(
            grad: &mut MixerCotangent<R>,
            other: &MixerCotangent<R>,
            v: &__private::Visit<()>,
        ) -> __private::Result<(), __private::Error> {
            match (other, grad) {
                (
                    MixerCotangent::Recurrence { gate: f0 },
                    MixerCotangent::Recurrence { gate: g0 },
                ) => <__F0 as __private::PartFields>::add::<R>((g0,), (f0,)),
                (MixerCotangent::Swap(f0), MixerCotangent::Swap(g0)) => {
                    <__F1 as __private::PartFields>::add::<R>((g0,), (f0,))
                }
                _ => v.mismatch(),
            }
        }
    }
    #[allow(dead_code, unused_parens, unreachable_patterns, non_snake_case, clippy::all)]
    impl<R: __private::Real> MixerCotangent<R> {
        #[inline]
        fn as_recurrence(
            &mut self,
        ) -> __private::Result<
            (&mut <super::Projection as __private::Part>::Grad<R>,),
            __private::Error,
        > {
            <Mixer as __private::Derived>::fit(self, 0);
            match self {
                MixerCotangent::Recurrence { gate: g0 } => __private::Ok((g0,)),
                _ => __private::other_gradient::<Mixer, _>(0),
            }
        }
        #[inline]
        fn as_swap(
            &mut self,
        ) -> __private::Result<
            (&mut <f32 as __private::Part>::Grad<R>,),
            __private::Error,
        > {
            <Mixer as __private::Derived>::fit(self, 1);
            match self {
                MixerCotangent::Swap(g0) => __private::Ok((g0,)),
                _ => __private::other_gradient::<Mixer, _>(1),
            }
        }
    }
    impl<R: __private::Real> ::core::default::Default for MixerState<R> {
        fn default() -> Self {
            Self::Unset
        }
    }
    impl<R: __private::Real> __private::State<R> for MixerState<R> {
        const EMPTY: bool = true
            && <mixer::recurrence::State<R> as __private::State<R>>::EMPTY
            && <mixer::swap::State<R> as __private::State<R>>::EMPTY;
        fn walk(
            &mut self,
            path: &mut __private::String,
            visit: &mut dyn ::core::ops::FnMut(&str, &mut __private::Vec<R>),
        ) {
            match self {
                Self::Unset => {}
                Self::Recurrence(state) => __private::State::walk(state, path, visit),
                Self::Swap(state) => __private::State::walk(state, path, visit),
            }
        }
        fn arrays(
            &mut self,
            visit: &mut dyn ::core::ops::FnMut(&mut __private::Vec<R>),
        ) {
            match self {
                Self::Unset => {}
                Self::Recurrence(state) => __private::State::arrays(state, visit),
                Self::Swap(state) => __private::State::arrays(state, visit),
            }
        }
    }
    #[allow(unreachable_patterns)]
    impl<R: __private::Real> MixerState<R> {
        fn as_recurrence(
            &mut self,
        ) -> ::core::result::Result<&mut mixer::recurrence::State<R>, __private::Error> {
            if let Self::Unset = self {
                *self = Self::Recurrence(::core::default::Default::default());
            }
            match self {
                Self::Recurrence(state) => ::core::result::Result::Ok(state),
                _ => {
                    ::core::result::Result::Err(
                        __private::Error::tag(
                            "Recurrence",
                            "the state of another variant",
                        ),
                    )
                }
            }
        }
        fn as_swap(
            &mut self,
        ) -> ::core::result::Result<&mut mixer::swap::State<R>, __private::Error> {
            if let Self::Unset = self {
                *self = Self::Swap(::core::default::Default::default());
            }
            match self {
                Self::Swap(state) => ::core::result::Result::Ok(state),
                _ => {
                    ::core::result::Result::Err(
                        __private::Error::tag("Swap", "the state of another variant"),
                    )
                }
            }
        }
    }
    const _: () = __private::agree(
        &mixer::recurrence::SIG,
        "Recurrence",
        &mixer::swap::SIG,
        "Swap",
    );
    impl __private::Explained for Mixer {
        const NAME: &'static str = "Mixer";
        const EQUATIONS: &'static [(&'static str, u32, __private::Equation)] = &[
            ("Recurrence", 0u32, mixer::recurrence::EXPLAINED),
            ("Swap", 1u32, mixer::swap::EXPLAINED),
        ];
    }
    #[allow(unused_variables, unused_parens, non_snake_case, clippy::all)]
    impl __private::Layer for Mixer {
        const SIG: __private::Sig = mixer::recurrence::SIG;
        const KEEPS: &'static [bool] = &__private::any_keeps(
            &[mixer::recurrence::KEEPS, mixer::swap::KEEPS],
        );
        const KEEPS_OUT: bool = mixer::recurrence::KEEPS_OUT || mixer::swap::KEEPS_OUT;
        const STEPS: bool = mixer::recurrence::STEPS && mixer::swap::STEPS;
        type Residual<'r, R: __private::Real> = MixerResidual<'r, R>;
        type State<R: __private::Real> = MixerState<R>;
        fn bind<P: ::core::marker::Copy + 'static>(
            view: <Self as __private::Wire>::View<'_, P>,
            sizes: &mut __private::Sizes,
        ) -> ::core::result::Result<(), __private::Error> {
            match view {
                MixerView::Recurrence { gate: v_gate } => {
                    mixer::recurrence::bind::<
                        P,
                    >(
                        mixer::recurrence::Fields {
                            gate: v_gate,
                        },
                        sizes,
                    )
                }
                MixerView::Swap(v_f0) => {
                    mixer::swap::bind::<P>(mixer::swap::Fields { f0: v_f0 }, sizes)
                }
            }
        }
        fn dims<P: ::core::marker::Copy + 'static>(
            view: <Self as __private::Wire>::View<'_, P>,
            ins: &[__private::Dims],
            outs: &mut [__private::Dims],
        ) -> ::core::result::Result<(), __private::Error> {
            match view {
                MixerView::Recurrence { gate: v_gate } => {
                    mixer::recurrence::dims::<
                        P,
                    >(
                        mixer::recurrence::Fields {
                            gate: v_gate,
                        },
                        ins,
                        outs,
                    )
                }
                MixerView::Swap(v_f0) => {
                    mixer::swap::dims::<P>(mixer::swap::Fields { f0: v_f0 }, ins, outs)
                }
            }
        }
        fn forward<R: __private::Real, P: __private::Lift<R>>(
            view: <Self as __private::Wire>::View<'_, P>,
            ins: &[__private::Input<'_, '_, R>],
            outs: &mut [&mut [R]],
            state: &mut MixerState<R>,
            scratch: __private::Arena<'_, R>,
        ) -> ::core::result::Result<(), __private::Error> {
            match view {
                MixerView::Recurrence { gate: v_gate } => {
                    mixer::recurrence::forward::<
                        R,
                        P,
                    >(
                        mixer::recurrence::Fields {
                            gate: v_gate,
                        },
                        ins,
                        outs,
                        state.as_recurrence()?,
                        scratch,
                    )
                }
                MixerView::Swap(v_f0) => {
                    mixer::swap::forward::<
                        R,
                        P,
                    >(
                        mixer::swap::Fields { f0: v_f0 },
                        ins,
                        outs,
                        state.as_swap()?,
                        scratch,
                    )
                }
            }
        }
        fn forward_saving<'w: 'r, 'r, R: __private::Real, P: __private::Lift<R>>(
            view: <Self as __private::Wire>::View<'w, P>,
            ins: &[__private::Input<'r, '_, R>],
            outs: &mut [&mut [R]],
            state: &mut MixerState<R>,
            saved: &mut __private::Arena<'r, R>,
            scratch: __private::Arena<'_, R>,
        ) -> ::core::result::Result<MixerResidual<'r, R>, __private::Error> {
            match view {
                MixerView::Recurrence { gate: v_gate } => {
                    ::core::result::Result::Ok(
                        MixerResidual::Recurrence(
                            mixer::recurrence::forward_saving::<
                                R,
                                P,
                            >(
                                mixer::recurrence::Fields {
                                    gate: v_gate,
                                },
                                ins,
                                outs,
                                state.as_recurrence()?,
                                saved,
                                scratch,
                            )?,
                        ),
                    )
                }
                MixerView::Swap(v_f0) => {
                    ::core::result::Result::Ok(
                        MixerResidual::Swap(
                            mixer::swap::forward_saving::<
                                R,
                                P,
                            >(
                                mixer::swap::Fields { f0: v_f0 },
                                ins,
                                outs,
                                state.as_swap()?,
                                saved,
                                scratch,
                            )?,
                        ),
                    )
                }
            }
        }
        fn vjp<R: __private::Real>(
            residual: MixerResidual<'_, R>,
            outs: &[&[R]],
            cots: &[&[R]],
            ins: &mut [__private::Slot<'_, R>],
            grad: &mut MixerCotangent<R>,
            state: &mut MixerState<R>,
            scratch: __private::Arena<'_, R>,
        ) -> ::core::result::Result<(), __private::Error> {
            match residual {
                MixerResidual::Recurrence(r) => {
                    let (g_gate,) = grad.as_recurrence()?;
                    mixer::recurrence::vjp::<
                        R,
                    >(
                        r,
                        outs,
                        cots,
                        ins,
                        mixer::recurrence::Grad {
                            gate: g_gate,
                        },
                        state.as_recurrence()?,
                        scratch,
                    )
                }
                MixerResidual::Swap(r) => {
                    let (g_f0,) = grad.as_swap()?;
                    mixer::swap::vjp::<
                        R,
                    >(
                        r,
                        outs,
                        cots,
                        ins,
                        mixer::swap::Grad { f0: g_f0 },
                        state.as_swap()?,
                        scratch,
                    )
                }
            }
        }
    }
};
