//! The text of a schema in tokens, with comments set aside.

use alloc::vec::Vec;

use super::error::Position;

/// A word, a number or a single other character.
#[derive(Clone, Copy, Debug)]
pub(super) struct Token<'t> {
    pub(super) text: &'t str,
    pub(super) at: Position,
}

/// A comment, without `#` and the space around it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Comment<'t> {
    pub(super) text: &'t str,
    /// the token behind it, by number
    pub(super) before: usize,
    /// whether no token stands before it on its line
    pub(super) own_line: bool,
}

/// The tokens and the comments of a text, in one pass.
pub(super) fn tokens(text: &str) -> (Vec<Token<'_>>, Vec<Comment<'_>>) {
    let (mut tokens, mut comments) = (Vec::new(), Vec::new());
    for (line, full) in (1u32..).zip(text.split('\n')) {
        let (code, comment) = full.split_once('#').map_or((full, None), |(code, comment)| (code, Some(comment)));
        let first = tokens.len();
        // octets and characters read so far
        let (mut at, mut column) = (0, 1u32);
        while let Some(letter) = code[at..].chars().next() {
            let rest = &code[at..];
            let len = match letter {
                ' ' | '\t' | '\r' => 1,
                letter if is_word(letter) => rest.find(|c| !is_word(c)).unwrap_or(rest.len()),
                other => other.len_utf8(),
            };
            if !matches!(letter, ' ' | '\t' | '\r') {
                tokens.push(Token { text: &rest[..len], at: Position { line, column } });
            }
            at += len;
            // words are ASCII; other tokens are one character
            column = column.saturating_add(if is_word(letter) { len as u32 } else { 1 });
        }
        if let Some(text) = comment {
            comments.push(Comment { text: text.trim(), before: tokens.len(), own_line: tokens.len() == first });
        }
    }
    (tokens, comments)
}

fn is_word(letter: char) -> bool {
    letter.is_ascii_alphanumeric() || letter == '_'
}
