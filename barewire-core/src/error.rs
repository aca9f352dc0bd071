//! What can go wrong when an equation runs.

use alloc::boxed::Box;
use alloc::format;
use alloc::string::String;
use core::fmt;

/// Why an equation did not run: which part of the model, what was expected, what was found.
///
/// It is one pointer wide, so a `Result` of it costs the good path nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Error(Box<Inner>);

#[derive(Debug, Clone, PartialEq, Eq)]
struct Inner {
    kind: ErrorKind,
    path: String,
    expected: String,
    found: String,
}

/// The sort of an [`Error`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum ErrorKind {
    /// sizes that do not fit each other
    Shape,
    /// a residual, gradient or state of one variant met another variant
    Tag,
    /// an input of the wrong kind, count or range (such as a token id beyond the vocabulary)
    Input,
    /// a kernel refused its arguments
    Kernel,
    /// the bytes of the model are not a valid message
    Wire,
}

impl Error {
    /// A new error of this kind.
    pub fn new(kind: ErrorKind, expected: impl Into<String>, found: impl Into<String>) -> Self {
        Error(Box::new(Inner { kind, path: String::new(), expected: expected.into(), found: found.into() }))
    }

    /// Sizes that do not fit.
    pub fn shape(expected: impl Into<String>, found: impl Into<String>) -> Self {
        Self::new(ErrorKind::Shape, expected, found)
    }

    /// A slice whose length is not the one that its sizes ask for.
    pub fn length(name: &str, expected: usize, found: usize) -> Self {
        Self::shape(format!("`{name}` of {expected} elements"), format!("{found}"))
    }

    /// An input that the equation cannot take.
    pub fn input(expected: impl Into<String>, found: impl Into<String>) -> Self {
        Self::new(ErrorKind::Input, expected, found)
    }

    /// A value of one variant where another is active.
    pub fn tag(expected: &str, found: &str) -> Self {
        Self::new(ErrorKind::Tag, format!("variant `{expected}`"), format!("`{found}`"))
    }

    /// The same error one level further out: `segment` is a field, an index or a variant.
    #[must_use]
    pub fn inside(mut self, segment: &str) -> Self {
        let inner = &mut *self.0;
        if inner.path.is_empty() {
            inner.path.push_str(segment);
        } else {
            inner.path = format!("{segment}.{}", inner.path);
        }
        self
    }

    /// The sort of error.
    pub fn kind(&self) -> ErrorKind {
        self.0.kind
    }

    /// Where it happened: fields, variants and ops from the outermost inwards, joined by dots.
    pub fn path(&self) -> &str {
        &self.0.path
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Inner { path, expected, found, .. } = &*self.0;
        if !path.is_empty() {
            write!(f, "in `{path}`: ")?;
        }
        write!(f, "expected {expected}, found {found}")
    }
}

impl core::error::Error for Error {}

#[cfg(feature = "std")]
impl From<barewire_kernels::KernelError> for Error {
    fn from(e: barewire_kernels::KernelError) -> Self {
        Self::new(ErrorKind::Kernel, "arguments that the kernel takes", format!("{e}"))
    }
}

impl From<crate::wire::DecodeError> for Error {
    fn from(e: crate::wire::DecodeError) -> Self {
        Self::new(ErrorKind::Wire, "a valid message", format!("{e}"))
    }
}

/// Adds where an error happened, only when there is one.
pub trait Inside<T> {
    /// See [`Error::inside`].
    fn inside(self, segment: &str) -> Result<T, Error>;
}

impl<T> Inside<T> for Result<T, Error> {
    #[inline(always)]
    fn inside(self, segment: &str) -> Result<T, Error> {
        match self {
            Ok(value) => Ok(value),
            Err(e) => Err(e.inside(segment)),
        }
    }
}
