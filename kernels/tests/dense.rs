//! Gated recurrence, dense products, the trampoline, binary and k-bit products.

mod common;

use barewire_kernels::{Isa, Kernel, Scratch, binary, gated_recurrence, quantized, vectorize};
use common::{Rng, TOKENS, bits, for_each_isa, max_abs, shapes};

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

/// `|error| <= sum|W| * half a step + rounding of the result`.
fn assert_close(out: &[f32], exact: &[f64], half_step: f64, weight: f64, what: &str) {
    for (found, exact) in out.iter().zip(exact) {
        let bound = weight * half_step + exact.abs() * 2f64.powi(-23);
        let error = (f64::from(*found) - exact).abs();
        assert!(error <= bound, "{what}: {found} for {exact}");
    }
}

/// Both products of `W[rows, cols]` in f64.
fn products(w: &[f32], rows: usize, cols: usize, x: &[f32], y: &[f32], n: usize) -> [Vec<f64>; 2] {
    let (mut forward, mut back) = (vec![0.0; n * rows], vec![0.0; n * cols]);
    for t in 0..n {
        for r in 0..rows {
            for c in 0..cols {
                let w = f64::from(w[r * cols + c]);
                forward[t * rows + r] += w * f64::from(x[t * cols + c]);
                back[t * cols + c] += w * f64::from(y[t * rows + r]);
            }
        }
    }
    [forward, back]
}

#[test]
fn binary_products() {
    let mut rng = Rng(24);
    let mut s = Scratch::new();
    for (rows, cols, n) in shapes() {
        let raw: Vec<u8> = (0..rows * cols).map(|_| rng.below(2) as u8).collect();
        let mut words = vec![u64::MAX; binary::words_len(rows, cols).unwrap()];
        binary::pack_u8(rows, cols, &raw, &mut words).unwrap();
        binary::check_codes(&words, rows, cols).unwrap();
        let mut again = vec![9; raw.len()];
        binary::unpack_u8(&words, rows, cols, &mut again).unwrap();
        assert_eq!(again, raw);
        let mut w = vec![9.0; raw.len()];
        binary::unpack_f32(&words, rows, cols, &mut w).unwrap();
        let (x, y) = (rng.floats(n * cols), rng.floats(n * rows));
        let [forward, back] = products(&w, rows, cols, &x, &y, n);
        let half = 2f64.powi(-23);
        let mut first = None;
        for_each_isa(|isa| {
            let mut out = vec![f32::NAN; n * rows];
            binary::forward_f32_with(isa, &words, rows, cols, &x, n, &mut out, &mut s).unwrap();
            assert_close(&out, &forward, half * max_abs(&x), cols as f64, isa.name());
            let mut turned = vec![f32::NAN; n * cols];
            binary::transposed_f32_with(isa, &words, rows, cols, &y, n, &mut turned, &mut s).unwrap();
            assert_close(&turned, &back, half * max_abs(&y), rows as f64, isa.name());
            if isa != Isa::Reference {
                let found = (bits(&out), bits(&turned));
                assert!(*first.get_or_insert(found.clone()) == found, "{}", isa.name());
            }
        });
    }
}

#[test]
fn quantized_products() {
    let mut rng = Rng(25);
    let mut s = Scratch::new();
    for (case, (rows, cols, n)) in shapes().enumerate() {
        let bits_per_code = 2 + case as u32 % 7;
        let end = 1 << bits_per_code;
        let format = quantized::Format { bits: bits_per_code, scale: 0.01, zero: rng.below(end) as u8 };
        let raw: Vec<u8> = (0..rows * cols).map(|_| rng.below(end) as u8).collect();
        let mut words = vec![u64::MAX; quantized::words_len(rows, cols, format.bits).unwrap()];
        quantized::pack_u8(rows, cols, format.bits, &raw, &mut words).unwrap();
        quantized::check_codes(&words, rows, cols, format.bits).unwrap();
        let mut again = vec![0; raw.len()];
        quantized::unpack_u8(&words, rows, cols, format.bits, &mut again).unwrap();
        assert_eq!(again, raw);
        for (i, code) in raw.iter().enumerate().take(50) {
            let found = quantized::get(&words, rows, cols, format.bits, i / cols, i % cols);
            assert_eq!(found, Ok(*code));
        }
        let mut w = vec![9.0; raw.len()];
        quantized::unpack_f32(&words, rows, cols, format, &mut w).unwrap();
        let (x, y) = (rng.floats(n * cols), rng.floats(n * rows));
        let [forward, back] = products(&w, rows, cols, &x, &y, n);
        // Half a step of the tokens, and the rounding of W in the oracle.
        let half = 2f64.powi(-22);
        let largest = max_abs(&w);
        let mut first = None;
        for_each_isa(|isa| {
            let mut out = vec![f32::NAN; n * rows];
            quantized::forward_f32_with(isa, &words, rows, cols, format, &x, n, &mut out, &mut s).unwrap();
            assert_close(&out, &forward, half * max_abs(&x), largest * cols as f64, isa.name());
            let mut turned = vec![f32::NAN; n * cols];
            quantized::transposed_f32_with(isa, &words, rows, cols, format, &y, n, &mut turned, &mut s).unwrap();
            assert_close(&turned, &back, half * max_abs(&y), largest * rows as f64, isa.name());
            if isa != Isa::Reference {
                let found = (bits(&out), bits(&turned));
                assert!(*first.get_or_insert(found.clone()) == found, "{}", isa.name());
            }
        });
    }
    assert_eq!(TOKENS[0], 0);
}
