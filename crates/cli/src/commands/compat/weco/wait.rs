//! Waiting until a deployment is done, and `confirm-deploy`.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use portolan_release::target::{Explanation, Look, Started};

use super::Work;
use super::end::{Done, End};
use super::screen::Colour;
use crate::args::compat::weco::{ConfirmDeploy, Patience};

/// The shortest pause between two looks: none at all would only get throttled.
const LEAST: Duration = Duration::from_millis(100);

/// A duration as the original tells it: `45s`, `2m`, `2m 3s`.
fn told(seconds: u64) -> String {
    match (seconds / 60, seconds % 60) {
        (0, seconds) => format!("{seconds}s"),
        (minutes, 0) => format!("{minutes}m"),
        (minutes, seconds) => format!("{minutes}m {seconds}s"),
    }
}

/// A wait for a deployment.
struct Wait<'a> {
    release: &'a str,
    environment: &'a str,
    most: u64,
    interval: u64,
    since: Instant,
}

impl Wait<'_> {
    fn seconds(&self) -> u64 {
        self.since.elapsed().as_secs()
    }

    fn what(&self) -> String {
        format!("Deployment of {} to {}", self.release, self.environment)
    }
}

impl Work<'_> {
    /// Follows the deployments `started`, each by its own identity.
    pub(super) async fn follow(
        &self,
        release: &str,
        environment: &str,
        started: &[Started],
        patience: &Patience,
    ) -> Done {
        let (most, interval) = (patience.confirmation_wait_for, patience.confirmation_interval);
        let wait = self.begin(release, environment, most, interval)?;
        let mut left = started.to_vec();
        while !left.is_empty() {
            let looks = match self.weco.look(environment, &left).await {
                Ok(looks) => looks,
                Err(error) if error.transient => {
                    self.screen.note(&format!("warning: {error}: {}", error.source));
                    self.pause(&wait, &[]).await?;
                    continue;
                }
                Err(error) => return Err(End::Failed(format!("{error}: {}", error.source))),
            };
            let (mut going, mut why) = (Vec::new(), Vec::new());
            let mut failed = Vec::new();
            for (each, look) in left.iter().zip(looks) {
                let name = &each.id;
                match look {
                    Look::Complete => {}
                    Look::Going { desired, running, failed } => {
                        let failing =
                            if failed > 0 { format!(", {failed} failed") } else { String::new() };
                        why.push(format!("{name}: {running} of {desired} tasks run{failing}"));
                        going.push(each.clone());
                    }
                    Look::Failed { reason } => failed.push((each, format!("{name}: {reason}"))),
                    Look::Replaced { by } => failed.push((
                        each,
                        format!("{name}: somebody else deployed meanwhile ({by} is not ours)"),
                    )),
                    Look::Gone => failed.push((each, format!("{name}: the service is gone"))),
                }
            }
            if !failed.is_empty() {
                return self.explained(&wait, &failed).await;
            }
            if !going.is_empty()
                && let Err(end) = self.pause(&wait, &why).await
            {
                for each in &going {
                    self.reasons(environment, each).await?;
                }
                return Err(end);
            }
            left = going;
        }
        self.succeeded(&wait)
    }

    pub(super) async fn confirm_deploy(&mut self, told: ConfirmDeploy) -> Done {
        let asker = &mut self.asker;
        let id = asker.value(told.release_id, "Release ID to check", Some("latest"))?;
        let environment =
            asker.value(told.environment_id, "Environment ID to check", Some("stage"))?;
        self.weco.environment(&environment)?;
        let release = self.weco.release(&id).await?;
        let digests = self.weco.digests(&release).await?;
        let (most, interval) = (told.confirmation_wait_for, told.confirmation_interval);
        let wait = self.begin(release.id(), &environment, most, interval)?;
        let mut said = BTreeSet::new();
        loop {
            let checked = self.weco.check(&release, &digests, &environment).await?;
            if checked.services == 0 {
                let why = format!("no service of this release was found in {environment}");
                self.failed(&wait, &[why])?;
                return Err(End::Said);
            }
            if checked.wrong.is_empty() {
                return self.succeeded(&wait);
            }
            if checked.is_hopeless {
                self.failed(&wait, &checked.wrong)?;
                return Err(End::Said);
            }
            let news: Vec<String> =
                checked.wrong.iter().filter(|line| !said.contains(*line)).cloned().collect();
            if let Err(end) = self.pause(&wait, &news).await {
                for line in &checked.wrong {
                    self.screen.line(Colour::Red, line)?;
                }
                return Err(end);
            }
            said.extend(news);
        }
    }

    fn begin<'a>(
        &self,
        release: &'a str,
        environment: &'a str,
        most: u64,
        interval: u64,
    ) -> Done<Wait<'a>> {
        self.screen.plain("")?;
        let checking = format!("Checking deployment of {release} to {environment}");
        self.screen.line(Colour::Yellow, &checking)?;
        let allowing = format!("Allowing {} for deployment.", told(most));
        self.screen.line(Colour::Yellow, &allowing)?;
        Ok(Wait { release, environment, most, interval, since: Instant::now() })
    }

    /// Waits for the next look, where there is time for one; `why` is for those who want to know.
    async fn pause(&self, wait: &Wait<'_>, why: &[String]) -> Done {
        let waited = wait.seconds();
        if waited >= wait.most {
            let exceeded = format!("Deployment time exceeded {}", told(wait.most));
            self.failed(wait, &[exceeded])?;
            return Err(End::Said);
        }
        if self.verbose {
            for line in why {
                self.screen.plain(line)?;
            }
        }
        let (next, so_far) = (told(wait.interval), told(waited));
        let again = format!("Trying again in {next} (waited {so_far} so far).");
        self.screen.line(Colour::Yellow, &again)?;
        tokio::time::sleep(Duration::from_secs(wait.interval).max(LEAST)).await;
        Ok(())
    }

    fn succeeded(&self, wait: &Wait<'_>) -> Done {
        self.screen.plain("")?;
        self.screen.line(Colour::BrightGreen, &format!("{} successful", wait.what()))?;
        self.screen.line(Colour::BrightGreen, &format!("Check took {}s", wait.seconds()))
    }

    fn failed(&self, wait: &Wait<'_>, why: &[String]) -> Done {
        self.screen.plain("")?;
        self.screen.line(Colour::Red, &format!("{} failed", wait.what()))?;
        why.iter().try_for_each(|line| self.screen.line(Colour::Red, line))
    }

    async fn explained(&self, wait: &Wait<'_>, failed: &[(&Started, String)]) -> Done {
        let lines: Vec<String> = failed.iter().map(|(_, line)| line.clone()).collect();
        self.failed(wait, &lines)?;
        for (each, _) in failed {
            self.reasons(wait.environment, each).await?;
        }
        Err(End::Said)
    }

    /// What is known of why a deployment does not come up.
    async fn reasons(&self, environment: &str, started: &Started) -> Done {
        let Ok(Explanation { events, tasks }) = self.weco.explain(environment, started).await
        else {
            return Ok(());
        };
        self.screen.plain(&format!("{}:", started.id))?;
        for task in tasks {
            let why = task.reason.as_deref().unwrap_or("it is not told why");
            self.screen
                .plain(&crate::table::printable(&format!("  task {} stopped: {why}", task.id)))?;
            for container in task.containers {
                let code = container.exit_code.map(|code| format!(" ended with {code}"));
                let why = container.reason.map(|reason| format!(" ({reason})"));
                let (code, why) = (code.unwrap_or_default(), why.unwrap_or_default());
                let line = format!("    {}{code}{why}", container.name);
                self.screen.plain(&crate::table::printable(&line))?;
                for line in container.log {
                    self.screen.plain(&crate::table::printable(&format!("      | {line}")))?;
                }
            }
        }
        for event in events.iter().take(3) {
            self.screen.plain(&crate::table::printable(&format!("  {event}")))?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_told_as_the_original_tells_them() {
        for (seconds, expected) in [(0, "0s"), (59, "59s"), (60, "1m"), (123, "2m 3s")] {
            assert_eq!(told(seconds), expected);
        }
    }
}
