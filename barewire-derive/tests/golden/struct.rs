///A borrowed [`Block`]. The scalar parameter is that of stored float parameters: `f32` on the wire.
#[allow(missing_docs, dead_code, non_camel_case_types, non_snake_case, clippy::all)]
struct BlockView<
    'w,
    P: other::place::__private::Copy + 'static = other::place::__private::f32,
> {
    norm: <Vec<f32> as other::place::__private::Wire>::View<'w, P>,
    pub(crate) weight: <Weight as other::place::__private::Wire>::View<'w, P>,
    r#type: <u8 as other::place::__private::Wire>::View<'w, P>,
}
///A borrowed [`Block`] whose numbers may be changed where they lie; its tag and lengths stay.
#[allow(missing_docs, dead_code, non_camel_case_types, non_snake_case, clippy::all)]
struct BlockViewMut<'w> {
    norm: <Vec<f32> as other::place::__private::Wire>::ViewMut<'w>,
    pub(crate) weight: <Weight as other::place::__private::Wire>::ViewMut<'w>,
    r#type: <u8 as other::place::__private::Wire>::ViewMut<'w>,
}
const _: () = {
    use other::place::__private;
    type __F0 = (Vec<f32>, Weight, u8);
    const __VARIANTS: &[__private::VariantEntry] = &[
        __private::structure::<
            __F0,
        >(
            "Block",
            false,
            &[
                __private::field("norm"),
                __private::field("weight").renamed("W"),
                __private::field("type"),
            ],
        ),
    ];
    #[automatically_derived]
    impl<'w, P: __private::Copy + 'static> __private::Copy for BlockView<'w, P> {}
    #[automatically_derived]
    impl<'w, P: __private::Copy + 'static> __private::Clone for BlockView<'w, P> {
        #[inline]
        fn clone(&self) -> Self {
            *self
        }
    }
    #[automatically_derived]
    impl<'w> __private::Debug for BlockView<'w, __private::f32> {
        #[inline]
        fn fmt(&self, f: &mut __private::fmt::Formatter<'_>) -> __private::fmt::Result {
            match self {
                Self { norm: f0, weight: f1, r#type: f2 } => {
                    __private::debug(f, &__VARIANTS[0], &[f0, f1, f2])
                }
            }
        }
    }
    #[automatically_derived]
    impl<'w> __private::Debug for BlockViewMut<'w> {
        #[inline]
        fn fmt(&self, f: &mut __private::fmt::Formatter<'_>) -> __private::fmt::Result {
            match self {
                Self { norm: f0, weight: f1, r#type: f2 } => {
                    __private::debug(f, &__VARIANTS[0], &[f0, f1, f2])
                }
            }
        }
    }
    #[automatically_derived]
    #[allow(unused_variables, clippy::all)]
    impl __private::Wire for Block {
        type View<'w, P: __private::Copy + 'static> = BlockView<'w, P>;
        type ViewMut<'w> = BlockViewMut<'w>;
        const MIN_LEN: __private::usize = __private::min_len(__VARIANTS);
        const ALIGN: __private::usize = __private::align(__VARIANTS);
        #[inline]
        fn schema(types: &mut __private::SchemaBuilder) -> __private::TypeRef {
            __private::struct_schema(types, "Renamed", __VARIANTS)
        }
        #[inline]
        fn encode(&self, w: &mut __private::Writer) {
            match self {
                Self { norm: f0, weight: f1, r#type: f2 } => {
                    <__F0 as __private::Fields>::encode(
                        &__VARIANTS[0],
                        0,
                        (f0, f1, f2),
                        w,
                    );
                }
            }
        }
        #[inline]
        fn decode(
            r: &mut __private::Reader<'_>,
        ) -> __private::Result<Self, __private::DecodeError> {
            __private::Ok(
                match <__F0 as __private::Fields>::decode(&__VARIANTS[0], 0, r) {
                    __private::Ok((f0, f1, f2)) => {
                        Self {
                            norm: f0,
                            weight: f1,
                            r#type: f2,
                        }
                    }
                    __private::Err(error) => return __private::Err(error),
                },
            )
        }
        #[inline]
        fn view<'w>(
            &'w self,
            index: &'w __private::Index,
        ) -> BlockView<'w, __private::f32> {
            match self {
                Self { norm: f0, weight: f1, r#type: f2 } => {
                    let (f0, f1, f2) = <__F0 as __private::Fields>::view(
                        (f0, f1, f2),
                        index,
                    );
                    BlockView {
                        norm: f0,
                        weight: f1,
                        r#type: f2,
                    }
                }
            }
        }
        #[inline]
        fn read<'w>(
            r: &mut __private::Reader<'w>,
            index: &'w __private::Index,
        ) -> __private::Result<BlockView<'w, __private::f32>, __private::DecodeError> {
            __private::Ok(
                match <__F0 as __private::Fields>::read(&__VARIANTS[0], 0, r, index) {
                    __private::Ok((f0, f1, f2)) => {
                        BlockView {
                            norm: f0,
                            weight: f1,
                            r#type: f2,
                        }
                    }
                    __private::Err(error) => return __private::Err(error),
                },
            )
        }
        #[inline]
        fn read_mut<'w>(
            r: &mut __private::ReaderMut<'w>,
        ) -> __private::Result<BlockViewMut<'w>, __private::DecodeError> {
            __private::Ok(
                match <__F0 as __private::Fields>::read_mut(&__VARIANTS[0], 0, r) {
                    __private::Ok((f0, f1, f2)) => {
                        BlockViewMut {
                            norm: f0,
                            weight: f1,
                            r#type: f2,
                        }
                    }
                    __private::Err(error) => return __private::Err(error),
                },
            )
        }
    }
    #[automatically_derived]
    impl __private::Element for Block {
        type Kind = __private::Walked;
    }
};
