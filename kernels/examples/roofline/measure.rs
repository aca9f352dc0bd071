//! Cases, timed in turns.

use std::time::{Duration, Instant};

use barewire_kernels::{Exec, Isa};

use crate::limits::{FOOTPRINTS, Limits, Rates, Wanted, footprint};

/// How long a case takes at least, and how fast the machine's limits say it could be.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Work {
    /// Multiply-accumulates of bytes.
    pub(crate) dot: f64,
    /// Fused multiply-adds, additions and multiplications of `f32`.
    pub(crate) fma: f64,
    /// Exponentials.
    pub(crate) exp: f64,
    /// Bytes read or written.
    pub(crate) bytes: f64,
}

impl Work {
    /// Seconds at the limit, and which limit it is. Arithmetic of one kind hides behind that of another and behind
    /// memory, but exponentials are multiply-adds themselves, so those two add up.
    pub(crate) fn limit(&self, rates: &Rates, threads: usize) -> (f64, &'static str) {
        let float = self.fma / rates.fma + self.exp / rates.exp;
        let of = [
            (self.dot / rates.dot, "dot"),
            (float, if self.exp / rates.exp > self.fma / rates.fma { "exp" } else { "fma" }),
            (self.bytes / rates.read[footprint(self.bytes, threads)], "read"),
        ];
        // A rate that was not measured is 0, and what needs none of it is 0 / 0: the comparison is false.
        of.into_iter().fold((0.0, "none"), |a, b| if b.0 > a.0 { b } else { a })
    }

    /// The rates that [`Work::limit`] needs.
    fn wanted(&self, threads: usize) -> Wanted {
        let float = self.fma + self.exp > 0.0;
        let mut read = [false; FOOTPRINTS.len()];
        read[footprint(self.bytes, threads)] = self.bytes > 0.0;
        Wanted { dot: self.dot > 0.0, fma: float, exp: float, read }
    }
}

/// What is asked of a kernel.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Target {
    /// At least this share of the limit's speed.
    Share(f64),
    /// At most so many times the time of an earlier case, by name, on the same instruction set with as many threads.
    Times(f64, &'static str),
    /// Nothing.
    None,
}

/// A kernel on data of its own.
pub(crate) trait Subject: Send {
    /// Runs it.
    fn run(&mut self, exec: Exec);

    /// Runs it once and compares with the reference; says what is wrong.
    fn check(&mut self, exec: Exec) -> Result<(), String>;
}

/// One line of the table, on every instruction set and with one and two threads.
pub(crate) struct Case {
    /// Kernel and shape.
    pub(crate) name: &'static str,
    /// What has to be done at least.
    pub(crate) work: Work,
    /// What is asked with one thread, and with two.
    pub(crate) targets: [Target; 2],
    /// Makes the data; dropped when the case is done, so that large ones do not add up.
    pub(crate) subject: fn() -> Box<dyn Subject>,
}

/// One measured line.
#[derive(Clone, Debug, serde::Serialize)]
pub(crate) struct Line {
    /// Kernel and shape.
    pub(crate) name: &'static str,
    /// Instruction set.
    pub(crate) isa: &'static str,
    /// Threads used.
    pub(crate) threads: usize,
    /// Median of the rounds.
    pub(crate) seconds: f64,
    /// What the limits allow.
    pub(crate) limit_seconds: f64,
    /// Which limit that is.
    pub(crate) limit: &'static str,
    /// Limit over time: 1 is as fast as the machine can.
    pub(crate) share: f64,
    /// What is asked, as words.
    pub(crate) target: String,
    /// `pass`, `short`, or nothing without a target; targets are set for AVX-512.
    pub(crate) verdict: &'static str,
}

/// The middle one of an odd number, the mean of the middle two of an even one; NaN of none.
pub(crate) fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    let n = values.len();
    if n == 0 { f64::NAN } else { (values[(n - 1) / 2] + values[n / 2]) / 2.0 }
}

/// Seconds of one run: as many runs as fit into a few milliseconds.
fn seconds(exec: Exec, subject: &mut dyn Subject) -> f64 {
    let (start, mut runs) = (Instant::now(), 0);
    while runs == 0 || start.elapsed() < Duration::from_millis(4) {
        subject.run(exec);
        runs += 1;
    }
    start.elapsed().as_secs_f64() / f64::from(runs)
}

/// The instruction sets to measure, fastest last.
pub(crate) fn isas(only: Option<Isa>) -> Vec<Isa> {
    match only {
        Some(isa) => vec![isa],
        None => Isa::available().filter(|isa| *isa != Isa::Reference).collect(),
    }
}

/// Everything that is measured in turns.
pub(crate) struct Bench {
    /// Instruction sets, fastest last.
    pub(crate) isas: Vec<Isa>,
    /// One pool a number of threads.
    pub(crate) pools: Vec<rayon::ThreadPool>,
    /// The machine's rates.
    pub(crate) limits: Limits,
    /// How often each is measured.
    pub(crate) rounds: usize,
}

impl Bench {
    /// All rates, for each instruction set and pool.
    pub(crate) fn rates(&self) -> Vec<(Isa, usize, Rates)> {
        let all = Wanted { dot: true, fma: true, exp: true, read: [true; FOOTPRINTS.len()] };
        let of = |(isa, pool): (usize, usize)| {
            let (isa, pool) = (self.isas[isa], &self.pools[pool]);
            let rates: Vec<Rates> = (0..self.rounds).map(|_| self.limits.measure(isa, pool, all)).collect();
            (isa, pool.current_num_threads(), Rates::median(&rates))
        };
        self.combinations().map(of).collect()
    }

    /// The lines of one case. `earlier` holds those of the cases before.
    ///
    /// Limits and times are measured in turns, so that what the neighbours of a shared machine do meets both.
    ///
    /// # Errors
    /// The answer of some instruction set is wrong: then nothing is timed.
    pub(crate) fn run(&self, case: &Case, earlier: &[Line]) -> Result<Vec<Line>, String> {
        let mut subject = (case.subject)();
        for (isa, pool) in self.combinations() {
            let exec = Exec::from(self.isas[isa]).parallel();
            let check = self.pools[pool].install(|| subject.check(exec));
            check.map_err(|why| format!("{} on {}: {why}", case.name, self.isas[isa].name()))?;
        }
        let mut measured: Vec<(Vec<f64>, Vec<Rates>)> = self.combinations().map(|_| Default::default()).collect();
        for _ in 0..self.rounds {
            for ((isa, pool), (times, rates)) in self.combinations().zip(&mut measured) {
                let (isa, pool) = (self.isas[isa], &self.pools[pool]);
                let exec = Exec::from(isa).parallel();
                rates.push(self.limits.measure(isa, pool, case.work.wanted(pool.current_num_threads())));
                times.push(pool.install(|| seconds(exec, &mut *subject)));
            }
        }
        let lines = self.combinations().zip(measured);
        Ok(lines
            .map(|(at, (times, rates))| self.line(case, at, median(times), &Rates::median(&rates), earlier))
            .collect())
    }

    fn combinations(&self) -> impl Iterator<Item = (usize, usize)> + use<> {
        let pools = self.pools.len();
        (0..self.isas.len()).flat_map(move |isa| (0..pools).map(move |pool| (isa, pool)))
    }

    fn line(&self, case: &Case, (isa, pool): (usize, usize), seconds: f64, rates: &Rates, earlier: &[Line]) -> Line {
        let threads = self.pools[pool].current_num_threads();
        let name = self.isas[isa].name();
        let (limit_seconds, limit) = case.work.limit(rates, threads);
        let share = limit_seconds / seconds;
        let (target, good) = match case.targets[pool.min(1)] {
            Target::Share(least) => (format!("{:.0} %", least * 100.0), Some(share >= least)),
            Target::Times(most, of) => {
                let before = earlier.iter().find(|l| l.name == of && l.isa == name && l.threads == threads);
                let times = before.map(|before| seconds / before.seconds);
                (format!("{most:.2} x {of}"), times.map(|times| times <= most))
            }
            Target::None => (String::new(), None),
        };
        // Targets are set for AVX-512.
        let verdict = match good {
            Some(true) if name == "avx512" => "pass",
            Some(false) if name == "avx512" => "short",
            _ => "",
        };
        Line { name: case.name, isa: name, threads, seconds, limit_seconds, limit, share, target, verdict }
    }
}
