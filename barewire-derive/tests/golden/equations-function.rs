///The equation of [`gated`](super::gated).
#[allow(
    missing_docs,
    unreachable_pub,
    non_camel_case_types,
    unused_imports,
    unused_variables,
    unused_mut,
    dead_code,
    clippy::all
)]
mod gated_equation {
    mod names {
        pub(super) use super::super::*;
        use ::barewire::__private::ops::*;
        pub type F0 = Matrix<f32>;
        pub type C0 = linear;
    }
    /// The fields, borrowed.
    #[::core::prelude::v1::derive(::core::clone::Clone, ::core::marker::Copy)]
    pub struct Fields<'w, P: ::core::marker::Copy + 'static = f32> {
        pub weights: <names::F0 as ::barewire::__private::Wire>::View<'w, P>,
    }
    /// The gradients of the fields.
    pub struct Grad<'g, R: ::barewire::__private::Real> {
        pub weights: &'g mut <names::F0 as ::barewire::__private::Part>::Grad<R>,
    }
    /// What the backward pass needs.
    #[::core::prelude::v1::derive(::core::clone::Clone, ::core::marker::Copy)]
    pub struct Residual<'r, R: ::barewire::__private::Real> {
        pub r0: <names::C0 as ::barewire::__private::Primitive>::Residual<'r, R>,
        pub n0: usize,
        pub o0: &'r [R],
        pub s1: &'r [R],
        pub l1_0: &'r [R],
        marker: ::core::marker::PhantomData<&'r R>,
    }
    /// What is carried along time.
    pub struct State<R: ::barewire::__private::Real = f32> {
        pub linear: <names::C0 as ::barewire::__private::Primitive>::State<R>,
        _scalar: ::core::marker::PhantomData<R>,
    }
    impl<R: ::barewire::__private::Real> ::core::default::Default for State<R> {
        fn default() -> Self {
            State {
                linear: ::core::default::Default::default(),
                _scalar: ::core::marker::PhantomData,
            }
        }
    }
    impl<R: ::barewire::__private::Real> ::barewire::__private::State<R> for State<R> {
        fn walk(
            &mut self,
            path: &mut ::barewire::__private::String,
            visit: &mut dyn ::core::ops::FnMut(&str, &mut ::barewire::__private::Vec<R>),
        ) {
            ::barewire::__private::descend(
                path,
                "linear",
                |path| ::barewire::__private::State::walk(&mut self.linear, path, visit),
            );
        }
    }
    pub const IN_X: ::barewire::__private::Shape = ::barewire::__private::Shape::new(
        &["batch", "d_in"],
    );
    pub const IN_GATE: ::barewire::__private::Shape = ::barewire::__private::Shape::new(
        &["batch", "d_out"],
    );
    pub const P_WEIGHTS: ::barewire::__private::Shape = ::barewire::__private::Shape::new(
        &["d_out", "d_in"],
    );
    const _: () = ::barewire::__private::check_rank(
        <names::F0 as ::barewire::__private::Parameter>::RANK,
        2,
    );
    pub const S0: ::barewire::__private::Shape = ::barewire::__private::infer(
        &<names::C0 as ::barewire::__private::Primitive>::SIG,
        &[P_WEIGHTS, IN_X],
        &[],
        "linear",
        "linear",
        0,
    );
    const _: () = ::barewire::__private::check_results(
        &<names::C0 as ::barewire::__private::Primitive>::SIG,
        1,
    );
    pub const E1: ::barewire::__private::Broadcast<2> = ::barewire::__private::broadcast(
        &[S0, IN_GATE],
    );
    pub const S1: ::barewire::__private::Shape = ::barewire::__private::require(
        E1.out,
        &["batch", "d_out"],
    );
    /// Axes of the inputs and of the results.
    pub const SIG: ::barewire::__private::Sig = ::barewire::__private::signature(
        &[IN_X, IN_GATE],
        &[S1],
    );
    /// For each input, whether the residual borrows it.
    pub const KEEPS: &[bool] = &[
        <names::C0 as ::barewire::__private::Primitive>::KEEPS[1],
        false,
    ];
    /// Whether the backward pass reads the results.
    pub const KEEPS_OUT: bool = false || false;
    /// Whether the equation can run in chunks along time.
    pub const STEPS: bool = true
        && <names::C0 as ::barewire::__private::Primitive>::STEPS;
    #[inline(always)]
    fn e1<R: ::barewire::__private::Real>([x0, x1]: [R; 2]) -> R {
        let t0 = ::barewire::__private::Real::sigmoid(x1);
        let t1 = x0 * t0;
        t1
    }
    #[inline(always)]
    fn e1_saving<R: ::barewire::__private::Real>([x0, x1]: [R; 2]) -> (R, [R; 1]) {
        let t0 = ::barewire::__private::Real::sigmoid(x1);
        let t1 = x0 * t0;
        (t1, [t0])
    }
    #[inline(always)]
    fn e1_back<R: ::barewire::__private::Real>(
        [x0,
        x1,
        ]: [R; 2],
        [s0,
        ]: [R; 1],
        c: R,
    ) -> [R; 2] {
        let t0 = s0;
        let c0 = c;
        let c1 = t0 * c0;
        let c2 = x0 * c0;
        let c3 = (t0 - t0 * t0) * c2;
        [c1, c3]
    }
    /// Binds the sizes of the fields' axes.
    pub fn bind<P: ::core::marker::Copy + 'static>(
        view: Fields<'_, P>,
        sizes: &mut ::barewire::__private::Sizes,
    ) -> ::core::result::Result<(), ::barewire::__private::Error> {
        sizes
            .bind_all(
                &["d_out", "d_in"],
                <names::F0 as ::barewire::__private::Parameter>::dims::<
                    P,
                >(&view.weights),
                "weights",
            )?;
        ::core::result::Result::Ok(())
    }
    /// Sizes of the results.
    pub fn dims<P: ::core::marker::Copy + 'static>(
        view: Fields<'_, P>,
        ins: &[::barewire::__private::Dims],
        outs: &mut [::barewire::__private::Dims],
    ) -> ::core::result::Result<(), ::barewire::__private::Error> {
        let [d_in_x, d_in_gate] = ::barewire::__private::exactly(ins, "inputs")?;
        let [d0] = ::barewire::__private::dims_of::<
            names::C0,
            1,
        >(
            "linear",
            &[
                <names::F0 as ::barewire::__private::Parameter>::dims::<
                    P,
                >(&view.weights),
                d_in_x,
            ],
        )?;
        let d1 = ::barewire::__private::fuse::dims(&E1, [d0, d_in_gate])?;
        *::barewire::__private::exactly_mut(outs, "results")? = [d1];
        ::core::result::Result::Ok(())
    }
    /// The forward pass.
    pub fn forward<R: ::barewire::__private::Real, P: ::barewire::__private::Lift<R>>(
        view: Fields<'_, P>,
        ins: &[::barewire::__private::Input<'_, '_, R>],
        outs: &mut [&mut [R]],
        state: &mut State<R>,
        mut scratch: ::barewire::__private::Arena<'_, R>,
    ) -> ::core::result::Result<(), ::barewire::__private::Error> {
        let mut s = scratch.lend();
        let [in_x, in_gate] = ::barewire::__private::exactly(ins, "inputs")?;
        let in_x = in_x.real()?;
        let in_gate = in_gate.real()?;
        let [y0] = ::barewire::__private::exactly_mut(outs, "results")?;
        let p_weights = <names::F0 as ::barewire::__private::Parameter>::lower::<
            R,
            P,
        >(view.weights, &mut s);
        let [d0] = ::barewire::__private::dims_of::<
            names::C0,
            1,
        >(
            "linear",
            &[
                <names::F0 as ::barewire::__private::Parameter>::dims::<R>(&p_weights),
                in_x.dims(),
            ],
        )?;
        let b0 = s.take(d0.len());
        ::barewire::__private::within(
            "linear",
            <names::C0 as ::barewire::__private::Primitive>::forward::<
                R,
            >((p_weights, in_x), [&mut *b0], &mut state.linear, s.lend()),
        )?;
        let v0 = ::barewire::__private::Arg::kept(&*b0, d0);
        let d1 = ::barewire::__private::fuse::dims(&E1, [v0.dims(), in_gate.dims()])?;
        ::barewire::__private::fits(y0, d1)?;
        ::barewire::__private::fuse::forward(
            &mut **y0,
            (
                ::barewire::__private::Operand::<
                    R,
                    { E1.spread[0] as u8 },
                >::new(v0.data()),
                ::barewire::__private::Operand::<
                    R,
                    { E1.spread[1] as u8 },
                >::new(in_gate.data()),
            ),
            e1::<R>,
        );
        ::core::result::Result::Ok(())
    }
    /// The forward pass that keeps what the backward pass needs.
    pub fn forward_saving<
        'w: 'r,
        'r,
        R: ::barewire::__private::Real,
        P: ::barewire::__private::Lift<R>,
    >(
        view: Fields<'w, P>,
        ins: &[::barewire::__private::Input<'r, '_, R>],
        outs: &mut [&mut [R]],
        state: &mut State<R>,
        saved: &mut ::barewire::__private::Arena<'r, R>,
        mut scratch: ::barewire::__private::Arena<'_, R>,
    ) -> ::core::result::Result<Residual<'r, R>, ::barewire::__private::Error> {
        let mut s = scratch.lend();
        let [in_x, in_gate] = ::barewire::__private::exactly(ins, "inputs")?;
        let in_x = in_x.real()?;
        let in_gate = in_gate.real()?;
        let [y0] = ::barewire::__private::exactly_mut(outs, "results")?;
        let p_weights = <names::F0 as ::barewire::__private::Parameter>::lower::<
            R,
            P,
        >(view.weights, saved);
        let [d0] = ::barewire::__private::dims_of::<
            names::C0,
            1,
        >(
            "linear",
            &[
                <names::F0 as ::barewire::__private::Parameter>::dims::<R>(&p_weights),
                in_x.dims(),
            ],
        )?;
        let mut b0 = ::barewire::__private::Buf::new(
            const { true || <names::C0 as ::barewire::__private::Primitive>::KEEPS_OUT },
            d0.len(),
            saved,
            &mut s,
        );
        let r0 = ::barewire::__private::within(
            "linear",
            <names::C0 as ::barewire::__private::Primitive>::forward_saving::<
                R,
            >((p_weights, in_x), [b0.write()], &mut state.linear, saved, s.lend()),
        )?;
        let v0 = b0.read(d0);
        let n0 = d0.len();
        let o0 = ::barewire::__private::kept(&v0);
        let d1 = ::barewire::__private::fuse::dims(&E1, [v0.dims(), in_gate.dims()])?;
        ::barewire::__private::fits(y0, d1)?;
        let s1 = saved.take(1 * d1.len());
        ::barewire::__private::fuse::forward_saving(
            &mut **y0,
            &mut *s1,
            (
                ::barewire::__private::Operand::<
                    R,
                    { E1.spread[0] as u8 },
                >::new(v0.data()),
                ::barewire::__private::Operand::<
                    R,
                    { E1.spread[1] as u8 },
                >::new(in_gate.data()),
            ),
            e1_saving::<R>,
        );
        let s1 = &*s1;
        let l1_0 = v0.keep(saved);
        ::core::result::Result::Ok(Residual {
            r0,
            n0,
            o0,
            s1,
            l1_0,
            marker: ::core::marker::PhantomData,
        })
    }
    /// The backward pass.
    pub fn vjp<R: ::barewire::__private::Real>(
        r: Residual<'_, R>,
        outs: &[&[R]],
        cots: &[&[R]],
        ins: &mut [::barewire::__private::Slot<'_, R>],
        mut grad: Grad<'_, R>,
        state: &mut State<R>,
        mut scratch: ::barewire::__private::Arena<'_, R>,
    ) -> ::core::result::Result<(), ::barewire::__private::Error> {
        let mut s = scratch.lend();
        let [y0] = ::barewire::__private::exactly(outs, "results")?;
        let [cot0] = ::barewire::__private::exactly(cots, "cotangents")?;
        let [in_x, in_gate] = ::barewire::__private::exactly_mut(ins, "inputs")?;
        let c0 = s.take(r.n0);
        ::barewire::__private::fuse::backward(
            &*cot0,
            r.s1,
            (
                ::barewire::__private::Operand::<R, { E1.spread[0] as u8 }>::new(r.l1_0),
                ::barewire::__private::Operand::unused(),
            ),
            (
                ::barewire::__private::Sink::<
                    R,
                    { E1.spread[0] as u8 },
                >::slot(::barewire::__private::Slot::Write(&mut *c0)),
                ::barewire::__private::Sink::<
                    R,
                    { E1.spread[1] as u8 },
                >::slot(in_gate.first()),
            ),
            e1_back::<R>,
        );
        ::barewire::__private::within(
            "linear",
            <names::C0 as ::barewire::__private::Primitive>::vjp::<
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
    pub const ARGUMENTS: ::barewire::__private::Sig = ::barewire::__private::signature(
        &[P_WEIGHTS, IN_X, IN_GATE],
        &[S1],
    );
    /// Sizes of the results, from those of all arguments.
    pub fn dims_of_arguments(
        args: &[::barewire::__private::Dims],
        outs: &mut [::barewire::__private::Dims],
    ) -> ::core::result::Result<(), ::barewire::__private::Error> {
        let [d_p_weights, d_in_x, d_in_gate] = ::barewire::__private::exactly(
            args,
            "arguments",
        )?;
        let [d0] = ::barewire::__private::dims_of::<
            names::C0,
            1,
        >("linear", &[d_p_weights, d_in_x])?;
        let d1 = ::barewire::__private::fuse::dims(&E1, [d0, d_in_gate])?;
        *::barewire::__private::exactly_mut(outs, "results")? = [d1];
        ::core::result::Result::Ok(())
    }
}
/// A gated linear unit.
#[allow(non_camel_case_types)]
struct gated;
#[allow(unused_variables, unused_mut, unused_parens, clippy::all)]
impl ::barewire::__private::Primitive for gated {
    const SIG: ::barewire::__private::Sig = gated_equation::ARGUMENTS;
    const KEEPS: &'static [bool] = &[
        false,
        gated_equation::KEEPS[0],
        gated_equation::KEEPS[1],
    ];
    const KEEPS_OUT: bool = gated_equation::KEEPS_OUT;
    const STEPS: bool = gated_equation::STEPS;
    type Args<'r, 'a, R: ::barewire::__private::Real> = (
        <Matrix<f32> as ::barewire::__private::Wire>::View<'r, R>,
        ::barewire::__private::Arg<'r, 'a, R>,
        ::barewire::__private::Arg<'r, 'a, R>,
    );
    type Cots<'a, R: ::barewire::__private::Real> = (
        &'a mut <Matrix<f32> as ::barewire::__private::Part>::Grad<R>,
        ::barewire::__private::Slot<'a, R>,
        ::barewire::__private::Slot<'a, R>,
    );
    type Out<T> = [T; 1];
    type Residual<'r, R: ::barewire::__private::Real> = gated_equation::Residual<'r, R>;
    type State<R: ::barewire::__private::Real> = gated_equation::State<R>;
    fn dims(
        args: &[::barewire::__private::Dims],
        outs: &mut [::barewire::__private::Dims],
    ) -> ::core::result::Result<(), ::barewire::__private::Error> {
        gated_equation::dims_of_arguments(args, outs)
    }
    fn forward<R: ::barewire::__private::Real>(
        (p_weights, in_x, in_gate): Self::Args<'_, '_, R>,
        mut out: [&mut [R]; 1],
        state: &mut Self::State<R>,
        scratch: ::barewire::__private::Arena<'_, R>,
    ) -> ::core::result::Result<(), ::barewire::__private::Error> {
        gated_equation::forward::<
            R,
            R,
        >(
            gated_equation::Fields {
                weights: p_weights,
            },
            &[
                ::barewire::__private::Input::Real(in_x),
                ::barewire::__private::Input::Real(in_gate),
            ],
            &mut out,
            state,
            scratch,
        )
    }
    fn forward_saving<'r, R: ::barewire::__private::Real>(
        (p_weights, in_x, in_gate): Self::Args<'r, '_, R>,
        mut out: [&mut [R]; 1],
        state: &mut Self::State<R>,
        saved: &mut ::barewire::__private::Arena<'r, R>,
        scratch: ::barewire::__private::Arena<'_, R>,
    ) -> ::core::result::Result<Self::Residual<'r, R>, ::barewire::__private::Error> {
        gated_equation::forward_saving::<
            R,
            R,
        >(
            gated_equation::Fields {
                weights: p_weights,
            },
            &[
                ::barewire::__private::Input::Real(in_x),
                ::barewire::__private::Input::Real(in_gate),
            ],
            &mut out,
            state,
            saved,
            scratch,
        )
    }
    fn vjp<R: ::barewire::__private::Real>(
        residual: Self::Residual<'_, R>,
        out: [&[R]; 1],
        cot: [&[R]; 1],
        (p_weights, in_x, in_gate): Self::Cots<'_, R>,
        state: &mut Self::State<R>,
        scratch: ::barewire::__private::Arena<'_, R>,
    ) -> ::core::result::Result<(), ::barewire::__private::Error> {
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
