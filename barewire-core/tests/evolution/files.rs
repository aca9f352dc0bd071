//! Files written by hand, under any schema.

use barewire_core::wire::schema::{Kind, Ty};
use barewire_core::wire::walk::{Inside, Place, Visitor, walk_message};
use barewire_core::wire::{DecodeError, Extent, Header, MAGIC, Pads, Types, pad_len, varint_len};
use xxhash_rust::xxh3::xxh3_128_with_seed;

/// Where the root starts: at the largest alignment, whatever the length of these schemas.
const ROOT: u64 = 4096;

fn hash(octets: &[u8]) -> [u8; 32] {
    let mut hash = [0; 32];
    hash[..16].copy_from_slice(&xxh3_128_with_seed(octets, 0).to_be_bytes());
    hash[16..].copy_from_slice(&xxh3_128_with_seed(octets, 1).to_be_bytes());
    hash
}

fn uint(out: &mut Vec<u8>, mut n: u64) {
    while n >= 0x80 {
        out.push(n as u8 | 0x80);
        n >>= 7;
    }
    out.push(n as u8);
}

fn head(text: &str, root_end: u64, length: u64) -> Vec<u8> {
    let mut out = MAGIC.to_vec();
    out.extend(1u32.to_le_bytes());
    out.extend(ROOT.ilog2().to_le_bytes());
    out.extend(length.to_le_bytes());
    out.extend(hash(text.as_bytes()));
    out.extend(ROOT.to_le_bytes());
    out.extend(root_end.to_le_bytes());
    out.extend([0; 32]);
    uint(&mut out, text.len() as u64);
    out.extend(text.as_bytes());
    let at = out.len() as u64;
    let pad = (0..).find(|n| (at + varint_len(*n) + n).is_multiple_of(ROOT)).unwrap();
    uint(&mut out, pad);
    out.resize(ROOT as usize, 0);
    out
}

/// Notes the outermost unions.
struct Components(Vec<(u64, u64)>);

impl<'t, 'w> Visitor<'t, 'w> for Components {
    fn enter(&mut self, _: &Place<'t>, ty: Ty<'t>, _: u64) -> Result<Inside, DecodeError> {
        let component = matches!(ty.kind(), Kind::Union(_) | Kind::Enum(_));
        Ok(if component { Inside::Skip } else { Inside::Visit })
    }
    fn leave(&mut self, _: &Place<'t>, ty: Ty<'t>, extent: Extent, _: &'w [u8]) -> Result<(), DecodeError> {
        if matches!(ty.kind(), Kind::Union(_) | Kind::Enum(_)) {
            self.0.push((extent.start + ROOT, extent.end + ROOT));
        }
        Ok(())
    }
}

/// The file of a root, which has to be a message of the schema.
pub fn file_of(text: &str, root: &[u8]) -> Vec<u8> {
    let mut components = Components(Vec::new());
    walk_message(Types::parse(text).unwrap().root(), root, Pads::Aligned, &mut components).unwrap();
    let entries = components.0.iter().map(|(start, end)| {
        let octets = &root[(start - ROOT) as usize..(end - ROOT) as usize];
        [&start.to_le_bytes()[..], &end.to_le_bytes(), &hash(octets)].concat()
    });
    let (root_end, count) = (ROOT + root.len() as u64, components.0.len() as u64);
    let mut tail = Vec::new();
    let pad = pad_len(root_end, count, 64);
    uint(&mut tail, pad);
    tail.resize(tail.len() + pad as usize, 0);
    uint(&mut tail, count);
    tail.extend(entries.flatten());
    sealed([&head(text, root_end, root_end + tail.len() as u64)[..], root, &tail].concat())
}

/// The same file with another schema, which may be a lie.
pub fn relabelled(file: &[u8], text: &str) -> Vec<u8> {
    let header = Header::read(file).unwrap();
    assert_eq!(header.root.start, ROOT);
    sealed([&head(text, header.root.end, file.len() as u64)[..], &file[ROOT as usize..]].concat())
}

/// With a content hash that fits.
fn sealed(mut file: Vec<u8>) -> Vec<u8> {
    file[72] = 1;
    let header = Header::read(&file).unwrap();
    let mut content = file[..72].to_vec();
    let mut from = 104;
    for component in header.components() {
        content.extend(&file[from..component.extent.start as usize]);
        from = component.extent.end as usize;
    }
    content.extend(&file[from..]);
    let hash = hash(&content);
    file[72..104].copy_from_slice(&hash);
    file
}
