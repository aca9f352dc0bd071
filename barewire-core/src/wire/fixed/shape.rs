//! What a fixed-size type is made of, as a constant; and what follows from it: the place in a slot, the columns.

use super::Fixed;

/// What a cell holds: a column has cells of one kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs)] // their names say it
pub enum Kind {
    /// the tag of a union or enum
    Tag,
    Bool,
    U8,
    I8,
    U16,
    I16,
    U32,
    I32,
    F32,
    U64,
    I64,
    F64,
}

/// The number of [`Kind`]s.
pub(crate) const KINDS: usize = Kind::ALL.len();

impl Kind {
    /// All of them, in the order in which their columns stand in a message.
    pub const ALL: [Self; 12] = [
        Self::Tag,
        Self::Bool,
        Self::U8,
        Self::I8,
        Self::U16,
        Self::I16,
        Self::U32,
        Self::I32,
        Self::F32,
        Self::U64,
        Self::I64,
        Self::F64,
    ];

    /// Octets of a cell.
    pub const fn size(self) -> usize {
        match self {
            Self::Tag | Self::Bool | Self::U8 | Self::I8 => 1,
            Self::U16 | Self::I16 => 2,
            Self::U32 | Self::I32 | Self::F32 => 4,
            Self::U64 | Self::I64 | Self::F64 => 8,
        }
    }
}

/// A fixed-size type, as data: the derive writes it, and places, columns, schemas and checks are read from it.
#[derive(Clone, Copy, Debug)]
pub enum Shape {
    /// a number or a bool
    Cell(Kind),
    /// `[T; N]`
    Array(&'static Shape, usize),
    /// a struct
    Struct(&'static StructShape),
    /// a union, or an enum
    Union(&'static UnionShape),
}

/// See [`Shape`].
#[derive(Clone, Copy, Debug)]
pub struct StructShape {
    /// its name in Rust
    pub rust_name: &'static str,
    /// its name in the schema
    pub name: &'static str,
    /// whether the fields have no names of their own
    pub tuple: bool,
    /// in the order of the type
    pub fields: &'static [FieldShape],
}

/// See [`Shape`].
#[derive(Clone, Copy, Debug)]
pub struct UnionShape {
    /// its name in the schema
    pub name: &'static str,
    /// by ascending tag
    pub variants: &'static [VariantShape],
    /// tags that are not used any more
    pub retired: &'static [u32],
}

/// See [`Shape`].
#[derive(Clone, Copy, Debug)]
pub struct VariantShape {
    /// its tag, below 128
    pub tag: u32,
    /// its Rust name
    pub name: &'static str,
    /// the name of its type in the schema, or of its value if the union is an enum
    pub wire_name: &'static str,
    /// whether `wire_name` stands as it is when it names a value
    pub exact: bool,
    /// whether the fields have no names of their own
    pub tuple: bool,
    /// in the order of the variant
    pub fields: &'static [FieldShape],
}

/// See [`Shape`].
#[derive(Clone, Copy, Debug)]
pub struct FieldShape {
    /// its name in Rust, which errors and paths have
    pub rust_name: &'static str,
    /// its exact name in the schema, if it is not the Rust one in the schema's style
    pub rename: Option<&'static str>,
    /// its type
    pub shape: Shape,
}

/// A field whose name in the schema follows from its name in Rust.
pub const fn field<T: Fixed>(rust_name: &'static str) -> FieldShape {
    FieldShape { rust_name, rename: None, shape: T::SHAPE }
}

/// A field with a name of its own in the schema.
pub const fn renamed<T: Fixed>(rust_name: &'static str, name: &'static str) -> FieldShape {
    FieldShape { rust_name, rename: Some(name), shape: T::SHAPE }
}

/// A variant, by the fields of [`VariantShape`] in their order.
pub const fn variant(
    tag: u32,
    name: &'static str,
    wire_name: &'static str,
    exact: bool,
    tuple: bool,
    fields: &'static [FieldShape],
) -> VariantShape {
    VariantShape { tag, name, wire_name, exact, tuple, fields }
}

impl UnionShape {
    /// Whether no variant has a field.
    pub const fn is_enum(&self) -> bool {
        let mut i = 0;
        while i < self.variants.len() {
            if !self.variants[i].fields.is_empty() {
                return false;
            }
            i += 1;
        }
        true
    }

    /// Its tags, as bits.
    pub const fn tags(&self) -> u128 {
        let (mut tags, mut i) = (0, 0);
        while i < self.variants.len() {
            // the derive refuses larger tags
            tags |= 1 << self.variants[i].tag;
            i += 1;
        }
        tags
    }

    /// The variant of a tag.
    pub fn variant(&self, tag: u8) -> Option<&'static VariantShape> {
        self.variants.iter().find(|variant| variant.tag == u32::from(tag))
    }
}

/// The octets that a value takes in a slot, and the alignment of its first one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    /// octets, a multiple of `align`
    pub size: usize,
    /// 1, 2, 4 or 8
    pub align: usize,
}

impl Place {
    /// The place of a type: each number at a multiple of its size, in the order of the fields, behind the tag in a union; a
    /// union has room for its largest variant.
    pub const fn of(shape: &Shape) -> Self {
        match shape {
            Shape::Cell(kind) => Self { size: kind.size(), align: kind.size() },
            Shape::Array(item, n) => {
                let item = Self::of(item);
                Self { size: item.size * *n, align: item.align }
            }
            Shape::Struct(shape) => Self::behind(0, shape.fields).closed(),
            Shape::Union(shape) => {
                let (mut all, mut i) = (Self { size: 1, align: 1 }, 0);
                while i < shape.variants.len() {
                    let one = Self::behind(1, shape.variants[i].fields);
                    all.size = if one.size > all.size { one.size } else { all.size };
                    all.align = if one.align > all.align { one.align } else { all.align };
                    i += 1;
                }
                all.closed()
            }
        }
    }

    /// Fields one after another behind `size` octets.
    const fn behind(mut size: usize, fields: &[FieldShape]) -> Self {
        let (mut align, mut i) = (1, 0);
        while i < fields.len() {
            let field = Self::of(&fields[i].shape);
            size = size.next_multiple_of(field.align) + field.size;
            align = if field.align > align { field.align } else { align };
            i += 1;
        }
        Self { size, align }
    }

    const fn closed(self) -> Self {
        Self { size: self.size.next_multiple_of(self.align), align: self.align }
    }
}

/// How many columns of each kind a type needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cells([usize; KINDS]);

impl Cells {
    const NONE: Self = Self([0; KINDS]);

    /// The columns of a type: each field takes the next ones of its kind; the variants of a union share theirs.
    pub const fn of(shape: &Shape) -> Self {
        match shape {
            Shape::Cell(kind) => Self::NONE.and_one(*kind),
            Shape::Array(item, n) => {
                let (mut all, mut k) = (Self::of(item), 0);
                while k < KINDS {
                    all.0[k] *= *n;
                    k += 1;
                }
                all
            }
            Shape::Struct(shape) => Self::of_fields(shape.fields),
            Shape::Union(shape) => {
                let (mut all, mut i) = (Self::NONE, 0);
                while i < shape.variants.len() {
                    let (one, mut k) = (Self::of_fields(shape.variants[i].fields), 0);
                    while k < KINDS {
                        all.0[k] = if one.0[k] > all.0[k] { one.0[k] } else { all.0[k] };
                        k += 1;
                    }
                    i += 1;
                }
                all.and_one(Kind::Tag)
            }
        }
    }

    const fn and_one(mut self, kind: Kind) -> Self {
        self.0[kind as usize] += 1;
        self
    }

    const fn of_fields(fields: &[FieldShape]) -> Self {
        let (mut all, mut i) = (Self::NONE, 0);
        while i < fields.len() {
            let (one, mut k) = (Self::of(&fields[i].shape), 0);
            while k < KINDS {
                all.0[k] += one.0[k];
                k += 1;
            }
            i += 1;
        }
        all
    }

    /// Columns of each kind.
    pub(crate) const fn counts(&self) -> [usize; KINDS] {
        self.0
    }

    /// Columns of a kind.
    pub const fn count(&self, kind: Kind) -> usize {
        self.0[kind as usize]
    }

    /// All columns.
    pub const fn total(&self) -> usize {
        let (mut total, mut k) = (0, 0);
        while k < KINDS {
            total += self.0[k];
            k += 1;
        }
        total
    }

    /// Octets of a row: one cell of each column.
    pub const fn octets(&self) -> usize {
        let (mut octets, mut k) = (0, 0);
        while k < KINDS {
            octets += self.0[k] * Kind::ALL[k].size();
            k += 1;
        }
        octets
    }

    /// The number of each kind's first column, counted over all kinds.
    pub(crate) const fn firsts(&self) -> [usize; KINDS] {
        let (mut firsts, mut next, mut k) = ([0; KINDS], 0, 0);
        while k < KINDS {
            firsts[k] = next;
            next += self.0[k];
            k += 1;
        }
        firsts
    }

    /// The kind of each column, in their order.
    pub(crate) fn kinds(&self) -> impl Iterator<Item = Kind> {
        Kind::ALL.into_iter().zip(self.0).flat_map(|(kind, n)| core::iter::repeat_n(kind, n))
    }
}
