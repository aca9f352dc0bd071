//! Changes in place that are interrupted.

use std::path::Path;
use std::process::Command;

use super::*;

fn change(region: &mut Region<Vec<Part>, impl barewire_core::wire::AccessMut>, to: f32) {
    for part in region.view_mut().unwrap() {
        match part {
            PartViewMut::Dense(values) | PartViewMut::Wide(values) => values.fill(to),
            PartViewMut::Scale(value) => value.set(to),
            _ => {}
        }
    }
}

#[test]
fn a_region_between_change_and_seal_is_marked() {
    let mut region = Region::encode(&parts());
    change(&mut region, 2.0);
    assert!(!region.header().unwrap().is_sealed());
    for level in [Level::Header, Level::Structure, Level::Full] {
        assert_eq!(region.verify(level).unwrap_err().path(), "contentHash");
    }
    assert!(region.append(&[Part::Nothing]).is_err());
    // what is in it can still be read where it was changed
    assert_eq!(region.decode().unwrap()[0], Part::Scale(2.0));
    let error = Region::<Vec<Part>>::from_bytes(region.bytes()).unwrap_err();
    assert!(error.to_string().contains("changed in place and not sealed"), "{error}");
    assert!(view_file::<Vec<Part>>(region.bytes(), &Index::new()).is_err());
    assert!(lazy_file::<Vec<Part>, Part>(region.bytes()).is_err());
    region.seal().unwrap();
    region.verify(Level::Full).unwrap();
    Region::<Vec<Part>>::from_bytes(region.bytes()).unwrap();
}

#[test]
fn sealing_what_changed_costs_and_says_no_more_than_that() {
    let mut region = Region::encode(&parts());
    let sealed = |region: &mut Region<_>, which: &[usize]| region.seal_components(which.iter().copied());
    change(&mut region, 2.0);
    sealed(&mut region, &[0, 1, 4]).unwrap();
    region.verify(Level::Full).unwrap();
    assert!(region.bytes() == &to_file(&region.decode().unwrap())[..]);
    change(&mut region, 3.0);
    sealed(&mut region, &[0, 1]).unwrap();
    assert_eq!(region.verify(Level::Full).unwrap_err().path(), "components[4]");
    assert!(sealed(&mut region, &[5]).is_err());
}

#[test]
fn an_index_that_lies_is_not_sealed() {
    let mut bytes = to_file(&parts());
    let start = &mut entry(&mut bytes, 5, 4)[..8];
    let moved = u64::from_le_bytes((*start).try_into().unwrap()) + 1;
    start.copy_from_slice(&moved.to_le_bytes());
    let mut region = Region::<Vec<Part>>::from_bytes(&bytes).unwrap();
    change(&mut region, 2.0);
    assert_eq!(region.seal().unwrap_err().path(), "index[4]");
    assert!(!region.header().unwrap().is_sealed());
}

/// What a crash may leave of a file that was sealed, changed and sealed again: any of its pieces old, any new.
#[test]
fn a_mix_of_two_sealed_states_is_found() {
    let mut region = Region::encode(&parts());
    let old = region.bytes().to_vec();
    change(&mut region, 2.0);
    region.seal().unwrap();
    let new = region.bytes().to_vec();
    let pieces: Vec<usize> = (0..old.len())
        .step_by(16)
        .filter(|&at| old[at..].iter().zip(&new[at..]).take(16).any(|(a, b)| a != b))
        .collect();
    let mut rng = 1u64;
    for round in 0..4000 {
        let mut mix = old.clone();
        let mut which = Vec::new();
        for (i, &at) in pieces.iter().enumerate() {
            rng = rng.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            // first every single piece, and all but one; then any
            let taken = match round / pieces.len() {
                0 => i == round,
                1 => i != round - pieces.len(),
                _ => rng >> 63 == 1,
            };
            if taken {
                let end = (at + 16).min(old.len());
                mix[at..end].copy_from_slice(&new[at..end]);
                which.push(at);
            }
        }
        if mix == old || mix == new {
            continue;
        }
        let full = Region::<Vec<Part>>::from_bytes(&mix).map(|region| region.verify(Level::Full));
        assert!(!matches!(full, Ok(Ok(()))), "pieces {which:?} went unseen");
    }
}

/// The same test binary again, as a process that dies while it changes a file.
fn dies(path: &Path, at: &str) {
    let test = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "changes::changed_by_a_process_that_dies", "--nocapture"])
        .env("BAREWIRE_TEST_FILE", path)
        .env("BAREWIRE_TEST_DIE", at)
        .output()
        .unwrap();
    assert!(!test.status.success(), "it was to die");
}

#[test]
fn changed_by_a_process_that_dies() {
    if let Some(path) = std::env::var_os("BAREWIRE_TEST_FILE") {
        let at = std::env::var("BAREWIRE_TEST_DIE").unwrap();
        // SAFETY: the parent process waits for this one and does not touch the file meanwhile.
        let mut region = unsafe { Region::<Vec<Part>, MappedMut>::map_mut(&path) }.unwrap();
        if at == "opened" {
            std::process::abort();
        }
        match &mut region.view_mut().unwrap()[0] {
            PartViewMut::Scale(value) => value.set(2.0),
            other => panic!("{other:?}"),
        }
        if at == "changed" {
            std::process::abort();
        }
        region.seal().unwrap();
        std::process::abort();
    }
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("parts.bare");
    Region::encode(&parts()).save(&path).unwrap();
    let open = || {
        let region = Region::<Vec<Part>>::open(&path)?;
        region.verify(Level::Full).map_err(|cause| FileError::Decode { path: path.clone(), cause })?;
        Ok::<_, FileError>(region)
    };
    dies(&path, "opened");
    assert_eq!(open().unwrap().decode().unwrap(), parts());
    dies(&path, "changed");
    let error = open().unwrap_err().to_string();
    assert!(error.contains("not sealed"), "{error}");
    // SAFETY: the process that touched the file is dead.
    let mapped = unsafe { Region::<Vec<Part>, Mapped>::map(&path) };
    assert!(mapped.is_err());
    dies(&path, "sealed");
    assert_eq!(open().unwrap().decode().unwrap()[0], Part::Scale(2.0));
}

#[test]
fn a_reader_beside_a_writer_sees_whole_files() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("parts.bare");
    Region::encode(&parts()).save(&path).unwrap();
    std::thread::scope(|scope| {
        let writer = scope.spawn(|| {
            for _ in 0..20 {
                let region = Region::<Vec<Part>>::open(&path).unwrap();
                region.save_spliced(&path, 5..5, &[ternary()]).unwrap();
                Region::encode(&parts()).save(&path).unwrap();
            }
        });
        while !writer.is_finished() {
            let region = Region::<Vec<Part>>::open(&path).unwrap();
            region.verify(Level::Full).unwrap();
            assert!([5, 6].contains(&region.lazy::<Part>().unwrap().len()));
        }
    });
}
