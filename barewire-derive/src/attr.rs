//! `#[bare(..)]`, read and nothing more: which keys stand where, and what their values say.
//!
//! A key that did not parse is reported once and then skipped, so that the keys after it are read too.

use proc_macro2::{Ident, Span, TokenStream, TokenTree};
use syn::ext::IdentExt;
use syn::parse::{ParseStream, Parser};
use syn::punctuated::Punctuated;
use syn::spanned::Spanned;
use syn::{Token, bracketed, parenthesized, token};

use crate::ast::{Checkpoint, Equation, Keeps, Role};
use crate::equation;
pub(crate) use crate::errors::Errors;

/// Where an attribute stands.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Place {
    Struct,
    Enum,
    Variant,
    Field,
    Function,
    Parameter,
}

impl Place {
    fn words(self) -> &'static str {
        match self {
            Self::Struct => "a struct",
            Self::Enum => "an enum",
            Self::Variant => "a variant",
            Self::Field => "a field",
            Self::Function => "a function",
            Self::Parameter => "a function's parameter",
        }
    }

    /// The attribute that has the keys of this place.
    fn attribute(self) -> &'static str {
        match self {
            Self::Function => "#[differentiable(...)]",
            _ => "#[bare(...)]",
        }
    }

    fn keys(self) -> &'static [&'static str] {
        match self {
            Self::Struct => {
                &["crate", "rename", "fixed_size", "portable", "specialise", "forward", "recompute", "save"]
            }
            Self::Enum => &["crate", "rename", "retired", "fixed_size", "portable", "specialise"],
            Self::Variant => &["tag", "rename", "forward", "recompute", "save", "unknown"],
            Self::Field => {
                &["dims", "axes", "active", "signal", "fixed", "gradient", "align", "rename", "scaled_by", "checkpoint"]
            }
            Self::Function => &["crate", "portable", "recompute", "save"],
            Self::Parameter => &["dims"],
        }
    }

    /// Where a key may belong instead, the likelier place first.
    const ALL: [Self; 6] = [Self::Enum, Self::Struct, Self::Variant, Self::Field, Self::Function, Self::Parameter];
}

/// Every key that may stand somewhere, with its value where it is given here.
#[derive(Default)]
pub(crate) struct Attrs {
    pub(crate) crate_path: Option<syn::Path>,
    pub(crate) rename: Option<(String, Span)>,
    pub(crate) retired: Vec<(u32, Span)>,
    pub(crate) fixed_size: Option<Ident>,
    pub(crate) portable: Option<Ident>,
    pub(crate) specialise: Option<Ident>,
    pub(crate) tag: Option<(u32, Span)>,
    pub(crate) unknown: Option<Ident>,
    pub(crate) forward: Option<Equation>,
    pub(crate) keeps: Keeps,
    pub(crate) dims: Option<(Vec<Ident>, Span)>,
    pub(crate) axes: Vec<(Ident, Ident)>,
    pub(crate) roles: Vec<(Role, Ident)>,
    pub(crate) gradient: Option<Ident>,
    pub(crate) align: Option<(u32, Span)>,
    pub(crate) scaled_by: Option<Ident>,
    pub(crate) checkpoint: Option<Checkpoint>,
    /// doc comments
    pub(crate) docs: Vec<syn::Attribute>,
    /// keys seen, readable or not
    pub(crate) seen: Vec<String>,
}

impl Attrs {
    /// Reads the attributes of one place.
    pub(crate) fn read(attrs: &[syn::Attribute], place: Place, errors: &mut Errors) -> Self {
        let mut all = Self::default();
        for attr in attrs {
            if attr.path().is_ident("doc") {
                all.docs.push(attr.clone());
            }
            if !attr.path().is_ident("bare") {
                continue;
            }
            match &attr.meta {
                syn::Meta::List(list) => all.read_tokens(list.tokens.clone(), place, errors),
                other => errors.push(other.span(), "write `#[bare(key = value, ..)]`, with parentheses".into()),
            }
        }
        all
    }

    /// Reads what stands in the parentheses of an attribute.
    pub(crate) fn read_tokens(&mut self, tokens: TokenStream, place: Place, errors: &mut Errors) {
        // `read_list` reports and reads to the end; what syn says beyond that is about brackets that were left half read
        let before = errors.len();
        let parser = |input: ParseStream<'_>| {
            self.read_list(input, place, errors);
            Ok(())
        };
        let parsed = parser.parse2(tokens);
        if let (Err(error), true) = (parsed, errors.len() == before) {
            errors.add(error);
        }
    }

    fn read_list(&mut self, input: ParseStream<'_>, place: Place, errors: &mut Errors) {
        while !input.is_empty() {
            match self.read_key(input, place, errors) {
                Ok(()) if input.is_empty() => {}
                Ok(()) if input.peek(Token![,]) => drop(input.parse::<Token![,]>()),
                Ok(()) => {
                    errors.push(input.span(), "expected `,` before the next key".into());
                    skip_to_key(input);
                }
                Err(error) => {
                    errors.add(error);
                    skip_to_key(input);
                }
            }
        }
    }

    fn read_key(&mut self, input: ParseStream<'_>, place: Place, errors: &mut Errors) -> syn::Result<()> {
        let key = input.call(Ident::parse_any).map_err(|error| {
            syn::Error::new(error.span(), "expected a key, such as `tag = 1` or `dims = [d_out, d_in]`")
        })?;
        let name = key.to_string();
        if !place.keys().contains(&name.as_str()) {
            return Err(syn::Error::new(key.span(), unknown_key(&name, place)));
        }
        let repeated = self.seen.contains(&name);
        if repeated {
            errors.push(key.span(), format!("`{name}` is given twice"));
        }
        self.seen.push(name.clone());
        match name.as_str() {
            "crate" => {
                self.crate_path = Some(value(&key, input, "crate = path::to::barewire", |input| {
                    input.call(syn::Path::parse_mod_style)
                })?);
            }
            "rename" => {
                let text = value(&key, input, "rename = \"Name\"", |input| input.parse::<syn::LitStr>())?;
                self.rename = Some((text.value(), text.span()));
            }
            "retired" => {
                let tags = list(&key, input, "retired = [3, 4]", number)?
                    .into_iter()
                    .map(narrow)
                    .collect::<syn::Result<Vec<_>>>()?;
                self.retired.extend(tags);
            }
            "tag" => self.tag = Some(narrow(value(&key, input, "tag = 1", number)?)?),
            "forward" => self.forward = Some(equation::parse(&key, input, errors)?),
            "dims" => {
                let names = list(&key, input, "dims = [d_out, d_in]", |input| input.call(Ident::parse_any))?;
                self.dims = Some((names, key.span()));
            }
            "axes" => self.axes.extend(axes(&key, input)?),
            "recompute" if input.peek(Token![=]) => {
                self.keeps.recompute =
                    list(&key, input, "recompute = [gate, up]", |input| input.call(Ident::parse_any))?;
            }
            "recompute" => self.keeps.inputs_only = Some(alone(key, input)?),
            "save" => {
                self.keeps.save = list(&key, input, "save = [gate, up]", |input| input.call(Ident::parse_any))?;
            }
            "checkpoint" if input.peek(Token![=]) => {
                let (every, span) = narrow(value(&key, input, "checkpoint = 4", number)?)?;
                self.checkpoint = Some(Checkpoint { every: Some(every), span });
            }
            "checkpoint" => self.checkpoint = Some(Checkpoint { every: None, span: alone(key, input)?.span() }),
            "unknown" => self.unknown = Some(alone(key, input)?),
            "portable" => self.portable = Some(alone(key, input)?),
            "specialise" => self.specialise = Some(alone(key, input)?),
            "fixed_size" => self.fixed_size = Some(alone(key, input)?),
            "active" => self.roles.push((Role::Active, alone(key, input)?)),
            "signal" => self.roles.push((Role::Signal, alone(key, input)?)),
            "fixed" => self.roles.push((Role::Fixed, alone(key, input)?)),
            "gradient" => {
                let word = value(&key, input, "gradient = low_rank", |input| input.call(Ident::parse_any))?;
                self.gradient = Some(representation(word)?);
            }
            "align" => self.align = Some(narrow(value(&key, input, "align = 256", number)?)?),
            "scaled_by" => {
                self.scaled_by = Some(value(&key, input, "scaled_by = scale", |input| input.call(Ident::parse_any))?)
            }
            _ => unreachable!("every key of a place is read"),
        }
        Ok(())
    }
}

/// How the gradient of a field may be held.
const REPRESENTATIONS: [&str; 5] = ["dense", "sparse", "low_rank", "diagonal", "ternary"];

fn representation(word: Ident) -> syn::Result<Ident> {
    let name = word.to_string();
    if REPRESENTATIONS.contains(&name.as_str()) {
        return Ok(word);
    }
    let hint = match nearest(&name, &REPRESENTATIONS) {
        Some(near) => format!("did you mean `{near}`?"),
        None => "a gradient is held as `dense`, `sparse`, `low_rank`, `diagonal` or `ternary`".into(),
    };
    Err(syn::Error::new(word.span(), format!("unknown representation `{name}`; {hint}")))
}

/// What to say about a key that this place does not have.
fn unknown_key(name: &str, place: Place) -> String {
    if let Some(home) = Place::ALL.into_iter().find(|home| home.keys().contains(&name)) {
        if name == "forward" && place == Place::Enum {
            return "an enum has one equation for each variant; put `forward` on the variants".into();
        }
        return format!("`{name}` belongs on {}, not on {}", home.words(), place.words());
    }
    match nearest(name, place.keys()) {
        Some(near) => format!("unknown key `{name}` in `{}`; did you mean `{near}`?", place.attribute()),
        None => {
            let keys: Vec<_> = place.keys().iter().map(|key| format!("`{key}`")).collect();
            format!("unknown key `{name}` in `{}`; {} has {}", place.attribute(), place.words(), keys.join(", "))
        }
    }
}

/// The candidate that a slip of the fingers turns into `name`.
pub(crate) fn nearest<'a>(name: &str, candidates: &[&'a str]) -> Option<&'a str> {
    let allowed = 1 + name.len() / 4;
    let ranked = candidates.iter().map(|&candidate| (distance(name, candidate), candidate));
    ranked.filter(|(d, _)| *d <= allowed).min().map(|(_, candidate)| candidate)
}

/// Edits between two words, a swap of neighbours counted as one.
fn distance(a: &str, b: &str) -> usize {
    let (a, b): (Vec<char>, Vec<char>) = (a.chars().collect(), b.chars().collect());
    let mut d = vec![vec![0; b.len() + 1]; a.len() + 1];
    for i in 0..=a.len() {
        for j in 0..=b.len() {
            d[i][j] = if i == 0 || j == 0 {
                i + j
            } else {
                let change = d[i - 1][j - 1] + usize::from(a[i - 1] != b[j - 1]);
                let mut best = change.min(d[i - 1][j] + 1).min(d[i][j - 1] + 1);
                if i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] {
                    best = best.min(d[i - 2][j - 2] + 1);
                }
                best
            };
        }
    }
    d[a.len()][b.len()]
}

/// `= VALUE`; whatever goes wrong, the message shows how it is written.
fn value<T>(
    key: &Ident,
    input: ParseStream<'_>,
    example: &str,
    parse: impl FnOnce(ParseStream<'_>) -> syn::Result<T>,
) -> syn::Result<T> {
    let wrong = |span: Span, found: &str| {
        let found = if found.is_empty() { String::new() } else { format!(", found `{found}`") };
        syn::Error::new(span, format!("expected a value as in `{example}`{found}"))
    };
    if !input.peek(Token![=]) {
        return Err(wrong(here(input, key), ""));
    }
    input.parse::<Token![=]>()?;
    let (at, found) = (here(input, key), up_to_comma(&input.fork()));
    let result = parse(input).map_err(|_| wrong(at, &found))?;
    if !input.is_empty() && !input.peek(Token![,]) {
        return Err(wrong(at, &found));
    }
    Ok(result)
}

/// What stands before the next comma, as it is written but for spaces.
fn up_to_comma(input: ParseStream<'_>) -> String {
    let mut found = String::new();
    while !input.is_empty() && !input.peek(Token![,]) {
        match input.parse::<TokenTree>() {
            Ok(token) => found.push_str(&token.to_string()),
            Err(_) => break,
        }
    }
    found
}

/// `= [ITEM, ..]`, at least one.
fn list<T>(
    key: &Ident,
    input: ParseStream<'_>,
    example: &str,
    item: fn(ParseStream<'_>) -> syn::Result<T>,
) -> syn::Result<Vec<T>> {
    value(key, input, example, |input| {
        let content;
        bracketed!(content in input);
        let items = Punctuated::<T, Token![,]>::parse_terminated_with(&content, item)?;
        if items.is_empty() {
            return Err(content.error("empty"));
        }
        Ok(items.into_iter().collect())
    })
}

fn number(input: ParseStream<'_>) -> syn::Result<(u64, Span)> {
    let literal: syn::LitInt = input.parse()?;
    Ok((literal.base10_parse()?, literal.span()))
}

/// A number that fits in 32 bits, as tags do.
fn narrow((number, span): (u64, Span)) -> syn::Result<(u32, Span)> {
    let narrowed = u32::try_from(number);
    narrowed
        .map(|number| (number, span))
        .map_err(|_| syn::Error::new(span, format!("expected at most {}, found {number}", u32::MAX)))
}

/// The next token, or the key where nothing follows it.
pub(crate) fn here(input: ParseStream<'_>, key: &Ident) -> Span {
    if input.is_empty() { key.span() } else { input.span() }
}

/// `(their = ours, ..)`
fn axes(key: &Ident, input: ParseStream<'_>) -> syn::Result<Vec<(Ident, Ident)>> {
    let wrong = |span: Span| syn::Error::new(span, "expected names as in `axes(d_in = d_model, d_out = d_ffn)`");
    if !input.peek(token::Paren) {
        return Err(wrong(here(input, key)));
    }
    let content;
    let parens = parenthesized!(content in input);
    let pair = |input: ParseStream<'_>| {
        let theirs = input.call(Ident::parse_any)?;
        input.parse::<Token![=]>()?;
        Ok((theirs, input.call(Ident::parse_any)?))
    };
    let pairs =
        Punctuated::<_, Token![,]>::parse_terminated_with(&content, pair).map_err(|error| wrong(error.span()))?;
    if pairs.is_empty() {
        return Err(wrong(parens.span.join()));
    }
    Ok(pairs.into_iter().collect())
}

/// A key without a value.
fn alone(key: Ident, input: ParseStream<'_>) -> syn::Result<Ident> {
    if input.is_empty() || input.peek(Token![,]) {
        return Ok(key);
    }
    Err(syn::Error::new(input.span(), format!("`{key}` takes no value")))
}

/// Skips what is left of a key that did not parse, up to and with the comma before the next one.
fn skip_to_key(input: ParseStream<'_>) {
    let known = |word: &Ident| Place::ALL.iter().any(|place| place.keys().contains(&word.to_string().as_str()));
    while !input.is_empty() {
        let comma = input.peek(Token![,]);
        // a token tree always parses where there is one
        if input.parse::<TokenTree>().is_err() {
            break;
        }
        let fork = input.fork();
        let key = fork.call(Ident::parse_any).is_ok_and(|word| known(&word));
        if comma && key && (fork.is_empty() || fork.peek(Token![=]) || fork.peek(Token![,]) || fork.peek(token::Paren))
        {
            return;
        }
    }
    drop(input.parse::<TokenStream>());
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What was written stands in the message, also where it is more than one token or fits no integer.
    #[test]
    fn values_that_are_none() {
        let message = |text: &str| {
            let key = Ident::new("tag", Span::call_site());
            let parse = |input: ParseStream<'_>| value(&key, input, "tag = 1", number).map(|(number, _)| number);
            parse.parse_str(text).unwrap_err().to_string()
        };
        assert_eq!(message(""), "expected a value as in `tag = 1`");
        assert_eq!(message("= -1"), "expected a value as in `tag = 1`, found `-1`");
        assert_eq!(message("= 1 + 2"), "expected a value as in `tag = 1`, found `1+2`");
        assert_eq!(message("= 99999999999999999999"), "expected a value as in `tag = 1`, found `99999999999999999999`");
        assert_eq!(message("="), "expected a value as in `tag = 1`");
    }
}
