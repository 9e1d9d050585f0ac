//! `publish`: an image that was built here is pushed, and labelled.

use std::io::Write as _;
use std::process::{Command, Stdio};
use std::sync::Arc;

use portolan_aws::{AwsSettings, EcrCredentials, EcrHost, EcrSettings};

use super::end::{Done, End};
use super::screen::Colour;
use super::{Work, git};
use crate::args::compat::weco::Publish;
use crate::system::SystemClock;

impl Work<'_> {
    pub(super) async fn publish(&self, told: &Publish, settings: &AwsSettings) -> Done {
        let (screen, image) = (&self.screen, &told.image_id);
        let project = self.weco.project();
        let name = format!("{}/{image}", project.project.id);
        screen.line(Colour::Green, &format!("Attempting to publish {name}"))?;
        let file = git::top()?.join(".releases").join(image);
        let local = std::fs::read_to_string(&file).map_err(|error| {
            End::Failed(format!("{} must hold the tag that was built: {error}", file.display()))
        })?;
        let local = local.trim();
        let role = settings.role_arn.as_ref().unwrap_or(&project.role_arn);
        let region = settings.region.as_ref().unwrap_or(&project.region);
        let account = role.split(':').nth(4).unwrap_or_default();
        let host = format!("{account}.dkr.ecr.{region}.amazonaws.com");
        let host_of = EcrHost::parse(&host);
        let host_of = host_of.ok_or_else(|| End::Failed(format!("{host} is no ECR registry")))?;
        let repository = self.weco.repository(image);
        let (built, tag) = (format!("{image}:{local}"), format!("ref.{local}"));
        let remote = format!("{host}/{repository}:{tag}");
        if self.dry {
            let line =
                format!("Dry run: {built} was not pushed to {remote}, nor labelled {}", told.label);
            return screen.line(Colour::Cyan, &line);
        }
        let ecr = EcrSettings { role_arn: Some(role.clone()), ..EcrSettings::default() };
        let login = EcrCredentials::new(ecr, Arc::new(SystemClock)).login(&host_of).await;
        let login = login.map_err(|error| End::Failed(error.to_string()))?;
        let endpoint = if login.endpoint.is_empty() { &host } else { &login.endpoint };
        let user = login.username.as_str();
        let arguments = ["login", "--username", user, "--password-stdin", endpoint];
        docker(&arguments, Some(login.password.expose()))?;
        let pushed =
            docker(&["tag", &built, &remote], None).and_then(|()| docker(&["push", &remote], None));
        // The name is only for the push, however that ended.
        let removed = docker(&["rmi", &remote], None);
        pushed.and(removed)?;
        self.weco.label(image, &tag, &told.label).await?;
        screen.line(Colour::Yellow, &format!("Published {local} to {remote}"))?;
        let tagged = format!("Tagged {repository}:{tag} with {repository}:{}", told.label);
        screen.line(Colour::Yellow, &tagged)?;
        screen.line(Colour::BrightGreen, &format!("Done publishing {name}"))
    }
}

/// Runs docker, with `secret` on its standard input, where nobody else sees it.
fn docker(arguments: &[&str], secret: Option<&String>) -> Done {
    let failed = |error: std::io::Error| End::Failed(format!("docker could not be run: {error}"));
    let mut command = Command::new("docker");
    // What it says is progress here, and none of our answer.
    command.args(arguments).stdout(std::io::stderr());
    command.stdin(if secret.is_some() { Stdio::piped() } else { Stdio::null() });
    let mut child = command.spawn().map_err(failed)?;
    if let (Some(secret), Some(mut stdin)) = (secret, child.stdin.take()) {
        // It may end without reading; then its code says so.
        let _ = stdin.write_all(secret.as_bytes());
    }
    let status = child.wait().map_err(failed)?;
    if status.success() {
        return Ok(());
    }
    Err(End::Child(u8::try_from(status.code().unwrap_or(1)).unwrap_or(1)))
}
