//! Several vectors as one, for long chains of operations.
//!
//! A function such as an exponential is a chain of some twenty operations of four cycles each. Vector by vector, the
//! CPU's window holds too few of these chains to keep the multipliers busy; operation by operation on several vectors,
//! there is always one that can start. The bits are those of the vectors one by one.

use super::Simd;

/// `M` vectors of `S`.
#[derive(Clone, Copy)]
pub(crate) struct Several<S, const M: usize>(pub(crate) S);

/// `f` of each of the vectors. A macro, since a closure full of intrinsics looks too expensive to the inliner.
macro_rules! each {
    (|$i:ident| $value:expr) => {{
        let $i = 0;
        let mut out = [$value; M];
        let mut $i = 1;
        while $i < M {
            out[$i] = $value;
            $i += 1;
        }
        out
    }};
}

impl<S: Simd, const M: usize> Simd for Several<S, M> {
    type F = [S::F; M];
    type M = [S::M; M];

    const LANES: usize = M * S::LANES;
    const REGISTERS: usize = S::REGISTERS / M;

    #[inline(always)]
    fn splat(self, v: f32) -> Self::F {
        [self.0.splat(v); M]
    }

    #[inline(always)]
    fn load(self, x: &[f32]) -> Self::F {
        let x = &x[..Self::LANES];
        each!(|i| self.0.load(&x[i * S::LANES..]))
    }

    #[inline(always)]
    fn load_part(self, x: &[f32]) -> Self::F {
        each!(|i| self.0.load_part(&x[x.len().min(i * S::LANES)..]))
    }

    #[inline(always)]
    fn store(self, x: &mut [f32], v: Self::F) {
        let x = &mut x[..Self::LANES];
        for (i, v) in v.into_iter().enumerate() {
            self.0.store(&mut x[i * S::LANES..], v);
        }
    }

    #[inline(always)]
    fn store_part(self, x: &mut [f32], v: Self::F) {
        for (i, v) in v.into_iter().enumerate() {
            let at = x.len().min(i * S::LANES);
            self.0.store_part(&mut x[at..], v);
        }
    }

    #[inline(always)]
    fn add(self, a: Self::F, b: Self::F) -> Self::F {
        each!(|i| self.0.add(a[i], b[i]))
    }

    #[inline(always)]
    fn sub(self, a: Self::F, b: Self::F) -> Self::F {
        each!(|i| self.0.sub(a[i], b[i]))
    }

    #[inline(always)]
    fn mul(self, a: Self::F, b: Self::F) -> Self::F {
        each!(|i| self.0.mul(a[i], b[i]))
    }

    #[inline(always)]
    fn div(self, a: Self::F, b: Self::F) -> Self::F {
        each!(|i| self.0.div(a[i], b[i]))
    }

    #[inline(always)]
    fn max(self, a: Self::F, b: Self::F) -> Self::F {
        each!(|i| self.0.max(a[i], b[i]))
    }

    #[inline(always)]
    fn min(self, a: Self::F, b: Self::F) -> Self::F {
        each!(|i| self.0.min(a[i], b[i]))
    }

    #[inline(always)]
    fn copysign(self, a: Self::F, sign: Self::F) -> Self::F {
        each!(|i| self.0.copysign(a[i], sign[i]))
    }

    #[inline(always)]
    fn scale(self, a: Self::F, n: Self::F) -> Self::F {
        each!(|i| self.0.scale(a[i], n[i]))
    }

    #[inline(always)]
    fn scale_exponent(self, a: Self::F, n: Self::F) -> Self::F {
        each!(|i| self.0.scale_exponent(a[i], n[i]))
    }

    #[inline(always)]
    fn sqrt(self, a: Self::F) -> Self::F {
        each!(|i| self.0.sqrt(a[i]))
    }

    #[inline(always)]
    fn abs(self, a: Self::F) -> Self::F {
        each!(|i| self.0.abs(a[i]))
    }

    #[inline(always)]
    fn round(self, a: Self::F) -> Self::F {
        each!(|i| self.0.round(a[i]))
    }

    #[inline(always)]
    fn clamp_exponent(self, a: Self::F) -> Self::F {
        each!(|i| self.0.clamp_exponent(a[i]))
    }

    #[inline(always)]
    fn mul_add(self, a: Self::F, b: Self::F, c: Self::F) -> Self::F {
        each!(|i| self.0.mul_add(a[i], b[i], c[i]))
    }

    #[inline(always)]
    fn neg_mul_add(self, a: Self::F, b: Self::F, c: Self::F) -> Self::F {
        each!(|i| self.0.neg_mul_add(a[i], b[i], c[i]))
    }

    #[inline(always)]
    fn neg_fused(self, a: Self::F, b: Self::F, c: Self::F) -> Self::F {
        each!(|i| self.0.neg_fused(a[i], b[i], c[i]))
    }

    #[inline(always)]
    fn lt(self, a: Self::F, b: Self::F) -> Self::M {
        each!(|i| self.0.lt(a[i], b[i]))
    }

    #[inline(always)]
    fn le(self, a: Self::F, b: Self::F) -> Self::M {
        each!(|i| self.0.le(a[i], b[i]))
    }

    #[inline(always)]
    fn eq(self, a: Self::F, b: Self::F) -> Self::M {
        each!(|i| self.0.eq(a[i], b[i]))
    }

    #[inline(always)]
    fn select(self, m: Self::M, yes: Self::F, no: Self::F) -> Self::F {
        each!(|i| self.0.select(m[i], yes[i], no[i]))
    }

    #[inline(always)]
    fn any(self, m: Self::M) -> bool {
        m.into_iter().any(|m| self.0.any(m))
    }

    #[inline(always)]
    fn split_exponent(self, a: Self::F) -> (Self::F, Self::F) {
        let (mut m, mut e) = (a, a);
        for i in 0..M {
            (m[i], e[i]) = self.0.split_exponent(a[i]);
        }
        (m, e)
    }

    #[inline(always)]
    fn transpose(self, _: &mut [Self::F]) {
        unreachable!("a square of several vectors has no use")
    }

    #[inline(always)]
    fn sum(self, a: Self::F) -> f32 {
        let mut sum = a[0];
        for a in &a[1..] {
            sum = self.0.add(sum, *a);
        }
        self.0.sum(sum)
    }

    #[inline(always)]
    fn prefetch(self, x: &[f32], at: usize) {
        self.0.prefetch(x, at);
    }
}
