//! Lists of numbers, packed.

use alloc::vec::Vec;

use super::Value;
use crate::wire::scalar::Scalar;
use crate::wire::schema::Number;
use crate::wire::writer::Writer;

macro_rules! arrays {
    ($($name:ident $t:ty, $list:literal, |$x:ident| $bits:expr;)*) => {
        /// A list of numbers or bools, which takes about as much memory as octets.
        #[derive(Clone, Debug)]
        #[allow(missing_docs)]
        pub enum Array {
            $($name(Vec<$t>),)*
            Bool(Vec<bool>),
        }

        $(impl From<Vec<$t>> for Array {
            fn from(numbers: Vec<$t>) -> Self {
                Self::$name(numbers)
            }
        })*

        impl Array {
            /// How many.
            pub fn len(&self) -> usize {
                match self {
                    $(Self::$name(numbers) => numbers.len(),)*
                    Self::Bool(flags) => flags.len(),
                }
            }

            /// One of them.
            pub fn get(&self, at: usize) -> Option<Value> {
                match self {
                    $(Self::$name(numbers) => numbers.get(at).map(|x| Value::$name(*x)),)*
                    Self::Bool(flags) => flags.get(at).map(|x| Value::Bool(*x)),
                }
            }

            /// The type of the numbers; `None` for bools.
            pub fn number(&self) -> Option<Number> {
                match self {
                    $(Self::$name(_) => Some(Number::$name),)*
                    Self::Bool(_) => None,
                }
            }

            /// Numbers from their little-endian octets.
            pub(super) fn from_le(number: Number, octets: &[u8]) -> Self {
                match number {
                    $(Number::$name => Self::$name(<$t>::copy_from_le(octets)),)*
                }
            }

            pub(super) fn write(&self, w: &mut Writer) {
                match self {
                    $(Self::$name(numbers) => <$t>::write_le(numbers, |octets| w.raw(octets)),)*
                    Self::Bool(flags) => flags.iter().for_each(|flag| w.flag(*flag)),
                }
            }

            pub(super) fn what(&self) -> &'static str {
                match self {
                    $(Self::$name(_) => $list,)*
                    Self::Bool(_) => "a list of bool",
                }
            }
        }

        impl PartialEq for Array {
            fn eq(&self, other: &Self) -> bool {
                match (self, other) {
                    $((Self::$name(a), Self::$name(b)) => a.iter().map(|$x| $bits).eq(b.iter().map(|$x| $bits)),)*
                    (Self::Bool(a), Self::Bool(b)) => a == b,
                    _ => false,
                }
            }
        }
    };
}

arrays! {
    U8 u8, "a list of u8", |x| *x;
    U16 u16, "a list of u16", |x| *x;
    U32 u32, "a list of u32", |x| *x;
    U64 u64, "a list of u64", |x| *x;
    I8 i8, "a list of i8", |x| *x;
    I16 i16, "a list of i16", |x| *x;
    I32 i32, "a list of i32", |x| *x;
    I64 i64, "a list of i64", |x| *x;
    F32 f32, "a list of f32", |x| x.to_bits();
    F64 f64, "a list of f64", |x| x.to_bits();
}

impl Eq for Array {}

impl From<Vec<bool>> for Array {
    fn from(flags: Vec<bool>) -> Self {
        Self::Bool(flags)
    }
}

impl Array {
    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Each of them.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = Value> {
        (0..self.len()).map(|at| self.get(at).unwrap_or(Value::Void))
    }
}
