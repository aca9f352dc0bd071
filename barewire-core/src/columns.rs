//! Equations over columns: the elements of a run are computed side by side, each with its own numbers, without a test of
//! their tags.

use alloc::format;
use alloc::vec;
use alloc::vec::Vec;
use core::marker::PhantomData;
use core::ops::Range;

use crate::Error;
use crate::error::Inside;
use crate::layer::Input;
use crate::primitive::{Arg, Slot};
use crate::real::Real;
use crate::shape::{Dims, MAX_ARGS};
use crate::wire::fixed::Kind;
use crate::wire::{ColumnsView, FixedType};
use crate::workspace::{Arena, Workspace};

/// A fixed-size type whose equations are arithmetic alone, so that many elements of one variant are one loop over columns.
///
/// The derive implements it where that is so: `fixed_size`, an equation without calls for each variant, fields of `f32`, and
/// inputs of the same axes, of which the last counts the elements.
#[diagnostic::on_unimplemented(
    message = "columns of `{Self}` cannot be computed side by side",
    label = "no elementwise equations",
    note = "it takes `#[bare(fixed_size)]`, fields of `f32`, and for each variant an equation of arithmetic alone with inputs of the same axes"
)]
pub trait ColumnLayer: FixedType {
    /// Number of inputs.
    const INPUTS: usize;
    /// Axes of each input; the last counts elements.
    const RANK: usize;

    /// The result for the elements of a run.
    ///
    /// # Errors
    /// Sizes that do not fit.
    fn forward_run<R: Real>(
        run: Self::Run<'_>,
        inputs: &[Input<'_, '_, R>],
        result: &mut [R],
        scratch: Arena<'_, R>,
    ) -> Result<(), Error>;

    /// The backward pass for the elements of a run. What it needs of the forward pass is computed again. `grads` are those of
    /// the variant's fields, in their order; they are added to.
    ///
    /// # Errors
    /// Sizes that do not fit.
    fn vjp_run<'w: 'r, 'r, R: Real>(
        run: Self::Run<'w>,
        inputs: &[Input<'r, '_, R>],
        cot: &[R],
        inputs_cot: &mut [Slot<'_, R>],
        grads: &mut [&mut [R]],
        saved: Arena<'r, R>,
        scratch: Arena<'_, R>,
    ) -> Result<(), Error>;
}

/// The gradient of the `f32` columns of a [`ColumnsView`]: as many numbers, in the same places.
#[derive(Clone, Debug, PartialEq)]
pub struct ColumnsCotangent<T, R = f32> {
    columns: Vec<Vec<R>>,
    of: PhantomData<fn() -> T>,
}

impl<T: FixedType, R: Real> ColumnsCotangent<T, R> {
    /// Zeros for this many elements.
    pub fn zeros(elements: usize) -> Self {
        Self { columns: vec![vec![R::ZERO; elements]; T::CELLS.count(Kind::F32)], of: PhantomData }
    }

    /// The gradient of the column that a field of a variant is in, such as `Lif.threshold`; `None` if there is no such `f32`.
    pub fn column(&self, field: &str) -> Option<&[R]> {
        let column = crate::wire::fixed::f32_column::<T>(field)?;
        self.columns.get(column).map(|column| &column[..])
    }
}

impl<T: ColumnLayer> ColumnsView<'_, T> {
    /// The result of each element for its own input: element `i` reads `inputs[..][.., i]` and gives `result[.., i]`.
    ///
    /// Inputs and result hold one row of elements or several, one behind the other. Each run of one variant is one loop, so
    /// elements that are sorted by variant take the least time; a run of one element takes some tens of nanoseconds.
    ///
    /// # Errors
    /// Inputs or a result of another length than a multiple of the number of elements.
    pub fn forward<R: Real>(
        &self,
        inputs: &[&[R]],
        result: &mut [R],
        workspace: &mut Workspace<R>,
    ) -> Result<(), Error> {
        let rows = self.rows_of(inputs, result.len())?;
        let (_, mut scratch) = workspace.start();
        for run in self.runs() {
            for row in 0..rows {
                let at = at(row * self.len(), &run.rows);
                let ins = cut::<T, R>(inputs, at.clone());
                T::forward_run::<R>(run.cells, &ins[..inputs.len()], &mut result[at], scratch.lend())
                    .inside(&format!("elements {:?}", run.rows))?;
            }
        }
        Ok(())
    }

    /// The backward pass of [`forward`](Self::forward): `cot` is the cotangent of its result, `inputs_cot` say where those of
    /// the inputs go, and the gradients of the elements' numbers are added to `grad`.
    ///
    /// # Errors
    /// As `forward`, of any of the slices.
    pub fn vjp<R: Real>(
        &self,
        inputs: &[&[R]],
        cot: &[R],
        inputs_cot: &mut [Slot<'_, R>],
        grad: &mut ColumnsCotangent<T, R>,
        workspace: &mut Workspace<R>,
    ) -> Result<(), Error> {
        let rows = self.rows_of(inputs, cot.len())?;
        if inputs_cot.len() != inputs.len() {
            return Err(Error::input(format!("{} slots", inputs.len()), format!("{}", inputs_cot.len())));
        }
        for slot in &*inputs_cot {
            match slot {
                Slot::Write(g) | Slot::Add(g) if g.len() != cot.len() => {
                    return Err(Error::length("slot", cot.len(), g.len()));
                }
                _ => {}
            }
        }
        if let Some(column) = grad.columns.iter().find(|column| column.len() != self.len()) {
            return Err(Error::length("gradient", self.len(), column.len()));
        }
        for run in self.runs() {
            for row in 0..rows {
                let at = at(row * self.len(), &run.rows);
                let ins = cut::<T, R>(inputs, at.clone());
                let mut slots: [Slot<'_, R>; MAX_ARGS] = core::array::from_fn(|_| Slot::Skip);
                for (to, from) in slots.iter_mut().zip(&mut *inputs_cot) {
                    *to = match from {
                        Slot::Skip => Slot::Skip,
                        Slot::Write(g) => Slot::Write(&mut g[at.clone()]),
                        Slot::Add(g) => Slot::Add(&mut g[at.clone()]),
                    };
                }
                let mut grads: Vec<&mut [R]> =
                    grad.columns.iter_mut().map(|column| &mut column[run.rows.clone()]).collect();
                let (saved, scratch) = workspace.start();
                T::vjp_run::<R>(
                    run.cells,
                    &ins[..inputs.len()],
                    &cot[at],
                    &mut slots[..inputs.len()],
                    &mut grads,
                    saved,
                    scratch,
                )
                .inside(&format!("elements {:?}", run.rows))?;
            }
        }
        Ok(())
    }

    /// How many rows of elements the slices hold.
    fn rows_of<R>(&self, inputs: &[&[R]], result: usize) -> Result<usize, Error> {
        if inputs.len() != T::INPUTS {
            return Err(Error::input(format!("{} inputs", T::INPUTS), format!("{}", inputs.len())));
        }
        let n = self.len();
        if n == 0 || !result.is_multiple_of(n) || (T::RANK == 1 && result != n) {
            return if n == 0 && result == 0 { Ok(0) } else { Err(Error::length("result", n, result)) };
        }
        match inputs.iter().position(|input| input.len() != result) {
            Some(i) => Err(Error::length(&format!("input {}", i + 1), result, inputs[i].len())),
            None => Ok(result / n),
        }
    }
}

fn at(start: usize, rows: &Range<usize>) -> Range<usize> {
    start + rows.start..start + rows.end
}

/// The inputs of some elements, as one row.
fn cut<'r, T: ColumnLayer, R: Real>(inputs: &[&'r [R]], at: Range<usize>) -> [Input<'r, 'r, R>; MAX_ARGS] {
    let mut sizes = [1; MAX_ARGS];
    if let Some(last) = T::RANK.checked_sub(1) {
        sizes[last] = at.len();
    }
    let dims = Dims::new(&sizes[..T::RANK]);
    core::array::from_fn(|i| Input::Real(Arg::kept(inputs.get(i).map_or(&[][..], |input| &input[at.clone()]), dims)))
}

/// For the derive: the gradients of fields during a backward pass, added to the columns when it is over.
#[doc(hidden)]
pub fn add_gradients<R: Real>(
    fields: &mut [crate::gradient::Gradient<R>],
    columns: &mut [&mut [R]],
) -> Result<(), Error> {
    for (field, column) in fields.iter_mut().zip(columns) {
        if let Some(gradient) = field.dense(column.len())? {
            for (to, from) in column.iter_mut().zip(gradient) {
                *to += *from;
            }
        }
    }
    Ok(())
}
