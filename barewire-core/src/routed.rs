//! Layers of which each token takes one.

use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

use crate::Error;
use crate::error::Inside;
use crate::layer::{Buf, Input, Layer, Sizes, exactly, exactly_mut};
use crate::list::sized;
use crate::part::{GradLeaf, Leaf, LeafMut, Part};
use crate::primitive::{Arg, Slot};
use crate::real::{Lift, Real};
use crate::shape::{Dims, Sig, routed};
use crate::wire::{DecodeError, Element, Index, Reader, ReaderMut, SchemaBuilder, TypeRef, Walked, Wire, Writer};
use crate::workspace::Arena;

mod run;

pub use run::Path;
use run::{Run, Tokens, choose, gather, scatter, sum_of_products};

/// Layers of which each token takes one: `y[t] = gates[t, i] · experts_i(x[t])` with `i = argmax_j gates[t, j]`.
///
/// | name    | shape           | range or unit                                          |
/// |---------|-----------------|--------------------------------------------------------|
/// | `x`     | `[.., d_in]`    | what the experts take                                  |
/// | `gates` | `[.., experts]` | any; of equal ones the first is taken, a NaN never     |
/// | result  | `[.., d_out]`   | what the experts give, times the gate                  |
///
/// As a field it is called like any part, with the gates as a second input. How the gate learns is the equation's to say:
///
/// - `experts(x, softmax(linear(router, x)))`: by its own value, as in the Switch Transformer;
/// - `experts(x, concat(g, 1 - g))` with `g = surrogate(step(..), sigmoid)` or `ste(round(..))`: a boolean gate of two
///   experts, with the slope that is named there;
/// - `experts(x, stop(..))`: not at all;
/// - `experts(x, embedding(table, tags))`: by a tag a token, with a row of the table for each tag; a `fixed` table of ones and
///   zeros sends each tag to an expert of its own.
///
/// VJP: along the taken path. An expert gets the tokens that it was given, and one without tokens gets no gradient;
/// `ḡates[t, i] = ⟨ȳ[t], experts_i(x[t])⟩` for the expert taken, 0 for the others. Which one is taken carries no gradient.
///
/// Each expert runs once over its tokens. One that carries a state along time runs once a sequence, over the tokens of that
/// sequence that it was given, and remembers only these: a stream of single steps gives what the whole sequence gives.
/// The state is a list, of all experts for each sequence in turn.
///
/// Residual: the path (one byte a token), the gates taken, what the experts gave, and what each taken expert keeps of its own
/// tokens ([`Path`]).
///
/// # Errors
/// `Shape` if there is not a gate for each expert; `Input` for no experts or more than 127; those of the experts.
///
/// On the wire it is a list of the experts.
///
/// ```
/// use barewire_core::routed::Routed;
/// # use barewire_core::wire::{Matrix, to_message};
/// let experts = vec![Matrix::from_vec(1, 1, vec![1.0])?, Matrix::from_vec(1, 1, vec![2.0])?];
/// assert_eq!(to_message(&Routed(experts.clone())), to_message(&experts));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// Source: Fedus, Zoph & Shazeer, "Switch Transformers" (2021), equation 2 with one expert a token and no capacity.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Routed<T>(
    /// the experts
    pub Vec<T>,
);

impl<T: Element> Wire for Routed<T> {
    type View<'w, P: Copy + 'static> = <Vec<T> as Wire>::View<'w, P>;
    type ViewMut<'w> = <Vec<T> as Wire>::ViewMut<'w>;
    const MIN_LEN: usize = <Vec<T> as Wire>::MIN_LEN;
    const ALIGN: usize = <Vec<T> as Wire>::ALIGN;
    fn schema(types: &mut SchemaBuilder) -> TypeRef {
        <Vec<T> as Wire>::schema(types)
    }
    fn encode(&self, w: &mut Writer) {
        self.0.encode(w);
    }
    fn decode(r: &mut Reader<'_>) -> Result<Self, DecodeError> {
        Vec::decode(r).map(Routed)
    }
    fn view<'w>(&'w self, index: &'w Index) -> Self::View<'w, f32> {
        Wire::view(&self.0, index)
    }
    fn read<'w>(r: &mut Reader<'w>, index: &'w Index) -> Result<Self::View<'w, f32>, DecodeError> {
        <Vec<T> as Wire>::read(r, index)
    }
    fn read_mut<'w>(r: &mut ReaderMut<'w>) -> Result<Self::ViewMut<'w>, DecodeError> {
        <Vec<T> as Wire>::read_mut(r)
    }
}

impl<T: Element> Element for Routed<T> {
    type Kind = Walked;
}

/// A gradient for each expert.
impl<T: Element> Part for Routed<T>
where
    Vec<T>: Part,
{
    type Grad<R: Real> = <Vec<T> as Part>::Grad<R>;

    fn ignored<R: Real>() -> Self::Grad<R> {
        <Vec<T> as Part>::ignored::<R>()
    }
    fn point<R: Real, P: Lift<R>>(view: Self::View<'_, P>) -> Self::Grad<R> {
        <Vec<T> as Part>::point::<R, P>(view)
    }
    fn at<'o, 'w: 'o, R: Real, P: Lift<R>>(
        view: Self::View<'w, P>,
        point: &'o Self::Grad<R>,
        index: &'o Index,
    ) -> Result<Self::View<'o, R>, Error> {
        <Vec<T> as Part>::at::<R, P>(view, point, index)
    }
    fn walk<R: Real, P: Lift<R>>(
        view: Self::View<'_, P>,
        grad: &mut Self::Grad<R>,
        path: &mut String,
        visit: &mut dyn FnMut(Leaf<'_, R>),
    ) -> Result<(), Error> {
        <Vec<T> as Part>::walk::<R, P>(view, grad, path, visit)
    }
    fn walk_mut(
        view: Self::ViewMut<'_>,
        grad: &mut Self::Grad<f32>,
        path: &mut String,
        visit: &mut dyn FnMut(LeafMut<'_>),
    ) -> Result<(), Error> {
        <Vec<T> as Part>::walk_mut(view, grad, path, visit)
    }
    fn walk_grad<R: Real>(grad: &mut Self::Grad<R>, visit: &mut dyn FnMut(GradLeaf<'_, R>)) {
        <Vec<T> as Part>::walk_grad::<R>(grad, visit);
    }
    fn add_grad<R: Real>(grad: &mut Self::Grad<R>, other: &Self::Grad<R>) -> Result<(), Error> {
        <Vec<T> as Part>::add_grad::<R>(grad, other)
    }
}

impl<T: Layer + Element<Kind = Walked>> Layer for Routed<T> {
    const SIG: Sig = routed(&T::SIG);
    // experts are given copies of their tokens
    const KEEPS: &'static [bool] = &[false, false];
    const KEEPS_OUT: bool = false;
    const STEPS: bool = T::STEPS;

    type Residual<'r, R: Real> = Path<'r, T, R>;
    type State<R: Real> = Vec<T::State<R>>;

    fn bind<P: Copy + 'static>(view: &[T::View<'_, P>], sizes: &mut Sizes) -> Result<(), Error> {
        for (i, expert) in view.iter().enumerate() {
            let mut inner = Sizes::new();
            let segment = format!("{i}");
            T::bind::<P>(*expert, &mut inner).inside(&segment)?;
            for axis in T::SIG.own_axes() {
                sizes.join(&inner, &[(axis, axis)], &segment)?;
            }
        }
        sizes.bind("experts", view.len(), "the list")
    }

    fn dims<P: Copy + 'static>(view: &[T::View<'_, P>], ins: &[Dims], outs: &mut [Dims]) -> Result<(), Error> {
        let [x, gates] = exactly(ins, "inputs")?;
        let [y] = exactly_mut(outs, "results")?;
        if !(1..=i8::MAX as usize).contains(&view.len()) {
            return Err(Error::input("1 to 127 experts", format!("{}", view.len())));
        }
        if gates != x.with_last(view.len()) {
            return Err(Error::shape(
                format!("gates of {}, one an expert", x.with_last(view.len())),
                format!("{gates}"),
            ));
        }
        let mut first = None;
        for (i, expert) in view.iter().enumerate() {
            let mut out = [Dims::SCALAR];
            T::dims::<P>(*expert, &[x], &mut out).map_err(|e| e.inside(&format!("{i}")))?;
            let wanted = *first.get_or_insert(out[0]);
            if out[0] != wanted {
                return Err(
                    Error::shape(format!("experts that give {wanted}"), format!("{}", out[0])).inside(&format!("{i}"))
                );
            }
            *y = wanted;
        }
        Ok(())
    }

    fn forward<R: Real, P: Lift<R>>(
        view: &[T::View<'_, P>],
        ins: &[Input<'_, '_, R>],
        outs: &mut [&mut [R]],
        state: &mut Vec<T::State<R>>,
        mut scratch: Arena<'_, R>,
    ) -> Result<(), Error> {
        let mut s = scratch.lend();
        let [x, gates] = exactly(ins, "inputs")?;
        let [y] = exactly_mut(outs, "results")?;
        let (x, gates) = (x.real()?, gates.real()?);
        let sizes = Tokens::new::<T, R, P>(view, x.dims())?;
        sizes.fit("result", sizes.d_out, Some(y.len()))?;
        let (tags, taken) = (s.take_codes(sizes.count()), s.take(sizes.count()));
        choose(gates.data(), view.len(), tags, taken);
        let states = sized(state, sizes.runs())?;
        for (run, state) in states.iter_mut().enumerate() {
            let given = sizes.given(tags, run);
            let n = given.clone().count();
            if n == 0 {
                continue;
            }
            let mut s = s.lend();
            let (from, to) = (s.take(n * sizes.d_in), s.take(n * sizes.d_out));
            gather(x.data(), given.clone(), sizes.d_in, from);
            let input = Input::Real(Arg::passing(from, sizes.dims(n)));
            let expert = run % view.len();
            T::forward::<R, P>(view[expert], &[input], &mut [&mut *to], state, s.lend())
                .map_err(|e| e.inside(&format!("{expert}")))?;
            scatter(to, given, taken, sizes.d_out, y);
        }
        Ok(())
    }

    fn forward_saving<'w: 'r, 'r, R: Real, P: Lift<R>>(
        view: &'w [T::View<'w, P>],
        ins: &[Input<'r, '_, R>],
        outs: &mut [&mut [R]],
        state: &mut Vec<T::State<R>>,
        saved: &mut Arena<'r, R>,
        mut scratch: Arena<'_, R>,
    ) -> Result<Path<'r, T, R>, Error> {
        let mut s = scratch.lend();
        let [x, gates] = exactly(ins, "inputs")?;
        let [y] = exactly_mut(outs, "results")?;
        let (x, gates) = (x.real()?, gates.real()?);
        let sizes = Tokens::new::<T, R, P>(view, x.dims())?;
        sizes.fit("result", sizes.d_out, Some(y.len()))?;
        let (tags, taken) = (saved.take_codes(sizes.count()), saved.take(sizes.count()));
        choose(gates.data(), view.len(), tags, taken);
        let runs = saved.take_list::<Run<'r, T, R>>(sizes.runs());
        let states = sized(state, sizes.runs())?;
        for (run, state) in states.iter_mut().enumerate() {
            let given = sizes.given(tags, run);
            let n = given.clone().count();
            if n == 0 {
                continue;
            }
            let mut s = s.lend();
            let mut from = Buf::new(T::KEEPS[0], n * sizes.d_in, saved, &mut s);
            gather(x.data(), given.clone(), sizes.d_in, from.write());
            let out = saved.take(n * sizes.d_out);
            let (input, expert) = (Input::Real(from.read(sizes.dims(n))), run % view.len());
            let residual = T::forward_saving::<R, P>(view[expert], &[input], &mut [&mut *out], state, saved, s.lend())
                .map_err(|e| e.inside(&format!("{expert}")))?;
            let out: &'r [R] = out;
            scatter(out, given, taken, sizes.d_out, y);
            runs[run] = Some(Run { residual, out });
        }
        Ok(Path { tags, gates: taken, runs, sizes })
    }

    fn vjp<R: Real>(
        Path { tags, gates: taken, runs, sizes }: Path<'_, T, R>,
        _: &[&[R]],
        cots: &[&[R]],
        ins: &mut [Slot<'_, R>],
        grad: &mut Vec<T::Grad<R>>,
        state: &mut Vec<T::State<R>>,
        mut scratch: Arena<'_, R>,
    ) -> Result<(), Error> {
        let mut s = scratch.lend();
        let [c] = exactly(cots, "cotangents")?;
        let [x, gates] = exactly_mut(ins, "inputs")?;
        sizes.fit("cotangent", sizes.d_out, Some(c.len()))?;
        sizes.fit("x", sizes.d_in, x.size())?;
        sizes.fit("gates", sizes.experts, gates.size())?;
        let (mut x_cot, mut gates_cot) = (x.accumulate(), gates.accumulate());
        let (grads, states) = (sized(grad, sizes.experts)?, sized(state, sizes.runs())?);
        for (run, (ran, state)) in runs.iter().zip(states).enumerate() {
            let Some(Run { residual, out }) = ran else { continue };
            let (given, expert) = (sizes.given(tags, run), run % sizes.experts);
            let n = given.clone().count();
            let mut s = s.lend();
            let (out_cot, in_cot) = (s.take(n * sizes.d_out), s.take(n * sizes.d_in));
            let rows = out.chunks_exact(sizes.d_out.max(1)).zip(out_cot.chunks_exact_mut(sizes.d_out.max(1)));
            for (t, (out, out_cot)) in given.clone().zip(rows) {
                let c = &c[t * sizes.d_out..][..sizes.d_out];
                out_cot.iter_mut().zip(c).for_each(|(to, c)| *to = taken[t] * *c);
                if let Some(gates_cot) = &mut gates_cot {
                    gates_cot[t * sizes.experts + expert] += sum_of_products(out, c);
                }
            }
            let slot = if x_cot.is_some() { Slot::Write(&mut *in_cot) } else { Slot::Skip };
            T::vjp::<R>(*residual, &[out], &[&*out_cot], &mut [slot], &mut grads[expert], state, s.lend())
                .map_err(|e| e.inside(&format!("{expert}")))?;
            if let Some(x_cot) = &mut x_cot {
                for (t, from) in given.zip(in_cot.chunks_exact(sizes.d_in.max(1))) {
                    x_cot[t * sizes.d_in..][..sizes.d_in].iter_mut().zip(from).for_each(|(to, from)| *to += *from);
                }
            }
        }
        Ok(())
    }
}
