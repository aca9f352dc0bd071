//! The digits, in three parts.

use std::path::Path;

use anyhow::{Context, Result, ensure};
use barewire::train::Random;

use crate::network::PIXELS;

/// Some digits.
#[derive(Default)]
pub(crate) struct Part {
    /// `[n, PIXELS]`, from 0 to 1
    pub(crate) pixels: Vec<f32>,
    /// `[n]`
    pub(crate) classes: Vec<u32>,
}

/// All digits, in an order that depends on nothing, cut in three.
pub(crate) struct Data {
    /// what is learned
    pub(crate) train: Part,
    /// what settings are chosen by: a tenth
    pub(crate) choose: Part,
    /// what is reported: a fifth
    pub(crate) report: Part,
}

impl Data {
    /// Reads lines of pixels and class.
    pub(crate) fn load(path: &Path) -> Result<Self> {
        let text = std::fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
        let mut all = Vec::new();
        for (number, line) in text.lines().enumerate() {
            all.push(digit(line).with_context(|| format!("{}, line {}", path.display(), number + 1))?);
        }
        ensure!(all.len() >= 100, "{} has {} digits; some thousands are needed", path.display(), all.len());
        let mut random = Random::new(0, 0);
        for i in (1..all.len()).rev() {
            all.swap(i, random.below(i as u64 + 1) as usize);
        }
        let (fifth, tenth) = (all.len() / 5, all.len() / 10);
        let (report, rest) = all.split_at(fifth);
        let (choose, train) = rest.split_at(tenth);
        Ok(Data { train: Part::of(train), choose: Part::of(choose), report: Part::of(report) })
    }
}

fn digit(line: &str) -> Result<(Vec<f32>, u32)> {
    let mut numbers = line.split(',').map(|number| number.trim().parse::<f32>().context("not a number"));
    let pixels = numbers.by_ref().take(PIXELS).map(|n| n.map(|n| n / 255.0)).collect::<Result<Vec<_>>>()?;
    ensure!(pixels.len() == PIXELS, "{} pixels, not {PIXELS}", pixels.len());
    let class = numbers.next().context("no class")??;
    ensure!(numbers.next().is_none(), "more than pixels and a class");
    ensure!((0.0..10.0).contains(&class) && class.fract() == 0.0, "the class {class}");
    Ok((pixels, class as u32))
}

impl Part {
    fn of(digits: &[(Vec<f32>, u32)]) -> Self {
        let pixels = digits.iter().flat_map(|(pixels, _)| pixels).copied().collect();
        Part { pixels, classes: digits.iter().map(|(_, class)| *class).collect() }
    }

    /// Number of digits.
    pub(crate) fn len(&self) -> usize {
        self.classes.len()
    }
}
