//! The equation, its programs and what it keeps, as text in a constant.
//!
//! The lines are those of the code beside them: the same steps in the same order, with the names of the equation.

use proc_macro2::{TokenStream, TokenTree};
use quote::{ToTokens, quote};

use super::{Place, Writer};
use crate::ast::unraw;
use crate::program::{Argument, Fused, Kind, Value, text};

impl Writer<'_> {
    /// `pub const EXPLAINED`. `again`: the backward pass runs the forward program once more.
    pub(crate) fn explained(&self, again: bool) -> TokenStream {
        let k = self.krate;
        let equation = text::equation(self.closure);
        let forward = (0..self.program.nodes.len()).map(|n| {
            let (line, axes) = (self.forward_line(n), self.shape(Value::Node(n, 0)));
            quote!((#line, #axes))
        });
        let mut backward: Vec<String> = (0..self.program.nodes.len()).rev().map(|n| self.backward_line(n)).collect();
        if let (true, Some(first)) = (again, backward.first_mut()) {
            *first = format!("// the forward program runs again, from the inputs\n{first}");
        }
        let kept = if again { self.inputs_kept() } else { self.kept_lines() };
        let kept = kept.into_iter().map(|(what, value, arrays)| {
            let (axes, borrowed) = (self.shape(value), matches!(value, Value::Input(_)));
            quote!(#k::Kept { what: #what, axes: #axes, arrays: #arrays, borrowed: #borrowed })
        });
        quote! {
            /// The equation, its programs and what it keeps, for readers.
            pub const EXPLAINED: #k::Equation = #k::Equation {
                text: #equation,
                forward: &[#(#forward),*],
                backward: &[#(#backward),*],
                kept: &[#(#kept),*],
            };
        }
    }

    /// What a value is called: as the equation calls it, or `v3`.
    fn said(&self, value: Value) -> String {
        match value {
            Value::Input(i) => unraw(&self.closure.params[i].ident),
            Value::Field(f) => self.fields[f].name(),
            Value::Node(n, k) => match self.program.names.iter().find(|(named, _)| *named == value) {
                Some((_, name)) => name.clone(),
                None if self.program.results == [value] => "y".to_owned(),
                None => self.suffixed("v", n, k).to_string(),
            },
        }
    }

    fn results_of(&self, n: usize) -> Vec<String> {
        (0..self.program.nodes[n].outs).map(|out| self.said(Value::Node(n, out))).collect()
    }

    fn arguments_of(&self, n: usize) -> (String, Vec<String>) {
        match &self.program.nodes[n].kind {
            Kind::Call(call) => {
                let args = call.args.iter().map(|arg| match arg {
                    Argument::Value(value) => self.said(*value),
                    Argument::Literal(number) => format!("{number:?}"),
                });
                (text::tokens(call.path.to_token_stream()), args.collect())
            }
            Kind::Sub(sub) => (self.fields[sub.field].name(), sub.args.iter().map(|arg| self.said(*arg)).collect()),
            Kind::Fused(fused) => (String::new(), fused.leaves.iter().map(|leaf| self.said(*leaf)).collect()),
        }
    }

    fn forward_line(&self, n: usize) -> String {
        let results = match &self.results_of(n)[..] {
            [one] => one.clone(),
            many => format!("({})", many.join(", ")),
        };
        match &self.program.nodes[n].kind {
            Kind::Fused(fused) => {
                let forward = fused.adjoint(&quote!(Real)).forward;
                let mut lines = self.lines(forward, fused, "");
                if let Some(last) = lines.last_mut() {
                    // the value of the whole: the last assignment's, if that is what it is
                    *last = format!("{results} = {last}");
                }
                if let [.., before, last] = &mut lines[..]
                    && let Some((name, value)) = before.split_once(" = ")
                    && *last == format!("{results} = {name}")
                {
                    *last = format!("{results} = {value}");
                    let at = lines.len() - 2;
                    lines.remove(at);
                }
                lines.join("\n")
            }
            _ => {
                let (callee, args) = self.arguments_of(n);
                format!("{results} = {callee}({})", args.join(", "))
            }
        }
    }

    fn backward_line(&self, n: usize) -> String {
        let results: Vec<String> = self.results_of(n).iter().map(|name| format!("{name}'")).collect();
        let results = results.join(", ");
        let (callee, args) = self.arguments_of(n);
        match &self.program.nodes[n].kind {
            Kind::Fused(fused) => {
                let adjoint = fused.adjoint(&quote!(Real));
                let mut lines = self.lines(adjoint.backward, fused, &results);
                let contributions = lines.pop().unwrap_or_default();
                let contributions = contributions.trim_matches(['[', ']']).to_owned();
                let reached = fused.leaves.iter().zip(contributions.split(", ")).zip(&adjoint.reaches_leaf);
                lines.extend(reached.filter(|(_, reaches)| **reaches).map(|((leaf, amount), _)| {
                    // smaller operands get the sum over the axes that they spread along
                    format!("{}' += {amount}", self.said(*leaf))
                }));
                lines.join("\n")
            }
            kind => {
                let mut to: Vec<String> = match kind {
                    Kind::Call(call) => {
                        let values = call.args.iter().zip(&args).filter(|(arg, _)| match arg {
                            Argument::Value(Value::Field(f)) => !self.is_fixed(*f),
                            Argument::Value(value) => !self.is_ids(*value),
                            Argument::Literal(_) => false,
                        });
                        values.map(|(_, name)| format!("{name}'")).collect()
                    }
                    Kind::Sub(sub) => {
                        let values = sub.args.iter().filter(|value| !self.is_ids(**value));
                        values.map(|value| format!("{}'", self.said(*value))).collect()
                    }
                    Kind::Fused(_) => Vec::new(),
                };
                if let Kind::Sub(sub) = kind
                    && !self.is_fixed(sub.field)
                {
                    to.insert(0, format!("{callee}'"));
                }
                let line = format!("{} += {callee}.vjp({results})", to.join(", "));
                let checkpoint = match kind {
                    Kind::Sub(sub) => self.fields[sub.field].checkpoint,
                    _ => None,
                };
                match checkpoint.map(|checkpoint| checkpoint.every) {
                    None => line,
                    Some(None) => {
                        format!("// its layers run again, about the square root of their number at a time\n{line}")
                    }
                    Some(Some(every)) => format!("// its layers run again, {every} at a time\n{line}"),
                }
            }
        }
    }

    /// Lines of a body of a fused loop, with the equation's names in place of `x0`, `y`, `c`.
    fn lines(&self, body: TokenStream, fused: &Fused, cotangent: &str) -> Vec<String> {
        let rename = |word: &str| -> Option<String> {
            if let Some(leaf) = word.strip_prefix('x').and_then(|at| at.parse::<usize>().ok()) {
                return fused.leaves.get(leaf).map(|leaf| self.said(*leaf));
            }
            match word {
                "c" => Some(cotangent.to_owned()),
                "y" => Some(cotangent.trim_end_matches('\'').to_owned()),
                _ => None,
            }
        };
        let text = text::tokens(plain(body));
        let mut renamed = String::new();
        let mut word = String::new();
        for c in text.chars().chain([' ']) {
            if c.is_alphanumeric() || c == '_' {
                word.push(c);
                continue;
            }
            renamed += &rename(&word).unwrap_or_else(|| word.clone());
            word.clear();
            renamed.push(c);
        }
        // a `;` inside of braces ends no line
        let mut depth = 0;
        let ends = |c: char| {
            depth += i32::from(c == '{') - i32::from(c == '}');
            c == ';' && depth == 0
        };
        let lines = renamed.split(ends).map(|line| line.trim().trim_start_matches("let ").to_owned());
        // `t1 = s0`: a value that was kept has the name that it had
        let restored = |line: &str| {
            line.split_once(" = s")
                .is_some_and(|(_, saved)| !saved.is_empty() && saved.bytes().all(|c| c.is_ascii_digit()))
        };
        lines.filter(|line| !line.is_empty() && !restored(line)).collect()
    }

    /// What stays where the forward program runs again.
    fn inputs_kept(&self) -> Vec<(String, Value, TokenStream)> {
        let inputs = (0..self.closure.params.len()).map(Value::Input).filter(|input| !self.is_ids(*input));
        inputs.map(|input| (self.said(input), input, quote!(1))).collect()
    }

    /// What stays for the backward pass, with the number of arrays as a constant expression.
    fn kept_lines(&self) -> Vec<(String, Value, TokenStream)> {
        let mut lines = Vec::new();
        for i in 0..self.closure.params.len() {
            let (value, keep) = (Value::Input(i), self.keep_of(Value::Input(i)));
            if keep.to_string() != "false" && !self.is_ids(value) {
                lines.push((self.said(value), value, quote!((#keep) as usize)));
            }
        }
        for (n, node) in self.program.nodes.iter().enumerate() {
            if let Some(adjoint) = self.adjoint(n)
                && !adjoint.saved.is_empty()
            {
                let names: Vec<String> = adjoint.saved.iter().map(|at| format!("t{at}")).collect();
                let (count, of) = (adjoint.saved.len(), self.said(Value::Node(n, 0)));
                lines.push((format!("{} of {of}", names.join(", ")), Value::Node(n, 0), quote!(#count)));
            }
            for out in 0..node.outs {
                let value = Value::Node(n, out);
                if matches!(self.place(value), Place::Own) {
                    let keep = super::constants::any([self.keep_of(value), self.keeps_out(n)]);
                    if keep.to_string() != "false" {
                        lines.push((self.said(value), value, quote!((#keep) as usize)));
                    }
                }
            }
        }
        lines
    }
}

/// The body without what only Rust needs: `Real::exp(x)` is `exp(x)`, `<R as Real>::of(0.5f64)` is `0.5`.
fn plain(body: TokenStream) -> TokenStream {
    let mut all = TokenStream::new();
    let mut tokens = body.into_iter().peekable();
    while let Some(token) = tokens.next() {
        let path = match &token {
            // `<R as Real>::of(..)`, `<R as Real>::ONE`; a comparison has no `R` behind it
            TokenTree::Punct(punct) if punct.as_char() == '<' => {
                match tokens.peek() {
                    Some(TokenTree::Ident(word)) if word == "R" => {
                        // `R as Real > : :`
                        tokens.by_ref().take(6).for_each(drop);
                        true
                    }
                    _ => false,
                }
            }
            TokenTree::Ident(word) if word == "Real" => {
                tokens.by_ref().take(2).for_each(drop);
                all.extend(tokens.next());
                continue;
            }
            _ => false,
        };
        if path {
            match tokens.next() {
                Some(TokenTree::Ident(word)) if word == "of" => {
                    let argument = match tokens.next() {
                        Some(TokenTree::Group(group)) => group.stream(),
                        _ => TokenStream::new(),
                    };
                    let number = argument.to_string();
                    all.extend(match number.strip_suffix("f64").unwrap_or(&number).parse::<f64>() {
                        Ok(number) => proc_macro2::Literal::f64_unsuffixed(number).into_token_stream(),
                        Err(_) => plain(argument),
                    });
                }
                Some(TokenTree::Ident(word)) if word == "ZERO" => all.extend(quote!(0)),
                Some(TokenTree::Ident(word)) if word == "ONE" => all.extend(quote!(1)),
                other => all.extend(other),
            }
            continue;
        }
        all.extend([match token {
            TokenTree::Group(group) => proc_macro2::Group::new(group.delimiter(), plain(group.stream())).into(),
            other => other,
        }]);
    }
    all
}
