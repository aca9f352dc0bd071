use barewire::prelude::*;

// every mistake is reported, and what uses the type is not
#[derive(BareUnion)]
enum Layer {
    #[bare(forward = |x: [batch, d]| x.tanh() + bais)]
    Bias {
        #[bare(dims = [d])]
        bias: Vec<f32>,
    },
    #[bare(forward = |x: [batch, d]| round(x) * gain)]
    Gain {
        gain: f32,
    },
}

#[derive(BareStruct)]
#[bare(forward = |x: [batch, d]| inner(inner(x)))]
struct Twice {
    #[bare(axes(d = d))]
    inner: Layer,
}

fn run(layer: Checked<'_, Twice>, x: &[f32], y: &mut [f32], workspace: &mut Workspace<f32>) {
    layer.forward(&[numbers(x, &[1, x.len()])], &mut [y], &mut Default::default(), workspace).unwrap();
}

fn main() {}
