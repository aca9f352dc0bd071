//! A scalar that writes down what is done with it, so that a formula can be run backward.

use core::any::Any;
use core::cell::RefCell;
use core::cmp::Ordering;
use core::marker::PhantomData;
use core::ops::{Add, AddAssign, Div, Mul, MulAssign, Neg, Sub, SubAssign};
use core::sync::atomic::{AtomicU32, Ordering as Atomic};

use alloc::boxed::Box;
use alloc::format;
use alloc::vec::Vec;

use crate::Error;
use crate::real::{Lift, Real};

/// A number whose arithmetic is recorded: what a [`Formula`](super::Formula) runs over when it is to be run backward.
///
/// An operation with a recorded number costs a lookup in thread-local memory and an entry of two numbers and two slopes
/// (24 bytes over `f64`); one between constants costs nothing. It nests: over `Taped<f64>` the slopes are recorded as
/// well. Models and ops over this scalar are recorded operation by operation, which gives the same gradients as their own
/// rules at many times the memory.
///
/// Numbers stay with the thread that records: results that met another tape, or were computed on another thread, are
/// refused when the tape is run backward, and never count as constants.
#[derive(Clone, Copy, Debug, Default)]
pub struct Taped<R> {
    value: R,
    node: u32,
    /// [`CONSTANT`], [`LOST`], or the number of a tape
    tape: u32,
}

const CONSTANT: u32 = 0;
const LOST: u32 = u32::MAX;
/// In the place of an operand that is a constant.
const NONE: u32 = u32::MAX;

/// One operation: its recorded operands, and its derivative by each.
#[derive(Clone, Copy, Debug)]
pub(super) struct Node<R> {
    operands: [u32; 2],
    slopes: [R; 2],
}

/// The operations of one tape, in order.
pub(super) type Nodes<R> = Box<Vec<Node<R>>>;

struct Open {
    tape: u32,
    /// a [`Nodes`] of any scalar
    nodes: Box<dyn Any>,
}

std::thread_local! {
    /// Tapes that are recording on this thread, the innermost last.
    static OPEN: RefCell<Vec<Open>> = const { RefCell::new(Vec::new()) };
}

/// A tape that is recording. One that is dropped (after an error) stops.
pub(super) struct Recording<R: Real> {
    tape: u32,
    /// it must end on the thread where it began
    here: PhantomData<*const R>,
}

impl<R: Real> Recording<R> {
    /// Starts a tape in memory that it may reuse.
    pub(super) fn start(mut nodes: Nodes<R>) -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        // neither of the two words that mean something else
        let tape = 1 + NEXT.fetch_add(1, Atomic::Relaxed) % (LOST - 1);
        nodes.clear();
        OPEN.with_borrow_mut(|open| open.push(Open { tape, nodes }));
        Recording { tape, here: PhantomData }
    }

    /// A number to differentiate by.
    pub(super) fn variable(&self, value: R) -> Taped<R> {
        Taped::record(value, self.tape, [NONE; 2], [R::ZERO; 2])
    }

    /// Ends the tape.
    pub(super) fn finish(self) -> Tape<R> {
        Tape { tape: self.tape, nodes: self.close().unwrap_or_default() }
    }

    fn close(&self) -> Option<Nodes<R>> {
        let open = OPEN.with_borrow_mut(|open| {
            let at = open.iter().rposition(|open| open.tape == self.tape)?;
            Some(open.remove(at))
        });
        open?.nodes.downcast().ok()
    }
}

impl<R: Real> Drop for Recording<R> {
    fn drop(&mut self) {
        self.close();
    }
}

/// A tape that has been recorded.
pub(super) struct Tape<R> {
    tape: u32,
    nodes: Nodes<R>,
}

impl<R: Real> Tape<R> {
    /// The memory, for the next tape.
    pub(super) fn into_nodes(self) -> Nodes<R> {
        self.nodes
    }

    /// The gradient by the first `n` numbers recorded, from the cotangents of the results.
    ///
    /// # Errors
    /// A result was not computed on this tape.
    pub(super) fn backward(
        &self,
        results: &[Taped<R>],
        cots: &[R],
        n: usize,
        adjoints: &mut Vec<Option<R>>,
        g: &mut Vec<R>,
    ) -> Result<(), Error> {
        adjoints.clear();
        adjoints.resize(self.nodes.len(), None);
        for (result, cot) in results.iter().zip(cots) {
            match adjoints.get_mut(result.node as usize) {
                _ if result.tape == CONSTANT => {}
                Some(adjoint) if result.tape == self.tape => add(adjoint, *cot),
                _ => {
                    let expected = "results computed from this call's arguments, on the thread that asks for them";
                    return Err(Error::input(expected, "a result of another call or thread"));
                }
            }
        }
        for (i, node) in self.nodes.iter().enumerate().rev() {
            // what no result depends on has no adjoint: a slope of infinity there is no NaN
            let (before, [adjoint, ..]) = adjoints.split_at_mut(i) else { continue };
            let Some(adjoint) = *adjoint else { continue };
            for (operand, slope) in node.operands.iter().zip(node.slopes) {
                if let Some(operand) = before.get_mut(*operand as usize) {
                    add(operand, slope * adjoint);
                }
            }
        }
        g.clear();
        g.extend(adjoints.iter().take(n).map(|adjoint| adjoint.unwrap_or(R::ZERO)));
        if g.len() == n { Ok(()) } else { Err(Error::input(format!("{n} recorded arguments"), format!("{}", g.len()))) }
    }
}

fn add<R: Real>(to: &mut Option<R>, value: R) {
    // never 0 + value: the first contribution is the value itself, also where it is -0
    *to = Some(to.map_or(value, |to| to + value));
}

impl<R: Real> Taped<R> {
    /// The number itself.
    pub fn primal(self) -> R {
        self.value
    }

    fn constant(value: R) -> Self {
        Taped { value, node: 0, tape: CONSTANT }
    }

    fn record(value: R, tape: u32, operands: [u32; 2], slopes: [R; 2]) -> Self {
        let node = OPEN.with_borrow_mut(|open| {
            let open = open.iter_mut().rev().find(|open| open.tape == tape)?;
            let nodes = open.nodes.downcast_mut::<Vec<Node<R>>>()?;
            // the last number means none
            let node = u32::try_from(nodes.len()).ok().filter(|node| *node != NONE)?;
            nodes.push(Node { operands, slopes });
            Some(node)
        });
        match node {
            Some(node) => Taped { value, node, tape },
            None => Taped { value, node: 0, tape: LOST },
        }
    }

    /// `value`, whose derivative by `self` is `slope()`.
    fn unary(self, value: R, slope: impl FnOnce() -> R) -> Self {
        match self.tape {
            CONSTANT => Self::constant(value),
            LOST => Taped { value, ..self },
            tape => Self::record(value, tape, [self.node, NONE], [slope(), R::ZERO]),
        }
    }

    /// `value`, whose derivatives by the two are `slopes()`.
    fn binary(self, other: Self, value: R, slopes: impl FnOnce() -> [R; 2]) -> Self {
        match (self.tape, other.tape) {
            (CONSTANT, CONSTANT) => Self::constant(value),
            (CONSTANT, LOST) | (LOST, _) => Taped { value, node: 0, tape: LOST },
            (tape, CONSTANT) => Self::record(value, tape, [self.node, NONE], slopes()),
            (CONSTANT, tape) => Self::record(value, tape, [NONE, other.node], slopes()),
            (tape, same) if tape == same => Self::record(value, tape, [self.node, other.node], slopes()),
            _ => Taped { value, node: 0, tape: LOST },
        }
    }
}

impl<R: PartialOrd> PartialEq for Taped<R> {
    fn eq(&self, other: &Self) -> bool {
        self.value == other.value
    }
}
impl<R: PartialOrd> PartialOrd for Taped<R> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        self.value.partial_cmp(&other.value)
    }
}

impl<R: Real> Add for Taped<R> {
    type Output = Self;
    fn add(self, o: Self) -> Self {
        self.binary(o, self.value + o.value, || [R::ONE, R::ONE])
    }
}
impl<R: Real> Sub for Taped<R> {
    type Output = Self;
    fn sub(self, o: Self) -> Self {
        self.binary(o, self.value - o.value, || [R::ONE, -R::ONE])
    }
}
impl<R: Real> Mul for Taped<R> {
    type Output = Self;
    fn mul(self, o: Self) -> Self {
        self.binary(o, self.value * o.value, || [o.value, self.value])
    }
}
impl<R: Real> Div for Taped<R> {
    type Output = Self;
    fn div(self, o: Self) -> Self {
        let value = self.value / o.value;
        self.binary(o, value, || [R::ONE / o.value, -value / o.value])
    }
}
impl<R: Real> Neg for Taped<R> {
    type Output = Self;
    fn neg(self) -> Self {
        self.unary(-self.value, || -R::ONE)
    }
}
impl<R: Real> AddAssign for Taped<R> {
    fn add_assign(&mut self, o: Self) {
        *self = *self + o;
    }
}
impl<R: Real> SubAssign for Taped<R> {
    fn sub_assign(&mut self, o: Self) {
        *self = *self - o;
    }
}
impl<R: Real> MulAssign for Taped<R> {
    fn mul_assign(&mut self, o: Self) {
        *self = *self * o;
    }
}

impl<R: Real> Real for Taped<R> {
    const ZERO: Self = Taped { value: R::ZERO, node: 0, tape: CONSTANT };
    const ONE: Self = Taped { value: R::ONE, node: 0, tape: CONSTANT };

    fn of(x: f64) -> Self {
        Self::constant(R::of(x))
    }
    fn value(self) -> f64 {
        self.value.value()
    }
    fn at_value(self, value: f64) -> Self {
        self.unary(self.value.at_value(value), || R::ONE)
    }
    fn exp(self) -> Self {
        let y = self.value.exp();
        self.unary(y, || y)
    }
    fn ln(self) -> Self {
        self.unary(self.value.ln(), || R::ONE / self.value)
    }
    fn sqrt(self) -> Self {
        let y = self.value.sqrt();
        self.unary(y, || R::of(0.5) / y)
    }
    fn tanh(self) -> Self {
        let y = self.value.tanh();
        self.unary(y, || R::ONE - y * y)
    }
    fn sigmoid(self) -> Self {
        let y = self.value.sigmoid();
        self.unary(y, || y * (R::ONE - y))
    }
    fn softplus(self) -> Self {
        self.unary(self.value.softplus(), || self.value.sigmoid())
    }
    fn normal_cdf(self) -> Self {
        self.unary(self.value.normal_cdf(), || self.value.normal_pdf())
    }
    fn sin(self) -> Self {
        self.unary(self.value.sin(), || self.value.cos())
    }
    fn cos(self) -> Self {
        self.unary(self.value.cos(), || -self.value.sin())
    }
    fn step_with_slope(self, slope: Self) -> Self {
        self.unary(self.value.step_with_slope(slope.value), || slope.value)
    }
}

impl<R: Real> Lift<Taped<R>> for Taped<R> {
    fn lift(self) -> Taped<R> {
        self
    }
    fn same(s: &[Self]) -> Option<&[Taped<R>]> {
        Some(s)
    }
}
