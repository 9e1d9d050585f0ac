//! From what happens to what a real receiver gets.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::time::Duration;

use portolan_model::{Clock, EventId, Ids, ReleaseId, RolloutId, Secret, Timestamp};
use portolan_store::{
    JobFilter, JobState, NewEntry, Notification, NotificationFilter, NotificationState, Page,
    Release, Rollout, RolloutState, Store, StoreOptions,
};
use portolan_testkit::receiver::{Received, Receiver, Reply};
use serde_json::json;

use super::notice::notice;
use super::rule::tests::rule;
use super::{NotificationKind, NotificationRule, Occasion, message};
use crate::{App, Settings, workers};

#[derive(Debug)]
struct SetClock(AtomicI64);

impl Clock for SetClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_millis(self.0.load(Ordering::SeqCst))
    }
}

#[derive(Debug)]
struct Sequence(AtomicU64);

impl Ids for Sequence {
    fn next(&self) -> uuid::Uuid {
        uuid::Uuid::from_u128(u128::from(self.0.fetch_add(1, Ordering::SeqCst) + 1))
    }
}

struct Bed {
    app: App,
    clock: Arc<SetClock>,
    folder: tempfile::TempDir,
    ids: Arc<Sequence>,
}

impl Bed {
    async fn new(rules: Vec<NotificationRule>) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let now: Timestamp = "2026-11-20T18:00:00Z".parse().unwrap();
        let clock = Arc::new(SetClock(AtomicI64::new(now.millis())));
        let ids = Arc::new(Sequence(AtomicU64::new(0)));
        let app = open(&folder, &clock, &ids, rules).await;
        Self { app, clock, folder, ids }
    }

    /// Another server on the same store.
    async fn replica(&self, rules: Vec<NotificationRule>) -> App {
        open(&self.folder, &self.clock, &self.ids, rules).await
    }

    fn pass(&self, millis: i64) {
        self.clock.0.fetch_add(millis, Ordering::SeqCst);
    }

    /// Sets an event of this kind aside.
    async fn dead(&self, kind: &str, reason: &str) {
        let id = EventId::new(self.app.store.ids());
        let entry = NewEntry {
            id,
            source: "test".to_owned(),
            kind: kind.to_owned(),
            dedupe_key: id.to_string(),
            occurred_at: self.app.store.now(),
            payload: portolan_store::Payload::of("{}"),
            dead: Some(reason.to_owned()),
        };
        let now = self.app.store.now();
        let append = self
            .app
            .store
            .write(move |tx| Box::pin(async move { tx.append_entries(vec![entry], now).await }));
        append.await.unwrap();
    }

    /// Notices, and sends what may be sent now.
    async fn tell(&self) {
        notice(&self.app).await.unwrap();
        while workers::tell_next(&self.app).await.unwrap() {}
    }

    /// All notifications, the oldest first.
    async fn told(&self) -> Vec<Notification> {
        let filter = NotificationFilter::default();
        let mut found = self.app.store.notifications(&filter, Page::ALL).await.unwrap().items;
        found.reverse();
        found
    }

    async fn only(&self) -> Notification {
        let told = self.told().await;
        assert_eq!(told.len(), 1, "{told:?}");
        told.into_iter().next().unwrap()
    }
}

async fn open(
    folder: &tempfile::TempDir,
    clock: &Arc<SetClock>,
    ids: &Arc<Sequence>,
    rules: Vec<NotificationRule>,
) -> App {
    let url = format!("sqlite:{}", folder.path().join("portolan.db").display());
    let store = Store::open(&StoreOptions::new(url), clock.clone(), ids.clone()).await.unwrap();
    let mut settings = Settings::new(folder.path().join("blobs"));
    settings.lease = Duration::from_secs(1);
    settings.notifications.rules = rules;
    settings.notifications.patience = Duration::from_millis(400);
    settings.notifications.attempts = 4;
    App::open(store, settings).await.unwrap()
}

fn dead_rule(receiver: &Receiver) -> NotificationRule {
    rule("ops", &receiver.url("/hook/hunter2"), &[Occasion::EventDead])
}

/// A bed whose rule has looked before anything happened.
async fn watching(rules: Vec<NotificationRule>) -> Bed {
    let bed = Bed::new(rules).await;
    bed.tell().await;
    bed.pass(1000);
    bed
}

/// What was received of one notification by a receiver that answers so.
async fn told_to(replies: Vec<Reply>) -> (Bed, Receiver) {
    let receiver = Receiver::start(replies).unwrap();
    let bed = watching(vec![dead_rule(&receiver)]).await;
    bed.dead("ecs.task", "no such account").await;
    bed.tell().await;
    (bed, receiver)
}

#[tokio::test(flavor = "multi_thread")]
async fn the_past_is_not_told_and_nothing_twice() {
    let receiver = Receiver::start([]).unwrap();
    let bed = Bed::new(vec![dead_rule(&receiver)]).await;
    bed.dead("ecs.task", "before").await;
    bed.pass(1);
    bed.tell().await;
    assert!(bed.told().await.is_empty(), "it was before the rule began to look");
    bed.pass(3_600_000);
    bed.dead("ecs.task", "after").await;
    for _ in 0..3 {
        bed.tell().await;
    }
    assert_eq!(bed.only().await.state, NotificationState::Sent);
    assert_eq!(receiver.received().len(), 1);
    // More of the kind in the same hour is not told of one by one, another kind is.
    bed.dead("ecs.task", "more").await;
    bed.dead("s3.object", "other").await;
    bed.tell().await;
    assert_eq!(receiver.received().len(), 2);
    // A rule that is new begins now, whatever others were told.
    let second = Receiver::start([]).unwrap();
    let both = vec![dead_rule(&receiver), rule("new", &second.url("/"), &[Occasion::EventDead])];
    bed.pass(1);
    let replica = bed.replica(both).await;
    notice(&replica).await.unwrap();
    while workers::tell_next(&replica).await.unwrap() {}
    assert_eq!((receiver.received().len(), second.received().len()), (2, 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_fails_twice_is_sent_a_third_time_with_the_same_identity() {
    let receiver =
        Receiver::start([Reply::status(500), Reply::HangUp, Reply::status(204)]).unwrap();
    let mut signed = dead_rule(&receiver);
    signed.secret = Some(Secret::new("a secret of some length".to_owned()));
    let bed = watching(vec![signed.clone()]).await;
    bed.dead("ecs.task", "no such account").await;
    for (attempt, least, most) in [(1, 1_000, 2_000), (2, 2_000, 4_000)] {
        bed.tell().await;
        let told = bed.only().await;
        assert_eq!((told.state, told.attempts), (NotificationState::Waiting, attempt));
        assert!(told.error.is_some());
        let wait = told.next_at.unwrap().millis_since(bed.app.store.now());
        assert!((least..=most).contains(&wait), "{wait}");
        bed.pass(wait - 1);
        bed.tell().await;
        assert_eq!(bed.only().await.attempts, attempt, "not before its time");
        bed.pass(1);
    }
    bed.tell().await;
    let told = bed.only().await;
    assert_eq!((told.state, told.attempts), (NotificationState::Sent, 3));
    assert_eq!((told.status, told.error.as_deref()), (Some(204), None));

    let requests = receiver.received();
    assert_eq!(requests.len(), 3);
    let mut moments = Vec::new();
    for request in &requests {
        assert_eq!(request.request, "POST /hook/hunter2 HTTP/1.1");
        assert_eq!(request.header("portolan-id"), Some(told.id.to_string().as_str()));
        assert_eq!(request.header("portolan-event"), Some("event-dead"));
        assert_eq!(request.body, requests[0].body, "a repetition says the same");
        let moment = request.header("portolan-timestamp").unwrap();
        let expected = message::signature(signed.secret.as_ref().unwrap(), moment, &request.body);
        assert_eq!(request.header("portolan-signature"), Some(expected.as_str()));
        moments.push(moment.to_owned());
    }
    moments.dedup();
    assert_eq!(moments.len(), 3, "each attempt is signed at its own moment");
    let body = requests[0].json().unwrap();
    assert_eq!(body["id"], json!(told.id));
    assert_eq!(body["event"], "event-dead");
    assert_eq!(body["happenedAt"], "2026-11-20T18:00:01.000Z");
    assert_eq!(body["summary"], "an event of kind ecs.task was set aside: no such account");
    assert_eq!(body["details"]["count"], 1);
    let failed = JobFilter { kind: None, state: Some(JobState::Failed) };
    assert_eq!(bed.app.store.jobs(&failed, Page::first(1)).await.unwrap().total, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn who_is_slow_is_heard_and_who_hangs_is_asked_again() {
    let (bed, _receiver) = told_to(vec![Reply::Slow(Duration::from_millis(150))]).await;
    assert_eq!(bed.only().await.state, NotificationState::Sent);
    let (bed, receiver) = told_to(vec![Reply::Hang]).await;
    let told = bed.only().await;
    assert_eq!(told.state, NotificationState::Waiting);
    assert_eq!(told.error.as_deref(), Some("the receiver said nothing for 400 ms"));
    bed.pass(2_000);
    bed.tell().await;
    assert_eq!(bed.only().await.state, NotificationState::Sent);
    assert_eq!(receiver.received().len(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_helps_nothing_is_not_tried_again() {
    for (status, word) in [(410, "was removed"), (400, "answered 400"), (404, "`url`")] {
        let (bed, receiver) = told_to(vec![Reply::status(status)]).await;
        let told = bed.only().await;
        assert_eq!((told.state, told.status), (NotificationState::Failed, Some(status)));
        assert!(told.error.as_deref().unwrap().contains(word), "{told:?}");
        bed.pass(3_600_000);
        bed.tell().await;
        assert_eq!(receiver.received().len(), 1);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn redirects_are_not_followed() {
    let elsewhere = Receiver::start([]).unwrap();
    let location = vec![("location", elsewhere.url("/stolen"))];
    let (bed, receiver) = told_to(vec![Reply::Status(307, location)]).await;
    let told = bed.only().await;
    assert_eq!((told.state, told.status), (NotificationState::Failed, Some(307)));
    assert!(!told.error.as_deref().unwrap().contains("stolen"), "{told:?}");
    assert_eq!((receiver.received().len(), elsewhere.received().len()), (1, 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_receiver_says_how_long_to_wait_and_patience_has_an_end() {
    let wait = vec![("retry-after", "120".to_owned())];
    let mut replies = vec![Reply::Status(429, wait)];
    replies.extend([503, 503, 503, 503].map(Reply::status));
    let (bed, receiver) = told_to(replies).await;
    let told = bed.only().await;
    assert_eq!(told.state, NotificationState::Waiting);
    assert_eq!(told.next_at, Some(bed.app.store.now().plus_millis(120_000)));
    for _ in 0..5 {
        bed.pass(900_000);
        bed.tell().await;
    }
    let told = bed.only().await;
    assert_eq!((told.state, told.attempts), (NotificationState::Failed, 4));
    let error = told.error.as_deref().unwrap();
    assert_eq!(error, "given up after 4 attempts: the receiver answered 503");
    assert_eq!(receiver.received().len(), 4);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_egress_policy_holds() {
    let receiver = Receiver::start([]).unwrap();
    let mut outside = dead_rule(&receiver);
    outside.private = false;
    let by_name = outside.url.expose().as_str().replace("http://127.0.0.1", "https://localhost");
    let mut named = outside.clone();
    (named.name, named.url) = ("named".to_owned(), Secret::new(by_name.parse().unwrap()));
    let secret = "http://169.254.169.254/hunter2";
    let metadata = rule("metadata", secret, &[Occasion::EventDead]);
    let gone = "http://127.0.0.1:1/hunter2";
    let closed = rule("closed", gone, &[Occasion::EventDead]);
    let bed = watching(vec![outside, named, metadata, closed]).await;
    bed.dead("ecs.task", "x").await;
    bed.tell().await;
    for told in bed.told().await {
        let error = told.error.as_deref().unwrap();
        let (state, word) = match told.rule.as_str() {
            "ops" => (NotificationState::Failed, "not https"),
            "named" => (NotificationState::Failed, "private address"),
            "metadata" => (NotificationState::Failed, "metadata"),
            _ => (NotificationState::Waiting, "could not be reached"),
        };
        assert_eq!(told.state, state, "{told:?}");
        assert!(error.contains(word), "{}: {error}", told.rule);
        assert!(!error.contains("hunter2") && !error.contains("127.0.0.1"), "{error}");
    }
    assert!(receiver.received().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn slack_gets_one_plain_line() {
    let receiver = Receiver::start([]).unwrap();
    let mut slack = dead_rule(&receiver);
    slack.kind = NotificationKind::Slack;
    let bed = watching(vec![slack]).await;
    bed.dead("ecs.task", "<!channel> a & b\n<http://x|y>").await;
    bed.tell().await;
    let requests = receiver.received();
    let text = "an event of kind ecs.task was set aside: \
                &lt;!channel&gt; a &amp; b &lt;http://x|y&gt;";
    assert_eq!(requests[0].json().unwrap(), json!({ "text": text, "mrkdwn": false }));
    assert_eq!(requests[0].header("portolan-id"), None);
}

#[tokio::test(flavor = "multi_thread")]
async fn two_servers_tell_once() {
    let receiver = Receiver::start([]).unwrap();
    let bed = watching(vec![dead_rule(&receiver)]).await;
    let other = bed.replica(vec![dead_rule(&receiver)]).await;
    for kind in 0..10 {
        bed.dead(&format!("kind-{kind}"), "x").await;
        let (mine, theirs) = tokio::join!(notice(&bed.app), notice(&other));
        mine.unwrap();
        theirs.unwrap();
        let (mine, theirs) = tokio::join!(workers::tell_next(&bed.app), workers::tell_next(&other));
        assert!(mine.unwrap() ^ theirs.unwrap(), "one of them has the job");
    }
    let requests: Vec<Received> = receiver.received();
    let mut ids: Vec<_> = requests.iter().map(|it| it.header("portolan-id")).collect();
    ids.sort_unstable();
    ids.dedup();
    assert_eq!((requests.len(), ids.len()), (10, 10));
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_dies_while_sending_leaves_it_to_the_next() {
    let receiver = Receiver::start([Reply::Hang]).unwrap();
    let bed = watching(vec![dead_rule(&receiver)]).await;
    bed.dead("ecs.task", "x").await;
    notice(&bed.app).await.unwrap();
    let dying = bed.app.clone();
    let sending = tokio::spawn(async move { workers::tell_next(&dying).await });
    receiver.wait(1, Duration::from_secs(10)).unwrap();
    sending.abort();
    assert!(sending.await.is_err());
    let other = bed.replica(vec![dead_rule(&receiver)]).await;
    assert!(!workers::tell_next(&other).await.unwrap(), "it may still live");
    bed.pass(2_000);
    assert!(workers::tell_next(&other).await.unwrap());
    let told = bed.only().await;
    assert_eq!((told.state, told.attempts), (NotificationState::Sent, 2));
    let requests = receiver.received();
    assert_eq!(requests.len(), 2);
    assert_eq!(requests[0].header("portolan-id"), requests[1].header("portolan-id"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rule_that_is_gone_tells_nobody() {
    let (bed, receiver) = told_to(vec![Reply::status(500)]).await;
    let other = bed.replica(Vec::new()).await;
    bed.pass(2_000);
    assert!(workers::tell_next(&other).await.unwrap());
    let told = bed.only().await;
    assert_eq!(told.state, NotificationState::Failed);
    assert!(told.error.unwrap().contains("no longer in the configuration"));
    assert_eq!(receiver.received().len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn releases_and_rollouts_are_told_by_environment_and_service() {
    let receiver = Receiver::start([]).unwrap();
    let all = [
        Occasion::ReleasePrepared,
        Occasion::RolloutWaiting,
        Occasion::RolloutStarted,
        Occasion::RolloutEnded,
        Occasion::RolledBack,
    ];
    let everything = rule("all", &receiver.url("/"), &all);
    let mut production = rule("production", &receiver.url("/"), &all);
    production.environments = vec!["production".to_owned()];
    let mut till = rule("till", &receiver.url("/"), &all);
    till.services = vec!["till".to_owned()];
    let bed = watching(vec![everything, production, till]).await;
    let now = bed.app.store.now();
    let release = Release {
        id: ReleaseId::new(bed.app.store.ids()),
        project: "shop".to_owned(),
        description: "the autumn".to_owned(),
        source: json!({}),
        created_by: "kim".to_owned(),
        created_at: now,
        ci_url: None,
        images: Vec::new(),
    };
    let rollout = |environment: &str, state: RolloutState| Rollout {
        id: RolloutId::new(bed.app.store.ids()),
        project: "shop".to_owned(),
        environment: environment.to_owned(),
        release: release.id,
        plan: json!({ "services": [{ "service": "cart", "action": "define" }] }),
        options: json!({}),
        state,
        reason: state.is_end().then(|| "tasks exit 1".to_owned()),
        created_by: "kim".to_owned(),
        created_at: now,
        ci_url: None,
        approved_by: None,
        approved_at: None,
        started_at: (state != RolloutState::Waiting).then_some(now),
        finished_at: state.is_end().then_some(now.plus_millis(1)),
    };
    let rollouts = [
        rollout("staging", RolloutState::RolledBack),
        rollout("production", RolloutState::Waiting),
    ];
    let add = bed.app.store.write(move |tx| {
        Box::pin(async move {
            tx.add_release(&release).await?;
            for rollout in &rollouts {
                tx.add_rollout(rollout).await?;
            }
            Ok(())
        })
    });
    add.await.unwrap();
    bed.pass(10);
    bed.tell().await;
    let mut lines: Vec<_> = bed
        .told()
        .await
        .into_iter()
        .map(|it| format!("{} {}: {}", it.rule, it.occasion, it.summary))
        .collect();
    lines.sort();
    assert_eq!(
        lines,
        [
            "all release-prepared: shop: a release was prepared by kim: the autumn",
            "all rolled-back: shop: the rollout to staging was rolled back: tasks exit 1",
            "all rollout-ended: shop: the rollout to staging was rolled back: tasks exit 1",
            "all rollout-started: shop: the rollout to staging was started by kim",
            "all rollout-waiting: shop: the rollout to production waits for a second person \
             besides kim",
            "production release-prepared: shop: a release was prepared by kim: the autumn",
            "production rollout-waiting: shop: the rollout to production waits for a second \
             person besides kim",
            "till release-prepared: shop: a release was prepared by kim: the autumn",
        ]
    );
    assert_eq!(receiver.received().len(), lines.len());
}
