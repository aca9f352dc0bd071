//! From the statements of an equation to a list of nodes.

use std::collections::HashSet;

use proc_macro2::{Ident, Span};
use syn::spanned::Spanned;

use super::elementwise::{Group, Keep, Ref, is_reserved};
use super::expressions::{mark, strip};
use super::{Argument, Call, Fused, Kind, Node, Sub, Value};
use crate::ast::{Elem, Field, Let, LetNames, Param, unraw};
use crate::errors::Errors;

/// Most operands of a fused loop.
const MAX_LEAVES: usize = 12;

pub(super) struct Binding {
    pub(super) name: Ident,
    pub(super) value: Value,
    pub(super) used: bool,
}

pub(super) struct Lowering<'a> {
    pub(super) fields: &'a [Field],
    pub(super) params: &'a [Param],
    pub(super) errors: &'a mut Errors,
    pub(super) nodes: Vec<Node>,
    pub(super) names: HashSet<String>,
    pub(super) lets: Vec<Binding>,
    /// names of `let`s with a mistake in them: no more is said about those
    pub(super) unknown: Vec<Ident>,
    pub(super) used_fields: Vec<bool>,
    pub(super) used_inputs: Vec<bool>,
}

/// An elementwise expression under construction: its group, its leaves, and the operand that is its value.
#[derive(Default)]
pub(super) struct Pending {
    pub(super) group: Group,
    pub(super) leaves: Vec<Value>,
    /// the first name of each leaf
    pub(super) names: Vec<Span>,
}

impl Pending {
    pub(super) fn leaf(&mut self, value: Value, name: Span) -> Ref {
        let at = self.leaves.iter().position(|leaf| *leaf == value).unwrap_or_else(|| {
            self.leaves.push(value);
            self.names.push(name);
            self.leaves.len() - 1
        });
        Ref::Leaf(at)
    }
}

impl Lowering<'_> {
    pub(super) fn field(&self, name: &Ident) -> Option<usize> {
        self.fields.iter().position(|f| f.name() == unraw(name))
    }

    pub(super) fn node(&mut self, kind: Kind, outs: usize, span: Span, name: &str) -> usize {
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
    pub(super) fn bind(&mut self, binding: &Let) {
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

    pub(super) fn results(&mut self, result: &syn::Expr) -> Option<Vec<Value>> {
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
    pub(super) fn call_of(&mut self, expr: &syn::Expr, outs: usize) -> Option<usize> {
        match strip(expr) {
            syn::Expr::Call(call) => self.call(call, outs),
            other => {
                self.errors.push(other.span(), format!("{outs} names on the left take a call with {outs} results"));
                None
            }
        }
    }

    /// The expression as one value, in memory.
    pub(super) fn value(&mut self, expr: &syn::Expr) -> Option<Value> {
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

    pub(super) fn materialise(&mut self, pending: Pending, result: Ref, span: Span) -> Value {
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
        let at = self.node(Kind::Fused(Fused { group, result, leaves, keep: Keep::Dear }), 1, span, "elementwise");
        Value::Node(at, 0)
    }

    /// The value once more, in memory of its own: each argument of a call needs its own place for a gradient.
    pub(super) fn copy(&mut self, value: Value, span: Span) -> Value {
        let mut pending = Pending::default();
        let at = pending.leaf(value, span);
        self.materialise(pending, at, span)
    }

    /// A call of a sub-layer or of an op.
    pub(super) fn call(&mut self, call: &syn::ExprCall, outs: usize) -> Option<usize> {
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
    pub(super) fn argument(&mut self, expr: &syn::Expr) -> Option<Argument> {
        let mut pending = Pending::default();
        match self.element(expr, &mut pending)? {
            Ref::Leaf(i) => Some(Argument::Value(pending.leaves[i])),
            Ref::Literal(number) => Some(Argument::Literal(number)),
            at @ Ref::Step(_) => Some(Argument::Value(self.materialise(pending, at, mark(expr)))),
        }
    }

    /// What a name stands for.
    pub(super) fn named(&mut self, name: &Ident) -> Option<Value> {
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
