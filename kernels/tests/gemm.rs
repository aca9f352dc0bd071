//! Dense products: against f64 sums, and the law that bits depend on an element's own terms only.

mod common;

use barewire_kernels::{Exec, Isa, Scratch, gemm};
use common::{Rng, bits, for_each_isa};

/// Around lanes, tiles and vectors.
const ODD: [usize; 10] = [1, 2, 7, 8, 9, 15, 16, 17, 33, 65];

/// `(m, n, k)`: every odd size as each of the three, then block ends of `k` and of the columns.
fn shapes() -> impl Iterator<Item = (usize, usize, usize)> {
    let next = |i: usize| ODD[i % ODD.len()];
    let all = (0..ODD.len() * ODD.len()).map(move |i| (next(i), next(i / 10), next(i / 10 + i * 3)));
    all.chain([(5, 49, 255), (3, 50, 256), (9, 48, 257), (2, 7, 700), (13, 391, 40), (1, 800, 300)]).chain([
        (0, 3, 2),
        (3, 0, 2),
        (3, 2, 0),
        (0, 0, 0),
    ])
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Form {
    Nt,
    Nn,
    Tn,
}

const FORMS: [Form; 3] = [Form::Nt, Form::Nn, Form::Tn];

/// Factors of a product, and how to reach their elements.
#[derive(Clone)]
struct Case {
    form: Form,
    sizes: [usize; 3],
    alpha: f32,
    a: Vec<f32>,
    b: Vec<f32>,
}

impl Case {
    fn new(form: Form, (m, n, k): (usize, usize, usize), rng: &mut Rng) -> Self {
        let alpha = if form == Form::Tn { 0.37 } else { 1.0 };
        Self { form, sizes: [m, n, k], alpha, a: rng.floats(m * k), b: rng.floats(k * n) }
    }

    fn a(&self, i: usize, l: usize) -> usize {
        let [m, _, k] = self.sizes;
        if self.form == Form::Tn { l * m + i } else { i * k + l }
    }

    fn b(&self, l: usize, j: usize) -> usize {
        let [_, n, k] = self.sizes;
        if self.form == Form::Nt { j * k + l } else { l * n + j }
    }

    fn run(&self, exec: impl Into<Exec>, accumulate: bool, c: &mut [f32], s: &mut Scratch) {
        let ([m, n, k], a, b, exec) = (self.sizes, &self.a, &self.b, exec.into());
        match self.form {
            Form::Nt => gemm::nt_with(exec, m, n, k, a, b, accumulate, c, s),
            Form::Nn => gemm::nn_with(exec, m, n, k, a, b, accumulate, c, s),
            Form::Tn => gemm::tn_with(exec, m, n, k, self.alpha, a, b, accumulate, c, s),
        }
        .unwrap();
    }

    /// Rows `rows` and columns `cols` of the product, as a product of its own.
    fn part(&self, rows: std::ops::Range<usize>, cols: std::ops::Range<usize>) -> Self {
        let k = self.sizes[2];
        let mut part = Self { sizes: [rows.len(), cols.len(), k], ..self.clone() };
        for l in 0..k {
            for (to, i) in rows.clone().enumerate() {
                let to = part.a(to, l);
                part.a[to] = self.a[self.a(i, l)];
            }
            for (to, j) in cols.clone().enumerate() {
                let to = part.b(l, to);
                part.b[to] = self.b[self.b(l, j)];
            }
        }
        part.a.truncate(rows.len() * k);
        part.b.truncate(cols.len() * k);
        part
    }

    /// The product in f64 from absolute values, or from the values themselves.
    fn exact(&self, of: impl Fn(f32) -> f32) -> Vec<f64> {
        gemm::reference::product(
            self.sizes,
            |i, l| f64::from(of(self.alpha)) * f64::from(of(self.a[self.a(i, l)])),
            |l, j| of(self.b[self.b(l, j)]).into(),
        )
    }
}

#[test]
fn near_the_exact_sums() {
    let mut rng = Rng(22);
    let mut scratch = Scratch::new();
    for (shape, form) in shapes().flat_map(|shape| FORMS.map(|form| (shape, form))) {
        let case = Case::new(form, shape, &mut rng);
        let start = rng.floats(shape.0 * shape.1);
        let (exact, size) = (case.exact(|x| x), case.exact(f32::abs));
        for_each_isa(|isa| {
            for accumulate in [false, true] {
                let mut c = if accumulate { start.clone() } else { vec![f32::NAN; start.len()] };
                case.run(isa, accumulate, &mut c, &mut scratch);
                // The bound of the module's docs, and 1 % for its terms of second order.
                let roundings = (shape.2 + shape.2 / 256 + 2) as f64 * 1.01 * 2f64.powi(-24);
                for (i, c) in c.iter().enumerate() {
                    let before = if accumulate { f64::from(start[i]) } else { 0.0 };
                    let error = (f64::from(*c) - before - exact[i]).abs();
                    let bound = roundings * (size[i] + before.abs());
                    assert!(error <= bound, "{form:?} {shape:?} {} at {i}", isa.name());
                }
            }
        });
    }
}

#[test]
fn bits_do_not_depend_on_isa_or_batching() {
    let mut rng = Rng(26);
    let mut scratch = Scratch::new();
    for (shape, form) in shapes().flat_map(|shape| FORMS.map(|form| (shape, form))) {
        let (m, n, _) = shape;
        let case = Case::new(form, shape, &mut rng);
        let start = rng.floats(m * n);
        let mut first: Option<Vec<u32>> = None;
        for_each_isa(|isa| {
            if isa == Isa::Reference {
                return;
            }
            let mut whole = start.clone();
            case.run(isa, true, &mut whole, &mut scratch);
            let first = first.get_or_insert_with(|| bits(&whole));
            assert_eq!(*first, bits(&whole), "{form:?} {shape:?} {}", isa.name());
            for step in [1, 3, 8, 12] {
                let mut parts = start.clone();
                for from in (0..m).step_by(step) {
                    let rows = from..m.min(from + step);
                    let c = &mut parts[from * n..rows.end * n];
                    case.part(rows, 0..n).run(isa, true, c, &mut scratch);
                }
                assert_eq!(*first, bits(&parts), "{form:?} {shape:?} {} by {step}", isa.name());
            }
            // columns too: an element does not know where it lies
            for col in [0, n / 2, n.saturating_sub(1)].into_iter().filter(|_| n > 0) {
                let mut c: Vec<f32> = start.iter().copied().skip(col).step_by(n).collect();
                case.part(0..m, col..col + 1).run(isa, true, &mut c, &mut scratch);
                let same = c.iter().enumerate().all(|(i, c)| c.to_bits() == first[i * n + col]);
                assert!(same, "{form:?} {shape:?} {} column {col}", isa.name());
            }
        });
    }
}

/// The law, written out for one element.
#[test]
fn the_order_is_the_documented_one() {
    let mut rng = Rng(7);
    for form in FORMS {
        let case = Case::new(form, (2, 3, 600), &mut rng);
        let mut c = rng.floats(6);
        let mut want = c[4];
        for block in [0..256, 256..512, 512..600] {
            let mut sum = 0.0_f32;
            for l in block {
                sum = case.a[case.a(1, l)].mul_add(case.b[case.b(l, 1)], sum);
            }
            want = case.alpha.mul_add(sum, want);
        }
        case.run(Isa::best(), true, &mut c, &mut Scratch::new());
        assert!(Isa::best() == Isa::Reference || c[4].to_bits() == want.to_bits());
    }
}

/// A NaN reaches its own row or column, all of it, and nothing else; infinities too.
#[test]
fn nan_propagates() {
    let mut rng = Rng(9);
    for (shape, form) in
        [(9, 33, 20), (1, 65, 17), (3, 7, 300)].into_iter().flat_map(|shape| FORMS.map(|form| (shape, form)))
    {
        for_each_isa(|isa| {
            let (m, n, k) = shape;
            let mut case = Case::new(form, shape, &mut rng);
            let (a, b) = (case.a(m - 1, k - 1), case.b(0, n - 1));
            case.a[a] = f32::NAN;
            case.b[b] = f32::INFINITY;
            let mut c = vec![0.0; m * n];
            case.run(isa, false, &mut c, &mut Scratch::new());
            for (i, c) in c.iter().enumerate() {
                let (nan, infinite) = (i / n == m - 1, i % n == n - 1);
                assert_eq!(c.is_nan(), nan, "{form:?} {shape:?} {} at {i}", isa.name());
                assert!(nan || c.is_infinite() == infinite);
            }
        });
    }
}

/// Shapes that are cut by columns, by rows, and in three.
#[test]
fn threads_change_no_bit() {
    let mut rng = Rng(4);
    let pools = [1, 2, 3].map(|n| rayon::ThreadPoolBuilder::new().num_threads(n).build().unwrap());
    for (shape, form) in
        [(1, 1900, 700), (5, 1000, 600), (333, 50, 300), (70, 200, 520)].into_iter().flat_map(|s| FORMS.map(|f| (s, f)))
    {
        let case = Case::new(form, shape, &mut rng);
        let start = rng.floats(shape.0 * shape.1);
        for_each_isa(|isa| {
            if isa == Isa::Reference {
                return;
            }
            let mut one = start.clone();
            case.run(isa, true, &mut one, &mut Scratch::new());
            for pool in &pools {
                let mut c = start.clone();
                pool.install(|| case.run(Exec::from(isa).parallel(), true, &mut c, &mut Scratch::new()));
                let threads = pool.current_num_threads();
                assert_eq!(bits(&c), bits(&one), "{} {form:?} {shape:?}, {threads} threads", isa.name());
            }
        });
    }
}

#[test]
fn warm_scratch_does_not_grow() {
    let mut rng = Rng(3);
    let mut scratch = Scratch::new();
    let mut held = None;
    for _ in 0..2 {
        for shape in [(9, 500, 300), (1, 128, 128), (40, 65, 17)] {
            for form in FORMS {
                let case = Case::new(form, shape, &mut rng);
                let mut c = vec![0.0; shape.0 * shape.1];
                case.run(Isa::best(), false, &mut c, &mut scratch);
            }
        }
        assert_eq!(*held.get_or_insert(scratch.capacity_bytes()), scratch.capacity_bytes());
    }
    assert!(scratch.capacity_bytes() <= 800 << 10, "{}", scratch.capacity_bytes());
}

#[test]
fn doubles_are_near_the_exact_sums() {
    let mut rng = Rng(5);
    let mut scratch = Scratch::new();
    for (shape, form) in shapes().flat_map(|shape| FORMS.map(|form| (shape, form))) {
        let ((m, n, k), s) = (shape, &mut scratch);
        let case = Case::new(form, shape, &mut rng);
        let wide = |x: &[f32]| -> Vec<f64> { x.iter().map(|&x| x.into()).collect() };
        let (a, b) = (wide(&case.a), wide(&case.b));
        let mut c = vec![1.0; m * n];
        match form {
            Form::Nt => gemm::nt(m, n, k, &a, &b, true, &mut c, s),
            Form::Nn => gemm::nn(m, n, k, &a, &b, true, &mut c, s),
            Form::Tn => gemm::tn(m, n, k, case.alpha.into(), &a, &b, true, &mut c, s),
        }
        .unwrap();
        for (c, exact) in c.iter().zip(case.exact(|x| x)) {
            assert!((c - 1.0 - exact).abs() <= (k + 2) as f64 * (k + 2) as f64 * 2f64.powi(-52));
        }
    }
}
