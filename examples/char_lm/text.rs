//! The text: where it comes from, its vocabulary, and its split.

use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail, ensure};
use sha2::{Digest, Sha256};

/// The crates whose sources make the default text: each is in `Cargo.lock`, and building this example unpacks it.
const CRATES: [&str; 4] = ["anyhow", "rayon", "serde_core", "serde_json"];

/// SHA-256 of the default text at the versions of the repository's `Cargo.lock`.
const SHA256: &str = "97f6ab414fc0ae9824ccc35f2a8235fa1da2928f72ec30c6ddf4f3f8e30eebd5";

/// A text as ids of its characters.
pub(crate) struct Text {
    /// where it came from
    pub(crate) name: String,
    /// SHA-256 of its UTF-8 bytes, in hexadecimal
    pub(crate) sha256: String,
    /// the distinct characters in ascending order; an id is a place in it
    pub(crate) vocab: Vec<char>,
    /// the characters
    pub(crate) ids: Vec<u32>,
}

impl Text {
    /// The file, or the default text.
    pub(crate) fn load(file: Option<&Path>) -> Result<Self> {
        match file {
            Some(file) => {
                let name = file.display().to_string();
                let bytes = std::fs::read(file).with_context(|| format!("cannot read the text {name}"))?;
                Self::new(name, &bytes)
            }
            None => {
                let bytes = rust_sources().context("cannot collect the default text; give one with --text FILE")?;
                let text = Self::new(format!("Rust sources of {}", CRATES.join(", ")), &bytes)?;
                if !text.is_published_default() {
                    eprintln!(
                        "warning: the crates have other versions than in the repository's Cargo.lock: another text"
                    );
                }
                Ok(text)
            }
        }
    }

    /// A text from bytes.
    pub(crate) fn new(name: String, bytes: &[u8]) -> Result<Self> {
        ensure!(!bytes.is_empty(), "the text {name} is empty");
        let text = std::str::from_utf8(bytes).map_err(|e| {
            let at = e.valid_up_to();
            anyhow::anyhow!("the text {name} is not UTF-8: byte {:#04x} at offset {at}", bytes[at])
        })?;
        let vocab: Vec<char> = text.chars().collect::<BTreeSet<char>>().into_iter().collect();
        ensure!(
            vocab.len() > 1,
            "the text {name} has one distinct character, {:?}: there is nothing to learn",
            vocab[0]
        );
        let id = |c: char| vocab.partition_point(|known| *known < c) as u32;
        let ids = text.chars().map(id).collect();
        Ok(Text { name, sha256: hex(&Sha256::digest(bytes)), vocab, ids })
    }

    /// Whether this is the default text at the locked versions.
    pub(crate) fn is_published_default(&self) -> bool {
        self.sha256 == SHA256
    }

    /// The first 90 % to train on, the rest to validate.
    pub(crate) fn split(&self) -> (&[u32], &[u32]) {
        self.ids.split_at((self.ids.len() as u64 * 9 / 10) as usize)
    }

    /// Refuses a text that is too short for windows of `seq_len` characters.
    pub(crate) fn check(&self, seq_len: usize) -> Result<()> {
        let (train, validation) = self.split();
        // a window and the character after it; of validation, in each half
        let need = [seq_len + 1, 2 * (seq_len + 1)];
        if train.len() < need[0] || validation.len() < need[1] {
            bail!(
                "the text {} is too short: {} characters to train and {} to validate, but windows of --seq-len {seq_len} need {} and {}",
                self.name,
                train.len(),
                validation.len(),
                need[0],
                need[1],
            );
        }
        Ok(())
    }

    /// Ids as text.
    pub(crate) fn decode(&self, ids: &[u32]) -> String {
        ids.iter().filter_map(|id| self.vocab.get(*id as usize)).collect()
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|b| format!("{b:02x}")).collect()
}

/// The `src/**/*.rs` files of [`CRATES`], each crate's by path, one after the other.
fn rust_sources() -> Result<Vec<u8>> {
    let mut text = Vec::new();
    for root in crate_folders()? {
        let mut files = Vec::new();
        collect(&root.join("src"), &mut files)?;
        // by the path's components, so that the order is the same on every system
        files.sort_by(|a, b| a.components().cmp(b.components()));
        for file in files {
            let source = std::fs::read(&file).with_context(|| format!("cannot read {}", file.display()))?;
            text.extend(source);
        }
    }
    Ok(text)
}

fn collect(folder: &Path, files: &mut Vec<PathBuf>) -> Result<()> {
    let entries = std::fs::read_dir(folder).with_context(|| format!("cannot read {}", folder.display()))?;
    for entry in entries {
        let path = entry?.path();
        if path.is_dir() {
            collect(&path, files)?;
        } else if path.extension() == Some(OsStr::new("rs")) {
            files.push(path);
        }
    }
    Ok(())
}

/// Where cargo has unpacked [`CRATES`].
fn crate_folders() -> Result<Vec<PathBuf>> {
    let packages = metadata()?;
    let packages = packages["packages"].as_array().context("`cargo metadata` lists no packages")?;
    let folder = |name: &str| {
        let package = packages.iter().find(|package| package["name"] == name && package["source"].is_string());
        let manifest = package.and_then(|p| p["manifest_path"].as_str());
        let manifest = Path::new(manifest.with_context(|| format!("crate `{name}` is not in Cargo.lock"))?);
        manifest.parent().map(Path::to_path_buf).with_context(|| format!("crate `{name}` has no folder"))
    };
    CRATES.into_iter().map(folder).collect()
}

/// `cargo metadata` at the locked versions, without the network: the build that made this program has unpacked what is
/// asked for here. Packages of other platforms are left out, since such a build does not fetch them. Should cargo want
/// one more all the same, the second try may fetch it.
fn metadata() -> Result<serde_json::Value> {
    let platform = host()?;
    let run = |offline: &[&str]| -> Result<serde_json::Value> {
        let locked =
            ["metadata", "--format-version", "1", "--locked", "--filter-platform", &platform, "--manifest-path"];
        let manifest = Path::new(env!("CARGO_MANIFEST_DIR")).join("Cargo.toml");
        let output =
            cargo().args(locked).arg(manifest).args(offline).output().context("cannot run `cargo metadata`")?;
        let problem = String::from_utf8_lossy(&output.stderr);
        ensure!(output.status.success(), "`cargo metadata` failed: {}", problem.trim());
        serde_json::from_slice(&output.stdout).context("`cargo metadata` did not answer in JSON")
    };
    run(&["--offline"]).or_else(|_| run(&[]))
}

/// The cargo that runs this program, else the one in the path.
fn cargo() -> Command {
    Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()))
}

/// The platform that cargo runs on, such as `x86_64-unknown-linux-gnu`.
fn host() -> Result<String> {
    let output = cargo().arg("-vV").output().context("cannot run `cargo -vV`")?;
    let version = String::from_utf8_lossy(&output.stdout);
    let host = version.lines().find_map(|line| line.strip_prefix("host: "));
    Ok(host.context("`cargo -vV` names no host")?.trim().into())
}

#[cfg(test)]
mod tests {
    use super::Text;

    fn refused(bytes: &[u8]) -> String {
        Text::new("t".into(), bytes).err().map(|e| e.to_string()).unwrap_or_default()
    }

    #[test]
    fn a_text_that_cannot_be_learned_is_refused_with_the_reason() {
        assert_eq!(refused(b""), "the text t is empty");
        assert_eq!(refused(b"aaaa"), "the text t has one distinct character, 'a': there is nothing to learn");
        assert_eq!(refused(b"abc\xff"), "the text t is not UTF-8: byte 0xff at offset 3");
        let short = Text::new("t".into(), "ab".repeat(20).as_bytes()).unwrap();
        assert!(short.check(1).is_ok());
        assert!(short.check(2).unwrap_err().to_string().contains("too short"));
    }

    #[test]
    fn ids_are_places_in_the_sorted_characters() {
        let text = Text::new("t".into(), "bäca".as_bytes()).unwrap();
        assert_eq!(text.vocab, ['a', 'b', 'c', 'ä']);
        assert_eq!(text.ids, [1, 3, 2, 0]);
        assert_eq!(text.decode(&text.ids), "bäca");
        assert_eq!(text.split().0.len(), 3);
    }
}
