//! The honest baseline: an interpolated n-gram model with Witten-Bell smoothing.
//!
//! `p(c | h) = (count(h c) + kinds(h) p(c | h')) / (count(h) + kinds(h))`, where `kinds(h)` is the number of distinct
//! characters seen after `h`, and `h'` is `h` without its oldest character; at the end stands the uniform distribution.
//!
//! Source: Witten & Bell, "The Zero-Frequency Problem" (1991), method C, interpolated as in Chen & Goodman (1998).

use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};

/// A tree over the strings of up to `order` characters that occur in a text.
pub(crate) struct Ngram {
    /// node after (node, character)
    edges: HashMap<u64, u32, BuildHasherDefault<Mix>>,
    nodes: Vec<Node>,
    order: usize,
    vocab: usize,
}

#[derive(Clone, Copy, Default)]
struct Node {
    /// how often the string occurs
    count: u32,
    /// how often something follows it
    followed: u32,
    /// how many distinct characters follow it
    kinds: u32,
}

const ROOT: u32 = 0;

impl Ngram {
    /// Counts the strings of up to `order` characters of a text over `vocab` characters.
    pub(crate) fn count(text: &[u32], vocab: usize, order: usize) -> Self {
        let mut model = Ngram { edges: HashMap::default(), nodes: vec![Node::default()], order, vocab };
        for start in 0..text.len() {
            let mut node = ROOT;
            for &c in &text[start..(start + order).min(text.len())] {
                node = model.child(node, c);
            }
        }
        model
    }

    fn child(&mut self, parent: u32, c: u32) -> u32 {
        let new = self.nodes.len() as u32;
        let child = *self.edges.entry(key(parent, c)).or_insert(new);
        if child == new {
            self.nodes.push(Node::default());
            self.nodes[parent as usize].kinds += 1;
        }
        self.nodes[parent as usize].followed += 1;
        self.nodes[child as usize].count += 1;
        child
    }

    /// Probability of `c` after `history`, of which the last `order - 1` characters matter.
    pub(crate) fn probability(&self, history: &[u32], c: u32) -> f64 {
        let mut p = 1.0 / self.vocab as f64;
        for length in 0..self.order.min(history.len() + 1) {
            // a history that never occurred says nothing, and neither does any longer one
            let Some(node) = self.find(&history[history.len() - length..]) else { break };
            let Node { followed, kinds, .. } = self.nodes[node as usize];
            if followed == 0 {
                break;
            }
            let next = self.edges.get(&key(node, c)).map_or(0, |child| self.nodes[*child as usize].count);
            let kinds = f64::from(kinds);
            p = (f64::from(next) + kinds * p) / (f64::from(followed) + kinds);
        }
        p
    }

    fn find(&self, string: &[u32]) -> Option<u32> {
        string.iter().try_fold(ROOT, |node, c| self.edges.get(&key(node, *c)).copied())
    }

    /// Mean nats a character over a text, the first character after nothing.
    pub(crate) fn nats(&self, text: &[u32]) -> f64 {
        let nats = |at: usize| -self.probability(&text[at.saturating_sub(self.order - 1)..at], text[at]).ln();
        (0..text.len()).map(nats).sum::<f64>() / text.len() as f64
    }
}

fn key(node: u32, c: u32) -> u64 {
    u64::from(node) << 32 | u64::from(c)
}

/// A hash of one integer: multiply and fold. The default hasher resists attackers, whom a baseline does not have.
#[derive(Default)]
struct Mix(u64);

impl Hasher for Mix {
    fn finish(&self) -> u64 {
        self.0
    }
    fn write(&mut self, bytes: &[u8]) {
        bytes.iter().for_each(|b| self.write_u64(u64::from(*b)));
    }
    fn write_u64(&mut self, key: u64) {
        let wide = u128::from(self.0 ^ key).wrapping_mul(0x9e37_79b9_7f4a_7c15_f39c_c060_5ced_c835);
        self.0 = (wide >> 64) as u64 ^ wide as u64;
    }
}

#[cfg(test)]
mod tests {
    use super::Ngram;

    #[test]
    fn probabilities_sum_to_one_and_follow_the_formula() {
        // abab: after `a` always `b`
        let model = Ngram::count(&[0, 1, 0, 1], 3, 2);
        for history in [&[][..], &[0], &[1], &[2]] {
            let sum: f64 = (0..3).map(|c| model.probability(history, c)).sum();
            assert!((sum - 1.0).abs() < 1e-12, "{history:?}: {sum}");
        }
        let unigram = (2.0 + 2.0 / 3.0) / (4.0 + 2.0);
        assert!((model.probability(&[], 1) - unigram).abs() < 1e-12);
        assert!((model.probability(&[0], 1) - (2.0 + unigram) / (2.0 + 1.0)).abs() < 1e-12);
        // the last `a b` has no successor; `2` never occurred
        assert!((model.probability(&[2], 1) - unigram).abs() < 1e-12);
    }
}
