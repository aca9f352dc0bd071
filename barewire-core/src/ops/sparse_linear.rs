//! Product with a sparse matrix.

use super::support::{length, numbers, slot_length};
use crate::Error;
use crate::gradient::Gradient;
use crate::primitive::{Arg, Ids, Primitive, Slot};
use crate::real::Real;
use crate::residual::{Arrays, Elements, Outgoing, PortableOp};
use crate::shape::{Dims, Sig};
use crate::workspace::Arena;

/// Product with a sparse matrix in compressed rows (CSR): `y[r] = Σ values[i] x[columns[i]]` over the `i` of row `r`,
/// which are `starts[r]..starts[r + 1]`.
///
/// | name      | shape         | range or unit                                            |
/// |-----------|---------------|----------------------------------------------------------|
/// | `starts`  | `[rows + 1]`  | ids; from 0, not falling, the last one the number of entries |
/// | `columns` | `[entries]`   | ids below `d`                                            |
/// | `values`  | `[entries]`   | any                                                      |
/// | `x`       | `[.., d]`     | any                                                      |
/// | result    | `[.., rows]`  | as `values x`                                            |
///
/// VJP: `x̄[columns[i]] += values[i] ȳ[r]`, `v̄alues[i] += ȳ[r] x[columns[i]]`: stored entries only.
///
/// Residual: borrows all arguments.
///
/// # Errors
/// `Input` for starts or columns out of range; `Shape` names the argument that does not fit.
#[allow(non_camel_case_types)]
pub struct sparse_linear;

/// What [`sparse_linear`] keeps.
#[derive(Clone, Copy, Debug)]
pub struct Residual<'r, R> {
    matrix: Csr<'r, R>,
    x: &'r [R],
    d: usize,
}

/// The matrix, its starts and columns in range.
#[derive(Clone, Copy, Debug)]
struct Csr<'r, R> {
    starts: &'r [u32],
    columns: &'r [u32],
    values: &'r [R],
}

impl Primitive for sparse_linear {
    const SIG: Sig = Sig::new("u32(p), u32(z), (z), (.. d) -> (.. r)");
    const KEEPS: &'static [bool] = &[true; 4];
    type Args<'r, 'a, R: Real> = (Ids<'r>, Ids<'r>, &'r [R], Arg<'r, 'a, R>);
    type Cots<'a, R: Real> = ((), (), &'a mut Gradient<R>, Slot<'a, R>);
    type Out<T> = [T; 1];
    type Residual<'r, R: Real> = Residual<'r, R>;
    type State<R: Real> = ();

    fn dims(args: &[Dims], outs: &mut [Dims]) -> Result<(), Error> {
        let ([starts, _, _, x], [out]) = (args, outs) else {
            return Err(Error::input("4 arguments and 1 result", "others"));
        };
        let rows = starts.len().checked_sub(1).ok_or_else(|| Error::shape("`starts` with at least one id", "none"))?;
        *out = x.with_last(rows);
        Ok(())
    }

    fn forward_saving<'r, R: Real>(
        (starts, columns, values, x): Self::Args<'r, '_, R>,
        [y]: [&mut [R]; 1],
        _: &mut (),
        saved: &mut Arena<'r, R>,
        _: Arena<'_, R>,
    ) -> Result<Residual<'r, R>, Error> {
        let d = x.dims().last();
        let matrix = Csr::new(starts.data(), columns.data(), values, d)?;
        let data = numbers("x", x)?;
        length("result", x.dims().rows() * matrix.rows(), y.len())?;
        y.fill(R::ZERO);
        matrix.each(data.len() / d.max(1), d, |entry, from, to| y[to] += values[entry] * data[from]);
        Ok(Residual { matrix, x: x.keep(saved), d })
    }

    fn vjp<R: Real>(
        Residual { matrix, x, d }: Residual<'_, R>,
        _: [&[R]; 1],
        [c]: [&[R]; 1],
        ((), (), gradient, mut slot): Self::Cots<'_, R>,
        _: &mut (),
        _: Arena<'_, R>,
    ) -> Result<(), Error> {
        let n = x.len() / d.max(1);
        length("cotangent", n * matrix.rows(), c.len())?;
        slot_length("x", &slot, x.len())?;
        if let Some(x_cot) = slot.accumulate() {
            matrix.each(n, d, |entry, from, to| x_cot[from] += matrix.values[entry] * c[to]);
        }
        if let Some(sums) = gradient.dense(matrix.values.len())? {
            matrix.each(n, d, |entry, from, to| sums[entry] += c[to] * x[from]);
        }
        Ok(())
    }
}

impl PortableOp for sparse_linear {
    const ARRAYS: &'static [(&'static str, Elements)] = &[];

    fn write(_: Self::Residual<'_, f32>, _: &mut Outgoing<'_>) {}
    fn read<'r>(
        (starts, columns, values, x): Self::Args<'r, 'r, f32>,
        from: &mut Arrays<'_, 'r>,
    ) -> Result<Self::Residual<'r, f32>, Error> {
        let d = x.dims().last();
        Ok(Residual { matrix: Csr::new(starts.data(), columns.data(), values, d)?, x: from.kept(x)?, d })
    }
}

impl<'r, R> Csr<'r, R> {
    fn new(starts: &'r [u32], columns: &'r [u32], values: &'r [R], d: usize) -> Result<Self, Error> {
        length("values", columns.len(), values.len())?;
        let ends = [starts.first().copied(), starts.last().copied()];
        let entries = columns.len();
        if ends.map(|end| end.map(|end| end as usize)) != [Some(0), Some(entries)] || !starts.is_sorted() {
            return Err(Error::input(
                format!("`starts` that rise from 0 to {entries}"),
                format!("{ends:?} at the ends"),
            ));
        }
        match columns.iter().find(|column| **column as usize >= d) {
            Some(column) => Err(Error::input(format!("`columns` below {d}"), format!("{column}"))),
            None => Ok(Csr { starts, columns, values }),
        }
    }

    fn rows(&self) -> usize {
        self.starts.len() - 1
    }

    /// `f(entry, from, to)` for each of `n` vectors of `d`: where an entry reads in `x` and adds in the result.
    fn each(&self, n: usize, d: usize, mut f: impl FnMut(usize, usize, usize)) {
        for vector in 0..n {
            for (row, ends) in self.starts.windows(2).enumerate() {
                for entry in ends[0] as usize..ends[1] as usize {
                    f(entry, vector * d + self.columns[entry] as usize, vector * self.rows() + row);
                }
            }
        }
    }
}
