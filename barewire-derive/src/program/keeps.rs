//! `recompute = [..]` and `save = [..]`: what the loops of an equation keep, by the names of its `let`s.

use proc_macro2::Ident;

use super::elementwise::Keep;
use super::{Kind, Program, Value};
use crate::ast::{Field, Keeps, unraw};
use crate::attr::nearest;
use crate::errors::Errors;

impl Program {
    /// Says so to the loops that `keeps` names. Names of other values, and of loops that it would not change, go to `errors`.
    pub(crate) fn keep(&mut self, keeps: &Keeps, errors: &mut Errors) {
        for name in &keeps.recompute {
            self.keep_of(name, Keep::Nothing, errors);
        }
        for name in &keeps.save {
            self.keep_of(name, Keep::All, errors);
        }
    }

    /// A list whose layers run again is one that the equation runs.
    pub(crate) fn check_checkpoints(&self, fields: &[Field], errors: &mut Errors) {
        for (i, field) in fields.iter().enumerate() {
            let called = self.nodes.iter().any(|node| matches!(&node.kind, Kind::Sub(sub) if sub.field == i));
            if let (Some(checkpoint), false) = (&field.checkpoint, called) {
                let message =
                    format!("`checkpoint` is for a list of layers, and the equation does not call `{}`", field.name());
                errors.push(checkpoint.span, message);
            }
        }
    }

    fn keep_of(&mut self, name: &Ident, keep: Keep, errors: &mut Errors) {
        // the newest `let` of that name, as in the equation
        let Some((value, _)) = self.names.iter().rev().find(|(_, said)| *said == unraw(name)) else {
            let known: Vec<&str> = self.names.iter().map(|(_, said)| said.as_str()).collect();
            let hint = nearest(&unraw(name), &known).map_or_else(
                || "; give the arithmetic a name with `let`".to_owned(),
                |near| format!("; did you mean `{near}`?"),
            );
            return errors.push(name.span(), format!("no `let` of this equation is called `{name}`{hint}"));
        };
        let node = match value {
            Value::Node(n, _) => Some(*n),
            Value::Input(_) | Value::Field(_) => None,
        };
        let Some(Kind::Fused(fused)) = node.and_then(|n| self.nodes.get_mut(n)).map(|node| &mut node.kind) else {
            let message = format!(
                "`{name}` is no arithmetic of this equation; what a call keeps, the op or the layer decides (a layer by `recompute` on its own equation)"
            );
            return errors.push(name.span(), message);
        };
        if fused.keep != Keep::Dear {
            // named twice, which is said already
            return;
        }
        let now = fused.adjoint(&Default::default());
        let message = match keep {
            Keep::Nothing if now.saved.is_empty() && !now.needs_out => {
                format!("the loop of `{name}` keeps no result as it is; remove it here")
            }
            Keep::All if now.again.is_empty() => {
                format!("the backward pass of `{name}` computes nothing again as it is; remove it here")
            }
            _ => {
                fused.keep = keep;
                return;
            }
        };
        errors.push(name.span(), message);
    }
}
