//! The systems: each writes both payloads and reads them back as its users would.

mod barewire;
mod musli;
mod rkyv;
mod safetensors;
mod serde_bare;
mod vbare;
mod zerocopy;

use crate::clock::Clock;
use crate::data::Data;

pub use self::barewire::{COLUMNS, FILE, MESSAGE, SLOTS};
pub use self::serde_bare::NAME as SERDE_BARE;

/// One system with its memory, which stays warm from round to round.
pub trait System {
    /// One round of payload A.
    fn model(&mut self, data: &Data, clock: &mut Clock);
    /// One round of payload B.
    fn small(&mut self, data: &Data, clock: &mut Clock);
}

/// All of them; barewire first.
pub fn all(data: &Data) -> Vec<Box<dyn System>> {
    vec![
        Box::new(barewire::Barewire::default()),
        Box::new(zerocopy::ByHand::default()),
        Box::new(rkyv::Rkyv::default()),
        Box::new(musli::Musli::default()),
        Box::new(safetensors::Safetensors::default()),
        Box::new(serde_bare::SerdeBare::default()),
        Box::new(vbare::Vbare::new(data)),
    ]
}

/// Why decoding formats do not change octets.
const DECODED: &str = "decode, change, encode again";
/// Why a system does not read one component of octets that it has not checked.
const WHOLE: &str = "checks all or nothing";
