//! Errors and failures in words.

use std::error::Error;

use crate::target::{Explanation, StoppedTask};

/// `error` with what caused it.
pub(super) fn story(error: &(dyn Error + 'static)) -> String {
    let mut texts = vec![error.to_string()];
    let mut cause = error.source();
    while let Some(error) = cause {
        texts.push(error.to_string());
        cause = error.source();
    }
    texts.dedup();
    texts.join(": ")
}

/// Why a deployment failed, in one line.
pub(super) fn explained(reason: &str, why: &Explanation) -> String {
    let task = why.tasks.first().map(stopped);
    let told = task.or_else(|| why.events.first().cloned());
    std::iter::once(reason.to_owned()).chain(told).collect::<Vec<_>>().join("; ")
}

fn stopped(task: &StoppedTask) -> String {
    let mut parts: Vec<String> = task.reason.iter().cloned().collect();
    for container in &task.containers {
        let code = container.exit_code.filter(|code| *code != 0);
        let mut said: Vec<String> =
            code.map(|code| format!("exited with {code}")).into_iter().collect();
        said.extend(container.reason.clone().filter(|own| Some(own) != task.reason.as_ref()));
        said.extend(container.log.last().map(|line| format!("its last line was `{line}`")));
        if !said.is_empty() && (code.is_some() || container.reason.is_some()) {
            parts.push(format!("{} {}", container.name, said.join(", ")));
        }
    }
    format!("task {} stopped: {}", task.id, parts.join("; "))
}
