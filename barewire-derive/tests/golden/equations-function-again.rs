///The equation of [`scaled`](super::scaled).
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
pub mod scaled_equation {
    use ::barewire::__private;
    mod names {
        pub(super) use super::super::*;
        use super::__private::{self, ops::*};
        pub type F0 = f32;
        pub type N0 = softmax;
        pub type C0 = __private::Sound<{ super::again::A0 }, N0>;
        pub type P0 = __private::Sound<{ super::again::FITS0 }, F0>;
    }
    /// The programs that run again in the backward pass.
    pub mod again {
        use super::{__private, names};
        /// The fields, borrowed.
        #[::core::prelude::v1::derive(::core::clone::Clone, ::core::marker::Copy)]
        pub struct Fields<'w, P: ::core::marker::Copy + 'static = f32> {
            pub gain: <names::F0 as __private::Wire>::View<'w, P>,
        }
        /// The gradients of the fields.
        pub struct Grad<'g, R: __private::Real> {
            pub gain: &'g mut <names::F0 as __private::Part>::Grad<R>,
        }
        /// What the backward pass needs.
        #[::core::prelude::v1::derive(::core::clone::Clone, ::core::marker::Copy)]
        pub struct Residual<'r, R: __private::Real> {
            pub p_gain: <names::P0 as __private::Wire>::View<'r, R>,
            pub r0: <names::C0 as __private::Primitive>::Residual<'r, R>,
            pub n0: usize,
            pub o0: &'r [R],
            pub s1: &'r [R],
        }
        /// What is carried along time.
        pub struct State<R: __private::Real = f32> {
            pub softmax: <names::C0 as __private::Primitive>::State<R>,
        }
        impl<R: __private::Real> ::core::default::Default for State<R> {
            fn default() -> Self {
                State {
                    softmax: ::core::default::Default::default(),
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
                    "softmax",
                    |path| __private::State::walk(&mut self.softmax, path, visit),
                );
            }
            fn arrays(
                &mut self,
                visit: &mut dyn ::core::ops::FnMut(&mut __private::Vec<R>),
            ) {
                __private::State::arrays(&mut self.softmax, visit);
            }
        }
        pub const IN_X: __private::Shape = __private::Shape::new(&["batch", "d"]);
        pub const P_GAIN: __private::Shape = __private::Shape::new(&[]);
        pub const FITS0: bool = __private::check_rank(
            __private::elementwise_rank::<names::F0>(),
            0,
        );
        pub const S0: __private::Shape = __private::infer(
            &__private::sig::<names::N0>(),
            &[IN_X],
            &[],
            "softmax",
            "softmax",
            0,
        );
        pub const A0: bool = __private::check_results(
            &__private::sig::<names::N0>(),
            &[S0],
        );
        pub const E1: __private::Broadcast<2> = __private::broadcast(&[P_GAIN, S0]);
        pub const S1: __private::Shape = __private::require(E1.out, &["batch", "d"]);
        /// Axes of the inputs and of the results.
        pub const SIG: __private::Sig = __private::signature(&[IN_X], &[S1]);
        /// For each input, whether the residual borrows it.
        pub const KEEPS: &[bool] = &[<names::C0 as __private::Primitive>::KEEPS[0]];
        /// Whether the backward pass reads the results.
        pub const KEEPS_OUT: bool = false;
        /// Whether the equation can run in chunks along time.
        pub const STEPS: bool = <names::C0 as __private::Primitive>::STEPS;
        fn e1<R: __private::Real>() -> impl ::core::ops::Fn([R; 2]) -> R {
            #[inline(always)]
            |[x0, x1]: [R; 2]| {
                let t0 = __private::Real::exp(x1);
                let t1 = x0 * t0;
                t1
            }
        }
        fn e1_saving<R: __private::Real>() -> impl ::core::ops::Fn(
            [R; 2],
        ) -> (R, [R; 1]) {
            #[inline(always)]
            |[x0, x1]: [R; 2]| {
                let t0 = __private::Real::exp(x1);
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
                let c3 = t0 * c2;
                [c1, c3]
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
            let [d0] = __private::dims_of::<names::C0, 1>("softmax", &[d_in_x])?;
            let d1 = __private::fuse::dims(
                &E1,
                [<names::P0 as __private::Parameter>::dims::<P>(&view.gain), d0],
            )?;
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
            let [in_x] = __private::exactly(ins, "inputs")?;
            let in_x = in_x.real()?;
            let [y0] = __private::exactly_mut(outs, "results")?;
            let p_gain = <names::P0 as __private::Parameter>::lower::<
                R,
                P,
            >(view.gain, &mut s);
            let [d0] = __private::dims_of::<names::C0, 1>("softmax", &[in_x.dims()])?;
            let b0 = s.take(d0.len());
            __private::within(
                "softmax",
                <names::C0 as __private::Primitive>::forward::<
                    R,
                >((in_x,), [&mut *b0], &mut state.softmax, s.lend()),
            )?;
            let v0 = __private::Arg::kept(&*b0, d0);
            let d1 = __private::fuse::dims(
                &E1,
                [<names::P0 as __private::Parameter>::dims::<R>(&p_gain), v0.dims()],
            )?;
            __private::fits(y0, d1)?;
            __private::fuse::forward(
                &mut **y0,
                (
                    __private::Operand::<
                        R,
                        { E1.spread[0] as u8 },
                    >::new(<names::P0 as __private::Elementwise>::numbers::<R>(&p_gain)),
                    __private::Operand::<R, { E1.spread[1] as u8 }>::new(v0.data()),
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
            let [in_x] = __private::exactly(ins, "inputs")?;
            let in_x = in_x.real()?;
            let [y0] = __private::exactly_mut(outs, "results")?;
            let p_gain = <names::P0 as __private::Parameter>::lower::<
                R,
                P,
            >(view.gain, saved);
            let [d0] = __private::dims_of::<names::C0, 1>("softmax", &[in_x.dims()])?;
            let mut b0 = __private::Buf::new(
                const { <names::C0 as __private::Primitive>::KEEPS_OUT },
                d0.len(),
                saved,
                &mut s,
            );
            let r0 = __private::within(
                "softmax",
                <names::C0 as __private::Primitive>::forward_saving::<
                    R,
                >((in_x,), [b0.write()], &mut state.softmax, saved, s.lend()),
            )?;
            let v0 = b0.read(d0);
            let n0 = d0.len();
            let o0 = __private::kept(&v0);
            let d1 = __private::fuse::dims(
                &E1,
                [<names::P0 as __private::Parameter>::dims::<R>(&p_gain), v0.dims()],
            )?;
            __private::fits(y0, d1)?;
            let s1 = saved.take(d1.len());
            __private::fuse::forward_saving(
                &mut **y0,
                &mut *s1,
                (
                    __private::Operand::<
                        R,
                        { E1.spread[0] as u8 },
                    >::new(<names::P0 as __private::Elementwise>::numbers::<R>(&p_gain)),
                    __private::Operand::<R, { E1.spread[1] as u8 }>::new(v0.data()),
                ),
                e1_saving::<R>(),
            );
            let s1 = &*s1;
            ::core::result::Result::Ok(Residual { p_gain, r0, n0, o0, s1 })
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
            __private::fuse::backward(
                &*cot0,
                r.s1,
                (
                    __private::Operand::<
                        R,
                        { E1.spread[0] as u8 },
                    >::new(
                        <names::P0 as __private::Elementwise>::numbers::<R>(&r.p_gain),
                    ),
                    __private::Operand::unused(),
                ),
                (
                    <names::P0 as __private::Elementwise>::sink::<
                        R,
                        { E1.spread[0] as u8 },
                    >(
                        &mut *grad.gain,
                        <names::P0 as __private::Elementwise>::numbers::<R>(&r.p_gain)
                            .len(),
                    )?,
                    __private::Sink::<
                        R,
                        { E1.spread[1] as u8 },
                    >::slot(__private::Slot::Write(&mut *c0)),
                ),
                e1_back::<R>(),
            );
            __private::within(
                "softmax",
                <names::C0 as __private::Primitive>::vjp::<
                    R,
                >(r.r0, [r.o0], [&*c0], (in_x.first(),), &mut state.softmax, s.lend()),
            )?;
            ::core::result::Result::Ok(())
        }
        /// Axes of all arguments and of the results.
        pub const ARGUMENTS: __private::Sig = __private::signature(
            &[IN_X, P_GAIN],
            &[S1],
        );
        /// Sizes of the results, from those of all arguments.
        pub fn dims_of_arguments(
            args: &[__private::Dims],
            outs: &mut [__private::Dims],
        ) -> ::core::result::Result<(), __private::Error> {
            let [d_in_x, d_p_gain] = __private::exactly(args, "arguments")?;
            let [d0] = __private::dims_of::<names::C0, 1>("softmax", &[d_in_x])?;
            let d1 = __private::fuse::dims(&E1, [d_p_gain, d0])?;
            *__private::exactly_mut(outs, "results")? = [d1];
            ::core::result::Result::Ok(())
        }
    }
    use again::*;
    __private::recompute!();
    /// The equation, its programs and what it keeps, for readers.
    pub const EXPLAINED: __private::Equation = __private::Equation {
        text: "|x: [batch, d]| gain * exp(softmax(x))",
        forward: &[("v0 = softmax(x)", S0), ("t0 = exp(v0)\ny = gain * t0", S1)],
        backward: &[
            "// the forward program runs again, from the inputs\nc0 = y'\nc1 = t0 * c0\nc2 = gain * c0\nc3 = t0 * c2\ngain' += c1\nv0' += c3",
            "x' += softmax.vjp(v0')",
        ],
        kept: &[
            __private::Kept {
                what: "x",
                axes: IN_X,
                arrays: 1,
                borrowed: true,
            },
        ],
    };
    pub use again::{ARGUMENTS, dims_of_arguments};
    /// Fields and inputs in the order of the function's arguments.
    pub fn arguments<'r>(
        view: Fields<'r, __private::f32>,
        ins: &[__private::Input<'r, 'r, __private::f32>],
    ) -> ::core::result::Result<
        <super::scaled as __private::Primitive>::Args<'r, 'r, __private::f32>,
        __private::Error,
    > {
        let [in_x] = __private::exactly(ins, "inputs")?;
        ::core::result::Result::Ok((in_x.real()?, view.gain))
    }
}
#[allow(non_camel_case_types, non_snake_case)]
pub struct scaled;
const _: () = {
    use ::barewire::__private;
    #[allow(unused_variables, unused_mut, unused_parens, clippy::all)]
    impl __private::Primitive for scaled {
        const SIG: __private::Sig = scaled_equation::ARGUMENTS;
        const KEEPS: &'static [bool] = &[scaled_equation::KEEPS[0], false];
        const KEEPS_OUT: bool = scaled_equation::KEEPS_OUT;
        const STEPS: bool = scaled_equation::STEPS;
        type Args<'r, 'a, R: __private::Real> = (
            __private::Arg<'r, 'a, R>,
            <f32 as __private::Wire>::View<'r, R>,
        );
        type Cots<'a, R: __private::Real> = (
            __private::Slot<'a, R>,
            &'a mut <f32 as __private::Part>::Grad<R>,
        );
        type Out<T> = [T; 1];
        type Residual<'r, R: __private::Real> = scaled_equation::Residual<'r, R>;
        type State<R: __private::Real> = scaled_equation::State<R>;
        fn dims(
            args: &[__private::Dims],
            outs: &mut [__private::Dims],
        ) -> ::core::result::Result<(), __private::Error> {
            scaled_equation::dims_of_arguments(args, outs)
        }
        fn forward<R: __private::Real>(
            (in_x, p_gain): Self::Args<'_, '_, R>,
            mut out: [&mut [R]; 1],
            state: &mut Self::State<R>,
            scratch: __private::Arena<'_, R>,
        ) -> ::core::result::Result<(), __private::Error> {
            scaled_equation::forward::<
                R,
                R,
            >(
                scaled_equation::Fields {
                    gain: p_gain,
                },
                &[__private::Input::Real(in_x)],
                &mut out,
                state,
                scratch,
            )
        }
        fn forward_saving<'r, R: __private::Real>(
            (in_x, p_gain): Self::Args<'r, '_, R>,
            mut out: [&mut [R]; 1],
            state: &mut Self::State<R>,
            saved: &mut __private::Arena<'r, R>,
            scratch: __private::Arena<'_, R>,
        ) -> ::core::result::Result<Self::Residual<'r, R>, __private::Error> {
            scaled_equation::forward_saving::<
                R,
                R,
            >(
                scaled_equation::Fields {
                    gain: p_gain,
                },
                &[__private::Input::Real(in_x)],
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
            (in_x, p_gain): Self::Cots<'_, R>,
            state: &mut Self::State<R>,
            scratch: __private::Arena<'_, R>,
        ) -> ::core::result::Result<(), __private::Error> {
            scaled_equation::vjp::<
                R,
            >(
                residual,
                &out,
                &cot,
                &mut [in_x],
                scaled_equation::Grad {
                    gain: p_gain,
                },
                state,
                scratch,
            )
        }
    }
    impl __private::residual::PortableOp for scaled {
        const ARRAYS: &'static [(&'static str, __private::residual::Elements)] = &[];
        const HAS_OCTETS: bool = scaled_equation::HAS_OCTETS;
        fn fields(types: &mut __private::SchemaBuilder) -> __private::residual::Fields {
            scaled_equation::residual_fields(types)
        }
        fn write(
            residual: Self::Residual<'_, __private::f32>,
            to: &mut __private::residual::Outgoing<'_>,
        ) {
            scaled_equation::write_residual(residual, to.writer())
        }
        fn read<'r>(
            (in_x, p_gain): Self::Args<'r, 'r, __private::f32>,
            from: &mut __private::residual::Arrays<'_, 'r>,
        ) -> ::core::result::Result<
            Self::Residual<'r, __private::f32>,
            __private::Error,
        > {
            let (from, saved) = from.parts();
            scaled_equation::read_residual(
                scaled_equation::Fields {
                    gain: p_gain,
                },
                &[__private::Input::Real(in_x)],
                saved,
                from,
            )
        }
    }
};
