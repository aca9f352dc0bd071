//! What the backward's scan reads of a tile, from `dt`, `x`, `z` and the cotangent of `y`.

use core::ops::Range;

use super::backward::{Backward, Place, Work};
use super::gates::{exp_minus_abs, sigmoid, softplus};
use super::tile::{K, LANES, get, get_part, part, put};
use crate::simd::Simd;

impl Backward<'_> {
    /// What the scan reads of a tile, and zeros where it adds.
    #[inline(always)]
    pub(super) fn prepare<S: Simd, const V: usize>(&self, s: S, work: &mut Work, place: Place) {
        for j in 0..place.width.div_ceil(LANES).min(2) {
            let channels = place.channel + j * LANES..place.channel + place.width.min((j + 1) * LANES);
            self.exponentials::<S, V>(s, work, place, j, channels.clone());
            self.time_steps::<S, V>(s, work, place, j, channels.clone());
            self.gates::<S, V>(s, work, place, j, channels);
        }
    }

    /// Some channels of a step, in the `[batch, seq_len, d_inner]` arrays.
    #[inline(always)]
    fn row(&self, place: Place, t: usize, channels: &Range<usize>) -> Range<usize> {
        let at = (place.row + t) * self.shape.d_inner;
        at + channels.start..at + channels.end
    }

    /// `dt + dt_bias` to `delta`, and the exponentials that softplus and gate need to `slope` and `z_factor`.
    #[inline(always)]
    fn exponentials<S: Simd, const V: usize>(
        &self,
        s: S,
        work: &mut Work,
        place: Place,
        j: usize,
        channels: Range<usize>,
    ) {
        let bias = get_part::<S, V>(s, part(self.inputs.dt_bias, channels.clone()));
        for t in 0..place.k.min(K) {
            let at = self.row(place, t, &channels);
            let mut delta = get_part::<S, V>(s, &self.inputs.dt[at.clone()]);
            let mut u = delta;
            for v in 0..V {
                delta[v] = s.add(delta[v], bias[v]);
                u[v] = exp_minus_abs(s, delta[v]);
            }
            put(s, &mut work.tiles[j].delta.0[t], delta);
            put(s, &mut work.slope[j].0[t], u);
            if let Some(z) = self.inputs.z {
                let mut u = get_part::<S, V>(s, &z[at]);
                for u in &mut u {
                    *u = exp_minus_abs(s, *u);
                }
                put(s, &mut work.z_factor[j].0[t], u);
            }
        }
    }

    /// The time step, and what it makes of `x`.
    #[inline(always)]
    fn time_steps<S: Simd, const V: usize>(
        &self,
        s: S,
        work: &mut Work,
        place: Place,
        j: usize,
        channels: Range<usize>,
    ) {
        let d = get_part::<S, V>(s, part(self.inputs.d, channels.clone()));
        let zero = [s.splat(0.0); V];
        let mut largest = zero;
        let tile = &mut work.tiles[j];
        for t in 0..place.k.min(K) {
            let x = get_part::<S, V>(s, &self.inputs.x[self.row(place, t, &channels)]);
            let mut delta = get::<S, V>(s, &tile.delta.0[t]);
            let mut slope = get::<S, V>(s, &work.slope[j].0[t]);
            let (mut dx, mut y) = (x, x);
            for v in 0..V {
                let (sum, u) = (delta[v], slope[v]);
                slope[v] = s.splat(1.0);
                if self.inputs.softplus {
                    (delta[v], slope[v]) = (softplus(s, sum, u), sigmoid(s, sum, u));
                }
                largest[v] = s.max(s.abs(delta[v]), largest[v]);
                dx[v] = s.mul(delta[v], x[v]);
                y[v] = s.mul(d[v], x[v]);
            }
            put(s, &mut work.slope[j].0[t], slope);
            put(s, &mut tile.delta.0[t], delta);
            put(s, &mut tile.dx.0[t], dx);
            put(s, &mut tile.y.0[t], y);
            put(s, &mut tile.delta_cot.0[t], zero);
            put(s, &mut tile.dx_cot.0[t], zero);
        }
        put(s, &mut tile.delta_max, largest);
    }

    /// The cotangent of `c h + d x`, and the factor of that in the cotangent of `z`.
    #[inline(always)]
    fn gates<S: Simd, const V: usize>(&self, s: S, work: &mut Work, place: Place, j: usize, channels: Range<usize>) {
        let one = s.splat(1.0);
        for t in 0..place.k.min(K) {
            let at = self.row(place, t, &channels);
            let mut y_cot = get_part::<S, V>(s, &self.y_cot[at.clone()]);
            if let Some(z) = self.inputs.z {
                let z = get_part::<S, V>(s, &z[at]);
                let mut factor = get::<S, V>(s, &work.z_factor[j].0[t]);
                for v in 0..V {
                    let gate = sigmoid(s, z[v], factor[v]);
                    // silu'(z) = g (1 + z (1 - g))
                    let silu_slope = s.mul(gate, s.mul_add(z[v], s.sub(one, gate), one));
                    factor[v] = s.mul(y_cot[v], silu_slope);
                    y_cot[v] = s.mul(y_cot[v], s.mul(z[v], gate));
                }
                put(s, &mut work.z_factor[j].0[t], factor);
            }
            put(s, &mut work.tiles[j].y_cot.0[t], y_cot);
        }
    }
}
