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
mod expressions;
mod keeps;
mod lowering;
pub(crate) mod text;

use std::collections::HashSet;

use proc_macro2::{Ident, Span, TokenStream};

use crate::ast::{Body, Elem, Field, Param, Role, unraw};
use crate::errors::Errors;
use elementwise::{Adjoint, Group, Keep, Ref, is_reserved};
use lowering::Lowering;

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
    pub(crate) keep: Keep,
}

impl Fused {
    /// The two bodies, and what they need. `real` is the path of the trait `Real`.
    pub(crate) fn adjoint(&self, real: &TokenStream) -> Adjoint {
        elementwise::adjoint(&self.group, self.result, self.leaves.len(), self.keep, real)
    }
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
    /// names that a `let` gave, for readers
    pub(crate) names: Vec<(Value, String)>,
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
    // what is unused is only said of an equation that was understood, and then all of it
    let understood = lowering.errors.len() == before;
    for binding in &lowering.lets {
        if understood && !binding.used && !dropped(&binding.name) {
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
        if understood && !used && field.role != Some(Role::Fixed) {
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
        if understood && !used && !dropped(&param.ident) {
            lowering.errors.push(
                param.ident.span(),
                format!(
                    "input `{0}` is never used, so it would get no gradient; use it, or call it `_{0}` to say so",
                    param.ident
                ),
            );
        }
    }
    let Lowering { nodes, lets, .. } = lowering;
    let names = lets.iter().map(|binding| (binding.value, unraw(&binding.name))).collect();
    if errors.len() > before {
        return None;
    }
    let program = Program { nodes, results: results?, names };
    program.check_gradients(fields, params, errors);
    program.check_representations(fields, errors);
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
                    let adjoint = fused.adjoint(&Default::default());
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

    /// Arithmetic gives every element a gradient, so what is used in it is held dense.
    fn check_representations(&self, fields: &[Field], errors: &mut Errors) {
        for (i, field) in fields.iter().enumerate() {
            let Some(word) = field.gradient.as_ref().filter(|word| *word != "dense") else { continue };
            let in_arithmetic = self.nodes.iter().any(|node| match &node.kind {
                Kind::Fused(fused) => fused.leaves.contains(&Value::Field(i)),
                _ => false,
            });
            if in_arithmetic {
                let message = format!(
                    "`{}` takes part in elementwise arithmetic, which gives every element a gradient: it cannot be held as `{word}`",
                    field.name()
                );
                errors.push(word.span(), message);
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

/// `_x`: declared as unused.
fn dropped(name: &Ident) -> bool {
    name.to_string().starts_with('_')
}
