//! Names: which are allowed, and how Rust's become those of a schema.

use alloc::string::String;
use alloc::vec::Vec;

/// An upper-case letter, then letters and digits: `Layer`.
pub(super) fn is_type_name(name: &str) -> bool {
    is_word(name, |c| c.is_ascii_uppercase(), |c| c.is_ascii_alphanumeric())
}

/// A letter, then letters, digits and `_`: `dModel`, and since draft 14 `d_model`.
pub(super) fn is_field_name(name: &str) -> bool {
    is_word(name, |c| c.is_ascii_alphabetic(), |c| c.is_ascii_alphanumeric() || c == '_')
}

/// An upper-case letter, then upper-case letters, digits and `_`: `ELU_PLUS_ONE`.
pub(super) fn is_constant_name(name: &str) -> bool {
    is_word(name, |c| c.is_ascii_uppercase(), |c| c.is_ascii_uppercase() || c.is_ascii_digit() || c == '_')
}

fn is_word(name: &str, first: fn(char) -> bool, rest: fn(char) -> bool) -> bool {
    let mut letters = name.chars();
    letters.next().is_some_and(first) && letters.all(rest)
}

/// `d_model` as `dModel`.
pub(crate) fn camel(name: &str) -> String {
    let mut out = String::new();
    for word in name.split('_').filter(|word| !word.is_empty()) {
        let mut letters = word.chars();
        if let Some(first) = letters.next() {
            out.push(if out.is_empty() { first.to_ascii_lowercase() } else { first.to_ascii_uppercase() });
            out.push_str(letters.as_str());
        }
    }
    out
}

/// `EluPlusOne` as `ELU_PLUS_ONE`.
pub(crate) fn constant(name: &str) -> String {
    separated(name).to_ascii_uppercase()
}

/// `dModel` as `d_model`.
pub(super) fn snake(name: &str) -> String {
    separated(name).to_ascii_lowercase()
}

/// `_` where a word starts: before an upper-case letter after a lower-case one, and before the last of several upper-case letters
/// if a lower-case one follows.
fn separated(name: &str) -> String {
    let mut out = String::new();
    let letters: Vec<char> = name.chars().collect();
    for (i, &letter) in letters.iter().enumerate() {
        let after_lower = i > 0 && !letters[i - 1].is_ascii_uppercase() && letters[i - 1] != '_';
        let before_lower =
            i > 0 && letters.get(i + 1).is_some_and(|next| next.is_ascii_lowercase()) && letters[i - 1] != '_';
        if letter.is_ascii_uppercase() && (after_lower || before_lower) {
            out.push('_');
        }
        out.push(letter);
    }
    out
}
