//! Runs the checks as a program that has the C library and nothing else of the host's.
//!
//! `cargo run --manifest-path tests/no_std/Cargo.toml --features libc`
#![no_std]
#![no_main]

use core::alloc::{GlobalAlloc, Layout};
use core::ffi::{c_char, c_int, c_void};

// `std` does this for those who have it
#[link(name = "c")]
unsafe extern "C" {
    fn aligned_alloc(align: usize, size: usize) -> *mut c_void;
    fn free(pointer: *mut c_void);
    fn abort() -> !;
    fn write(file: c_int, bytes: *const c_char, n: usize) -> isize;
}

struct Libc;

// SAFETY: `aligned_alloc` gives memory of the size and alignment asked for, or null, and `free` takes it back.
unsafe impl GlobalAlloc for Libc {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        // the C standard wants a size that is a multiple of the alignment
        let align = layout.align().max(size_of::<usize>());
        // SAFETY: the alignment is a power of two, and the size a multiple of it: a layout's size rounded up fits in `isize`.
        unsafe { aligned_alloc(align, layout.size().next_multiple_of(align)).cast() }
    }
    unsafe fn dealloc(&self, pointer: *mut u8, _: Layout) {
        // SAFETY: the caller promises that the pointer came from `alloc` and is not used any more.
        unsafe { free(pointer.cast()) }
    }
}

#[global_allocator]
static ALLOCATOR: Libc = Libc;

#[panic_handler]
fn panicked(_: &core::panic::PanicInfo<'_>) -> ! {
    say("panicked\n");
    // SAFETY: `abort` asks for nothing.
    unsafe { abort() }
}

// The toolchain's `alloc` was compiled to unwind and names these two; nothing here unwinds.
#[unsafe(no_mangle)]
extern "C" fn rust_eh_personality() {}
#[unsafe(no_mangle)]
extern "C" fn _Unwind_Resume() -> ! {
    // SAFETY: `abort` asks for nothing.
    unsafe { abort() }
}

fn say(text: &str) {
    // SAFETY: pointer and length are those of a slice.
    unsafe { write(1, text.as_ptr().cast(), text.len()) };
}

#[unsafe(no_mangle)]
extern "C" fn main() -> c_int {
    match barewire_no_std::check() {
        Ok(()) => {
            say(if cfg!(target_endian = "big") { "ok, big-endian\n" } else { "ok, little-endian\n" });
            0
        }
        Err(what) => {
            say(&what);
            say("\n");
            1
        }
    }
}
