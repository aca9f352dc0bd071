//! The binary `barewire`: see the library beside it.
#![forbid(unsafe_code)]

fn main() -> std::process::ExitCode {
    barewire_cli::main()
}
