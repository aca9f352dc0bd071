//! Neighbours of one variant.

use core::ops::Range;

/// Elements of one variant that stand next to each other.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Run<C> {
    /// their tag; 0 if the type is a struct
    pub tag: u32,
    /// which elements
    pub rows: Range<usize>,
    /// their cells: the generated `XRun` or `XRunMut` for columns, a `SlotsView` for slots
    pub cells: C,
}
