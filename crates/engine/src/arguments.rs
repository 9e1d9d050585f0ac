//! The argument list that makes a container of a [`Spec`].

use portolan_model::Reference;

use crate::error::EngineError;
use crate::labels::{DEFINITION, HEALTH, IMAGE, INSTANCE, PORTS};
use crate::ports::{self, Published};
use crate::settings::Kind;
use crate::spec::{Network, Spec};

/// Variables that the engine's own program listens to, by their names.
const LISTENED: &[&str] = &[
    "ALL_PROXY",
    "GODEBUG",
    "GOGC",
    "GOMAXPROCS",
    "GOMEMLIMIT",
    "GOTRACEBACK",
    "HOME",
    "HTTPS_PROXY",
    "HTTP_PROXY",
    "NO_PROXY",
    "PATH",
    "REGISTRY_AUTH_FILE",
    "SSH_AUTH_SOCK",
    "TERM",
    "TMPDIR",
    "TZ",
    "USER",
];

/// The same, by the beginnings of their names.
const LISTENED_FAMILIES: &[&str] = &[
    "BUILDAH_",
    "CONTAINERS_",
    "CONTAINER_",
    "DBUS_",
    "DOCKER_",
    "LD_",
    "LISTEN_",
    "NOTIFY_",
    "PODMAN_",
    "SSL_CERT_",
    "STORAGE_",
    "XDG_",
    "_",
];

/// Whether the engine's own program would be changed by a variable of this name. Such are said on
/// its command line; all others are handed over in its environment, where other users of the machine
/// cannot read them.
fn is_listened_to(name: &str) -> bool {
    let upper = name.to_ascii_uppercase();
    LISTENED.contains(&&*upper) || LISTENED_FAMILIES.iter().any(|family| upper.starts_with(family))
}

/// How a container is made. Holds secrets, so it cannot be printed.
pub(crate) struct Creation {
    /// The arguments.
    pub(crate) arguments: Vec<String>,
    /// Variables for the program itself, which it hands to the container.
    pub(crate) variables: Vec<(String, String)>,
}

/// The image as the engines know it: without a tag beside the digest.
pub(crate) fn image_name(image: &Reference) -> String {
    Reference { tag: image.digest.map_or_else(|| image.tag.clone(), |_| None), ..image.clone() }
        .to_string()
}

/// How `spec`, already checked, becomes a container of `instance` with the chosen `ports`; `limits` are
/// what this process may give of files and processes, where that is little.
pub(crate) fn create(
    kind: Kind,
    instance: &str,
    spec: &Spec,
    published: &[Published],
    host_network: bool,
    limits: &[(&str, u64)],
) -> Result<Creation, EngineError> {
    let mut arguments: Vec<String> =
        ["create", "--pull=never", "--restart=no"].map(Into::into).into();
    let mut variables = Vec::new();
    let mut say = |option: &str, value: &str| arguments.push(format!("--{option}={value}"));
    match kind {
        Kind::Podman => {
            say("log-driver", "k8s-file");
            say("log-opt", "max-size=10mb");
            // What a container is told stands in its definition, not in our environment.
            say("http-proxy", "false");
            for (name, most) in limits {
                say("ulimit", &format!("{name}={most}:{most}"));
            }
        }
        Kind::Docker => {
            say("log-driver", "json-file");
            say("log-opt", "max-size=10m");
        }
    }
    // The image's own check needs a systemd with podman; ours needs nothing.
    say("no-healthcheck", "true");
    say("name", &spec.name);
    say("stop-timeout", &spec.stop_timeout.as_secs().to_string());
    match &spec.network {
        Network::Default => {}
        Network::Host => say("network", "host"),
        Network::Named(name) => say("network", name),
    }
    if let Some(bytes) = spec.memory {
        say("memory", &bytes.to_string());
    }
    for port in published.iter().filter(|_| !host_network) {
        say("publish", &format!("127.0.0.1:{}:{}", port.host, port.container));
    }
    if let Some(first) = published.first() {
        say("env", &format!("PORT={}", first.container));
    }
    for (name, value) in &spec.variables {
        if is_listened_to(name) {
            say("env", &format!("{name}={}", value.expose()));
        } else {
            say("env", name);
            variables.push((name.clone(), value.expose().clone()));
        }
    }
    for (key, value) in &spec.labels {
        say("label", &format!("{key}={value}"));
    }
    for (key, value) in spec.place.pairs() {
        say("label", &format!("{key}={value}"));
    }
    let image = image_name(&spec.image);
    say("label", &format!("{INSTANCE}={instance}"));
    say("label", &format!("{DEFINITION}={}", spec.definition()));
    say("label", &format!("{IMAGE}={image}"));
    say("label", &format!("{PORTS}={}", ports::written(published)));
    if let Some(health) = &spec.health {
        let text = serde_json::to_string(health).map_err(|error| EngineError::Unreadable {
            doing: format!("write down the health check of {}", spec.name),
            program: kind.to_string(),
            reason: error.to_string(),
        })?;
        say("label", &format!("{HEALTH}={text}"));
    }
    arguments.extend(["--".to_owned(), image]);
    arguments.extend(spec.command.iter().cloned());
    Ok(Creation { arguments, variables })
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::time::Duration;

    use portolan_model::{Digest, Secret};

    use super::*;
    use crate::labels::Place;

    fn spec() -> Spec {
        let secret = |text: &str| Secret::new(text.to_owned());
        Spec {
            name: "web-1".into(),
            place: Place {
                environment: "staging".into(),
                project: "shop".into(),
                service: "web".into(),
                deployment: "d1".into(),
            },
            image: format!("127.0.0.1:5000/shop/web:1@{}", Digest::of(b"x")).parse().unwrap(),
            variables: BTreeMap::from([
                ("API_KEY".to_owned(), secret("hidden")),
                ("PATH".to_owned(), secret("/bin")),
            ]),
            ports: Vec::new(),
            memory: Some(64 << 20),
            command: vec!["--privileged".into(), "--".into()],
            network: Network::Default,
            labels: BTreeMap::new(),
            health: None,
            stop_timeout: Duration::from_secs(7),
        }
    }

    #[test]
    fn what_comes_from_outside_stands_behind_the_image_or_inside_an_option() {
        let spec = spec();
        let ports = [Published { host: 1234, container: 80 }];
        let made =
            create(Kind::Podman, "here", &spec, &ports, false, &[("nofile", 20_000)]).unwrap();
        let end = made.arguments.iter().position(|word| word == "--").unwrap();
        assert!(made.arguments[..end].iter().skip(1).all(|word| word.starts_with("--")));
        let image = format!("127.0.0.1:5000/shop/web@{}", Digest::of(b"x"));
        assert_eq!(made.arguments[end + 1..], [&*image, "--privileged", "--"]);
        for option in [
            "--env=PORT=80",
            "--publish=127.0.0.1:1234:80",
            "--label=portolan.ports=1234:80",
            "--label=portolan.service=web",
            "--label=portolan.instance=here",
            "--memory=67108864",
            "--stop-timeout=7",
            "--ulimit=nofile=20000:20000",
        ] {
            assert!(made.arguments.iter().any(|word| word == option), "{option}");
        }
        let host = create(Kind::Docker, "here", &spec, &ports, true, &[("nofile", 1)]).unwrap();
        assert!(!host.arguments.iter().any(|word| word.starts_with("--publish")));
        assert!(!host.arguments.iter().any(|word| word.starts_with("--ulimit")), "of its daemon");
    }

    #[test]
    fn values_stay_off_the_command_line_unless_the_program_would_listen_to_them() {
        let made = create(Kind::Docker, "here", &spec(), &[], false, &[]).unwrap();
        assert!(!made.arguments.join(" ").contains("hidden"));
        assert!(made.arguments.contains(&"--env=API_KEY".to_owned()));
        assert!(made.arguments.contains(&"--env=PATH=/bin".to_owned()));
        assert_eq!(made.variables, [("API_KEY".to_owned(), "hidden".to_owned())]);
        for name in ["LD_PRELOAD", "CONTAINERS_CONF", "https_proxy", "DOCKER_HOST", "home"] {
            assert!(is_listened_to(name), "{name}");
        }
        assert!(!is_listened_to("DATABASE_URL"));
    }

    #[test]
    fn the_definition_is_what_it_does_and_not_what_it_is_called() {
        let one = spec();
        let mut other = spec();
        other.name = "web-2".into();
        other.place.deployment = "d2".into();
        assert_eq!(one.definition(), other.definition());
        other.variables.insert("API_KEY".into(), Secret::new("other".to_owned()));
        assert_ne!(one.definition(), other.definition());
    }
}
