use barewire::primitive::Arg;
use barewire::prelude::*;
use barewire::shape::Sig;
use barewire::workspace::Arena;

#[allow(non_camel_case_types)]
pub struct double;

impl Primitive for double {
    const SIG: Sig = Sig::new("(..) -> (..)");
    const KEEPS: &'static [bool] = &[false];
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
    ) -> Result<(), barewire::Error> {
        y.iter_mut().zip(x.data()).for_each(|(y, x)| *y = *x + *x);
        Ok(())
    }
    fn vjp<R: Real>(
        _: (),
        _: [&[R]; 1],
        [c]: [&[R]; 1],
        (mut x,): (Slot<'_, R>,),
        _: &mut (),
        _: Arena<'_, R>,
    ) -> Result<(), barewire::Error> {
        x.each(|i| c[i] + c[i]);
        Ok(())
    }
}

#[derive(BareStruct)]
#[bare(portable, forward = |x: [batch, d]| scale * double(x))]
struct Twice {
    scale: f32,
}

fn main() {}
