//! Products with codes of 1 to 8 bits: `binary` and `quantized`.

mod common;

use barewire_kernels::quantized::Format;
use barewire_kernels::{Exec, Isa, KernelError, Scratch, binary, quantized, ternary};
use common::{Rng, bits, for_each_isa, shapes};

/// How finely floats are rounded.
#[derive(Clone, Copy, PartialEq)]
enum Grade {
    Fixed16,
    F32,
}

impl Grade {
    const ALL: [Self; 2] = [Self::Fixed16, Self::F32];

    /// The largest integer that limbs hold.
    fn largest(self) -> i32 {
        match self {
            Self::Fixed16 => 127 * (1 + 256),
            Self::F32 => 127 * (1 + 256 + 65536),
        }
    }

    /// Largest error of a float of at most 1.
    fn half_step(self) -> f64 {
        match self {
            Self::Fixed16 => 1.004 * 2f64.powi(-15),
            Self::F32 => 1.004 * 2f64.powi(-23),
        }
    }
}

/// A packed matrix of any width, its codes, and how it multiplies floats.
struct Matrix {
    grade: Grade,
    rows: usize,
    cols: usize,
    format: Format,
    codes: Vec<u8>,
    words: Vec<u64>,
}

impl Matrix {
    fn pack(rows: usize, cols: usize, format: Format, codes: Vec<u8>) -> Self {
        let mut words = vec![u64::MAX; Self::words_len(rows, cols, format.bits)];
        if format.bits == 1 {
            binary::pack_u8(rows, cols, &codes, &mut words).unwrap();
        } else {
            quantized::pack_u8(rows, cols, format.bits, &codes, &mut words).unwrap();
        }
        Self { grade: Grade::F32, rows, cols, format, codes, words }
    }

    fn words_len(rows: usize, cols: usize, bits: u32) -> usize {
        if bits == 1 { binary::words_len(rows, cols) } else { quantized::words_len(rows, cols, bits) }.unwrap()
    }

    /// Random codes; width 1 has scale 1 and zero 0 where `binary` leaves them out.
    fn random(rng: &mut Rng, rows: usize, cols: usize, bits: u32) -> Self {
        let end = 1 << bits;
        let codes = (0..rows * cols).map(|_| rng.below(end) as u8).collect();
        let zero = if bits == 1 { 0 } else { rng.below(256) as u8 };
        let scale = if bits == 1 { 1.0 } else { 0.013 };
        Self::pack(rows, cols, Format { bits, scale, zero }, codes)
    }

    fn forward(&self, exec: impl Into<Exec>, x: &[f32], n: usize, s: &mut Scratch) -> Vec<f32> {
        let mut out = vec![f32::NAN; n * self.rows];
        let Self { rows, cols, format, words, .. } = self;
        match (format.bits, self.grade) {
            (1, Grade::F32) => binary::forward_f32_with(exec, words, *rows, *cols, x, n, &mut out, s),
            (1, Grade::Fixed16) => binary::forward_fixed16_with(exec, words, *rows, *cols, x, n, &mut out, s),
            (_, Grade::F32) => quantized::forward_f32_with(exec, words, *rows, *cols, *format, x, n, &mut out, s),
            (_, Grade::Fixed16) => {
                quantized::forward_fixed16_with(exec, words, *rows, *cols, *format, x, n, &mut out, s)
            }
        }
        .unwrap();
        out
    }

    fn transposed(&self, exec: impl Into<Exec>, y: &[f32], n: usize, s: &mut Scratch) -> Vec<f32> {
        let mut out = vec![f32::NAN; n * self.cols];
        let Self { rows, cols, format, words, .. } = self;
        match (format.bits, self.grade) {
            (1, Grade::F32) => binary::transposed_f32_with(exec, words, *rows, *cols, y, n, &mut out, s),
            (1, Grade::Fixed16) => binary::transposed_fixed16_with(exec, words, *rows, *cols, y, n, &mut out, s),
            (_, Grade::F32) => quantized::transposed_f32_with(exec, words, *rows, *cols, *format, y, n, &mut out, s),
            (_, Grade::Fixed16) => {
                quantized::transposed_fixed16_with(exec, words, *rows, *cols, *format, y, n, &mut out, s)
            }
        }
        .unwrap();
        out
    }

    fn int8(&self, exec: impl Into<Exec>, codes: &[i8], scales: &[f32], s: &mut Scratch) -> Vec<f32> {
        let n = scales.len();
        let mut out = vec![f32::NAN; n * self.rows];
        let Self { rows, cols, format, words, .. } = self;
        if format.bits == 1 {
            binary::forward_int8_with(exec, words, *rows, *cols, codes, scales, n, format.scale, &mut out, s)
        } else {
            quantized::forward_int8_with(exec, words, *rows, *cols, *format, codes, scales, n, &mut out, s)
        }
        .unwrap();
        out
    }

    fn level(&self, r: usize, c: usize) -> i64 {
        i64::from(self.codes[r * self.cols + c]) - i64::from(self.format.zero)
    }

    /// The documented result, bit for bit: tokens rounded once, sums exact.
    fn exact(&self, x: &[f32], n: usize, turned: bool) -> Vec<f32> {
        let (len, outs) = if turned { (self.rows, self.cols) } else { (self.cols, self.rows) };
        let mut out = Vec::new();
        for t in 0..n {
            let (q, step) = rounded(&x[t * len..][..len], self.grade);
            for o in 0..outs {
                let level = |i| if turned { self.level(i, o) } else { self.level(o, i) };
                let sum: i64 = (0..len).map(|i| level(i) * q[i]).sum();
                out.push((sum as f64 * (step * f64::from(self.format.scale))) as f32);
            }
        }
        out
    }

    /// The sum in f64 and the bound of the documentation.
    fn bounded(&self, x: &[f32], n: usize, turned: bool) -> Vec<(f64, f64)> {
        let (len, outs) = if turned { (self.rows, self.cols) } else { (self.cols, self.rows) };
        let mut out = Vec::new();
        for x in x.chunks(len.max(1)).take(n) {
            let m = x.iter().fold(0.0, |m: f64, x| m.max(f64::from(x.abs())));
            for o in 0..outs {
                let (mut sum, mut size) = (0.0, 0.0);
                for (i, &x) in x.iter().enumerate() {
                    let level = if turned { self.level(i, o) } else { self.level(o, i) };
                    let w = f64::from(self.format.scale) * level as f64;
                    sum += w * f64::from(x);
                    size += w.abs();
                }
                out.push((sum, size * m * self.grade.half_step() + sum.abs() * 2f64.powi(-23)));
            }
        }
        out
    }
}

/// Multiples of a power of two, so that the largest is one that limbs hold.
fn rounded(x: &[f32], grade: Grade) -> (Vec<i64>, f64) {
    let max = x.iter().fold(0.0, |m: f64, x| m.max(f64::from(x.abs())));
    let mut step = 2f64.powi(-126);
    while (max / step).round_ties_even() > f64::from(grade.largest()) {
        step *= 2.0;
    }
    (x.iter().map(|x| (f64::from(*x) / step).round_ties_even() as i64).collect(), step)
}

#[test]
fn products_with_floats_are_the_documented_ones() {
    let mut rng = Rng(24);
    let mut s = Scratch::new();
    for (case, (rows, cols, n)) in shapes().enumerate() {
        let mut m = Matrix::random(&mut rng, rows, cols, 1 + case as u32 % 8);
        // Each width in either grade.
        m.grade = Grade::ALL[case / 8 % 2];
        let (x, y) = (rng.floats(n * cols), rng.floats(n * rows));
        let exact = [m.exact(&x, n, false), m.exact(&y, n, true)];
        let bounded = [m.bounded(&x, n, false), m.bounded(&y, n, true)];
        for_each_isa(|isa| {
            let found = [m.forward(isa, &x, n, &mut s), m.transposed(isa, &y, n, &mut s)];
            for ((found, exact), bounded) in found.iter().zip(&exact).zip(&bounded) {
                for (found, (sum, bound)) in found.iter().zip(bounded) {
                    assert!((f64::from(*found) - sum).abs() <= *bound, "{} {found} {sum}", isa.name());
                }
                if isa != Isa::Reference {
                    assert_eq!(found, exact, "{} {rows}x{cols} n{n} {:?}", isa.name(), m.format);
                }
            }
        });
    }
}

#[test]
fn int8_products_have_the_same_bits_everywhere() {
    let mut rng = Rng(25);
    let mut s = Scratch::new();
    for (case, (rows, cols, n)) in shapes().enumerate() {
        let m = Matrix::random(&mut rng, rows, cols, 1 + (case as u32 + 3) % 8);
        // All bytes, also where there is no column.
        let codes: Vec<i8> = (0..ternary::int8_codes_len(n, cols).unwrap()).map(|_| rng.bits() as i8).collect();
        let scales = rng.floats(n);
        let mut first = None;
        for_each_isa(|isa| {
            let found = m.int8(isa, &codes, &scales, &mut s);
            let first = first.get_or_insert(found.clone());
            assert_eq!(bits(&found), bits(first), "{} {rows}x{cols} n{n} {:?}", isa.name(), m.format);
        });
    }
}

/// Codes and activations as large as they come, over the points where sums are widened or cut.
#[test]
fn largest_sums() {
    let mut s = Scratch::new();
    for (rows, cols) in [(1, 66_000), (9, 4200), (300, 3), (4200, 1)] {
        for bits in 1..=8 {
            if cols > 60_000 && bits != 2 && bits != 8 {
                continue;
            }
            let top = (255 >> (8 - bits)) as u8;
            let mut m = Matrix::pack(rows, cols, Format { bits, scale: 1.0, zero: 0 }, vec![top; rows * cols]);
            for (grade, value) in [
                (Grade::Fixed16, 32_639.0),
                (Grade::Fixed16, -32_640.0),
                (Grade::F32, 127.0),
                (Grade::F32, -8_355_711.0),
                (Grade::F32, 8_355_711.0),
                (Grade::F32, -8_355_712.0),
            ] {
                m.grade = grade;
                let (x, y) = (vec![value; cols], vec![value; rows]);
                let exact = |len: usize| (f64::from(value) * f64::from(top) * len as f64) as f32;
                for_each_isa(|isa| {
                    if isa == Isa::Reference {
                        return;
                    }
                    let what = format!("{} {rows}x{cols} {bits} bits {value}", isa.name());
                    assert_eq!(m.forward(isa, &x, 1, &mut s), vec![exact(cols); rows], "{what}");
                    assert_eq!(m.transposed(isa, &y, 1, &mut s), vec![exact(rows); cols], "{what}");
                });
            }
            for code in [-128, 127] {
                let codes = vec![code; ternary::int8_codes_len(2, cols).unwrap()];
                let exact = (i64::from(code) * i64::from(top) * cols as i64) as f32;
                for_each_isa(|isa| {
                    let found = m.int8(isa, &codes, &[1.0, 0.5], &mut s);
                    assert_eq!(found[..rows], vec![exact; rows], "{} {rows}x{cols} {bits} bits", isa.name());
                });
            }
        }
    }
}

#[test]
fn batching_changes_no_bit() {
    let mut rng = Rng(26);
    let mut s = Scratch::new();
    for bits_per_code in 1..=8 {
        let (rows, cols, n) = (19, 150, 37);
        let mut m = Matrix::random(&mut rng, rows, cols, bits_per_code);
        m.grade = Grade::ALL[bits_per_code as usize % 2];
        let (x, y) = (rng.floats(n * cols), rng.floats(n * rows));
        let (mut codes, mut scales) = (vec![0; ternary::int8_codes_len(n, cols).unwrap()], vec![0.0; n]);
        ternary::quantize_int8(&x, n, cols, &mut codes, &mut scales).unwrap();
        for_each_isa(|isa| {
            let all = [m.forward(isa, &x, n, &mut s), m.int8(isa, &codes, &scales, &mut s)];
            let back = m.transposed(isa, &y, n, &mut s);
            for t in 0..n {
                let one = m.forward(isa, &x[t * cols..][..cols], 1, &mut s);
                assert_eq!(bits(&one), bits(&all[0][t * rows..][..rows]));
                let token = codes.len() / n;
                let one = m.int8(isa, &codes[t * token..][..token], &scales[t..=t], &mut s);
                assert_eq!(bits(&one), bits(&all[1][t * rows..][..rows]));
                let one = m.transposed(isa, &y[t * rows..][..rows], 1, &mut s);
                assert_eq!(bits(&one), bits(&back[t * cols..][..cols]));
            }
        });
    }
}

#[test]
fn threads_change_no_bit() {
    let mut rng = Rng(27);
    let (rows, cols, n) = (520, 523, 8);
    let pools = [1, 2].map(|n| rayon::ThreadPoolBuilder::new().num_threads(n).build().unwrap());
    for (bits_per_code, grade) in [(1, Grade::Fixed16), (3, Grade::F32), (8, Grade::Fixed16)] {
        let mut m = Matrix::random(&mut rng, rows, cols, bits_per_code);
        m.grade = grade;
        let (x, y) = (rng.floats(n * cols), rng.floats(n * rows));
        let (mut codes, mut scales) = (vec![0; ternary::int8_codes_len(n, cols).unwrap()], vec![0.0; n]);
        ternary::quantize_int8(&x, n, cols, &mut codes, &mut scales).unwrap();
        for_each_isa(|isa| {
            if isa == Isa::Reference {
                return;
            }
            let run = |exec: Exec| {
                let s = &mut Scratch::new();
                [m.forward(exec, &x, n, s), m.int8(exec, &codes, &scales, s), m.transposed(exec, &y, n, s)]
            };
            let here = run(isa.into());
            for pool in &pools {
                let there = pool.install(|| run(Exec::from(isa).parallel()));
                assert!(here.iter().zip(&there).all(|(a, b)| bits(a) == bits(b)), "{}", isa.name());
            }
        });
    }
}

#[test]
fn tokens_that_are_not_finite() {
    let mut rng = Rng(28);
    let mut s = Scratch::new();
    let (rows, cols, n) = (21, 75, 4);
    for (bits_per_code, grade) in [(1, Grade::F32), (2, Grade::Fixed16), (5, Grade::F32), (8, Grade::Fixed16)] {
        let mut m = Matrix::random(&mut rng, rows, cols, bits_per_code);
        m.grade = grade;
        for bad in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY] {
            let (mut x, mut y) = (rng.floats(n * cols), rng.floats(n * rows));
            (x[2 * cols + 74], y[2 * rows]) = (bad, bad);
            let (mut codes, mut scales) = (vec![0; ternary::int8_codes_len(n, cols).unwrap()], vec![0.0; n]);
            ternary::quantize_int8(&x, n, cols, &mut codes, &mut scales).unwrap();
            for_each_isa(|isa| {
                for (out, width) in [
                    (m.forward(isa, &x, n, &mut s), rows),
                    (m.int8(isa, &codes, &scales, &mut s), rows),
                    (m.transposed(isa, &y, n, &mut s), cols),
                ] {
                    for (i, v) in out.iter().enumerate() {
                        assert_eq!(v.is_nan(), i / width == 2, "{} {bad}", isa.name());
                    }
                }
            });
        }
    }
}

#[test]
fn zeros_and_tiny_tokens() {
    let mut s = Scratch::new();
    for bits_per_code in [1, 4, 7] {
        let m = Matrix::random(&mut Rng(29), 10, 70, bits_per_code);
        let tiny: Vec<f32> = (0..70).map(|i| f32::from_bits(i * 1000)).collect();
        let exact = m.exact(&tiny, 1, false);
        for_each_isa(|isa| {
            assert_eq!(bits(&m.forward(isa, &[0.0; 70], 1, &mut s)), [0; 10]);
            assert_eq!(bits(&m.transposed(isa, &[0.0; 20], 2, &mut s)), [0; 140]);
            if isa != Isa::Reference {
                assert_eq!(m.forward(isa, &tiny, 1, &mut s), exact);
            }
        });
    }
}

/// Padding that nobody checked must not be read as codes.
#[test]
fn damaged_padding_counts_for_nothing() {
    let mut rng = Rng(30);
    let mut s = Scratch::new();
    for bits_per_code in 1..=8 {
        let (rows, cols, n) = (13, 77, 2);
        let mut m = Matrix::random(&mut rng, rows, cols, bits_per_code);
        let (x, y) = (rng.floats(n * cols), rng.floats(n * rows));
        let exact = [m.exact(&x, n, false), m.exact(&y, n, true)];
        let used = cols * bits_per_code as usize;
        let words = used.div_ceil(64);
        for row in m.words.chunks_exact_mut(words) {
            row[words - 1] |= u64::MAX << (used % 64);
        }
        for_each_isa(|isa| {
            if isa != Isa::Reference {
                assert_eq!(m.forward(isa, &x, n, &mut s), exact[0]);
                assert_eq!(m.transposed(isa, &y, n, &mut s), exact[1]);
            }
        });
    }
}

#[test]
fn packing_is_lossless() {
    let mut rng = Rng(31);
    for (case, (rows, cols, _)) in shapes().enumerate() {
        let m = Matrix::random(&mut rng, rows, cols, 1 + case as u32 % 8);
        let (mut codes, mut values) = (vec![9; rows * cols], vec![9.0; rows * cols]);
        if m.format.bits == 1 {
            binary::check_codes(&m.words, rows, cols).unwrap();
            binary::unpack_u8(&m.words, rows, cols, &mut codes).unwrap();
            binary::unpack_f32(&m.words, rows, cols, &mut values).unwrap();
        } else {
            quantized::check_codes(&m.words, rows, cols, m.format.bits).unwrap();
            quantized::unpack_u8(&m.words, rows, cols, m.format.bits, &mut codes).unwrap();
            quantized::unpack_f32(&m.words, rows, cols, m.format, &mut values).unwrap();
        }
        assert_eq!(codes, m.codes);
        for (i, (code, value)) in codes.iter().zip(&values).enumerate() {
            let (r, c) = (i / cols, i % cols);
            assert_eq!(*value, m.level(r, c) as f32 * m.format.scale);
            let found = if m.format.bits == 1 {
                binary::get(&m.words, rows, cols, r, c)
            } else {
                quantized::get(&m.words, rows, cols, m.format.bits, r, c)
            };
            assert_eq!(found, Ok(*code));
        }
    }
}

#[test]
fn wrong_lengths_name_the_argument() {
    fn names(result: Result<(), KernelError>, argument: &str) {
        let message = result.unwrap_err().to_string();
        assert!(message.starts_with(&format!("`{argument}` ")), "{message}");
    }
    let s = &mut Scratch::new();
    let out = &mut [0.0; 4][..];
    let (codes, scales) = ([0; 192], [1.0; 2]);
    let format = Format { bits: 4, scale: 1.0, zero: 0 };
    names(binary::forward_int8(&[0; 3], 2, 70, &codes, &scales, 2, 1.0, out, s), "words");
    names(binary::forward_int8(&[0; 4], 2, 70, &codes[1..], &scales, 2, 1.0, out, s), "codes");
    names(binary::forward_int8(&[0; 4], 2, 70, &codes, &scales[1..], 2, 1.0, out, s), "scales");
    names(binary::forward_int8(&[0; 4], 2, 70, &codes, &scales, 2, 1.0, &mut out[1..], s), "out");
    names(binary::forward_f32(&[0; 4], 2, 70, &[0.0; 140], 2, &mut out[1..], s), "out");
    names(binary::transposed_f32(&[0; 4], 2, 70, &[0.0; 4], 2, &mut [0.0; 139], s), "out");
    names(binary::forward_fixed16(&[0; 4], 2, 70, &[0.0; 139], 2, out, s), "x");
    names(binary::transposed_fixed16(&[0; 4], 2, 70, &[0.0; 3], 2, &mut [0.0; 140], s), "y");
    names(quantized::forward_fixed16(&[0; 9], 2, 70, format, &[0.0; 140], 2, out, s), "words");
    names(quantized::transposed_fixed16(&[0; 10], 2, 70, format, &[0.0; 4], 2, &mut [0.0; 139], s), "out");
    names(quantized::forward_int8(&[0; 9], 2, 70, format, &codes, &scales, 2, out, s), "words");
    names(quantized::forward_int8(&[0; 10], 2, 70, format, &codes[1..], &scales, 2, out, s), "codes");
    names(quantized::forward_int8(&[0; 10], 2, 70, format, &codes, &scales[1..], 2, out, s), "scales");
    names(quantized::forward_int8(&[0; 10], 2, 70, format, &codes, &scales, 2, &mut out[1..], s), "out");
    names(quantized::forward_f32(&[0; 10], 2, 70, format, &[0.0; 139], 2, out, s), "x");
    names(quantized::transposed_f32(&[0; 10], 2, 70, format, &[0.0; 5], 2, &mut [0.0; 140], s), "y");
    names(quantized::transposed_f32(&[0; 10], 2, 70, format, &[0.0; 4], 2, &mut [0.0; 139], s), "out");
    names(binary::forward_f32(&[], 1 << 23, 0, &[], 0, &mut [], s), "rows");
}
