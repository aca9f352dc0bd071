//! The forward over a range of channels: tiles of time, groups of blocks, states.

use super::gates::{exp_minus_abs, gate, softplus};
use super::states::Block;
use super::tile::{Ahead, GROUP, K, LANES, Line, Rows, get, get_part, part, put, put_part, steps};
use super::{Inputs, Shape};
use crate::Isa;
use crate::columns::ColumnsMut;
use crate::exec::Job;
use crate::simd::{Simd, SimdKernel, dispatch};

/// The forward on some channels. Lengths are checked and nothing is empty.
pub(super) struct Forward<'a> {
    pub(super) isa: Isa,
    pub(super) shape: Shape,
    /// `a` is not used.
    pub(super) inputs: Inputs<'a>,
    /// First block of the range.
    pub(super) first: usize,
    pub(super) blocks: usize,
    /// Packed, of all blocks.
    pub(super) a: &'a [Line],
    /// Transposed by tiles.
    pub(super) b: &'a [[f32; K]],
    pub(super) c: &'a [[f32; K]],
    /// Packed states, a row for each batch entry.
    pub(super) h: ColumnsMut<'a, Line>,
    /// A row for each batch entry and time step.
    pub(super) y: ColumnsMut<'a, f32>,
    /// Packed states before each tile: a row for each tile and batch entry.
    pub(super) checkpoints: Option<ColumnsMut<'a, Line>>,
}

impl Job for Forward<'_> {
    fn units(&self) -> usize {
        self.blocks.div_ceil(GROUP)
    }

    fn split_at(self, units: usize) -> (Self, Self) {
        let blocks = (units * GROUP).min(self.blocks);
        let lines = blocks * self.shape.d_state;
        let (h, h_rest) = self.h.split_at(lines);
        let channels = (blocks * LANES).min(self.y.len());
        let (y, y_rest) = self.y.split_at(channels);
        let (checkpoints, checkpoints_rest) = match self.checkpoints.map(|c| c.split_at(lines)) {
            Some((c, rest)) => (Some(c), Some(rest)),
            None => (None, None),
        };
        let rest = Self {
            first: self.first + blocks,
            blocks: self.blocks - blocks,
            h: h_rest,
            y: y_rest,
            checkpoints: checkpoints_rest,
            ..self
        };
        (Self { blocks, h, y, checkpoints, ..self }, rest)
    }

    fn run(self) {
        dispatch(self.isa, self);
    }
}

impl SimdKernel for Forward<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(mut self, s: S) {
        match S::LANES {
            16 => self.tiles::<S, 1, 4>(s),
            8 => self.tiles::<S, 2, 2>(s),
            _ => self.tiles::<S, 4, 2>(s),
        }
    }
}

/// The scratch of a group: a tile of each block.
struct Tile {
    delta: [Rows; GROUP],
    /// The largest magnitude of `delta` in each channel, NaN aside.
    delta_max: [Line; GROUP],
    dx: [Rows; GROUP],
    y: [Rows; GROUP],
    /// `dt_bias` and `d` of the group's channels.
    bias: [Line; GROUP],
    d: [Line; GROUP],
}

/// Where a group's tile lies in the `[batch, seq_len, d_inner]` arrays.
#[derive(Clone, Copy)]
struct Place {
    /// Row of the first step.
    row: usize,
    /// Time steps.
    k: usize,
    /// First channel, in all of them.
    channel: usize,
    /// Channels, at most `GROUP * LANES`.
    width: usize,
}

impl Forward<'_> {
    #[inline(always)]
    fn tiles<S: Simd, const V: usize, const N: usize>(&mut self, s: S) {
        let Shape { batch, seq_len, d_inner, .. } = self.shape;
        let zero = [Rows::ZERO; GROUP];
        let mut tile = Tile {
            delta: zero,
            delta_max: [[0.0; LANES]; GROUP],
            dx: zero,
            y: zero,
            bias: [[0.0; LANES]; GROUP],
            d: [[0.0; LANES]; GROUP],
        };
        let groups = self.blocks.div_ceil(GROUP);
        for entry in 0..batch {
            for i in 0..self.shape.tiles() {
                let steps = steps(i, seq_len);
                for group in 0..groups {
                    let block = group * GROUP;
                    let channel = (self.first + block) * LANES;
                    let place = Place {
                        row: entry * seq_len + steps.start,
                        k: steps.len(),
                        channel,
                        width: (d_inner - channel).min((self.blocks - block) * LANES).min(GROUP * LANES),
                    };
                    self.prepare::<S, V>(s, &mut tile, place);
                    self.scan::<S, V, N>(s, &mut tile, place, entry, i);
                    self.finish::<S, V>(s, &tile, place);
                }
            }
        }
    }

    /// The time step, what it makes of `x`, and the skip, with the operations of `gates::enter`.
    #[inline(always)]
    fn prepare<S: Simd, const V: usize>(&self, s: S, tile: &mut Tile, place: Place) {
        let Place { row, k, channel, width } = place;
        let d_inner = self.shape.d_inner;
        let blocks = width.div_ceil(LANES).min(GROUP);
        for j in 0..blocks {
            let channels = channel + j * LANES..channel + width.min((j + 1) * LANES);
            tile.delta_max[j] = [0.0; LANES];
            put(s, &mut tile.bias[j], get_part::<S, V>(s, part(self.inputs.dt_bias, channels.clone())));
            put(s, &mut tile.d[j], get_part::<S, V>(s, part(self.inputs.d, channels)));
        }
        for t in 0..k.min(K) {
            let at = (row + t) * d_inner + channel;
            let dt = &self.inputs.dt[at..][..width];
            for j in 0..blocks {
                let dt = get_part::<S, V>(s, &dt[j * LANES..]);
                let mut delta = get::<S, V>(s, &tile.bias[j]);
                let mut u = delta;
                for v in 0..V {
                    delta[v] = s.add(dt[v], delta[v]);
                    if self.inputs.softplus {
                        u[v] = exp_minus_abs(s, delta[v]);
                    }
                }
                put(s, &mut tile.delta[j].0[t], delta);
                put(s, &mut tile.y[j].0[t], u);
            }
        }
        for t in 0..k.min(K) {
            let at = (row + t) * d_inner + channel;
            let x = &self.inputs.x[at..][..width];
            for j in 0..blocks {
                let x = get_part::<S, V>(s, &x[j * LANES..]);
                let d = get::<S, V>(s, &tile.d[j]);
                let mut delta = get::<S, V>(s, &tile.delta[j].0[t]);
                let u = get::<S, V>(s, &tile.y[j].0[t]);
                let mut largest = get::<S, V>(s, &tile.delta_max[j]);
                let (mut dx, mut y) = (x, x);
                for v in 0..V {
                    if self.inputs.softplus {
                        delta[v] = softplus(s, delta[v], u[v]);
                    }
                    largest[v] = s.max(s.abs(delta[v]), largest[v]);
                    dx[v] = s.mul(delta[v], x[v]);
                    y[v] = s.mul(d[v], x[v]);
                }
                put(s, &mut tile.delta_max[j], largest);
                put(s, &mut tile.delta[j].0[t], delta);
                put(s, &mut tile.dx[j].0[t], dx);
                put(s, &mut tile.y[j].0[t], y);
            }
        }
    }

    /// The states of each block of the group.
    #[inline(always)]
    fn scan<S: Simd, const V: usize, const N: usize>(
        &mut self,
        s: S,
        tile: &mut Tile,
        place: Place,
        entry: usize,
        i: usize,
    ) {
        let Shape { batch, d_inner, d_state, .. } = self.shape;
        if d_state == 0 {
            return;
        }
        // The next group: to the right, or back at the first channel of the next tile.
        let next = if place.channel + place.width < (self.first + self.blocks) * LANES {
            place.row * d_inner + place.channel + GROUP * LANES
        } else {
            (place.row + place.k) * d_inner + self.first * LANES
        };
        let block = place.channel / LANES - self.first;
        let states = block * d_state;
        let at = (entry * self.shape.tiles() + i) * d_state;
        let y = &*self.y.row(place.row);
        for j in 0..place.width.div_ceil(LANES).min(GROUP) {
            let h = &mut self.h.row(entry)[states + j * d_state..][..d_state];
            if let Some(checkpoints) = &mut self.checkpoints {
                checkpoints.row(i * batch + entry)[states + j * d_state..][..d_state].copy_from_slice(h);
            }
            let at_next = next + j * LANES;
            let ahead = [
                Ahead { x: self.inputs.x, at: at_next, stride: d_inner },
                Ahead { x: self.inputs.dt, at: at_next, stride: d_inner },
                Ahead { x: self.inputs.z.unwrap_or(self.inputs.x), at: at_next, stride: d_inner },
                Ahead { x: y, at: at_next.wrapping_sub(place.row * d_inner + self.first * LANES), stride: d_inner },
            ];
            let mut block = Block {
                k: place.k,
                delta: &tile.delta[j],
                delta_max: &tile.delta_max[j],
                dx: &tile.dx[j],
                y: &mut tile.y[j],
                a: &self.a[(self.first + block + j) * d_state..][..d_state],
                b: &self.b[at..][..d_state],
                c: &self.c[at..][..d_state],
                h,
            };
            block.run::<S, V, N>(s, ahead);
        }
    }

    /// The gate, and `y` to its place.
    #[inline(always)]
    fn finish<S: Simd, const V: usize>(&mut self, s: S, tile: &Tile, place: Place) {
        let Place { row, k, channel, width } = place;
        let first = channel - self.first * LANES;
        for t in 0..k.min(K) {
            let at = (row + t) * self.shape.d_inner + channel;
            let out = &mut self.y.row(row + t)[first..][..width];
            let z = self.inputs.z.map(|z| &z[at..][..width]);
            for j in 0..width.div_ceil(LANES).min(GROUP) {
                let mut y = get::<S, V>(s, &tile.y[j].0[t]);
                if let Some(z) = z {
                    y = gate(s, y, get_part(s, &z[j * LANES..]));
                }
                put_part(s, &mut out[j * LANES..], y);
            }
        }
    }
}
