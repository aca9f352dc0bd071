use barewire::prelude::*;

use barewire::Error;
use barewire::primitive::Arg;
use barewire::shape::Sig;
use barewire::workspace::Arena;

/// `y[t]` sees later steps.
#[allow(non_camel_case_types)]
struct reversed;

impl Primitive for reversed {
    const SIG: Sig = Sig::new("(batch time d) -> (batch time d)");
    const KEEPS: &'static [bool] = &[false];
    const STEPS: bool = false;
    type Args<'r, 'a, R: Real> = (Arg<'r, 'a, R>,);
    type Cots<'a, R: Real> = (Slot<'a, R>,);
    type Out<T> = [T; 1];
    type Residual<'r, R: Real> = ();
    type State<R: Real> = ();

    fn forward_saving<'r, R: Real>(
        (x,): (Arg<'r, '_, R>,),
        [y]: [&mut [R]; 1],
        _: &mut (),
        _: &mut Arena<'r, R>,
        _: Arena<'_, R>,
    ) -> Result<(), Error> {
        y.iter_mut().zip(x.data().iter().rev()).for_each(|(y, x)| *y = *x);
        Ok(())
    }
    fn vjp<R: Real>(
        (): (),
        _: [&[R]; 1],
        [c]: [&[R]; 1],
        (mut x,): (Slot<'_, R>,),
        _: &mut (),
        _: Arena<'_, R>,
    ) -> Result<(), Error> {
        x.each(|i| c[c.len() - 1 - i]);
        Ok(())
    }
}

#[derive(BareStruct)]
#[bare(forward = |x: [batch, time, d]| gain * reversed(x))]
struct Layer {
    gain: f32,
}

fn main() {
    let index = Index::new();
    let layer = Layer { gain: 2.0 };
    let model = Checked::<Layer>::new(layer.view(&index)).unwrap();
    let (x, mut y) = ([1.0_f32, 2.0], [0.0; 2]);
    model.step(&[numbers(&x, &[1, 2, 1])], &mut [&mut y], &mut Default::default(), &mut Workspace::new()).unwrap();
}
