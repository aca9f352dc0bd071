//! barewire's kernels beside ggml's and beside the design of I2_S, in turns in one process; answers are compared before the
//! table is printed.
//!
//! ggml is built from a checkout of llama.cpp (or from `vendor/llama.cpp` in the source package of `llama-cpp-python`):
//!
//! ```sh
//! export LLAMA_CPP=path/to/llama.cpp GGML_BUILD=path/to/build
//! cmake -S $LLAMA_CPP -B $GGML_BUILD -DCMAKE_BUILD_TYPE=Release -DGGML_NATIVE=ON -DGGML_OPENMP=OFF -DBUILD_SHARED_LIBS=OFF
//! cmake --build $GGML_BUILD --target ggml
//! cargo run --release --manifest-path benches/ggml/Cargo.toml
//! ```
//!
//! Products take activations that are quantised already, on one thread. ggml's scan has no gate and no skip, so here there
//! is none either; its two threads are started for each call, those of rayon wait in a pool.

mod ggml;
mod i2_s;
mod turns;

use anyhow::{Context, Result};
use barewire_kernels::{Exec, Isa, Scratch, selective_scan, ssd, ternary};
use clap::Parser;

use turns::{close, print, turns};

/// Times barewire's kernels and their peers, in turns.
#[derive(Parser)]
struct Args {
    /// More for a busy machine: how much work a product does in all, in 10^9 multiplications, and how often a scan runs
    #[arg(long, default_value_t = 40, value_parser = clap::value_parser!(u32).range(1..))]
    work: u32,
    /// barewire's instruction set, by its name
    #[arg(long)]
    isa: Option<String>,
}

fn main() -> Result<()> {
    let Args { work, isa } = Args::parse();
    let isa = match isa {
        Some(name) => Isa::available().find(|isa| isa.name() == name).with_context(|| format!("no {name} here"))?,
        None => Isa::best(),
    };
    println!("| kernel, {} | system | median us | least us | over barewire | least over least |", isa.name());
    println!("| --- | --- | ---: | ---: | ---: | ---: |");
    for (rows, cols, tokens) in [
        (2560, 2560, 1),
        (6912, 2560, 1),
        (2560, 6912, 1),
        (16384, 16384, 1),
        (2560, 2560, 4),
        (2560, 2560, 16),
        (2560, 2560, 128),
    ] {
        product(isa, rows, cols, tokens, work as usize)?;
    }
    let pool = rayon::ThreadPoolBuilder::new().num_threads(2).build()?;
    for threads in [1, 2] {
        let exec = if threads == 1 { isa.into() } else { Exec::from(isa).parallel() };
        pool.install(|| {
            selective(exec, threads, 1024, 1536, work as usize)?;
            selective(exec, threads, 1, 1536, work as usize)?;
            selective(exec, threads, 1, 5120, work as usize)?;
            mamba2(exec, threads, work as usize)
        })?;
    }
    Ok(())
}

/// Numbers in [-1, 1] that no seed is needed for.
fn floats(len: usize, from: usize) -> Vec<f32> {
    (from..from + len).map(|i| (i as u64 * 2_654_435_761 % 20_011) as f32 / 10_005.0 - 1.0).collect()
}

fn product(isa: Isa, rows: usize, cols: usize, tokens: usize, work: usize) -> Result<()> {
    let digits: Vec<i8> = (0..rows * cols).map(|i| (i as u64 * 2_654_435_761 % 7_919 % 3) as i8 - 1).collect();
    let codes: Vec<i8> = floats(tokens * cols, 0).iter().map(|v| (127.0 * v).round() as i8).collect();
    let x: Vec<f32> = codes.iter().map(|&v| v.into()).collect();
    let mut words = vec![0; ternary::words_len(rows, cols)?];
    ternary::pack_i8(rows, cols, &digits, &mut words)?;
    let mut ours = vec![0; ternary::int8_codes_len(tokens, cols)?];
    let mut scales = vec![0.0; tokens];
    ternary::quantize_int8(&x, tokens, cols, &mut ours, &mut scales)?;
    let (i2_s, aligned) = (i2_s::pack(&digits), i2_s::Aligned::new(&codes));
    let weights: Vec<f32> = digits.iter().map(|&d| d.into()).collect();
    let [tq2, tq1] = [ggml::Type::Tq2, ggml::Type::Tq1].map(|kind| ggml::Product::new(kind, cols, &weights, &x));

    let mut outs: [Vec<f32>; 4] = std::array::from_fn(|_| vec![0.0; rows * tokens]);
    let [here, by_i2_s, by_tq2, by_tq1] = &mut outs;
    let mut lengths = Ok(());
    let products = rows * cols * tokens;
    let rounds = (work * 125_000_000 / products).clamp(5, 301);
    let times = turns(
        rounds,
        (20_000_000 / products).max(1),
        [
            &mut || lengths = ternary::forward_int8_with(isa, &words, rows, cols, &ours, &scales, tokens, 1.0, here),
            &mut || i2_s::product(&i2_s, cols, &aligned, by_i2_s),
            &mut || tq2.run(by_tq2),
            &mut || tq1.run(by_tq1),
        ],
    );
    lengths?;
    for (token, outs) in codes.chunks(cols).zip(by_i2_s.chunks_mut(rows)) {
        let sum: i32 = token.iter().map(|&v| i32::from(v)).sum();
        outs.iter_mut().for_each(|out| *out -= sum as f32);
    }
    // ggml quantises activations by blocks of 256, we by tokens, and codes of ±126 here become ±127
    for (name, there) in [("I2_S", &*by_i2_s), ("TQ2_0", by_tq2), ("TQ1_0", by_tq1)] {
        close(name, here, there, 2e-2)?;
    }
    let names = ["barewire", "I2_S's design", "ggml TQ2_0", "ggml TQ1_0"];
    print(&format!("ternary int8 {rows} x {cols}, {tokens} tokens"), names, times);
    Ok(())
}

fn selective(exec: Exec, threads: usize, time: usize, d_inner: usize, rounds: usize) -> Result<()> {
    let d_state = 16;
    let shape = selective_scan::Shape { batch: 1, seq_len: time, d_inner, d_state };
    let (x, b, c) = (floats(time * d_inner, 0), floats(time * d_state, 3), floats(time * d_state, 4));
    let dt: Vec<f32> = floats(time * d_inner, 1).iter().map(|v| v * 2.0 - 4.0).collect();
    let a: Vec<f32> = (0..d_inner * d_state).map(|i| -((i % d_state + 1) as f32)).collect();
    let inputs = ggml::Inputs { x: &x, dt: &dt, a: &a, b: &b, c: &c };
    let mut there = ggml::Scan::new(time, d_inner, 1, d_state, threads, inputs);

    let mut a_packed = vec![0.0; selective_scan::packed_len(d_inner, d_state)?];
    selective_scan::pack_a(d_inner, d_state, &a, &mut a_packed)?;
    let (mut y, mut h, mut scratch) = (vec![0.0; x.len()], vec![0.0; a_packed.len()], Scratch::new());
    let (z, d, dt_bias, softplus) = (None, None, None, true);
    let mut lengths = Ok(());
    let mut here = || {
        h.fill(0.0);
        lengths = if time == 1 {
            let inputs = selective_scan::StepInputs {
                x: &x,
                dt: &dt,
                z,
                a_packed: &a_packed,
                b: &b,
                c: &c,
                d,
                dt_bias,
                softplus,
            };
            selective_scan::step_with(exec, 1, d_inner, d_state, &inputs, &mut h, &mut y)
        } else {
            let inputs = selective_scan::Inputs { x: &x, dt: &dt, z, a: &a, b: &b, c: &c, d, dt_bias, softplus };
            selective_scan::forward_with(exec, shape, &inputs, &mut h[..d_inner * d_state], &mut y, &mut scratch)
        };
    };
    let times = turns(rounds.max(5), if time == 1 { 50 } else { 1 }, [&mut here, &mut || _ = there.run()]);
    lengths?;
    close("y", &y, there.run(), 2e-5)?;
    print(&format!("selective scan {time} x {d_inner} x {d_state}, {threads} threads"), ["barewire", "ggml"], times);
    Ok(())
}

fn mamba2(exec: Exec, threads: usize, rounds: usize) -> Result<()> {
    let (time, heads, width, d_state) = (1024, 24, 64, 128);
    let shape = ssd::Shape { batch: 1, seq_len: time, n_heads: heads, head_dim: width, n_groups: 1, d_state };
    let (x, b, c) = (floats(time * heads * width, 0), floats(time * d_state, 0), floats(time * d_state, 3));
    let dt: Vec<f32> = floats(time * heads, 1).iter().map(|v| v * 2.0 - 4.0).collect();
    let a: Vec<f32> = (0..heads).map(|h| -1.0 - h as f32 / 4.0).collect();
    let inputs = ggml::Inputs { x: &x, dt: &dt, a: &a, b: &b, c: &c };
    let mut there = ggml::Scan::new(time, heads, width, d_state, threads, inputs);

    let inputs = ssd::Inputs { x: &x, dt: &dt, a: &a, b: &b, c: &c, d: None, dt_bias: None };
    let (mut y, mut h, mut scratch) = (vec![0.0; x.len()], vec![0.0; heads * width * d_state], Scratch::new());
    let mut lengths = Ok(());
    let mut here = || {
        h.fill(0.0);
        lengths = ssd::forward_with(exec, shape, inputs, &mut h, &mut y, &mut scratch);
    };
    let times = turns(rounds.max(5), 1, [&mut here, &mut || _ = there.run()]);
    lengths?;
    close("y", &y, there.run(), 2e-5)?;
    print(&format!("Mamba-2 {time} x {heads} x {width} x {d_state}, {threads} threads"), ["barewire", "ggml"], times);
    Ok(())
}
