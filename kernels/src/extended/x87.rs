//! The x87 unit, by inline assembly.
//!
//! All blocks follow three rules. The control word is set to 64 significant bits, rounding to nearest and no traps
//! (Linux starts like that, Windows with 53 bits), and put back at the end. All eight registers are clobbered, so the unit's
//! stack is empty on entry, as the calling convention has it. And it is empty again at the end: every block pops what it
//! pushed.

use core::arch::asm;

use super::F80;
use crate::error::KernelError;

/// 64 significant bits, to nearest, all exceptions masked.
static CONTROL: u16 = 0x037f;

/// One block of assembly: the given lines, with the unit set up before and put back after them.
macro_rules! with_unit {
    ([$($line:literal),* $(,)?], $($operands:tt)*) => {
        asm!(
            "fnstcw word ptr [{saved}]",
            "fldcw word ptr [{control}]",
            $($line,)*
            "fldcw word ptr [{saved}]",
            $($operands)*
            out("st(0)") _, out("st(1)") _, out("st(2)") _, out("st(3)") _,
            out("st(4)") _, out("st(5)") _, out("st(6)") _, out("st(7)") _,
            options(nostack),
        )
    };
}

pub(super) fn sum(values: &[f32]) -> Result<F80, KernelError> {
    let (fours, rest) = values.as_chunks::<4>();
    let (mut total, mut saved) = (F80::default(), 0_u16);
    // SAFETY: the first loop reads 16 bytes `fours.len()` times from the start of `fours` on, which are its chunks; the
    // second reads 4 bytes `rest.len()` times, which are the floats of `rest`; neither loop runs for a count of 0. 10 bytes
    // are written to `total`, which has 16, and 2 to `saved`; 2 are read from `CONTROL`. The stack of the unit holds four
    // partial sums and at most one more number, and the last four instructions pop all of them.
    unsafe {
        with_unit!(
            [
                "fldz",
                "fldz",
                "fldz",
                "fldz",
                "test {fours}, {fours}",
                "jz 3f",
                "2:",
                "fld dword ptr [{x}]",
                "faddp st(1), st",
                "fld dword ptr [{x} + 4]",
                "faddp st(2), st",
                "fld dword ptr [{x} + 8]",
                "faddp st(3), st",
                "fld dword ptr [{x} + 12]",
                "faddp st(4), st",
                "add {x}, 16",
                "dec {fours}",
                "jnz 2b",
                "3:",
                // what is left, at most three numbers, goes to partial sums 0, 1 and 2
                "test {rest}, {rest}",
                "jz 4f",
                "fadd dword ptr [{r}]",
                "cmp {rest}, 2",
                "jb 4f",
                "fld dword ptr [{r} + 4]",
                "faddp st(2), st",
                "cmp {rest}, 3",
                "jb 4f",
                "fld dword ptr [{r} + 8]",
                "faddp st(3), st",
                "4:",
                "faddp st(1), st",
                "faddp st(1), st",
                "faddp st(1), st",
                "fstp tbyte ptr [{total}]",
            ],
            x = inout(reg) fours.as_ptr() => _,
            fours = inout(reg) fours.len() => _,
            r = in(reg) rest.as_ptr(),
            rest = in(reg) rest.len(),
            total = in(reg) &raw mut total,
            saved = in(reg) &raw mut saved,
            control = in(reg) &raw const CONTROL,
        );
    }
    Ok(total)
}

pub(super) fn accumulate(acc: &mut [F80], values: &[f32]) -> Result<(), KernelError> {
    let n = acc.len().min(values.len());
    let mut saved = 0_u16;
    // SAFETY: the loop runs `n` times, and not for 0; in turn `i` it reads 4 bytes of `values[i]` and reads and writes 10 of
    // the 16 bytes of `acc[i]`. 2 bytes are written to `saved` and read from `CONTROL`. Each turn pops what it pushed.
    unsafe {
        with_unit!(
            [
                "test {n}, {n}",
                "jz 3f",
                "2:",
                "fld tbyte ptr [{acc}]",
                "fadd dword ptr [{x}]",
                "fstp tbyte ptr [{acc}]",
                "add {acc}, 16",
                "add {x}, 4",
                "dec {n}",
                "jnz 2b",
                "3:",
            ],
            acc = inout(reg) acc.as_mut_ptr() => _,
            x = inout(reg) values.as_ptr() => _,
            n = inout(reg) n => _,
            saved = in(reg) &raw mut saved,
            control = in(reg) &raw const CONTROL,
        );
    }
    Ok(())
}

pub(super) fn add(acc: &mut [F80], other: &[F80]) -> Result<(), KernelError> {
    let n = acc.len().min(other.len());
    let mut saved = 0_u16;
    // SAFETY: as in `accumulate`, with 10 of the 16 bytes of `other[i]`.
    unsafe {
        with_unit!(
            [
                "test {n}, {n}",
                "jz 3f",
                "2:",
                "fld tbyte ptr [{acc}]",
                "fld tbyte ptr [{x}]",
                "faddp st(1), st",
                "fstp tbyte ptr [{acc}]",
                "add {acc}, 16",
                "add {x}, 16",
                "dec {n}",
                "jnz 2b",
                "3:",
            ],
            acc = inout(reg) acc.as_mut_ptr() => _,
            x = inout(reg) other.as_ptr() => _,
            n = inout(reg) n => _,
            saved = in(reg) &raw mut saved,
            control = in(reg) &raw const CONTROL,
        );
    }
    Ok(())
}
