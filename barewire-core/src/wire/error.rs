//! Why octets were refused.

use alloc::borrow::Cow;
use alloc::boxed::Box;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::fmt;

/// Octets that are not the encoding of the type: where, what was expected, what was found.
///
/// The error is one word wide. Its path grows on the way out of nested values, so a successful read pays nothing for it.
///
/// ```
/// use barewire_core::wire::from_message;
///
/// let error = from_message::<Vec<Option<bool>>>(&[2, 0, 7]).unwrap_err();
/// assert_eq!(error.path(), "[1]");
/// assert_eq!(error.offset(), 2);
/// assert_eq!(error.to_string(), "at `[1]`, octet 2: expected 0 or 1 before an optional value, found 7");
/// ```
#[derive(Clone, PartialEq, Eq)]
pub struct DecodeError(Box<Inner>);

#[derive(Clone, PartialEq, Eq)]
struct Inner {
    path: Path,
    offset: u64,
    expected: Cow<'static, str>,
    found: Cow<'static, str>,
}

/// Which part of a value, built from the inside out.
#[derive(Clone, Default, PartialEq, Eq)]
pub(crate) struct Path {
    /// innermost first
    segments: Vec<Segment>,
}

#[derive(Clone, PartialEq, Eq)]
enum Segment {
    Name(Cow<'static, str>),
    Index(u64),
}

impl Path {
    pub(crate) fn within(&mut self, name: impl Into<Cow<'static, str>>) {
        self.segments.push(Segment::Name(name.into()));
    }

    pub(crate) fn at_index(&mut self, index: u64) {
        self.segments.push(Segment::Index(index));
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.segments.is_empty()
    }
}

impl fmt::Display for Path {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, segment) in self.segments.iter().rev().enumerate() {
            match segment {
                Segment::Name(name) if i == 0 => f.write_str(name)?,
                Segment::Name(name) => write!(f, ".{name}")?,
                Segment::Index(index) => write!(f, "[{index}]")?,
            }
        }
        Ok(())
    }
}

impl DecodeError {
    /// An error at `offset` octets from the start of the message (of the file, in a file).
    #[cold]
    pub fn new(offset: u64, expected: impl Into<Cow<'static, str>>, found: impl Into<Cow<'static, str>>) -> Self {
        Self(Box::new(Inner { path: Path::default(), offset, expected: expected.into(), found: found.into() }))
    }

    /// The same error, seen from the value that holds a field or variant called `name`.
    #[cold]
    #[must_use]
    pub fn within(mut self, name: impl Into<Cow<'static, str>>) -> Self {
        self.0.path.within(name);
        self
    }

    /// The same error, seen from the list that holds it as element `index`.
    #[cold]
    #[must_use]
    pub fn at_index(mut self, index: usize) -> Self {
        self.0.path.at_index(index as u64);
        self
    }

    /// Which value: such as `layers[3].Mixer.norm`. Empty for the root itself.
    pub fn path(&self) -> String {
        self.0.path.to_string()
    }

    /// Where: octets from the start of the message or file.
    pub fn offset(&self) -> u64 {
        self.0.offset
    }

    /// What would have been right.
    pub fn expected(&self) -> &str {
        &self.0.expected
    }

    /// What stands there.
    pub fn found(&self) -> &str {
        &self.0.found
    }
}

impl fmt::Display for DecodeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Inner { path, offset, expected, found } = &*self.0;
        if path.is_empty() {
            write!(f, "at octet {offset}: expected {expected}, found {found}")
        } else {
            write!(f, "at `{path}`, octet {offset}: expected {expected}, found {found}")
        }
    }
}

impl fmt::Debug for DecodeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "DecodeError({self})")
    }
}

impl core::error::Error for DecodeError {}

/// A matrix whose parts do not fit together.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{what}` of a {rows} x {cols} matrix: expected {expected}, found {found}")]
pub struct ValueError {
    /// which part: `values`, `words`, `digits`, `bits`
    pub what: &'static str,
    /// rows asked for
    pub rows: usize,
    /// columns asked for
    pub cols: usize,
    /// what would have been right
    pub expected: String,
    /// what was given
    pub found: String,
}

impl ValueError {
    #[cold]
    pub(crate) fn new(
        what: &'static str,
        rows: usize,
        cols: usize,
        expected: impl Into<String>,
        found: impl Into<String>,
    ) -> Self {
        Self { what, rows, cols, expected: expected.into(), found: found.into() }
    }
}
