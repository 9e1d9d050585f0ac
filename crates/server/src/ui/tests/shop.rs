//! A shop's releases, and where they were brought.

use portolan_model::Tag;
use portolan_release::{Note, Options, Order, Scope, Source};
use portolan_store::{Release, Rollout, RolloutState};

use super::bed::{Answer, Bed};
use super::yard::Yard;

/// The releases of the story, and what became of them.
pub(super) struct Shop {
    pub(super) first: Release,
    pub(super) second: Release,
    pub(super) third: Release,
    /// The third one to staging, which failed and was undone.
    pub(super) failed: Rollout,
    /// The fourth one to production, which waits for a second person.
    pub(super) waiting: Rollout,
    /// The one that was never brought anywhere, and is in quarantine.
    pub(super) leaking: Release,
}

pub(super) async fn release(bed: &Bed, tag: &str, description: &str) -> Release {
    let source = Source::Tag { tag: tag.parse::<Tag>().unwrap() };
    let note = Note {
        description: description.to_owned(),
        by: "ann".to_owned(),
        ci_url: Some("https://ci.example/shop/17".to_owned()),
    };
    bed.app.releases.prepare("shop", &source, note).await.unwrap()
}

/// Orders that a release is brought to an environment.
pub(super) async fn order(bed: &Bed, environment: &str, release: &Release) -> Rollout {
    let releases = &bed.app.releases;
    let plan = releases.plan("shop", environment, release.id, &Scope::default()).await.unwrap();
    let (options, by) = (Options::default(), "ann".to_owned());
    releases.apply(Order { plan, options, by, ci_url: None }).await.unwrap()
}

/// Brings a release to an environment; how that ended.
pub(super) async fn bring(bed: &Bed, environment: &str, release: &Release) -> Rollout {
    let ordered = order(bed, environment, release).await;
    if ordered.state == RolloutState::Waiting {
        bed.app.releases.approve(ordered.id, "ben").await.unwrap();
    }
    bed.app.releases.run(ordered.id, "here").await.unwrap()
}

/// Tells the story.
pub(super) async fn tell(bed: &Bed, yard: &Yard) -> Shop {
    let first = release(bed, "v1", "The first one").await;
    for environment in ["staging", "production"] {
        bring(bed, environment, &first).await;
    }
    let second = release(bed, "v2", "Faster checkout, and a basket that remembers").await;
    for environment in ["staging", "production"] {
        bring(bed, environment, &second).await;
    }
    yard.crash("web", "v3", "FATAL no database at db.internal:5432");
    let third = release(bed, "v3", "Prices from the new database").await;
    let failed = bring(bed, "staging", &third).await;
    assert_eq!(failed.state, RolloutState::RolledBack, "{failed:?}");
    let fourth = release(bed, "v4", "Prices from the new database, with its address").await;
    bring(bed, "staging", &fourth).await;
    let waiting = order(bed, "production", &fourth).await;
    assert_eq!(waiting.state, RolloutState::Waiting);
    let leaking = release(bed, "v5", "").await;
    bed.app.releases.quarantine(leaking.id, "It writes addresses to its log", "ben").await.unwrap();
    let place = ("shop", "staging");
    bed.app.releases.freeze(place, "Load test until the evening", "ben", None).await.unwrap();
    Shop { first, second, third, failed, waiting, leaking }
}

/// A bed in which the story was told.
pub(super) async fn told() -> (Bed, Yard, Shop) {
    let mut bed = Bed::new().await;
    let yard = Yard::of(&mut bed);
    let shop = tell(&bed, &yard).await;
    (bed, yard, shop)
}

/// The hidden fields of the form of a page that is sent to `action`.
pub(super) fn fields<'p>(page: &'p str, action: &str) -> Vec<(&'p str, &'p str)> {
    let from = format!("method=\"post\" action=\"{action}\">");
    let form = page.split(&from).nth(1).unwrap_or_else(|| panic!("no form to {action} in {page}"));
    let form = form.split("</form>").next().unwrap();
    let value = |part: &'p str, name: &str| {
        let from = part.find(name).unwrap() + name.len();
        part[from..].split('"').next().unwrap()
    };
    let hidden = form.split("<input type=\"hidden\" ").skip(1);
    hidden.map(|part| (value(part, "name=\""), value(part, "value=\""))).collect()
}

/// Where an answer leads.
pub(super) fn led(answer: &Answer) -> &str {
    assert_eq!(answer.status, http::StatusCode::SEE_OTHER, "{}", answer.body);
    answer.headers["location"].to_str().unwrap()
}
