//! Elementwise arithmetic on one element: straight-line single assignments, and their adjoint.
//!
//! The functions here are the ones with reserved names. Everything else that an equation calls is an op or a sub-layer,
//! and this crate knows none of those.

use proc_macro2::TokenStream;
use quote::{format_ident, quote};

/// An operand of a step: a leaf of the group, the result of an earlier step, or a number.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Ref {
    Leaf(usize),
    Step(usize),
    Literal(f64),
}

/// One assignment.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Step {
    pub(crate) op: Op,
    pub(crate) args: Vec<Ref>,
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Op {
    Neg,
    Add,
    Sub,
    Mul,
    Div,
    Exp,
    Ln,
    Sqrt,
    Tanh,
    Sigmoid,
    Softplus,
    NormalCdf,
    Sin,
    Cos,
    Abs,
    Relu,
    Max,
    Min,
    /// `if args[0] < args[1] { args[2] } else { args[3] }`
    Select,
    Stop,
    /// value of the rounded operand, derivative 1
    SteRound,
    /// value of the sign, derivative 1
    SteSign,
    /// unit step, with the derivative of a named smooth function
    SurrogateStep(Surrogate),
}

/// The smooth function whose slope stands in for that of a unit step.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Surrogate {
    Sigmoid,
    Triangle,
    Arctan,
}

/// A function that an equation may call by name, and how many arguments it takes.
pub(crate) const FUNCTIONS: &[(&str, usize)] = &[
    ("exp", 1),
    ("ln", 1),
    ("log", 1),
    ("sqrt", 1),
    ("tanh", 1),
    ("sigmoid", 1),
    ("silu", 1),
    ("gelu", 1),
    ("softplus", 1),
    ("sin", 1),
    ("cos", 1),
    ("abs", 1),
    ("relu", 1),
    ("relu2", 1),
    ("square", 1),
    ("recip", 1),
    ("max", 2),
    ("min", 2),
    ("clamp", 3),
    ("stop", 1),
    ("ste", 1),
    ("surrogate", 2),
];

/// Functions without a gradient, allowed only inside `ste(..)`, `stop(..)` or `surrogate(.., kind)`.
pub(crate) const STEEP: &[&str] = &["round", "sign", "step"];

/// Whether a one-word call with this name is elementwise.
pub(crate) fn is_reserved(name: &str) -> bool {
    FUNCTIONS.iter().any(|(known, _)| *known == name) || STEEP.contains(&name)
}

/// A run of elementwise arithmetic that becomes one loop.
#[derive(Clone, Debug, Default)]
pub(crate) struct Group {
    pub(crate) steps: Vec<Step>,
}

impl Group {
    /// The step `op(args)`, or an equal one that is there already; neutral literals are dropped.
    pub(crate) fn push(&mut self, op: Op, args: Vec<Ref>) -> Ref {
        use Ref::Literal;
        match (op, args.as_slice()) {
            (Op::Add, [Literal(z), x]) | (Op::Add | Op::Sub, [x, Literal(z)]) if *z == 0.0 => return *x,
            (Op::Mul, [Literal(one), x]) | (Op::Mul | Op::Div, [x, Literal(one)]) if *one == 1.0 => return *x,
            (Op::Neg, [Literal(x)]) => return Literal(-x),
            (Op::Add, [Literal(a), Literal(b)]) => return Literal(a + b),
            (Op::Sub, [Literal(a), Literal(b)]) => return Literal(a - b),
            (Op::Mul, [Literal(a), Literal(b)]) => return Literal(a * b),
            (Op::Div, [Literal(a), Literal(b)]) => return Literal(a / b),
            _ => {}
        }
        let step = Step { op, args };
        let at = self.steps.iter().position(|known| *known == step).unwrap_or_else(|| {
            self.steps.push(step);
            self.steps.len() - 1
        });
        Ref::Step(at)
    }

    /// A call of a reserved function on one operand.
    pub(crate) fn call(&mut self, name: &str, x: Ref) -> Ref {
        match name {
            "exp" => self.push(Op::Exp, vec![x]),
            "ln" | "log" => self.push(Op::Ln, vec![x]),
            "sqrt" => self.push(Op::Sqrt, vec![x]),
            "tanh" => self.push(Op::Tanh, vec![x]),
            "sigmoid" => self.push(Op::Sigmoid, vec![x]),
            "silu" => {
                let s = self.push(Op::Sigmoid, vec![x]);
                self.push(Op::Mul, vec![x, s])
            }
            "gelu" => {
                let s = self.push(Op::NormalCdf, vec![x]);
                self.push(Op::Mul, vec![x, s])
            }
            "softplus" => self.push(Op::Softplus, vec![x]),
            "sin" => self.push(Op::Sin, vec![x]),
            "cos" => self.push(Op::Cos, vec![x]),
            "abs" => self.push(Op::Abs, vec![x]),
            "relu" => self.push(Op::Relu, vec![x]),
            "relu2" => {
                let r = self.push(Op::Relu, vec![x]);
                self.push(Op::Mul, vec![r, r])
            }
            "square" => self.push(Op::Mul, vec![x, x]),
            "recip" => self.push(Op::Div, vec![Ref::Literal(1.0), x]),
            "stop" => self.push(Op::Stop, vec![x]),
            _ => x,
        }
    }
}

/// Which results of a loop's steps stay for its backward pass.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Keep {
    /// those of `exp`, `tanh` and the like, where it needs them
    Dear,
    /// all that it needs
    All,
    /// none: they are computed again from the operands
    Nothing,
}

/// The two scalar functions of a group, and what they need.
pub(crate) struct Adjoint {
    /// body of `|leaves| -> result`
    pub(crate) forward: TokenStream,
    /// body of `|leaves| -> (result, saved)`
    pub(crate) forward_saving: TokenStream,
    /// body of `|leaves, saved, c| -> contributions`
    pub(crate) backward: TokenStream,
    /// steps whose results the forward pass saves
    pub(crate) saved: Vec<usize>,
    /// steps that the backward pass computes again
    pub(crate) again: Vec<usize>,
    /// whether the backward pass reads the group's result
    pub(crate) needs_out: bool,
    /// for each leaf, whether the backward pass reads it
    pub(crate) needs_leaf: Vec<bool>,
    /// for each leaf, whether any gradient reaches it
    pub(crate) reaches_leaf: Vec<bool>,
}

/// Derives the adjoint of `group`, whose value is `result`, over `leaves` leaves. In the emitted bodies leaves are
/// `x0, x1 ..`, saved results `s0, s1 ..`, the result `y`, its cotangent `c`, and `Real` is in scope as `R`.
pub(crate) fn adjoint(group: &Group, result: Ref, leaves: usize, keep: Keep, real: &TokenStream) -> Adjoint {
    let mut backward = Backward {
        steps: &group.steps,
        needed: vec![false; group.steps.len()],
        needs_leaf: vec![false; leaves],
        cots: vec![None; group.steps.len()],
        leaf_cots: vec![None; leaves],
        lines: Vec::new(),
        count: 0,
        real,
    };
    backward.contribute(result, quote!(c));
    for at in (0..group.steps.len()).rev() {
        if let Some(cot) = backward.cots[at].clone() {
            backward.step(at, &cot);
        }
    }
    let Backward { mut needed, mut needs_leaf, leaf_cots, lines, .. } = backward;
    // by default a needed sum or product is computed again from its operands; a needed transcendental result is saved
    let (mut saved, mut again) = (Vec::new(), Vec::new());
    let mut needs_out = false;
    for at in (0..group.steps.len()).rev() {
        if !needed[at] {
            continue;
        }
        let stays = match keep {
            Keep::Dear => is_dear(group.steps[at].op),
            Keep::All => true,
            Keep::Nothing => false,
        };
        if stays {
            if result == Ref::Step(at) {
                needs_out = true;
            } else {
                saved.push(at);
            }
        } else {
            again.push(at);
            for arg in &group.steps[at].args {
                match arg {
                    Ref::Leaf(i) => needs_leaf[*i] = true,
                    Ref::Step(j) => needed[*j] = true,
                    Ref::Literal(_) => {}
                }
            }
        }
    }
    saved.reverse();
    again.reverse();

    let all = assignments(group, real, |_| true);
    let value = operand(result, real);
    let kept = saved.iter().map(|at| format_ident!("t{at}"));
    let restored = saved.iter().enumerate().map(|(k, at)| {
        let (t, s) = (format_ident!("t{at}"), format_ident!("s{k}"));
        quote!(let #t = #s;)
    });
    let restored_out = match result {
        Ref::Step(at) if needs_out => {
            let t = format_ident!("t{at}");
            quote!(let #t = y;)
        }
        _ => quote!(),
    };
    let computed = assignments(group, real, |at| again.contains(&at));
    let contributions = leaf_cots.iter().map(|cot| match cot {
        Some(cot) => quote!(#cot),
        None => quote!(<R as #real>::ZERO),
    });
    Adjoint {
        forward: quote!(#all #value),
        forward_saving: quote!(#all (#value, [#(#kept),*])),
        backward: quote!(#(#restored)* #restored_out #computed #(#lines)* [#(#contributions),*]),
        reaches_leaf: leaf_cots.iter().map(Option::is_some).collect(),
        saved,
        again,
        needs_out,
        needs_leaf,
    }
}

/// Results that cost more to compute again than to load.
fn is_dear(op: Op) -> bool {
    matches!(
        op,
        Op::Exp
            | Op::Ln
            | Op::Sqrt
            | Op::Tanh
            | Op::Sigmoid
            | Op::Softplus
            | Op::NormalCdf
            | Op::Sin
            | Op::Cos
            | Op::Div
    )
}

fn operand(at: Ref, real: &TokenStream) -> TokenStream {
    match at {
        Ref::Leaf(i) => {
            let x = format_ident!("x{i}");
            quote!(#x)
        }
        Ref::Step(i) => {
            let t = format_ident!("t{i}");
            quote!(#t)
        }
        Ref::Literal(value) => quote!(<R as #real>::of(#value)),
    }
}

fn assignments(group: &Group, real: &TokenStream, wanted: impl Fn(usize) -> bool) -> TokenStream {
    let lines = group.steps.iter().enumerate().filter(|(at, _)| wanted(*at)).map(|(at, step)| {
        let t = format_ident!("t{at}");
        let args: Vec<_> = step.args.iter().map(|arg| operand(*arg, real)).collect();
        let value = value(step.op, &args, real);
        quote!(let #t = #value;)
    });
    quote!(#(#lines)*)
}

fn value(op: Op, args: &[TokenStream], real: &TokenStream) -> TokenStream {
    let x = &args[0];
    let y = args.get(1);
    match op {
        Op::Neg => quote!(-#x),
        Op::Add => quote!(#x + #y),
        Op::Sub => quote!(#x - #y),
        Op::Mul => quote!(#x * #y),
        Op::Div => quote!(#x / #y),
        Op::Exp => quote!(#real::exp(#x)),
        Op::Ln => quote!(#real::ln(#x)),
        Op::Sqrt => quote!(#real::sqrt(#x)),
        Op::Tanh => quote!(#real::tanh(#x)),
        Op::Sigmoid => quote!(#real::sigmoid(#x)),
        Op::Softplus => quote!(#real::softplus(#x)),
        Op::NormalCdf => quote!(#real::normal_cdf(#x)),
        Op::Sin => quote!(#real::sin(#x)),
        Op::Cos => quote!(#real::cos(#x)),
        Op::Abs => quote!(#real::abs(#x)),
        Op::Relu => quote!(#real::max(#x, <R as #real>::ZERO)),
        Op::Max => quote!(#real::max(#x, #y)),
        Op::Min => quote!(-#real::max(-#x, -#y)),
        Op::Select => {
            let (then, other) = (&args[2], &args[3]);
            quote!(if #x < #y { #then } else { #other })
        }
        Op::Stop => quote!(<R as #real>::of(#real::value(#x))),
        Op::SteRound => quote!(#real::round_ste(#x)),
        Op::SteSign => quote!(#real::sign_ste(#x)),
        Op::SurrogateStep(kind) => {
            let slope = surrogate_slope(kind, x, real);
            quote!(#real::step_with_slope(#x, #slope))
        }
    }
}

fn surrogate_slope(kind: Surrogate, x: &TokenStream, real: &TokenStream) -> TokenStream {
    match kind {
        Surrogate::Sigmoid => quote!({
            let s = #real::sigmoid(#x);
            s * (<R as #real>::ONE - s)
        }),
        Surrogate::Triangle => quote!(#real::max(<R as #real>::ONE - #real::abs(#x), <R as #real>::ZERO)),
        Surrogate::Arctan => {
            quote!(<R as #real>::ONE / (<R as #real>::ONE + #x * #x * <R as #real>::of(9.869604401089358)))
        }
    }
}

struct Backward<'a> {
    steps: &'a [Step],
    needed: Vec<bool>,
    needs_leaf: Vec<bool>,
    cots: Vec<Option<TokenStream>>,
    leaf_cots: Vec<Option<TokenStream>>,
    lines: Vec<TokenStream>,
    count: usize,
    real: &'a TokenStream,
}

impl Backward<'_> {
    /// Adds `amount` to the cotangent of an operand, under a name of its own.
    fn contribute(&mut self, to: Ref, amount: TokenStream) {
        let before = match to {
            Ref::Leaf(i) => self.leaf_cots[i].clone(),
            Ref::Step(i) => self.cots[i].clone(),
            Ref::Literal(_) => return,
        };
        let name = format_ident!("c{}", self.count);
        self.count += 1;
        self.lines.push(match before {
            None => quote!(let #name = #amount;),
            Some(before) => quote!(let #name = #before + #amount;),
        });
        let name = Some(quote!(#name));
        match to {
            Ref::Leaf(i) => self.leaf_cots[i] = name,
            Ref::Step(i) => self.cots[i] = name,
            Ref::Literal(_) => {}
        }
    }

    /// The primal value of an operand, noted as needed.
    fn primal(&mut self, at: Ref) -> TokenStream {
        match at {
            Ref::Leaf(i) => self.needs_leaf[i] = true,
            Ref::Step(i) => self.needed[i] = true,
            Ref::Literal(_) => {}
        }
        operand(at, self.real)
    }

    fn step(&mut self, at: usize, c: &TokenStream) {
        let Step { op, args } = self.steps[at].clone();
        let real = self.real;
        let zero = quote!(<R as #real>::ZERO);
        let one = quote!(<R as #real>::ONE);
        let x = args[0];
        let carries = |at: Ref| !matches!(at, Ref::Literal(_));
        match op {
            Op::Neg => self.contribute(x, quote!(-#c)),
            Op::Add => {
                self.contribute(x, quote!(#c));
                self.contribute(args[1], quote!(#c));
            }
            Op::Sub => {
                self.contribute(x, quote!(#c));
                self.contribute(args[1], quote!(-#c));
            }
            Op::Mul if x == args[1] => {
                let x0 = self.primal(x);
                self.contribute(x, quote!((#x0 + #x0) * #c));
            }
            Op::Mul => {
                if carries(x) {
                    let y = self.primal(args[1]);
                    self.contribute(x, quote!(#y * #c));
                }
                if carries(args[1]) {
                    let x0 = self.primal(x);
                    self.contribute(args[1], quote!(#x0 * #c));
                }
            }
            Op::Div => {
                let y = self.primal(args[1]);
                let q = format_ident!("q{}", self.count);
                self.count += 1;
                self.lines.push(quote!(let #q = #c / #y;));
                if carries(args[1]) {
                    let t = self.primal(Ref::Step(at));
                    self.contribute(args[1], quote!(-(#t * #q)));
                }
                self.contribute(x, quote!(#q));
            }
            Op::Exp => {
                let t = self.primal(Ref::Step(at));
                self.contribute(x, quote!(#t * #c));
            }
            Op::Ln => {
                let x0 = self.primal(x);
                self.contribute(x, quote!(#c / #x0));
            }
            Op::Sqrt => {
                let t = self.primal(Ref::Step(at));
                self.contribute(x, quote!(#c / (#t + #t)));
            }
            Op::Tanh => {
                let t = self.primal(Ref::Step(at));
                self.contribute(x, quote!((#one - #t * #t) * #c));
            }
            Op::Sigmoid => {
                let t = self.primal(Ref::Step(at));
                self.contribute(x, quote!((#t - #t * #t) * #c));
            }
            Op::Softplus => {
                let x0 = self.primal(x);
                self.contribute(x, quote!(#real::sigmoid(#x0) * #c));
            }
            Op::NormalCdf => {
                let x0 = self.primal(x);
                self.contribute(x, quote!(#real::normal_pdf(#x0) * #c));
            }
            Op::Sin => {
                let x0 = self.primal(x);
                self.contribute(x, quote!(#real::cos(#x0) * #c));
            }
            Op::Cos => {
                let x0 = self.primal(x);
                self.contribute(x, quote!(-(#real::sin(#x0) * #c)));
            }
            Op::Abs => {
                let x0 = self.primal(x);
                self.contribute(x, quote!(if #x0 > #zero { #c } else if #x0 < #zero { -#c } else { #zero }));
            }
            Op::Relu => {
                let x0 = self.primal(x);
                self.contribute(x, quote!(if #x0 > #zero { #c } else { #zero }));
            }
            Op::Max | Op::Min => {
                let (x0, y0) = (self.primal(x), self.primal(args[1]));
                let first = if op == Op::Max { quote!(#x0 >= #y0) } else { quote!(#x0 <= #y0) };
                self.contribute(x, quote!(if #first { #c } else { #zero }));
                self.contribute(args[1], quote!(if #first { #zero } else { #c }));
            }
            Op::Select => {
                let (x0, y0) = (self.primal(x), self.primal(args[1]));
                self.contribute(args[2], quote!(if #x0 < #y0 { #c } else { #zero }));
                self.contribute(args[3], quote!(if #x0 < #y0 { #zero } else { #c }));
            }
            Op::Stop => {}
            Op::SteRound | Op::SteSign => self.contribute(x, quote!(#c)),
            Op::SurrogateStep(kind) => {
                let x0 = self.primal(x);
                let slope = surrogate_slope(kind, &x0, real);
                self.contribute(x, quote!(#slope * #c));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn silu_saves_the_sigmoid_and_the_leaf() {
        let mut group = Group::default();
        let y = group.call("silu", Ref::Leaf(0));
        let adjoint = adjoint(&group, y, 1, Keep::Dear, &quote!(Real));
        assert_eq!(adjoint.saved.len(), 1);
        assert!(!adjoint.needs_out);
        assert_eq!(adjoint.needs_leaf, [true]);
    }

    #[test]
    fn a_result_that_is_needed_is_read_from_the_output() {
        let mut group = Group::default();
        let y = group.call("tanh", Ref::Leaf(0));
        let adjoint = adjoint(&group, y, 1, Keep::Dear, &quote!(Real));
        assert!(adjoint.saved.is_empty() && adjoint.needs_out);
        assert_eq!(adjoint.needs_leaf, [false]);
    }

    #[test]
    fn a_loop_may_keep_all_or_nothing() {
        // `exp(x * x)`: by default its result
        let mut group = Group::default();
        let square = group.call("square", Ref::Leaf(0));
        let y = group.call("exp", square);
        let all = adjoint(&group, y, 1, Keep::All, &quote!(Real));
        assert!(all.saved.is_empty() && all.again.is_empty() && all.needs_out);
        let nothing = adjoint(&group, y, 1, Keep::Nothing, &quote!(Real));
        assert!(nothing.saved.is_empty() && !nothing.needs_out);
        assert_eq!((nothing.again, nothing.needs_leaf), (vec![0, 1], vec![true]));
        // `tanh(x * x) * x`: by default the result of `tanh`
        let mut group = Group::default();
        let square = group.call("square", Ref::Leaf(0));
        let tanh = group.call("tanh", square);
        let y = group.push(Op::Mul, vec![tanh, Ref::Leaf(0)]);
        let of = |keep| adjoint(&group, y, 1, keep, &quote!(Real)).saved;
        assert_eq!([of(Keep::Dear), of(Keep::All), of(Keep::Nothing)], [vec![1], vec![1], vec![]]);
    }

    #[test]
    fn the_same_subexpression_is_computed_once() {
        let mut group = Group::default();
        let a = group.call("silu", Ref::Leaf(0));
        let b = group.call("silu", Ref::Leaf(0));
        assert_eq!(a, b);
        assert_eq!(group.steps.len(), 2);
    }

    #[test]
    fn neutral_numbers_leave_no_step() {
        let mut group = Group::default();
        let x = group.push(Op::Mul, vec![Ref::Literal(1.0), Ref::Leaf(0)]);
        assert_eq!(group.push(Op::Add, vec![x, Ref::Literal(0.0)]), Ref::Leaf(0));
        assert!(group.steps.is_empty());
    }
}
