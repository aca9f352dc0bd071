//! From checked arguments to jobs: packing, working memory, reductions.

use super::backward::{Backward, SEGMENT, Sums, lanes_len, range_blocks};
use super::forward::Forward;
use super::pack::{exponent, lines, lines_mut, pack_lines, pack_states, packed_len, unpack_states};
use super::step::Step;
use super::tile::{steps, transpose};
use super::{Cotangents, GROUP, Inputs, K, LANES, Line, Shape, StepInputs, reference};
use crate::columns::ColumnsMut;
use crate::error::{KernelError, check_len, product};
use crate::exec::Shares;
use crate::{Exec, Isa, Scratch};

/// Nanoseconds below which a second thread does not pay.
const GRAIN: usize = 20_000;

pub(super) fn forward(
    exec: Exec,
    shape: Shape,
    inputs: &Inputs<'_>,
    h: &mut [f32],
    y: &mut [f32],
    checkpoints: Option<&mut [f32]>,
    scratch: &mut Scratch,
) -> Result<(), KernelError> {
    inputs.check(shape)?;
    check_len("h", h, shape.states()?)?;
    check_len("y", y, inputs.x.len())?;
    if let Some(checkpoints) = &checkpoints {
        check_len("checkpoints", checkpoints, shape.checkpoints()?)?;
    }
    if y.is_empty() {
        return Ok(());
    }
    if exec.isa() == Isa::Reference {
        reference::forward_f32(shape, inputs, h, y, checkpoints);
        return Ok(());
    }
    let packed = shape.blocks() * shape.d_state;
    let memory = scratch.aligned(shared_len(shape) + shape.batch * packed * LANES, 0).0;
    let (states, memory) = lines_mut(memory).split_at_mut(shape.batch * packed);
    let shared = Shared::new(shape, inputs, memory);
    pack_states(shape, h, states);
    let job = Forward {
        isa: exec.isa(),
        shape,
        inputs: *inputs,
        first: 0,
        blocks: shape.blocks(),
        a: shared.a,
        b: shared.b,
        c: shared.c,
        h: ColumnsMut::new(states, packed),
        y: ColumnsMut::new(y, shape.d_inner),
        checkpoints: checkpoints.map(|c| ColumnsMut::new(lines_mut(c), packed)),
    };
    exec.run(job, GRAIN / cost(shape, shape.batch * shape.seq_len, GROUP));
    unpack_states(shape, states, h);
    Ok(())
}

#[expect(clippy::too_many_arguments, reason = "those of the public function")]
pub(super) fn backward(
    exec: Exec,
    shape: Shape,
    inputs: &Inputs<'_>,
    checkpoints: &[f32],
    y_cot: &[f32],
    state_cot: &mut [f32],
    mut cotangents: Cotangents<'_>,
    scratch: &mut Scratch,
) -> Result<(), KernelError> {
    inputs.check(shape)?;
    check_len("checkpoints", checkpoints, shape.checkpoints()?)?;
    check_len("y_cot", y_cot, inputs.x.len())?;
    check_len("state_cot", state_cot, shape.states()?)?;
    cotangents.check(inputs)?;
    if y_cot.is_empty() {
        // No step, or no channel, reads them.
        cotangents.b.fill(0.0);
        cotangents.c.fill(0.0);
        return Ok(());
    }
    if exec.isa() == Isa::Reference {
        reference::backward_f32(shape, inputs, checkpoints, y_cot, state_cot, cotangents);
        return Ok(());
    }
    let Shape { batch, d_inner, d_state, .. } = shape;
    let (blocks, range) = (shape.blocks(), range_blocks(shape));
    let packed = blocks * d_state;
    let ranges = blocks.div_ceil(range);
    let lanes = exec.threads().clamp(1, ranges) * lanes_len(d_state);
    let parts = ranges * SEGMENT.min(shape.tiles()) * 2 * d_state * K;
    let floats = shared_len(shape) + batch * packed * LANES + lanes + parts;
    let (memory, sums) = scratch.aligned(floats, (packed + 2 * blocks) * LANES);
    let (carry, memory) = memory.split_at_mut(batch * packed * LANES);
    let (lanes, memory) = memory.split_at_mut(lanes);
    let (parts, memory) = memory.split_at_mut(parts);
    let carry = lines_mut(carry);
    let parts = parts.as_chunks_mut().0;
    sums.fill(0.0);
    let (a_sums, channel_sums) = sums.as_chunks_mut().0.split_at_mut(packed);
    let channel_sums = channel_sums.as_chunks_mut().0;
    let shared = Shared::new(shape, inputs, lines_mut(memory));
    pack_states(shape, state_cot, carry);
    for entry in 0..batch {
        for tile in (0..shape.tiles()).step_by(SEGMENT).rev() {
            let tiles = SEGMENT.min(shape.tiles() - tile);
            let grain = GRAIN / cost(shape, 3 * tiles * K, range);
            let shares = exec.parts(ranges, grain);
            let job = Backward {
                isa: exec.isa(),
                shape,
                inputs: *inputs,
                y_cot,
                entry,
                tile,
                tiles,
                first: 0,
                blocks,
                range,
                a: shared.a,
                b: shared.b,
                c: shared.c,
                checkpoints: lines(checkpoints),
                carry: ColumnsMut::new(carry, packed),
                x_cot: ColumnsMut::new(cotangents.x, d_inner),
                dt_cot: ColumnsMut::new(cotangents.dt, d_inner),
                z_cot: cotangents.z.as_deref_mut().map(|z| ColumnsMut::new(z, d_inner)),
                a_sums,
                channel_sums,
                parts,
                lanes: Shares::new(&mut lanes[..shares * lanes_len(d_state)], shares),
            };
            exec.run(job, grain);
            for i in tile..tile + tiles {
                let at = (i - tile) * 2 * d_state;
                reduce(shape, entry, i, &parts[at..], ranges, tiles * 2 * d_state, &mut cotangents);
            }
        }
    }
    unpack_states(shape, carry, state_cot);
    add_parameters(shape, a_sums, channel_sums, &mut cotangents);
    Ok(())
}

pub(super) fn step(
    exec: Exec,
    shape: Shape,
    inputs: &StepInputs<'_>,
    h: &mut [f32],
    y: &mut [f32],
) -> Result<(), KernelError> {
    let Shape { batch, d_inner, d_state, .. } = shape;
    inputs.check(shape)?;
    check_len("h_packed", h, product("h_packed", &[batch, packed_len(d_inner, d_state)?])?)?;
    check_len("y", y, inputs.x.len())?;
    if y.is_empty() {
        return Ok(());
    }
    if exec.isa() == Isa::Reference {
        reference::step_f32(shape, inputs, h, y);
        return Ok(());
    }
    let job = Step {
        isa: exec.isa(),
        shape,
        inputs: *inputs,
        first: 0,
        blocks: shape.blocks(),
        a: lines(inputs.a_packed),
        h: ColumnsMut::new(lines_mut(h), shape.blocks() * d_state),
        y: ColumnsMut::new(y, d_inner),
    };
    exec.run(job, GRAIN / cost(shape, batch, 1));
    Ok(())
}

/// About how many nanoseconds a forward takes for each of so many blocks and steps; not 0.
fn cost(shape: Shape, steps: usize, blocks: usize) -> usize {
    steps.saturating_mul(blocks).saturating_mul(3 * shape.d_state + 10).max(1)
}

/// What the parts of a job share.
struct Shared<'a> {
    /// Packed, times log2(e).
    a: &'a [Line],
    /// Transposed by tiles.
    b: &'a [[f32; K]],
    c: &'a [[f32; K]],
}

/// Floats that [`Shared`] takes.
fn shared_len(shape: Shape) -> usize {
    let Shape { batch, d_state, .. } = shape;
    shape.blocks() * d_state * LANES + 2 * batch * shape.tiles() * d_state * K
}

impl<'a> Shared<'a> {
    fn new(shape: Shape, inputs: &Inputs<'_>, memory: &'a mut [Line]) -> Self {
        let Shape { batch, seq_len, d_inner, d_state } = shape;
        let (a, memory) = memory.split_at_mut(shape.blocks() * d_state);
        pack_lines(inputs.a, d_inner, d_state, a, exponent);
        let columns = batch * shape.tiles() * d_state;
        let (b, c) = memory.as_flattened_mut().as_chunks_mut().0.split_at_mut(columns);
        transpose(inputs.b, seq_len, d_state, b);
        transpose(inputs.c, seq_len, d_state, c);
        Self { a, b, c }
    }
}

/// Adds what the ranges have for `b` and `c` of a tile, in the order of the ranges.
fn reduce(
    shape: Shape,
    entry: usize,
    tile: usize,
    parts: &[[f32; K]],
    ranges: usize,
    stride: usize,
    cotangents: &mut Cotangents<'_>,
) {
    let Shape { seq_len, d_state, .. } = shape;
    for n in 0..d_state {
        let (mut b, mut c) = ([0.0; K], [0.0; K]);
        for range in 0..ranges {
            let part = &parts[range * stride..][..2 * d_state];
            let (b_part, c_part) = (&part[n], &part[d_state + n]);
            for t in 0..K {
                b[t] += b_part[t];
                c[t] += c_part[t];
            }
        }
        for (t, step) in steps(tile, seq_len).enumerate() {
            let at = (entry * seq_len + step) * d_state + n;
            cotangents.b[at] = b[t];
            cotangents.c[at] = c[t];
        }
    }
}

/// Adds the sums over time and batch to the cotangents of the parameters.
fn add_parameters(shape: Shape, a_sums: &[Sums], channel_sums: &[[Sums; 2]], cotangents: &mut Cotangents<'_>) {
    let Shape { d_inner, d_state, .. } = shape;
    for d in 0..d_inner {
        let (block, lane) = (d / LANES, d % LANES);
        for n in 0..d_state {
            let a = &mut cotangents.a[d * d_state + n];
            *a = (f64::from(*a) + a_sums[block * d_state + n][lane]) as f32;
        }
        let [d_sums, bias_sums] = &channel_sums[block];
        for (cot, sums) in [(&mut cotangents.d, d_sums), (&mut cotangents.dt_bias, bias_sums)] {
            if let Some(cot) = cot {
                cot[d] = (f64::from(cot[d]) + sums[lane]) as f32;
            }
        }
    }
}
