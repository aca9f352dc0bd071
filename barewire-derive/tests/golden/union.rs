///A borrowed [`Weight`]. The scalar parameter is that of stored float parameters: `f32` on the wire.
#[allow(missing_docs, dead_code, non_camel_case_types, non_snake_case, clippy::all)]
pub enum WeightView<
    'w,
    P: ::barewire::__private::Copy + 'static = ::barewire::__private::f32,
> {
    /// digits with a scale
    Ternary {
        /// digits
        digits: <TernaryMatrix as ::barewire::__private::Wire>::View<'w, P>,
        scale: <f32 as ::barewire::__private::Wire>::View<'w, P>,
    },
    Zero,
    Dense(
        <Matrix<f32> as ::barewire::__private::Wire>::View<'w, P>,
        <Vec<f32> as ::barewire::__private::Wire>::View<'w, P>,
    ),
}
///A borrowed [`Weight`] whose numbers may be changed where they lie; its tag and lengths stay.
#[allow(missing_docs, dead_code, non_camel_case_types, non_snake_case, clippy::all)]
pub enum WeightViewMut<'w> {
    /// digits with a scale
    Ternary {
        /// digits
        digits: <TernaryMatrix as ::barewire::__private::Wire>::ViewMut<'w>,
        scale: <f32 as ::barewire::__private::Wire>::ViewMut<'w>,
    },
    Zero,
    Dense(
        <Matrix<f32> as ::barewire::__private::Wire>::ViewMut<'w>,
        <Vec<f32> as ::barewire::__private::Wire>::ViewMut<'w>,
    ),
}
const _: () = {
    use ::barewire::__private;
    type __F0 = (TernaryMatrix, f32);
    type __F2 = (Matrix<f32>, Vec<f32>);
    const __VARIANTS: &[__private::VariantEntry] = &[
        __private::variant::<
            __F0,
        >(
            0,
            "Ternary",
            "WeightTernary",
            false,
            false,
            &[__private::field("digits"), __private::field("scale")],
        ),
        __private::variant::<()>(3, "Zero", "WeightZero", false, false, &[]),
        __private::variant::<
            __F2,
        >(
            7,
            "Dense",
            "WeightDense",
            false,
            true,
            &[__private::field("f0").aligned(256), __private::field("f1")],
        ),
    ];
    const _: () = __private::alignable::<Matrix<f32>>();
    #[automatically_derived]
    impl<'w, P: __private::Copy + 'static> __private::Copy for WeightView<'w, P> {}
    #[automatically_derived]
    impl<'w, P: __private::Copy + 'static> __private::Clone for WeightView<'w, P> {
        #[inline]
        fn clone(&self) -> Self {
            *self
        }
    }
    #[allow(dead_code)]
    impl<'w, P: __private::Copy + 'static> WeightView<'w, P> {
        /// The tag on the wire.
        #[inline]
        pub const fn tag(&self) -> __private::u32 {
            match self {
                Self::Ternary { .. } => 0,
                Self::Zero { .. } => 3,
                Self::Dense { .. } => 7,
            }
        }
    }
    #[automatically_derived]
    impl<'w> __private::Debug for WeightView<'w, __private::f32> {
        #[inline]
        fn fmt(&self, f: &mut __private::fmt::Formatter<'_>) -> __private::fmt::Result {
            match self {
                Self::Ternary { digits: f0, scale: f1 } => {
                    __private::debug(f, &__VARIANTS[0], &[f0, f1])
                }
                Self::Zero {} => __private::debug(f, &__VARIANTS[1], &[]),
                Self::Dense(f0, f1) => __private::debug(f, &__VARIANTS[2], &[f0, f1]),
            }
        }
    }
    #[automatically_derived]
    impl<'w> __private::Debug for WeightViewMut<'w> {
        #[inline]
        fn fmt(&self, f: &mut __private::fmt::Formatter<'_>) -> __private::fmt::Result {
            match self {
                Self::Ternary { digits: f0, scale: f1 } => {
                    __private::debug(f, &__VARIANTS[0], &[f0, f1])
                }
                Self::Zero {} => __private::debug(f, &__VARIANTS[1], &[]),
                Self::Dense(f0, f1) => __private::debug(f, &__VARIANTS[2], &[f0, f1]),
            }
        }
    }
    #[automatically_derived]
    #[allow(unused_variables, clippy::all)]
    impl __private::Wire for Weight {
        type View<'w, P: __private::Copy + 'static> = WeightView<'w, P>;
        type ViewMut<'w> = WeightViewMut<'w>;
        const MIN_LEN: __private::usize = __private::min_len(__VARIANTS);
        const ALIGN: __private::usize = __private::align(__VARIANTS);
        #[inline]
        fn schema(types: &mut __private::SchemaBuilder) -> __private::TypeRef {
            __private::union_schema(types, "Weight", __VARIANTS)
        }
        #[inline]
        fn encode(&self, w: &mut __private::Writer) {
            match self {
                Self::Ternary { digits: f0, scale: f1 } => {
                    w.open_union(0);
                    <__F0 as __private::Fields>::encode(&__VARIANTS[0], 0, (f0, f1), w);
                }
                Self::Zero {} => {
                    w.open_union(3);
                }
                Self::Dense(f0, f1) => {
                    w.open_union(7);
                    <__F2 as __private::Fields>::encode(&__VARIANTS[2], 0, (f0, f1), w);
                }
            }
            w.close_union();
        }
        #[inline]
        fn decode(
            r: &mut __private::Reader<'_>,
        ) -> __private::Result<Self, __private::DecodeError> {
            let tag = r.open_union()?;
            let value = match tag {
                0 => {
                    match <__F0 as __private::Fields>::decode(&__VARIANTS[0], 0, r) {
                        __private::Ok((f0, f1)) => {
                            Self::Ternary {
                                digits: f0,
                                scale: f1,
                            }
                        }
                        __private::Err(error) => return __private::Err(error),
                    }
                }
                3 => Self::Zero {},
                7 => {
                    match <__F2 as __private::Fields>::decode(&__VARIANTS[2], 0, r) {
                        __private::Ok((f0, f1)) => Self::Dense(f0, f1),
                        __private::Err(error) => return __private::Err(error),
                    }
                }
                _ => return __private::Err(__private::unknown_tag::<Self>(r, tag)),
            };
            r.close_union();
            __private::Ok(value)
        }
        #[inline]
        fn view<'w>(
            &'w self,
            index: &'w __private::Index,
        ) -> WeightView<'w, __private::f32> {
            match self {
                Self::Ternary { digits: f0, scale: f1 } => {
                    let (f0, f1) = <__F0 as __private::Fields>::view((f0, f1), index);
                    WeightView::Ternary {
                        digits: f0,
                        scale: f1,
                    }
                }
                Self::Zero {} => WeightView::Zero {},
                Self::Dense(f0, f1) => {
                    let (f0, f1) = <__F2 as __private::Fields>::view((f0, f1), index);
                    WeightView::Dense(f0, f1)
                }
            }
        }
        #[inline]
        fn read<'w>(
            r: &mut __private::Reader<'w>,
            index: &'w __private::Index,
        ) -> __private::Result<WeightView<'w, __private::f32>, __private::DecodeError> {
            let tag = r.open_union()?;
            let value = match tag {
                0 => {
                    match <__F0 as __private::Fields>::read(
                        &__VARIANTS[0],
                        0,
                        r,
                        index,
                    ) {
                        __private::Ok((f0, f1)) => {
                            WeightView::Ternary {
                                digits: f0,
                                scale: f1,
                            }
                        }
                        __private::Err(error) => return __private::Err(error),
                    }
                }
                3 => WeightView::Zero {},
                7 => {
                    match <__F2 as __private::Fields>::read(
                        &__VARIANTS[2],
                        0,
                        r,
                        index,
                    ) {
                        __private::Ok((f0, f1)) => WeightView::Dense(f0, f1),
                        __private::Err(error) => return __private::Err(error),
                    }
                }
                _ => return __private::Err(__private::unknown_tag::<Self>(r, tag)),
            };
            r.close_union();
            __private::Ok(value)
        }
        #[inline]
        fn read_mut<'w>(
            r: &mut __private::ReaderMut<'w>,
        ) -> __private::Result<WeightViewMut<'w>, __private::DecodeError> {
            let tag = r.scan(|r| r.open_union())?;
            let value = match tag {
                0 => {
                    match <__F0 as __private::Fields>::read_mut(&__VARIANTS[0], 0, r) {
                        __private::Ok((f0, f1)) => {
                            WeightViewMut::Ternary {
                                digits: f0,
                                scale: f1,
                            }
                        }
                        __private::Err(error) => return __private::Err(error),
                    }
                }
                3 => WeightViewMut::Zero {},
                7 => {
                    match <__F2 as __private::Fields>::read_mut(&__VARIANTS[2], 0, r) {
                        __private::Ok((f0, f1)) => WeightViewMut::Dense(f0, f1),
                        __private::Err(error) => return __private::Err(error),
                    }
                }
                _ => return __private::Err(__private::unknown_tag_mut::<Self>(r, tag)),
            };
            __private::Ok(value)
        }
    }
    #[automatically_derived]
    impl __private::Element for Weight {
        type Kind = __private::Walked;
    }
    #[automatically_derived]
    impl __private::Union for Weight {
        const NAME: &'static __private::str = "Weight";
        const VARIANTS: &'static [(__private::u32, &'static __private::str)] = &[
            (0, "Ternary"),
            (3, "Zero"),
            (7, "Dense"),
        ];
        #[inline]
        fn tag(&self) -> __private::u32 {
            match self {
                Self::Ternary { .. } => 0,
                Self::Zero { .. } => 3,
                Self::Dense { .. } => 7,
            }
        }
    }
};
