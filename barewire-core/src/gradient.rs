//! Gradients of parameters: a small union that joins as contributions arrive.

use alloc::vec::Vec;

use crate::Error;
use crate::real::Real;

/// The gradient of one float parameter (a list or a matrix): nothing yet, some rows, or all of it.
///
/// The representation is the join of what was added: rows stay sparse until they take half of the dense size, dense
/// absorbs the rest. Memory is kept through [`clear`](Gradient::clear), so a warm training step allocates nothing.
/// Laid over a view ([`Part::at`](crate::part::Part::at)) a dense gradient is a point of parameter space.
#[derive(Clone, Debug, Default)]
pub struct Gradient<R> {
    form: Form,
    values: Vec<R>,
    rows: Rows<R>,
    /// room to merge rows into
    merged: Rows<R>,
    order: Vec<u32>,
}

/// How a [`Gradient`] is held.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Form {
    /// no contribution yet
    #[default]
    Zero,
    /// every element
    Dense,
    /// some rows of a matrix, by ascending row number
    Sparse,
    /// not asked for: contributions are dropped
    Ignored,
}

#[derive(Clone, Debug, Default)]
struct Rows<R> {
    numbers: Vec<u32>,
    values: Vec<R>,
    width: usize,
    count: usize,
}

impl<R: Real> Gradient<R> {
    /// A gradient that nobody wants: contributions to it cost nothing.
    pub fn ignored() -> Self {
        Gradient { form: Form::Ignored, ..Self::default() }
    }

    /// A dense gradient, or a point of parameter space.
    pub fn from_values(values: Vec<R>) -> Self {
        Gradient { form: Form::Dense, values, ..Self::default() }
    }

    /// How it is held now.
    pub fn form(&self) -> Form {
        self.form
    }

    /// Back to zero, keeping the memory.
    pub fn clear(&mut self) {
        if self.form != Form::Ignored {
            self.form = Form::Zero;
            self.rows.clear();
        }
    }

    /// All `n` elements, to add to; `None` if nobody wants them.
    pub fn dense(&mut self, n: usize) -> Option<&mut [R]> {
        match self.form {
            Form::Ignored => return None,
            Form::Dense if self.values.len() == n => {}
            Form::Zero | Form::Dense => {
                self.values.clear();
                self.values.resize(n, R::ZERO);
            }
            Form::Sparse => {
                self.values.clear();
                self.values.resize(n, R::ZERO);
                let Rows { numbers, values, width, .. } = &self.rows;
                for (&row, values) in numbers.iter().zip(values.chunks(*width)) {
                    let start = row as usize * width;
                    if let Some(to) = self.values.get_mut(start..start + width) {
                        to.copy_from_slice(values);
                    }
                }
                self.rows.clear();
            }
        }
        self.form = Form::Dense;
        Some(&mut self.values)
    }

    /// The dense elements; empty in any other form.
    pub fn values(&self) -> &[R] {
        if self.form == Form::Dense { &self.values } else { &[] }
    }

    /// The `n` numbers of a point of parameter space.
    ///
    /// # Errors
    /// There are not `n` dense elements.
    pub fn as_point(&self, n: usize) -> Result<&[R], Error> {
        if self.values().len() == n { Ok(self.values()) } else { Err(Error::length("point", n, self.values().len())) }
    }

    /// The dense elements, mutable; empty in any other form.
    pub fn values_mut(&mut self) -> &mut [R] {
        if self.form == Form::Dense { &mut self.values } else { &mut [] }
    }

    /// The row numbers (ascending) and their values (`width` each); empty in any other form than sparse.
    pub fn sparse_rows(&self) -> (&[u32], &[R], usize) {
        if self.form == Form::Sparse { (&self.rows.numbers, &self.rows.values, self.rows.width) } else { (&[], &[], 0) }
    }

    /// Adds `values` (rows of `width`) to the rows `ids` of a matrix of `count` rows. Repeated ids add up, in order.
    pub fn add_rows(&mut self, count: usize, width: usize, ids: &[u32], values: &[R]) {
        match self.form {
            Form::Ignored => return,
            Form::Dense => return self.add_rows_dense(count, width, ids, values),
            Form::Zero | Form::Sparse => {}
        }
        self.order.clear();
        self.order.extend(0..ids.len() as u32);
        // the index breaks ties, so equal ids add up in the order in which they came
        self.order.sort_unstable_by_key(|&i| (ids[i as usize], i));
        let (old, new) = (&self.rows, &mut self.merged);
        new.clear();
        new.width = width;
        new.count = count;
        let mut kept = old.numbers.iter().zip(old.values.chunks(width.max(1))).peekable();
        for &i in &self.order {
            let id = ids[i as usize];
            while let Some((number, row)) = kept.next_if(|(number, _)| **number <= id) {
                new.push(*number, row);
            }
            let start = i as usize * width;
            new.add(id, &values[start..start + width]);
        }
        for (number, row) in kept {
            new.push(*number, row);
        }
        core::mem::swap(&mut self.rows, &mut self.merged);
        self.form = Form::Sparse;
        // 8 bytes an entry (index and value) against 4
        if self.rows.values.len() * 2 >= count * width {
            self.dense(count * width);
        }
    }

    fn add_rows_dense(&mut self, count: usize, width: usize, ids: &[u32], values: &[R]) {
        if let Some(all) = self.dense(count * width) {
            for (&id, row) in ids.iter().zip(values.chunks(width.max(1))) {
                let start = id as usize * width;
                if let Some(to) = all.get_mut(start..start + width) {
                    add_all(to, row);
                }
            }
        }
    }

    /// Adds another gradient of the same parameter.
    pub fn add(&mut self, other: &Gradient<R>) {
        match other.form {
            Form::Zero | Form::Ignored => {}
            Form::Dense => {
                if let Some(all) = self.dense(other.values.len()) {
                    add_all(all, &other.values);
                }
            }
            Form::Sparse => {
                let rows = &other.rows;
                self.add_rows(rows.count, rows.width, &rows.numbers, &rows.values);
            }
        }
    }

    /// Multiplies by a number.
    pub fn scale(&mut self, by: R) {
        self.stored_mut().iter_mut().for_each(|g| *g *= by);
    }

    /// Sum of squares over the stored elements, in f64 and in a fixed order.
    pub fn norm_squared(&self) -> f64 {
        let stored = match self.form {
            Form::Dense => &self.values[..],
            Form::Sparse => &self.rows.values,
            Form::Zero | Form::Ignored => &[],
        };
        sum_of_squares(stored)
    }

    fn stored_mut(&mut self) -> &mut [R] {
        match self.form {
            Form::Dense => &mut self.values,
            Form::Sparse => &mut self.rows.values,
            Form::Zero | Form::Ignored => &mut [],
        }
    }
}

/// Sum of squares in f64: eight lanes, then a fixed order.
pub(crate) fn sum_of_squares<R: Real>(values: &[R]) -> f64 {
    let mut lanes = [0.0_f64; 8];
    let (chunks, rest) = values.as_chunks::<8>();
    for chunk in chunks {
        for (lane, x) in lanes.iter_mut().zip(chunk) {
            let x = x.value();
            *lane += x * x;
        }
    }
    for (lane, x) in lanes.iter_mut().zip(rest) {
        let x = x.value();
        *lane += x * x;
    }
    lanes.iter().sum()
}

fn add_all<R: Real>(to: &mut [R], from: &[R]) {
    for (to, from) in to.iter_mut().zip(from) {
        *to += *from;
    }
}

impl<R: Real> Rows<R> {
    fn clear(&mut self) {
        self.numbers.clear();
        self.values.clear();
    }

    fn push(&mut self, number: u32, row: &[R]) {
        self.numbers.push(number);
        self.values.extend_from_slice(row);
    }

    /// Adds to the last row if it has this number, else appends.
    fn add(&mut self, number: u32, row: &[R]) {
        if self.numbers.last() == Some(&number) {
            let start = self.values.len() - self.width;
            add_all(&mut self.values[start..], row);
        } else {
            self.push(number, row);
        }
    }
}

/// What packed digits receive in place of a gradient: the derivative of the loss with respect to the digits as if they
/// were continuous. An optimiser decides what to do with it; it is never a cotangent of the digits.
///
/// For effective weights `W = s T` with a scale `s`, the straight-through gradient of `W` is this signal over `s`.
#[derive(Clone, Debug, Default)]
pub struct Signal<R> {
    dense: Gradient<R>,
}

impl<R: Real> Signal<R> {
    /// A signal that nobody wants.
    pub fn ignored() -> Self {
        Signal { dense: Gradient::ignored() }
    }

    /// All `rows * cols` elements, row-major, to add to; `None` if nobody wants them.
    pub fn dense(&mut self, rows: usize, cols: usize) -> Option<&mut [R]> {
        self.dense.dense(rows.saturating_mul(cols))
    }

    /// The elements, row-major; empty while there is no contribution.
    pub fn values(&self) -> &[R] {
        self.dense.values()
    }

    /// Back to zero, keeping the memory.
    pub fn clear(&mut self) {
        self.dense.clear();
    }

    /// Adds another signal of the same digits.
    pub fn add(&mut self, other: &Signal<R>) {
        self.dense.add(&other.dense);
    }

    /// Sum of squares, in f64.
    pub fn norm_squared(&self) -> f64 {
        self.dense.norm_squared()
    }
}

/// The cotangent of a quantised matrix `W = scale * (codes - zero)`: two numbers, and what the codes receive.
#[derive(Clone, Debug, Default)]
pub struct QuantizedGrad<R> {
    /// gradient of the scale
    pub scale: R,
    /// gradient of the zero point
    pub zero: R,
    /// what the codes receive
    pub signal: Signal<R>,
}

impl<R: Real> QuantizedGrad<R> {
    /// A gradient that nobody wants; the two numbers cost nothing and are summed all the same.
    pub fn ignored() -> Self {
        QuantizedGrad { scale: R::ZERO, zero: R::ZERO, signal: Signal::ignored() }
    }

    /// Back to zero, keeping the memory.
    pub fn clear(&mut self) {
        self.scale = R::ZERO;
        self.zero = R::ZERO;
        self.signal.clear();
    }

    /// Adds another gradient of the same matrix.
    pub fn add(&mut self, other: &QuantizedGrad<R>) {
        self.scale += other.scale;
        self.zero += other.zero;
        self.signal.add(&other.signal);
    }
}
