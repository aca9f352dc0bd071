//! Fixed-size unions: rows and columns, against each other, against a `Vec`, and against a decoder written by hand.
// the types here are fixtures
#![allow(missing_docs, unreachable_pub)]

mod access;
mod alone;
mod equations;
mod hostile;
mod octets;
mod round_trip;
mod runs;
mod types;
