//! Linear attention.

use barewire_kernels::{Isa, Kernel, vectorize};

use super::support::{Overwritten, batch_time_d, dot, length, numbers, shaped};
use crate::Error;
use crate::primitive::{Arg, Primitive, Slot};
use crate::real::Real;
use crate::residual::{Arrays, Elements, Outgoing, PortableOp};
use crate::shape::Sig;
use crate::state::Carry;
use crate::workspace::Arena;

/// Causal linear attention on features: `S[t] = S[t-1] + k[t] v[t]ᵀ`, `z[t] = z[t-1] + k[t]`,
/// `y[t] = S[t]ᵀ q[t] / (z[t] · q[t] + eps)`, head by head.
///
/// | name    | shape                              | range or unit                                             |
/// |---------|------------------------------------|-----------------------------------------------------------|
/// | `q`     | `[batch, time, d]`                 | features of the queries, above 0, such as [`random_features`] |
/// | `k`     | `[batch, time, d]`                 | features of the keys, likewise                            |
/// | `v`     | `[batch, time, e]`                 | values                                                    |
/// | `heads` | `u32`                              | divides `d` and `e`; a constant                           |
/// | `eps`   | `[]`                               | such as 1e-6; a constant                                  |
/// | result  | `[batch, time, e]`                 | as `v`                                                    |
/// | state   | `[batch, heads, d_head, e_head+1]` | the last `S`, with `z` as one more column                 |
///
/// The feature map is what stands in front: an elementwise function, or [`random_features`].
///
/// VJP, with `den = z · q + eps`, `n = ȳ / den` and `d̄en = -⟨ȳ, y⟩ / den`: forwards in time, the states made again,
/// `q̄ = S n + z d̄en`; backwards in time `S̄ += q nᵀ`, `z̄ += q d̄en`, `k̄ = S̄ v + z̄`, `v̄ = S̄ᵀ k`. The initial state's
/// cotangent is the last `S̄`, `z̄`. `eps` gets no gradient.
///
/// Residual: borrows `q`, `k` and `v`, copies the initial state, reads the result: no state a step. Any split of time
/// into calls gives the same bits.
///
/// [`random_features`]: super::random_features
///
/// # Errors
/// `Shape` names the argument that does not fit, or the state if it was sized by another batch.
///
/// Source: Katharopoulos et al., "Transformers are RNNs" (2020), equations 16 to 20.
#[allow(non_camel_case_types)]
pub struct linear_attention;

/// What [`linear_attention`] keeps.
#[derive(Clone, Copy, Debug)]
pub struct Residual<'r, R> {
    from: Features<'r, R>,
    initial: &'r [R],
}

/// What enters, and its sizes.
#[derive(Clone, Copy, Debug)]
struct Features<'r, R> {
    q: &'r [R],
    k: &'r [R],
    v: &'r [R],
    eps: R,
    batch: usize,
    time: usize,
    heads: usize,
    /// features of a head
    d: usize,
    /// values of a head
    e: usize,
}

impl Primitive for linear_attention {
    const SIG: Sig = Sig::new("(batch time d), (batch time d), (batch time e), (), () -> (batch time e)");
    const KEEPS: &'static [bool] = &[true, true, true, false, false];
    const KEEPS_OUT: bool = true;
    type Args<'r, 'a, R: Real> = (Arg<'r, 'a, R>, Arg<'r, 'a, R>, Arg<'r, 'a, R>, u32, R);
    type Cots<'a, R: Real> = (Slot<'a, R>, Slot<'a, R>, Slot<'a, R>, &'a mut (), &'a mut R);
    type Out<T> = [T; 1];
    type Residual<'r, R: Real> = Residual<'r, R>;
    type State<R: Real> = Carry<R>;

    fn forward_saving<'r, R: Real>(
        (q, k, v, heads, eps): Self::Args<'r, '_, R>,
        [y]: [&mut [R]; 1],
        state: &mut Carry<R>,
        saved: &mut Arena<'r, R>,
        mut scratch: Arena<'_, R>,
    ) -> Result<Residual<'r, R>, Error> {
        let [batch, time, heads, d, e] = sizes([q, k, v], heads)?;
        length("result", batch * time * heads * e, y.len())?;
        let [q, k, v] = [q, k, v].map(|arg| arg.keep(saved));
        let from = Features { q, k, v, eps, batch, time, heads, d, e };
        let state = state.sized(batch * heads * d * (e + 1))?;
        let initial = saved.take_copy(state);
        let sums = scratch.take(e + 1);
        vectorize(Isa::best(), Forward { from, state, sums, y });
        Ok(Residual { from, initial })
    }

    fn vjp<R: Real>(
        Residual { from, initial }: Residual<'_, R>,
        [y]: [&[R]; 1],
        [c]: [&[R]; 1],
        (q, k, v, ..): Self::Cots<'_, R>,
        state: &mut Carry<R>,
        mut scratch: Arena<'_, R>,
    ) -> Result<(), Error> {
        let mut scratch = scratch.lend();
        let Features { time, d, e, .. } = from;
        length("result", from.v.len(), y.len())?;
        length("cotangent", from.v.len(), c.len())?;
        let q = Overwritten::new("q", q, from.q.len(), &mut scratch)?;
        let k = Overwritten::new("k", k, from.k.len(), &mut scratch)?;
        let v = Overwritten::new("v", v, from.v.len(), &mut scratch)?;
        let state_cot = state.sized(initial.len())?;
        let (state, sums_cot) = (scratch.take(d * (e + 1)), scratch.take(time * (e + 1)));
        let to = [&mut *q.values, &mut *k.values, &mut *v.values];
        vectorize(Isa::best(), Backward { from, initial, y, c, state, sums_cot, state_cot, to });
        [q, k, v].into_iter().for_each(Overwritten::finish);
        Ok(())
    }
}

impl PortableOp for linear_attention {
    const ARRAYS: &'static [(&'static str, Elements)] = &[("initial", Elements::Floats)];

    fn write(residual: Self::Residual<'_, f32>, to: &mut Outgoing<'_>) {
        to.floats(residual.initial);
    }
    fn read<'r>(
        (q, k, v, heads, eps): Self::Args<'r, 'r, f32>,
        from: &mut Arrays<'_, 'r>,
    ) -> Result<Self::Residual<'r, f32>, Error> {
        let [batch, time, heads, d, e] = sizes([q, k, v], heads)?;
        let [q, k, v] = [from.kept(q)?, from.kept(k)?, from.kept(v)?];
        let initial = from.floats(batch * heads * d * (e + 1))?;
        Ok(Residual { from: Features { q, k, v, eps, batch, time, heads, d, e }, initial })
    }
}

/// `batch`, `time`, heads, and the sizes of a head in `q` and in `v`.
fn sizes<R: Real>([q, k, v]: [Arg<'_, '_, R>; 3], heads: u32) -> Result<[usize; 5], Error> {
    let [batch, time, d] = batch_time_d("q", q.dims())?;
    let (heads, e) = (heads as usize, v.dims().last());
    if heads == 0 || d % heads != 0 || e % heads != 0 {
        return Err(Error::shape("heads that divide the last axes of `q` and `v`", format!("{heads} of {d} and {e}")));
    }
    numbers("q", q)?;
    shaped("k", k, &[batch, time, d])?;
    shaped("v", v, &[batch, time, e])?;
    Ok([batch, time, heads, d / heads, e / heads])
}

impl<'r, R: Real> Features<'r, R> {
    /// Queries, keys and values of one head at one step.
    #[inline(always)]
    fn at(&self, entry: usize, t: usize, head: usize) -> [&'r [R]; 3] {
        let row = (entry * self.time + t) * self.heads + head;
        let (d, e) = (self.d, self.e);
        [&self.q[row * d..][..d], &self.k[row * d..][..d], &self.v[row * e..][..e]]
    }
}

/// `S += k vᵀ`, and `z += k`, its last column.
#[inline(always)]
fn absorb<R: Real>(state: &mut [R], k: &[R], v: &[R]) {
    for (row, &k) in state.chunks_exact_mut(v.len() + 1).zip(k) {
        for (s, &v) in row.iter_mut().zip(v) {
            *s += k * v;
        }
        row[v.len()] += k;
    }
}

/// `sums = Sᵀ q`, the last one `z · q`.
#[inline(always)]
fn read<R: Real>(state: &[R], q: &[R], sums: &mut [R]) {
    sums.fill(R::ZERO);
    for (row, &q) in state.chunks_exact(sums.len()).zip(q) {
        for (sum, &s) in sums.iter_mut().zip(row) {
            *sum += q * s;
        }
    }
}

struct Forward<'a, 'r, R> {
    from: Features<'r, R>,
    state: &'a mut [R],
    sums: &'a mut [R],
    y: &'a mut [R],
}

impl<R: Real> Kernel for Forward<'_, '_, R> {
    type Output = ();
    #[inline(always)]
    fn run(self) {
        let Features { batch, time, heads, d, e, eps, .. } = self.from;
        for entry in 0..batch {
            for t in 0..time {
                for head in 0..heads {
                    let [q, k, v] = self.from.at(entry, t, head);
                    let state = &mut self.state[(entry * heads + head) * d * (e + 1)..][..d * (e + 1)];
                    absorb(state, k, v);
                    read(state, q, self.sums);
                    let inverse = R::ONE / (self.sums[e] + eps);
                    let y = &mut self.y[((entry * time + t) * heads + head) * e..][..e];
                    for (y, &sum) in y.iter_mut().zip(&*self.sums) {
                        *y = sum * inverse;
                    }
                }
            }
        }
    }
}

struct Backward<'a, 'r, R> {
    from: Features<'r, R>,
    initial: &'a [R],
    y: &'a [R],
    c: &'a [R],
    /// of one head
    state: &'a mut [R],
    /// cotangents of the sums of one head, `[time, e + 1]`
    sums_cot: &'a mut [R],
    state_cot: &'a mut [R],
    /// of `q`, `k` and `v`
    to: [&'a mut [R]; 3],
}

impl<R: Real> Kernel for Backward<'_, '_, R> {
    type Output = ();
    #[inline(always)]
    fn run(self) {
        let Features { batch, time, heads, d, e, eps, .. } = self.from;
        let [q_cot, k_cot, v_cot] = self.to;
        for (entry, head) in (0..batch).flat_map(|entry| (0..heads).map(move |head| (entry, head))) {
            let own = (entry * heads + head) * d * (e + 1);
            self.state.copy_from_slice(&self.initial[own..][..d * (e + 1)]);
            for (t, sums_cot) in self.sums_cot.chunks_exact_mut(e + 1).enumerate() {
                let row = (entry * time + t) * heads + head;
                let [q, k, v] = self.from.at(entry, t, head);
                let (y, c) = (&self.y[row * e..][..e], &self.c[row * e..][..e]);
                absorb(self.state, k, v);
                read(self.state, q, sums_cot);
                let inverse = R::ONE / (sums_cot[e] + eps);
                for (sum, &c) in sums_cot.iter_mut().zip(c) {
                    *sum = c * inverse;
                }
                sums_cot[e] = -(dot(c, y) * inverse);
                for (q_cot, s) in q_cot[row * d..][..d].iter_mut().zip(self.state.chunks_exact(e + 1)) {
                    *q_cot = dot(s, sums_cot);
                }
            }
            let state_cot = &mut self.state_cot[own..][..d * (e + 1)];
            for (t, sums_cot) in self.sums_cot.chunks_exact(e + 1).enumerate().rev() {
                let row = (entry * time + t) * heads + head;
                let [q, k, v] = self.from.at(entry, t, head);
                let (k_cot, v_cot) = (&mut k_cot[row * d..][..d], &mut v_cot[row * e..][..e]);
                v_cot.fill(R::ZERO);
                for (i, l) in state_cot.chunks_exact_mut(e + 1).enumerate() {
                    for (l, &cot) in l.iter_mut().zip(sums_cot) {
                        *l += q[i] * cot;
                    }
                    k_cot[i] = dot(&l[..e], v) + l[e];
                    for (v_cot, &l) in v_cot.iter_mut().zip(&*l) {
                        *v_cot += k[i] * l;
                    }
                }
            }
        }
    }
}
