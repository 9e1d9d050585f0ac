//! Who is told of what happens: `[notifications.NAME]`.

use portolan_model::Secret;
use portolan_server::{NotificationKind, NotificationRule, Occasion};
use url::Url;

use super::environments::EnvironmentConfig;
use super::error::ConfigError;
use super::layers::Layers;
use super::named::NOTIFICATIONS;

/// The shortest secret that is good for a signature, in bytes.
const LEAST_SECRET: usize = 16;

/// The rules of the layers that have a URL.
pub(super) fn read(
    layers: &Layers,
    environments: &[EnvironmentConfig],
) -> Result<Vec<NotificationRule>, ConfigError> {
    let names = NOTIFICATIONS.listed(layers.settings.iter().map(|it| &it.key.section));
    let mut rules = Vec::new();
    for name in names {
        rules.extend(rule(layers, environments, name)?);
    }
    Ok(rules)
}

fn rule(
    layers: &Layers,
    environments: &[EnvironmentConfig],
    name: String,
) -> Result<Option<NotificationRule>, ConfigError> {
    let path = |key: &str| format!("{}.{name}.{key}", NOTIFICATIONS.section);
    let refused = |key: &str, reason: &str| match layers.setting(&path(key)) {
        Ok(setting) => setting.refuse(reason),
        Err(error) => error,
    };
    let Some(url) = layers.told(&path("url"))? else { return Ok(None) };
    let kind: NotificationKind =
        layers.text(&path("kind"))?.parse().map_err(|reason: String| refused("kind", &reason))?;
    let private: bool = layers.get(&path("private"))?;
    // The URL is a secret: it is not repeated.
    let url: Url = url.parse().map_err(|_| refused("url", "it is no URL"))?;
    match url.scheme() {
        "https" => {}
        "http" if private => {}
        "http" => {
            let reason = "it must begin with https://, or `private` must be true";
            return Err(refused("url", reason));
        }
        _ => return Err(refused("url", "it must begin with https://")),
    }
    let secret = layers.told(&path("secret"))?;
    if secret.as_ref().is_some_and(|secret| secret.len() < LEAST_SECRET) {
        let reason = format!("it must have {LEAST_SECRET} characters at least");
        return Err(refused("secret", &reason));
    }
    if secret.is_some() && kind == NotificationKind::Slack {
        return Err(refused("secret", "Slack checks no signature; its URL is the secret"));
    }
    let occasions: Vec<String> = layers.get(&path("events"))?;
    let occasions: Vec<Occasion> = occasions
        .iter()
        .map(|text| text.parse().map_err(|reason: String| refused("events", &reason)))
        .collect::<Result<_, _>>()?;
    if occasions.is_empty() {
        return Err(refused("events", "it names nothing that is told"));
    }
    let wanted: Vec<String> = layers.get(&path("environments"))?;
    let unknown = |it: &&String| !environments.iter().any(|known| known.name == **it);
    if let Some(unknown) = wanted.iter().find(unknown) {
        let reason = format!("there is no environment `{unknown}`");
        return Err(refused("environments", &reason));
    }
    let services = layers.get(&path("services"))?;
    Ok(Some(NotificationRule {
        kind,
        url: Secret::new(url),
        secret: secret.map(Secret::new),
        occasions,
        environments: wanted,
        services,
        private,
        name,
    }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{Config, Flags, shown};
    use crate::env::Environment;
    use crate::error::Failure;

    fn load(file: &str, variables: &[(&str, &str)]) -> Result<Config, String> {
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join("portolan.toml"), file).unwrap();
        let environment = Environment::of(dir.path(), variables);
        Config::load(None, &environment, &Flags::default()).map_err(|error| {
            let text = Failure::from(error).text(str::to_owned);
            text.replace(&format!("{}/", dir.path().display()), "")
        })
    }

    #[test]
    fn without_a_word_nobody_is_told() {
        assert_eq!(load("", &[]).unwrap().notifications, []);
        assert_eq!(load("[notifications.a]\nkind = \"slack\"", &[]).unwrap().notifications, []);
    }

    #[test]
    fn a_rule_may_have_its_secrets_from_variables() {
        let file = "[notifications.ops-room]\nevents = [\"rolled-back\", \"event-dead\"]\n\
             environments = [\"production\"]\nservices = [\"shop\"]\n";
        let variables = [
            ("PORTOLAN_NOTIFICATIONS_OPS_ROOM_URL", "https://hooks.example/hunter2"),
            ("PORTOLAN_NOTIFICATIONS_OPS_ROOM_SECRET", "hunter3-hunter3-hunter3"),
        ];
        let config = load(file, &variables).unwrap();
        let [rule] = config.notifications.as_slice() else { panic!("{config:?}") };
        assert_eq!((rule.name.as_str(), rule.kind), ("ops-room", NotificationKind::Webhook));
        assert_eq!(rule.url.expose().as_str(), "https://hooks.example/hunter2");
        assert_eq!(rule.secret.as_ref().unwrap().expose(), "hunter3-hunter3-hunter3");
        assert_eq!(rule.occasions, [Occasion::RolledBack, Occasion::EventDead]);
        assert_eq!((rule.environments.len(), rule.services.len(), rule.private), (1, 1, false));
        assert!(!format!("{:?}", config.notifications).contains("hunter"));
        let shown = shown(&config.layers);
        assert!(!format!("{shown:?}").contains("hunter"), "{shown:?}");
    }

    #[test]
    fn a_variable_alone_can_make_a_rule() {
        let variables = [
            ("PORTOLAN_NOTIFICATIONS", "ops"),
            ("PORTOLAN_NOTIFICATIONS_OPS_KIND", "slack"),
            ("PORTOLAN_NOTIFICATIONS_OPS_URL", "https://hooks.example/a"),
        ];
        let config = load("", &variables).unwrap();
        assert_eq!(config.notifications[0].kind, NotificationKind::Slack);
        let stray = [("PORTOLAN_NOTIFICATIONS_NOBODY_AT_ALL_KIND", "slack")];
        let error = load("", &stray).unwrap_err();
        assert!(error.contains("PORTOLAN_NOTIFICATIONS"), "{error}");
    }

    #[test]
    fn what_cannot_be_used_is_said_with_its_place_and_without_the_url() {
        let wrong = |lines: &str| {
            let file = format!("[notifications.a]\n{lines}\n");
            let error = load(&file, &[]).unwrap_err();
            assert!(!error.contains("hunter2"), "{error}");
            error
        };
        let with = |line: &str| wrong(&format!("url = \"https://h/hunter2\"\n{line}"));
        insta::assert_snapshot!(wrong("url = \"hunter2\""), @"error: portolan.toml:2: `notifications.a.url` cannot be used: it is no URL");
        insta::assert_snapshot!(wrong("url = \"ftp://h/hunter2\""), @"error: portolan.toml:2: `notifications.a.url` cannot be used: it must begin with https://");
        insta::assert_snapshot!(wrong("url = \"http://h/hunter2\""), @"error: portolan.toml:2: `notifications.a.url` cannot be used: it must begin with https://, or `private` must be true");
        insta::assert_snapshot!(with("kind = \"mail\""), @r#"error: portolan.toml:3: `notifications.a.kind` cannot be used: it must be "webhook" or "slack""#);
        insta::assert_snapshot!(with("events = []"), @"error: portolan.toml:3: `notifications.a.events` cannot be used: it names nothing that is told");
        insta::assert_snapshot!(with("events = [\"failed\"]"), @"error: portolan.toml:3: `notifications.a.events` cannot be used: `failed` is nothing that is told: one of deployment-succeeded, deployment-failed, rolled-back, rollout-waiting, rollout-started, rollout-ended, release-prepared, event-dead, sweep-drift");
        insta::assert_snapshot!(with("environments = [\"prod\"]"), @"error: portolan.toml:3: `notifications.a.environments` cannot be used: there is no environment `prod`");
        insta::assert_snapshot!(with("secret = \"short\""), @"error: portolan.toml:3: `notifications.a.secret` cannot be used: it must have 16 characters at least");
        insta::assert_snapshot!(with("kind = \"slack\"\nsecret = \"hunter2-hunter2-hunter2\""), @"error: portolan.toml:4: `notifications.a.secret` cannot be used: Slack checks no signature; its URL is the secret");
        insta::assert_snapshot!(with("event = []"), @r"
        error: portolan.toml:3: there is no configuration key `notifications.a.event`
        hint: did you mean `notifications.a.events`?
        ");
    }
}
