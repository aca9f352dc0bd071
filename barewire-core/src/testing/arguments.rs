//! From memory to the typed tuples of an op, and back from its gradients.

use alloc::format;
use alloc::vec::Vec;

use super::Value;
use super::run::Contribution;
use crate::Error;
use crate::gradient::{Gradient, QuantizedGrad, Signal};
use crate::primitive::{Arg, Ids, Slot};
use crate::real::Real;
use crate::wire::{BinaryView, MatrixView, QuantizedView, TernaryView};

/// One argument of an op that the checks can make from a [`Sample`](super::Sample).
#[diagnostic::on_unimplemented(message = "the checks cannot make a `{Self}`", label = "not an argument type of ops")]
pub trait Argument<'r, R>: Sized {
    /// The argument, on this memory.
    ///
    /// # Errors
    /// A sample of another kind.
    fn of(value: &'r Value<R>) -> Result<Self, Error>;
}

/// All arguments of an op.
pub trait Arguments<'r, R>: Sized {
    /// The arguments, on this memory.
    ///
    /// # Errors
    /// Another number of samples, or samples of another kind.
    fn of(values: &'r [Value<R>]) -> Result<Self, Error>;
}

impl<'r, R: Real> Argument<'r, R> for Arg<'r, 'r, R> {
    fn of(value: &'r Value<R>) -> Result<Self, Error> {
        let make = if value.kept { Arg::kept } else { Arg::passing };
        Ok(make(&value.numbers, value.dims))
    }
}
impl<'r, R: Real> Argument<'r, R> for Ids<'r> {
    fn of(value: &'r Value<R>) -> Result<Self, Error> {
        Ok(Ids::new(&value.ids, value.dims))
    }
}
impl<'r, R: Real> Argument<'r, R> for u32 {
    fn of(value: &'r Value<R>) -> Result<Self, Error> {
        value.as_setting()
    }
}
impl<'r, R: Real> Argument<'r, R> for R {
    fn of(value: &'r Value<R>) -> Result<Self, Error> {
        value.number()
    }
}
impl<'r, R: Real> Argument<'r, R> for &'r [R] {
    fn of(value: &'r Value<R>) -> Result<Self, Error> {
        Ok(&value.numbers)
    }
}
impl<'r, R: Real> Argument<'r, R> for MatrixView<'r, R> {
    fn of(value: &'r Value<R>) -> Result<Self, Error> {
        let (rows, cols) = value.rows_cols()?;
        Ok(MatrixView { rows, cols, values: &value.numbers })
    }
}
impl<'r, R: Real> Argument<'r, R> for TernaryView<'r> {
    fn of(value: &'r Value<R>) -> Result<Self, Error> {
        let (rows, cols) = value.rows_cols()?;
        Ok(TernaryView { rows, cols, words: &value.words })
    }
}
impl<'r, R: Real> Argument<'r, R> for BinaryView<'r> {
    fn of(value: &'r Value<R>) -> Result<Self, Error> {
        let (rows, cols) = value.rows_cols()?;
        Ok(BinaryView { rows, cols, words: &value.words })
    }
}
impl<'r, R: Real> Argument<'r, R> for QuantizedView<'r, R> {
    fn of(value: &'r Value<R>) -> Result<Self, Error> {
        let (rows, cols) = value.rows_cols()?;
        let &[scale, zero] = value.numbers.as_slice() else {
            return Err(Error::input("a sample of codes", format!("{} numbers", value.numbers.len())));
        };
        Ok(QuantizedView { rows, cols, bits: value.bits, scale, zero, words: &value.words })
    }
}

/// Memory for the gradient of one argument, whatever its type.
#[derive(Debug)]
pub struct Receiver<R> {
    slot: Vec<R>,
    contribution: Contribution,
    gradient: Gradient<R>,
    quantized: QuantizedGrad<R>,
    number: R,
    setting: (),
    got: Got,
}

/// Which field of a [`Receiver`] the op was given.
#[derive(Debug)]
enum Got {
    Nothing,
    Slot,
    Number,
    Gradient,
    Signal,
    Quantized,
}

impl<R: Real> Receiver<R> {
    pub(super) fn new(value: &Value<R>, contribution: Contribution) -> Self {
        let n = value.numbers.len();
        let further = contribution == Contribution::Further;
        let unwanted = contribution == Contribution::Unwanted;
        // a first contribution overwrites, so what is there must not matter
        let slot = alloc::vec![if further { R::ONE } else { R::of(f64::NAN) }; n];
        let gradient = match contribution {
            Contribution::First => Gradient::default(),
            Contribution::Further => Gradient::from_values(alloc::vec![R::ONE; n]),
            Contribution::Unwanted => Gradient::ignored(),
        };
        let start = if further { R::ONE } else { R::ZERO };
        let signal = if unwanted { Signal::ignored() } else { Signal::default() };
        let quantized = QuantizedGrad { scale: start, zero: start, signal };
        Receiver { slot, contribution, gradient, quantized, number: start, setting: (), got: Got::Nothing }
    }

    /// The gradient of the argument's numbers, and what its digits received.
    ///
    /// # Errors
    /// A gradient of another number of them.
    pub(super) fn read(mut self, value: &Value<R>) -> Result<(Vec<R>, Vec<R>), Error> {
        let n = value.numbers.len();
        let numbers = match self.got {
            _ if !value.free => alloc::vec![R::ZERO; n],
            Got::Nothing | Got::Signal => Vec::new(),
            Got::Slot => self.slot,
            Got::Number => [self.number].into(),
            Got::Gradient => self.gradient.dense(n)?.unwrap_or_default().to_vec(),
            Got::Quantized => [self.quantized.scale, self.quantized.zero].into(),
        };
        Ok((numbers, self.quantized.signal.values().to_vec()))
    }
}

/// One place where an op puts a gradient.
#[diagnostic::on_unimplemented(message = "the checks cannot make a `{Self}`", label = "not a gradient type of ops")]
pub trait Receives<'a, R> {
    /// The place, in this memory.
    fn of(receiver: &'a mut Receiver<R>) -> Self;
}

/// All places where an op puts gradients.
pub trait Receivers<'a, R>: Sized {
    /// The places, in this memory; as many as arguments, which were counted before.
    ///
    /// # Errors
    /// Another number of receivers.
    fn of(receivers: &'a mut [Receiver<R>]) -> Result<Self, Error>;
}

impl<'a, R: Real> Receives<'a, R> for () {
    fn of(_: &'a mut Receiver<R>) {}
}
impl<'a, R: Real> Receives<'a, R> for &'a mut () {
    fn of(receiver: &'a mut Receiver<R>) -> Self {
        &mut receiver.setting
    }
}
impl<'a, R: Real> Receives<'a, R> for Slot<'a, R> {
    fn of(receiver: &'a mut Receiver<R>) -> Self {
        receiver.got = Got::Slot;
        match receiver.contribution {
            Contribution::First => Slot::Write(&mut receiver.slot),
            Contribution::Further => Slot::Add(&mut receiver.slot),
            Contribution::Unwanted => Slot::Skip,
        }
    }
}
impl<'a, R: Real> Receives<'a, R> for &'a mut R {
    fn of(receiver: &'a mut Receiver<R>) -> Self {
        receiver.got = Got::Number;
        &mut receiver.number
    }
}
impl<'a, R: Real> Receives<'a, R> for &'a mut Gradient<R> {
    fn of(receiver: &'a mut Receiver<R>) -> Self {
        receiver.got = Got::Gradient;
        &mut receiver.gradient
    }
}
impl<'a, R: Real> Receives<'a, R> for &'a mut Signal<R> {
    fn of(receiver: &'a mut Receiver<R>) -> Self {
        receiver.got = Got::Signal;
        &mut receiver.quantized.signal
    }
}
impl<'a, R: Real> Receives<'a, R> for &'a mut QuantizedGrad<R> {
    fn of(receiver: &'a mut Receiver<R>) -> Self {
        receiver.got = Got::Quantized;
        &mut receiver.quantized
    }
}

macro_rules! tuples {
    ($($count:literal: $($T:ident $x:ident),+;)+) => { $(
        impl<'r, R: Real, $($T: Argument<'r, R>),+> Arguments<'r, R> for ($($T,)+) {
            fn of(values: &'r [Value<R>]) -> Result<Self, Error> {
                let [$($x),+] = values else {
                    return Err(Error::input(format!("{} samples", $count), format!("{}", values.len())));
                };
                Ok(($($T::of($x)?,)+))
            }
        }
        impl<'a, R: Real, $($T: Receives<'a, R>),+> Receivers<'a, R> for ($($T,)+) {
            fn of(receivers: &'a mut [Receiver<R>]) -> Result<Self, Error> {
                let found = receivers.len();
                let [$($x),+] = receivers else {
                    return Err(Error::input(format!("{} receivers", $count), format!("{found}")));
                };
                Ok(($($T::of($x),)+))
            }
        }
    )+ };
}

tuples! {
    1: A a;
    2: A a, B b;
    3: A a, B b, C c;
    4: A a, B b, C c, D d;
    5: A a, B b, C c, D d, E e;
    6: A a, B b, C c, D d, E e, F f;
    7: A a, B b, C c, D d, E e, F f, G g;
    8: A a, B b, C c, D d, E e, F f, G g, H h;
}

/// The results of an op: `[T; 1]` or `[T; 2]`.
pub trait Results<T>: Sized {
    /// One after the other.
    ///
    /// # Errors
    /// There are too few.
    fn of(items: impl Iterator<Item = T>) -> Result<Self, Error>;
}

impl<T, const N: usize> Results<T> for [T; N] {
    fn of(items: impl Iterator<Item = T>) -> Result<Self, Error> {
        let items: Vec<T> = items.collect();
        let found = items.len();
        items.try_into().map_err(|_| Error::input(format!("{N} results"), format!("{found}")))
    }
}
