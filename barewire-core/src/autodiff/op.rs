//! One op as a function of its arguments.

use core::marker::PhantomData;

use alloc::format;
use alloc::vec::Vec;

use super::{Cotangents, Function};
use crate::Error;
use crate::real::Real;
use crate::testing::{Contribution, Given, Testable, Value};

/// An op, or a `#[differentiable]` function, by its arguments: all of their numbers, one argument after the other. Ids,
/// settings and packed digits stay as they are, and so does a [`Value::constant`].
///
/// Sequences start from the zero state. Results are one after the other, too.
///
/// ```
/// use barewire_core::autodiff::{Op, grad, jacobian};
/// use barewire_core::ops;
/// use barewire_core::testing::Value;
///
/// // three logits of one row, and the id that is right
/// let loss = Op::<ops::cross_entropy>::new(vec![Value::new(&[1, 3], vec![0.0; 3]), Value::ids(&[1], vec![2])]);
/// let third = 1.0 / 3.0;
/// let g = grad(&loss, &[0.0_f64; 3])?;
/// assert!((g[0] - third).abs() + (g[1] - third).abs() + (g[2] - third + 1.0).abs() < 1e-15);
///
/// let softmax = Op::<ops::softmax>::new(vec![Value::new(&[2], vec![0.0; 2])]);
/// assert_eq!(jacobian(&softmax, &[0.0_f64; 2])?.values(), [0.25, -0.25, -0.25, 0.25]);
/// # Ok::<(), barewire_core::Error>(())
/// ```
pub struct Op<O> {
    arguments: Vec<Value<f64>>,
    /// for each argument, whether it varies
    varies: Vec<bool>,
    op: PhantomData<fn() -> O>,
}

impl<O> Op<O> {
    /// The op at these arguments. Their sizes stay; their numbers are those of [`point`](Op::point).
    pub fn new(arguments: Vec<Value<f64>>) -> Self {
        let varies = arguments.iter().map(|value| value.free).collect();
        Op { arguments, varies, op: PhantomData }
    }

    /// By some of its arguments alone, counted from 0; the others keep their numbers.
    #[must_use]
    pub fn by(mut self, arguments: &[usize]) -> Self {
        for (i, (varies, value)) in self.varies.iter_mut().zip(&self.arguments).enumerate() {
            *varies = value.free && arguments.contains(&i);
        }
        self
    }

    /// The numbers of the arguments that vary.
    pub fn point<R: Real>(&self) -> Vec<R> {
        self.varying().flat_map(|value| &value.numbers).map(|x| R::of(*x)).collect()
    }

    fn varying(&self) -> impl Iterator<Item = &Value<f64>> {
        self.arguments.iter().zip(&self.varies).filter(|(_, varies)| **varies).map(|(value, _)| value)
    }

    /// The arguments with the numbers of `x`.
    fn at<R: Real>(&self, x: &[R]) -> Result<Vec<Value<R>>, Error> {
        let size = self.varying().map(|value| value.numbers.len()).sum();
        super::passes::same_size("x", size, x.len())?;
        let mut rest = x.iter().copied();
        let values = self.arguments.iter().zip(&self.varies).map(|(value, varies)| {
            value.with(|numbers| match varies {
                true => rest.by_ref().take(numbers.len()).collect(),
                false => numbers.iter().map(|x| R::of(*x)).collect(),
            })
        });
        Ok(values.collect())
    }
}

impl<O: Testable<R>, R: Real> Function<R> for Op<O> {
    type Memory = ();

    fn run(&self, x: &[R], y: &mut Vec<R>, (): &mut ()) -> Result<(), Error> {
        y.clear();
        y.extend(O::run_plain(&self.at(x)?, &Given::default())?.outs.concat());
        Ok(())
    }

    fn pull(&self, x: &[R], cot: Cotangents<'_, R>, g: &mut Vec<R>, (): &mut ()) -> Result<(), Error> {
        let arguments = self.at(x)?;
        let outs = O::run_plain(&arguments, &Given::default())?.outs;
        let mut w = alloc::vec![R::ZERO; outs.iter().map(Vec::len).sum()];
        cot(&outs.concat(), &mut w)?;
        let mut rest = w.into_iter();
        let outs = outs.iter().map(|out| rest.by_ref().take(out.len()).collect()).collect();
        let pulled = O::pull(&arguments, &Given { outs, ..Given::default() }, Contribution::First)?;
        g.clear();
        for (gradient, _) in pulled.arguments.iter().zip(&self.varies).filter(|(_, varies)| **varies) {
            g.extend_from_slice(gradient);
        }
        let found = g.len();
        if found == x.len() {
            Ok(())
        } else {
            Err(Error::input(format!("gradients of {} numbers", x.len()), format!("{found}")))
        }
    }
}
