//! The fields of a variant at once, as a tuple: generated code takes a variant apart or puts it together, and what happens to each
//! field is compiled once, here. A table says what its types do not: names, and alignments.
#![allow(missing_docs)]

use alloc::vec::Vec;

use super::error::DecodeError;
use super::reader::Reader;
use super::reader_mut::ReaderMut;
use super::writer::Writer;
use super::{ALIGN, Index, SchemaBuilder, TypeRef, Wire};

/// A field, as the table has it.
#[derive(Clone, Copy)]
pub struct FieldEntry {
    /// the Rust name
    pub name: &'static str,
    /// the exact name in the schema, if it is not the Rust one in the schema's style
    pub rename: Option<&'static str>,
    /// of its list: 64, or what `align = ..` says
    pub align: usize,
}

/// A field whose name in the schema follows from its name in Rust.
pub const fn field(name: &'static str) -> FieldEntry {
    FieldEntry { name, rename: None, align: ALIGN }
}

impl FieldEntry {
    /// The same with an exact name in the schema.
    pub const fn renamed(self, name: &'static str) -> Self {
        Self { rename: Some(name), ..self }
    }

    /// The same with another alignment.
    pub const fn aligned(self, align: usize) -> Self {
        Self { align, ..self }
    }
}

/// A variant of a union, or a struct, as the table has it.
pub struct VariantEntry {
    /// of a variant
    pub tag: Option<u32>,
    /// the Rust name
    pub name: &'static str,
    /// the name of its own type, such as `MatmulFreeWeightTernary`; in an enum the value's Rust name, or its name on the
    /// wire if `exact`
    pub wire_name: &'static str,
    pub exact: bool,
    /// whether the fields have no names of their own
    pub tuple: bool,
    pub fields: &'static [FieldEntry],
    /// the least octets of its fields
    pub min_len: usize,
    /// the largest alignment of a list in it
    pub align: usize,
    /// adds its fields' types
    pub schema: fn(&VariantEntry, &mut SchemaBuilder, &mut Vec<TypeRef>),
}

/// A variant, by what [`VariantEntry`] says of it.
pub const fn variant<F: Fields>(
    tag: u32,
    name: &'static str,
    wire_name: &'static str,
    exact: bool,
    tuple: bool,
    fields: &'static [FieldEntry],
) -> VariantEntry {
    VariantEntry { tag: Some(tag), wire_name, exact, ..structure::<F>(name, tuple, fields) }
}

/// A struct, likewise.
pub const fn structure<F: Fields>(name: &'static str, tuple: bool, fields: &'static [FieldEntry]) -> VariantEntry {
    let (mut align, mut i) = (F::ALIGN, 0);
    while i < fields.len() {
        if fields[i].align != ALIGN && fields[i].align > align {
            align = fields[i].align;
        }
        i += 1;
    }
    let schema = |of: &VariantEntry, types: &mut SchemaBuilder, all: &mut Vec<TypeRef>| F::schema(of, 0, types, all);
    VariantEntry { tag: None, name, wire_name: name, exact: false, tuple, fields, min_len: F::MIN_LEN, align, schema }
}

impl VariantEntry {
    /// The error, seen from the type: `Ternary.weights` in a union, `weights` in a struct.
    #[cold]
    fn within(&self, field: usize, error: DecodeError) -> DecodeError {
        let name = self.fields[field].name;
        match (self.tag, self.tuple, self.fields.len()) {
            (None, _, _) => error.within(name),
            // the only field of a tuple variant has no name worth telling
            (Some(_), true, 1) => error.within(self.name),
            (Some(_), _, _) => error.within(name).within(self.name),
        }
    }

    /// Runs `f` with the alignment of a field, and names the field in its error.
    #[inline(always)]
    fn reading<'w, T>(
        &'static self,
        field: usize,
        r: &mut Reader<'w>,
        f: impl FnOnce(&mut Reader<'w>) -> Result<T, DecodeError>,
    ) -> Result<T, DecodeError> {
        let align = self.fields[field].align;
        let result = if align == ALIGN { f(r) } else { r.with_align(align, f) };
        result.map_err(|error| self.within(field, error))
    }

    /// As [`reading`](Self::reading).
    #[inline(always)]
    fn lending<'w, T>(
        &'static self,
        field: usize,
        r: &mut ReaderMut<'w>,
        f: impl FnOnce(&mut ReaderMut<'w>) -> Result<T, DecodeError>,
    ) -> Result<T, DecodeError> {
        let align = self.fields[field].align;
        let result = if align == ALIGN { f(r) } else { r.with_align(align, f) };
        result.map_err(|error| self.within(field, error))
    }

    #[inline(always)]
    fn writing(&'static self, field: usize, w: &mut Writer, f: impl FnOnce(&mut Writer)) {
        let align = self.fields[field].align;
        if align == ALIGN { f(w) } else { w.with_align(align, f) }
    }
}

/// Fields in their order: tuples of up to twelve types, and [`More`]. `first` is the number of the first of them in the entry.
pub trait Fields: Sized + 'static {
    const LEN: usize;
    const MIN_LEN: usize;
    const ALIGN: usize;
    type View<'w, P: Copy + 'static>;
    type ViewMut<'w>;
    type Refs<'a>;
    fn schema(of: &VariantEntry, first: usize, types: &mut SchemaBuilder, all: &mut Vec<TypeRef>);
    fn encode(of: &'static VariantEntry, first: usize, values: Self::Refs<'_>, w: &mut Writer);
    fn view<'w>(values: Self::Refs<'w>, index: &'w Index) -> Self::View<'w, f32>;
    fn decode(of: &'static VariantEntry, first: usize, r: &mut Reader<'_>) -> Result<Self, DecodeError>;
    fn read<'w>(
        of: &'static VariantEntry,
        first: usize,
        r: &mut Reader<'w>,
        index: &'w Index,
    ) -> Result<Self::View<'w, f32>, DecodeError>;
    fn read_mut<'w>(
        of: &'static VariantEntry,
        first: usize,
        r: &mut ReaderMut<'w>,
    ) -> Result<Self::ViewMut<'w>, DecodeError>;
}

macro_rules! tuples {
    ($($number:tt $T:ident,)*) => { tuples!(@ [] $($number $T,)*); };
    (@ [$($number:tt $T:ident,)*] $next:tt $Next:ident, $($rest:tt)*) => {
        tuples!(= $($number $T,)*);
        tuples!(@ [$($number $T,)* $next $Next,] $($rest)*);
    };
    (@ [$($number:tt $T:ident,)*]) => { tuples!(= $($number $T,)*); };
    (= $($number:tt $T:ident,)*) => {
        #[allow(unused_variables, clippy::unused_unit)]
        impl<$($T: Wire),*> Fields for ($($T,)*) {
            const LEN: usize = { const NUMBERS: &[usize] = &[$($number),*]; NUMBERS.len() };
            const MIN_LEN: usize = 0 $(+ $T::MIN_LEN)*;
            const ALIGN: usize = largest(&[$($T::ALIGN),*]);
            type View<'w, P: Copy + 'static> = ($($T::View<'w, P>,)*);
            type ViewMut<'w> = ($($T::ViewMut<'w>,)*);
            type Refs<'a> = ($(&'a $T,)*);
            fn schema(of: &VariantEntry, first: usize, types: &mut SchemaBuilder, all: &mut Vec<TypeRef>) {
                $( all.push(types.with_align(of.fields[first + $number].align, $T::schema)); )*
            }
            #[inline]
            fn encode(of: &'static VariantEntry, first: usize, values: Self::Refs<'_>, w: &mut Writer) {
                $( of.writing(first + $number, w, |w| values.$number.encode(w)); )*
            }
            #[inline]
            fn view<'w>(values: Self::Refs<'w>, index: &'w Index) -> Self::View<'w, f32> {
                ($( values.$number.view(index), )*)
            }
            #[inline]
            fn decode(of: &'static VariantEntry, first: usize, r: &mut Reader<'_>) -> Result<Self, DecodeError> {
                Ok(($( of.reading(first + $number, r, |r| $T::decode(r))?, )*))
            }
            #[inline]
            fn read<'w>(
                of: &'static VariantEntry,
                first: usize,
                r: &mut Reader<'w>,
                index: &'w Index,
            ) -> Result<Self::View<'w, f32>, DecodeError> {
                Ok(($( of.reading(first + $number, r, |r| $T::read(r, index))?, )*))
            }
            #[inline]
            fn read_mut<'w>(
                of: &'static VariantEntry,
                first: usize,
                r: &mut ReaderMut<'w>,
            ) -> Result<Self::ViewMut<'w>, DecodeError> {
                Ok(($( of.lending(first + $number, r, |r| $T::read_mut(r))?, )*))
            }
        }
    };
}

tuples!(0 A, 1 B, 2 C, 3 D, 4 E, 5 F, 6 G, 7 H, 8 I, 9 J, 10 K, 11 L,);

/// Fields and the fields behind them.
pub struct More<F, G>(pub F, pub G);

impl<F: Fields, G: Fields> Fields for More<F, G> {
    const LEN: usize = F::LEN + G::LEN;
    const MIN_LEN: usize = F::MIN_LEN + G::MIN_LEN;
    const ALIGN: usize = largest(&[F::ALIGN, G::ALIGN]);
    type View<'w, P: Copy + 'static> = (F::View<'w, P>, G::View<'w, P>);
    type ViewMut<'w> = (F::ViewMut<'w>, G::ViewMut<'w>);
    type Refs<'a> = (F::Refs<'a>, G::Refs<'a>);
    fn schema(of: &VariantEntry, first: usize, types: &mut SchemaBuilder, all: &mut Vec<TypeRef>) {
        F::schema(of, first, types, all);
        G::schema(of, first + F::LEN, types, all);
    }
    #[inline]
    fn encode(of: &'static VariantEntry, first: usize, (f, g): Self::Refs<'_>, w: &mut Writer) {
        F::encode(of, first, f, w);
        G::encode(of, first + F::LEN, g, w);
    }
    #[inline]
    fn view<'w>((f, g): Self::Refs<'w>, index: &'w Index) -> Self::View<'w, f32> {
        (F::view(f, index), G::view(g, index))
    }
    #[inline]
    fn decode(of: &'static VariantEntry, first: usize, r: &mut Reader<'_>) -> Result<Self, DecodeError> {
        Ok(More(F::decode(of, first, r)?, G::decode(of, first + F::LEN, r)?))
    }
    #[inline]
    fn read<'w>(
        of: &'static VariantEntry,
        first: usize,
        r: &mut Reader<'w>,
        index: &'w Index,
    ) -> Result<Self::View<'w, f32>, DecodeError> {
        Ok((F::read(of, first, r, index)?, G::read(of, first + F::LEN, r, index)?))
    }
    #[inline]
    fn read_mut<'w>(
        of: &'static VariantEntry,
        first: usize,
        r: &mut ReaderMut<'w>,
    ) -> Result<Self::ViewMut<'w>, DecodeError> {
        Ok((F::read_mut(of, first, r)?, G::read_mut(of, first + F::LEN, r)?))
    }
}

/// The largest of some alignments.
const fn largest(aligns: &[usize]) -> usize {
    let (mut largest, mut i) = (1, 0);
    while i < aligns.len() {
        if aligns[i] > largest {
            largest = aligns[i];
        }
        i += 1;
    }
    largest
}

/// Least octets of a union: its tag, and its shortest variant.
pub const fn min_len(variants: &[VariantEntry]) -> usize {
    let (mut least, mut i) = (usize::MAX, 0);
    while i < variants.len() {
        let tag = match variants[i].tag {
            Some(tag) => super::varint_len(tag as u64) as usize,
            None => 0,
        };
        let len = tag + variants[i].min_len;
        if len < least {
            least = len;
        }
        i += 1;
    }
    least
}

/// The largest alignment of a list in any of them.
pub const fn align(variants: &[VariantEntry]) -> usize {
    let (mut largest, mut i) = (1, 0);
    while i < variants.len() {
        if variants[i].align > largest {
            largest = variants[i].align;
        }
        i += 1;
    }
    largest
}
