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
#[automatically_derived]
impl ::barewire::__private::Copy for KernelView {}
#[automatically_derived]
impl ::barewire::__private::Clone for KernelView {
    #[inline]
    fn clone(&self) -> Self {
        *self
    }
}
#[allow(dead_code)]
impl KernelView {
    /// The tag on the wire.
    #[inline]
    pub(crate) const fn tag(&self) -> ::barewire::__private::u32 {
        match self {
            Self::EluPlusOne { .. } => 0,
            Self::Relu { .. } => 1,
            Self::Exp { .. } => 200,
        }
    }
}
#[automatically_derived]
impl ::barewire::__private::Debug for KernelView {
    fn fmt(
        &self,
        f: &mut ::barewire::__private::fmt::Formatter<'_>,
    ) -> ::barewire::__private::fmt::Result {
        match self {
            Self::EluPlusOne {} => {
                ::barewire::__private::debug(f, "EluPlusOne", false, &[])
            }
            Self::Relu {} => ::barewire::__private::debug(f, "Relu", false, &[]),
            Self::Exp {} => ::barewire::__private::debug(f, "Exp", false, &[]),
        }
    }
}
#[automatically_derived]
impl ::barewire::__private::Debug for KernelViewMut {
    fn fmt(
        &self,
        f: &mut ::barewire::__private::fmt::Formatter<'_>,
    ) -> ::barewire::__private::fmt::Result {
        match self {
            Self::EluPlusOne {} => {
                ::barewire::__private::debug(f, "EluPlusOne", false, &[])
            }
            Self::Relu {} => ::barewire::__private::debug(f, "Relu", false, &[]),
            Self::Exp {} => ::barewire::__private::debug(f, "Exp", false, &[]),
        }
    }
}
#[automatically_derived]
#[allow(clippy::all)]
impl ::barewire::__private::Wire for Kernel {
    type View<'w, P: ::barewire::__private::Copy + 'static> = KernelView;
    type ViewMut<'w> = KernelViewMut;
    const MIN_LEN: ::barewire::__private::usize = ::barewire::__private::union_len(
        &[(0, 0), (1, 0), (200, 0)],
    );
    const ALIGN: ::barewire::__private::usize = ::barewire::__private::largest(&[]);
    fn schema(
        types: &mut ::barewire::__private::SchemaBuilder,
    ) -> ::barewire::__private::TypeRef {
        ::barewire::__private::union_schema(
            types,
            "Kernel",
            &[
                ::barewire::__private::VariantEntry {
                    name: "EluPlusOne",
                    exact: false,
                    tag: 0,
                    tuple: false,
                    fields: &[],
                },
                ::barewire::__private::VariantEntry {
                    name: "Relu",
                    exact: false,
                    tag: 1,
                    tuple: false,
                    fields: &[],
                },
                ::barewire::__private::VariantEntry {
                    name: "Exp",
                    exact: false,
                    tag: 200,
                    tuple: false,
                    fields: &[],
                },
            ],
        )
    }
    fn encode(&self, w: &mut ::barewire::__private::Writer) {
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
    fn decode(
        r: &mut ::barewire::__private::Reader<'_>,
    ) -> ::barewire::__private::Result<Self, ::barewire::__private::DecodeError> {
        let tag = r.open_union()?;
        let value = match tag {
            0 => Self::EluPlusOne {},
            1 => Self::Relu {},
            200 => Self::Exp {},
            _ => {
                return ::barewire::__private::Err(
                    ::barewire::__private::unknown_tag::<Self>(r, tag),
                );
            }
        };
        r.close_union();
        ::barewire::__private::Ok(value)
    }
    fn view<'w>(&'w self, index: &'w ::barewire::__private::Index) -> KernelView {
        match self {
            Self::EluPlusOne {} => KernelView::EluPlusOne {},
            Self::Relu {} => KernelView::Relu {},
            Self::Exp {} => KernelView::Exp {},
        }
    }
    fn read<'w>(
        r: &mut ::barewire::__private::Reader<'w>,
        index: &'w ::barewire::__private::Index,
    ) -> ::barewire::__private::Result<KernelView, ::barewire::__private::DecodeError> {
        let tag = r.open_union()?;
        let value = match tag {
            0 => KernelView::EluPlusOne {},
            1 => KernelView::Relu {},
            200 => KernelView::Exp {},
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
        KernelViewMut,
        ::barewire::__private::DecodeError,
    > {
        let tag = r.scan(|r| r.open_union())?;
        let value = match tag {
            0 => KernelViewMut::EluPlusOne {},
            1 => KernelViewMut::Relu {},
            200 => KernelViewMut::Exp {},
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
impl ::barewire::__private::Element for Kernel {
    type Kind = ::barewire::__private::Walked;
}
#[automatically_derived]
impl ::barewire::__private::Union for Kernel {
    const NAME: &'static ::barewire::__private::str = "Kernel";
    const VARIANTS: &'static [(
        ::barewire::__private::u32,
        &'static ::barewire::__private::str,
    )] = &[(0, "EluPlusOne"), (1, "Relu"), (200, "Exp")];
    fn tag(&self) -> ::barewire::__private::u32 {
        match self {
            Self::EluPlusOne { .. } => 0,
            Self::Relu { .. } => 1,
            Self::Exp { .. } => 200,
        }
    }
}
