///The equation of [`gated`](super::gated).
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
mod gated_equation {
    use ::barewire::__private;
    mod names {
        pub(super) use super::super::*;
        use super::__private::{self, ops::*};
        pub type F0 = Matrix<f32>;
        pub type N0 = linear;
        pub type C0 = __private::Sound<{ super::A0 }, N0>;
        pub type P0 = __private::Sound<{ super::FITS0 }, F0>;
    }
    /// The fields, borrowed.
    #[::core::prelude::v1::derive(::core::clone::Clone, ::core::marker::Copy)]
    pub struct Fields<'w, P: ::core::marker::Copy + 'static = f32> {
        pub weights: <names::F0 as __private::Wire>::View<'w, P>,
    }
    /// The gradients of the fields.
    pub struct Grad<'g, R: __private::Real> {
        pub weights: &'g mut <names::F0 as __private::Part>::Grad<R>,
    }
    /// What the backward pass needs.
    #[::core::prelude::v1::derive(::core::clone::Clone, ::core::marker::Copy)]
    pub struct Residual<'r, R: __private::Real> {
        pub r0: <names::C0 as __private::Primitive>::Residual<'r, R>,
        pub n0: usize,
        pub o0: &'r [R],
        pub s1: &'r [R],
        pub l1_0: &'r [R],
    }
    /// What is carried along time.
    pub struct State<R: __private::Real = f32> {
        pub linear: <names::C0 as __private::Primitive>::State<R>,
    }
    impl<R: __private::Real> ::core::default::Default for State<R> {
        fn default() -> Self {
            State {
                linear: ::core::default::Default::default(),
            }
        }
    }
    impl<R: __private::Real> __private::State<R> for State<R> {
        const EMPTY: bool = true
            && <<names::C0 as __private::Primitive>::State<
                R,
            > as __private::State<R>>::EMPTY;
        fn walk(
            &mut self,
            path: &mut __private::String,
            visit: &mut dyn ::core::ops::FnMut(&str, &mut __private::Vec<R>),
        ) {
            __private::descend(
                path,
                "linear",
                |path| __private::State::walk(&mut self.linear, path, visit),
            );
        }
        fn arrays(
            &mut self,
            visit: &mut dyn ::core::ops::FnMut(&mut __private::Vec<R>),
        ) {
            __private::State::arrays(&mut self.linear, visit);
        }
    }
    pub const IN_X: __private::Shape = __private::Shape::new(&["batch", "d_in"]);
    pub const IN_GATE: __private::Shape = __private::Shape::new(&["batch", "d_out"]);
    pub const P_WEIGHTS: __private::Shape = __private::Shape::new(&["d_out", "d_in"]);
    pub const FITS0: bool = __private::check_rank(__private::rank::<names::F0>(), 2);
    pub const S0: __private::Shape = __private::infer(
        &__private::sig::<names::N0>(),
        &[P_WEIGHTS, IN_X],
        &[],
        "linear",
        "linear",
        0,
    );
    pub const A0: bool = __private::check_results(&__private::sig::<names::N0>(), &[S0]);
    pub const E1: __private::Broadcast<2> = __private::broadcast(&[S0, IN_GATE]);
    pub const S1: __private::Shape = __private::require(E1.out, &["batch", "d_out"]);
    /// Axes of the inputs and of the results.
    pub const SIG: __private::Sig = __private::signature(&[IN_X, IN_GATE], &[S1]);
    /// For each input, whether the residual borrows it.
    pub const KEEPS: &[bool] = &[<names::C0 as __private::Primitive>::KEEPS[1], false];
    /// Whether the backward pass reads the results.
    pub const KEEPS_OUT: bool = false;
    /// Whether the equation can run in chunks along time.
    pub const STEPS: bool = <names::C0 as __private::Primitive>::STEPS;
    fn e1<R: __private::Real>() -> impl ::core::ops::Fn([R; 2]) -> R {
        #[inline(always)]
        |[x0, x1]: [R; 2]| {
            let t0 = __private::Real::sigmoid(x1);
            let t1 = x0 * t0;
            t1
        }
    }
    fn e1_saving<R: __private::Real>() -> impl ::core::ops::Fn([R; 2]) -> (R, [R; 1]) {
        #[inline(always)]
        |[x0, x1]: [R; 2]| {
            let t0 = __private::Real::sigmoid(x1);
            let t1 = x0 * t0;
            (t1, [t0])
        }
    }
    fn e1_back<R: __private::Real>() -> impl ::core::ops::Fn(
        [R; 2],
        [R; 1],
        R,
    ) -> [R; 2] {
        #[inline(always)]
        |[x0, x1]: [R; 2], [s0]: [R; 1], c: R| {
            let t0 = s0;
            let c0 = c;
            let c1 = t0 * c0;
            let c2 = x0 * c0;
            let c3 = (t0 - t0 * t0) * c2;
            [c1, c3]
        }
    }
    /// Binds the sizes of the fields' axes.
    pub fn bind<P: ::core::marker::Copy + 'static>(
        view: Fields<'_, P>,
        sizes: &mut __private::Sizes,
    ) -> ::core::result::Result<(), __private::Error> {
        sizes
            .bind_all(
                &["d_out", "d_in"],
                <names::P0 as __private::Parameter>::dims::<P>(&view.weights),
                "weights",
            )?;
        ::core::result::Result::Ok(())
    }
    /// Sizes of the results.
    pub fn dims<P: ::core::marker::Copy + 'static>(
        view: Fields<'_, P>,
        ins: &[__private::Dims],
        outs: &mut [__private::Dims],
    ) -> ::core::result::Result<(), __private::Error> {
        let [d_in_x, d_in_gate] = __private::exactly(ins, "inputs")?;
        let [d0] = __private::dims_of::<
            names::C0,
            1,
        >(
            "linear",
            &[<names::P0 as __private::Parameter>::dims::<P>(&view.weights), d_in_x],
        )?;
        let d1 = __private::fuse::dims(&E1, [d0, d_in_gate])?;
        *__private::exactly_mut(outs, "results")? = [d1];
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
        let [in_x, in_gate] = __private::exactly(ins, "inputs")?;
        let in_x = in_x.real()?;
        let in_gate = in_gate.real()?;
        let [y0] = __private::exactly_mut(outs, "results")?;
        let p_weights = <names::P0 as __private::Parameter>::lower::<
            R,
            P,
        >(view.weights, &mut s);
        let [d0] = __private::dims_of::<
            names::C0,
            1,
        >(
            "linear",
            &[<names::P0 as __private::Parameter>::dims::<R>(&p_weights), in_x.dims()],
        )?;
        let b0 = s.take(d0.len());
        __private::within(
            "linear",
            <names::C0 as __private::Primitive>::forward::<
                R,
            >((p_weights, in_x), [&mut *b0], &mut state.linear, s.lend()),
        )?;
        let v0 = __private::Arg::kept(&*b0, d0);
        let d1 = __private::fuse::dims(&E1, [v0.dims(), in_gate.dims()])?;
        __private::fits(y0, d1)?;
        __private::fuse::forward(
            &mut **y0,
            (
                __private::Operand::<R, { E1.spread[0] as u8 }>::new(v0.data()),
                __private::Operand::<R, { E1.spread[1] as u8 }>::new(in_gate.data()),
            ),
            e1::<R>(),
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
        let [in_x, in_gate] = __private::exactly(ins, "inputs")?;
        let in_x = in_x.real()?;
        let in_gate = in_gate.real()?;
        let [y0] = __private::exactly_mut(outs, "results")?;
        let p_weights = <names::P0 as __private::Parameter>::lower::<
            R,
            P,
        >(view.weights, saved);
        let [d0] = __private::dims_of::<
            names::C0,
            1,
        >(
            "linear",
            &[<names::P0 as __private::Parameter>::dims::<R>(&p_weights), in_x.dims()],
        )?;
        let mut b0 = __private::Buf::new(const { true }, d0.len(), saved, &mut s);
        let r0 = __private::within(
            "linear",
            <names::C0 as __private::Primitive>::forward_saving::<
                R,
            >((p_weights, in_x), [b0.write()], &mut state.linear, saved, s.lend()),
        )?;
        let v0 = b0.read(d0);
        let n0 = d0.len();
        let o0 = __private::kept(&v0);
        let d1 = __private::fuse::dims(&E1, [v0.dims(), in_gate.dims()])?;
        __private::fits(y0, d1)?;
        let s1 = saved.take(d1.len());
        __private::fuse::forward_saving(
            &mut **y0,
            &mut *s1,
            (
                __private::Operand::<R, { E1.spread[0] as u8 }>::new(v0.data()),
                __private::Operand::<R, { E1.spread[1] as u8 }>::new(in_gate.data()),
            ),
            e1_saving::<R>(),
        );
        let s1 = &*s1;
        let l1_0 = v0.keep(saved);
        ::core::result::Result::Ok(Residual { r0, n0, o0, s1, l1_0 })
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
        let [in_x, in_gate] = __private::exactly_mut(ins, "inputs")?;
        let c0 = s.take(r.n0);
        __private::fuse::backward(
            &*cot0,
            r.s1,
            (
                __private::Operand::<R, { E1.spread[0] as u8 }>::new(r.l1_0),
                __private::Operand::unused(),
            ),
            (
                __private::Sink::<
                    R,
                    { E1.spread[0] as u8 },
                >::slot(__private::Slot::Write(&mut *c0)),
                __private::Sink::<R, { E1.spread[1] as u8 }>::slot(in_gate.first()),
            ),
            e1_back::<R>(),
        );
        __private::within(
            "linear",
            <names::C0 as __private::Primitive>::vjp::<
                R,
            >(
                r.r0,
                [r.o0],
                [&*c0],
                (&mut *grad.weights, in_x.first()),
                &mut state.linear,
                s.lend(),
            ),
        )?;
        ::core::result::Result::Ok(())
    }
    /// Axes of all arguments and of the results.
    pub const ARGUMENTS: __private::Sig = __private::signature(
        &[P_WEIGHTS, IN_X, IN_GATE],
        &[S1],
    );
    /// Sizes of the results, from those of all arguments.
    pub fn dims_of_arguments(
        args: &[__private::Dims],
        outs: &mut [__private::Dims],
    ) -> ::core::result::Result<(), __private::Error> {
        let [d_p_weights, d_in_x, d_in_gate] = __private::exactly(args, "arguments")?;
        let [d0] = __private::dims_of::<names::C0, 1>("linear", &[d_p_weights, d_in_x])?;
        let d1 = __private::fuse::dims(&E1, [d0, d_in_gate])?;
        *__private::exactly_mut(outs, "results")? = [d1];
        ::core::result::Result::Ok(())
    }
    /// The equation, its programs and what it keeps, for readers.
    pub const EXPLAINED: __private::Equation = __private::Equation {
        text: "|x: [batch, d_in], gate: [batch, d_out]| linear(weights, x) * sigmoid(gate)",
        forward: &[
            ("v0 = linear(weights, x)", S0),
            ("t0 = sigmoid(gate)\ny = v0 * t0", S1),
        ],
        backward: &[
            "c0 = y'\nc1 = t0 * c0\nc2 = v0 * c0\nc3 = (t0 - t0 * t0) * c2\nv0' += c1\ngate' += c3",
            "weights', x' += linear.vjp(v0')",
        ],
        kept: &[
            __private::Kept {
                what: "x",
                axes: IN_X,
                arrays: (<names::C0 as __private::Primitive>::KEEPS[1]) as usize,
                borrowed: true,
            },
            __private::Kept {
                what: "v0",
                axes: S0,
                arrays: (true) as usize,
                borrowed: false,
            },
            __private::Kept {
                what: "t0 of y",
                axes: S1,
                arrays: 1usize,
                borrowed: false,
            },
        ],
    };
    /// Fields and inputs in the order of the function's arguments.
    pub fn arguments<'r>(
        view: Fields<'r, __private::f32>,
        ins: &[__private::Input<'r, 'r, __private::f32>],
    ) -> ::core::result::Result<
        <super::gated as __private::Primitive>::Args<'r, 'r, __private::f32>,
        __private::Error,
    > {
        let [in_x, in_gate] = __private::exactly(ins, "inputs")?;
        ::core::result::Result::Ok((view.weights, in_x.real()?, in_gate.real()?))
    }
}
/// A gated linear unit.
#[allow(non_camel_case_types, non_snake_case)]
struct gated;
const _: () = {
    use ::barewire::__private;
    #[allow(unused_variables, unused_mut, unused_parens, clippy::all)]
    impl __private::Primitive for gated {
        const SIG: __private::Sig = gated_equation::ARGUMENTS;
        const KEEPS: &'static [bool] = &[
            false,
            gated_equation::KEEPS[0],
            gated_equation::KEEPS[1],
        ];
        const KEEPS_OUT: bool = gated_equation::KEEPS_OUT;
        const STEPS: bool = gated_equation::STEPS;
        type Args<'r, 'a, R: __private::Real> = (
            <Matrix<f32> as __private::Wire>::View<'r, R>,
            __private::Arg<'r, 'a, R>,
            __private::Arg<'r, 'a, R>,
        );
        type Cots<'a, R: __private::Real> = (
            &'a mut <Matrix<f32> as __private::Part>::Grad<R>,
            __private::Slot<'a, R>,
            __private::Slot<'a, R>,
        );
        type Out<T> = [T; 1];
        type Residual<'r, R: __private::Real> = gated_equation::Residual<'r, R>;
        type State<R: __private::Real> = gated_equation::State<R>;
        fn dims(
            args: &[__private::Dims],
            outs: &mut [__private::Dims],
        ) -> ::core::result::Result<(), __private::Error> {
            gated_equation::dims_of_arguments(args, outs)
        }
        fn forward<R: __private::Real>(
            (p_weights, in_x, in_gate): Self::Args<'_, '_, R>,
            mut out: [&mut [R]; 1],
            state: &mut Self::State<R>,
            scratch: __private::Arena<'_, R>,
        ) -> ::core::result::Result<(), __private::Error> {
            gated_equation::forward::<
                R,
                R,
            >(
                gated_equation::Fields {
                    weights: p_weights,
                },
                &[__private::Input::Real(in_x), __private::Input::Real(in_gate)],
                &mut out,
                state,
                scratch,
            )
        }
        fn forward_saving<'r, R: __private::Real>(
            (p_weights, in_x, in_gate): Self::Args<'r, '_, R>,
            mut out: [&mut [R]; 1],
            state: &mut Self::State<R>,
            saved: &mut __private::Arena<'r, R>,
            scratch: __private::Arena<'_, R>,
        ) -> ::core::result::Result<Self::Residual<'r, R>, __private::Error> {
            gated_equation::forward_saving::<
                R,
                R,
            >(
                gated_equation::Fields {
                    weights: p_weights,
                },
                &[__private::Input::Real(in_x), __private::Input::Real(in_gate)],
                &mut out,
                state,
                saved,
                scratch,
            )
        }
        fn vjp<R: __private::Real>(
            residual: Self::Residual<'_, R>,
            out: [&[R]; 1],
            cot: [&[R]; 1],
            (p_weights, in_x, in_gate): Self::Cots<'_, R>,
            state: &mut Self::State<R>,
            scratch: __private::Arena<'_, R>,
        ) -> ::core::result::Result<(), __private::Error> {
            gated_equation::vjp::<
                R,
            >(
                residual,
                &out,
                &cot,
                &mut [in_x, in_gate],
                gated_equation::Grad {
                    weights: p_weights,
                },
                state,
                scratch,
            )
        }
    }
};
