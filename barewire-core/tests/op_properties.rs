//! What ops promise beyond their derivatives: refusals instead of panics, streaming, digits' signals, no allocation.

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

use barewire_core::Error;
use barewire_core::gradient::{Gradient, Signal};
use barewire_core::kernels::ternary;
use barewire_core::ops::{self, IGNORED};
use barewire_core::primitive::{Arg, Ids, Primitive, Slot};
use barewire_core::shape::Dims;
use barewire_core::state::Carry;
use barewire_core::testing::{Rng, compare};
use barewire_core::wire::{MatrixView, TernaryView};
use barewire_core::workspace::Workspace;

fn random(n: usize, rng: &mut Rng) -> Vec<f32> {
    (0..n).map(|_| rng.between(-1.0, 1.0) as f32).collect()
}

/// Random digits, packed and as they are.
fn digits(rows: usize, cols: usize, rng: &mut Rng) -> (Vec<u64>, Vec<i8>) {
    let digits: Vec<i8> = (0..rows * cols).map(|_| rng.below(3) as i8 - 1).collect();
    let mut words = vec![0; ternary::words_len(rows, cols).unwrap()];
    ternary::pack_i8(rows, cols, &digits, &mut words).unwrap();
    (words, digits)
}

fn arg<'r>(data: &'r [f32], sizes: &[usize]) -> Arg<'r, 'r, f32> {
    Arg::kept(data, Dims::new(sizes))
}

/// The signal of digits is the gradient of a dense weight that holds the same digits: `bit_linear` against `linear` on
/// the rounded activations, with the scale on the result.
#[test]
fn digit_signal_is_the_dense_gradient() {
    for (n, o, i) in [(1, 1, 1), (7, 33, 2), (33, 7, 33), (12, 40, 65)] {
        let mut rng = Rng::new(5);
        let (words, plain) = digits(o, i, &mut rng);
        let (x, cot) = (random(n * i, &mut rng), random(n * o, &mut rng));
        let scale = 0.37_f32;
        let mut workspace = Workspace::new();
        let (mut saved, mut scratch) = workspace.start();

        let view = TernaryView { rows: o, cols: i, words: &words };
        let mut y = vec![0.0; n * o];
        let args = (view, scale, arg(&x, &[n, i]));
        let residual = ops::bit_linear::forward_saving(args, [&mut y], &mut (), &mut saved, scratch.lend()).unwrap();
        let (mut signal, mut scale_cot, mut x_cot) = (Signal::default(), 0.0, vec![0.0; n * i]);
        let cots = (&mut signal, &mut scale_cot, Slot::Write(&mut x_cot));
        ops::bit_linear::vjp(residual, [&[]], [&cot], cots, &mut (), scratch.lend()).unwrap();

        // the same by hand: u in f64, and a dense layer over f64
        let dense: Vec<f64> = plain.iter().map(|&t| t.into()).collect();
        let u: Vec<f64> = x.chunks(i).flat_map(rounded).collect();
        let wide_cot: Vec<f64> = cot.iter().map(|&c| f64::from(c) * f64::from(scale)).collect();
        let mut workspace = Workspace::new();
        let (mut saved, mut scratch) = workspace.start();
        let w = MatrixView { rows: o, cols: i, values: &dense[..] };
        let mut z = vec![0.0; n * o];
        let args = (w, Arg::kept(&u[..], Dims::new(&[n, i])));
        let residual = ops::linear::forward_saving(args, [&mut z], &mut (), &mut saved, scratch.lend()).unwrap();
        let (mut w_cot, mut u_cot) = (Gradient::default(), vec![0.0; n * i]);
        let cots = (&mut w_cot, Slot::Write(&mut u_cot[..]));
        ops::linear::vjp(residual, [&[]], [&wide_cot], cots, &mut (), scratch.lend()).unwrap();

        // n terms, each rounded a few times
        let bound = f64::from(f32::EPSILON) * (8.0 + n.max(i) as f64);
        compare("signal", signal.values(), w_cot.values(), bound).unwrap();
        compare("x_cot", &x_cot, &u_cot, bound).unwrap();
        let want: Vec<f64> = z.iter().map(|z| z * f64::from(scale)).collect();
        compare("y", &y, &want, bound).unwrap();
        let scale_want: f64 = z.iter().zip(&cot).map(|(z, &c)| z * f64::from(c)).sum();
        let terms: f64 = z.iter().zip(&cot).map(|(z, &c)| (z * f64::from(c)).abs()).sum();
        assert!((f64::from(scale_cot) - scale_want).abs() <= bound * terms);
    }
}

/// The int8 rounding of one token, as the models' README has it.
fn rounded(x: &[f32]) -> Vec<f64> {
    let s = 127.0 / x.iter().fold(1e-5_f32, |m, x| m.max(x.abs()));
    x.iter().map(|x| f64::from((x * s).round_ties_even().clamp(-128.0, 127.0)) / f64::from(s)).collect()
}

/// One whole sequence, single steps, and uneven chunks give the same bits.
#[test]
fn streaming_gives_the_same_bits() {
    let (batch, time, d) = (3, 37, 5);
    let mut rng = Rng::new(6);
    let [f, v] = [random(batch * time * d, &mut rng), random(batch * time * d, &mut rng)];
    let [w, b] = [random(d * 4, &mut rng), random(d, &mut rng)];
    let square = random(d * d, &mut rng);
    let [a, gain, read] = [random(d * 3, &mut rng), random(d * 3, &mut rng), random(d * 3, &mut rng)];
    let m = |values, cols| MatrixView { rows: d, cols, values };
    let mut whole: Option<[Vec<f32>; 4]> = None;
    for lengths in [vec![time], vec![1; time], vec![2, 33, 1, 1], vec![10, 0, 27]] {
        let mut out = [(); 4].map(|()| vec![0.0; batch * time * d]);
        let (mut h, mut inputs, mut states) = (Carry::default(), Carry::default(), Carry::default());
        let mut start = 0;
        for length in lengths {
            let part = |x: &[f32]| -> Vec<f32> {
                x.chunks(time * d).flat_map(|x| x[start * d..(start + length) * d].to_vec()).collect()
            };
            let (f, v) = (part(&f), part(&v));
            let sizes = [batch, length, d];
            let mut y = [(); 4].map(|()| vec![0.0; batch * length * d]);
            let mut workspace = Workspace::new();
            let [y0, y1, y2, y3] = &mut y;
            let args = (arg(&f, &sizes), arg(&v, &sizes));
            ops::gated_linear_recurrence::forward(args, [y0], &mut h, workspace.start().1).unwrap();
            let args = (m(&w[..], 4), &b[..], arg(&v, &sizes));
            ops::causal_conv1d::forward(args, [y1], &mut inputs, workspace.start().1).unwrap();
            let args = (m(&a[..], 3), m(&gain[..], 3), m(&read[..], 3), &b[..], arg(&v, &sizes));
            ops::diagonal_scan::forward(args, [y2], &mut states, workspace.start().1).unwrap();
            let args = (m(&square[..], d), &b[..], arg(&v, &sizes));
            ops::linear_bias::forward(args, [y3], &mut (), workspace.start().1).unwrap();
            for (out, y) in out.iter_mut().zip(&y) {
                for (out, y) in out.chunks_mut(time * d).zip(y.chunks((length * d).max(1))) {
                    out[start * d..(start + length) * d].copy_from_slice(y);
                }
            }
            start += length;
        }
        match &whole {
            None => whole = Some(out),
            Some(whole) => assert_eq!(whole, &out),
        }
    }
}

/// The scans of Mamba likewise: the bits of a whole sequence for Mamba-1, its numbers to rounding for Mamba-2.
#[test]
fn scans_stream() {
    let ([batch, time, d, n], heads) = ([2, 70, 6, 5], 3);
    let mut rng = Rng::new(9);
    let x = random(batch * time * d, &mut rng);
    let dt: Vec<f32> = random(batch * time * d, &mut rng);
    let a: Vec<f32> = (0..d * n).map(|_| rng.between(-2.0, -0.1) as f32).collect();
    let [b, c] = [random(batch * time * n, &mut rng), random(batch * time * n, &mut rng)];
    let [skip, bias, z] = [random(d, &mut rng), random(d, &mut rng), random(batch * time * d, &mut rng)];
    let step = random(batch * time * heads, &mut rng);
    let mut whole: Option<[Vec<f32>; 2]> = None;
    for lengths in [vec![time], vec![1; time], vec![2, 33, 1, 34], vec![10, 0, 60]] {
        let mut out = [(); 2].map(|()| vec![0.0; batch * time * d]);
        let (mut state, mut state2) = (Carry::default(), Carry::default());
        let mut start = 0;
        for length in lengths {
            let part = |x: &[f32], d: usize| -> Vec<f32> {
                x.chunks(time * d).flat_map(|x| x[start * d..(start + length) * d].to_vec()).collect()
            };
            let [x, dt, z] = [part(&x, d), part(&dt, d), part(&z, d)];
            let [b, c, step] = [part(&b, n), part(&c, n), part(&step, heads)];
            let (wide, narrow) = ([batch, length, d], [batch, length, n]);
            let mut y = [(); 2].map(|()| vec![0.0; batch * length * d]);
            let mut workspace = Workspace::new();
            let [y0, y1] = &mut y;
            let (x, b, c) = (arg(&x, &wide), arg(&b, &narrow), arg(&c, &narrow));
            let args = (x, arg(&dt, &wide), arg(&a, &[d, n]), b, c, &skip[..], arg(&z, &wide), &bias[..]);
            ops::gated_selective_scan::forward(args, [y0], &mut state, workspace.start().1).unwrap();
            let (step, a) = (arg(&step, &[batch, length, heads]), arg(&a[..heads], &[heads]));
            let args = (x, step, a, b, c, &skip[..heads], &bias[..heads], 1);
            ops::ssd::forward(args, [y1], &mut state2, workspace.start().1).unwrap();
            for (out, y) in out.iter_mut().zip(&y) {
                for (out, y) in out.chunks_mut(time * d).zip(y.chunks((length * d).max(1))) {
                    out[start * d..(start + length) * d].copy_from_slice(y);
                }
            }
            start += length;
        }
        match &whole {
            None => whole = Some(out),
            Some(whole) => {
                assert_eq!(whole[0], out[0]);
                let want: Vec<f64> = whole[1].iter().map(|&y| y.into()).collect();
                // some ten roundings for each of the few steps that are not forgotten, and a sum over states
                compare("mamba-2", &out[1], &want, 64.0 * f64::from(f32::EPSILON)).unwrap();
            }
        }
    }
}

/// A dense layer's rows do not see each other, at sizes that fill every block of the product.
#[test]
fn dense_rows_do_not_depend_on_batching() {
    let (n, o, i) = (37, 70, 300);
    let mut rng = Rng::new(8);
    let (x, w) = (random(n * i, &mut rng), random(o * i, &mut rng));
    let w = MatrixView { rows: o, cols: i, values: &w[..] };
    let mut workspace = Workspace::new();
    let mut run = |x: &[f32], rows: usize| {
        let mut y = vec![f32::NAN; rows * o];
        ops::linear::forward((w, arg(x, &[rows, i])), [&mut y], &mut (), workspace.start().1).unwrap();
        y
    };
    let whole = run(&x, n);
    for step in [1, 2, 5, 8, 30] {
        let parts: Vec<f32> = x.chunks(step * i).flat_map(|x| run(x, x.len() / i)).collect();
        assert_eq!(whole, parts, "{step} rows at a time");
    }
}

#[test]
fn ignored_targets_do_not_count() {
    let logits = [0.5_f32, -1.0, 2.0, 0.25, 0.75, -0.5];
    let loss = |targets: &[u32], rows: usize| {
        let mut workspace = Workspace::new();
        let (mut saved, mut scratch) = workspace.start();
        let mut y = [f32::NAN];
        let args = (arg(&logits[..rows * 3], &[rows, 3]), Ids::new(targets, Dims::new(&[rows])));
        let residual = ops::cross_entropy::forward_saving(args, [&mut y], &mut (), &mut saved, scratch.lend()).unwrap();
        let mut gradient = vec![f32::NAN; rows * 3];
        let cots = (Slot::Write(&mut gradient), ());
        ops::cross_entropy::vjp(residual, [&[]], [&[1.0]], cots, &mut (), scratch).unwrap();
        (y[0], gradient)
    };
    let (one, gradient) = loss(&[2], 1);
    let (both, both_gradient) = loss(&[2, IGNORED], 2);
    assert_eq!(one, both);
    assert_eq!([&gradient[..], &[0.0; 3]].concat(), both_gradient);
    assert_eq!(loss(&[IGNORED, IGNORED], 2), (0.0, vec![0.0; 6]));
}

#[test]
fn refusals_name_what_is_wrong() {
    let x = [0.5_f32; 12];
    let (words, _) = digits(3, 4, &mut Rng::new(1));
    let mut workspace = Workspace::new();
    type Call<'a> = &'a mut dyn FnMut(&mut [f32], &mut Workspace<f32>) -> Result<(), Error>;
    let mut check = |what: &str, f: Call<'_>| {
        let mut y = [0.0; 9];
        let message = f(&mut y, &mut workspace).unwrap_err().to_string();
        assert!(message.contains(what), "{message}");
    };
    let m = MatrixView { rows: 3, cols: 4, values: &x[..] };
    let t = TernaryView { rows: 3, cols: 4, words: &words };
    check("`x` with 4 in its last axis", &mut |y, w| {
        ops::linear::forward((m, arg(&x[..9], &[3, 3])), [y], &mut (), w.start().1)
    });
    check("`x` of 12 elements", &mut |y, w| {
        ops::linear::forward((m, arg(&x[..11], &[3, 4])), [y], &mut (), w.start().1)
    });
    check("`w` of 12 elements", &mut |y, w| {
        let m = MatrixView { values: &x[..11], ..m };
        ops::linear::forward((m, arg(&x, &[3, 4])), [y], &mut (), w.start().1)
    });
    check("`b` of 3 elements", &mut |y, w| {
        ops::linear_bias::forward((m, &x[..2], arg(&x, &[3, 4])), [y], &mut (), w.start().1)
    });
    check("`x` with 4 in its last axis", &mut |y, w| {
        ops::bit_linear::forward((t, 1.0, arg(&x, &[4, 3])), [y], &mut (), w.start().1)
    });
    check("`words` has length 7", &mut |y, w| {
        let t = TernaryView { words: &words[..7], ..t };
        ops::bit_linear::forward((t, 1.0, arg(&x, &[3, 4])), [y], &mut (), w.start().1)
    });
    check("`w` of 3 elements", &mut |y, w| {
        ops::rms_norm::forward((arg(&x[..9], &[3, 3]), &x[..4], 1e-6), [y], &mut (), w.start().1)
    });
    check("token ids below the vocabulary of 3, found id 3 at position 1", &mut |y, w| {
        ops::embedding::forward((m, Ids::new(&[0, 3], Dims::new(&[2]))), [&mut y[..8]], &mut (), w.start().1)
    });
    check("target ids below 4, found id 4", &mut |y, w| {
        let targets = Ids::new(&[1, 4, 0], Dims::new(&[3]));
        ops::cross_entropy::forward((arg(&x, &[3, 4]), targets), [&mut y[..1]], &mut (), w.start().1)
    });
    check("`f` as [batch, time, d]", &mut |y, w| {
        let v = arg(&x[..9], &[3, 3]);
        ops::gated_linear_recurrence::forward((v, v), [y], &mut Carry::default(), w.start().1)
    });
    check("`v` of the sizes of `f`", &mut |y, w| {
        let args = (arg(&x[..9], &[1, 3, 3]), arg(&x[..9], &[3, 1, 3]));
        ops::gated_linear_recurrence::forward(args, [y], &mut Carry::default(), w.start().1)
    });
    check("`state` of 3 elements", &mut |y, w| {
        let mut state = Carry::default();
        state.sized(6).unwrap();
        let v = arg(&x[..9], &[1, 3, 3]);
        ops::gated_linear_recurrence::forward((v, v), [y], &mut state, w.start().1)
    });
    check("`c` of [1, 3, 2]", &mut |y, w| {
        let (x, b, c) = (arg(&x[..9], &[1, 3, 3]), arg(&x[..6], &[1, 3, 2]), arg(&x[..3], &[1, 3, 1]));
        let args = (x, x, arg(&[-1.0; 6], &[3, 2]), b, c, &[0.0; 3][..]);
        ops::selective_scan::forward(args, [y], &mut Carry::default(), w.start().1)
    });
    check("groups that divide the heads", &mut |y, w| {
        let (x, head) = (arg(&x[..9], &[1, 3, 3]), &[0.0; 3][..]);
        let args = (x, x, arg(&[-1.0; 3], &[3]), x, x, head, head, 2);
        ops::ssd::forward(args, [y], &mut Carry::default(), w.start().1)
    });
    check("an even last axis", &mut |y, w| {
        let (a, b) = y.split_at_mut(3);
        ops::split::forward((arg(&x[..9], &[3, 3]),), [a, b], &mut (), w.start().1)
    });
    check("at least one tap", &mut |y, w| {
        let none = MatrixView { rows: 3, cols: 0, values: &[][..] };
        ops::causal_conv1d::forward((none, &x[..3], arg(&x[..9], &[1, 3, 3])), [y], &mut Carry::default(), w.start().1)
    });
}

/// A token that is not finite spoils its own row only.
#[test]
fn bit_linear_keeps_nan_in_its_row() {
    let (words, _) = digits(3, 4, &mut Rng::new(2));
    let mut x = [0.5_f32; 12];
    x[5] = f32::NAN;
    let mut y = [0.0; 9];
    let view = TernaryView { rows: 3, cols: 4, words: &words };
    ops::bit_linear::forward((view, 1.0, arg(&x, &[3, 4])), [&mut y], &mut (), Workspace::new().start().1).unwrap();
    assert!(y[3..6].iter().all(|y| y.is_nan()));
    assert!(y[..3].iter().chain(&y[6..]).all(|y| y.is_finite()));
}

thread_local! {
    static ALLOCATIONS: Cell<usize> = const { Cell::new(0) };
}

struct Counting;

// SAFETY: every call goes to the system allocator unchanged; counting touches a thread-local `Cell` without a
// destructor, which does not allocate.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        ALLOCATIONS.set(ALLOCATIONS.get() + 1);
        // SAFETY: the caller's promises are those that `System` asks for.
        unsafe { System.alloc(layout) }
    }
    unsafe fn dealloc(&self, ptr: *mut u8, layout: Layout) {
        // SAFETY: `ptr` came from `System.alloc` with this layout, as the caller promises.
        unsafe { System.dealloc(ptr, layout) }
    }
}

#[global_allocator]
static COUNTING: Counting = Counting;

/// A small training step of a language model's ops, a dense layer among them, allocates nothing from its third run on.
#[test]
fn warm_steps_allocate_nothing() {
    let (batch, time, d, vocab) = (2, 9, 16, 11);
    let n = batch * time;
    let mut rng = Rng::new(3);
    let table = random(vocab * d, &mut rng);
    let w = random(d, &mut rng);
    let (words, _) = digits(2 * d, d, &mut rng);
    let (head, _) = digits(vocab, d, &mut rng);
    let (mix, bias) = (random(d * d, &mut rng), random(d, &mut rng));
    let ids: Vec<u32> = (0..n).map(|_| rng.below(vocab as u32)).collect();
    let mut workspace = Workspace::new();
    let (mut table_cot, mut w_cot, mut signal, mut head_signal, mut number) =
        (Gradient::default(), Gradient::default(), Signal::default(), Signal::default(), 0.0);
    let (mut mix_cot, mut bias_cot) = (Gradient::default(), Gradient::default());
    let (mut state, mut state_cot) = (Carry::default(), Carry::default());
    let tokens = Ids::new(&ids, Dims::new(&[batch, time]));
    let sizes = Dims::new(&[batch, time, d]);
    for run in 0..6 {
        let before = ALLOCATIONS.get();
        let (mut saved, mut scratch) = workspace.start();
        let m = MatrixView { rows: vocab, cols: d, values: &table[..] };
        let x = saved.take(n * d);
        let r0 = ops::embedding::forward_saving((m, tokens), [&mut *x], &mut (), &mut saved, scratch.lend()).unwrap();
        let normed = scratch.take(n * d);
        let args = (Arg::kept(&*x, sizes), &w[..], 1e-6);
        let r1 = ops::rms_norm::forward_saving(args, [&mut *normed], &mut (), &mut saved, scratch.lend()).unwrap();
        let both = scratch.take(2 * n * d);
        let view = TernaryView { rows: 2 * d, cols: d, words: &words };
        let args = (view, 0.3, Arg::passing(&*normed, sizes));
        let r2 = ops::bit_linear::forward_saving(args, [&mut *both], &mut (), &mut saved, scratch.lend()).unwrap();
        let (f, v, h) = (saved.take(n * d), scratch.take(n * d), saved.take(n * d));
        let args = (Arg::passing(&*both, sizes.with_last(2 * d)),);
        let r3 = ops::split::forward_saving(args, [&mut *f, &mut *v], &mut (), &mut saved, scratch.lend()).unwrap();
        let args = (Arg::kept(&*f, sizes), Arg::passing(&*v, sizes));
        let r4 = ops::gated_linear_recurrence::forward_saving(args, [&mut *h], &mut state, &mut saved, scratch.lend());
        let r4 = r4.unwrap();
        let mixed = saved.take(n * d);
        let dense = MatrixView { rows: d, cols: d, values: &mix[..] };
        let args = (dense, &bias[..], Arg::kept(&*h, sizes));
        let dense = ops::linear_bias::forward_saving(args, [&mut *mixed], &mut (), &mut saved, scratch.lend()).unwrap();
        let logits = scratch.take(n * vocab);
        let view = TernaryView { rows: vocab, cols: d, words: &head };
        let args = (view, Arg::kept(&*mixed, sizes));
        let r5 =
            ops::ternary_linear::forward_saving(args, [&mut *logits], &mut (), &mut saved, scratch.lend()).unwrap();
        let mut loss = [0.0];
        let args = (Arg::passing(&*logits, sizes.with_last(vocab)), tokens);
        let r6 = ops::cross_entropy::forward_saving(args, [&mut loss], &mut (), &mut saved, scratch.lend()).unwrap();

        let cots = (Slot::Write(&mut *logits), ());
        ops::cross_entropy::vjp(r6, [&[]], [&[1.0]], cots, &mut (), scratch.lend()).unwrap();
        let (f_cot, v_cot) = (scratch.take(n * d), scratch.take(n * d));
        let cots = (&mut head_signal, Slot::Write(&mut *v_cot));
        ops::ternary_linear::vjp(r5, [&[]], [&*logits], cots, &mut (), scratch.lend()).unwrap();
        let cots = (&mut mix_cot, &mut bias_cot, Slot::Write(&mut *normed));
        ops::linear_bias::vjp(dense, [&[]], [&*v_cot], cots, &mut (), scratch.lend()).unwrap();
        let cots = (Slot::Write(&mut *f_cot), Slot::Write(&mut *v_cot));
        let vjp = ops::gated_linear_recurrence::vjp(r4, [&*h], [&*normed], cots, &mut state_cot, scratch.lend());
        vjp.unwrap();
        let cots = (Slot::Write(&mut *both),);
        ops::split::vjp(r3, [&[]; 2], [&*f_cot, &*v_cot], cots, &mut (), scratch.lend()).unwrap();
        let cots = (&mut signal, &mut number, Slot::Write(&mut *normed));
        ops::bit_linear::vjp(r2, [&[]], [&*both], cots, &mut (), scratch.lend()).unwrap();
        let mut eps_cot = 0.0;
        let cots = (Slot::Write(&mut *f_cot), &mut w_cot, &mut eps_cot);
        ops::rms_norm::vjp(r1, [&[]], [&*normed], cots, &mut (), scratch.lend()).unwrap();
        ops::embedding::vjp(r0, [&[]], [&*f_cot], (&mut table_cot, ()), &mut (), scratch.lend()).unwrap();
        table_cot.clear();
        w_cot.clear();
        mix_cot.clear();
        bias_cot.clear();
        signal.clear();
        head_signal.clear();
        assert!(loss[0].is_finite());
        let made = ALLOCATIONS.get() - before;
        assert!(run < 2 || made == 0, "{made} allocations in run {run}");
    }
}

/// So do the scans, the convolution, norms and attention over a window: forward, backward, and in a stream.
#[test]
fn warm_sequences_allocate_nothing() {
    let ([batch, time, d, n], heads) = ([2, 9, 8, 4], 2);
    let mut rng = Rng::new(4);
    let (wide, narrow) = (Dims::new(&[batch, time, d]), Dims::new(&[batch, time, n]));
    let [x, dt, z, cot] = [(); 4].map(|()| random(batch * time * d, &mut rng));
    let [b, c] = [(); 2].map(|()| random(batch * time * n, &mut rng));
    let (a, w) = (random(d * n, &mut rng), random(d * 4, &mut rng));
    let (vector, step) = (random(d, &mut rng), random(batch * time * heads, &mut rng));
    let [x, dt, z] = [&x, &dt, &z].map(|x| Arg::kept(&x[..], wide));
    let [b, c] = [&b, &c].map(|x| Arg::kept(&x[..], narrow));
    let matrix = arg(&a, &[d, n]);
    let stored = MatrixView { rows: d, cols: n, values: &a[..] };
    let taps = MatrixView { rows: d, cols: 4, values: &w[..] };
    let mut workspace = Workspace::new();
    let mut grads = [(); 6].map(|()| Gradient::default());
    let mut states = [(); 5].map(|()| Carry::default());
    let mut cots = [(); 5].map(|()| Carry::default());
    let mut number = 0.0;
    for run in 0..6 {
        let before = ALLOCATIONS.get();
        let (mut saved, mut scratch) = workspace.start();
        let y = saved.take(batch * time * d);
        let [s0, s1, s2, s3, s4] = &mut states;
        let [t0, t1, t2, t3, t4] = &mut cots;
        let [g0, g1, g2, g3, g4, g5] = &mut grads;
        let mut to = [(); 6].map(|()| scratch.take(batch * time * d));
        let [x_cot, dt_cot, a_cot, b_cot, c_cot, z_cot] = to.each_mut().map(|to| &mut **to);

        let args = (x, dt, matrix, b, c, &vector[..], z, &vector[..]);
        let r = ops::gated_selective_scan::forward_saving(args, [&mut *y], s0, &mut saved, scratch.lend()).unwrap();
        let slots = (
            Slot::Write(&mut *x_cot),
            Slot::Write(&mut *dt_cot),
            Slot::Write(&mut a_cot[..d * n]),
            Slot::Write(&mut b_cot[..batch * time * n]),
            Slot::Write(&mut c_cot[..batch * time * n]),
            &mut *g0,
            Slot::Write(&mut *z_cot),
            &mut *g1,
        );
        ops::gated_selective_scan::vjp(r, [&[]], [&cot], slots, t0, scratch.lend()).unwrap();

        let head = arg(&vector[..heads], &[heads]);
        let steps = arg(&step, &[batch, time, heads]);
        let args = (x, steps, head, b, c, &vector[..heads], &vector[..heads], 1);
        let r = ops::ssd::forward_saving(args, [&mut *y], s1, &mut saved, scratch.lend()).unwrap();
        let slots = (
            Slot::Add(&mut *x_cot),
            Slot::Write(&mut dt_cot[..batch * time * heads]),
            Slot::Write(&mut a_cot[..heads]),
            Slot::Skip,
            Slot::Skip,
            &mut *g2,
            &mut *g3,
            &mut (),
        );
        ops::ssd::vjp(r, [&[]], [&cot], slots, t1, scratch.lend()).unwrap();

        let args = (stored, stored, stored, &vector[..], x);
        let r = ops::diagonal_scan::forward_saving(args, [&mut *y], s2, &mut saved, scratch.lend()).unwrap();
        let [mut b_grad, mut c_grad] = [(); 2].map(|()| Gradient::ignored());
        let slots = (&mut *g4, &mut b_grad, &mut c_grad, &mut *g0, Slot::Add(&mut *x_cot));
        ops::diagonal_scan::vjp(r, [&[]], [&cot], slots, t2, scratch.lend()).unwrap();

        let args = (taps, &vector[..], x);
        let r = ops::causal_conv1d::forward_saving(args, [&mut *y], s3, &mut saved, scratch.lend()).unwrap();
        let slots = (&mut *g5, &mut *g1, Slot::Add(&mut *x_cot));
        ops::causal_conv1d::vjp(r, [&[]], [&cot], slots, t3, scratch.lend()).unwrap();

        let args = (x, dt, z, 2, 5, 1);
        let r = ops::sliding_window_attention::forward_saving(args, [&mut *y], s4, &mut saved, scratch.lend()).unwrap();
        let slots = (Slot::Write(&mut *x_cot), Slot::Add(&mut *dt_cot), Slot::Skip, &mut (), &mut (), &mut ());
        ops::sliding_window_attention::vjp(r, [&[]], [&cot], slots, t4, scratch.lend()).unwrap();

        let args = (x, &vector[..], &vector[..], 1e-5);
        let r = ops::layer_norm::forward_saving(args, [&mut *y], &mut (), &mut saved, scratch.lend()).unwrap();
        let slots = (Slot::Write(&mut *x_cot), &mut *g0, &mut *g1, &mut number);
        ops::layer_norm::vjp(r, [&[]], [&cot], slots, &mut (), scratch.lend()).unwrap();
        let r = ops::softmax::forward_saving((x,), [&mut *y], &mut (), &mut saved, scratch.lend()).unwrap();
        ops::softmax::vjp(r, [&*y], [&cot], (Slot::Add(&mut *x_cot),), &mut (), scratch.lend()).unwrap();

        grads.iter_mut().for_each(Gradient::clear);
        let made = ALLOCATIONS.get() - before;
        // the window is full after the first run: the second asks for more memory than it, and the third has that
        assert!(run < 3 || made == 0, "{made} allocations in run {run}");
    }
}
