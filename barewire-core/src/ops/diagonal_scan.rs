//! State-space scan with constant diagonal coefficients.

use barewire_kernels::{Isa, Kernel, vectorize};

use super::support::{Overwritten, add_into, batch_time_d, length, matrix, numbers, sum_over};
use crate::Error;
use crate::gradient::Gradient;
use crate::primitive::{Arg, Primitive, Slot};
use crate::real::Real;
use crate::shape::Sig;
use crate::state::Carry;
use crate::wire::MatrixView;
use crate::workspace::Arena;

/// Steps between two states that are kept; the ones between are computed again in the backward pass.
const BLOCK: usize = 32;

/// State-space scan with constant diagonal coefficients.
///
/// `h[t] = a ⊙ h[t-1] + b x[t]`, `y[t] = Σ_n c ⊙ h[t] + skip x[t]`, channel by channel
///
/// | name   | shape              | range or unit              |
/// |--------|--------------------|----------------------------|
/// | `a`    | `[d, n]`           | decay per step, in (-1, 1) |
/// | `b`    | `[d, n]`           | input weight               |
/// | `c`    | `[d, n]`           | read-out weight            |
/// | `skip` | `[d]`              | direct path                |
/// | `x`    | `[batch, time, d]` | any                        |
/// | result | `[batch, time, d]` | as `x`                     |
/// | state  | `[batch, d, n]`    | the last `h`               |
///
/// VJP, backwards in time: `l[t] = c ȳ[t] + a l[t+1]`; `ā += l[t] h[t-1]`, `b̄ += l[t] x[t]`, `c̄ += ȳ[t] h[t]`,
/// `s̄kip += ȳ[t] x[t]`, `x̄[t] = Σ_n b l[t] + skip ȳ[t]`; the initial state's cotangent is `a l[0]`.
///
/// Residual: borrows the parameters and `x`, and keeps `h` before every 32nd step.
/// Any split of time into calls gives the same bits.
///
/// # Errors
/// `Shape` names the argument that does not fit, or the state if it was sized by another batch.
///
/// Source: Gupta, Gu & Berant, "Diagonal State Spaces are as Effective as Structured State Spaces" (2022), equation 3;
/// real coefficients.
#[allow(non_camel_case_types)]
pub struct diagonal_scan;

/// What [`diagonal_scan`] keeps.
#[derive(Clone, Copy, Debug)]
pub struct Residual<'r, R> {
    of: Coefficients<'r, R>,
    x: &'r [R],
    /// `[batch, blocks, d, n]`
    states: &'r [R],
    sizes: [usize; 3],
}

#[derive(Clone, Copy, Debug)]
struct Coefficients<'r, R> {
    a: &'r [R],
    b: &'r [R],
    c: &'r [R],
    skip: &'r [R],
    n: usize,
}

impl Primitive for diagonal_scan {
    const SIG: Sig = Sig::new("(d n), (d n), (d n), (d), (batch time d) -> (batch time d)");
    const KEEPS: &'static [bool] = &[true, true, true, true, true];
    type Args<'r, 'a, R: Real> = (MatrixView<'r, R>, MatrixView<'r, R>, MatrixView<'r, R>, &'r [R], Arg<'r, 'a, R>);
    type Cots<'a, R: Real> =
        (&'a mut Gradient<R>, &'a mut Gradient<R>, &'a mut Gradient<R>, &'a mut Gradient<R>, Slot<'a, R>);
    type Out<T> = [T; 1];
    type Residual<'r, R: Real> = Residual<'r, R>;
    type State<R: Real> = Carry<R>;

    fn forward_saving<'r, R: Real>(
        (a, b, c, skip, x): Self::Args<'r, '_, R>,
        [y]: [&mut [R]; 1],
        state: &mut Carry<R>,
        saved: &mut Arena<'r, R>,
        _: Arena<'_, R>,
    ) -> Result<Residual<'r, R>, Error> {
        let sizes @ [batch, time, d] = batch_time_d("x", x.dims())?;
        let n = a.cols;
        for (name, m) in [("a", a), ("b", b), ("c", c)] {
            if (m.rows, m.cols) != (d, n) {
                return Err(Error::shape(format!("`{name}` of [{d}, {n}]"), format!("[{}, {}]", m.rows, m.cols)));
            }
        }
        length("skip", d, skip.len())?;
        let data = numbers("x", x)?;
        length("result", data.len(), y.len())?;
        let of = Coefficients { a: matrix("a", a)?, b: matrix("b", b)?, c: matrix("c", c)?, skip, n };
        let states = saved.take(batch * time.div_ceil(BLOCK) * d * n);
        let h = state.sized(batch * d * n)?;
        vectorize(Isa::best(), Forward { of, x: data, y, h, states: &mut *states, sizes });
        Ok(Residual { of, x: x.keep(saved), states, sizes })
    }

    fn vjp<R: Real>(
        Residual { of, x, states, sizes: sizes @ [batch, _, d] }: Residual<'_, R>,
        _: [&[R]; 1],
        [y_cot]: [&[R]; 1],
        (a, b, c, skip, slot): Self::Cots<'_, R>,
        state: &mut Carry<R>,
        mut scratch: Arena<'_, R>,
    ) -> Result<(), Error> {
        let mut scratch = scratch.lend();
        length("cotangent", x.len(), y_cot.len())?;
        let dn = of.a.len();
        let x_cot = Overwritten::new("x", slot, x.len(), &mut scratch)?;
        let l = state.sized(batch * dn)?;
        let [a_cot, b_cot, c_cot] = [(); 3].map(|()| scratch.take_zeros(dn));
        let skip_cot = scratch.take_zeros(d);
        let h = scratch.take((BLOCK + 1) * dn);
        let (sums, x_to) = ([&mut *a_cot, &mut *b_cot, &mut *c_cot], &mut *x_cot.values);
        let skip_to = &mut *skip_cot;
        vectorize(Isa::best(), Backward { of, x, states, sizes, y_cot, l, h, sums, skip_cot: skip_to, x_cot: x_to });
        x_cot.finish();
        for (gradient, sum) in [(a, &*a_cot), (b, &*b_cot), (c, &*c_cot), (skip, &*skip_cot)] {
            if let Some(to) = gradient.dense(sum.len()) {
                add_into(to, sum);
            }
        }
        Ok(())
    }
}

struct Forward<'a, R> {
    of: Coefficients<'a, R>,
    x: &'a [R],
    y: &'a mut [R],
    h: &'a mut [R],
    states: &'a mut [R],
    sizes: [usize; 3],
}

impl<R: Real> Kernel for Forward<'_, R> {
    type Output = ();
    #[inline(always)]
    fn run(self) {
        let Coefficients { c, skip, n, .. } = self.of;
        let [batch, time, d] = self.sizes;
        let blocks = time.div_ceil(BLOCK);
        for b in 0..batch {
            let h = &mut self.h[b * d * n..][..d * n];
            for t in 0..time {
                if t % BLOCK == 0 {
                    self.states[(b * blocks + t / BLOCK) * d * n..][..d * n].copy_from_slice(h);
                }
                let at = (b * time + t) * d;
                let (x, y) = (&self.x[at..][..d], &mut self.y[at..][..d]);
                self.of.advance(x, h);
                for k in 0..d {
                    let read = sum_over([&c[k * n..][..n], &h[k * n..][..n]], |[c, h]| c * h);
                    y[k] = read + skip[k] * x[k];
                }
            }
        }
    }
}

impl<R: Real> Coefficients<'_, R> {
    /// `h = a ⊙ h + b x`
    #[inline(always)]
    fn advance(&self, x: &[R], h: &mut [R]) {
        let n = self.n;
        for (k, &x) in x.iter().enumerate() {
            let h = h[k * n..][..n].iter_mut();
            for ((h, &a), &b) in h.zip(&self.a[k * n..][..n]).zip(&self.b[k * n..][..n]) {
                *h = a * *h + b * x;
            }
        }
    }
}

struct Backward<'a, R> {
    of: Coefficients<'a, R>,
    x: &'a [R],
    states: &'a [R],
    sizes: [usize; 3],
    y_cot: &'a [R],
    /// cotangent of the state, `[batch, d, n]`
    l: &'a mut [R],
    /// the states of one block, the one before it first
    h: &'a mut [R],
    /// of `a`, `b` and `c`
    sums: [&'a mut [R]; 3],
    skip_cot: &'a mut [R],
    x_cot: &'a mut [R],
}

impl<R: Real> Kernel for Backward<'_, R> {
    type Output = ();
    #[inline(always)]
    fn run(self) {
        let [batch, time, d] = self.sizes;
        let Coefficients { a, b, c, skip, n } = self.of;
        let dn = d * n;
        let [a_cot, b_cot, c_cot] = self.sums;
        let blocks = time.div_ceil(BLOCK);
        for e in 0..batch {
            let l = &mut self.l[e * dn..][..dn];
            for block in (0..blocks).rev() {
                let start = block * BLOCK;
                let steps = BLOCK.min(time - start);
                self.h[..dn].copy_from_slice(&self.states[(e * blocks + block) * dn..][..dn]);
                for s in 0..steps {
                    let (before, after) = self.h[s * dn..].split_at_mut(dn);
                    after[..dn].copy_from_slice(before);
                    self.of.advance(&self.x[(e * time + start + s) * d..][..d], &mut after[..dn]);
                }
                for s in (0..steps).rev() {
                    let at = (e * time + start + s) * d;
                    let (before, after) = self.h[s * dn..].split_at(dn);
                    for (k, &skip) in skip.iter().enumerate() {
                        let (x, y_cot) = (self.x[at + k], self.y_cot[at + k]);
                        let row = k * n..(k + 1) * n;
                        let l = &mut l[row.clone()];
                        for (l, &c) in l.iter_mut().zip(&c[row.clone()]) {
                            *l += c * y_cot;
                        }
                        self.x_cot[at + k] = sum_over([&b[row.clone()], &*l], |[b, l]| b * l) + skip * y_cot;
                        self.skip_cot[k] += y_cot * x;
                        let states = before[row.clone()].iter().zip(&after[row.clone()]);
                        let sums =
                            a_cot[row.clone()].iter_mut().zip(&mut b_cot[row.clone()]).zip(&mut c_cot[row.clone()]);
                        for (((l, &a), (&before, &after)), ((a_cot, b_cot), c_cot)) in
                            l.iter_mut().zip(&a[row.clone()]).zip(states).zip(sums)
                        {
                            *a_cot += *l * before;
                            *b_cot += *l * x;
                            *c_cot += y_cot * after;
                            *l = a * *l;
                        }
                    }
                }
            }
        }
    }
}
