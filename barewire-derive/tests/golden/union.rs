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
#[automatically_derived]
impl<'w, P: ::barewire::__private::Copy + 'static> ::barewire::__private::Copy
for WeightView<'w, P> {}
#[automatically_derived]
impl<'w, P: ::barewire::__private::Copy + 'static> ::barewire::__private::Clone
for WeightView<'w, P> {
    #[inline]
    fn clone(&self) -> Self {
        *self
    }
}
#[allow(dead_code)]
impl<'w, P: ::barewire::__private::Copy + 'static> WeightView<'w, P> {
    /// The tag on the wire.
    #[inline]
    pub const fn tag(&self) -> ::barewire::__private::u32 {
        match self {
            Self::Ternary { .. } => 0,
            Self::Zero { .. } => 3,
            Self::Dense { .. } => 7,
        }
    }
}
#[automatically_derived]
impl<'w> ::barewire::__private::Debug for WeightView<'w, ::barewire::__private::f32> {
    fn fmt(
        &self,
        f: &mut ::barewire::__private::fmt::Formatter<'_>,
    ) -> ::barewire::__private::fmt::Result {
        match self {
            Self::Ternary { digits: f0, scale: f1 } => {
                ::barewire::__private::debug(
                    f,
                    "Ternary",
                    false,
                    &[("digits", f0), ("scale", f1)],
                )
            }
            Self::Zero {} => ::barewire::__private::debug(f, "Zero", false, &[]),
            Self::Dense(f0, f1) => {
                ::barewire::__private::debug(f, "Dense", true, &[("f0", f0), ("f1", f1)])
            }
        }
    }
}
#[automatically_derived]
impl<'w> ::barewire::__private::Debug for WeightViewMut<'w> {
    fn fmt(
        &self,
        f: &mut ::barewire::__private::fmt::Formatter<'_>,
    ) -> ::barewire::__private::fmt::Result {
        match self {
            Self::Ternary { digits: f0, scale: f1 } => {
                ::barewire::__private::debug(
                    f,
                    "Ternary",
                    false,
                    &[("digits", f0), ("scale", f1)],
                )
            }
            Self::Zero {} => ::barewire::__private::debug(f, "Zero", false, &[]),
            Self::Dense(f0, f1) => {
                ::barewire::__private::debug(f, "Dense", true, &[("f0", f0), ("f1", f1)])
            }
        }
    }
}
#[automatically_derived]
#[allow(clippy::all)]
impl ::barewire::__private::Wire for Weight {
    type View<'w, P: ::barewire::__private::Copy + 'static> = WeightView<'w, P>;
    type ViewMut<'w> = WeightViewMut<'w>;
    const MIN_LEN: ::barewire::__private::usize = ::barewire::__private::union_len(
        &[
            (
                0,
                <TernaryMatrix as ::barewire::__private::Wire>::MIN_LEN
                    + <f32 as ::barewire::__private::Wire>::MIN_LEN,
            ),
            (3, 0),
            (
                7,
                <Matrix<f32> as ::barewire::__private::Wire>::MIN_LEN
                    + <Vec<f32> as ::barewire::__private::Wire>::MIN_LEN,
            ),
        ],
    );
    const ALIGN: ::barewire::__private::usize = ::barewire::__private::largest(
        &[
            <TernaryMatrix as ::barewire::__private::Wire>::ALIGN,
            <f32 as ::barewire::__private::Wire>::ALIGN,
            256,
            <Vec<f32> as ::barewire::__private::Wire>::ALIGN,
        ],
    );
    fn schema(
        types: &mut ::barewire::__private::SchemaBuilder,
    ) -> ::barewire::__private::TypeRef {
        ::barewire::__private::union_schema(
            types,
            "Weight",
            &[
                ::barewire::__private::VariantEntry {
                    name: "WeightTernary",
                    exact: false,
                    tag: 0,
                    tuple: false,
                    fields: &[
                        ::barewire::__private::FieldEntry {
                            name: "digits",
                            exact: false,
                            align: 64,
                            ty: <TernaryMatrix as ::barewire::__private::Wire>::schema,
                        },
                        ::barewire::__private::FieldEntry {
                            name: "scale",
                            exact: false,
                            align: 64,
                            ty: <f32 as ::barewire::__private::Wire>::schema,
                        },
                    ],
                },
                ::barewire::__private::VariantEntry {
                    name: "WeightZero",
                    exact: false,
                    tag: 3,
                    tuple: false,
                    fields: &[],
                },
                ::barewire::__private::VariantEntry {
                    name: "WeightDense",
                    exact: false,
                    tag: 7,
                    tuple: true,
                    fields: &[
                        ::barewire::__private::FieldEntry {
                            name: "f0",
                            exact: false,
                            align: 256,
                            ty: <Matrix<f32> as ::barewire::__private::Wire>::schema,
                        },
                        ::barewire::__private::FieldEntry {
                            name: "f1",
                            exact: false,
                            align: 64,
                            ty: <Vec<f32> as ::barewire::__private::Wire>::schema,
                        },
                    ],
                },
            ],
        )
    }
    fn encode(&self, w: &mut ::barewire::__private::Writer) {
        match self {
            Self::Ternary { digits: f0, scale: f1 } => {
                w.open_union(0);
                <TernaryMatrix as ::barewire::__private::Wire>::encode(f0, w);
                <f32 as ::barewire::__private::Wire>::encode(f1, w);
            }
            Self::Zero {} => {
                w.open_union(3);
            }
            Self::Dense(f0, f1) => {
                w.open_union(7);
                ::barewire::__private::encode_aligned::<Matrix<f32>>(f0, w, 256);
                <Vec<f32> as ::barewire::__private::Wire>::encode(f1, w);
            }
        }
        w.close_union();
    }
    fn decode(
        r: &mut ::barewire::__private::Reader<'_>,
    ) -> ::barewire::__private::Result<Self, ::barewire::__private::DecodeError> {
        let tag = r.open_union()?;
        let value = match tag {
            0 => {
                Self::Ternary {
                    digits: ::barewire::__private::decode::<
                        TernaryMatrix,
                    >(r, "Ternary.digits")?,
                    scale: ::barewire::__private::decode::<f32>(r, "Ternary.scale")?,
                }
            }
            3 => Self::Zero {},
            7 => {
                Self::Dense(
                    ::barewire::__private::decode_aligned::<
                        Matrix<f32>,
                    >(r, "Dense.f0", 256)?,
                    ::barewire::__private::decode::<Vec<f32>>(r, "Dense.f1")?,
                )
            }
            _ => {
                return ::barewire::__private::Err(
                    ::barewire::__private::unknown_tag::<Self>(r, tag),
                );
            }
        };
        r.close_union();
        ::barewire::__private::Ok(value)
    }
    fn view<'w>(
        &'w self,
        index: &'w ::barewire::__private::Index,
    ) -> WeightView<'w, ::barewire::__private::f32> {
        match self {
            Self::Ternary { digits: f0, scale: f1 } => {
                WeightView::Ternary {
                    digits: <TernaryMatrix as ::barewire::__private::Wire>::view(
                        f0,
                        index,
                    ),
                    scale: <f32 as ::barewire::__private::Wire>::view(f1, index),
                }
            }
            Self::Zero {} => WeightView::Zero {},
            Self::Dense(f0, f1) => {
                WeightView::Dense(
                    <Matrix<f32> as ::barewire::__private::Wire>::view(f0, index),
                    <Vec<f32> as ::barewire::__private::Wire>::view(f1, index),
                )
            }
        }
    }
    fn read<'w>(
        r: &mut ::barewire::__private::Reader<'w>,
        index: &'w ::barewire::__private::Index,
    ) -> ::barewire::__private::Result<
        WeightView<'w, ::barewire::__private::f32>,
        ::barewire::__private::DecodeError,
    > {
        let tag = r.open_union()?;
        let value = match tag {
            0 => {
                WeightView::Ternary {
                    digits: ::barewire::__private::read::<
                        TernaryMatrix,
                    >(r, index, "Ternary.digits")?,
                    scale: ::barewire::__private::read::<f32>(r, index, "Ternary.scale")?,
                }
            }
            3 => WeightView::Zero {},
            7 => {
                WeightView::Dense(
                    ::barewire::__private::read_aligned::<
                        Matrix<f32>,
                    >(r, index, "Dense.f0", 256)?,
                    ::barewire::__private::read::<Vec<f32>>(r, index, "Dense.f1")?,
                )
            }
            _ => {
                return ::barewire::__private::Err(
                    ::barewire::__private::unknown_tag::<Self>(r, tag),
                );
            }
        };
        r.close_union();
        ::barewire::__private::Ok(value)
    }
    fn read_mut<'w>(
        r: &mut ::barewire::__private::ReaderMut<'w>,
    ) -> ::barewire::__private::Result<
        WeightViewMut<'w>,
        ::barewire::__private::DecodeError,
    > {
        let tag = r.scan(|r| r.open_union())?;
        let value = match tag {
            0 => {
                WeightViewMut::Ternary {
                    digits: ::barewire::__private::read_mut::<
                        TernaryMatrix,
                    >(r, "Ternary.digits")?,
                    scale: ::barewire::__private::read_mut::<f32>(r, "Ternary.scale")?,
                }
            }
            3 => WeightViewMut::Zero {},
            7 => {
                WeightViewMut::Dense(
                    ::barewire::__private::read_mut_aligned::<
                        Matrix<f32>,
                    >(r, "Dense.f0", 256)?,
                    ::barewire::__private::read_mut::<Vec<f32>>(r, "Dense.f1")?,
                )
            }
            _ => {
                return ::barewire::__private::Err(
                    ::barewire::__private::unknown_tag_mut::<Self>(r, tag),
                );
            }
        };
        ::barewire::__private::Ok(value)
    }
}
#[automatically_derived]
impl ::barewire::__private::Element for Weight {
    type Kind = ::barewire::__private::Walked;
}
#[automatically_derived]
impl ::barewire::__private::Union for Weight {
    const NAME: &'static ::barewire::__private::str = "Weight";
    const VARIANTS: &'static [(
        ::barewire::__private::u32,
        &'static ::barewire::__private::str,
    )] = &[(0, "Ternary"), (3, "Zero"), (7, "Dense")];
    fn tag(&self) -> ::barewire::__private::u32 {
        match self {
            Self::Ternary { .. } => 0,
            Self::Zero { .. } => 3,
            Self::Dense { .. } => 7,
        }
    }
}
