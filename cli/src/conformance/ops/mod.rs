//! Kernels against inputs, outputs and gradients of single operations.
//!
//! A file has `in.*` and `cot.*` (f32), `out.*` and `grad.*` (f64: of the sum of all outputs times their cotangents), and
//! its metadata name the operation as `op`. Each element has a bound of its own, which follows from the roundings that the
//! kernel's documentation counts; beside it holds what the vectors allow, of the largest magnitude in an array. The line of a
//! case is about the element that used most of its bound.

mod bounds;
mod compare;
mod dense;
mod recurrences;
mod rounded;
mod scans;

use std::path::Path;

use barewire::kernels::{Exec, Isa, KernelError, Scratch};

use super::files;
use super::report::{Report, Worst};
use super::tensors::Tensors;
use crate::Failure;
use bounds::Bounds;
use compare::{Special, compared};

/// What the vectors' page allows an f32 kernel, of the largest magnitude in an array: for outputs and for gradients.
///
/// Where a state is remembered for hundreds of steps, the roundings that a bound has to count could add up to more than they
/// ever do.
const ALLOWED: [(&str, f64); 2] = [("out.", 5e-6), ("grad.", 2e-5)];

/// An array that an operation gave, under the name that it has in the file.
type Found = Vec<(&'static str, Vec<f32>)>;

/// An operation.
struct Op {
    /// in the metadata of a file
    name: &'static str,
    /// forward and backward
    run: fn(&Tensors, Exec, &mut Scratch) -> Result<Found, Failure>,
    /// of what comes out
    bounds: fn(&Tensors) -> Result<Bounds, Failure>,
    special: Special,
}

const fn op(
    name: &'static str,
    run: fn(&Tensors, Exec, &mut Scratch) -> Result<Found, Failure>,
    bounds: fn(&Tensors) -> Result<Bounds, Failure>,
) -> Op {
    Op { name, run, bounds, special: Special::Spreads }
}

const OPS: &[Op] = &[
    op("causal_conv1d", dense::causal_conv1d, bounds::causal_conv1d),
    op("diag_scan", scans::diag_scan, bounds::diag_scan),
    op("gated_linear_recurrence", recurrences::gated_linear_recurrence, bounds::gated_linear_recurrence),
    op("hgrn", recurrences::hgrn, bounds::hgrn),
    op("linear", dense::linear, bounds::linear),
    op("rmsnorm", dense::rmsnorm, bounds::rmsnorm),
    op("selective_scan", scans::selective_scan, bounds::selective_scan),
    op("selective_scan_nogate", scans::selective_scan_nogate, bounds::selective_scan_nogate),
    Op { special: Special::Exact, ..op("silu", dense::silu, bounds::silu) },
    Op { special: Special::Exact, ..op("softplus", dense::softplus, bounds::softplus) },
    op("ssd", scans::ssd, bounds::ssd),
];

pub(super) fn run(path: &Path, isas: &[String], threads: usize, report: &mut Report) -> Result<(), Failure> {
    let isas = chosen(isas, report)?;
    let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().map_err(|error| error.to_string())?;
    for file in files(path)? {
        let name = file.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        let read = Tensors::read(&file).and_then(|tensors| {
            let op = known(&tensors)?;
            let bounds = (op.bounds)(&tensors)?;
            Ok((tensors, op, bounds))
        });
        let (tensors, op, bounds) = match read {
            Ok(read) => read,
            Err(why) => {
                report.checked(&name, Err(why));
                continue;
            }
        };
        for &isa in &isas {
            let case = format!("{name} [{}, {threads} thread{}]", isa.name(), if threads == 1 { "" } else { "s" });
            let found = pool.install(|| (op.run)(&tensors, Exec::from(isa).parallel(), &mut Scratch::new()));
            report.measured(&case, found.and_then(|found| worst(&tensors, &found, &bounds, op.special)));
        }
    }
    Ok(())
}

/// The instruction sets to run: those named, or all of this CPU. One that the CPU lacks is skipped and said so.
fn chosen(names: &[String], report: &mut Report) -> Result<Vec<Isa>, Failure> {
    if names.is_empty() {
        let available: Vec<Isa> = Isa::available().collect();
        for name in Isa::NAMES {
            if !available.iter().any(|isa| isa.name() == name) {
                report.skipped(name, "this CPU does not have it");
            }
        }
        return Ok(available);
    }
    let mut isas = Vec::new();
    for name in names {
        match Isa::from_name(name) {
            Ok(isa) => isas.push(isa),
            Err(_) if Isa::NAMES.contains(&name.as_str()) => report.skipped(name, "this CPU does not have it"),
            Err(_) => return Err(format!("--isa {name}: unknown; known: {}", Isa::NAMES.join(", "))),
        }
    }
    Ok(isas)
}

/// The operation of a file.
fn known(tensors: &Tensors) -> Result<&'static Op, Failure> {
    let name = tensors.meta("op")?;
    OPS.iter().find(|op| op.name == name).ok_or_else(|| {
        let known: Vec<&str> = OPS.iter().map(|op| op.name).collect();
        format!("no operation `{name}`; known: {}", known.join(", "))
    })
}

/// The arrays that a file expects, with what it allows.
fn arrays(tensors: &Tensors) -> impl Iterator<Item = (&str, f64)> {
    ALLOWED.into_iter().flat_map(|(prefix, allowed)| tensors.names(prefix).into_iter().map(move |name| (name, allowed)))
}

/// The element that used most of its bound.
fn worst(tensors: &Tensors, found: &Found, bounds: &Bounds, special: Special) -> Result<Worst, Failure> {
    let mut worst: Option<Worst> = None;
    for (array, allowed) in arrays(tensors) {
        // Every array of the file must have been computed, so that nothing passes by being left out.
        let missing = || format!("`{array}` was not computed");
        let (_, found) = found.iter().find(|(name, _)| *name == array).ok_or_else(missing)?;
        let (_, bounds) = bounds.iter().find(|(name, _)| *name == array).ok_or_else(missing)?;
        let expected = &tensors.get(array)?.values;
        let this =
            compared(array, found, expected, bounds, allowed, special).map_err(|why| format!("`{array}` {why}"))?;
        if worst.as_ref().is_none_or(|worst| this.is_worse(worst)) {
            worst = Some(this);
        }
    }
    worst.ok_or_else(|| "no outputs in the file".to_owned())
}

/// What a kernel refused, as words.
fn refused(error: KernelError) -> Failure {
    error.to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The vectors that the core's tests use.
    fn vectors() -> Vec<(String, Tensors)> {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../barewire-core/tests/fixtures/ssm");
        let files = files(&folder).unwrap().into_iter();
        files.map(|file| (file.display().to_string(), Tensors::read(&file).unwrap())).collect()
    }

    /// The largest number of each array, off by 1e-4 of itself, is found.
    #[test]
    fn a_wrong_digit_in_any_array_is_found() {
        for (file, tensors) in vectors() {
            let op = known(&tensors).unwrap();
            let found = (op.run)(&tensors, Isa::best().into(), &mut Scratch::new()).unwrap();
            let bounds = (op.bounds)(&tensors).unwrap();
            for (array, _) in arrays(&tensors) {
                let at = found.iter().position(|(name, _)| *name == array).unwrap();
                let mut wrong = found.clone();
                let largest = wrong[at].1.iter_mut().max_by(|a, b| a.abs().total_cmp(&b.abs())).unwrap();
                *largest *= 1.0001;
                let worst = worst(&tensors, &wrong, &bounds, op.special).unwrap();
                assert!(!worst.holds() && worst.array.starts_with(array), "{file}: {array}: {worst:?}");
            }
        }
    }

    /// A bound a thousand times as wide as any error is a mistake in counting.
    #[test]
    fn bounds_are_used() {
        for (file, tensors) in vectors() {
            let op = known(&tensors).unwrap();
            let found = (op.run)(&tensors, Isa::Portable.into(), &mut Scratch::new()).unwrap();
            let Worst { array, error, bound } =
                worst(&tensors, &found, &(op.bounds)(&tensors).unwrap(), op.special).unwrap();
            assert!(error <= bound && error > bound / 50.0, "{file}: {array} is off by {error:e} of {bound:e}");
        }
    }
}
