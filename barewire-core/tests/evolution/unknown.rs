//! Members that the reader does not know.

use barewire_core::wire::{
    FileError, Index, KeepError, Level, Matrix, Reader, Region, Union, UnknownMember, Value, Wire, WriterSchema,
    from_message, schema_text, to_file, to_message,
};
use barewire_derive::BareUnion;

use crate::types::{gate, layers, model, newer, older};

type Old = Vec<older::Layer>;
type New = Vec<newer::Layer>;

fn opened(layers: &New) -> Region<Old> {
    Region::from_bytes_compatible(&to_file(layers)).unwrap()
}

#[test]
fn they_are_named_viewed_and_looked_into() {
    let file = Region::encode(&model());
    let Err(FileError::Schema { cause, .. }) = Region::<older::Model>::from_bytes(file.bytes()) else { panic!() };
    assert!(cause.is_compatible() && cause.to_string().contains("reads all of it, with `open_compatible`"), "{cause}");

    let region = Region::<older::Model>::from_bytes_compatible(file.bytes()).unwrap();
    region.verify(Level::Full).unwrap();
    assert_eq!(region.writer_schema().unwrap().text(), schema_text::<newer::Model>());
    let index = Index::new();
    let view = region.view(&index).unwrap();
    let older::LayerView::Unknown(member) = view.layers[0] else { panic!("{view:?}") };
    assert_eq!((member.tag(), view.layers[0].tag(), member.name()), (5, 5, "LayerGate"));
    // where they lie
    let inside = region.bytes().as_ptr_range();
    assert!(inside.contains(&member.octets().as_ptr()));
    let Value::Struct(fields) = member.value().unwrap() else { panic!() };
    assert_eq!(fields[0], Value::from("ggg"));
    let older::LayerView::Unknown(nothing) = view.layers[2] else { panic!() };
    assert_eq!((nothing.tag(), nothing.octets(), nothing.value().unwrap()), (300, &[][..], Value::Void));
    let older::KindView::Other { member } = view.kind else { panic!() };
    assert_eq!(
        (member.tag(), member.name(), member.octets(), member.value().unwrap()),
        (2, "FANCY", &[][..], Value::Void)
    );

    let value = region.decode().unwrap();
    assert_eq!(value.layers[0].tag(), 5);
    assert_eq!(format!("{:?}", value.layers[2]), "Unknown(LayerNothing = 300 (0 octets))");
    // a view of the copy says the same
    let again = value.view(&index);
    assert_eq!(format!("{again:?}"), format!("{view:?}"));
}

#[test]
fn they_are_listed_nowhere() {
    assert_eq!(older::Layer::VARIANTS, [(0, "Scale"), (1, "Dense")]);
    let text = schema_text::<Old>();
    assert!(text.contains("type Layer union { LayerScale | LayerDense }"), "{text}");
    assert!(schema_text::<older::Model>().contains("type Kind enum { PLAIN GATED }"));
    // so a file without such members is one of the type's own schema
    let own = vec![older::Layer::Scale(1.0)];
    assert!(Region::encode(&own).writer_schema().is_none());
    assert!(Region::<Old>::from_bytes(&to_file(&own)).is_ok());
}

/// What an old tool changes and saves is what a new tool would have saved.
#[test]
fn they_survive_a_change_and_a_save() {
    let file = Region::encode(&model());
    let mut old = Region::<older::Model>::from_bytes_compatible(file.bytes()).unwrap().decode().unwrap();
    let mut new = model();
    for steps in 0..70 {
        // every pad moves
        old.name.push('x');
        new.name.push('x');
        old.layers.insert(0, older::Layer::Scale(steps as f32));
        new.layers.insert(0, newer::Layer::Scale(steps as f32));
        old.layers.swap(1, 3);
        new.layers.swap(1, 3);
        assert_eq!(to_message(&old)[..], to_message(&new)[..]);
        let saved = Region::encode(&old);
        assert_eq!(saved.bytes(), &to_file(&new)[..]);
        // and the region that was encoded is one that can be read
        saved.verify(Level::Full).unwrap();
        let again = saved.decode().unwrap();
        assert_eq!(again, old);
        old = again;
    }
}

#[test]
fn lists_of_components_grow_and_shrink_around_them() {
    let scale = |x| (older::Layer::Scale(x), newer::Layer::Scale(x));
    let many =
        |n: usize| -> New { (0..n).map(|i| if i % 2 == 0 { gate(i) } else { newer::Layer::Scale(0.0) }).collect() };
    for (start, range, count) in
        [(layers(), 0..0, 1), (layers(), 2..4, 1), (layers(), 6..6, 3), (many(127), 5..5, 1), (many(128), 0..1, 0)]
    {
        let (olds, news): (Old, New) = (0..count).map(|i| scale(i as f32)).unzip();
        let mut expected = start.clone();
        expected.splice(range.clone(), news);
        let mut region = opened(&start);
        region.splice(range, &olds).unwrap();
        assert_eq!(region.bytes(), &to_file(&expected)[..]);
    }
    // a member that was kept goes to another place of its file
    let mut region = opened(&layers());
    let kept = region.decode().unwrap().remove(4);
    region.replace(1, &kept).unwrap();
    let mut expected = layers();
    expected[1] = expected[4].clone();
    assert_eq!(region.bytes(), &to_file(&expected)[..]);
}

#[test]
fn lazily_and_in_place() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("layers.bare");
    Region::encode(&layers()).save(&path).unwrap();
    let mut region = Region::<Old>::open_compatible(&path).unwrap();
    let (lazy, index) = (region.lazy::<older::Layer>().unwrap(), Index::new());
    assert_eq!(lazy.len(), 6);
    assert!(matches!(lazy.view(4, &index).unwrap(), older::LayerView::Unknown(member) if member.tag() == 5));
    assert!(matches!(lazy.decode(1).unwrap(), older::Layer::Scale(0.5)));
    (0..6).for_each(|k| lazy.verify(k).unwrap());

    let mut view = region.view_mut().unwrap();
    assert!(matches!(&view[0], older::LayerViewMut::Unknown(member) if member.name() == "LayerGate"));
    let older::LayerViewMut::Dense { weights } = &mut view[3] else { panic!() };
    weights.values[1] = 9.0;
    region.seal().unwrap();
    region.verify(Level::Full).unwrap();
    let mut expected = layers();
    expected[3] = newer::Layer::Dense { weights: Matrix::from_vec(1, 3, vec![1.0f32, 9.0, 3.0]).unwrap() };
    assert_eq!(region.bytes(), &to_file(&expected)[..]);
}

#[test]
fn without_the_writers_schema_they_are_refused() {
    let message = to_message(&layers());
    let error = from_message::<Old>(&message).unwrap_err();
    assert_eq!((error.path(), error.offset()), ("[0]".into(), 1));
    assert_eq!(error.expected(), "a tag of `Layer` (0 Scale, 1 Dense)");
    assert!(error.found().starts_with("5, whose octets have no end without the writer's schema"), "{error}");
    // with it they are read
    let writer = WriterSchema::parse::<Old>(&schema_text::<New>()).unwrap();
    let read = Old::decode(&mut Reader::new(&message).with_writer_schema(&writer)).unwrap();
    assert_eq!(to_message(&read)[..], message[..]);
    // a tag that the writer does not have either
    let error = Old::decode(&mut Reader::new(&[1, 9]).with_writer_schema(&writer)).unwrap_err();
    assert_eq!(error.to_string(), "at `[0]`, octet 1: expected a tag of `Layer` (0 Scale, 1 Dense), found 9");
    // a member that ends too early
    let error = Old::decode(&mut Reader::new(&message[..9]).with_writer_schema(&writer)).unwrap_err();
    assert!(error.path().starts_with("[0].Unknown.codes"), "{error}");
}

mod retiring {
    use super::*;

    #[derive(BareUnion, Debug)]
    #[bare(crate = barewire_core, retired = [5])]
    pub enum Layer {
        Scale(f32),
        Dense {
            weights: Matrix<f32>,
        },
        #[bare(unknown)]
        Unknown(UnknownMember),
    }
}

/// A retired tag is refused, not kept.
#[test]
fn retired_tags_stay_retired() {
    let Err(FileError::Schema { cause, .. }) =
        Region::<Vec<retiring::Layer>>::from_bytes_compatible(&to_file(&layers()))
    else {
        panic!()
    };
    let reasons: Vec<_> = cause.report.as_ref().unwrap().reasons().map(ToString::to_string).collect();
    assert_eq!(reasons, ["[]: was `LayerGate` = 5, is no tag 5, which is retired"]);
    let error = from_message::<retiring::Layer>(&to_message(&gate(1))).unwrap_err();
    assert_eq!(error.found(), "5, which is retired");
}

/// It has a variant of its own.
mod other {
    use super::*;

    #[derive(BareUnion, Debug, Clone, PartialEq)]
    #[bare(crate = barewire_core)]
    pub enum Layer {
        Scale(f32),
        Dense {
            weights: Matrix<f32>,
        },
        #[bare(tag = 9)]
        Own(u8),
        #[bare(unknown)]
        Unknown(UnknownMember),
    }
}

/// A file has one schema; what does not go together is refused, and loudly.
#[test]
fn what_no_file_can_hold_is_refused() {
    // a variant that the schema of the unknown members does not have
    let mut region = Region::<Vec<other::Layer>>::from_bytes_compatible(&to_file(&layers())).unwrap();
    let mut value = region.decode().unwrap();
    value.push(other::Layer::Own(1));
    let Err(KeepError::Rest(error)) = Region::try_encode(&value) else { panic!() };
    assert_eq!((error.path(), error.found()), ("[6]".into(), "9"));
    let before = region.bytes().to_vec();
    let error = region.append(&[other::Layer::Scale(1.0), other::Layer::Own(1)]).unwrap_err();
    assert_eq!((error.path(), error.found()), ("values[1]".into(), "9"));
    assert_eq!(region.bytes(), before);
    // alone it is fine, in a file of its own schema
    let own = vec![other::Layer::Own(1)];
    assert!(Region::try_encode(&own).unwrap().writer_schema().is_none());

    // members of two schemas
    let mut value = opened(&layers()).decode().unwrap();
    let others = Region::<Old>::from_bytes_compatible(&to_file(&own)).unwrap();
    value.extend(others.decode().unwrap());
    assert_eq!(Region::try_encode(&value).unwrap_err(), KeepError::Several(2));
    let mut region = opened(&layers());
    let error = region.append(&others.decode().unwrap()).unwrap_err();
    assert_eq!(error.found(), "one that came with another schema");
    // into a file of the type's own schema
    let mut plain = Region::encode(&vec![older::Layer::Scale(1.0)]);
    assert!(plain.append(&value[..1]).is_err());

    // a member of another root
    let model = Region::<older::Model>::from_bytes_compatible(&to_file(&model())).unwrap().decode().unwrap();
    assert!(matches!(Region::try_encode(&model.layers), Err(KeepError::OtherType(_))));
}

#[test]
#[should_panic(expected = "unknown members of 2 schemas")]
fn encoding_what_no_file_can_hold_panics() {
    let mut value = opened(&layers()).decode().unwrap();
    value
        .extend(Region::<Old>::from_bytes_compatible(&to_file(&vec![other::Layer::Own(1)])).unwrap().decode().unwrap());
    let _ = Region::encode(&value);
}

/// One Rust union that stands for two unions of the file: a reader could not tell whose members it keeps.
#[test]
fn one_union_for_two_is_refused() {
    #[derive(barewire_derive::BareStruct)]
    #[bare(crate = barewire_core)]
    struct Pair {
        a: older::Layer,
        b: older::Layer,
    }
    let matrix = "type F32Matrix struct { rows: u32 cols: u32 pad: data values: list<f32> }";
    let members = "type S f32 type D struct { weights: F32Matrix }";
    let text = format!(
        "{matrix} {members} type A union {{ S | D | u8 }} type B union {{ S | D }} type Pair struct {{ a: A b: B }}"
    );
    let report = WriterSchema::report::<Pair>(&text).unwrap();
    let reasons: Vec<_> = report.reasons().map(ToString::to_string).collect();
    assert_eq!(reasons, ["the root: was `A` and `B`, is `Layer`, which keeps the members of one union"]);
    // where none has more, either will do
    assert!(WriterSchema::report::<Pair>(&text.replace(" | u8", "")).unwrap().new_reads_old());
}
