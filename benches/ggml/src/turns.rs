//! Timing in turns.

use std::time::Instant;

/// Seconds of one system's runs.
#[derive(Clone, Copy)]
pub struct Time {
    pub median: f64,
    pub least: f64,
}

/// Times systems in turns, so often, each turn so many calls after one that warms the caches.
pub fn turns<const N: usize>(rounds: usize, calls: usize, mut systems: [&mut dyn FnMut(); N]) -> [Time; N] {
    let mut times: [Vec<f64>; N] = std::array::from_fn(|_| Vec::with_capacity(rounds));
    for _ in 0..rounds {
        for (system, times) in systems.iter_mut().zip(&mut times) {
            system();
            let start = Instant::now();
            for _ in 0..calls {
                system();
            }
            times.push(start.elapsed().as_secs_f64() / calls as f64);
        }
    }
    times.map(|mut times| {
        times.sort_by(f64::total_cmp);
        Time { median: times[rounds / 2], least: times[0] }
    })
}

/// Lines of the table, ratios to the first.
pub fn print<const N: usize>(kernel: &str, names: [&str; N], times: [Time; N]) {
    for (name, time) in names.into_iter().zip(times) {
        let Time { median, least } = time;
        let (ratio, of_least) = (median / times[0].median, least / times[0].least);
        println!("| {kernel} | {name} | {:.1} | {:.1} | {ratio:.2} | {of_least:.2} |", median * 1e6, least * 1e6);
    }
}

/// Whether `found` is within `bound` of the largest number of `expected`.
pub fn close(what: &str, found: &[f32], expected: &[f32], bound: f32) -> anyhow::Result<()> {
    let largest = expected.iter().fold(0.0f32, |max, v| max.max(v.abs()));
    for (i, (f, e)) in found.iter().zip(expected).enumerate() {
        // not `>`: NaN is far from everything
        anyhow::ensure!((f - e).abs() <= bound * largest, "{what}[{i}]: {f} here, {e} there");
    }
    Ok(())
}
