//! What is worked out once a type, and kept as long as the process lives.

use alloc::boxed::Box;
use core::any::TypeId;
use core::hash::{Hash, Hasher};

use once_cell::race::OnceBox;

/// Answers by key. Generic functions have no statics of their own, so what depends on a type is kept under its `TypeId`.
///
/// Lists that only ever grow, without locks and without std: a look-up reads a few pointers.
pub(crate) struct Kept<K, V>([OnceBox<Node<K, V>>; BUCKETS]);

const BUCKETS: usize = 64;

struct Node<K, V> {
    key: K,
    value: V,
    next: OnceBox<Self>,
}

impl<K: Hash + Eq, V> Kept<K, V> {
    pub(crate) const fn new() -> Self {
        Self([const { OnceBox::new() }; BUCKETS])
    }

    /// The answer for `key`; `make` runs if there is none yet. Two threads may both make one; one is kept.
    pub(crate) fn get(&'static self, key: K, make: impl FnOnce() -> V) -> &'static V
    where
        K: Copy,
    {
        let mut place = &self.0[bucket(&key)];
        while let Some(node) = place.get() {
            if node.key == key {
                return &node.value;
            }
            place = &node.next;
        }
        let mut made = Some(make());
        loop {
            // another thread may have added nodes meanwhile, this one among them
            let node = place.get_or_init(|| {
                let value = made.take().expect("a node is added once, and then found");
                Box::new(Node { key, value, next: OnceBox::new() })
            });
            if node.key == key {
                return &node.value;
            }
            place = &node.next;
        }
    }
}

/// Adds up what is hashed: a `TypeId` is a hash already.
struct Sum(u64);

impl Hasher for Sum {
    fn write(&mut self, octets: &[u8]) {
        octets.iter().for_each(|&octet| self.write_u64(octet.into()));
    }
    fn write_u64(&mut self, number: u64) {
        self.0 = self.0.rotate_left(5).wrapping_add(number);
    }
    fn finish(&self) -> u64 {
        self.0
    }
}

fn bucket(key: &impl Hash) -> usize {
    let mut sum = Sum(0);
    key.hash(&mut sum);
    sum.finish() as usize % BUCKETS
}

/// The schema of a type and its hash.
pub(crate) struct KnownSchema {
    pub(crate) text: alloc::string::String,
    pub(crate) hash: [u8; 32],
}

impl KnownSchema {
    pub(crate) fn of<T: super::Wire>() -> &'static Self {
        static SCHEMAS: Kept<TypeId, KnownSchema> = Kept::new();
        SCHEMAS.get(TypeId::of::<T>(), || {
            let text = super::Schema::of::<T>(super::FieldNames::Camel).text();
            let hash = super::schema::hash(text.as_bytes());
            Self { text, hash }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_is_made_once_and_stays() {
        static SQUARES: Kept<u64, u64> = Kept::new();
        let mut made = 0;
        for _ in 0..2 {
            for key in 0..1000 {
                let square = SQUARES.get(key, || {
                    made += 1;
                    key * key
                });
                assert_eq!(*square, key * key);
            }
        }
        assert_eq!(made, 1000);
    }

    #[cfg(feature = "std")]
    #[test]
    fn threads_agree() {
        static PLACES: Kept<u64, Box<u64>> = Kept::new();
        let seen: Vec<Vec<usize>> = std::thread::scope(|scope| {
            let one = || (0..500).map(|key| core::ptr::from_ref(&**PLACES.get(key, || Box::new(key))).addr()).collect();
            let threads: Vec<_> = (0..4).map(|_| scope.spawn(one)).collect();
            threads.into_iter().map(|thread| thread.join().unwrap()).collect()
        });
        assert!(seen.iter().all(|places| *places == seen[0]));
    }
}
