//! Every golden message of `vectors/bare.json`, with static types: encoded, decoded, viewed, and the invalid ones refused.
//!
//! A schema in the file is matched with a Rust type by its text. `cargo test --test bare_vectors -- --nocapture` prints how
//! many messages the types cover.

// names and shapes are those of the file
#![allow(unreachable_pub, clippy::upper_case_acronyms, clippy::type_complexity)]

use barewire_core::wire::{
    AlignedBuf, Index, Int, Key, List, Map, Uint, Wire, from_message, schema_text, to_message, view_message,
    view_message_mut,
};
use barewire_derive::{BareStruct, BareUnion};
use serde_json::Value;

/// The notation of `value` in the file.
trait Json {
    fn matches(&self, json: &Value) -> bool;
}

macro_rules! small_numbers {
    ($($t:ty)*) => { $( impl Json for $t {
        fn matches(&self, json: &Value) -> bool {
            json.as_i64() == Some(i64::from(*self))
        }
    } )* };
}
small_numbers!(u8 u16 u32 i8 i16 i32);

macro_rules! large_numbers {
    ($($t:ty, |$x:ident| $value:expr;)*) => { $( impl Json for $t {
        fn matches(&self, json: &Value) -> bool {
            let $x = self;
            json.as_str() == Some(&$value.to_string())
        }
    } )* };
}
large_numbers! {
    u64, |x| x;
    i64, |x| x;
    Uint, |x| x.0;
    Int, |x| x.0;
}

// a JSON parser may be an f64 step off, which an f32 does not see
macro_rules! floats {
    ($($t:ty)*) => { $( impl Json for $t {
        fn matches(&self, json: &Value) -> bool {
            match json {
                Value::String(bits) => *bits == format!("bits:{:#0w$x}", self.to_bits(), w = 2 + 2 * size_of::<$t>()),
                number => number.as_f64().map(|x| x as $t) == Some(*self),
            }
        }
    } )* };
}
floats!(f32 f64);

impl Json for bool {
    fn matches(&self, json: &Value) -> bool {
        json.as_bool() == Some(*self)
    }
}

impl Json for String {
    fn matches(&self, json: &Value) -> bool {
        json.as_str() == Some(self)
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|octet| format!("{octet:02x}")).collect()
}

fn unhex(text: &str) -> Vec<u8> {
    (0..text.len()).step_by(2).map(|i| u8::from_str_radix(&text[i..i + 2], 16).unwrap()).collect()
}

/// `Vec<u8>` is `data`; other lists are lists.
fn list_matches<T: Json>(items: &[T], json: &Value) -> bool {
    json.as_array()
        .is_some_and(|list| list.len() == items.len() && items.iter().zip(list).all(|(x, json)| x.matches(json)))
}

impl Json for Vec<u8> {
    fn matches(&self, json: &Value) -> bool {
        json.as_str() == Some(&hex(self))
    }
}

macro_rules! vecs {
    ($($t:ty)*) => { $( impl Json for Vec<$t> {
        fn matches(&self, json: &Value) -> bool {
            list_matches(self, json)
        }
    } )* };
}
vecs!(String Vec<u8> Uint Int);

impl<T: Json> Json for List<T> {
    fn matches(&self, json: &Value) -> bool {
        list_matches(&self.0, json)
    }
}

impl<T: Json, const N: usize> Json for [T; N] {
    fn matches(&self, json: &Value) -> bool {
        match json {
            // `data[N]`: two digits an octet
            Value::String(text) => self.iter().zip(unhex(text)).all(|(x, octet)| x.matches(&octet.into())),
            _ => list_matches(self, json),
        }
    }
}

impl<T: Json> Json for Option<T> {
    fn matches(&self, json: &Value) -> bool {
        match self {
            None => json.is_null(),
            Some(value) => json.get("some").is_some_and(|json| value.matches(json)),
        }
    }
}

impl<K: Json + Ord, V: Json> Json for Map<K, V> {
    fn matches(&self, json: &Value) -> bool {
        let Some(entries) = json.as_array() else { return false };
        let same = |(key, value): &(K, V), json: &Value| key.matches(&json[0]) && value.matches(&json[1]);
        entries.len() == self.entries().len()
            && self.entries().iter().zip(entries).all(|(entry, json)| same(entry, json))
    }
}

/// The file writes `optional < bool >` in some places.
fn same_type(json: &Value, text: &str) -> bool {
    json.as_str().is_some_and(|json| json.replace(' ', "") == text)
}

/// A struct, with the names of the schema.
macro_rules! record {
    ($name:ident { $($field:ident: $ty:ty = $json:literal),* $(,)? }) => {
        #[derive(BareStruct, Clone, Debug, PartialEq)]
        #[bare(crate = barewire_core)]
        pub struct $name { $(#[bare(rename = $json)] pub $field: $ty),* }
        impl Json for $name {
            fn matches(&self, json: &Value) -> bool {
                let Some(object) = json.as_object() else { return false };
                object.len() == [$($json),*].len() $(&& self.$field.matches(&object[$json]))*
            }
        }
    };
}

/// A union, with the names and tags of the schema; variants without fields are `void`.
macro_rules! choice {
    ($name:ident { $($variant:ident $(($ty:ty))? = $tag:literal $text:literal),* $(,)? }) => {
        #[derive(BareUnion, Clone, Debug, PartialEq)]
        #[bare(crate = barewire_core)]
        pub enum $name { $(#[bare(tag = $tag)] $variant $(($ty))?),* }
        impl Json for $name {
            fn matches(&self, json: &Value) -> bool {
                match self {
                    $(choice!(@pattern value, $variant $(($ty))?) =>
                        json["tag"] == $tag && same_type(&json["type"], $text) && choice!(@payload value, &json["value"] $(, $ty)?),)*
                }
            }
        }
    };
    (@pattern $value:ident, $variant:ident ($ty:ty)) => { Self::$variant($value) };
    (@pattern $value:ident, $variant:ident) => { Self::$variant };
    (@payload $value:ident, $json:expr, $ty:ty) => { <$ty as Json>::matches($value, $json) };
    (@payload $value:ident, $json:expr) => { $json.is_null() };
}

/// An enum, with the names and numbers of the schema.
macro_rules! plain {
    ($name:ident { $($variant:ident = $tag:literal $text:literal),* $(,)? }) => {
        #[derive(BareUnion, Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
        #[bare(crate = barewire_core)]
        pub enum $name { $(#[bare(tag = $tag, rename = $text)] $variant),* }
        impl Json for $name {
            fn matches(&self, json: &Value) -> bool {
                match self { $(Self::$variant => *json == $text),* }
            }
        }
    };
}

/// One namespace for each schema.
macro_rules! schemas {
    ($(mod $name:ident { $($item:item)* })*) => { $(mod $name { #[allow(unused_imports)] use super::*; $($item)* })* };
}

schemas! {
    mod file {
        record!(Ternary { value: i8 = "value", scale: f32 = "scale" });
        record!(DiagonalA { pad: Vec<u8> = "pad", values: List<f32> = "values" });
        record!(InputProjection { rows: u32 = "rows", cols: u32 = "cols", pad: Vec<u8> = "pad", values: List<f32> = "values" });
        record!(Packed { scale: f32 = "scale", pad: Vec<u8> = "pad", words: List<u64> = "words" });
        record!(DeltaParameter { dt: f32 = "dt" });
        choice!(Component {
            Ternary(Ternary) = 0 "Ternary", DiagonalA(DiagonalA) = 1 "DiagonalA", InputProjection(InputProjection) = 2 "InputProjection",
            Packed(Packed) = 3 "Packed", DeltaParameter(DeltaParameter) = 4 "DeltaParameter",
        });
        record!(File {
            magic: [u8; 8] = "magic", version: u32 = "version", align_log2: u32 = "alignLog2", length: u64 = "length",
            index_pad: Vec<u8> = "indexPad", index: List<u64> = "index", components: List<Component> = "components",
        });
    }
    mod attention {
        record!(Matrix { rows: u32 = "rows", cols: u32 = "cols", values: List<f32> = "values" });
        plain!(KernelFunction { EluPlusOne = 0 "ELU_PLUS_ONE", Relu = 1 "RELU", Exp = 200 "EXP" });
        record!(LinearAttention { kernel: KernelFunction = "kernel", features: i32 = "features" });
        record!(FlashAttention { block_size: i32 = "blockSize", num_blocks: i32 = "numBlocks" });
        record!(SlidingWindow { window_size: i32 = "windowSize", stride: i32 = "stride" });
        record!(Performer { random_features: Matrix = "randomFeatures", orthogonal: bool = "orthogonal" });
        choice!(EfficientAttention {
            Linear(LinearAttention) = 0 "LinearAttention", Flash(FlashAttention) = 1 "FlashAttention",
            Sliding(SlidingWindow) = 2 "SlidingWindow", Performer(Performer) = 3 "Performer",
        });
    }
    mod memory {
        record!(WorkingMemory { tokens: List<u32> = "tokens", attention: List<f32> = "attention" });
        record!(Event { src: u32 = "src", dst: u32 = "dst", weight: f32 = "weight" });
        record!(EpisodicMemory { events: List<Event> = "events", timestamps: List<i64> = "timestamps" });
        record!(SemanticMemory { facts: Map<String, String> = "facts", confidence: List<f32> = "confidence" });
        record!(ProceduralMemory { skills: Vec<String> = "skills", usage: Map<String, Uint> = "usage" });
        choice!(ContextMemory {
            Working(WorkingMemory) = 0 "WorkingMemory", Episodic(EpisodicMemory) = 1 "EpisodicMemory",
            Semantic(SemanticMemory) = 2 "SemanticMemory", Procedural(ProceduralMemory) = 3 "ProceduralMemory",
        });
    }
    mod gradient {
        plain!(GradientPattern { BlockDiagonal = 0 "BLOCK_DIAGONAL", LowRank = 1 "LOW_RANK", Banded = 2 "BANDED" });
        record!(DenseGradient { grad: List<f32> = "grad" });
        record!(SparseGradient { indices: List<u32> = "indices", values: List<f32> = "values" });
        record!(TernaryGradient { accumulated: f32 = "accumulated", threshold: f32 = "threshold" });
        record!(StructuredGradient { pattern: GradientPattern = "pattern", data: Vec<u8> = "data" });
        choice!(GradientFlow {
            Dense(DenseGradient) = 0 "DenseGradient", Sparse(SparseGradient) = 1 "SparseGradient",
            Ternary(TernaryGradient) = 2 "TernaryGradient", Structured(StructuredGradient) = 3 "StructuredGradient",
        });
    }
    mod quantum {
        plain!(PauliBasis { X = 0 "X", Y = 1 "Y", Z = 2 "Z" });
        record!(ParameterizedGate { angles: List<f32> = "angles", qubits: List<u32> = "qubits" });
        record!(Measurement { basis: PauliBasis = "basis", classical_post: List<f32> = "classicalPost" });
        record!(VariationalCircuit { ansatz: String = "ansatz", parameters: List<f32> = "parameters" });
        choice!(QuantumLayer {
            Gate(ParameterizedGate) = 0 "ParameterizedGate", Measurement(Measurement) = 1 "Measurement",
            Circuit(VariationalCircuit) = 2 "VariationalCircuit",
        });
    }
    mod ssm {
        record!(Matrix { rows: u32 = "rows", cols: u32 = "cols", values: List<f32> = "values" });
        record!(DiagonalA { values: List<f32> = "values" });
        record!(InputProjection { b: Matrix = "b" });
        record!(OutputProjection { c: Matrix = "c" });
        record!(DeltaParameter { dt: f32 = "dt" });
        choice!(SSMComponent {
            DiagonalA(DiagonalA) = 0 "DiagonalA", InputProjection(InputProjection) = 1 "InputProjection",
            OutputProjection(OutputProjection) = 2 "OutputProjection", DeltaParameter(DeltaParameter) = 3 "DeltaParameter",
        });
    }
    mod mamba {
        record!(Matrix { rows: u32 = "rows", cols: u32 = "cols", values: List<f32> = "values" });
        record!(StateUpdate { a: List<f32> = "a", b: Matrix = "b", state: List<f32> = "state" });
        record!(OutputProjection { c: Matrix = "c", d: f32 = "d" });
        record!(GateComputation { input_proj: Matrix = "inputProj", gate_proj: Matrix = "gateProj" });
        choice!(MambaLayer {
            StateUpdate(StateUpdate) = 0 "StateUpdate", Output(OutputProjection) = 1 "OutputProjection",
            Gate(GateComputation) = 2 "GateComputation",
        });
    }
    mod sensor {
        record!(AccelerometerReading { mps2: [f32; 3] = "mps2", t: u64 = "t" });
        record!(GyroscopeReading { radps: [f32; 3] = "radps", t: u64 = "t" });
        record!(MagnetometerReading { tesla: [f64; 3] = "tesla", t: u64 = "t" });
        choice!(SensorData {
            Accelerometer(AccelerometerReading) = 0 "AccelerometerReading", Gyroscope(GyroscopeReading) = 1 "GyroscopeReading",
            Magnetometer(MagnetometerReading) = 2 "MagnetometerReading",
        });
    }
    mod layer {
        record!(TernaryWeight { packed_values: List<u64> = "packedValues", scale: f32 = "scale" });
        record!(Dense { weights: TernaryWeight = "weights", bias: List<f32> = "bias" });
        record!(Attention { q: TernaryWeight = "qWeights", k: TernaryWeight = "kWeights", v: TernaryWeight = "vWeights" });
        choice!(Layer { Dense(Dense) = 0 "Dense", Attention(Attention) = 1 "Attention" });
    }
    mod spiking {
        record!(LIF { threshold: f32 = "threshold", decay: f32 = "decay", refractory: u64 = "refractory" });
        record!(Izhikevich { a: f32 = "a", b: f32 = "b", c: f32 = "c", d: f32 = "d" });
        record!(SpikeResponse { kernel: List<f32> = "kernel", adaptation: List<f32> = "adaptation" });
        choice!(SpikingNeuron { Lif(LIF) = 0 "LIF", Izhikevich(Izhikevich) = 1 "Izhikevich", Response(SpikeResponse) = 2 "SpikeResponse" });
    }
    mod precision {
        record!(StandardPrecision { grad: List<f32> = "grad" });
        record!(ExtendedPrecision { grad: [u8; 16] = "grad" });
        record!(LazyAccumulated { terms: List<f64> = "terms" });
        choice!(PrecisionGradient {
            Standard(StandardPrecision) = 0 "StandardPrecision", Extended(ExtendedPrecision) = 1 "ExtendedPrecision",
            Lazy(LazyAccumulated) = 2 "LazyAccumulated",
        });
    }
    mod weight {
        record!(Ternary { value: i8 = "value", scale: f32 = "scale" });
        record!(Binary { bit: bool = "bit", scale: f32 = "scale" });
        record!(Quantized { bits: i32 = "bits", value: i32 = "value", scale: f32 = "scale" });
        choice!(MatmulFreeWeight { Ternary(Ternary) = 0 "Ternary", Binary(Binary) = 1 "Binary", Quantized(Quantized) = 2 "Quantized" });
        choice!(Tagged { Ternary(Ternary) = 1 "Ternary", Binary(Binary) = 128 "Binary", Quantized(Quantized) = 1000 "Quantized" });
    }
    mod nested {
        record!(A { v: u8 = "v" });
        record!(B { a: A = "a", n: Uint = "n" });
        record!(C { b: B = "b", l: List<B> = "l" });
        record!(Root { c: C = "c", m: Map<String, C> = "m" });
        choice!(Leaf { Byte(u8) = 0 "u8", Void = 1 "void" });
        choice!(Mid { Leaf(Leaf) = 0 "Leaf", Str(String) = 1 "str" });
        choice!(Unions { Mid(Mid) = 1 "Mid", Leaf(Leaf) = 200 "Leaf" });
    }
    mod structs {
        record!(In { p: i16 = "p", q: [u8; 2] = "q" });
        record!(Root { a: In = "a", b: List<In> = "b", c: Option<In> = "c" });
        record!(OneField { a: u8 = "a" });
        record!(X { x: f32 = "x" });
        record!(Z { z: u16 = "z" });
        record!(K { k: Z = "k" });
        record!(Anonymous { inner: X = "inner", tag: K = "tag" });
        record!(Commented { x: u8 = "x", y: u8 = "y" });
        record!(Two { a: u8 = "a", b: u32 = "b" });
        record!(Wide { a: u64 = "a", b: f64 = "b" });
    }
    mod unions {
        record!(X { x: f32 = "x" });
        record!(Y { y: f64 = "y" });
        choice!(FarTags { A(X) = 300 "A", B(Y) = 16384 "B" });
        record!(V1 { a: u8 = "a" });
        record!(V2 { a: u8 = "a", b: String = "b" });
        record!(V3 { b: String = "b" });
        choice!(First { V1(V1) = 0 "V1" });
        choice!(Second { V2(V2) = 1 "V2" , V3(V3) = 2 "V3" });
        choice!(OnlyV2 { V2(V1) = 1 "V2" });
        choice!(Voids { Empty = 0 "Empty", A(u16) = 127 "A", Gone = 128 "Gone" });
        record!(Byte { x: u8 = "x" });
        record!(Text { s: String = "s" });
        choice!(WithVoid { A(Byte) = 0 "A", B(Text) = 1 "B", Void = 2 "void" });
        choice!(VoidFirst { Void = 0 "void", A(Text) = 1 "A" });
        record!(V { v: u32 = "v" });
        choice!(Alias { A(V) = 0 "A", B(V) = 1 "B" });
        choice!(Primitives { Byte(u8) = 0 "u8", Str(String) = 1 "str", List(List<f32>) = 2 "list<f32>", Flag(Option<bool>) = 3 "optional<bool>" });
        choice!(Numbers { A(u8) = 1 "A", B(u16) = 300 "B" });
        choice!(ByteOrVoid { Byte(u8) = 0 "u8", Void = 1 "void" });
        choice!(ByteOrStr { Byte(u8) = 0 "u8", Str(String) = 1 "str" });
    }
    mod enums {
        plain!(E { A = 0 "A", B = 130 "B" });
        plain!(AB { A = 0 "A", B = 1 "B" });
        plain!(ABC { A = 0 "A", B = 1 "B", C = 2 "C" });
        plain!(Gaps { A = 5 "A", B = 6 "B", C = 10 "C", D = 11 "D" });
        plain!(FiveTen { A = 5 "A", B = 10 "B" });
        plain!(Far { A = 0 "A", B = 4294967295 "B" });
        plain!(At127 { A = 127 "A", B = 128 "B" });
        impl Key for E {
            fn same_view<'o, 'w: 'o, P: Copy + 'static, Q: Copy + 'static>(view: EView) -> EView {
                view
            }
        }
        impl Key for AB {
            fn same_view<'o, 'w: 'o, P: Copy + 'static, Q: Copy + 'static>(view: ABView) -> ABView {
                view
            }
        }
    }
}

type Check = Result<(), String>;

/// A schema of the file and what its type does with a message.
struct Case {
    schema: &'static str,
    root: &'static str,
    valid: fn(&[u8], &Value) -> Check,
    invalid: fn(&[u8]) -> Check,
    text: String,
}

fn case<T: Wire + Json>(schema: &'static str, root: &'static str) -> Case {
    Case { schema, root, valid: valid::<T>, invalid: invalid::<T>, text: schema_text::<T>() }
}

fn ensure(fact: bool, otherwise: impl FnOnce() -> String) -> Check {
    if fact { Ok(()) } else { Err(otherwise()) }
}

fn valid<T: Wire + Json>(bytes: &[u8], json: &Value) -> Check {
    let value = from_message::<T>(bytes).map_err(|error| error.to_string())?;
    ensure(value.matches(json), || format!("decoded to another value than {json}"))?;
    let again = to_message(&value);
    ensure(again[..] == *bytes, || format!("encoded as {}", hex(&again)))?;
    let mut aligned = AlignedBuf::copy_from(bytes);
    view_message::<T>(&aligned, &Index::new()).map_err(|error| format!("view: {error}"))?;
    view_message_mut::<T>(&mut aligned).map_err(|error| format!("view_mut: {error}"))?;
    for cut in 0..bytes.len() {
        ensure(from_message::<T>(&bytes[..cut]).is_err(), || format!("accepted its first {cut} octets"))?;
    }
    Ok(())
}

fn invalid<T: Wire>(bytes: &[u8]) -> Check {
    let Err(error) = from_message::<T>(bytes).map(drop) else { return Err("decode accepted it".into()) };
    ensure(error.offset() <= bytes.len() as u64, || format!("an offset outside: {error}"))?;
    let mut aligned = AlignedBuf::copy_from(bytes);
    ensure(view_message::<T>(&aligned, &Index::new()).is_err(), || "view accepted it".into())?;
    ensure(view_message_mut::<T>(&mut aligned).is_err(), || "view_mut accepted it".into())
}

/// One space between words, no comments.
fn normal(schema: &str) -> String {
    let lines = schema.lines().map(|line| line.split('#').next().unwrap_or(""));
    lines.flat_map(str::split_whitespace).collect::<Vec<_>>().join(" ")
}

macro_rules! roots {
    ($($text:literal => $ty:ty,)*) => { vec![$(case::<$ty>(concat!("type Root ", $text), "Root")),*] };
}

fn cases() -> Vec<Case> {
    let mut cases = roots! {
        "uint" => Uint, "int" => Int, "bool" => bool, "str" => String, "data" => Vec<u8>, "data[4]" => [u8; 4], "data[16]" => [u8; 16],
        "u8" => u8, "u16" => u16, "u32" => u32, "u64" => u64, "i8" => i8, "i16" => i16, "i32" => i32, "i64" => i64,
        "f32" => f32, "f64" => f64,
        "optional<u8>" => Option<u8>, "optional<u16>" => Option<u16>, "optional<u32>" => Option<u32>,
        "optional<str>" => Option<String>, "optional<optional<u8>>" => Option<Option<u8>>, "optional<list<f32>>" => Option<List<f32>>,
        "list<u8>" => List<u8>, "list<u16>" => List<u16>, "list<u32>" => List<u32>, "list<u64>" => List<u64>,
        "list<f32>" => List<f32>, "list<f64>" => List<f64>, "list<uint>" => Vec<Uint>, "list<int>" => Vec<Int>,
        "list<str>" => Vec<String>, "list<data>" => Vec<Vec<u8>>, "list<list<u8>>" => List<List<u8>>,
        "list<list<list<u8>>>" => List<List<List<u8>>>,
        "list<u8>[1]" => [u8; 1], "list<u8>[130]" => [u8; 130], "list<str>[3]" => [String; 3],
        "list<list<u16>[3]>[2]" => [[u16; 3]; 2], "list<list<i8>>[2]" => [List<i8>; 2],
        "list<struct { a: u64 b: f64 }>" => List<structs::Wide>,
        "map<str><u32>" => Map<String, u32>, "map<str><u8>" => Map<String, u8>, "map<u8><str>" => Map<u8, String>,
        "map<uint><data>" => Map<Uint, Vec<u8>>, "map<uint><u8>" => Map<Uint, u8>, "map<int><list<u16>>" => Map<Int, List<u16>>,
        "map<u16><map<u8><bool>>" => Map<u16, Map<u8, bool>>,
        "struct { a: u8 }" => structs::OneField, "struct { a: u8 b: u32 }" => structs::Two, "struct { x: u8 y: u8 }" => structs::Commented,
        "struct { inner: struct { x: f32 } tag: struct { k: struct { z: u16 } } }" => structs::Anonymous,
        "union { u8 | str | list<f32> | optional<bool> }" => unions::Primitives,
        "union { u8 | void }" => unions::ByteOrVoid, "union { u8 | str }" => unions::ByteOrStr,
        "enum { A B }" => enums::AB, "enum { A B C }" => enums::ABC, "enum { A = 5 B C = 10 D }" => enums::Gaps,
        "enum { A = 5 B = 10 }" => enums::FiveTen, "enum { A B = 4294967295 }" => enums::Far, "enum { A = 127 B }" => enums::At127,
    };
    let weight = "type Ternary struct { value: i8 scale: f32 } type Binary struct { bit: bool scale: f32 } type Quantized struct { bits: i32 value: i32 scale: f32 } type MatmulFreeWeight union ";
    let tagged: &'static str = format!("{weight}{{ Ternary = 1 | Binary = 128 | Quantized = 1000 }}").leak();
    let weights: &'static str =
        format!("{weight}{{ Ternary | Binary | Quantized }} type Weights list<MatmulFreeWeight>").leak();
    let weight: &'static str = format!("{weight}{{ Ternary | Binary | Quantized }}").leak();
    cases.extend([
        case::<weight::MatmulFreeWeight>(weight, "MatmulFreeWeight"),
        case::<weight::Tagged>(tagged, "MatmulFreeWeight"),
        case::<List<weight::MatmulFreeWeight>>(weights, "Weights"),
        case::<Map<enums::E, u8>>("type E enum { A B = 130 } type Root map<E><u8>", "Root"),
        case::<Map<enums::AB, u8>>("type E enum { A B } type Root map<E><u8>", "Root"),
        case::<unions::FarTags>("type A struct { x: f32 } type B struct { y: f64 } type Root union { A = 300 | B = 16384 }", "Root"),
        case::<unions::First>("type V1 struct { a: u8 } type Root union { V1 }", "Root"),
        case::<unions::Second>("type V2 struct { a: u8 b: str } type V3 struct { b: str } type Root union { V2 = 1 | V3 }", "Root"),
        case::<unions::OnlyV2>("type V2 struct { a: u8 } type Root union { V2 = 1 }", "Root"),
        case::<unions::Voids>("type Empty void type Gone void type A u16 type Root union { Empty | A = 127 | Gone }", "Root"),
        case::<unions::WithVoid>("type A struct { x: u8 } type B struct { s: str } type Root union { A | B | void }", "Root"),
        case::<unions::VoidFirst>("type A struct { s: str } type Root union { void | A }", "Root"),
        case::<unions::Alias>("type A struct { v: u32 } type B A type Root union { A | B }", "Root"),
        case::<unions::Numbers>("type A u8 type B u16 type Root union { A = 1 | B = 300 }", "Root"),
        case::<nested::Root>("type A struct { v: u8 } type B struct { a: A n: uint } type C struct { b: B l: list<B> } type Root struct { c: C m: map<str><C> }", "Root"),
        case::<nested::Unions>("type Leaf union { u8 | void } type Mid union { Leaf | str } type Root union { Mid = 1 | Leaf = 200 }", "Root"),
        case::<structs::Root>("type In struct { p: i16 q: data[2] } type Root struct { a: In b: list<In> c: optional<In> }", "Root"),
    ]);
    // the large ones by their root's name, which is theirs alone
    let by_root: [(&str, fn(&'static str, &'static str) -> Case); 10] = [
        ("File", case::<file::File>),
        ("EfficientAttention", case::<attention::EfficientAttention>),
        ("ContextMemory", case::<memory::ContextMemory>),
        ("GradientFlow", case::<gradient::GradientFlow>),
        ("QuantumLayer", case::<quantum::QuantumLayer>),
        ("SSMComponent", case::<ssm::SSMComponent>),
        ("MambaLayer", case::<mamba::MambaLayer>),
        ("SensorData", case::<sensor::SensorData>),
        ("Layer", case::<layer::Layer>),
        ("SpikingNeuron", case::<spiking::SpikingNeuron>),
    ];
    cases.extend(by_root.map(|(root, case)| case("", root)));
    cases.push(case::<precision::PrecisionGradient>("", "PrecisionGradient"));
    cases
}

#[test]
fn golden_messages() {
    let file: Value = serde_json::from_str(include_str!("fixtures/bare.json")).unwrap();
    let cases = cases();
    let (mut left, mut failed, mut same_schema) = (Vec::new(), Vec::new(), 0);
    let mut covered = [0, 0];
    for (kind, part) in ["valid", "invalid"].into_iter().enumerate() {
        for message in file[part].as_array().unwrap() {
            let [id, schema, root, text] = ["id", "schema", "root", "hex"].map(|key| message[key].as_str().unwrap());
            let schema = normal(schema);
            let found = cases
                .iter()
                .find(|case| case.root == root && (case.schema.is_empty() || normal(case.schema) == schema));
            let Some(case) = found else {
                left.push(format!("{id} ({schema})"));
                continue;
            };
            let bytes = unhex(text);
            let result = if part == "valid" { (case.valid)(&bytes, &message["value"]) } else { (case.invalid)(&bytes) };
            if let Err(why) = result {
                failed.push(format!("{id}: {why} ({schema})"));
            }
            covered[kind] += 1;
            same_schema += usize::from(normal(&case.text) == schema);
        }
    }
    println!("covered {} valid and {} invalid messages; {} left", covered[0], covered[1], left.len());
    println!("{same_schema} of them with exactly the schema text that the type prints");
    left.iter().for_each(|id| println!("left: {id}"));
    assert!(failed.is_empty(), "{} messages failed:\n{}", failed.len(), failed.join("\n"));
    assert_eq!((covered, left.len()), ([188, 71], 0), "all of them have a type");
}
