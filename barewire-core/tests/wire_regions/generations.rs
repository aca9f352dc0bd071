//! Values that change in place and survive a kill.

use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use barewire_core::wire::Generations;

use super::*;

/// A value all of whose numbers are equal: a mix of two generations shows.
const SIZE: usize = 40_000;

fn open<T: Wire>(path: &Path) -> Result<Generations<T>, FileError> {
    // SAFETY: no other process touches the files while a test has them open.
    unsafe { Generations::open(path) }
}

fn create<T: Wire>(path: &Path, value: &T) -> Generations<T> {
    // SAFETY: as in `open`.
    unsafe { Generations::create(path, value) }.unwrap()
}

fn raise(generations: &mut Generations<Vec<u64>>) {
    generations.working().view_mut().unwrap().iter_mut().for_each(|n| *n += 1);
}

#[test]
fn a_commit_lasts_and_what_follows_it_does_not() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("value");
    let mut value = create(&path, &vec![0u64; 100]);
    for round in 1..6 {
        raise(&mut value);
        assert_eq!(value.whole().decode().unwrap(), [round - 1; 100]);
        value.commit().unwrap();
        assert_eq!(value.whole().decode().unwrap(), [round; 100]);
        assert_eq!(value.working().decode().unwrap(), [round; 100]);
        raise(&mut value);
        drop(value);
        value = open(&path).unwrap();
        assert_eq!(value.working().decode().unwrap(), [round; 100]);
    }
    // a commit without a change, and a new beginning of another size
    value.commit().unwrap();
    assert_eq!(value.whole().decode().unwrap(), [5; 100]);
    drop(value);
    drop(create(&path, &vec![7u64; 3]));
    assert_eq!(open::<Vec<u64>>(&path).unwrap().whole().decode().unwrap(), [7; 3]);
    open::<Vec<u64>>(&path).unwrap().remove().unwrap();
    assert!(std::fs::read_dir(folder.path()).unwrap().next().is_none());
    assert!(open::<Vec<u64>>(&path).is_err());
}

#[test]
fn one_whole_file_is_enough_and_needed() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("value");
    let mut value = create(&path, &vec![0u64; 100]);
    raise(&mut value);
    value.commit().unwrap();
    drop(value);
    let [working, whole] = Generations::<Vec<u64>>::paths(&path);
    // the file at work may be anything
    let octets = std::fs::read(&working).unwrap();
    for bad in [&[][..], &octets[..7], &octets[..octets.len() - 1], &[0; 5000]] {
        std::fs::write(&working, bad).unwrap();
        assert_eq!(open::<Vec<u64>>(&path).unwrap().whole().decode().unwrap(), [1; 100]);
    }
    std::fs::write(&working, to_file(&String::from("of another type"))).unwrap();
    assert_eq!(open::<Vec<u64>>(&path).unwrap().whole().decode().unwrap(), [1; 100]);
    // the whole one may not: neither cut, nor altered anywhere
    let octets = std::fs::read(&whole).unwrap();
    for at in (0..octets.len()).step_by(61) {
        let mut altered = octets.clone();
        altered[at] ^= 16;
        std::fs::write(&whole, altered).unwrap();
        assert!(open::<Vec<u64>>(&path).is_err(), "octet {at}");
    }
    std::fs::remove_file(&whole).unwrap();
    assert!(open::<Vec<u64>>(&path).unwrap_err().to_string().contains("not sealed"));
    std::fs::remove_file(&working).unwrap();
    assert!(matches!(open::<Vec<u64>>(&path), Err(FileError::Io { .. })));
    std::fs::write(&whole, &octets).unwrap();
    assert_eq!(open::<Vec<u64>>(&path).unwrap().whole().decode().unwrap(), [1; 100]);
    let refused = open::<Vec<f32>>(&path);
    assert!(matches!(refused, Err(FileError::Schema { .. })), "{refused:?}");
}

/// Not a test of its own: raises and commits until it is killed.
#[test]
fn raised_until_killed() {
    if let Some(path) = std::env::var_os("BAREWIRE_TEST_RAISE") {
        let mut value = open::<Vec<u64>>(Path::new(&path)).unwrap();
        loop {
            raise(&mut value);
            value.commit().unwrap();
        }
    }
}

fn process(path: &Path) -> Child {
    Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "generations::raised_until_killed"])
        .env("BAREWIRE_TEST_RAISE", path)
        .stdout(Stdio::null())
        .spawn()
        .unwrap()
}

#[test]
fn killed_at_any_moment_there_is_one_generation_and_no_mix() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("value");
    drop(create(&path, &vec![0u64; SIZE]));
    let (mut last, mut advanced) = (0, 0);
    // what a process needs to start, on this machine today
    let mut start = Duration::from_millis(10);
    for round in 0..60 {
        let mut child = process(&path);
        std::thread::sleep(start + Duration::from_micros(1_370 * (round % 8)));
        child.kill().unwrap();
        assert!(!child.wait().unwrap().success());
        let value = open::<Vec<u64>>(&path).unwrap().whole().decode().unwrap();
        assert_eq!(value, vec![value[0]; SIZE]);
        assert!(value[0] >= last, "{} after {last}", value[0]);
        if value[0] == last {
            start = (start * 2).min(Duration::from_secs(2));
        } else {
            advanced += 1;
        }
        last = value[0];
        if advanced == 20 {
            return;
        }
    }
    panic!("only {advanced} processes got as far as a commit");
}
