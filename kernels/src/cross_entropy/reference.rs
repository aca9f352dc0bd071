//! The formulas in plain f64 loops.

use super::IGNORED;
use crate::softmax::reference::row as softmax;

/// Loss of a row, and its derivative by the logits.
pub fn row(logits: &[f64], target: usize) -> (f64, Vec<f64>) {
    let loss = -softmax(true, logits)[target];
    let mut gradient = softmax(false, logits);
    gradient[target] -= 1.0;
    (loss, gradient)
}

pub(super) fn run(
    logits: &[f32],
    targets: &[u32],
    classes: usize,
    scale: f32,
    loss: &mut [f32],
    mut cot: Option<&mut [f32]>,
) {
    for (t, (&target, loss)) in targets.iter().zip(loss).enumerate() {
        let (exact, gradient) = if target == IGNORED {
            (0.0, vec![0.0; classes])
        } else {
            let x: Vec<f64> = logits[t * classes..][..classes].iter().map(|x| f64::from(*x)).collect();
            row(&x, target as usize)
        };
        *loss = exact as f32;
        if let Some(cot) = &mut cot {
            for (cot, g) in cot[t * classes..].iter_mut().zip(gradient) {
                *cot = (f64::from(scale) * g) as f32;
            }
        }
    }
}
