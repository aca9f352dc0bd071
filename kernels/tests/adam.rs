//! AdamW against f64, against its scalar loop, and with the quantisation of latent weights.

mod common;

use barewire_kernels::adam::{self, Coefficients};
use barewire_kernels::{Exec, Isa, KernelError, Scratch, ternary};
use common::{Rng, bits, for_each_isa};

const U: f64 = 1.0 / (1 << 24) as f64;

const C: Coefficients =
    Coefficients { grad: 0.5, beta1: 0.9, beta2: 0.99, rate: 0.02, second: 7.0, eps: 1e-8, keep: 0.999 };

/// `[w, g, m, v]`
fn arrays(n: usize) -> [Vec<f32>; 4] {
    let mut rng = Rng(n as u64);
    let mut arrays = [0; 4].map(|_| rng.floats(n));
    arrays[3].iter_mut().for_each(|v| *v = v.abs());
    arrays
}

/// The loop of the formula, each operation rounded.
fn plain([w, g, m, v]: [f32; 4]) -> [f32; 3] {
    let g = g * C.grad;
    let m = C.beta1 * m + (1.0 - C.beta1) * g;
    let v = C.beta2 * v + (1.0 - C.beta2) * (g * g);
    [w * C.keep - C.rate * (m / ((v * C.second).sqrt() + C.eps)), m, v]
}

#[test]
fn bits_are_those_of_the_scalar_loop() {
    for n in [0, 1, 7, 8, 9, 15, 16, 33, 1023, 1025, 17_000] {
        let [w, g, m, v] = arrays(n);
        for_each_isa(|isa| {
            let (mut w2, mut m2, mut v2) = (w.clone(), m.clone(), v.clone());
            adam::update_with(isa, C, &mut w2, &g, &mut m2, &mut v2).unwrap();
            for i in 0..n {
                let exact = adam::reference::element(C, [w[i], g[i], m[i], v[i]].map(f64::from));
                // Of each: at most eight roundings of terms no larger than these.
                for (found, (exact, size)) in [w2[i], m2[i], v2[i]].iter().zip(exact.iter().zip([2.0, 2.0, 2.0])) {
                    assert!((f64::from(*found) - exact).abs() <= 8.0 * U * size, "{} {n}: {found} {exact}", isa.name());
                }
                if isa != Isa::Reference {
                    let plain = plain([w[i], g[i], m[i], v[i]]);
                    assert_eq!(bits(&[w2[i], m2[i], v2[i]]), bits(&plain), "{} {n}", isa.name());
                }
            }
        });
    }
}

#[test]
fn latent_weights_are_updated_and_quantised_as_one_after_the_other() {
    let shapes = [(1, 1), (3, 33), (8, 64), (17, 100), (130, 257), (0, 5), (5, 0)];
    let pools = [1, 2].map(|n| rayon::ThreadPoolBuilder::new().num_threads(n).build().unwrap());
    for (rows, cols) in shapes {
        let [w, g, m, v] = arrays(rows * cols);
        for_each_isa(|isa| {
            let len = ternary::words_len(rows, cols).unwrap();
            let mut apart = [w.clone(), m.clone(), v.clone()];
            let [w1, m1, v1] = &mut apart;
            adam::update_with(isa, C, w1, &g, m1, v1).unwrap();
            let mut words = vec![7; len];
            let scale = ternary::quantize_absmean_with(isa, w1, rows, cols, &mut words).unwrap();
            ternary::check_codes(&words, rows, cols).unwrap();
            for pool in &pools {
                let (mut together, mut fused) = ([w.clone(), m.clone(), v.clone()], vec![9; len]);
                let [w2, m2, v2] = &mut together;
                let exec = Exec::from(isa).parallel();
                let found = pool.install(|| {
                    let scratch = &mut Scratch::new();
                    adam::update_latent_with(exec, C, w2, &g, m2, v2, rows, cols, &mut fused, scratch).unwrap()
                });
                assert_eq!(found.to_bits(), scale.to_bits(), "{} {rows} x {cols}", isa.name());
                assert!(fused == words, "{} {rows} x {cols}", isa.name());
                assert!(together.each_ref().map(|v| bits(v)) == apart.each_ref().map(|v| bits(v)), "{}", isa.name());
                let mut again = vec![3; len];
                let found = pool
                    .install(|| ternary::quantize_absmean_with(exec, &together[0], rows, cols, &mut again))
                    .unwrap();
                assert!(found.to_bits() == scale.to_bits() && again == words, "{} {rows} x {cols}", isa.name());
            }
        });
    }
}

#[test]
fn the_sum_of_many_blocks_is_the_mean() {
    // More blocks than are summed at a time.
    let (rows, cols) = if cfg!(debug_assertions) { (40, 1000) } else { (4200, 1024) };
    let w = Rng(1).floats(rows * cols);
    let mean = w.iter().map(|w| f64::from(w.abs())).sum::<f64>() / w.len() as f64;
    for isa in Isa::available().filter(|isa| *isa != Isa::Reference || !cfg!(debug_assertions)) {
        let mut words = vec![0; ternary::words_len(rows, cols).unwrap()];
        let scale = ternary::quantize_absmean_with(isa, &w, rows, cols, &mut words).unwrap();
        assert_eq!(scale, mean as f32, "{}", isa.name());
    }
}

#[test]
fn special_values_stay_in_their_element() {
    for_each_isa(|isa| {
        let (mut w, mut m, mut v) = ([1.0; 4], [0.5; 4], [0.5; 4]);
        adam::update_with(isa, C, &mut w, &[0.0, f32::NAN, f32::INFINITY, 0.0], &mut m, &mut v).unwrap();
        assert!(w[1].is_nan() && w[2].is_nan() && w[0] == w[3] && w[0].is_finite(), "{w:?}");
        // A NaN among latent weights makes every digit 0.
        let (mut words, scratch) = (vec![0; 8], &mut Scratch::new());
        let scale = adam::update_latent_with(isa, C, &mut w, &[0.0; 4], &mut m, &mut v, 2, 2, &mut words, scratch);
        assert!(scale.unwrap().is_nan());
        assert!(words.iter().all(|word| *word == ternary::ZERO_WORD));
    });
}

#[test]
fn lengths_are_checked() {
    let length = |argument, expected, found| Err(KernelError::Length { argument, expected, found });
    let (g, w, m, v) = ([0.0; 4], &mut [0.0; 4], &mut [0.0; 4], &mut [0.0; 4]);
    assert_eq!(adam::update(C, w, &g[1..], m, v), length("g", 4, 3));
    assert_eq!(adam::update(C, w, &g, &mut m[1..], v), length("m", 4, 3));
    assert_eq!(adam::update(C, w, &g, m, &mut v[1..]), length("v", 4, 3));
    let (words, s) = (&mut [0; 8], &mut Scratch::new());
    let latent = |result: Result<f32, KernelError>| result.map(|_| ());
    assert_eq!(latent(adam::update_latent(C, w, &g, m, v, 2, 3, words, s)), length("w", 6, 4));
    assert_eq!(latent(adam::update_latent(C, w, &g, m, v, 2, 2, &mut words[1..], s)), length("words", 8, 7));
    assert_eq!(latent(adam::update_latent(C, w, &g[1..], m, v, 2, 2, words, s)), length("g", 4, 3));
}
