//! Files: opening, reaching a component, encoding, growing, each against what it must stay near.
//!
//! The model is that of the peers' table: 64 components of 7 variants, 55 arrays of 1,220,160 octets, 64 MiB in all. Opening is
//! measured on octets that are mapped already, and checks header, schema, structure and index.

use std::hint::black_box;
use std::time::Instant;

use barewire::BareUnion;
use barewire::wire::{
    AlignedBuf, Index, Mapped, Matrix, Region, TernaryMatrix, Wire, lazy_file, to_file, to_file_into, to_message,
    to_message_into, view_file,
};
use criterion::{Criterion, criterion_group, criterion_main};

const COMPONENTS: usize = 64;
/// of the arrays, in octets
const ARRAY: usize = 1_220_160;

/// Seven variants, five of them with arrays.
#[derive(BareUnion)]
enum Part {
    Dense { weights: Matrix<f32>, scale: f32 },
    Bias(Vec<f32>),
    Ternary { digits: TernaryMatrix, scale: f32 },
    Steps(Vec<u64>),
    Codes { codes: Vec<i8>, zero: i8 },
    Scale(f32),
    Nothing,
}

fn model() -> Vec<Part> {
    let part = |i: usize| match i % 7 {
        // 9 components without an array
        5 => Part::Scale(i as f32),
        _ if i >= 63 => Part::Nothing,
        0 | 6 => Part::Bias(vec![i as f32; ARRAY / 4]),
        1 => Part::Steps(vec![i as u64; ARRAY / 8]),
        2 => Part::Codes { codes: vec![i as i8; ARRAY], zero: 1 },
        // 8 rows and 32 columns a tile of 64 octets
        3 => Part::Ternary { digits: TernaryMatrix::zeros(8, ARRAY / 64 * 32).expect("it fits"), scale: 0.5 },
        _ => Part::Dense { weights: Matrix::zeros(4, ARRAY / 16).expect("it fits"), scale: 2.0 },
    };
    (0..COMPONENTS).map(part).collect()
}

/// One number of a part, which has its tag and its array's place checked.
fn touch(part: &PartView<'_>) -> f32 {
    match *part {
        PartView::Dense { weights, scale } => weights.values[7] + scale,
        PartView::Bias(values) => values[7],
        PartView::Ternary { digits, scale } => digits.words[7] as f32 + scale,
        PartView::Steps(steps) => steps[7] as f32,
        PartView::Codes { codes, zero } => f32::from(codes[7] - zero),
        PartView::Scale(scale) => scale,
        PartView::Nothing => 0.0,
    }
}

/// Nanoseconds a call, minimum and median of rounds in which each function runs `calls` times: interleaved, so that a neighbour's
/// load falls on all.
fn times<const N: usize>(rounds: usize, calls: usize, mut functions: [&mut dyn FnMut(); N]) -> [(f64, f64); N] {
    let mut all: [Vec<f64>; N] = std::array::from_fn(|_| Vec::new());
    for _ in 0..rounds {
        for (function, times) in functions.iter_mut().zip(&mut all) {
            let start = Instant::now();
            (0..calls).for_each(|_| function());
            times.push(start.elapsed().as_nanos() as f64 / calls as f64);
        }
    }
    all.map(|mut times| {
        times.sort_by(f64::total_cmp);
        (times[0], times[times.len() / 2])
    })
}

fn opening(criterion: &mut Criterion) {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("model.bare");
    Region::encode(&model()).save(&path).expect("room on the disk");
    // SAFETY: the file is in a folder of our own, and nobody touches it until the region is dropped.
    let region = unsafe { Region::<Vec<Part>, Mapped>::map(&path) }.expect("a file that was just written");
    let bytes = region.bytes();

    let all = Index::new();
    let views = region.view(&all).expect("whole");
    let lazy = region.lazy::<Part>().expect("components");
    let index = Index::new();
    for (k, part) in model().iter().enumerate() {
        let expected = touch(&part.view(&index));
        assert_eq!(touch(&views[k]), expected);
        assert_eq!(touch(&lazy.view(k, &index).expect("whole")), expected);
    }
    assert_eq!(views.len(), COMPONENTS);
    let arrays = views.iter().filter(|part| !matches!(part, PartView::Scale(_) | PartView::Nothing));
    assert!(bytes.len() >= arrays.count() * ARRAY);

    let mut arena = Index::new();
    let mut open = || {
        arena.reset();
        black_box(view_file::<Vec<Part>>(black_box(bytes), &arena).expect("whole").len());
    };
    let mut open_lazy = || {
        black_box(lazy_file::<Vec<Part>, Part>(black_box(bytes)).expect("whole").len());
    };
    let mut order = (1..).scan(0usize, |k, _| {
        *k = (*k * 5 + 13) % COMPONENTS;
        Some(*k)
    });
    let ks: Vec<usize> = (&mut order).take(1024).collect();
    // all of `ks` in one call, so that calling costs nothing
    let mut by_view = || {
        ks.iter().for_each(|&k| {
            black_box(touch(&views[k]));
        });
    };
    let mut by_bytes = || {
        ks.iter().for_each(|&k| {
            black_box(touch(&lazy.view(k, &index).expect("whole")));
        });
    };
    // what a plain enum in memory costs to reach on this machine now
    let owned = model();
    let owned_views: Vec<PartView<'_>> = owned.iter().map(|part| part.view(&index)).collect();
    let mut by_value = || {
        ks.iter().for_each(|&k| {
            black_box(touch(&owned_views[k]));
        });
    };
    let [opened, lazily] = times(400, 20, [&mut open, &mut open_lazy]);
    let reached = times(2000, 1, [&mut by_value, &mut by_view, &mut by_bytes]);
    let [value, view, octets] = reached.map(|(least, median)| (least / ks.len() as f64, median / ks.len() as f64));
    println!("64 components, 64 MiB, mapped; minimum and median, ns:");
    println!(
        "  open and check {:.0}, {:.0} (target 2000); lazily {:.0}, {:.0}",
        opened.0, opened.1, lazily.0, lazily.1
    );
    println!(
        "  one component from its view {:.2}, {:.2} (target 3), {:.2} times a value in memory; from its octets {:.1}, {:.1} \
         (target 30)",
        view.0,
        view.1,
        view.1 / value.1,
        octets.0,
        octets.1
    );

    let mut group = criterion.benchmark_group("a file of 64 components, 64 MiB");
    group.bench_function("open and check", |b| b.iter(&mut open));
    group.bench_function("open lazily", |b| b.iter(&mut open_lazy));
    group.bench_function("1,024 components from their views", |b| b.iter(&mut by_view));
    group.bench_function("1,024 components from their octets", |b| b.iter(&mut by_bytes));
    group.finish();
}

fn encoding(criterion: &mut Criterion) {
    let model = model();
    let message = to_message(&model);
    let (mut copy, mut buf, mut file) = (message.clone(), AlignedBuf::new(), to_file(&model));
    to_message_into(&model, &mut buf);
    assert!(buf == message);

    let mut memcpy = || black_box(&mut copy[..]).copy_from_slice(black_box(&message));
    let mut encode = || to_message_into(black_box(&model), &mut buf);
    let mut encode_file = || to_file_into(black_box(&model), &mut file);
    let [(_, copy_ns), (_, encode_ns), (_, file_ns)] = times(15, 1, [&mut memcpy, &mut encode, &mut encode_file]);
    println!(
        "encode {} MiB, copied in {:.1} ms: {:.2} times a copy (target 1.1); a file with its hashes: {:.2} times",
        message.len() >> 20,
        copy_ns / 1e6,
        encode_ns / copy_ns,
        file_ns / copy_ns
    );

    let mut group = criterion.benchmark_group("encode 64 MiB");
    group.sample_size(10);
    group.bench_function("copy", |b| b.iter(&mut memcpy));
    group.bench_function("message", |b| b.iter(&mut encode));
    group.bench_function("file", |b| b.iter(&mut encode_file));
    group.finish();
}

fn growing(criterion: &mut Criterion) {
    let mut region = Region::encode(&model());
    let part = Part::Bias(vec![1.0; ARRAY / 4]);
    region.append(std::slice::from_ref(&part)).expect("a sealed region");
    let mut all = model();
    all.push(Part::Bias(vec![1.0; ARRAY / 4]));
    assert!(region.bytes() == &to_file(&all)[..]);

    let source = vec![1u8; ARRAY];
    let mut target = vec![0u8; ARRAY];
    let mut memcpy = || black_box(&mut target[..]).copy_from_slice(black_box(&source));
    // the last one again: the file stays as long as it is
    let mut append = || region.replace(COMPONENTS, &part).expect("a sealed region");
    let [(_, copy_ns), (_, append_ns)] = times(50, 1, [&mut memcpy, &mut append]);
    println!(
        "append 1.2 MB to 64 MiB: {:.0} us, {:.1} times a copy of what is appended",
        append_ns / 1e3,
        append_ns / copy_ns
    );
    criterion.bench_function("append 1.2 MB to a file of 64 MiB", |b| b.iter(&mut append));
}

criterion_group!(benches, opening, encoding, growing);
criterion_main!(benches);
