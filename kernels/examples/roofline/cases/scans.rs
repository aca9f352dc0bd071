//! Scans over time.

use barewire_kernels::{Exec, Scratch, diagonal_scan, gated_recurrence, selective_scan, ssd};

use super::{close, floats};
use crate::measure::{Case, Subject, Target, Work};

/// As numbers for a reference.
fn wide(x: &[f32]) -> Vec<f64> {
    x.iter().map(|&x| x.into()).collect()
}

/// The selective scan of Mamba with everything: softplus, skip, gate, initial state.
struct Selective {
    shape: selective_scan::Shape,
    both: bool,
    inputs: [Vec<f32>; 8],
    h: Vec<f32>,
    y: Vec<f32>,
    checkpoints: Vec<f32>,
    state_cot: Vec<f32>,
    cot: [Vec<f32>; 8],
    scratch: Scratch,
    /// Of `y`, then, with `both`, of the cotangents of `x` and `a`.
    exact: Option<[Vec<f64>; 3]>,
}

impl Selective {
    fn new(batch: usize, seq_len: usize, d_inner: usize, d_state: usize, both: bool) -> Self {
        let shape = selective_scan::Shape { batch, seq_len, d_inner, d_state };
        let (tokens, states) = (batch * seq_len, batch * d_inner * d_state);
        let x = floats(tokens * d_inner);
        // Time steps around 0.01 and states that decay over 1 to 100 steps, as in trained models.
        let dt = floats(tokens * d_inner + 1)[1..].iter().map(|v| v * 2.0 - 4.0).collect();
        let z = floats(tokens * d_inner + 2)[2..].to_vec();
        let a = (0..d_inner * d_state).map(|i| -((i % d_state + 1) as f32)).collect();
        let b = floats(tokens * d_state + 3)[3..].to_vec();
        let c = floats(tokens * d_state + 4)[4..].to_vec();
        let (d, bias) = (floats(d_inner), floats(d_inner + 5)[5..].to_vec());
        let inputs = [x, dt, z, a, b, c, d, bias];
        let checkpoints = if both { selective_scan::checkpoints_len(shape).expect("small") } else { 0 };
        let cot = inputs.clone().map(|v| vec![0.0; if both { v.len() } else { 0 }]);
        Self {
            shape,
            both,
            h: vec![0.0; states],
            y: vec![0.0; tokens * d_inner],
            checkpoints: vec![0.0; checkpoints],
            state_cot: vec![0.0; if both { states } else { 0 }],
            inputs,
            cot,
            scratch: Scratch::new(),
            exact: None,
        }
    }

    /// What the reference says of a few channels: all of it would take minutes for the large shapes.
    fn reference(&self) -> [Vec<f64>; 3] {
        let selective_scan::Shape { batch, seq_len, d_inner, d_state } = self.shape;
        let few = CHECKED.min(d_inner);
        let shape = selective_scan::Shape { d_inner: few, ..self.shape };
        let columns = |v: &[f32]| -> Vec<f64> { v.chunks(d_inner).flat_map(|row| wide(&row[..few])).collect() };
        let [x, dt, z, a, b, c, d, bias] = &self.inputs;
        let (x, dt, z, a, b, c) = (columns(x), columns(dt), columns(z), wide(&a[..few * d_state]), wide(b), wide(c));
        let (d, bias) = (wide(&d[..few]), wide(&bias[..few]));
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
        let (mut h, mut y) = (vec![0.0; batch * few * d_state], vec![0.0; x.len()]);
        selective_scan::reference::forward(shape, &inputs, &mut h, &mut y);
        let [mut x_cot, mut dt_cot, mut z_cot, mut b_cot, mut c_cot] =
            [&x, &dt, &z, &b, &c].map(|v| vec![0.0; v.len()]);
        let [mut a_cot, mut d_cot, mut bias_cot] = [&a, &d, &bias].map(|v| vec![0.0; v.len()]);
        if self.both {
            let mut cotangents = selective_scan::Cotangents {
                x: &mut x_cot,
                dt: &mut dt_cot,
                z: Some(&mut z_cot),
                a: &mut a_cot,
                b: &mut b_cot,
                c: &mut c_cot,
                d: Some(&mut d_cot),
                dt_bias: Some(&mut bias_cot),
            };
            let (zero, mut state_cot) = (vec![0.0; h.len()], vec![0.0; h.len()]);
            // The cotangent of `y` is `x`.
            let y_cot = x.clone();
            selective_scan::reference::backward(shape, &inputs, &zero, &y_cot, &mut state_cot, &mut cotangents);
        }
        debug_assert_eq!(y.len(), batch * seq_len * few);
        [y, x_cot, a_cot]
    }
}

/// Channels that are compared with the reference.
const CHECKED: usize = 40;

impl Subject for Selective {
    fn run(&mut self, exec: Exec) {
        let Self { shape, inputs: [x, dt, z, a, b, c, d, bias], h, y, scratch, .. } = self;
        let inputs =
            selective_scan::Inputs { x, dt, z: Some(z), a, b, c, d: Some(d), dt_bias: Some(bias), softplus: true };
        h.fill(0.0);
        if !self.both {
            return selective_scan::forward_with(exec, *shape, &inputs, h, y, scratch).expect("lengths");
        }
        let checkpoints = &mut self.checkpoints;
        selective_scan::forward_saving_with(exec, *shape, &inputs, h, y, checkpoints, scratch).expect("lengths");
        self.state_cot.fill(0.0);
        let [x_cot, dt_cot, z_cot, a_cot, b_cot, c_cot, d_cot, bias_cot] = &mut self.cot;
        for sum in [&mut *a_cot, &mut *d_cot, &mut *bias_cot] {
            sum.fill(0.0);
        }
        let cotangents = selective_scan::Cotangents {
            x: x_cot,
            dt: dt_cot,
            z: Some(z_cot),
            a: a_cot,
            b: b_cot,
            c: c_cot,
            d: Some(d_cot),
            dt_bias: Some(bias_cot),
        };
        selective_scan::backward_with(exec, *shape, &inputs, checkpoints, x, &mut self.state_cot, cotangents, scratch)
            .expect("lengths");
    }

    fn check(&mut self, exec: Exec) -> Result<(), String> {
        if self.exact.is_none() {
            self.exact = Some(self.reference());
        }
        self.y.fill(f32::NAN);
        self.run(exec);
        let Some([y, x_cot, a_cot]) = &self.exact else { return Err("no reference".to_owned()) };
        let (d, n) = (self.shape.d_inner, self.shape.d_state);
        let few = CHECKED.min(d);
        let columns = |v: &[f32]| -> Vec<f32> { v.chunks(d).flat_map(|row| row[..few].to_vec()).collect() };
        close("y", &columns(&self.y), y, 5e-6)?;
        if self.both {
            close("x_cot", &columns(&self.cot[0]), x_cot, 2e-5)?;
            close("a_cot", &self.cot[3][..few * n], a_cot, 2e-5)?;
        }
        Ok(())
    }
}

/// Work of a selective scan: for each state an exponential, two products and two fused multiply-adds; for each channel
/// softplus, gate and skip (three exponentials and some 25 operations). Backward the exponential and the state again, and
/// eight operations, twelve and a half with what the gates need.
const fn selective(batch: usize, seq_len: usize, d_inner: usize, d_state: usize, both: bool) -> Work {
    let channels = (batch * seq_len * d_inner) as f64;
    let states = channels * d_state as f64;
    if both {
        Work {
            dot: 0.0,
            exp: 2.0 * states + 6.0 * channels,
            fma: 16.5 * states + 60.0 * channels,
            bytes: 44.0 * channels,
        }
    } else {
        Work { dot: 0.0, exp: states + 3.0 * channels, fma: 4.0 * states + 25.0 * channels, bytes: 16.0 * channels }
    }
}

macro_rules! selective {
    ($name:literal, $batch:literal, $time:literal, $d:literal, $n:literal, $both:literal, $one:expr, $two:expr) => {
        Case {
            name: $name,
            work: selective($batch, $time, $d, $n, $both),
            targets: [$one, $two],
            subject: || Box::new(Selective::new($batch, $time, $d, $n, $both)),
        }
    };
}

/// One token of decoding, packed once.
struct Step {
    d_inner: usize,
    d_state: usize,
    x: Vec<f32>,
    dt: Vec<f32>,
    z: Vec<f32>,
    a_packed: Vec<f32>,
    b: Vec<f32>,
    c: Vec<f32>,
    d: Vec<f32>,
    h: Vec<f32>,
    y: Vec<f32>,
    /// Of the first step.
    exact: Vec<f64>,
}

impl Step {
    fn new(d_inner: usize, d_state: usize) -> Self {
        let shape = selective_scan::Shape { batch: 1, seq_len: 1, d_inner, d_state };
        let (x, z, d) = (floats(d_inner), floats(d_inner + 1)[1..].to_vec(), floats(d_inner + 2)[2..].to_vec());
        let dt: Vec<f32> = floats(d_inner).iter().map(|v| v - 4.0).collect();
        let a: Vec<f32> = (0..d_inner * d_state).map(|i| -((i % d_state + 1) as f32)).collect();
        let (b, c) = (floats(d_state), floats(d_state + 3)[3..].to_vec());
        let packed = selective_scan::packed_len(d_inner, d_state).expect("small");
        let mut a_packed = vec![0.0; packed];
        selective_scan::pack_a(d_inner, d_state, &a, &mut a_packed).expect("lengths");
        let (mut h, mut exact) = (vec![0.0; a.len()], vec![0.0; d_inner]);
        selective_scan::reference::forward(
            shape,
            &selective_scan::Inputs {
                x: &wide(&x),
                dt: &wide(&dt),
                z: Some(&wide(&z)),
                a: &wide(&a),
                b: &wide(&b),
                c: &wide(&c),
                d: Some(&wide(&d)),
                dt_bias: None,
                softplus: true,
            },
            &mut h,
            &mut exact,
        );
        Self { d_inner, d_state, x, dt, z, a_packed, b, c, d, h: vec![0.0; packed], y: vec![0.0; d_inner], exact }
    }
}

impl Subject for Step {
    fn run(&mut self, exec: Exec) {
        let Self { d_inner, d_state, x, dt, z, a_packed, b, c, d, h, y, .. } = self;
        let inputs =
            selective_scan::StepInputs { x, dt, z: Some(z), a_packed, b, c, d: Some(d), dt_bias: None, softplus: true };
        selective_scan::step_with(exec, 1, *d_inner, *d_state, &inputs, h, y).expect("lengths");
    }

    fn check(&mut self, exec: Exec) -> Result<(), String> {
        self.h.fill(0.0);
        self.run(exec);
        close("y", &self.y, &self.exact, 5e-6)
    }
}

macro_rules! step {
    ($name:literal, $d:literal, $one:expr) => {
        Case {
            name: $name,
            work: Work { bytes: ($d * 16 * 12) as f64, ..selective(1, 1, $d, 16, false) },
            targets: [$one, Target::None],
            subject: || Box::new(Step::new($d, 16)),
        }
    };
}

/// The scan of Mamba-2.
struct Ssd {
    shape: ssd::Shape,
    both: bool,
    inputs: [Vec<f32>; 7],
    h: Vec<f32>,
    y: Vec<f32>,
    checkpoints: Vec<f32>,
    state_cot: Vec<f32>,
    cot: [Vec<f32>; 7],
    scratch: Scratch,
    exact: Option<Vec<f64>>,
}

impl Ssd {
    fn new(seq_len: usize, n_heads: usize, head_dim: usize, d_state: usize, both: bool) -> Self {
        let shape = ssd::Shape { batch: 1, seq_len, n_heads, head_dim, n_groups: 1, d_state };
        let x = floats(seq_len * n_heads * head_dim);
        let dt = floats(seq_len * n_heads + 1)[1..].iter().map(|v| v * 2.0 - 4.0).collect();
        let a = (0..n_heads).map(|h| -1.0 - h as f32 / 4.0).collect();
        let (b, c) = (floats(seq_len * d_state), floats(seq_len * d_state + 3)[3..].to_vec());
        let inputs = [x, dt, a, b, c, floats(n_heads), floats(n_heads + 5)[5..].to_vec()];
        let checkpoints = if both { ssd::checkpoints_len(shape).expect("small") } else { 0 };
        let states = n_heads * head_dim * d_state;
        let cot = inputs.clone().map(|v| vec![0.0; if both { v.len() } else { 0 }]);
        Self {
            shape,
            both,
            h: vec![0.0; states],
            y: vec![0.0; inputs[0].len()],
            checkpoints: vec![0.0; checkpoints],
            state_cot: vec![0.0; if both { states } else { 0 }],
            inputs,
            cot,
            scratch: Scratch::new(),
            exact: None,
        }
    }
}

impl Subject for Ssd {
    fn run(&mut self, exec: Exec) {
        let Self { shape, inputs: [x, dt, a, b, c, d, bias], h, y, scratch, .. } = self;
        let inputs = ssd::Inputs { x, dt, a, b, c, d: Some(d), dt_bias: Some(bias) };
        h.fill(0.0);
        if !self.both {
            return ssd::forward_with(exec, *shape, inputs, h, y, scratch).expect("lengths");
        }
        let checkpoints = &mut self.checkpoints;
        ssd::forward_saving_with(exec, *shape, inputs, h, y, checkpoints, scratch).expect("lengths");
        self.state_cot.fill(0.0);
        let [x_cot, dt_cot, a_cot, b_cot, c_cot, d_cot, bias_cot] = &mut self.cot;
        let cotangents = ssd::Cotangents {
            x: x_cot,
            dt: dt_cot,
            a: a_cot,
            b: b_cot,
            c: c_cot,
            d: Some(d_cot),
            dt_bias: Some(bias_cot),
        };
        ssd::backward_with(exec, *shape, inputs, checkpoints, x, &mut self.state_cot, cotangents, scratch)
            .expect("lengths");
    }

    fn check(&mut self, exec: Exec) -> Result<(), String> {
        let exact = self.exact.get_or_insert_with(|| {
            let [x, dt, a, b, c, d, bias] = self.inputs.each_ref().map(|v| wide(v));
            let inputs = ssd::Inputs { x: &x, dt: &dt, a: &a, b: &b, c: &c, d: Some(&d), dt_bias: Some(&bias) };
            let (mut h, mut y) = (vec![0.0; self.h.len()], vec![0.0; x.len()]);
            ssd::reference::forward(self.shape, &inputs, &mut h, &mut y);
            y
        });
        let exact = exact.clone();
        self.y.fill(f32::NAN);
        self.run(exec);
        close("y", &self.y, &exact, 5e-6)
    }
}

/// Work of Mamba-2's scan: two multiply-adds a state forward, six backward.
const fn ssd_work(seq_len: usize, n_heads: usize, head_dim: usize, d_state: usize, both: bool) -> Work {
    let states = (seq_len * n_heads * head_dim * d_state) as f64;
    let channels = (seq_len * n_heads * head_dim) as f64;
    if both {
        Work { dot: 0.0, fma: 8.0 * states, exp: 0.0, bytes: 32.0 * channels }
    } else {
        Work { dot: 0.0, fma: 2.0 * states, exp: 0.0, bytes: 8.0 * channels }
    }
}

/// The gated linear recurrence.
struct Gated {
    time: usize,
    d: usize,
    both: bool,
    f: Vec<f32>,
    v: Vec<f32>,
    state: Vec<f32>,
    zero: Vec<f32>,
    h: Vec<f32>,
    f_cot: Vec<f32>,
    v_cot: Vec<f32>,
}

impl Gated {
    fn new(time: usize, d: usize, both: bool) -> Self {
        let len = time * d;
        let f = floats(len).iter().map(|v| v.abs()).collect();
        let zero = vec![0.0; d];
        let cot = || vec![0.0; if both { len } else { 0 }];
        Self {
            time,
            d,
            both,
            f,
            v: floats(len),
            state: zero.clone(),
            zero,
            h: vec![0.0; len],
            f_cot: cot(),
            v_cot: cot(),
        }
    }
}

impl Subject for Gated {
    fn run(&mut self, exec: Exec) {
        let Self { time, d, f, v, state, zero, h, f_cot, v_cot, .. } = self;
        state.fill(0.0);
        gated_recurrence::forward_with(exec, f, v, 1, *time, *d, state, h).expect("lengths");
        if self.both {
            state.fill(0.0);
            gated_recurrence::backward_with(exec, f, h, zero, v, 1, *time, *d, state, f_cot, v_cot).expect("lengths");
        }
    }

    fn check(&mut self, exec: Exec) -> Result<(), String> {
        self.h.fill(f32::NAN);
        self.run(exec);
        let column = |v: &[f32], i: usize| -> Vec<f64> { v.chunks(self.d).map(|row| row[i].into()).collect() };
        for i in [0, self.d - 1] {
            let exact = gated_recurrence::reference::channel(&column(&self.f, i), &column(&self.v, i), 0.0);
            let found: Vec<f32> = self.h.chunks(self.d).map(|row| row[i]).collect();
            close("h", &found, &exact, 1e-5)?;
        }
        Ok(())
    }
}

/// The scan with constant coefficients.
struct Diagonal {
    shape: diagonal_scan::Shape,
    inputs: [Vec<f32>; 5],
    h: Vec<f32>,
    y: Vec<f32>,
    scratch: Scratch,
}

impl Diagonal {
    fn new(seq_len: usize, d_inner: usize, d_state: usize) -> Self {
        let shape = diagonal_scan::Shape { batch: 1, seq_len, d_inner, d_state };
        let parameters = d_inner * d_state;
        let a = (0..parameters).map(|i| 0.99 - (i % 17) as f32 / 20.0).collect();
        let (b, c) = (floats(parameters), floats(parameters + 3)[3..].to_vec());
        let inputs = [floats(seq_len * d_inner), a, b, c, floats(d_inner)];
        Self { shape, h: vec![0.0; parameters], y: vec![0.0; inputs[0].len()], inputs, scratch: Scratch::new() }
    }
}

impl Subject for Diagonal {
    fn run(&mut self, exec: Exec) {
        let Self { shape, inputs: [x, a, b, c, d], h, y, scratch } = self;
        h.fill(0.0);
        let inputs = diagonal_scan::Inputs { x, a, b, c, d: Some(d) };
        diagonal_scan::forward_with(exec, *shape, inputs, h, y, scratch).expect("lengths");
    }

    fn check(&mut self, exec: Exec) -> Result<(), String> {
        self.y.fill(f32::NAN);
        self.run(exec);
        let diagonal_scan::Shape { seq_len, d_inner, d_state, .. } = self.shape;
        let [x, a, b, c, d] = &self.inputs;
        for k in [0, d_inner - 1] {
            let mut h = vec![0.0f64; d_state];
            let exact: Vec<f64> = (0..seq_len)
                .map(|t| {
                    let x = f64::from(x[t * d_inner + k]);
                    let mut y = f64::from(d[k]) * x;
                    for (n, h) in h.iter_mut().enumerate() {
                        let at = k * d_state + n;
                        *h = f64::from(a[at]) * *h + f64::from(b[at]) * x;
                        y += f64::from(c[at]) * *h;
                    }
                    y
                })
                .collect();
            let found: Vec<f32> = self.y.chunks(d_inner).map(|row| row[k]).collect();
            close("y", &found, &exact, 5e-6)?;
        }
        Ok(())
    }
}

pub(super) fn cases() -> Vec<Case> {
    use Target::{None, Share, Times};
    const GATED: f64 = (2048 * 2048) as f64;
    vec![
        selective!("selective scan S forward", 1, 1024, 1536, 16, false, Share(5.0 / 6.0), Share(2.5 / 3.6)),
        selective!("selective scan S both", 1, 1024, 1536, 16, true, Share(15.0 / 20.0), Share(7.5 / 12.0)),
        selective!("selective scan L forward", 1, 2048, 5120, 16, false, None, Share(16.7 / 23.0)),
        selective!("selective scan L both", 1, 2048, 5120, 16, true, None, Share(50.0 / 80.0)),
        selective!("selective scan B forward", 8, 256, 1536, 16, false, None, Share(5.0 / 7.0)),
        selective!("selective scan B both", 8, 256, 1536, 16, true, None, Share(15.0 / 24.0)),
        step!("selective scan step D1536", 1536, Share(4.9 / 7.0)),
        step!("selective scan step D5120", 5120, Share(16.0 / 25.0)),
        Case {
            name: "Mamba-2 24x64x128 L1024 forward",
            work: ssd_work(1024, 24, 64, 128, false),
            targets: [Share(7.05 / 10.0), Share(3.5 / 5.0)],
            subject: || Box::new(Ssd::new(1024, 24, 64, 128, false)),
        },
        Case {
            name: "Mamba-2 24x64x128 L1024 both",
            work: ssd_work(1024, 24, 64, 128, true),
            // Backward at most three times forward.
            targets: [Times(4.0, "Mamba-2 24x64x128 L1024 forward"), Times(4.0, "Mamba-2 24x64x128 L1024 forward")],
            subject: || Box::new(Ssd::new(1024, 24, 64, 128, true)),
        },
        Case {
            name: "gated recurrence 2048x2048 forward",
            work: Work { dot: 0.0, fma: 2.0 * GATED, exp: 0.0, bytes: 12.0 * GATED },
            targets: [Share(1.52 / 2.2), None],
            subject: || Box::new(Gated::new(2048, 2048, false)),
        },
        Case {
            name: "gated recurrence 2048x2048 both",
            work: Work { dot: 0.0, fma: 5.0 * GATED, exp: 0.0, bytes: 32.0 * GATED },
            targets: [Share(4.07 / 6.8), None],
            subject: || Box::new(Gated::new(2048, 2048, true)),
        },
        Case {
            name: "diagonal scan L1024 D1536 N16 forward",
            work: Work { dot: 0.0, fma: (3 * 1024 * 1536 * 16) as f64, exp: 0.0, bytes: (8 * 1024 * 1536) as f64 },
            targets: [None, None],
            subject: || Box::new(Diagonal::new(1024, 1536, 16)),
        },
    ]
}
