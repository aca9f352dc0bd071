//! `BAREWIRE_ISA`, read in child processes, since the choice is made once a process.

use std::process::Command;

use barewire_kernels::Isa;

/// Runs [`child`] with `BAREWIRE_ISA` set; gives what it printed and what it complained of.
fn best_with(value: &str) -> (String, String) {
    let exe = std::env::current_exe().expect("a test knows its file");
    // Under an emulator the child needs it too.
    let runner = std::env::var("BAREWIRE_TEST_RUNNER").unwrap_or_default();
    let mut words = runner.split_whitespace().map(std::ffi::OsStr::new).chain([exe.as_os_str()]);
    let output = Command::new(words.next().expect("the file at least"))
        .args(words)
        .args(["--exact", "child", "--ignored", "--nocapture"])
        .env("BAREWIRE_ISA", value)
        .output()
        .expect("the test can be run");
    let stdout = String::from_utf8_lossy(&output.stdout);
    let best = stdout.lines().find_map(|line| line.split_once("best="));
    let best = best.map(|(_, name)| name.to_owned()).unwrap_or_default();
    (best, String::from_utf8_lossy(&output.stderr).into_owned())
}

#[test]
#[ignore = "a child process of the other tests"]
fn child() {
    println!("\nbest={}", Isa::best().name());
}

#[test]
fn the_variable_forces_every_available_path() {
    for isa in Isa::available() {
        let (best, complaint) = best_with(isa.name());
        assert_eq!(best, isa.name());
        assert!(!complaint.contains("barewire:"), "{complaint}");
    }
}

#[test]
fn an_unknown_name_is_reported_and_detection_decides() {
    let (unset, complaint) = best_with("");
    assert_eq!(unset, Isa::available().last().expect("never empty").name());
    assert!(!complaint.contains("barewire:"), "{complaint}");
    let (best, complaint) = best_with("sse9");
    assert_eq!(best, unset);
    let expected = "barewire: BAREWIRE_ISA is `sse9`, which is not a known name; available:";
    assert!(complaint.contains(expected), "{complaint}");
}
