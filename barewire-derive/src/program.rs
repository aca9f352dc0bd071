//! An equation as a list of calls: what the expansion writes out.
//!
//! ```text
//! |x: [batch, time, d_in]| weight(rms_norm(x, norm)) * silu(x)
//!
//! node 0   call  rms_norm(input x, field norm)
//! node 1   sub   weight(node 0)
//! node 2   group node 1, input x |-> t0 = sigmoid(x1); t1 = x1 * t0; t2 = x0 * t1
//! ```

pub(crate) mod elementwise;

use std::collections::HashSet;

use proc_macro2::{Ident, Span};
use syn::spanned::Spanned;

use crate::ast::{Body, Elem, Field, Let, LetNames, Param, Role, unraw};
use crate::errors::Errors;
use elementwise::{FUNCTIONS, Group, Op, Ref, STEEP, Surrogate, is_reserved};

/// Most operands of a fused loop.
const MAX_LEAVES: usize = 12;

/// A value that a call takes or gives.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Value {
    Input(usize),
    Field(usize),
    /// result `1` of node `0`
    Node(usize, usize),
}

/// An argument of an op.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Argument {
    Value(Value),
    Literal(f64),
}

/// A call of an op.
pub(crate) struct Call {
    pub(crate) path: syn::Path,
    pub(crate) args: Vec<Argument>,
    /// the token that stands for each argument in messages
    pub(crate) spans: Vec<Span>,
}

/// A call of a field.
pub(crate) struct Sub {
    pub(crate) field: usize,
    pub(crate) args: Vec<Value>,
}

/// A run of elementwise arithmetic.
pub(crate) struct Fused {
    pub(crate) group: Group,
    pub(crate) result: Ref,
    pub(crate) leaves: Vec<Value>,
}

pub(crate) enum Kind {
    Call(Call),
    Sub(Sub),
    Fused(Fused),
}

pub(crate) struct Node {
    pub(crate) kind: Kind,
    /// number of results
    pub(crate) outs: usize,
    /// axes written on a `let`, for each result
    pub(crate) axes: Vec<Option<Vec<Ident>>>,
    /// the token that a message about this node points at
    pub(crate) span: Span,
    /// a name for its residual and state, unique in the equation
    pub(crate) name: Ident,
}

/// A lowered equation.
pub(crate) struct Program {
    pub(crate) nodes: Vec<Node>,
    pub(crate) results: Vec<Value>,
}

/// Lowers an equation over `fields`; mistakes go to `errors`, and then there is no program.
pub(crate) fn lower(
    fields: &[Field],
    params: &[Param],
    body: &Body,
    owner: &str,
    errors: &mut Errors,
) -> Option<Program> {
    let before = errors.len();
    let mut lowering = Lowering {
        fields,
        params,
        errors,
        nodes: Vec::new(),
        names: HashSet::new(),
        lets: Vec::new(),
        unknown: Vec::new(),
        used_fields: vec![false; fields.len()],
        used_inputs: vec![false; params.len()],
    };
    for (i, param) in params.iter().enumerate() {
        if let Some(field) = lowering.field(&param.ident) {
            let name = lowering.fields[field].name();
            lowering.errors.push(
                param.ident.span(),
                format!("input `{}` has the name of the field `{name}`; give it another one", param.ident),
            );
        }
        if params[..i].iter().any(|p| p.ident == param.ident) {
            lowering.errors.push(param.ident.span(), format!("two inputs are called `{}`", param.ident));
        }
    }
    for field in fields {
        if is_reserved(&field.name()) {
            lowering.errors.push(
                field.span,
                format!("`{}` is an elementwise function in equations; give the field another name", field.name()),
            );
        }
    }
    for binding in &body.lets {
        lowering.bind(binding);
    }
    let results = lowering.results(&body.result);
    for binding in &lowering.lets {
        if !binding.used && !dropped(&binding.name) && lowering.errors.len() == before {
            lowering.errors.push(
                binding.name.span(),
                format!(
                    "`{0}` is never used; remove it, or call it `_{0}` to drop the value and its gradient",
                    binding.name
                ),
            );
        }
    }
    for (field, used) in fields.iter().zip(&lowering.used_fields) {
        if !used && field.role != Some(Role::Fixed) && lowering.errors.len() == before {
            lowering.errors.push(
                field.span,
                format!(
                    "field `{}` is used by no equation of `{owner}`; use it, or mark it `#[bare(fixed)]`",
                    field.name()
                ),
            );
        }
    }
    for (param, used) in params.iter().zip(&lowering.used_inputs) {
        if !used && !dropped(&param.ident) && lowering.errors.len() == before {
            lowering.errors.push(
                param.ident.span(),
                format!(
                    "input `{0}` is never used, so it would get no gradient; use it, or call it `_{0}` to say so",
                    param.ident
                ),
            );
        }
    }
    let Lowering { nodes, .. } = lowering;
    if errors.len() > before {
        return None;
    }
    let program = Program { nodes, results: results? };
    program.check_gradients(fields, params, errors);
    (errors.len() == before).then_some(program)
}

impl Program {
    /// No gradient is lost silently: whatever is active and only stands inside `stop(..)` is an error.
    fn check_gradients(&self, fields: &[Field], params: &[Param], errors: &mut Errors) {
        let mut reached: Vec<Vec<bool>> = self.nodes.iter().map(|n| vec![false; n.outs]).collect();
        let (mut inputs, mut field_reached) = (vec![false; params.len()], vec![false; fields.len()]);
        let mut reach = |value: &Value, reached: &mut Vec<Vec<bool>>| match value {
            Value::Input(i) => inputs[*i] = true,
            Value::Field(i) => field_reached[*i] = true,
            Value::Node(n, k) => reached[*n][*k] = true,
        };
        for value in &self.results {
            reach(value, &mut reached);
        }
        for (at, node) in self.nodes.iter().enumerate().rev() {
            if !reached[at].contains(&true) {
                continue;
            }
            match &node.kind {
                Kind::Call(call) => {
                    for arg in &call.args {
                        if let Argument::Value(value) = arg {
                            reach(value, &mut reached);
                        }
                    }
                }
                Kind::Sub(sub) => {
                    reach(&Value::Field(sub.field), &mut reached);
                    sub.args.iter().for_each(|value| reach(value, &mut reached));
                }
                Kind::Fused(fused) => {
                    let adjoint =
                        elementwise::adjoint(&fused.group, fused.result, fused.leaves.len(), &Default::default());
                    for (leaf, reaches) in fused.leaves.iter().zip(adjoint.reaches_leaf) {
                        if reaches {
                            reach(leaf, &mut reached);
                        }
                    }
                }
            }
        }
        for (param, reached) in params.iter().zip(inputs) {
            if !reached && matches!(param.elem, Elem::Real) && !dropped(&param.ident) {
                errors.push(
                    param.ident.span(),
                    format!("input `{}` gets no gradient: every path from it ends in `stop`", param.ident),
                );
            }
        }
        for (field, reached) in fields.iter().zip(field_reached) {
            if !reached && field.role != Some(Role::Fixed) {
                errors.push(
                    field.span,
                    format!(
                        "field `{}` gets no gradient: every path from it ends in `stop`; mark it `#[bare(fixed)]`",
                        field.name()
                    ),
                );
            }
        }
    }

    /// How many consumers a value has.
    pub(crate) fn uses(&self, value: Value) -> usize {
        let in_nodes: usize = self
            .nodes
            .iter()
            .map(|node| match &node.kind {
                Kind::Call(call) => call.args.iter().filter(|a| matches!(a, Argument::Value(v) if *v == value)).count(),
                Kind::Sub(sub) => sub.args.iter().filter(|v| **v == value).count(),
                Kind::Fused(fused) => fused.leaves.iter().filter(|v| **v == value).count(),
            })
            .sum();
        in_nodes
    }
}

struct Binding {
    name: Ident,
    value: Value,
    used: bool,
}

struct Lowering<'a> {
    fields: &'a [Field],
    params: &'a [Param],
    errors: &'a mut Errors,
    nodes: Vec<Node>,
    names: HashSet<String>,
    lets: Vec<Binding>,
    /// names of `let`s with a mistake in them: no more is said about those
    unknown: Vec<Ident>,
    used_fields: Vec<bool>,
    used_inputs: Vec<bool>,
}

/// An elementwise expression under construction: its group, its leaves, and the operand that is its value.
#[derive(Default)]
struct Pending {
    group: Group,
    leaves: Vec<Value>,
    /// the first name of each leaf
    names: Vec<Span>,
}

impl Pending {
    fn leaf(&mut self, value: Value, name: Span) -> Ref {
        let at = self.leaves.iter().position(|leaf| *leaf == value).unwrap_or_else(|| {
            self.leaves.push(value);
            self.names.push(name);
            self.leaves.len() - 1
        });
        Ref::Leaf(at)
    }
}

impl Lowering<'_> {
    fn field(&self, name: &Ident) -> Option<usize> {
        self.fields.iter().position(|f| f.name() == unraw(name))
    }

    fn node(&mut self, kind: Kind, outs: usize, span: Span, name: &str) -> usize {
        let mut unique = name.to_owned();
        let mut count = 1;
        while !self.names.insert(unique.clone()) {
            count += 1;
            unique = format!("{name}_{count}");
        }
        let name = syn::parse_str::<Ident>(&unique).unwrap_or_else(|_| Ident::new_raw(&unique, Span::call_site()));
        self.nodes.push(Node { kind, outs, axes: vec![None; outs], span, name });
        self.nodes.len() - 1
    }

    /// `let a = ..;`, `let a: [batch, time] = ..;`, `let (a, b): ([..], ..) = call(..);`
    fn bind(&mut self, binding: &Let) {
        match &binding.names {
            LetNames::One(name, axes) => {
                let Some(value) = self.value(&binding.value) else {
                    self.unknown.push(name.clone());
                    return;
                };
                let value = match (value, axes) {
                    (Value::Node(n, k), Some(axes)) if self.nodes[n].axes[k].is_none() => {
                        self.nodes[n].axes[k] = Some(axes.clone());
                        value
                    }
                    (_, Some(axes)) => {
                        // a new name for a value that has axes already: a copy that checks them
                        let value = self.copy(value, binding.value.span());
                        if let Value::Node(n, k) = value {
                            self.nodes[n].axes[k] = Some(axes.clone());
                        }
                        value
                    }
                    (_, None) => value,
                };
                self.lets.push(Binding { name: name.clone(), value, used: false });
            }
            LetNames::Many(names) => {
                let Some(at) = self.call_of(&binding.value, names.len()) else {
                    self.unknown.extend(names.iter().map(|(name, _)| name.clone()));
                    return;
                };
                for (k, (name, axes)) in names.iter().enumerate() {
                    self.nodes[at].axes[k] = axes.clone();
                    self.lets.push(Binding { name: name.clone(), value: Value::Node(at, k), used: false });
                }
            }
        }
    }

    fn results(&mut self, result: &syn::Expr) -> Option<Vec<Value>> {
        let parts: Vec<&syn::Expr> = match result {
            syn::Expr::Tuple(tuple) if !tuple.elems.is_empty() => tuple.elems.iter().collect(),
            syn::Expr::Tuple(tuple) => {
                self.errors.push(tuple.span(), "an equation gives a value, found `()`".into());
                return None;
            }
            other => vec![other],
        };
        let mut results: Vec<Value> = Vec::new();
        for part in parts {
            let value = self.value(part)?;
            // a result is written by exactly one node of its own
            let fresh = matches!(value, Value::Node(..)) && !results.contains(&value);
            results.push(if fresh { value } else { self.copy(value, part.span()) });
        }
        Some(results)
    }

    /// A tuple of `outs` results: only a call of an op or of a sub-layer gives one.
    fn call_of(&mut self, expr: &syn::Expr, outs: usize) -> Option<usize> {
        match strip(expr) {
            syn::Expr::Call(call) => self.call(call, outs),
            other => {
                self.errors.push(other.span(), format!("{outs} names on the left take a call with {outs} results"));
                None
            }
        }
    }

    /// The expression as one value, in memory.
    fn value(&mut self, expr: &syn::Expr) -> Option<Value> {
        let mut pending = Pending::default();
        let at = self.element(expr, &mut pending)?;
        match at {
            Ref::Leaf(i) => Some(pending.leaves[i]),
            Ref::Literal(_) => {
                self.errors.push(expr.span(), "a number alone is no value of an equation".into());
                None
            }
            Ref::Step(_) => Some(self.materialise(pending, at, mark(expr))),
        }
    }

    fn materialise(&mut self, pending: Pending, result: Ref, span: Span) -> Value {
        let Pending { group, leaves, names } = pending;
        for (leaf, name) in leaves.iter().zip(names) {
            if matches!(leaf, Value::Input(i) if self.params[*i].elem == Elem::Ids) {
                let message = "ids (`u32[..]`) take no part in arithmetic; give them to an op that looks them up";
                self.errors.push(name, message.into());
            }
        }
        // one more for the result, which a backward loop may read
        if leaves.len() >= MAX_LEAVES {
            let found = leaves.len();
            let limit = MAX_LEAVES - 1;
            self.errors.push(
                span,
                format!(
                    "one expression takes at most {limit} different values, found {found}; bind a part of it with `let`"
                ),
            );
        }
        let at = self.node(Kind::Fused(Fused { group, result, leaves }), 1, span, "elementwise");
        Value::Node(at, 0)
    }

    /// The value once more, in memory of its own: each argument of a call needs its own place for a gradient.
    fn copy(&mut self, value: Value, span: Span) -> Value {
        let mut pending = Pending::default();
        let at = pending.leaf(value, span);
        self.materialise(pending, at, span)
    }

    /// The expression as an operand of the group under construction.
    fn element(&mut self, expr: &syn::Expr, pending: &mut Pending) -> Option<Ref> {
        match strip(expr) {
            syn::Expr::Path(path) if path.qself.is_none() => {
                let name = path.path.get_ident().cloned();
                let Some(name) = name else {
                    self.errors.push(path.span(), "a value is a field, an input or a `let`, found a path".into());
                    return None;
                };
                let value = self.named(&name)?;
                Some(pending.leaf(value, name.span()))
            }
            syn::Expr::Lit(literal) => match &literal.lit {
                syn::Lit::Float(number) => number.base10_parse().ok().map(Ref::Literal),
                syn::Lit::Int(number) => number.base10_parse::<f64>().ok().map(Ref::Literal),
                other => {
                    self.errors.push(other.span(), "expected a number".into());
                    None
                }
            },
            syn::Expr::Unary(unary) => match unary.op {
                syn::UnOp::Neg(_) => {
                    let x = self.element(&unary.expr, pending)?;
                    Some(pending.group.push(Op::Neg, vec![x]))
                }
                other => {
                    self.errors.push(other.span(), "equations have the unary operator `-` only".into());
                    None
                }
            },
            syn::Expr::Binary(binary) => {
                let op = match binary.op {
                    syn::BinOp::Add(_) => Op::Add,
                    syn::BinOp::Sub(_) => Op::Sub,
                    syn::BinOp::Mul(_) => Op::Mul,
                    syn::BinOp::Div(_) => Op::Div,
                    other => {
                        self.errors.push(other.span(), "equations have the operators `+`, `-`, `*` and `/`".into());
                        return None;
                    }
                };
                let (x, y) = (self.element(&binary.left, pending), self.element(&binary.right, pending));
                Some(pending.group.push(op, vec![x?, y?]))
            }
            syn::Expr::If(choice) => self.choice(choice, pending),
            syn::Expr::Call(call) => {
                if let Some(name) = one_word(&call.func)
                    && self.field(&name).is_none()
                    && is_reserved(&unraw(&name))
                {
                    return self.function(&name, call, pending);
                }
                let at = self.call(call, 1)?;
                Some(pending.leaf(Value::Node(at, 0), call.func.span()))
            }
            other => {
                let mut span = other.span();
                let what = match other {
                    syn::Expr::MethodCall(call) => {
                        let name = &call.method;
                        span = name.span();
                        format!("equations have no method calls; write `{name}(..)`")
                    }
                    syn::Expr::Tuple(_) => "a tuple stands only as the result of the equation".into(),
                    syn::Expr::Macro(_) => "equations have no macros".into(),
                    syn::Expr::Block(_) => "a block stands only as the whole body of the equation".into(),
                    _ => "this expression is no part of the equation language: use fields, inputs, `let`, numbers, \
                          `+ - * /`, elementwise functions and calls"
                        .into(),
                };
                self.errors.push(span, what);
                None
            }
        }
    }

    /// `if a < b { x } else { y }`, element by element.
    fn choice(&mut self, choice: &syn::ExprIf, pending: &mut Pending) -> Option<Ref> {
        let syn::Expr::Binary(test) = strip(&choice.cond) else {
            self.errors.push(choice.cond.span(), "the condition compares two values, such as `a < b`".into());
            return None;
        };
        let flipped = match test.op {
            syn::BinOp::Lt(_) => false,
            syn::BinOp::Gt(_) => true,
            other => {
                self.errors.push(other.span(), "a condition compares with `<` or `>`".into());
                return None;
            }
        };
        let (then, other) = (single(&choice.then_branch), choice.else_branch.as_ref().map(|(_, e)| &**e));
        let (Some(then), Some(other)) = (then, other) else {
            self.errors.push(choice.span(), "both branches give one value: `if a < b { x } else { y }`".into());
            return None;
        };
        let other = match other {
            syn::Expr::Block(block) => single(&block.block),
            other => Some(other),
        };
        let Some(other) = other else {
            self.errors.push(choice.span(), "both branches give one value: `if a < b { x } else { y }`".into());
            return None;
        };
        let (mut a, mut b) = (self.element(&test.left, pending)?, self.element(&test.right, pending)?);
        if flipped {
            std::mem::swap(&mut a, &mut b);
        }
        let (x, y) = (self.element(then, pending)?, self.element(other, pending)?);
        Some(pending.group.push(Op::Select, vec![a, b, x, y]))
    }

    /// A reserved elementwise function.
    fn function(&mut self, name: &Ident, call: &syn::ExprCall, pending: &mut Pending) -> Option<Ref> {
        let word = unraw(name);
        if STEEP.contains(&word.as_str()) {
            self.errors.push(
                name.span(),
                format!("`{word}` has no gradient; write `ste({word}(..))`, `surrogate({word}(..), sigmoid)` or `stop({word}(..))`"),
            );
            return None;
        }
        let takes = FUNCTIONS.iter().find(|(known, _)| *known == word).map_or(1, |(_, n)| *n);
        if call.args.len() != takes {
            let s = if takes == 1 { "" } else { "s" };
            self.errors.push(name.span(), format!("`{word}` takes {takes} argument{s}, found {}", call.args.len()));
            return None;
        }
        match word.as_str() {
            "max" | "min" => {
                let (x, y) = (self.element(&call.args[0], pending), self.element(&call.args[1], pending));
                Some(pending.group.push(if word == "max" { Op::Max } else { Op::Min }, vec![x?, y?]))
            }
            "ste" => self.straight_through(&call.args[0], name, pending),
            "surrogate" => self.surrogate(call, pending),
            "stop" => match steep(&call.args[0]) {
                Some((steep, inner)) => {
                    let x = self.element(inner, pending)?;
                    let x = pending.group.push(Op::Stop, vec![x]);
                    let zero = Ref::Literal(0.0);
                    let one = Ref::Literal(1.0);
                    Some(match unraw(&steep).as_str() {
                        "round" => pending.group.push(Op::SteRound, vec![x]),
                        "sign" => pending.group.push(Op::SteSign, vec![x]),
                        _ => pending.group.push(Op::Select, vec![zero, x, one, zero]),
                    })
                }
                None => {
                    let x = self.element(&call.args[0], pending)?;
                    Some(pending.group.push(Op::Stop, vec![x]))
                }
            },
            _ => {
                let x = self.element(&call.args[0], pending)?;
                Some(pending.group.call(&word, x))
            }
        }
    }

    fn straight_through(&mut self, arg: &syn::Expr, name: &Ident, pending: &mut Pending) -> Option<Ref> {
        let Some((steep, inner)) = steep(arg) else {
            self.errors
                .push(name.span(), "`ste` takes `round(..)` or `sign(..)`: it lets their gradient through".into());
            return None;
        };
        let x = self.element(inner, pending)?;
        match unraw(&steep).as_str() {
            "round" => Some(pending.group.push(Op::SteRound, vec![x])),
            "sign" => Some(pending.group.push(Op::SteSign, vec![x])),
            _ => {
                self.errors.push(
                    steep.span(),
                    "`step` takes a surrogate slope: `surrogate(step(..), sigmoid)`, `triangle` or `arctan`".into(),
                );
                None
            }
        }
    }

    fn surrogate(&mut self, call: &syn::ExprCall, pending: &mut Pending) -> Option<Ref> {
        let kind = one_word(&call.args[1]);
        let kind = match kind.as_ref().map(unraw).as_deref() {
            Some("sigmoid") => Surrogate::Sigmoid,
            Some("triangle") => Surrogate::Triangle,
            Some("arctan") => Surrogate::Arctan,
            _ => {
                self.errors.push(call.args[1].span(), "the surrogate is `sigmoid`, `triangle` or `arctan`".into());
                return None;
            }
        };
        match steep(&call.args[0]) {
            Some((steep, inner)) if unraw(&steep) == "step" => {
                let x = self.element(inner, pending)?;
                Some(pending.group.push(Op::SurrogateStep(kind), vec![x]))
            }
            _ => {
                self.errors.push(call.args[0].span(), "`surrogate` takes `step(..)` first".into());
                None
            }
        }
    }

    /// A call of a sub-layer or of an op.
    fn call(&mut self, call: &syn::ExprCall, outs: usize) -> Option<usize> {
        let syn::Expr::Path(path) = strip(&call.func) else {
            self.errors.push(call.func.span(), "what is called is a field or an op".into());
            return None;
        };
        let name = path.path.get_ident().cloned();
        if let Some(field) = name.as_ref().and_then(|name| self.field(name)) {
            self.used_fields[field] = true;
            let args: Vec<_> = call.args.iter().map(|arg| self.value(arg)).collect();
            let mut args = args.into_iter().collect::<Option<Vec<_>>>()?;
            for i in 0..args.len() {
                // a sub-layer takes activations: a parameter enters as a copy, whose gradient is the parameter's
                if args[..i].contains(&args[i]) || matches!(args[i], Value::Field(_)) {
                    args[i] = self.copy(args[i], call.args[i].span());
                }
            }
            let label = self.fields[field].name();
            return Some(self.node(Kind::Sub(Sub { field, args }), outs, path.span(), &label));
        }
        if let Some(name) = &name {
            if let Some(binding) = self.lets.iter().find(|l| l.name == *name) {
                let said = binding.name.to_string();
                self.errors.push(name.span(), format!("`{said}` is a value and cannot be called"));
                return None;
            }
            if is_reserved(&unraw(name)) {
                self.errors.push(name.span(), format!("`{name}` is elementwise and has one result"));
                return None;
            }
        }
        let args: Vec<_> = call.args.iter().map(|arg| self.argument(arg)).collect();
        let mut args = args.into_iter().collect::<Option<Vec<_>>>()?;
        for i in 0..args.len() {
            let Argument::Value(value) = args[i] else { continue };
            if !args[..i].iter().any(|a| matches!(a, Argument::Value(v) if *v == value)) {
                continue;
            }
            match value {
                Value::Field(field) => {
                    let said = format!("field `{}` stands twice in one call", self.fields[field].name());
                    self.errors.push(call.args[i].span(), said);
                }
                _ => args[i] = Argument::Value(self.copy(value, call.args[i].span())),
            }
        }
        let label = path.path.segments.last().map_or_else(|| "op".to_owned(), |s| unraw(&s.ident));
        let spans = call.args.iter().map(mark).collect();
        Some(self.node(Kind::Call(Call { path: path.path.clone(), args, spans }), outs, path.span(), &label))
    }

    /// An argument of an op: a value, or a number.
    fn argument(&mut self, expr: &syn::Expr) -> Option<Argument> {
        let mut pending = Pending::default();
        match self.element(expr, &mut pending)? {
            Ref::Leaf(i) => Some(Argument::Value(pending.leaves[i])),
            Ref::Literal(number) => Some(Argument::Literal(number)),
            at @ Ref::Step(_) => Some(Argument::Value(self.materialise(pending, at, mark(expr)))),
        }
    }

    /// What a name stands for.
    fn named(&mut self, name: &Ident) -> Option<Value> {
        if self.unknown.contains(name) {
            return None;
        }
        // the newest `let` of that name
        if let Some(binding) = self.lets.iter_mut().rev().find(|l| l.name == *name) {
            binding.used = true;
            return Some(binding.value);
        }
        if let Some(i) = self.params.iter().position(|p| p.ident == *name) {
            self.used_inputs[i] = true;
            return Some(Value::Input(i));
        }
        if let Some(i) = self.field(name) {
            self.used_fields[i] = true;
            return Some(Value::Field(i));
        }
        self.errors.push(name.span(), format!("`{name}` is neither a field, an input nor a `let`"));
        None
    }
}

/// The token that stands for an expression in messages: its outermost operator. (Stable Rust cannot mark all of it.)
fn mark(expr: &syn::Expr) -> Span {
    match strip(expr) {
        syn::Expr::Binary(binary) => binary.op.span(),
        other => other.span(),
    }
}

/// `_x`: declared as unused.
fn dropped(name: &Ident) -> bool {
    name.to_string().starts_with('_')
}

/// Without brackets around it.
fn strip(expr: &syn::Expr) -> &syn::Expr {
    match expr {
        syn::Expr::Paren(inner) => strip(&inner.expr),
        syn::Expr::Group(inner) => strip(&inner.expr),
        other => other,
    }
}

fn one_word(expr: &syn::Expr) -> Option<Ident> {
    match strip(expr) {
        syn::Expr::Path(path) if path.qself.is_none() => path.path.get_ident().cloned(),
        _ => None,
    }
}

/// `round(x)`, `sign(x)` or `step(x)`: the name and `x`.
fn steep(expr: &syn::Expr) -> Option<(Ident, &syn::Expr)> {
    match strip(expr) {
        syn::Expr::Call(call) if call.args.len() == 1 => {
            let name = one_word(&call.func)?;
            STEEP.contains(&unraw(&name).as_str()).then(|| (name, &call.args[0]))
        }
        _ => None,
    }
}

fn single(block: &syn::Block) -> Option<&syn::Expr> {
    match block.stmts.as_slice() {
        [syn::Stmt::Expr(expr, None)] => Some(expr),
        _ => None,
    }
}
