//! One head over one chunk, and what the heads of a group share there.

use core::ops::Range;

use super::super::chunk::{
    At, Decay, MAX_CHUNK, Scores, Steps, before, from_step, pack_row, pack_turned, raw_steps, until,
};
use super::super::forward::{Update, scale_row};
use super::super::panels::{BLOCK, Blocks, Row, each};
use super::super::state::StateSize;
use super::products::{ThroughState, WeightsCot, XCot};
use super::{HeadSums, Interval, Memory};
use crate::columns::ColumnsMut;
use crate::simd::{Simd, math};
use crate::ssd::Shape;

/// Brings the states of some heads from the checkpoint to the start of chunk `i`.
#[inline(always)]
pub(super) fn before_chunk<S: Simd>(s: S, of: Interval<'_>, heads: Range<usize>, i: usize, m: &mut Memory<'_>) {
    let shape = of.shape;
    let size = StateSize::new(shape);
    let group = heads.start / shape.heads_per_group();
    for (head, state) in heads.clone().zip(m.states.chunks_exact_mut(size.rows())) {
        state.copy_from_slice(of.checkpoint(head));
    }
    for at in (0..i).filter_map(|i| of.chunk(i)) {
        for t in 0..at.len {
            let from = (at.step(shape, t) * shape.n_groups + group) * shape.d_state;
            pack_turned(&of.inputs.b[from..][..shape.d_state], t, size.n_rows, m.b_turned);
        }
        for (head, state) in heads.clone().zip(m.states.chunks_exact_mut(size.rows())) {
            let decay = Decay::new(s, shape, of.inputs, head, at);
            let mut left = 1.0;
            for t in (0..at.len).rev() {
                let x = row_of(of.inputs.x, shape, at, head, t);
                pack_row(s, x, at.rows, t, m.x);
                scale_row(s, size.p_blocks, left * decay.delta[t], at.rows, t, m.x, m.scaled);
                left *= decay.decay[t];
            }
            let mut update = Update {
                at,
                d_state: shape.d_state,
                whole: decay.whole(at),
                left: Blocks { data: m.b_turned, rows: size.n_rows },
                right: Blocks { data: m.scaled, rows: at.rows },
                state,
            };
            each(s, size.p_blocks, &mut update);
        }
    }
}

/// Step `t` of a head in an array like `x`.
#[inline(always)]
fn row_of(data: &[f32], shape: Shape, at: At, head: usize, t: usize) -> &[f32] {
    &data[(at.step(shape, t) * shape.n_heads + head) * shape.head_dim..][..shape.head_dim]
}

/// `b`, `c` and the scores of a chunk, all both ways.
#[inline(always)]
pub(super) fn fill_group<S: Simd>(s: S, of: Interval<'_>, group: usize, at: At, m: &mut Memory<'_>) {
    let shape = of.shape;
    let (d_state, n_rows) = (shape.d_state, StateSize::new(shape).n_rows);
    for t in 0..at.len {
        let from = (at.step(shape, t) * shape.n_groups + group) * d_state;
        let (b, c) = (&of.inputs.b[from..][..d_state], &of.inputs.c[from..][..d_state]);
        pack_row(s, b, at.rows, t, m.b);
        pack_row(s, c, at.rows, t, m.c);
        pack_turned(b, t, n_rows, m.b_turned);
        pack_turned(c, t, n_rows, m.c_turned);
    }
    let (left, right) = (Blocks { data: m.c, rows: at.rows }, Blocks { data: m.b_turned, rows: n_rows });
    each(s, at.blocks(), &mut Scores { at, d_state, upper: false, left, right, out: m.scores });
    let (left, right) = (Blocks { data: m.b, rows: at.rows }, Blocks { data: m.c_turned, rows: n_rows });
    each(s, at.blocks(), &mut Scores { at, d_state, upper: true, left, right, out: m.scores_turned });
    m.scores_cot.fill([0.0; BLOCK]);
}

/// What the cotangents of the scores, summed over the heads of the block, add to those of `b`, `c`.
#[inline(always)]
pub(super) fn from_scores<S: Simd>(
    s: S,
    shape: Shape,
    at: At,
    m: &mut Memory<'_>,
    b_cot: &mut [Row],
    c_cot: &mut [Row],
) {
    let n_rows = StateSize::new(shape).n_rows;
    for t in 0..at.len {
        for i in 0..at.len {
            let v = m.scores_cot[i / BLOCK * at.rows + t][i % BLOCK];
            m.scores_cot_turned[t / BLOCK * at.rows + i][t % BLOCK] = v;
        }
    }
    let sums: [(&[Row], &[Row], &mut [Row]); 2] =
        [(m.c_turned, m.scores_cot, b_cot), (m.b_turned, m.scores_cot_turned, c_cot)];
    for (left, right, state) in sums {
        let (left, right) = (Blocks { data: left, rows: n_rows }, Blocks { data: right, rows: at.rows });
        each(s, at.blocks(), &mut Update { at, d_state: shape.d_state, whole: 1.0, left, right, state });
    }
}

/// Where the cotangents of a head go.
pub(super) struct HeadOut<'a, 'b> {
    /// The head's place among those of `x` and `dt`.
    pub(super) column: usize,
    pub(super) x: &'a mut ColumnsMut<'b, f32>,
    pub(super) dt: &'a mut ColumnsMut<'b, f32>,
    /// `[n][t]`
    pub(super) b: &'a mut [Row],
    /// `[n][t]`
    pub(super) c: &'a mut [Row],
    pub(super) sums: &'a mut HeadSums,
}

/// One head over one chunk. The state before it is the checkpoint, or entry `from` of `m.states`;
/// `cot` is the cotangent of the state.
#[inline(always)]
#[expect(clippy::too_many_arguments, reason = "a head, a chunk, and what they share")]
pub(super) fn head_chunk<S: Simd>(
    s: S,
    of: Interval<'_>,
    head: usize,
    at: At,
    from: Option<usize>,
    cot: &mut [Row],
    m: &mut Memory<'_>,
    out: &mut HeadOut<'_, '_>,
) {
    let Interval { shape, inputs, .. } = of;
    let size = StateSize::new(shape);
    let Shape { head_dim, d_state, .. } = shape;
    let decay = Decay::new(s, shape, inputs, head, at);
    let to_end = factors(s, at, &decay, m);
    for t in 0..at.len {
        let (x, y_cot) = (row_of(inputs.x, shape, at, head, t), row_of(of.y_cot, shape, at, head, t));
        pack_row(s, x, at.rows, t, m.x);
        pack_turned(x, t, head_dim, m.x_turned);
        pack_row(s, y_cot, at.rows, t, m.y_cot);
        pack_turned(y_cot, t, head_dim, m.y_cot_turned);
        scale_row(s, size.p_blocks, decay.since_start[t], at.rows, t, m.y_cot, m.scaled);
    }
    let state = match from {
        Some(i) => &m.states[i * size.rows()..][..size.rows()],
        None => of.checkpoint(head),
    };

    // Cotangents of the logarithms of what is left since the start, and to the end.
    let mut log_cot = [0.0; MAX_CHUNK];
    let mut log_end_cot = [0.0; MAX_CHUNK];
    let mut weights_cot = WeightsCot {
        at,
        head_dim,
        y_cot: Blocks { data: m.y_cot, rows: at.rows },
        x_turned: Blocks { data: m.x_turned, rows: head_dim },
        factors: m.factors,
        scores: Blocks { data: m.scores, rows: at.rows },
        scores_cot: m.scores_cot,
    };
    each(s, at.blocks(), &mut weights_cot);
    let mut through_c = ThroughState {
        at,
        shape,
        state: Blocks { data: state, rows: size.n_rows },
        turned: Blocks { data: m.y_cot_turned, rows: head_dim },
        factor: &decay.since_start,
        other: Blocks { data: m.c_turned, rows: size.n_rows },
        out: out.c,
        log_cot: &mut log_cot,
    };
    each(s, at.blocks(), &mut through_c);
    let mut through_b = ThroughState {
        at,
        shape,
        state: Blocks { data: cot, rows: size.n_rows },
        turned: Blocks { data: m.x_turned, rows: head_dim },
        factor: &to_end.1,
        other: Blocks { data: m.b_turned, rows: size.n_rows },
        out: out.b,
        log_cot: &mut log_end_cot,
    };
    each(s, at.blocks(), &mut through_b);

    m.dots[..at.len].fill([0.0; BLOCK]);
    let mut x_cot = XCot {
        at,
        shape,
        decay: &decay,
        to_end: &to_end.0,
        skip: inputs.d.map_or(0.0, |d| d[head]),
        b: Blocks { data: m.b, rows: at.rows },
        cot: Blocks { data: cot, rows: size.n_rows },
        weights: Blocks { data: m.weights_turned, rows: at.rows },
        y_cot: Blocks { data: m.y_cot, rows: at.rows },
        x: Blocks { data: m.x, rows: at.rows },
        dots: m.dots,
        skip_cot: [0.0; BLOCK],
        column: out.column * head_dim,
        out: out.x,
    };
    each(s, size.p_blocks, &mut x_cot);
    out.sums[1] += x_cot.skip_cot.iter().map(|v| f64::from(*v)).sum::<f64>();

    let whole_cot = f64::from(decay.whole(at)) * dot(s, state, cot);
    let mut update = Update {
        at,
        d_state,
        whole: decay.whole(at),
        left: Blocks { data: m.c_turned, rows: size.n_rows },
        right: Blocks { data: m.scaled, rows: at.rows },
        state: cot,
    };
    each(s, size.p_blocks, &mut update);

    let mut sigmoid = raw_steps(shape, inputs, head, at);
    for i in (0..at.blocks() * BLOCK).step_by(S::LANES) {
        let v = math::sigmoid(s, s.load(&sigmoid[i..]));
        s.store(&mut sigmoid[i..], v);
    }
    // What is carried over step t: from before the chunk, to its end, and from step i to a later one.
    let mut to_end_cot = [0.0; MAX_CHUNK];
    let mut sum = whole_cot;
    for t in 0..at.len {
        to_end_cot[t] = sum;
        sum += f64::from(log_end_cot[t]);
    }
    let mut from_start_cot = 0.0;
    let mut later = [0.0; MAX_CHUNK];
    for t in (0..at.len).rev() {
        from_start_cot += f64::from(log_cot[t]);
        let inside = carried_over(s, at, t, m.factors, &mut later);
        let log = to_end_cot[t] + from_start_cot + f64::from(inside);
        let mut dots = 0.0;
        for v in m.dots[t] {
            dots += f64::from(v);
        }
        let delta_cot = log * f64::from(inputs.a[head]) + dots;
        let dt_cot = delta_cot * f64::from(sigmoid[t]);
        out.dt.row(at.step(shape, t))[out.column] = dt_cot as f32;
        out.sums[0] += log * f64::from(decay.delta[t]);
        out.sums[2] += dt_cot;
    }
}

/// The sum of `of[k][i]` over `i < t <= k`, called for falling `t`; `later[i]` is the sum over `k`.
#[inline(always)]
fn carried_over<S: Simd>(s: S, at: At, t: usize, of: &[Row], later: &mut Steps) -> f32 {
    let mut sum = s.splat(0.0);
    for i in (0..t).step_by(S::LANES) {
        let with = s.add(s.load(&later[i..]), s.load(&of[i / BLOCK * at.rows + t][i % BLOCK..]));
        s.store(&mut later[i..], with);
        sum = s.add(sum, s.select(before(s, t, i), with, s.splat(0.0)));
    }
    s.sum(sum)
}

/// Fills `m.factors` and `m.weights_turned`. Gives what is left of each step at the end of the chunk,
/// and the same times `delta`.
#[inline(always)]
fn factors<S: Simd>(s: S, at: At, decay: &Decay, m: &mut Memory<'_>) -> (Steps, Steps) {
    let zero = s.splat(0.0);
    let mut left = decay.delta;
    for t in 0..at.len {
        for i in (0..at.len).step_by(S::LANES) {
            let factor = decay.advance(s, t, i, s.load(&left[i..]));
            s.store(&mut left[i..], factor);
            let factor = s.select(until(s, t, i), factor, zero);
            s.store(&mut m.factors[i / BLOCK * at.rows + t][i % BLOCK..], factor);
        }
    }
    let mut right = [1.0; MAX_CHUNK];
    for i in (0..at.len).rev() {
        for t in (0..at.len).step_by(S::LANES) {
            let factor = decay.retreat(s, i, t, s.load(&right[t..]));
            s.store(&mut right[t..], factor);
            let at_i = t / BLOCK * at.rows + i;
            let weight = s.mul(factor, s.load(&m.scores_turned[at_i][t % BLOCK..]));
            let weight = s.select(from_step(s, i, t), weight, zero);
            s.store(&mut m.weights_turned[at_i][t % BLOCK..], weight);
        }
    }
    let mut to_end = [0.0; MAX_CHUNK];
    let mut product = 1.0;
    for t in (0..at.len).rev() {
        to_end[t] = product;
        product *= decay.decay[t];
    }
    (to_end, left)
}

/// `Σ a b` over all of two states, whose padding is zero.
#[inline(always)]
fn dot<S: Simd>(s: S, a: &[Row], b: &[Row]) -> f64 {
    let mut sum = 0.0;
    for (a, b) in a.chunks(64).zip(b.chunks(64)) {
        let mut lanes = [[s.splat(0.0); 4]; 2];
        for (r, (a, b)) in a.iter().zip(b).enumerate() {
            for v in 0..BLOCK / S::LANES {
                let sum = &mut lanes[r % 2][v];
                *sum = s.mul_add(s.load(&a[v * S::LANES..]), s.load(&b[v * S::LANES..]), *sum);
            }
        }
        for v in 0..BLOCK / S::LANES {
            sum += f64::from(s.sum(s.add(lanes[0][v], lanes[1][v])));
        }
    }
    sum
}
