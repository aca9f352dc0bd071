//! Numbers and flags: by value in views, in place when changed.

use alloc::format;
use alloc::vec::Vec;

use bytemuck::Pod;
use zerocopy::FromBytes;
use zerocopy::byteorder::little_endian as le;

use super::Wire;
use super::error::DecodeError;
use super::index::Index;
use super::list::{Element, Flags, Octets, Padded, Walked};
use super::reader::Reader;
use super::reader_mut::ReaderMut;
use super::schema::{SchemaBuilder, TypeRef};
use super::writer::Writer;

mod sealed {
    pub trait Sealed {}
}

/// A number whose lists may be viewed in place: any octets are a value. Sealed.
pub trait Scalar: Pod + PartialEq + sealed::Sealed {
    /// Its type in a schema.
    const TYPE: TypeRef;
    /// The name of its padded list in a schema, such as `F32Array`.
    const LIST: &'static str;
    /// The number from little-endian octets; `bytes` holds exactly one.
    fn from_le(bytes: &[u8]) -> Self;
    /// Hands the little-endian octets of a slice to `sink`: in one piece where the host is little-endian.
    fn write_le(values: &[Self], sink: impl FnMut(&[u8]));
    /// A copy of little-endian octets; an incomplete number at the end is left out.
    fn copy_from_le(bytes: &[u8]) -> Vec<Self> {
        bytes.chunks_exact(size_of::<Self>()).map(Self::from_le).collect()
    }
}

/// `Scalar` and `Wire` for a number of fixed size: `$view` is the type in views, `$unaligned` the type in mutable ones.
macro_rules! number {
    ($($t:ty, $type:ident, $list:literal, $unaligned:ty, $kind:ty, |$p:ident| $view:ty;)*) => { $(
        impl sealed::Sealed for $t {}
        impl Scalar for $t {
            const TYPE: TypeRef = TypeRef::$type;
            const LIST: &'static str = $list;
            #[inline]
            fn from_le(bytes: &[u8]) -> Self {
                let mut octets = [0; size_of::<$t>()];
                octets.copy_from_slice(bytes);
                <$t>::from_le_bytes(octets)
            }
            #[inline]
            fn write_le(values: &[Self], mut sink: impl FnMut(&[u8])) {
                if cfg!(target_endian = "little") {
                    sink(bytemuck::cast_slice(values));
                } else {
                    values.iter().for_each(|value| sink(&value.to_le_bytes()));
                }
            }
        }
        impl Wire for $t {
            type View<'w, $p: Copy + 'static> = $view;
            type ViewMut<'w> = &'w mut $unaligned;
            const MIN_LEN: usize = size_of::<$t>();
            fn schema(_: &mut SchemaBuilder) -> TypeRef {
                TypeRef::$type
            }
            #[inline]
            fn encode(&self, w: &mut Writer) {
                w.raw(&self.to_le_bytes());
            }
            #[inline]
            fn decode(r: &mut Reader<'_>) -> Result<Self, DecodeError> {
                r.take_array().map(<$t>::from_le_bytes)
            }
            #[inline]
            fn view<'w>(&'w self, _: &'w Index) -> $t {
                *self
            }
            #[inline]
            fn read<'w>(r: &mut Reader<'w>, _: &'w Index) -> Result<$t, DecodeError> {
                Self::decode(r)
            }
            fn read_mut<'w>(r: &mut ReaderMut<'w>) -> Result<&'w mut $unaligned, DecodeError> {
                let at = r.offset();
                let bytes = r.take(size_of::<$t>())?;
                <$unaligned>::mut_from_bytes(bytes)
                    .map_err(|_| DecodeError::new(at, concat!("a ", stringify!($t)), "octets of another length"))
            }
        }
        impl Element for $t {
            type Kind = $kind;
        }
    )* };
}

number! {
    u8,  U8,  "U8Array",  u8,      Octets, |P| u8;
    u16, U16, "U16Array", le::U16, Padded, |P| u16;
    u32, U32, "U32Array", le::U32, Padded, |P| u32;
    u64, U64, "U64Array", le::U64, Padded, |P| u64;
    i8,  I8,  "I8Array",  i8,      Padded, |P| i8;
    i16, I16, "I16Array", le::I16, Padded, |P| i16;
    i32, I32, "I32Array", le::I32, Padded, |P| i32;
    i64, I64, "I64Array", le::I64, Padded, |P| i64;
    f32, F32, "F32Array", le::F32, Padded, |P| P;
    f64, F64, "F64Array", le::F64, Padded, |P| f64;
}

impl Wire for bool {
    type View<'w, P: Copy + 'static> = bool;
    type ViewMut<'w> = &'w mut bool;
    const MIN_LEN: usize = 1;
    fn schema(_: &mut SchemaBuilder) -> TypeRef {
        TypeRef::Bool
    }
    fn encode(&self, w: &mut Writer) {
        w.flag(*self);
    }
    #[inline]
    fn decode(r: &mut Reader<'_>) -> Result<Self, DecodeError> {
        r.flag("as a bool")
    }
    fn view<'w>(&'w self, _: &'w Index) -> bool {
        *self
    }
    fn read<'w>(r: &mut Reader<'w>, _: &'w Index) -> Result<bool, DecodeError> {
        Self::decode(r)
    }
    fn read_mut<'w>(r: &mut ReaderMut<'w>) -> Result<&'w mut bool, DecodeError> {
        let at = r.offset();
        let bytes = r.take(1)?;
        let found = bytes[0];
        zerocopy::TryFromBytes::try_mut_from_bytes(bytes)
            .map_err(|_| DecodeError::new(at, "0 or 1 as a bool", format!("{found}")))
    }
}

impl Element for bool {
    type Kind = Flags;
}

/// A BARE `uint`: an unsigned number in 1 to 10 octets.
///
/// ```
/// # use barewire_core::wire::{Uint, to_message};
/// assert_eq!(to_message(&Uint(300))[..], [0xac, 0x02]);
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Uint(pub u64);

/// A BARE `int`: a signed number in 1 to 10 octets, small magnitudes first (0, -1, 1, -2 become 0, 1, 2, 3).
///
/// ```
/// # use barewire_core::wire::{Int, to_message};
/// assert_eq!(to_message(&Int(-2))[..], [3]);
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Int(pub i64);

/// A number whose length depends on its value: read-only in mutable views too.
macro_rules! varint {
    ($t:ident, |$value:ident| $to:expr, |$raw:ident| $from:expr) => {
        impl Wire for $t {
            type View<'w, P: Copy + 'static> = $t;
            type ViewMut<'w> = $t;
            const MIN_LEN: usize = 1;
            fn schema(_: &mut SchemaBuilder) -> TypeRef {
                TypeRef::$t
            }
            fn encode(&self, w: &mut Writer) {
                let $value = self.0;
                w.uint($to);
            }
            fn decode(r: &mut Reader<'_>) -> Result<Self, DecodeError> {
                let $raw = r.uint()?;
                Ok(Self($from))
            }
            fn view<'w>(&'w self, _: &'w Index) -> $t {
                *self
            }
            fn read<'w>(r: &mut Reader<'w>, _: &'w Index) -> Result<$t, DecodeError> {
                Self::decode(r)
            }
            fn read_mut<'w>(r: &mut ReaderMut<'w>) -> Result<$t, DecodeError> {
                r.scan(|r| Self::decode(r))
            }
        }
        impl Element for $t {
            type Kind = Walked;
        }
    };
}

varint!(Uint, |value| value, |raw| raw);
varint!(Int, |value| ((value << 1) ^ (value >> 63)) as u64, |raw| (raw >> 1) as i64 ^ -((raw & 1) as i64));
