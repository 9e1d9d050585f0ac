//! What a source file and a manifest look like.

use super::workspace::{Source, Workspace};

/// No file is longer.
const LINES: usize = 600;

/// Every file and manifest that does not look as it should.
pub(crate) fn check(workspace: &Workspace) -> Vec<String> {
    let mut broken = Vec::new();
    for package in &workspace.packages {
        if !package.manifest.contains("[lints]\nworkspace = true\n") {
            broken.push(format!("{} does not take the workspace's lints", package.name));
        }
        broken.extend(package.sources.iter().flat_map(check_source));
    }
    broken
}

fn check_source(source: &Source) -> Vec<String> {
    let mut broken = Vec::new();
    let path = source.path.display();
    if !source.text.starts_with("//! ") {
        broken.push(format!("{path} does not open with `//!`"));
    }
    let lines = source.text.lines().count();
    if lines > LINES {
        broken.push(format!("{path} has {lines} lines: {LINES} is the most"));
    }
    broken
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_file_and_one_without_a_head_are_noticed() {
        let source = |text: String| Source { path: "a.rs".into(), text };
        assert!(check_source(&source("//! What it is.\n".into())).is_empty());
        assert_eq!(check_source(&source("fn main() {}\n".into())).len(), 1);
        assert!(check_source(&source(format!("//! A\n{}", "\n".repeat(599)))).is_empty());
        assert_eq!(check_source(&source(format!("//! A\n{}", "\n".repeat(600)))).len(), 1);
    }
}
