/// Working memory that a kernel borrows for one call.
///
/// It grows to the largest call seen and keeps its size, so that repeated calls do not allocate.
/// What it holds between calls is of no meaning; one value may serve every kernel of a thread.
///
/// ```
/// let mut scratch = barewire_kernels::Scratch::new();
/// # let (words, x, mut out) = ([0x5555_5555_5555_5555; 8], [1.0; 3], [0.0; 2]);
/// barewire_kernels::ternary::forward_f32(&words, 2, 3, &x, 1, &mut out, &mut scratch)?;
/// # Ok::<(), barewire_kernels::KernelError>(())
/// ```
#[derive(Debug, Default, Clone)]
pub struct Scratch {
    codes: Vec<i8>,
    steps: Vec<f64>,
    sums: Vec<i32>,
    floats: Vec<f32>,
}

/// The parts of a [`Scratch`], each of the length asked for, content unspecified.
pub(crate) struct Parts<'a> {
    pub(crate) codes: &'a mut [i8],
    pub(crate) steps: &'a mut [f64],
    pub(crate) sums: &'a mut [i32],
}

impl Scratch {
    /// An empty one; it allocates on first use.
    pub const fn new() -> Self {
        Self { codes: Vec::new(), steps: Vec::new(), sums: Vec::new(), floats: Vec::new() }
    }

    /// Bytes held now.
    pub fn capacity_bytes(&self) -> usize {
        self.codes.capacity()
            + self.steps.capacity() * size_of::<f64>()
            + self.sums.capacity() * size_of::<i32>()
            + self.floats.capacity() * size_of::<f32>()
    }

    pub(crate) fn parts(&mut self, codes: usize, steps: usize, sums: usize) -> Parts<'_> {
        Parts {
            codes: grown(&mut self.codes, codes),
            steps: grown(&mut self.steps, steps),
            sums: grown(&mut self.sums, sums),
        }
    }

    /// Codes and floats of the lengths asked for, content unspecified.
    pub(crate) fn codes(&mut self, codes: usize, floats: usize) -> (&mut [i8], &mut [f32]) {
        (grown(&mut self.codes, codes), grown(&mut self.floats, floats))
    }

    /// Floats and doubles of the lengths asked for, content unspecified.
    pub(crate) fn floats(&mut self, floats: usize, doubles: usize) -> (&mut [f32], &mut [f64]) {
        (grown(&mut self.floats, floats), grown(&mut self.steps, doubles))
    }

    /// As [`Scratch::floats`]; the floats start at a cache line (64 bytes).
    pub(crate) fn aligned(&mut self, floats: usize, doubles: usize) -> (&mut [f32], &mut [f64]) {
        const LINE: usize = 64 / size_of::<f32>();
        let (all, doubles) = self.floats(floats + LINE, doubles);
        // Of no use to a caller if it cannot be told, but still right.
        let skip = all.as_ptr().align_offset(64).min(LINE);
        (&mut all[skip..][..floats], doubles)
    }
}

fn grown<T: Copy + Default>(v: &mut Vec<T>, len: usize) -> &mut [T] {
    if v.len() < len {
        // Not the doubling of `resize`: the memory that kernels promise to stay below counts.
        v.reserve_exact(len - v.len());
        v.resize(len, T::default());
    }
    &mut v[..len]
}
