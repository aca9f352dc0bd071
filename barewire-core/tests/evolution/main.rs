//! Files of other versions: who opens them, what is read, what is kept, and what becomes of it when it is written again.

// types of other versions are `pub` as a user's are, and shared helpers are not used by all
#![allow(unreachable_pub, dead_code)]

#[path = "../common/change.rs"]
mod change;
mod files;
mod hostile;
mod migration;
mod pairs;
#[path = "../common/random.rs"]
mod random;
mod schemas;
mod types;
mod unknown;
