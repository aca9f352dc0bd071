//! Rows: one slot for each element.

use alloc::vec::Vec;
use core::fmt;
use core::marker::PhantomData;
use core::ops::Range;

use super::check::{check_slots, not_zero};
use super::cursor::{InSlot, SlotLender, SlotSink, SlotSource};
use super::runs::Run;
use super::shared::{reading, standard, writing};
use super::{FixedType, SetError, in_place, is_union, schema, tag_of, variant_name};
use crate::wire::list::{Element, Walked};
use crate::wire::{AlignedVec, DecodeError, Index, Reader, ReaderMut, SchemaBuilder, TypeRef, Wire, Writer};

/// Fixed-size values in slots of equal length, one behind the other: rows.
///
/// A slot is a BARE union whose variants are structs with gaps, `data[N]` of zeros, so that numbers lie at multiples of their
/// size and all slots have one length. The list starts at a multiple of 64.
///
/// ```
/// use barewire_core::wire::{Slots, from_message, to_message, view_message_mut};
/// # use barewire_derive::BareUnion;
///
/// #[derive(BareUnion, Debug, PartialEq)]
/// #[bare(fixed_size)]
/// # #[bare(crate = barewire_core)]
/// enum Neuron {
///     Lif { threshold: f32, decay: f32 },
///     Silent,
/// }
///
/// # fn main() {
/// let neurons = vec![Neuron::Lif { threshold: 1.0, decay: 0.5 }, Neuron::Silent];
/// let mut message = to_message(&Slots::from_vec(neurons));
///
/// let mut slots = view_message_mut::<Slots<Neuron>>(&mut message).unwrap();
/// if let Some(NeuronViewMut::Lif { threshold, .. }) = slots.get_mut(0) {
///     threshold.set(2.0); // in the message itself
/// }
/// slots.set_variant(1, &Neuron::Lif { threshold: 3.0, decay: 0.25 }).unwrap();
///
/// let slots = from_message::<Slots<Neuron>>(&message).unwrap();
/// assert_eq!(slots.value(0), Some(Neuron::Lif { threshold: 2.0, decay: 0.5 }));
/// assert_eq!(slots.tag(1), Some(0));
/// # }
/// ```
pub struct Slots<T> {
    octets: AlignedVec<u8>,
    of: PhantomData<fn() -> T>,
}

/// Borrowed [`Slots`].
pub struct SlotsView<'w, T> {
    octets: &'w [u8],
    of: PhantomData<fn() -> T>,
}

/// Borrowed [`Slots`] whose elements may be changed where they lie.
pub struct SlotsViewMut<'w, T> {
    octets: &'w mut [u8],
    of: PhantomData<fn() -> T>,
}

impl<T> Copy for SlotsView<'_, T> {}

impl<T> Clone for SlotsView<'_, T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<'w, T: FixedType> SlotsView<'w, T> {
    /// Octets of a slot: a multiple of its largest number's size.
    pub const SLOT_LEN: usize = T::PLACE.size;

    fn new(octets: &'w [u8]) -> Self {
        Self { octets, of: PhantomData }
    }

    #[inline(always)]
    fn count(&self) -> usize {
        self.octets.len() / Self::SLOT_LEN
    }

    #[inline(always)]
    fn source(self, i: usize) -> SlotSource<'w> {
        SlotSource { slot: &self.octets[i * Self::SLOT_LEN..][..Self::SLOT_LEN], at: InSlot::default() }
    }

    #[inline(always)]
    fn tag_at(self, i: usize) -> u8 {
        if is_union::<T>() { self.octets[i * Self::SLOT_LEN] } else { 0 }
    }

    #[inline(always)]
    fn look_at(self, i: usize) -> T::View<'w, f32> {
        T::look(&mut self.source(i))
    }

    #[inline(always)]
    fn take_at(self, i: usize) -> T {
        T::take(&mut self.source(i))
    }

    fn as_view(&self) -> Self {
        *self
    }

    reading!(SlotsView);

    /// The octets of all slots.
    pub fn octets(&self) -> &'w [u8] {
        self.octets
    }

    /// Elements `rows`.
    ///
    /// # Panics
    /// If they are not all there, as a slice does.
    pub fn slice(&self, rows: Range<usize>) -> Self {
        Self::new(&self.octets[rows.start * Self::SLOT_LEN..rows.end * Self::SLOT_LEN])
    }

    /// Neighbours of one variant together, in the order of the list.
    pub fn runs(&self) -> impl Iterator<Item = Run<Self>> {
        let (all, mut at) = (*self, 0);
        core::iter::from_fn(move || {
            let start = at;
            (start < all.count()).then(|| {
                at = all.run_end(start);
                all.run(start..at)
            })
        })
    }

    /// Where the run ends that begins at an element.
    pub(super) fn run_end(self, start: usize) -> usize {
        let tag = self.tag_at(start);
        (start..self.count()).find(|&i| self.tag_at(i) != tag).unwrap_or(self.count())
    }

    /// Elements of one variant.
    pub(super) fn run(self, rows: Range<usize>) -> Run<Self> {
        Run { tag: self.tag_at(rows.start).into(), cells: self.slice(rows.clone()), rows }
    }

    /// Requires zeros where no field is.
    fn check_gaps(self, offset: u64) -> Result<(), DecodeError> {
        let mut canonical = AlignedVec::zeroed(Self::SLOT_LEN);
        for (i, slot) in self.octets.chunks_exact(Self::SLOT_LEN).enumerate() {
            canonical.fill(0);
            self.take_at(i).put(&mut SlotSink { slot: &mut canonical, at: InSlot::default() });
            if let Some(k) = canonical.iter().zip(slot).position(|(zero, found)| zero != found) {
                return Err(not_zero(offset + (i * Self::SLOT_LEN + k) as u64, slot[k]).at_index(i));
            }
        }
        Ok(())
    }
}

impl<T: FixedType> Slots<T> {
    /// No elements.
    pub fn new() -> Self {
        Self { octets: AlignedVec::default(), of: PhantomData }
    }

    /// The elements of a slice.
    pub fn from_slice(values: &[T]) -> Self {
        let mut octets = AlignedVec::zeroed(values.len() * T::PLACE.size);
        fill(values, &mut octets);
        Self { octets, of: PhantomData }
    }

    /// The elements of a `Vec`.
    pub fn from_vec(values: Vec<T>) -> Self {
        Self::from_slice(&values)
    }

    /// Writes the elements of a slice as slots, without the copy that [`from_slice`](Self::from_slice) makes.
    pub fn encode_slice(values: &[T], w: &mut Writer) {
        w.pad_list(values.len() as u64);
        fill(values, w.grow(values.len() * T::PLACE.size));
    }

    /// Appends an element.
    pub fn push(&mut self, value: T) {
        let len = self.octets.len();
        self.octets.resize(len + T::PLACE.size);
        value.put(&mut SlotSink { slot: &mut self.octets[len..], at: InSlot::default() });
    }

    /// All elements, borrowed.
    #[inline(always)]
    pub fn as_view(&self) -> SlotsView<'_, T> {
        SlotsView::new(&self.octets)
    }

    /// All elements, borrowed for change.
    #[inline(always)]
    pub fn as_view_mut(&mut self) -> SlotsViewMut<'_, T> {
        SlotsViewMut { octets: &mut self.octets, of: PhantomData }
    }

    #[inline(always)]
    fn lend_at(&mut self, i: usize) -> T::ViewMut<'_> {
        lend_at::<T>(&mut self.octets, i)
    }

    fn put_at(&mut self, i: usize, value: &T) {
        put_at(&mut self.octets, i, value);
    }

    reading!(SlotsView);
    writing!();
}

impl<'w, T: FixedType> SlotsViewMut<'w, T> {
    /// All elements, borrowed.
    #[inline(always)]
    pub fn as_view(&self) -> SlotsView<'_, T> {
        SlotsView::new(self.octets)
    }

    #[inline(always)]
    fn lend_at(&mut self, i: usize) -> T::ViewMut<'_> {
        lend_at::<T>(self.octets, i)
    }

    fn put_at(&mut self, i: usize, value: &T) {
        put_at(self.octets, i, value);
    }

    reading!(SlotsView);
    writing!();

    /// Neighbours of one variant together, in the order of the list. They are slots, so each may become another variant.
    pub fn runs_mut(&mut self) -> impl Iterator<Item = Run<SlotsViewMut<'_, T>>> {
        self.runs_of_at_most(usize::MAX)
    }

    /// Runs that end at multiples of `most` too.
    pub(super) fn runs_of_at_most(&mut self, most: usize) -> impl Iterator<Item = Run<SlotsViewMut<'_, T>>> {
        let (mut rest, mut at) = (&mut *self.octets, 0);
        core::iter::from_fn(move || {
            let left = SlotsView::<T>::new(rest);
            if left.count() == 0 {
                return None;
            }
            let (tag, n) = (left.tag_at(0).into(), left.run_end(0).min(most - at % most));
            let (octets, after) = core::mem::take(&mut rest).split_at_mut(n * T::PLACE.size);
            let rows = at..at + n;
            (rest, at) = (after, at + n);
            Some(Run { tag, rows, cells: SlotsViewMut { octets, of: PhantomData } })
        })
    }

    /// All elements, each of which may be changed: `rayon`'s `par_bridge` and threads may share them out.
    pub fn into_iter_mut(self) -> impl Iterator<Item = T::ViewMut<'w>> {
        self.octets.chunks_exact_mut(T::PLACE.size).map(|slot| T::lend(&mut SlotLender::new(slot)))
    }
}

#[inline(always)]
fn lend_at<T: FixedType>(octets: &mut [u8], i: usize) -> T::ViewMut<'_> {
    T::lend(&mut SlotLender::new(&mut octets[i * T::PLACE.size..][..T::PLACE.size]))
}

fn put_at<T: FixedType>(octets: &mut [u8], i: usize, value: &T) {
    fill(core::slice::from_ref(value), &mut octets[i * T::PLACE.size..][..T::PLACE.size]);
}

/// Writes slots over octets of any content.
fn fill<T: FixedType>(values: &[T], octets: &mut [u8]) {
    for (value, slot) in values.iter().zip(octets.chunks_exact_mut(const { T::PLACE.size })) {
        slot.fill(0);
        value.put(&mut SlotSink { slot, at: InSlot::default() });
    }
}

impl<T: FixedType> Wire for Slots<T> {
    type View<'w, P: Copy + 'static> = SlotsView<'w, T>;
    type ViewMut<'w> = SlotsViewMut<'w, T>;
    // the pad's length and the count
    const MIN_LEN: usize = 2;
    const ALIGN: usize = crate::wire::ALIGN;
    fn schema(types: &mut SchemaBuilder) -> TypeRef {
        schema::slots::<T>(types)
    }
    fn encode(&self, w: &mut Writer) {
        w.pad_list(self.len() as u64);
        w.raw(&self.octets);
    }
    fn decode(r: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let view = read::<T>(r)?;
        Ok(Self { octets: AlignedVec::copy_from(view.octets), of: PhantomData })
    }
    fn view<'w>(&'w self, _: &'w Index) -> SlotsView<'w, T> {
        self.as_view()
    }
    fn read<'w>(r: &mut Reader<'w>, _: &'w Index) -> Result<SlotsView<'w, T>, DecodeError> {
        let view = read(r)?;
        in_place(view.octets, r.offset() - view.octets.len() as u64)?;
        Ok(view)
    }
    fn read_mut<'w>(r: &mut ReaderMut<'w>) -> Result<SlotsViewMut<'w, T>, DecodeError> {
        let count = r.scan(|r| r.list_head(T::PLACE.size))?;
        let offset = r.offset();
        let octets = r.take(count * T::PLACE.size)?;
        check_slots::<T>(octets, offset)?;
        in_place(octets, offset)?;
        Ok(SlotsViewMut { octets, of: PhantomData })
    }
}

fn read<'w, T: FixedType>(r: &mut Reader<'w>) -> Result<SlotsView<'w, T>, DecodeError> {
    let count = r.list_head(T::PLACE.size)?;
    let offset = r.offset();
    // the count was compared with what is left, so the product fits
    let view = SlotsView::<T>::new(r.take(count * T::PLACE.size)?);
    check_slots::<T>(view.octets, offset)?;
    if r.checks_payloads() {
        view.check_gaps(offset)?;
    }
    Ok(view)
}

impl<T: FixedType> Element for Slots<T> {
    type Kind = Walked;
}

impl<T: FixedType> Default for Slots<T> {
    fn default() -> Self {
        Self::new()
    }
}

impl<T> Clone for Slots<T> {
    fn clone(&self) -> Self {
        Self { octets: self.octets.clone(), of: PhantomData }
    }
}

impl<T: FixedType> From<Vec<T>> for Slots<T> {
    fn from(values: Vec<T>) -> Self {
        Self::from_vec(values)
    }
}

impl<T: FixedType> Extend<T> for Slots<T> {
    fn extend<I: IntoIterator<Item = T>>(&mut self, values: I) {
        values.into_iter().for_each(|value| self.push(value));
    }
}

impl<T: FixedType> FromIterator<T> for Slots<T> {
    fn from_iter<I: IntoIterator<Item = T>>(values: I) -> Self {
        let mut slots = Self::new();
        slots.extend(values);
        slots
    }
}

standard!([] Slots<T> ['w] SlotsView<'w, T> ['w] SlotsViewMut<'w, T>);
