//! Residuals of lists on the wire.

use alloc::format;

use super::checkpointed::{Checkpointed, Layers, Segments, segment};
use super::layers::{Step, first, keeps_values, no_input};
use crate::Error;
use crate::layer::{Input, Layer};
use crate::primitive::{Arg, Ids};
use crate::recompute::Carried;
use crate::residual::{Fields, PortableLayer, list};
use crate::shape::MAX_ARGS;
use crate::wire::schema::{SchemaBuilder, TypeRef};
use crate::wire::{DecodeError, Element, Reader, Walked, Writer};
use crate::workspace::Arena;

/// For each layer its residual, and the value behind it where that is kept.
impl<T: PortableLayer + Element<Kind = Walked>> PortableLayer for alloc::vec::Vec<T> {
    const HAS_OCTETS: bool = keeps_values::<T>() || T::HAS_OCTETS;

    fn residual_schema(types: &mut SchemaBuilder) -> TypeRef {
        let mut step = Fields::new();
        step.floats(keeps_values::<T>(), "value", types);
        step.layer::<T>("residual", types);
        TypeRef::list(step.structure())
    }

    fn write_residual(steps: Self::Residual<'_, f32>, w: &mut Writer) {
        if !Self::HAS_OCTETS {
            return;
        }
        w.uint(steps.len() as u64);
        for step in steps.iter().flatten() {
            if keeps_values::<T>() {
                w.padded(step.out);
            }
            T::write_residual(step.residual, w);
        }
    }

    fn read_residual<'w: 'r, 'r>(
        view: &'w [T::View<'w, f32>],
        ins: &[Input<'r, 'r, f32>],
        saved: &mut Arena<'r, f32>,
        r: &mut Reader<'r>,
    ) -> Result<Self::Residual<'r, f32>, Error> {
        if Self::HAS_OCTETS {
            exactly(view.len(), "layers", r)?;
        }
        let steps = saved.take_list::<Step<'r, T, f32>>(view.len());
        let mut value = *first(ins)?;
        for (i, (layer, step)) in view.iter().zip(&mut *steps).enumerate() {
            let failed = |e: Error| e.inside(&format!("{i}"));
            let dims = value.dims();
            let out: &'r [f32] =
                if keeps_values::<T>() { list(r, dims.len()).map_err(|e| failed(e.into()))? } else { &[] };
            let mut row = [value; MAX_ARGS];
            for (row, input) in row.iter_mut().zip(ins).skip(1) {
                *row = row_of(input, i)?;
            }
            let residual = T::read_residual(*layer, &row[..ins.len()], saved, r).map_err(failed)?;
            *step = Some(Step { residual, out });
            value = Input::Real(Arg::kept(out, dims));
        }
        Ok(steps)
    }
}

/// Row `i` of the outermost axis, of an input that has its numbers or only its sizes.
fn row_of<'r>(input: &Input<'r, 'r, f32>, i: usize) -> Result<Input<'r, 'r, f32>, Error> {
    let dims = input.dims();
    if input.len() == dims.len() {
        return input.row(i);
    }
    let row = dims.without_first(dims.sizes().first().copied().unwrap_or(0))?;
    Ok(match input {
        Input::Real(_) => Input::Real(Arg::kept(&[], row)),
        Input::Ids(_) => Input::Ids(Ids::new(&[], row)),
    })
}

/// A count that the model fixes.
fn exactly(expected: usize, what: &str, r: &mut Reader<'_>) -> Result<(), DecodeError> {
    let at = r.offset();
    let found = r.uint()?;
    if found == expected as u64 {
        return Ok(());
    }
    Err(DecodeError::new(at, format!("{expected} {what}, as in the model"), format!("{found}")))
}

/// Inputs of the segments after the first, which is the list's, and what each layer carried along time.
impl<T: Layer + Element<Kind = Walked>, const K: usize> PortableLayer for Checkpointed<alloc::vec::Vec<T>, K> {
    const HAS_OCTETS: bool = true;

    fn residual_schema(types: &mut SchemaBuilder) -> TypeRef {
        let floats = types.padded_list::<f32>();
        TypeRef::structure([
            ("values", TypeRef::list(floats.clone())),
            ("states", TypeRef::list(TypeRef::list(floats))),
        ])
    }

    fn write_residual(r: Self::Residual<'_, f32>, w: &mut Writer) {
        let values = r.values.iter().flatten().skip(1);
        w.uint(r.values.len().saturating_sub(1) as u64);
        values.for_each(|value| w.padded(value));
        w.uint(r.states.len() as u64);
        r.states.iter().flatten().for_each(|state| state.write(w));
    }

    fn read_residual<'w: 'r, 'r>(
        view: &'w [T::View<'w, f32>],
        ins: &[Input<'r, 'r, f32>],
        saved: &mut Arena<'r, f32>,
        r: &mut Reader<'r>,
    ) -> Result<Segments<'r, T, f32>, Error> {
        let (count, x) = (view.len(), first(ins)?.real()?);
        let segments = count.div_ceil(segment(count, K));
        exactly(segments.saturating_sub(1), "segments", r)?;
        let values = saved.take_list(segments);
        for (at, value) in values.iter_mut().enumerate() {
            *value = Some(match at {
                0 => x.kept_data().ok_or_else(no_input)?,
                _ => list(r, x.dims().len())?,
            });
        }
        exactly(count, "states", r)?;
        let states = saved.take_list(count);
        for state in &mut *states {
            *state = Some(Carried::read(saved, r)?);
        }
        let given = saved.take_list(ins.len());
        given.iter_mut().zip(ins).for_each(|(given, input)| *given = Some(*input));
        Ok(Segments { layers: saved.put(Layers::<T, f32>(view)), ins: given, values, states })
    }
}
