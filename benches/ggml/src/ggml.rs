//! ggml behind safe types.

use std::ffi::c_void;

unsafe extern "C" {
    fn product_new(tq1: bool, rows: i32, cols: i32, tokens: i32, weights: *const f32, x: *const f32) -> *mut c_void;
    fn product_run(product: *const c_void, out: *mut f32);
    fn product_free(product: *mut c_void);
    #[rustfmt::skip]
    fn scan_new(
        time: i32,
        heads: i32,
        width: i32,
        d_state: i32,
        scalar_a: bool,
        threads: i32,
        x: *const f32,
        dt: *const f32,
        a: *const f32,
        b: *const f32,
        c: *const f32,
    ) -> *mut c_void;
    fn scan_run(scan: *mut c_void) -> *const f32;
    fn scan_free(scan: *mut c_void);
}

/// A ternary type of ggml.
#[derive(Clone, Copy, PartialEq)]
pub enum Type {
    Tq1,
    Tq2,
}

/// A product with packed weights.
pub struct Product {
    handle: *mut c_void,
    outputs: usize,
}

fn int(n: usize) -> i32 {
    i32::try_from(n).expect("a size of this bench")
}

impl Product {
    /// `weights` are rows of `cols` digits, `x` tokens of `cols` numbers.
    pub fn new(kind: Type, cols: usize, weights: &[f32], x: &[f32]) -> Self {
        let (rows, tokens) = (weights.len() / cols, x.len() / cols);
        // SAFETY: both pointers have as many numbers as the sizes say; the copy that it makes is its own.
        let handle =
            unsafe { product_new(kind == Type::Tq1, int(rows), int(cols), int(tokens), weights.as_ptr(), x.as_ptr()) };
        Self { handle, outputs: rows * tokens }
    }

    pub fn run(&self, out: &mut [f32]) {
        assert_eq!(out.len(), self.outputs);
        // SAFETY: the handle lives, and `out` has a number for each row and token.
        unsafe { product_run(self.handle, out.as_mut_ptr()) }
    }
}

impl Drop for Product {
    fn drop(&mut self) {
        // SAFETY: nobody else has the handle.
        unsafe { product_free(self.handle) }
    }
}

/// Inputs of a scan over time, rows of a token one after another.
#[derive(Clone, Copy)]
pub struct Inputs<'a> {
    pub x: &'a [f32],
    pub dt: &'a [f32],
    pub a: &'a [f32],
    pub b: &'a [f32],
    pub c: &'a [f32],
}

/// `ggml_ssm_scan` from a state of zeros.
pub struct Scan {
    handle: *mut c_void,
    outputs: usize,
}

// SAFETY: nothing in it belongs to a thread.
unsafe impl Send for Scan {}

impl Scan {
    /// Mamba-2 where there is one decay a head, else Mamba-1.
    pub fn new(time: usize, heads: usize, width: usize, d_state: usize, threads: usize, inputs: Inputs<'_>) -> Self {
        let Inputs { x, dt, a, b, c } = inputs;
        let scalar_a = a.len() == heads;
        let found = [x.len(), dt.len(), a.len(), b.len(), c.len()];
        let states = if scalar_a { heads } else { heads * d_state };
        assert_eq!(found, [time * heads * width, time * heads, states, time * d_state, time * d_state]);
        let [x, dt, a, b, c] = [x, dt, a, b, c].map(<[f32]>::as_ptr);
        // SAFETY: the lengths have been compared with the sizes; the copies that it makes are its own.
        let handle = unsafe {
            scan_new(int(time), int(heads), int(width), int(d_state), scalar_a, int(threads), x, dt, a, b, c)
        };
        Self { handle, outputs: time * heads * width }
    }

    /// The outputs; the states behind them are left out.
    pub fn run(&mut self) -> &[f32] {
        // SAFETY: the handle lives, and its result begins with an output for each channel and token.
        unsafe { std::slice::from_raw_parts(scan_run(self.handle), self.outputs) }
    }
}

impl Drop for Scan {
    fn drop(&mut self) {
        // SAFETY: nobody else has the handle.
        unsafe { scan_free(self.handle) }
    }
}
