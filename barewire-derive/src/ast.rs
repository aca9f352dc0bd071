//! What a user's type says, after its attributes are understood: the data that all later steps read.
//!
//! Nothing here knows tokens to emit. [`crate::attr`] fills these types, [`crate::check`] refuses what contradicts
//! itself, [`crate::layout`] and [`crate::program`] decide, [`crate::expand`] writes.

use proc_macro2::{Ident, Span};

/// The derived type.
pub(crate) struct Type {
    pub(crate) ident: Ident,
    pub(crate) vis: syn::Visibility,
    /// where `__private` lives: `::barewire`, or what `#[bare(crate = ..)]` says
    pub(crate) crate_path: syn::Path,
    /// the type's name in the schema
    pub(crate) wire_name: String,
    /// whether all values take the same place: `#[bare(fixed_size)]`
    pub(crate) fixed_size: bool,
    /// `portable`: whether residuals go to the wire
    pub(crate) portable: Option<Ident>,
    /// `specialise`: whether its variants are types, too
    pub(crate) specialise: Option<Ident>,
    /// tags that must not be used again
    pub(crate) retired: Vec<u32>,
    pub(crate) kind: TypeKind,
}

// one value a derive, so its size does not matter
#[allow(clippy::large_enum_variant)]
pub(crate) enum TypeKind {
    /// a product type: one variant without a tag
    Struct(Variant),
    /// a sum type
    Union(Vec<Variant>),
}

impl Type {
    /// The variants of a union, or the one of a struct.
    pub(crate) fn variants(&self) -> &[Variant] {
        match &self.kind {
            TypeKind::Struct(only) => core::slice::from_ref(only),
            TypeKind::Union(variants) => variants,
        }
    }

    /// The variants that the schema has.
    pub(crate) fn listed(&self) -> impl Iterator<Item = &Variant> {
        self.variants().iter().filter(|variant| !variant.unknown)
    }

    /// The variant that keeps what the schema does not have.
    pub(crate) fn unknown(&self) -> Option<&Variant> {
        self.variants().iter().find(|variant| variant.unknown)
    }

    pub(crate) fn is_union(&self) -> bool {
        matches!(self.kind, TypeKind::Union(_))
    }

    /// Whether any variant has a field.
    pub(crate) fn has_fields(&self) -> bool {
        self.variants().iter().any(|variant| !variant.fields.is_empty())
    }
}

/// One variant of a union, or the body of a struct.
pub(crate) struct Variant {
    /// the variant's name; for a struct, the struct's
    pub(crate) ident: Ident,
    /// the tag on the wire; 0 for a struct, and where `unknown`
    pub(crate) tag: u32,
    /// whether it keeps members that the type does not list, with the tags that they have: `#[bare(unknown)]`. The last variant then.
    pub(crate) unknown: bool,
    pub(crate) style: Style,
    pub(crate) fields: Vec<Field>,
    pub(crate) equation: Option<Equation>,
    /// what its residual keeps, where that is said
    pub(crate) keeps: Keeps,
    /// the type name of this variant in the schema, such as `MatmulFreeWeightTernary`
    pub(crate) wire_name: String,
    /// doc comments of the user's variant; empty for a struct
    pub(crate) docs: Vec<syn::Attribute>,
    pub(crate) span: Span,
}

/// How the fields are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Style {
    /// no fields at all
    Unit,
    /// `Dense(Matrix<f32>, Vec<f32>)`
    Tuple,
    /// `Dense { weights: Matrix<f32>, bias: Vec<f32> }`
    Named,
}

/// One field.
#[derive(Clone)]
pub(crate) struct Field {
    pub(crate) member: syn::Member,
    pub(crate) ty: syn::Type,
    pub(crate) vis: syn::Visibility,
    /// `dims = [d_out, d_in]`
    pub(crate) dims: Option<Vec<Ident>>,
    /// `axes(d_in = d_model)`: the sub-layer's axis, then the name it has here
    pub(crate) axes: Vec<(Ident, Ident)>,
    /// `active`, `signal` or `fixed`, if said
    pub(crate) role: Option<Role>,
    /// `gradient = low_rank`: how its gradient is held; the word is the user's
    pub(crate) gradient: Option<Ident>,
    /// `align = 256`
    pub(crate) align: Option<u32>,
    /// `scaled_by = scale`: the sibling f32 field that is the digits' absmean scale
    pub(crate) scaled_by: Option<Ident>,
    /// `checkpoint = 4`: which values between the layers of this list are kept
    pub(crate) checkpoint: Option<Checkpoint>,
    /// `rename = "x"`: the exact name in the schema
    pub(crate) wire_name: Option<String>,
    /// doc comments of the user's field
    pub(crate) docs: Vec<syn::Attribute>,
    /// the field's name, or the type of a tuple field
    pub(crate) span: Span,
}

impl Field {
    /// The name in words: `weights`, `r#type` as `type`, and `f0` for the first field of a tuple.
    pub(crate) fn name(&self) -> String {
        match &self.member {
            syn::Member::Named(ident) => unraw(ident),
            syn::Member::Unnamed(index) => format!("f{}", index.index),
        }
    }

    /// An identifier for a local variable that holds the field.
    pub(crate) fn binding(&self) -> Ident {
        match &self.member {
            syn::Member::Named(ident) => ident.clone(),
            syn::Member::Unnamed(index) => Ident::new(&format!("f{}", index.index), self.span),
        }
    }
}

/// What an equation does to a field.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Role {
    /// receives a gradient
    Active,
    /// packed digits: receives a declared surrogate signal
    Signal,
    /// receives nothing
    Fixed,
}

/// What an equation's residual keeps, against the default.
#[derive(Default)]
pub(crate) struct Keeps {
    /// `recompute`: the inputs only, and the whole forward program runs again
    pub(crate) inputs_only: Option<Ident>,
    /// `recompute = [gate]`: of the loop that gives this value, nothing
    pub(crate) recompute: Vec<Ident>,
    /// `save = [gate]`: of the loop that gives this value, all that its backward pass reads
    pub(crate) save: Vec<Ident>,
}

/// `checkpoint`, `checkpoint = 4`
#[derive(Clone, Copy)]
pub(crate) struct Checkpoint {
    /// layers of a segment; `None`: about the square root of their number
    pub(crate) every: Option<u32>,
    /// the number, or the key
    pub(crate) span: Span,
}

/// What `forward = ..` says.
pub(crate) enum Equation {
    /// `|x: [batch, time, d_in]| scale * linear(weights, x)`
    Closure(Closure),
    /// `path::to::a_differentiable_fn`
    Path(syn::Path),
}

/// An equation written in place.
pub(crate) struct Closure {
    pub(crate) params: Vec<Param>,
    pub(crate) body: Body,
    /// the closure's first `|`, for messages about the whole
    #[allow(dead_code)]
    pub(crate) span: Span,
}

/// An input of an equation.
pub(crate) struct Param {
    pub(crate) ident: Ident,
    pub(crate) elem: Elem,
    pub(crate) axes: Vec<Ident>,
}

/// The elements of an input.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Elem {
    /// `x: [batch, time, d_in]`, any `Real`
    Real,
    /// `ids: u32[batch, time]`
    Ids,
}

/// `{ let ..; let ..; result }`, or just `result`.
pub(crate) struct Body {
    pub(crate) lets: Vec<Let>,
    pub(crate) result: syn::Expr,
}

/// `let NAMES = VALUE;`
pub(crate) struct Let {
    pub(crate) names: LetNames,
    pub(crate) value: syn::Expr,
}

/// The left side of a `let`, each name with its axes where they are written.
pub(crate) enum LetNames {
    /// `a`, `a: [batch, time]`
    One(Ident, Option<Vec<Ident>>),
    /// `(a, b)`, `(a, b): ([batch, time, ffn], [batch, time, ffn])`
    Many(Vec<(Ident, Option<Vec<Ident>>)>),
}

/// An identifier's words, without `r#`.
pub(crate) fn unraw(ident: &Ident) -> String {
    let text = ident.to_string();
    text.strip_prefix("r#").map_or(text.clone(), Into::into)
}
