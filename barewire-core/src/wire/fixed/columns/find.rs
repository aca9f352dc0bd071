//! Which column a field is in.

use alloc::format;

use super::super::check::At;
use super::super::shape::{FieldShape, KINDS, Shape};
use super::super::{Fixed, Kind};
use crate::wire::Scalar;

/// The column that a field is in, by its path from the type; `columns` has the number of the next column of each kind.
pub(super) fn column_of(shape: &Shape, columns: [usize; KINDS], path: &str) -> Option<(Kind, usize)> {
    find(shape, &mut At::Row(columns), path)
}

fn find(shape: &Shape, at: &mut At, path: &str) -> Option<(Kind, usize)> {
    let start = at.enter(shape);
    let found = match shape {
        Shape::Cell(kind) => {
            let column = at.next(*kind);
            path.is_empty().then_some((*kind, column))
        }
        Shape::Array(item, n) => (0..*n).find_map(|i| {
            let rest = path.strip_prefix(&*format!("[{i}]"));
            // a path that leads elsewhere ends nowhere in this element; the position has to go past it all the same
            find(item, at, rest.unwrap_or("?"))
        }),
        Shape::Struct(of) => find_field(of.fields, at, path),
        Shape::Union(of) => {
            at.next(Kind::Tag);
            let fields = *at;
            of.variants.iter().find_map(|variant| {
                let rest = path.strip_prefix('.').unwrap_or(path).strip_prefix(variant.name)?;
                match variant.fields {
                    [only] if variant.tuple => find(&only.shape, &mut fields.clone(), rest),
                    all => find_field(all, &mut fields.clone(), rest.strip_prefix('.')?),
                }
            })
        }
    };
    at.leave(shape, start);
    found
}

fn find_field(fields: &[FieldShape], at: &mut At, path: &str) -> Option<(Kind, usize)> {
    let path = path.strip_prefix('.').unwrap_or(path);
    fields.iter().find_map(|field| {
        let rest = path.strip_prefix(field.rust_name);
        find(&field.shape, at, rest.unwrap_or("?"))
    })
}

/// Which of the `f32` columns a field is in.
#[cfg(feature = "std")]
pub(crate) fn f32_column<T: Fixed>(field: &str) -> Option<usize> {
    let firsts = T::CELLS.firsts();
    match column_of(&T::SHAPE, firsts, field)? {
        (Kind::F32, column) => Some(column - firsts[Kind::F32 as usize]),
        _ => None,
    }
}

/// The type of a column that is a list of numbers.
pub(super) fn kind_of<S: Scalar + Fixed>() -> Option<Kind> {
    match S::SHAPE {
        Shape::Cell(kind) => Some(kind),
        _ => None,
    }
}
