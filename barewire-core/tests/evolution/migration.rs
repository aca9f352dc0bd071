//! Old files made into new ones by a closure.

use barewire_core::wire::{
    FileError, Level, Matrix, Region, UnknownMember, Wire, migrate, migrate_each, to_file, try_migrate,
    try_migrate_each,
};
use barewire_derive::{BareStruct, BareUnion};

use crate::types::{layers, model, newer, older};

#[derive(BareUnion, Clone, Debug, PartialEq)]
#[bare(crate = barewire_core)]
enum Next {
    Scale {
        scale: f64,
        number: u32,
    },
    Dense(Vec<f32>),
    Other(String),
    #[bare(unknown)]
    Unknown(UnknownMember),
}

fn next(number: usize, old: older::LayerView<'_>) -> Next {
    match old {
        older::LayerView::Scale(scale) => Next::Scale { scale: scale.into(), number: number as u32 },
        older::LayerView::Dense { weights } => Next::Dense(weights.values.to_vec()),
        older::LayerView::Unknown(member) => Next::Other(member.name().into()),
    }
}

fn saved<T: Wire>(value: &T) -> (tempfile::TempDir, std::path::PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("model.bare");
    Region::encode(value).save(&path).unwrap();
    (folder, path)
}

/// Component by component, the same file as in one piece, for counts of one, two and three octets.
#[test]
fn component_by_component() {
    for count in [0, 1, 5, 127, 128, 16_384] {
        let old: Vec<_> = layers().into_iter().cycle().take(count).collect();
        let (folder, path) = saved(&old);
        let to = folder.path().join("new.bare");
        let mut seen = Vec::new();
        migrate_each::<Vec<older::Layer>, Vec<Next>>(&path, &to, |number, old| {
            seen.push(next(number, old));
            seen[number].clone()
        })
        .unwrap();
        assert_eq!(seen.len(), count);
        assert_eq!(std::fs::read(&to).unwrap(), to_file(&seen)[..]);
        Region::<Vec<Next>>::open(&to).unwrap().verify(Level::Full).unwrap();
        assert_eq!(std::fs::read(&path).unwrap(), to_file(&old)[..]);
    }
}

#[derive(BareStruct, Debug, PartialEq)]
#[bare(crate = barewire_core)]
struct Short {
    title: String,
    layers: Vec<Next>,
}

#[test]
fn a_root_in_place() {
    let (_folder, path) = saved(&model());
    migrate::<older::Model, Short>(&path, &path, |old| Short {
        title: old.name.to_uppercase(),
        layers: old.layers.iter().enumerate().map(|(i, layer)| next(i, *layer)).collect(),
    })
    .unwrap();
    let new = Region::<Short>::open(&path).unwrap().decode().unwrap();
    assert_eq!((&*new.title, new.layers.len()), ("MODEL", 6));
    assert_eq!(new.layers[0], Next::Other("LayerGate".into()));
}

/// Whatever fails, the old file is as it was, and no other file is left.
#[test]
fn a_failure_leaves_the_old_file() {
    let (folder, path) = saved(&layers());
    let before = std::fs::read(&path).unwrap();
    let unchanged = || {
        assert_eq!(std::fs::read(&path).unwrap(), before);
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
    };
    // an unknown member cannot go along
    let error = migrate_each::<Vec<older::Layer>, Vec<Next>>(&path, &path, |number, old| match old {
        older::LayerView::Unknown(member) => Next::Unknown(member.to_member().unwrap()),
        other => next(number, other),
    })
    .unwrap_err();
    assert!(error.to_string().contains("an unknown member cannot be kept"), "{error}");
    unchanged();
    let error = migrate::<Vec<older::Layer>, Vec<Next>>(&path, &path, |old| {
        let keep = |view: &older::LayerView<'_>| match view {
            older::LayerView::Unknown(member) => Next::Unknown(member.to_member().unwrap()),
            other => next(0, *other),
        };
        old.iter().map(keep).collect()
    })
    .unwrap_err();
    assert!(matches!(error, FileError::Keep { .. }), "{error}");
    unchanged();
    // the file is of another type
    let error = migrate::<Matrix<f32>, Short>(&path, &path, |_| unreachable!()).unwrap_err();
    assert!(matches!(error, FileError::Schema { .. }), "{error}");
    unchanged();
    // a closure that says no, of one component and of the root
    let refuse =
        |number: usize, old: older::LayerView<'_>| if number == 3 { Err("no third") } else { Ok(next(number, old)) };
    let error = try_migrate_each::<Vec<older::Layer>, Vec<Next>, _>(&path, &path, refuse).unwrap_err();
    assert_eq!(error.to_string(), format!("{}: component 3: no third", path.display()));
    unchanged();
    let error = try_migrate::<Vec<older::Layer>, Vec<Next>, _>(&path, &path, |_| Err("none at all")).unwrap_err();
    assert!(matches!(&error, FileError::Change { component: None, .. }), "{error}");
    unchanged();
    // a closure that panics
    let result = std::panic::catch_unwind(|| {
        migrate_each::<Vec<newer::Layer>, Vec<Next>>(&path, &path, |number, _| match number {
            3 => panic!("on purpose"),
            _ => Next::Other("x".into()),
        })
    });
    assert!(result.is_err());
    unchanged();
}
