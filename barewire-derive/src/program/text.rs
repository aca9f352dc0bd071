//! Expressions as text: as their author would space them.

use proc_macro2::{Delimiter, Spacing, TokenStream, TokenTree};

use crate::ast::{Body, Closure, Elem, LetNames, unraw};

/// An equation, on one line, or with a line for each `let`.
pub(crate) fn equation(closure: &Closure) -> String {
    let inputs: Vec<String> = closure
        .params
        .iter()
        .map(|param| {
            let elem = if param.elem == Elem::Ids { "u32" } else { "" };
            format!("{}: {elem}{}", unraw(&param.ident), axes(&param.axes))
        })
        .collect();
    format!("|{}| {}", inputs.join(", "), body(&closure.body))
}

fn axes(names: &[proc_macro2::Ident]) -> String {
    format!("[{}]", names.iter().map(unraw).collect::<Vec<_>>().join(", "))
}

fn body(body: &Body) -> String {
    let result = tokens(quote::ToTokens::to_token_stream(&body.result));
    if body.lets.is_empty() {
        return result;
    }
    let mut text = "{\n".to_owned();
    for binding in &body.lets {
        let value = tokens(quote::ToTokens::to_token_stream(&binding.value));
        let names = match &binding.names {
            LetNames::One(name, None) => unraw(name),
            LetNames::One(name, Some(written)) => format!("{}: {}", unraw(name), axes(written)),
            LetNames::Many(names) => {
                let left: Vec<String> = names.iter().map(|(name, _)| unraw(name)).collect();
                let right: Vec<String> = names
                    .iter()
                    .map(|(_, written)| written.as_ref().map_or("_".to_owned(), |names| axes(names)))
                    .collect();
                let written = names.iter().any(|(_, written)| written.is_some());
                let right = if written { format!(": ({})", right.join(", ")) } else { String::new() };
                format!("({}){right}", left.join(", "))
            }
        };
        text += &format!("    let {names} = {value};\n");
    }
    text + &format!("    {result}\n}}")
}

/// Tokens with spaces where an author puts them.
pub(crate) fn tokens(stream: TokenStream) -> String {
    let mut text = String::new();
    // whether the next token stands close to the one before
    let mut close = true;
    let mut after_value = false;
    for token in stream {
        match token {
            TokenTree::Group(group) => {
                let inside = tokens(group.stream());
                let (open, end) = match group.delimiter() {
                    Delimiter::Parenthesis => ("(", ")"),
                    Delimiter::Bracket => ("[", "]"),
                    Delimiter::Brace => ("{ ", " }"),
                    Delimiter::None => ("", ""),
                };
                let call = after_value && group.delimiter() == Delimiter::Parenthesis;
                if !close && !call {
                    text.push(' ');
                }
                text += &format!("{open}{inside}{end}");
                (close, after_value) = (false, true);
            }
            TokenTree::Punct(punct) => {
                let c = punct.as_char();
                let glued = matches!(c, ',' | ';' | '.' | ':' | '?');
                if !close && !glued {
                    text.push(' ');
                }
                text.push(c);
                // a sign stands close to its number, and so do the parts of a path or of `==`
                close = c == '.'
                    || c == ':'
                    || punct.spacing() == Spacing::Joint
                    || (!after_value && matches!(c, '-' | '!' | '&'));
                after_value = false;
            }
            other => {
                let word = other.to_string();
                if !close {
                    text.push(' ');
                }
                text += word.strip_prefix("r#").unwrap_or(&word);
                close = false;
                after_value = !matches!(&*word, "if" | "else" | "let");
            }
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spaces_are_an_authors() {
        for text in [
            "lower + (1 - lower) * sigmoid(f_proj(n))",
            "-x * ops::f(x, -1e-6, (a, b))",
            "if a < b { x } else { y }",
            "let c1 = x0 * c0;",
        ] {
            assert_eq!(tokens(text.parse().unwrap()), text);
        }
    }
}
