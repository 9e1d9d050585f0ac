//! What crates depend on: nothing unused, and SQL in one place.

use super::workspace::{Package, Workspace};

/// Every dependency that is not used or not allowed.
pub(crate) fn check(workspace: &Workspace) -> Vec<String> {
    let mut broken: Vec<_> = workspace.packages.iter().flat_map(check_package).collect();
    for offered in &workspace.offered {
        let taken = |package: &Package| package.dependencies.iter().any(|d| d.key == *offered);
        if !workspace.packages.iter().any(taken) {
            broken.push(format!("[workspace.dependencies] has {offered}, which no crate uses"));
        }
    }
    broken
}

fn check_package(package: &Package) -> Vec<String> {
    let mut broken = Vec::new();
    for dependency in &package.dependencies {
        let ident = dependency.key.replace('-', "_");
        if !package.sources.iter().any(|source| has_word(&source.text, &ident)) {
            broken.push(format!("{} declares {}, and never uses it", package.name, dependency.key));
        }
        if dependency.name == "sqlx" && package.name != "portolan-store" {
            broken.push(format!("{} uses sqlx: SQL is in portolan-store", package.name));
        }
    }
    broken
}

/// Whether `word` is in `text`, not as a part of a longer one.
fn has_word(text: &str, word: &str) -> bool {
    let part = |c: char| c.is_alphanumeric() || c == '_';
    text.match_indices(word)
        .any(|(at, _)| !text[..at].ends_with(part) && !text[at + word.len()..].starts_with(part))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules::workspace::{Dependency, Source};

    fn package(name: &str, dependency: &str, text: &str) -> Package {
        Package {
            name: name.to_owned(),
            dependencies: vec![Dependency {
                name: dependency.to_owned(),
                key: dependency.to_owned(),
                dev: false,
            }],
            manifest: String::new(),
            sources: vec![Source { path: "lib.rs".into(), text: text.to_owned() }],
        }
    }

    #[test]
    fn unused_dependencies_and_sql_elsewhere_are_noticed() {
        assert!(check_package(&package("a", "serde-json", "use serde_json::Value;")).is_empty());
        assert_eq!(check_package(&package("a", "serde", "use serde_json::Value;")).len(), 1);
        assert_eq!(check_package(&package("a", "sqlx", "sqlx::query(x)")).len(), 1);
        assert!(check_package(&package("portolan-store", "sqlx", "sqlx::query(x)")).is_empty());
    }

    #[test]
    fn what_nobody_takes_need_not_be_offered() {
        let packages = vec![package("a", "url", "url::Url")];
        let workspace = Workspace { packages, offered: vec!["url".into(), "uuid".into()] };
        assert_eq!(check(&workspace).len(), 1);
    }
}
