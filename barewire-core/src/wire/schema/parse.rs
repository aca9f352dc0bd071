//! From text to a schema: the grammar of draft 14. What the grammar does not say, [`check`](super::check) does.

use alloc::borrow::{Cow, ToOwned};
use alloc::boxed::Box;
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

use super::error::{Mistake, Position, SchemaError};
use super::token::{Comment, Token, tokens};
use super::{Comments, Definition, MAX_DEPTH, Schema, TypeRef};

/// Where the parts of a schema stand, in the order in which [`check`](super::check) comes by.
pub(super) type Places = Vec<Position>;

/// Reads definitions. After a mistake it goes on with the next definition, so each that does not parse has one message.
pub(super) fn parse(text: &str) -> Result<(Schema, Places), SchemaError> {
    let (tokens, comments) = tokens(text);
    let mut parser = Parser { tokens: &tokens, at: 0, places: Vec::new(), members: Vec::new(), name: String::new() };
    let (mut definitions, mut mistakes) = (Vec::new(), Vec::new());
    let mut comments = Attach { comments: &comments };
    while parser.at < tokens.len() {
        let start = parser.at;
        match parser.definition() {
            Ok(mut definition) => {
                definition.comments = comments.to(start, parser.at, &parser.members);
                definitions.push(definition);
            }
            Err(mistake) => {
                mistakes.push(mistake);
                parser.recover(start);
            }
        }
    }
    if let Some(last) = definitions.last_mut() {
        last.comments.above.extend(comments.rest());
    }
    if mistakes.is_empty() { Ok((Schema { definitions }, parser.places)) } else { Err(SchemaError { mistakes }) }
}

/// Hands comments to definitions.
struct Attach<'c, 't> {
    comments: &'c [Comment<'t>],
}

impl Attach<'_, '_> {
    /// The comments of the definition of tokens `start..end`, whose members start at `members`.
    fn to(&mut self, start: usize, end: usize, members: &[usize]) -> Comments {
        let theirs = |comment: &Comment<'_>| comment.before < end || (comment.before == end && !comment.own_line);
        let (mine, rest) = self.comments.split_at(self.comments.partition_point(theirs));
        self.comments = rest;
        let mut comments = Comments::default();
        for comment in mine {
            // the token that the comment is about: the one behind it if it has its line for itself
            let about = if comment.own_line { comment.before } else { comment.before.saturating_sub(1) };
            let behind_all = about + 1 == end && !comment.own_line;
            match members.partition_point(|member| *member <= about.max(start)) {
                n if n > 0 && !behind_all => comments.inside.push((n - 1, comment.text.to_owned())),
                _ => comments.above.push(comment.text.to_owned()),
            }
        }
        comments
    }

    fn rest(&self) -> impl Iterator<Item = String> {
        self.comments.iter().map(|comment| comment.text.to_owned())
    }
}

struct Parser<'p, 't> {
    tokens: &'p [Token<'t>],
    at: usize,
    places: Places,
    /// the tokens at which the members of the definition itself start
    members: Vec<usize>,
    /// of the definition that is being read
    name: String,
}

type Result_<T> = Result<T, Mistake>;

impl<'t> Parser<'_, 't> {
    fn peek(&self) -> Option<&'t str> {
        self.tokens.get(self.at).map(|token| token.text)
    }

    /// Where the next token stands; behind the last one, where that stands.
    fn position(&self) -> Position {
        let token = self.tokens.get(self.at).or(self.tokens.last());
        token.map_or(Position { line: 1, column: 1 }, |token| token.at)
    }

    #[cold]
    fn expected(&self, what: impl Into<Cow<'static, str>>) -> Mistake {
        let found = match self.peek() {
            Some(text) => format!("`{}`", text.escape_default()),
            None => "the end".to_string(),
        };
        Mistake {
            position: Some(self.position()),
            definition: self.name.clone(),
            expected: what.into(),
            found: found.into(),
        }
    }

    /// Notes where the next token stands.
    fn place(&mut self) {
        self.places.push(self.position());
    }

    /// Takes the next token if it is this one.
    fn eat(&mut self, text: &str) -> bool {
        let eaten = self.peek() == Some(text);
        self.at += usize::from(eaten);
        eaten
    }

    fn keyword(&mut self, text: &'static str) -> Result_<()> {
        if self.eat(text) { Ok(()) } else { Err(self.expected(format!("`{text}`"))) }
    }

    fn word(&mut self, what: &'static str) -> Result_<&'t str> {
        match self.peek() {
            Some(word) if word.starts_with(|c: char| c.is_ascii_alphabetic()) => {
                self.at += 1;
                Ok(word)
            }
            _ => Err(self.expected(what)),
        }
    }

    fn number(&mut self) -> Result_<u64> {
        match self.peek() {
            Some(digits) if digits.bytes().all(|octet| octet.is_ascii_digit()) => {
                let number = digits.parse().map_err(|_| self.expected("a number below 2^64"))?;
                self.at += 1;
                Ok(number)
            }
            _ => Err(self.expected("a number")),
        }
    }

    /// Goes to the next token that can start a definition, behind `start`.
    fn recover(&mut self, start: usize) {
        self.at = self.at.max(start + 1);
        while let Some(token) = self.peek() {
            let next = self.tokens.get(self.at + 1).map_or("", |token| token.text);
            if token == "type" && next.starts_with(|c: char| c.is_ascii_uppercase()) {
                break;
            }
            self.at += 1;
        }
    }

    fn definition(&mut self) -> Result_<Definition> {
        self.name.clear();
        self.members.clear();
        self.keyword("type")?;
        self.place();
        let name = self.word("the name of a type")?;
        self.name.push_str(name);
        Ok(Definition::new(name, self.ty(0)?))
    }

    /// `[N]`, if it is there.
    fn length(&mut self) -> Result_<Option<u64>> {
        if !self.eat("[") {
            return Ok(None);
        }
        self.place();
        let n = self.number()?;
        self.keyword("]")?;
        Ok(Some(n))
    }

    /// A type in angle brackets.
    fn item(&mut self, level: usize) -> Result_<Box<TypeRef>> {
        self.keyword("<")?;
        let item = self.ty(level)?;
        self.keyword(">")?;
        Ok(Box::new(item))
    }

    /// A type, inside `level` others.
    fn ty(&mut self, level: usize) -> Result_<TypeRef> {
        if level >= MAX_DEPTH {
            return Err(self.expected(format!("types nested at most {MAX_DEPTH} deep")));
        }
        self.place();
        let word = self.word("a type")?;
        Ok(match word {
            "uint" => TypeRef::Uint,
            "int" => TypeRef::Int,
            "u8" => TypeRef::U8,
            "u16" => TypeRef::U16,
            "u32" => TypeRef::U32,
            "u64" => TypeRef::U64,
            "i8" => TypeRef::I8,
            "i16" => TypeRef::I16,
            "i32" => TypeRef::I32,
            "i64" => TypeRef::I64,
            "f32" => TypeRef::F32,
            "f64" => TypeRef::F64,
            "bool" => TypeRef::Bool,
            "str" => TypeRef::Str,
            "void" => TypeRef::Void,
            "data" => TypeRef::Data(self.length()?),
            "list" => {
                let item = self.item(level + 1)?;
                TypeRef::List(item, self.length()?)
            }
            "optional" => TypeRef::Optional(self.item(level + 1)?),
            "map" => {
                let key = self.item(level + 1)?;
                TypeRef::Map(key, self.item(level + 1)?)
            }
            "struct" => self.structure(level)?,
            "enum" => self.enumeration(level)?,
            "union" => self.union(level)?,
            name if name.starts_with(|c: char| c.is_ascii_uppercase()) => TypeRef::Named(name.to_owned()),
            _ => {
                self.at -= 1;
                return Err(self.expected("a type"));
            }
        })
    }

    /// Notes where a member of the definition itself starts: with the `|` before it, if there is one.
    fn member(&mut self, level: usize) {
        if level == 0 {
            let bar = self.tokens.get(self.at.wrapping_sub(1)).is_some_and(|token| token.text == "|");
            self.members.push(self.at - usize::from(bar));
        }
    }

    fn structure(&mut self, level: usize) -> Result_<TypeRef> {
        let mut fields = Vec::new();
        self.keyword("{")?;
        loop {
            self.member(level);
            self.place();
            let name =
                self.word(if fields.is_empty() { "the name of a field" } else { "the name of a field or `}`" })?;
            self.keyword(":")?;
            fields.push((name.to_owned(), self.ty(level + 1)?));
            if self.eat("}") {
                return Ok(TypeRef::Struct(fields));
            }
        }
    }

    /// ` = N`, or the number that follows from the member before. `at` is where the member stands.
    fn tag(&mut self, at: Position, before: Option<u64>) -> Result_<u64> {
        if self.eat("=") {
            self.place();
            return self.number();
        }
        self.places.push(at);
        match before {
            None => Ok(0),
            Some(before) => before.checked_add(1).ok_or_else(|| Mistake {
                position: Some(at),
                definition: self.name.clone(),
                expected: "a number below 2^64".into(),
                found: "the one after 2^64 - 1".into(),
            }),
        }
    }

    fn enumeration(&mut self, level: usize) -> Result_<TypeRef> {
        let mut values = Vec::<(String, u64)>::new();
        self.keyword("{")?;
        loop {
            self.member(level);
            let at = self.position();
            self.place();
            let name =
                self.word(if values.is_empty() { "the name of a value" } else { "the name of a value or `}`" })?;
            let tag = self.tag(at, values.last().map(|(_, tag)| *tag))?;
            values.push((name.to_owned(), tag));
            if self.eat("}") {
                return Ok(TypeRef::Enum(values));
            }
        }
    }

    fn union(&mut self, level: usize) -> Result_<TypeRef> {
        let mut members = Vec::<(TypeRef, u64)>::new();
        self.keyword("{")?;
        self.eat("|");
        loop {
            self.member(level);
            let at = self.position();
            let ty = self.ty(level + 1)?;
            let tag = self.tag(at, members.last().map(|(_, tag)| *tag))?;
            members.push((ty, tag));
            let more = self.eat("|");
            if self.eat("}") {
                return Ok(TypeRef::Union(members));
            }
            if !more {
                return Err(self.expected("`|` or `}`"));
            }
        }
    }
}
