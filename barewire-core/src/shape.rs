//! Axes by name at compile time, sizes at run time.
//!
//! A primitive or a part states its [`Sig`], such as `"(o i), (.. i) -> (.. o)"`. The derive writes one
//! `const S: Shape = infer(..)` per call, so axes that disagree are a compile error on the user's token; sizes are
//! checked by the same signature when the equation runs.

use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

mod dims;
mod infer;
mod sig;

pub use dims::Dims;
pub use infer::{Broadcast, Spread, agree, broadcast, in_turn, infer, require, routed, signature};
pub use sig::{Group, Sig};
pub(crate) use sig::{MAX_ARGS, Refused};

/// Most axes that a value can have.
pub const MAX_RANK: usize = 6;

/// The name of an axis. Axes of the equation itself have an empty scope; an axis that only a sub-layer knows is
/// `scope.name` and equals nothing but itself.
#[derive(Clone, Copy, Debug)]
pub struct Axis {
    pub(crate) scope: &'static str,
    pub(crate) name: &'static str,
}

impl Axis {
    pub(crate) const NONE: Axis = Axis { scope: "", name: "" };

    pub(crate) const fn same(self, other: Axis) -> bool {
        same_text(self.scope, other.scope) && same_text(self.name, other.name)
    }
}

/// The axes of a value, outermost first.
#[derive(Clone, Copy, Debug)]
pub struct Shape {
    pub(crate) axes: [Axis; MAX_RANK],
    pub(crate) rank: usize,
    /// token ids rather than numbers
    pub(crate) ids: bool,
    /// the result of an equation that did not compile: agrees with everything, so that one mistake is one message
    pub(crate) unknown: bool,
}

impl Shape {
    /// Axes of the equation's own names, outermost first; at most [`MAX_RANK`].
    pub const fn new(names: &[&'static str]) -> Shape {
        assert!(names.len() <= MAX_RANK, "a value has at most 6 axes");
        let mut axes = [Axis::NONE; MAX_RANK];
        let mut i = 0;
        while i < names.len() {
            axes[i] = Axis { scope: "", name: names[i] };
            i += 1;
        }
        Shape { axes, rank: names.len(), ids: false, unknown: false }
    }

    /// The same axes, holding ids.
    pub const fn of_ids(names: &[&'static str]) -> Shape {
        let mut shape = Shape::new(names);
        shape.ids = true;
        shape
    }

    /// A single number.
    pub const SCALAR: Shape = Shape::new(&[]);

    /// The names of the axes, outermost first; `ffn.hidden` for an axis that only a sub-layer `ffn` knows.
    pub fn axis_names(&self) -> Vec<String> {
        let name = |axis: &Axis| match axis.scope {
            "" => axis.name.to_string(),
            scope => format!("{scope}.{}", axis.name),
        };
        self.axes[..self.rank].iter().map(name).collect()
    }
}

/// `a == b`, in constants.
pub(crate) const fn same_text(a: &str, b: &str) -> bool {
    let (a, b) = (a.as_bytes(), b.as_bytes());
    if a.len() != b.len() {
        return false;
    }
    let mut i = 0;
    while i < a.len() {
        if a[i] != b[i] {
            return false;
        }
        i += 1;
    }
    true
}
