//! `portolan assets check`: must this commit be built?

use portolan_assets::{Answer as Found, By, Scope};
use portolan_model::{CommitId, Digest};
use serde::Serialize;

use super::desk::{self, Access, Desk};
use super::legacy;
use super::outputs;
use super::set::Set;
use crate::args::assets::Check;
use crate::error::{Failure, Outcome};
use crate::exit::Code;
use crate::human::{count, size};
use crate::run::Context;

/// What is answered.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Answered {
    /// `found`, `missing`, or `unknown` where the storage does not answer.
    answer: &'static str,
    commit: CommitId,
    /// `commit` or `inputs`, or `legacy` where only s3-asset-manager's layout has packages.
    source: Option<&'static str>,
    inputs: Option<Digest>,
    /// Whether a set of another commit became that of this one.
    written: bool,
    set: Option<Set>,
    /// The scope of a set of the commit that is not served, as it was built from other inputs.
    #[serde(skip_serializing_if = "Option::is_none")]
    passed_over: Option<Scope>,
    /// How many packages s3-asset-manager's layout has.
    #[serde(skip_serializing_if = "Option::is_none")]
    packages: Option<usize>,
}

/// What was found.
struct Seen {
    found: Found,
    /// Packages in s3-asset-manager's layout, where that was looked at.
    packages: Option<usize>,
}

pub(super) async fn run(context: &Context, arguments: Check) -> Outcome {
    let desk = Desk::open(context, &arguments.place, Access::Write)?;
    let git = desk::repository(context, &arguments.which.repo);
    let commit = desk::commit(&git, &arguments.which.commit)?;
    let inputs = desk::inputs(&desk, &git, &commit, &arguments.inputs, false)?;
    let patience = arguments.timeout.unwrap_or(desk.config.timeout);
    let legacy = arguments.legacy || desk.config.legacy;
    let asked = async {
        let assets = desk.assets(None).await?;
        let found = assets.check(&commit, inputs.as_ref()).await;
        let mut packages = None;
        if legacy && matches!(&found, Ok(found) if found.hit.is_none()) {
            let packed = legacy::find(&assets, &commit).await;
            packages = packed.map_err(|error| legacy::failure(&error))?;
        }
        Ok::<_, Failure>((found.map(|found| Seen { found, packages }), assets.place()))
    };
    let outcome = match tokio::time::timeout(patience, asked).await {
        Ok(outcome) => Some(outcome?),
        Err(_) => None,
    };
    let inputs = inputs.map(|inputs| inputs.hash);
    let told = Told { context, arguments: &arguments, commit, inputs };
    match outcome {
        Some((Ok(seen), _)) => told.known(&seen),
        Some((Err(error), place)) if error.is_unreachable() => {
            told.unknown(&format!("{place} cannot be reached: {error}"))
        }
        Some((Err(error), _)) => Err(super::failure(&error)),
        None => {
            told.unknown(&format!("the storage did not answer within {} s", patience.as_secs()))
        }
    }
}

struct Told<'a> {
    context: &'a Context,
    arguments: &'a Check,
    commit: CommitId,
    inputs: Option<Digest>,
}

impl Told<'_> {
    fn known(self, seen: &Seen) -> Outcome {
        let hit = seen.found.hit.as_ref();
        let by = hit.map(|hit| match hit.by {
            By::Commit => "commit",
            By::Inputs => "inputs",
        });
        let by = by.or(seen.packages.map(|_| "legacy"));
        let answer = Answered {
            answer: if by.is_some() { "found" } else { "missing" },
            source: by,
            packages: seen.packages,
            passed_over: seen.found.passed_over.clone(),
            written: hit.is_some_and(|hit| hit.written),
            set: hit.map(|hit| Set::of(&hit.found)),
            commit: self.commit.clone(),
            inputs: self.inputs,
        };
        self.tell(&answer)?;
        if by.is_none() && self.arguments.exit_code {
            let message = format!("the commit {} must be built", self.commit.short());
            return Err(Failure::new(Code::Negative, message));
        }
        Ok(())
    }

    fn unknown(self, why: &str) -> Outcome {
        let answer = Answered {
            answer: "unknown",
            source: None,
            written: false,
            set: None,
            packages: None,
            passed_over: None,
            commit: self.commit.clone(),
            inputs: self.inputs,
        };
        self.tell(&answer)?;
        let message = format!("it is not known whether {} was built: {why}", self.commit.short());
        Err(Failure::new(Code::TimedOut, message)
            .hint("build the commit: that is never wrong, and only takes longer"))
    }

    fn tell(&self, answer: &Answered) -> Outcome {
        let found = answer.answer == "found";
        let mut values = vec![("found", found.to_string()), ("answer", answer.answer.to_owned())];
        values.push(("source", answer.source.unwrap_or_default().to_owned()));
        values.extend(self.inputs.map(|hash| ("inputs", hash.hex())));
        if answer.set.is_none() {
            values.push(("commit", self.commit.to_string()));
        }
        values.extend(answer.packages.map(|packages| ("packages", packages.to_string())));
        outputs::write(self.arguments.told.github_output.as_deref(), &values, answer.set.as_ref())?;
        self.context.printer.answer(answer, text)
    }
}

fn text(answer: &Answered) -> String {
    let commit = answer.commit.short();
    let hash = answer.inputs.map(|hash| format!(" (inputs {})", hash.short())).unwrap_or_default();
    let Some(set) = &answer.set else {
        return match answer.answer {
            "found" => format!(
                "{commit} is built: {} in the layout of s3-asset-manager\n",
                count(answer.packages.unwrap_or_default() as u64, "package")
            ),
            "missing" => match &answer.passed_over {
                None => format!("{commit} is not built yet{hash}\n"),
                Some(scope) => format!(
                    "{commit} is not built from these inputs{hash}: its set in the scope {scope} was \
                     built from others\n"
                ),
            },
            _ => format!("unknown whether {commit} is built{hash}\n"),
        };
    };
    let what = format!("{}, {}", count(set.file_count as u64, "file"), size(set.bytes));
    match answer.source {
        Some("inputs") => {
            let kept = if answer.written {
                "it is this commit's set now".to_owned()
            } else {
                format!("fetch it as that of {}", set.commit)
            };
            let built = set.built_commit.short();
            format!(
                "{commit} need not be built: {built} has the same inputs{hash}: {what}; {kept}\n"
            )
        }
        _ => format!("{commit} is built{hash}: {what}, in the scope {}\n", set.scope),
    }
}
