//! Plans and rollouts for eyes.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use portolan_model::Digest;
use portolan_release::plan::{Action, ContainerPlan};
use serde_json::Value;

use super::super::changes;
use crate::api::changes::{ImageChange, Span};
use crate::api::releases::{Planned, Rollout, Step};
use crate::human::at_most;
use crate::table::{Columns, printable};

/// A plan.
pub(super) fn plan(planned: &Planned) -> String {
    let plan = &planned.plan;
    let mut text =
        format!("release {} to {} of {}\n", plan.release, plan.environment, plan.project);
    if plan.protected {
        text.push_str("a second person must agree: `portolan confirm ROLLOUT --approve`\n");
    }
    let mut columns = Columns::new(["WAVE", "SERVICE", "DOES", "CONTAINER", "RUNS", "SHALL RUN"]);
    for service in &plan.services {
        let does = match service.action {
            Action::Keep => "stay",
            Action::Restart => "start anew",
            Action::Define => "change",
        };
        let mut wave = (service.wave.to_string(), service.service.clone(), does.to_owned());
        for container in &service.containers {
            let (wave, service, does) = std::mem::take(&mut wave);
            let wanted = short(&container.digest);
            columns.row([
                wave,
                service,
                does,
                container.container.clone(),
                runs(container),
                wanted,
            ]);
        }
        for hook in &service.hooks {
            text.push_str(&printable(&format!(
                "{} runs `{}` once ({})",
                service.service,
                hook.command.join(" "),
                hook.name
            )));
            text.push('\n');
        }
    }
    text.push('\n');
    if !plan.services.is_empty() {
        text.push_str(&columns.finish(&[]));
    }
    for image in &plan.images {
        if let Some(from) = &image.copy_from {
            let _ = writeln!(text, "copy {} from {from} to {}", image.image, image.spot);
        }
        for tag in &image.tags {
            let from = tag.from.as_ref().map_or("nowhere".to_owned(), short);
            let to = short(&image.digest);
            let _ = writeln!(text, "move {}:{} from {from} to {to}", image.spot, tag.tag);
        }
    }
    for (images, span) in spans(&planned.changes) {
        let _ = writeln!(text, "commits of {}:", printable(&images));
        text.push_str(&changes::commits(span, changes::SOME));
    }
    for (label, lines) in [("note:", &plan.notes), ("refused:", &planned.refused)] {
        for line in lines {
            let _ = writeln!(text, "{label} {}", printable(line));
        }
    }
    if planned.empty {
        text.push_str("there is nothing to do\n");
    }
    text
}

/// What comes and goes, each once, with the images that it is of.
fn spans(images: &[ImageChange]) -> Vec<(String, &Span)> {
    let mut found: Vec<(String, &Span)> = Vec::new();
    for image in images {
        let Some(span) = &image.commits else { continue };
        if span.gained_total + span.lost_total == 0 {
            continue;
        }
        match found.iter_mut().find(|(_, known)| *known == span) {
            Some((names, _)) => {
                names.push_str(", ");
                names.push_str(&image.image);
            }
            None => found.push((image.image.clone(), span)),
        }
    }
    found
}

fn runs(container: &ContainerPlan) -> String {
    let all: BTreeSet<String> = container.runs.iter().map(short).collect();
    if all.is_empty() {
        "nothing".to_owned()
    } else {
        all.into_iter().collect::<Vec<_>>().join(" ")
    }
}

fn short(digest: &Digest) -> String {
    digest.to_string().chars().skip("sha256:".len()).take(12).collect()
}

/// A rollout that has come to its end, or is not followed further.
pub(super) fn rollout(rollout: &Rollout) -> String {
    let Rollout { id, state, release, environment, project, .. } = rollout;
    let mut text = format!("rollout {id}: {state}\n");
    let _ = writeln!(text, "release {release} to {environment} of {project}");
    if let Some(reason) = &rollout.reason {
        let _ = writeln!(text, "because {}", printable(reason));
    }
    text
}

/// A step, in one line, with what is known of why it failed below.
pub(super) fn step(step: &Step) -> String {
    let state = match step.state.as_str() {
        "begun" => "...",
        "done" => "ok",
        _ => "FAILED",
    };
    let mut text = format!("{state:6} {}", step.name.replace(':', " "));
    if step.state == "failed" {
        let outcome = step.outcome.as_ref().unwrap_or(&Value::Null);
        let _ = write!(text, ": {}", outcome["reason"].as_str().unwrap_or("it failed"));
        let lines = outcome["why"]["events"].as_array().into_iter().flatten();
        for line in lines.filter_map(Value::as_str).take(3) {
            let _ = write!(text, "\n         {}", at_most(line, 200));
        }
        let mut told = BTreeSet::new();
        for task in outcome["why"]["tasks"].as_array().into_iter().flatten().take(3) {
            let (id, what) = (task["id"].as_str().unwrap_or_default(), stopped(task));
            // Tasks of one deployment mostly stop in one way.
            if told.contains(&what) {
                let _ = write!(text, "\n         task {id} likewise");
            } else {
                let _ = write!(text, "\n         task {id} stopped: {what}");
                told.insert(what);
            }
        }
    }
    let lines: Vec<String> = text.lines().map(printable).collect();
    lines.join("\n")
}

/// Why a task stopped, how its containers ended, and what they wrote last.
fn stopped(task: &Value) -> String {
    let told = |value: &Value, name: &str| value[name].as_str().map(|it| at_most(it, 300));
    let reason = told(task, "reason");
    let mut text = reason.clone().unwrap_or_else(|| "it does not say why".to_owned());
    for container in task["containers"].as_array().into_iter().flatten() {
        let name = container["name"].as_str().unwrap_or_default();
        let code = container["exit_code"].as_i64().map(|code| format!("exited with {code}"));
        let own = told(container, "reason").filter(|own| Some(own) != reason.as_ref());
        let ended: Vec<String> = code.into_iter().chain(own).collect();
        if !ended.is_empty() {
            let _ = write!(text, "\n         {name}: {}", ended.join(", "));
        }
        let log = container["log"].as_array().into_iter().flatten();
        for line in log.filter_map(Value::as_str) {
            let _ = write!(text, "\n         {name} | {}", at_most(line, 200));
        }
    }
    text
}
