//! A walk over a message by its schema: no Rust type is needed, and no value is built.
//!
//! ```
//! use barewire_core::wire::walk::{Array, Place, Visitor, walk_message};
//! use barewire_core::wire::{DecodeError, Pads, Types, to_message};
//!
//! /// Counts the numbers in lists.
//! struct Count(usize);
//!
//! impl<'t, 'w> Visitor<'t, 'w> for Count {
//!     fn array(&mut self, _: &Place<'t>, array: &Array<'w>) -> Result<(), DecodeError> {
//!         self.0 += array.count;
//!         Ok(())
//!     }
//! }
//!
//! let message = to_message(&vec![Some(vec![1.0f32, 2.0]), None]);
//! let types = Types::of::<Vec<Option<Vec<f32>>>>();
//! let mut count = Count(0);
//! walk_message(types.root(), &message, Pads::Aligned, &mut count).unwrap();
//! assert_eq!(count.0, 2);
//! ```

use alloc::collections::BTreeSet;
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::fmt;

use super::error::DecodeError;
use super::pad::Pads;
use super::reader::{Extent, Reader};
use super::schema::{Enumeration, Fields, Kind, Number, Ty, Variants};

/// What a [`Visitor`] is told about the place of a value: a step from the value around it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step<'t> {
    /// to the field of a struct
    Field(&'t str),
    /// to the content of a union's member, by the member's name
    Member(&'t str),
    /// to an element of a list, or an entry of a map: its key, then its value
    Index(u64),
}

/// Which value of a message: the steps from the root.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Place<'t> {
    steps: Vec<Step<'t>>,
}

impl<'t> Place<'t> {
    /// The steps, outermost first; none for the root.
    pub fn steps(&self) -> &[Step<'t>] {
        &self.steps
    }

    /// The place of the value around.
    #[must_use]
    pub fn around(&self) -> Self {
        let (_, around) = self.steps.split_last().unwrap_or((&Step::Index(0), &[]));
        Self { steps: around.to_vec() }
    }

    /// The path without the names of unions' members: `layers[3].norm` where [`Display`](fmt::Display) gives
    /// `layers[3].Mixer.norm`.
    pub fn field_path(&self) -> String {
        let steps = self.steps.iter().filter(|step| !matches!(step, Step::Member(_))).copied().collect();
        Place { steps }.to_string()
    }
}

impl fmt::Display for Place<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, step) in self.steps.iter().enumerate() {
            match step {
                Step::Field(name) | Step::Member(name) if i == 0 => f.write_str(name)?,
                Step::Field(name) | Step::Member(name) => write!(f, ".{name}")?,
                Step::Index(index) => write!(f, "[{index}]")?,
            }
        }
        Ok(())
    }
}

/// Whether to look into a value.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Inside {
    /// look, and tell the visitor
    #[default]
    Visit,
    /// only check; the visitor hears of the value's end next
    Skip,
}

/// The numbers of a list.
#[derive(Clone, Copy, Debug)]
pub struct Array<'w> {
    /// their type
    pub number: Number,
    /// how many
    pub count: usize,
    /// the multiple at which they start, if a pad puts them there
    pub align: Option<u64>,
    /// where the numbers themselves stand
    pub extent: Extent,
    /// the numbers themselves, little-endian
    pub octets: &'w [u8],
}

/// What hears of the parts of a message, in their order. Every method may end the walk with an error of its own.
///
/// `'t` is the schema, `'w` the message.
#[allow(unused_variables)]
pub trait Visitor<'t, 'w> {
    /// A value starts at `offset`; a list with a pad, at the pad.
    ///
    /// # Errors
    /// What the visitor refuses.
    fn enter(&mut self, place: &Place<'t>, ty: Ty<'t>, offset: u64) -> Result<Inside, DecodeError> {
        Ok(Inside::Visit)
    }

    /// The union or enum that was entered has this tag, which stands at `offset`. `name` is that of the member or value.
    ///
    /// # Errors
    /// What the visitor refuses.
    fn tag(&mut self, place: &Place<'t>, name: &'t str, tag: u64, offset: u64) -> Result<(), DecodeError> {
        Ok(())
    }

    /// The list that was entered has these numbers. Its elements are not entered.
    ///
    /// # Errors
    /// What the visitor refuses.
    fn array(&mut self, place: &Place<'t>, array: &Array<'w>) -> Result<(), DecodeError> {
        Ok(())
    }

    /// The value that was entered last ends; `octets` are all of it.
    ///
    /// # Errors
    /// What the visitor refuses.
    fn leave(&mut self, place: &Place<'t>, ty: Ty<'t>, extent: Extent, octets: &'w [u8]) -> Result<(), DecodeError> {
        Ok(())
    }
}

/// Walks one value. Everything that a strict reader refuses is refused, also where the visitor skips; memory is only needed for the
/// place, and for the keys of the map that is being read.
///
/// # Errors
/// The octets are no value of the type, or the visitor's error; with the path of the value.
pub fn walk<'t, 'w>(
    ty: Ty<'t>,
    r: &mut Reader<'w>,
    pads: Pads,
    visitor: &mut impl Visitor<'t, 'w>,
) -> Result<(), DecodeError> {
    Walker { r, pads, quiet: false, place: Place::default(), visitor }.value(ty, None)
}

/// Walks a whole message.
///
/// # Errors
/// As [`walk`]; or octets follow.
pub fn walk_message<'t, 'w>(
    ty: Ty<'t>,
    bytes: &'w [u8],
    pads: Pads,
    visitor: &mut impl Visitor<'t, 'w>,
) -> Result<(), DecodeError> {
    let mut r = Reader::new(bytes);
    walk(ty, &mut r, pads, visitor)?;
    r.finish()
}

/// Goes behind one value, and checks it on the way: such as a member of a union that the Rust type does not know.
///
/// ```
/// use barewire_core::wire::walk::skip;
/// use barewire_core::wire::{Pads, Reader, Types};
///
/// let types = Types::parse("type Unknown struct { name: str values: list<u16> }").unwrap();
/// let mut r = Reader::new(&[1, b'A', 2, 1, 0, 2, 0, 99]);
/// skip(types.root(), &mut r, Pads::Data).unwrap();
/// assert_eq!(r.offset(), 7);
/// ```
///
/// # Errors
/// As [`walk`].
pub fn skip(ty: Ty<'_>, r: &mut Reader<'_>, pads: Pads) -> Result<(), DecodeError> {
    Walker { r, pads, quiet: true, place: Place::default(), visitor: &mut Nobody }.value(ty, None)
}

/// Hears of nothing.
struct Nobody;
impl Visitor<'_, '_> for Nobody {}

struct Walker<'r, 't, 'w, V> {
    r: &'r mut Reader<'w>,
    pads: Pads,
    /// whether the visitor does not hear of what is read
    quiet: bool,
    place: Place<'t>,
    visitor: &'r mut V,
}

type Done = Result<(), DecodeError>;

impl<'t, 'w, V: Visitor<'t, 'w>> Walker<'_, 't, 'w, V> {
    /// A value. `align` is that of a list whose pad stands before it and is not read yet.
    fn value(&mut self, ty: Ty<'t>, align: Option<u64>) -> Done {
        if self.quiet {
            return match ty.plain_len() {
                // any octets are a value
                Some(n) => self.octets(n),
                None => self.parts(ty, align),
            };
        }
        let (start, here) = (self.r.offset(), self.r.here());
        self.quiet = self.visitor.enter(&self.place, ty, start)? == Inside::Skip;
        if self.quiet {
            self.value(ty, align)?;
            self.quiet = false;
        } else {
            self.parts(ty, align)?;
        }
        let extent = Extent { start, end: self.r.offset() };
        self.visitor.leave(&self.place, ty, extent, self.r.since(here))
    }

    /// A part of the value, one step further in.
    fn part(&mut self, step: Step<'t>, ty: Ty<'t>, align: Option<u64>) -> Done {
        let walked = if self.quiet {
            self.value(ty, align)
        } else {
            self.place.steps.push(step);
            let walked = self.value(ty, align);
            self.place.steps.pop();
            walked
        };
        walked.map_err(|error| match step {
            Step::Field(name) | Step::Member(name) => error.within(name.to_string()),
            Step::Index(index) => error.at_index(index as usize),
        })
    }

    fn octets(&mut self, n: u64) -> Done {
        self.r.need(n)?;
        self.r.take(n as usize).map(drop)
    }

    fn parts(&mut self, ty: Ty<'t>, align: Option<u64>) -> Done {
        match ty.kind() {
            Kind::Uint | Kind::Int => self.r.uint().map(drop),
            Kind::Number(number) => self.r.take(number.size()).map(drop),
            Kind::Bool => self.r.flag("as a bool").map(drop),
            Kind::Str => self.r.str().map(drop),
            Kind::Void => Ok(()),
            Kind::Data(None) => self.r.data().map(drop),
            Kind::Data(Some(n)) => self.octets(n),
            Kind::List(item, n) => self.list(ty, item, n, align),
            Kind::Optional(item) => {
                if self.r.flag("before an optional value")? {
                    self.value(item, None)
                } else {
                    Ok(())
                }
            }
            Kind::Map(key, value) => self.map(key, value),
            Kind::Struct(fields) => self.structure(fields),
            Kind::Enum(values) => self.enumeration(values),
            Kind::Union(members) => self.union(members),
        }
    }

    fn list(&mut self, list: Ty<'t>, item: Ty<'t>, n: Option<u64>, align: Option<u64>) -> Done {
        let number = match item.kind() {
            Kind::Number(number) => Some(number),
            _ => None,
        };
        let count = match (n, align, number) {
            (Some(n), ..) => {
                self.r.need(list.min_len())?;
                // an element takes an octet or more
                n as usize
            }
            (None, Some(align), Some(number)) => self.r.padded_count(number.size(), Some(align))?,
            _ => self.r.count(least(item))?,
        };
        let Some(number) = number else {
            return match item.plain_len() {
                Some(size) if self.quiet => self.octets((count as u64).saturating_mul(size)),
                _ => (0..count as u64).try_for_each(|i| self.part(Step::Index(i), item, None)),
            };
        };
        let start = self.r.offset();
        // the count was compared with what is left
        let octets = self.r.take(count * number.size())?;
        if self.quiet {
            return Ok(());
        }
        let extent = Extent { start, end: self.r.offset() };
        self.visitor.array(&self.place, &Array { number, count, align, extent, octets })
    }

    fn map(&mut self, key: Ty<'t>, value: Ty<'t>) -> Done {
        let (count, mut keys) = (self.r.count(least(key).saturating_add(least(value)))?, BTreeSet::new());
        for i in 0..count as u64 {
            let (at, here) = (self.r.offset(), self.r.here());
            self.part(Step::Index(i), key, None)?;
            // a key has one encoding
            if !keys.insert(self.r.since(here)) {
                return Err(repeated_key(at, i));
            }
            self.part(Step::Index(i), value, None)?;
        }
        Ok(())
    }

    fn structure(&mut self, fields: Fields<'t>) -> Done {
        let mut align = None;
        for field in fields.iter() {
            // the pad is read with its list
            if self.pads == Pads::Aligned && field.pads.is_some() {
                align = field.pads;
            } else {
                self.part(Step::Field(field.name), field.ty, align.take())?;
            }
        }
        Ok(())
    }

    fn heard_tag(&mut self, name: &'t str, tag: u64, at: u64) -> Done {
        if self.quiet { Ok(()) } else { self.visitor.tag(&self.place, name, tag, at) }
    }

    fn enumeration(&mut self, values: Enumeration<'t>) -> Done {
        let at = self.r.offset();
        let tag = self.r.uint()?;
        let name = values.name(tag).ok_or_else(|| unknown_tag(at, tag))?;
        self.heard_tag(name, tag, at)
    }

    fn union(&mut self, members: Variants<'t>) -> Done {
        let at = self.r.offset();
        let tag = self.r.uint()?;
        let member = members.get(tag).ok_or_else(|| unknown_tag(at, tag))?;
        self.heard_tag(member.name, tag, at)?;
        self.part(Step::Member(member.name), member.ty, None)
    }
}

/// The least octets of a value, to compare a count with.
pub(super) fn least(ty: Ty<'_>) -> usize {
    usize::try_from(ty.min_len()).unwrap_or(usize::MAX)
}

#[cold]
pub(super) fn unknown_tag(at: u64, tag: u64) -> DecodeError {
    DecodeError::new(at, "a tag of the schema", format!("{tag}"))
}

#[cold]
pub(super) fn repeated_key(at: u64, entry: u64) -> DecodeError {
    DecodeError::new(at, "each key once", format!("the key of entry {entry} again")).at_index(entry as usize)
}
