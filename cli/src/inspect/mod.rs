//! What `inspect` prints.

use std::fmt::Write;

use barewire::wire::{Extent, Header};
use serde_json::{Value, json};

use crate::contents::Contents;

fn hex(octets: &[u8]) -> String {
    octets.iter().fold(String::new(), |mut text, octet| {
        // writing to a `String` does not fail
        let _ = write!(text, "{octet:02x}");
        text
    })
}

/// The root has no path; its place in a table is not left empty.
fn named(path: &str) -> &str {
    if path.is_empty() { "(root)" } else { path }
}

/// `1 array`, `2 arrays`.
pub(crate) fn counted(n: usize, thing: &str) -> String {
    format!("{n} {thing}{}", if n == 1 { "" } else { "s" })
}

/// Columns as wide as their widest entry; the first `right` of them flush right.
fn table(rows: &[Vec<String>], right: usize, text: &mut String) {
    let columns = rows.first().map_or(0, Vec::len);
    let widths: Vec<usize> =
        (0..columns).map(|c| rows.iter().map(|row| row[c].chars().count()).max().unwrap_or(0)).collect();
    for row in rows {
        let mut line = String::new();
        for (c, (entry, width)) in row.iter().zip(&widths).enumerate() {
            let _ = if c < right { write!(line, "  {entry:>width$}") } else { write!(line, "  {entry:<width$}") };
        }
        text.push_str(line.trim_end());
        text.push('\n');
    }
}

pub(crate) fn text(header: &Header<'_>, contents: &Contents) -> String {
    let Extent { start, end } = header.root;
    let mut text = String::new();
    let _ = writeln!(text, "version   {}", header.version);
    let _ = writeln!(text, "aligned   to {}", header.align);
    let _ = writeln!(text, "schema    {}", hex(&header.schema_hash));
    let _ = writeln!(text, "content   {}", hex(&header.content_hash));
    let _ = writeln!(text, "root      {}, octets {start} to {end}", contents.root);

    let mut rows = vec![["offset", "octets", "component", "variant", "tag", "hash"].map(String::from).to_vec()];
    for (component, indexed) in contents.components.iter().zip(header.components()) {
        let Extent { start, end } = component.extent;
        rows.push(vec![
            start.to_string(),
            (end - start).to_string(),
            named(&component.path).to_owned(),
            component.variant.clone(),
            component.tag.to_string(),
            hex(&indexed.hash[..8]),
        ]);
    }
    let _ = writeln!(text, "\n{}", counted(contents.components.len(), "component"));
    table(&rows, 2, &mut text);

    let mut rows = vec![["offset", "octets", "array", "type", "sizes"].map(String::from).to_vec()];
    for array in &contents.arrays {
        let Extent { start, end } = array.extent;
        let sizes: Vec<_> = array.sizes.iter().map(u64::to_string).collect();
        rows.push(vec![
            start.to_string(),
            (end - start).to_string(),
            named(&array.path).to_owned(),
            array.ty.clone(),
            sizes.join(" x "),
        ]);
    }
    let _ = writeln!(text, "\n{}", counted(contents.arrays.len(), "array"));
    table(&rows, 2, &mut text);
    text
}

pub(crate) fn json(header: &Header<'_>, contents: &Contents) -> String {
    let components: Vec<Value> = contents
        .components
        .iter()
        .zip(header.components())
        .map(|(component, indexed)| {
            json!({
                "path": component.path,
                "type": component.ty,
                "variant": component.variant,
                "tag": component.tag,
                "start": component.extent.start,
                "end": component.extent.end,
                "hash": hex(&indexed.hash),
            })
        })
        .collect();
    let arrays: Vec<Value> = contents
        .arrays
        .iter()
        .map(|array| {
            json!({
                "path": array.path,
                "type": array.ty,
                "sizes": array.sizes,
                "align": array.align,
                "start": array.extent.start,
                "end": array.extent.end,
            })
        })
        .collect();
    let all = json!({
        "version": header.version,
        "align": header.align,
        "schema_hash": hex(&header.schema_hash),
        "content_hash": hex(&header.content_hash),
        "schema": header.schema,
        "root": { "type": contents.root, "start": header.root.start, "end": header.root.end },
        "components": components,
        "arrays": arrays,
    });
    format!("{all:#}\n")
}
