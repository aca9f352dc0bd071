//! Columns as wide as their widest entry. Text is measured before it is coloured.

use std::fmt::Write;
use std::ops::Range;

use anstyle::Style;

/// An entry.
pub(crate) struct Cell {
    /// drawn before the text, faint
    lead: String,
    text: String,
    style: Style,
}

impl Cell {
    pub(crate) fn styled(text: String, style: Style) -> Self {
        Self { lead: String::new(), text, style }
    }

    pub(crate) fn led(lead: &str, text: &str, style: Style) -> Self {
        Self { lead: lead.to_owned(), text: text.to_owned(), style }
    }

    fn width(&self) -> usize {
        self.lead.chars().count() + self.text.chars().count()
    }
}

impl From<String> for Cell {
    fn from(text: String) -> Self {
        Self::styled(text, Style::new())
    }
}

/// Rows of as many cells.
pub(crate) struct Table {
    rows: Vec<Vec<Cell>>,
    /// columns that are flush right
    numbers: Range<usize>,
}

impl Table {
    /// A table with headings, or without.
    pub(crate) fn new(headings: &[&str], numbers: Range<usize>) -> Self {
        let style = Style::new().dimmed();
        let mut rows = Vec::new();
        if !headings.is_empty() {
            rows.push(headings.iter().map(|heading| Cell::styled((*heading).to_owned(), style)).collect());
        }
        Self { rows, numbers }
    }

    pub(crate) fn row(&mut self, cells: Vec<Cell>) {
        self.rows.push(cells);
    }

    pub(crate) fn len(&self) -> usize {
        self.rows.len()
    }

    /// Other text in a cell that is there.
    pub(crate) fn replace(&mut self, row: usize, column: usize, text: String) {
        if let Some(cell) = self.rows.get_mut(row).and_then(|row| row.get_mut(column)) {
            cell.text = text;
        }
    }

    pub(crate) fn write(&self, text: &mut String) {
        let columns = self.rows.iter().map(Vec::len).max().unwrap_or(0);
        let widths: Vec<usize> = (0..columns)
            .map(|c| self.rows.iter().filter_map(|row| row.get(c)).map(Cell::width).max().unwrap_or(0))
            .collect();
        for row in &self.rows {
            let last = row.iter().rposition(|cell| cell.width() > 0).unwrap_or(0);
            for (c, (cell, width)) in row.iter().zip(&widths).enumerate().take(last + 1) {
                let fill = width - cell.width();
                let (before, after) =
                    if self.numbers.contains(&c) { (fill, 0) } else { (0, if c == last { 0 } else { fill }) };
                if c > 0 {
                    text.push_str("  ");
                }
                let (faint, style) = (Style::new().dimmed(), cell.style);
                if !cell.lead.is_empty() {
                    let _ = write!(text, "{faint}{}{faint:#}", cell.lead);
                }
                // writing to a `String` does not fail
                let _ = write!(text, "{:before$}{style}{}{style:#}{:after$}", "", cell.text, "");
            }
            text.push('\n');
        }
    }
}
