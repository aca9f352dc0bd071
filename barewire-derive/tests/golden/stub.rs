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
#[automatically_derived]
impl<'w, P: ::barewire::__private::Copy + 'static> ::barewire::__private::Copy
for AView<'w, P> {}
#[automatically_derived]
impl<'w, P: ::barewire::__private::Copy + 'static> ::barewire::__private::Clone
for AView<'w, P> {
    #[inline]
    fn clone(&self) -> Self {
        *self
    }
}
#[allow(dead_code)]
impl<'w, P: ::barewire::__private::Copy + 'static> AView<'w, P> {
    /// The tag on the wire.
    #[inline]
    const fn tag(&self) -> ::barewire::__private::u32 {
        match self {
            Self::B { .. } => 1,
            Self::C { .. } => 1,
        }
    }
}
#[automatically_derived]
impl<'w> ::barewire::__private::Debug for AView<'w, ::barewire::__private::f32> {
    fn fmt(
        &self,
        f: &mut ::barewire::__private::fmt::Formatter<'_>,
    ) -> ::barewire::__private::fmt::Result {
        match self {
            Self::B(f0) => ::barewire::__private::debug(f, "B", true, &[("f0", f0)]),
            Self::C {} => ::barewire::__private::debug(f, "C", false, &[]),
        }
    }
}
#[automatically_derived]
impl<'w> ::barewire::__private::Debug for AViewMut<'w> {
    fn fmt(
        &self,
        f: &mut ::barewire::__private::fmt::Formatter<'_>,
    ) -> ::barewire::__private::fmt::Result {
        match self {
            Self::B(f0) => ::barewire::__private::debug(f, "B", true, &[("f0", f0)]),
            Self::C {} => ::barewire::__private::debug(f, "C", false, &[]),
        }
    }
}
#[automatically_derived]
#[allow(clippy::all)]
impl ::barewire::__private::Wire for A {
    type View<'w, P: ::barewire::__private::Copy + 'static> = AView<'w, P>;
    type ViewMut<'w> = AViewMut<'w>;
    const MIN_LEN: ::barewire::__private::usize = 1;
    const ALIGN: ::barewire::__private::usize = 1;
    fn schema(
        types: &mut ::barewire::__private::SchemaBuilder,
    ) -> ::barewire::__private::TypeRef {
        ::barewire::__private::stub()
    }
    fn encode(&self, w: &mut ::barewire::__private::Writer) {
        ::barewire::__private::stub()
    }
    fn decode(
        r: &mut ::barewire::__private::Reader<'_>,
    ) -> ::barewire::__private::Result<Self, ::barewire::__private::DecodeError> {
        ::barewire::__private::stub()
    }
    fn view<'w>(
        &'w self,
        index: &'w ::barewire::__private::Index,
    ) -> AView<'w, ::barewire::__private::f32> {
        ::barewire::__private::stub()
    }
    fn read<'w>(
        r: &mut ::barewire::__private::Reader<'w>,
        index: &'w ::barewire::__private::Index,
    ) -> ::barewire::__private::Result<
        AView<'w, ::barewire::__private::f32>,
        ::barewire::__private::DecodeError,
    > {
        ::barewire::__private::stub()
    }
    fn read_mut<'w>(
        r: &mut ::barewire::__private::ReaderMut<'w>,
    ) -> ::barewire::__private::Result<
        AViewMut<'w>,
        ::barewire::__private::DecodeError,
    > {
        ::barewire::__private::stub()
    }
}
#[automatically_derived]
impl ::barewire::__private::Element for A {
    type Kind = ::barewire::__private::Walked;
}
#[automatically_derived]
impl ::barewire::__private::Union for A {
    const NAME: &'static ::barewire::__private::str = "A";
    const VARIANTS: &'static [(
        ::barewire::__private::u32,
        &'static ::barewire::__private::str,
    )] = &[(1, "B"), (1, "C")];
    fn tag(&self) -> ::barewire::__private::u32 {
        match self {
            Self::B { .. } => 1,
            Self::C { .. } => 1,
        }
    }
}
