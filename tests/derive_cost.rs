//! What a derive costs the compiler: processor time of `cargo build` and `cargo check` of a crate that holds one enum of 50 variants, or
//! one of 4 with equations, its dependencies built, in the debug profile.
//!
//! `cargo test --test derive_cost -- --ignored --nocapture` takes some minutes, most of them for the dependencies. Read the least of
//! several runs, on a quiet machine. The lines of expansions are counted by a test that always runs, in the derive.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Instant;

/// A crate that is built again and again.
struct Project {
    folder: PathBuf,
}

impl Project {
    fn new(name: &str, features: &str) -> Self {
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
        std::fs::create_dir_all(folder.join("src")).unwrap();
        let root = env!("CARGO_MANIFEST_DIR");
        let manifest = format!(
            "[package]\nname = \"{name}\"\nversion = \"0.0.0\"\nedition = \"2024\"\n[workspace]\n\
             [dependencies]\nbarewire = {{ path = {root:?}, default-features = false, features = [{features}] }}\n"
        );
        std::fs::write(folder.join("Cargo.toml"), manifest).unwrap();
        std::fs::copy(Path::new(root).join("Cargo.lock"), folder.join("Cargo.lock")).unwrap();
        Self { folder }
    }

    fn write(&self, source: &str) {
        std::fs::write(self.folder.join("src/lib.rs"), source).unwrap();
    }

    /// Seconds of processor time that cargo and rustc take for the source.
    fn run(&self, command: &str) -> f64 {
        // a newer file is compiled again
        self.write(&std::fs::read_to_string(self.folder.join("src/lib.rs")).unwrap());
        let before = children();
        let status = Command::new(env!("CARGO"))
            .args([command, "--quiet", "--offline"])
            .current_dir(&self.folder)
            .env("CARGO_TARGET_DIR", self.folder.join("target"))
            .env("CARGO_INCREMENTAL", "0")
            .status()
            .unwrap();
        assert!(status.success());
        children() - before
    }

    /// The least and the median of some runs.
    fn cost(&self, command: &str, source: &str) -> (f64, f64) {
        self.write(source);
        // the dependencies
        self.run(command);
        let mut runs: Vec<f64> = (0..7).map(|_| self.run(command)).collect();
        runs.sort_by(f64::total_cmp);
        (runs[0], runs[runs.len() / 2])
    }
}

/// Processor time of children that have ended, in seconds; without Linux the time of the clock.
fn children() -> f64 {
    static START: std::sync::LazyLock<Instant> = std::sync::LazyLock::new(Instant::now);
    let Ok(stat) = std::fs::read_to_string("/proc/self/stat") else { return START.elapsed().as_secs_f64() };
    // the second field may have spaces in it, and ends with the last parenthesis; ticks are hundredths of a second on all of Linux
    let fields: Vec<&str> = stat[stat.rfind(')').unwrap() + 1..].split_whitespace().collect();
    let ticks = |i: usize| fields[i].parse::<f64>().unwrap();
    (ticks(13) + ticks(14)) / 100.0
}

fn source(derive: &str, attribute: &str, fields: &str, variants: usize) -> String {
    let variants: String = (0..variants).map(|i| format!("    V{i} {{ {fields} }},\n")).collect();
    format!(
        "#![allow(dead_code, unused_imports)]\nuse barewire::prelude::*;\n#[derive({derive})]\n{attribute}\npub enum Big {{\n{variants}}}\n"
    )
}

#[test]
#[ignore = "minutes, and a figure to be read: see above"]
fn fifty_variants() {
    const ARRAYS: &str = "weights: Matrix<f32>, bias: Vec<f32>, scale: f32";
    const NUMBERS: &str = "a: f32, b: f32, c: f32, d: f32, e: f32";
    for (name, features) in [("layout", ""), ("layout-and-gradients", "\"std\"")] {
        let project = Project::new(&format!("derive-cost-{name}"), features);
        println!("{name}: least and median of 7, seconds of processor time");
        for (case, derive, attribute, fields, variants) in [
            ("no derive but Clone", "Clone", "", ARRAYS, 50),
            ("arrays", "BareUnion", "", ARRAYS, 50),
            ("arrays, 100 variants", "BareUnion", "", ARRAYS, 100),
            ("fixed_size", "BareUnion", "#[bare(fixed_size)]", NUMBERS, 50),
        ] {
            let source = source(derive, attribute, fields, variants);
            let (build, check) = (project.cost("build", &source), project.cost("check", &source));
            println!("  {case:24} build {:.2} {:.2}   check {:.2} {:.2}", build.0, build.1, check.0, check.1);
        }
    }
}

/// The four usual forms of a weight.
const WEIGHT: &str = "
pub enum Weight {
    #[bare(forward = |x: [batch, time, d]| scale * ternary_linear(digits, x))]
    Ternary {
        #[bare(dims = [d, d], scaled_by = scale)]
        digits: TernaryMatrix,
        scale: f32,
    },
    #[bare(forward = |x: [batch, time, d]| linear(values, x))]
    Dense {
        #[bare(dims = [d, d])]
        values: Matrix<f32>,
    },
    #[bare(forward = |x: [batch, time, d]| gain * linear(left, linear(right, x)))]
    LowRank {
        #[bare(dims = [d, rank])]
        left: Matrix<f32>,
        #[bare(dims = [rank, d])]
        right: Matrix<f32>,
        gain: f32,
    },
    #[bare(forward = |x: [batch, time, d]| values * x)]
    Diagonal {
        #[bare(dims = [d])]
        values: Vec<f32>,
    },
}
";

#[test]
#[ignore = "minutes, and a figure to be read: see above"]
fn four_variants_with_equations() {
    let project = Project::new("derive-cost-equations", "\"std\"");
    println!("four variants: least and median of 7, seconds of processor time");
    let plain: String =
        WEIGHT.lines().filter(|line| !line.contains("#[bare")).map(|line| format!("{line}\n")).collect();
    let of = |derive: &str, body: &str| {
        format!("#![allow(dead_code, unused_imports)]\nuse barewire::prelude::*;\n#[derive({derive})]{body}")
    };
    let cases = [
        ("no derive but Clone", of("Clone", &plain)),
        ("layout and part", of("BareUnion", &plain)),
        ("with equations", of("BareUnion", WEIGHT)),
    ];
    let costs = cases.map(|(case, source)| {
        let (build, check) = (project.cost("build", &source), project.cost("check", &source));
        println!("  {case:24} build {:.2} {:.2}   check {:.2} {:.2}", build.0, build.1, check.0, check.1);
        (build.0, check.0)
    });
    let ((build, check), (of_build, of_check)) = (costs[2], costs[0]);
    println!("  added                    build {:.2}        check {:.2}", build - of_build, check - of_check);
}
