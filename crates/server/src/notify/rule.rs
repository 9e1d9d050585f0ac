//! Who is told of what: the rules of `[notifications.NAME]`.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use portolan_model::Secret;

/// What somebody can be told of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Occasion {
    /// A deployment that was observed runs.
    DeploymentSucceeded,
    /// A deployment that was observed did not come up, or went down without being told to.
    DeploymentFailed,
    /// What ran before a deployment or a rollout runs again.
    RolledBack,
    /// A rollout waits for a second person.
    RolloutWaiting,
    /// A rollout was begun.
    RolloutStarted,
    /// A rollout came to an end, whichever.
    RolloutEnded,
    /// A release was prepared.
    ReleasePrepared,
    /// Events were set aside, as they cannot be understood.
    EventDead,
    /// A sweep of ECS found something that was not as events had told.
    SweepDrift,
    /// Somebody tries a rule out.
    Test,
}

impl Occasion {
    /// Those that a rule can name.
    pub const ALL: [Self; 9] = [
        Self::DeploymentSucceeded,
        Self::DeploymentFailed,
        Self::RolledBack,
        Self::RolloutWaiting,
        Self::RolloutStarted,
        Self::RolloutEnded,
        Self::ReleasePrepared,
        Self::EventDead,
        Self::SweepDrift,
    ];

    /// The word for it, in the configuration and on the wire.
    pub const fn name(self) -> &'static str {
        match self {
            Self::DeploymentSucceeded => "deployment-succeeded",
            Self::DeploymentFailed => "deployment-failed",
            Self::RolledBack => "rolled-back",
            Self::RolloutWaiting => "rollout-waiting",
            Self::RolloutStarted => "rollout-started",
            Self::RolloutEnded => "rollout-ended",
            Self::ReleasePrepared => "release-prepared",
            Self::EventDead => "event-dead",
            Self::SweepDrift => "sweep-drift",
            Self::Test => "test",
        }
    }
}

impl fmt::Display for Occasion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Occasion {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        Self::ALL.into_iter().find(|occasion| occasion.name() == text).ok_or_else(|| {
            let all = Self::ALL.map(Self::name).join(", ");
            let shown: String = text.chars().take(40).collect();
            format!("`{shown}` is nothing that is told: one of {all}")
        })
    }
}

/// In which form it is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NotificationKind {
    /// The whole of it as JSON, signed where there is a secret.
    Webhook,
    /// One line of text, as Slack's incoming webhooks and those that copy them take it.
    Slack,
}

impl FromStr for NotificationKind {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "webhook" => Ok(Self::Webhook),
            "slack" => Ok(Self::Slack),
            _ => Err("it must be \"webhook\" or \"slack\"".to_owned()),
        }
    }
}

/// Who is told of what happens, and how patiently.
#[derive(Debug, Clone)]
pub struct Notifications {
    /// The rules. Default: none.
    pub rules: Vec<NotificationRule>,
    /// For how long a receiver may say nothing. Default: 10 s.
    pub patience: Duration,
    /// The wait before what was not received is sent again; it doubles with each attempt, up to 15
    /// minutes. Default: 2 s.
    pub first_wait: Duration,
    /// How often a notification is sent before it is given up. Default: 20, over about three hours.
    pub attempts: u64,
    /// How long a service must have been down before that is a failure, where ECS does not say so:
    /// a task that is replaced at once is none. Default: 60 s.
    pub settle: Duration,
}

impl Default for Notifications {
    fn default() -> Self {
        Self {
            rules: Vec::new(),
            patience: Duration::from_secs(10),
            first_wait: Duration::from_secs(2),
            attempts: 20,
            settle: Duration::from_mins(1),
        }
    }
}

impl Notifications {
    /// The rule of this name.
    pub(crate) fn rule(&self, name: &str) -> Option<&NotificationRule> {
        self.rules.iter().find(|rule| rule.name == name)
    }
}

/// One rule: who is told of what.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NotificationRule {
    /// Its name.
    pub name: String,
    /// In which form it is told.
    pub kind: NotificationKind,
    /// To whom. Slack's URLs are secrets, and so are all here.
    pub url: Secret<url::Url>,
    /// What the body is signed with.
    pub secret: Option<Secret<String>>,
    /// Of what.
    pub occasions: Vec<Occasion>,
    /// Only of what is about one of these environments, or about none; any where it is empty.
    pub environments: Vec<String>,
    /// Only of what is about one of these services, or about none; any where it is empty.
    pub services: Vec<String>,
    /// Whether the receiver may be at a private address, and on plain http.
    pub private: bool,
}

impl NotificationRule {
    /// Whether the rule wants to hear of something that is about `environment` and `services`.
    pub(crate) fn wants(
        &self,
        occasion: Occasion,
        environment: Option<&str>,
        services: &[String],
    ) -> bool {
        let one_of = |wanted: &[String], about: &str| wanted.iter().any(|it| it == about);
        let place = environment.is_none_or(|it| one_of(&self.environments, it));
        let service = services.is_empty() || services.iter().any(|it| one_of(&self.services, it));
        self.occasions.contains(&occasion)
            && (self.environments.is_empty() || place)
            && (self.services.is_empty() || service)
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    pub(crate) fn rule(name: &str, url: &str, occasions: &[Occasion]) -> NotificationRule {
        NotificationRule {
            name: name.to_owned(),
            kind: NotificationKind::Webhook,
            url: Secret::new(url.parse().unwrap()),
            secret: None,
            occasions: occasions.to_vec(),
            environments: Vec::new(),
            services: Vec::new(),
            private: true,
        }
    }

    #[test]
    fn words_are_read_as_they_are_written() {
        for occasion in Occasion::ALL {
            assert_eq!(occasion.name().parse(), Ok(occasion));
        }
        for text in ["", "test", "Deployment-Failed", "deployment"] {
            assert!(text.parse::<Occasion>().is_err(), "{text}");
        }
    }

    #[test]
    fn a_rule_hears_what_it_names_and_nothing_else() {
        let failed = Occasion::DeploymentFailed;
        let mut rule = rule("a", "https://example.com/", &[failed]);
        let shop = ["shop".to_owned()];
        assert!(rule.wants(failed, Some("staging"), &shop));
        assert!(!rule.wants(Occasion::RolledBack, Some("staging"), &shop));
        rule.environments = vec!["production".to_owned()];
        assert!(!rule.wants(failed, Some("staging"), &shop));
        assert!(rule.wants(failed, Some("production"), &shop));
        assert!(rule.wants(failed, None, &shop), "what is nowhere is no other place");
        rule.services = vec!["cart".to_owned(), "till".to_owned()];
        assert!(!rule.wants(failed, Some("production"), &shop));
        assert!(rule.wants(failed, Some("production"), &["shop".to_owned(), "till".to_owned()]));
        assert!(rule.wants(failed, Some("production"), &[]));
    }

    #[test]
    fn nothing_secret_is_shown() {
        let mut rule = rule("a", "https://hooks.example/hunter2", &[]);
        rule.secret = Some(Secret::new("hunter3".to_owned()));
        let shown = format!("{rule:?}");
        assert!(!shown.contains("hunter"), "{shown}");
    }
}
