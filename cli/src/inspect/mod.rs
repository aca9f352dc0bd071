//! What `inspect` prints.

mod table;

use std::fmt::Write;

use anstyle::{AnsiColor, Style};
use barewire::wire::Header;
use serde_json::{Value, json};

use crate::contents::{Contents, Node, Weights};
use table::{Cell, Table};

const NAME: Style = Style::new().bold();
const VARIANT: Style = AnsiColor::Cyan.on_default();
const FAINT: Style = Style::new().dimmed();
const WARNING: Style = AnsiColor::Yellow.on_default().bold();

/// The first version of the JSON. Keys may be added under the same number, not renamed or removed.
const JSON_FORMAT: u32 = 1;

/// So many like neighbours become one line.
const FOLDED: usize = 3;

pub(crate) fn hex(octets: &[u8]) -> String {
    octets.iter().fold(String::new(), |mut text, octet| {
        // writing to a `String` does not fail
        let _ = write!(text, "{octet:02x}");
        text
    })
}

/// `1 array`, `2 arrays`.
pub(crate) fn counted(n: usize, thing: &str) -> String {
    format!("{n} {thing}{}", if n == 1 { "" } else { "s" })
}

/// `1,234,567`
fn grouped(n: u64) -> String {
    let digits = n.to_string();
    let mut text = String::new();
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

fn percent(part: u64, whole: u64) -> String {
    format!("{:.1} %", part as f64 * 100.0 / whole.max(1) as f64)
}

/// What the octets of a file are for.
struct Totals {
    length: u64,
    weights: Weights,
    /// before the root
    header: u64,
    /// behind the root
    index: u64,
    /// of lists of numbers that are no parameters
    other: u64,
    /// tags, counts, and fields outside of lists
    rest: u64,
}

impl Totals {
    fn of(header: &Header<'_>, contents: &Contents, length: u64) -> Self {
        let weights = contents.tree.weights;
        let others = contents.arrays.iter().filter(|array| array.weights.count == 0);
        let other = others.map(|array| array.extent.end - array.extent.start).sum();
        let root = header.root.end - header.root.start;
        let rest = root.saturating_sub(weights.octets + weights.pads + other);
        Self { length, weights, header: header.root.start, index: length - header.root.end, other, rest }
    }
}

pub(crate) fn text(title: &str, header: &Header<'_>, contents: &Contents, length: u64, all: bool) -> String {
    let mut text = String::new();
    let root = &contents.tree;
    let _ = writeln!(text, "{NAME}{title}{NAME:#}: {VARIANT}{}{VARIANT:#}, {} octets", root.ty, grouped(length));
    let (schema, content) = (hex(&header.schema_hash[..8]), hex(&header.content_hash[..8]));
    let _ = writeln!(
        text,
        "{FAINT}format {}, aligned to {}, schema {schema}.., content {content}..{FAINT:#}",
        header.version, header.align
    );
    if !header.is_sealed() {
        let _ =
            writeln!(text, "{WARNING}changed in place and not sealed: its parts may be of different times{WARNING:#}");
    }
    text.push('\n');

    let mut table = Table::new(&["", "type", "sizes", "parameters", "bits each", "offset", "octets", "share"], 3..8);
    let mut lines = Lines { length, all, folded: false, table: &mut table };
    lines.node(root, 1, &root.name, "", "");
    let folded = lines.folded;
    table.write(&mut text);
    if folded {
        let _ = writeln!(
            text,
            "{FAINT}under a line such as [0] .. [9] stands its first element; --all lists each{FAINT:#}"
        );
    }
    text.push('\n');
    totals(&Totals::of(header, contents, length), contents.components.len(), &mut text);
    text
}

fn totals(totals: &Totals, components: usize, text: &mut String) {
    let Totals { length, weights, .. } = *totals;
    let mut table = Table::new(&[], 1..3);
    let mut line = |name: &str, octets: u64, remark: String| {
        let cells = [name.to_owned(), grouped(octets), percent(octets, length), remark];
        table.row(cells.map(Cell::from).into());
    };
    let each = |octets: u64| format!("{:.2} bits each", octets as f64 * 8.0 / weights.count as f64);
    let remark = match weights.count {
        0 => "none".to_owned(),
        n => format!("{} of them, {}; {} with the whole file", grouped(n), each(weights.octets), each(length)),
    };
    line("parameters", weights.octets, remark);
    line("other lists", totals.other, String::new());
    line("pads", weights.pads, "so that lists start at multiples of their alignment".to_owned());
    line("header", totals.header, "with the schema".to_owned());
    line("index", totals.index, counted(components, "component"));
    line("the rest", totals.rest, "tags, counts, fields outside of lists".to_owned());
    table.write(text);
}

/// Writes the tree.
struct Lines<'a> {
    length: u64,
    all: bool,
    folded: bool,
    table: &'a mut Table,
}

impl Lines<'_> {
    /// A node, which stands for `count` like ones with the name `name`, and what is inside. `lead` is drawn before its name, and
    /// `below` before its children's.
    fn node(&mut self, node: &Node, count: u64, name: &str, lead: &str, below: &str) {
        let (weights, octets) = (node.weights, node.octets());
        let ty = match &node.variant {
            None => node.ty.clone(),
            Some((variant, tag)) => format!("{variant} = {tag}"),
        };
        let ty = if count > 1 { format!("{count} x {ty}") } else { ty };
        let sizes: Vec<String> = node.sizes.iter().map(u64::to_string).collect();
        let number = |n: u64| if n == 0 { String::new() } else { grouped(n) };
        self.table.row(vec![
            Cell::led(lead, name, NAME),
            Cell::styled(ty, if node.variant.is_some() { VARIANT } else { Style::new() }),
            Cell::from(sizes.join(" x ")),
            Cell::from(number(weights.count * count)),
            Cell::from(weights.bits_each().map_or_else(String::new, |bits| format!("{bits:.2}"))),
            Cell::from(grouped(node.extent.start)),
            Cell::from(grouped(octets * count)),
            Cell::styled(percent(octets * count, self.length), FAINT),
        ]);
        let mut rest = &node.children[..];
        while let Some(first) = rest.first() {
            let alike = rest.iter().take_while(|other| other.name.starts_with('[') && other.is_like(first)).count();
            let run = if self.all || alike < FOLDED { 1 } else { alike };
            let (here, after) = rest.split_at(run);
            rest = after;
            let (corner, line) = if rest.is_empty() { ("└─ ", "   ") } else { ("├─ ", "│  ") };
            let (lead, below_it) = (format!("{below}{corner}"), format!("{below}{line}"));
            match here {
                [first, .., last] => {
                    self.folded = true;
                    let name = format!("{} .. {}", first.name, last.name);
                    self.run(here, first, &name, &lead, &below_it);
                }
                _ => self.node(first, 1, &first.name, &lead, &below_it),
            }
        }
    }

    /// Like neighbours, which may differ in their pads.
    fn run(&mut self, nodes: &[Node], first: &Node, name: &str, lead: &str, below: &str) {
        let at = self.table.len();
        self.node(first, nodes.len() as u64, name, lead, below);
        let octets = nodes.iter().map(Node::octets).sum();
        self.table.replace(at, 6, grouped(octets));
        self.table.replace(at, 7, percent(octets, self.length));
    }
}

pub(crate) fn json(header: &Header<'_>, contents: &Contents, length: u64) -> String {
    let share = |octets: u64| octets as f64 / length.max(1) as f64;
    let components: Vec<Value> = contents
        .components
        .iter()
        .zip(header.components())
        .map(|(component, indexed)| {
            let octets = component.extent.end - component.extent.start;
            json!({
                "path": component.path,
                "type": component.ty,
                "variant": component.variant,
                "tag": component.tag,
                "start": component.extent.start,
                "end": component.extent.end,
                "share": share(octets),
                "parameters": component.weights.count,
                "bits_per_parameter": component.weights.bits_each(),
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
                "parameters": array.weights.count,
                "bits_per_parameter": array.weights.bits_each(),
            })
        })
        .collect();
    let totals = Totals::of(header, contents, length);
    let all = json!({
        "format": JSON_FORMAT,
        "version": header.version,
        "align": header.align,
        "length": length,
        "sealed": header.is_sealed(),
        "schema_hash": hex(&header.schema_hash),
        "content_hash": hex(&header.content_hash),
        "schema": header.schema,
        "root": { "type": contents.tree.ty, "start": header.root.start, "end": header.root.end },
        "components": components,
        "arrays": arrays,
        "totals": {
            "parameters": totals.weights.count,
            "bits_per_parameter": totals.weights.bits_each(),
            "octets": {
                "parameters": totals.weights.octets,
                "other_lists": totals.other,
                "pads": totals.weights.pads,
                "header": totals.header,
                "index": totals.index,
                "rest": totals.rest,
            },
        },
    });
    format!("{all:#}\n")
}
