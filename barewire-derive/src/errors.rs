//! Mistakes are collected, so that a user sees all of them at once.

use proc_macro2::{Span, TokenStream};

/// All mistakes found so far, in the order found.
#[derive(Default)]
pub(crate) struct Errors {
    list: Vec<syn::Error>,
}

impl Errors {
    /// One message on one token.
    pub(crate) fn push(&mut self, span: Span, message: String) {
        self.list.push(syn::Error::new(span, message));
    }

    /// What syn reports.
    pub(crate) fn add(&mut self, error: syn::Error) {
        self.list.extend(error);
    }

    pub(crate) fn len(&self) -> usize {
        self.list.len()
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.list.is_empty()
    }

    /// One `compile_error!` for each mistake, at its token.
    pub(crate) fn to_tokens(&self) -> TokenStream {
        self.list.iter().map(syn::Error::to_compile_error).collect()
    }

    /// The messages, for tests.
    #[cfg(test)]
    pub(crate) fn messages(&self) -> Vec<String> {
        self.list.iter().map(ToString::to_string).collect()
    }
}
