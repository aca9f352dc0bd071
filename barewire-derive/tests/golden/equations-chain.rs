///Gradient of a [`Chain`], and a point or direction of its parameter space.
#[allow(missing_docs, non_camel_case_types, non_snake_case)]
pub struct ChainCotangent<R: ::barewire::__private::Real = ::barewire::__private::f32> {
    norm: <Vec<f32> as ::barewire::__private::Part>::Grad<R>,
    gain: <f32 as ::barewire::__private::Part>::Grad<R>,
}
///The equations of [`Chain`](super::Chain), without a test of its tag.
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
pub mod chain {
    use ::barewire::__private;
    mod names {
        pub(super) use super::super::*;
        use super::__private::{self, ops::*};
        pub type F0 = Vec<f32>;
        pub type F1 = f32;
        pub type N0 = rms_norm;
        pub type C0 = __private::Sound<{ super::A0 }, N0>;
        pub type N2 = rms_norm;
        pub type C2 = __private::Sound<{ super::A2 }, N2>;
        pub type P0 = __private::Sound<{ super::FITS0 }, F0>;
        pub type P1 = __private::Sound<{ super::FITS1 }, F1>;
    }
    /// The fields, borrowed.
    #[::core::prelude::v1::derive(::core::clone::Clone, ::core::marker::Copy)]
    pub struct Fields<'w, P: ::core::marker::Copy + 'static = f32> {
        pub norm: <names::F0 as __private::Wire>::View<'w, P>,
        pub gain: <names::F1 as __private::Wire>::View<'w, P>,
    }
    /// The gradients of the fields.
    pub struct Grad<'g, R: __private::Real> {
        pub norm: &'g mut <names::F0 as __private::Part>::Grad<R>,
        pub gain: &'g mut <names::F1 as __private::Part>::Grad<R>,
    }
    /// What the backward pass needs.
    #[::core::prelude::v1::derive(::core::clone::Clone, ::core::marker::Copy)]
    pub struct Residual<'r, R: __private::Real> {
        pub p_gain: <names::P1 as __private::Wire>::View<'r, R>,
        pub r0: <names::C0 as __private::Primitive>::Residual<'r, R>,
        pub n0: usize,
        pub o0: &'r [R],
        pub n1: usize,
        pub r2: <names::C2 as __private::Primitive>::Residual<'r, R>,
        pub n2: usize,
        pub o2: &'r [R],
        pub s3: &'r [R],
        pub l3_2: &'r [R],
    }
    /// What is carried along time.
    pub struct State<R: __private::Real = f32> {
        pub rms_norm: <names::C0 as __private::Primitive>::State<R>,
        pub rms_norm_2: <names::C2 as __private::Primitive>::State<R>,
    }
    impl<R: __private::Real> ::core::default::Default for State<R> {
        fn default() -> Self {
            State {
                rms_norm: ::core::default::Default::default(),
                rms_norm_2: ::core::default::Default::default(),
            }
        }
    }
    impl<R: __private::Real> __private::State<R> for State<R> {
        const EMPTY: bool = true
            && <<names::C0 as __private::Primitive>::State<
                R,
            > as __private::State<R>>::EMPTY
            && <<names::C2 as __private::Primitive>::State<
                R,
            > as __private::State<R>>::EMPTY;
        fn walk(
            &mut self,
            path: &mut __private::String,
            visit: &mut dyn ::core::ops::FnMut(&str, &mut __private::Vec<R>),
        ) {
            __private::descend(
                path,
                "rms_norm",
                |path| __private::State::walk(&mut self.rms_norm, path, visit),
            );
            __private::descend(
                path,
                "rms_norm_2",
                |path| __private::State::walk(&mut self.rms_norm_2, path, visit),
            );
        }
        fn arrays(
            &mut self,
            visit: &mut dyn ::core::ops::FnMut(&mut __private::Vec<R>),
        ) {
            __private::State::arrays(&mut self.rms_norm, visit);
            __private::State::arrays(&mut self.rms_norm_2, visit);
        }
    }
    pub const IN_X: __private::Shape = __private::Shape::new(&["batch", "time", "d"]);
    pub const P_NORM: __private::Shape = __private::Shape::new(&["d"]);
    pub const FITS0: bool = __private::check_rank(__private::rank::<names::F0>(), 1);
    pub const P_GAIN: __private::Shape = __private::Shape::new(&[]);
    pub const FITS1: bool = __private::check_rank(
        __private::elementwise_rank::<names::F1>(),
        0,
    );
    pub const S0: __private::Shape = __private::infer(
        &__private::sig::<names::N0>(),
        &[IN_X, P_NORM, __private::Shape::SCALAR],
        &[],
        "rms_norm",
        "rms_norm",
        0,
    );
    pub const A0: bool = __private::check_results(&__private::sig::<names::N0>(), &[S0]);
    pub const E1: __private::Broadcast<1> = __private::broadcast(&[S0]);
    pub const S1: __private::Shape = E1.out;
    pub const S2: __private::Shape = __private::infer(
        &__private::sig::<names::N2>(),
        &[S1, P_NORM, __private::Shape::SCALAR],
        &[],
        "rms_norm",
        "rms_norm",
        0,
    );
    pub const A2: bool = __private::check_results(&__private::sig::<names::N2>(), &[S2]);
    pub const E3: __private::Broadcast<4> = __private::broadcast(
        &[IN_X, P_GAIN, S0, S2],
    );
    pub const S3: __private::Shape = E3.out;
    /// Axes of the inputs and of the results.
    pub const SIG: __private::Sig = __private::signature(&[IN_X], &[S3]);
    /// For each input, whether the residual borrows it.
    pub const KEEPS: &[bool] = &[<names::C0 as __private::Primitive>::KEEPS[0]];
    /// Whether the backward pass reads the results.
    pub const KEEPS_OUT: bool = false;
    /// Whether the equation can run in chunks along time.
    pub const STEPS: bool = <names::C0 as __private::Primitive>::STEPS
        && <names::C2 as __private::Primitive>::STEPS;
    fn e1<R: __private::Real>() -> impl ::core::ops::Fn([R; 1]) -> R {
        #[inline(always)]
        |[x0]: [R; 1]| {
            let t0 = x0 * <R as __private::Real>::of(0.5f64);
            t0
        }
    }
    fn e1_back<R: __private::Real>() -> impl ::core::ops::Fn(
        [R; 1],
        [R; 0],
        R,
    ) -> [R; 1] {
        #[inline(always)]
        |[x0]: [R; 1], []: [R; 0], c: R| {
            let c0 = c;
            let c1 = <R as __private::Real>::of(0.5f64) * c0;
            [c1]
        }
    }
    fn e3<R: __private::Real>() -> impl ::core::ops::Fn([R; 4]) -> R {
        #[inline(always)]
        |[x0, x1, x2, x3]: [R; 4]| {
            let t0 = __private::Real::sigmoid(x2);
            let t1 = x2 * t0;
            let t2 = x1 * t1;
            let t3 = __private::Real::sigmoid(x3);
            let t4 = t2 * t3;
            let t5 = x0 + t4;
            t5
        }
    }
    fn e3_saving<R: __private::Real>() -> impl ::core::ops::Fn([R; 4]) -> (R, [R; 2]) {
        #[inline(always)]
        |[x0, x1, x2, x3]: [R; 4]| {
            let t0 = __private::Real::sigmoid(x2);
            let t1 = x2 * t0;
            let t2 = x1 * t1;
            let t3 = __private::Real::sigmoid(x3);
            let t4 = t2 * t3;
            let t5 = x0 + t4;
            (t5, [t0, t3])
        }
    }
    fn e3_back<R: __private::Real>() -> impl ::core::ops::Fn(
        [R; 4],
        [R; 2],
        R,
    ) -> [R; 4] {
        #[inline(always)]
        |[x0, x1, x2, x3]: [R; 4], [s0, s1]: [R; 2], c: R| {
            let t0 = s0;
            let t3 = s1;
            let t1 = x2 * t0;
            let t2 = x1 * t1;
            let c0 = c;
            let c1 = c0;
            let c2 = c0;
            let c3 = t3 * c2;
            let c4 = t2 * c2;
            let c5 = (t3 - t3 * t3) * c4;
            let c6 = t1 * c3;
            let c7 = x1 * c3;
            let c8 = t0 * c7;
            let c9 = x2 * c7;
            let c10 = c8 + (t0 - t0 * t0) * c9;
            [c1, c6, c10, c5]
        }
    }
    /// Binds the sizes of the fields' axes.
    pub fn bind<P: ::core::marker::Copy + 'static>(
        view: Fields<'_, P>,
        sizes: &mut __private::Sizes,
    ) -> ::core::result::Result<(), __private::Error> {
        sizes
            .bind_all(
                &["d"],
                <names::P0 as __private::Parameter>::dims::<P>(&view.norm),
                "norm",
            )?;
        ::core::result::Result::Ok(())
    }
    /// Sizes of the results.
    pub fn dims<P: ::core::marker::Copy + 'static>(
        view: Fields<'_, P>,
        ins: &[__private::Dims],
        outs: &mut [__private::Dims],
    ) -> ::core::result::Result<(), __private::Error> {
        let [d_in_x] = __private::exactly(ins, "inputs")?;
        let [d0] = __private::dims_of::<
            names::C0,
            1,
        >(
            "rms_norm",
            &[
                d_in_x,
                <names::P0 as __private::Parameter>::dims::<P>(&view.norm),
                __private::Dims::SCALAR,
            ],
        )?;
        let d1 = __private::fuse::dims(&E1, [d0])?;
        let [d2] = __private::dims_of::<
            names::C2,
            1,
        >(
            "rms_norm_2",
            &[
                d1,
                <names::P0 as __private::Parameter>::dims::<P>(&view.norm),
                __private::Dims::SCALAR,
            ],
        )?;
        let d3 = __private::fuse::dims(
            &E3,
            [d_in_x, <names::P1 as __private::Parameter>::dims::<P>(&view.gain), d0, d2],
        )?;
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
        let p_norm = <names::P0 as __private::Parameter>::lower::<
            R,
            P,
        >(view.norm, &mut s);
        let p_gain = <names::P1 as __private::Parameter>::lower::<
            R,
            P,
        >(view.gain, &mut s);
        let [d0] = __private::dims_of::<
            names::C0,
            1,
        >(
            "rms_norm",
            &[
                in_x.dims(),
                <names::P0 as __private::Parameter>::dims::<R>(&p_norm),
                __private::Dims::SCALAR,
            ],
        )?;
        let b0 = s.take(d0.len());
        __private::within(
            "rms_norm",
            <names::C0 as __private::Primitive>::forward::<
                R,
            >(
                (in_x, p_norm, <R as __private::Real>::of(0.000001f64)),
                [&mut *b0],
                &mut state.rms_norm,
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
            names::C2,
            1,
        >(
            "rms_norm_2",
            &[
                v1.dims(),
                <names::P0 as __private::Parameter>::dims::<R>(&p_norm),
                __private::Dims::SCALAR,
            ],
        )?;
        let b2 = s.take(d2.len());
        __private::within(
            "rms_norm_2",
            <names::C2 as __private::Primitive>::forward::<
                R,
            >(
                (v1, p_norm, <R as __private::Real>::of(0.000001f64)),
                [&mut *b2],
                &mut state.rms_norm_2,
                s.lend(),
            ),
        )?;
        let v2 = __private::Arg::kept(&*b2, d2);
        let d3 = __private::fuse::dims(
            &E3,
            [
                in_x.dims(),
                <names::P1 as __private::Parameter>::dims::<R>(&p_gain),
                v0.dims(),
                v2.dims(),
            ],
        )?;
        __private::fits(y0, d3)?;
        __private::fuse::forward(
            &mut **y0,
            (
                __private::Operand::<R, { E3.spread[0] as u8 }>::new(in_x.data()),
                __private::Operand::<
                    R,
                    { E3.spread[1] as u8 },
                >::new(<names::P1 as __private::Elementwise>::numbers::<R>(&p_gain)),
                __private::Operand::<R, { E3.spread[2] as u8 }>::new(v0.data()),
                __private::Operand::<R, { E3.spread[3] as u8 }>::new(v2.data()),
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
        let p_norm = <names::P0 as __private::Parameter>::lower::<
            R,
            P,
        >(view.norm, saved);
        let p_gain = <names::P1 as __private::Parameter>::lower::<
            R,
            P,
        >(view.gain, saved);
        let [d0] = __private::dims_of::<
            names::C0,
            1,
        >(
            "rms_norm",
            &[
                in_x.dims(),
                <names::P0 as __private::Parameter>::dims::<R>(&p_norm),
                __private::Dims::SCALAR,
            ],
        )?;
        let mut b0 = __private::Buf::new(const { true }, d0.len(), saved, &mut s);
        let r0 = __private::within(
            "rms_norm",
            <names::C0 as __private::Primitive>::forward_saving::<
                R,
            >(
                (in_x, p_norm, <R as __private::Real>::of(0.000001f64)),
                [b0.write()],
                &mut state.rms_norm,
                saved,
                s.lend(),
            ),
        )?;
        let v0 = b0.read(d0);
        let n0 = d0.len();
        let o0 = __private::kept(&v0);
        let d1 = __private::fuse::dims(&E1, [v0.dims()])?;
        let mut b1 = __private::Buf::new(
            const { <names::C2 as __private::Primitive>::KEEPS[0] },
            d1.len(),
            saved,
            &mut s,
        );
        __private::fuse::forward(
            b1.write(),
            (__private::Operand::<R, { E1.spread[0] as u8 }>::new(v0.data()),),
            e1::<R>(),
        );
        let v1 = b1.read(d1);
        let n1 = d1.len();
        let [d2] = __private::dims_of::<
            names::C2,
            1,
        >(
            "rms_norm_2",
            &[
                v1.dims(),
                <names::P0 as __private::Parameter>::dims::<R>(&p_norm),
                __private::Dims::SCALAR,
            ],
        )?;
        let mut b2 = __private::Buf::new(
            const { <names::C2 as __private::Primitive>::KEEPS_OUT },
            d2.len(),
            saved,
            &mut s,
        );
        let r2 = __private::within(
            "rms_norm_2",
            <names::C2 as __private::Primitive>::forward_saving::<
                R,
            >(
                (v1, p_norm, <R as __private::Real>::of(0.000001f64)),
                [b2.write()],
                &mut state.rms_norm_2,
                saved,
                s.lend(),
            ),
        )?;
        let v2 = b2.read(d2);
        let n2 = d2.len();
        let o2 = __private::kept(&v2);
        let d3 = __private::fuse::dims(
            &E3,
            [
                in_x.dims(),
                <names::P1 as __private::Parameter>::dims::<R>(&p_gain),
                v0.dims(),
                v2.dims(),
            ],
        )?;
        __private::fits(y0, d3)?;
        let s3 = saved.take(2 * d3.len());
        __private::fuse::forward_saving(
            &mut **y0,
            &mut *s3,
            (
                __private::Operand::<R, { E3.spread[0] as u8 }>::new(in_x.data()),
                __private::Operand::<
                    R,
                    { E3.spread[1] as u8 },
                >::new(<names::P1 as __private::Elementwise>::numbers::<R>(&p_gain)),
                __private::Operand::<R, { E3.spread[2] as u8 }>::new(v0.data()),
                __private::Operand::<R, { E3.spread[3] as u8 }>::new(v2.data()),
            ),
            e3_saving::<R>(),
        );
        let s3 = &*s3;
        let l3_2 = v0.keep(saved);
        ::core::result::Result::Ok(Residual {
            p_gain,
            r0,
            n0,
            o0,
            n1,
            r2,
            n2,
            o2,
            s3,
            l3_2,
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
            r.s3,
            (
                __private::Operand::unused(),
                __private::Operand::<
                    R,
                    { E3.spread[1] as u8 },
                >::new(<names::P1 as __private::Elementwise>::numbers::<R>(&r.p_gain)),
                __private::Operand::<R, { E3.spread[2] as u8 }>::new(r.l3_2),
                __private::Operand::unused(),
            ),
            (
                __private::Sink::<R, { E3.spread[0] as u8 }>::slot(in_x.first()),
                <names::P1 as __private::Elementwise>::sink::<
                    R,
                    { E3.spread[1] as u8 },
                >(
                    &mut *grad.gain,
                    <names::P1 as __private::Elementwise>::numbers::<R>(&r.p_gain).len(),
                )?,
                __private::Sink::<
                    R,
                    { E3.spread[2] as u8 },
                >::slot(__private::Slot::Write(&mut *c0)),
                __private::Sink::<
                    R,
                    { E3.spread[3] as u8 },
                >::slot(__private::Slot::Write(&mut *c2)),
            ),
            e3_back::<R>(),
        );
        __private::within(
            "rms_norm_2",
            <names::C2 as __private::Primitive>::vjp::<
                R,
            >(
                r.r2,
                [r.o2],
                [&*c2],
                (
                    __private::Slot::Write(&mut *c1),
                    &mut *grad.norm,
                    &mut <R as __private::Real>::ZERO,
                ),
                &mut state.rms_norm_2,
                s.lend(),
            ),
        )?;
        __private::fuse::backward(
            &*c1,
            &[],
            (__private::Operand::unused(),),
            (
                __private::Sink::<
                    R,
                    { E1.spread[0] as u8 },
                >::slot(__private::Slot::Add(&mut *c0)),
            ),
            e1_back::<R>(),
        );
        __private::within(
            "rms_norm",
            <names::C0 as __private::Primitive>::vjp::<
                R,
            >(
                r.r0,
                [r.o0],
                [&*c0],
                (in_x.more(), &mut *grad.norm, &mut <R as __private::Real>::ZERO),
                &mut state.rms_norm,
                s.lend(),
            ),
        )?;
        ::core::result::Result::Ok(())
    }
    /// The equation, its programs and what it keeps, for readers.
    pub const EXPLAINED: __private::Equation = __private::Equation {
        text: "|x: [batch, time, d]| {\n    let h = rms_norm(x, norm, 1e-6);\n    x + gain * silu(h) * sigmoid(rms_norm(h * 0.5, norm, 1e-6))\n}",
        forward: &[
            ("h = rms_norm(x, norm, 1e-6)", S0),
            ("v1 = h * 0.5", S1),
            ("v2 = rms_norm(v1, norm, 1e-6)", S2),
            (
                "t0 = sigmoid(h)\nt1 = h * t0\nt2 = gain * t1\nt3 = sigmoid(v2)\nt4 = t2 * t3\ny = x + t4",
                S3,
            ),
        ],
        backward: &[
            "t1 = h * t0\nt2 = gain * t1\nc0 = y'\nc1 = c0\nc2 = c0\nc3 = t3 * c2\nc4 = t2 * c2\nc5 = (t3 - t3 * t3) * c4\nc6 = t1 * c3\nc7 = gain * c3\nc8 = t0 * c7\nc9 = h * c7\nc10 = c8 + (t0 - t0 * t0) * c9\nx' += c1\ngain' += c6\nh' += c10\nv2' += c5",
            "v1', norm' += rms_norm.vjp(v2')",
            "c0 = v1'\nc1 = 0.5 * c0\nh' += c1",
            "x', norm' += rms_norm.vjp(h')",
        ],
        kept: &[
            __private::Kept {
                what: "x",
                axes: IN_X,
                arrays: (<names::C0 as __private::Primitive>::KEEPS[0]) as usize,
                borrowed: true,
            },
            __private::Kept {
                what: "h",
                axes: S0,
                arrays: (true) as usize,
                borrowed: false,
            },
            __private::Kept {
                what: "v1",
                axes: S1,
                arrays: (<names::C2 as __private::Primitive>::KEEPS[0]) as usize,
                borrowed: false,
            },
            __private::Kept {
                what: "v2",
                axes: S2,
                arrays: (<names::C2 as __private::Primitive>::KEEPS_OUT) as usize,
                borrowed: false,
            },
            __private::Kept {
                what: "t0, t3 of y",
                axes: S3,
                arrays: 2usize,
                borrowed: false,
            },
        ],
    };
}
///What the backward pass of [`Chain`] needs of its forward pass.
pub type ChainResidual<'r, R = f32> = chain::Residual<'r, R>;
///What [`Chain`] carries along time.
pub type ChainState<R = f32> = chain::State<R>;
const _: () = {
    impl<R: __private::Real> __private::Default for ChainCotangent<R> {
        #[inline]
        fn default() -> Self {
            {
                let (f0, f1) = <__F0 as __private::PartFields>::zero::<R>();
                Self { norm: f0, gain: f1 }
            }
        }
    }
    #[automatically_derived]
    #[allow(unused_variables, unreachable_patterns, clippy::all)]
    impl __private::Derived for Chain {
        type Cotangent<R: __private::Real> = ChainCotangent<R>;
        const PARTS: &'static [__private::PartEntry] = &[
            __private::PartEntry::new(0, "Chain", &["norm", "gain"]),
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
            grad: &ChainCotangent<R>,
        ) -> __private::Option<__private::u32> {
            __private::Some(0)
        }
        fn fit<R: __private::Real>(grad: &mut ChainCotangent<R>, tag: __private::u32) {}
        fn visit<R: __private::Real, P: __private::Lift<R>>(
            view: <Self as __private::Wire>::View<'_, P>,
            grad: &mut ChainCotangent<R>,
            v: &mut __private::Visit<__private::Read<'_, R>>,
        ) -> __private::Result<(), __private::Error> {
            match (view, grad) {
                (
                    ChainView { norm: f0, gain: f1 },
                    ChainCotangent { norm: g0, gain: g1 },
                ) => {
                    <__F0 as __private::PartFields>::visit::<R, P>((f0, f1), (g0, g1), v)
                }
            }
        }
        #[inline]
        fn update(
            view: <Self as __private::Wire>::ViewMut<'_>,
            grad: &mut ChainCotangent<__private::f32>,
            v: &mut __private::Visit<__private::Update<'_>>,
        ) -> __private::Result<(), __private::Error> {
            match (view, grad) {
                (
                    ChainViewMut { norm: f0, gain: f1 },
                    ChainCotangent { norm: g0, gain: g1 },
                ) => <__F0 as __private::PartFields>::update((f0, f1), (g0, g1), v),
            }
        }
        fn grads<R: __private::Real>(
            grad: &mut ChainCotangent<R>,
            v: &mut __private::Visit<__private::Grads<'_, R>>,
        ) {
            match grad {
                ChainCotangent { norm: g0, gain: g1 } => {
                    <__F0 as __private::PartFields>::grads::<R>((g0, g1), v)
                }
            }
        }
        fn points<'o, 'w: 'o, R: __private::Real, P: __private::Lift<R>>(
            view: <Self as __private::Wire>::View<'w, P>,
            point: &'o ChainCotangent<R>,
            v: &mut __private::Visit<__private::Points<'o>>,
        ) -> __private::Result<
            <Self as __private::Wire>::View<'o, R>,
            __private::Error,
        > {
            match (view, point) {
                (
                    ChainView { norm: f0, gain: f1 },
                    ChainCotangent { norm: g0, gain: g1 },
                ) => {
                    match <__F0 as __private::PartFields>::points::<
                        R,
                        P,
                    >((f0, f1), (g0, g1), v) {
                        __private::Ok((f0, f1)) => {
                            __private::Ok(ChainView { norm: f0, gain: f1 })
                        }
                        __private::Err(error) => __private::Err(error),
                    }
                }
            }
        }
        fn add<R: __private::Real>(
            grad: &mut ChainCotangent<R>,
            other: &ChainCotangent<R>,
            v: &__private::Visit<()>,
        ) -> __private::Result<(), __private::Error> {
            match (other, grad) {
                (
                    ChainCotangent { norm: f0, gain: f1 },
                    ChainCotangent { norm: g0, gain: g1 },
                ) => <__F0 as __private::PartFields>::add::<R>((g0, g1), (f0, f1)),
            }
        }
    }
    #[allow(dead_code, unused_parens, unreachable_patterns, non_snake_case, clippy::all)]
    impl<R: __private::Real> ChainCotangent<R> {
        #[inline]
        fn as_chain(
            &mut self,
        ) -> __private::Result<
            (
                &mut <Vec<f32> as __private::Part>::Grad<R>,
                &mut <f32 as __private::Part>::Grad<R>,
            ),
            __private::Error,
        > {
            let ChainCotangent { norm: g0, gain: g1 } = self;
            __private::Ok((g0, g1))
        }
    }
    impl __private::Explained for Chain {
        const NAME: &'static str = "Chain";
        const EQUATIONS: &'static [(&'static str, u32, __private::Equation)] = &[
            ("Chain", 0u32, chain::EXPLAINED),
        ];
    }
    #[allow(unused_variables, unused_parens, non_snake_case, clippy::all)]
    impl __private::Layer for Chain {
        const SIG: __private::Sig = chain::SIG;
        const KEEPS: &'static [bool] = chain::KEEPS;
        const KEEPS_OUT: bool = chain::KEEPS_OUT;
        const STEPS: bool = chain::STEPS;
        type Residual<'r, R: __private::Real> = ChainResidual<'r, R>;
        type State<R: __private::Real> = ChainState<R>;
        fn bind<P: ::core::marker::Copy + 'static>(
            view: <Self as __private::Wire>::View<'_, P>,
            sizes: &mut __private::Sizes,
        ) -> ::core::result::Result<(), __private::Error> {
            let ChainView { norm: v_norm, gain: v_gain } = view;
            chain::bind::<
                P,
            >(
                chain::Fields {
                    norm: v_norm,
                    gain: v_gain,
                },
                sizes,
            )
        }
        fn dims<P: ::core::marker::Copy + 'static>(
            view: <Self as __private::Wire>::View<'_, P>,
            ins: &[__private::Dims],
            outs: &mut [__private::Dims],
        ) -> ::core::result::Result<(), __private::Error> {
            let ChainView { norm: v_norm, gain: v_gain } = view;
            chain::dims::<
                P,
            >(
                chain::Fields {
                    norm: v_norm,
                    gain: v_gain,
                },
                ins,
                outs,
            )
        }
        fn forward<R: __private::Real, P: __private::Lift<R>>(
            view: <Self as __private::Wire>::View<'_, P>,
            ins: &[__private::Input<'_, '_, R>],
            outs: &mut [&mut [R]],
            state: &mut ChainState<R>,
            scratch: __private::Arena<'_, R>,
        ) -> ::core::result::Result<(), __private::Error> {
            let ChainView { norm: v_norm, gain: v_gain } = view;
            chain::forward::<
                R,
                P,
            >(
                chain::Fields {
                    norm: v_norm,
                    gain: v_gain,
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
            state: &mut ChainState<R>,
            saved: &mut __private::Arena<'r, R>,
            scratch: __private::Arena<'_, R>,
        ) -> ::core::result::Result<ChainResidual<'r, R>, __private::Error> {
            let ChainView { norm: v_norm, gain: v_gain } = view;
            chain::forward_saving::<
                R,
                P,
            >(
                chain::Fields {
                    norm: v_norm,
                    gain: v_gain,
                },
                ins,
                outs,
                state,
                saved,
                scratch,
            )
        }
        fn vjp<R: __private::Real>(
            residual: ChainResidual<'_, R>,
            outs: &[&[R]],
            cots: &[&[R]],
            ins: &mut [__private::Slot<'_, R>],
            grad: &mut ChainCotangent<R>,
            state: &mut ChainState<R>,
            scratch: __private::Arena<'_, R>,
        ) -> ::core::result::Result<(), __private::Error> {
            let (g_norm, g_gain) = grad.as_chain()?;
            chain::vjp::<
                R,
            >(
                residual,
                outs,
                cots,
                ins,
                chain::Grad {
                    norm: g_norm,
                    gain: g_gain,
                },
                state,
                scratch,
            )
        }
    }
};
