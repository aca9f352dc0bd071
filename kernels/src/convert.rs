//! Between f32 outside and f64 inside, for the references.

pub(crate) fn wide(x: &[f32]) -> Vec<f64> {
    x.iter().map(|x| f64::from(*x)).collect()
}

/// Rounds to `to`, as many as both have.
pub(crate) fn narrow(from: &[f64], to: &mut [f32]) {
    for (to, from) in to.iter_mut().zip(from) {
        *to = *from as f32;
    }
}

/// [`narrow`] where there is both.
pub(crate) fn narrow_optional(from: Option<Vec<f64>>, to: Option<&mut [f32]>) {
    if let (Some(from), Some(to)) = (from, to) {
        narrow(&from, to);
    }
}
