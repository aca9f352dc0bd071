//! Adam's step on float parameters, which every optimiser here shares.

use std::vec::Vec;

use barewire_kernels::Exec;
use barewire_kernels::adam::{self, Coefficients};

use super::AdamWOptions;
use crate::Error;
use crate::gradient::Gradient;
use crate::shape::Dims;

/// The coefficients of one step, without weight decay and with it.
#[derive(Clone, Copy)]
pub(super) struct Rates {
    pub(super) plain: Coefficients,
    pub(super) decayed: Coefficients,
}

impl Rates {
    /// Those of step `steps`, counted from 1, for gradients of this `norm`.
    ///
    /// # Errors
    /// A norm that is not finite.
    pub(super) fn new(options: &AdamWOptions, steps: u64, norm: f64, lr: f32) -> Result<Self, Error> {
        if !norm.is_finite() {
            return Err(Error::input("gradients that are finite", format!("a norm of {norm}")));
        }
        let power = |beta: f32| f64::from(beta).powf(steps as f64);
        let clip = f64::from(options.clip);
        let plain = Coefficients {
            grad: if norm > clip { (clip / norm) as f32 } else { 1.0 },
            beta1: options.beta1,
            beta2: options.beta2,
            rate: (f64::from(lr) / (1.0 - power(options.beta1))) as f32,
            second: (1.0 / (1.0 - power(options.beta2))) as f32,
            eps: options.eps,
            keep: 1.0,
        };
        let keep = (1.0 - f64::from(lr) * f64::from(options.weight_decay)) as f32;
        Ok(Rates { plain, decayed: Coefficients { keep, ..plain } })
    }
}

/// Mean gradient and mean squared gradient of one parameter, where they lie.
pub(super) struct Moments<'a> {
    pub(super) first: &'a mut [f32],
    pub(super) second: &'a mut [f32],
}

impl Moments<'_> {
    /// Whether they are those of `n` numbers.
    pub(super) fn check(&self, n: usize) -> Result<(), Error> {
        match [self.first.len(), self.second.len()].into_iter().find(|len| *len != n) {
            Some(len) => Err(Error::length("moments", n, len)),
            None => Ok(()),
        }
    }

    /// A single number after one step.
    pub(super) fn number(&mut self, c: Coefficients, value: f32, grad: f32) -> Result<f32, Error> {
        let mut number = [value];
        adam::update(c, &mut number, &[grad], self.first, self.second)?;
        Ok(number[0])
    }

    /// One step of a list or a matrix; only matrices decay.
    pub(super) fn float(
        &mut self,
        exec: Exec,
        rates: &Rates,
        dims: &Dims,
        values: &mut [f32],
        grad: &mut Gradient<f32>,
        block: &mut Vec<f32>,
    ) -> Result<(), Error> {
        self.check(values.len())?;
        let c = if dims.rank() > 1 { rates.decayed } else { rates.plain };
        let sizes = matrix(dims);
        grad.each_block(exec, sizes, 1, block, |rows, grad| {
            let at = rows.start * sizes[1]..rows.end * sizes[1];
            let (first, second) = (&mut self.first[at.clone()], &mut self.second[at.clone()]);
            Ok(adam::update_with(exec, c, &mut values[at], grad, first, second)?)
        })
    }
}

/// Rows and columns of a parameter; a list is one number a row.
fn matrix(dims: &Dims) -> [usize; 2] {
    let rows = dims.sizes().first().copied().unwrap_or(1);
    [rows, dims.len() / rows.max(1)]
}
