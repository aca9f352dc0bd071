//! Every kernel that is spread over threads has the same bits with 1, 2, 3 and 5 of them.
//!
//! One table of all of them, so that none is forgotten. Jobs are cut as finely as their units allow, whatever they are
//! worth, and each case has to be cut.

use crate::exec::testing::finely;
use crate::ternary::accumulate::{self, Rounding};
use crate::{
    Exec, Isa, KernelError, Scratch, adam, binary, causal_conv1d, cross_entropy, diagonal_scan, elementwise,
    gated_recurrence, gemm, quantized, rms_norm, selective_scan, softmax, ssd, ternary, weight_gradient,
};

/// Numbers in [-1, 1], other ones for each seed.
fn floats(seed: u64, len: usize) -> Vec<f32> {
    let mixed =
        |i: u64| (i + 1).wrapping_mul(0x9E37_79B9_7F4A_7C15).wrapping_add(seed.wrapping_mul(0xBF58_476D_1CE4_E5B9));
    (0..len as u64).map(|i| (mixed(i) >> 40) as f32 / (1 << 23) as f32 - 1.0).collect()
}

fn digits(len: usize) -> Vec<i8> {
    floats(99, len).iter().map(|x| (x * 1.5).round() as i8).collect()
}

/// Everything that a kernel wrote, as bits.
#[derive(Default, PartialEq)]
struct Bits(Vec<u64>);

impl Bits {
    fn floats(mut self, x: &[f32]) -> Self {
        self.0.extend(x.iter().map(|x| u64::from(x.to_bits())));
        self
    }

    fn doubles(mut self, x: &[f64]) -> Self {
        self.0.extend(x.iter().map(|x| x.to_bits()));
        self
    }

    fn words(mut self, x: &[u64]) -> Self {
        self.0.extend(x);
        self
    }

    fn bytes(mut self, x: &[u8]) -> Self {
        self.0.extend(x.iter().map(|x| u64::from(*x)));
        self
    }
}

type Case = (&'static str, fn(Exec) -> Bits);

/// All kernels; the scans give their checkpoints as well.
const CASES: &[Case] = &[
    ("adam::update", |exec| {
        let [mut w, mut m, mut v, g] = [1, 2, 3, 4].map(|seed| floats(seed, 40_000));
        v.iter_mut().for_each(|v| *v = v.abs());
        adam::update_with(exec, ADAM, &mut w, &g, &mut m, &mut v).unwrap();
        Bits::default().floats(&w).floats(&m).floats(&v)
    }),
    ("adam::update_latent", |exec| {
        let [mut w, mut m, mut v, g] = [1, 2, 3, 4].map(|seed| floats(seed, 40_000));
        v.iter_mut().for_each(|v| *v = v.abs());
        let mut words = vec![0; ternary::words_len(400, 100).unwrap()];
        let scratch = &mut Scratch::new();
        let scale =
            adam::update_latent_with(exec, ADAM, &mut w, &g, &mut m, &mut v, 400, 100, &mut words, scratch).unwrap();
        Bits::default().floats(&w).floats(&m).floats(&v).words(&words).floats(&[scale])
    }),
    ("causal_conv1d::forward", |exec| {
        let (w, b, x) = (floats(1, 72 * 4), floats(2, 72), floats(3, 2 * 9 * 72));
        let (mut state, mut y) = (floats(4, 2 * 3 * 72), vec![0.0; x.len()]);
        let scratch = &mut Scratch::new();
        causal_conv1d::forward_with(exec, &w, &b, &x, 2, 9, 72, 4, &mut state, &mut y, scratch).unwrap();
        Bits::default().floats(&y).floats(&state)
    }),
    ("causal_conv1d::backward", |exec| {
        let (w, x, h, y_cot) = (floats(1, 72 * 4), floats(2, 2 * 70 * 72), floats(3, 432), floats(4, 2 * 70 * 72));
        let (mut state, mut x_cot, mut w_cot, mut b_cot) = (floats(5, 432), x.clone(), w.clone(), vec![0.0; 72]);
        let outs = (&mut state, &mut x_cot, &mut w_cot, &mut b_cot);
        let scratch = &mut Scratch::new();
        causal_conv1d::backward_with(exec, &w, &x, &h, &y_cot, 2, 70, 72, 4, outs.0, outs.1, outs.2, outs.3, scratch)
            .unwrap();
        Bits::default().floats(&state).floats(&x_cot).floats(&w_cot).floats(&b_cot)
    }),
    ("cross_entropy::forward_backward", |exec| {
        let (x, targets) = (floats(1, 7 * 33), [0, 32, 5, cross_entropy::IGNORED, 7, 7, 1]);
        let (mut loss, mut cot) = ([0.0; 7], x.clone());
        cross_entropy::forward_backward_with(exec, &x, &targets, 7, 33, 0.5, &mut loss, &mut cot).unwrap();
        Bits::default().floats(&loss).floats(&cot)
    }),
    ("diagonal_scan", |exec| diagonal(exec, 40)),
    ("diagonal_scan, few steps", |exec| diagonal(exec, 2)),
    ("elementwise", |exec| {
        let (x, c) = (floats(1, 301), floats(2, 301));
        let mut bits = Bits::default();
        type Function = fn(Exec, &[f32], &mut [f32]) -> Result<(), KernelError>;
        let functions: [Function; 6] = [
            |exec, x, y| elementwise::exp_with(exec, x, y),
            |exec, x, y| elementwise::ln_with(exec, x, y),
            |exec, x, y| elementwise::sigmoid_with(exec, x, y),
            |exec, x, y| elementwise::silu_with(exec, x, y),
            |exec, x, y| elementwise::softplus_with(exec, x, y),
            |exec, x, y| elementwise::tanh_with(exec, x, y),
        ];
        for function in functions {
            let mut y = vec![0.0; x.len()];
            function(exec, &x, &mut y).unwrap();
            bits = bits.floats(&y);
        }
        let mut x_cot = vec![0.0; x.len()];
        elementwise::silu_vjp_with(exec, &x, &c, &mut x_cot).unwrap();
        bits.floats(&x_cot)
    }),
    ("gated_recurrence", |exec| {
        let [f, v, c] = [1, 2, 3].map(|seed| floats(seed, 2 * 5 * 70));
        let (h0, mut last, mut h) = (floats(4, 140), floats(4, 140), f.clone());
        gated_recurrence::forward_with(exec, &f, &v, 2, 5, 70, &mut last, &mut h).unwrap();
        let (mut state, mut f_cot, mut v_cot) = (floats(5, 140), f.clone(), f.clone());
        let outs = (&mut state, &mut f_cot, &mut v_cot);
        gated_recurrence::backward_with(exec, &f, &h, &h0, &c, 2, 5, 70, outs.0, outs.1, outs.2).unwrap();
        Bits::default().floats(&h).floats(&last).floats(&state).floats(&f_cot).floats(&v_cot)
    }),
    ("gemm, columns", |exec| dense(exec, 5, 400, 300)),
    ("gemm, rows", |exec| dense(exec, 70, 33, 300)),
    ("rms_norm", |exec| {
        let (x, w, c) = (floats(1, 200 * 9), floats(2, 9), floats(3, 200 * 9));
        let (mut y, mut r, mut x_cot, mut w_cot) = (x.clone(), vec![0.0; 200], x.clone(), vec![0.0; 9]);
        rms_norm::forward_with(exec, &x, Some(&w), 200, 9, 1e-5, &mut y, &mut r).unwrap();
        let scratch = &mut Scratch::new();
        let (w, w_cot_of) = (Some(&w[..]), Some(&mut w_cot[..]));
        rms_norm::backward_with(exec, &x, w, &r, &c, 200, 9, 1e-5, &mut x_cot, w_cot_of, scratch).unwrap();
        Bits::default().floats(&y).floats(&r).floats(&x_cot).floats(&w_cot)
    }),
    ("selective_scan", |exec| selective(exec, 5)),
    ("selective_scan without states", |exec| selective(exec, 0)),
    ("selective_scan::step", |exec| {
        let (x, dt, b, c) = (floats(1, 150), floats(2, 150), floats(3, 6), floats(4, 6));
        let len = selective_scan::packed_len(150, 6).unwrap();
        let (a_packed, mut h, mut y) = (floats(5, len), floats(6, len), x.clone());
        let inputs = selective_scan::StepInputs {
            x: &x,
            dt: &dt,
            z: Some(&x),
            a_packed: &a_packed,
            b: &b,
            c: &c,
            d: None,
            dt_bias: Some(&dt),
            softplus: true,
        };
        selective_scan::step_with(exec, 1, 150, 6, &inputs, &mut h, &mut y).unwrap();
        Bits::default().floats(&y).floats(&h)
    }),
    ("softmax", |exec| {
        let (x, c) = (floats(1, 7 * 35), floats(2, 7 * 35));
        let [mut y, mut log, mut x_cot, mut log_cot] = [0; 4].map(|_| vec![0.0; x.len()]);
        softmax::forward_with(exec, &x, 7, 35, &mut y).unwrap();
        softmax::log_forward_with(exec, &x, 7, 35, &mut log).unwrap();
        softmax::backward_with(exec, &y, &c, 7, 35, &mut x_cot).unwrap();
        softmax::log_backward_with(exec, &log, &c, 7, 35, &mut log_cot).unwrap();
        Bits::default().floats(&y).floats(&log).floats(&x_cot).floats(&log_cot)
    }),
    ("ssd", |exec| mamba2(exec, 100)),
    ("ssd, one step", |exec| mamba2(exec, 1)),
    ("ternary, quantisers", |exec| {
        let w = floats(1, 300 * 200);
        let mut words = vec![0; ternary::words_len(300, 200).unwrap()];
        let scale = ternary::quantize_absmean_with(exec, &w, 300, 200, &mut words).unwrap();
        let (mut codes, mut scales) = (vec![0; ternary::int8_codes_len(300, 200).unwrap()], vec![0.0; 300]);
        ternary::quantize_int8_with(exec, &w, 300, 200, &mut codes, &mut scales).unwrap();
        let codes: Vec<u8> = codes.iter().map(|c| *c as u8).collect();
        Bits::default().words(&words).floats(&[scale]).bytes(&codes).floats(&scales)
    }),
    ("ternary products", |exec| {
        let (rows, cols, n) = (300, 200, 3);
        let mut words = vec![0; ternary::words_len(rows, cols).unwrap()];
        ternary::pack_i8(rows, cols, &digits(rows * cols), &mut words).unwrap();
        let (x, y, s) = (floats(1, n * cols), floats(2, n * rows), &mut Scratch::new());
        let (mut out, mut back, mut bits) = (vec![0.0; n * rows], vec![0.0; n * cols], Bits::default());
        ternary::forward_f32_with(exec, &words, rows, cols, &x, n, &mut out, s).unwrap();
        bits = bits.floats(&out);
        ternary::forward_fixed16_with(exec, &words, rows, cols, &x, n, &mut out, s).unwrap();
        bits = bits.floats(&out);
        ternary::quantize_forward_int8_with(exec, &words, rows, cols, &x, n, 0.5, &mut out, s).unwrap();
        bits = bits.floats(&out);
        ternary::forward_unquantized_with(exec, &words, rows, cols, &x, n, &mut out).unwrap();
        bits = bits.floats(&out);
        ternary::transposed_f32_with(exec, &words, rows, cols, &y, n, &mut back, s).unwrap();
        bits = bits.floats(&back);
        ternary::transposed_fixed16_with(exec, &words, rows, cols, &y, n, &mut back, s).unwrap();
        bits.floats(&back)
    }),
    ("ternary::base3", |exec| {
        let (rows, cols, n) = (300, 200, 3);
        let mut words = vec![0; ternary::base3::words_len(rows, cols).unwrap()];
        ternary::base3::pack_i8(rows, cols, &digits(rows * cols), &mut words).unwrap();
        let (mut codes, mut scales) = (vec![0; ternary::int8_codes_len(n, cols).unwrap()], vec![0.0; n]);
        ternary::quantize_int8(&floats(1, n * cols), n, cols, &mut codes, &mut scales).unwrap();
        let (mut out, s) = (vec![0.0; n * rows], &mut Scratch::new());
        ternary::base3::forward_int8_with(exec, &words, rows, cols, &codes, &scales, n, 0.5, &mut out, s).unwrap();
        Bits::default().floats(&out)
    }),
    ("ternary::accumulate", |exec| {
        let (rows, cols) = (70, 100);
        let mut states: Vec<u8> = (0..rows * cols).map(|i| (i * 7 % usize::from(accumulate::STATES)) as u8).collect();
        let (signal, factors) = (floats(1, rows * cols), floats(2, rows));
        let mut words = vec![0; ternary::words_len(rows, cols).unwrap()];
        let rounding = Rounding::Stochastic { seed: 1, step: 2 };
        let factors: Vec<f32> = factors.iter().map(|f| 40.0 * f).collect();
        let counts =
            accumulate::fire_states_with(exec, &mut states, None, rows, cols, 0, &signal, &factors, rounding).unwrap();
        accumulate::state_words_with(exec, &states, rows, cols, &mut words).unwrap();
        let bits =
            Bits::default().bytes(&states).words(&words).words(&[counts.fires, counts.saturated, counts.skipped]);
        let (counters, of) = (&mut states, accumulate::count_rows_with);
        let counts = of(exec, counters, Some(&mut words), rows, cols, 25, 0, &signal, &factors, rounding).unwrap();
        bits.bytes(&states).words(&words).words(&[counts.fires, counts.skipped])
    }),
    ("binary", |exec| {
        let (rows, cols, n) = (300, 200, 3);
        let mut words = vec![0; binary::words_len(rows, cols).unwrap()];
        let values: Vec<u8> = digits(rows * cols).iter().map(|d| *d as u8 & 1).collect();
        binary::pack_u8(rows, cols, &values, &mut words).unwrap();
        let (x, y, s) = (floats(1, n * cols), floats(2, n * rows), &mut Scratch::new());
        let (mut out, mut back) = (vec![0.0; n * rows], vec![0.0; n * cols]);
        binary::forward_f32_with(exec, &words, rows, cols, &x, n, &mut out, s).unwrap();
        binary::transposed_f32_with(exec, &words, rows, cols, &y, n, &mut back, s).unwrap();
        Bits::default().floats(&out).floats(&back)
    }),
    ("quantized", |exec| {
        let (rows, cols, n) = (300, 200, 3);
        let format = quantized::Format { bits: 5, scale: 0.5, zero: 3 };
        let mut words = vec![0; quantized::words_len(rows, cols, 5).unwrap()];
        let values: Vec<u8> = digits(rows * cols).iter().map(|d| *d as u8 & 31).collect();
        quantized::pack_u8(rows, cols, 5, &values, &mut words).unwrap();
        let (x, y, s) = (floats(1, n * cols), floats(2, n * rows), &mut Scratch::new());
        let (mut out, mut back) = (vec![0.0; n * rows], vec![0.0; n * cols]);
        quantized::forward_f32_with(exec, &words, rows, cols, format, &x, n, &mut out, s).unwrap();
        quantized::transposed_f32_with(exec, &words, rows, cols, format, &y, n, &mut back, s).unwrap();
        Bits::default().floats(&out).floats(&back)
    }),
    ("weight_gradient", |exec| {
        let (y, x, s) = (floats(1, 5 * 90), floats(2, 5 * 37), &mut Scratch::new());
        let (mut all, mut some, mut squares) = (floats(3, 90 * 37), vec![0.0; 20 * 37], vec![0.0; 20]);
        weight_gradient::dense_with(exec, &y, &x, 5, 90, 37, 0.5, true, &mut all, s).unwrap();
        weight_gradient::rows_with(exec, &y, &x, 5, 90, 37, 7..27, 0.5, &mut some, &mut squares, s).unwrap();
        Bits::default().floats(&all).floats(&some).doubles(&squares)
    }),
];

const ADAM: adam::Coefficients =
    adam::Coefficients { grad: 0.5, beta1: 0.9, beta2: 0.99, rate: 0.1, second: 2.0, eps: 1e-8, keep: 0.99 };

fn dense(exec: Exec, m: usize, n: usize, k: usize) -> Bits {
    let (a, b, s) = (floats(1, m * k), floats(2, n * k), &mut Scratch::new());
    let [mut nt, mut nn, mut tn] = [3, 4, 5].map(|seed| floats(seed, m * n));
    gemm::nt_with(exec, m, n, k, &a, &b, false, &mut nt, s).unwrap();
    gemm::nn_with(exec, m, n, k, &a, &b, true, &mut nn, s).unwrap();
    gemm::tn_with(exec, m, n, k, 0.5, &a, &b, false, &mut tn, s).unwrap();
    Bits::default().floats(&nt).floats(&nn).floats(&tn)
}

fn diagonal(exec: Exec, seq_len: usize) -> Bits {
    let (batch, d_inner, d_state) = (2, 200, 5);
    let shape = diagonal_scan::Shape { batch, seq_len, d_inner, d_state };
    let (x, y_cot) = (floats(1, batch * seq_len * d_inner), floats(2, batch * seq_len * d_inner));
    let [a, b, c] = [3, 4, 5].map(|seed| floats(seed, d_inner * d_state));
    let d = floats(6, d_inner);
    let inputs = diagonal_scan::Inputs { x: &x, a: &a, b: &b, c: &c, d: Some(&d) };
    let (mut h, mut y, s) = (floats(7, batch * d_inner * d_state), x.clone(), &mut Scratch::new());
    diagonal_scan::forward_with(exec, shape, inputs, &mut h, &mut y, s).unwrap();
    let mut bits = Bits::default().floats(&y).floats(&h);
    let mut saved = vec![0.0; diagonal_scan::checkpoints_len(shape).unwrap()];
    diagonal_scan::forward_saving_with(exec, shape, inputs, &mut h, &mut y, &mut saved, s).unwrap();
    bits = bits.floats(&y).floats(&h).floats(&saved);
    let [mut gx, mut ga, mut gb, mut gc, mut gd] = [&x, &a, &b, &c, &d].map(|v| vec![0.0; v.len()]);
    let cot = diagonal_scan::Cotangents { x: &mut gx, a: &mut ga, b: &mut gb, c: &mut gc, d: Some(&mut gd) };
    diagonal_scan::backward_with(exec, shape, inputs, &saved, &y_cot, &mut h, cot, s).unwrap();
    [gx, ga, gb, gc, gd, h].iter().fold(bits, |bits, v| bits.floats(v))
}

fn selective(exec: Exec, d_state: usize) -> Bits {
    let (batch, seq_len, d_inner) = (2, 140, 200);
    let shape = selective_scan::Shape { batch, seq_len, d_inner, d_state };
    let [x, dt, z, y_cot] = [1, 2, 3, 4].map(|seed| floats(seed, batch * seq_len * d_inner));
    let a: Vec<f32> = floats(5, d_inner * d_state).iter().map(|a| -a.abs()).collect();
    let [b, c] = [6, 7].map(|seed| floats(seed, batch * seq_len * d_state));
    let [d, bias] = [8, 9].map(|seed| floats(seed, d_inner));
    let inputs = selective_scan::Inputs {
        x: &x,
        dt: &dt,
        z: Some(&z),
        a: &a,
        b: &b,
        c: &c,
        d: Some(&d),
        dt_bias: Some(&bias),
        softplus: true,
    };
    let (mut h, mut y, s) = (floats(10, batch * d_inner * d_state), x.clone(), &mut Scratch::new());
    let mut saved = vec![0.0; selective_scan::checkpoints_len(shape).unwrap()];
    selective_scan::forward_saving_with(exec, shape, &inputs, &mut h, &mut y, &mut saved, s).unwrap();
    let bits = Bits::default().floats(&y).floats(&h).floats(&saved);
    let [mut gx, mut gdt, mut gz, mut ga, mut gb, mut gc, mut gd, mut gbias] =
        [&x, &dt, &z, &a, &b, &c, &d, &bias].map(|v| vec![0.0; v.len()]);
    let cot = selective_scan::Cotangents {
        x: &mut gx,
        dt: &mut gdt,
        z: Some(&mut gz),
        a: &mut ga,
        b: &mut gb,
        c: &mut gc,
        d: Some(&mut gd),
        dt_bias: Some(&mut gbias),
    };
    selective_scan::backward_with(exec, shape, &inputs, &saved, &y_cot, &mut h, cot, s).unwrap();
    [gx, gdt, gz, ga, gb, gc, gd, gbias, h].iter().fold(bits, |bits, v| bits.floats(v))
}

fn mamba2(exec: Exec, seq_len: usize) -> Bits {
    let shape = ssd::Shape { batch: 2, seq_len, n_heads: 18, head_dim: 5, n_groups: 2, d_state: 7 };
    let tokens = 2 * seq_len;
    let [x, y_cot] = [1, 2].map(|seed| floats(seed, tokens * 18 * 5));
    let dt = floats(3, tokens * 18);
    let a: Vec<f32> = floats(4, 18).iter().map(|a| -a.abs()).collect();
    let [b, c] = [5, 6].map(|seed| floats(seed, tokens * 2 * 7));
    let [d, bias] = [7, 8].map(|seed| floats(seed, 18));
    let inputs = ssd::Inputs { x: &x, dt: &dt, a: &a, b: &b, c: &c, d: Some(&d), dt_bias: Some(&bias) };
    let (mut h, mut y, s) = (floats(9, 2 * 18 * 5 * 7), x.clone(), &mut Scratch::new());
    ssd::step_with(exec, shape, inputs, &mut h, &mut y).unwrap();
    let bits = Bits::default().floats(&y).floats(&h);
    let mut saved = vec![0.0; ssd::checkpoints_len(shape).unwrap()];
    ssd::forward_saving_with(exec, shape, inputs, &mut h, &mut y, &mut saved, s).unwrap();
    let bits = bits.floats(&y).floats(&h).floats(&saved);
    let [mut gx, mut gdt, mut ga, mut gb, mut gc, mut gd, mut gbias] =
        [&x, &dt, &a, &b, &c, &d, &bias].map(|v| vec![0.0; v.len()]);
    let cot = ssd::Cotangents {
        x: &mut gx,
        dt: &mut gdt,
        a: &mut ga,
        b: &mut gb,
        c: &mut gc,
        d: Some(&mut gd),
        dt_bias: Some(&mut gbias),
    };
    ssd::backward_with(exec, shape, inputs, &saved, &y_cot, &mut h, cot, s).unwrap();
    [gx, gdt, ga, gb, gc, gd, gbias, h].iter().fold(bits, |bits, v| bits.floats(v))
}

#[test]
fn any_number_of_threads_has_the_same_bits() {
    let pools = [1, 2, 3, 5].map(|n| rayon::ThreadPoolBuilder::new().num_threads(n).build().unwrap());
    for isa in Isa::available().filter(|isa| *isa != Isa::Reference) {
        for (name, case) in CASES {
            let alone = case(isa.into());
            for pool in &pools {
                let threads = pool.current_num_threads();
                let (bits, cuts) = pool.install(|| finely(|| case(Exec::from(isa).parallel())));
                assert!(bits == alone, "{name} on {} with {threads} threads", isa.name());
                assert_eq!(cuts > 0, threads > 1, "{name} on {} is cut with {threads} threads", isa.name());
            }
        }
    }
}
