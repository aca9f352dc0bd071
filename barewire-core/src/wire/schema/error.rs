//! What is wrong with a schema.

use alloc::borrow::Cow;
use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;

/// A place in the text of a schema. Both count from 1; columns are characters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Position {
    /// from 1
    pub line: u32,
    /// from 1, in characters
    pub column: u32,
}

impl fmt::Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}, column {}", self.line, self.column)
    }
}

/// One thing that is wrong with a schema.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mistake {
    /// where, if the schema came from text
    pub position: Option<Position>,
    /// the definition it is in; empty outside of definitions
    pub definition: String,
    /// what would have been right
    pub expected: Cow<'static, str>,
    /// what stands there
    pub found: Cow<'static, str>,
}

impl fmt::Display for Mistake {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.position {
            Some(position) => write!(f, "{position}: ")?,
            None if self.definition.is_empty() => {}
            None => write!(f, "in `{}`: ", self.definition)?,
        }
        write!(f, "expected {}, found {}", self.expected, self.found)
    }
}

/// Everything that is wrong with a schema: at least one [`Mistake`], in the order of the text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SchemaError {
    pub(super) mistakes: Vec<Mistake>,
}

impl SchemaError {
    /// Each mistake.
    pub fn mistakes(&self) -> &[Mistake] {
        &self.mistakes
    }
}

impl fmt::Display for SchemaError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, mistake) in self.mistakes.iter().enumerate() {
            if i > 0 {
                f.write_str("\n")?;
            }
            write!(f, "{mistake}")?;
        }
        Ok(())
    }
}

impl core::error::Error for SchemaError {}
