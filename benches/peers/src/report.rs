//! The table, the targets, and the same as JSON.

use serde_json::{Value, json};

use crate::clock::{Cell, Clock, Measure, Payload, Times};
use crate::limits;
use crate::systems::{COLUMNS, FILE, MESSAGE, SERDE_BARE, SLOTS};

/// A target of the project, and what was measured.
pub struct Verdict {
    what: String,
    target: String,
    measured: String,
    met: bool,
}

/// A number of nanoseconds that a person can read.
fn time(ns: f64) -> String {
    match ns {
        _ if ns < 1e3 => format!("{ns:.1} ns"),
        _ if ns < 1e6 => format!("{:.1} us", ns / 1e3),
        _ => format!("{:.2} ms", ns / 1e6),
    }
}

fn both(times: &Times) -> String {
    format!("{} / {}", time(times.least()), time(times.median()))
}

/// Both payloads in Markdown: minimum and median of the rounds.
pub fn tables(clock: &Clock) -> String {
    let mut text = String::new();
    for payload in [Payload::Model, Payload::Small] {
        text += &format!("\n## {}\n\n| limit | minimum / median |\n| --- | ---: |\n", payload.name());
        for (name, times) in clock.limits(payload) {
            text += &format!("| {name} | {} |\n", both(times));
        }
        text += "\n| system | octets |";
        let measures: Vec<Measure> =
            Measure::ALL.into_iter().filter(|m| payload == Payload::Small || *m != Measure::Lanes).collect();
        measures.iter().for_each(|measure| text += &format!(" {} |", measure.name()));
        text += &format!("\n| --- | ---: |{}\n", " ---: |".repeat(measures.len()));
        let mut why = Vec::new();
        for system in clock.systems(payload) {
            text += &format!("| {system} | {} |", clock.octets(payload, system).unwrap_or(0));
            for &measure in &measures {
                let cell = match clock.cell(payload, system, measure) {
                    Some(Cell::Times(times)) => both(times),
                    Some(Cell::Cannot(reason)) => {
                        let number = why.iter().position(|one| one == reason).unwrap_or_else(|| {
                            why.push(*reason);
                            why.len() - 1
                        });
                        format!("- ({})", number + 1)
                    }
                    None => unreachable!("every system says something about every measure"),
                };
                text += &format!(" {cell} |");
            }
            text += "\n";
        }
        let notes: Vec<String> = why.iter().enumerate().map(|(i, reason)| format!("({}) {reason}", i + 1)).collect();
        text += &format!("\n{}\n", notes.join("; "));
    }
    text
}

impl Verdict {
    /// Says what the least would have given: a target that the limit itself misses is none of ours.
    fn beside(mut self, limit: &str, value: String) -> Self {
        self.measured += &format!("; {limit}: {value}");
        self
    }
}

/// Figures of one statistic, the minimum or the median, for systems that are judged against each other.
struct Judge<'a>(&'a Clock, fn(&Times) -> f64);

impl Judge<'_> {
    fn of(&self, payload: Payload, system: &'static str, measure: Measure) -> f64 {
        self.0.times(payload, system, measure).map_or(f64::NAN, self.1)
    }

    fn limit(&self, payload: Payload, name: &str) -> f64 {
        self.0.limit_times(payload, name).map_or(f64::NAN, self.1)
    }

    /// The quickest of the peers that keep a union's fields together; safetensors' columns are no rows.
    fn best_row_peer(&self, measure: Measure) -> (&'static str, f64) {
        let rows =
            self.0.systems(Payload::Small).filter(|name| !name.starts_with("barewire") && *name != "safetensors");
        rows.filter_map(|name| Some((name, (self.1)(self.0.times(Payload::Small, name, measure)?))))
            .min_by(|a, b| a.1.total_cmp(&b.1))
            .unwrap_or(("nobody", f64::NAN))
    }

    fn at_most(&self, what: &str, limit: &str, target: f64, ours: f64, theirs: f64) -> Verdict {
        let ratio = ours / theirs;
        Verdict {
            what: what.to_owned(),
            target: format!("at most {target} x {limit}"),
            measured: format!("{} and {}: {ratio:.2} x", time(ours), time(theirs)),
            met: ratio <= target,
        }
    }

    fn ahead(&self, what: &str, peer: &str, target: f64, ours: f64, theirs: f64) -> Verdict {
        let ratio = theirs / ours;
        Verdict {
            what: what.to_owned(),
            target: format!("{target} x ahead of {peer}"),
            measured: format!("{} and {}: {ratio:.1} x", time(ours), time(theirs)),
            met: ratio >= target,
        }
    }

    fn below(&self, what: &str, target: f64, ours: f64) -> Verdict {
        Verdict {
            what: what.to_owned(),
            target: format!("at most {}", time(target)),
            measured: time(ours),
            met: ours <= target,
        }
    }
}

/// Every target, by minima or by medians.
pub fn verdicts(clock: &Clock, statistic: fn(&Times) -> f64) -> Vec<Verdict> {
    use Measure::{Bytes, Change, Encode, Lanes, Open, Sum, View};
    use Payload::{Model, Small};
    let j = Judge(clock, statistic);
    let columns = |measure| j.of(Small, COLUMNS, measure);
    let slots = |measure| j.of(Small, SLOTS, measure);
    let message = |measure| j.of(Model, MESSAGE, measure);
    let file = |measure| j.of(Model, FILE, measure);
    let bare = |payload, measure| j.of(payload, SERDE_BARE, measure);
    let (row_open, row_sum, row_lanes) = (j.best_row_peer(Open), j.best_row_peer(Sum), j.best_row_peer(Lanes));
    let (tags, slot_tags) = (j.limit(Small, limits::TAG_COLUMN), j.limit(Small, limits::TAG_SLOTS));
    let sum = j.limit(Small, limits::SUM_COLUMN);
    let copy = j.limit(Model, limits::COPY_MODEL);
    let (copy_slots, copy_columns) = (j.limit(Small, limits::COPY_SLOTS), j.limit(Small, limits::COPY_COLUMNS));
    let times = |theirs: f64, copy: f64| format!("{:.1} x", theirs / copy);
    vec![
        j.at_most("open a million, columns", "a scan of the tag column", 1.5, columns(Open), tags),
        j.ahead("open a million, columns", row_open.0, 20.0, columns(Open), row_open.1),
        j.at_most("open a million, slots", "a scan of the slots' tags", 1.2, slots(Open), slot_tags),
        j.at_most("sum a field, columns", "a plain sum in lanes", 1.5, columns(Lanes), sum),
        j.ahead("sum a field, columns", &format!("{}, a loop", row_sum.0), 10.0, columns(Lanes), row_sum.1),
        j.ahead("sum a field, columns", &format!("{}, in lanes", row_lanes.0), 10.0, columns(Lanes), row_lanes.1),
        j.below("open and check the model, file", 2000.0, file(Open))
            .beside("of it, the schema's hash", time(j.limit(Model, limits::SCHEMA))),
        j.below("open and check the model, message", 2000.0, message(Open)),
        j.below("reach a component from its view", 3.0, file(View))
            .beside("a `Vec` in memory", time(j.limit(Model, limits::VALUE))),
        j.below("reach a component from its bytes", 30.0, file(Bytes)),
        j.at_most("encode the model, message", "a copy", 1.1, message(Encode), copy),
        j.at_most("encode a million, slots", "a copy", 2.0, slots(Encode), copy_slots),
        j.at_most("encode a million, columns", "a copy", 2.0, columns(Encode), copy_columns),
        j.below("change a neuron, slots", 2.5, slots(Change)),
        j.below("change a neuron, columns", 2.5, columns(Change)),
        j.ahead("open the model, file", SERDE_BARE, 1e4, file(Open), bare(Model, Open)),
        j.ahead("encode the model, message", SERDE_BARE, 4.0, message(Encode), bare(Model, Encode))
            .beside("a copy", times(bare(Model, Encode), copy)),
        j.ahead("encode a million, slots", SERDE_BARE, 4.0, slots(Encode), bare(Small, Encode))
            .beside("a copy", times(bare(Small, Encode), copy_slots)),
        j.ahead("encode a million, columns", SERDE_BARE, 4.0, columns(Encode), bare(Small, Encode))
            .beside("a copy", times(bare(Small, Encode), copy_columns)),
    ]
}

/// The targets in Markdown. Minima decide: a neighbour only ever adds to them.
pub fn targets(minima: &[Verdict], medians: &[Verdict]) -> String {
    let mut text = String::from("\n## targets\n\n| what | target | by minima | | by medians | |\n");
    text += "| --- | --- | --- | --- | --- | --- |\n";
    let met = |verdict: &Verdict| if verdict.met { "met" } else { "**short**" };
    for (least, median) in minima.iter().zip(medians) {
        let (measured, also) = (&least.measured, &median.measured);
        text += &format!(
            "| {} | {} | {measured} | {} | {also} | {} |\n",
            least.what,
            least.target,
            met(least),
            met(median)
        );
    }
    text
}

/// Everything as data, in nanoseconds.
pub fn json(clock: &Clock, minima: &[Verdict], rounds: u32) -> Value {
    let of = |times: &Times| json!({ "least_ns": times.least(), "median_ns": times.median() });
    let (mut lines, mut limits) = (Vec::new(), Vec::new());
    for payload in [Payload::Model, Payload::Small] {
        for (name, times) in clock.limits(payload) {
            limits.push(json!({ "payload": payload.name(), "limit": name, "times": of(times) }));
        }
        for system in clock.systems(payload) {
            for measure in Measure::ALL {
                let Some(cell) = clock.cell(payload, system, measure) else { continue };
                let (payload, measure) = (payload.name(), measure.name());
                lines.push(match cell {
                    Cell::Times(times) => {
                        json!({ "payload": payload, "system": system, "measure": measure, "times": of(times) })
                    }
                    Cell::Cannot(why) => {
                        json!({ "payload": payload, "system": system, "measure": measure, "cannot": why })
                    }
                });
            }
        }
    }
    let targets: Vec<Value> = minima
        .iter()
        .map(|v| json!({ "what": v.what, "target": v.target, "measured": v.measured, "met": v.met }))
        .collect();
    json!({ "rounds": rounds, "limits": limits, "lines": lines, "targets": targets })
}
