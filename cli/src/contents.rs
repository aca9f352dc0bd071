//! What lies where in a file, from a walk over its root by the schema inside it.

use barewire::wire::schema::{Kind, Number, Ty};
use barewire::wire::walk::{Array as Numbers, Inside, Place, Step, Visitor, walk};
use barewire::wire::{DecodeError, Extent, Header, Pads, Reader, Types};

use crate::known::{self, Packed};

/// What lies where.
pub(crate) struct Contents {
    /// outermost unions, in the order of the file
    pub(crate) components: Vec<Component>,
    /// padded lists of numbers, in the order of the file
    pub(crate) arrays: Vec<Array>,
    /// the root, and what is worth a line inside it
    pub(crate) tree: Node,
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
    pub(crate) weights: Weights,
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
    pub(crate) weights: Weights,
}

/// Parameters: floats, and the elements of matrices.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Weights {
    /// how many
    pub(crate) count: u64,
    /// octets that hold them, without pads
    pub(crate) octets: u64,
    /// octets of pads, with their lengths, and of the counts behind them
    pub(crate) pads: u64,
}

impl Weights {
    fn add(&mut self, more: Self) {
        self.count += more.count;
        self.octets += more.octets;
        self.pads += more.pads;
    }

    /// Bits that hold a parameter.
    pub(crate) fn bits_each(&self) -> Option<f64> {
        (self.count > 0).then(|| self.octets as f64 * 8.0 / self.count as f64)
    }
}

/// A line of the tree.
#[derive(Debug)]
pub(crate) struct Node {
    /// `layers`, `[3]`; the type for the root
    pub(crate) name: String,
    pub(crate) ty: String,
    /// of a union or enum: its member's name and tag
    pub(crate) variant: Option<(String, u64)>,
    /// rows and columns, or a count
    pub(crate) sizes: Vec<u64>,
    pub(crate) extent: Extent,
    pub(crate) weights: Weights,
    pub(crate) children: Vec<Node>,
    /// whether it is worth a line however small it is
    own_line: bool,
}

impl Node {
    pub(crate) fn octets(&self) -> u64 {
        self.extent.end - self.extent.start
    }

    /// Whether two nodes differ in nothing but their names and places.
    pub(crate) fn is_like(&self, other: &Self) -> bool {
        self.ty == other.ty
            && self.variant == other.variant
            && self.sizes == other.sizes
            && self.children.len() == other.children.len()
            && self.children.iter().zip(&other.children).all(|(a, b)| a.name == b.name && a.is_like(b))
    }
}

/// What is smaller, has nothing inside and is neither a union nor an array gets no line.
const WORTH_A_LINE: u64 = 64;

/// Walks the root. With `payloads`, looks into packed matrices and gaps of slots too.
pub(crate) fn contents(
    bytes: &[u8],
    header: &Header<'_>,
    types: &Types,
    payloads: bool,
) -> Result<Contents, DecodeError> {
    let root = header.root;
    let bytes = &bytes[..root.end as usize];
    let mut look = Look {
        payloads,
        bytes,
        align: header.align as u64,
        unions: 0,
        fixed: 0,
        open: Vec::new(),
        components: Vec::new(),
        arrays: Vec::new(),
        root: None,
    };
    let mut r = Reader::new(bytes);
    // the header's check has found the root inside the file. It starts at a multiple of every alignment in it, so offsets in
    // the file do for offsets in the message
    r.take(root.start as usize)?;
    walk(types.root(), &mut r, Pads::Aligned, &mut look)?;
    r.finish()?;
    let tree = look.root.unwrap_or_else(|| node(types.root().to_string(), types.root(), root.start, root.end));
    Ok(Contents { components: look.components, arrays: look.arrays, tree })
}

fn node(name: String, ty: Ty<'_>, start: u64, end: u64) -> Node {
    Node {
        name,
        ty: ty.to_string(),
        variant: None,
        sizes: Vec::new(),
        extent: Extent { start, end },
        weights: Weights::default(),
        children: Vec::new(),
        own_line: false,
    }
}

struct Look<'t, 'w> {
    payloads: bool,
    /// the file up to the end of the root
    bytes: &'w [u8],
    /// of the file
    align: u64,
    /// how many unions are around
    unions: usize,
    /// how many slots and columns are around; what is inside is no component
    fixed: usize,
    /// the values around that are no scalars
    open: Vec<Open<'t>>,
    components: Vec<Component>,
    arrays: Vec<Array>,
    root: Option<Node>,
}

/// A value that is being read.
struct Open<'t> {
    node: Node,
    packed: Packed,
    ty: Ty<'t>,
    /// rows and columns read so far
    dims: Vec<u64>,
    /// alignment and octets of its padded list
    array: Option<(u64, Numbered)>,
    /// of an outermost union: its number
    component: Option<usize>,
}

/// A list of numbers, as far as it matters here.
struct Numbered {
    float: bool,
    extent: Extent,
    count: u64,
}

/// Scalars have no node.
fn is_scalar(ty: Ty<'_>) -> bool {
    matches!(ty.kind(), Kind::Uint | Kind::Int | Kind::Number(_) | Kind::Bool | Kind::Void)
}

fn is_float(number: Number) -> bool {
    matches!(number, Number::F32 | Number::F64)
}

impl<'t, 'w> Visitor<'t, 'w> for Look<'t, 'w> {
    fn enter(&mut self, place: &Place<'t>, ty: Ty<'t>, offset: u64) -> Result<Inside, DecodeError> {
        if is_scalar(ty) {
            return Ok(Inside::Visit);
        }
        let name = match place.steps().last() {
            None => ty.to_string(),
            Some(Step::Field(name) | Step::Member(name)) => (*name).to_owned(),
            Some(Step::Index(index)) => format!("[{index}]"),
        };
        let packed = if matches!(ty.kind(), Kind::Struct(_)) { known::packed(ty) } else { Packed::No };
        let mut open =
            Open { node: node(name, ty, offset, offset), packed, ty, dims: Vec::new(), array: None, component: None };
        let mut inside = Inside::Visit;
        match ty.kind() {
            Kind::Struct(_) if packed.is_fixed() => self.fixed += 1,
            Kind::Union(_) | Kind::Enum(_) => {
                if self.unions == 0 && self.fixed == 0 {
                    open.component = Some(self.components.len());
                    self.components.push(Component {
                        path: place.field_path(),
                        ty: open.node.ty.clone(),
                        tag: 0,
                        variant: String::new(),
                        extent: Extent { start: offset, end: offset },
                        weights: Weights::default(),
                    });
                }
                open.node.own_line = self.fixed == 0;
                self.unions += 1;
            }
            Kind::List(item, _) if self.fixed > 0 => {
                let slots = self.open.last().is_some_and(|around| around.packed == Packed::Slots);
                let told = if slots { self.payloads } else { matches!(item.kind(), Kind::Number(_) | Kind::Struct(_)) };
                // a million slots or tags are not told one by one, unless there are gaps to look at
                if !told {
                    inside = Inside::Skip;
                }
            }
            Kind::List(item, _) if item.plain_len().is_some() && !matches!(item.kind(), Kind::Number(_)) => {
                inside = Inside::Skip;
            }
            _ => {}
        }
        self.open.push(open);
        Ok(inside)
    }

    fn tag(&mut self, _: &Place<'t>, name: &'t str, tag: u64, _: u64) -> Result<(), DecodeError> {
        if let Some(open) = self.open.last_mut() {
            open.node.variant = Some((name.to_owned(), tag));
        }
        Ok(())
    }

    fn array(&mut self, place: &Place<'t>, array: &Numbers<'w>) -> Result<(), DecodeError> {
        let numbers = Numbered { float: is_float(array.number), extent: array.extent, count: array.count as u64 };
        let Some((list, around)) = self.open.split_last_mut() else { return Ok(()) };
        if numbers.float {
            list.node.weights = Weights { count: numbers.count, octets: array.octets.len() as u64, pads: 0 };
        }
        let (Some(align), Some(around)) = (array.align, around.last_mut()) else { return Ok(()) };
        if align > self.align {
            let expected = format!("an alignment of at least {align}, as the schema has");
            return Err(DecodeError::new(12, expected, format!("{}", self.align)));
        }
        list.node.weights.pads = array.extent.start - list.node.extent.start;
        let sizes = if around.dims.len() < 2 { vec![numbers.count] } else { around.dims.clone() };
        around.node.sizes.clone_from(&sizes);
        around.node.own_line = true;
        let ty = around.node.ty.clone();
        let weights = known::weights(around.packed, &sizes, &numbers_weights(&numbers, list.node.weights.pads));
        // what stands in the list is counted with the struct around it
        list.node.weights = weights;
        around.array = Some((align, numbers));
        let (path, extent) = (place.around().field_path(), array.extent);
        self.arrays.push(Array { path, ty, sizes, extent, align, weights });
        Ok(())
    }

    fn leave(&mut self, place: &Place<'t>, ty: Ty<'t>, extent: Extent, octets: &'w [u8]) -> Result<(), DecodeError> {
        if is_scalar(ty) {
            self.scalar(place, ty, octets);
            return Ok(());
        }
        let Some(mut open) = self.open.pop() else { return Ok(()) };
        open.node.extent = extent;
        match ty.kind() {
            Kind::Struct(_) => {
                if open.packed.is_fixed() {
                    self.fixed -= 1;
                    open.node.own_line = true;
                    open.node.children.clear();
                }
                self.known_struct(&mut open)?;
            }
            Kind::Union(_) | Kind::Enum(_) => self.unions -= 1,
            Kind::Data(Some(_)) if self.payloads && self.fixed > 0 && known::is_gap(place) => {
                known::check_zeros(octets, extent.start)?;
            }
            Kind::List(item, _) if open.node.children.is_empty() && item.plain_len().is_some() => {
                open.node.own_line |= extent.end - extent.start >= WORTH_A_LINE;
            }
            _ => {}
        }
        if let Some(component) = open.component.and_then(|at| self.components.get_mut(at)) {
            component.extent = extent;
            component.weights = open.node.weights;
            if let Some((name, tag)) = &open.node.variant {
                (component.variant, component.tag) = (name.clone(), *tag);
            }
        }
        self.attach(place, open);
        Ok(())
    }
}

fn numbers_weights(numbers: &Numbered, pads: u64) -> Weights {
    let octets = numbers.extent.end - numbers.extent.start;
    if numbers.float { Weights { count: numbers.count, octets, pads } } else { Weights { count: 0, octets, pads } }
}

impl<'t> Look<'t, '_> {
    /// A number inside the value that is open.
    fn scalar(&mut self, place: &Place<'t>, ty: Ty<'t>, octets: &[u8]) {
        let (Kind::Number(number), Some(around)) = (ty.kind(), self.open.last_mut()) else { return };
        if is_float(number) && around.packed == Packed::No {
            around.node.weights.add(Weights { count: 1, octets: octets.len() as u64, pads: 0 });
        }
        if let (Number::U32, Some(Step::Field("rows" | "cols"))) = (number, place.steps().last()) {
            around.dims.push(octets.iter().rev().fold(0, |size, &octet| size << 8 | u64::from(octet)));
        }
    }

    /// What the library knows about its own types: that dims and data fit, that pads are the smallest, and with `payloads` what
    /// is inside.
    fn known_struct(&self, open: &mut Open<'t>) -> Result<(), DecodeError> {
        let start = open.node.extent.start;
        if open.packed.has_own_pad() {
            open.node.sizes = vec![known::check_pad(self.bytes, start)?];
        }
        match &open.array {
            Some((align, _)) => known::check_matrix(self.bytes, open.ty, start, *align, self.payloads),
            None => Ok(()),
        }
    }

    /// Puts a value that was read into the one around it: as a line, or only its weights.
    fn attach(&mut self, place: &Place<'t>, open: Open<'t>) {
        let node = open.node;
        let Some(around) = self.open.last_mut() else {
            self.root = Some(node);
            return;
        };
        around.node.weights.add(node.weights);
        if let Some(Step::Member(_)) = place.steps().last() {
            // the content of a union stands in the union's line
            around.node.sizes = node.sizes;
            around.node.children = node.children;
        } else if self.fixed == 0
            && around.array.is_none()
            && (node.own_line || !node.children.is_empty() || node.octets() >= WORTH_A_LINE)
        {
            around.node.children.push(node);
        }
    }
}
