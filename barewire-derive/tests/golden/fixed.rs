///A borrowed [`Neuron`]. The scalar parameter is that of stored float parameters: `f32` on the wire.
#[allow(missing_docs, dead_code, non_camel_case_types, non_snake_case, clippy::all)]
pub enum NeuronView<
    'w,
    P: ::barewire::__private::Copy + 'static = ::barewire::__private::f32,
> {
    Lif {
        threshold: <f32 as ::barewire::__private::Wire>::View<'w, P>,
        kernel: <super::Kernel as ::barewire::__private::Wire>::View<'w, P>,
    },
    Pair(
        <[f32; 2] as ::barewire::__private::Wire>::View<'w, P>,
        <bool as ::barewire::__private::Wire>::View<'w, P>,
    ),
    Silent,
}
///A borrowed [`Neuron`] whose numbers may be changed where they lie; its tag and lengths stay.
#[allow(missing_docs, dead_code, non_camel_case_types, non_snake_case, clippy::all)]
pub enum NeuronViewMut<'w> {
    Lif {
        threshold: <f32 as ::barewire::__private::Wire>::ViewMut<'w>,
        kernel: <super::Kernel as ::barewire::__private::Wire>::ViewMut<'w>,
    },
    Pair(
        <[f32; 2] as ::barewire::__private::Wire>::ViewMut<'w>,
        <bool as ::barewire::__private::Wire>::ViewMut<'w>,
    ),
    Silent,
}
#[automatically_derived]
impl<'w, P: ::barewire::__private::Copy + 'static> ::barewire::__private::Copy
for NeuronView<'w, P> {}
#[automatically_derived]
impl<'w, P: ::barewire::__private::Copy + 'static> ::barewire::__private::Clone
for NeuronView<'w, P> {
    #[inline]
    fn clone(&self) -> Self {
        *self
    }
}
#[allow(dead_code)]
impl<'w, P: ::barewire::__private::Copy + 'static> NeuronView<'w, P> {
    /// The tag on the wire.
    #[inline]
    pub const fn tag(&self) -> ::barewire::__private::u32 {
        match self {
            Self::Lif { .. } => 0,
            Self::Pair { .. } => 1,
            Self::Silent { .. } => 7,
        }
    }
}
#[automatically_derived]
impl<'w> ::barewire::__private::Debug for NeuronView<'w, ::barewire::__private::f32> {
    fn fmt(
        &self,
        f: &mut ::barewire::__private::fmt::Formatter<'_>,
    ) -> ::barewire::__private::fmt::Result {
        match self {
            Self::Lif { threshold: f0, kernel: f1 } => {
                ::barewire::__private::debug(
                    f,
                    "Lif",
                    false,
                    &[("threshold", f0), ("kernel", f1)],
                )
            }
            Self::Pair(f0, f1) => {
                ::barewire::__private::debug(f, "Pair", true, &[("f0", f0), ("f1", f1)])
            }
            Self::Silent {} => ::barewire::__private::debug(f, "Silent", false, &[]),
        }
    }
}
#[automatically_derived]
impl<'w> ::barewire::__private::Debug for NeuronViewMut<'w> {
    fn fmt(
        &self,
        f: &mut ::barewire::__private::fmt::Formatter<'_>,
    ) -> ::barewire::__private::fmt::Result {
        match self {
            Self::Lif { threshold: f0, kernel: f1 } => {
                ::barewire::__private::debug(
                    f,
                    "Lif",
                    false,
                    &[("threshold", f0), ("kernel", f1)],
                )
            }
            Self::Pair(f0, f1) => {
                ::barewire::__private::debug(f, "Pair", true, &[("f0", f0), ("f1", f1)])
            }
            Self::Silent {} => ::barewire::__private::debug(f, "Silent", false, &[]),
        }
    }
}
#[automatically_derived]
#[allow(clippy::all)]
impl ::barewire::__private::Wire for Neuron {
    type View<'w, P: ::barewire::__private::Copy + 'static> = NeuronView<'w, P>;
    type ViewMut<'w> = NeuronViewMut<'w>;
    const MIN_LEN: ::barewire::__private::usize = ::barewire::__private::union_len(
        &[
            (
                0,
                <f32 as ::barewire::__private::Wire>::MIN_LEN
                    + <super::Kernel as ::barewire::__private::Wire>::MIN_LEN,
            ),
            (
                1,
                <[f32; 2] as ::barewire::__private::Wire>::MIN_LEN
                    + <bool as ::barewire::__private::Wire>::MIN_LEN,
            ),
            (7, 0),
        ],
    );
    const ALIGN: ::barewire::__private::usize = ::barewire::__private::largest(
        &[
            <f32 as ::barewire::__private::Wire>::ALIGN,
            <super::Kernel as ::barewire::__private::Wire>::ALIGN,
            <[f32; 2] as ::barewire::__private::Wire>::ALIGN,
            <bool as ::barewire::__private::Wire>::ALIGN,
        ],
    );
    fn schema(
        types: &mut ::barewire::__private::SchemaBuilder,
    ) -> ::barewire::__private::TypeRef {
        ::barewire::__private::fixed::schema::<Self>(types)
    }
    fn encode(&self, w: &mut ::barewire::__private::Writer) {
        match self {
            Self::Lif { threshold: f0, kernel: f1 } => {
                w.open_union(0);
                <f32 as ::barewire::__private::Wire>::encode(f0, w);
                <super::Kernel as ::barewire::__private::Wire>::encode(f1, w);
            }
            Self::Pair(f0, f1) => {
                w.open_union(1);
                <[f32; 2] as ::barewire::__private::Wire>::encode(f0, w);
                <bool as ::barewire::__private::Wire>::encode(f1, w);
            }
            Self::Silent {} => {
                w.open_union(7);
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
                Self::Lif {
                    threshold: ::barewire::__private::decode::<f32>(r, "Lif.threshold")?,
                    kernel: ::barewire::__private::decode::<
                        super::Kernel,
                    >(r, "Lif.kernel")?,
                }
            }
            1 => {
                Self::Pair(
                    ::barewire::__private::decode::<[f32; 2]>(r, "Pair.f0")?,
                    ::barewire::__private::decode::<bool>(r, "Pair.f1")?,
                )
            }
            7 => Self::Silent {},
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
    ) -> NeuronView<'w, ::barewire::__private::f32> {
        match self {
            Self::Lif { threshold: f0, kernel: f1 } => {
                NeuronView::Lif {
                    threshold: <f32 as ::barewire::__private::Wire>::view(f0, index),
                    kernel: <super::Kernel as ::barewire::__private::Wire>::view(
                        f1,
                        index,
                    ),
                }
            }
            Self::Pair(f0, f1) => {
                NeuronView::Pair(
                    <[f32; 2] as ::barewire::__private::Wire>::view(f0, index),
                    <bool as ::barewire::__private::Wire>::view(f1, index),
                )
            }
            Self::Silent {} => NeuronView::Silent {},
        }
    }
    fn read<'w>(
        r: &mut ::barewire::__private::Reader<'w>,
        index: &'w ::barewire::__private::Index,
    ) -> ::barewire::__private::Result<
        NeuronView<'w, ::barewire::__private::f32>,
        ::barewire::__private::DecodeError,
    > {
        let tag = r.open_union()?;
        let value = match tag {
            0 => {
                NeuronView::Lif {
                    threshold: ::barewire::__private::read::<
                        f32,
                    >(r, index, "Lif.threshold")?,
                    kernel: ::barewire::__private::read::<
                        super::Kernel,
                    >(r, index, "Lif.kernel")?,
                }
            }
            1 => {
                NeuronView::Pair(
                    ::barewire::__private::read::<[f32; 2]>(r, index, "Pair.f0")?,
                    ::barewire::__private::read::<bool>(r, index, "Pair.f1")?,
                )
            }
            7 => NeuronView::Silent {},
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
        NeuronViewMut<'w>,
        ::barewire::__private::DecodeError,
    > {
        let tag = r.scan(|r| r.open_union())?;
        let value = match tag {
            0 => {
                NeuronViewMut::Lif {
                    threshold: ::barewire::__private::read_mut::<
                        f32,
                    >(r, "Lif.threshold")?,
                    kernel: ::barewire::__private::read_mut::<
                        super::Kernel,
                    >(r, "Lif.kernel")?,
                }
            }
            1 => {
                NeuronViewMut::Pair(
                    ::barewire::__private::read_mut::<[f32; 2]>(r, "Pair.f0")?,
                    ::barewire::__private::read_mut::<bool>(r, "Pair.f1")?,
                )
            }
            7 => NeuronViewMut::Silent {},
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
impl ::barewire::__private::Element for Neuron {
    type Kind = ::barewire::__private::Walked;
}
#[automatically_derived]
impl ::barewire::__private::Union for Neuron {
    const NAME: &'static ::barewire::__private::str = "Neuron";
    const VARIANTS: &'static [(
        ::barewire::__private::u32,
        &'static ::barewire::__private::str,
    )] = &[(0, "Lif"), (1, "Pair"), (7, "Silent")];
    const RETIRED: &'static [::barewire::__private::u32] = &[2];
    fn tag(&self) -> ::barewire::__private::u32 {
        match self {
            Self::Lif { .. } => 0,
            Self::Pair { .. } => 1,
            Self::Silent { .. } => 7,
        }
    }
}
///Many [`Neuron`]s of one variant: a slice, or what stands for it, for each field.
#[allow(missing_docs, dead_code, non_camel_case_types, non_snake_case, clippy::all)]
pub enum NeuronRun<'w> {
    Lif {
        threshold: <f32 as ::barewire::__private::fixed::Fixed>::Column<'w>,
        kernel: <super::Kernel as ::barewire::__private::fixed::Fixed>::Column<'w>,
    },
    Pair(
        <[f32; 2] as ::barewire::__private::fixed::Fixed>::Column<'w>,
        <bool as ::barewire::__private::fixed::Fixed>::Column<'w>,
    ),
    Silent,
}
///Many [`Neuron`]s of one variant, whose fields may be changed where they lie.
#[allow(missing_docs, dead_code, non_camel_case_types, non_snake_case, clippy::all)]
pub enum NeuronRunMut<'w> {
    Lif {
        threshold: <f32 as ::barewire::__private::fixed::Fixed>::ColumnMut<'w>,
        kernel: <super::Kernel as ::barewire::__private::fixed::Fixed>::ColumnMut<'w>,
    },
    Pair(
        <[f32; 2] as ::barewire::__private::fixed::Fixed>::ColumnMut<'w>,
        <bool as ::barewire::__private::fixed::Fixed>::ColumnMut<'w>,
    ),
    Silent,
}
#[automatically_derived]
impl<'w> ::barewire::__private::Copy for NeuronRun<'w> {}
#[automatically_derived]
impl<'w> ::barewire::__private::Clone for NeuronRun<'w> {
    #[inline]
    fn clone(&self) -> Self {
        *self
    }
}
#[automatically_derived]
impl<'w> ::barewire::__private::Debug for NeuronRun<'w> {
    fn fmt(
        &self,
        f: &mut ::barewire::__private::fmt::Formatter<'_>,
    ) -> ::barewire::__private::fmt::Result {
        match self {
            Self::Lif { threshold: f0, kernel: f1 } => {
                ::barewire::__private::debug(
                    f,
                    "Lif",
                    false,
                    &[("threshold", f0), ("kernel", f1)],
                )
            }
            Self::Pair(f0, f1) => {
                ::barewire::__private::debug(f, "Pair", true, &[("f0", f0), ("f1", f1)])
            }
            Self::Silent {} => ::barewire::__private::debug(f, "Silent", false, &[]),
        }
    }
}
const _: () = {
    use ::barewire::__private;
    #[automatically_derived]
    #[allow(clippy::all)]
    impl __private::fixed::Fixed for Neuron {
        const SHAPE: __private::fixed::Shape = __private::fixed::Shape::Union(
            &__private::fixed::UnionShape {
                name: "Neuron",
                variants: &[
                    __private::fixed::variant(
                        0,
                        "Lif",
                        "NeuronLif",
                        false,
                        false,
                        &[
                            __private::fixed::field::<f32>("threshold"),
                            __private::fixed::field::<super::Kernel>("kernel"),
                        ],
                    ),
                    __private::fixed::variant(
                        1,
                        "Pair",
                        "NeuronPair",
                        false,
                        true,
                        &[
                            __private::fixed::field::<[f32; 2]>("f0"),
                            __private::fixed::renamed::<bool>("f1", "on"),
                        ],
                    ),
                    __private::fixed::variant(
                        7,
                        "Silent",
                        "NeuronSilent",
                        false,
                        false,
                        &[],
                    ),
                ],
                retired: &[2],
            },
        );
        type Column<'w> = __private::fixed::ColumnsView<'w, Self>;
        type ColumnMut<'w> = __private::fixed::ColumnsViewMut<'w, Self>;
        #[inline(always)]
        fn put(&self, to: &mut impl __private::fixed::Sink) {
            let start = __private::fixed::Cursor::enter::<Self>(to);
            match self {
                Self::Lif { threshold: f0, kernel: f1 } => {
                    __private::fixed::Sink::tag(to, 0);
                    <f32 as __private::fixed::Fixed>::put(f0, to);
                    <super::Kernel as __private::fixed::Fixed>::put(f1, to);
                }
                Self::Pair(f0, f1) => {
                    __private::fixed::Sink::tag(to, 1);
                    <[f32; 2] as __private::fixed::Fixed>::put(f0, to);
                    <bool as __private::fixed::Fixed>::put(f1, to);
                }
                Self::Silent {} => {
                    __private::fixed::Sink::tag(to, 7);
                }
            }
            __private::fixed::Cursor::leave::<Self>(to, start);
        }
        #[inline(always)]
        fn take(from: &mut impl __private::fixed::Source) -> Self {
            let start = __private::fixed::Cursor::enter::<Self>(from);
            let value = match __private::fixed::Source::tag(from) {
                0 => {
                    Self::Lif {
                        threshold: <f32 as __private::fixed::Fixed>::take(from),
                        kernel: <super::Kernel as __private::fixed::Fixed>::take(from),
                    }
                }
                1 => {
                    Self::Pair(
                        <[f32; 2] as __private::fixed::Fixed>::take(from),
                        <bool as __private::fixed::Fixed>::take(from),
                    )
                }
                _ => Self::Silent {},
            };
            __private::fixed::Cursor::leave::<Self>(from, start);
            value
        }
        #[inline(always)]
        fn look<'w>(
            from: &mut impl __private::fixed::Source,
        ) -> Self::View<'w, __private::f32> {
            let start = __private::fixed::Cursor::enter::<Self>(from);
            let value = match __private::fixed::Source::tag(from) {
                0 => {
                    NeuronView::Lif {
                        threshold: <f32 as __private::fixed::Fixed>::look(from),
                        kernel: <super::Kernel as __private::fixed::Fixed>::look(from),
                    }
                }
                1 => {
                    NeuronView::Pair(
                        <[f32; 2] as __private::fixed::Fixed>::look(from),
                        <bool as __private::fixed::Fixed>::look(from),
                    )
                }
                _ => NeuronView::Silent {},
            };
            __private::fixed::Cursor::leave::<Self>(from, start);
            value
        }
        #[inline(always)]
        fn lend<'w>(from: &mut impl __private::fixed::Lender<'w>) -> Self::ViewMut<'w> {
            let start = __private::fixed::Cursor::enter::<Self>(from);
            let value = match __private::fixed::Lender::tag(from) {
                0 => {
                    NeuronViewMut::Lif {
                        threshold: <f32 as __private::fixed::Fixed>::lend(from),
                        kernel: <super::Kernel as __private::fixed::Fixed>::lend(from),
                    }
                }
                1 => {
                    NeuronViewMut::Pair(
                        <[f32; 2] as __private::fixed::Fixed>::lend(from),
                        <bool as __private::fixed::Fixed>::lend(from),
                    )
                }
                _ => NeuronViewMut::Silent {},
            };
            __private::fixed::Cursor::leave::<Self>(from, start);
            value
        }
        fn column<'w>(from: &mut __private::fixed::RunSource<'w>) -> Self::Column<'w> {
            __private::fixed::ColumnsView::of_field(from)
        }
        fn column_mut<'w>(
            from: &mut __private::fixed::RunLender<'_, 'w>,
        ) -> Self::ColumnMut<'w> {
            __private::fixed::ColumnsViewMut::of_field(from)
        }
    }
    #[automatically_derived]
    #[allow(clippy::all)]
    impl __private::fixed::FixedType for Neuron {
        type Run<'w> = NeuronRun<'w>;
        type RunMut<'w> = NeuronRunMut<'w>;
        fn run<'w>(
            tag: __private::u8,
            from: &mut __private::fixed::RunSource<'w>,
        ) -> NeuronRun<'w> {
            match tag {
                0 => {
                    NeuronRun::Lif {
                        threshold: <f32 as __private::fixed::Fixed>::column(from),
                        kernel: <super::Kernel as __private::fixed::Fixed>::column(from),
                    }
                }
                1 => {
                    NeuronRun::Pair(
                        <[f32; 2] as __private::fixed::Fixed>::column(from),
                        <bool as __private::fixed::Fixed>::column(from),
                    )
                }
                _ => NeuronRun::Silent {},
            }
        }
        fn run_mut<'w>(
            tag: __private::u8,
            from: &mut __private::fixed::RunLender<'_, 'w>,
        ) -> NeuronRunMut<'w> {
            match tag {
                0 => {
                    NeuronRunMut::Lif {
                        threshold: <f32 as __private::fixed::Fixed>::column_mut(from),
                        kernel: <super::Kernel as __private::fixed::Fixed>::column_mut(
                            from,
                        ),
                    }
                }
                1 => {
                    NeuronRunMut::Pair(
                        <[f32; 2] as __private::fixed::Fixed>::column_mut(from),
                        <bool as __private::fixed::Fixed>::column_mut(from),
                    )
                }
                _ => NeuronRunMut::Silent {},
            }
        }
    }
};
