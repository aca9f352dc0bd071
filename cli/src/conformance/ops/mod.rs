//! Kernels against inputs, outputs and gradients of single operations.
//!
//! A file has `in.*` and `cot.*` (f32), `out.*` and `grad.*` (f64: of the sum of all outputs times their cotangents), and
//! its metadata name the operation as `op`. The error of an array is its largest difference over its largest
//! magnitude.

mod dense;
mod recurrences;
mod scans;

use std::path::Path;

use barewire::kernels::{Exec, Isa, KernelError, Scratch};

use super::files;
use super::report::{Report, Worst};
use super::tensors::Tensors;
use crate::Failure;

/// Error allowed in outputs and final states, and in gradients.
const BOUNDS: [f64; 2] = [5e-6, 2e-5];

/// Below this size a difference counts as absolute: results under the smallest normal f32.
const TINY: f64 = 1e-37;

/// An array that an operation gave, under the name that it has in the file.
type Found = Vec<(&'static str, Vec<f32>)>;

/// Runs an operation forward and backward.
type Run = fn(&Tensors, Exec, &mut Scratch) -> Result<Found, Failure>;

/// Every operation, by the name in the files.
const OPS: &[(&str, Run)] = &[
    ("causal_conv1d", dense::causal_conv1d),
    ("diag_scan", scans::diag_scan),
    ("gated_linear_recurrence", recurrences::gated_linear_recurrence),
    ("hgrn", recurrences::hgrn),
    ("linear", dense::linear),
    ("rmsnorm", dense::rmsnorm),
    ("selective_scan", scans::selective_scan),
    ("selective_scan_nogate", scans::selective_scan_nogate),
    ("silu", dense::silu),
    ("softplus", dense::softplus),
    ("ssd", scans::ssd),
];

pub(super) fn run(path: &Path, isas: &[String], threads: usize, report: &mut Report) -> Result<(), Failure> {
    let isas = chosen(isas, report)?;
    let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().map_err(|error| error.to_string())?;
    for file in files(path)? {
        let tensors = Tensors::read(&file)?;
        let name = file.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        for &isa in &isas {
            let case = format!("{name} [{}, {threads} thread{}]", isa.name(), if threads == 1 { "" } else { "s" });
            match pool.install(|| compared(&tensors, Exec::from(isa).parallel())) {
                Ok(worst) => report.compared(&case, &worst),
                Err(why) => report.checked(&case, Err(why)),
            }
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

/// Runs a file's operation; gives the array that used most of its bound.
fn compared(tensors: &Tensors, exec: Exec) -> Result<Worst, Failure> {
    let op = tensors.meta("op")?;
    let known = || OPS.iter().map(|(name, _)| *name).collect::<Vec<_>>().join(", ");
    let run =
        OPS.iter().find(|(name, _)| *name == op).ok_or_else(|| format!("no operation `{op}`; known: {}", known()))?.1;
    let found = run(tensors, exec, &mut Scratch::new())?;
    let mut worst: Option<Worst> = None;
    for (prefix, bound) in ["out.", "grad."].into_iter().zip(BOUNDS) {
        // Every array of the file must have been computed, so that nothing passes by being left out.
        for array in tensors.names(prefix) {
            let values =
                &found.iter().find(|(name, _)| *name == array).ok_or_else(|| format!("`{array}` was not computed"))?.1;
            let error = error(values, &tensors.get(array)?.values).map_err(|why| format!("`{array}` {why}"))?;
            let worse = worst
                .as_ref()
                .is_none_or(|w| !w.error.is_nan() && (error.is_nan() || error / bound > w.error / w.bound));
            if worse {
                worst = Some(Worst { array: array.to_owned(), error, bound });
            }
        }
    }
    worst.ok_or_else(|| "no outputs in the file".to_owned())
}

/// Largest difference over largest magnitude.
fn error(found: &[f32], expected: &[f64]) -> Result<f64, String> {
    if found.len() != expected.len() {
        return Err(format!("has {} elements, expected {}", found.len(), expected.len()));
    }
    let largest = expected.iter().fold(0.0f64, |max, v| max.max(v.abs()));
    let mut worst = 0.0f64;
    for (&found, &expected) in found.iter().zip(expected) {
        let difference = (f64::from(found) - expected).abs();
        if difference.is_nan() {
            return Ok(f64::NAN);
        }
        worst = worst.max(if difference <= TINY { 0.0 } else { difference / largest });
    }
    Ok(worst)
}

/// What a kernel refused, as words.
fn refused(error: KernelError) -> Failure {
    error.to_string()
}
