//! What a runtime reads of an image's configuration.

use serde::Deserialize;
use serde_json::Value;

use crate::ui::show::Visible;

/// The part of the configuration that the catalogue keeps.
#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Kept {
    entrypoint: Vec<String>,
    cmd: Vec<String>,
    env: Vec<String>,
    working_dir: Option<String>,
    user: Option<String>,
    exposed_ports: Vec<String>,
}

/// How a container of an image runs, as a page shows it. What is not told is empty.
#[derive(Debug)]
pub(super) struct Run {
    pub(super) entrypoint: Visible,
    pub(super) cmd: Visible,
    pub(super) working_dir: Visible,
    pub(super) user: Visible,
    pub(super) ports: Visible,
    pub(super) env: Vec<Visible>,
}

/// Arguments as a shell would take them.
fn command(arguments: &[String]) -> Visible {
    let plain = |text: &str| {
        !text.is_empty()
            && text.bytes().all(|b| b.is_ascii_alphanumeric() || b"_-./=:,@%+".contains(&b))
    };
    let quoted = arguments.iter().map(|argument| {
        if plain(argument) {
            argument.clone()
        } else {
            format!("'{}'", argument.replace('\'', "'\\''"))
        }
    });
    Visible::new(quoted.collect::<Vec<_>>().join(" "))
}

impl Run {
    /// How `config` says that a container runs; none where it says nothing.
    pub(super) fn of(config: &Value) -> Option<Self> {
        let kept = Kept::deserialize(config).ok()?;
        let run = Self {
            entrypoint: command(&kept.entrypoint),
            cmd: command(&kept.cmd),
            working_dir: Visible::new(kept.working_dir.unwrap_or_default()),
            user: Visible::new(kept.user.unwrap_or_default()),
            ports: Visible::new(kept.exposed_ports.join(", ")),
            env: kept.env.iter().map(Visible::new).collect(),
        };
        let texts = [&run.entrypoint, &run.cmd, &run.working_dir, &run.user, &run.ports];
        (texts.into_iter().any(|text| !text.is_empty()) || !run.env.is_empty()).then_some(run)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_command_can_be_copied_into_a_shell() {
        let arguments = ["/bin/sh", "-c", "echo 'a b' $X"].map(str::to_owned);
        assert_eq!(command(&arguments).to_string(), r"/bin/sh -c 'echo '\''a b'\'' $X'");
        assert_eq!(command(&[String::new()]).to_string(), "''");
    }

    #[test]
    fn what_says_nothing_is_nothing() {
        assert!(Run::of(&Value::Null).is_none());
        assert!(Run::of(&json!({ "cmd": [] })).is_none());
        assert!(Run::of(&json!({ "user": "1000" })).is_some());
    }
}
