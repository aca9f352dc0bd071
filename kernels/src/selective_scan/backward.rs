//! The backward over ranges of channels: tiles of time in reverse, pairs of blocks, states.

use core::f32::consts::LN_2;

use super::adjoint::{Adjoint, Kept, Tile};
use super::tile::{Ahead, K, LANES, Line, Rows, get, get_part, part, put, put_part, steps};
use super::{Inputs, Shape};
use crate::Isa;
use crate::columns::ColumnsMut;
use crate::exec::{Job, Shares};
use crate::simd::{Simd, SimdKernel, dispatch};

/// Tiles between two reductions of what the ranges have for `b` and `c`.
pub(super) const SEGMENT: usize = 4;

/// Sums of a tile, for each lane of a block.
pub(super) type Sums = [f64; LANES];

/// Blocks of a range: the unit of threads, and of the sums for `b` and `c`. A function of the shape
/// alone, as those sums depend on it.
pub(super) fn range_blocks(shape: Shape) -> usize {
    (shape.blocks() / 4).next_multiple_of(4).clamp(4, 16)
}

/// Floats that the lanes of `b` and `c` need in a part of the job.
pub(super) fn lanes_len(d_state: usize) -> usize {
    2 * d_state * K * LANES
}

/// The backward of one batch entry and segment on some ranges. Lengths are checked and nothing is empty.
pub(super) struct Backward<'a> {
    pub(super) isa: Isa,
    pub(super) shape: Shape,
    /// `a` is not used.
    pub(super) inputs: Inputs<'a>,
    pub(super) y_cot: &'a [f32],
    /// Batch entry, first tile and number of tiles.
    pub(super) entry: usize,
    pub(super) tile: usize,
    pub(super) tiles: usize,
    /// First block, number of blocks, and blocks of a range.
    pub(super) first: usize,
    pub(super) blocks: usize,
    pub(super) range: usize,
    /// Packed, of all blocks.
    pub(super) a: &'a [Line],
    /// Transposed by tiles, of all tiles.
    pub(super) b: &'a [[f32; K]],
    pub(super) c: &'a [[f32; K]],
    /// All of them.
    pub(super) checkpoints: &'a [Line],
    /// Cotangent of the state, a row for each batch entry.
    pub(super) carry: ColumnsMut<'a, Line>,
    /// A row for each batch entry and time step.
    pub(super) x_cot: ColumnsMut<'a, f32>,
    pub(super) dt_cot: ColumnsMut<'a, f32>,
    pub(super) z_cot: Option<ColumnsMut<'a, f32>>,
    /// Packed as `a`, added to.
    pub(super) a_sums: &'a mut [Sums],
    /// Of `d` and `dt_bias`, in turn for each block; added to.
    pub(super) channel_sums: &'a mut [[Sums; 2]],
    /// For each range and tile: `b`, then `c`, a line for each state.
    pub(super) parts: &'a mut [[f32; K]],
    /// Each of [`lanes_len`] floats.
    pub(super) lanes: Shares<'a, f32>,
}

impl Job for Backward<'_> {
    fn units(&self) -> usize {
        self.blocks.div_ceil(self.range)
    }

    fn split_at(self, units: usize) -> (Self, Self) {
        let Shape { d_state, .. } = self.shape;
        let blocks = (units * self.range).min(self.blocks);
        let channels = (blocks * LANES).min(self.x_cot.len());
        let (lanes, lanes_rest) = self.lanes.split();
        let (parts, parts_rest) = self.parts.split_at_mut(units * self.tiles * 2 * d_state);
        let (a_sums, a_rest) = self.a_sums.split_at_mut(blocks * d_state);
        let (channel_sums, channel_rest) = self.channel_sums.split_at_mut(blocks);
        let (carry, carry_rest) = self.carry.split_at(blocks * d_state);
        let (x_cot, x_rest) = self.x_cot.split_at(channels);
        let (dt_cot, dt_rest) = self.dt_cot.split_at(channels);
        let (z_cot, z_rest) = match self.z_cot.map(|z| z.split_at(channels)) {
            Some((z, rest)) => (Some(z), Some(rest)),
            None => (None, None),
        };
        let rest = Self {
            first: self.first + blocks,
            blocks: self.blocks - blocks,
            carry: carry_rest,
            x_cot: x_rest,
            dt_cot: dt_rest,
            z_cot: z_rest,
            a_sums: a_rest,
            channel_sums: channel_rest,
            parts: parts_rest,
            lanes: lanes_rest,
            ..self
        };
        let own = Self { blocks, carry, x_cot, dt_cot, z_cot, a_sums, channel_sums, parts, lanes, ..self };
        (own, rest)
    }

    fn run(self) {
        dispatch(self.isa, self);
    }
}

impl SimdKernel for Backward<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(mut self, s: S) {
        match S::LANES {
            16 => self.ranges::<S, 1, 2, 4>(s),
            8 => self.ranges::<S, 2, 2, 2>(s),
            _ => self.ranges::<S, 4, 4, 2>(s),
        }
    }
}

/// The scratch of a pair of blocks.
pub(super) struct Work {
    pub(super) tiles: [Tile; 2],
    /// Derivative of softplus, and of the gate times the cotangent of `y`.
    pub(super) slope: [Rows; 2],
    pub(super) z_factor: [Rows; 2],
    kept: Kept,
}

/// Where a pair of blocks lies in the `[batch, seq_len, d_inner]` arrays.
#[derive(Clone, Copy)]
pub(super) struct Place {
    /// Row of the first step.
    pub(super) row: usize,
    /// Time steps.
    pub(super) k: usize,
    /// The first block, among those of this part.
    pub(super) block: usize,
    /// First channel, in all of them.
    pub(super) channel: usize,
    /// Channels, at most `2 * LANES`.
    pub(super) width: usize,
    /// Distance from this pair's tile to the next one's, in `[batch, seq_len, d_inner]`; wraps around.
    pub(super) next: usize,
}

impl Work {
    fn new() -> Self {
        let zero = [Rows::ZERO; 2];
        Self { tiles: [Tile::ZERO; 2], slope: zero, z_factor: zero, kept: Kept::ZERO }
    }
}

impl Backward<'_> {
    #[inline(always)]
    fn ranges<S: Simd, const V: usize, const W: usize, const N: usize>(&mut self, s: S) {
        let Shape { seq_len, d_inner, d_state, .. } = self.shape;
        let mut work = Work::new();
        let mut range = 0;
        while range * self.range < self.blocks {
            for i in (self.tile..self.tile + self.tiles).rev() {
                let used = 2 * d_state * K * S::LANES;
                self.lanes.own()[..used].fill(0.0);
                let steps = steps(i, seq_len);
                let end = self.blocks.min((range + 1) * self.range);
                let mut block = range * self.range;
                while block < end {
                    let channel = (self.first + block) * LANES;
                    let place = Place {
                        row: self.entry * seq_len + steps.start,
                        k: steps.len(),
                        block,
                        channel,
                        width: (d_inner - channel).min((end - block) * LANES).min(2 * LANES),
                        // To the right, or back to the left and to the tile before.
                        next: match block + 2 < end {
                            true => 2 * LANES,
                            false => 0usize.wrapping_sub(K * d_inner + (block - range * self.range) * LANES),
                        },
                    };
                    self.prepare::<S, V>(s, &mut work, place);
                    self.scan::<S, V, W, N>(s, &mut work, place, i);
                    self.finish::<S, V>(s, &work, place);
                    block += 2;
                }
                self.reduce(s, (range * self.tiles + i - self.tile) * 2 * d_state, steps.len());
            }
            range += 1;
        }
    }

    /// All states of the blocks, as many blocks at a time as `W` vectors hold.
    #[inline(always)]
    fn scan<S: Simd, const V: usize, const W: usize, const N: usize>(
        &mut self,
        s: S,
        work: &mut Work,
        place: Place,
        i: usize,
    ) {
        let blocks = place.width.div_ceil(LANES).min(2);
        let mut j = 0;
        while j < blocks {
            if W > V && j + 1 < blocks {
                self.adjoint::<S, V, W, N>(s, work, place, i, j, 2);
                j += 2;
            } else {
                self.adjoint::<S, V, V, N>(s, work, place, i, j, 1);
                j += 1;
            }
        }
    }

    #[inline(always)]
    fn adjoint<S: Simd, const V: usize, const W: usize, const N: usize>(
        &mut self,
        s: S,
        work: &mut Work,
        place: Place,
        i: usize,
        j: usize,
        blocks: usize,
    ) {
        let Shape { batch, d_state, .. } = self.shape;
        if d_state == 0 {
            return;
        }
        let (first, own) = ((self.first + place.block + j) * d_state, (place.block + j) * d_state);
        let lines = blocks * d_state;
        let packed = self.shape.blocks() * d_state;
        let at = (self.entry * self.shape.tiles() + i) * d_state;
        let next = (place.row * self.shape.d_inner + place.channel + j * LANES).wrapping_add(place.next);
        let own_next = ((place.block + j) * LANES).wrapping_add(place.next);
        let read = |x| Ahead { x, at: next, stride: self.shape.d_inner };
        let written = |x| Ahead { x, at: own_next, stride: self.shape.d_inner };
        let (x, dt) = (&*self.x_cot.row(place.row), &*self.dt_cot.row(place.row));
        // Without a gate, two rows are asked for twice.
        let ahead = [
            read(self.inputs.x),
            read(self.inputs.dt),
            read(self.y_cot),
            read(self.inputs.z.unwrap_or(self.inputs.x)),
            written(x),
            written(dt),
            written(match &mut self.z_cot {
                Some(z) => z.row(place.row),
                None => x,
            }),
        ];
        let (b_cot, c_cot) = self.lanes.own().split_at_mut(d_state * K * S::LANES);
        let mut adjoint = Adjoint {
            k: place.k,
            tiles: &mut work.tiles[j..][..blocks],
            gated: self.inputs.z.is_some(),
            a: &self.a[first..][..lines],
            h: &self.checkpoints[(i * batch + self.entry) * packed + first..][..lines],
            carry: &mut self.carry.row(self.entry)[own..][..lines],
            a_sums: &mut self.a_sums[own..][..lines],
            b: &self.b[at..][..d_state],
            c: &self.c[at..][..d_state],
            b_cot,
            c_cot,
            kept: &mut work.kept,
            ahead,
        };
        adjoint.run::<S, V, W, N>(s);
    }

    /// The cotangents of activations to their places, those of `d` and `dt_bias` to their sums.
    #[inline(always)]
    fn finish<S: Simd, const V: usize>(&mut self, s: S, work: &Work, place: Place) {
        let Place { row, k, block, channel, width, .. } = place;
        for j in 0..width.div_ceil(LANES).min(2) {
            let channels = channel + j * LANES..channel + width.min((j + 1) * LANES);
            let d = get_part::<S, V>(s, part(self.inputs.d, channels.clone()));
            let zero = [s.splat(0.0); V];
            let (mut d_sum, mut bias_sum) = (zero, zero);
            let own = channels.start - self.first * LANES..channels.end - self.first * LANES;
            for t in 0..k.min(K) {
                let at = (row + t) * self.shape.d_inner;
                let x = get_part::<S, V>(s, &self.inputs.x[at + channels.start..at + channels.end]);
                let delta = get::<S, V>(s, &work.tiles[j].delta.0[t]);
                let slope = get::<S, V>(s, &work.slope[j].0[t]);
                let y_cot = get::<S, V>(s, &work.tiles[j].y_cot.0[t]);
                let mut delta_cot = get::<S, V>(s, &work.tiles[j].delta_cot.0[t]);
                let mut x_cot = get::<S, V>(s, &work.tiles[j].dx_cot.0[t]);
                for v in 0..V {
                    // `a` was `a log2(e)`.
                    let sum = s.mul_add(delta_cot[v], s.splat(LN_2), s.mul(x_cot[v], x[v]));
                    delta_cot[v] = s.mul(sum, slope[v]);
                    x_cot[v] = s.mul_add(x_cot[v], delta[v], s.mul(d[v], y_cot[v]));
                    d_sum[v] = s.mul_add(y_cot[v], x[v], d_sum[v]);
                    bias_sum[v] = s.add(delta_cot[v], bias_sum[v]);
                }
                put_part(s, &mut self.x_cot.row(row + t)[own.clone()], x_cot);
                put_part(s, &mut self.dt_cot.row(row + t)[own.clone()], delta_cot);
                if let Some(z_cot) = &mut self.z_cot {
                    let mut cot = get::<S, V>(s, &work.z_factor[j].0[t]);
                    let y = get::<S, V>(s, &work.tiles[j].y.0[t]);
                    for v in 0..V {
                        cot[v] = s.mul(cot[v], y[v]);
                    }
                    put_part(s, &mut z_cot.row(row + t)[own.clone()], cot);
                }
            }
            let [d_sums, bias_sums] = &mut self.channel_sums[block + j];
            add(d_sums, &store(s, d_sum));
            add(bias_sums, &store(s, bias_sum));
        }
    }

    /// Sums the lanes of the tile's cotangents of `b` and `c`.
    #[inline(always)]
    fn reduce<S: Simd>(&mut self, s: S, at: usize, k: usize) {
        let parts = &mut self.parts[at..][..2 * self.shape.d_state];
        let (lanes, _) = self.lanes.own().split_at(parts.len() * K * S::LANES);
        for (part, lanes) in parts.iter_mut().zip(lanes.chunks_exact(K * S::LANES)) {
            for t in 0..k.min(K) {
                part[t] = s.sum(s.load(&lanes[t * S::LANES..]));
            }
        }
    }
}

/// A line of registers, in memory.
#[inline(always)]
fn store<S: Simd, const V: usize>(s: S, x: [S::F; V]) -> Line {
    let mut out = [0.0; LANES];
    put(s, &mut out, x);
    out
}

/// Adds a tile's sums in f32 to those of all tiles in f64.
#[inline(always)]
pub(super) fn add(sums: &mut Sums, x: &Line) {
    for i in 0..LANES {
        sums[i] += f64::from(x[i]);
    }
}
