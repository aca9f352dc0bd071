//! Rows of a table by token id.

use super::support::{length, matrix};
use crate::Error;
use crate::gradient::Gradient;
use crate::primitive::{Ids, Primitive};
use crate::real::Real;
use crate::residual::{Arrays, Elements, Outgoing, PortableOp};
use crate::shape::Sig;
use crate::wire::MatrixView;
use crate::workspace::Arena;

/// Rows of a table by token id: `y[t] = table[tokens[t]]`.
///
/// | name     | shape     | range or unit          |
/// |----------|-----------|------------------------|
/// | `table`  | `[v, d]`  | any                    |
/// | `tokens` | `[..]`    | ids below `v`          |
/// | result   | `[.., d]` | as `table`             |
///
/// The gradient of the table is sparse: the rows that occur, repeated ones added up in their order.
///
/// Residual: the ids.
///
/// # Errors
/// `Input` with the id and the size of the vocabulary.
#[allow(non_camel_case_types)]
pub struct embedding;

/// What [`embedding`] keeps.
#[derive(Clone, Copy, Debug)]
pub struct Residual<'r> {
    ids: &'r [u32],
    rows: usize,
    width: usize,
}

impl Primitive for embedding {
    const SIG: Sig = Sig::new("(v d), u32(..) -> (.. d)");
    const KEEPS: &'static [bool] = &[false, true];
    type Args<'r, 'a, R: Real> = (MatrixView<'r, R>, Ids<'r>);
    type Cots<'a, R: Real> = (&'a mut Gradient<R>, ());
    type Out<T> = [T; 1];
    type Residual<'r, R: Real> = Residual<'r>;
    type State<R: Real> = ();

    fn forward_saving<'r, R: Real>(
        (table, tokens): (MatrixView<'r, R>, Ids<'r>),
        [y]: [&mut [R]; 1],
        _: &mut (),
        _: &mut Arena<'r, R>,
        _: Arena<'_, R>,
    ) -> Result<Residual<'r>, Error> {
        let (ids, width) = (tokens.data(), table.cols);
        let values = matrix("table", table)?;
        length("tokens", tokens.dims().len(), ids.len())?;
        length("embedding", ids.len().saturating_mul(width), y.len())?;
        check(ids, table.rows)?;
        for (y, &id) in y.chunks_exact_mut(width.max(1)).zip(ids) {
            y.copy_from_slice(&values[id as usize * width..][..width]);
        }
        Ok(Residual { ids, rows: table.rows, width })
    }

    fn vjp<R: Real>(
        residual: Residual<'_>,
        _: [&[R]; 1],
        [c]: [&[R]; 1],
        (table, ()): (&mut Gradient<R>, ()),
        _: &mut (),
        _: Arena<'_, R>,
    ) -> Result<(), Error> {
        let Residual { ids, rows, width } = residual;
        length("cotangent", ids.len().saturating_mul(width), c.len())?;
        table.add_rows(rows, width, ids, c)
    }
}

impl PortableOp for embedding {
    const ARRAYS: &'static [(&'static str, Elements)] = &[];

    fn write(_: Self::Residual<'_, f32>, _: &mut Outgoing<'_>) {}
    fn read<'r>(
        (table, tokens): Self::Args<'r, 'r, f32>,
        _: &mut Arrays<'_, 'r>,
    ) -> Result<Self::Residual<'r, f32>, Error> {
        let ids = tokens.data();
        length("tokens", tokens.dims().len(), ids.len())?;
        check(ids, table.rows)?;
        Ok(Residual { ids, rows: table.rows, width: table.cols })
    }
}

fn check(ids: &[u32], vocabulary: usize) -> Result<(), Error> {
    match ids.iter().enumerate().find(|(_, id)| **id as usize >= vocabulary) {
        None => Ok(()),
        Some((at, id)) => Err(Error::input(
            format!("token ids below the vocabulary of {vocabulary}"),
            format!("id {id} at position {at}"),
        )),
    }
}
