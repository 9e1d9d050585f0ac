//! STS, in its query protocol: who asks, and roles that are taken on for a while.

use std::collections::{BTreeSet, HashMap};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use portolan_model::Timestamp;

use super::FakeEcs;
use super::answers::text;
use super::state::{Refusal, State};
use super::wire::{Answer, Call};

/// Roles that were taken on.
#[derive(Debug)]
pub(super) struct Sessions {
    lasts: Duration,
    /// The role's ARN by the id of the key, and whether it is still good.
    keys: HashMap<String, (String, bool)>,
    /// Who asked for which action, of which repository where it is about one.
    heard: BTreeSet<(String, String, String)>,
}

impl Default for Sessions {
    fn default() -> Self {
        Self { lasts: Duration::from_hours(1), keys: HashMap::new(), heard: BTreeSet::new() }
    }
}

impl State {
    /// Remembers who asked.
    pub(super) fn hear(&mut self, call: &Call) {
        let who = self.who(&call.key);
        let about = text(&call.body, "repositoryName").to_owned();
        self.sessions.heard.insert((call.action.clone(), about, who));
    }

    /// Whose the key `key` is.
    fn who(&self, key: &str) -> String {
        let user = || format!("arn:aws:iam::{}:user/test", self.account);
        self.sessions.keys.get(key).map_or_else(user, |(arn, _)| arn.clone())
    }

    /// A refusal where the key `key` is one that is no longer good.
    pub(super) fn is_fresh(&self, key: &str) -> Result<(), Refusal> {
        if self.sessions.keys.get(key).is_some_and(|(_, is_good)| !is_good) {
            let message = "The security token included in the request is expired";
            return super::answers::no("ExpiredTokenException", message);
        }
        Ok(())
    }

    pub(super) fn sts(&mut self, call: &Call, noted: Result<(), Refusal>) -> Answer {
        let action = &call.action;
        if let Err((kind, message)) = noted {
            let text = format!(
                "<ErrorResponse xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\"><Error>\
                 <Type>Sender</Type><Code>{kind}</Code><Message>{message}</Message></Error>\
                 <RequestId>1</RequestId></ErrorResponse>"
            );
            return Answer { status: 400, kind: "text/xml", text };
        }
        let result = if action == "AssumeRole" {
            self.assume(text(&call.body, "RoleArn"), text(&call.body, "RoleSessionName"))
        } else {
            let arn = self.who(&call.key);
            let account = arn.split(':').nth(4).unwrap_or(&self.account);
            format!("<Arn>{arn}</Arn><UserId>AIDATEST</UserId><Account>{account}</Account>")
        };
        let text = format!(
            "<{action}Response xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\">\
             <{action}Result>{result}</{action}Result><ResponseMetadata><RequestId>1</RequestId>\
             </ResponseMetadata></{action}Response>"
        );
        Answer { status: 200, kind: "text/xml", text }
    }

    fn assume(&mut self, role: &str, session: &str) -> String {
        let key = format!("ASIA{}", self.number());
        let account = role.split(':').nth(4).unwrap_or_default();
        let name = super::answers::last(role);
        let arn = format!("arn:aws:sts::{account}:assumed-role/{name}/{session}");
        self.sessions.keys.insert(key.clone(), (arn.clone(), true));
        #[expect(
            clippy::disallowed_methods,
            reason = "the SDK holds it against the clock on the wall"
        )]
        let ends = SystemTime::now() + self.sessions.lasts;
        let millis = ends.duration_since(UNIX_EPOCH).unwrap_or_default().as_millis();
        let ends = Timestamp::from_millis(i64::try_from(millis).unwrap_or(i64::MAX));
        format!(
            "<Credentials><AccessKeyId>{key}</AccessKeyId><SecretAccessKey>secret</SecretAccessKey>\
             <SessionToken>token</SessionToken><Expiration>{ends}</Expiration></Credentials>\
             <AssumedRoleUser><AssumedRoleId>AROATEST:{session}</AssumedRoleId><Arn>{arn}</Arn>\
             </AssumedRoleUser>"
        )
    }
}

impl FakeEcs {
    /// Roles that are taken on from now on are good for `time`.
    pub fn roles_last(&self, time: Duration) {
        self.lock().sessions.lasts = time;
    }

    /// The ARNs of those who asked for `action`; of the repository, where it is about one.
    pub fn callers(&self, action: &str, repository: &str) -> Vec<String> {
        let state = self.lock();
        let heard = state.sessions.heard.iter();
        let asked = heard.filter(|(it, about, _)| it == action && about == repository);
        asked.map(|(_, _, who)| who.clone()).collect()
    }

    /// No role that was taken on is good any more.
    pub fn expire_roles(&self) {
        self.lock().sessions.keys.values_mut().for_each(|(_, is_good)| *is_good = false);
    }
}
