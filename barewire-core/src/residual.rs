//! Residuals on the wire: a forward pass here, its backward pass in another process.
//!
//! A residual borrows: kept values, and the model's parameters. Its message has what it keeps and no parameter; the process that runs
//! the backward pass has the same model, and its decoder goes through the equations as a forward pass would, with the model's view and
//! the inputs' sizes, but takes each kept array from the message, where it lies, in place of computing it. So parameters are borrowed
//! from the view there, every length is compared with the one that these sizes give, and a residual of the wrong variant is an error.
//!
//! A message is a BARE struct, canonical as all messages are: the hash of its schema, the [`ModelId`], inputs and results with their
//! sizes, and the residual, a struct or a tagged union like its type. It holds what [`Workspace::saved_bytes`] counts, and the inputs
//! that the backward pass reads. Numbers are f32.
//!
//! Types say `#[bare(portable)]`; an op implements [`PortableOp`]. What does not is a compile error on its token.

use alloc::borrow::ToOwned;
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use core::any::TypeId;

use crate::Error;
use crate::error::ErrorKind;
use crate::layer::{Input, Layer};
use crate::model::{Checked, MAX_RESULTS, Pass};
use crate::primitive::{Arg, Ids, Primitive};
use crate::shape::{Dims, MAX_RANK};
use crate::wire::schema::{FieldNames, Schema, SchemaBuilder, TypeRef};
use crate::wire::{AlignedBuf, DecodeError, Kept, Reader, Scalar, Writer};
use crate::workspace::{Arena, Workspace};

/// Which model a residual belongs to: a hash of its octets. Sender and receiver make it of the same message or file, once for each set of
/// weights.
///
/// It finds mistakes (other weights, another model); it is no defence against someone who wants two models to look alike.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ModelId([u8; 16]);

impl ModelId {
    /// XXH3-128 of the model's octets, such as [`Region::bytes`](crate::wire::Region::bytes).
    pub fn of(octets: &[u8]) -> Self {
        ModelId(xxhash_rust::xxh3::xxh3_128(octets).to_be_bytes())
    }
}

/// The elements of an array that a residual keeps.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Elements {
    /// `f32`
    Floats,
    /// `i8`
    Codes,
}

/// An op whose residual can travel.
///
/// The arguments that an op says it [keeps](Primitive::KEEPS) travel with the equation, once for all that keep them; what is left is what
/// the op took from the saved pool.
///
/// ```
/// # use barewire_core::primitive::{Arg, Primitive, Slot};
/// # use barewire_core::{real::Real, shape::Sig, workspace::Arena};
/// use barewire_core::Error;
/// use barewire_core::residual::{Arrays, Elements, Outgoing, PortableOp};
///
/// # #[allow(non_camel_case_types)]
/// # pub struct cube;
/// # impl Primitive for cube {
/// #     const SIG: Sig = Sig::new("(..) -> (..)");
/// #     const KEEPS: &'static [bool] = &[true];
/// #     type Args<'r, 'a, R: Real> = (Arg<'r, 'a, R>,);
/// #     type Cots<'a, R: Real> = (Slot<'a, R>,);
/// #     type Out<T> = [T; 1];
/// #     type Residual<'r, R: Real> = &'r [R];
/// #     type State<R: Real> = ();
/// #     fn forward_saving<'r, R: Real>(
/// #         (x,): (Arg<'r, '_, R>,), [y]: [&mut [R]; 1], _: &mut (), saved: &mut Arena<'r, R>, _: Arena<'_, R>,
/// #     ) -> Result<&'r [R], Error> {
/// #         for (y, &x) in y.iter_mut().zip(x.data()) { *y = x * x * x; }
/// #         Ok(x.keep(saved))
/// #     }
/// #     fn vjp<R: Real>(
/// #         x: &[R], _: [&[R]; 1], [c]: [&[R]; 1], (mut slot,): (Slot<'_, R>,), _: &mut (), _: Arena<'_, R>,
/// #     ) -> Result<(), Error> {
/// #         slot.each(|i| R::of(3.0) * x[i] * x[i] * c[i]);
/// #         Ok(())
/// #     }
/// # }
/// // `y = x^3`, whose residual is its argument and nothing more
/// impl PortableOp for cube {
///     const ARRAYS: &'static [(&'static str, Elements)] = &[];
///     fn write(_: &[f32], _: &mut Outgoing<'_>) {}
///     fn read<'r>((x,): (Arg<'r, 'r, f32>,), from: &mut Arrays<'_, 'r>) -> Result<&'r [f32], Error> {
///         from.kept(x)
///     }
/// }
/// ```
#[diagnostic::on_unimplemented(
    message = "the residual of `{Self}` cannot travel",
    label = "no `impl PortableOp` for this",
    note = "`#[bare(portable)]` needs `barewire::residual::PortableOp` of every op that the equation calls"
)]
pub trait PortableOp: Primitive {
    /// Names and elements of the arrays that the residual holds beside arguments.
    const ARRAYS: &'static [(&'static str, Elements)];
    /// Hands over these arrays, in order.
    fn write(residual: Self::Residual<'_, f32>, to: &mut Outgoing<'_>);
    /// The residual of a call with these arguments. Parameters are all there; activations have their sizes, and those that the op
    /// [keeps](Primitive::KEEPS) have their numbers.
    ///
    /// # Errors
    /// Sizes that the op cannot take, or values that its backward pass could not.
    fn read<'r>(args: Self::Args<'r, 'r, f32>, from: &mut Arrays<'_, 'r>) -> Result<Self::Residual<'r, f32>, Error>;
}

/// A part with an equation whose residual can travel: `#[bare(portable)]`, and lists of such layers.
#[diagnostic::on_unimplemented(
    message = "the residual of `{Self}` cannot travel",
    label = "not `portable`",
    note = "mark its type with `#[bare(portable)]`"
)]
pub trait PortableLayer: Layer {
    /// Whether its residual has any octets; if not, it is no field of anything.
    const HAS_OCTETS: bool;
    /// The type of its residual in a schema.
    fn residual_schema(types: &mut SchemaBuilder) -> TypeRef;
    /// Appends what the residual holds beside parameters and inputs.
    fn write_residual(residual: Self::Residual<'_, f32>, w: &mut Writer);
    /// The residual of a forward pass of `view` over inputs of these sizes. Inputs have their numbers where the equation
    /// [keeps](Layer::KEEPS) them.
    ///
    /// # Errors
    /// The octets are no such residual: the error says where, what was expected and what was found.
    fn read_residual<'w: 'r, 'r>(
        view: Self::View<'w, f32>,
        ins: &[Input<'r, 'r, f32>],
        saved: &mut Arena<'r, f32>,
        r: &mut Reader<'r>,
    ) -> Result<Self::Residual<'r, f32>, Error>;
}

/// Where an op's arrays go.
#[derive(Debug)]
pub struct Outgoing<'w>(&'w mut Writer);

impl<'w> Outgoing<'w> {
    /// To the end of a message.
    pub fn new(w: &'w mut Writer) -> Self {
        Self(w)
    }
    /// The next array.
    pub fn floats(&mut self, values: &[f32]) {
        self.0.padded(values);
    }
    /// The next array.
    pub fn codes(&mut self, values: &[i8]) {
        self.0.padded(values);
    }
}

/// Where an op's arrays come from.
#[derive(Debug)]
pub struct Arrays<'f, 'r>(&'f mut Reader<'r>);

impl<'f, 'r> Arrays<'f, 'r> {
    /// From where a reader stands.
    pub fn new(r: &'f mut Reader<'r>) -> Self {
        Self(r)
    }
    /// The next array, of `n` numbers.
    ///
    /// # Errors
    /// Another array.
    pub fn floats(&mut self, n: usize) -> Result<&'r [f32], Error> {
        Ok(list(self.0, n)?)
    }
    /// The next array, of a length that the op itself compares with something.
    ///
    /// # Errors
    /// Another array.
    pub fn any_floats(&mut self) -> Result<&'r [f32], Error> {
        Ok(self.0.padded()?)
    }
    /// The next array, of `n` codes.
    ///
    /// # Errors
    /// Another array.
    pub fn codes(&mut self, n: usize) -> Result<&'r [i8], Error> {
        Ok(list(self.0, n)?)
    }
    /// The numbers of an argument that the op keeps.
    ///
    /// # Errors
    /// They are not there: the op's `KEEPS` does not say that it keeps them.
    pub fn kept(&self, arg: Arg<'r, 'r, f32>) -> Result<&'r [f32], Error> {
        match arg.kept_data() {
            Some(data) if data.len() == arg.dims().len() => Ok(data),
            _ => Err(Error::input("an argument that the op says it keeps", "one without numbers")),
        }
    }
}

/// A padded list of `n` numbers where it lies.
pub(crate) fn list<'r, S: Scalar>(r: &mut Reader<'r>, n: usize) -> Result<&'r [S], DecodeError> {
    let at = r.offset();
    let values = r.padded::<S>()?;
    if values.len() == n {
        Ok(values)
    } else {
        Err(DecodeError::new(at, format!("{n} numbers, as the sizes of the inputs give"), format!("{}", values.len())))
    }
}

/// A kept value, or nothing where it is not kept.
///
/// # Errors
/// Another number of elements.
pub fn value<'r>(keep: bool, dims: Dims, r: &mut Reader<'r>) -> Result<&'r [f32], Error> {
    if keep { Ok(list(r, dims.len())?) } else { Ok(&[]) }
}

/// Fields of a residual's struct, as they are found: those that turn out to have octets.
#[derive(Debug, Default)]
pub struct Fields(Vec<(String, TypeRef)>);

impl Fields {
    /// None yet.
    pub fn new() -> Self {
        Self::default()
    }
    /// A list of numbers, if it is kept.
    pub fn floats(&mut self, keep: bool, name: &str, types: &mut SchemaBuilder) {
        if keep {
            self.0.push((name.into(), types.padded_list::<f32>()));
        }
    }
    /// What an op keeps.
    pub fn op<O: PortableOp>(&mut self, name: &str, types: &mut SchemaBuilder) {
        if O::ARRAYS.is_empty() {
            return;
        }
        let arrays = O::ARRAYS.iter().map(|(name, elements)| {
            let list = match elements {
                Elements::Floats => types.padded_list::<f32>(),
                Elements::Codes => types.padded_list::<i8>(),
            };
            (*name, list)
        });
        let arrays: Vec<_> = arrays.collect();
        self.0.push((name.into(), TypeRef::structure(arrays)));
    }
    /// What a sub-layer keeps.
    pub fn layer<T: PortableLayer>(&mut self, name: &str, types: &mut SchemaBuilder) {
        if T::HAS_OCTETS {
            let ty = T::residual_schema(types);
            self.0.push((name.into(), ty));
        }
    }
    /// The states from which a program that runs again starts.
    pub fn state(&mut self, types: &mut SchemaBuilder) {
        self.0.push(("state".into(), TypeRef::list(types.padded_list::<f32>())));
    }
    /// The struct, without a name.
    pub(crate) fn structure(self) -> TypeRef {
        TypeRef::structure(self.0)
    }
    /// The struct under this name; `void` if it has no field, as members of a union may.
    pub fn define(self, name: &str, types: &mut SchemaBuilder) -> TypeRef {
        let ty = if self.0.is_empty() { TypeRef::Void } else { TypeRef::structure(self.0) };
        types.define(name, ty)
    }
}

/// The tag of a residual, which is that of the view's variant.
///
/// # Errors
/// Another one.
pub fn tag(r: &mut Reader<'_>, variant: &str, tag: u32) -> Result<(), Error> {
    let at = r.offset();
    let found = r.open_union()?;
    if found == tag {
        return Ok(());
    }
    let expected = format!("the residual of `{variant}`, tag {tag}, as in the model");
    Err(DecodeError::new(at, expected, format!("tag {found}")).into())
}

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
        for (i, input) in self.inputs().iter().enumerate() {
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
        let (sig, mut inputs) = (&T::SIG, [Input::Ids(Ids::new(&[], Dims::SCALAR)); MAX_RESULTS]);
        let count = sig.inputs();
        for (i, input) in inputs[..count].iter_mut().enumerate() {
            let dims = sizes(sig.input_rank(i), most, &mut r).map_err(|e| e.inside(&format!("input {}", i + 1)))?;
            *input = match (T::KEEPS[i], sig.takes_ids(i)) {
                (true, true) => Input::Ids(Ids::new(list(&mut r, dims.len())?, dims)),
                (true, false) => Input::Real(Arg::kept(list(&mut r, dims.len())?, dims)),
                (false, true) => Input::Ids(Ids::new(&[], dims)),
                (false, false) => Input::Real(Arg::kept(&[], dims)),
            };
        }
        let (mut ins, mut dims) = ([Dims::SCALAR; MAX_RESULTS], [Dims::SCALAR; MAX_RESULTS]);
        ins.iter_mut().zip(&inputs).for_each(|(dims, input)| *dims = input.dims());
        T::dims::<f32>(self.view(), &ins[..count], &mut dims[..sig.outputs()])?;
        let mut results: [&[f32]; MAX_RESULTS] = [&[]; MAX_RESULTS];
        if T::KEEPS_OUT {
            for (result, dims) in results.iter_mut().zip(&dims[..sig.outputs()]) {
                *result = list(&mut r, dims.len())?;
            }
        }
        let (mut saved, scratch) = workspace.start();
        let residual = T::read_residual(self.view(), &inputs[..count], &mut saved, &mut r)?;
        r.finish()?;
        Ok(Pass::of(residual, inputs, results, dims, scratch))
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

/// After a mistake in an equation: an implementation that never runs, so that the mistake is the only message.
#[doc(hidden)]
#[macro_export]
macro_rules! impl_stub_portable {
    ($part:ty) => {
        impl $crate::residual::PortableLayer for $part {
            const HAS_OCTETS: bool = false;
            fn residual_schema(_: &mut $crate::wire::SchemaBuilder) -> $crate::wire::TypeRef {
                ::core::unreachable!()
            }
            fn write_residual(_: (), _: &mut $crate::wire::Writer) {
                ::core::unreachable!()
            }
            fn read_residual<'w: 'r, 'r>(
                _: <$part as $crate::wire::Wire>::View<'w, f32>,
                _: &[$crate::layer::Input<'r, 'r, f32>],
                _: &mut $crate::workspace::Arena<'r, f32>,
                _: &mut $crate::wire::Reader<'r>,
            ) -> ::core::result::Result<(), $crate::Error> {
                ::core::unreachable!()
            }
        }
    };
}
