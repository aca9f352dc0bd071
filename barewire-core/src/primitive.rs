//! What an op is: the [`Primitive`] trait, and the values that go in and out of it.

use crate::Error;
use crate::real::Real;
use crate::shape::{Dims, Sig};
use crate::workspace::Arena;

/// An operation with a derivative rule: one unit struct, one file.
///
/// Equations call it by name. An implementation is checked with `barewire::testing::check_primitive`; a tangent (JVP)
/// needs no code of its own, since it is `forward` over [`Dual`](crate::real::Dual) numbers.
///
/// ```
/// use barewire_core::primitive::{Arg, Primitive, Slot};
/// use barewire_core::{Error, real::Real, shape::Sig, workspace::Arena};
///
/// /// `y = x^3`
/// #[allow(non_camel_case_types)]
/// pub struct cube;
///
/// impl Primitive for cube {
///     const SIG: Sig = Sig::new("(..) -> (..)");
///     const KEEPS: &'static [bool] = &[true];
///     type Args<'r, 'a, R: Real> = (Arg<'r, 'a, R>,);
///     type Cots<'a, R: Real> = (Slot<'a, R>,);
///     type Out<T> = [T; 1];
///     type Residual<'r, R: Real> = &'r [R];
///     type State<R: Real> = ();
///
///     fn forward_saving<'r, R: Real>(
///         (x,): (Arg<'r, '_, R>,), [y]: [&mut [R]; 1], _: &mut (), saved: &mut Arena<'r, R>, _: Arena<'_, R>,
///     ) -> Result<&'r [R], Error> {
///         for (y, &x) in y.iter_mut().zip(x.data()) { *y = x * x * x; }
///         Ok(x.keep(saved))
///     }
///     fn vjp<R: Real>(
///         x: &[R], _: [&[R]; 1], [c]: [&[R]; 1], (mut slot,): (Slot<'_, R>,), _: &mut (), _: Arena<'_, R>,
///     ) -> Result<(), Error> {
///         slot.each(|i| R::of(3.0) * x[i] * x[i] * c[i]);
///         Ok(())
///     }
/// }
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not an operation with a gradient rule",
    label = "no `impl Primitive` for this",
    note = "an op is a unit struct with `impl barewire::Primitive`, or a `#[differentiable] fn`"
)]
pub trait Primitive {
    /// Axes of arguments and results, such as `Sig::new("(o i), (.. i) -> (.. o)")`.
    const SIG: Sig;
    /// For each argument, whether the residual borrows its data. A caller puts such a value where it lives long
    /// enough; a wrong `false` costs a copy, never a wrong answer.
    const KEEPS: &'static [bool];
    /// Whether [`vjp`](Primitive::vjp) reads the results of the forward pass (its `out` is empty otherwise).
    const KEEPS_OUT: bool = false;
    /// Whether the op can run in chunks along the second axis (`time`). An op that mixes time without being causal
    /// says `false`, and `step` on an equation that uses it is refused at compile time.
    const STEPS: bool = true;

    /// The arguments: a tuple of [`Arg`] (activations), [`Ids`], and parameters (`R`, `&'r [R]`, `MatrixView<'r, R>`,
    /// `TernaryView<'r>` ..).
    type Args<'r, 'a, R: Real>;
    /// Where gradients of the arguments go: a tuple of [`Slot`] (activations), `()` (ids), and gradients of
    /// parameters (`&'a mut R`, `&'a mut Gradient<R>`, `&'a mut Signal<R>` ..).
    type Cots<'a, R: Real>;
    /// `[T; 1]`, or `[T; 2]` for an op with two results.
    type Out<T>;
    /// What the backward pass needs: borrows of arguments and arena slices. Exactly that, no more.
    type Residual<'r, R: Real>: Copy;
    /// What is carried along time: `()`, or a [`Carry`](crate::state::Carry).
    type State<R: Real>: crate::state::State<R>;

    /// Sizes of the results for these sizes of the arguments.
    ///
    /// # Errors
    /// Sizes that the signature does not allow.
    fn dims(args: &[Dims], outs: &mut [Dims]) -> Result<(), Error> {
        Self::SIG.dims(args, outs)
    }

    /// The forward pass when nothing is kept. The default runs [`forward_saving`](Primitive::forward_saving) on
    /// scratch memory; an op for which saving costs something writes its own.
    ///
    /// # Errors
    /// As `forward_saving`.
    fn forward<'s, R: Real>(
        args: Self::Args<'s, '_, R>,
        out: Self::Out<&mut [R]>,
        state: &mut Self::State<R>,
        scratch: Arena<'s, R>,
    ) -> Result<(), Error> {
        let (mut saved, scratch) = scratch.split();
        Self::forward_saving(args, out, state, &mut saved, scratch).map(drop)
    }

    /// The forward pass: reads `args`, writes every element of `out`, reads the initial `state` and leaves the final
    /// one. What the backward pass needs is borrowed from the arguments ([`Arg::keep`]) or taken from `saved`;
    /// `scratch` is free again when the call ends.
    ///
    /// # Errors
    /// Sizes or values that the op cannot take. Never panics.
    fn forward_saving<'r, R: Real>(
        args: Self::Args<'r, '_, R>,
        out: Self::Out<&mut [R]>,
        state: &mut Self::State<R>,
        saved: &mut Arena<'r, R>,
        scratch: Arena<'_, R>,
    ) -> Result<Self::Residual<'r, R>, Error>;

    /// The backward pass: from the cotangents `cot` of the results to those of the arguments. Parameter gradients are
    /// added to. `out` holds the results if [`KEEPS_OUT`](Primitive::KEEPS_OUT). `state` holds the cotangent of the
    /// final state on entry and that of the initial state on return.
    ///
    /// # Errors
    /// A residual and cotangents that do not belong together.
    fn vjp<R: Real>(
        residual: Self::Residual<'_, R>,
        out: Self::Out<&[R]>,
        cot: Self::Out<&[R]>,
        args: Self::Cots<'_, R>,
        state: &mut Self::State<R>,
        scratch: Arena<'_, R>,
    ) -> Result<(), Error>;
}

/// An activation that goes into a call: its numbers, its sizes, and whether they outlive the call.
#[derive(Clone, Copy, Debug)]
pub struct Arg<'r, 'a, R> {
    data: &'a [R],
    kept: Option<&'r [R]>,
    dims: Dims,
}

impl<'r, 'a, R: Real> Arg<'r, 'a, R> {
    /// Numbers that live as long as the residual.
    pub fn kept(data: &'r [R], dims: Dims) -> Self
    where
        'r: 'a,
    {
        Arg { data, kept: Some(data), dims }
    }

    /// Numbers in scratch memory.
    pub fn passing(data: &'a [R], dims: Dims) -> Self {
        Arg { data, kept: None, dims }
    }

    /// The numbers, row-major.
    pub fn data(&self) -> &'a [R] {
        self.data
    }

    /// The sizes.
    pub fn dims(&self) -> Dims {
        self.dims
    }

    /// A run of the numbers with sizes of its own.
    pub(crate) fn part(&self, range: core::ops::Range<usize>, dims: Dims) -> Option<Self> {
        let kept = match self.kept {
            Some(data) => Some(data.get(range.clone())?),
            None => None,
        };
        Some(Arg { data: self.data.get(range)?, kept, dims })
    }

    /// The numbers, if they outlive the call.
    pub(crate) fn kept_data(&self) -> Option<&'r [R]> {
        self.kept
    }

    /// The numbers for the residual: a borrow where they live long enough, else a copy in `saved`.
    pub fn keep(self, saved: &mut Arena<'r, R>) -> &'r [R] {
        match self.kept {
            Some(data) => data,
            None => saved.take_copy(self.data),
        }
    }
}

/// Token ids that go into a call.
#[derive(Clone, Copy, Debug)]
pub struct Ids<'r> {
    data: &'r [u32],
    dims: Dims,
}

impl<'r> Ids<'r> {
    /// Ids with these sizes.
    pub fn new(data: &'r [u32], dims: Dims) -> Self {
        Ids { data, dims }
    }

    /// The ids, row-major.
    pub fn data(&self) -> &'r [u32] {
        self.data
    }

    /// The sizes.
    pub fn dims(&self) -> Dims {
        self.dims
    }
}

/// Where the gradient of an activation goes.
#[derive(Debug)]
pub enum Slot<'a, R> {
    /// nobody asks for it
    Skip,
    /// the first contribution: overwrites
    Write(&'a mut [R]),
    /// a further contribution: adds
    Add(&'a mut [R]),
}

impl<R: Real> Slot<'_, R> {
    /// The memory to add to, cleared if this is the first contribution; `None` when nobody asks.
    pub fn accumulate(&mut self) -> Option<&mut [R]> {
        match self {
            Slot::Skip => None,
            Slot::Write(g) => {
                g.fill(R::ZERO);
                Some(g)
            }
            Slot::Add(g) => Some(g),
        }
    }

    /// Contributes `f(i)` to element `i`.
    pub fn each(&mut self, f: impl Fn(usize) -> R) {
        match self {
            Slot::Skip => {}
            Slot::Write(g) => g.iter_mut().enumerate().for_each(|(i, g)| *g = f(i)),
            Slot::Add(g) => g.iter_mut().enumerate().for_each(|(i, g)| *g += f(i)),
        }
    }

    /// Contributes a whole gradient.
    pub fn put(&mut self, values: &[R]) {
        self.each(|i| values[i]);
    }

    /// Number of elements; `None` when nobody asks.
    pub fn size(&self) -> Option<usize> {
        match self {
            Slot::Skip => None,
            Slot::Write(g) | Slot::Add(g) => Some(g.len()),
        }
    }

    /// The slot of row `i` of `rows`; nothing where the slot does not divide so.
    pub(crate) fn row(&mut self, i: usize, rows: usize) -> Slot<'_, R> {
        let n = self.size().unwrap_or(0) / rows.max(1);
        let part = i * n..(i + 1) * n;
        match self {
            Slot::Skip => Slot::Skip,
            Slot::Write(g) => g.get_mut(part).map_or(Slot::Skip, Slot::Write),
            Slot::Add(g) => g.get_mut(part).map_or(Slot::Skip, Slot::Add),
        }
    }

    /// The same slot for a contribution that is the first one in reverse order.
    pub fn first(&mut self) -> Slot<'_, R> {
        match self {
            Slot::Skip => Slot::Skip,
            Slot::Write(g) => Slot::Write(g),
            Slot::Add(g) => Slot::Add(g),
        }
    }

    /// The same slot for a further contribution.
    pub fn more(&mut self) -> Slot<'_, R> {
        match self {
            Slot::Skip => Slot::Skip,
            Slot::Write(g) | Slot::Add(g) => Slot::Add(g),
        }
    }
}
