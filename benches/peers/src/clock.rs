//! Times what systems do, and only after its answer was right.

use std::collections::BTreeMap;
use std::hint::black_box;
use std::time::Instant;

/// What is encoded.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Payload {
    /// 64 components with 64 MiB of arrays
    Model,
    /// a million unions of at most 16 octets
    Small,
}

impl Payload {
    /// For tables and JSON.
    pub fn name(self) -> &'static str {
        match self {
            Self::Model => "model",
            Self::Small => "small",
        }
    }
}

/// What is measured; the unit is nanoseconds, a call or a component.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Measure {
    /// values in memory to octets, in memory that an earlier message has touched
    Encode,
    /// octets to something that can be read safely, with the checks that the system makes
    Open,
    /// one component of what was opened
    View,
    /// one component of octets of which only the header was looked at
    Bytes,
    /// a field of all, as one adds up: a loop over elements
    Sum,
    /// the same in as many sums as the machine adds at once
    Lanes,
    /// a number of one component, in the octets
    Change,
}

impl Measure {
    /// All, in the order of the table.
    pub const ALL: [Self; 7] =
        [Self::Encode, Self::Open, Self::View, Self::Bytes, Self::Sum, Self::Lanes, Self::Change];

    /// For tables and JSON.
    pub fn name(self) -> &'static str {
        match self {
            Self::Encode => "encode",
            Self::Open => "open and validate",
            Self::View => "one from its view",
            Self::Bytes => "one from its bytes",
            Self::Sum => "sum, a loop",
            Self::Lanes => "sum, in lanes",
            Self::Change => "change one",
        }
    }
}

/// Nanoseconds of all samples.
#[derive(Clone, Debug, Default)]
pub struct Times(Vec<f64>);

impl Times {
    /// The quickest sample.
    pub fn least(&self) -> f64 {
        self.0.iter().copied().fold(f64::INFINITY, f64::min)
    }

    /// The sample in the middle.
    pub fn median(&self) -> f64 {
        let mut all = self.0.clone();
        all.sort_by(f64::total_cmp);
        all[all.len() / 2]
    }
}

/// What is known of one system and one measure.
#[derive(Clone, Debug)]
pub enum Cell {
    /// it was timed
    Times(Times),
    /// it cannot do that, and why
    Cannot(&'static str),
}

type Row = (Payload, &'static str);

fn nanoseconds(start: Instant) -> f64 {
    start.elapsed().as_nanos() as f64
}

/// Checks an answer, and times more calls: each alone if a call is long enough for the clock, all together if not. A call that takes
/// very long is timed as it is checked.
fn time<A: PartialEq + std::fmt::Debug>(
    what: &str,
    calls: usize,
    expected: A,
    mut f: impl FnMut() -> A,
) -> impl Iterator<Item = f64> {
    const SHORT: f64 = 5e3;
    const LONG: f64 = 2e8;
    let start = Instant::now();
    let answer = f();
    let first = nanoseconds(start);
    assert_eq!(answer, expected, "{what}");
    let (samples, each) = match first {
        LONG.. => (0, 0),
        SHORT.. => (calls, 1),
        _ => (1, calls),
    };
    let mut times: Vec<f64> = if samples == 0 { vec![first] } else { Vec::new() };
    for _ in 0..samples {
        let start = Instant::now();
        for _ in 0..each {
            black_box(f());
        }
        times.push(nanoseconds(start) / each as f64);
    }
    times.into_iter()
}

/// All that was measured.
#[derive(Debug)]
pub struct Clock {
    now: Row,
    order: Vec<Row>,
    cells: BTreeMap<(Row, Measure), Cell>,
    limits: BTreeMap<(Payload, &'static str), Times>,
    sizes: BTreeMap<Row, usize>,
}

impl Clock {
    /// Nothing yet.
    pub fn new() -> Self {
        Self {
            now: (Payload::Model, ""),
            order: Vec::new(),
            cells: BTreeMap::new(),
            limits: BTreeMap::new(),
            sizes: BTreeMap::new(),
        }
    }

    /// Whose times follow.
    pub fn system(&mut self, payload: Payload, name: &'static str) {
        self.now = (payload, name);
        if !self.order.contains(&self.now) {
            self.order.push(self.now);
        }
    }

    /// Times writing, which tells how many octets it wrote; what they say is checked by those who read them.
    pub fn encode(&mut self, calls: usize, mut f: impl FnMut() -> usize) {
        let octets = f();
        self.sizes.insert(self.now, octets);
        self.answer(Measure::Encode, calls, octets, f);
    }

    /// Why the system has no figure here.
    pub fn cannot(&mut self, measure: Measure, why: &'static str) {
        self.cells.insert((self.now, measure), Cell::Cannot(why));
    }

    /// Checks an answer, then times `calls` calls.
    ///
    /// # Panics
    /// If the answer is another.
    pub fn answer<A: PartialEq + std::fmt::Debug>(
        &mut self,
        measure: Measure,
        calls: usize,
        expected: A,
        f: impl FnMut() -> A,
    ) {
        let what = format!("{measure:?} of {:?}", self.now);
        time(&what, calls, expected, f).for_each(|ns| self.record(measure, ns));
    }

    /// Checks an answer for every component, then times all of them `calls` times: a figure is that of one component.
    ///
    /// # Panics
    /// If one answer is another.
    pub fn each(
        &mut self,
        measure: Measure,
        calls: usize,
        components: &[usize],
        expected: impl Fn(usize) -> f32,
        mut f: impl FnMut(usize) -> f32,
    ) {
        for &k in components {
            assert_eq!(f(k), expected(k), "{:?} of {:?}, component {k}", measure, self.now);
        }
        for _ in 0..calls {
            let start = Instant::now();
            for &k in components {
                black_box(f(k));
            }
            self.record(measure, nanoseconds(start) / components.len() as f64);
        }
    }

    /// Times a change of every component, `calls` times. [`check`](Self::check) follows.
    pub fn change(&mut self, calls: usize, components: &[usize], mut f: impl FnMut(usize)) {
        components.iter().for_each(|&k| f(k));
        for _ in 0..calls {
            let start = Instant::now();
            components.iter().for_each(|&k| f(black_box(k)));
            self.record(Measure::Change, nanoseconds(start) / components.len() as f64);
        }
    }

    /// Reads all components.
    ///
    /// # Panics
    /// If one is another than expected.
    pub fn check(&self, components: &[usize], expected: impl Fn(usize) -> f32, f: impl Fn(usize) -> f32) {
        for &k in components {
            assert_eq!(f(k), expected(k), "{:?}, component {k}", self.now);
        }
    }

    /// Checks and times something that every system must stay near.
    ///
    /// # Panics
    /// If the answer is another.
    pub fn limit<A: PartialEq + std::fmt::Debug>(
        &mut self,
        payload: Payload,
        name: &'static str,
        (calls, items): (usize, usize),
        expected: A,
        f: impl FnMut() -> A,
    ) {
        let times = self.limits.entry((payload, name)).or_default();
        time(name, calls, expected, f).for_each(|ns| times.0.push(ns / items as f64));
    }

    fn record(&mut self, measure: Measure, ns: f64) {
        match self.cells.entry((self.now, measure)).or_insert_with(|| Cell::Times(Times::default())) {
            Cell::Times(times) => times.0.push(ns),
            Cell::Cannot(why) => unreachable!("{why}, and yet it was timed"),
        }
    }

    /// Systems of a payload, in the order in which they were first measured.
    pub fn systems(&self, payload: Payload) -> impl Iterator<Item = &'static str> {
        self.order.iter().filter(move |row| row.0 == payload).map(|row| row.1)
    }

    /// What is known.
    pub fn cell(&self, payload: Payload, system: &'static str, measure: Measure) -> Option<&Cell> {
        self.cells.get(&((payload, system), measure))
    }

    /// Times, if there are such.
    pub fn times(&self, payload: Payload, system: &'static str, measure: Measure) -> Option<&Times> {
        match self.cell(payload, system, measure)? {
            Cell::Times(times) => Some(times),
            Cell::Cannot(_) => None,
        }
    }

    /// The octets of a message.
    pub fn octets(&self, payload: Payload, system: &'static str) -> Option<usize> {
        self.sizes.get(&(payload, system)).copied()
    }

    /// A payload's limits.
    pub fn limits(&self, payload: Payload) -> impl Iterator<Item = (&'static str, &Times)> {
        self.limits.iter().filter(move |(key, _)| key.0 == payload).map(|(key, times)| (key.1, times))
    }

    /// One limit.
    pub fn limit_times(&self, payload: Payload, name: &str) -> Option<&Times> {
        self.limits(payload).find(|limit| limit.0 == name).map(|limit| limit.1)
    }
}
