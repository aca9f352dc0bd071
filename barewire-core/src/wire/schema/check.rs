//! The rules of BARE that its grammar does not say.

use alloc::borrow::Cow;
use alloc::collections::{BTreeMap, BTreeSet};
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::iter::Peekable;

use super::error::{Mistake, Position, SchemaError};
use super::names::{is_constant_name, is_field_name, is_type_name};
use super::parse::Places;
use super::{MAX_DEPTH, Schema, TypeRef};

/// Checks every rule. `places` are those that the parser noted.
pub(super) fn check(schema: &Schema, places: Option<Places>) -> Result<(), SchemaError> {
    let mut all = BTreeSet::new();
    all.extend(schema.definitions.iter().map(|definition| &*definition.name));
    let start = places.is_some().then_some(Position { line: 1, column: 1 });
    let places = places.unwrap_or_default().into_iter().peekable();
    let mut checker = Checker { places, all, defined: BTreeMap::new(), definition: "", mistakes: Vec::new() };
    if schema.definitions.is_empty() {
        checker.mistake(start, "at least one type", "none");
    }
    for definition in &schema.definitions {
        checker.definition = &definition.name;
        let at = checker.place();
        if !is_type_name(&definition.name) {
            let expected = "a type's name: an upper-case letter, then letters and digits";
            checker.mistake(at, expected, format!("`{}`", definition.name));
        }
        let facts = checker.ty(&definition.ty, 0);
        if checker.defined.contains_key(&*definition.name) {
            checker.mistake(at, "each type defined once", format!("`{}` again", definition.name));
        } else {
            checker.defined.insert(&definition.name, facts);
        }
    }
    if checker.mistakes.is_empty() {
        return Ok(());
    }
    // a definition's name is looked at after its type
    checker.mistakes.sort_by_key(|mistake| mistake.position);
    Err(SchemaError { mistakes: checker.mistakes })
}

/// What the rules ask about a type.
#[derive(Clone, Copy)]
struct Facts {
    /// takes no octets
    void: bool,
    /// may be the key of a map
    key: bool,
    /// how deep its values nest
    depth: usize,
}

impl Facts {
    const KEY: Self = Self { void: false, key: true, depth: 1 };
    const VALUE: Self = Self { void: false, key: false, depth: 1 };

    fn around(depth: usize) -> Self {
        Self { depth: depth + 1, ..Self::VALUE }
    }
}

struct Checker<'s> {
    places: Peekable<alloc::vec::IntoIter<Position>>,
    /// every name, for better words about one that is used too early
    all: BTreeSet<&'s str>,
    /// the names above
    defined: BTreeMap<&'s str, Facts>,
    definition: &'s str,
    mistakes: Vec<Mistake>,
}

impl<'s> Checker<'s> {
    /// Where the part stands that is looked at next. The parser notes exactly one place for each call.
    fn place(&mut self) -> Option<Position> {
        self.places.next()
    }

    #[cold]
    fn mistake(
        &mut self,
        position: Option<Position>,
        expected: impl Into<Cow<'static, str>>,
        found: impl Into<Cow<'static, str>>,
    ) {
        let definition = self.definition.to_string();
        self.mistakes.push(Mistake { position, definition, expected: expected.into(), found: found.into() });
    }

    fn ty(&mut self, ty: &'s TypeRef, level: usize) -> Facts {
        let at = self.place();
        let facts = match ty {
            // only hand-made schemas get here: the parser stops earlier
            _ if level >= MAX_DEPTH => Facts { depth: MAX_DEPTH + 1, ..Facts::KEY },
            TypeRef::F32 | TypeRef::F64 => Facts::VALUE,
            TypeRef::Void => Facts { void: true, ..Facts::VALUE },
            TypeRef::Data(n) => {
                self.length(*n);
                Facts::KEY
            }
            TypeRef::Named(name) => self.named(name, at),
            TypeRef::List(item, n) => {
                let depth = self.solid(item, level);
                self.length(*n);
                Facts::around(depth)
            }
            TypeRef::Optional(item) => Facts::around(self.solid(item, level)),
            TypeRef::Map(key, value) => {
                let depth = self.key(key, level);
                Facts::around(depth.max(self.solid(value, level)))
            }
            TypeRef::Struct(fields) => self.structure(fields, at, level),
            TypeRef::Enum(values) => self.enumeration(values, at),
            TypeRef::Union(members) => self.union(members, at, level),
            // uint, int, u8 to u64, i8 to i64, bool, str
            _ => Facts::KEY,
        };
        if facts.depth > MAX_DEPTH {
            self.mistake(at, format!("types nested at most {MAX_DEPTH} deep"), "deeper ones");
            return Facts { depth: 1, ..facts };
        }
        facts
    }

    fn named(&mut self, name: &'s str, at: Option<Position>) -> Facts {
        if let Some(facts) = self.defined.get(name) {
            return Facts { depth: facts.depth + 1, ..*facts };
        }
        let found = if name == self.definition {
            format!("`{name}` inside itself")
        } else if self.all.contains(name) {
            format!("`{name}`, which is defined below")
        } else {
            format!("`{name}`, which is not defined")
        };
        self.mistake(at, "a type that is defined above", found);
        // nothing else is wrong with it
        Facts::KEY
    }

    /// A type that takes octets; gives its depth.
    fn solid(&mut self, ty: &'s TypeRef, level: usize) -> usize {
        let at = self.places.peek().copied();
        let facts = self.ty(ty, level + 1);
        if facts.void {
            self.mistake(at, "a type that takes octets, since void stands only in unions", format!("`{ty}`"));
        }
        facts.depth
    }

    fn key(&mut self, ty: &'s TypeRef, level: usize) -> usize {
        let at = self.places.peek().copied();
        let facts = self.ty(ty, level + 1);
        if !facts.key {
            let found = if facts.void { "void".into() } else { short(ty) };
            self.mistake(at, "a key: an integer, a bool, a str, data or an enum", format!("`{found}`"));
        }
        facts.depth
    }

    fn length(&mut self, n: Option<u64>) {
        if let Some(n) = n {
            let at = self.place();
            if n == 0 {
                self.mistake(at, "a length of at least 1", "0");
            }
        }
    }

    fn structure(&mut self, fields: &'s [(String, TypeRef)], at: Option<Position>, level: usize) -> Facts {
        let (mut names, mut deepest) = (BTreeSet::new(), 0);
        if fields.is_empty() {
            self.mistake(at, "a struct with at least one field", "none");
        }
        for (name, ty) in fields {
            let at = self.place();
            if !is_field_name(name) {
                self.mistake(at, "a field's name: a letter, then letters, digits and `_`", format!("`{name}`"));
            }
            if !names.insert(&**name) {
                self.mistake(at, "each field's name once", format!("`{name}` again"));
            }
            deepest = deepest.max(self.solid(ty, level));
        }
        Facts::around(deepest)
    }

    /// A number that must be above the one before.
    fn ascends(&mut self, number: u64, before: &mut Option<u64>) {
        let at = self.place();
        match before.replace(number) {
            Some(before) if number <= before => {
                self.mistake(at, format!("a number above {before}"), format!("{number}"));
            }
            _ => {}
        }
    }

    fn enumeration(&mut self, values: &'s [(String, u64)], at: Option<Position>) -> Facts {
        let (mut names, mut before) = (BTreeSet::new(), None);
        if values.is_empty() {
            self.mistake(at, "an enum with at least one value", "none");
        }
        for (name, number) in values {
            let at = self.place();
            if !is_constant_name(name) {
                let expected = "a value's name: an upper-case letter, then upper-case letters, digits and `_`";
                self.mistake(at, expected, format!("`{name}`"));
            }
            if !names.insert(&**name) {
                self.mistake(at, "each value's name once", format!("`{name}` again"));
            }
            self.ascends(*number, &mut before);
        }
        Facts::KEY
    }

    fn union(&mut self, members: &'s [(TypeRef, u64)], at: Option<Position>, level: usize) -> Facts {
        let (mut types, mut before, mut deepest) = (BTreeSet::new(), None, 0);
        if members.is_empty() {
            self.mistake(at, "a union with at least one member", "none");
        }
        for (ty, tag) in members {
            let at = self.places.peek().copied();
            let facts = self.ty(ty, level + 1);
            // a type that is nested too deep is reported, and not compared
            if level + 1 < MAX_DEPTH && !types.insert(ty) {
                self.mistake(at, "each type once in a union", format!("`{}` again", short(ty)));
            }
            deepest = deepest.max(facts.depth);
            self.ascends(*tag, &mut before);
        }
        Facts::around(deepest)
    }
}

/// A type in an error: the first word of one that has members.
fn short(ty: &TypeRef) -> String {
    match ty {
        TypeRef::Struct(_) => "struct { .. }".into(),
        TypeRef::Enum(_) => "enum { .. }".into(),
        TypeRef::Union(_) => "union { .. }".into(),
        other => other.to_string(),
    }
}
