use core::fmt;
use std::sync::OnceLock;

/// An instruction set that this CPU has, as a value.
///
/// Kernels take one by value and match on it once a call. `Avx2` and `Avx512` hold a token that
/// only detection can make, so holding one proves that the CPU can run that path; this is the
/// whole safety argument of every call from safe code into a `#[target_feature]` function.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Isa {
    /// The formula in plain loops, sums of floats in f64. Slow; for tests.
    Reference,
    /// Plain Rust, whatever the compilation target has.
    Portable,
    /// x86-64 with AVX2 and FMA.
    #[cfg(target_arch = "x86_64")]
    Avx2(Avx2),
    /// x86-64 with AVX-512 F, BW, VL, DQ, VBMI and VNNI (Ice Lake, Zen 4 and later).
    #[cfg(target_arch = "x86_64")]
    Avx512(Avx512),
    /// AArch64 with NEON and the dot product instructions (Armv8.2 and later).
    #[cfg(target_arch = "aarch64")]
    Neon(Neon),
}

/// Proof that this CPU has AVX2 and FMA.
#[cfg(target_arch = "x86_64")]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Avx2(());

/// Proof that this CPU has AVX-512 F, BW, VL, DQ, VBMI and VNNI, and also AVX2 and FMA.
#[cfg(target_arch = "x86_64")]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Avx512(());

#[cfg(target_arch = "x86_64")]
impl Avx2 {
    /// Asks the CPU.
    pub fn detect() -> Option<Self> {
        (is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma")).then_some(Self(()))
    }
}

#[cfg(target_arch = "x86_64")]
impl Avx512 {
    /// Asks the CPU.
    pub fn detect() -> Option<Self> {
        (Avx2::detect().is_some()
            && is_x86_feature_detected!("avx512f")
            && is_x86_feature_detected!("avx512bw")
            && is_x86_feature_detected!("avx512vl")
            && is_x86_feature_detected!("avx512dq")
            && is_x86_feature_detected!("avx512vbmi")
            && is_x86_feature_detected!("avx512vnni"))
        .then_some(Self(()))
    }
}

#[cfg(target_arch = "x86_64")]
impl Avx512 {
    /// The proof of AVX2 and FMA that is part of this one.
    pub const fn avx2(self) -> Avx2 {
        Avx2(())
    }
}

/// Proof that this CPU has NEON and the dot product instructions.
#[cfg(target_arch = "aarch64")]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Neon(());

#[cfg(target_arch = "aarch64")]
impl Neon {
    /// Asks the CPU.
    pub fn detect() -> Option<Self> {
        (std::arch::is_aarch64_feature_detected!("neon") && std::arch::is_aarch64_feature_detected!("dotprod"))
            .then_some(Self(()))
    }
}

/// The environment variable `BAREWIRE_ISA` asks for something that cannot be given.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IsaError {
    asked: String,
    known: bool,
}

impl fmt::Display for IsaError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let asked = &self.asked;
        if self.known {
            write!(f, "BAREWIRE_ISA is `{asked}`, which this CPU does not have")?;
        } else {
            write!(f, "BAREWIRE_ISA is `{asked}`, which is not a known name")?;
        }
        write!(f, "; available:")?;
        for isa in Isa::available() {
            write!(f, " {}", isa.name())?;
        }
        Ok(())
    }
}

impl core::error::Error for IsaError {}

impl Isa {
    /// Every name that `BAREWIRE_ISA` understands, slowest first.
    pub const NAMES: [&'static str; 5] = ["reference", "portable", "avx2", "avx512", "neon"];

    /// The fastest instruction set of this CPU, or the one that `BAREWIRE_ISA` names. Decided on
    /// the first call and kept.
    ///
    /// A value of `BAREWIRE_ISA` that is unknown or that this CPU lacks is reported once on
    /// standard error, and detection decides. A program that would rather stop asks
    /// [`Isa::forced`] first.
    pub fn best() -> Self {
        static BEST: OnceLock<Isa> = OnceLock::new();
        *BEST.get_or_init(|| match Self::forced() {
            Ok(Some(isa)) => isa,
            Ok(None) => Self::detected(),
            Err(error) => {
                let isa = Self::detected();
                eprintln!("barewire: {error}; using {}", isa.name());
                isa
            }
        })
    }

    /// What `BAREWIRE_ISA` asks for: `None` if it is not set or empty.
    ///
    /// # Errors
    /// [`IsaError`] if the name is unknown or this CPU lacks it.
    pub fn forced() -> Result<Option<Self>, IsaError> {
        match std::env::var_os("BAREWIRE_ISA") {
            Some(name) if !name.is_empty() => Self::from_name(&name.to_string_lossy()).map(Some),
            _ => Ok(None),
        }
    }

    /// The instruction set of that name, if this CPU has it.
    ///
    /// # Errors
    /// [`IsaError`] if the name is unknown or this CPU lacks it.
    pub fn from_name(name: &str) -> Result<Self, IsaError> {
        Self::available()
            .find(|isa| isa.name() == name)
            .ok_or_else(|| IsaError { asked: name.to_owned(), known: Self::NAMES.contains(&name) })
    }

    /// Every instruction set that this CPU has, slowest first; always starts with `Reference`
    /// and `Portable`.
    pub fn available() -> impl Iterator<Item = Self> {
        #[cfg(target_arch = "x86_64")]
        let native = [Avx2::detect().map(Self::Avx2), Avx512::detect().map(Self::Avx512)];
        #[cfg(target_arch = "aarch64")]
        let native = [Neon::detect().map(Self::Neon)];
        #[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
        let native: [Option<Self>; 0] = [];
        [Self::Reference, Self::Portable].into_iter().chain(native.into_iter().flatten())
    }

    /// The name that `BAREWIRE_ISA` and reports use.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Reference => "reference",
            Self::Portable => "portable",
            #[cfg(target_arch = "x86_64")]
            Self::Avx2(_) => "avx2",
            #[cfg(target_arch = "x86_64")]
            Self::Avx512(_) => "avx512",
            #[cfg(target_arch = "aarch64")]
            Self::Neon(_) => "neon",
        }
    }

    fn detected() -> Self {
        Self::available().last().unwrap_or(Self::Portable)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_understood() {
        for isa in Isa::available() {
            assert_eq!(Isa::from_name(isa.name()), Ok(isa));
            assert!(Isa::NAMES.contains(&isa.name()));
        }
    }

    #[test]
    fn an_unknown_name_is_told_from_a_missing_instruction_set() {
        let error = Isa::from_name("avx1024").unwrap_err().to_string();
        assert!(error.contains("`avx1024`, which is not a known name; available: reference"));
        let error = IsaError { asked: "avx512".into(), known: true };
        assert!(error.to_string().contains("`avx512`, which this CPU does not have"));
    }
}
