///A borrowed [`A`]. The scalar parameter is that of stored float parameters: `f32` on the wire.
#[allow(missing_docs, dead_code, non_camel_case_types, non_snake_case, clippy::all)]
enum AView<'w, P: ::barewire::__private::Copy + 'static = ::barewire::__private::f32> {
    B(<f32 as ::barewire::__private::Wire>::View<'w, P>),
    C,
}
///A borrowed [`A`] whose numbers may be changed where they lie; its tag and lengths stay.
#[allow(missing_docs, dead_code, non_camel_case_types, non_snake_case, clippy::all)]
enum AViewMut<'w> {
    B(<f32 as ::barewire::__private::Wire>::ViewMut<'w>),
    C,
}
const _: () = {
    use ::barewire::__private;
    #[automatically_derived]
    impl<'w, P: __private::Copy + 'static> __private::Copy for AView<'w, P> {}
    #[automatically_derived]
    impl<'w, P: __private::Copy + 'static> __private::Clone for AView<'w, P> {
        #[inline]
        fn clone(&self) -> Self {
            *self
        }
    }
    #[allow(dead_code)]
    impl<'w, P: __private::Copy + 'static> AView<'w, P> {
        /// The tag on the wire.
        #[inline]
        const fn tag(&self) -> __private::u32 {
            match self {
                Self::B { .. } => 1,
                Self::C { .. } => 1,
            }
        }
    }
    #[automatically_derived]
    impl<'w> __private::Debug for AView<'w, __private::f32> {
        #[inline]
        fn fmt(&self, f: &mut __private::fmt::Formatter<'_>) -> __private::fmt::Result {
            __private::stub()
        }
    }
    #[automatically_derived]
    impl<'w> __private::Debug for AViewMut<'w> {
        #[inline]
        fn fmt(&self, f: &mut __private::fmt::Formatter<'_>) -> __private::fmt::Result {
            __private::stub()
        }
    }
    #[automatically_derived]
    #[allow(unused_variables, clippy::all)]
    impl __private::Wire for A {
        type View<'w, P: __private::Copy + 'static> = AView<'w, P>;
        type ViewMut<'w> = AViewMut<'w>;
        const MIN_LEN: __private::usize = 1;
        const ALIGN: __private::usize = 1;
        #[inline]
        fn schema(types: &mut __private::SchemaBuilder) -> __private::TypeRef {
            __private::stub()
        }
        #[inline]
        fn encode(&self, w: &mut __private::Writer) {
            __private::stub()
        }
        #[inline]
        fn decode(
            r: &mut __private::Reader<'_>,
        ) -> __private::Result<Self, __private::DecodeError> {
            __private::stub()
        }
        #[inline]
        fn view<'w>(&'w self, index: &'w __private::Index) -> AView<'w, __private::f32> {
            __private::stub()
        }
        #[inline]
        fn read<'w>(
            r: &mut __private::Reader<'w>,
            index: &'w __private::Index,
        ) -> __private::Result<AView<'w, __private::f32>, __private::DecodeError> {
            __private::stub()
        }
        #[inline]
        fn read_mut<'w>(
            r: &mut __private::ReaderMut<'w>,
        ) -> __private::Result<AViewMut<'w>, __private::DecodeError> {
            __private::stub()
        }
    }
    #[automatically_derived]
    impl __private::Element for A {
        type Kind = __private::Walked;
    }
    #[automatically_derived]
    impl __private::Union for A {
        const NAME: &'static __private::str = "A";
        const VARIANTS: &'static [(__private::u32, &'static __private::str)] = &[
            (1, "B"),
            (1, "C"),
        ];
        #[inline]
        fn tag(&self) -> __private::u32 {
            match self {
                Self::B { .. } => 1,
                Self::C { .. } => 1,
            }
        }
    }
};
