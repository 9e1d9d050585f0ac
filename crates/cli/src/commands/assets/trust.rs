//! How far a run is trusted, and who had it started, as CI systems tell it in the environment.

use portolan_assets::Scope;
use portolan_assets::manifest::Who;

use crate::env::Environment;

/// The variable by which a CI system says that it builds a pull request.
///
/// Sources: GitHub's
/// [variables](https://docs.github.com/en/actions/reference/workflows-and-actions/variables),
/// GitLab's [predefined ones](https://docs.gitlab.com/ci/variables/predefined_variables/),
/// Buildkite's [environment](https://buildkite.com/docs/pipelines/configure/environment-variables),
/// `CodeBuild`'s [environment](https://docs.aws.amazon.com/codebuild/latest/userguide/build-env-ref-env-vars.html).
pub(super) fn pull_request(environment: &Environment) -> Option<&'static str> {
    let begins = |name: &'static str, with: &str| {
        environment.get(name).is_some_and(|value| value.starts_with(with)).then_some(name)
    };
    let is = |name: &'static str| {
        environment.get(name).is_some_and(|value| value != "false").then_some(name)
    };
    begins("GITHUB_EVENT_NAME", "pull_request")
        .or_else(|| begins("CI_PIPELINE_SOURCE", "merge_request"))
        .or_else(|| begins("CI_PIPELINE_SOURCE", "external_pull_request"))
        .or_else(|| begins("CODEBUILD_WEBHOOK_EVENT", "PULL_REQUEST"))
        .or_else(|| is("CI_MERGE_REQUEST_ID"))
        .or_else(|| is("BUILDKITE_PULL_REQUEST"))
        .or_else(|| is("CIRCLE_PULL_REQUEST"))
        .or_else(|| is("TRAVIS_PULL_REQUEST"))
        .or_else(|| is("DRONE_PULL_REQUEST"))
        .or_else(|| is("BITBUCKET_PR_ID"))
        .or_else(|| is("CIRRUS_PR"))
        .or_else(|| is("SYSTEM_PULLREQUEST_PULLREQUESTID"))
        // Jenkins, for a change of any kind.
        .or_else(|| is("CHANGE_ID"))
}

/// The scope of a run that names none.
pub(super) fn usual_scope(environment: &Environment) -> Scope {
    if pull_request(environment).is_some() { Scope::pull_request() } else { Scope::main() }
}

/// The scopes that are believed besides `scope` where nothing is said.
pub(super) fn usual_reads(scope: &Scope) -> Vec<Scope> {
    if scope.is_main() { Vec::new() } else { vec![Scope::main()] }
}

/// Who had this run started.
pub(super) fn who(environment: &Environment) -> Who {
    let get = |name: &str| environment.get(name);
    let short = |text: String| text.chars().filter(|c| !c.is_control()).take(500).collect();
    let github = || {
        let (server, repository) = (get("GITHUB_SERVER_URL")?, get("GITHUB_REPOSITORY")?);
        Some(format!("{server}/{repository}/actions/runs/{}", get("GITHUB_RUN_ID")?))
    };
    let urls = ["CI_JOB_URL", "BUILDKITE_BUILD_URL", "CODEBUILD_BUILD_URL", "BUILD_URL"];
    let job = github().or_else(|| urls.iter().find_map(|name| get(name)).map(ToOwned::to_owned));
    let users = [
        "GITHUB_ACTOR",
        "GITLAB_USER_LOGIN",
        "BUILDKITE_BUILD_CREATOR",
        "CODEBUILD_INITIATOR",
        "USER",
    ];
    let actor = users.iter().find_map(|name| get(name)).map(ToOwned::to_owned);
    Who { job: job.map(short), actor: actor.map(short) }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    fn scope(variables: &[(&str, &str)]) -> String {
        usual_scope(&Environment::of(Path::new("/"), variables)).to_string()
    }

    #[test]
    fn a_pull_request_is_known_on_every_ci_system() {
        for variable in [
            ("GITHUB_EVENT_NAME", "pull_request"),
            ("GITHUB_EVENT_NAME", "pull_request_target"),
            ("CI_MERGE_REQUEST_ID", "7"),
            ("CI_PIPELINE_SOURCE", "merge_request_event"),
            ("BUILDKITE_PULL_REQUEST", "7"),
            ("CODEBUILD_WEBHOOK_EVENT", "PULL_REQUEST_UPDATED"),
            ("TRAVIS_PULL_REQUEST", "7"),
            ("CHANGE_ID", "7"),
        ] {
            assert_eq!(scope(&[variable]), "pull-request", "{variable:?}");
        }
        for variable in [
            ("GITHUB_EVENT_NAME", "push"),
            ("BUILDKITE_PULL_REQUEST", "false"),
            ("CODEBUILD_WEBHOOK_EVENT", "PUSH"),
            ("CI_PIPELINE_SOURCE", "push"),
            ("CHANGE_ID", ""),
        ] {
            assert_eq!(scope(&[variable]), "main", "{variable:?}");
        }
    }

    #[test]
    fn main_believes_nobody_else() {
        assert_eq!(usual_reads(&Scope::main()), []);
        assert_eq!(usual_reads(&Scope::pull_request()), [Scope::main()]);
    }

    #[test]
    fn who_started_it_is_told() {
        let environment = Environment::of(
            Path::new("/"),
            &[
                ("GITHUB_SERVER_URL", "https://github.com"),
                ("GITHUB_REPOSITORY", "a/b"),
                ("GITHUB_RUN_ID", "7"),
                ("GITHUB_ACTOR", "ann\n"),
            ],
        );
        let who = who(&environment);
        assert_eq!(who.job.as_deref(), Some("https://github.com/a/b/actions/runs/7"));
        assert_eq!(who.actor.as_deref(), Some("ann"));
    }
}
