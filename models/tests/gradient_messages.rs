//! Gradients as messages: what is decoded is what was encoded, where it lies, for every tag; and hostile ones are refused.

use barewire::gradient::{FlowRef, GradientFlow as Flow, Pattern as Places, TernaryGradient};
use barewire::kernels::ternary::{self, accumulate::Rounding};
use barewire::precision::{Arithmetic, PrecisionGradient as Sum};
use barewire::prelude::*;
use barewire_models::gradient_flow::{GradientFlow, Pattern};
use barewire_models::precision_gradient::PrecisionGradient;

fn numbers(n: usize) -> Vec<f32> {
    (0..n).map(|i| i as f32 - 2.5).collect()
}

fn flows() -> Vec<Flow> {
    let structured = |pattern, n| Flow::structured(pattern, numbers(n)).unwrap();
    vec![
        Flow::Zero,
        Flow::Dense(numbers(36)),
        Flow::sparse(36, 1, &[30, 2, 5], &numbers(3)).unwrap(),
        Flow::sparse(6, 6, &[4], &numbers(6)).unwrap(),
        structured(Places::Diagonal { n: 6 }, 6),
        structured(Places::Block { blocks: 2, rows: 3, cols: 3 }, 18),
        structured(Places::Banded { n: 6, lower: 1, upper: 0 }, 12),
        structured(Places::Broadcast { outer: 2, repeats: 3, inner: 6 }, 12),
        Flow::low_rank([2, 6, 6], -0.5, &numbers(12), &numbers(12)).unwrap(),
    ]
}

/// The slices that a gradient borrows.
fn slices<'a>(flow: FlowRef<'a, f32>) -> Vec<&'a [f32]> {
    match flow {
        FlowRef::Zero => Vec::new(),
        FlowRef::Dense(all) => vec![all],
        FlowRef::Sparse(rows) => vec![rows.values()],
        FlowRef::Structured(s) => vec![s.data()],
        FlowRef::LowRank(pairs) => vec![pairs.y(), pairs.x()],
    }
}

#[test]
fn every_form_comes_back_from_where_it_lies() {
    for flow in flows() {
        let message = Region::encode(&GradientFlow::from(flow.as_ref()));
        let (index, octets) = (Index::new(), message.bytes().as_ptr_range());
        let found = message.view(&index).unwrap().as_flow().unwrap();
        assert_eq!(found, flow.as_ref());
        for slice in slices(found) {
            let place = slice.as_ptr_range();
            assert!(
                octets.contains(&place.start.cast()) && place.end.cast() <= octets.end,
                "copied: {:?}",
                flow.form()
            );
        }
        // a message is a term like any other
        let (mut left, mut right) = (flow.clone(), flow.clone());
        left.add(found).unwrap();
        right.add(&flow).unwrap();
        assert_eq!(left, right);
    }
}

#[test]
fn accumulators_go_on_in_another_process() {
    let (rows, cols) = (9, 40);
    let mut words = vec![0; ternary::words_len(rows, cols).unwrap()];
    ternary::pack_i8(rows, cols, &vec![0; rows * cols], &mut words).unwrap();
    let signal = Flow::low_rank([1, rows, cols], 1.0, &numbers(rows), &numbers(cols)).unwrap();
    let mut here = TernaryGradient::new(rows, cols, 6).unwrap();
    here.act(signal.as_ref()).unwrap();
    let error = GradientFlow::try_from(&mut here).unwrap_err().to_string();
    assert!(error.contains("step"), "{error}");
    here.step(&mut words, 9.0, Rounding::Nearest).unwrap();

    let message = Region::encode(&GradientFlow::try_from(&mut here).unwrap());
    let index = Index::new();
    let view = message.view(&index).unwrap();
    assert!(view.as_flow().unwrap_err().to_string().contains("Ternary"));
    let mut there = view.as_accumulators().unwrap();
    assert_eq!((there.accumulated(), there.threshold()), (here.accumulated(), 31));
    let mut same = words.clone();
    for (gradient, words) in [(&mut here, &mut words), (&mut there, &mut same)] {
        gradient.act(signal.as_ref()).unwrap();
        gradient.step(words, 30.0, Rounding::Nearest).unwrap();
    }
    assert_eq!((here.accumulated(), words), (there.accumulated(), same));
}

#[test]
fn contradictions_inside_a_message_are_errors() {
    let structured = |pattern| GradientFlow::Structured { pattern, data: numbers(6) };
    let huge = u64::MAX;
    let sparse = |count, width, numbers: &[u32]| GradientFlow::Sparse {
        count,
        width,
        numbers: numbers.to_vec(),
        values: vec![1.0; 2],
    };
    let ternary = |threshold, accumulated| GradientFlow::Ternary {
        rows: 1,
        cols: 1,
        threshold,
        accumulated: vec![accumulated; 256],
    };
    for (gradient, word) in [
        (sparse(4, 1, &[2, 1]), "rise"),
        (sparse(4, 1, &[2, 4]), "below 4"),
        (sparse(4, 3, &[2, 3]), "values"),
        (structured(Pattern::Diagonal { n: 7 }), "data"),
        (structured(Pattern::Block { blocks: huge, rows: 2, cols: 2 }), "fits"),
        (structured(Pattern::Banded { n: 2, lower: huge, upper: 1 }), "fits"),
        (structured(Pattern::Broadcast { outer: 6, repeats: huge, inner: 1 }), "fits"),
        (structured(Pattern::LowRank { rank: 1, rows: 7, cols: 0, alpha: 1.0 }), "data"),
        (structured(Pattern::LowRank { rank: huge, rows: 2, cols: 1, alpha: 1.0 }), "data"),
        (ternary(8, 0), "7, 15, 31"),
        (ternary(0, 0), "bits"),
        (ternary(31, 31), "accumulator"),
    ] {
        let message = Region::encode(&gradient);
        let index = Index::new();
        let view = message.view(&index).unwrap();
        let error = match gradient {
            GradientFlow::Ternary { .. } => view.as_accumulators().map(drop).unwrap_err(),
            _ => view.as_flow().map(drop).unwrap_err(),
        };
        assert!(error.to_string().contains(word), "{error}");
    }
}

/// Any octet may be another one: what comes is an error, or a gradient that is added where its size is right.
#[test]
fn altered_messages_are_errors_or_other_gradients() {
    let (mut refused, mut added) = (0, 0);
    for flow in flows() {
        let octets = Region::encode(&GradientFlow::from(flow.as_ref())).bytes().to_vec();
        // the end of the message, where the value is
        for at in octets.len().saturating_sub(400)..octets.len() {
            for value in [0, 1, 6, 36, 0x7f, 0x80, 0xff] {
                let mut altered = octets.clone();
                altered[at] = value;
                let Ok(message) = Region::<GradientFlow>::from_bytes(&altered) else { continue };
                let index = Index::new();
                let Ok(found) = message.view(&index).map_err(drop).and_then(|view| view.as_flow().map_err(drop)) else {
                    refused += 1;
                    continue;
                };
                let mut sum = Flow::Dense(vec![1.0; 36]);
                if found.size().is_none_or(|size| size == 36) {
                    sum.add(found).unwrap();
                    found.pairing(&[1.0; 36]).unwrap();
                    added += 1;
                } else {
                    assert!(sum.add(found).is_err() && found.pairing(&[1.0; 36]).is_err());
                    assert_eq!(sum, Flow::Dense(vec![1.0; 36]));
                    refused += 1;
                }
            }
        }
    }
    assert!(refused > 100 && added > 100, "{refused} refused, {added} added");
}

#[test]
fn sums_come_back_in_their_arithmetic() {
    let arithmetics = [Arithmetic::Single, Arithmetic::Planes, Arithmetic::Double, Arithmetic::DoubleDouble];
    let mut sums: Vec<Sum> = arithmetics.into_iter().map(|a| Sum::zeros(a, 36).unwrap()).collect();
    sums.extend(Sum::zeros(Arithmetic::Extended, 36));
    sums.push(Sum::lazy(36));
    for mut sum in sums {
        for flow in flows() {
            sum.add_flow(flow.as_ref()).unwrap();
        }
        sum.add(&[1e-7; 36]).unwrap();
        let message = Region::encode(&PrecisionGradient::from(&sum));
        let index = Index::new();
        let view = message.view(&index).unwrap();
        assert_eq!(view.to_sum().unwrap(), sum);
    }
    for (gradient, word) in [
        (PrecisionGradient::Planes { hi: numbers(2), lo: numbers(3) }, "lo"),
        (PrecisionGradient::Critical { hi: vec![1.0], lo: Vec::new() }, "lo"),
        (PrecisionGradient::Extended { significands: vec![1], exponents: vec![1, 2] }, "exponents"),
        (
            PrecisionGradient::LazyAccumulated { size: 3, terms: vec![GradientFlow::Dense { values: numbers(2) }] },
            "terms.0",
        ),
    ] {
        let message = Region::encode(&gradient);
        let index = Index::new();
        let error = message.view(&index).unwrap().to_sum().unwrap_err().to_string();
        assert!(error.contains(word), "{error}");
    }
}
