//! The schema inside a file, read back. It may come from anyone, so whatever could make the walk endless is refused.

use barewire::wire::TypeRef;

/// Named types, in order of definition; the last is the root.
pub(crate) struct Types {
    definitions: Vec<Definition>,
}

struct Definition {
    name: String,
    ty: TypeRef,
    /// how deep values of the type nest
    depth: usize,
}

/// Deeper nesting is refused, since the walk recurses.
const MAX_DEPTH: usize = 200;

impl Types {
    /// Reads a schema's text.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        let mut parser = Parser { tokens: tokens(text)?, at: 0, types: Types { definitions: Vec::new() } };
        while parser.peek().is_some() {
            parser.keyword("type")?;
            let name = parser.word("the name of a type")?;
            if !name.starts_with(|c: char| c.is_ascii_uppercase()) {
                return Err(format!("a type's name starts with an upper-case letter, found `{name}`"));
            }
            if parser.types.find(&name).is_some() {
                return Err(format!("`{name}` is defined twice"));
            }
            let (ty, depth) = parser.ty(0)?;
            parser.types.definitions.push(Definition { name, ty, depth });
        }
        if parser.types.definitions.is_empty() {
            return Err("it defines no type".into());
        }
        Ok(parser.types)
    }

    /// The root's name and type.
    pub(crate) fn root(&self) -> (&str, &TypeRef) {
        // `parse` refuses an empty schema
        let last = &self.definitions[self.definitions.len() - 1];
        (&last.name, &last.ty)
    }

    /// What a name stands for.
    pub(crate) fn get(&self, name: &str) -> &TypeRef {
        // `parse` refuses a name that is not defined before its use
        self.find(name).map_or(&TypeRef::Void, |definition| &definition.ty)
    }

    fn find(&self, name: &str) -> Option<&Definition> {
        self.definitions.iter().find(|definition| definition.name == name)
    }

    /// `void`, directly or by a name: it takes no octets, so it stands only in unions.
    fn is_void(&self, ty: &TypeRef) -> bool {
        match ty {
            TypeRef::Void => true,
            TypeRef::Named(name) => self.is_void(self.get(name)),
            _ => false,
        }
    }
}

struct Token {
    text: String,
    line: usize,
}

fn tokens(text: &str) -> Result<Vec<Token>, String> {
    let mut tokens = Vec::new();
    for (line, code) in text.lines().enumerate() {
        let code = code.split('#').next().unwrap_or("");
        let mut rest = code.trim_start();
        while let Some(first) = rest.chars().next() {
            let word = |c: char| c.is_ascii_alphanumeric() || c == '_';
            let len = match first {
                c if word(c) => rest.find(|c| !word(c)).unwrap_or(rest.len()),
                '{' | '}' | '<' | '>' | '[' | ']' | ':' | '|' | '=' => 1,
                other => return Err(format!("line {}: `{}` has no meaning there", line + 1, other.escape_default())),
            };
            tokens.push(Token { text: rest[..len].to_owned(), line: line + 1 });
            rest = rest[len..].trim_start();
        }
    }
    Ok(tokens)
}

struct Parser {
    tokens: Vec<Token>,
    at: usize,
    types: Types,
}

impl Parser {
    fn peek(&self) -> Option<&str> {
        self.tokens.get(self.at).map(|token| &*token.text)
    }

    fn expected(&self, what: &str) -> String {
        match self.tokens.get(self.at) {
            Some(token) => format!("line {}: expected {what}, found `{}`", token.line, token.text),
            None => format!("expected {what}, found the end"),
        }
    }

    /// Takes the next token if it is this one.
    fn eat(&mut self, text: &str) -> bool {
        let eaten = self.peek() == Some(text);
        self.at += usize::from(eaten);
        eaten
    }

    fn keyword(&mut self, text: &str) -> Result<(), String> {
        if self.eat(text) { Ok(()) } else { Err(self.expected(&format!("`{text}`"))) }
    }

    fn word(&mut self, what: &str) -> Result<String, String> {
        match self.peek() {
            Some(text) if text.starts_with(|c: char| c.is_ascii_alphabetic()) => {
                let word = text.to_owned();
                self.at += 1;
                Ok(word)
            }
            _ => Err(self.expected(what)),
        }
    }

    fn number(&mut self) -> Result<u64, String> {
        let number = self.peek().and_then(|text| text.parse().ok()).ok_or_else(|| self.expected("a number"))?;
        self.at += 1;
        Ok(number)
    }

    /// `[N]`, with N at least 1, if it is there.
    fn length(&mut self) -> Result<Option<u64>, String> {
        if !self.eat("[") {
            return Ok(None);
        }
        let n = self.number()?;
        if n == 0 {
            self.at -= 1;
            return Err(self.expected("a length of at least 1"));
        }
        self.keyword("]").map(|()| Some(n))
    }

    /// A type that takes octets, in angle brackets.
    fn item(&mut self, level: usize) -> Result<(TypeRef, usize), String> {
        self.keyword("<")?;
        let item = self.solid(level)?;
        self.keyword(">")?;
        Ok(item)
    }

    /// A type that takes octets.
    fn solid(&mut self, level: usize) -> Result<(TypeRef, usize), String> {
        let start = self.at;
        let (ty, depth) = self.ty(level)?;
        if self.types.is_void(&ty) {
            self.at = start;
            return Err(self.expected("a type other than void, which stands only in unions"));
        }
        Ok((ty, depth))
    }

    /// A type, and how deep its values nest.
    fn ty(&mut self, level: usize) -> Result<(TypeRef, usize), String> {
        let start = self.at;
        let word = self.word("a type")?;
        let (ty, depth) = match &*word {
            "uint" => (TypeRef::Uint, 0),
            "int" => (TypeRef::Int, 0),
            "u8" => (TypeRef::U8, 0),
            "u16" => (TypeRef::U16, 0),
            "u32" => (TypeRef::U32, 0),
            "u64" => (TypeRef::U64, 0),
            "i8" => (TypeRef::I8, 0),
            "i16" => (TypeRef::I16, 0),
            "i32" => (TypeRef::I32, 0),
            "i64" => (TypeRef::I64, 0),
            "f32" => (TypeRef::F32, 0),
            "f64" => (TypeRef::F64, 0),
            "bool" => (TypeRef::Bool, 0),
            "str" => (TypeRef::Str, 0),
            "void" => (TypeRef::Void, 0),
            "data" => (TypeRef::Data(self.length()?), 0),
            _ if level >= MAX_DEPTH => (TypeRef::Void, level),
            "list" => {
                let (item, depth) = self.item(level + 1)?;
                (TypeRef::List(Box::new(item), self.length()?), depth)
            }
            "optional" => {
                let (item, depth) = self.item(level + 1)?;
                (TypeRef::optional(item), depth)
            }
            "map" => {
                let ((key, a), (value, b)) = (self.item(level + 1)?, self.item(level + 1)?);
                (TypeRef::map(key, value), a.max(b))
            }
            "struct" => self.structure(level)?,
            "enum" => self.enumeration()?,
            "union" => self.union(level)?,
            _ => match self.types.find(&word) {
                Some(definition) => (TypeRef::Named(word), definition.depth),
                None => {
                    self.at = start;
                    return Err(self.expected("a type that is defined above"));
                }
            },
        };
        if depth >= MAX_DEPTH {
            self.at = start;
            return Err(self.expected(&format!("types nested at most {MAX_DEPTH} deep")));
        }
        Ok((ty, depth + 1))
    }

    fn structure(&mut self, level: usize) -> Result<(TypeRef, usize), String> {
        let (mut fields, mut deepest) = (Vec::<(String, TypeRef)>::new(), 0);
        self.keyword("{")?;
        loop {
            let start = self.at;
            let name = self.word("the name of a field")?;
            if fields.iter().any(|(field, _)| *field == name) {
                self.at = start;
                return Err(self.expected("a field's name once"));
            }
            self.keyword(":")?;
            let (ty, depth) = self.solid(level + 1)?;
            deepest = deepest.max(depth);
            fields.push((name, ty));
            if self.eat("}") {
                return Ok((TypeRef::Struct(fields), deepest));
            }
        }
    }

    /// ` = N`, or the number that follows from the member before.
    fn tag(&mut self, before: Option<u64>) -> Result<u64, String> {
        if self.eat("=") {
            let tag = self.number()?;
            if before.is_some_and(|before| tag <= before) {
                self.at -= 1;
                return Err(self.expected("a number above the one before"));
            }
            return Ok(tag);
        }
        match before {
            None => Ok(0),
            Some(before) => before.checked_add(1).ok_or_else(|| self.expected("a number of at most 64 bits")),
        }
    }

    fn enumeration(&mut self) -> Result<(TypeRef, usize), String> {
        let mut values = Vec::<(String, u64)>::new();
        self.keyword("{")?;
        loop {
            let name = self.word("the name of a value")?;
            let tag = self.tag(values.last().map(|(_, tag)| *tag))?;
            values.push((name, tag));
            if self.eat("}") {
                return Ok((TypeRef::Enum(values), 0));
            }
        }
    }

    fn union(&mut self, level: usize) -> Result<(TypeRef, usize), String> {
        let (mut members, mut deepest) = (Vec::<(TypeRef, u64)>::new(), 0);
        self.keyword("{")?;
        self.eat("|");
        loop {
            let (ty, depth) = self.ty(level + 1)?;
            deepest = deepest.max(depth);
            let tag = self.tag(members.last().map(|(_, tag)| *tag))?;
            members.push((ty, tag));
            let more = self.eat("|");
            if self.eat("}") {
                return Ok((TypeRef::Union(members), deepest));
            }
            if !more {
                return Err(self.expected("`|` or `}`"));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use barewire::wire::Schema;

    use super::*;

    fn refused(text: &str) -> String {
        Types::parse(text).err().unwrap_or_else(|| panic!("accepted: {text}"))
    }

    #[test]
    fn what_it_reads_is_what_the_library_wrote() {
        let text = "type A struct { x: f32 yZ: list<data[3]>[2] }\n\
                    type E enum { ONE TWO = 5 THREE }\n\
                    type U union { A | void = 3 | E }\n\
                    type M map<str><optional<U>>\n";
        let types = Types::parse(text).unwrap();
        let definitions = types.definitions.iter().map(|d| (d.name.clone(), d.ty.clone())).collect();
        assert_eq!(Schema { definitions }.text(), text);
        assert!(Types::parse("type U union { | u8 | # a comment\n str | }").is_ok());
    }

    #[test]
    fn what_would_make_the_walk_endless_is_refused() {
        assert_eq!(refused("type A struct { a: A }"), "line 1: expected a type that is defined above, found `A`");
        assert!(refused("type V void\ntype L list<V>").contains("other than void"));
        assert!(refused("type L list<u8>[0]").contains("at least 1"));
        assert!(refused("type S struct { }").contains("the name of a field"));
        let deep = format!("type D {}u8{}", "optional<".repeat(100_000), ">".repeat(100_000));
        assert!(refused(&deep).contains("at most 200 deep"));
        let mut chain = String::from("type T0 u8\n");
        (1..1000).for_each(|i| chain += &format!("type T{i} optional<T{}>\n", i - 1));
        assert!(refused(&chain).contains("at most 200 deep"));
    }

    #[test]
    fn damaged_text_is_refused_with_its_place() {
        assert_eq!(refused("type A\nstruct { x; u8 }"), "line 2: `;` has no meaning there");
        assert_eq!(refused("type A struct { x: u8"), "expected the name of a field, found the end");
        assert_eq!(
            refused("type U union { u8 = 2 | str = 2 }"),
            "line 1: expected a number above the one before, found `2`"
        );
        assert_eq!(refused(""), "it defines no type");
    }
}
