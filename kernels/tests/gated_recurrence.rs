//! What `dense.rs` does not ask of the gated recurrence: threads, large calls, single steps, NaN.

mod common;

use barewire_kernels::{Exec, Isa, KernelError, gated_recurrence};
use common::{Rng, bits, for_each_isa};

struct Case {
    sizes: [usize; 3],
    f: Vec<f32>,
    v: Vec<f32>,
    h0: Vec<f32>,
}

impl Case {
    fn new(sizes @ [batch, time, d]: [usize; 3]) -> Self {
        let mut rng = Rng(5);
        let (f, v) = (rng.floats(batch * time * d), rng.floats(batch * time * d));
        Self { sizes, f, v, h0: rng.floats(batch * d) }
    }

    /// Bits of the final state, `h`, the initial state's cotangent, `f_cot` and `v_cot`.
    fn run(&self, exec: impl Into<Exec>) -> [Vec<u32>; 5] {
        let exec = exec.into();
        let [batch, time, d] = self.sizes;
        let (mut state, mut h) = (self.h0.clone(), vec![f32::NAN; self.f.len()]);
        gated_recurrence::forward_with(exec, &self.f, &self.v, batch, time, d, &mut state, &mut h).unwrap();
        let mut carry = self.h0.clone();
        let (mut f_cot, mut v_cot) = (vec![f32::NAN; h.len()], vec![f32::NAN; h.len()]);
        gated_recurrence::backward_with(
            exec, &self.f, &h, &self.h0, &self.v, batch, time, d, &mut carry, &mut f_cot, &mut v_cot,
        )
        .unwrap();
        [state, h, carry, f_cot, v_cot].map(|v| bits(&v))
    }

    /// The same by scalar steps.
    fn plain(&self) -> [Vec<u32>; 5] {
        let [batch, time, d] = self.sizes;
        let (mut state, mut carry) = (self.h0.clone(), self.h0.clone());
        let [mut h, mut f_cot, mut v_cot] = [0; 3].map(|_| vec![0.0; self.f.len()]);
        for (e, i) in (0..batch).flat_map(|e| (0..d).map(move |i| (e, i))) {
            let (state, carry) = (&mut state[e * d + i], &mut carry[e * d + i]);
            for t in 0..time {
                let at = (e * time + t) * d + i;
                *state = self.f[at] * *state + self.v[at];
                h[at] = *state;
            }
            for t in (0..time).rev() {
                let at = (e * time + t) * d + i;
                let before = if t == 0 { self.h0[e * d + i] } else { h[at - d] };
                v_cot[at] = self.v[at] + *carry;
                f_cot[at] = v_cot[at] * before;
                *carry = self.f[at] * v_cot[at];
            }
        }
        [state, h, carry, f_cot, v_cot].map(|v| bits(&v))
    }
}

#[test]
fn bits_are_those_of_scalar_steps() {
    // The last one is large enough to be stored past the caches.
    let large = if cfg!(debug_assertions) { [1, 3, 40] } else { [1, 2100, 1337] };
    for sizes in [[1, 1, 1], [2, 7, 33], [3, 4, 16], [1, 6, 130], [2, 5, 17], large] {
        let case = Case::new(sizes);
        let plain = case.plain();
        for isa in Isa::available().filter(|isa| *isa != Isa::Reference) {
            assert!(case.run(isa) == plain, "{} {sizes:?}", isa.name());
        }
    }
}

#[test]
fn threads_change_no_bit() {
    let case = Case::new([2, 90, 700]);
    for isa in Isa::available().filter(|isa| *isa != Isa::Reference) {
        let run = |threads| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
            pool.install(|| case.run(Exec::from(isa).parallel()))
        };
        assert!(run(1) == run(2), "{}", isa.name());
    }
}

#[test]
fn a_step_is_a_call_of_one_time_step() {
    let case = Case::new([3, 1, 19]);
    for_each_isa(|isa| {
        let mut state = case.h0.clone();
        gated_recurrence::step_with(isa, &case.f, &case.v, 3, 19, &mut state).unwrap();
        assert_eq!(bits(&state), case.run(isa)[0], "{}", isa.name());
    });
    let length = |argument| Err(KernelError::Length { argument, expected: 6, found: 5 });
    let (a, h) = ([0.0; 6], &mut [0.0; 6]);
    assert_eq!(gated_recurrence::step(&a[1..], &a, 2, 3, h), length("f"));
    assert_eq!(gated_recurrence::step(&a, &a[1..], 2, 3, h), length("v"));
    assert_eq!(gated_recurrence::step(&a, &a, 2, 3, &mut h[1..]), length("h0"));
}

#[test]
fn a_nan_stays_in_its_channel() {
    let mut case = Case::new([1, 6, 9]);
    case.v[2 * 9 + 4] = f32::NAN;
    for_each_isa(|isa| {
        let h = &case.run(isa)[1];
        for (at, h) in h.iter().enumerate() {
            assert_eq!(f32::from_bits(*h).is_nan(), at % 9 == 4 && at / 9 >= 2, "{} {at}", isa.name());
        }
    });
}
