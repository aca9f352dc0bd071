//! A sum of squares over elements that come piece by piece.

use crate::real::Real;

/// Sum of squares in f64: element `i` to partial sum `i % 8`, then a fixed order. The bits depend on the elements and their
/// places alone, so a gradient has the same norm in every form.
#[derive(Default)]
pub(crate) struct Squares {
    lanes: [f64; 8],
    at: usize,
}

impl Squares {
    /// The next elements.
    pub(crate) fn add<R: Real>(&mut self, values: &[R]) {
        let (head, values) = values.split_at(values.len().min((8 - self.at % 8) % 8));
        self.tail(head);
        let (chunks, rest) = values.as_chunks::<8>();
        for chunk in chunks {
            for (lane, x) in self.lanes.iter_mut().zip(chunk) {
                let x = x.value();
                *lane += x * x;
            }
        }
        self.at += values.len() - rest.len();
        self.tail(rest);
    }

    /// Some elements that are 0, up to element `at`.
    pub(crate) fn skip_to(&mut self, at: usize) {
        self.at = at;
    }

    pub(crate) fn total(self) -> f64 {
        self.lanes.iter().sum()
    }

    fn tail<R: Real>(&mut self, values: &[R]) {
        for x in values {
            let x = x.value();
            self.lanes[self.at % 8] += x * x;
            self.at += 1;
        }
    }
}
