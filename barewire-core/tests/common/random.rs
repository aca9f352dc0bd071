//! Random schemas that keep every rule, and random values of them.
#![allow(dead_code, unreachable_pub)] // each test uses a part

use barewire_core::wire::schema::{Definition, Kind, Number, Ty};
use barewire_core::wire::{Pads, Schema, TypeRef, Types, Value};

/// SplitMix64.
pub struct Rng(pub u64);

impl Rng {
    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let z = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    pub fn below(&mut self, n: usize) -> usize {
        (self.next() % n as u64) as usize
    }

    pub fn chance(&mut self, percent: usize) -> bool {
        self.below(100) < percent
    }

    /// A number whose size is random too.
    pub fn number(&mut self) -> u64 {
        let bits = self.below(64);
        self.next() >> bits
    }
}

/// A schema with up to five types; values of its root take not more than some thousand octets at least.
pub fn schema(rng: &mut Rng) -> Types {
    loop {
        let mut made = Made { rng, definitions: Vec::new(), void: Vec::new(), keys: Vec::new() };
        let count = 1 + made.rng.below(5);
        for i in 0..count {
            let ty = made.ty(3, i + 1 < count);
            made.void.push(made.is_void(&ty));
            made.keys.push(made.is_key(&ty));
            made.definitions.push(Definition::new(format!("T{i}"), ty));
        }
        let schema = Schema { definitions: made.definitions };
        let types = Types::new(schema.clone()).unwrap_or_else(|error| panic!("{error}\n{schema}"));
        if types.root().min_len() < 4000 {
            return types;
        }
    }
}

struct Made<'r> {
    rng: &'r mut Rng,
    definitions: Vec<Definition>,
    void: Vec<bool>,
    keys: Vec<bool>,
}

const PRIMITIVES: [TypeRef; 15] = [
    TypeRef::Uint,
    TypeRef::Int,
    TypeRef::U8,
    TypeRef::U16,
    TypeRef::U32,
    TypeRef::U64,
    TypeRef::I8,
    TypeRef::I16,
    TypeRef::I32,
    TypeRef::I64,
    TypeRef::Bool,
    TypeRef::Str,
    TypeRef::Data(None),
    TypeRef::F32,
    TypeRef::F64,
];
const NUMBERS: [TypeRef; 9] = [
    TypeRef::U16,
    TypeRef::U32,
    TypeRef::U64,
    TypeRef::I8,
    TypeRef::I16,
    TypeRef::I32,
    TypeRef::I64,
    TypeRef::F32,
    TypeRef::F64,
];

impl Made<'_> {
    fn defined(&self, ty: &TypeRef) -> Option<usize> {
        match ty {
            TypeRef::Named(name) => name[1..].parse().ok(),
            _ => None,
        }
    }

    fn is_void(&self, ty: &TypeRef) -> bool {
        *ty == TypeRef::Void || self.defined(ty).is_some_and(|at| self.void[at])
    }

    fn is_key(&self, ty: &TypeRef) -> bool {
        match ty {
            TypeRef::Data(_) | TypeRef::Enum(_) => true,
            other => PRIMITIVES[..12].contains(other) || self.defined(ty).is_some_and(|at| self.keys[at]),
        }
    }

    /// A type that takes octets.
    fn solid(&mut self, depth: usize) -> TypeRef {
        loop {
            let ty = self.ty(depth, false);
            if !self.is_void(&ty) {
                return ty;
            }
        }
    }

    fn key(&mut self) -> TypeRef {
        loop {
            let ty = self.ty(0, false);
            if self.is_key(&ty) {
                return ty;
            }
        }
    }

    fn fixed(&mut self) -> Option<u64> {
        self.rng.chance(30).then(|| 1 + self.rng.below(3) as u64)
    }

    fn ty(&mut self, depth: usize, void: bool) -> TypeRef {
        if void && self.rng.chance(10) {
            return TypeRef::Void;
        }
        if !self.definitions.is_empty() && self.rng.chance(25) {
            let at = self.rng.below(self.definitions.len());
            if void || !self.void[at] {
                return TypeRef::named(format!("T{at}"));
            }
        }
        match self.rng.below(if depth == 0 { 4 } else { 10 }) {
            0 => TypeRef::Data(self.fixed()),
            1 => TypeRef::Enum(self.numbered().map(|(i, tag)| (format!("V_{i}"), tag)).collect()),
            2 | 3 => PRIMITIVES[self.rng.below(PRIMITIVES.len())].clone(),
            4 => TypeRef::List(self.solid(depth - 1).into(), self.fixed()),
            5 => TypeRef::optional(self.solid(depth - 1)),
            6 => TypeRef::map(self.key(), self.solid(depth - 1)),
            7 | 8 => self.structure(depth),
            _ => {
                let mut members: Vec<(TypeRef, u64)> = Vec::new();
                for (_, tag) in self.numbered() {
                    let ty = self.ty(depth - 1, true);
                    if members.iter().all(|(other, _)| *other != ty) {
                        members.push((ty, tag));
                    }
                }
                TypeRef::Union(members)
            }
        }
    }

    fn structure(&mut self, depth: usize) -> TypeRef {
        let mut fields = Vec::new();
        for i in 0..1 + self.rng.below(4) {
            fields.push((format!("f{i}"), self.solid(depth - 1)));
        }
        if self.rng.chance(40) {
            let pad = ["pad", "pad256", "pad4096"][self.rng.below(3)];
            fields.push((pad.into(), TypeRef::Data(None)));
            fields.push(("values".into(), TypeRef::list(NUMBERS[self.rng.below(9)].clone())));
        }
        if self.rng.chance(20) {
            fields.push(("last_one".into(), self.solid(0)));
        }
        TypeRef::Struct(fields)
    }

    /// Ascending numbers, some with gaps.
    fn numbered(&mut self) -> impl Iterator<Item = (usize, u64)> + use<> {
        let mut next = 0;
        let mut all = Vec::new();
        for i in 0..1 + self.rng.below(4) {
            if self.rng.chance(30) {
                next += 1 + self.rng.number() % (1 << 40);
            }
            all.push((i, next));
            next += 1;
        }
        all.into_iter()
    }
}

/// A value of a type. Pads are filled as a reader with `pads` gives them.
pub fn value(rng: &mut Rng, ty: Ty<'_>, pads: Pads) -> Value {
    Values { rng, pads, left: 60 }.value(ty)
}

struct Values<'r> {
    rng: &'r mut Rng,
    pads: Pads,
    /// elements of lists and maps that may still come
    left: usize,
}

impl Values<'_> {
    fn count(&mut self) -> usize {
        let count = self.rng.below(5).min(self.left);
        self.left -= count;
        count
    }

    fn octets(&mut self, n: usize) -> Vec<u8> {
        (0..n).map(|_| self.rng.next() as u8).collect()
    }

    fn value(&mut self, ty: Ty<'_>) -> Value {
        match ty.kind() {
            Kind::Uint => Value::Uint(self.rng.number()),
            Kind::Int => Value::Int(self.rng.number() as i64 ^ -(self.rng.below(2) as i64)),
            Kind::Number(number) => self.number(number),
            Kind::Bool => Value::Bool(self.rng.chance(50)),
            Kind::Str => {
                let letters = ['a', 'Z', '0', ' ', 'é', '界', '😀', '\0', '"'];
                Value::Str((0..self.rng.below(5)).map(|_| letters[self.rng.below(letters.len())]).collect())
            }
            Kind::Void => Value::Void,
            Kind::Data(n) => {
                let n = n.map_or_else(|| self.rng.below(5), |n| n as usize);
                Value::Data(self.octets(n))
            }
            Kind::List(item, n) => {
                let count = n.map_or_else(|| self.count(), |n| n as usize);
                self.list(item, count)
            }
            Kind::Optional(item) => {
                if self.rng.chance(50) {
                    Value::some(self.value(item))
                } else {
                    Value::NONE
                }
            }
            Kind::Map(key, of) => {
                let mut entries: Vec<(Value, Value)> = Vec::new();
                for _ in 0..self.count() {
                    let key = self.value(key);
                    if entries.iter().all(|(other, _)| *other != key) {
                        entries.push((key, self.value(of)));
                    }
                }
                Value::Map(entries)
            }
            Kind::Struct(fields) => Value::Struct(
                fields
                    .iter()
                    .map(|field| match field.pads {
                        Some(_) if self.pads == Pads::Aligned => Value::Data(Vec::new()),
                        _ => self.value(field.ty),
                    })
                    .collect(),
            ),
            Kind::Enum(values) => Value::Enum(values.iter().nth(self.rng.below(values.iter().len())).unwrap().1),
            Kind::Union(members) => {
                let member = members.iter().nth(self.rng.below(members.iter().len())).unwrap();
                Value::union(member.tag, self.value(member.ty))
            }
        }
    }

    fn list(&mut self, item: Ty<'_>, count: usize) -> Value {
        macro_rules! packed {
            ($($name:ident)*) => {
                match item.kind() {
                    $(Kind::Number(Number::$name) => (0..count)
                        .map(|_| match self.number(Number::$name) {
                            Value::$name(x) => x,
                            other => panic!("{other:?}"),
                        })
                        .collect::<Vec<_>>()
                        .into(),)*
                    Kind::Bool => (0..count).map(|_| self.rng.chance(50)).collect::<Vec<bool>>().into(),
                    _ => Value::List((0..count).map(|_| self.value(item)).collect()),
                }
            };
        }
        packed!(U8 U16 U32 U64 I8 I16 I32 I64 F32 F64)
    }

    fn number(&mut self, number: Number) -> Value {
        let bits = if self.rng.chance(50) { self.rng.number() } else { self.rng.number().wrapping_neg() };
        match number {
            Number::U8 => Value::U8(bits as u8),
            Number::U16 => Value::U16(bits as u16),
            Number::U32 => Value::U32(bits as u32),
            Number::U64 => Value::U64(bits),
            Number::I8 => Value::I8(bits as i8),
            Number::I16 => Value::I16(bits as i16),
            Number::I32 => Value::I32(bits as i32),
            Number::I64 => Value::I64(bits as i64),
            Number::F32 => Value::F32(f32::from_bits(bits as u32)),
            Number::F64 => Value::F64(f64::from_bits(bits)),
        }
    }
}
