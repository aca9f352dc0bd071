//! The design of bitnet.cpp's I2_S on AVX2, written here from its description: 128 weights in 32 octets, digit plus one in two
//! bits, weights 0 to 31 in the top bits of the octets, and so on. Three shifts, four masks, four `vpmaddubsw` for 128
//! weights, sums in i16 that are widened every 32 blocks, one row at a time, one token or four. Integer outputs, as
//! theirs, still with the sum of the activations that the plus one adds.

/// Weights of a block.
const BLOCK: usize = 128;

unsafe extern "C" {
    fn i2_s_product(weights: *const u8, rows: usize, cols: usize, x: *const i8, tokens: usize, out: *mut f32);
}

/// Octets that start on a cache line, as those of a peer may expect.
pub struct Aligned<T> {
    store: Vec<T>,
    range: std::ops::Range<usize>,
}

impl<T: Copy + Default> Aligned<T> {
    pub fn new(octets: &[T]) -> Self {
        let mut store = vec![T::default(); octets.len() + 64];
        let start = store.as_ptr().align_offset(64);
        let range = start..start + octets.len();
        store[range.clone()].copy_from_slice(octets);
        Self { store, range }
    }
}

impl<T> std::ops::Deref for Aligned<T> {
    type Target = [T];

    fn deref(&self) -> &[T] {
        &self.store[self.range.clone()]
    }
}

/// Packs rows of digits; `cols` is a multiple of 128.
pub fn pack(digits: &[i8]) -> Aligned<u8> {
    let octet = |block: &[i8], i: usize| (0..4).fold(0, |octet, q| octet << 2 | (block[32 * q + i] + 1) as u8);
    let octets: Vec<u8> = digits.chunks_exact(BLOCK).flat_map(|block| (0..32).map(move |i| octet(block, i))).collect();
    Aligned::new(&octets)
}

/// `out[t][r] = sum over c of (w[r][c] + 1) x[t][c]`
pub fn product(weights: &[u8], cols: usize, x: &[i8], out: &mut [f32]) {
    let (rows, tokens) = (4 * weights.len() / cols, x.len() / cols);
    assert!(is_x86_feature_detected!("avx2") && cols.is_multiple_of(BLOCK) && out.len() == rows * tokens);
    // SAFETY: AVX2 was detected, and the slices have rows, tokens and outputs of these sizes.
    unsafe { i2_s_product(weights.as_ptr(), rows, cols, x.as_ptr(), tokens, out.as_mut_ptr()) }
}
