//! The machine's limits, then every kernel on every instruction set with one and two threads.
//!
//! ```text
//! cargo run --release -p barewire-kernels --example roofline
//! cargo run --release -p barewire-kernels --example roofline -- --json FILE --isa avx2 --only scan
//! ```
//!
//! Every answer is checked before it is timed; kernels and limits are timed in turns, and medians count. The limit of a
//! line is the largest of what the work needs of each rate that was measured: dot products of bytes, multiply-adds
//! and exponentials of `f32`, reading. Memory is what the allocator gives; huge pages read 15 to 30 % faster.

mod cases;
mod limits;
mod measure;

use std::path::PathBuf;
use std::process::ExitCode;

use barewire_kernels::Isa;
use clap::Parser;
use limits::{FOOTPRINTS, Limits, Rates};
use measure::{Bench, Line};

/// Measures this machine's limits and how near the kernels come.
#[derive(Parser)]
struct Arguments {
    /// also write the lines as JSON
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
    /// only this instruction set
    #[arg(long, value_name = "NAME")]
    isa: Option<String>,
    /// only cases whose name contains this
    #[arg(long, value_name = "TEXT", default_value = "")]
    only: String,
    /// how often each is measured
    #[arg(long, value_name = "N", default_value_t = 15)]
    rounds: usize,
}

fn main() -> ExitCode {
    match run(&Arguments::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(why) => {
            eprintln!("roofline: {why}");
            ExitCode::FAILURE
        }
    }
}

fn run(arguments: &Arguments) -> Result<(), String> {
    let only = arguments.isa.as_deref().map(Isa::from_name).transpose().map_err(|error| error.to_string())?;
    let pool = |threads| rayon::ThreadPoolBuilder::new().num_threads(threads).build().map_err(|e| e.to_string());
    let bench = Bench {
        isas: measure::isas(only),
        pools: vec![pool(1)?, pool(2)?],
        limits: Limits::new(2),
        rounds: arguments.rounds.max(1),
    };
    println!("{}", cpu());
    let rates = bench.rates();
    print_rates(&rates);
    println!("\n{HEADER}");
    let mut lines: Vec<Line> = Vec::new();
    for case in cases::all().iter().filter(|case| case.name.contains(&arguments.only)) {
        let new = bench.run(case, &lines)?;
        for line in &new {
            println!("{}", text(line));
        }
        lines.extend(new);
    }
    let count = |verdict| lines.iter().filter(|line| line.verdict == verdict).count();
    println!("\n{} pass, {} short", count("pass"), count("short"));
    if !bench.isas.iter().any(|isa| isa.name() == "avx512") {
        println!("targets are set for AVX-512, which was not measured");
    }
    if let Some(file) = &arguments.json {
        let json = serde_json::json!({ "cpu": cpu(), "limits": json_rates(&rates), "lines": lines });
        let text = serde_json::to_string_pretty(&json).map_err(|error| error.to_string())?;
        std::fs::write(file, text + "\n").map_err(|error| format!("{}: {error}", file.display()))?;
    }
    Ok(())
}

/// The CPU's own name, where the system tells it.
fn cpu() -> String {
    let info = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let field = |key: &str| {
        let line = info.lines().find(|line| line.split(':').next().is_some_and(|k| k.trim() == key))?;
        Some(line.split_once(':')?.1.trim().to_owned())
    };
    let cores = std::thread::available_parallelism().map_or(0, usize::from);
    match (field("model name"), field("cpu family"), field("model")) {
        (Some(name), Some(family), Some(model)) => format!("{name}, family {family} model {model}, {cores} cores"),
        _ => format!("{}, {cores} cores", std::env::consts::ARCH),
    }
}

fn print_rates(rates: &[(Isa, usize, Rates)]) {
    println!("\n| isa | threads | dot G/s | fma G/s | exp G/s | read GB/s at {} |", sizes());
    println!("| --- | ---: | ---: | ---: | ---: | ---: |");
    for (isa, threads, rates) in rates {
        let read: Vec<String> = rates.read.iter().map(|rate| format!("{:.0}", rate / 1e9)).collect();
        let [dot, fma, exp] = [rates.dot, rates.fma, rates.exp].map(|rate| rate / 1e9);
        println!("| {} | {threads} | {dot:.0} | {fma:.1} | {exp:.2} | {} |", isa.name(), read.join(", "));
    }
}

fn sizes() -> String {
    FOOTPRINTS.map(|bytes| format!("{} KiB", bytes >> 10)).join(", ")
}

fn json_rates(rates: &[(Isa, usize, Rates)]) -> Vec<serde_json::Value> {
    let one = |(isa, threads, rates): &(Isa, usize, Rates)| {
        serde_json::json!({
            "isa": isa.name(), "threads": threads, "dot": rates.dot, "fma": rates.fma, "exp": rates.exp,
            "read": rates.read, "read_bytes": FOOTPRINTS,
        })
    };
    rates.iter().map(one).collect()
}

const HEADER: &str = "\
| kernel | isa | threads | time us | limit us | by | of limit | target | |
| --- | --- | ---: | ---: | ---: | --- | ---: | --- | --- |";

fn text(line: &Line) -> String {
    let Line { name, isa, threads, seconds, limit_seconds, limit, share, target, verdict } = line;
    let (time, least) = (seconds * 1e6, limit_seconds * 1e6);
    let share = share * 100.0;
    format!("| {name} | {isa} | {threads} | {time:.1} | {least:.1} | {limit} | {share:.0} % | {target} | {verdict} |")
}
