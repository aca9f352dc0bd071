//! Files whose schema lies, and files that are damaged inside what the reader does not know.

use barewire_core::wire::{AlignedBuf, Header, Index, Level, Region, Types, schema_text, to_file, to_message};

use crate::change::change;
use crate::files::relabelled;
use crate::random::Rng;
use crate::types::{layers, model, newer, older};

/// Everything a reader does; whatever comes of it, it comes to an end. Gives whether all of it was read.
fn read(file: &[u8]) -> bool {
    let Ok(mut region) = Region::<older::Model>::from_bytes_compatible(file) else { return false };
    let index = Index::new();
    let viewed = region.view(&index).map(drop);
    let decoded = region.decode();
    assert_eq!(viewed.as_ref().err(), decoded.as_ref().err());
    if let Ok(value) = &decoded {
        let root = region.header().unwrap().root;
        assert_eq!(to_message(value)[..], file[root.start as usize..root.end as usize]);
        // what is no value of the file's own schema is not written under it, and `verify` says so
        match Region::try_encode(value) {
            Ok(saved) => assert_eq!(saved.decode().unwrap(), *value),
            Err(_) => assert!(region.verify(Level::Structure).is_err()),
        }
    }
    if let Ok(lazy) = region.lazy::<older::Layer>() {
        for k in 0..lazy.len() {
            let viewed = lazy.view(k, &index).map(drop);
            assert_eq!(viewed.err(), lazy.decode(k).map(drop).err());
            let _ = lazy.verify(k);
        }
    }
    let full = region.verify(Level::Full);
    assert!(decoded.is_ok() || full.is_err());
    let _ = region.view_mut().map(drop);
    decoded.is_ok()
}

#[test]
fn a_schema_that_lies() {
    let file = to_file(&model());
    assert!(read(&file));
    let truth = Types::of::<newer::Model>();
    let (mut opened, mut refused) = (0, 0);
    for seed in 0..if cfg!(debug_assertions) { 300 } else { 5_000 } {
        let mut rng = Rng(seed);
        let mut lie = truth.clone();
        for _ in 0..1 + rng.below(2) {
            lie = change(&mut rng, &lie).map_or(lie, |change| change.types);
        }
        let lying = relabelled(&file, &lie.schema().text());
        if Region::<older::Model>::from_bytes_compatible(&lying).is_ok() {
            opened += 1;
            refused += usize::from(!read(&lying));
        }
    }
    println!("{opened} opened, {refused} of them refused when read");
    assert!(opened > 30 && refused > 5, "{opened} {refused}");
    // no schema at all
    for text in ["", "type", "type A B", "type Model void"] {
        assert!(!read(&relabelled(&file, text)));
    }
    assert!(read(&relabelled(&file, &schema_text::<newer::Model>())));
}

#[test]
fn damage_and_cuts() {
    let file = to_file(&layers());
    let header = Header::read(&file).unwrap();
    let root = header.root.start as usize..header.root.end as usize;
    let mut damaged = AlignedBuf::copy_from(&file);
    for at in root.clone() {
        for flip in [1, 0x80, 0xff] {
            damaged[at] ^= flip;
            let region = Region::<Vec<older::Layer>>::from_bytes_compatible(&damaged).unwrap();
            let (index, root) = (Index::new(), root.clone());
            let viewed = region.view(&index).map(drop);
            match region.decode() {
                Ok(value) => assert_eq!(to_message(&value)[..], damaged[root]),
                Err(error) => assert_eq!(viewed.unwrap_err(), error),
            }
            assert!(region.verify(Level::Full).is_err());
            damaged[at] ^= flip;
        }
    }
    for n in (0..file.len()).step_by(7) {
        assert!(Region::<Vec<older::Layer>>::from_bytes_compatible(&file[..n]).is_err());
    }
}
