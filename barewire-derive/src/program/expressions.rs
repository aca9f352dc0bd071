//! Expressions: what fuses into one loop, and what is a call.

use proc_macro2::{Ident, Span};
use syn::spanned::Spanned;

use super::Value;
use super::elementwise::{FUNCTIONS, Op, Ref, STEEP, Surrogate, is_reserved};
use super::lowering::{Lowering, Pending};
use crate::ast::unraw;

impl Lowering<'_> {
    /// The expression as an operand of the group under construction.
    pub(super) fn element(&mut self, expr: &syn::Expr, pending: &mut Pending) -> Option<Ref> {
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
    pub(super) fn choice(&mut self, choice: &syn::ExprIf, pending: &mut Pending) -> Option<Ref> {
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
    pub(super) fn function(&mut self, name: &Ident, call: &syn::ExprCall, pending: &mut Pending) -> Option<Ref> {
        let word = unraw(name);
        if STEEP.contains(&word.as_str()) {
            let with_one =
                if word == "step" { "surrogate(step(..), sigmoid)".into() } else { format!("ste({word}(..))") };
            let message = format!("`{word}` has no gradient; write `{with_one}` or `stop({word}(..))`");
            self.errors.push(name.span(), message);
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
            "clamp" => {
                let args: Vec<_> = call.args.iter().map(|arg| self.element(arg, pending)).collect();
                let &[x, low, high] = args.into_iter().collect::<Option<Vec<_>>>()?.as_slice() else { return None };
                let above = pending.group.push(Op::Max, vec![x, low]);
                Some(pending.group.push(Op::Min, vec![above, high]))
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

    pub(super) fn straight_through(&mut self, arg: &syn::Expr, name: &Ident, pending: &mut Pending) -> Option<Ref> {
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

    pub(super) fn surrogate(&mut self, call: &syn::ExprCall, pending: &mut Pending) -> Option<Ref> {
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
}

/// The token that stands for an expression in messages: its outermost operator. (Stable Rust cannot mark all of it.)
pub(super) fn mark(expr: &syn::Expr) -> Span {
    match strip(expr) {
        syn::Expr::Binary(binary) => binary.op.span(),
        other => other.span(),
    }
}

/// Without brackets around it.
pub(super) fn strip(expr: &syn::Expr) -> &syn::Expr {
    match expr {
        syn::Expr::Paren(inner) => strip(&inner.expr),
        syn::Expr::Group(inner) => strip(&inner.expr),
        other => other,
    }
}

pub(super) fn one_word(expr: &syn::Expr) -> Option<Ident> {
    match strip(expr) {
        syn::Expr::Path(path) if path.qself.is_none() => path.path.get_ident().cloned(),
        _ => None,
    }
}

/// `round(x)`, `sign(x)` or `step(x)`: the name and `x`.
pub(super) fn steep(expr: &syn::Expr) -> Option<(Ident, &syn::Expr)> {
    match strip(expr) {
        syn::Expr::Call(call) if call.args.len() == 1 => {
            let name = one_word(&call.func)?;
            STEEP.contains(&unraw(&name).as_str()).then(|| (name, &call.args[0]))
        }
        _ => None,
    }
}

pub(super) fn single(block: &syn::Block) -> Option<&syn::Expr> {
    match block.stmts.as_slice() {
        [syn::Stmt::Expr(expr, None)] => Some(expr),
        _ => None,
    }
}
