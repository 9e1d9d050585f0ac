//! `name=value` lines for the steps that follow, as `$GITHUB_OUTPUT` takes them.

use std::collections::BTreeMap;
use std::io::Write as _;
use std::path::Path;

use super::set::Set;
use crate::error::{Failure, Outcome};
use crate::exit::Code;

/// Bytes of the digests at most: GitHub takes no more than 1 MiB of a job's outputs.
const MOST_BYTES: usize = 512 * 1024;

/// Adds the values of `set`, and those `besides`, to the file at `path`, where there is one.
pub(super) fn write(path: Option<&Path>, besides: &[(&str, String)], set: Option<&Set>) -> Outcome {
    let Some(path) = path else { return Ok(()) };
    let mut values: Vec<(&str, String)> = besides.to_vec();
    if let Some(set) = set {
        values.push(("commit", set.commit.to_string()));
        values.push(("built-commit", set.built_commit.to_string()));
        values.push(("scope", set.scope.to_string()));
        let digests: BTreeMap<_, _> = set
            .files
            .iter()
            .filter_map(|file| Some((&file.path, file.sha256_base64.as_ref()?)))
            .collect();
        let digests = serde_json::to_string(&digests).map_err(|error| Failure::bug(&error))?;
        if digests.len() <= MOST_BYTES {
            values.push(("sha256", digests));
        }
    }
    let lines = lines(&values)?;
    let file = std::fs::OpenOptions::new().append(true).create(true).open(path);
    file.and_then(|mut file| file.write_all(lines.as_bytes())).map_err(|error| {
        let message = format!("could not write the outputs to {}", path.display());
        Failure::new(Code::Configuration, message).because(&error)
    })
}

/// One line for each value. A value with a line's end in it would be another output.
fn lines(values: &[(&str, String)]) -> Outcome<String> {
    let mut lines = String::new();
    for (name, value) in values {
        if value.contains(['\n', '\r']) {
            let message = format!("the output `{name}` would be more than one line");
            return Err(Failure::new(Code::Verification, message));
        }
        lines.push_str(name);
        lines.push('=');
        lines.push_str(value);
        lines.push('\n');
    }
    Ok(lines)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_is_one_line_or_refused() {
        let of = |value: &str| lines(&[("found", "true".to_owned()), ("x", value.to_owned())]);
        assert_eq!(of("a=b").unwrap(), "found=true\nx=a=b\n");
        for wrong in ["a\nfound=false", "a\rb"] {
            assert!(of(wrong).is_err(), "{wrong}");
        }
    }
}
