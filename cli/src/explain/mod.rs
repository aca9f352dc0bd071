//! `barewire explain`: equations, what became of them, and what they keep, of the unions that this tool links.

mod measure;

use std::collections::BTreeMap;
use std::fmt::Write;
use std::path::Path;

use anstyle::{AnsiColor, Style};
use barewire::explain::{Equation, Explained, Kept};
use barewire_models::hgrn::{HgrnBlock, HgrnLayer, HgrnLm, HgrnObjective, Projection};
use barewire_models::weight::MatmulFreeWeight;

use crate::Failure;
use crate::file::File;

/// Sizes of axes by name.
pub(crate) type Sizes = BTreeMap<String, usize>;

const EXAMPLE: &[(&str, usize)] = &[
    ("batch", 1),
    ("time", 64),
    ("d_in", 256),
    ("d_out", 256),
    ("d_model", 256),
    ("ffn", 704),
    ("layers", 2),
    ("vocab", 96),
];

const TITLE: Style = Style::new().bold();
const HEADING: Style = AnsiColor::Cyan.on_default();
const FAINT: Style = Style::new().dimmed();

/// A type that the tool links.
struct Known {
    name: &'static str,
    equations: &'static [(&'static str, u32, Equation)],
    /// bytes that a forward pass of each variant puts aside
    measure: fn(&Sizes) -> Result<Vec<usize>, Failure>,
}

const fn known<T: Explained>(measure: fn(&Sizes) -> Result<Vec<usize>, Failure>) -> Known {
    Known { name: T::NAME, equations: T::EQUATIONS, measure }
}

static TYPES: &[Known] = &[
    known::<MatmulFreeWeight>(measure::matmul_free_weight),
    known::<Projection>(measure::projection),
    known::<HgrnBlock>(measure::hgrn_block),
    known::<HgrnLayer>(measure::hgrn_layer),
    known::<HgrnLm>(measure::hgrn_lm),
    known::<HgrnObjective>(measure::hgrn_objective),
];

/// `d_in=2560,time=16`
pub(crate) fn parse_sizes(text: &str) -> Result<Sizes, String> {
    let mut sizes = Sizes::new();
    for pair in text.split(',').filter(|pair| !pair.trim().is_empty()) {
        let wrong = || format!("expected sizes such as `d_in=2560,time=16`, found `{pair}`");
        let (name, size) = pair.split_once('=').ok_or_else(wrong)?;
        let (name, size) = (name.trim(), size.trim().parse::<usize>().map_err(|_| wrong())?);
        if !EXAMPLE.iter().any(|(known, _)| *known == name) {
            let known: Vec<&str> = EXAMPLE.iter().map(|(known, _)| *known).collect();
            return Err(format!("no axis `{name}`; known: {}", known.join(", ")));
        }
        if !(1..=1 << 20).contains(&size) {
            return Err(format!("expected a size from 1 to {} for `{name}`, found {size}", 1 << 20));
        }
        sizes.insert(name.to_owned(), size);
    }
    Ok(sizes)
}

/// Explains a type, a variant (`HgrnBlock::TokenMixer`), or the types of a file; or lists what there is.
pub(crate) fn run(what: Option<&str>, given: &Sizes) -> Result<String, Failure> {
    let Some(what) = what else { return Ok(list()) };
    let (name, variant) = what.split_once("::").map_or((what, None), |(name, variant)| (name, Some(variant)));
    let chosen: Vec<&Known> = match TYPES.iter().find(|known| known.name == name) {
        Some(known) => vec![known],
        None if Path::new(what).is_file() => in_file(Path::new(what))?,
        None => return Err(format!("no type `{name}` and no file of that name; known: {}", names(TYPES))),
    };
    let mut sizes: Sizes = EXAMPLE.iter().map(|(name, size)| ((*name).to_owned(), *size)).collect();
    sizes.extend(given.clone());
    check_size(&sizes)?;
    let mut text = String::new();
    for known in chosen {
        variants(known, variant, &sizes, &mut text)?;
    }
    if text.is_empty() {
        let known = TYPES.iter().filter(|known| known.name == name).flat_map(|known| known.equations);
        let names: Vec<&str> = known.map(|(said, ..)| *said).collect();
        return Err(format!("no variant `{}` of `{name}`; known: {}", variant.unwrap_or_default(), names.join(", ")));
    }
    Ok(text)
}

fn names<'a>(types: impl IntoIterator<Item = &'a Known>) -> String {
    types.into_iter().map(|known| known.name).collect::<Vec<_>>().join(", ")
}

/// The types of a file, or of the text of a schema, that the tool links.
fn in_file(path: &Path) -> Result<Vec<&'static Known>, Failure> {
    let types = File::read(path)?.types()?;
    let known: Vec<&Known> = TYPES.iter().filter(|known| types.get(known.name).is_some()).collect();
    if known.is_empty() {
        let root = types.root();
        return Err(format!(
            "{}: the equations of `{root}` are not known here, and a file has none inside; known: {}",
            path.display(),
            names(TYPES)
        ));
    }
    Ok(known)
}

/// Explains a type's variants, or one of them.
fn variants(known: &Known, wanted: Option<&str>, sizes: &Sizes, text: &mut String) -> Result<(), Failure> {
    for ((said, tag, equation), bytes) in known.equations.iter().zip((known.measure)(sizes)?) {
        if wanted.is_some_and(|wanted| wanted != *said) {
            continue;
        }
        if !text.is_empty() {
            text.push('\n');
        }
        let title = if *said == known.name { (*said).to_owned() } else { format!("{}::{said}, tag {tag}", known.name) };
        explain(&title, equation, sizes, bytes, text);
    }
    Ok(())
}

/// Parts of these sizes are made and run, so they have an end.
fn check_size(sizes: &Sizes) -> Result<(), Failure> {
    let product =
        |axes: &[&str]| axes.iter().map(|axis| sizes.get(*axis).copied().unwrap_or(1) as u128).product::<u128>();
    let matrices: [&[&str]; 4] =
        [&["d_in", "d_out"], &["layers", "ffn", "d_model"], &["layers", "d_model", "d_model"], &["vocab", "d_model"]];
    let widest = ["d_in", "d_out", "d_model", "ffn", "vocab"].map(|axis| product(&["batch", "time", axis]));
    let most = matrices.into_iter().map(product).chain(widest).max().unwrap_or(0);
    if most > MOST {
        return Err(format!("with these sizes something has {most} elements; at most {MOST} are made to be measured"));
    }
    Ok(())
}

/// Elements of a matrix or an activation.
const MOST: u128 = 1 << 24;

fn list() -> String {
    let mut text = String::new();
    for known in TYPES {
        let names: Vec<&str> =
            known.equations.iter().map(|(said, ..)| *said).filter(|said| *said != known.name).collect();
        let variants = if names.is_empty() { String::new() } else { format!("{FAINT}::{FAINT:#}{}", names.join(", ")) };
        // writing to a `String` does not fail
        let _ = writeln!(text, "{TITLE}{}{TITLE:#}{variants}", known.name);
    }
    text
}

fn explain(title: &str, equation: &Equation, sizes: &Sizes, bytes: usize, text: &mut String) {
    let _ = writeln!(text, "{TITLE}{title}{TITLE:#}");
    heading("equation", text);
    for line in equation.text.lines() {
        let _ = writeln!(text, "  {line}");
    }
    heading("forward program", text);
    for (i, (step, axes)) in equation.forward.iter().enumerate() {
        let axes = format!("[{}]", axes.axis_names().join(", "));
        numbered(i + 1, step, &axes, text);
    }
    heading("backward program; x' is the cotangent of x", text);
    let steps = equation.backward.len();
    for (i, step) in equation.backward.iter().enumerate() {
        numbered(steps - i, step, "", text);
    }
    heading("kept from the forward for the backward pass, as f32", text);
    let kept: Vec<&Kept> = equation.kept.iter().filter(|kept| kept.arrays > 0).collect();
    let width = kept.iter().map(|kept| kept.what.chars().count()).max().unwrap_or(0).max("in all, measured".len());
    for kept in kept {
        let _ = writeln!(text, "  {:<width$}  {}", kept.what, bytes_of(kept, sizes));
    }
    let _ = writeln!(text, "  {:<width$}  {bytes} bytes, with what ops and sub-layers keep", "in all, measured");
    let is_word = |name: &str| equation.text.split(|c: char| !c.is_alphanumeric() && c != '_').any(|word| word == name);
    let has_axis =
        |name: &str| equation.forward.iter().any(|(_, axes)| axes.axis_names().iter().any(|axis| axis == name));
    let sizes = sizes.iter().filter(|(name, _)| is_word(name) || has_axis(name));
    let at: Vec<String> = sizes.map(|(name, size)| format!("{name}={size}")).collect();
    let _ = writeln!(text, "  {FAINT}sizes: {}{FAINT:#}", at.join(", "));
}

/// `4 * batch * time = 768 bytes`
fn bytes_of(kept: &Kept, sizes: &Sizes) -> String {
    if kept.borrowed {
        return "the caller holds it".to_owned();
    }
    let (each, names) = (kept.arrays * size_of::<f32>(), kept.axes.axis_names());
    let formula = std::iter::once(each.to_string()).chain(names.iter().cloned()).collect::<Vec<_>>().join(" * ");
    match names.iter().map(|name| sizes.get(name).copied()).product::<Option<usize>>() {
        Some(elements) => format!("{formula} = {} bytes", elements * each),
        // an axis of a sub-layer, whose size it alone knows
        None => format!("{formula} bytes"),
    }
}

fn heading(heading: &str, text: &mut String) {
    let _ = writeln!(text, "{HEADING}{heading}{HEADING:#}");
}

/// A step, whose lines stand under each other.
fn numbered(number: usize, step: &str, remark: &str, text: &mut String) {
    for (i, line) in step.lines().enumerate() {
        let number = if i == 0 { number.to_string() } else { String::new() };
        let last = i + 1 == step.lines().count();
        let remark = if last && !remark.is_empty() { format!("  {FAINT}{remark}{FAINT:#}") } else { String::new() };
        let _ = writeln!(text, "  {number:>2}  {line}{remark}");
    }
}
