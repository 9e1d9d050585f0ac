//! What is not ours: logins, another registry, tools.

use super::Check;
use crate::config::Config;
use crate::env::Environment;
use crate::logins::Logins;
use crate::registries;

/// The clients that a person is likely to push with.
const TOOLS: [&str; 4] = ["skopeo", "podman", "docker", "buildah"];

/// Which registries there are credentials for.
pub(super) async fn logins(config: &Config, environment: &Environment) -> Check {
    const NAME: &str = "logins";
    match Logins::new(environment, &config.registry).registries().await {
        Ok(registries) if registries.is_empty() => {
            Check::ok(NAME, "none; registries are asked without credentials")
        }
        Ok(registries) => Check::ok(NAME, registries.join(", ")),
        Err(error) => {
            let failure = crate::error::Failure::of(crate::exit::Code::Configuration, &error);
            Check::failed(NAME, failure)
        }
    }
}

/// Whether the registry that images are read from answers.
pub(super) async fn registry(config: &Config, environment: &Environment) -> Check {
    const NAME: &str = "registry";
    let Some(host) = &config.registry.external else {
        return Check::ok(NAME, "the built-in one");
    };
    let registry = match registries::registry(config, environment, host) {
        Ok(registry) => registry,
        Err(failure) => return Check::failed(NAME, failure),
    };
    match registry.check().await {
        Ok(()) => Check::ok(NAME, format!("{host} answers, and lets us in")),
        Err(error) => Check::failed(NAME, registries::failure(&error.into())),
    }
}

/// Which tools are there to push with.
pub(super) fn tools(environment: &Environment) -> Check {
    const NAME: &str = "tools";
    let found: Vec<_> =
        TOOLS.into_iter().filter(|name| environment.program(name).is_some()).collect();
    if found.is_empty() {
        let finding = format!("none of {} is installed", TOOLS.join(", "));
        return Check::note(NAME, finding, "`portolan image append` makes and pushes images too");
    }
    Check::ok(NAME, found.join(", "))
}

#[cfg(test)]
mod tests {
    use super::super::State;
    use super::*;

    #[test]
    fn tools_are_searched_in_the_path() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().display().to_string();
        let environment = Environment::of(dir.path(), &[("PATH", &path)]);
        assert_eq!(tools(&environment).state, State::Note);
        std::fs::write(dir.path().join("podman"), "").unwrap();
        assert_eq!(tools(&environment).finding, "podman");
    }
}
