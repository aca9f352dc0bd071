//! Lines of a conformance run.

use std::fmt::Write;

use anstyle::AnsiColor;

use crate::Answer;

/// What the cases gave.
#[derive(Default)]
pub(super) struct Report {
    text: String,
    passed: usize,
    failed: usize,
    skipped: usize,
}

/// What is furthest from what it should be in a case, as a share of its bound.
#[derive(Clone, Debug)]
pub(super) struct Worst {
    /// The array, or the element of one.
    pub(super) array: String,
    /// Its error.
    pub(super) error: f64,
    /// What is allowed.
    pub(super) bound: f64,
}

impl Worst {
    /// Whether the error is within the bound. A NaN is not within any.
    pub(super) fn holds(&self) -> bool {
        self.error <= self.bound
    }

    /// Whether more of the bound is used than by another one. Nothing is worse than NaN.
    pub(super) fn is_worse(&self, other: &Self) -> bool {
        self.used() > other.used()
    }

    /// The share of the bound that is used.
    fn used(&self) -> f64 {
        match self.error {
            // of no bound, too
            0.0 => 0.0,
            error if error.is_nan() => f64::INFINITY,
            error => error / self.bound,
        }
    }
}

impl Report {
    /// A case that was compared with numbers.
    pub(super) fn compared(&mut self, case: &str, worst: &Worst) {
        let verdict = if worst.holds() { "pass" } else { "FAIL" };
        let Worst { array, error, bound } = worst;
        self.line(verdict, case, &format!("error {error:.1e}, bound {bound:.1e} ({array})"));
    }

    /// A case that was compared with numbers, or could not be.
    pub(super) fn measured(&mut self, case: &str, result: Result<Worst, String>) {
        match result {
            Ok(worst) => self.compared(case, &worst),
            Err(why) => self.judged(case, Err(why)),
        }
    }

    /// A case that either holds or does not.
    pub(super) fn checked(&mut self, case: &str, result: Result<(), String>) {
        self.judged(case, result.map(|()| "exact".to_owned()));
    }

    /// A case that holds, in some way that is worth saying, or does not.
    pub(super) fn judged(&mut self, case: &str, result: Result<String, String>) {
        match result {
            Ok(how) => self.line("pass", case, &how),
            Err(why) => self.line("FAIL", case, &why),
        }
    }

    /// A case that cannot run on this machine.
    pub(super) fn skipped(&mut self, case: &str, why: &str) {
        self.line("SKIP", case, why);
    }

    fn line(&mut self, verdict: &str, case: &str, rest: &str) {
        match verdict {
            "pass" => self.passed += 1,
            "FAIL" => self.failed += 1,
            _ => self.skipped += 1,
        }
        // Writing to a string cannot fail.
        let style = match verdict {
            "pass" => AnsiColor::Green.on_default(),
            "FAIL" => AnsiColor::Red.on_default().bold(),
            _ => AnsiColor::Yellow.on_default(),
        };
        let _ = writeln!(self.text, "{style}{verdict}{style:#} {case}: {rest}");
    }

    /// All lines and the totals; whether nothing failed and something passed.
    pub(super) fn finish(mut self) -> Answer {
        if self.skipped > 0 {
            let _ = writeln!(self.text, "{} skipped", self.skipped);
        }
        let _ = writeln!(self.text, "{} passed, {} failed", self.passed, self.failed);
        Answer { text: self.text, status: u8::from(self.failed > 0 || self.passed == 0) }
    }
}
