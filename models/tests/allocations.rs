//! From the third step on, training and streaming a whole model take nothing from the heap.

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

use barewire::part::clear_grad;
use barewire::prelude::*;
use barewire::state::State;
use barewire_models::hgrn::{
    HgrnConfig, HgrnLm, HgrnLmState, HgrnObjective, HgrnObjectiveCotangent, HgrnObjectiveState, HgrnObjectiveView,
};

/// Counts allocations of the thread that asks.
struct Counting;

thread_local! {
    static COUNT: Cell<usize> = const { Cell::new(0) };
}

// SAFETY: every call goes to the system's allocator as it came; counting touches a thread-local number only.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        COUNT.set(COUNT.get() + 1);
        // SAFETY: the caller keeps the contract of `alloc`, which is the same.
        unsafe { System.alloc(layout) }
    }
    unsafe fn dealloc(&self, ptr: *mut u8, layout: Layout) {
        // SAFETY: the caller keeps the contract of `dealloc`, and `ptr` came from `System`.
        unsafe { System.dealloc(ptr, layout) }
    }
    unsafe fn realloc(&self, ptr: *mut u8, layout: Layout, new_size: usize) -> *mut u8 {
        COUNT.set(COUNT.get() + 1);
        // SAFETY: the caller keeps the contract of `realloc`, and `ptr` came from `System`.
        unsafe { System.realloc(ptr, layout, new_size) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

fn allocations(f: impl FnOnce()) -> usize {
    let before = COUNT.get();
    f();
    COUNT.get() - before
}

fn region(ternary: bool) -> Region<HgrnLm> {
    let config = HgrnConfig { ternary, ..HgrnConfig::new(50, 64, 3) };
    Region::encode(&HgrnLm::random(&config, 1).unwrap().0)
}

/// More tokens than rows of the embedding, some of them twice: its gradient goes from sparse to dense and back.
fn tokens(step: u32) -> [Vec<u32>; 2] {
    [0, 1].map(|shift| (0..2 * 16).map(|i| (i * i + step * 7 + shift) % 50).collect())
}

#[test]
fn a_training_step_allocates_nothing_once_warm() {
    for ternary in [true, false] {
        let region = region(ternary);
        let index = Index::new();
        let view = HgrnObjectiveView { model: region.view(&index).unwrap() };
        let model = Checked::<HgrnObjective>::new(view).unwrap();
        let (mut state, mut state_cot) = (HgrnObjectiveState::default(), HgrnObjectiveState::default());
        let mut workspace = Workspace::<f32>::new();
        let mut grad = HgrnObjectiveCotangent::<f32>::default();
        let counts: Vec<usize> = (0..8)
            .map(|step| {
                let [tokens, targets] = tokens(step);
                allocations(|| {
                    clear_grad::<HgrnObjective, f32>(&mut grad);
                    let inputs = [ids(&tokens, &[2, 16]), ids(&targets, &[2, 16])];
                    let mut pass = model.forward_saving(&inputs, &mut state, &mut workspace).unwrap();
                    pass.vjp(&[&[1.0]], &mut [Slot::Skip, Slot::Skip], &mut grad, &mut state_cot).unwrap();
                })
            })
            .collect();
        assert!(counts[0] > 0, "the counter counts");
        assert_eq!(counts[2..], [0; 6], "ternary: {ternary}");
    }
}

#[test]
fn a_streaming_step_allocates_nothing_once_warm() {
    for ternary in [true, false] {
        let region = region(ternary);
        let index = Index::new();
        let model = Checked::<HgrnLm>::new(region.view(&index).unwrap()).unwrap();
        let (mut state, mut workspace) = (HgrnLmState::default(), Workspace::<f32>::new());
        let mut logits = vec![0.0; 50];
        let counts: Vec<usize> = (0..8)
            .map(|token| {
                allocations(|| {
                    model.step(&[ids(&[token], &[1, 1])], &mut [&mut logits], &mut state, &mut workspace).unwrap();
                })
            })
            .collect();
        assert!(counts[0] > 0, "the counter counts");
        assert_eq!(counts[2..], [0; 6], "ternary: {ternary}");
        let mut carried = 0;
        state.walk(&mut String::new(), &mut |_, values| carried += values.len());
        assert_eq!(carried, 3 * 64, "one state a token mixer");
    }
}
