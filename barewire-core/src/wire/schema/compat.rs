//! Whether a reader of one schema understands the octets of another.

use alloc::collections::{BTreeMap, BTreeSet};
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::fmt;

use super::{Enumeration, Fields, Kind, Ty, Types, Variants};
use crate::wire::pad::Pads;

/// Who understands whom, when a schema changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Compatibility {
    /// each reads the other's messages
    Full,
    /// the new reader reads old messages; an old reader does not read every new message
    Backward,
    /// an old reader reads new messages; the new reader does not read every old message
    Forward,
    /// neither
    Incompatible,
}

impl fmt::Display for Compatibility {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Full => "full",
            Self::Backward => "backward",
            Self::Forward => "forward",
            Self::Incompatible => "incompatible",
        })
    }
}

/// A difference between two schemas.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Difference {
    /// which part of the root, such as `layers[].Ternary.scale`; empty for the root itself. A type that is used in several places is
    /// reported in the first.
    pub path: String,
    /// what the old schema has
    pub old: String,
    /// what the new schema has
    pub new: String,
    /// whether a new reader fails on some old message because of it, or takes it for something else
    pub breaks_new_reader: bool,
    /// whether an old reader fails on some new message because of it, or takes it for something else
    pub breaks_old_reader: bool,
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { path, old, new, .. } = self;
        let path = if path.is_empty() { "the root" } else { path };
        write!(f, "{path}: was {old}, is {new}")
    }
}

/// What [`compat`] found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Compat {
    differences: Vec<Difference>,
}

impl Compat {
    /// The answer in a word.
    pub fn compatibility(&self) -> Compatibility {
        match (self.new_reads_old(), self.old_reads_new()) {
            (true, true) => Compatibility::Full,
            (true, false) => Compatibility::Backward,
            (false, true) => Compatibility::Forward,
            (false, false) => Compatibility::Incompatible,
        }
    }

    /// Whether a reader of the new schema reads every message of the old one, and takes it for what it is.
    pub fn new_reads_old(&self) -> bool {
        !self.differences.iter().any(|difference| difference.breaks_new_reader)
    }

    /// Whether a reader of the old schema reads every message of the new one, and takes it for what it is.
    pub fn old_reads_new(&self) -> bool {
        !self.differences.iter().any(|difference| difference.breaks_old_reader)
    }

    /// What breaks one reader or both, in the order of the new schema.
    pub fn reasons(&self) -> impl Iterator<Item = &Difference> {
        self.differences.iter().filter(|difference| difference.breaks_new_reader || difference.breaks_old_reader)
    }

    /// What changes no octet: names. They are part of the schema's hash all the same.
    pub fn notes(&self) -> impl Iterator<Item = &Difference> {
        self.differences.iter().filter(|difference| !difference.breaks_new_reader && !difference.breaks_old_reader)
    }
}

/// The answer, then a line for each difference.
impl fmt::Display for Compat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.compatibility())?;
        for difference in &self.differences {
            let who = match (difference.breaks_new_reader, difference.breaks_old_reader) {
                (true, true) => "breaks both readers",
                (true, false) => "breaks the new reader",
                (false, true) => "breaks the old reader",
                (false, false) => "note",
            };
            write!(f, "\n{who}: {difference}")?;
        }
        Ok(())
    }
}

/// Compares the roots of two schemas: does a reader of one understand messages of the other?
///
/// BARE has no names and no lengths of structs on the wire, so little may change: a union may get members and an enum values, at tags
/// that were free; old readers then fail on the new ones. A struct may change nothing but names; a longer struct is *not* backward
/// compatible. With [`Pads::Aligned`] the alignment of lists counts too.
///
/// Fields, members and values are matched by place and tag. A name that only changes is a note. A name that now stands at another
/// place or tag is a break, even where the octets still fit: they would be taken for something else.
///
/// ```
/// use barewire_core::wire::schema::{Compatibility, Types, compat};
/// use barewire_core::wire::Pads;
///
/// let old = Types::parse("type A u8 type B str type Layer union { A | B }").unwrap();
/// let new = Types::parse("type A u8 type B str type C f32 type Layer union { A | B | C }").unwrap();
/// let report = compat(&old, &new, Pads::Data);
/// assert_eq!(report.compatibility(), Compatibility::Backward);
/// assert_eq!(report.reasons().next().unwrap().to_string(), "the root: was no tag 2, is `C` = 2");
/// ```
pub fn compat(old: &Types, new: &Types, pads: Pads) -> Compat {
    compat_open(old, new, pads, &BTreeMap::new()).0
}

/// As [`compat`], for a new reader that keeps members that it does not know, in the unions and enums `open`: by their node in
/// `new`, the tags that it refuses all the same. Gives also which union of the old schema each of them is.
pub(crate) fn compat_open(
    old: &Types,
    new: &Types,
    pads: Pads,
    open: &BTreeMap<u32, &'static [u32]>,
) -> (Compat, BTreeMap<u32, u32>) {
    let mut pairs =
        Pairs { pads, open, seen: BTreeSet::new(), kept: BTreeSet::new(), path: Vec::new(), found: Compat::default() };
    pairs.names(old.root(), new.root());
    pairs.pair(old.root(), new.root());
    if pads == Pads::Aligned && (has_columns(old) || has_columns(new)) {
        pairs.elements_of_columns(old, new);
    }
    let unions = pairs.open_unions(old, new);
    (pairs.found, unions)
}

/// Whether a schema has a `Columns<T>`, by the name that it gets.
fn has_columns(types: &Types) -> bool {
    let name = |ty: Ty<'_>| ty.name().is_some_and(|name| name.trim_end_matches(char::is_numeric).ends_with("Columns"));
    types.iter().any(name)
}

fn element_of_columns(name: &str) -> String {
    format!("`{name}`, which says what is in which column")
}

/// The definitions that nothing refers to, but for the root.
fn unused(types: &Types) -> impl Iterator<Item = (&str, Ty<'_>)> {
    let mut used = BTreeSet::new();
    types.schema().definitions.iter().for_each(|definition| definition.ty.collect_names(&mut used));
    let others = types.iter().filter(|ty| ty.id() != types.root().id());
    others.filter_map(|ty| Some((ty.name()?, ty))).filter(move |(name, _)| !used.contains(name))
}

struct Pairs<'a> {
    pads: Pads,
    open: &'a BTreeMap<u32, &'static [u32]>,
    /// pairs that were compared already: a difference in one is a difference everywhere
    seen: BTreeSet<(u32, u32)>,
    /// old unions with members that the new reader keeps
    kept: BTreeSet<u32>,
    path: Vec<String>,
    found: Compat,
}

/// Whom a difference breaks.
const NEW: (bool, bool) = (true, false);
const OLD: (bool, bool) = (false, true);
const BOTH: (bool, bool) = (true, true);
const NOBODY: (bool, bool) = (false, false);

impl Pairs<'_> {
    /// Which old union each open one is. A reader knows a union by its Rust type, so one that keeps members has to be one and the
    /// same union everywhere.
    fn open_unions(&mut self, old: &Types, new: &Types) -> BTreeMap<u32, u32> {
        let mut unions = BTreeMap::new();
        let pairs: Vec<_> = self.seen.iter().copied().filter(|(_, b)| self.open.contains_key(b)).collect();
        for (a, b) in pairs {
            let Some(first) = unions.insert(b, a) else { continue };
            if self.kept.contains(&a) || self.kept.contains(&first) {
                let was = format!("`{}` and `{}`", old.ty(first), old.ty(a));
                self.differ(NEW, was, format!("`{}`, which keeps the members of one union", new.ty(b)));
            }
        }
        unions
    }

    /// Compares what nothing refers to, by name: what is in which column of `Columns<T>` stands only in the definition of `T`.
    fn elements_of_columns(&mut self, old: &Types, new: &Types) {
        for (name, there) in unused(new) {
            match old.get(name) {
                Some(same) => self.within(name, same, there),
                None => self.differ(BOTH, format!("no type `{name}`"), element_of_columns(name)),
            }
        }
        for (name, _) in unused(old).filter(|(name, _)| new.get(name).is_none()) {
            self.differ(BOTH, element_of_columns(name), format!("no type `{name}`"));
        }
    }

    /// Whether the new reader keeps a member that it does not know.
    fn keeps(&mut self, old: u32, new: u32, tag: u64) -> bool {
        let keeps = match (self.open.get(&new), u32::try_from(tag)) {
            (Some(retired), Ok(tag)) => !retired.contains(&tag),
            _ => false,
        };
        if keeps {
            self.kept.insert(old);
        }
        keeps
    }

    /// A member or value that the new schema does not have.
    fn lost(&mut self, ids: (u32, u32), name: &str, tag: u64, no: &str) {
        let was = format!("`{name}` = {tag}");
        if self.keeps(ids.0, ids.1, tag) {
            return self.differ(NOBODY, was, format!("{no} {tag}, which is kept as it is"));
        }
        let retired = self.open.get(&ids.1).is_some_and(|retired| retired.iter().any(|known| u64::from(*known) == tag));
        self.differ(NEW, was, format!("{no} {tag}{}", if retired { ", which is retired" } else { "" }));
    }

    fn differ(&mut self, breaks: (bool, bool), old: impl Into<String>, new: impl Into<String>) {
        let (breaks_new_reader, breaks_old_reader) = breaks;
        let mut path = String::new();
        for step in &self.path {
            if !path.is_empty() && !step.starts_with('[') {
                path.push('.');
            }
            path += step;
        }
        let (old, new) = (old.into(), new.into());
        self.found.differences.push(Difference { path, old, new, breaks_new_reader, breaks_old_reader });
    }

    fn within(&mut self, step: impl Into<String>, old: Ty<'_>, new: Ty<'_>) {
        self.path.push(step.into());
        self.names(old, new);
        self.pair(old, new);
        self.path.pop();
    }

    /// The names of types change no octets.
    fn names(&mut self, old: Ty<'_>, new: Ty<'_>) {
        if old.name() != new.name() {
            let name = |ty: Ty<'_>| ty.name().map_or("a type without a name".to_string(), |name| format!("`{name}`"));
            self.differ(NOBODY, name(old), name(new));
        }
    }

    fn pair(&mut self, old: Ty<'_>, new: Ty<'_>) {
        if !self.seen.insert((old.id(), new.id())) {
            return;
        }
        match (old.kind(), new.kind()) {
            (Kind::Uint, Kind::Uint)
            | (Kind::Int, Kind::Int)
            | (Kind::Bool, Kind::Bool)
            | (Kind::Str, Kind::Str)
            | (Kind::Void, Kind::Void) => {}
            (Kind::Number(a), Kind::Number(b)) if a == b => {}
            (Kind::Data(a), Kind::Data(b)) if a == b => {}
            (Kind::List(a, n), Kind::List(b, m)) if n == m => self.within("[]", a, b),
            (Kind::Optional(a), Kind::Optional(b)) => {
                self.names(a, b);
                self.pair(a, b);
            }
            (Kind::Map(k, v), Kind::Map(l, w)) => {
                self.within("[key]", k, l);
                self.within("[]", v, w);
            }
            (Kind::Struct(a), Kind::Struct(b)) => self.structure(a, b),
            (Kind::Enum(a), Kind::Enum(b)) => self.enumeration((old.id(), new.id()), a, b),
            (Kind::Union(a), Kind::Union(b)) => self.union((old.id(), new.id()), a, b),
            _ => self.differ(BOTH, format!("`{}`", old.expression()), format!("`{}`", new.expression())),
        }
    }

    fn structure(&mut self, old: Fields<'_>, new: Fields<'_>) {
        if old.len() != new.len() {
            let names = |fields: Fields<'_>| fields.iter().map(|field| field.name).collect::<Vec<_>>().join(" ");
            let text = |fields: Fields<'_>| format!("a struct of {} fields ({})", fields.len(), names(fields));
            // the octets of one more field, at least: there is no end of a struct on the wire
            return self.differ(BOTH, text(old), text(new));
        }
        let place = |fields: Fields<'_>, name: &str| fields.position(name);
        for (at, (a, b)) in old.iter().zip(new.iter()).enumerate() {
            if a.name != b.name {
                let moved = place(old, b.name).is_some() || place(new, a.name).is_some();
                let field = |name: &str| format!("field {at} called `{name}`");
                self.differ(if moved { BOTH } else { NOBODY }, field(a.name), field(b.name));
            }
            if self.pads == Pads::Aligned && a.pads != b.pads {
                let text = |pads: Option<u64>| {
                    pads.map_or("no pad".to_string(), |align| format!("a pad to multiples of {align}"))
                };
                self.path.push(b.name.to_string());
                self.differ(BOTH, text(a.pads), text(b.pads));
                self.path.pop();
            }
            self.within(b.name, a.ty, b.ty);
        }
    }

    fn enumeration(&mut self, ids: (u32, u32), old: Enumeration<'_>, new: Enumeration<'_>) {
        for (name, number) in old.iter() {
            match new.name(number) {
                Some(same) if same == name => {}
                Some(other) => {
                    let moved = new.number(name).is_some() || old.number(other).is_some();
                    let value = |name: &str| format!("`{name}` = {number}");
                    self.differ(if moved { BOTH } else { NOBODY }, value(name), value(other));
                }
                None => self.lost(ids, name, number, "no number"),
            }
        }
        for (name, number) in new.iter().filter(|(_, number)| old.name(*number).is_none()) {
            self.differ(OLD, format!("no number {number}"), format!("`{name}` = {number}"));
        }
    }

    fn union(&mut self, ids: (u32, u32), old: Variants<'_>, new: Variants<'_>) {
        for a in old.iter() {
            let tag = a.tag;
            let Some(b) = new.get(tag) else {
                self.lost(ids, a.name, tag, "no tag");
                continue;
            };
            // only names say what a member means; `u8` and `str` are told apart by what they are
            let moved = a.name != b.name
                && a.ty.name().is_some()
                && b.ty.name().is_some()
                && (new.named(a.name).is_some() || old.named(b.name).is_some());
            if moved {
                self.differ(BOTH, format!("`{}` = {tag}", a.name), format!("`{}` = {tag}", b.name));
            }
            self.within(b.name, a.ty, b.ty);
        }
        for b in new.iter().filter(|b| old.get(b.tag).is_none()) {
            self.differ(OLD, format!("no tag {}", b.tag), format!("`{}` = {}", b.name, b.tag));
        }
    }
}
