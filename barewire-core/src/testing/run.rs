//! One call of an op, on memory of the checks.

use alloc::string::String;
use alloc::vec::Vec;

use super::Value;
use super::arguments::{Arguments, Receiver, Receivers, Results};
use crate::Error;
use crate::primitive::Primitive;
use crate::real::Real;
use crate::shape::Dims;
use crate::state::State;
use crate::workspace::Workspace;

/// What a call gets beside its arguments.
#[derive(Clone, Debug)]
pub struct Given<R> {
    /// initial state; unset if empty
    pub state: Vec<Vec<R>>,
    /// cotangents of the results
    pub outs: Vec<Vec<R>>,
    /// cotangent of the final state
    pub state_cot: Vec<Vec<R>>,
}

impl<R> Default for Given<R> {
    fn default() -> Self {
        Given { state: Vec::new(), outs: Vec::new(), state_cot: Vec::new() }
    }
}

/// What a forward pass gives.
#[derive(Clone, Debug)]
pub struct Ran<R> {
    /// the results
    pub outs: Vec<Vec<R>>,
    /// the final state
    pub state: Vec<Vec<R>>,
}

/// What a backward pass gives.
#[derive(Clone, Debug)]
pub struct Pulled<R> {
    /// gradients of the arguments' numbers; empty for digits and ids
    pub arguments: Vec<Vec<R>>,
    /// what digits received; empty for other arguments
    pub signals: Vec<Vec<R>>,
    /// cotangent of the initial state
    pub state: Vec<Vec<R>>,
}

/// Which contribution a backward pass makes to its slots.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Contribution {
    /// it overwrites
    First,
    /// it adds to ones
    Further,
    /// nobody asks
    Unwanted,
}

/// An op that the checks can call: implemented for every [`Primitive`] whose argument types they know.
pub trait Testable<R: Real>: Primitive {
    /// `forward_saving`
    ///
    /// # Errors
    /// Those of the op.
    fn run(values: &[Value<R>], given: &Given<R>) -> Result<Ran<R>, Error>;

    /// `forward`
    ///
    /// # Errors
    /// Those of the op.
    fn run_plain(values: &[Value<R>], given: &Given<R>) -> Result<Ran<R>, Error>;

    /// `forward_saving` and `vjp`
    ///
    /// # Errors
    /// Those of the op.
    fn pull(values: &[Value<R>], given: &Given<R>, contribution: Contribution) -> Result<Pulled<R>, Error>;
}

impl<O, R: Real> Testable<R> for O
where
    O: Primitive,
    for<'r> O::Args<'r, 'r, R>: Arguments<'r, R>,
    for<'a> O::Cots<'a, R>: Receivers<'a, R>,
    for<'a> O::Out<&'a mut [R]>: Results<&'a mut [R]>,
    for<'a> O::Out<&'a [R]>: Results<&'a [R]>,
{
    fn run(values: &[Value<R>], given: &Given<R>) -> Result<Ran<R>, Error> {
        let (mut outs, mut workspace) = (results::<O, R>(values)?, Workspace::new());
        let (mut saved, scratch) = workspace.start();
        let mut state = filled::<O::State<R>, R>(&given.state);
        O::forward_saving(Arguments::of(values)?, lent_mut(&mut outs)?, &mut state, &mut saved, scratch)?;
        Ok(Ran { outs, state: contents(&mut state) })
    }

    fn run_plain(values: &[Value<R>], given: &Given<R>) -> Result<Ran<R>, Error> {
        let (mut outs, mut workspace) = (results::<O, R>(values)?, Workspace::new());
        let (_, scratch) = workspace.start();
        let mut state = filled::<O::State<R>, R>(&given.state);
        plain::<O, R>(values, &mut outs, &mut state, scratch)?;
        Ok(Ran { outs, state: contents(&mut state) })
    }

    fn pull(values: &[Value<R>], given: &Given<R>, contribution: Contribution) -> Result<Pulled<R>, Error> {
        let (mut outs, mut workspace) = (results::<O, R>(values)?, Workspace::new());
        let (mut saved, mut scratch) = workspace.start();
        let mut state = filled::<O::State<R>, R>(&given.state);
        let args = Arguments::of(values)?;
        let residual = O::forward_saving(args, lent_mut(&mut outs)?, &mut state, &mut saved, scratch.lend())?;
        let mut receivers: Vec<_> = values.iter().map(|v| Receiver::new(v, contribution)).collect();
        let mut state = filled::<O::State<R>, R>(&given.state_cot);
        if !O::KEEPS_OUT {
            outs.iter_mut().for_each(Vec::clear);
        }
        let cots = Receivers::of(&mut receivers)?;
        O::vjp(residual, lent(&outs)?, lent(&given.outs)?, cots, &mut state, scratch)?;
        let read = receivers.into_iter().zip(values).map(|(receiver, value)| receiver.read(value));
        let (arguments, signals) = read.collect::<Result<Vec<_>, _>>()?.into_iter().unzip();
        Ok(Pulled { arguments, signals, state: contents(&mut state) })
    }
}

/// `forward` wants arguments and scratch of one lifetime: they meet here.
fn plain<'s, O, R: Real>(
    values: &'s [Value<R>],
    outs: &mut [Vec<R>],
    state: &mut O::State<R>,
    scratch: crate::workspace::Arena<'s, R>,
) -> Result<(), Error>
where
    O: Primitive,
    for<'r> O::Args<'r, 'r, R>: Arguments<'r, R>,
    for<'a> O::Out<&'a mut [R]>: Results<&'a mut [R]>,
{
    O::forward(Arguments::of(values)?, lent_mut(outs)?, state, scratch)
}

/// Room for the results, full of NaN: every element has to be written.
fn results<O: Primitive, R: Real>(values: &[Value<R>]) -> Result<Vec<Vec<R>>, Error> {
    let args: Vec<Dims> = values.iter().map(|v| v.dims).collect();
    let mut outs = alloc::vec![Dims::SCALAR; O::SIG.outputs()];
    O::dims(&args, &mut outs)?;
    Ok(outs.iter().map(|dims| alloc::vec![R::of(f64::NAN); dims.len()]).collect())
}

fn lent_mut<'a, R: Real, T: Results<&'a mut [R]>>(lists: &'a mut [Vec<R>]) -> Result<T, Error> {
    T::of(lists.iter_mut().map(|list| &mut list[..]))
}

fn lent<'a, R: Real, T: Results<&'a [R]>>(lists: &'a [Vec<R>]) -> Result<T, Error> {
    T::of(lists.iter().map(|list| &list[..]))
}

fn filled<S: State<R>, R: Real>(lists: &[Vec<R>]) -> S {
    let (mut state, mut lists) = (S::default(), lists.iter());
    state.walk(&mut String::new(), &mut |_, values| {
        if let Some(list) = lists.next() {
            values.clone_from(list);
        }
    });
    state
}

fn contents<S: State<R>, R: Real>(state: &mut S) -> Vec<Vec<R>> {
    let mut lists = Vec::new();
    state.walk(&mut String::new(), &mut |_, values| lists.push(values.clone()));
    lists
}
