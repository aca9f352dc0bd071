///A borrowed [`Point`]. The scalar parameter is that of stored float parameters: `f32` on the wire.
#[allow(missing_docs, dead_code, non_camel_case_types, non_snake_case, clippy::all)]
struct PointView<
    'w,
    P: ::barewire::__private::Copy + 'static = ::barewire::__private::f32,
> {
    x: <f32 as ::barewire::__private::Wire>::View<'w, P>,
    y: <f32 as ::barewire::__private::Wire>::View<'w, P>,
}
///A borrowed [`Point`] whose numbers may be changed where they lie; its tag and lengths stay.
#[allow(missing_docs, dead_code, non_camel_case_types, non_snake_case, clippy::all)]
struct PointViewMut<'w> {
    x: <f32 as ::barewire::__private::Wire>::ViewMut<'w>,
    y: <f32 as ::barewire::__private::Wire>::ViewMut<'w>,
}
#[automatically_derived]
impl<'w, P: ::barewire::__private::Copy + 'static> ::barewire::__private::Copy
for PointView<'w, P> {}
#[automatically_derived]
impl<'w, P: ::barewire::__private::Copy + 'static> ::barewire::__private::Clone
for PointView<'w, P> {
    #[inline]
    fn clone(&self) -> Self {
        *self
    }
}
#[automatically_derived]
impl<'w> ::barewire::__private::Debug for PointView<'w, ::barewire::__private::f32> {
    fn fmt(
        &self,
        f: &mut ::barewire::__private::fmt::Formatter<'_>,
    ) -> ::barewire::__private::fmt::Result {
        match self {
            Self { x: f0, y: f1 } => {
                ::barewire::__private::debug(f, "Point", false, &[("x", f0), ("y", f1)])
            }
        }
    }
}
#[automatically_derived]
impl<'w> ::barewire::__private::Debug for PointViewMut<'w> {
    fn fmt(
        &self,
        f: &mut ::barewire::__private::fmt::Formatter<'_>,
    ) -> ::barewire::__private::fmt::Result {
        match self {
            Self { x: f0, y: f1 } => {
                ::barewire::__private::debug(f, "Point", false, &[("x", f0), ("y", f1)])
            }
        }
    }
}
#[automatically_derived]
#[allow(clippy::all)]
impl ::barewire::__private::Wire for Point {
    type View<'w, P: ::barewire::__private::Copy + 'static> = PointView<'w, P>;
    type ViewMut<'w> = PointViewMut<'w>;
    const MIN_LEN: ::barewire::__private::usize = <f32 as ::barewire::__private::Wire>::MIN_LEN
        + <f32 as ::barewire::__private::Wire>::MIN_LEN;
    const ALIGN: ::barewire::__private::usize = ::barewire::__private::largest(
        &[
            <f32 as ::barewire::__private::Wire>::ALIGN,
            <f32 as ::barewire::__private::Wire>::ALIGN,
        ],
    );
    fn schema(
        types: &mut ::barewire::__private::SchemaBuilder,
    ) -> ::barewire::__private::TypeRef {
        ::barewire::__private::fixed::schema::<Self>(types)
    }
    fn encode(&self, w: &mut ::barewire::__private::Writer) {
        match self {
            Self { x: f0, y: f1 } => {
                <f32 as ::barewire::__private::Wire>::encode(f0, w);
                <f32 as ::barewire::__private::Wire>::encode(f1, w);
            }
        }
    }
    fn decode(
        r: &mut ::barewire::__private::Reader<'_>,
    ) -> ::barewire::__private::Result<Self, ::barewire::__private::DecodeError> {
        ::barewire::__private::Ok(Self {
            x: ::barewire::__private::decode::<f32>(r, "x")?,
            y: ::barewire::__private::decode::<f32>(r, "y")?,
        })
    }
    fn view<'w>(
        &'w self,
        index: &'w ::barewire::__private::Index,
    ) -> PointView<'w, ::barewire::__private::f32> {
        match self {
            Self { x: f0, y: f1 } => {
                PointView {
                    x: <f32 as ::barewire::__private::Wire>::view(f0, index),
                    y: <f32 as ::barewire::__private::Wire>::view(f1, index),
                }
            }
        }
    }
    fn read<'w>(
        r: &mut ::barewire::__private::Reader<'w>,
        index: &'w ::barewire::__private::Index,
    ) -> ::barewire::__private::Result<
        PointView<'w, ::barewire::__private::f32>,
        ::barewire::__private::DecodeError,
    > {
        ::barewire::__private::Ok(PointView {
            x: ::barewire::__private::read::<f32>(r, index, "x")?,
            y: ::barewire::__private::read::<f32>(r, index, "y")?,
        })
    }
    fn read_mut<'w>(
        r: &mut ::barewire::__private::ReaderMut<'w>,
    ) -> ::barewire::__private::Result<
        PointViewMut<'w>,
        ::barewire::__private::DecodeError,
    > {
        ::barewire::__private::Ok(PointViewMut {
            x: ::barewire::__private::read_mut::<f32>(r, "x")?,
            y: ::barewire::__private::read_mut::<f32>(r, "y")?,
        })
    }
}
#[automatically_derived]
impl ::barewire::__private::Element for Point {
    type Kind = ::barewire::__private::Walked;
}
///Many [`Point`]s of one variant: a slice, or what stands for it, for each field.
#[allow(missing_docs, dead_code, non_camel_case_types, non_snake_case, clippy::all)]
struct PointRun<'w> {
    x: <f32 as ::barewire::__private::fixed::Fixed>::Column<'w>,
    y: <f32 as ::barewire::__private::fixed::Fixed>::Column<'w>,
}
///Many [`Point`]s of one variant, whose fields may be changed where they lie.
#[allow(missing_docs, dead_code, non_camel_case_types, non_snake_case, clippy::all)]
struct PointRunMut<'w> {
    x: <f32 as ::barewire::__private::fixed::Fixed>::ColumnMut<'w>,
    y: <f32 as ::barewire::__private::fixed::Fixed>::ColumnMut<'w>,
}
#[automatically_derived]
impl<'w> ::barewire::__private::Copy for PointRun<'w> {}
#[automatically_derived]
impl<'w> ::barewire::__private::Clone for PointRun<'w> {
    #[inline]
    fn clone(&self) -> Self {
        *self
    }
}
#[automatically_derived]
impl<'w> ::barewire::__private::Debug for PointRun<'w> {
    fn fmt(
        &self,
        f: &mut ::barewire::__private::fmt::Formatter<'_>,
    ) -> ::barewire::__private::fmt::Result {
        match self {
            Self { x: f0, y: f1 } => {
                ::barewire::__private::debug(f, "Point", false, &[("x", f0), ("y", f1)])
            }
        }
    }
}
const _: () = {
    use ::barewire::__private;
    #[automatically_derived]
    #[allow(clippy::all)]
    impl __private::fixed::Fixed for Point {
        const SHAPE: __private::fixed::Shape = __private::fixed::Shape::Struct(
            &__private::fixed::StructShape {
                name: "Point",
                tuple: false,
                fields: &[
                    __private::fixed::field::<f32>("x"),
                    __private::fixed::field::<f32>("y"),
                ],
            },
        );
        type Column<'w> = PointRun<'w>;
        type ColumnMut<'w> = PointRunMut<'w>;
        #[inline(always)]
        fn put(&self, to: &mut impl __private::fixed::Sink) {
            let start = __private::fixed::Cursor::enter::<Self>(to);
            match self {
                Self { x: f0, y: f1 } => {
                    <f32 as __private::fixed::Fixed>::put(f0, to);
                    <f32 as __private::fixed::Fixed>::put(f1, to);
                }
            }
            __private::fixed::Cursor::leave::<Self>(to, start);
        }
        #[inline(always)]
        fn take(from: &mut impl __private::fixed::Source) -> Self {
            let start = __private::fixed::Cursor::enter::<Self>(from);
            let value = Self {
                x: <f32 as __private::fixed::Fixed>::take(from),
                y: <f32 as __private::fixed::Fixed>::take(from),
            };
            __private::fixed::Cursor::leave::<Self>(from, start);
            value
        }
        #[inline(always)]
        fn look<'w>(
            from: &mut impl __private::fixed::Source,
        ) -> Self::View<'w, __private::f32> {
            let start = __private::fixed::Cursor::enter::<Self>(from);
            let value = PointView {
                x: <f32 as __private::fixed::Fixed>::look(from),
                y: <f32 as __private::fixed::Fixed>::look(from),
            };
            __private::fixed::Cursor::leave::<Self>(from, start);
            value
        }
        #[inline(always)]
        fn lend<'w>(from: &mut impl __private::fixed::Lender<'w>) -> Self::ViewMut<'w> {
            let start = __private::fixed::Cursor::enter::<Self>(from);
            let value = PointViewMut {
                x: <f32 as __private::fixed::Fixed>::lend(from),
                y: <f32 as __private::fixed::Fixed>::lend(from),
            };
            __private::fixed::Cursor::leave::<Self>(from, start);
            value
        }
        fn column<'w>(from: &mut __private::fixed::RunSource<'w>) -> Self::Column<'w> {
            PointRun {
                x: <f32 as __private::fixed::Fixed>::column(from),
                y: <f32 as __private::fixed::Fixed>::column(from),
            }
        }
        fn column_mut<'w>(
            from: &mut __private::fixed::RunLender<'_, 'w>,
        ) -> Self::ColumnMut<'w> {
            PointRunMut {
                x: <f32 as __private::fixed::Fixed>::column_mut(from),
                y: <f32 as __private::fixed::Fixed>::column_mut(from),
            }
        }
    }
    #[automatically_derived]
    #[allow(clippy::all)]
    impl __private::fixed::FixedType for Point {
        type Run<'w> = PointRun<'w>;
        type RunMut<'w> = PointRunMut<'w>;
        fn run<'w>(
            tag: __private::u8,
            from: &mut __private::fixed::RunSource<'w>,
        ) -> PointRun<'w> {
            PointRun {
                x: <f32 as __private::fixed::Fixed>::column(from),
                y: <f32 as __private::fixed::Fixed>::column(from),
            }
        }
        fn run_mut<'w>(
            tag: __private::u8,
            from: &mut __private::fixed::RunLender<'_, 'w>,
        ) -> PointRunMut<'w> {
            PointRunMut {
                x: <f32 as __private::fixed::Fixed>::column_mut(from),
                y: <f32 as __private::fixed::Fixed>::column_mut(from),
            }
        }
    }
};
