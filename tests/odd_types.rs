//! Types as downstream crates have them: lints denied, no prelude, the crate under another name, names of ours, tags in odd places,
//! types from macros, in functions and in private modules. Each value goes there and back on every path; each cut is an error.
#![deny(warnings, unreachable_pub, rust_2018_idioms, unused_qualifications, unused_lifetimes, single_use_lifetimes)]
#![deny(trivial_casts, unused_results, clippy::all)]

extern crate barewire as renamed;

use renamed::wire::{
    AlignedBuf, Columns, Index, Level, Map, Matrix, Region, Slots, Types, Uint, Wire, from_foreign_message,
    from_message, schema_text, to_message, view_message, view_message_mut,
};

#[no_implicit_prelude]
mod types {
    use ::std::clone::Clone;
    use ::std::cmp::PartialEq;
    use ::std::fmt::Debug;
    use ::std::marker::Copy;
    use ::std::option::Option;
    use ::std::prelude::v1::derive;
    use ::std::string::String;
    use ::std::vec::Vec;

    use ::renamed::wire::{Columns, Map, Matrix, Slots, Uint, UnknownMember};
    use ::renamed::{BareStruct, BareUnion};

    #[derive(BareUnion, Debug, Clone, Copy, PartialEq)]
    #[bare(crate = ::renamed)]
    pub(crate) enum Small {
        A,
        #[bare(tag = 127)]
        B,
        #[bare(tag = 128)]
        C,
        #[bare(tag = 300)]
        D,
    }

    #[derive(BareUnion, Debug, Clone, PartialEq)]
    #[bare(crate = ::renamed)]
    pub(crate) enum Single {
        Only(String),
    }

    #[derive(BareUnion, Debug, Clone, PartialEq)]
    #[bare(crate = ::renamed)]
    pub(crate) enum SingleUnit {
        Only,
    }

    #[derive(BareUnion, Debug, Clone, PartialEq)]
    #[bare(crate = ::renamed, retired = [0, 4, 1000])]
    pub(crate) enum Retired {
        #[bare(tag = 1)]
        One,
        Two {
            x: u8,
        },
        #[bare(tag = 5)]
        Five(Small),
        #[bare(tag = 4294967295)]
        High(f64),
    }

    #[derive(BareUnion, Debug, Clone, PartialEq)]
    #[bare(crate = ::renamed)]
    pub(crate) enum Depth1 {
        X(Depth2),
        Y { several: Vec<Depth2> },
    }

    #[derive(BareUnion, Debug, Clone, PartialEq)]
    #[bare(crate = ::renamed)]
    pub(crate) enum Depth2 {
        X(Depth3),
        N,
    }

    #[derive(BareUnion, Debug, Clone, PartialEq)]
    #[bare(crate = ::renamed)]
    pub(crate) enum Depth3 {
        X(Option<Depth4>, [Depth4; 2]),
    }

    #[derive(BareUnion, Debug, Clone, PartialEq)]
    #[bare(crate = ::renamed)]
    pub(crate) enum Depth4 {
        Arrays([[f32; 3]; 2]),
        Entries(Map<u8, Option<Vec<f32>>>),
        Matrices(Vec<Matrix<f32>>, Option<Vec<Vec<u16>>>, [Option<bool>; 3]),
    }

    /// Fields and variants that are called as things in generated code may be.
    #[derive(BareUnion, Debug, Clone, PartialEq)]
    #[bare(crate = ::renamed)]
    pub(crate) enum Names {
        Fields {
            len: u8,
            tag: u8,
            view: f32,
            bytes: Vec<u8>,
            out: Vec<f32>,
            state: i64,
            x: Uint,
            index: u16,
            reader: u16,
            writer: u16,
            value: bool,
            r: f32,
            p: f32,
            this: f32,
            w: f32,
            r#type: u8,
            r#fn: u8,
            r#match: Vec<f32>,
            schema: u8,
            f: u8,
            types: u8,
            name: String,
            other: u8,
        },
        View,
        r#Type(u8),
        Unknown(f32),
        Zero(f32),
        State,
        None,
        Some(u8),
        Ok(u8),
        Err(u8),
    }

    #[derive(BareStruct, Debug, Clone, PartialEq)]
    #[bare(crate = ::renamed)]
    pub(crate) struct Mixed {
        pub(crate) len: u8,
        pub(in crate::types) view: f32,
        pub(crate) r#type: u8,
        pub(crate) kinds: [[Small; 2]; 2],
        pub(crate) names: Option<Vec<Names>>,
        pub(crate) map: Map<String, Map<u32, Single>>,
    }

    pub(crate) fn mixed(names: Vec<Names>) -> Mixed {
        let map = ::std::default::Default::default();
        Mixed { len: 1, view: 3.0, r#type: 6, kinds: [[Small::A; 2]; 2], names: Option::Some(names), map }
    }

    #[derive(BareUnion, Debug, Clone, Copy, PartialEq)]
    #[bare(crate = ::renamed, fixed_size)]
    pub(crate) enum Tiny {
        A,
        #[bare(tag = 127)]
        B,
    }

    #[derive(BareUnion, Debug, Clone, PartialEq)]
    #[bare(crate = ::renamed, fixed_size)]
    pub(crate) enum Inner {
        Only(f64),
    }

    #[derive(BareUnion, Debug, Clone, PartialEq)]
    #[bare(crate = ::renamed, fixed_size)]
    pub(crate) enum Cell {
        Alive {
            kind: Tiny,
            kinds: [[Tiny; 2]; 2],
            len: f32,
            tag: u8,
        },
        #[bare(tag = 99)]
        Dead(bool, [u16; 3]),
        View,
        Column(Inner),
    }

    #[derive(BareStruct, Debug, Clone, PartialEq)]
    #[bare(crate = ::renamed)]
    pub(crate) struct Cells {
        pub(crate) slots: Slots<Cell>,
        pub(crate) columns: Columns<Cell>,
        pub(crate) tiny: Columns<Tiny>,
        pub(crate) optional: Option<Columns<Tiny>>,
    }

    #[derive(BareUnion, Debug, Clone, PartialEq)]
    #[bare(crate = ::renamed)]
    #[allow(dead_code)]
    pub(crate) enum Keeps {
        A(u8),
        #[bare(unknown)]
        Other(UnknownMember),
    }

    pub(crate) mod private {
        use ::std::clone::Clone;
        use ::std::cmp::PartialEq;
        use ::std::fmt::Debug;
        use ::std::prelude::v1::derive;

        #[derive(::renamed::BareStruct, Debug, Clone, PartialEq)]
        #[bare(crate = ::renamed)]
        pub(crate) struct Wrapped {
            secret: Secret,
            pub(super) small: super::Small,
        }

        #[derive(::renamed::BareUnion, Debug, Clone, PartialEq)]
        #[bare(crate = ::renamed)]
        enum Secret {
            Only(u8),
        }

        pub(crate) fn wrapped() -> Wrapped {
            Wrapped { secret: Secret::Only(3), small: super::Small::D }
        }
    }

    #[derive(BareUnion, Debug, Clone, PartialEq)]
    #[bare(crate = ::renamed)]
    pub(crate) enum Configured {
        A {
            #[cfg(any())]
            absent: Nothing,
            always: u8,
        },
        #[cfg(any())]
        B(Nothing),
        #[cfg(test)]
        C(u16),
        #[doc = "d"]
        #[doc(hidden)]
        D,
    }

    macro_rules! made {
        ($(#[$m:meta])* $v:vis enum $name:ident { $($variant:ident ($($ty:ty),*) = $tag:literal),* $(,)? }) => {
            $(#[$m])*
            #[derive(BareUnion, Debug, Clone, PartialEq)]
            #[bare(crate = ::renamed)]
            $v enum $name { $(
                #[doc = "variant"]
                #[bare(tag = $tag)]
                $variant($($ty),*),
            )* }
        };
    }
    made! {
        /// by a macro
        pub(crate) enum Made { A(u8) = 3, B(Vec<f32>, Small) = 200, C(Option<Single>) = 201 }
    }

    pub(crate) fn local() -> [usize; 2] {
        #[derive(BareUnion, Debug)]
        #[bare(crate = ::renamed)]
        enum Local {
            A(u8),
            B { v: Vec<f32> },
        }
        [Local::A(1), Local::B { v: Vec::new() }].map(|local| ::renamed::wire::to_message(&local).len())
    }
}

use types::*;

fn there_and_back<T: Wire + PartialEq + std::fmt::Debug>(value: T) {
    let mut message = to_message(&value);
    assert_eq!(from_message::<T>(&message).unwrap(), value);
    assert_eq!(from_foreign_message::<T>(&message).unwrap(), value);
    let index = Index::new();
    assert!(view_message::<T>(&message, &index).is_ok());
    assert!(view_message_mut::<T>(&mut message).is_ok());
    assert!(Types::parse(&schema_text::<T>()).is_ok());
    Region::encode(&value).verify(Level::Full).unwrap();
    for end in 0..message.len() {
        assert!(from_message::<T>(&AlignedBuf::copy_from(&message[..end])).is_err(), "{end} of {}", message.len());
    }
}

#[test]
fn tags_around_the_octets_of_a_uint() {
    for (value, octets) in [(Small::A, &[0][..]), (Small::B, &[127]), (Small::C, &[128, 1]), (Small::D, &[172, 2])] {
        assert_eq!(to_message(&value)[..], *octets);
        there_and_back(value);
        there_and_back(vec![value; 3]);
        there_and_back([Some(value), None]);
    }
    there_and_back(vec![Retired::One, Retired::Two { x: 3 }, Retired::Five(Small::C), Retired::High(1.5)]);
    assert!(from_message::<Retired>(&AlignedBuf::copy_from(&[4, 0])).is_err());
}

#[test]
fn shapes() {
    there_and_back(Single::Only("x".into()));
    there_and_back(SingleUnit::Only);
    let matrices = vec![Matrix::from_vec(1, 2, vec![1.0, 2.0]).unwrap()];
    let matrices = Depth4::Matrices(matrices, Some(vec![vec![1, 2], vec![]]), [None, Some(true), Some(false)]);
    let entries = Depth4::Entries(Map::from_entries(vec![(3u8, None), (1, Some(vec![1.0f32]))]).unwrap());
    let deep = Depth3::X(Some(matrices), [Depth4::Arrays([[1.0; 3]; 2]), entries]);
    there_and_back(Depth1::Y { several: vec![Depth2::N, Depth2::X(deep)] });
    there_and_back(Depth1::X(Depth2::N));
    let cells = || {
        let alive = Cell::Alive { kind: Tiny::B, kinds: [[Tiny::A; 2], [Tiny::B; 2]], len: 1.0, tag: 3 };
        vec![alive, Cell::Dead(true, [1, 2, 3]), Cell::View, Cell::Column(Inner::Only(2.0))]
    };
    let (slots, columns): (Slots<Cell>, Columns<Cell>) = (cells().into(), cells().into());
    there_and_back(Cells { slots, columns, tiny: vec![Tiny::A, Tiny::B].into(), optional: None });
}

#[test]
fn names_and_places() {
    let fields = Names::Fields {
        len: 1,
        tag: 2,
        view: 3.0,
        bytes: vec![4],
        out: vec![5.0],
        state: -6,
        x: Uint(7),
        index: 8,
        reader: 9,
        writer: 10,
        value: true,
        r: 11.0,
        p: 12.0,
        this: 13.0,
        w: 14.0,
        r#type: 15,
        r#fn: 16,
        r#match: vec![17.0],
        schema: 18,
        f: 19,
        types: 20,
        name: "21".into(),
        other: 22,
    };
    let others = [Names::View, Names::r#Type(3), Names::Unknown(1.0), Names::Zero(2.0), Names::State, Names::None];
    let results = [Names::Some(1), Names::Ok(2), Names::Err(3)];
    there_and_back(mixed([&[fields][..], &others, &results].concat()));
    there_and_back(Keeps::A(3));
    there_and_back(private::wrapped());
    there_and_back(vec![Configured::A { always: 3 }, Configured::C(7), Configured::D]);
    there_and_back(vec![Made::A(1), Made::B(vec![1.0], Small::A), Made::C(Some(Single::Only(String::new())))]);
    // a tag and an octet; a tag, and an empty list that starts at the next multiple of 64
    assert_eq!(local(), [2, 64]);
}
