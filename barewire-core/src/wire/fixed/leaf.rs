//! Numbers, bools and arrays of fixed size.

use zerocopy::byteorder::little_endian as le;
use zerocopy::{FromBytes, TryFromBytes};

use super::Fixed;
use super::cursor::{Lender, RunLender, RunSource, Sink, Source};
use super::shape::{Kind, Shape};
use crate::wire::Scalar;

/// Octets of a column as numbers: they start at a multiple of 64 and are whole.
pub(crate) fn numbers<S: Scalar>(octets: &[u8]) -> &[S] {
    bytemuck::cast_slice(octets)
}

macro_rules! number {
    ($($t:ty, $kind:ident, $unaligned:ty;)*) => { $(
        // a list of all numbers helps nobody whose type is none
        #[diagnostic::do_not_recommend]
        impl Fixed for $t {
            const SHAPE: Shape = Shape::Cell(Kind::$kind);
            type Column<'w> = &'w [$t];
            type ColumnMut<'w> = &'w mut [$t];
            #[inline(always)]
            fn put(&self, to: &mut impl Sink) {
                to.write(Kind::$kind, &self.to_le_bytes());
            }
            #[inline(always)]
            fn take(from: &mut impl Source) -> Self {
                Scalar::from_le(from.cell(Kind::$kind))
            }
            #[inline(always)]
            fn look<'w>(from: &mut impl Source) -> Self::View<'w, f32> {
                Self::take(from)
            }
            #[inline(always)]
            fn lend<'w>(from: &mut impl Lender<'w>) -> &'w mut $unaligned {
                <$unaligned>::mut_from_bytes(from.cell(Kind::$kind)).expect("a cell has the size of its kind")
            }
            fn column<'w>(from: &mut RunSource<'w>) -> &'w [$t] {
                numbers(from.cells(Kind::$kind))
            }
            fn column_mut<'w>(from: &mut RunLender<'_, 'w>) -> &'w mut [$t] {
                bytemuck::cast_slice_mut(from.cells(Kind::$kind))
            }
        }
    )* };
}

number! {
    u8, U8, u8;
    u16, U16, le::U16;
    u32, U32, le::U32;
    u64, U64, le::U64;
    i8, I8, i8;
    i16, I16, le::I16;
    i32, I32, le::I32;
    i64, I64, le::I64;
    f32, F32, le::F32;
    f64, F64, le::F64;
}

const CHECKED: &str = "bools were checked when they were read";

#[diagnostic::do_not_recommend]
impl Fixed for bool {
    const SHAPE: Shape = Shape::Cell(Kind::Bool);
    type Column<'w> = &'w [bool];
    type ColumnMut<'w> = &'w mut [bool];
    #[inline(always)]
    fn put(&self, to: &mut impl Sink) {
        to.write(Kind::Bool, &[u8::from(*self)]);
    }
    #[inline(always)]
    fn take(from: &mut impl Source) -> Self {
        from.cell(Kind::Bool)[0] != 0
    }
    #[inline(always)]
    fn look<'w>(from: &mut impl Source) -> Self::View<'w, f32> {
        Self::take(from)
    }
    #[inline(always)]
    fn lend<'w>(from: &mut impl Lender<'w>) -> &'w mut bool {
        bool::try_mut_from_bytes(from.cell(Kind::Bool)).expect(CHECKED)
    }
    fn column<'w>(from: &mut RunSource<'w>) -> &'w [bool] {
        <[bool]>::try_ref_from_bytes(from.cells(Kind::Bool)).expect(CHECKED)
    }
    fn column_mut<'w>(from: &mut RunLender<'_, 'w>) -> &'w mut [bool] {
        <[bool]>::try_mut_from_bytes(from.cells(Kind::Bool)).expect(CHECKED)
    }
}

impl<T: Fixed, const N: usize> Fixed for [T; N] {
    const SHAPE: Shape = Shape::Array(&T::SHAPE, N);
    type Column<'w> = [T::Column<'w>; N];
    type ColumnMut<'w> = [T::ColumnMut<'w>; N];
    #[inline]
    fn put(&self, to: &mut impl Sink) {
        self.iter().for_each(|item| item.put(to));
    }
    #[inline]
    fn take(from: &mut impl Source) -> Self {
        core::array::from_fn(|_| T::take(from))
    }
    #[inline]
    fn look<'w>(from: &mut impl Source) -> [T::View<'w, f32>; N] {
        core::array::from_fn(|_| T::look(from))
    }
    #[inline]
    fn lend<'w>(from: &mut impl Lender<'w>) -> [T::ViewMut<'w>; N] {
        core::array::from_fn(|_| T::lend(from))
    }
    fn column<'w>(from: &mut RunSource<'w>) -> [T::Column<'w>; N] {
        core::array::from_fn(|_| T::column(from))
    }
    fn column_mut<'w>(from: &mut RunLender<'_, 'w>) -> [T::ColumnMut<'w>; N] {
        core::array::from_fn(|_| T::column_mut(from))
    }
}
