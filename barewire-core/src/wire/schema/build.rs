//! Schemas that are put together: by the derive, and by hand.

use alloc::borrow::ToOwned;
use alloc::collections::BTreeMap;
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::any::TypeId;

use super::error::{Mistake, SchemaError};
use super::{Definition, FieldNames, Schema, TypeRef};
use crate::wire::scalar::Scalar;
use crate::wire::{ALIGN, Wire};

/// Collects named types, each once, in the order in which BARE wants them: before they are used.
#[derive(Debug)]
pub struct SchemaBuilder {
    definitions: Vec<Definition>,
    /// where each name is defined
    index: BTreeMap<String, usize>,
    names: FieldNames,
    align: usize,
    open: Vec<OpenUnion>,
}

/// A union that keeps members that it does not know.
#[derive(Clone, Debug)]
pub(crate) struct OpenUnion {
    /// the Rust type
    pub(crate) rust: TypeId,
    /// its name in the schema
    pub(crate) name: String,
    /// tags that it refuses
    pub(crate) retired: &'static [u32],
}

impl SchemaBuilder {
    /// No definitions yet.
    pub fn new(names: FieldNames) -> Self {
        Self { definitions: Vec::new(), index: BTreeMap::new(), names, align: ALIGN, open: Vec::new() }
    }

    /// What a name stands for.
    pub(crate) fn definition(&self, name: &str) -> Option<&TypeRef> {
        self.index.get(name).map(|at| &self.definitions[*at].ty)
    }

    /// Notes that a union keeps members that it does not know.
    pub(crate) fn open_union<U: crate::wire::Union>(&mut self, ty: &TypeRef) {
        let rust = TypeId::of::<U>();
        if let TypeRef::Named(name) = ty
            && !self.open.iter().any(|open| open.rust == rust)
        {
            self.open.push(OpenUnion { rust, name: name.clone(), retired: U::RETIRED });
        }
    }

    pub(super) fn take_open(&mut self) -> Vec<OpenUnion> {
        core::mem::take(&mut self.open)
    }

    /// How field names are written.
    pub fn names(&self) -> FieldNames {
        self.names
    }

    /// Defines `name`, unless it stands for the same already. A name that stands for something else gets a number behind it:
    /// two Rust modules may both have a `Layer`.
    pub fn define(&mut self, name: &str, ty: TypeRef) -> TypeRef {
        let mut free = name.to_owned();
        for n in 2u64.. {
            match self.index.get(&free) {
                None => {
                    self.index.insert(free.clone(), self.definitions.len());
                    self.definitions.push(Definition::new(free.clone(), ty));
                    break;
                }
                Some(at) if self.definitions[*at].ty == ty => break,
                Some(_) => free = format!("{name}{n}"),
            }
        }
        TypeRef::Named(free)
    }

    /// Runs `f` with the alignment that a field's attribute asks for.
    pub fn with_align<T>(&mut self, align: usize, f: impl FnOnce(&mut Self) -> T) -> T {
        let outer = core::mem::replace(&mut self.align, align);
        let result = f(self);
        self.align = outer;
        result
    }

    /// A struct with `fields`, then a pad, then a list that starts at a multiple of the alignment.
    ///
    /// An alignment other than 64 is part of the names (`F32Array256`, `pad256`), and so of the schema's hash.
    pub fn padded_struct<S: Scalar>(&mut self, name: &str, fields: &[(&str, TypeRef)], list: &str) -> TypeRef {
        let suffix = if self.align == ALIGN { String::new() } else { self.align.to_string() };
        let mut all: Vec<_> = fields.iter().map(|(name, ty)| ((*name).to_owned(), ty.clone())).collect();
        all.push((format!("pad{suffix}"), TypeRef::Data(None)));
        all.push((list.to_owned(), TypeRef::list(S::TYPE)));
        self.define(&format!("{name}{suffix}"), TypeRef::Struct(all))
    }

    /// A list of numbers behind a pad.
    pub fn padded_list<S: Scalar>(&mut self) -> TypeRef {
        self.padded_struct::<S>(S::LIST, &[], "values")
    }

    /// The schema whose root is `root`, which is called `Root` unless it is what was defined last.
    pub(crate) fn finish(mut self, root: TypeRef) -> Schema {
        let last = self.definitions.last().map(|definition| &*definition.name);
        if !matches!((&root, last), (TypeRef::Named(name), Some(last)) if name == last) {
            self.define("Root", root);
        }
        Schema { definitions: self.definitions }
    }
}

/// Starts a schema whose root is called `root`: for messages of types that no Rust type describes.
///
/// Types are added from the inside out, as BARE wants them. [`with`](SchemaDraft::with) brings along what a Rust type needs.
///
/// ```
/// use barewire_core::wire::TernaryMatrix;
/// use barewire_core::wire::schema::{TypeRef, schema};
///
/// let weight = || TypeRef::named("TernaryMatrix");
/// let layer = schema("MatmulFreeLayer")
///     .with::<TernaryMatrix>()
///     .with_type("Dense", TypeRef::structure([("weights", weight()), ("scale", TypeRef::F32)]))
///     .with_type("Attention", TypeRef::structure([("q", weight()), ("k", weight()), ("v", weight())]))
///     .with_type("MatmulFreeLayer", TypeRef::union(["Dense", "Attention"].map(TypeRef::named)))
///     .build()
///     .unwrap();
/// assert!(layer.text().ends_with("type MatmulFreeLayer union { Dense | Attention }\n"));
/// ```
pub fn schema(root: impl Into<String>) -> SchemaDraft {
    SchemaDraft { root: root.into(), definitions: Vec::new() }
}

/// A schema that is being put together; [`schema()`] starts one.
#[derive(Clone, Debug)]
#[must_use]
pub struct SchemaDraft {
    root: String,
    definitions: Vec<Definition>,
}

impl SchemaDraft {
    /// Defines `name`.
    pub fn with_type(mut self, name: impl Into<String>, ty: TypeRef) -> Self {
        self.definitions.push(Definition::new(name, ty));
        self
    }

    /// Defines what the Rust type `T` needs, and `T` itself if it has a name. What is defined already, and is the same, stays.
    pub fn with<T: Wire>(mut self) -> Self {
        let mut types = SchemaBuilder::new(FieldNames::Camel);
        T::schema(&mut types);
        for definition in types.definitions {
            if !self.definitions.contains(&definition) {
                self.definitions.push(definition);
            }
        }
        self
    }

    /// Puts comments above the definition that was added last, one for each line.
    pub fn comment(mut self, text: &str) -> Self {
        if let Some(last) = self.definitions.last_mut() {
            last.comments.above.extend(text.lines().map(|line| line.trim().to_owned()));
        }
        self
    }

    /// The schema, checked.
    ///
    /// # Errors
    /// Every rule of BARE that is broken; or the root is not what was added last.
    pub fn build(self) -> Result<Schema, SchemaError> {
        let schema = Schema { definitions: self.definitions };
        schema.check()?;
        // `check` refuses an empty schema
        match schema.definitions.last() {
            Some(last) if last.name != self.root => Err(SchemaError {
                mistakes: [Mistake {
                    position: None,
                    definition: String::new(),
                    expected: format!("the root, `{}`, as the last type", self.root).into(),
                    found: format!("`{}`", last.name).into(),
                }]
                .into(),
            }),
            _ => Ok(schema),
        }
    }
}
