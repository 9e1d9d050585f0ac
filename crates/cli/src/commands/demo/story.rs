//! The story, step by step. Every line is an answer that was asked for.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, PoisonError};
use std::time::Instant;

use portolan_model::{Digest, Timestamp};
use serde_json::{Value, json};

use super::build::{Built, Yard};
use super::contents::{FIRST, FIXED, SECOND, Version};
use super::home::Home;
use super::packages;
use super::ship::{PROJECT, Shipped, Shipping, part};
use super::show::{Show, Step};
use crate::api::Api;
use crate::api::releases::Release;
use crate::config::Config;
use crate::error::{Failure, Outcome};
use crate::exit::Code;
use crate::human::{age, count};
use crate::run::Context;
use crate::system::now;

const STAGING: &str = "staging";
const PRODUCTION: &str = "production";
/// Changes of packages that are listed at most.
const CHANGES: usize = 8;

/// Tells the story.
pub(super) struct Story<'a> {
    shipping: Shipping<'a>,
    yard: Yard,
    /// Whether what is deployed runs in containers.
    in_containers: bool,
    /// Notes that were shown: once is enough for people.
    told: Mutex<BTreeSet<String>>,
}

/// The images of a version, by service.
type Images = BTreeMap<&'static str, Built>;

impl<'a> Story<'a> {
    pub(super) fn new(
        context: &Context,
        config: &Config,
        home: &Home,
        api: &'a Api,
        in_containers: bool,
    ) -> Outcome<Self> {
        let environment = &context.environment;
        let user = environment.get("USER").or_else(|| environment.get("LOGNAME"));
        let by = user.unwrap_or("demo").to_owned();
        let yard = Yard::new(context, config, home)?;
        let shipping = Shipping { api, by };
        Ok(Self { shipping, yard, in_containers, told: Mutex::default() })
    }

    /// Tells it.
    pub(super) async fn tell(mut self, show: &Show<'_>) -> Outcome {
        macro_rules! step {
            ($step:expr) => {{
                let begun = Instant::now();
                let (step, came) = $step.await?;
                show.step(&step, begun.elapsed())?;
                came
            }};
        }
        let first = step!(self.first());
        step!(self.what_is_in(&first));
        let release = step!(self.prepare("1.0.0", "the first version"));
        step!(self.deploy(&release, "1.0.0", STAGING));
        step!(self.promote(&release, "1.0.0", &first));
        step!(self.what_runs_where());
        let second = step!(self.build("2.0.0", &SECOND, &first));
        let next = step!(self.prepare("2.0.0", "newer packages"));
        step!(self.deploy(&next, "2.0.0", STAGING));
        step!(self.what_differs(&first, &second));
        if self.in_containers {
            step!(self.fails(&next, &first));
            step!(self.keep_back(&next));
            let fixed = step!(self.build("2.0.1", &FIXED, &second));
            let release = step!(self.prepare("2.0.1", "the same, and it does without TIDES_URL"));
            step!(self.deploy(&release, "2.0.1", STAGING));
            step!(self.promote(&release, "2.0.1", &fixed));
        } else {
            step!(self.promote(&next, "2.0.0", &second));
        }
        step!(self.go_back(&first));
        step!(self.what_became());
        Ok(())
    }

    async fn first(&mut self) -> Outcome<(Step, Images)> {
        let base = self.yard.base(self.in_containers).await?;
        let images = self.built(&FIRST).await?;
        let mut lines = Vec::new();
        for built in images.values() {
            let files = self.shipping.scanned(&built.digest).await?;
            lines.push(format!(
                "{:22} {}  scanned, {}",
                built.name,
                short(&built.digest),
                count(files, "file")
            ));
        }
        let title = "Two images are built without a daemon, pushed and scanned".to_owned();
        let page = "/ui/images".to_owned();
        let answer = json!({"base": base, "images": told(&images)});
        Ok((Step { title, lines, page, answer }, images))
    }

    async fn built(&self, versions: &[Version]) -> Outcome<Images> {
        let mut images = Images::new();
        for version in versions {
            images.insert(version.service, self.yard.version(version).await?);
        }
        Ok(images)
    }

    async fn build(
        &self,
        tag: &'static str,
        versions: &[Version],
        before: &Images,
    ) -> Outcome<(Step, Images)> {
        let images = self.built(versions).await?;
        let mut lines = Vec::new();
        for (service, built) in &images {
            self.shipping.scanned(&built.digest).await?;
            let is_same = before.get(service).is_some_and(|it| it.digest == built.digest);
            let word = if is_same { "the same bytes, so the same digest" } else { "new" };
            lines.push(format!("{:22} {}  {word}", built.name, short(&built.digest)));
        }
        let page = format!("/ui/image/{}", image(&images, "pilot")?.name);
        let title = format!("Version {tag} is built and pushed");
        Ok((Step { title, lines, page, answer: json!({"images": told(&images)}) }, images))
    }

    async fn what_is_in(&self, images: &Images) -> Outcome<(Step, ())> {
        let (mut lines, mut answer) = (Vec::new(), BTreeMap::new());
        for built in images.values() {
            let found = self.shipping.packages(&built.digest).await?;
            for (path, packages) in &found {
                let some: Vec<String> =
                    packages.iter().take(3).map(|(name, is)| format!("{name} {is}")).collect();
                lines.push(format!(
                    "{:22} {path}: {}: {}, ...",
                    built.name,
                    count(packages.len() as u64, "package"),
                    some.join(", ")
                ));
            }
            answer.insert(built.name.clone(), found);
        }
        let title = "What is in them?".to_owned();
        let page = format!("/ui/image/{}", image(images, "pilot")?.name);
        Ok((Step { title, lines, page, answer: json!(answer) }, ()))
    }

    async fn prepare(&self, tag: &str, description: &str) -> Outcome<(Step, Release)> {
        let release = self.shipping.prepare(tag, description).await?;
        let mut lines = vec![format!("release {} by {}", release.id, release.created_by)];
        for released in &release.images {
            lines.push(format!("{:10} {}", released.image, cut(&released.digest)));
        }
        let title = format!("A release is prepared: the digests that tag {tag} points to now");
        let page = format!("/ui/release/{}", release.id);
        Ok((Step { title, lines, page, answer: json!(release) }, release))
    }

    /// What a rollout did, and what runs then.
    async fn shipped(
        &self,
        title: String,
        shipped: Shipped,
        expected: &BTreeMap<String, String>,
    ) -> Outcome<(Step, ())> {
        let environment = shipped.rollout.environment.clone();
        let is_there = |all: &[Value]| {
            expected.iter().all(|(service, digest)| {
                all.iter().any(|it| {
                    it["service"] == **service
                        && it["digest"] == **digest
                        && it["status"] == "RUNNING"
                })
            })
        };
        let running = self.shipping.running(&environment, is_there).await?;
        let mut lines: Vec<String> = running.iter().map(line).collect();
        if !shipped.kept.is_empty() && !shipped.changed.is_empty() {
            lines.push(format!("{} was left alone: it ran this digest", shipped.kept.join(", ")));
        }
        let mut told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
        for note in &shipped.notes {
            if told.insert(note.clone()) {
                lines.push(format!("note: {note}"));
            }
        }
        drop(told);
        let page = format!("/ui/rollout/{}", shipped.rollout.id);
        let answer = json!({
            "rollout": shipped.rollout,
            "changed": shipped.changed,
            "kept": shipped.kept,
            "notes": shipped.notes,
            "running": running,
        });
        Ok((Step { title, lines, page, answer }, ()))
    }

    async fn deploy(&self, release: &Release, tag: &str, to: &str) -> Outcome<(Step, ())> {
        let shipped = self.shipping.deploy(&release.id, to).await?.done()?;
        self.shipped(format!("{tag} is deployed to {to}"), shipped, &digests(release)).await
    }

    async fn promote(&self, release: &Release, tag: &str, images: &Images) -> Outcome<(Step, ())> {
        let same =
            |built: &Built| release.images.iter().any(|it| it.digest == built.digest.to_string());
        if !images.values().all(same) {
            return Err(Failure::new(Code::Verification, "the release is not of what was built"));
        }
        let shipped = self.shipping.deploy(&release.id, PRODUCTION).await?.done()?;
        let title = format!("{tag} is promoted: the same digests go to {PRODUCTION}");
        self.shipped(title, shipped, &digests(release)).await
    }

    async fn what_runs_where(&self) -> Outcome<(Step, ())> {
        let running = self.shipping.ask("/whats-running-where").await?;
        let all = running.as_array().cloned().unwrap_or_default();
        let lines = all.iter().map(|it| {
            format!("{:11} {}", it["environment"].as_str().unwrap_or_default(), line(it))
        });
        let title = "What runs where, since when, and who put it there?".to_owned();
        let (lines, page) = (lines.collect(), "/ui/".to_owned());
        Ok((Step { title, lines, page, answer: running }, ()))
    }

    async fn what_differs(&self, first: &Images, second: &Images) -> Outcome<(Step, ())> {
        let diff = self.shipping.ask(&format!("/diff/{STAGING}/{PRODUCTION}")).await?;
        let mut lines = Vec::new();
        for service in diff["services"].as_array().into_iter().flatten() {
            let text = |of: &Value| of["version"].as_str().unwrap_or("none").to_owned();
            let name = service["service"].as_str().unwrap_or_default();
            lines.push(match service["relation"].as_str() {
                Some("same") => format!("{name:6} is the same in both: {}", text(&service["a"])),
                _ => format!(
                    "{name:6} {STAGING} has {}, {PRODUCTION} has {}",
                    text(&service["a"]),
                    text(&service["b"])
                ),
            });
        }
        let before = self.shipping.packages(&image(first, "pilot")?.digest).await?;
        let after = self.shipping.packages(&image(second, "pilot")?.digest).await?;
        let empty = packages::Packages::new();
        let mut changes = Vec::new();
        for (path, packages) in &after {
            changes.extend(packages::changes(before.get(path).unwrap_or(&empty), packages));
        }
        for some in changes.iter().take(CHANGES).collect::<Vec<_>>().chunks(2) {
            let some: Vec<String> = some.iter().map(|it| format!("{it:42}")).collect();
            lines.push(format!("       {}", some.join(" ").trim_end()));
        }
        if changes.len() > CHANGES {
            lines.push(format!("       and {} more", changes.len() - CHANGES));
        }
        let title = format!("What differs between {STAGING} and {PRODUCTION}?");
        let page = format!("/ui/diff/{STAGING}/{PRODUCTION}");
        Ok((Step { title, lines, page, answer: json!({"diff": diff, "packages": changes}) }, ()))
    }

    /// Production was not told what the second version needs.
    async fn fails(&self, release: &Release, first: &Images) -> Outcome<(Step, ())> {
        let shipped = self.shipping.deploy(&release.id, PRODUCTION).await?;
        if shipped.rollout.state != "rolled-back" {
            let what = "the second version should have failed in production, and been taken back";
            return Err(Failure::new(Code::Verification, what).hint(shipped.rollout.state));
        }
        let mut lines = Vec::new();
        for step in shipped.rollout.steps.iter().filter(|step| step.state == "failed") {
            let outcome = step.outcome.clone().unwrap_or_default();
            for task in outcome["why"]["tasks"].as_array().into_iter().flatten().take(1) {
                for container in task["containers"].as_array().into_iter().flatten() {
                    let code = &container["exit_code"];
                    let name = container["name"].as_str().unwrap_or_default();
                    lines.push(format!("{name} ended with {code}; its last lines:"));
                    let log = container["log"].as_array().into_iter().flatten();
                    lines.extend(log.filter_map(Value::as_str).map(|it| format!("  | {it}")));
                }
            }
        }
        let expected = [("pilot".to_owned(), image(first, "pilot")?.digest.to_string())].into();
        let title = format!(
            "2.0.0 was well in {STAGING} and fails in {PRODUCTION}; all is put back by itself"
        );
        let (mut step, ()) = self.shipped(title, shipped, &expected).await?;
        step.lines.splice(0..0, lines);
        Ok((step, ()))
    }

    async fn keep_back(&self, release: &Release) -> Outcome<(Step, ())> {
        let wish = json!({
            "reason": "needs TIDES_URL, which production does not have",
            "by": self.shipping.by,
        });
        let kept = self.shipping.api.quarantine(&release.id, &wish).await?;
        let lines = kept.quarantine.iter().map(|it| {
            format!("release {} is in quarantine, by {}: {}", kept.id, it.created_by, it.reason)
        });
        let (lines, page) = (lines.collect(), format!("/ui/release/{}", kept.id));
        let title = "Nobody is to deploy it again".to_owned();
        Ok((Step { title, lines, page, answer: json!(kept) }, ()))
    }

    async fn go_back(&self, first: &Images) -> Outcome<(Step, ())> {
        let shipped = self.shipping.roll_back(PRODUCTION).await?.done()?;
        let expected = first
            .iter()
            .map(|(service, built)| ((*service).to_owned(), built.digest.to_string()))
            .collect();
        let title = format!("How do we go back? {PRODUCTION} gets what it had before");
        self.shipped(title, shipped, &expected).await
    }

    async fn what_became(&self) -> Outcome<(Step, ())> {
        let at = format!("/history/pilot?environment={}&size=20", part(PRODUCTION));
        let history = self.shipping.ask(&at).await?;
        let chapters = history["history"].as_array().cloned().unwrap_or_default();
        let lines = chapters.iter().map(|it| {
            let text = |key: &str| it[key].as_str().unwrap_or_default();
            format!(
                "{:12} {:7} {:12} by {}",
                since(&it["deployedAt"]) + " ago",
                text("version"),
                status(it),
                text("user")
            )
        });
        let title = format!("What became of pilot in {PRODUCTION}?");
        let page = format!("/ui/service/pilot?environment={PRODUCTION}");
        Ok((Step { title, lines: lines.collect(), page, answer: history }, ()))
    }
}

fn image<'i>(images: &'i Images, service: &str) -> Outcome<&'i Built> {
    let missing = || Failure::new(Code::Bug, format!("{PROJECT} has no {service}"));
    images.get(service).ok_or_else(missing)
}

fn told(images: &Images) -> BTreeMap<String, String> {
    images.values().map(|it| (it.name.clone(), it.digest.to_string())).collect()
}

/// The digest that each service of a release is to run: its services are called as its images.
fn digests(release: &Release) -> BTreeMap<String, String> {
    release.images.iter().map(|it| (it.image.clone(), it.digest.clone())).collect()
}

fn short(digest: &Digest) -> String {
    cut(&digest.to_string())
}

fn cut(digest: &str) -> String {
    digest.chars().take("sha256:".len() + 12).collect()
}

/// How long the moment is ago.
fn since(moment: &Value) -> String {
    let at = moment.as_str().and_then(|text| text.parse::<Timestamp>().ok());
    at.map_or_else(String::new, |at| age(at, now()))
}

fn status(deployment: &Value) -> String {
    if deployment["recordedOnly"] == true {
        return "recorded".to_owned();
    }
    let word = deployment["status"].as_str().unwrap_or_default();
    word.to_lowercase().replace('_', " ")
}

/// What runs of a service, in one line.
fn line(running: &Value) -> String {
    let text = |key: &str| running[key].as_str().unwrap_or_default();
    let count = |key: &str| running[key].as_u64().unwrap_or_default();
    let only = if running["recordedOnly"] == true { " recorded only" } else { "" };
    format!(
        "{:6} {:7} {}/{} tasks{only}, for {}, by {}",
        text("service"),
        text("version"),
        count("runningCount"),
        count("instanceCount"),
        since(&running["runningSince"]),
        text("user")
    )
}
