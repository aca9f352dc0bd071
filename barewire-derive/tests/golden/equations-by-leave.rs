///Gradient of a [`Gate`], and a point or direction of its parameter space.
#[allow(missing_docs, non_camel_case_types, non_snake_case)]
pub(crate) enum GateCotangent<
    R: ::barewire::__private::Real = ::barewire::__private::f32,
> {
    /// no contribution yet
    Zero,
    ///of `Silu`
    Silu,
    ///of `Linear`
    Linear { gain: <f32 as ::barewire::__private::Part>::Grad<R> },
    #[doc(hidden)]
    __Scalar(::barewire::__private::Never<R>),
}
///The equations of [`Gate`](super::Gate), without a test of its tag.
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
pub(crate) mod gate {
    use ::barewire::__private;
    mod names {
        pub(super) use super::super::*;
        use super::__private::{self, ops::*};
        pub type Linear_F0 = f32;
        pub type Linear_P0 = __private::Sound<{ super::linear::FITS0 }, Linear_F0>;
    }
    ///The equation of `Gate::Silu`.
    pub mod silu {
        use super::{__private, names};
        /// The programs that run again in the backward pass.
        pub mod again {
            use super::{__private, names};
            /// The fields, borrowed.
            #[::core::prelude::v1::derive(::core::clone::Clone, ::core::marker::Copy)]
            pub struct Fields<'w, P: ::core::marker::Copy + 'static = f32> {
                pub marker: ::core::marker::PhantomData<(&'w (), P)>,
            }
            /// The gradients of the fields.
            pub struct Grad<'g, R: __private::Real> {
                pub marker: ::core::marker::PhantomData<&'g R>,
            }
            /// What the backward pass needs.
            #[::core::prelude::v1::derive(::core::clone::Clone, ::core::marker::Copy)]
            pub struct Residual<'r, R: __private::Real> {
                pub s0: &'r [R],
                pub l0_0: &'r [R],
            }
            /// What is carried along time.
            pub struct State<R: __private::Real = f32> {
                marker: ::core::marker::PhantomData<R>,
            }
            impl<R: __private::Real> ::core::default::Default for State<R> {
                fn default() -> Self {
                    State {
                        marker: ::core::marker::PhantomData,
                    }
                }
            }
            impl<R: __private::Real> __private::State<R> for State<R> {
                const EMPTY: bool = true;
                fn walk(
                    &mut self,
                    path: &mut __private::String,
                    visit: &mut dyn ::core::ops::FnMut(&str, &mut __private::Vec<R>),
                ) {}
                fn arrays(
                    &mut self,
                    visit: &mut dyn ::core::ops::FnMut(&mut __private::Vec<R>),
                ) {}
            }
            pub const IN_X: __private::Shape = __private::Shape::new(&["batch", "d"]);
            pub const E0: __private::Broadcast<1> = __private::broadcast(&[IN_X]);
            pub const S0: __private::Shape = E0.out;
            /// Axes of the inputs and of the results.
            pub const SIG: __private::Sig = __private::signature(&[IN_X], &[S0]);
            /// For each input, whether the residual borrows it.
            pub const KEEPS: &[bool] = &[true];
            /// Whether the backward pass reads the results.
            pub const KEEPS_OUT: bool = false;
            /// Whether the equation can run in chunks along time.
            pub const STEPS: bool = true;
            fn e0<R: __private::Real>() -> impl ::core::ops::Fn([R; 1]) -> R {
                #[inline(always)]
                |[x0]: [R; 1]| {
                    let t0 = __private::Real::sigmoid(x0);
                    let t1 = x0 * t0;
                    t1
                }
            }
            fn e0_saving<R: __private::Real>() -> impl ::core::ops::Fn(
                [R; 1],
            ) -> (R, [R; 1]) {
                #[inline(always)]
                |[x0]: [R; 1]| {
                    let t0 = __private::Real::sigmoid(x0);
                    let t1 = x0 * t0;
                    (t1, [t0])
                }
            }
            fn e0_back<R: __private::Real>() -> impl ::core::ops::Fn(
                [R; 1],
                [R; 1],
                R,
            ) -> [R; 1] {
                #[inline(always)]
                |[x0]: [R; 1], [s0]: [R; 1], c: R| {
                    let t0 = s0;
                    let c0 = c;
                    let c1 = t0 * c0;
                    let c2 = x0 * c0;
                    let c3 = c1 + (t0 - t0 * t0) * c2;
                    [c3]
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
                let d0 = __private::fuse::dims(&E0, [d_in_x])?;
                *__private::exactly_mut(outs, "results")? = [d0];
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
                let d0 = __private::fuse::dims(&E0, [in_x.dims()])?;
                __private::fits(y0, d0)?;
                __private::fuse::forward(
                    &mut **y0,
                    (__private::Operand::<R, { E0.spread[0] as u8 }>::new(in_x.data()),),
                    e0::<R>(),
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
                let d0 = __private::fuse::dims(&E0, [in_x.dims()])?;
                __private::fits(y0, d0)?;
                let s0 = saved.take(d0.len());
                __private::fuse::forward_saving(
                    &mut **y0,
                    &mut *s0,
                    (__private::Operand::<R, { E0.spread[0] as u8 }>::new(in_x.data()),),
                    e0_saving::<R>(),
                );
                let s0 = &*s0;
                let l0_0 = in_x.keep(saved);
                ::core::result::Result::Ok(Residual { s0, l0_0 })
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
                __private::fuse::backward(
                    &*cot0,
                    r.s0,
                    (__private::Operand::<R, { E0.spread[0] as u8 }>::new(r.l0_0),),
                    (__private::Sink::<R, { E0.spread[0] as u8 }>::slot(in_x.first()),),
                    e0_back::<R>(),
                );
                ::core::result::Result::Ok(())
            }
        }
        use again::*;
        __private::recompute!();
        /// The equation, its programs and what it keeps, for readers.
        pub const EXPLAINED: __private::Equation = __private::Equation {
            text: "|x: [batch, d]| silu(x)",
            forward: &[("t0 = sigmoid(x)\ny = x * t0", S0)],
            backward: &[
                "// the forward program runs again, from the inputs\nc0 = y'\nc1 = t0 * c0\nc2 = x * c0\nc3 = c1 + (t0 - t0 * t0) * c2\nx' += c3",
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
    }
    ///The equation of `Gate::Linear`.
    pub mod linear {
        use super::{__private, names};
        /// The fields, borrowed.
        #[::core::prelude::v1::derive(::core::clone::Clone, ::core::marker::Copy)]
        pub struct Fields<'w, P: ::core::marker::Copy + 'static = f32> {
            pub gain: <names::Linear_F0 as __private::Wire>::View<'w, P>,
        }
        /// The gradients of the fields.
        pub struct Grad<'g, R: __private::Real> {
            pub gain: &'g mut <names::Linear_F0 as __private::Part>::Grad<R>,
        }
        /// What the backward pass needs.
        #[::core::prelude::v1::derive(::core::clone::Clone, ::core::marker::Copy)]
        pub struct Residual<'r, R: __private::Real> {
            pub p_gain: <names::Linear_P0 as __private::Wire>::View<'r, R>,
            pub l0_1: &'r [R],
        }
        /// What is carried along time.
        pub struct State<R: __private::Real = f32> {
            marker: ::core::marker::PhantomData<R>,
        }
        impl<R: __private::Real> ::core::default::Default for State<R> {
            fn default() -> Self {
                State {
                    marker: ::core::marker::PhantomData,
                }
            }
        }
        impl<R: __private::Real> __private::State<R> for State<R> {
            const EMPTY: bool = true;
            fn walk(
                &mut self,
                path: &mut __private::String,
                visit: &mut dyn ::core::ops::FnMut(&str, &mut __private::Vec<R>),
            ) {}
            fn arrays(
                &mut self,
                visit: &mut dyn ::core::ops::FnMut(&mut __private::Vec<R>),
            ) {}
        }
        pub const IN_X: __private::Shape = __private::Shape::new(&["batch", "d"]);
        pub const P_GAIN: __private::Shape = __private::Shape::new(&[]);
        pub const FITS0: bool = __private::check_rank(
            __private::elementwise_rank::<names::Linear_F0>(),
            0,
        );
        pub const E0: __private::Broadcast<2> = __private::broadcast(&[P_GAIN, IN_X]);
        pub const S0: __private::Shape = E0.out;
        /// Axes of the inputs and of the results.
        pub const SIG: __private::Sig = __private::signature(&[IN_X], &[S0]);
        /// For each input, whether the residual borrows it.
        pub const KEEPS: &[bool] = &[true];
        /// Whether the backward pass reads the results.
        pub const KEEPS_OUT: bool = false;
        /// Whether the equation can run in chunks along time.
        pub const STEPS: bool = true;
        fn e0<R: __private::Real>() -> impl ::core::ops::Fn([R; 2]) -> R {
            #[inline(always)]
            |[x0, x1]: [R; 2]| {
                let t0 = x0 * x1;
                t0
            }
        }
        fn e0_back<R: __private::Real>() -> impl ::core::ops::Fn(
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
            let d0 = __private::fuse::dims(
                &E0,
                [
                    <names::Linear_P0 as __private::Parameter>::dims::<P>(&view.gain),
                    d_in_x,
                ],
            )?;
            *__private::exactly_mut(outs, "results")? = [d0];
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
            let p_gain = <names::Linear_P0 as __private::Parameter>::lower::<
                R,
                P,
            >(view.gain, &mut s);
            let d0 = __private::fuse::dims(
                &E0,
                [
                    <names::Linear_P0 as __private::Parameter>::dims::<R>(&p_gain),
                    in_x.dims(),
                ],
            )?;
            __private::fits(y0, d0)?;
            __private::fuse::forward(
                &mut **y0,
                (
                    __private::Operand::<
                        R,
                        { E0.spread[0] as u8 },
                    >::new(
                        <names::Linear_P0 as __private::Elementwise>::numbers::<
                            R,
                        >(&p_gain),
                    ),
                    __private::Operand::<R, { E0.spread[1] as u8 }>::new(in_x.data()),
                ),
                e0::<R>(),
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
            let p_gain = <names::Linear_P0 as __private::Parameter>::lower::<
                R,
                P,
            >(view.gain, saved);
            let d0 = __private::fuse::dims(
                &E0,
                [
                    <names::Linear_P0 as __private::Parameter>::dims::<R>(&p_gain),
                    in_x.dims(),
                ],
            )?;
            __private::fits(y0, d0)?;
            __private::fuse::forward(
                &mut **y0,
                (
                    __private::Operand::<
                        R,
                        { E0.spread[0] as u8 },
                    >::new(
                        <names::Linear_P0 as __private::Elementwise>::numbers::<
                            R,
                        >(&p_gain),
                    ),
                    __private::Operand::<R, { E0.spread[1] as u8 }>::new(in_x.data()),
                ),
                e0::<R>(),
            );
            let l0_1 = in_x.keep(saved);
            ::core::result::Result::Ok(Residual { p_gain, l0_1 })
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
            __private::fuse::backward(
                &*cot0,
                &[],
                (
                    __private::Operand::<
                        R,
                        { E0.spread[0] as u8 },
                    >::new(
                        <names::Linear_P0 as __private::Elementwise>::numbers::<
                            R,
                        >(&r.p_gain),
                    ),
                    __private::Operand::<R, { E0.spread[1] as u8 }>::new(r.l0_1),
                ),
                (
                    <names::Linear_P0 as __private::Elementwise>::sink::<
                        R,
                        { E0.spread[0] as u8 },
                    >(
                        &mut *grad.gain,
                        <names::Linear_P0 as __private::Elementwise>::numbers::<
                            R,
                        >(&r.p_gain)
                            .len(),
                    )?,
                    __private::Sink::<R, { E0.spread[1] as u8 }>::slot(in_x.first()),
                ),
                e0_back::<R>(),
            );
            ::core::result::Result::Ok(())
        }
        /// Whether the residual has octets on the wire.
        pub const HAS_OCTETS: bool = false;
        /// Fields of the residual in a schema.
        pub fn residual_fields(
            types: &mut __private::SchemaBuilder,
        ) -> __private::residual::Fields {
            let mut fields = __private::residual::Fields::new();
            fields
        }
        /// Appends what the residual holds beside parameters and inputs.
        pub fn write_residual(
            r: Residual<'_, __private::f32>,
            w: &mut __private::Writer,
        ) {}
        /// The residual of a pass that ran elsewhere.
        pub fn read_residual<'w: 'r, 'r>(
            view: Fields<'w, __private::f32>,
            ins: &[__private::Input<'r, 'r, __private::f32>],
            saved: &mut __private::Arena<'r, __private::f32>,
            from: &mut __private::Reader<'r>,
        ) -> ::core::result::Result<Residual<'r, __private::f32>, __private::Error> {
            type R = __private::f32;
            type P = __private::f32;
            let [in_x] = __private::exactly(ins, "inputs")?;
            let in_x = in_x.real()?;
            let p_gain = <names::Linear_P0 as __private::Parameter>::lower::<
                R,
                P,
            >(view.gain, saved);
            let d0 = __private::fuse::dims(
                &E0,
                [
                    <names::Linear_P0 as __private::Parameter>::dims::<R>(&p_gain),
                    in_x.dims(),
                ],
            )?;
            let l0_1 = __private::residual::Arrays::new(from, saved).kept(in_x)?;
            ::core::result::Result::Ok(Residual { p_gain, l0_1 })
        }
        /// The equation, its programs and what it keeps, for readers.
        pub const EXPLAINED: __private::Equation = __private::Equation {
            text: "|x: [batch, d]| gain * x",
            forward: &[("y = gain * x", S0)],
            backward: &["c0 = y'\nc1 = x * c0\nc2 = gain * c0\ngain' += c1\nx' += c2"],
            kept: &[
                __private::Kept {
                    what: "x",
                    axes: IN_X,
                    arrays: (true) as usize,
                    borrowed: true,
                },
            ],
        };
    }
    ///`Gate::Silu`, as a type.
    pub(crate) struct Silu;
    ///`Gate::Linear`, as a type.
    pub(crate) struct Linear;
}
///What the backward pass of [`Gate`] needs of its forward pass.
#[::core::prelude::v1::derive(::core::clone::Clone, ::core::marker::Copy)]
#[allow(non_camel_case_types, non_snake_case)]
pub(crate) enum GateResidual<'r, R: ::barewire::__private::Real = f32> {
    ///of `Silu`
    Silu(gate::silu::Residual<'r, R>),
    ///of `Linear`
    Linear(gate::linear::Residual<'r, R>),
}
///What [`Gate`] carries along time.
#[allow(non_camel_case_types, non_snake_case)]
pub(crate) enum GateState<R: ::barewire::__private::Real = f32> {
    /// a sequence starts from zero
    Unset,
    ///of `Silu`
    Silu(gate::silu::State<R>),
    ///of `Linear`
    Linear(gate::linear::State<R>),
}
const _: () = {
    impl<R: __private::Real> __private::Default for GateCotangent<R> {
        #[inline]
        fn default() -> Self {
            Self::Zero
        }
    }
    #[automatically_derived]
    #[allow(unused_variables, unreachable_patterns, clippy::all)]
    impl __private::Derived for Gate {
        type Cotangent<R: __private::Real> = GateCotangent<R>;
        const PARTS: &'static [__private::PartEntry] = &[
            __private::PartEntry::new(0, "Silu", &[]),
            __private::PartEntry::new(1, "Linear", &["gain"]),
        ];
        fn tag_of<P: __private::Copy + 'static>(
            view: &<Self as __private::Wire>::View<'_, P>,
        ) -> __private::u32 {
            view.tag()
        }
        #[inline]
        fn tag_of_mut(view: &<Self as __private::Wire>::ViewMut<'_>) -> __private::u32 {
            match view {
                GateViewMut::Silu { .. } => 0,
                GateViewMut::Linear { .. } => 1,
            }
        }
        fn tag_of_grad<R: __private::Real>(
            grad: &GateCotangent<R>,
        ) -> __private::Option<__private::u32> {
            __private::Some(
                match grad {
                    GateCotangent::Silu { .. } => 0,
                    GateCotangent::Linear { .. } => 1,
                    _ => return __private::None,
                },
            )
        }
        fn fit<R: __private::Real>(grad: &mut GateCotangent<R>, tag: __private::u32) {
            if let GateCotangent::Zero = grad {
                *grad = match tag {
                    0 => GateCotangent::Silu {},
                    1 => {
                        let (f0,) = <__F1 as __private::PartFields>::zero::<R>();
                        GateCotangent::Linear { gain: f0 }
                    }
                    _ => return,
                };
            }
        }
        fn visit<R: __private::Real, P: __private::Lift<R>>(
            view: <Self as __private::Wire>::View<'_, P>,
            grad: &mut GateCotangent<R>,
            v: &mut __private::Visit<__private::Read<'_, R>>,
        ) -> __private::Result<(), __private::Error> {
            match (view, grad) {
                (GateView::Silu {}, GateCotangent::Silu {}) => {
                    <() as __private::PartFields>::visit::<R, P>((), (), v)
                }
                (GateView::Linear { gain: f0 }, GateCotangent::Linear { gain: g0 }) => {
                    <__F1 as __private::PartFields>::visit::<R, P>((f0,), (g0,), v)
                }
                _ => v.mismatch(),
            }
        }
        #[inline]
        fn update(
            view: <Self as __private::Wire>::ViewMut<'_>,
            grad: &mut GateCotangent<__private::f32>,
            v: &mut __private::Visit<__private::Update<'_>>,
        ) -> __private::Result<(), __private::Error> {
            match (view, grad) {
                (GateViewMut::Silu {}, GateCotangent::Silu {}) => {
                    <() as __private::PartFields>::update((), (), v)
                }
                (
                    GateViewMut::Linear { gain: f0 },
                    GateCotangent::Linear { gain: g0 },
                ) => <__F1 as __private::PartFields>::update((f0,), (g0,), v),
                _ => v.mismatch(),
            }
        }
        fn grads<R: __private::Real>(
            grad: &mut GateCotangent<R>,
            v: &mut __private::Visit<__private::Grads<'_, R>>,
        ) {
            match grad {
                GateCotangent::Linear { gain: g0 } => {
                    <__F1 as __private::PartFields>::grads::<R>((g0,), v)
                }
                _ => {}
            }
        }
        fn points<'o, 'w: 'o, R: __private::Real, P: __private::Lift<R>>(
            view: <Self as __private::Wire>::View<'w, P>,
            point: &'o GateCotangent<R>,
            v: &mut __private::Visit<__private::Points<'o>>,
        ) -> __private::Result<
            <Self as __private::Wire>::View<'o, R>,
            __private::Error,
        > {
            match (view, point) {
                (GateView::Silu {}, GateCotangent::Silu {}) => {
                    match <() as __private::PartFields>::points::<R, P>((), (), v) {
                        __private::Ok(()) => __private::Ok(GateView::Silu {}),
                        __private::Err(error) => __private::Err(error),
                    }
                }
                (GateView::Linear { gain: f0 }, GateCotangent::Linear { gain: g0 }) => {
                    match <__F1 as __private::PartFields>::points::<
                        R,
                        P,
                    >((f0,), (g0,), v) {
                        __private::Ok((f0,)) => {
                            __private::Ok(GateView::Linear { gain: f0 })
                        }
                        __private::Err(error) => __private::Err(error),
                    }
                }
                _ => v.other_point(),
            }
        }
        fn add<R: __private::Real>(
            grad: &mut GateCotangent<R>,
            other: &GateCotangent<R>,
            v: &__private::Visit<()>,
        ) -> __private::Result<(), __private::Error> {
            match (other, grad) {
                (GateCotangent::Silu {}, GateCotangent::Silu {}) => {
                    <() as __private::PartFields>::add::<R>((), ())
                }
                (
                    GateCotangent::Linear { gain: f0 },
                    GateCotangent::Linear { gain: g0 },
                ) => <__F1 as __private::PartFields>::add::<R>((g0,), (f0,)),
                _ => v.mismatch(),
            }
        }
    }
    #[allow(dead_code, unused_parens, unreachable_patterns, non_snake_case, clippy::all)]
    impl<R: __private::Real> GateCotangent<R> {
        #[inline]
        fn as_silu(&mut self) -> __private::Result<(), __private::Error> {
            <Gate as __private::Derived>::fit(self, 0);
            match self {
                GateCotangent::Silu {} => __private::Ok(()),
                _ => __private::other_gradient::<Gate, _>(0),
            }
        }
        #[inline]
        fn as_linear(
            &mut self,
        ) -> __private::Result<
            (&mut <f32 as __private::Part>::Grad<R>,),
            __private::Error,
        > {
            <Gate as __private::Derived>::fit(self, 1);
            match self {
                GateCotangent::Linear { gain: g0 } => __private::Ok((g0,)),
                _ => __private::other_gradient::<Gate, _>(1),
            }
        }
    }
    impl<R: __private::Real> ::core::default::Default for GateState<R> {
        fn default() -> Self {
            Self::Unset
        }
    }
    impl<R: __private::Real> __private::State<R> for GateState<R> {
        const EMPTY: bool = true && <gate::silu::State<R> as __private::State<R>>::EMPTY
            && <gate::linear::State<R> as __private::State<R>>::EMPTY;
        fn walk(
            &mut self,
            path: &mut __private::String,
            visit: &mut dyn ::core::ops::FnMut(&str, &mut __private::Vec<R>),
        ) {
            match self {
                Self::Unset => {}
                Self::Silu(state) => __private::State::walk(state, path, visit),
                Self::Linear(state) => __private::State::walk(state, path, visit),
            }
        }
        fn arrays(
            &mut self,
            visit: &mut dyn ::core::ops::FnMut(&mut __private::Vec<R>),
        ) {
            match self {
                Self::Unset => {}
                Self::Silu(state) => __private::State::arrays(state, visit),
                Self::Linear(state) => __private::State::arrays(state, visit),
            }
        }
    }
    #[allow(unreachable_patterns)]
    impl<R: __private::Real> GateState<R> {
        fn as_silu(
            &mut self,
        ) -> ::core::result::Result<&mut gate::silu::State<R>, __private::Error> {
            if let Self::Unset = self {
                *self = Self::Silu(::core::default::Default::default());
            }
            match self {
                Self::Silu(state) => ::core::result::Result::Ok(state),
                _ => {
                    ::core::result::Result::Err(
                        __private::Error::tag("Silu", "the state of another variant"),
                    )
                }
            }
        }
        fn as_linear(
            &mut self,
        ) -> ::core::result::Result<&mut gate::linear::State<R>, __private::Error> {
            if let Self::Unset = self {
                *self = Self::Linear(::core::default::Default::default());
            }
            match self {
                Self::Linear(state) => ::core::result::Result::Ok(state),
                _ => {
                    ::core::result::Result::Err(
                        __private::Error::tag("Linear", "the state of another variant"),
                    )
                }
            }
        }
    }
    const _: () = __private::agree(
        &gate::silu::SIG,
        "Silu",
        &gate::linear::SIG,
        "Linear",
    );
    impl __private::Explained for Gate {
        const NAME: &'static str = "Gate";
        const EQUATIONS: &'static [(&'static str, u32, __private::Equation)] = &[
            ("Silu", 0u32, gate::silu::EXPLAINED),
            ("Linear", 1u32, gate::linear::EXPLAINED),
        ];
    }
    #[allow(unused_variables, unused_parens, non_snake_case, clippy::all)]
    impl __private::Layer for Gate {
        const SIG: __private::Sig = gate::silu::SIG;
        const KEEPS: &'static [bool] = &__private::any_keeps(
            &[gate::silu::KEEPS, gate::linear::KEEPS],
        );
        const KEEPS_OUT: bool = gate::silu::KEEPS_OUT || gate::linear::KEEPS_OUT;
        const STEPS: bool = gate::silu::STEPS && gate::linear::STEPS;
        type Residual<'r, R: __private::Real> = GateResidual<'r, R>;
        type State<R: __private::Real> = GateState<R>;
        fn bind<P: ::core::marker::Copy + 'static>(
            view: <Self as __private::Wire>::View<'_, P>,
            sizes: &mut __private::Sizes,
        ) -> ::core::result::Result<(), __private::Error> {
            match view {
                GateView::Silu => {
                    gate::silu::bind::<
                        P,
                    >(
                        gate::silu::Fields {
                            marker: ::core::marker::PhantomData,
                        },
                        sizes,
                    )
                }
                GateView::Linear { gain: v_gain } => {
                    gate::linear::bind::<
                        P,
                    >(
                        gate::linear::Fields {
                            gain: v_gain,
                        },
                        sizes,
                    )
                }
            }
        }
        fn dims<P: ::core::marker::Copy + 'static>(
            view: <Self as __private::Wire>::View<'_, P>,
            ins: &[__private::Dims],
            outs: &mut [__private::Dims],
        ) -> ::core::result::Result<(), __private::Error> {
            match view {
                GateView::Silu => {
                    gate::silu::dims::<
                        P,
                    >(
                        gate::silu::Fields {
                            marker: ::core::marker::PhantomData,
                        },
                        ins,
                        outs,
                    )
                }
                GateView::Linear { gain: v_gain } => {
                    gate::linear::dims::<
                        P,
                    >(
                        gate::linear::Fields {
                            gain: v_gain,
                        },
                        ins,
                        outs,
                    )
                }
            }
        }
        fn forward<R: __private::Real, P: __private::Lift<R>>(
            view: <Self as __private::Wire>::View<'_, P>,
            ins: &[__private::Input<'_, '_, R>],
            outs: &mut [&mut [R]],
            state: &mut GateState<R>,
            scratch: __private::Arena<'_, R>,
        ) -> ::core::result::Result<(), __private::Error> {
            match view {
                GateView::Silu => {
                    gate::silu::forward::<
                        R,
                        P,
                    >(
                        gate::silu::Fields {
                            marker: ::core::marker::PhantomData,
                        },
                        ins,
                        outs,
                        state.as_silu()?,
                        scratch,
                    )
                }
                GateView::Linear { gain: v_gain } => {
                    gate::linear::forward::<
                        R,
                        P,
                    >(
                        gate::linear::Fields {
                            gain: v_gain,
                        },
                        ins,
                        outs,
                        state.as_linear()?,
                        scratch,
                    )
                }
            }
        }
        fn forward_saving<'w: 'r, 'r, R: __private::Real, P: __private::Lift<R>>(
            view: <Self as __private::Wire>::View<'w, P>,
            ins: &[__private::Input<'r, '_, R>],
            outs: &mut [&mut [R]],
            state: &mut GateState<R>,
            saved: &mut __private::Arena<'r, R>,
            scratch: __private::Arena<'_, R>,
        ) -> ::core::result::Result<GateResidual<'r, R>, __private::Error> {
            match view {
                GateView::Silu => {
                    ::core::result::Result::Ok(
                        GateResidual::Silu(
                            gate::silu::forward_saving::<
                                R,
                                P,
                            >(
                                gate::silu::Fields {
                                    marker: ::core::marker::PhantomData,
                                },
                                ins,
                                outs,
                                state.as_silu()?,
                                saved,
                                scratch,
                            )?,
                        ),
                    )
                }
                GateView::Linear { gain: v_gain } => {
                    ::core::result::Result::Ok(
                        GateResidual::Linear(
                            gate::linear::forward_saving::<
                                R,
                                P,
                            >(
                                gate::linear::Fields {
                                    gain: v_gain,
                                },
                                ins,
                                outs,
                                state.as_linear()?,
                                saved,
                                scratch,
                            )?,
                        ),
                    )
                }
            }
        }
        fn vjp<R: __private::Real>(
            residual: GateResidual<'_, R>,
            outs: &[&[R]],
            cots: &[&[R]],
            ins: &mut [__private::Slot<'_, R>],
            grad: &mut GateCotangent<R>,
            state: &mut GateState<R>,
            scratch: __private::Arena<'_, R>,
        ) -> ::core::result::Result<(), __private::Error> {
            match residual {
                GateResidual::Silu(r) => {
                    let () = grad.as_silu()?;
                    gate::silu::vjp::<
                        R,
                    >(
                        r,
                        outs,
                        cots,
                        ins,
                        gate::silu::Grad {
                            marker: ::core::marker::PhantomData,
                        },
                        state.as_silu()?,
                        scratch,
                    )
                }
                GateResidual::Linear(r) => {
                    let (g_gain,) = grad.as_linear()?;
                    gate::linear::vjp::<
                        R,
                    >(
                        r,
                        outs,
                        cots,
                        ins,
                        gate::linear::Grad { gain: g_gain },
                        state.as_linear()?,
                        scratch,
                    )
                }
            }
        }
    }
    #[allow(unused_variables, unreachable_patterns, non_snake_case, clippy::all)]
    impl __private::Variant for gate::Silu {
        type Of = Gate;
        const KEEPS: &'static [bool] = gate::silu::KEEPS;
        const KEEPS_OUT: bool = gate::silu::KEEPS_OUT;
        type Fields<'w, P: ::core::marker::Copy + 'static> = gate::silu::Fields<'w, P>;
        type Residual<'r, R: __private::Real> = gate::silu::Residual<'r, R>;
        type State<R: __private::Real> = gate::silu::State<R>;
        type Grad<'g, R: __private::Real> = gate::silu::Grad<'g, R>;
        fn of<'w, P: ::core::marker::Copy + 'static>(
            view: <Gate as __private::Wire>::View<'w, P>,
        ) -> ::core::option::Option<Self::Fields<'w, P>> {
            match view {
                GateView::Silu => {
                    ::core::option::Option::Some(gate::silu::Fields {
                        marker: ::core::marker::PhantomData,
                    })
                }
                _ => ::core::option::Option::None,
            }
        }
        fn grad<'g, R: __private::Real>(
            grad: &'g mut <Gate as __private::Part>::Grad<R>,
        ) -> ::core::result::Result<Self::Grad<'g, R>, __private::Error> {
            let () = grad.as_silu()?;
            ::core::result::Result::Ok(gate::silu::Grad {
                marker: ::core::marker::PhantomData,
            })
        }
        fn lend<'a, R: __private::Real>(
            grad: &'a mut Self::Grad<'_, R>,
        ) -> Self::Grad<'a, R> {
            gate::silu::Grad {
                marker: ::core::marker::PhantomData,
            }
        }
        fn dims<P: ::core::marker::Copy + 'static>(
            fields: Self::Fields<'_, P>,
            ins: &[__private::Dims],
            outs: &mut [__private::Dims],
        ) -> ::core::result::Result<(), __private::Error> {
            gate::silu::dims::<P>(fields, ins, outs)
        }
        fn forward<R: __private::Real, P: __private::Lift<R>>(
            fields: Self::Fields<'_, P>,
            ins: &[__private::Input<'_, '_, R>],
            outs: &mut [&mut [R]],
            state: &mut Self::State<R>,
            scratch: __private::Arena<'_, R>,
        ) -> ::core::result::Result<(), __private::Error> {
            gate::silu::forward::<R, P>(fields, ins, outs, state, scratch)
        }
        fn forward_saving<'w: 'r, 'r, R: __private::Real, P: __private::Lift<R>>(
            fields: Self::Fields<'w, P>,
            ins: &[__private::Input<'r, '_, R>],
            outs: &mut [&mut [R]],
            state: &mut Self::State<R>,
            saved: &mut __private::Arena<'r, R>,
            scratch: __private::Arena<'_, R>,
        ) -> ::core::result::Result<Self::Residual<'r, R>, __private::Error> {
            gate::silu::forward_saving::<R, P>(fields, ins, outs, state, saved, scratch)
        }
        fn vjp<R: __private::Real>(
            residual: Self::Residual<'_, R>,
            outs: &[&[R]],
            cots: &[&[R]],
            ins: &mut [__private::Slot<'_, R>],
            grad: Self::Grad<'_, R>,
            state: &mut Self::State<R>,
            scratch: __private::Arena<'_, R>,
        ) -> ::core::result::Result<(), __private::Error> {
            gate::silu::vjp::<R>(residual, outs, cots, ins, grad, state, scratch)
        }
    }
    #[allow(unused_variables, unreachable_patterns, non_snake_case, clippy::all)]
    impl __private::Variant for gate::Linear {
        type Of = Gate;
        const KEEPS: &'static [bool] = gate::linear::KEEPS;
        const KEEPS_OUT: bool = gate::linear::KEEPS_OUT;
        type Fields<'w, P: ::core::marker::Copy + 'static> = gate::linear::Fields<'w, P>;
        type Residual<'r, R: __private::Real> = gate::linear::Residual<'r, R>;
        type State<R: __private::Real> = gate::linear::State<R>;
        type Grad<'g, R: __private::Real> = gate::linear::Grad<'g, R>;
        fn of<'w, P: ::core::marker::Copy + 'static>(
            view: <Gate as __private::Wire>::View<'w, P>,
        ) -> ::core::option::Option<Self::Fields<'w, P>> {
            match view {
                GateView::Linear { gain: v_gain } => {
                    ::core::option::Option::Some(gate::linear::Fields {
                        gain: v_gain,
                    })
                }
                _ => ::core::option::Option::None,
            }
        }
        fn grad<'g, R: __private::Real>(
            grad: &'g mut <Gate as __private::Part>::Grad<R>,
        ) -> ::core::result::Result<Self::Grad<'g, R>, __private::Error> {
            let (g_gain,) = grad.as_linear()?;
            ::core::result::Result::Ok(gate::linear::Grad { gain: g_gain })
        }
        fn lend<'a, R: __private::Real>(
            grad: &'a mut Self::Grad<'_, R>,
        ) -> Self::Grad<'a, R> {
            gate::linear::Grad {
                gain: &mut *grad.gain,
            }
        }
        fn dims<P: ::core::marker::Copy + 'static>(
            fields: Self::Fields<'_, P>,
            ins: &[__private::Dims],
            outs: &mut [__private::Dims],
        ) -> ::core::result::Result<(), __private::Error> {
            gate::linear::dims::<P>(fields, ins, outs)
        }
        fn forward<R: __private::Real, P: __private::Lift<R>>(
            fields: Self::Fields<'_, P>,
            ins: &[__private::Input<'_, '_, R>],
            outs: &mut [&mut [R]],
            state: &mut Self::State<R>,
            scratch: __private::Arena<'_, R>,
        ) -> ::core::result::Result<(), __private::Error> {
            gate::linear::forward::<R, P>(fields, ins, outs, state, scratch)
        }
        fn forward_saving<'w: 'r, 'r, R: __private::Real, P: __private::Lift<R>>(
            fields: Self::Fields<'w, P>,
            ins: &[__private::Input<'r, '_, R>],
            outs: &mut [&mut [R]],
            state: &mut Self::State<R>,
            saved: &mut __private::Arena<'r, R>,
            scratch: __private::Arena<'_, R>,
        ) -> ::core::result::Result<Self::Residual<'r, R>, __private::Error> {
            gate::linear::forward_saving::<
                R,
                P,
            >(fields, ins, outs, state, saved, scratch)
        }
        fn vjp<R: __private::Real>(
            residual: Self::Residual<'_, R>,
            outs: &[&[R]],
            cots: &[&[R]],
            ins: &mut [__private::Slot<'_, R>],
            grad: Self::Grad<'_, R>,
            state: &mut Self::State<R>,
            scratch: __private::Arena<'_, R>,
        ) -> ::core::result::Result<(), __private::Error> {
            gate::linear::vjp::<R>(residual, outs, cots, ins, grad, state, scratch)
        }
    }
    #[allow(unused_variables, non_snake_case, clippy::all)]
    impl __private::residual::PortableLayer for Gate {
        const HAS_OCTETS: bool = true;
        fn residual_schema(types: &mut __private::SchemaBuilder) -> __private::TypeRef {
            let members = [
                (
                    gate::silu::residual_fields(types).define("GateSiluResidual", types),
                    0,
                ),
                (
                    gate::linear::residual_fields(types)
                        .define("GateLinearResidual", types),
                    1,
                ),
            ];
            types.define("GateResidual", __private::TypeRef::tagged_union(members))
        }
        fn write_residual(
            residual: GateResidual<'_, __private::f32>,
            w: &mut __private::Writer,
        ) {
            match residual {
                GateResidual::Silu(r) => {
                    w.open_union(0u32);
                    gate::silu::write_residual(r, w);
                    w.close_union();
                }
                GateResidual::Linear(r) => {
                    w.open_union(1u32);
                    gate::linear::write_residual(r, w);
                    w.close_union();
                }
            }
        }
        fn read_residual<'w: 'r, 'r>(
            view: <Self as __private::Wire>::View<'w, __private::f32>,
            ins: &[__private::Input<'r, 'r, __private::f32>],
            saved: &mut __private::Arena<'r, __private::f32>,
            r: &mut __private::Reader<'r>,
        ) -> ::core::result::Result<GateResidual<'r, __private::f32>, __private::Error> {
            match view {
                GateView::Silu => {
                    __private::residual::tag(r, "Silu", 0u32)?;
                    let read = gate::silu::read_residual(
                        gate::silu::Fields {
                            marker: ::core::marker::PhantomData,
                        },
                        ins,
                        saved,
                        r,
                    )?;
                    r.close_union();
                    ::core::result::Result::Ok(GateResidual::Silu(read))
                }
                GateView::Linear { gain: v_gain } => {
                    __private::residual::tag(r, "Linear", 1u32)?;
                    let read = gate::linear::read_residual(
                        gate::linear::Fields {
                            gain: v_gain,
                        },
                        ins,
                        saved,
                        r,
                    )?;
                    r.close_union();
                    ::core::result::Result::Ok(GateResidual::Linear(read))
                }
            }
        }
    }
};
///Gradient of a [`Block`], and a point or direction of its parameter space.
#[allow(missing_docs, non_camel_case_types, non_snake_case)]
struct BlockCotangent<R: ::barewire::__private::Real = ::barewire::__private::f32> {
    scale: <f32 as ::barewire::__private::Part>::Grad<R>,
    gate: <Gate as ::barewire::__private::Part>::Grad<R>,
}
///The equations of [`Block`](super::Block), without a test of its tag.
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
mod block {
    use ::barewire::__private;
    mod names {
        pub(super) use super::super::*;
        use super::__private::{self, ops::*};
        pub type F0 = f32;
        pub type F1 = Gate;
        pub type C1 = __private::Sound<{ super::A1 }, F1>;
        pub type W1 = __private::Sound<{ super::TRAVELS1 }, C1>;
        pub type P0 = __private::Sound<{ super::FITS0 }, F0>;
    }
    /// The fields, borrowed.
    #[::core::prelude::v1::derive(::core::clone::Clone, ::core::marker::Copy)]
    pub struct Fields<'w, P: ::core::marker::Copy + 'static = f32> {
        pub scale: <names::F0 as __private::Wire>::View<'w, P>,
        pub gate: <names::F1 as __private::Wire>::View<'w, P>,
    }
    /// The gradients of the fields.
    pub struct Grad<'g, R: __private::Real> {
        pub scale: &'g mut <names::F0 as __private::Part>::Grad<R>,
        pub gate: &'g mut <names::F1 as __private::Part>::Grad<R>,
    }
    /// What the backward pass needs.
    #[::core::prelude::v1::derive(::core::clone::Clone, ::core::marker::Copy)]
    pub struct Residual<'r, R: __private::Real> {
        pub p_scale: <names::P0 as __private::Wire>::View<'r, R>,
        pub n0: usize,
        pub o0: &'r [R],
        pub r1: <names::C1 as __private::Layer>::Residual<'r, R>,
        pub n1: usize,
        pub o1: &'r [R],
        pub l2_2: &'r [R],
    }
    /// What is carried along time.
    pub struct State<R: __private::Real = f32> {
        pub gate: <names::C1 as __private::Layer>::State<R>,
    }
    impl<R: __private::Real> ::core::default::Default for State<R> {
        fn default() -> Self {
            State {
                gate: ::core::default::Default::default(),
            }
        }
    }
    impl<R: __private::Real> __private::State<R> for State<R> {
        const EMPTY: bool = true
            && <<names::C1 as __private::Layer>::State<R> as __private::State<R>>::EMPTY;
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
        }
        fn arrays(
            &mut self,
            visit: &mut dyn ::core::ops::FnMut(&mut __private::Vec<R>),
        ) {
            __private::State::arrays(&mut self.gate, visit);
        }
    }
    pub const IN_X: __private::Shape = __private::Shape::new(&["batch", "d"]);
    pub const P_SCALE: __private::Shape = __private::Shape::new(&[]);
    pub const FITS0: bool = __private::check_rank(
        __private::elementwise_rank::<names::F0>(),
        0,
    );
    pub const E0: __private::Broadcast<1> = __private::broadcast(&[IN_X]);
    pub const S0: __private::Shape = E0.out;
    pub const S1: __private::Shape = __private::infer(
        &__private::sig_of_layer::<names::F1>(),
        &[S0],
        &[("d", "d")],
        "gate",
        "gate",
        0,
    );
    pub const A1: bool = __private::check_results(
        &__private::sig_of_layer::<names::F1>(),
        &[S1],
    );
    pub const E2: __private::Broadcast<3> = __private::broadcast(&[IN_X, P_SCALE, S1]);
    pub const S2: __private::Shape = E2.out;
    /// Axes of the inputs and of the results.
    pub const SIG: __private::Sig = __private::signature(&[IN_X], &[S2]);
    /// For each input, whether the residual borrows it.
    pub const KEEPS: &[bool] = &[false];
    /// Whether the backward pass reads the results.
    pub const KEEPS_OUT: bool = false;
    /// Whether the equation can run in chunks along time.
    pub const STEPS: bool = <names::C1 as __private::Layer>::STEPS;
    fn e0<R: __private::Real>() -> impl ::core::ops::Fn([R; 1]) -> R {
        #[inline(always)]
        |[x0]: [R; 1]| {
            let t0 = __private::Real::tanh(x0);
            t0
        }
    }
    fn e0_back<R: __private::Real>() -> impl ::core::ops::Fn(
        [R; 1 + 1],
        [R; 0],
        R,
    ) -> [R; 1 + 1] {
        #[inline(always)]
        |[x0, y]: [R; 1 + 1], []: [R; 0], c: R| {
            let [x0] = {
                let t0 = y;
                let c0 = c;
                let c1 = (<R as __private::Real>::ONE - t0 * t0) * c0;
                [c1]
            };
            [x0, <R as __private::Real>::ZERO]
        }
    }
    fn e2<R: __private::Real>() -> impl ::core::ops::Fn([R; 3]) -> R {
        #[inline(always)]
        |[x0, x1, x2]: [R; 3]| {
            let t0 = x1 * x2;
            let t1 = x0 + t0;
            t1
        }
    }
    fn e2_back<R: __private::Real>() -> impl ::core::ops::Fn(
        [R; 3],
        [R; 0],
        R,
    ) -> [R; 3] {
        #[inline(always)]
        |[x0, x1, x2]: [R; 3], []: [R; 0], c: R| {
            let c0 = c;
            let c1 = c0;
            let c2 = c0;
            let c3 = x2 * c2;
            let c4 = x1 * c2;
            [c1, c3, c4]
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
            <names::C1 as __private::Layer>::bind::<P>(view.gate, &mut inner),
        )?;
        sizes.join(&inner, &[("d", "d")], "gate")?;
        ::core::result::Result::Ok(())
    }
    /// Sizes of the results.
    pub fn dims<P: ::core::marker::Copy + 'static>(
        view: Fields<'_, P>,
        ins: &[__private::Dims],
        outs: &mut [__private::Dims],
    ) -> ::core::result::Result<(), __private::Error> {
        let [d_in_x] = __private::exactly(ins, "inputs")?;
        let d0 = __private::fuse::dims(&E0, [d_in_x])?;
        let [d1] = __private::dims_of_layer::<
            names::C1,
            P,
            1,
        >("gate", view.gate, &[d0])?;
        let d2 = __private::fuse::dims(
            &E2,
            [d_in_x, <names::P0 as __private::Parameter>::dims::<P>(&view.scale), d1],
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
        let p_scale = <names::P0 as __private::Parameter>::lower::<
            R,
            P,
        >(view.scale, &mut s);
        let d0 = __private::fuse::dims(&E0, [in_x.dims()])?;
        let b0 = s.take(d0.len());
        __private::fuse::forward(
            &mut *b0,
            (__private::Operand::<R, { E0.spread[0] as u8 }>::new(in_x.data()),),
            e0::<R>(),
        );
        let v0 = __private::Arg::kept(&*b0, d0);
        let [d1] = __private::dims_of_layer::<
            names::C1,
            P,
            1,
        >("gate", view.gate, &[v0.dims()])?;
        let b1 = s.take(d1.len());
        __private::within(
            "gate",
            <names::C1 as __private::Layer>::forward::<
                R,
                P,
            >(
                view.gate,
                &[__private::Input::Real(v0)],
                &mut [&mut *b1],
                &mut state.gate,
                s.lend(),
            ),
        )?;
        let v1 = __private::Arg::kept(&*b1, d1);
        let d2 = __private::fuse::dims(
            &E2,
            [
                in_x.dims(),
                <names::P0 as __private::Parameter>::dims::<R>(&p_scale),
                v1.dims(),
            ],
        )?;
        __private::fits(y0, d2)?;
        __private::fuse::forward(
            &mut **y0,
            (
                __private::Operand::<R, { E2.spread[0] as u8 }>::new(in_x.data()),
                __private::Operand::<
                    R,
                    { E2.spread[1] as u8 },
                >::new(<names::P0 as __private::Elementwise>::numbers::<R>(&p_scale)),
                __private::Operand::<R, { E2.spread[2] as u8 }>::new(v1.data()),
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
        let p_scale = <names::P0 as __private::Parameter>::lower::<
            R,
            P,
        >(view.scale, saved);
        let d0 = __private::fuse::dims(&E0, [in_x.dims()])?;
        let mut b0 = __private::Buf::new(const { true }, d0.len(), saved, &mut s);
        __private::fuse::forward(
            b0.write(),
            (__private::Operand::<R, { E0.spread[0] as u8 }>::new(in_x.data()),),
            e0::<R>(),
        );
        let v0 = b0.read(d0);
        let n0 = d0.len();
        let o0 = __private::kept(&v0);
        let [d1] = __private::dims_of_layer::<
            names::C1,
            P,
            1,
        >("gate", view.gate, &[v0.dims()])?;
        let mut b1 = __private::Buf::new(const { true }, d1.len(), saved, &mut s);
        let r1 = __private::within(
            "gate",
            <names::C1 as __private::Layer>::forward_saving::<
                R,
                P,
            >(
                view.gate,
                &[__private::Input::Real(v0)],
                &mut [b1.write()],
                &mut state.gate,
                saved,
                s.lend(),
            ),
        )?;
        let v1 = b1.read(d1);
        let n1 = d1.len();
        let o1 = __private::kept(&v1);
        let d2 = __private::fuse::dims(
            &E2,
            [
                in_x.dims(),
                <names::P0 as __private::Parameter>::dims::<R>(&p_scale),
                v1.dims(),
            ],
        )?;
        __private::fits(y0, d2)?;
        __private::fuse::forward(
            &mut **y0,
            (
                __private::Operand::<R, { E2.spread[0] as u8 }>::new(in_x.data()),
                __private::Operand::<
                    R,
                    { E2.spread[1] as u8 },
                >::new(<names::P0 as __private::Elementwise>::numbers::<R>(&p_scale)),
                __private::Operand::<R, { E2.spread[2] as u8 }>::new(v1.data()),
            ),
            e2::<R>(),
        );
        let l2_2 = v1.keep(saved);
        ::core::result::Result::Ok(Residual {
            p_scale,
            n0,
            o0,
            r1,
            n1,
            o1,
            l2_2,
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
        __private::fuse::backward(
            &*cot0,
            &[],
            (
                __private::Operand::unused(),
                __private::Operand::<
                    R,
                    { E2.spread[1] as u8 },
                >::new(<names::P0 as __private::Elementwise>::numbers::<R>(&r.p_scale)),
                __private::Operand::<R, { E2.spread[2] as u8 }>::new(r.l2_2),
            ),
            (
                __private::Sink::<R, { E2.spread[0] as u8 }>::slot(in_x.first()),
                <names::P0 as __private::Elementwise>::sink::<
                    R,
                    { E2.spread[1] as u8 },
                >(
                    &mut *grad.scale,
                    <names::P0 as __private::Elementwise>::numbers::<R>(&r.p_scale).len(),
                )?,
                __private::Sink::<
                    R,
                    { E2.spread[2] as u8 },
                >::slot(__private::Slot::Write(&mut *c1)),
            ),
            e2_back::<R>(),
        );
        __private::within(
            "gate",
            <names::C1 as __private::Layer>::vjp::<
                R,
            >(
                r.r1,
                &[r.o1],
                &[&*c1],
                &mut [__private::Slot::Write(&mut *c0)],
                &mut *grad.gate,
                &mut state.gate,
                s.lend(),
            ),
        )?;
        __private::fuse::backward(
            &*c0,
            &[],
            (
                __private::Operand::unused(),
                __private::Operand::<R, { __private::Spread::Full as u8 }>::new(r.o0),
            ),
            (
                __private::Sink::<R, { E0.spread[0] as u8 }>::slot(in_x.more()),
                __private::Sink::nowhere(),
            ),
            e0_back::<R>(),
        );
        ::core::result::Result::Ok(())
    }
    pub const TRAVELS1: bool = __private::residual::layer_travels::<names::C1>();
    /// Whether the residual has octets on the wire.
    pub const HAS_OCTETS: bool = true;
    /// Fields of the residual in a schema.
    pub fn residual_fields(
        types: &mut __private::SchemaBuilder,
    ) -> __private::residual::Fields {
        let mut fields = __private::residual::Fields::new();
        fields.floats(const { true }, "v0", types);
        fields.floats(const { true }, "v1", types);
        fields.layer::<names::W1>("gate", types);
        fields
    }
    /// Appends what the residual holds beside parameters and inputs.
    pub fn write_residual(r: Residual<'_, __private::f32>, w: &mut __private::Writer) {
        if const { true } {
            w.padded(r.o0);
        }
        if const { true } {
            w.padded(r.o1);
        }
        <names::W1 as __private::residual::PortableLayer>::write_residual(r.r1, w);
    }
    /// The residual of a pass that ran elsewhere.
    pub fn read_residual<'w: 'r, 'r>(
        view: Fields<'w, __private::f32>,
        ins: &[__private::Input<'r, 'r, __private::f32>],
        saved: &mut __private::Arena<'r, __private::f32>,
        from: &mut __private::Reader<'r>,
    ) -> ::core::result::Result<Residual<'r, __private::f32>, __private::Error> {
        type R = __private::f32;
        type P = __private::f32;
        let [in_x] = __private::exactly(ins, "inputs")?;
        let in_x = in_x.real()?;
        let p_scale = <names::P0 as __private::Parameter>::lower::<
            R,
            P,
        >(view.scale, saved);
        let d0 = __private::fuse::dims(&E0, [in_x.dims()])?;
        let o0 = __private::residual::value(const { true }, d0, from)?;
        let v0 = __private::Arg::kept(o0, d0);
        let n0 = d0.len();
        let [d1] = __private::dims_of_layer::<
            names::C1,
            P,
            1,
        >("gate", view.gate, &[v0.dims()])?;
        let o1 = __private::residual::value(const { true }, d1, from)?;
        let v1 = __private::Arg::kept(o1, d1);
        let n1 = d1.len();
        let r1 = __private::within(
            "gate",
            <names::W1 as __private::residual::PortableLayer>::read_residual(
                view.gate,
                &[__private::Input::Real(v0)],
                saved,
                from,
            ),
        )?;
        let d2 = __private::fuse::dims(
            &E2,
            [
                in_x.dims(),
                <names::P0 as __private::Parameter>::dims::<R>(&p_scale),
                v1.dims(),
            ],
        )?;
        let l2_2 = __private::residual::Arrays::new(from, saved).kept(v1)?;
        ::core::result::Result::Ok(Residual {
            p_scale,
            n0,
            o0,
            r1,
            n1,
            o1,
            l2_2,
        })
    }
    /// The equation, its programs and what it keeps, for readers.
    pub const EXPLAINED: __private::Equation = __private::Equation {
        text: "|x: [batch, d]| x + scale * gate(tanh(x))",
        forward: &[
            ("v0 = tanh(x)", S0),
            ("v1 = gate(v0)", S1),
            ("t0 = scale * v1\ny = x + t0", S2),
        ],
        backward: &[
            "c0 = y'\nc1 = c0\nc2 = c0\nc3 = v1 * c2\nc4 = scale * c2\nx' += c1\nscale' += c3\nv1' += c4",
            "gate', v0' += gate.vjp(v1')",
            "t0 = v0\nc0 = v0'\nc1 = (1 - t0 * t0) * c0\nx' += c1",
        ],
        kept: &[
            __private::Kept {
                what: "v0",
                axes: S0,
                arrays: (true) as usize,
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
    ///A [`Block`](super::Block) whose layers have these variants.
    pub(super) struct Of<V1>(::core::marker::PhantomData<(V1,)>);
    /// The programs with the variants of layers in the type.
    pub mod of {
        use super::*;
        /// The fields, borrowed.
        pub struct Fields<
            'w,
            V1: __private::Variant<Of = names::F1>,
            P: ::core::marker::Copy + 'static,
        > {
            pub scale: <names::F0 as __private::Wire>::View<'w, P>,
            pub gate: <V1 as __private::Variant>::Fields<'w, P>,
        }
        impl<
            'w,
            V1: __private::Variant<Of = names::F1>,
            P: ::core::marker::Copy + 'static,
        > ::core::clone::Clone for Fields<'w, V1, P> {
            fn clone(&self) -> Self {
                *self
            }
        }
        impl<
            'w,
            V1: __private::Variant<Of = names::F1>,
            P: ::core::marker::Copy + 'static,
        > ::core::marker::Copy for Fields<'w, V1, P> {}
        /// The gradients of the fields.
        pub struct Grad<'g, V1: __private::Variant<Of = names::F1>, R: __private::Real> {
            pub scale: &'g mut <names::F0 as __private::Part>::Grad<R>,
            pub gate: <V1 as __private::Variant>::Grad<'g, R>,
        }
        /// What the backward pass needs.
        pub struct Residual<
            'r,
            V1: __private::Variant<Of = names::F1>,
            R: __private::Real,
        > {
            pub p_scale: <names::P0 as __private::Wire>::View<'r, R>,
            pub n0: usize,
            pub o0: &'r [R],
            pub r1: <V1 as __private::Variant>::Residual<'r, R>,
            pub n1: usize,
            pub o1: &'r [R],
            pub l2_2: &'r [R],
        }
        impl<
            'r,
            V1: __private::Variant<Of = names::F1>,
            R: __private::Real,
        > ::core::clone::Clone for Residual<'r, V1, R> {
            fn clone(&self) -> Self {
                *self
            }
        }
        impl<
            'r,
            V1: __private::Variant<Of = names::F1>,
            R: __private::Real,
        > ::core::marker::Copy for Residual<'r, V1, R> {}
        /// What is carried along time.
        pub struct State<V1: __private::Variant<Of = names::F1>, R: __private::Real> {
            pub gate: <V1 as __private::Variant>::State<R>,
        }
        impl<
            V1: __private::Variant<Of = names::F1>,
            R: __private::Real,
        > ::core::default::Default for State<V1, R> {
            fn default() -> Self {
                State {
                    gate: ::core::default::Default::default(),
                }
            }
        }
        impl<
            V1: __private::Variant<Of = names::F1>,
            R: __private::Real,
        > __private::State<R> for State<V1, R> {
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
            }
            fn arrays(
                &mut self,
                visit: &mut dyn ::core::ops::FnMut(&mut __private::Vec<R>),
            ) {
                __private::State::arrays(&mut self.gate, visit);
            }
        }
        /// Sizes of the results.
        pub fn dims<
            V1: __private::Variant<Of = names::F1>,
            P: ::core::marker::Copy + 'static,
        >(
            view: Fields<'_, V1, P>,
            ins: &[__private::Dims],
            outs: &mut [__private::Dims],
        ) -> ::core::result::Result<(), __private::Error> {
            let [d_in_x] = __private::exactly(ins, "inputs")?;
            let d0 = __private::fuse::dims(&E0, [d_in_x])?;
            let [d1] = __private::dims_of_variant::<V1, P, 1>("gate", view.gate, &[d0])?;
            let d2 = __private::fuse::dims(
                &E2,
                [d_in_x, <names::P0 as __private::Parameter>::dims::<P>(&view.scale), d1],
            )?;
            *__private::exactly_mut(outs, "results")? = [d2];
            ::core::result::Result::Ok(())
        }
        /// The forward pass.
        pub fn forward<
            V1: __private::Variant<Of = names::F1>,
            R: __private::Real,
            P: __private::Lift<R>,
        >(
            view: Fields<'_, V1, P>,
            ins: &[__private::Input<'_, '_, R>],
            outs: &mut [&mut [R]],
            state: &mut State<V1, R>,
            mut scratch: __private::Arena<'_, R>,
        ) -> ::core::result::Result<(), __private::Error> {
            let mut s = scratch.lend();
            let [in_x] = __private::exactly(ins, "inputs")?;
            let in_x = in_x.real()?;
            let [y0] = __private::exactly_mut(outs, "results")?;
            let p_scale = <names::P0 as __private::Parameter>::lower::<
                R,
                P,
            >(view.scale, &mut s);
            let d0 = __private::fuse::dims(&E0, [in_x.dims()])?;
            let b0 = s.take(d0.len());
            __private::fuse::forward(
                &mut *b0,
                (__private::Operand::<R, { E0.spread[0] as u8 }>::new(in_x.data()),),
                e0::<R>(),
            );
            let v0 = __private::Arg::kept(&*b0, d0);
            let [d1] = __private::dims_of_variant::<
                V1,
                P,
                1,
            >("gate", view.gate, &[v0.dims()])?;
            let b1 = s.take(d1.len());
            __private::within(
                "gate",
                <V1 as __private::Variant>::forward::<
                    R,
                    P,
                >(
                    view.gate,
                    &[__private::Input::Real(v0)],
                    &mut [&mut *b1],
                    &mut state.gate,
                    s.lend(),
                ),
            )?;
            let v1 = __private::Arg::kept(&*b1, d1);
            let d2 = __private::fuse::dims(
                &E2,
                [
                    in_x.dims(),
                    <names::P0 as __private::Parameter>::dims::<R>(&p_scale),
                    v1.dims(),
                ],
            )?;
            __private::fits(y0, d2)?;
            __private::fuse::forward(
                &mut **y0,
                (
                    __private::Operand::<R, { E2.spread[0] as u8 }>::new(in_x.data()),
                    __private::Operand::<
                        R,
                        { E2.spread[1] as u8 },
                    >::new(
                        <names::P0 as __private::Elementwise>::numbers::<R>(&p_scale),
                    ),
                    __private::Operand::<R, { E2.spread[2] as u8 }>::new(v1.data()),
                ),
                e2::<R>(),
            );
            ::core::result::Result::Ok(())
        }
        /// The forward pass that keeps what the backward pass needs.
        pub fn forward_saving<
            'w: 'r,
            'r,
            V1: __private::Variant<Of = names::F1>,
            R: __private::Real,
            P: __private::Lift<R>,
        >(
            view: Fields<'w, V1, P>,
            ins: &[__private::Input<'r, '_, R>],
            outs: &mut [&mut [R]],
            state: &mut State<V1, R>,
            saved: &mut __private::Arena<'r, R>,
            mut scratch: __private::Arena<'_, R>,
        ) -> ::core::result::Result<Residual<'r, V1, R>, __private::Error> {
            let mut s = scratch.lend();
            let [in_x] = __private::exactly(ins, "inputs")?;
            let in_x = in_x.real()?;
            let [y0] = __private::exactly_mut(outs, "results")?;
            let p_scale = <names::P0 as __private::Parameter>::lower::<
                R,
                P,
            >(view.scale, saved);
            let d0 = __private::fuse::dims(&E0, [in_x.dims()])?;
            let mut b0 = __private::Buf::new(const { true }, d0.len(), saved, &mut s);
            __private::fuse::forward(
                b0.write(),
                (__private::Operand::<R, { E0.spread[0] as u8 }>::new(in_x.data()),),
                e0::<R>(),
            );
            let v0 = b0.read(d0);
            let n0 = d0.len();
            let o0 = __private::kept(&v0);
            let [d1] = __private::dims_of_variant::<
                V1,
                P,
                1,
            >("gate", view.gate, &[v0.dims()])?;
            let mut b1 = __private::Buf::new(const { true }, d1.len(), saved, &mut s);
            let r1 = __private::within(
                "gate",
                <V1 as __private::Variant>::forward_saving::<
                    R,
                    P,
                >(
                    view.gate,
                    &[__private::Input::Real(v0)],
                    &mut [b1.write()],
                    &mut state.gate,
                    saved,
                    s.lend(),
                ),
            )?;
            let v1 = b1.read(d1);
            let n1 = d1.len();
            let o1 = __private::kept(&v1);
            let d2 = __private::fuse::dims(
                &E2,
                [
                    in_x.dims(),
                    <names::P0 as __private::Parameter>::dims::<R>(&p_scale),
                    v1.dims(),
                ],
            )?;
            __private::fits(y0, d2)?;
            __private::fuse::forward(
                &mut **y0,
                (
                    __private::Operand::<R, { E2.spread[0] as u8 }>::new(in_x.data()),
                    __private::Operand::<
                        R,
                        { E2.spread[1] as u8 },
                    >::new(
                        <names::P0 as __private::Elementwise>::numbers::<R>(&p_scale),
                    ),
                    __private::Operand::<R, { E2.spread[2] as u8 }>::new(v1.data()),
                ),
                e2::<R>(),
            );
            let l2_2 = v1.keep(saved);
            ::core::result::Result::Ok(Residual {
                p_scale,
                n0,
                o0,
                r1,
                n1,
                o1,
                l2_2,
            })
        }
        /// The backward pass.
        pub fn vjp<V1: __private::Variant<Of = names::F1>, R: __private::Real>(
            r: Residual<'_, V1, R>,
            outs: &[&[R]],
            cots: &[&[R]],
            ins: &mut [__private::Slot<'_, R>],
            mut grad: Grad<'_, V1, R>,
            state: &mut State<V1, R>,
            mut scratch: __private::Arena<'_, R>,
        ) -> ::core::result::Result<(), __private::Error> {
            let mut s = scratch.lend();
            let [y0] = __private::exactly(outs, "results")?;
            let [cot0] = __private::exactly(cots, "cotangents")?;
            let [in_x] = __private::exactly_mut(ins, "inputs")?;
            let c0 = s.take(r.n0);
            let c1 = s.take(r.n1);
            __private::fuse::backward(
                &*cot0,
                &[],
                (
                    __private::Operand::unused(),
                    __private::Operand::<
                        R,
                        { E2.spread[1] as u8 },
                    >::new(
                        <names::P0 as __private::Elementwise>::numbers::<R>(&r.p_scale),
                    ),
                    __private::Operand::<R, { E2.spread[2] as u8 }>::new(r.l2_2),
                ),
                (
                    __private::Sink::<R, { E2.spread[0] as u8 }>::slot(in_x.first()),
                    <names::P0 as __private::Elementwise>::sink::<
                        R,
                        { E2.spread[1] as u8 },
                    >(
                        &mut *grad.scale,
                        <names::P0 as __private::Elementwise>::numbers::<R>(&r.p_scale)
                            .len(),
                    )?,
                    __private::Sink::<
                        R,
                        { E2.spread[2] as u8 },
                    >::slot(__private::Slot::Write(&mut *c1)),
                ),
                e2_back::<R>(),
            );
            __private::within(
                "gate",
                <V1 as __private::Variant>::vjp::<
                    R,
                >(
                    r.r1,
                    &[r.o1],
                    &[&*c1],
                    &mut [__private::Slot::Write(&mut *c0)],
                    <V1 as __private::Variant>::lend::<R>(&mut grad.gate),
                    &mut state.gate,
                    s.lend(),
                ),
            )?;
            __private::fuse::backward(
                &*c0,
                &[],
                (
                    __private::Operand::unused(),
                    __private::Operand::<R, { __private::Spread::Full as u8 }>::new(r.o0),
                ),
                (
                    __private::Sink::<R, { E0.spread[0] as u8 }>::slot(in_x.more()),
                    __private::Sink::nowhere(),
                ),
                e0_back::<R>(),
            );
            ::core::result::Result::Ok(())
        }
    }
}
///What the backward pass of [`Block`] needs of its forward pass.
type BlockResidual<'r, R = f32> = block::Residual<'r, R>;
///What [`Block`] carries along time.
type BlockState<R = f32> = block::State<R>;
const _: () = {
    impl<R: __private::Real> __private::Default for BlockCotangent<R> {
        #[inline]
        fn default() -> Self {
            {
                let (f0, f1) = <__F0 as __private::PartFields>::zero::<R>();
                Self { scale: f0, gate: f1 }
            }
        }
    }
    #[automatically_derived]
    #[allow(unused_variables, unreachable_patterns, clippy::all)]
    impl __private::Derived for Block {
        type Cotangent<R: __private::Real> = BlockCotangent<R>;
        const PARTS: &'static [__private::PartEntry] = &[
            __private::PartEntry::new(0, "Block", &["scale", "gate"]),
        ];
        fn tag_of<P: __private::Copy + 'static>(
            view: &<Self as __private::Wire>::View<'_, P>,
        ) -> __private::u32 {
            0
        }
        #[inline]
        fn tag_of_mut(view: &<Self as __private::Wire>::ViewMut<'_>) -> __private::u32 {
            0
        }
        fn tag_of_grad<R: __private::Real>(
            grad: &BlockCotangent<R>,
        ) -> __private::Option<__private::u32> {
            __private::Some(0)
        }
        fn fit<R: __private::Real>(grad: &mut BlockCotangent<R>, tag: __private::u32) {}
        fn visit<R: __private::Real, P: __private::Lift<R>>(
            view: <Self as __private::Wire>::View<'_, P>,
            grad: &mut BlockCotangent<R>,
            v: &mut __private::Visit<__private::Read<'_, R>>,
        ) -> __private::Result<(), __private::Error> {
            match (view, grad) {
                (
                    BlockView { scale: f0, gate: f1 },
                    BlockCotangent { scale: g0, gate: g1 },
                ) => {
                    <__F0 as __private::PartFields>::visit::<R, P>((f0, f1), (g0, g1), v)
                }
            }
        }
        #[inline]
        fn update(
            view: <Self as __private::Wire>::ViewMut<'_>,
            grad: &mut BlockCotangent<__private::f32>,
            v: &mut __private::Visit<__private::Update<'_>>,
        ) -> __private::Result<(), __private::Error> {
            match (view, grad) {
                (
                    BlockViewMut { scale: f0, gate: f1 },
                    BlockCotangent { scale: g0, gate: g1 },
                ) => <__F0 as __private::PartFields>::update((f0, f1), (g0, g1), v),
            }
        }
        fn grads<R: __private::Real>(
            grad: &mut BlockCotangent<R>,
            v: &mut __private::Visit<__private::Grads<'_, R>>,
        ) {
            match grad {
                BlockCotangent { scale: g0, gate: g1 } => {
                    <__F0 as __private::PartFields>::grads::<R>((g0, g1), v)
                }
            }
        }
        fn points<'o, 'w: 'o, R: __private::Real, P: __private::Lift<R>>(
            view: <Self as __private::Wire>::View<'w, P>,
            point: &'o BlockCotangent<R>,
            v: &mut __private::Visit<__private::Points<'o>>,
        ) -> __private::Result<
            <Self as __private::Wire>::View<'o, R>,
            __private::Error,
        > {
            match (view, point) {
                (
                    BlockView { scale: f0, gate: f1 },
                    BlockCotangent { scale: g0, gate: g1 },
                ) => {
                    match <__F0 as __private::PartFields>::points::<
                        R,
                        P,
                    >((f0, f1), (g0, g1), v) {
                        __private::Ok((f0, f1)) => {
                            __private::Ok(BlockView { scale: f0, gate: f1 })
                        }
                        __private::Err(error) => __private::Err(error),
                    }
                }
            }
        }
        fn add<R: __private::Real>(
            grad: &mut BlockCotangent<R>,
            other: &BlockCotangent<R>,
            v: &__private::Visit<()>,
        ) -> __private::Result<(), __private::Error> {
            match (other, grad) {
                (
                    BlockCotangent { scale: f0, gate: f1 },
                    BlockCotangent { scale: g0, gate: g1 },
                ) => <__F0 as __private::PartFields>::add::<R>((g0, g1), (f0, f1)),
            }
        }
    }
    #[allow(dead_code, unused_parens, unreachable_patterns, non_snake_case, clippy::all)]
    impl<R: __private::Real> BlockCotangent<R> {
        #[inline]
        fn as_block(
            &mut self,
        ) -> __private::Result<
            (
                &mut <f32 as __private::Part>::Grad<R>,
                &mut <Gate as __private::Part>::Grad<R>,
            ),
            __private::Error,
        > {
            let BlockCotangent { scale: g0, gate: g1 } = self;
            __private::Ok((g0, g1))
        }
    }
    impl __private::Explained for Block {
        const NAME: &'static str = "Block";
        const EQUATIONS: &'static [(&'static str, u32, __private::Equation)] = &[
            ("Block", 0u32, block::EXPLAINED),
        ];
    }
    #[allow(unused_variables, unused_parens, non_snake_case, clippy::all)]
    impl __private::Layer for Block {
        const SIG: __private::Sig = block::SIG;
        const KEEPS: &'static [bool] = block::KEEPS;
        const KEEPS_OUT: bool = block::KEEPS_OUT;
        const STEPS: bool = block::STEPS;
        type Residual<'r, R: __private::Real> = BlockResidual<'r, R>;
        type State<R: __private::Real> = BlockState<R>;
        fn bind<P: ::core::marker::Copy + 'static>(
            view: <Self as __private::Wire>::View<'_, P>,
            sizes: &mut __private::Sizes,
        ) -> ::core::result::Result<(), __private::Error> {
            let BlockView { scale: v_scale, gate: v_gate } = view;
            block::bind::<
                P,
            >(
                block::Fields {
                    scale: v_scale,
                    gate: v_gate,
                },
                sizes,
            )
        }
        fn dims<P: ::core::marker::Copy + 'static>(
            view: <Self as __private::Wire>::View<'_, P>,
            ins: &[__private::Dims],
            outs: &mut [__private::Dims],
        ) -> ::core::result::Result<(), __private::Error> {
            let BlockView { scale: v_scale, gate: v_gate } = view;
            block::dims::<
                P,
            >(
                block::Fields {
                    scale: v_scale,
                    gate: v_gate,
                },
                ins,
                outs,
            )
        }
        fn forward<R: __private::Real, P: __private::Lift<R>>(
            view: <Self as __private::Wire>::View<'_, P>,
            ins: &[__private::Input<'_, '_, R>],
            outs: &mut [&mut [R]],
            state: &mut BlockState<R>,
            scratch: __private::Arena<'_, R>,
        ) -> ::core::result::Result<(), __private::Error> {
            let BlockView { scale: v_scale, gate: v_gate } = view;
            block::forward::<
                R,
                P,
            >(
                block::Fields {
                    scale: v_scale,
                    gate: v_gate,
                },
                ins,
                outs,
                state,
                scratch,
            )
        }
        fn forward_saving<'w: 'r, 'r, R: __private::Real, P: __private::Lift<R>>(
            view: <Self as __private::Wire>::View<'w, P>,
            ins: &[__private::Input<'r, '_, R>],
            outs: &mut [&mut [R]],
            state: &mut BlockState<R>,
            saved: &mut __private::Arena<'r, R>,
            scratch: __private::Arena<'_, R>,
        ) -> ::core::result::Result<BlockResidual<'r, R>, __private::Error> {
            let BlockView { scale: v_scale, gate: v_gate } = view;
            block::forward_saving::<
                R,
                P,
            >(
                block::Fields {
                    scale: v_scale,
                    gate: v_gate,
                },
                ins,
                outs,
                state,
                saved,
                scratch,
            )
        }
        fn vjp<R: __private::Real>(
            residual: BlockResidual<'_, R>,
            outs: &[&[R]],
            cots: &[&[R]],
            ins: &mut [__private::Slot<'_, R>],
            grad: &mut BlockCotangent<R>,
            state: &mut BlockState<R>,
            scratch: __private::Arena<'_, R>,
        ) -> ::core::result::Result<(), __private::Error> {
            let (g_scale, g_gate) = grad.as_block()?;
            block::vjp::<
                R,
            >(
                residual,
                outs,
                cots,
                ins,
                block::Grad {
                    scale: g_scale,
                    gate: g_gate,
                },
                state,
                scratch,
            )
        }
    }
    #[allow(unused_variables, unreachable_patterns, non_snake_case, clippy::all)]
    impl<V1: __private::Variant<Of = Gate>> __private::Variant for block::Of<V1> {
        type Of = Block;
        const KEEPS: &'static [bool] = block::KEEPS;
        const KEEPS_OUT: bool = block::KEEPS_OUT;
        type Fields<'w, P: ::core::marker::Copy + 'static> = block::of::Fields<
            'w,
            V1,
            P,
        >;
        type Residual<'r, R: __private::Real> = block::of::Residual<'r, V1, R>;
        type State<R: __private::Real> = block::of::State<V1, R>;
        type Grad<'g, R: __private::Real> = block::of::Grad<'g, V1, R>;
        fn of<'w, P: ::core::marker::Copy + 'static>(
            view: <Block as __private::Wire>::View<'w, P>,
        ) -> ::core::option::Option<Self::Fields<'w, P>> {
            {
                let BlockView { scale: v_scale, gate: v_gate } = view;
                ::core::option::Option::Some(block::of::Fields {
                    scale: v_scale,
                    gate: <V1 as __private::Variant>::of::<P>(v_gate)?,
                })
            }
        }
        fn grad<'g, R: __private::Real>(
            grad: &'g mut <Block as __private::Part>::Grad<R>,
        ) -> ::core::result::Result<Self::Grad<'g, R>, __private::Error> {
            let (g_scale, g_gate) = grad.as_block()?;
            ::core::result::Result::Ok(block::of::Grad {
                scale: g_scale,
                gate: <V1 as __private::Variant>::grad::<R>(g_gate)?,
            })
        }
        fn lend<'a, R: __private::Real>(
            grad: &'a mut Self::Grad<'_, R>,
        ) -> Self::Grad<'a, R> {
            block::of::Grad {
                scale: &mut *grad.scale,
                gate: <V1 as __private::Variant>::lend::<R>(&mut grad.gate),
            }
        }
        fn dims<P: ::core::marker::Copy + 'static>(
            fields: Self::Fields<'_, P>,
            ins: &[__private::Dims],
            outs: &mut [__private::Dims],
        ) -> ::core::result::Result<(), __private::Error> {
            block::of::dims::<V1, P>(fields, ins, outs)
        }
        fn forward<R: __private::Real, P: __private::Lift<R>>(
            fields: Self::Fields<'_, P>,
            ins: &[__private::Input<'_, '_, R>],
            outs: &mut [&mut [R]],
            state: &mut Self::State<R>,
            scratch: __private::Arena<'_, R>,
        ) -> ::core::result::Result<(), __private::Error> {
            block::of::forward::<V1, R, P>(fields, ins, outs, state, scratch)
        }
        fn forward_saving<'w: 'r, 'r, R: __private::Real, P: __private::Lift<R>>(
            fields: Self::Fields<'w, P>,
            ins: &[__private::Input<'r, '_, R>],
            outs: &mut [&mut [R]],
            state: &mut Self::State<R>,
            saved: &mut __private::Arena<'r, R>,
            scratch: __private::Arena<'_, R>,
        ) -> ::core::result::Result<Self::Residual<'r, R>, __private::Error> {
            block::of::forward_saving::<
                V1,
                R,
                P,
            >(fields, ins, outs, state, saved, scratch)
        }
        fn vjp<R: __private::Real>(
            residual: Self::Residual<'_, R>,
            outs: &[&[R]],
            cots: &[&[R]],
            ins: &mut [__private::Slot<'_, R>],
            grad: Self::Grad<'_, R>,
            state: &mut Self::State<R>,
            scratch: __private::Arena<'_, R>,
        ) -> ::core::result::Result<(), __private::Error> {
            block::of::vjp::<V1, R>(residual, outs, cots, ins, grad, state, scratch)
        }
    }
    #[allow(unused_variables, non_snake_case, clippy::all)]
    impl __private::residual::PortableLayer for Block {
        const HAS_OCTETS: bool = block::HAS_OCTETS;
        fn residual_schema(types: &mut __private::SchemaBuilder) -> __private::TypeRef {
            block::residual_fields(types).define("BlockResidual", types)
        }
        fn write_residual(
            residual: BlockResidual<'_, __private::f32>,
            w: &mut __private::Writer,
        ) {
            block::write_residual(residual, w)
        }
        fn read_residual<'w: 'r, 'r>(
            view: <Self as __private::Wire>::View<'w, __private::f32>,
            ins: &[__private::Input<'r, 'r, __private::f32>],
            saved: &mut __private::Arena<'r, __private::f32>,
            r: &mut __private::Reader<'r>,
        ) -> ::core::result::Result<
            BlockResidual<'r, __private::f32>,
            __private::Error,
        > {
            match view {
                BlockView { scale: v_scale, gate: v_gate } => {
                    block::read_residual(
                        block::Fields {
                            scale: v_scale,
                            gate: v_gate,
                        },
                        ins,
                        saved,
                        r,
                    )
                }
            }
        }
    }
};
///Gradient of a [`Scaled`], and a point or direction of its parameter space.
#[allow(missing_docs, non_camel_case_types, non_snake_case)]
struct ScaledCotangent<R: ::barewire::__private::Real = ::barewire::__private::f32> {
    gain: <f32 as ::barewire::__private::Part>::Grad<R>,
}
///The equations of [`Scaled`](super::Scaled), without a test of its tag.
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
mod scaled {
    use ::barewire::__private;
    mod names {
        pub(super) use super::super::*;
        use super::__private::{self, ops::*};
        pub type F0 = f32;
        pub(super) use scaled_equation as E;
        pub type N = scaled;
        pub type W = __private::Sound<{ super::TRAVELS }, N>;
    }
    pub use names::E::{EXPLAINED, KEEPS, KEEPS_OUT, Residual, SIG, STEPS, State};
    /// The fields, borrowed.
    #[::core::prelude::v1::derive(::core::clone::Clone, ::core::marker::Copy)]
    pub struct Fields<'w, P: ::core::marker::Copy + 'static = f32> {
        pub gain: <names::F0 as __private::Wire>::View<'w, P>,
    }
    /// The gradients of the fields.
    pub struct Grad<'g, R: __private::Real> {
        pub gain: &'g mut <names::F0 as __private::Part>::Grad<R>,
    }
    /// Binds the sizes of the fields' axes.
    pub fn bind<P: ::core::marker::Copy + 'static>(
        view: Fields<'_, P>,
        sizes: &mut __private::Sizes,
    ) -> ::core::result::Result<(), __private::Error> {
        names::E::bind::<
            P,
        >(
            names::E::Fields {
                gain: view.gain,
            },
            sizes,
        )
    }
    /// Sizes of the results.
    pub fn dims<P: ::core::marker::Copy + 'static>(
        view: Fields<'_, P>,
        ins: &[__private::Dims],
        outs: &mut [__private::Dims],
    ) -> ::core::result::Result<(), __private::Error> {
        names::E::dims::<
            P,
        >(
            names::E::Fields {
                gain: view.gain,
            },
            ins,
            outs,
        )
    }
    /// The forward pass.
    pub fn forward<R: __private::Real, P: __private::Lift<R>>(
        view: Fields<'_, P>,
        ins: &[__private::Input<'_, '_, R>],
        outs: &mut [&mut [R]],
        state: &mut State<R>,
        scratch: __private::Arena<'_, R>,
    ) -> ::core::result::Result<(), __private::Error> {
        names::E::forward::<
            R,
            P,
        >(
            names::E::Fields {
                gain: view.gain,
            },
            ins,
            outs,
            state,
            scratch,
        )
    }
    /// The forward pass that keeps what the backward pass needs.
    pub fn forward_saving<'w: 'r, 'r, R: __private::Real, P: __private::Lift<R>>(
        view: Fields<'w, P>,
        ins: &[__private::Input<'r, '_, R>],
        outs: &mut [&mut [R]],
        state: &mut State<R>,
        saved: &mut __private::Arena<'r, R>,
        scratch: __private::Arena<'_, R>,
    ) -> ::core::result::Result<Residual<'r, R>, __private::Error> {
        names::E::forward_saving::<
            R,
            P,
        >(
            names::E::Fields {
                gain: view.gain,
            },
            ins,
            outs,
            state,
            saved,
            scratch,
        )
    }
    /// The backward pass.
    pub fn vjp<R: __private::Real>(
        r: Residual<'_, R>,
        outs: &[&[R]],
        cots: &[&[R]],
        ins: &mut [__private::Slot<'_, R>],
        grad: Grad<'_, R>,
        state: &mut State<R>,
        scratch: __private::Arena<'_, R>,
    ) -> ::core::result::Result<(), __private::Error> {
        names::E::vjp::<
            R,
        >(r, outs, cots, ins, names::E::Grad { gain: grad.gain }, state, scratch)
    }
    /// Whether the function's residual can travel.
    pub const TRAVELS: bool = __private::residual::op_travels::<names::N>();
    /// Whether the residual has octets on the wire.
    pub const HAS_OCTETS: bool = <names::W as __private::residual::PortableOp>::HAS_OCTETS;
    /// Fields of the residual in a schema.
    pub fn residual_fields(
        types: &mut __private::SchemaBuilder,
    ) -> __private::residual::Fields {
        <names::W as __private::residual::PortableOp>::fields(types)
    }
    /// Appends what the residual holds beside parameters and inputs.
    pub fn write_residual(r: Residual<'_, __private::f32>, w: &mut __private::Writer) {
        <names::W as __private::residual::PortableOp>::write(
            r,
            &mut __private::residual::Outgoing::new(w),
        )
    }
    /// The residual of a pass that ran elsewhere.
    pub fn read_residual<'w: 'r, 'r>(
        view: Fields<'w, __private::f32>,
        ins: &[__private::Input<'r, 'r, __private::f32>],
        saved: &mut __private::Arena<'r, __private::f32>,
        from: &mut __private::Reader<'r>,
    ) -> ::core::result::Result<Residual<'r, __private::f32>, __private::Error> {
        <names::W as __private::residual::PortableOp>::read(
            names::E::arguments(
                names::E::Fields {
                    gain: view.gain,
                },
                ins,
            )?,
            &mut __private::residual::Arrays::new(from, saved),
        )
    }
}
///What the backward pass of [`Scaled`] needs of its forward pass.
type ScaledResidual<'r, R = f32> = scaled::Residual<'r, R>;
///What [`Scaled`] carries along time.
type ScaledState<R = f32> = scaled::State<R>;
const _: () = {
    impl<R: __private::Real> __private::Default for ScaledCotangent<R> {
        #[inline]
        fn default() -> Self {
            {
                let (f0,) = <__F0 as __private::PartFields>::zero::<R>();
                Self { gain: f0 }
            }
        }
    }
    #[automatically_derived]
    #[allow(unused_variables, unreachable_patterns, clippy::all)]
    impl __private::Derived for Scaled {
        type Cotangent<R: __private::Real> = ScaledCotangent<R>;
        const PARTS: &'static [__private::PartEntry] = &[
            __private::PartEntry::new(0, "Scaled", &["gain"]),
        ];
        fn tag_of<P: __private::Copy + 'static>(
            view: &<Self as __private::Wire>::View<'_, P>,
        ) -> __private::u32 {
            0
        }
        #[inline]
        fn tag_of_mut(view: &<Self as __private::Wire>::ViewMut<'_>) -> __private::u32 {
            0
        }
        fn tag_of_grad<R: __private::Real>(
            grad: &ScaledCotangent<R>,
        ) -> __private::Option<__private::u32> {
            __private::Some(0)
        }
        fn fit<R: __private::Real>(grad: &mut ScaledCotangent<R>, tag: __private::u32) {}
        fn visit<R: __private::Real, P: __private::Lift<R>>(
            view: <Self as __private::Wire>::View<'_, P>,
            grad: &mut ScaledCotangent<R>,
            v: &mut __private::Visit<__private::Read<'_, R>>,
        ) -> __private::Result<(), __private::Error> {
            match (view, grad) {
                (ScaledView { gain: f0 }, ScaledCotangent { gain: g0 }) => {
                    <__F0 as __private::PartFields>::visit::<R, P>((f0,), (g0,), v)
                }
            }
        }
        #[inline]
        fn update(
            view: <Self as __private::Wire>::ViewMut<'_>,
            grad: &mut ScaledCotangent<__private::f32>,
            v: &mut __private::Visit<__private::Update<'_>>,
        ) -> __private::Result<(), __private::Error> {
            match (view, grad) {
                (ScaledViewMut { gain: f0 }, ScaledCotangent { gain: g0 }) => {
                    <__F0 as __private::PartFields>::update((f0,), (g0,), v)
                }
            }
        }
        fn grads<R: __private::Real>(
            grad: &mut ScaledCotangent<R>,
            v: &mut __private::Visit<__private::Grads<'_, R>>,
        ) {
            match grad {
                ScaledCotangent { gain: g0 } => {
                    <__F0 as __private::PartFields>::grads::<R>((g0,), v)
                }
            }
        }
        fn points<'o, 'w: 'o, R: __private::Real, P: __private::Lift<R>>(
            view: <Self as __private::Wire>::View<'w, P>,
            point: &'o ScaledCotangent<R>,
            v: &mut __private::Visit<__private::Points<'o>>,
        ) -> __private::Result<
            <Self as __private::Wire>::View<'o, R>,
            __private::Error,
        > {
            match (view, point) {
                (ScaledView { gain: f0 }, ScaledCotangent { gain: g0 }) => {
                    match <__F0 as __private::PartFields>::points::<
                        R,
                        P,
                    >((f0,), (g0,), v) {
                        __private::Ok((f0,)) => __private::Ok(ScaledView { gain: f0 }),
                        __private::Err(error) => __private::Err(error),
                    }
                }
            }
        }
        fn add<R: __private::Real>(
            grad: &mut ScaledCotangent<R>,
            other: &ScaledCotangent<R>,
            v: &__private::Visit<()>,
        ) -> __private::Result<(), __private::Error> {
            match (other, grad) {
                (ScaledCotangent { gain: f0 }, ScaledCotangent { gain: g0 }) => {
                    <__F0 as __private::PartFields>::add::<R>((g0,), (f0,))
                }
            }
        }
    }
    #[allow(dead_code, unused_parens, unreachable_patterns, non_snake_case, clippy::all)]
    impl<R: __private::Real> ScaledCotangent<R> {
        #[inline]
        fn as_scaled(
            &mut self,
        ) -> __private::Result<
            (&mut <f32 as __private::Part>::Grad<R>,),
            __private::Error,
        > {
            let ScaledCotangent { gain: g0 } = self;
            __private::Ok((g0,))
        }
    }
    impl __private::Explained for Scaled {
        const NAME: &'static str = "Scaled";
        const EQUATIONS: &'static [(&'static str, u32, __private::Equation)] = &[
            ("Scaled", 0u32, scaled::EXPLAINED),
        ];
    }
    #[allow(unused_variables, unused_parens, non_snake_case, clippy::all)]
    impl __private::Layer for Scaled {
        const SIG: __private::Sig = scaled::SIG;
        const KEEPS: &'static [bool] = scaled::KEEPS;
        const KEEPS_OUT: bool = scaled::KEEPS_OUT;
        const STEPS: bool = scaled::STEPS;
        type Residual<'r, R: __private::Real> = ScaledResidual<'r, R>;
        type State<R: __private::Real> = ScaledState<R>;
        fn bind<P: ::core::marker::Copy + 'static>(
            view: <Self as __private::Wire>::View<'_, P>,
            sizes: &mut __private::Sizes,
        ) -> ::core::result::Result<(), __private::Error> {
            let ScaledView { gain: v_gain } = view;
            scaled::bind::<P>(scaled::Fields { gain: v_gain }, sizes)
        }
        fn dims<P: ::core::marker::Copy + 'static>(
            view: <Self as __private::Wire>::View<'_, P>,
            ins: &[__private::Dims],
            outs: &mut [__private::Dims],
        ) -> ::core::result::Result<(), __private::Error> {
            let ScaledView { gain: v_gain } = view;
            scaled::dims::<P>(scaled::Fields { gain: v_gain }, ins, outs)
        }
        fn forward<R: __private::Real, P: __private::Lift<R>>(
            view: <Self as __private::Wire>::View<'_, P>,
            ins: &[__private::Input<'_, '_, R>],
            outs: &mut [&mut [R]],
            state: &mut ScaledState<R>,
            scratch: __private::Arena<'_, R>,
        ) -> ::core::result::Result<(), __private::Error> {
            let ScaledView { gain: v_gain } = view;
            scaled::forward::<
                R,
                P,
            >(scaled::Fields { gain: v_gain }, ins, outs, state, scratch)
        }
        fn forward_saving<'w: 'r, 'r, R: __private::Real, P: __private::Lift<R>>(
            view: <Self as __private::Wire>::View<'w, P>,
            ins: &[__private::Input<'r, '_, R>],
            outs: &mut [&mut [R]],
            state: &mut ScaledState<R>,
            saved: &mut __private::Arena<'r, R>,
            scratch: __private::Arena<'_, R>,
        ) -> ::core::result::Result<ScaledResidual<'r, R>, __private::Error> {
            let ScaledView { gain: v_gain } = view;
            scaled::forward_saving::<
                R,
                P,
            >(scaled::Fields { gain: v_gain }, ins, outs, state, saved, scratch)
        }
        fn vjp<R: __private::Real>(
            residual: ScaledResidual<'_, R>,
            outs: &[&[R]],
            cots: &[&[R]],
            ins: &mut [__private::Slot<'_, R>],
            grad: &mut ScaledCotangent<R>,
            state: &mut ScaledState<R>,
            scratch: __private::Arena<'_, R>,
        ) -> ::core::result::Result<(), __private::Error> {
            let (g_gain,) = grad.as_scaled()?;
            scaled::vjp::<
                R,
            >(residual, outs, cots, ins, scaled::Grad { gain: g_gain }, state, scratch)
        }
    }
    #[allow(unused_variables, non_snake_case, clippy::all)]
    impl __private::residual::PortableLayer for Scaled {
        const HAS_OCTETS: bool = scaled::HAS_OCTETS;
        fn residual_schema(types: &mut __private::SchemaBuilder) -> __private::TypeRef {
            scaled::residual_fields(types).define("ScaledResidual", types)
        }
        fn write_residual(
            residual: ScaledResidual<'_, __private::f32>,
            w: &mut __private::Writer,
        ) {
            scaled::write_residual(residual, w)
        }
        fn read_residual<'w: 'r, 'r>(
            view: <Self as __private::Wire>::View<'w, __private::f32>,
            ins: &[__private::Input<'r, 'r, __private::f32>],
            saved: &mut __private::Arena<'r, __private::f32>,
            r: &mut __private::Reader<'r>,
        ) -> ::core::result::Result<
            ScaledResidual<'r, __private::f32>,
            __private::Error,
        > {
            match view {
                ScaledView { gain: v_gain } => {
                    scaled::read_residual(scaled::Fields { gain: v_gain }, ins, saved, r)
                }
            }
        }
    }
};
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
        pub type C0 = __private::Sound<{ super::A0 }, N0>;
        pub type W0 = __private::Sound<{ super::TRAVELS0 }, C0>;
        pub type P0 = __private::Sound<{ super::FITS0 }, F0>;
    }
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
    pub const A0: bool = __private::check_results(&__private::sig::<names::N0>(), &[S0]);
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
    fn e1_saving<R: __private::Real>() -> impl ::core::ops::Fn([R; 2]) -> (R, [R; 1]) {
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
                >::new(<names::P0 as __private::Elementwise>::numbers::<R>(&r.p_gain)),
                __private::Operand::unused(),
            ),
            (
                <names::P0 as __private::Elementwise>::sink::<
                    R,
                    { E1.spread[0] as u8 },
                >(
                    &mut *grad.gain,
                    <names::P0 as __private::Elementwise>::numbers::<R>(&r.p_gain).len(),
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
    pub const TRAVELS0: bool = __private::residual::op_travels::<names::C0>();
    /// Whether the residual has octets on the wire.
    pub const HAS_OCTETS: bool = true;
    /// Fields of the residual in a schema.
    pub fn residual_fields(
        types: &mut __private::SchemaBuilder,
    ) -> __private::residual::Fields {
        let mut fields = __private::residual::Fields::new();
        fields
            .floats(
                const { <names::C0 as __private::Primitive>::KEEPS_OUT },
                "v0",
                types,
            );
        fields.op::<names::W0>("softmax", types);
        fields.floats(true, "s1", types);
        fields
    }
    /// Appends what the residual holds beside parameters and inputs.
    pub fn write_residual(r: Residual<'_, __private::f32>, w: &mut __private::Writer) {
        if const { <names::C0 as __private::Primitive>::KEEPS_OUT } {
            w.padded(r.o0);
        }
        <names::W0 as __private::residual::PortableOp>::write(
            r.r0,
            &mut __private::residual::Outgoing::new(w),
        );
        w.padded(r.s1);
    }
    /// The residual of a pass that ran elsewhere.
    pub fn read_residual<'w: 'r, 'r>(
        view: Fields<'w, __private::f32>,
        ins: &[__private::Input<'r, 'r, __private::f32>],
        saved: &mut __private::Arena<'r, __private::f32>,
        from: &mut __private::Reader<'r>,
    ) -> ::core::result::Result<Residual<'r, __private::f32>, __private::Error> {
        type R = __private::f32;
        type P = __private::f32;
        let [in_x] = __private::exactly(ins, "inputs")?;
        let in_x = in_x.real()?;
        let p_gain = <names::P0 as __private::Parameter>::lower::<
            R,
            P,
        >(view.gain, saved);
        let [d0] = __private::dims_of::<names::C0, 1>("softmax", &[in_x.dims()])?;
        let o0 = __private::residual::value(
            const { <names::C0 as __private::Primitive>::KEEPS_OUT },
            d0,
            from,
        )?;
        let v0 = __private::Arg::kept(o0, d0);
        let n0 = d0.len();
        let r0 = __private::within(
            "softmax",
            <names::W0 as __private::residual::PortableOp>::read(
                (in_x,),
                &mut __private::residual::Arrays::new(from, saved),
            ),
        )?;
        let d1 = __private::fuse::dims(
            &E1,
            [<names::P0 as __private::Parameter>::dims::<R>(&p_gain), v0.dims()],
        )?;
        let s1 = __private::residual::Arrays::new(from, saved).floats(1 * d1.len())?;
        ::core::result::Result::Ok(Residual { p_gain, r0, n0, o0, s1 })
    }
    /// Axes of all arguments and of the results.
    pub const ARGUMENTS: __private::Sig = __private::signature(&[IN_X, P_GAIN], &[S1]);
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
    /// The equation, its programs and what it keeps, for readers.
    pub const EXPLAINED: __private::Equation = __private::Equation {
        text: "|x: [batch, d]| gain * exp(softmax(x))",
        forward: &[("v0 = softmax(x)", S0), ("t0 = exp(v0)\ny = gain * t0", S1)],
        backward: &[
            "c0 = y'\nc1 = t0 * c0\nc2 = gain * c0\nc3 = t0 * c2\ngain' += c1\nv0' += c3",
            "x' += softmax.vjp(v0')",
        ],
        kept: &[
            __private::Kept {
                what: "x",
                axes: IN_X,
                arrays: (<names::C0 as __private::Primitive>::KEEPS[0]) as usize,
                borrowed: true,
            },
            __private::Kept {
                what: "v0",
                axes: S0,
                arrays: (<names::C0 as __private::Primitive>::KEEPS_OUT) as usize,
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
