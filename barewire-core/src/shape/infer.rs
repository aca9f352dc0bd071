//! The compile-time half: which axes a call's result has, and a message on the caller's token when axes disagree.

use super::sig::MAX_VARS;
use super::{Axis, MAX_RANK, Refused, Shape, Sig, same_text};

/// Axes of result `out` of a call.
///
/// `binds` are pairs of an axis of the callee and an axis of the caller (`#[bare(axes(d_in = d_model))]`); `callee` is
/// its name for messages, `scope` the name before the dot of an axis that only the callee knows.
#[track_caller]
pub const fn infer(
    sig: &Sig,
    args: &[Shape],
    binds: &[(&'static str, &'static str)],
    callee: &'static str,
    scope: &'static str,
    out: usize,
) -> Shape {
    // a call with too few results is reported by `check_results`
    let mut unknown = sig.unknown || out >= sig.out_count;
    let mut i = 0;
    while i < args.len() {
        unknown = unknown || args[i].unknown;
        i += 1;
    }
    if unknown {
        return Shape { unknown, ..Shape::SCALAR };
    }
    if let Refused::Routed = sig.refused {
        Text::new()
            .say("layers in a `Routed` take one vector a token and give one: in ")
            .axes(&sig.ins[0].axes, sig.ins[0].rank)
            .say(", out ")
            .axes(&sig.outs[0].axes, sig.outs[0].rank)
            .fail();
    }
    if let Refused::InTurn = sig.refused {
        if sig.in_count == 0 || sig.out_count != 1 || sig.ins[0].ids {
            Text::new().say("layers in a `Vec` take numbers first and give one result").fail();
        }
        Text::new()
            .say("layers in a `Vec` give what they take: in ")
            .axes(&sig.ins[0].axes, sig.ins[0].rank)
            .say(", out ")
            .axes(&sig.outs[0].axes, sig.outs[0].rank)
            .fail();
    }
    if args.len() != sig.in_count {
        let arguments = if sig.in_count == 1 { " argument, found " } else { " arguments, found " };
        Text::new().tick(callee).say(" takes ").number(sig.in_count).say(arguments).number(args.len()).fail();
    }
    let mut vars = Vars::new();
    let mut i = 0;
    while i < binds.len() {
        let inner = Axis { scope: "", name: binds[i].0 };
        if !has_axis(sig, inner) {
            Text::new().tick(callee).say(" has no axis ").tick(binds[i].0).fail();
        }
        vars.set(inner, Axis { scope: "", name: binds[i].1 });
        i += 1;
    }
    let mut leading = [Axis::NONE; MAX_RANK];
    let mut leading_rank = MAX_RANK + 1;
    let mut i = 0;
    while i < args.len() {
        let (group, arg) = (&sig.ins[i], &args[i]);
        if group.ids != arg.ids {
            let text = Text::new().say("argument ").number(i + 1).say(" of ").tick(callee);
            if group.ids {
                text.say(" takes ids (`u32[..]`), found numbers")
            } else {
                text.say(" takes numbers, found ids (`u32[..]`)")
            }
            .fail();
        }
        if arg.rank < group.rank || (!group.leading && arg.rank > group.rank) {
            Text::new()
                .say("argument ")
                .number(i + 1)
                .say(" of ")
                .tick(callee)
                .say(" has ")
                .number(group.rank)
                .say(if group.leading { " or more axes, found " } else { " axes, found " })
                .shape(arg)
                .fail();
        }
        let extra = arg.rank - group.rank;
        if group.leading {
            if leading_rank > MAX_RANK {
                leading_rank = extra;
                let mut k = 0;
                while k < extra {
                    leading[k] = arg.axes[k];
                    k += 1;
                }
            } else {
                let mut same = leading_rank == extra;
                let mut k = 0;
                while same && k < extra {
                    same = leading[k].same(arg.axes[k]);
                    k += 1;
                }
                if !same {
                    Text::new()
                        .say("arguments of ")
                        .tick(callee)
                        .say(" differ in their leading axes: argument ")
                        .number(i + 1)
                        .say(" has ")
                        .shape(arg)
                        .fail();
                }
            }
        }
        let mut k = 0;
        while k < group.rank {
            let (variable, found) = (group.axes[k], arg.axes[extra + k]);
            match vars.get(variable) {
                None => vars.set(variable, found),
                Some(known) if known.same(found) => {}
                Some(known) => Text::new()
                    .say("axes disagree in ")
                    .tick(callee)
                    .say(": its ")
                    .tick(variable.name)
                    .say(" is ")
                    .axis(known)
                    .say(" here, but argument ")
                    .number(i + 1)
                    .say(" has ")
                    .axis(found)
                    .fail(),
            }
            k += 1;
        }
        i += 1;
    }
    let group = &sig.outs[out];
    let mut shape = Shape::SCALAR;
    shape.ids = group.ids;
    if group.leading && leading_rank <= MAX_RANK {
        while shape.rank < leading_rank {
            shape.axes[shape.rank] = leading[shape.rank];
            shape.rank += 1;
        }
    }
    let mut k = 0;
    while k < group.rank {
        if shape.rank == MAX_RANK {
            Text::new().say("the result of ").tick(callee).say(" has more than 6 axes").fail();
        }
        shape.axes[shape.rank] = match vars.get(group.axes[k]) {
            Some(known) => known,
            None => Axis { scope, name: group.axes[k].name },
        };
        shape.rank += 1;
        k += 1;
    }
    shape
}

/// How an operand of an elementwise expression spreads over the result.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Spread {
    /// an element for each element of the result
    Full,
    /// only the innermost axes, such as a bias: repeated over the outer ones
    Suffix,
    /// only the outermost axes, such as a factor a token: repeated over the inner ones
    Prefix,
    /// one number
    Scalar,
}

/// Axes of an elementwise expression, and how each operand spreads over them.
#[derive(Clone, Copy, Debug)]
pub struct Broadcast<const N: usize> {
    /// axes of the result: those of the operand that has the most
    pub out: Shape,
    /// one for each operand
    pub spread: [Spread; N],
}

/// Aligns the operands of an elementwise expression; `[batch, time, d]` takes `[d]`, `[batch, time]` and `[]` beside it.
#[track_caller]
pub const fn broadcast<const N: usize>(args: &[Shape; N]) -> Broadcast<N> {
    let mut widest = 0;
    let mut i = 0;
    while i < N {
        if args[i].unknown {
            return Broadcast { out: args[i], spread: [Spread::Full; N] };
        }
        if args[i].ids {
            Text::new().say("ids (`u32[..]`) take no part in arithmetic; give them to an op that looks them up").fail();
        }
        if args[i].rank > args[widest].rank {
            widest = i;
        }
        i += 1;
    }
    let out = if N == 0 { Shape::SCALAR } else { args[widest] };
    let mut spread = [Spread::Full; N];
    let mut i = 0;
    while i < N {
        let arg = &args[i];
        spread[i] = if arg.rank == out.rank && run_matches(arg, &out, 0) {
            Spread::Full
        } else if arg.rank == 0 {
            Spread::Scalar
        } else if run_matches(arg, &out, out.rank - arg.rank) {
            Spread::Suffix
        } else if run_matches(arg, &out, 0) {
            Spread::Prefix
        } else {
            Text::new()
                .say("axes disagree in an elementwise expression: ")
                .shape(arg)
                .say(" against ")
                .shape(&out)
                .fail()
        };
        i += 1;
    }
    Broadcast { out, spread }
}

const fn run_matches(arg: &Shape, out: &Shape, start: usize) -> bool {
    let mut k = 0;
    while k < arg.rank {
        if start + k >= out.rank || !arg.axes[k].same(out.axes[start + k]) {
            return false;
        }
        k += 1;
    }
    true
}

/// A `let` with written axes: gives names to axes that only the callee knew, and checks the others.
#[track_caller]
pub const fn require(found: Shape, written: &[&'static str]) -> Shape {
    let want = Shape::new(written);
    if found.unknown {
        return want;
    }
    let mut agrees = found.rank == want.rank;
    let mut k = 0;
    while agrees && k < want.rank {
        // a scoped axis may take any name
        agrees = found.axes[k].same(want.axes[k]) || !found.axes[k].scope.is_empty();
        k += 1;
    }
    if !agrees {
        Text::new().say("this value has the axes ").shape(&found).say(", not ").shape(&want).fail();
    }
    want
}

/// The signature of a part: the axes of its inputs and of its results.
pub const fn signature(ins: &[Shape], outs: &[Shape]) -> Sig {
    Sig::of_shapes(ins, outs)
}

/// All variants of a union have the same axes.
#[track_caller]
pub const fn agree(first: &Sig, first_name: &'static str, other: &Sig, other_name: &'static str) {
    if first.unknown || other.unknown {
        return;
    }
    let mut agrees = first.in_count == other.in_count;
    let mut i = 0;
    while agrees && i < first.in_count {
        agrees = same_group(&first.ins[i], &other.ins[i]);
        i += 1;
    }
    if !agrees {
        Text::new()
            .say("variants of a union take the same inputs: those of ")
            .tick(other_name)
            .say(" differ from those of ")
            .tick(first_name)
            .fail();
    }
    if first.out_count != other.out_count {
        let text =
            Text::new().say("variants of a union give the same number of results: ").tick(other_name).say(" gives ");
        text.number(other.out_count).say(", ").tick(first_name).say(" gives ").number(first.out_count).fail();
    }
    let mut i = 0;
    while i < first.out_count {
        if !same_group(&first.outs[i], &other.outs[i]) {
            Text::new()
                .say("variants of a union give the same axes: ")
                .tick(other_name)
                .say(" gives ")
                .axes(&other.outs[i].axes, other.outs[i].rank)
                .say(", ")
                .tick(first_name)
                .say(" gives ")
                .axes(&first.outs[i].axes, first.outs[i].rank)
                .fail();
        }
        i += 1;
    }
}

/// The signature of a list of layers: the first input and the result have the same axes, any further input has
/// `layers` rows, one a layer.
pub const fn in_turn(sig: &Sig) -> Sig {
    if sig.unknown {
        return *sig;
    }
    // reported by `infer`, where the list is called: this runs in a constant of ours, far from the user's token
    if sig.in_count == 0 || sig.out_count != 1 || sig.ins[0].ids || !same_group(&sig.ins[0], &sig.outs[0]) {
        return Sig { refused: Refused::InTurn, ..*sig };
    }
    let mut list = *sig;
    let mut i = 1;
    while i < list.in_count {
        let group = &mut list.ins[i];
        assert!(group.rank < MAX_RANK, "a value has at most 6 axes");
        let mut k = group.rank;
        while k > 0 {
            group.axes[k] = group.axes[k - 1];
            k -= 1;
        }
        group.axes[0] = Axis { scope: "", name: "layers" };
        group.rank += 1;
        i += 1;
    }
    list
}

/// The signature of layers of which each token takes one: behind the input stand the gates, with the axis `experts`
/// in place of the last.
pub const fn routed(sig: &Sig) -> Sig {
    if sig.unknown {
        return *sig;
    }
    let (x, y) = (&sig.ins[0], &sig.outs[0]);
    let mut fits = sig.in_count == 1 && sig.out_count == 1 && !x.ids && x.rank >= 2 && x.rank == y.rank;
    let mut k = 0;
    while fits && k + 1 < x.rank {
        fits = x.axes[k].same(y.axes[k]);
        k += 1;
    }
    if !fits {
        return Sig { refused: Refused::Routed, ..*sig };
    }
    let mut routed = *sig;
    routed.ins[1] = *x;
    routed.ins[1].axes[x.rank - 1] = Axis { scope: "", name: "experts" };
    routed.in_count = 2;
    routed
}

const fn same_group(a: &super::Group, b: &super::Group) -> bool {
    let mut same = a.rank == b.rank && a.leading == b.leading && a.ids == b.ids;
    let mut k = 0;
    while same && k < a.rank {
        same = a.axes[k].same(b.axes[k]);
        k += 1;
    }
    same
}

const fn has_axis(sig: &Sig, axis: Axis) -> bool {
    let mut found = false;
    let mut i = 0;
    while i < sig.in_count + sig.out_count {
        let group = if i < sig.in_count { &sig.ins[i] } else { &sig.outs[i - sig.in_count] };
        let mut k = 0;
        while k < group.rank {
            found = found || same_text(group.axes[k].name, axis.name);
            k += 1;
        }
        i += 1;
    }
    found
}

/// Axis variables of one call and what they stand for.
struct Vars {
    known: [(Axis, Axis); MAX_VARS],
    count: usize,
}

impl Vars {
    const fn new() -> Vars {
        Vars { known: [(Axis::NONE, Axis::NONE); MAX_VARS], count: 0 }
    }

    const fn get(&self, variable: Axis) -> Option<Axis> {
        let mut i = 0;
        while i < self.count {
            if self.known[i].0.same(variable) {
                return Some(self.known[i].1);
            }
            i += 1;
        }
        None
    }

    const fn set(&mut self, variable: Axis, axis: Axis) {
        assert!(self.count < MAX_VARS, "a call has at most 24 axis names");
        self.known[self.count] = (variable, axis);
        self.count += 1;
    }
}

/// A message put together in a constant.
struct Text {
    bytes: [u8; 512],
    len: usize,
}

impl Text {
    const fn new() -> Text {
        Text { bytes: [0; 512], len: 0 }
    }

    const fn say(mut self, words: &str) -> Text {
        let words = words.as_bytes();
        let mut i = 0;
        while i < words.len() && self.len < self.bytes.len() {
            // a cut inside a character would not print
            self.bytes[self.len] = if words[i].is_ascii() { words[i] } else { b'?' };
            self.len += 1;
            i += 1;
        }
        self
    }

    const fn tick(self, name: &str) -> Text {
        self.say("`").say(name).say("`")
    }

    const fn number(mut self, n: usize) -> Text {
        if n >= 10 {
            self = self.number(n / 10);
        }
        let digit = [b'0' + (n % 10) as u8];
        match core::str::from_utf8(&digit) {
            Ok(digit) => self.say(digit),
            Err(_) => self,
        }
    }

    const fn axis(self, axis: Axis) -> Text {
        let text = self.say("`");
        let text = if axis.scope.is_empty() { text } else { text.say(axis.scope).say(".") };
        text.say(axis.name).say("`")
    }

    const fn axes(self, axes: &[Axis; MAX_RANK], rank: usize) -> Text {
        let mut text = self.say("[");
        let mut k = 0;
        while k < rank {
            if k > 0 {
                text = text.say(", ");
            }
            text = text.axis(axes[k]);
            k += 1;
        }
        text.say("]")
    }

    const fn shape(self, shape: &Shape) -> Text {
        self.axes(&shape.axes, shape.rank)
    }

    #[track_caller]
    const fn fail(&self) -> ! {
        let (said, _) = self.bytes.split_at(self.len);
        match core::str::from_utf8(said) {
            Ok(words) => panic!("{}", words),
            Err(_) => panic!("axes disagree"),
        }
    }
}
