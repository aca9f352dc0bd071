//! Each row of the table in `docs/wire-format.md`: an old and a new Rust type, in both directions.

use barewire_core::wire::schema::compat;
use barewire_core::wire::{FileError, Index, Level, Pads, Region, Types, Value, Wire, WriterSchema, to_message};

/// Whether a `T` opens the file. If it does, it reads what the file's own schema says is there.
fn reads<T: Wire>(file: &[u8]) -> bool {
    match Region::<T>::from_bytes_compatible(file) {
        Ok(region) => {
            region.verify(Level::Full).unwrap();
            region.view(&Index::new()).unwrap();
            let header = region.header().unwrap();
            let root = &file[header.root.start as usize..header.root.end as usize];
            let types = Types::parse(header.schema).unwrap();
            let value = Value::decode(types.root(), root, Pads::Aligned).unwrap();
            assert_eq!(value.encode(types.root(), Pads::Aligned).unwrap()[..], *root);
            assert_eq!(to_message(&region.decode().unwrap())[..], *root);
            assert!(WriterSchema::report::<T>(header.schema).unwrap().new_reads_old());
            true
        }
        Err(FileError::Schema { cause, .. }) => {
            assert!(!cause.is_compatible());
            let report = cause.report.clone().unwrap();
            let reason = report.reasons().find(|reason| reason.breaks_new_reader).unwrap();
            assert!(cause.to_string().contains(&format!("cannot read it: {reason}")), "{cause}");
            false
        }
        Err(other) => panic!("{other}"),
    }
}

/// What the old program wrote once. `BLESS=1` writes it anew.
fn golden(name: &str, file: &[u8]) {
    let path = format!("{}/tests/fixtures/evolution/{name}.bare", env!("CARGO_MANIFEST_DIR"));
    if std::env::var_os("BLESS").is_some() {
        std::fs::write(&path, file).unwrap();
    }
    assert_eq!(std::fs::read(&path).unwrap(), file, "{path} is not what the type writes");
}

macro_rules! row {
    ($name:ident: $new_reads_old:literal, $old_reads_new:literal; $old:expr, { $($old_type:item)* } $new:expr, { $($new_type:item)* }) => {
        #[test]
        fn $name() {
            #[allow(dead_code)]
            mod old {
                #[allow(unused_imports)]
                use barewire_derive::{BareStruct, BareUnion};
                $(#[derive(Debug)] $old_type)*
                pub fn file() -> barewire_core::wire::AlignedBuf { barewire_core::wire::to_file(&$old) }
            }
            #[allow(dead_code)]
            mod new {
                #[allow(unused_imports)]
                use barewire_derive::{BareStruct, BareUnion};
                $(#[derive(Debug)] $new_type)*
                pub fn file() -> barewire_core::wire::AlignedBuf { barewire_core::wire::to_file(&$new) }
            }
            if $new_reads_old {
                golden(stringify!($name), &old::file());
            }
            // no two of these have the same hash
            assert!(Region::<new::Root>::from_bytes(&old::file()).is_err());
            assert_eq!(reads::<new::Root>(&old::file()), $new_reads_old, "the new type reads the old file");
            assert_eq!(reads::<old::Root>(&new::file()), $old_reads_new, "the old type reads the new file");
            let [before, after] = [Types::of::<old::Root>(), Types::of::<new::Root>()];
            let report = compat(&before, &after, Pads::Aligned);
            // where an old type keeps what it does not know, only its reader says so
            assert_eq!(report.new_reads_old(), $new_reads_old, "by the schemas: {report}");
            assert!($old_reads_new || !report.old_reads_new(), "by the schemas: {report}");
        }
    };
}
row! { a_union_gets_a_member: true, false;
    Root::Bias(vec![1.0, 2.0]),
    { #[derive(BareUnion)] #[bare(crate = barewire_core)] pub enum Root { Scale(f32), Bias(Vec<f32>) } }
    Root::Gate(vec![1, 2]),
    { #[derive(BareUnion)] #[bare(crate = barewire_core)]
      pub enum Root { Scale(f32), Bias(Vec<f32>), #[bare(tag = 7)] Gate(Vec<u16>) } }
}

row! { an_enum_gets_a_value: true, false;
    Root { kinds: vec![Kind::A, Kind::B] },
    { #[derive(BareUnion)] #[bare(crate = barewire_core)] pub enum Kind { A, B }
      #[derive(BareStruct)] #[bare(crate = barewire_core)] pub struct Root { pub kinds: Vec<Kind> } }
    Root { kinds: vec![Kind::A, Kind::B, Kind::C] },
    { #[derive(BareUnion)] #[bare(crate = barewire_core)] pub enum Kind { A, B, C }
      #[derive(BareStruct)] #[bare(crate = barewire_core)] pub struct Root { pub kinds: Vec<Kind> } }
}

row! { names_change: true, true;
    Root { weights: vec![1.0], layer: Some(Layer::Dense(2)) },
    { #[derive(BareUnion)] #[bare(crate = barewire_core)] pub enum Layer { Dense(u8), Nothing }
      #[derive(BareStruct)] #[bare(crate = barewire_core)] pub struct Root { pub weights: Vec<f32>, pub layer: Option<Layer> } }
    Root { values: vec![1.0], part: Some(Part::Linear(2)) },
    { #[derive(BareUnion)] #[bare(crate = barewire_core)] pub enum Part { Linear(u8), Empty }
      #[derive(BareStruct)] #[bare(crate = barewire_core, rename = "Model")]
      pub struct Root { pub values: Vec<f32>, pub part: Option<Part> } }
}

row! { fields_trade_names: false, false;
    Root { a: 1.0, b: 2.0 },
    { #[derive(BareStruct)] #[bare(crate = barewire_core)] pub struct Root { pub a: f32, pub b: f32 } }
    Root { a: 1.0, b: 2.0 },
    { #[derive(BareStruct)] #[bare(crate = barewire_core)] pub struct Root { pub b: f32, pub a: f32 } }
}

row! { members_trade_tags: false, false;
    Root::A(1.0),
    { #[derive(BareUnion)] #[bare(crate = barewire_core)] pub enum Root { A(f32), B(f32) } }
    Root::A(1.0),
    { #[derive(BareUnion)] #[bare(crate = barewire_core)] pub enum Root { B(f32), A(f32) } }
}

row! { a_struct_gets_a_field: false, false;
    Root { a: 1.0 },
    { #[derive(BareStruct)] #[bare(crate = barewire_core)] pub struct Root { pub a: f32 } }
    Root { a: 1.0, b: None },
    { #[derive(BareStruct)] #[bare(crate = barewire_core)] pub struct Root { pub a: f32, pub b: Option<f32> } }
}

row! { a_field_has_another_type: false, false;
    Root { a: 1.0 },
    { #[derive(BareStruct)] #[bare(crate = barewire_core)] pub struct Root { pub a: f32 } }
    Root { a: 1.0 },
    { #[derive(BareStruct)] #[bare(crate = barewire_core)] pub struct Root { pub a: f64 } }
}

row! { a_field_becomes_optional: false, false;
    Root { a: 1.0 },
    { #[derive(BareStruct)] #[bare(crate = barewire_core)] pub struct Root { pub a: f32 } }
    Root { a: Some(1.0) },
    { #[derive(BareStruct)] #[bare(crate = barewire_core)] pub struct Root { pub a: Option<f32> } }
}

row! { an_array_has_another_length: false, false;
    Root { a: [1.0; 3] },
    { #[derive(BareStruct)] #[bare(crate = barewire_core)] pub struct Root { pub a: [f32; 3] } }
    Root { a: [1.0; 4] },
    { #[derive(BareStruct)] #[bare(crate = barewire_core)] pub struct Root { pub a: [f32; 4] } }
}

row! { a_list_has_another_alignment: false, false;
    Root { a: vec![1.0] },
    { #[derive(BareStruct)] #[bare(crate = barewire_core)] pub struct Root { pub a: Vec<f32> } }
    Root { a: vec![1.0] },
    { #[derive(BareStruct)] #[bare(crate = barewire_core)] pub struct Root { #[bare(align = 256)] pub a: Vec<f32> } }
}

row! { a_union_gets_a_member_and_the_old_type_keeps_it: true, true;
    Root { layers: vec![Layer::Scale(1.0)] },
    { #[derive(BareUnion)] #[bare(crate = barewire_core)]
      pub enum Layer { Scale(f32), #[bare(unknown)] Unknown(barewire_core::wire::UnknownMember) }
      #[derive(BareStruct)] #[bare(crate = barewire_core)] pub struct Root { pub layers: Vec<Layer> } }
    Root { layers: vec![Layer::Scale(1.0), Layer::Bias(vec![1.0])] },
    { #[derive(BareUnion)] #[bare(crate = barewire_core)] pub enum Layer { Scale(f32), Bias(Vec<f32>) }
      #[derive(BareStruct)] #[bare(crate = barewire_core)] pub struct Root { pub layers: Vec<Layer> } }
}

// the columns are of the same types in both: only the definition of `Unit`, which nothing refers to, says what is in which
row! { fields_in_columns_trade_names: false, false;
    Root { units: barewire_core::wire::Columns::from_vec(vec![Unit::Lif { a: 1.0, b: 2.0 }]) },
    { #[derive(BareUnion)] #[bare(crate = barewire_core, fixed_size)] pub enum Unit { Lif { a: f32, b: f32 } }
      #[derive(BareStruct)] #[bare(crate = barewire_core)] pub struct Root { pub units: barewire_core::wire::Columns<Unit> } }
    Root { units: barewire_core::wire::Columns::from_vec(vec![Unit::Lif { b: 2.0, a: 1.0 }]) },
    { #[derive(BareUnion)] #[bare(crate = barewire_core, fixed_size)] pub enum Unit { Lif { b: f32, a: f32 } }
      #[derive(BareStruct)] #[bare(crate = barewire_core)] pub struct Root { pub units: barewire_core::wire::Columns<Unit> } }
}
