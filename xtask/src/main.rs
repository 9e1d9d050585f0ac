//! Tasks of the workspace: `cargo xtask test|bench|ci|docs`.
fn main() {}
