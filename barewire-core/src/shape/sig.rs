//! Signatures: `"(o i), (.. i) -> (.. o)"`.

use alloc::format;

use super::{Axis, Dims, MAX_RANK, Shape};
use crate::Error;

/// Most arguments or results of one call.
pub(crate) const MAX_ARGS: usize = 8;
/// Most axis variables of one signature.
pub(crate) const MAX_VARS: usize = 24;

/// One argument or result: its axes, after any leading ones.
#[derive(Clone, Copy, Debug)]
pub struct Group {
    pub(crate) axes: [Axis; MAX_RANK],
    pub(crate) rank: usize,
    /// `..`: any number of axes may stand before; all groups of a call share them
    pub(crate) leading: bool,
    /// token ids rather than numbers: `u32(batch time)`
    pub(crate) ids: bool,
}

impl Group {
    pub(crate) const NONE: Group = Group { axes: [Axis::NONE; MAX_RANK], rank: 0, leading: false, ids: false };
}

/// Why the signature of a list of layers is none. The list is refused where it is called, on the user's token.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Refused {
    /// it is fine
    No,
    /// in a `Vec`, layers give what they take
    InTurn,
    /// in a `Routed`, layers take and give one vector a token
    Routed,
}

/// What a call takes and gives, by named axes. A name that stands twice is the same axis; a name that only a result
/// has is a new axis. `..` stands for any leading axes, `u32(..)` for ids, `()` for one number.
#[derive(Clone, Copy, Debug)]
pub struct Sig {
    pub(crate) ins: [Group; MAX_ARGS],
    pub(crate) in_count: usize,
    pub(crate) outs: [Group; MAX_ARGS],
    pub(crate) out_count: usize,
    /// of an equation that did not compile
    pub(crate) unknown: bool,
    /// of layers that cannot stand where they do
    pub(crate) refused: Refused,
}

impl Sig {
    /// The signature of an equation that did not compile; it agrees with everything.
    #[doc(hidden)]
    pub const UNKNOWN: Sig = Sig {
        ins: [Group::NONE; MAX_ARGS],
        in_count: 0,
        outs: [Group::NONE; MAX_ARGS],
        out_count: 0,
        unknown: true,
        refused: Refused::No,
    };

    /// Parses a signature, in a constant; a mistake in the text is a compile error.
    ///
    /// ```
    /// use barewire_core::shape::Sig;
    /// const LINEAR: Sig = Sig::new("(o i), (.. i) -> (.. o)");
    /// ```
    pub const fn new(text: &'static str) -> Sig {
        let mut sig = Sig { unknown: false, ..Sig::UNKNOWN };
        let bytes = text.as_bytes();
        let mut at = 0;
        let mut after_arrow = false;
        while at < bytes.len() {
            match bytes[at] {
                b' ' | b',' => at += 1,
                b'-' => {
                    assert!(at + 1 < bytes.len() && bytes[at + 1] == b'>', "a signature has `->` once");
                    assert!(!after_arrow, "a signature has `->` once");
                    after_arrow = true;
                    at += 2;
                }
                b'u' | b'(' => {
                    let ids = bytes[at] == b'u';
                    if ids {
                        assert!(
                            at + 3 < bytes.len()
                                && bytes[at + 1] == b'3'
                                && bytes[at + 2] == b'2'
                                && bytes[at + 3] == b'(',
                            "the only element type that a signature names is `u32`"
                        );
                        at += 3;
                    }
                    let (group, end) = group(text, at + 1, ids);
                    at = end;
                    if after_arrow {
                        sig.outs[sig.out_count] = group;
                        sig.out_count += 1;
                    } else {
                        sig.ins[sig.in_count] = group;
                        sig.in_count += 1;
                    }
                }
                _ => panic!("a signature is groups of axis names in brackets, such as `(o i), (.. i) -> (.. o)`"),
            }
        }
        assert!(after_arrow && sig.out_count > 0, "a signature has `->` and at least one result");
        sig
    }

    /// Sizes of the results for these sizes of the arguments: the default of `Primitive::dims`.
    ///
    /// # Errors
    /// The first argument whose rank or size disagrees, by axis name. A result with an axis that no argument has
    /// cannot be sized here: such a primitive writes its own `dims`.
    pub fn dims(&self, args: &[Dims], outs: &mut [Dims]) -> Result<(), Error> {
        if args.len() != self.in_count || outs.len() != self.out_count {
            return Err(Error::input(
                format!("{} arguments and {} results", self.in_count, self.out_count),
                format!("{} and {}", args.len(), outs.len()),
            ));
        }
        let mut vars: [(Axis, usize); MAX_VARS] = [(Axis::NONE, 0); MAX_VARS];
        let mut var_count = 0;
        let mut leading: Option<Dims> = None;
        for (i, (group, arg)) in self.ins.iter().zip(args).enumerate() {
            let extra = match arg.rank().checked_sub(group.rank) {
                Some(extra) if extra == 0 || group.leading => extra,
                _ => {
                    let or_more = if group.leading { " or more" } else { "" };
                    return Err(Error::shape(
                        format!("argument {} with {}{or_more} axes", i + 1, group.rank),
                        format!("{arg}"),
                    ));
                }
            };
            if group.leading {
                let found = Dims::new(&arg.sizes()[..extra]);
                match leading {
                    None => leading = Some(found),
                    Some(known) if known == found => {}
                    Some(known) => {
                        return Err(Error::shape(
                            format!("leading axes {known} in argument {}", i + 1),
                            format!("{found}"),
                        ));
                    }
                }
            }
            for (axis, &size) in group.axes[..group.rank].iter().zip(&arg.sizes()[extra..]) {
                match vars[..var_count].iter().find(|(known, _)| known.same(*axis)) {
                    None => {
                        vars[var_count] = (*axis, size);
                        var_count += 1;
                    }
                    Some(&(_, known)) if known == size => {}
                    Some(&(_, known)) => {
                        return Err(Error::shape(
                            format!("`{}` = {known} in argument {}", axis.name, i + 1),
                            format!("{size} (sizes {arg})"),
                        ));
                    }
                }
            }
        }
        for (group, out) in self.outs.iter().zip(outs) {
            *out = if group.leading { leading.unwrap_or_default() } else { Dims::SCALAR };
            for axis in &group.axes[..group.rank] {
                match vars[..var_count].iter().find(|(known, _)| known.same(*axis)) {
                    Some(&(_, size)) => out.push(size),
                    None => {
                        return Err(Error::shape(
                            format!("an argument that gives the size of `{}`", axis.name),
                            "none",
                        ));
                    }
                }
            }
        }
        Ok(())
    }

    /// Names of the axes of the inputs that are the part's own, some of them twice.
    pub(crate) fn input_axes(&self) -> impl Iterator<Item = &'static str> {
        self.ins.iter().take(self.in_count).flat_map(|g| g.axes.iter().take(g.rank)).map(|axis| axis.name)
    }

    /// The same of inputs and results, of those that have no other part's name in front.
    pub(crate) fn own_axes(&self) -> impl Iterator<Item = &'static str> {
        let outs = self.outs.iter().take(self.out_count).flat_map(|g| g.axes.iter().take(g.rank));
        self.input_axes().chain(outs.filter(|axis| axis.scope.is_empty()).map(|axis| axis.name))
    }

    /// Sizes of input `i` of a part, by axis name.
    pub(crate) fn input_dims(&self, i: usize, size: impl Fn(&str) -> usize) -> Dims {
        let group = &self.ins[i];
        let mut dims = Dims::SCALAR;
        for axis in &group.axes[..group.rank] {
            dims.push(size(axis.name));
        }
        dims
    }

    /// Number of axes of input `i` of a part.
    pub(crate) fn input_rank(&self, i: usize) -> usize {
        self.ins[i].rank
    }

    /// Whether argument or input `i` holds ids.
    pub const fn takes_ids(&self, i: usize) -> bool {
        self.ins[i].ids
    }

    /// Number of arguments or inputs.
    pub const fn inputs(&self) -> usize {
        self.in_count
    }

    /// Number of results.
    pub const fn outputs(&self) -> usize {
        self.out_count
    }

    /// A signature of whole shapes, for a part with an equation.
    pub(crate) const fn of_shapes(ins: &[Shape], outs: &[Shape]) -> Sig {
        let mut sig = Sig { in_count: ins.len(), out_count: outs.len(), unknown: false, ..Sig::UNKNOWN };
        let mut i = 0;
        while i < ins.len() {
            sig.ins[i] = Group { axes: ins[i].axes, rank: ins[i].rank, leading: false, ids: ins[i].ids };
            i += 1;
        }
        let mut i = 0;
        while i < outs.len() {
            sig.outs[i] = Group { axes: outs[i].axes, rank: outs[i].rank, leading: false, ids: outs[i].ids };
            i += 1;
        }
        sig
    }
}

/// The group whose first byte after the bracket is at `at`, and the offset after its closing bracket.
const fn group(text: &'static str, mut at: usize, ids: bool) -> (Group, usize) {
    let bytes = text.as_bytes();
    let mut group = Group::NONE;
    group.ids = ids;
    loop {
        assert!(at < bytes.len(), "a bracket of the signature is not closed");
        match bytes[at] {
            b' ' => at += 1,
            b')' => return (group, at + 1),
            b'.' => {
                assert!(at + 1 < bytes.len() && bytes[at + 1] == b'.', "leading axes are written `..`");
                assert!(group.rank == 0 && !group.leading, "`..` stands once, before the named axes");
                group.leading = true;
                at += 2;
            }
            _ => {
                let start = at;
                while at < bytes.len() && (bytes[at] == b'_' || bytes[at].is_ascii_alphanumeric()) {
                    at += 1;
                }
                assert!(at > start, "axis names are words");
                assert!(group.rank < MAX_RANK, "a value has at most 6 axes");
                let (_, tail) = text.split_at(start);
                let (name, _) = tail.split_at(at - start);
                group.axes[group.rank] = Axis { scope: "", name };
                group.rank += 1;
            }
        }
    }
}
