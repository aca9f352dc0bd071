//! Types that the library itself brings along, known by their names and fields in a schema: a walk by the schema alone does not know what
//! their parts have to do with each other.

use barewire::wire::schema::{Kind, Ty};
use barewire::wire::walk::{Place, Step};
use barewire::wire::{
    ALIGN, BinaryMatrix, DecodeError, Index, Matrix, QuantizedMatrix, Reader, TernaryMatrix, Wire, pad_len,
};

use crate::contents::Weights;

/// What a struct is to the library.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Packed {
    /// a struct of a user, or a list of numbers
    No,
    /// a matrix of floats, digits, bits or codes
    Matrix,
    /// `Slots<T>`
    Slots,
    /// `Columns<T>`, with tags
    Columns,
    /// `Columns<T>` of a struct, which has no tags
    PlainColumns,
    /// a column of octets or bools
    Flags,
}

impl Packed {
    /// Whether all inside are elements of fixed size, which are no components.
    pub(crate) fn is_fixed(self) -> bool {
        matches!(self, Self::Slots | Self::Columns | Self::PlainColumns)
    }

    /// Whether it starts with the pad of a list that the walk takes for data.
    pub(crate) fn has_own_pad(self) -> bool {
        matches!(self, Self::Slots | Self::Columns | Self::Flags)
    }
}

/// The name without what tells alignments, and two types of one name, apart.
fn base(name: &str) -> &str {
    name.trim_end_matches(|c: char| c.is_ascii_digit())
}

/// What a struct is to the library.
pub(crate) fn packed(ty: Ty<'_>) -> Packed {
    let Kind::Struct(fields) = ty.kind() else { return Packed::No };
    let name = base(ty.name().unwrap_or_default());
    let names: Vec<&str> = fields.iter().filter(|field| field.pads.is_none()).map(|field| field.name).collect();
    let is_column = |name: &&str| name.ends_with("Columns") || name.ends_with("_columns");
    match names[..] {
        ["rows", "cols", "values"] if name == "F32Matrix" => Packed::Matrix,
        ["rows", "cols", "words"] if name == "TernaryMatrix" || name == "BinaryMatrix" => Packed::Matrix,
        ["rows", "cols", "bits", "scale", "zero", "words"] if name == "QuantizedMatrix" => Packed::Matrix,
        ["pad", "values"] if name == "U8Array" || name == "BoolArray" => Packed::Flags,
        ["pad", "slots"] if name.ends_with("Slots") => Packed::Slots,
        ["pad", "tags", ref rest @ ..] if name.ends_with("Columns") && rest.iter().all(is_column) => Packed::Columns,
        [_, ..] if name.ends_with("Columns") && names.iter().all(is_column) => Packed::PlainColumns,
        _ => Packed::No,
    }
}

/// The parameters in a list with these sizes around it.
pub(crate) fn weights(packed: Packed, sizes: &[u64], list: &Weights) -> Weights {
    match (packed, sizes) {
        (Packed::Matrix, &[rows, cols]) => Weights { count: rows.saturating_mul(cols), ..*list },
        _ if list.count > 0 => *list,
        // numbers that are no floats: counts, ids
        _ => Weights { count: 0, octets: 0, pads: list.pads },
    }
}

/// Reads a matrix as the library does: dims and data have to fit, and with `payloads` what is inside is looked at.
pub(crate) fn check_matrix(
    bytes: &[u8],
    ty: Ty<'_>,
    start: u64,
    align: u64,
    payloads: bool,
) -> Result<(), DecodeError> {
    if packed(ty) != Packed::Matrix {
        return Ok(());
    }
    let mut r = Reader::new(bytes);
    if payloads {
        r = r.with_payload_checks();
    }
    r.take(start as usize)?;
    let index = Index::new();
    r.with_align(align as usize, |r| match base(ty.name().unwrap_or_default()) {
        "F32Matrix" => Matrix::<f32>::read(r, &index).map(drop),
        "TernaryMatrix" => TernaryMatrix::read(r, &index).map(drop),
        "BinaryMatrix" => BinaryMatrix::read(r, &index).map(drop),
        _ => QuantizedMatrix::read(r, &index).map(drop),
    })
}

/// The pad of slots, tags, octets and bools: zeros, as few as put the list at a multiple of 64. Gives the list's count.
pub(crate) fn check_pad(bytes: &[u8], start: u64) -> Result<u64, DecodeError> {
    let mut r = Reader::new(bytes);
    r.take(start as usize)?;
    let pad = r.data()?;
    let zeros = r.offset() - pad.len() as u64;
    let count = r.uint()?;
    let expected = pad_len(start, count, ALIGN as u64);
    if pad.len() as u64 != expected {
        let found = pad.len().to_string();
        return Err(DecodeError::new(start, format!("a pad of {expected} octets"), found).within("pad"));
    }
    check_zeros(pad, zeros).map_err(|error| error.within("pad"))?;
    Ok(count)
}

/// Octets that no field covers are zeros.
pub(crate) fn check_zeros(octets: &[u8], start: u64) -> Result<(), DecodeError> {
    match octets.iter().position(|octet| *octet != 0) {
        None => Ok(()),
        Some(at) => Err(DecodeError::new(start + at as u64, "a zero", format!("{:#04x}", octets[at]))),
    }
}

/// Whether a place is a gap of a slot: `gap`, `gap2`, ..
pub(crate) fn is_gap(place: &Place<'_>) -> bool {
    matches!(place.steps().last(), Some(Step::Field(name)) if base(name) == "gap")
}
