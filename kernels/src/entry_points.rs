//! The two ways to call a product, from one definition.

/// Writes two functions: `name`, on the best instruction set and the calling thread, and `name_with`, which is told
/// and has the body. Both return `Result<(), KernelError>`; `KernelError` and `Exec` are those of the file.
///
/// ```text
/// entry_points! {
///     /// What it computes, for both.
///     pub fn name and name_with(x: &[f32], out: &mut [f32]) on exec {
///         body, with `exec: Exec`
///     }
/// }
/// ```
macro_rules! entry_points {
    (
        $(#[$docs:meta])*
        pub fn $name:ident and $with:ident($($argument:ident: $type:ty),* $(,)?) on $exec:ident $body:block
    ) => {
        $(#[$docs])*
        #[allow(clippy::too_many_arguments, reason = "shapes come with their slices")]
        pub fn $name($($argument: $type),*) -> Result<(), KernelError> {
            $with(Exec::best(), $($argument),*)
        }

        #[doc = concat!("[`", stringify!($name), "`] on a given instruction set, with or without threads; the bits are the")]
        /// same for any number of threads.
        ///
        /// # Errors
        #[doc = concat!("As [`", stringify!($name), "`].")]
        #[allow(clippy::too_many_arguments, reason = "shapes come with their slices")]
        pub fn $with($exec: impl Into<Exec>, $($argument: $type),*) -> Result<(), KernelError> {
            let $exec: Exec = $exec.into();
            $body
        }
    };
}

pub(crate) use entry_points;
