///A borrowed [`Kernel`]. The scalar parameter is that of stored float parameters: `f32` on the wire.
#[allow(missing_docs, dead_code, non_camel_case_types, non_snake_case, clippy::all)]
pub(crate) enum KernelView {
    EluPlusOne,
    Relu,
    Exp,
}
///A borrowed [`Kernel`] whose numbers may be changed where they lie; its tag and lengths stay.
#[allow(missing_docs, dead_code, non_camel_case_types, non_snake_case, clippy::all)]
pub(crate) enum KernelViewMut {
    EluPlusOne,
    Relu,
    Exp,
}
const _: () = {
    use ::barewire::__private;
    const __VARIANTS: &[__private::VariantEntry] = &[
        __private::variant::<()>(0, "EluPlusOne", "EluPlusOne", false, false, &[]),
        __private::variant::<()>(1, "Relu", "Relu", false, false, &[]),
        __private::variant::<()>(200, "Exp", "Exp", false, false, &[]),
    ];
    #[automatically_derived]
    impl __private::Copy for KernelView {}
    #[automatically_derived]
    impl __private::Clone for KernelView {
        #[inline]
        fn clone(&self) -> Self {
            *self
        }
    }
    #[allow(dead_code)]
    impl KernelView {
        /// The tag on the wire.
        #[inline]
        pub(crate) const fn tag(&self) -> __private::u32 {
            match self {
                Self::EluPlusOne { .. } => 0,
                Self::Relu { .. } => 1,
                Self::Exp { .. } => 200,
            }
        }
    }
    #[automatically_derived]
    impl __private::Debug for KernelView {
        #[inline]
        fn fmt(&self, f: &mut __private::fmt::Formatter<'_>) -> __private::fmt::Result {
            match self {
                Self::EluPlusOne {} => __private::debug(f, &__VARIANTS[0], &[]),
                Self::Relu {} => __private::debug(f, &__VARIANTS[1], &[]),
                Self::Exp {} => __private::debug(f, &__VARIANTS[2], &[]),
            }
        }
    }
    #[automatically_derived]
    impl __private::Debug for KernelViewMut {
        #[inline]
        fn fmt(&self, f: &mut __private::fmt::Formatter<'_>) -> __private::fmt::Result {
            match self {
                Self::EluPlusOne {} => __private::debug(f, &__VARIANTS[0], &[]),
                Self::Relu {} => __private::debug(f, &__VARIANTS[1], &[]),
                Self::Exp {} => __private::debug(f, &__VARIANTS[2], &[]),
            }
        }
    }
    #[automatically_derived]
    #[allow(unused_variables, clippy::all)]
    impl __private::Wire for Kernel {
        type View<'w, P: __private::Copy + 'static> = KernelView;
        type ViewMut<'w> = KernelViewMut;
        const MIN_LEN: __private::usize = __private::min_len(__VARIANTS);
        const ALIGN: __private::usize = __private::align(__VARIANTS);
        #[inline]
        fn schema(types: &mut __private::SchemaBuilder) -> __private::TypeRef {
            __private::union_schema(types, "Kernel", __VARIANTS)
        }
        #[inline]
        fn encode(&self, w: &mut __private::Writer) {
            match self {
                Self::EluPlusOne {} => {
                    w.open_union(0);
                }
                Self::Relu {} => {
                    w.open_union(1);
                }
                Self::Exp {} => {
                    w.open_union(200);
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
                0 => Self::EluPlusOne {},
                1 => Self::Relu {},
                200 => Self::Exp {},
                _ => return __private::Err(__private::unknown_tag::<Self>(r, tag)),
            };
            r.close_union();
            __private::Ok(value)
        }
        #[inline]
        fn view<'w>(&'w self, index: &'w __private::Index) -> KernelView {
            match self {
                Self::EluPlusOne {} => KernelView::EluPlusOne {},
                Self::Relu {} => KernelView::Relu {},
                Self::Exp {} => KernelView::Exp {},
            }
        }
        #[inline]
        fn read<'w>(
            r: &mut __private::Reader<'w>,
            index: &'w __private::Index,
        ) -> __private::Result<KernelView, __private::DecodeError> {
            let tag = r.open_union()?;
            let value = match tag {
                0 => KernelView::EluPlusOne {},
                1 => KernelView::Relu {},
                200 => KernelView::Exp {},
                _ => return __private::Err(__private::unknown_tag::<Self>(r, tag)),
            };
            r.close_union();
            __private::Ok(value)
        }
        #[inline]
        fn read_mut<'w>(
            r: &mut __private::ReaderMut<'w>,
        ) -> __private::Result<KernelViewMut, __private::DecodeError> {
            let tag = r.scan(|r| r.open_union())?;
            let value = match tag {
                0 => KernelViewMut::EluPlusOne {},
                1 => KernelViewMut::Relu {},
                200 => KernelViewMut::Exp {},
                _ => return __private::Err(__private::unknown_tag_mut::<Self>(r, tag)),
            };
            __private::Ok(value)
        }
    }
    #[automatically_derived]
    impl __private::Element for Kernel {
        type Kind = __private::Walked;
    }
    #[automatically_derived]
    impl __private::Union for Kernel {
        const NAME: &'static __private::str = "Kernel";
        const VARIANTS: &'static [(__private::u32, &'static __private::str)] = &[
            (0, "EluPlusOne"),
            (1, "Relu"),
            (200, "Exp"),
        ];
        #[inline]
        fn tag(&self) -> __private::u32 {
            match self {
                Self::EluPlusOne { .. } => 0,
                Self::Relu { .. } => 1,
                Self::Exp { .. } => 200,
            }
        }
    }
};
