//! What lies where in a file, from a walk over its root by the schema inside it.

use barewire::wire::schema::{Fields, Kind, Number, Ty};
use barewire::wire::walk::{Array as Numbers, Inside, Place, Step, Visitor, walk};
use barewire::wire::{
    BinaryMatrix, DecodeError, Extent, Header, Index, Matrix, Pads, QuantizedMatrix, Reader, TernaryMatrix, Types, Wire,
};

/// What lies where.
pub(crate) struct Contents {
    /// the root's type
    pub(crate) root: String,
    /// outermost unions, in the order of the file
    pub(crate) components: Vec<Component>,
    /// padded lists of numbers, in the order of the file
    pub(crate) arrays: Vec<Array>,
}

/// An outermost union.
pub(crate) struct Component {
    /// such as `layers[3].mixer`; empty for the root
    pub(crate) path: String,
    pub(crate) ty: String,
    pub(crate) tag: u64,
    /// the member's name in the schema
    pub(crate) variant: String,
    pub(crate) extent: Extent,
}

/// A padded list of numbers.
pub(crate) struct Array {
    pub(crate) path: String,
    pub(crate) ty: String,
    /// rows and columns of a matrix, else the count
    pub(crate) sizes: Vec<u64>,
    /// of the numbers themselves
    pub(crate) extent: Extent,
    /// their alignment
    pub(crate) align: u64,
}

/// Walks the root. With `payloads`, looks into packed matrices too.
pub(crate) fn contents(
    bytes: &[u8],
    header: &Header<'_>,
    types: &Types,
    payloads: bool,
) -> Result<Contents, DecodeError> {
    let root = header.root;
    let bytes = &bytes[..root.end as usize];
    let contents = Contents { root: types.root().to_string(), components: Vec::new(), arrays: Vec::new() };
    let mut look =
        Look { payloads, bytes, align: header.align as u64, unions: 0, slots: 0, structs: Vec::new(), contents };
    let mut r = Reader::new(bytes);
    // the header's check has found the root inside the file. It starts at a multiple of every alignment in it, so offsets in
    // the file do for offsets in the message
    r.take(root.start as usize)?;
    walk(types.root(), &mut r, Pads::Aligned, &mut look)?;
    r.finish()?;
    Ok(look.contents)
}

struct Look<'t, 'w> {
    payloads: bool,
    /// the file up to the end of the root
    bytes: &'w [u8],
    /// of the file
    align: u64,
    /// how many unions are around
    unions: usize,
    /// how many lists of slots or tags are around: unions in them are no components
    slots: usize,
    /// those around
    structs: Vec<Struct<'t>>,
    contents: Contents,
}

/// A struct that is being read.
struct Struct<'t> {
    name: &'t str,
    fields: Fields<'t>,
    /// its rows and columns
    sizes: Vec<u64>,
    /// of its padded list
    align: Option<u64>,
}

impl<'t, 'w> Visitor<'t, 'w> for Look<'t, 'w> {
    fn enter(&mut self, place: &Place<'t>, ty: Ty<'t>, offset: u64) -> Result<Inside, DecodeError> {
        let name = ty.name().unwrap_or_default();
        match ty.kind() {
            Kind::Struct(fields) => self.structs.push(Struct { name, fields, sizes: Vec::new(), align: None }),
            Kind::List(..) if self.is_behind_pad(place) => self.slots += 1,
            Kind::Union(_) | Kind::Enum(_) => {
                if self.unions == 0 && self.slots == 0 {
                    self.contents.components.push(Component {
                        path: place.field_path(),
                        ty: name.to_owned(),
                        tag: 0,
                        variant: String::new(),
                        extent: Extent { start: offset, end: offset },
                    });
                }
                self.unions += 1;
            }
            _ => {}
        }
        Ok(Inside::Visit)
    }

    fn tag(&mut self, _: &Place<'t>, name: &'t str, tag: u64, _: u64) -> Result<(), DecodeError> {
        if let (1, 0, Some(component)) = (self.unions, self.slots, self.contents.components.last_mut()) {
            component.tag = tag;
            name.clone_into(&mut component.variant);
        }
        Ok(())
    }

    fn array(&mut self, place: &Place<'t>, array: &Numbers<'w>) -> Result<(), DecodeError> {
        let (Some(align), Some(around)) = (array.align, self.structs.last_mut()) else { return Ok(()) };
        if align > self.align {
            let expected = format!("an alignment of at least {align}, as the schema has");
            return Err(DecodeError::new(12, expected, format!("{}", self.align)));
        }
        around.align = Some(align);
        let sizes = if around.sizes.len() < 2 { vec![array.count as u64] } else { around.sizes.clone() };
        let (path, ty) = (place.around().field_path(), around.name.to_owned());
        self.contents.arrays.push(Array { path, ty, sizes, extent: array.extent, align });
        Ok(())
    }

    fn leave(&mut self, place: &Place<'t>, ty: Ty<'t>, extent: Extent, octets: &'w [u8]) -> Result<(), DecodeError> {
        match ty.kind() {
            Kind::Struct(_) => {
                if let Some(Struct { name, fields, align: Some(align), .. }) = self.structs.pop() {
                    self.known_matrix(name, fields, extent.start, align)?;
                }
            }
            Kind::Union(_) | Kind::Enum(_) => {
                self.unions -= 1;
                if let (0, 0, Some(component)) = (self.unions, self.slots, self.contents.components.last_mut()) {
                    component.extent.end = extent.end;
                }
            }
            Kind::List(..) if self.is_behind_pad(place) => self.slots -= 1,
            Kind::Number(Number::U32) => {
                if let (Some(Step::Field("rows" | "cols")), Some(around)) =
                    (place.steps().last(), self.structs.last_mut())
                {
                    around.sizes.push(octets.iter().rev().fold(0, |size, &octet| size << 8 | u64::from(octet)));
                }
            }
            _ => {}
        }
        Ok(())
    }
}

impl Look<'_, '_> {
    /// Whether a list stands behind a pad and is none of numbers: the slots, or the tags, of elements of fixed size.
    fn is_behind_pad(&self, place: &Place<'_>) -> bool {
        let (Some(Step::Field(name)), Some(around)) = (place.steps().last(), self.structs.last()) else { return false };
        let before = around.fields.position(name).and_then(|at| around.fields.get(at.checked_sub(1)?));
        before.is_some_and(|field| field.name == "pad" && matches!(field.ty.kind(), Kind::Data(None)))
    }

    /// What the library knows about its own matrices: that dims and data fit, and with `payloads` what is inside.
    fn known_matrix(&self, name: &str, fields: Fields<'_>, start: u64, align: u64) -> Result<(), DecodeError> {
        // behind the name there may be an alignment, or a number that tells two types apart
        let name = name.trim_end_matches(|c: char| c.is_ascii_digit());
        let names: Vec<&str> = fields.iter().filter(|field| field.pads.is_none()).map(|field| field.name).collect();
        if !matches!(
            names[..],
            ["rows", "cols", "values" | "words"] | ["rows", "cols", "bits", "scale", "zero", "words"]
        ) {
            return Ok(());
        }
        let mut r = Reader::new(self.bytes);
        if self.payloads {
            r = r.with_payload_checks();
        }
        r.take(start as usize)?;
        let index = Index::new();
        r.with_align(align as usize, |r| match name {
            "F32Matrix" => Matrix::<f32>::read(r, &index).map(drop),
            "TernaryMatrix" => TernaryMatrix::read(r, &index).map(drop),
            "BinaryMatrix" => BinaryMatrix::read(r, &index).map(drop),
            "QuantizedMatrix" => QuantizedMatrix::read(r, &index).map(drop),
            _ => Ok(()),
        })
    }
}
