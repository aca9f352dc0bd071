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
const _: () = {
    use ::barewire::__private;
    type __F0 = (f32, super::Kernel);
    type __F1 = ([f32; 2], bool);
    #[automatically_derived]
    impl<'w, P: __private::Copy + 'static> __private::Copy for NeuronView<'w, P> {}
    #[automatically_derived]
    impl<'w, P: __private::Copy + 'static> __private::Clone for NeuronView<'w, P> {
        #[inline]
        fn clone(&self) -> Self {
            *self
        }
    }
    #[allow(dead_code)]
    impl<'w, P: __private::Copy + 'static> NeuronView<'w, P> {
        /// The tag on the wire.
        #[inline]
        pub const fn tag(&self) -> __private::u32 {
            match self {
                Self::Lif { .. } => 0,
                Self::Pair { .. } => 1,
                Self::Silent { .. } => 7,
            }
        }
    }
    #[automatically_derived]
    impl<'w> __private::Debug for NeuronView<'w, __private::f32> {
        #[inline]
        fn fmt(&self, f: &mut __private::fmt::Formatter<'_>) -> __private::fmt::Result {
            match self {
                Self::Lif { threshold: f0, kernel: f1 } => {
                    __private::fixed::plain::debug::<Neuron>(f, 0, &[f0, f1])
                }
                Self::Pair(f0, f1) => {
                    __private::fixed::plain::debug::<Neuron>(f, 1, &[f0, f1])
                }
                Self::Silent {} => __private::fixed::plain::debug::<Neuron>(f, 2, &[]),
            }
        }
    }
    #[automatically_derived]
    impl<'w> __private::Debug for NeuronViewMut<'w> {
        #[inline]
        fn fmt(&self, f: &mut __private::fmt::Formatter<'_>) -> __private::fmt::Result {
            match self {
                Self::Lif { threshold: f0, kernel: f1 } => {
                    __private::fixed::plain::debug::<Neuron>(f, 0, &[f0, f1])
                }
                Self::Pair(f0, f1) => {
                    __private::fixed::plain::debug::<Neuron>(f, 1, &[f0, f1])
                }
                Self::Silent {} => __private::fixed::plain::debug::<Neuron>(f, 2, &[]),
            }
        }
    }
    #[automatically_derived]
    #[allow(unused_variables, clippy::all)]
    impl __private::Wire for Neuron {
        type View<'w, P: __private::Copy + 'static> = NeuronView<'w, P>;
        type ViewMut<'w> = NeuronViewMut<'w>;
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
        ) -> NeuronView<'w, __private::f32> {
            __private::fixed::plain::view(self)
        }
        #[inline]
        fn read<'w>(
            r: &mut __private::Reader<'w>,
            index: &'w __private::Index,
        ) -> __private::Result<NeuronView<'w, __private::f32>, __private::DecodeError> {
            __private::fixed::plain::read::<Self>(r)
        }
        #[inline]
        fn read_mut<'w>(
            r: &mut __private::ReaderMut<'w>,
        ) -> __private::Result<NeuronViewMut<'w>, __private::DecodeError> {
            __private::fixed::plain::read_mut::<Self>(r)
        }
    }
    #[automatically_derived]
    impl __private::Element for Neuron {
        type Kind = __private::Walked;
    }
    #[automatically_derived]
    impl __private::Union for Neuron {
        const NAME: &'static __private::str = "Neuron";
        const VARIANTS: &'static [(__private::u32, &'static __private::str)] = &[
            (0, "Lif"),
            (1, "Pair"),
            (7, "Silent"),
        ];
        const RETIRED: &'static [__private::u32] = &[2];
        #[inline]
        fn tag(&self) -> __private::u32 {
            match self {
                Self::Lif { .. } => 0,
                Self::Pair { .. } => 1,
                Self::Silent { .. } => 7,
            }
        }
    }
    #[automatically_derived]
    impl<'w> __private::Copy for NeuronRun<'w> {}
    #[automatically_derived]
    impl<'w> __private::Clone for NeuronRun<'w> {
        #[inline]
        fn clone(&self) -> Self {
            *self
        }
    }
    #[automatically_derived]
    impl<'w> __private::Debug for NeuronRun<'w> {
        #[inline]
        fn fmt(&self, f: &mut __private::fmt::Formatter<'_>) -> __private::fmt::Result {
            match self {
                Self::Lif { threshold: f0, kernel: f1 } => {
                    __private::fixed::plain::debug::<Neuron>(f, 0, &[f0, f1])
                }
                Self::Pair(f0, f1) => {
                    __private::fixed::plain::debug::<Neuron>(f, 1, &[f0, f1])
                }
                Self::Silent {} => __private::fixed::plain::debug::<Neuron>(f, 2, &[]),
            }
        }
    }
    #[automatically_derived]
    #[allow(unused_variables, clippy::all)]
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
                    <__F0 as __private::fixed::FixedFields>::put((f0, f1), to);
                }
                Self::Pair(f0, f1) => {
                    __private::fixed::Sink::tag(to, 1);
                    <__F1 as __private::fixed::FixedFields>::put((f0, f1), to);
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
                    let (f0, f1) = <__F0 as __private::fixed::FixedFields>::take(from);
                    Self::Lif {
                        threshold: f0,
                        kernel: f1,
                    }
                }
                1 => {
                    let (f0, f1) = <__F1 as __private::fixed::FixedFields>::take(from);
                    Self::Pair(f0, f1)
                }
                _ => Self::Silent {},
            };
            __private::fixed::Cursor::leave::<Self>(from, start);
            value
        }
        #[inline(always)]
        fn look<'w>(
            from: &mut impl __private::fixed::Source,
        ) -> <Self as __private::Wire>::View<'w, __private::f32> {
            let start = __private::fixed::Cursor::enter::<Self>(from);
            let value = match __private::fixed::Source::tag(from) {
                0 => {
                    let (f0, f1) = <__F0 as __private::fixed::FixedFields>::look(from);
                    NeuronView::Lif {
                        threshold: f0,
                        kernel: f1,
                    }
                }
                1 => {
                    let (f0, f1) = <__F1 as __private::fixed::FixedFields>::look(from);
                    NeuronView::Pair(f0, f1)
                }
                _ => NeuronView::Silent {},
            };
            __private::fixed::Cursor::leave::<Self>(from, start);
            value
        }
        #[inline(always)]
        fn lend<'w>(
            from: &mut impl __private::fixed::Lender<'w>,
        ) -> <Self as __private::Wire>::ViewMut<'w> {
            let start = __private::fixed::Cursor::enter::<Self>(from);
            let value = match __private::fixed::Lender::tag(from) {
                0 => {
                    let (f0, f1) = <__F0 as __private::fixed::FixedFields>::lend(from);
                    NeuronViewMut::Lif {
                        threshold: f0,
                        kernel: f1,
                    }
                }
                1 => {
                    let (f0, f1) = <__F1 as __private::fixed::FixedFields>::lend(from);
                    NeuronViewMut::Pair(f0, f1)
                }
                _ => NeuronViewMut::Silent {},
            };
            __private::fixed::Cursor::leave::<Self>(from, start);
            value
        }
        #[inline]
        fn column<'w>(
            from: &mut __private::fixed::RunSource<'w>,
        ) -> <Self as __private::fixed::Fixed>::Column<'w> {
            __private::fixed::ColumnsView::of_field(from)
        }
        #[inline]
        fn column_mut<'w>(
            from: &mut __private::fixed::RunLender<'_, 'w>,
        ) -> <Self as __private::fixed::Fixed>::ColumnMut<'w> {
            __private::fixed::ColumnsViewMut::of_field(from)
        }
    }
    #[automatically_derived]
    #[allow(unused_variables, clippy::all)]
    impl __private::fixed::FixedType for Neuron {
        type Run<'w> = NeuronRun<'w>;
        type RunMut<'w> = NeuronRunMut<'w>;
        #[inline]
        fn run<'w>(
            tag: __private::u8,
            from: &mut __private::fixed::RunSource<'w>,
        ) -> NeuronRun<'w> {
            match tag {
                0 => {
                    let (f0, f1) = <__F0 as __private::fixed::FixedFields>::column(from);
                    NeuronRun::Lif {
                        threshold: f0,
                        kernel: f1,
                    }
                }
                1 => {
                    let (f0, f1) = <__F1 as __private::fixed::FixedFields>::column(from);
                    NeuronRun::Pair(f0, f1)
                }
                _ => NeuronRun::Silent {},
            }
        }
        #[inline]
        fn run_mut<'w>(
            tag: __private::u8,
            from: &mut __private::fixed::RunLender<'_, 'w>,
        ) -> NeuronRunMut<'w> {
            match tag {
                0 => {
                    let (f0, f1) = <__F0 as __private::fixed::FixedFields>::column_mut(
                        from,
                    );
                    NeuronRunMut::Lif {
                        threshold: f0,
                        kernel: f1,
                    }
                }
                1 => {
                    let (f0, f1) = <__F1 as __private::fixed::FixedFields>::column_mut(
                        from,
                    );
                    NeuronRunMut::Pair(f0, f1)
                }
                _ => NeuronRunMut::Silent {},
            }
        }
    }
};
