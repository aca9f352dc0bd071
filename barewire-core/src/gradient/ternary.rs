//! Accumulators of ternary digits, on which gradients act.

use alloc::vec::Vec;
use core::ops::Range;

use barewire_kernels::ternary::accumulate::{
    self, Counts, Rounding, accumulators_len, check_accumulators, row_factors_with,
};
use barewire_kernels::{Exec, KernelError};

use super::{FlowRef, Form, Gradient, Representation};
use crate::Error;

/// The gradient of ternary digits that have no latent weights: small integers that fill up, and what has come since the last
/// step.
///
/// Adding, clipping and firing do not associate, so this is no [`GradientFlow`](super::GradientFlow). It is two things. The
/// *signal* is an ordinary element of that union and adds up like any other, in whatever form it comes. The *accumulators*
/// are state, on which signals act: [`act`](TernaryGradient::act) is an action of the monoid, `(acc <| g) <| h = acc <| (g + h)`,
/// and rounding, saturation and firing happen in [`step`](TernaryGradient::step) alone. So `k` micro-batches and one step are
/// one batch and one step, up to the rounding of the sum.
///
/// A step moves a digit at most one level, and digits stay in -1, 0, 1. The rule and its parameters are those of
/// [`barewire_kernels::ternary::accumulate`].
///
/// ```
/// use barewire_core::gradient::{GradientFlow, TernaryGradient};
/// use barewire_core::kernels::ternary::{self, accumulate::Rounding};
///
/// let (rows, cols) = (8, 32);
/// let mut words = vec![0; ternary::words_len(rows, cols)?];
/// ternary::pack_i8(rows, cols, &vec![0; rows * cols], &mut words)?;
/// let mut gradient = TernaryGradient::new(rows, cols, 4)?;
/// assert_eq!(gradient.threshold(), 7);
///
/// gradient.act(GradientFlow::Dense(vec![1.0; rows * cols]).as_ref())?;
/// // every increment is -4, against the gradient: nothing fires yet
/// assert_eq!(gradient.step(&mut words, 4.0, Rounding::Nearest)?.fires, 0);
/// gradient.act(GradientFlow::Dense(vec![1.0; rows * cols]).as_ref())?;
/// assert_eq!(gradient.step(&mut words, 4.0, Rounding::Nearest)?.fires, 256);
/// # Ok::<(), barewire_core::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct TernaryGradient {
    rows: usize,
    cols: usize,
    bits: u32,
    accumulated: Vec<u8>,
    signal: Gradient<f32>,
    firing: Firing,
}

impl TernaryGradient {
    /// Accumulators of `bits` bits, all 0, for digits `[rows, cols]`. Bits are 4 to 8.
    ///
    /// # Errors
    /// Other bits, or sizes beyond memory.
    pub fn new(rows: usize, cols: usize, bits: u32) -> Result<Self, Error> {
        let accumulated = alloc::vec![0; accumulators_len(rows, cols, bits)?];
        Self::from_accumulated(rows, cols, bits, accumulated)
    }

    /// Goes on with accumulators that [`accumulated`](Self::accumulated) gave.
    ///
    /// # Errors
    /// Another number of octets, or an accumulator that would have fired.
    pub fn from_accumulated(rows: usize, cols: usize, bits: u32, accumulated: Vec<u8>) -> Result<Self, Error> {
        check_accumulators(&accumulated, rows, cols, bits)?;
        // pairs, until dense is smaller
        let signal = Gradient::held_as(Representation::LowRank);
        Ok(TernaryGradient { rows, cols, bits, accumulated, signal, firing: Firing::default() })
    }

    /// Rows and columns of the digits.
    pub fn sizes(&self) -> [usize; 2] {
        [self.rows, self.cols]
    }

    /// Bits of an accumulator.
    pub fn bits(&self) -> u32 {
        self.bits
    }

    /// The magnitude at which an accumulator fires: `2^(bits - 1) - 1`.
    pub fn threshold(&self) -> u8 {
        (1 << (self.bits - 1)) - 1
    }

    /// The accumulators, packed as [the kernels](barewire_kernels::ternary::accumulate) have them beside the words.
    pub fn accumulated(&self) -> &[u8] {
        &self.accumulated
    }

    /// What has come since the last step.
    pub fn signal(&mut self) -> FlowRef<'_, f32> {
        self.signal.as_flow()
    }

    /// Takes a signal in: `acc <| g`. Nothing is rounded and nothing fires.
    ///
    /// # Errors
    /// It is of another size than the digits.
    pub fn act(&mut self, signal: FlowRef<'_, f32>) -> Result<(), Error> {
        let n = self.rows * self.cols;
        if let Some(size) = signal.size().filter(|size| *size != n) {
            return Err(Error::length("signal", n, size));
        }
        match signal {
            // as many elements, but rows of another length: they are no pairs of this matrix
            FlowRef::LowRank(pairs) if pairs.sizes()[1..] != [self.rows, self.cols] => {
                self.signal.dense(n)?.map_or(Ok(()), |all| signal.add_to(all))
            }
            _ => self.signal.add_flow(signal),
        }
    }

    /// One step against the signal: `gain / rms` of each row times the signal is rounded and added, what is full fires a
    /// digit of `words` one level, and the signal is gone. Its matrix is formed some rows at a time.
    ///
    /// # Errors
    /// Words of another matrix. The signal stays then.
    pub fn step(&mut self, words: &mut [u64], gain: f32, rounding: Rounding) -> Result<Counts, Error> {
        let TernaryGradient { rows, cols, bits, accumulated, signal, firing } = self;
        let (rows, cols, bits) = (*rows, *cols, *bits);
        let counts = firing.fire(Exec::best(), [rows, cols], gain, signal, |exec, first, signal, factors| {
            accumulate::fire_rows_with(exec, words, accumulated, rows, cols, bits, first, signal, factors, rounding)
        })?;
        signal.clear();
        Ok(counts)
    }
}

/// Rows of a tile of packed digits: kernels start at one.
const TILE: usize = 8;

/// One step of accumulators, with the room that it needs.
#[derive(Clone, Debug, Default)]
pub(crate) struct Firing {
    /// a row each
    factors: Vec<f32>,
    /// some rows of a gradient
    pub(crate) block: Vec<f32>,
}

impl Firing {
    /// Hands the signal of digits `[rows, cols]` to a kernel that adds it to accumulators, some rows at a time where it is not
    /// held dense: the first row, the signal, and `gain / rms` of each row. Without a signal there is nothing to do.
    pub(crate) fn fire(
        &mut self,
        exec: Exec,
        sizes: [usize; 2],
        gain: f32,
        signal: &mut Gradient<f32>,
        mut kernel: impl FnMut(Exec, usize, &[f32], &[f32]) -> Result<Counts, KernelError>,
    ) -> Result<Counts, Error> {
        self.fire_by(exec, sizes, signal, |rows, signal, factors| {
            row_factors_with(exec.isa(), signal, sizes[1], gain, factors)?;
            kernel(exec, rows.start, signal, factors)
        })
    }

    /// [`fire`](Self::fire) with factors of another kind: `take` has the rows, their signal, and room for a factor each.
    pub(crate) fn fire_by(
        &mut self,
        exec: Exec,
        sizes: [usize; 2],
        signal: &mut Gradient<f32>,
        mut take: impl FnMut(Range<usize>, &[f32], &mut [f32]) -> Result<Counts, KernelError>,
    ) -> Result<Counts, Error> {
        let Firing { factors, block } = self;
        let mut counts = Counts::default();
        if signal.form() != Form::Zero {
            signal.each_block(exec, sizes, TILE, block, |rows, signal| {
                factors.resize(rows.len(), 0.0);
                counts += take(rows, signal, factors)?;
                Ok(())
            })?;
        }
        Ok(counts)
    }
}
