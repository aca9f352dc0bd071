//! Rust code as a function: what is generic over its scalar can be differentiated.

use alloc::vec::Vec;

use super::tape::{Nodes, Recording};
use super::{Cotangents, Function, Taped};
use crate::Error;
use crate::real::Real;

/// A function written in Rust for every scalar. Implement it for a type of yours that holds what the function needs
/// (data, rates, other functions); [`formula!`](crate::formula) does it in place where there is nothing to hold.
///
/// Forward mode runs it over [`Dual`](crate::real::Dual) numbers; reverse mode records it once over [`Taped`] ones, whatever
/// the number of arguments. The code may branch on values (the derivative is that of the taken branch), loop, and take
/// derivatives itself.
///
/// ```
/// use barewire_core::Error;
/// use barewire_core::autodiff::{Formula, Function, grad};
/// use barewire_core::real::Real;
///
/// /// Mean squared distance from these numbers.
/// struct MeanSquare<'t>(&'t [f64]);
///
/// impl Formula for MeanSquare<'_> {
///     fn eval<R: Real>(&self, x: &[R], y: &mut Vec<R>) -> Result<(), Error> {
///         if x.len() != self.0.len() {
///             return Err(Error::length("x", self.0.len(), x.len()));
///         }
///         let mut sum = R::ZERO;
///         for (x, t) in x.iter().zip(self.0) {
///             let d = *x - R::of(*t);
///             sum += d * d;
///         }
///         y.push(sum / R::of(self.0.len() as f64));
///         Ok(())
///     }
/// }
///
/// assert_eq!(grad(&MeanSquare(&[1.0, 2.0]), &[2.0_f64, 2.0])?, [1.0, 0.0]);
/// assert!(grad(&MeanSquare(&[1.0, 2.0]), &[2.0_f64]).is_err());
/// # Ok::<(), Error>(())
/// ```
pub trait Formula {
    /// Appends the results to `y`, which is empty.
    ///
    /// # Errors
    /// What the function refuses, such as another number of arguments.
    fn eval<R: Real>(&self, x: &[R], y: &mut Vec<R>) -> Result<(), Error>;
}

/// A [`Formula`](crate::autodiff::Formula) in place: a closure that is generic over its scalar.
///
/// `for<R>` names the scalar. A list of names checks and takes the arguments one by one; a single name is the slice of
/// all of them. The body gives the results as an array or a `Vec<R>`, and `?` in it works on
/// [`Error`](crate::Error). It holds nothing but constants: a function that needs data is an `impl Formula`.
///
/// ```
/// use barewire_core::autodiff::{jvp, value};
/// use barewire_core::formula;
/// use barewire_core::real::Real;
///
/// let polar = formula!(for<R> |[r, angle]| [r * angle.cos(), r * angle.sin()]);
/// assert_eq!(jvp(&polar, &[2.0_f64, 0.0], &[0.0, 1.0])?, [0.0, 2.0]);
/// assert!(value(&polar, &[2.0_f64]).is_err());
///
/// let sum = formula!(for<R> |x| {
///     let mut sum = R::ZERO;
///     x.iter().for_each(|x| sum += *x);
///     [sum]
/// });
/// assert_eq!(value(&sum, &[1.0_f64, 2.0, 3.0])?, [6.0]);
/// # Ok::<(), barewire_core::Error>(())
/// ```
#[macro_export]
macro_rules! formula {
    (for<$R:ident> |[$($x:ident),+ $(,)?]| $body:expr) => {
        $crate::formula!(@ $R, x, { let [$($x),+] = $crate::layer::exactly(x, "arguments")?; $body })
    };
    (for<$R:ident> |$x:ident| $body:expr) => {
        $crate::formula!(@ $R, $x, $body)
    };
    (@ $R:ident, $x:ident, $body:expr) => {{
        struct InPlace;
        impl $crate::autodiff::Formula for InPlace {
            fn eval<$R: $crate::real::Real>(
                &self,
                $x: &[$R],
                y: &mut ::std::vec::Vec<$R>,
            ) -> ::core::result::Result<(), $crate::Error> {
                y.extend($body);
                ::core::result::Result::Ok(())
            }
        }
        InPlace
    }};
}

/// Memory of a [`Formula`]: its tape and lists of numbers. A warm call allocates only what the formula itself does.
pub struct FormulaMemory<R: Real> {
    /// nothing while a tape is recording in it
    nodes: Option<Nodes<R>>,
    x: Vec<Taped<R>>,
    results: Vec<Taped<R>>,
    y: Vec<R>,
    w: Vec<R>,
    adjoints: Vec<Option<R>>,
}

impl<R: Real> Default for FormulaMemory<R> {
    fn default() -> Self {
        FormulaMemory {
            nodes: None,
            x: Vec::new(),
            results: Vec::new(),
            y: Vec::new(),
            w: Vec::new(),
            adjoints: Vec::new(),
        }
    }
}

impl<F: Formula, R: Real> Function<R> for F {
    type Memory = FormulaMemory<R>;

    fn run(&self, x: &[R], y: &mut Vec<R>, _: &mut FormulaMemory<R>) -> Result<(), Error> {
        y.clear();
        self.eval(x, y)
    }

    fn pull(
        &self,
        x: &[R],
        cot: Cotangents<'_, R>,
        g: &mut Vec<R>,
        memory: &mut FormulaMemory<R>,
    ) -> Result<(), Error> {
        let FormulaMemory { nodes, x: variables, results, y, w, adjoints } = memory;
        let recording = Recording::start(nodes.take().unwrap_or_default());
        variables.clear();
        variables.extend(x.iter().map(|x| recording.variable(*x)));
        results.clear();
        self.eval(variables, results)?;
        let tape = recording.finish();
        y.clear();
        y.extend(results.iter().map(|y| y.primal()));
        w.clear();
        w.resize(y.len(), R::ZERO);
        cot(y, w)?;
        tape.backward(results, w, x.len(), adjoints, g)?;
        *nodes = Some(tape.into_nodes());
        Ok(())
    }
}
