//! Adam's step on float parameters, which every optimiser here shares.

use core::ops::Range;
use std::vec::Vec;

use barewire_kernels::Exec;
use barewire_kernels::adam::{self, Coefficients};

use super::AdamWOptions;
use crate::Error;
use crate::gradient::{Form, Gradient};
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
        block: &mut Block,
    ) -> Result<(), Error> {
        self.check(values.len())?;
        let c = if dims.rank() > 1 { rates.decayed } else { rates.plain };
        match grad.form() {
            Form::Ignored => Ok(()),
            Form::Dense => match grad.dense(values.len()) {
                Some(grad) => Ok(adam::update_with(exec, c, values, grad, self.first, self.second)?),
                None => Ok(()),
            },
            // rows and pairs are never a whole matrix, nor is nothing
            _ => {
                let sizes = matrix(dims);
                let read = |rows, out: &mut [f32]| grad.read_rows_with(exec, sizes, rows, out);
                block.each(sizes, 1, read, |rows, grad| {
                    let at = rows.start * sizes[1]..rows.end * sizes[1];
                    let (first, second) = (&mut self.first[at.clone()], &mut self.second[at.clone()]);
                    Ok(adam::update_with(exec, c, &mut values[at], grad, first, second)?)
                })
            }
        }
    }
}

/// Rows and columns of a parameter; a list is one number a row.
fn matrix(dims: &Dims) -> [usize; 2] {
    let rows = dims.sizes().first().copied().unwrap_or(1);
    [rows, dims.len() / rows.max(1)]
}

/// Numbers of a gradient that are formed at a time: 256 KiB, which the second cache level holds.
const BLOCK: usize = 1 << 16;

/// Room for some rows of a gradient that is not held dense.
#[derive(Clone, Debug, Default)]
pub(super) struct Block(Vec<f32>);

impl Block {
    /// A matrix some rows at a time, never as a whole: `read` forms them, `take` takes them. Their number is a multiple of
    /// `unit`, but for the last ones.
    pub(super) fn each(
        &mut self,
        [rows, cols]: [usize; 2],
        unit: usize,
        mut read: impl FnMut(Range<usize>, &mut [f32]) -> Result<(), Error>,
        mut take: impl FnMut(Range<usize>, &[f32]) -> Result<(), Error>,
    ) -> Result<(), Error> {
        let step = (BLOCK / cols.max(1) / unit).max(1) * unit;
        for first in (0..rows).step_by(step) {
            let range = first..rows.min(first + step);
            self.0.resize(range.len() * cols, 0.0);
            read(range.clone(), &mut self.0)?;
            take(range, &self.0)?;
        }
        Ok(())
    }
}
