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
const _: () = {
    use ::barewire::__private;
    type __F0 = (f32, f32);
    #[automatically_derived]
    impl<'w, P: __private::Copy + 'static> __private::Copy for PointView<'w, P> {}
    #[automatically_derived]
    impl<'w, P: __private::Copy + 'static> __private::Clone for PointView<'w, P> {
        #[inline]
        fn clone(&self) -> Self {
            *self
        }
    }
    #[automatically_derived]
    impl<'w> __private::Debug for PointView<'w, __private::f32> {
        #[inline]
        fn fmt(&self, f: &mut __private::fmt::Formatter<'_>) -> __private::fmt::Result {
            match self {
                Self { x: f0, y: f1 } => {
                    __private::fixed::plain::debug::<Point>(f, 0, &[f0, f1])
                }
            }
        }
    }
    #[automatically_derived]
    impl<'w> __private::Debug for PointViewMut<'w> {
        #[inline]
        fn fmt(&self, f: &mut __private::fmt::Formatter<'_>) -> __private::fmt::Result {
            match self {
                Self { x: f0, y: f1 } => {
                    __private::fixed::plain::debug::<Point>(f, 0, &[f0, f1])
                }
            }
        }
    }
    #[automatically_derived]
    #[allow(unused_variables, clippy::all)]
    impl __private::Wire for Point {
        type View<'w, P: __private::Copy + 'static> = PointView<'w, P>;
        type ViewMut<'w> = PointViewMut<'w>;
        const MIN_LEN: __private::usize = __private::fixed::plain::min_len(
            &<Self as __private::fixed::Fixed>::SHAPE,
        );
        const ALIGN: __private::usize = 1;
        #[inline]
        fn schema(types: &mut __private::SchemaBuilder) -> __private::TypeRef {
            __private::fixed::schema::<Self>(types)
        }
        #[inline]
        fn encode(&self, w: &mut __private::Writer) {
            __private::fixed::plain::encode(self, w)
        }
        #[inline]
        fn decode(
            r: &mut __private::Reader<'_>,
        ) -> __private::Result<Self, __private::DecodeError> {
            __private::fixed::plain::decode(r)
        }
        #[inline]
        fn view<'w>(
            &'w self,
            index: &'w __private::Index,
        ) -> PointView<'w, __private::f32> {
            __private::fixed::plain::view(self)
        }
        #[inline]
        fn read<'w>(
            r: &mut __private::Reader<'w>,
            index: &'w __private::Index,
        ) -> __private::Result<PointView<'w, __private::f32>, __private::DecodeError> {
            __private::fixed::plain::read::<Self>(r)
        }
        #[inline]
        fn read_mut<'w>(
            r: &mut __private::ReaderMut<'w>,
        ) -> __private::Result<PointViewMut<'w>, __private::DecodeError> {
            __private::fixed::plain::read_mut::<Self>(r)
        }
    }
    #[automatically_derived]
    impl __private::Element for Point {
        type Kind = __private::Walked;
    }
    #[automatically_derived]
    impl<'w> __private::Copy for PointRun<'w> {}
    #[automatically_derived]
    impl<'w> __private::Clone for PointRun<'w> {
        #[inline]
        fn clone(&self) -> Self {
            *self
        }
    }
    #[automatically_derived]
    impl<'w> __private::Debug for PointRun<'w> {
        #[inline]
        fn fmt(&self, f: &mut __private::fmt::Formatter<'_>) -> __private::fmt::Result {
            match self {
                Self { x: f0, y: f1 } => {
                    __private::fixed::plain::debug::<Point>(f, 0, &[f0, f1])
                }
            }
        }
    }
    #[automatically_derived]
    #[allow(unused_variables, clippy::all)]
    impl __private::fixed::Fixed for Point {
        const SHAPE: __private::fixed::Shape = __private::fixed::Shape::Struct(
            &__private::fixed::StructShape {
                rust_name: "Point",
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
                    <__F0 as __private::fixed::FixedFields>::put((f0, f1), to);
                }
            }
            __private::fixed::Cursor::leave::<Self>(to, start);
        }
        #[inline(always)]
        fn take(from: &mut impl __private::fixed::Source) -> Self {
            let start = __private::fixed::Cursor::enter::<Self>(from);
            let value = {
                let (f0, f1) = <__F0 as __private::fixed::FixedFields>::take(from);
                Self { x: f0, y: f1 }
            };
            __private::fixed::Cursor::leave::<Self>(from, start);
            value
        }
        #[inline(always)]
        fn look<'w>(
            from: &mut impl __private::fixed::Source,
        ) -> <Self as __private::Wire>::View<'w, __private::f32> {
            let start = __private::fixed::Cursor::enter::<Self>(from);
            let value = {
                let (f0, f1) = <__F0 as __private::fixed::FixedFields>::look(from);
                PointView { x: f0, y: f1 }
            };
            __private::fixed::Cursor::leave::<Self>(from, start);
            value
        }
        #[inline(always)]
        fn lend<'w>(
            from: &mut impl __private::fixed::Lender<'w>,
        ) -> <Self as __private::Wire>::ViewMut<'w> {
            let start = __private::fixed::Cursor::enter::<Self>(from);
            let value = {
                let (f0, f1) = <__F0 as __private::fixed::FixedFields>::lend(from);
                PointViewMut { x: f0, y: f1 }
            };
            __private::fixed::Cursor::leave::<Self>(from, start);
            value
        }
        #[inline]
        fn column<'w>(
            from: &mut __private::fixed::RunSource<'w>,
        ) -> <Self as __private::fixed::Fixed>::Column<'w> {
            <Self as __private::fixed::FixedType>::run(0, from)
        }
        #[inline]
        fn column_mut<'w>(
            from: &mut __private::fixed::RunLender<'_, 'w>,
        ) -> <Self as __private::fixed::Fixed>::ColumnMut<'w> {
            <Self as __private::fixed::FixedType>::run_mut(0, from)
        }
    }
    #[automatically_derived]
    #[allow(unused_variables, clippy::all)]
    impl __private::fixed::FixedType for Point {
        type Run<'w> = PointRun<'w>;
        type RunMut<'w> = PointRunMut<'w>;
        #[inline]
        fn run<'w>(
            tag: __private::u8,
            from: &mut __private::fixed::RunSource<'w>,
        ) -> PointRun<'w> {
            {
                let (f0, f1) = <__F0 as __private::fixed::FixedFields>::column(from);
                PointRun { x: f0, y: f1 }
            }
        }
        #[inline]
        fn run_mut<'w>(
            tag: __private::u8,
            from: &mut __private::fixed::RunLender<'_, 'w>,
        ) -> PointRunMut<'w> {
            {
                let (f0, f1) = <__F0 as __private::fixed::FixedFields>::column_mut(from);
                PointRunMut { x: f0, y: f1 }
            }
        }
    }
};
