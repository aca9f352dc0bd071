//! Problems with their cotangents, run on an instruction set or by the reference.

use crate::common::{Rng, bits, wide};
use barewire_kernels::selective_scan::{
    Cotangents, Inputs, Shape, backward_with, checkpoints_len, forward_saving_with, forward_with, reference,
};
use barewire_kernels::{Exec, Scratch};

/// Which optional inputs there are.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Options {
    pub(crate) z: bool,
    pub(crate) d: bool,
    pub(crate) dt_bias: bool,
    pub(crate) softplus: bool,
}

pub(crate) const ALL: Options = Options { z: true, d: true, dt_bias: true, softplus: true };

pub(crate) fn every_option() -> impl Iterator<Item = Options> {
    (0..16).map(|i| Options { z: i & 1 != 0, d: i & 2 != 0, dt_bias: i & 4 != 0, softplus: i & 8 != 0 })
}

/// One problem, with cotangents.
#[derive(Clone)]
pub(crate) struct Case<T> {
    pub(crate) shape: Shape,
    pub(crate) options: Options,
    pub(crate) x: Vec<T>,
    pub(crate) dt: Vec<T>,
    pub(crate) z: Vec<T>,
    pub(crate) a: Vec<T>,
    pub(crate) b: Vec<T>,
    pub(crate) c: Vec<T>,
    pub(crate) d: Vec<T>,
    pub(crate) dt_bias: Vec<T>,
    pub(crate) h: Vec<T>,
    pub(crate) y_cot: Vec<T>,
    pub(crate) state_cot: Vec<T>,
}

/// What comes out, gradients as in [`Cotangents`].
#[derive(Clone, Default, PartialEq, Debug)]
pub(crate) struct Results<T> {
    pub(crate) y: Vec<T>,
    pub(crate) h: Vec<T>,
    pub(crate) x: Vec<T>,
    pub(crate) dt: Vec<T>,
    pub(crate) z: Vec<T>,
    pub(crate) a: Vec<T>,
    pub(crate) b: Vec<T>,
    pub(crate) c: Vec<T>,
    pub(crate) d: Vec<T>,
    pub(crate) dt_bias: Vec<T>,
    pub(crate) state: Vec<T>,
}

impl<T: Copy + Default> Case<T> {
    pub(crate) fn inputs(&self) -> Inputs<'_, T> {
        Inputs {
            x: &self.x,
            dt: &self.dt,
            z: self.options.z.then_some(&self.z),
            a: &self.a,
            b: &self.b,
            c: &self.c,
            d: self.options.d.then_some(&self.d),
            dt_bias: self.options.dt_bias.then_some(&self.dt_bias),
            softplus: self.options.softplus,
        }
    }
}

/// Borrows the gradients of `r`, each filled with what was there before: `activation` or 0.
pub(crate) fn cotangents<'a, T: Copy + Default>(
    case: &Case<T>,
    r: &'a mut Results<T>,
    activation: T,
) -> Cotangents<'a, T> {
    let Case { options, .. } = *case;
    r.x = vec![activation; case.x.len()];
    r.dt = r.x.clone();
    r.z = r.x.clone();
    r.b = vec![activation; case.b.len()];
    r.c = r.b.clone();
    r.a = vec![T::default(); case.a.len()];
    r.d = vec![T::default(); case.d.len()];
    r.dt_bias = r.d.clone();
    Cotangents {
        x: &mut r.x,
        dt: &mut r.dt,
        z: options.z.then_some(&mut r.z[..]),
        a: &mut r.a,
        b: &mut r.b,
        c: &mut r.c,
        d: options.d.then_some(&mut r.d[..]),
        dt_bias: options.dt_bias.then_some(&mut r.dt_bias[..]),
    }
}

pub(crate) fn shape(batch: usize, seq_len: usize, d_inner: usize, d_state: usize) -> Shape {
    Shape { batch, seq_len, d_inner, d_state }
}

impl Case<f32> {
    /// `spread` is how far `dt` goes: 1 as in a model, 18 into both tails of softplus and of the decay.
    pub(crate) fn new(shape: Shape, options: Options, spread: f32, seed: u64) -> Self {
        let Shape { batch, seq_len, d_inner, d_state } = shape;
        let mut rng = Rng(seed);
        let len = batch * seq_len * d_inner;
        // Without softplus the time steps have to be made positive here.
        let dt = |rng: &mut Rng| if options.softplus { spread * rng.float() - 1.0 } else { 0.5 + 0.25 * rng.float() };
        Self {
            shape,
            options,
            x: rng.floats(len),
            dt: (0..len).map(|_| dt(&mut rng)).collect(),
            z: (0..len).map(|_| 4.0 * rng.float()).collect(),
            a: (0..d_inner * d_state).map(|i| -((i % d_state) as f32 * 0.5 + 0.2) * (1.5 + rng.float())).collect(),
            b: rng.floats(batch * seq_len * d_state),
            c: rng.floats(batch * seq_len * d_state),
            d: rng.floats(d_inner),
            dt_bias: (0..d_inner).map(|_| 0.2 * rng.float()).collect(),
            h: rng.floats(batch * d_inner * d_state),
            y_cot: rng.floats(len),
            state_cot: rng.floats(batch * d_inner * d_state),
        }
    }

    pub(crate) fn wide(&self) -> Case<f64> {
        Case {
            shape: self.shape,
            options: self.options,
            x: wide(&self.x),
            dt: wide(&self.dt),
            z: wide(&self.z),
            a: wide(&self.a),
            b: wide(&self.b),
            c: wide(&self.c),
            d: wide(&self.d),
            dt_bias: wide(&self.dt_bias),
            h: wide(&self.h),
            y_cot: wide(&self.y_cot),
            state_cot: wide(&self.state_cot),
        }
    }

    pub(crate) fn run(&self, exec: impl Into<Exec>, scratch: &mut Scratch) -> Results<f32> {
        let exec = exec.into();
        let inputs = self.inputs();
        let mut r = Results { y: vec![f32::NAN; self.x.len()], h: self.h.clone(), ..Results::default() };
        let mut checkpoints = vec![f32::NAN; checkpoints_len(self.shape).unwrap()];
        forward_saving_with(exec, self.shape, &inputs, &mut r.h, &mut r.y, &mut checkpoints, scratch).unwrap();
        let (mut y, mut h) = (vec![f32::NAN; self.x.len()], self.h.clone());
        forward_with(exec, self.shape, &inputs, &mut h, &mut y, scratch).unwrap();
        assert_eq!((bits(&y), bits(&h)), (bits(&r.y), bits(&r.h)), "checkpoints change nothing");
        let mut state = self.state_cot.clone();
        let cots = cotangents(self, &mut r, f32::NAN);
        backward_with(exec, self.shape, &inputs, &checkpoints, &self.y_cot, &mut state, cots, scratch).unwrap();
        r.state = state;
        r
    }
}

impl Case<f64> {
    pub(crate) fn forward(&self) -> (Vec<f64>, Vec<f64>) {
        let (mut y, mut h) = (vec![0.0; self.x.len()], self.h.clone());
        reference::forward(self.shape, &self.inputs(), &mut h, &mut y);
        (y, h)
    }

    pub(crate) fn run(&self) -> Results<f64> {
        let (y, h) = self.forward();
        let mut r = Results { y, h, ..Results::default() };
        let mut state = self.state_cot.clone();
        let mut cots = cotangents(self, &mut r, 0.0);
        reference::backward(self.shape, &self.inputs(), &self.h, &self.y_cot, &mut state, &mut cots);
        r.state = state;
        r
    }

    /// The number that the cotangents are the gradient of.
    pub(crate) fn objective(&self) -> f64 {
        let (y, h) = self.forward();
        let dot = |x: &[f64], y: &[f64]| x.iter().zip(y).map(|(x, y)| x * y).sum::<f64>();
        dot(&y, &self.y_cot) + dot(&h, &self.state_cot)
    }
}
