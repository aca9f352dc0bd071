//! Ops whose residual can travel.

use super::{Fields, list};
use crate::Error;
use crate::primitive::{Arg, Primitive};
use crate::wire::schema::SchemaBuilder;
use crate::wire::{Reader, Writer};
use crate::workspace::Arena;

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
    note = "`portable` needs `barewire::residual::PortableOp` of every op; a function has it by `#[differentiable(portable)]`"
)]
pub trait PortableOp: Primitive {
    /// Names and elements of the arrays that the residual holds beside arguments.
    const ARRAYS: &'static [(&'static str, Elements)];
    /// Whether there are any. A `#[differentiable]` function, whose residual is no list of arrays, says so itself.
    const HAS_OCTETS: bool = !Self::ARRAYS.is_empty();
    /// Fields of the residual in a schema: the arrays. A `#[differentiable]` function has those of its steps.
    fn fields(types: &mut SchemaBuilder) -> Fields {
        let mut fields = Fields::new();
        Self::ARRAYS.iter().for_each(|(name, elements)| fields.array(name, *elements, types));
        fields
    }
    /// Hands over these arrays, in order.
    fn write(residual: Self::Residual<'_, f32>, to: &mut Outgoing<'_>);
    /// The residual of a call with these arguments. Parameters are all there; activations have their sizes, and those that the op
    /// [keeps](Primitive::KEEPS) have their numbers.
    ///
    /// # Errors
    /// Sizes that the op cannot take, or values that its backward pass could not.
    fn read<'r>(args: Self::Args<'r, 'r, f32>, from: &mut Arrays<'_, 'r>) -> Result<Self::Residual<'r, f32>, Error>;
}

/// True, of an op whose residual can travel: the one place where generated code says of another that it cannot.
pub const fn op_travels<O: PortableOp>() -> bool {
    true
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
    /// The message itself, for a residual that is no list of arrays.
    pub fn writer(&mut self) -> &mut Writer {
        self.0
    }
}

/// Where an op's arrays come from.
#[derive(Debug)]
pub struct Arrays<'f, 'r> {
    r: &'f mut Reader<'r>,
    saved: &'f mut Arena<'r, f32>,
}

impl<'f, 'r> Arrays<'f, 'r> {
    /// From where a reader stands. `saved` has room for what a residual needs beside the message, such as lists.
    pub fn new(r: &'f mut Reader<'r>, saved: &'f mut Arena<'r, f32>) -> Self {
        Self { r, saved }
    }
    /// The next array, of `n` numbers.
    ///
    /// # Errors
    /// Another array.
    pub fn floats(&mut self, n: usize) -> Result<&'r [f32], Error> {
        Ok(list(self.r, n)?)
    }
    /// The next array, of a length that the op itself compares with something.
    ///
    /// # Errors
    /// Another array.
    pub fn any_floats(&mut self) -> Result<&'r [f32], Error> {
        Ok(self.r.padded()?)
    }
    /// The next array, of `n` codes.
    ///
    /// # Errors
    /// Another array.
    pub fn codes(&mut self, n: usize) -> Result<&'r [i8], Error> {
        Ok(list(self.r, n)?)
    }
    /// The message itself and the memory beside it, for a residual that is no list of arrays.
    pub fn parts(&mut self) -> (&mut Reader<'r>, &mut Arena<'r, f32>) {
        (self.r, self.saved)
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
