//! `barewire conformance`: vectors that are right, vectors that are not, and files that are no vectors.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use safetensors::tensor::TensorView;
use safetensors::{Dtype, SafeTensors};

fn barewire(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_barewire")).args(arguments).output().unwrap()
}

fn stdout(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).unwrap()
}

/// The vectors that the core's tests use.
fn ssm() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../barewire-core/tests/fixtures/ssm")
}

fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

/// A copy of a file with one array's bytes or the metadata changed.
fn altered(file: &Path, to: &Path, array: &str, change: impl Fn(&mut Vec<u8>), op: Option<&str>) {
    let data = std::fs::read(file).unwrap();
    let (_, header) = SafeTensors::read_metadata(&data).unwrap();
    let mut metadata = header.metadata().clone().unwrap_or_default();
    if let Some(op) = op {
        metadata.insert("op".to_owned(), op.to_owned());
    }
    let tensors = SafeTensors::deserialize(&data).unwrap();
    let arrays: Vec<(String, Dtype, Vec<usize>, Vec<u8>)> = tensors
        .tensors()
        .into_iter()
        .map(|(name, view)| {
            let mut bytes = view.data().to_vec();
            if name == array {
                change(&mut bytes);
            }
            (name, view.dtype(), view.shape().to_vec(), bytes)
        })
        .collect();
    let views = arrays
        .iter()
        .map(|(name, dtype, shape, bytes)| (name.as_str(), TensorView::new(*dtype, shape.clone(), bytes).unwrap()));
    safetensors::serialize_to_file(views, Some(metadata), to).unwrap();
}

#[test]
fn kernels_agree_with_the_vectors_on_every_instruction_set_and_with_threads() {
    for threads in ["1", "2"] {
        let output = barewire(&["conformance", "ops", text(&ssm()), "--threads", threads]);
        let printed = stdout(&output);
        assert!(output.status.success(), "{printed}");
        let files = std::fs::read_dir(ssm()).unwrap().count();
        let isas = barewire::kernels::Isa::available().count();
        let last = printed.lines().last().unwrap();
        assert_eq!(last, format!("{} passed, 0 failed", files * isas));
        assert_eq!(printed.lines().filter(|line| line.starts_with("pass ")).count(), files * isas);
    }
}

#[test]
fn one_instruction_set_can_be_chosen_and_a_missing_one_is_no_pass() {
    let file = ssm().join("linear_m8_k100_o7.safetensors");
    let output = barewire(&["conformance", "ops", text(&file), "--isa", "portable"]);
    let printed = stdout(&output);
    assert!(printed.starts_with("pass linear_m8_k100_o7 [portable, 1 thread]: error "), "{printed}");
    assert!(printed.ends_with("1 passed, 0 failed\n"), "{printed}");

    let absent = if cfg!(target_arch = "x86_64") { "neon" } else { "avx2" };
    let output = barewire(&["conformance", "ops", text(&file), "--isa", absent]);
    assert!(!output.status.success(), "nothing was tested");
    assert!(stdout(&output).starts_with(&format!("SKIP {absent}: ")));

    let output = barewire(&["conformance", "ops", text(&file), "--isa", "avx1024"]);
    let error = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(
        !output.status.success() && error.contains("--isa avx1024: unknown; known: reference, portable"),
        "{error}"
    );
}

#[test]
fn a_wrong_number_fails_its_case_only() {
    let folder = tempfile::tempdir().unwrap();
    let from = ssm().join("linear_m8_k100_o7.safetensors");
    std::fs::copy(&from, folder.path().join("good.safetensors")).unwrap();
    let change = |bytes: &mut Vec<u8>| bytes[6] ^= 0x10;
    altered(&from, &folder.path().join("bad.safetensors"), "grad.w", change, None);
    let nan = |bytes: &mut Vec<u8>| bytes[..8].copy_from_slice(&f64::NAN.to_le_bytes());
    altered(&from, &folder.path().join("nan.safetensors"), "out.y", nan, None);
    altered(&from, &folder.path().join("unknown.safetensors"), "", |_| {}, Some("tanhshrink"));
    altered(&from, &folder.path().join("other.safetensors"), "", |_| {}, Some("rmsnorm"));

    let output = barewire(&["conformance", "ops", text(folder.path()), "--isa", "portable"]);
    let printed = stdout(&output);
    assert_eq!(output.status.code(), Some(1), "{printed}");
    let lines: Vec<&str> = printed.lines().collect();
    assert!(lines[0].starts_with("FAIL bad [") && lines[0].contains("(grad.w["), "{printed}");
    assert!(lines[1].starts_with("pass good ["), "{printed}");
    assert!(
        lines[2].starts_with("FAIL nan [")
            && lines[2].contains("`out.y` is ")
            && lines[2].ends_with(" at 0, expected NaN"),
        "{printed}"
    );
    assert!(lines[3].starts_with("FAIL other: no `eps` in the metadata"), "{printed}");
    assert!(lines[4].contains("no operation `tanhshrink`; known: causal_conv1d, "), "{printed}");
    assert_eq!(lines[5], "1 passed, 4 failed");
}

#[test]
fn a_file_that_is_no_vector_fails_alone() {
    let folder = tempfile::tempdir().unwrap();
    let output = barewire(&["conformance", "ops", text(folder.path())]);
    let error = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(!output.status.success() && error.contains("no file ends in .safetensors"), "{error}");
    std::fs::copy(ssm().join("linear_m1_k1_o1.safetensors"), folder.path().join("good.safetensors")).unwrap();
    for damaged in [&b""[..], b"\xff\xff\xff\xff\xff\xff\xff\x7f{}", b"\x02\0\0\0\0\0\0\0{]"] {
        std::fs::write(folder.path().join("bad.safetensors"), damaged).unwrap();
        let output = barewire(&["conformance", "ops", text(folder.path()), "--isa", "portable"]);
        let printed = stdout(&output);
        assert_eq!(output.status.code(), Some(1), "{printed}");
        assert!(printed.starts_with("FAIL bad: ") && printed.contains("\npass good ["), "{printed}");
        assert!(printed.ends_with("1 passed, 1 failed\n"), "{printed}");
    }
}

#[test]
fn packings_of_others_are_read_and_written_to_the_byte() {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/packings.safetensors");
    let output = barewire(&["conformance", "packings", text(&file)]);
    assert!(output.status.success() && stdout(&output).ends_with("12 passed, 0 failed\n"), "{output:?}");

    let folder = tempfile::tempdir().unwrap();
    let bad = folder.path().join("bad.safetensors");
    altered(&file, &bad, "tq2_0", |bytes| bytes[0] ^= 1, None);
    let output = barewire(&["conformance", "packings", text(&bad)]);
    let printed = stdout(&output);
    assert_eq!(output.status.code(), Some(1), "{printed}");
    assert!(printed.contains("FAIL tq2_0 to words: ") && printed.contains("FAIL words to tq2_0: byte 0 "), "{printed}");
    assert!(printed.ends_with("10 passed, 2 failed\n"), "{printed}");
}

fn wire() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../barewire-core/tests/fixtures/bare.json")
}

#[test]
fn every_message_and_schema_of_the_vectors() {
    let output = barewire(&["conformance", "wire", text(&wire())]);
    let printed = stdout(&output);
    let file: serde_json::Value = serde_json::from_str(&std::fs::read_to_string(wire()).unwrap()).unwrap();
    let cases = |key: &str| file[key].as_array().unwrap();
    let aligned = cases("valid").iter().filter(|case| case["group"] == "aligned").count();
    let all = cases("valid").len() + cases("invalid").len() + cases("schemas").len() + aligned;
    assert!(output.status.success(), "{printed}");
    assert_eq!(printed.lines().last().unwrap(), format!("{all} passed, 0 failed"));
    assert_eq!(printed.lines().filter(|line| line.starts_with("pass ")).count(), all);
}

/// Every kind of case can fail.
#[test]
fn a_wrong_message_or_schema_fails() {
    let mut file: serde_json::Value = serde_json::from_str(&std::fs::read_to_string(wire()).unwrap()).unwrap();
    let of = |file: &serde_json::Value, key: &str, id: &str| {
        file[key].as_array().unwrap().iter().position(|case| case["id"].as_str().unwrap().starts_with(id)).unwrap()
    };
    let aligned = of(&file, "valid", "aligned-64-5");
    file["valid"][0]["hex"] = "ffff".into();
    file["valid"][1]["value"] = "wrong".into();
    file["valid"][aligned]["value"]["alignLog2"] = 7.into();
    file["invalid"][0]["hex"] = file["valid"][2]["hex"].clone();
    file["invalid"][0]["schema"] = file["valid"][2]["schema"].clone();
    file["invalid"][0]["root"] = file["valid"][2]["root"].clone();
    file["invalid"][1]["reason"] = "utf8".into();
    let flipped = !file["schemas"][0]["valid"].as_bool().unwrap();
    file["schemas"][0]["valid"] = flipped.into();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("bare.json");
    std::fs::write(&path, file.to_string()).unwrap();
    let output = barewire(&["conformance", "wire", text(&path)]);
    let printed = stdout(&output);
    assert_eq!(output.status.code(), Some(1));
    // the aligned case fails twice: as a message, and in place
    assert!(printed.ends_with(" passed, 7 failed\n"), "{printed}");

    for wrong in ["", "{}", "{\"format\": 2}", "{\"format\": 1, \"valid\": []}"] {
        std::fs::write(&path, wrong).unwrap();
        let output = barewire(&["conformance", "wire", text(&path)]);
        assert_eq!(output.status.code(), Some(1));
        assert!(stdout(&output).is_empty() && String::from_utf8_lossy(&output.stderr).contains("bare.json: "));
    }
}

#[test]
fn models_of_others_have_their_numbers() {
    let models = Path::new(env!("CARGO_MANIFEST_DIR")).join("../models/tests/fixtures");
    let output = barewire(&["conformance", "models", text(&models.join("hgrnbit-tiny"))]);
    let printed = stdout(&output);
    assert!(output.status.success(), "{printed}");
    for case in
        ["hgrnbit-tiny logits", "hgrnbit-tiny loss", "hgrnbit-tiny state.1.h", "hgrnbit-tiny grad.lm_head.weight"]
    {
        assert!(printed.contains(&format!("pass {case}: error ")), "{printed}");
    }
    assert!(printed.ends_with("39 passed, 0 failed\n"), "{printed}");

    // one wrong weight shows, and what has no importer is no pass
    let folder = tempfile::tempdir().unwrap();
    let bad = folder.path().join("bad");
    std::fs::create_dir(&bad).unwrap();
    for file in ["config.json", "reference.safetensors"] {
        std::fs::copy(models.join("hgrnbit-tiny").join(file), bad.join(file)).unwrap();
    }
    let change = |bytes: &mut Vec<u8>| bytes[..8].rotate_left(4);
    let from = models.join("hgrnbit-tiny/model.safetensors");
    altered(&from, &bad.join("model.safetensors"), "model.norm.weight", change, None);
    let other = folder.path().join("other");
    std::fs::create_dir(&other).unwrap();
    std::fs::write(other.join("config.json"), r#"{"architectures": ["MambaForCausalLM"]}"#).unwrap();
    let output = barewire(&["conformance", "models", text(folder.path())]);
    let printed = stdout(&output);
    assert_eq!(output.status.code(), Some(1));
    assert!(printed.contains("FAIL bad logits: error "), "{printed}");
    assert!(printed.contains("SKIP other: no importer for `MambaForCausalLM` yet"), "{printed}");
    let output = barewire(&["conformance", "models", text(&other)]);
    assert_eq!(output.status.code(), Some(1), "nothing was tested");
}
