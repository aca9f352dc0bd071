//! One ternary matrix in every storage form: `trits` i8 `[rows, cols]`, `scale` f32 `[1]`, and bytes named
//! `hf_u8`, `tq1_0`, `tq2_0`, `i2_s_x86`, `i2_s_neon`, `i2_s_rows4`.

use std::path::Path;

use barewire::kernels::KernelError;
use barewire::kernels::ternary::forms::i2_s::Order;
use barewire::kernels::ternary::forms::{hf_u8, i2_s, tq1_0, tq2_0};
use barewire::kernels::ternary::{pack_i8, words_len};

use super::report::Report;
use super::tensors::Tensors;
use crate::Failure;

/// The matrix in the words of this crate.
struct Matrix {
    words: Vec<u64>,
    rows: usize,
    cols: usize,
    scale: f32,
}

type Packed = Result<Vec<u8>, KernelError>;
type Unpacked = Result<Option<f32>, KernelError>;

/// A storage form.
struct Form {
    /// Its name in the file.
    name: &'static str,
    /// From words to bytes.
    pack: fn(&Matrix) -> Packed,
    /// And back, with the scale if the form has one.
    unpack: fn(&Matrix, &[u8], &mut [u64]) -> Unpacked,
}

const FORMS: [Form; 6] = [
    Form {
        name: "hf_u8",
        pack: |m| filled(hf_u8::len(m.rows, m.cols)?, |out| hf_u8::pack(&m.words, m.rows, m.cols, out)),
        unpack: |m, bytes, words| hf_u8::unpack(bytes, m.rows, m.cols, words).map(|()| None),
    },
    Form {
        name: "tq1_0",
        pack: |m| filled(tq1_0::len(m.rows, m.cols)?, |out| tq1_0::pack(&m.words, m.rows, m.cols, m.scale, out)),
        unpack: |m, bytes, words| tq1_0::unpack(bytes, m.rows, m.cols, words).map(Some),
    },
    Form {
        name: "tq2_0",
        pack: |m| filled(tq2_0::len(m.rows, m.cols)?, |out| tq2_0::pack(&m.words, m.rows, m.cols, m.scale, out)),
        unpack: |m, bytes, words| tq2_0::unpack(bytes, m.rows, m.cols, words).map(Some),
    },
    Form {
        name: "i2_s_x86",
        pack: |m| i2_s_pack(Order::X86, m),
        unpack: |m, bytes, words| i2_s_unpack(Order::X86, m, bytes, words),
    },
    Form {
        name: "i2_s_neon",
        pack: |m| i2_s_pack(Order::Arm, m),
        unpack: |m, bytes, words| i2_s_unpack(Order::Arm, m, bytes, words),
    },
    Form {
        name: "i2_s_rows4",
        pack: |m| i2_s_pack(Order::Rows4, m),
        unpack: |m, bytes, words| i2_s_unpack(Order::Rows4, m, bytes, words),
    },
];

fn filled(len: usize, fill: impl FnOnce(&mut [u8]) -> Result<(), KernelError>) -> Packed {
    let mut bytes = vec![0xAA; len];
    fill(&mut bytes)?;
    Ok(bytes)
}

fn i2_s_pack(order: Order, m: &Matrix) -> Packed {
    filled(i2_s::len(order, m.rows, m.cols)?, |out| i2_s::pack(order, &m.words, m.rows, m.cols, m.scale, out))
}

fn i2_s_unpack(order: Order, m: &Matrix, bytes: &[u8], words: &mut [u64]) -> Unpacked {
    i2_s::unpack(order, bytes, m.rows, m.cols, words).map(Some)
}

/// Reads every form that the file has into words, and writes words into that form again.
pub(super) fn run(file: &Path, report: &mut Report) -> Result<(), Failure> {
    let tensors = Tensors::read(file)?;
    let inside = |error: String| format!("{}: {error}", file.display());
    let m = matrix(&tensors).map_err(inside)?;
    for Form { name, pack, unpack } in FORMS {
        let Ok(bytes) = tensors.bytes(name) else {
            report.skipped(name, "not in the file");
            continue;
        };
        report.checked(&format!("{name} to words"), read(&m, bytes, unpack));
        report.checked(&format!("words to {name}"), written(&m, bytes, pack));
    }
    Ok(())
}

fn matrix(tensors: &Tensors) -> Result<Matrix, Failure> {
    let [rows, cols] = tensors.shape("trits")?;
    let digits: Vec<i8> = tensors.get("trits")?.values.iter().map(|&v| v as i8).collect();
    let scale = *tensors.f32("scale")?.first().ok_or("`scale` is empty")?;
    let kernel = |error: KernelError| error.to_string();
    let mut words = vec![0; words_len(rows, cols).map_err(kernel)?];
    pack_i8(rows, cols, &digits, &mut words).map_err(kernel)?;
    Ok(Matrix { words, rows, cols, scale })
}

fn read(m: &Matrix, bytes: &[u8], unpack: fn(&Matrix, &[u8], &mut [u64]) -> Unpacked) -> Result<(), String> {
    let mut words = vec![0; m.words.len()];
    let scale = unpack(m, bytes, &mut words).map_err(|error| error.to_string())?;
    let different = words.iter().zip(&m.words).filter(|(a, b)| a != b).count();
    if different > 0 {
        return Err(format!("{different} of {} words differ", words.len()));
    }
    match scale {
        Some(scale) if scale != m.scale => Err(format!("the scale is {scale}, expected {}", m.scale)),
        _ => Ok(()),
    }
}

fn written(m: &Matrix, bytes: &[u8], pack: fn(&Matrix) -> Packed) -> Result<(), String> {
    let found = pack(m).map_err(|error| error.to_string())?;
    match found.iter().zip(bytes).position(|(a, b)| a != b) {
        Some(at) => Err(format!("byte {at} is {:#04x}, expected {:#04x}", found[at], bytes[at])),
        None if found.len() != bytes.len() => Err(format!("{} bytes, expected {}", found.len(), bytes.len())),
        None => Ok(()),
    }
}
