//! What is worked out once a type, and kept as long as the process lives.

use alloc::collections::BTreeMap;
use std::sync::{PoisonError, RwLock};

/// Answers by key. Generic functions have no statics of their own, so what depends on a type is kept under its `TypeId`.
pub(crate) struct Kept<K, V>(RwLock<BTreeMap<K, V>>);

impl<K: Ord + Copy, V: Copy> Kept<K, V> {
    pub(crate) const fn new() -> Self {
        Self(RwLock::new(BTreeMap::new()))
    }

    /// The answer for `key`; `make` runs if there is none yet, without the lock.
    pub(crate) fn get(&self, key: K, make: impl FnOnce() -> V) -> V {
        // whoever panicked while holding the lock left a whole map: it only ever looks up or inserts
        let known = self.0.read().unwrap_or_else(PoisonError::into_inner).get(&key).copied();
        known.unwrap_or_else(|| {
            let made = make();
            *self.0.write().unwrap_or_else(PoisonError::into_inner).entry(key).or_insert(made)
        })
    }
}
