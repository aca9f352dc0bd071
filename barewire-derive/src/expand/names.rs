//! What variants are called in names of modules and functions.

use std::collections::BTreeMap;

use proc_macro2::Ident;
use quote::format_ident;

use crate::ast::{Variant, unraw};

/// `SSMComponent` becomes `ssm_component`; a keyword becomes raw.
pub(crate) fn snake(ident: &Ident) -> Ident {
    module_name(&words(&unraw(ident)), ident)
}

pub(super) fn module_name(word: &str, of: &Ident) -> Ident {
    match word {
        "self" | "super" | "crate" | "_" => format_ident!("{word}_"),
        _ => syn::parse_str::<Ident>(word).unwrap_or_else(|_| Ident::new_raw(word, of.span())),
    }
}

/// The names of variants in snake case; `AB` and `Ab` differ by their tags.
pub(super) fn module_words(variants: &[Variant]) -> Vec<String> {
    let all: Vec<String> = variants.iter().map(|variant| words(&unraw(&variant.ident))).collect();
    let mut counts = BTreeMap::new();
    all.iter().for_each(|word| *counts.entry(word.clone()).or_insert(0) += 1);
    let tagged = |(word, variant): (String, &Variant)| match counts[&word] {
        1 => word,
        _ => format!("{word}_{}", variant.tag),
    };
    all.into_iter().zip(variants).map(tagged).collect()
}

fn words(name: &str) -> String {
    let chars: Vec<char> = name.chars().collect();
    let mut out = String::new();
    for (i, c) in chars.iter().enumerate() {
        let after_lower = i > 0 && (chars[i - 1].is_lowercase() || chars[i - 1].is_ascii_digit());
        let before_lower = i > 0 && chars[i - 1].is_uppercase() && chars.get(i + 1).is_some_and(|n| n.is_lowercase());
        if c.is_uppercase() && (after_lower || before_lower) {
            out.push('_');
        }
        out.extend(c.to_lowercase());
    }
    out
}

#[cfg(test)]
mod tests {
    use super::words;

    #[test]
    fn names_of_modules() {
        for (name, module) in [
            ("SSMComponent", "ssm_component"),
            ("MatmulFreeWeight", "matmul_free_weight"),
            ("Mamba2", "mamba2"),
            ("X", "x"),
        ] {
            assert_eq!(words(name), module);
        }
    }
}
