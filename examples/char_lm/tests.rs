//! The whole program on a small text: restart, damaged files, threads.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Parser;

use super::*;

fn settings(folder: &Path, more: &[&str]) -> Settings {
    let file = |name: &str| folder.join(name).display().to_string();
    let text = file("text.txt");
    if !Path::new(&text).exists() {
        let lines: String = (0..200).map(|i| format!("line {i}: {} sheep\n", i * i % 97)).collect();
        std::fs::write(&text, lines).unwrap();
    }
    let (out, report) = (file("model.bare"), file("report.json"));
    let fixed = ["char_lm", "--text", &text, "--out", &out, "--report", &report];
    let small = ["--d-model", "32", "--layers", "2", "--batch", "5", "--seq-len", "16", "--generate", "20"];
    Settings::parse_from(fixed.iter().chain(&small).chain(more))
}

fn run(settings: &Settings) -> Result<ExitCode> {
    super::run(settings, &AtomicBool::new(false))
}

fn report(folder: &Path) -> serde_json::Value {
    serde_json::from_slice(&std::fs::read(folder.join("report.json")).unwrap()).unwrap()
}

fn problem(settings: &Settings) -> String {
    format!("{:#}", run(settings).unwrap_err())
}

#[test]
fn a_run_writes_a_model_that_maps_back_and_a_full_report() {
    let folder = tempfile::tempdir().unwrap();
    assert_eq!(run(&settings(folder.path(), &["--steps", "12"])).unwrap(), ExitCode::SUCCESS);
    let report = report(folder.path());
    let names: Vec<&str> = report.as_object().unwrap().keys().map(String::as_str).collect();
    let mut expected = [
        "params",
        "steps",
        "train_chars",
        "seconds",
        "chars_per_second",
        "val_nats",
        "val_nats_carried",
        "packed_val_nats_carried",
        "ngram5_nats",
        "file_bytes",
        "bits_per_ternary_weight",
        "state_bits_per_ternary_weight",
        "moves_per_digit",
        "val_nats_halves",
        "sample",
    ];
    expected.sort_unstable();
    assert_eq!(names, expected);
    assert_eq!(report["train_chars"], 12 * 5 * 16);
    assert_eq!(report["val_nats_carried"], report["packed_val_nats_carried"]);
    assert_eq!(report["sample"].as_str().unwrap().chars().count(), 20);
    assert_eq!(report["file_bytes"], std::fs::metadata(folder.path().join("model.bare")).unwrap().len());
    assert!(std::fs::read_to_string(folder.path().join("model.svg")).unwrap().contains("</svg>"));
}

#[test]
fn threads_do_not_change_the_bits() {
    let model = |threads: &str, kind: &[&str]| {
        let folder = tempfile::tempdir().unwrap();
        run(&settings(folder.path(), &[&["--steps", "6", "--threads", threads], kind].concat())).unwrap();
        let mut report = report(folder.path());
        for name in ["seconds", "chars_per_second"] {
            report.as_object_mut().unwrap().remove(name);
        }
        (std::fs::read(folder.path().join("model.bare")).unwrap(), report)
    };
    let stochastic = ["--optimizer", "accumulate", "--bits", "4", "--stochastic"];
    let counters = ["--optimizer", "accumulate", "--counters"];
    for kind in [&[][..], &["--float"], &stochastic, &counters] {
        assert_eq!(model("1", kind), model("2", kind));
    }
}

/// Trains a few steps as Ctrl-C would have it, and saves the checkpoint.
fn stopped(folder: &Path, steps: usize) -> PathBuf {
    let settings = settings(folder, &["--steps", "9"]);
    let text = Text::load(settings.text.as_deref()).unwrap();
    let mut trainer = Trainer::new(&text, new_run(&settings).unwrap(), &settings).unwrap();
    (0..steps).for_each(|_| assert!(trainer.step().unwrap().is_finite()));
    let path = settings.beside("checkpoint");
    trainer.stop(&text.sha256, &path).unwrap();
    path
}

#[test]
fn a_resumed_run_ends_with_the_same_bits() {
    let whole = tempfile::tempdir().unwrap();
    run(&settings(whole.path(), &["--steps", "9"])).unwrap();
    let parts = tempfile::tempdir().unwrap();
    let checkpoint = stopped(parts.path(), 4);
    run(&settings(parts.path(), &["--resume", &checkpoint.display().to_string()])).unwrap();
    let model = |folder: &Path| std::fs::read(folder.join("model.bare")).unwrap();
    assert_eq!(model(whole.path()), model(parts.path()));
}

#[test]
fn a_stopped_run_saves_a_checkpoint_and_no_model() {
    let folder = tempfile::tempdir().unwrap();
    let status = super::run(&settings(folder.path(), &["--steps", "9"]), &AtomicBool::new(true)).unwrap();
    assert_eq!(status, ExitCode::from(STOPPED));
    assert!(folder.path().join("model.checkpoint").exists() && !folder.path().join("model.bare").exists());
}

#[test]
fn a_damaged_checkpoint_is_refused_and_nothing_is_written() {
    let folder = tempfile::tempdir().unwrap();
    let path = stopped(folder.path(), 2);
    let bytes = std::fs::read(&path).unwrap();
    let resume = settings(folder.path(), &["--resume", &path.display().to_string()]);
    for cut in [0, 7, 100, bytes.len() / 2, bytes.len() - 1] {
        std::fs::write(&path, &bytes[..cut]).unwrap();
        assert!(problem(&resume).contains("model.checkpoint"), "{}", problem(&resume));
    }
    for at in [0, 30, bytes.len() / 3, bytes.len() / 2, bytes.len() - 1] {
        let mut altered = bytes.clone();
        altered[at] ^= 4;
        std::fs::write(&path, altered).unwrap();
        assert!(problem(&resume).contains("model.checkpoint"), "byte {at}: {}", problem(&resume));
    }
    std::fs::write(&path, &bytes).unwrap();
    std::fs::write(folder.path().join("text.txt"), "another text, ".repeat(40)).unwrap();
    assert!(problem(&resume).contains("another text"));
    assert!(!folder.path().join("model.bare").exists() && !folder.path().join("report.json").exists());
}

#[test]
fn a_damaged_model_file_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    run(&settings(folder.path(), &["--steps", "2"])).unwrap();
    let path = folder.path().join("model.bare");
    let bytes = std::fs::read(&path).unwrap();
    assert!(finish::map(&path).is_ok());
    for at in [0, 20, bytes.len() / 3, bytes.len() / 2, bytes.len() - 1] {
        let mut altered = bytes.clone();
        altered[at] ^= 4;
        std::fs::write(&path, altered).unwrap();
        assert!(finish::map(&path).is_err(), "byte {at}");
    }
    std::fs::write(&path, &bytes[..bytes.len() - 1]).unwrap();
    assert!(finish::map(&path).is_err());
}

#[test]
fn bad_texts_and_outputs_are_refused_with_the_reason() {
    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str, bytes: &[u8]| {
        let path = folder.path().join(name);
        std::fs::write(&path, bytes).unwrap();
        path.display().to_string()
    };
    let with = |text: &str| settings(folder.path(), &["--steps", "2"]).with_text(text);
    let cases = [
        (file("empty", b""), "is empty"),
        (file("one", b"x"), "one distinct character"),
        (file("short", b"ab"), "is too short"),
        (file("latin", b"caf\xe9 and more of it"), "byte 0xe9 at offset 3"),
        (folder.path().join("nowhere").display().to_string(), "cannot read the text"),
    ];
    for (text, reason) in cases {
        let found = problem(&with(&text));
        assert!(found.contains(reason), "{found}");
    }
    let mut settings = settings(folder.path(), &["--steps", "2"]);
    settings.out = folder.path().join("no/such/folder/model.bare");
    assert!(problem(&settings).contains("there is no folder"));
    settings.out = settings.text.clone().unwrap();
    assert!(problem(&settings).contains("named for two things"));
    assert!(!folder.path().join("model.bare").exists());
    for (more, reason) in [
        (&["--gain", "2"][..], "are for --optimizer accumulate"),
        (&["--bits", "6"], "are for --optimizer accumulate"),
        (&["--counters"], "are for --optimizer accumulate"),
        (&["--optimizer", "accumulate", "--float"], "has none"),
    ] {
        assert!(problem(&super::tests::settings(folder.path(), more)).contains(reason));
    }
}

impl Settings {
    fn with_text(mut self, text: &str) -> Self {
        self.text = Some(text.into());
        self
    }
}

#[test]
fn the_default_text_is_the_one_of_the_published_figures() {
    let text = Text::load(None).unwrap();
    assert!(text.is_published_default(), "the versions in Cargo.lock changed: new SHA-256 {}", text.sha256);
    assert!(text.ids.len() > 1_000_000);
}

const ACCUMULATE: [&str; 6] = ["--optimizer", "accumulate", "--steps", "12", "--commit", "1"];

#[test]
fn the_state_of_a_ternary_weight_is_a_byte() {
    let folder = tempfile::tempdir().unwrap();
    let bits = |more: &[&str]| {
        run(&settings(folder.path(), &[&["--steps", "2"], more].concat())).unwrap();
        report(folder.path())["state_bits_per_ternary_weight"].clone()
    };
    let accumulate = |bits_: &str| bits(&["--optimizer", "accumulate", "--bits", bits_]).as_f64().unwrap();
    assert_eq!(accumulate("6"), 8.0);
    // heads of few rows are padded to a tile
    assert!((6.0..6.2).contains(&accumulate("4")), "{}", accumulate("4"));
    assert!((10.0..10.3).contains(&accumulate("8")), "{}", accumulate("8"));
    // a byte, and a float for each row of 32 columns or more
    let counters = bits(&["--optimizer", "accumulate", "--counters"]).as_f64().unwrap();
    assert!((8.0..9.1).contains(&counters), "{counters}");
    assert!(bits(&["--float"]).is_null());
}

/// Not a test of its own: a run in a process that a test kills.
#[test]
fn a_run_in_a_process_of_its_own() {
    if let Ok(arguments) = std::env::var("BAREWIRE_TEST_RUN") {
        let settings = Settings::parse_from(arguments.lines());
        assert_eq!(run(&settings).unwrap(), ExitCode::SUCCESS);
    }
}

/// Starts or goes on with a run in another process.
fn process(folder: &Path, method: &[&str]) -> std::process::Child {
    let state = folder.join("model.training");
    let resume = ["--resume".to_owned(), state.display().to_string()];
    let file = |name: &str| folder.join(name).display().to_string();
    let fixed = ["char_lm".into(), "--text".into(), file("text.txt"), "--out".into(), file("model.bare")];
    let small = ["--d-model", "32", "--layers", "2", "--batch", "5", "--seq-len", "16", "--generate", "0"];
    let more = small.iter().chain(&ACCUMULATE).chain(method).map(|s| s.to_string());
    let resume = resume.into_iter().filter(|_| Files::exist(&state));
    let arguments: Vec<String> = fixed.into_iter().chain(more).chain(resume).collect();
    std::process::Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "tests::a_run_in_a_process_of_its_own"])
        .env("BAREWIRE_TEST_RUN", arguments.join("\n"))
        .stdout(std::process::Stdio::null())
        .spawn()
        .unwrap()
}

#[test]
fn a_run_that_is_killed_again_and_again_ends_with_the_same_bits() {
    killed_again_and_again(&[]);
}

#[test]
fn so_does_one_with_counters() {
    killed_again_and_again(&["--counters"]);
}

fn killed_again_and_again(method: &[&str]) {
    let whole = tempfile::tempdir().unwrap();
    let start = std::time::Instant::now();
    run(&settings(whole.path(), &[&ACCUMULATE, method].concat())).unwrap();
    assert!(!Files::exist(&whole.path().join("model.training")), "the state goes when the run is over");
    let longest = start.elapsed();

    let killed = tempfile::tempdir().unwrap();
    settings(killed.path(), &[]);
    let text = Text::load(Some(&killed.path().join("text.txt"))).unwrap();
    let steps = || Files::open(&killed.path().join("model.training"), &text.sha256).map_or(0, |(_, state)| state.step);
    let mut random = barewire::train::Random::new(std::process::id().into(), 0);
    let (mut patience, mut kills, mut advanced, mut last) = (longest / 8, 0, 0, 0);
    loop {
        let mut child = process(killed.path(), method);
        std::thread::sleep(patience.mul_f32(0.5 + random.unit()));
        // SIGKILL: no destructor runs, nothing is flushed
        child.kill().unwrap();
        if child.wait().unwrap().success() {
            break;
        }
        kills += 1;
        // a process that did not get as far as a step is given more time
        match steps() {
            step if step > last => (advanced, last) = (advanced + 1, step),
            _ => patience = patience.mul_f32(1.3),
        }
        assert!(kills < 100, "the run comes to no end");
    }
    assert!(advanced > 1, "of {kills} processes {advanced} took a step");
    let model = |folder: &Path| std::fs::read(folder.join("model.bare")).unwrap();
    assert!(model(whole.path()) == model(killed.path()), "after {kills} kills");
}

#[test]
fn training_state_that_is_damaged_is_refused_or_its_other_half_serves() {
    let folder = tempfile::tempdir().unwrap();
    let settings_ = settings(folder.path(), &ACCUMULATE);
    let text = Text::load(settings_.text.as_deref()).unwrap();
    let path = settings_.beside("training");
    let mut trainer = Trainer::new(&text, new_run(&settings_).unwrap(), &settings_).unwrap();
    (0..3).for_each(|_| assert!(trainer.step().unwrap().is_finite()));
    drop(trainer);
    let files = Files::paths(&path);
    let octets = files.each_ref().map(|file| std::fs::read(file).unwrap());
    let resume = || Trainer::resume_files(&text, &path, &settings_).map(|trainer| trainer.step);
    assert_eq!(resume().unwrap(), 3);
    // one of the two is whole; it alone is enough, and without it there is nothing
    let restore = || files.iter().zip(&octets).for_each(|(file, octets)| std::fs::write(file, octets).unwrap());
    let mut served = 0;
    for file in &files {
        restore();
        std::fs::remove_file(file).unwrap();
        served += usize::from(resume().is_ok());
        restore();
        let mut altered = std::fs::read(file).unwrap();
        let at = altered.len() / 2;
        altered[at] ^= 4;
        std::fs::write(file, altered).unwrap();
        served += usize::from(resume().is_ok_and(|step| step == 3));
    }
    assert_eq!(served, 2);
}
