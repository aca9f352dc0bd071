//! vbare has no derive: its types come from a schema.

fn main() {
    vbare_compiler::process_schemas(std::path::Path::new("schemas")).expect("the schema is in the package");
}
