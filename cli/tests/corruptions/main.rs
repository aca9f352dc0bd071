//! Nobody loads the wrong thing: files that were swapped, transposed, rescaled, relabelled, cut, spliced or altered are refused at the
//! level `full`, or hold the value that they held.
//!
//! `BAREWIRE_CORRUPTIONS=100000 cargo test --release -p barewire-cli --test corruptions -- --nocapture` is the campaign; without
//! the variable a few thousand are tried. Changes are made without making all hashes fit again: a file whose hashes all fit
//! what it holds is another file, not a damaged one, and the hashes are no signature.

mod changes;
mod files;

use std::collections::BTreeMap;

use barewire::wire::{Header, Level};
use changes::{CHANGES, Rng};
use files::{Original, originals};

/// Whether octets that a reader took hold what the original holds.
fn holds_the_same(original: &Original, bytes: &[u8]) -> bool {
    let (before, after) = (Header::read(&original.bytes).unwrap(), Header::read(bytes).unwrap());
    let root = |bytes: &[u8], header: &Header<'_>| bytes[header.root.start as usize..header.root.end as usize].to_vec();
    before.schema == after.schema && root(&original.bytes, &before) == root(bytes, &after)
}

#[test]
fn no_change_is_a_silent_success() {
    let count: usize = std::env::var("BAREWIRE_CORRUPTIONS").map_or(3_000, |n| n.parse().unwrap());
    let originals = originals();
    for original in &originals {
        assert!(barewire_cli::verify(&original.bytes, Level::Full).is_ok(), "{}", original.name);
        (original.typed)(&original.bytes).unwrap();
    }
    let mut rng = Rng::new(20_261_128);
    // of each kind: tried, refused, equal, refused by the structure already
    let mut figures: BTreeMap<&str, [usize; 4]> = BTreeMap::new();
    let mut tried = 0;
    while tried < count {
        let original = &originals[rng.below(originals.len())];
        let (kind, change) = CHANGES[rng.below(CHANGES.len())];
        let mut bytes = original.bytes.clone();
        if change(&mut bytes, original, &originals, &mut rng).is_none() || bytes == original.bytes {
            // nothing to change in this file, or nothing changed
            continue;
        }
        tried += 1;
        let [all, refused, equal, early] = figures.entry(kind).or_default();
        *all += 1;
        *early += usize::from(barewire_cli::verify(&bytes, Level::Structure).is_err());
        match (barewire_cli::verify(&bytes, Level::Full), (original.typed)(&bytes)) {
            (Err(_), Err(_)) => *refused += 1,
            (Ok(_), Ok(())) if holds_the_same(original, &bytes) => *equal += 1,
            (tool, types) => panic!("{kind} of {}: the tool says {tool:?}, the types say {types:?}", original.name),
        }
    }
    println!("{:<40} {:>7} {:>8} {:>6} {:>14}", "change", "tried", "refused", "equal", "by structure");
    for (kind, [all, refused, equal, early]) in &figures {
        println!("{kind:<40} {all:>7} {refused:>8} {equal:>6} {early:>14}");
    }
    let sum = |at: usize| figures.values().map(|counts| counts[at]).sum::<usize>();
    println!("{:<40} {:>7} {:>8} {:>6} {:>14}", "all", sum(0), sum(1), sum(2), sum(3));
    // every kind of change had something to work on
    assert_eq!(figures.len(), CHANGES.len());
    // and most of them are found by nothing but a hash, or this proves little
    assert!(sum(3) < sum(0));
}
