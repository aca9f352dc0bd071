//! Matrices of codes of 2 to 8 bits.

use alloc::format;
use alloc::vec::Vec;

use zerocopy::byteorder::little_endian as le;

use super::buffer::AlignedVec;
use super::error::{DecodeError, ValueError};
use super::index::Index;
use super::list::{Element, Walked};
use super::matrix::{check_len, dims, read_dims};
use super::packed::{given, payload, room, row_major, row_problem, row_words};
use super::reader::Reader;
use super::reader_mut::ReaderMut;
use super::schema::{SchemaBuilder, TypeRef};
use super::writer::Writer;
use super::{ALIGN, Wire};

/// Codes of 2 to 8 bits with one scale and one zero point: `value = scale * (code - zero)`.
///
/// The code of column `col` is bits `col * bits ..` of its row, lowest first, across word boundaries where it falls so; a row is
/// `ceil(cols * bits / 64)` words, and bits after the last column are 0.
///
/// On the wire `struct { rows: u32 cols: u32 bits: u8 scale: f32 zero: f32 pad: data words: list<u64> }`.
///
/// ```
/// # use barewire_core::wire::QuantizedMatrix;
/// let m = QuantizedMatrix::from_codes(1, 2, 4, 0.5, 8.0, &[9, 6]).unwrap();
/// assert_eq!((m.value(0, 0), m.value(0, 1)), (0.5, -1.0));
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct QuantizedMatrix {
    rows: u32,
    cols: u32,
    bits: u8,
    scale: f32,
    zero: f32,
    words: AlignedVec<u64>,
}

/// Bits of a code that the format allows.
fn width(rows: usize, cols: usize, bits: u8) -> Result<(), ValueError> {
    if (2..=8).contains(&bits) {
        return Ok(());
    }
    Err(ValueError::new("bits", rows, cols, "2 to 8 bits a code", format!("{bits}")))
}

impl QuantizedMatrix {
    /// A matrix of codes below `2^bits`, row by row.
    ///
    /// # Errors
    /// Bits outside 2 to 8, another number of codes, a code that needs more bits, or sizes above 32 bits.
    pub fn from_codes(
        rows: usize,
        cols: usize,
        bits: u8,
        scale: f32,
        zero: f32,
        codes: &[u8],
    ) -> Result<Self, ValueError> {
        let (r, c) = dims("codes", rows, cols)?;
        width(rows, cols, bits)?;
        given("codes", "codes", rows, cols, rows as u128 * cols as u128, codes.len())?;
        let mut words = AlignedVec::<u64>::zeroed(room("codes", rows, cols, row_words(r, c, bits))?);
        for (at, &code) in codes.iter().enumerate() {
            if u32::from(code) >> bits != 0 {
                return Err(ValueError::new(
                    "codes",
                    rows,
                    cols,
                    format!("codes of {bits} bits"),
                    format!("{code} at {at}"),
                ));
            }
            let (word, shift) = row_major(c, bits, at / cols, at % cols);
            words[word] |= u64::from(code) << shift;
            if shift + u32::from(bits) > 64 {
                words[word + 1] |= u64::from(code) >> (64 - shift);
            }
        }
        Ok(Self { rows: r, cols: c, bits, scale, zero, words })
    }

    /// A matrix of packed words.
    ///
    /// # Errors
    /// Bits outside 2 to 8, another number of words, padding that is not zero, or sizes above 32 bits.
    pub fn from_words(
        rows: usize,
        cols: usize,
        bits: u8,
        scale: f32,
        zero: f32,
        words: impl Into<AlignedVec<u64>>,
    ) -> Result<Self, ValueError> {
        let words = words.into();
        let (r, c) = dims("words", rows, cols)?;
        width(rows, cols, bits)?;
        given("words", "words", rows, cols, row_words(r, c, bits), words.len())?;
        if let Some((at, expected)) = row_problem(cols, bits.into(), &words) {
            return Err(ValueError::new("words", rows, cols, expected, format!("word {at} = {:#018x}", words[at])));
        }
        Ok(Self { rows: r, cols: c, bits, scale, zero, words })
    }

    /// Number of rows.
    pub fn rows(&self) -> usize {
        self.rows as usize
    }

    /// Number of columns.
    pub fn cols(&self) -> usize {
        self.cols as usize
    }

    /// Bits of a code, 2 to 8.
    pub fn bits(&self) -> u8 {
        self.bits
    }

    /// The value of one step.
    pub fn scale(&self) -> f32 {
        self.scale
    }

    /// The code that means 0; it need not be a whole number.
    pub fn zero(&self) -> f32 {
        self.zero
    }

    /// The packed words, row by row.
    pub fn words(&self) -> &[u64] {
        &self.words
    }

    /// One code.
    ///
    /// # Panics
    /// If there is no such row or column, as indexing does.
    pub fn code(&self, row: usize, col: usize) -> u8 {
        assert!(row < self.rows() && col < self.cols(), "no code at row {row}, column {col}");
        let (word, shift) = row_major(self.cols, self.bits, row, col);
        let mut code = self.words[word] >> shift;
        if shift + u32::from(self.bits) > 64 {
            code |= self.words[word + 1] << (64 - shift);
        }
        (code & ((1 << self.bits) - 1)) as u8
    }

    /// `scale * (code - zero)`.
    ///
    /// # Panics
    /// As [`code`](Self::code).
    pub fn value(&self, row: usize, col: usize) -> f32 {
        self.scale * (f32::from(self.code(row, col)) - self.zero)
    }
}

/// A borrowed [`QuantizedMatrix`].
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct QuantizedView<'w, P = f32> {
    /// number of rows
    pub rows: usize,
    /// number of columns
    pub cols: usize,
    /// bits of a code, 2 to 8
    pub bits: u8,
    /// the value of one step
    pub scale: P,
    /// the code that means 0
    pub zero: P,
    /// words, row by row
    pub words: &'w [u64],
}

/// A borrowed [`QuantizedMatrix`] that may be changed, but for its sizes.
#[derive(Debug)]
pub struct QuantizedViewMut<'w> {
    /// number of rows
    pub rows: usize,
    /// number of columns
    pub cols: usize,
    /// bits of a code, 2 to 8
    pub bits: u8,
    /// the value of one step
    pub scale: &'w mut le::F32,
    /// the code that means 0
    pub zero: &'w mut le::F32,
    /// words, row by row
    pub words: &'w mut [u64],
}

fn read_bits(r: &mut Reader<'_>) -> Result<u8, DecodeError> {
    let at = r.offset();
    match u8::decode(r)? {
        bits @ 2..=8 => Ok(bits),
        other => Err(DecodeError::new(at, "2 to 8 bits a code", format!("{other}"))),
    }
}

impl Wire for QuantizedMatrix {
    type View<'w, P: Copy + 'static> = QuantizedView<'w, P>;
    type ViewMut<'w> = QuantizedViewMut<'w>;
    const MIN_LEN: usize = 4 + 4 + 1 + 4 + 4 + 2;
    const ALIGN: usize = ALIGN;
    fn schema(types: &mut SchemaBuilder) -> TypeRef {
        let head = [
            ("rows", TypeRef::U32),
            ("cols", TypeRef::U32),
            ("bits", TypeRef::U8),
            ("scale", TypeRef::F32),
            ("zero", TypeRef::F32),
        ];
        types.padded_struct::<u64>("QuantizedMatrix", &head, "words")
    }
    fn encode(&self, w: &mut Writer) {
        self.rows.encode(w);
        self.cols.encode(w);
        self.bits.encode(w);
        self.scale.encode(w);
        self.zero.encode(w);
        w.padded(&self.words[..]);
    }
    fn decode(r: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let at = r.offset();
        let (rows, cols) = read_dims(r)?;
        let bits = read_bits(r)?;
        let (scale, zero) = (f32::decode(r)?, f32::decode(r)?);
        let words: Vec<u64> = r.padded_copy()?;
        check_len(at, "words", rows, cols, row_words(rows, cols, bits), words.len())?;
        if r.checks_payloads() {
            payload(r.offset(), &words, row_problem(cols as usize, bits.into(), &words))?;
        }
        Ok(Self { rows, cols, bits, scale, zero, words: words.into() })
    }
    fn view<'w>(&'w self, _: &'w Index) -> QuantizedView<'w> {
        let Self { bits, scale, zero, ref words, .. } = *self;
        QuantizedView { rows: self.rows(), cols: self.cols(), bits, scale, zero, words }
    }
    fn read<'w>(r: &mut Reader<'w>, _: &'w Index) -> Result<QuantizedView<'w>, DecodeError> {
        let at = r.offset();
        let (rows, cols) = read_dims(r)?;
        let bits = read_bits(r)?;
        let (scale, zero) = (f32::decode(r)?, f32::decode(r)?);
        let words = r.padded()?;
        check_len(at, "words", rows, cols, row_words(rows, cols, bits), words.len())?;
        if r.checks_payloads() {
            payload(r.offset(), words, row_problem(cols as usize, bits.into(), words))?;
        }
        Ok(QuantizedView { rows: rows as usize, cols: cols as usize, bits, scale, zero, words })
    }
    fn read_mut<'w>(r: &mut ReaderMut<'w>) -> Result<QuantizedViewMut<'w>, DecodeError> {
        let at = r.offset();
        let (rows, cols) = r.scan(read_dims)?;
        let bits = r.scan(read_bits)?;
        let (scale, zero) = (f32::read_mut(r)?, f32::read_mut(r)?);
        let words = r.padded::<u64>()?;
        check_len(at, "words", rows, cols, row_words(rows, cols, bits), words.len())?;
        Ok(QuantizedViewMut { rows: rows as usize, cols: cols as usize, bits, scale, zero, words })
    }
}

impl Element for QuantizedMatrix {
    type Kind = Walked;
}
