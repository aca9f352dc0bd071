//! The tool on files that the library wrote.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use barewire::prelude::*;

#[derive(BareUnion)]
enum Weight {
    #[bare(tag = 0)]
    Dense { weights: Matrix<f32>, bias: Vec<f32> },
    #[bare(tag = 4)]
    Ternary { scale: f32, digits: TernaryMatrix },
    #[bare(tag = 5)]
    Codes(#[bare(align = 256)] QuantizedMatrix),
}

#[derive(BareUnion)]
enum Mode {
    Train,
    RunOnly,
}

#[derive(BareStruct)]
struct Model {
    name: String,
    mode: Mode,
    trained: Option<bool>,
    shape: [u32; 2],
    seen: Vec<u64>,
    layers: Vec<Weight>,
    head: Weight,
}

fn model() -> Model {
    let ternary =
        || Weight::Ternary { scale: 0.5, digits: TernaryMatrix::from_digits(2, 3, &[1, 0, -1, 1, 1, 0]).unwrap() };
    let dense = Weight::Dense { weights: Matrix::from_vec(2, 3, vec![1.0; 6]).unwrap(), bias: vec![0.0; 2] };
    let codes = Weight::Codes(QuantizedMatrix::from_codes(2, 5, 3, 0.1, 4.0, &[0, 1, 2, 3, 4, 5, 6, 7, 0, 1]).unwrap());
    Model {
        name: "tiny".into(),
        mode: Mode::RunOnly,
        trained: Some(true),
        shape: [2, 3],
        seen: vec![1, 2, 3],
        layers: vec![ternary(), dense, codes],
        head: ternary(),
    }
}

/// A folder with the model's file.
fn written() -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("tiny.bare");
    Region::encode(&model()).save(&path).unwrap();
    (folder, path)
}

fn barewire(arguments: &[&str], file: &Path) -> Output {
    let (command, options) = arguments.split_first().unwrap();
    Command::new(env!("CARGO_BIN_EXE_barewire")).arg(command).arg(file).args(options).output().unwrap()
}

fn printed(arguments: &[&str], file: &Path) -> String {
    let output = barewire(arguments, file);
    let error = String::from_utf8(output.stderr).unwrap();
    assert!(output.status.success() && error.is_empty(), "{arguments:?}: {error}");
    String::from_utf8(output.stdout).unwrap()
}

/// The one line on standard error.
fn refused(arguments: &[&str], file: &Path) -> String {
    let output = barewire(arguments, file);
    assert_eq!(output.status.code(), Some(1), "{arguments:?}");
    assert!(output.stdout.is_empty());
    let error = String::from_utf8(output.stderr).unwrap();
    assert_eq!(error.lines().count(), 1, "{error}");
    error
}

/// A golden file; `BLESS=1` writes it.
fn golden(name: &str, found: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden").join(name);
    if std::env::var_os("BLESS").is_some() {
        std::fs::write(&path, found).unwrap();
    }
    let expected = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(found == expected, "{name} differs; BLESS=1 writes it. Found:\n{found}");
}

#[test]
fn inspect_prints_a_tree() {
    let (_folder, path) = written();
    golden("inspect.txt", &printed(&["inspect"], &path));
    golden("inspect-color.txt", &printed(&["inspect", "--color", "always"], &path));
    golden("inspect.json", &printed(&["inspect", "--json"], &path));
}

/// Neighbours of one shape are one line, until each is asked for.
#[test]
fn inspect_folds_what_is_alike() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("hgrn.bare");
    let sizes = barewire_models::hgrn::HgrnConfig::new(20, 32, 4);
    let (model, _) = barewire_models::hgrn::HgrnLm::random(&sizes, 1).unwrap();
    Region::encode(&model).save(&path).unwrap();
    golden("inspect-folded.txt", &printed(&["inspect"], &path));
    let all = printed(&["inspect", "--all"], &path);
    assert!(all.contains("[3]") && !all.contains(" .. "), "{all}");
}

#[derive(BareUnion, Clone)]
#[bare(fixed_size)]
enum Neuron {
    Lif { threshold: f32, fired: bool },
    Silent,
}

#[derive(BareStruct)]
struct Net {
    rows: Slots<Neuron>,
    columns: Columns<Neuron>,
    head: Mode,
}

/// What is in slots and columns is no component, and their pads and gaps are looked at.
#[test]
fn slots_and_columns_are_one_piece() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("net.bare");
    let neurons = [Neuron::Lif { threshold: 1.0, fired: true }, Neuron::Silent, Neuron::Silent];
    let net =
        Net { rows: neurons.iter().cloned().collect(), columns: neurons.into_iter().collect(), head: Mode::Train };
    let region = Region::encode(&net);
    region.save(&path).unwrap();
    golden("inspect-fixed.txt", &printed(&["inspect"], &path));
    assert!(printed(&["verify", "--level", "full"], &path).contains("ok, 1 component"));

    let (bytes, root) = (std::fs::read(&path).unwrap(), region.header().unwrap().root.start as usize);
    let damaged = |at: usize, level: &str| {
        let mut bytes = bytes.clone();
        bytes[at] ^= 1;
        let path = folder.path().join("damaged.bare");
        std::fs::write(&path, bytes).unwrap();
        refused(&["verify", "--level", level], &path)
    };
    // the pad of the slots, and a gap behind a tag
    assert!(damaged(root + 5, "structure").contains("`rows.pad`"));
    assert!(damaged(root + 65, "full").contains("expected a zero, found 0x01"));
}

#[test]
fn inspect_as_json_agrees_with_the_header() {
    let (_folder, path) = written();
    let json: serde_json::Value = serde_json::from_str(&printed(&["inspect", "--json"], &path)).unwrap();
    let region = Region::<Model>::open(&path).unwrap();
    let header = region.header().unwrap();

    assert_eq!(json["schema"], header.schema);
    assert_eq!(json["root"]["type"], "Model");
    let components = json["components"].as_array().unwrap();
    assert_eq!(components.len(), header.components().len());
    for (said, indexed) in components.iter().zip(header.components()) {
        assert_eq!(said["start"], indexed.extent.start);
        assert_eq!(said["end"], indexed.extent.end);
    }
    let column = |key: &str| components.iter().map(|c| c[key].to_string()).collect::<Vec<_>>().join(" ");
    assert_eq!(column("path"), r#""mode" "layers[0]" "layers[1]" "layers[2]" "head""#);
    assert_eq!(column("tag"), "1 4 0 5 4");
    assert_eq!(column("variant"), r#""RUN_ONLY" "WeightTernary" "WeightDense" "WeightCodes" "WeightTernary""#);

    // every array is where the library's view has it
    let index = Index::new();
    let view = region.view(&index).unwrap();
    let place = |at: *const u8| at.addr() - region.bytes().as_ptr().addr();
    let arrays = json["arrays"].as_array().unwrap();
    let array = |path: &str| arrays.iter().find(|array| array["path"] == path).unwrap();
    assert_eq!(array("seen")["start"], place(view.seen.as_ptr().cast()));
    let WeightView::Ternary { digits, .. } = view.head else { panic!("the head is ternary") };
    assert_eq!(array("head.digits")["start"], place(digits.words.as_ptr().cast()));
    assert_eq!(array("head.digits")["sizes"], serde_json::json!([2, 3]));
    let WeightView::Codes(codes) = view.layers[2] else { panic!("layer 2 is quantised") };
    assert_eq!(array("layers[2]")["start"], place(codes.words.as_ptr().cast()));
    assert_eq!(array("layers[2]")["align"], 256);
}

#[test]
fn schema_prints_the_schema() {
    let (_folder, path) = written();
    assert_eq!(printed(&["schema"], &path), barewire::wire::schema_text::<Model>());
}

/// The text of a schema is printed neatly, or refused with every mistake.
#[test]
fn schema_takes_text_too() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("draft.bare");
    std::fs::write(&path, "# a layer\ntype Layer struct{dModel:u32 scale: f32}").unwrap();
    golden("schema-pretty.txt", &printed(&["schema"], &path));
    golden("schema-snake.txt", &printed(&["schema", "--snake"], &path));
    std::fs::write(&path, "type layer u32\ntype Other struct { a: Nothing }").unwrap();
    let output = barewire(&["schema"], &path);
    assert_eq!(output.status.code(), Some(1));
    let error = String::from_utf8(output.stderr).unwrap().replace(path.to_str().unwrap(), "draft.bare");
    golden("schema-mistakes.txt", &error);
}

#[test]
fn compat_says_who_reads_whom() {
    let folder = tempfile::tempdir().unwrap();
    let text = |name: &str, text: &str| {
        let path = folder.path().join(name);
        std::fs::write(&path, text).unwrap();
        path
    };
    let old = text("old.bare", "type A u8 type B str type Layer union { A | B }");
    let new = text("new.bare", "type A u8 type B str type C f32 type Layer union { A | B | C }");
    let longer = text("longer.bare", "type A struct { x: u8 y: u8 } type B str type Layer union { A | B }");
    let compat = |old: &Path, new: &Path| barewire(&["compat", new.to_str().unwrap()], old);
    let mut all = String::new();
    for (old, new, status) in [(&old, &old, 0), (&old, &new, 0), (&new, &old, 1), (&old, &longer, 1)] {
        let output = compat(old, new);
        assert_eq!(output.status.code(), Some(status));
        all += &String::from_utf8(output.stdout).unwrap();
    }
    golden("compat.txt", &all);
    // a file has its schema inside
    let (_folder, file) = written();
    let itself = text("itself.bare", &barewire::wire::schema_text::<Model>());
    assert_eq!(String::from_utf8(compat(&file, &itself).stdout).unwrap(), "full\n");
    assert_eq!(compat(&old, &folder.path().join("missing")).status.code(), Some(2));
}

#[test]
fn explain_shows_programs_and_bytes() {
    let explained = |arguments: &[&str]| {
        let output = Command::new(env!("CARGO_BIN_EXE_barewire")).arg("explain").args(arguments).output().unwrap();
        assert!(output.status.success(), "{output:?}");
        String::from_utf8(output.stdout).unwrap()
    };
    golden("explain-list.txt", &explained(&[]));
    golden("explain-weight.txt", &explained(&["MatmulFreeWeight", "--sizes", "d_in=64,d_out=32,time=3"]));
    golden("explain-block.txt", &explained(&["HgrnBlock", "--sizes", "d_model=32,ffn=64,time=5"]));
    let fails = |what: &str| {
        let output = Command::new(env!("CARGO_BIN_EXE_barewire")).args(["explain", what]).output().unwrap();
        assert_eq!(output.status.code(), Some(1));
        String::from_utf8(output.stderr).unwrap()
    };
    assert!(fails("Nothing").contains("no type `Nothing` and no file of that name; known: MatmulFreeWeight, "));
    assert!(
        fails("MatmulFreeWeight::Nothing").contains("no variant `Nothing` of `MatmulFreeWeight`; known: Ternary, ")
    );

    // the types that a file has
    let folder = tempfile::tempdir().unwrap();
    let schema = folder.path().join("weights.bare");
    let text = barewire::wire::schema_text::<Vec<barewire_models::weight::MatmulFreeWeight>>();
    std::fs::write(&schema, text).unwrap();
    assert_eq!(explained(&[schema.to_str().unwrap()]), explained(&["MatmulFreeWeight"]));
    let (_folder, other) = written();
    assert!(fails(other.to_str().unwrap()).contains("the equations of `Model` are not known here"));
}

/// What is no barewire file is not read to its end: it may have none.
#[test]
#[cfg(unix)]
fn files_without_end_and_full_of_zeros() {
    let endless = Path::new("/dev/zero");
    assert!(refused(&["inspect"], endless).contains("expected the magic"));
    assert!(refused(&["verify"], endless).contains("expected the magic"));
    assert!(refused(&["schema"], endless).contains("neither a barewire file nor the text of a schema"));

    let folder = tempfile::tempdir().unwrap();
    let schema = folder.path().join("schema.bare");
    std::fs::write(&schema, "type A u8\0").unwrap();
    assert!(refused(&["schema"], &schema).contains("neither a barewire file nor the text of a schema"));
    std::fs::write(&schema, "type A u8\n".repeat(1000)).unwrap();
    let output = barewire(&["schema"], &schema);
    let error = String::from_utf8(output.stderr).unwrap();
    assert_eq!((output.status.code(), error.lines().count()), (Some(1), 21));
    assert!(error.ends_with(": and 979 mistakes more\n"), "{error}");
}

#[test]
fn help_and_completions() {
    let run = |arguments: &[&str]| {
        let output = Command::new(env!("CARGO_BIN_EXE_barewire")).args(arguments).output().unwrap();
        assert!(output.status.success());
        String::from_utf8(output.stdout).unwrap()
    };
    let commands = ["inspect", "schema", "verify", "compat", "explain", "conformance", "completions"];
    let help: Vec<String> = commands.iter().map(|command| run(&[command, "--help"])).collect();
    assert!(help.iter().all(|help| help.contains("Example")), "each has an example");
    golden("help.txt", &[vec![run(&["--help"])], help].concat().join("\n"));
    assert!(run(&["completions", "bash"]).contains("inspect"));
}

/// Whoever reads may stop early.
#[test]
fn a_broken_pipe_is_quiet() {
    let (_folder, path) = written();
    let mut child = Command::new(env!("CARGO_BIN_EXE_barewire"))
        .arg("inspect")
        .arg(&path)
        .stdout(std::process::Stdio::piped())
        .stderr(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    drop(child.stdout.take());
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success() && output.stderr.is_empty(), "{output:?}");
}

#[test]
fn verify_accepts_what_the_library_wrote() {
    let (_folder, path) = written();
    let said = ["header", "structure", "full"].map(|level| printed(&["verify", "--level", level], &path));
    assert_eq!(printed(&["verify"], &path), said[1]);
    golden("verify.txt", &said.concat().replace(path.to_str().unwrap(), "tiny.bare"));
}

/// Every octet changed, one at a time: `full` refuses all of them, and no level panics.
#[test]
fn verify_refuses_every_damaged_octet() {
    let (folder, path) = written();
    let bytes = std::fs::read(&path).unwrap();
    let damaged = folder.path().join("damaged.bare");
    // the schema's text would take long and is one hash; every octet of the rest, and some of the text
    let schema = 104..104 + barewire::wire::schema_text::<Model>().len();
    for at in (0..bytes.len()).filter(|at| !schema.contains(at) || at % 97 == 0).step_by(3) {
        let mut bytes = bytes.clone();
        bytes[at] ^= 0x41;
        std::fs::write(&damaged, bytes).unwrap();
        refused(&["verify", "--level", "full"], &damaged);
        assert_ne!(barewire(&["inspect"], &damaged).status.code(), Some(101), "a panic at octet {at}");
    }
}

/// A file that is being changed, or was left so, is shown and not accepted.
#[test]
fn a_file_that_is_not_sealed() {
    let (_folder, path) = written();
    let mut bytes = std::fs::read(&path).unwrap();
    bytes[72..104].fill(0);
    std::fs::write(&path, bytes).unwrap();
    assert!(printed(&["inspect"], &path).contains("changed in place and not sealed"));
    assert!(printed(&["inspect", "--json"], &path).contains("\"sealed\": false"));
    for level in ["header", "structure", "full"] {
        assert!(refused(&["verify", "--level", level], &path).contains("contentHash"));
    }
}

#[test]
fn errors_are_one_line_with_the_place() {
    let (folder, path) = written();
    let bytes = std::fs::read(&path).unwrap();
    let damaged = folder.path().join("damaged.bare");
    let change = |change: &dyn Fn(&mut Vec<u8>)| {
        let mut bytes = bytes.clone();
        change(&mut bytes);
        std::fs::write(&damaged, bytes).unwrap();
        refused(&["verify"], &damaged)
    };
    let header = Region::<Model>::open(&path).unwrap();
    let components: Vec<_> = header.header().unwrap().components().collect();
    let (second, head) = (components[1].extent, components[4].extent);

    let error = change(&|bytes| bytes[second.start as usize] = 9);
    assert!(
        error.contains(&format!("at `layers[0]`, octet {}: expected a tag of the schema, found 9", second.start)),
        "{error}"
    );
    // rows of the head's digits, behind the tag and the scale
    let error = change(&|bytes| bytes[head.start as usize + 5] = 200);
    assert!(error.contains("at `head.WeightTernary.digits`"), "{error}");
    let error = change(&|bytes| bytes.truncate(700));
    assert!(error.contains("expected the length of the file, 700"), "{error}");
    let error = change(&|bytes| bytes.clear());
    assert!(error.contains("magic"), "{error}");
    let error = refused(&["inspect"], &folder.path().join("missing.bare"));
    assert!(error.contains("missing.bare") && error.contains("No such file"), "{error}");
    let error = refused(&["schema"], folder.path());
    assert!(error.contains("directory"), "{error}");
}

#[derive(BareUnion)]
#[bare(fixed_size)]
enum Cell {
    Lif {
        threshold: f32,
        decay: f32,
    },
    #[bare(tag = 3)]
    Silent,
}

#[derive(BareStruct)]
struct Cells {
    columns: Columns<Cell>,
    slots: Slots<Cell>,
    head: Weight,
    empty: Columns<Cell>,
}

/// Many small unions are one piece of data: no component each, and checked all the same.
#[test]
fn slots_and_columns_are_no_components() {
    let neurons = || vec![Cell::Silent, Cell::Lif { threshold: 1.0, decay: 0.5 }];
    let head = Weight::Dense { weights: Matrix::from_vec(1, 1, vec![1.0]).unwrap(), bias: vec![] };
    let (columns, slots) = (Columns::from_vec(neurons()), Slots::from_vec(neurons()));
    let region = Region::encode(&Cells { columns, slots, head, empty: Columns::new() });
    let tags = region.header().unwrap().root.start as usize + 64;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("net.bare");
    region.save(&path).unwrap();
    printed(&["verify", "--level", "full"], &path);
    let json: serde_json::Value = serde_json::from_str(&printed(&["inspect", "--json"], &path)).unwrap();
    let components = json["components"].as_array().unwrap();
    assert_eq!(components.len(), 1, "{json}");
    assert_eq!(components[0]["path"], "head");

    let mut octets = std::fs::read(&path).unwrap();
    assert_eq!(octets[tags..tags + 2], [3, 0]);
    octets[tags + 1] = 2;
    std::fs::write(&path, &octets).unwrap();
    let error = refused(&["verify"], &path);
    assert!(error.contains("columns.tags[1]") && error.contains("found 2"), "{error}");
}
