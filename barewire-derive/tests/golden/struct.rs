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
#[automatically_derived]
impl<'w, P: other::place::__private::Copy + 'static> other::place::__private::Copy
for BlockView<'w, P> {}
#[automatically_derived]
impl<'w, P: other::place::__private::Copy + 'static> other::place::__private::Clone
for BlockView<'w, P> {
    #[inline]
    fn clone(&self) -> Self {
        *self
    }
}
#[automatically_derived]
impl<'w> other::place::__private::Debug for BlockView<'w, other::place::__private::f32> {
    fn fmt(
        &self,
        f: &mut other::place::__private::fmt::Formatter<'_>,
    ) -> other::place::__private::fmt::Result {
        match self {
            Self { norm: f0, weight: f1, r#type: f2 } => {
                other::place::__private::debug(
                    f,
                    "Block",
                    false,
                    &[("norm", f0), ("weight", f1), ("type", f2)],
                )
            }
        }
    }
}
#[automatically_derived]
impl<'w> other::place::__private::Debug for BlockViewMut<'w> {
    fn fmt(
        &self,
        f: &mut other::place::__private::fmt::Formatter<'_>,
    ) -> other::place::__private::fmt::Result {
        match self {
            Self { norm: f0, weight: f1, r#type: f2 } => {
                other::place::__private::debug(
                    f,
                    "Block",
                    false,
                    &[("norm", f0), ("weight", f1), ("type", f2)],
                )
            }
        }
    }
}
#[automatically_derived]
#[allow(clippy::all)]
impl other::place::__private::Wire for Block {
    type View<'w, P: other::place::__private::Copy + 'static> = BlockView<'w, P>;
    type ViewMut<'w> = BlockViewMut<'w>;
    const MIN_LEN: other::place::__private::usize = <Vec<
        f32,
    > as other::place::__private::Wire>::MIN_LEN
        + <Weight as other::place::__private::Wire>::MIN_LEN
        + <u8 as other::place::__private::Wire>::MIN_LEN;
    const ALIGN: other::place::__private::usize = other::place::__private::largest(
        &[
            <Vec<f32> as other::place::__private::Wire>::ALIGN,
            <Weight as other::place::__private::Wire>::ALIGN,
            <u8 as other::place::__private::Wire>::ALIGN,
        ],
    );
    fn schema(
        types: &mut other::place::__private::SchemaBuilder,
    ) -> other::place::__private::TypeRef {
        other::place::__private::struct_schema(
            types,
            "Renamed",
            &[
                other::place::__private::FieldEntry {
                    name: "norm",
                    exact: false,
                    align: 64,
                    ty: <Vec<f32> as other::place::__private::Wire>::schema,
                },
                other::place::__private::FieldEntry {
                    name: "W",
                    exact: true,
                    align: 64,
                    ty: <Weight as other::place::__private::Wire>::schema,
                },
                other::place::__private::FieldEntry {
                    name: "type",
                    exact: false,
                    align: 64,
                    ty: <u8 as other::place::__private::Wire>::schema,
                },
            ],
            false,
        )
    }
    fn encode(&self, w: &mut other::place::__private::Writer) {
        match self {
            Self { norm: f0, weight: f1, r#type: f2 } => {
                <Vec<f32> as other::place::__private::Wire>::encode(f0, w);
                <Weight as other::place::__private::Wire>::encode(f1, w);
                <u8 as other::place::__private::Wire>::encode(f2, w);
            }
        }
    }
    fn decode(
        r: &mut other::place::__private::Reader<'_>,
    ) -> other::place::__private::Result<Self, other::place::__private::DecodeError> {
        other::place::__private::Ok(Self {
            norm: other::place::__private::decode::<Vec<f32>>(r, "norm")?,
            weight: other::place::__private::decode::<Weight>(r, "weight")?,
            r#type: other::place::__private::decode::<u8>(r, "type")?,
        })
    }
    fn view<'w>(
        &'w self,
        index: &'w other::place::__private::Index,
    ) -> BlockView<'w, other::place::__private::f32> {
        match self {
            Self { norm: f0, weight: f1, r#type: f2 } => {
                BlockView {
                    norm: <Vec<f32> as other::place::__private::Wire>::view(f0, index),
                    weight: <Weight as other::place::__private::Wire>::view(f1, index),
                    r#type: <u8 as other::place::__private::Wire>::view(f2, index),
                }
            }
        }
    }
    fn read<'w>(
        r: &mut other::place::__private::Reader<'w>,
        index: &'w other::place::__private::Index,
    ) -> other::place::__private::Result<
        BlockView<'w, other::place::__private::f32>,
        other::place::__private::DecodeError,
    > {
        other::place::__private::Ok(BlockView {
            norm: other::place::__private::read::<Vec<f32>>(r, index, "norm")?,
            weight: other::place::__private::read::<Weight>(r, index, "weight")?,
            r#type: other::place::__private::read::<u8>(r, index, "type")?,
        })
    }
    fn read_mut<'w>(
        r: &mut other::place::__private::ReaderMut<'w>,
    ) -> other::place::__private::Result<
        BlockViewMut<'w>,
        other::place::__private::DecodeError,
    > {
        other::place::__private::Ok(BlockViewMut {
            norm: other::place::__private::read_mut::<Vec<f32>>(r, "norm")?,
            weight: other::place::__private::read_mut::<Weight>(r, "weight")?,
            r#type: other::place::__private::read_mut::<u8>(r, "type")?,
        })
    }
}
#[automatically_derived]
impl other::place::__private::Element for Block {
    type Kind = other::place::__private::Walked;
}
