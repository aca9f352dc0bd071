//! Checks of primitives.
