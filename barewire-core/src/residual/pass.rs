//! A pass as a message.

use alloc::borrow::ToOwned;
use alloc::format;
use core::any::TypeId;

use super::{ModelId, PortableLayer, list};
use crate::Error;
use crate::error::ErrorKind;
use crate::layer::Input;
use crate::model::{Checked, MAX_RESULTS, Pass, Results};
use crate::primitive::{Arg, Ids};
use crate::shape::{Dims, MAX_RANK};
use crate::wire::schema::{FieldNames, Schema, SchemaBuilder, TypeRef};
use crate::wire::{AlignedBuf, DecodeError, Kept, Reader, Writer};
use crate::workspace::Workspace;

/// The schema of the message that holds a pass of `T`.
pub fn pass_schema<T: PortableLayer>() -> Schema {
    let mut types = SchemaBuilder::new(FieldNames::Camel);
    let sizes = || ("sizes".to_owned(), TypeRef::list(TypeRef::Uint));
    let mut fields =
        alloc::vec![("schema".to_owned(), TypeRef::Data(Some(32))), ("model".to_owned(), TypeRef::Data(Some(16)))];
    for i in 0..T::SIG.inputs() {
        let mut input = alloc::vec![sizes()];
        if T::KEEPS[i] {
            let values = if T::SIG.takes_ids(i) { types.padded_list::<u32>() } else { types.padded_list::<f32>() };
            input.push(("values".to_owned(), values));
        }
        fields.push((format!("input{}", i + 1), TypeRef::structure(input)));
    }
    if T::KEEPS_OUT {
        fields.extend((0..T::SIG.outputs()).map(|i| (format!("result{}", i + 1), types.padded_list::<f32>())));
    }
    if T::HAS_OCTETS {
        fields.push(("residual".to_owned(), T::residual_schema(&mut types)));
    }
    let root = types.define("Pass", TypeRef::structure(fields));
    types.finish(root)
}

fn pass_hash<T: PortableLayer>() -> [u8; 32] {
    static HASHES: Kept<TypeId, [u8; 32]> = Kept::new();
    *HASHES.get(TypeId::of::<T>(), || crate::wire::schema::hash(pass_schema::<T>().text().as_bytes()))
}

impl<T: PortableLayer> Pass<'_, T, f32> {
    /// Writes the pass to `message`, for [`Checked::receive`] in a process that has the model `model`. What `message` held is forgotten.
    ///
    /// # Errors
    /// An input that the backward pass reads does not live as long as the pass; [`numbers`](crate::model::numbers) gives inputs that do.
    pub fn send(&self, model: ModelId, message: &mut AlignedBuf) -> Result<(), Error> {
        let mut w = Writer::into_buf(core::mem::take(message));
        w.raw(&pass_hash::<T>());
        w.raw(&model.0);
        for (i, input) in self.inputs().enumerate() {
            let dims = input.dims();
            w.uint(dims.rank() as u64);
            dims.sizes().iter().for_each(|size| w.uint(*size as u64));
            if !T::KEEPS[i] {
                continue;
            }
            match input {
                Input::Ids(ids) => w.padded(ids.data()),
                Input::Real(arg) if arg.data().len() == dims.len() => w.padded(arg.data()),
                Input::Real(_) => {
                    return Err(Error::input(format!("input {} for as long as the pass", i + 1), "one that passes"));
                }
            }
        }
        if T::KEEPS_OUT {
            (0..T::SIG.outputs()).for_each(|i| w.padded(self.result(i)));
        }
        T::write_residual(self.residual(), &mut w);
        *message = w.finish();
        Ok(())
    }
}

impl<'w, T: PortableLayer> Checked<'w, T, f32> {
    /// The pass of a message that [`Pass::send`] wrote, perhaps in another process: its backward pass reads the message where it lies,
    /// and this model's parameters. `model` is what this model is, and `most` the most elements that an input may have, since its
    /// sizes are the sender's word. Results are there where the backward pass reads them, and empty otherwise.
    ///
    /// # Errors
    /// A message of other equations, of another model or with other sizes, or no message at all: the error says where, what was expected
    /// and what was found.
    pub fn receive<'r>(
        &self,
        message: &'r [u8],
        model: ModelId,
        most: usize,
        workspace: &'r mut Workspace<f32>,
    ) -> Result<Pass<'r, T, f32>, Error>
    where
        'w: 'r,
    {
        let mut r = Reader::new(message);
        if r.take_array::<32>()? != pass_hash::<T>() {
            return Err(Error::new(ErrorKind::Wire, "a pass of these equations", "the schema of another one"));
        }
        if r.take_array::<16>()? != model.0 {
            return Err(Error::new(ErrorKind::Wire, "a pass of this model", "one of a model with other octets"));
        }
        let (sig, (mut saved, scratch)) = (&T::SIG, workspace.start());
        let inputs = saved.take_list(sig.inputs());
        // the same without `Option`, as layers take them
        let mut given = [Input::Ids(Ids::new(&[], Dims::SCALAR)); MAX_RESULTS];
        for (i, (input, given)) in inputs.iter_mut().zip(&mut given).enumerate() {
            let dims = sizes(sig.input_rank(i), most, &mut r).map_err(|e| e.inside(&format!("input {}", i + 1)))?;
            *given = match (T::KEEPS[i], sig.takes_ids(i)) {
                (true, true) => Input::Ids(Ids::new(list(&mut r, dims.len())?, dims)),
                (true, false) => Input::Real(Arg::kept(list(&mut r, dims.len())?, dims)),
                (false, true) => Input::Ids(Ids::new(&[], dims)),
                (false, false) => Input::Real(Arg::kept(&[], dims)),
            };
            *input = Some(*given);
        }
        let given = &given[..inputs.len()];
        let (mut ins, mut dims) = ([Dims::SCALAR; MAX_RESULTS], [Dims::SCALAR; MAX_RESULTS]);
        ins.iter_mut().zip(given).for_each(|(dims, input)| *dims = input.dims());
        let dims = &mut dims[..sig.outputs()];
        T::dims::<f32>(self.view(), &ins[..given.len()], dims)?;
        let mut results: [&[f32]; MAX_RESULTS] = [&[]; MAX_RESULTS];
        if T::KEEPS_OUT {
            for (result, dims) in results.iter_mut().zip(&*dims) {
                *result = list(&mut r, dims.len())?;
            }
        }
        let residual = T::read_residual(self.view(), given, &mut saved, &mut r)?;
        r.finish()?;
        Ok(Pass::of(residual, inputs, Results::received(results, dims, &mut saved, scratch)))
    }
}

/// The sizes of an input.
fn sizes(rank: usize, most: usize, r: &mut Reader<'_>) -> Result<Dims, Error> {
    let at = r.offset();
    let found = r.uint()?;
    if found != rank as u64 {
        return Err(DecodeError::new(at, format!("{rank} axes"), format!("{found}")).into());
    }
    let mut sizes = [0; MAX_RANK];
    let mut elements = 1_u64;
    for size in &mut sizes[..rank] {
        let found = r.uint()?;
        elements = elements.saturating_mul(found.max(1));
        *size = found as usize;
    }
    if elements > most as u64 {
        return Err(DecodeError::new(at, format!("at most {most} elements"), format!("{elements}")).into());
    }
    Ok(Dims::new(&sizes[..rank]))
}
