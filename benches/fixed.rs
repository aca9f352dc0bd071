//! A million small unions in rows and in columns: opening, summing a field, encoding, changing one.
//!
//! Each figure is a ratio to the least that the memory allows, measured in turns with it in the same process: a bare scan of the
//! tags, a plain vectorised sum of as many numbers, a copy of as many octets. `cargo bench --bench fixed -- plain` prints the
//! ratios alone.
// the types here are fixtures
#![allow(missing_docs)]

use barewire::kernels::{Isa, Kernel, vectorize};
use barewire::prelude::*;
use barewire::wire::{AlignedBuf, Run, Writer, from_message, to_message, view_message, view_message_mut};
use criterion::{Criterion, criterion_group, criterion_main};
use std::hint::black_box;
use std::time::Instant;

const N: usize = 1_000_000;

/// At most 16 octets of numbers.
#[derive(BareUnion, Clone, Debug, PartialEq)]
#[bare(fixed_size)]
pub enum Neuron {
    Lif { threshold: f32, decay: f32, refractory: f32 },
    Izhikevich { a: f32, b: f32, c: f32, d: f32 },
    SpikeResponse { rise: f32, fall: f32 },
}

/// The same with unions inside, so that there are tags behind the first too.
#[derive(BareUnion, Clone, Debug, PartialEq)]
#[bare(fixed_size)]
pub enum Response {
    Exponential { tau: f32 },
    Alpha { tau: f32 },
}

/// See [`Response`].
#[derive(BareUnion, Clone, Debug, PartialEq)]
#[bare(fixed_size)]
pub enum NestedNeuron {
    Lif { threshold: f32, decay: f32, refractory: f32 },
    SpikeResponse { kernel: Response, adaptation: Response },
}

/// Numbers that are the same on every machine.
fn mixed(i: usize) -> u32 {
    (i as u32).wrapping_mul(0x9e37_79b9).rotate_left(13).wrapping_mul(0x85eb_ca6b)
}

fn neuron(kind: usize, i: usize) -> Neuron {
    let x = (mixed(i) >> 8) as f32 / 16_777_216.0;
    match kind {
        0 => Neuron::Lif { threshold: x, decay: x * 0.5, refractory: 1.0 },
        1 => Neuron::Izhikevich { a: x, b: 0.2, c: -65.0, d: 8.0 },
        _ => Neuron::SpikeResponse { rise: x, fall: 2.0 },
    }
}

fn first_number(neuron: &Neuron) -> f32 {
    match *neuron {
        Neuron::Lif { threshold: x, .. } | Neuron::Izhikevich { a: x, .. } | Neuron::SpikeResponse { rise: x, .. } => x,
    }
}

/// The variants as they come.
fn shuffled() -> Vec<Neuron> {
    (0..N).map(|i| neuron(mixed(i) as usize % 3, i)).collect()
}

/// One variant after the other, as a layer has them.
fn sorted() -> Vec<Neuron> {
    (0..N).map(|i| neuron(i * 3 / N, i)).collect()
}

fn nested() -> Vec<NestedNeuron> {
    let response =
        |i| if mixed(i).is_multiple_of(2) { Response::Exponential { tau: 1.0 } } else { Response::Alpha { tau: 2.0 } };
    (0..N)
        .map(|i| match mixed(i) % 3 {
            0 => NestedNeuron::Lif { threshold: 1.0, decay: 0.5, refractory: 2.0 },
            _ => NestedNeuron::SpikeResponse { kernel: response(i), adaptation: response(i + 1) },
        })
        .collect()
}

/// The largest of some octets.
struct Largest<'a>(&'a [u8]);

impl Kernel for Largest<'_> {
    type Output = u8;
    #[inline(always)]
    fn run(self) -> u8 {
        self.0.iter().fold(0, |largest, &octet| largest.max(octet))
    }
}

/// The largest first octet of some slots.
fn largest_of_slots(slots: &[u8], size: usize) -> u8 {
    // the length of a slot is known to the compiler in both
    assert_eq!(size, 20);
    slots.chunks_exact(20).fold(0, |largest, slot| largest.max(slot[0]))
}

/// A sum in 32 lanes.
struct Sum<'a>(&'a [f32]);

impl Kernel for Sum<'_> {
    type Output = f32;
    #[inline(always)]
    fn run(self) -> f32 {
        let (chunks, tail) = self.0.as_chunks::<32>();
        let mut lanes = [0.0f32; 32];
        for chunk in chunks {
            for i in 0..32 {
                lanes[i] += chunk[i];
            }
        }
        lanes.iter().sum::<f32>() + tail.iter().sum::<f32>()
    }
}

fn sum(values: &[f32]) -> f32 {
    vectorize(Isa::best(), Sum(values))
}

/// What `a` takes and what `b` takes, in seconds a call: medians of turns.
fn in_turns(calls: usize, a: &mut dyn FnMut(), b: &mut dyn FnMut()) -> (f64, f64) {
    let time = |f: &mut dyn FnMut()| {
        let start = Instant::now();
        (0..calls).for_each(|_| f());
        start.elapsed().as_secs_f64() / calls as f64
    };
    let (mut of_a, mut of_b): (Vec<f64>, Vec<f64>) = (0..41).map(|_| (time(a), time(b))).unzip();
    of_a.sort_by(f64::total_cmp);
    of_b.sort_by(f64::total_cmp);
    (of_a[20], of_b[20])
}

fn report(what: &str, limit: &str, target: f64, (ours, theirs): (f64, f64)) {
    let ratio = ours / theirs;
    println!("{what}: {:.1} us, {limit} {:.1} us, ratio {ratio:.2} (target {target})", ours * 1e6, theirs * 1e6);
}

struct Data {
    values: Vec<Neuron>,
    slots: AlignedBuf,
    columns: AlignedBuf,
    sorted: AlignedBuf,
    nested: AlignedBuf,
}

fn data() -> Data {
    let values = shuffled();
    let (slots, columns) = (to_message(&Slots::from_slice(&values)), to_message(&Columns::from_slice(&values)));
    let (sorted, nested) = (to_message(&Columns::from_vec(sorted())), to_message(&Columns::from_vec(nested())));
    // right before it is fast
    assert!(from_message::<Slots<Neuron>>(&slots).expect("slots") == values);
    assert!(from_message::<Columns<Neuron>>(&columns).expect("columns") == values);
    let lengths = (slots.len() as f64 / N as f64, columns.len() as f64 / N as f64);
    println!("octets an element: {:.3} in slots, {:.3} in columns; {}", lengths.0, lengths.1, Isa::best().name());
    Data { values, slots, columns, sorted, nested }
}

fn open<T: Wire>(message: &[u8], index: &mut Index) {
    index.reset();
    black_box(view_message::<T>(message, index).expect("a message"));
}

fn plain(data: &mut Data) {
    let mut index = Index::new();
    let fresh = Index::new();
    let (slots, columns) = (
        view_message::<Slots<Neuron>>(&data.slots, &fresh).expect("slots"),
        view_message::<Columns<Neuron>>(&data.columns, &fresh).expect("columns"),
    );
    let (tags, rows) = (columns.tags(), slots.octets());
    let scan = in_turns(10, &mut || open::<Columns<Neuron>>(&data.columns, &mut index), &mut || {
        black_box(vectorize(Isa::best(), Largest(black_box(tags))));
    });
    report("open columns", "scan of the tags", 1.5, scan);
    let scan = in_turns(2, &mut || open::<Slots<Neuron>>(&data.slots, &mut index), &mut || {
        black_box(largest_of_slots(black_box(rows), rows.len() / N));
    });
    report("open slots", "scan of the tags", 1.2, scan);
    let inner = view_message::<Columns<NestedNeuron>>(&data.nested, &fresh).expect("columns");
    let scan = in_turns(10, &mut || open::<Columns<NestedNeuron>>(&data.nested, &mut index), &mut || {
        black_box(vectorize(Isa::best(), Largest(black_box(inner.tags()))));
    });
    report("open columns with two unions inside", "scan of the outer tags", 4.5, scan);

    let numbers: Vec<f32> = columns.column::<f32>("Lif.threshold").expect("a column").to_vec();
    let exact: f64 = data.values.iter().map(first_number).map(f64::from).sum();
    // 32 lanes: each addition rounds once, and all numbers are in [0, 1)
    assert!((f64::from(sum(&numbers)) - exact).abs() <= exact * (N / 32) as f64 * 2f64.powi(-24));
    let sums = in_turns(
        10,
        &mut || {
            black_box(columns.column::<f32>("Lif.threshold").map(sum));
        },
        &mut || {
            black_box(sum(black_box(&numbers)));
        },
    );
    report("sum a column", "plain sum", 1.5, sums);
    let by_variant = view_message::<Columns<Neuron>>(&data.sorted, &fresh).expect("columns");
    let runs = || -> f32 {
        by_variant
            .runs()
            .map(|Run { cells, .. }| match cells {
                NeuronRun::Lif { threshold: x, .. }
                | NeuronRun::Izhikevich { a: x, .. }
                | NeuronRun::SpikeResponse { rise: x, .. } => sum(x),
            })
            .sum()
    };
    let sums = in_turns(
        10,
        &mut || {
            black_box(runs());
        },
        &mut || {
            black_box(sum(black_box(&numbers)));
        },
    );
    report("sum one field of each variant by runs, variants together", "plain sum", 1.5, sums);
    let mut total = 0.0;
    let alone = in_turns(
        1,
        &mut || {
            total += columns.runs().map(|run| run.rows.len() as f64).sum::<f64>();
        },
        &mut || {
            black_box(vectorize(Isa::best(), Largest(black_box(tags))));
        },
    );
    black_box(total);
    println!("runs of shuffled variants: {:.2} ns a run", alone.0 * 1e9 / columns.runs().count() as f64);

    let mut copy = AlignedBuf::copy_from(&data.slots);
    for (name, message) in [("slots", &data.slots), ("columns", &data.columns)] {
        let mut buf = Some(AlignedBuf::copy_from(message));
        let times = in_turns(
            1,
            &mut || {
                let mut w = Writer::into_buf(buf.take().unwrap_or_default());
                if name == "slots" {
                    Slots::encode_slice(black_box(&data.values), &mut w);
                } else {
                    Columns::encode_slice(black_box(&data.values), &mut w);
                }
                buf = Some(w.finish());
            },
            &mut || copy[..message.len()].copy_from_slice(black_box(message)),
        );
        assert_eq!(buf.as_deref(), Some(&message[..]));
        report(&format!("encode {name} from a Vec"), "copy of the octets", 2.0, times);
    }
    change(data);
}

/// Sets one number of 4,096 elements, in an order that no prefetcher knows.
fn change(data: &mut Data) {
    const SOME: usize = 4096;
    let order: Vec<usize> = (0..SOME).map(|i| mixed(i) as usize % SOME).collect();
    macro_rules! each {
        ($list:expr) => {{
            let list = $list;
            for &i in &order {
                match list.get_mut(i) {
                    Some(
                        NeuronViewMut::Lif { threshold: x, .. }
                        | NeuronViewMut::Izhikevich { a: x, .. }
                        | NeuronViewMut::SpikeResponse { rise: x, .. },
                    ) => x.set(1.5),
                    None => unreachable!("the element is there"),
                }
            }
        }};
    }
    let (mut of_slots, mut of_columns) = (data.slots.clone(), data.columns.clone());
    let mut slots = view_message_mut::<Slots<Neuron>>(&mut of_slots).expect("slots");
    let mut columns = view_message_mut::<Columns<Neuron>>(&mut of_columns).expect("columns");
    let (in_slots, in_columns) = in_turns(20, &mut || each!(&mut slots), &mut || each!(&mut columns));
    for i in &order {
        let Some(
            NeuronView::Lif { threshold: x, .. }
            | NeuronView::Izhikevich { a: x, .. }
            | NeuronView::SpikeResponse { rise: x, .. },
        ) = columns.get(*i)
        else {
            unreachable!("the element is there")
        };
        assert_eq!(x, 1.5);
    }
    let each = |seconds: f64| seconds * 1e9 / SOME as f64;
    println!("change one in place: slots {:.2} ns, columns {:.2} ns (target 2.5)", each(in_slots), each(in_columns));
}

fn fixed(criterion: &mut Criterion) {
    let mut data = data();
    plain(&mut data);
    if std::env::args().any(|arg| arg == "plain") {
        return;
    }
    let mut index = Index::new();
    let mut group = criterion.benchmark_group("a million small unions");
    group.sample_size(20);
    group.bench_function("open columns", |b| b.iter(|| open::<Columns<Neuron>>(&data.columns, &mut index)));
    group.bench_function("open slots", |b| b.iter(|| open::<Slots<Neuron>>(&data.slots, &mut index)));
    let fresh = Index::new();
    let columns = view_message::<Columns<Neuron>>(&data.columns, &fresh).expect("columns");
    group.bench_function("sum a column", |b| b.iter(|| columns.column::<f32>("Lif.threshold").map(sum)));
    let mut buf = Some(AlignedBuf::new());
    group.bench_function("encode columns", |b| {
        b.iter(|| {
            let mut w = Writer::into_buf(buf.take().unwrap_or_default());
            Columns::encode_slice(&data.values, &mut w);
            buf = Some(w.finish());
        });
    });
    group.finish();
}

criterion_group!(benches, fixed);
criterion_main!(benches);
