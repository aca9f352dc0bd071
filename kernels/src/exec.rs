use crate::Isa;

/// Where a kernel runs: on which instruction set, and whether it may use other threads.
///
/// Every function ending in `_with` takes `impl Into<Exec>`. An [`Isa`] converts into an `Exec`
/// that stays on the calling thread.
///
/// ```
/// use barewire_kernels::{Exec, Isa};
///
/// let here = Exec::best();
/// assert_eq!(here.isa(), Isa::best());
/// assert_eq!(here.threads(), 1);
/// assert_eq!(Exec::from(Isa::Portable).isa(), Isa::Portable);
/// // The pool says how many threads there are:
/// let pool = rayon::ThreadPoolBuilder::new().num_threads(2).build()?;
/// assert_eq!(pool.install(|| here.parallel().threads()), 2);
/// # Ok::<(), rayon::ThreadPoolBuildError>(())
/// ```
///
/// # The same bits with any number of threads
///
/// Work is cut at places that depend on the shapes alone, and sums over what was cut are taken in a
/// fixed order. A call too small to gain from a second thread stays on the first.
///
/// A parallel call from outside any rayon pool wakes the global one, which costs tens of
/// microseconds; a loop of small calls belongs into one `ThreadPool::install`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Exec {
    isa: Isa,
    parallel: bool,
}

impl Exec {
    /// [`Isa::best`], on the calling thread.
    pub fn best() -> Self {
        Isa::best().into()
    }

    /// The same, with leave to use the threads of the current rayon pool.
    #[must_use]
    pub const fn parallel(self) -> Self {
        Self { parallel: true, ..self }
    }

    /// The instruction set.
    pub const fn isa(self) -> Isa {
        self.isa
    }

    /// How many threads a large call is spread over, when called from here.
    pub fn threads(self) -> usize {
        if self.parallel { rayon::current_num_threads() } else { 1 }
    }

    /// Runs a job, in as many parts as there are threads; no part has fewer than `grain` units,
    /// which should be some 20 microseconds of work.
    pub(crate) fn run<J: Job>(self, job: J, grain: usize) {
        let parts = self.parts(job.units(), grain);
        run_parts(job, parts);
    }

    /// How many parts [`Exec::run`] makes of so many units, at least 1: the [`Shares`] of working memory that a
    /// job needs.
    pub(crate) fn parts(self, units: usize, grain: usize) -> usize {
        #[cfg(test)]
        let grain = testing::grain(grain);
        if self.parallel { self.threads().min(units / grain.max(1)).max(1) } else { 1 }
    }
}

impl From<Isa> for Exec {
    fn from(isa: Isa) -> Self {
        Self { isa, parallel: false }
    }
}

/// Work on independent units, such as rows or blocks of channels, that can be cut between two.
pub(crate) trait Job: Send + Sized {
    /// Number of units.
    fn units(&self) -> usize;

    /// The first `units` units, and the others. What a unit computes must not depend on where the
    /// cuts are.
    fn split_at(self, units: usize) -> (Self, Self);

    /// Does all the units, on this thread.
    fn run(self);
}

/// Contiguous parts of nearly equal numbers of units; two at a time, so that nothing is allocated.
fn run_parts<J: Job>(job: J, parts: usize) {
    if parts < 2 {
        return job.run();
    }
    #[cfg(test)]
    testing::cut();
    let left = parts / 2;
    let units = job.units() * left / parts;
    let (first, second) = job.split_at(units);
    rayon::join(|| run_parts(first, left), || run_parts(second, parts - left));
}

/// Working memory of a job, an equal share for each part that [`Exec::run`] makes of it. A job splits it where it
/// splits itself.
pub(crate) struct Shares<'a, T> {
    memory: &'a mut [T],
    shares: usize,
}

impl<'a, T> Shares<'a, T> {
    /// `memory` in so many shares, at least one, as [`Exec::parts`] says.
    pub(crate) fn new(memory: &'a mut [T], shares: usize) -> Self {
        debug_assert!(memory.len().is_multiple_of(shares), "{} elements in {shares} shares", memory.len());
        Self { memory, shares }
    }

    /// As [`run_parts`] divides the parts.
    pub(crate) fn split(self) -> (Self, Self) {
        let left = self.shares / 2;
        let (first, second) = self.memory.split_at_mut(self.memory.len() / self.shares * left);
        (Self { memory: first, shares: left }, Self { memory: second, shares: self.shares - left })
    }

    /// The share of a job that is split no further.
    pub(crate) fn own(&mut self) -> &mut [T] {
        self.memory
    }
}

/// How tests see to it that small jobs are cut, and that they were.
#[cfg(test)]
pub(crate) mod testing {
    use core::cell::Cell;

    std::thread_local! {
        static FINE: Cell<bool> = const { Cell::new(false) };
        static CUTS: Cell<usize> = const { Cell::new(0) };
    }

    pub(super) fn grain(grain: usize) -> usize {
        if FINE.get() { 1 } else { grain }
    }

    pub(super) fn cut() {
        CUTS.set(CUTS.get() + 1);
    }

    /// Runs `f`, in which this thread cuts jobs as small as one unit; also gives how often it cut one.
    pub(crate) fn finely<R>(f: impl FnOnce() -> R) -> (R, usize) {
        CUTS.set(0);
        FINE.set(true);
        let result = f();
        FINE.set(false);
        (result, CUTS.get())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Fill<'a>(&'a mut [usize], usize);

    impl Job for Fill<'_> {
        fn units(&self) -> usize {
            self.0.len()
        }

        fn split_at(self, units: usize) -> (Self, Self) {
            let (a, b) = self.0.split_at_mut(units);
            (Self(a, self.1), Self(b, self.1 + units))
        }

        fn run(self) {
            for (i, x) in self.0.iter_mut().enumerate() {
                *x = self.1 + i;
            }
        }
    }

    #[test]
    fn every_unit_runs_once() {
        for threads in [1, 2, 3, 5] {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
            for len in [0, 1, 2, 3, 7, 100] {
                for grain in [0, 1, 2, 50] {
                    let mut x = vec![usize::MAX; len];
                    pool.install(|| Exec::best().parallel().run(Fill(&mut x, 0), grain));
                    assert!(x.iter().copied().eq(0..len), "{threads} threads, {len} units, grain {grain}");
                }
            }
        }
    }
}
