//! Which packages a file names, of the three kinds of files that the example has.

use std::collections::BTreeMap;

use serde_json::Value;

/// Versions by package.
pub(super) type Packages = BTreeMap<String, String>;

/// The packages that the file at `path` names; none where it is of no kind that is known here.
pub(super) fn read(path: &str, text: &str) -> Packages {
    match path.rsplit('/').next() {
        Some("status") => dpkg(text),
        Some("package-lock.json") => npm(text),
        Some("requirements.txt") => pip(text),
        _ => Packages::new(),
    }
}

/// The database of dpkg: paragraphs of `Field: value`.
fn dpkg(text: &str) -> Packages {
    let paragraph = |paragraph: &str| {
        let field = |name: &str| paragraph.lines().find_map(|line| line.strip_prefix(name));
        Some((field("Package: ")?.to_owned(), field("Version: ")?.to_owned()))
    };
    text.split("\n\n").filter_map(paragraph).collect()
}

/// The lock file of npm, versions 2 and 3.
fn npm(text: &str) -> Packages {
    let lock: Value = serde_json::from_str(text).unwrap_or_default();
    let packages = lock["packages"].as_object().into_iter().flatten();
    let package = |(path, told): (&String, &Value)| {
        let name = path.rsplit("node_modules/").next().filter(|name| !name.is_empty())?;
        Some((name.to_owned(), told["version"].as_str()?.to_owned()))
    };
    packages.filter_map(package).collect()
}

/// Requirements of pip that are pinned.
fn pip(text: &str) -> Packages {
    let line = |line: &str| {
        let (name, version) = line.split_once("==")?;
        Some((name.trim().to_owned(), version.trim().to_owned()))
    };
    text.lines().filter_map(line).collect()
}

/// What is different from `before` to `after`, as `lodash 4.17.20 -> 4.17.21`.
pub(super) fn changes(before: &Packages, after: &Packages) -> Vec<String> {
    let mut said = Vec::new();
    for (name, old) in before {
        match after.get(name) {
            Some(new) if new == old => {}
            Some(new) => said.push(format!("{name} {old} -> {new}")),
            None => said.push(format!("{name} {old} is gone")),
        }
    }
    let added = after.iter().filter(|(name, _)| !before.contains_key(*name));
    said.extend(added.map(|(name, version)| format!("{name} {version} is new")));
    said
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_kind_is_read() {
        let status = "Package: zlib1g\nStatus: x\nVersion: 1:1.2.13\n\nPackage: odd\n\n";
        assert_eq!(read("var/lib/dpkg/status", status), pairs(&[("zlib1g", "1:1.2.13")]));
        let lock = r#"{"packages": {"": {"version": "1"}, "node_modules/a": {"version": "2"},
                       "node_modules/a/node_modules/@s/b": {"version": "3"}}}"#;
        assert_eq!(read("package-lock.json", lock), pairs(&[("@s/b", "3"), ("a", "2")]));
        let pins = "fastapi==0.1\n# no\nopen>=1\n";
        assert_eq!(read("app/requirements.txt", pins), pairs(&[("fastapi", "0.1")]));
        assert!(read("app/main.rs", pins).is_empty());
        assert!(read("package-lock.json", "{").is_empty());
    }

    fn pairs(pairs: &[(&str, &str)]) -> Packages {
        pairs.iter().map(|(name, version)| ((*name).into(), (*version).into())).collect()
    }

    #[test]
    fn changes_are_told_once_each() {
        let before = pairs(&[("a", "1"), ("b", "1"), ("c", "1")]);
        let after = pairs(&[("a", "1"), ("b", "2"), ("d", "1")]);
        assert_eq!(changes(&before, &after), ["b 1 -> 2", "c 1 is gone", "d 1 is new"]);
    }
}
