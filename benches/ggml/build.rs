//! Links the ggml of `$GGML_BUILD`, with the headers of `$LLAMA_CPP`.

use std::{env, path::PathBuf};

use anyhow::{Context, Result};

fn main() -> Result<()> {
    let folder = |name: &str| -> Result<PathBuf> {
        println!("cargo::rerun-if-env-changed={name}");
        Ok(env::var_os(name).with_context(|| format!("set {name}: src/main.rs says how ggml is built"))?.into())
    };
    let (source, build) = (folder("LLAMA_CPP")?, folder("GGML_BUILD")?);
    println!("cargo::rerun-if-changed=src");
    cc::Build::new().file("src/ggml.c").include(source.join("ggml/include")).compile("shim");
    cc::Build::new().file("src/i2_s.c").flag("-mavx2").opt_level(3).compile("i2_s");
    println!("cargo::rustc-link-search={}", build.join("ggml/src").display());
    for library in ["ggml", "ggml-cpu", "ggml-base"] {
        println!("cargo::rustc-link-lib=static={library}");
    }
    println!("cargo::rustc-link-lib=stdc++");
    Ok(())
}
