//! Neighbours of one variant as typed slices.

use barewire::prelude::*;
use barewire::wire::{SlotsViewMut, to_message, view_message, view_message_mut};
use rayon::iter::ParallelIterator;

use crate::types::*;

#[test]
fn runs_are_maximal_and_in_order() {
    let index = Index::new();
    let message = to_message(&Columns::from_vec(some_neurons()));
    let view = view_message::<Columns<Neuron>>(&message, &index).unwrap();
    let runs: Vec<_> = view.runs().collect();
    assert_eq!(
        runs.iter().map(|run| (run.tag, run.rows.clone())).collect::<Vec<_>>(),
        [(0, 0..2), (7, 2..3), (1, 3..4), (0, 4..5)]
    );
    let NeuronRun::Lif { threshold, decay, refractory } = runs[0].cells else { panic!("{:?}", runs[0]) };
    assert_eq!((threshold, decay, refractory), (&[1.0, 1.5][..], &[0.5, 0.25][..], &[2.0, 3.0][..]));
    let NeuronRun::Izhikevich { a, b, c, d } = runs[2].cells else { panic!("{:?}", runs[2]) };
    assert_eq!([a[0], b[0], c[0], d[0]], [0.02, 0.2, -65.0, 8.0]);
    assert!(matches!(runs[1].cells, NeuronRun::Silent));
    assert_eq!(Columns::<Neuron>::new().as_view().runs().count(), 0);

    let slots = Slots::from_vec(some_neurons());
    let rows: Vec<_> = slots.as_view().runs().map(|run| (run.tag, run.rows, run.cells.to_vec())).collect();
    assert_eq!(
        rows.iter().map(|(tag, rows, _)| (*tag, rows.clone())).collect::<Vec<_>>(),
        [(0, 0..2), (7, 2..3), (1, 3..4), (0, 4..5)]
    );
    assert_eq!(rows[0].2, some_neurons()[..2]);
}

#[test]
fn fields_that_are_types_themselves_have_columns_too() {
    let columns = Columns::from_vec(some_rich());
    let runs: Vec<_> = columns.as_view().runs().collect();
    let RichRun::Nested { kernel, on, from, curve } = runs[1].cells else { panic!("{:?}", runs[1]) };
    assert_eq!((kernel.tags(), on, from.x, from.y), (&[3][..], &[true][..], &[1.5][..], &[9][..]));
    assert_eq!(curve.value(0), Some(Curve::Decay(2.5)));
    let CurveRun::Decay(rate) = curve.runs().next().unwrap().cells else { panic!("{curve:?}") };
    assert_eq!(rate, [2.5]);
    let RichRun::Two { first, second: [second, third], i, .. } = runs[4].cells else { panic!("{:?}", runs[4]) };
    assert_eq!(first.to_vec(), [Curve::Table { at: [1, -2, 3], on: true }]);
    assert_eq!((second.to_vec(), third.to_vec()), (vec![Curve::Flat], vec![Curve::Table { at: [4, 5, 6], on: false }]));
    assert_eq!(i, [-7]);
}

#[test]
fn runs_may_be_changed() {
    let mut message = to_message(&Columns::from_vec(some_rich()));
    let mut view = view_message_mut::<Columns<Rich>>(&mut message).unwrap();
    for run in view.runs_mut() {
        match run.cells {
            RichRunMut::Numbers { b, .. } => b[0] = 5,
            RichRunMut::Nested { on, mut curve, from, .. } => {
                on[0] = !on[0];
                from.y[0] += 1;
                curve.set_variant(0, &Curve::Decay(7.0)).unwrap();
                assert_eq!(
                    curve.set_variant(1, &Curve::Flat).unwrap_err().to_string(),
                    "expected an element below 1, found 1"
                );
            }
            RichRunMut::Pair([first, _], _) => first[0] = 10.0,
            _ => {}
        }
    }
    let values = view.to_vec();
    assert_eq!(values[0], Rich::Numbers { a: 1, b: 5, c: 3, d: -4, e: 5.5, f: 6 });
    for (i, on, y) in [(1, false, 10), (6, true, 1)] {
        let Rich::Nested { on: found, from, curve, .. } = &values[i] else { panic!() };
        assert_eq!((*found, from.y, curve), (on, y, &Curve::Decay(7.0)));
    }
    assert_eq!(values[2], Rich::Pair([10.0, 2.0], Kernel::Exp));
    // and the cells that the smaller variant left are zero
    assert_eq!(message, to_message(&Columns::from_vec(values)));
}

/// Long and short runs, more than one share.
fn many() -> Vec<Neuron> {
    (0..50_000)
        .map(|i| match i {
            0..40_000 => Neuron::Lif { threshold: i as f32, decay: 0.5, refractory: 0.0 },
            _ if i % 3 == 0 => Neuron::Silent,
            _ => Neuron::Izhikevich { a: i as f32, b: 0.0, c: 0.0, d: 0.0 },
        })
        .collect()
}

/// Both forms hand out the same runs, alone and shared out, for reading and for change; `$halve` is what is done to a run of `Lif`.
macro_rules! threads_share_runs_and_keep_their_order {
    ($($test:ident: $List:ident, $halve:expr;)*) => { $(
        #[test]
        fn $test() {
            let list = $List::from_vec(many());
            let view = list.as_view();
            let shared: Vec<_> = view.par_runs().map(|run| (run.tag, run.rows)).collect();
            // cut where the share ends, else where the tag changes
            assert_eq!(shared[..4], [(0, 0..16_384), (0, 16_384..32_768), (0, 32_768..40_000), (1, 40_000..40_002)]);
            assert!(shared.windows(2).all(|pair| pair[0].1.end == pair[1].1.start));
            assert_eq!(shared.last().unwrap().1.end, 50_000);
            let whole: Vec<_> = view.runs().map(|run| (run.tag, run.rows)).collect();
            assert_eq!(whole[0], (0, 0..40_000));
            for (tag, rows) in &shared {
                assert!(whole.iter().any(|(t, all)| t == tag && all.start <= rows.start && rows.end <= all.end));
            }
            assert_eq!($List::<Neuron>::new().as_view().par_runs().count(), 0);

            let mut message = to_message(&list);
            let mut lent = view_message_mut::<$List<Neuron>>(&mut message).unwrap();
            assert_eq!(lent.runs_mut().map(|run| (run.tag, run.rows)).collect::<Vec<_>>(), whole);
            let seen: Vec<_> = lent
                .par_runs_mut()
                .map(|mut run| {
                    if run.tag == 0 {
                        $halve(&mut run.cells);
                    }
                    (run.tag, run.rows)
                })
                .collect();
            assert_eq!(seen, shared);
            let mut expected = many();
            for neuron in &mut expected {
                if let Neuron::Lif { threshold, .. } = neuron {
                    *threshold *= 0.5;
                }
            }
            assert_eq!(lent, expected);
        }
    )* };
}

threads_share_runs_and_keep_their_order! {
    threads_share_the_runs_of_columns: Columns, |run: &mut NeuronRunMut<'_>| {
        let NeuronRunMut::Lif { threshold, .. } = run else { panic!("another run than its tag says") };
        threshold.iter_mut().for_each(|threshold| *threshold *= 0.5);
    };
    threads_share_the_runs_of_slots: Slots, |run: &mut SlotsViewMut<'_, Neuron>| {
        for i in 0..run.len() {
            let Some(NeuronViewMut::Lif { threshold, .. }) = run.get_mut(i) else { panic!("{i}") };
            threshold.set(threshold.get() * 0.5);
        }
    };
}
