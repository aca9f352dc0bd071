//! Gated recurrence and the trampoline.

mod common;

use barewire_kernels::{Isa, Kernel, gated_recurrence, vectorize};
use common::{Rng, bits, for_each_isa};

#[test]
fn recurrence_follows_the_formula_in_any_chunks() {
    let mut rng = Rng(20);
    for (batch, time, d) in
        [(1, 1, 1), (2, 5, 7), (1, 40, 33), (3, 17, 64), (2, 9, 130), (2, 0, 3), (0, 4, 4), (1, 3, 0)]
    {
        let f: Vec<f32> = rng.floats(batch * time * d).iter().map(|v| v.abs()).collect();
        let v = rng.floats(f.len());
        let h0 = rng.floats(batch * d);
        let mut first = None;
        for_each_isa(|isa| {
            let (mut state, mut h) = (h0.clone(), vec![f32::NAN; f.len()]);
            gated_recurrence::forward_with(isa, &f, &v, batch, time, d, &mut state, &mut h).unwrap();
            for b in 0..batch {
                for i in 0..d {
                    let channel =
                        |x: &[f32]| -> Vec<f64> { (0..time).map(|t| x[(b * time + t) * d + i].into()).collect() };
                    let exact = gated_recurrence::reference::channel(&channel(&f), &channel(&v), h0[b * d + i].into());
                    // |f| < 1: two roundings a step of values below time + 1.
                    let bound = (time * time + 1) as f64 * 2f64.powi(-23);
                    for (a, e) in channel(&h).iter().zip(&exact) {
                        assert!((a - e).abs() <= bound, "{} {a} {e}", isa.name());
                    }
                    if time > 0 {
                        assert_eq!(state[b * d + i], h[(b * time + time - 1) * d + i]);
                    } else {
                        assert_eq!(state[b * d + i], h0[b * d + i]);
                    }
                }
            }
            if isa == Isa::Reference {
                return;
            }
            let found = (bits(&state), bits(&h));
            assert!(*first.get_or_insert(found.clone()) == found, "{}", isa.name());
            // One step at a time, for the first batch entry.
            if batch > 0 {
                let mut state = h0[..d].to_vec();
                for t in 0..time {
                    let at = t * d..(t + 1) * d;
                    let mut row = vec![0.0; d];
                    gated_recurrence::forward_with(isa, &f[at.clone()], &v[at.clone()], 1, 1, d, &mut state, &mut row)
                        .unwrap();
                    assert_eq!(bits(&row), bits(&h[at]));
                }
            }
        });
    }
}

#[test]
fn recurrence_backward_is_the_adjoint() {
    let mut rng = Rng(21);
    for (batch, time, d) in [(1, 1, 1), (2, 6, 9), (1, 30, 65)] {
        let len = batch * time * d;
        let f: Vec<f32> = rng.floats(len).iter().map(|v| v.abs()).collect();
        let (v, h0) = (rng.floats(len), rng.floats(batch * d));
        let (h_cot, last_cot) = (rng.floats(len), rng.floats(batch * d));
        let (mut state, mut h) = (h0.clone(), vec![0.0; len]);
        gated_recurrence::forward_with(Isa::Portable, &f, &v, batch, time, d, &mut state, &mut h).unwrap();
        let mut oracle: Option<Vec<f32>> = None;
        let mut first = None;
        for_each_isa(|isa| {
            let mut state_cot = last_cot.clone();
            let (mut f_cot, mut v_cot) = (vec![f32::NAN; len], vec![f32::NAN; len]);
            gated_recurrence::backward_with(
                isa,
                &f,
                &h,
                &h0,
                &h_cot,
                batch,
                time,
                d,
                &mut state_cot,
                &mut f_cot,
                &mut v_cot,
            )
            .unwrap();
            // The map is affine in (h0, v): <h_cot, dh> + <last_cot, dlast> for h itself.
            let dot =
                |a: &[f32], b: &[f32]| -> f64 { a.iter().zip(b).map(|(a, b)| f64::from(*a) * f64::from(*b)).sum() };
            let left = dot(&h_cot, &h) + dot(&last_cot, &state);
            let right = dot(&v_cot, &v) + dot(&state_cot, &h0);
            let size = (len + 1) as f64 * (time + 1) as f64;
            assert!((left - right).abs() <= size * 2f64.powi(-22), "{} {left} {right}", isa.name());
            let all = [&state_cot[..], &f_cot, &v_cot].concat();
            match &oracle {
                None => oracle = Some(all),
                Some(oracle) => {
                    // Two roundings a step of values below time + 2, times |h| <= time + 1.
                    let bound = 2f64.powi(-23) * ((time + 2) * (time + 2) * (time + 2)) as f64;
                    for (a, b) in all.iter().zip(oracle) {
                        assert!(f64::from((a - b).abs()) <= bound, "{}", isa.name());
                    }
                    let found = bits(&all);
                    assert!(*first.get_or_insert(found.clone()) == found, "{}", isa.name());
                }
            }
        });
    }
}

struct Polynomial<'a>(&'a [f32], &'a mut [f32]);

impl Kernel for Polynomial<'_> {
    type Output = f32;

    #[inline(always)]
    fn run(self) -> f32 {
        let mut partial = [0.0f32; 16];
        for (x, y) in self.0.as_chunks::<16>().0.iter().zip(self.1.as_chunks_mut::<16>().0) {
            for i in 0..16 {
                y[i] = (x[i] * 0.3 + 0.7) * x[i] + 0.1;
                partial[i] += y[i];
            }
        }
        partial.iter().sum()
    }
}

#[test]
fn vectorized_loops_have_the_same_bits() {
    let x = Rng(23).floats(1024);
    let mut first = None;
    for_each_isa(|isa| {
        let mut y = vec![0.0; 1024];
        let sum = vectorize(isa, Polynomial(&x, &mut y));
        let found = (sum.to_bits(), bits(&y));
        assert!(*first.get_or_insert(found.clone()) == found, "{}", isa.name());
    });
}
