//! The learning rate over a run.

/// Linear warm-up, then half a cosine down to a fraction of the peak.
///
/// `lr(s) = peak (s + 1) / warmup` for `s < warmup`, else
/// `peak (floor + (1 - floor) (1 + cos(pi p)) / 2)` with `p = (s - warmup) / (steps - warmup)`, steps counted from 0.
///
/// ```
/// use barewire_core::train::Schedule;
///
/// let schedule = Schedule { peak: 4e-3, warmup: 100, steps: 2000, floor: 0.1 };
/// assert_eq!(schedule.at(0), 4e-5);
/// assert_eq!(schedule.at(100), 4e-3);
/// assert_eq!(schedule.at(2000), 4e-4);
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Schedule {
    /// the largest learning rate
    pub peak: f64,
    /// steps until the peak is reached
    pub warmup: u64,
    /// steps of the whole run, warm-up included
    pub steps: u64,
    /// what is left at the end, as a fraction of the peak
    pub floor: f64,
}

impl Schedule {
    /// The learning rate of step `step`, counted from 0. After the last step it stays at the floor.
    pub fn at(&self, step: u64) -> f32 {
        if step < self.warmup {
            return (self.peak * (step + 1) as f64 / self.warmup as f64) as f32;
        }
        let span = self.steps.saturating_sub(self.warmup).max(1);
        let progress = ((step - self.warmup) as f64 / span as f64).min(1.0);
        let cosine = 0.5 * (1.0 + (core::f64::consts::PI * progress).cos());
        (self.peak * (self.floor + (1.0 - self.floor) * cosine)) as f32
    }
}

#[cfg(test)]
mod tests {
    use super::Schedule;

    #[test]
    fn rises_to_the_peak_and_falls_to_the_floor() {
        let s = Schedule { peak: 1.0, warmup: 10, steps: 110, floor: 0.1 };
        assert_eq!((s.at(0), s.at(9), s.at(10)), (0.1, 1.0, 1.0));
        assert!((s.at(60) - 0.55).abs() < 1e-6, "half way down: {}", s.at(60));
        assert_eq!((s.at(110), s.at(1_000_000)), (0.1, 0.1));
        for step in 10..110 {
            assert!(s.at(step + 1) < s.at(step));
        }
    }

    #[test]
    fn a_run_shorter_than_its_warm_up_has_a_rate() {
        let s = Schedule { peak: 1.0, warmup: 100, steps: 10, floor: 0.1 };
        assert!((s.at(9) - 0.1).abs() < 1e-6);
        assert!(s.at(100).is_finite());
    }
}
