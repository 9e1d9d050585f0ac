//! What the commands share: the bucket, the repository, the commit, the inputs.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use portolan_assets::git::{Git, GitError};
use portolan_assets::inputs::{self, Inputs, InputsError, Source};
use portolan_assets::keys::{SignError, Signer};
use portolan_assets::manifest::Tools;
use portolan_assets::pattern::Patterns;
use portolan_assets::{Assets, Project, Run, Scope};
use portolan_aws::{Aws, AwsSettings, Kms};
use portolan_bucket::{Bucket, BucketUrl};
use portolan_model::{CommitId, Secret};

use super::trust;
use crate::args::assets::{InputArgs, Place};
use crate::config::{AssetsConfig, Config, Flags, SignWith};
use crate::error::{Failure, Outcome};
use crate::exit::Code;
use crate::run::Context;
use crate::system::SystemClock;

/// Bytes of a key's file at most.
const MOST_KEY_BYTES: u64 = 64 * 1024;

/// What a command does to the bucket.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Access {
    /// It only looks.
    Read,
    /// It writes what others find.
    Write,
}

/// One command's view of the world.
pub(super) struct Desk<'a> {
    pub(super) context: &'a Context,
    pub(super) config: AssetsConfig,
    pub(super) project: Project,
    scope: Scope,
    read_only: bool,
    url: BucketUrl,
}

impl<'a> Desk<'a> {
    /// Reads the configuration, and decides what this run may do.
    pub(super) fn open(context: &'a Context, place: &Place, access: Access) -> Outcome<Self> {
        let named = context.global.config.as_deref();
        let config = Config::load(named, &context.environment, &Flags::default())?.assets;
        let project = place.project.clone().or_else(|| config.project.clone());
        let project = project.ok_or_else(|| {
            Failure::new(Code::Configuration, "it is not known whose builds these are")
                .hint("name the project: `project` of [assets], or --project")
        })?;
        let environment = &context.environment;
        let scope = place.scope.clone().or_else(|| config.scope.clone());
        let scope = scope.unwrap_or_else(|| trust::usual_scope(environment));
        let read_only = place.read_only || config.read_only || access == Access::Read;
        if let Some(variable) = trust::pull_request(environment)
            && scope.is_main()
            && !read_only
        {
            let message = format!(
                "refused to write to the scope main: {variable} says that this is a pull request"
            );
            return Err(Failure::new(Code::Configuration, message).hint(
                "leave --scope and assets.scope out (it is pull-request then), or give --read-only",
            ));
        }
        let url = match &place.url {
            Some(text) => Some(text.parse::<BucketUrl>().map_err(|error| {
                Failure::of(Code::Usage, &error)
                    .hint("write it as in s3://NAME/PREFIX or file:PATH")
            })?),
            None => config.url.clone(),
        };
        let url = url.ok_or_else(|| {
            Failure::new(Code::Configuration, "there is no bucket for what builds made")
                .hint("name it: `url` of [assets], or --url s3://NAME/PREFIX")
        })?;
        Ok(Self { context, config, project, scope, read_only, url })
    }

    /// The sets, as this run may see them.
    pub(super) async fn assets(&self, git: Option<&Git>) -> Outcome<Assets> {
        let config = &self.config;
        let settings = config.bucket();
        let bucket = Bucket::open(&self.url, &settings).await;
        let bucket = bucket.map_err(|error| super::failure(&error.into()))?;
        let signer = if self.read_only { None } else { self.signer(&settings.aws).await? };
        let reads = config.reads.clone().unwrap_or_else(|| trust::usual_reads(&self.scope));
        let run = Run {
            project: self.project.clone(),
            scope: self.scope.clone(),
            reads,
            read_only: self.read_only,
            keys: config.keys.clone(),
            signer,
            parallel: config.parallel,
            tools: Tools {
                portolan: env!("CARGO_PKG_VERSION").to_owned(),
                git: git.and_then(|git| git.version().ok()),
            },
            who: trust::who(&self.context.environment),
        };
        Ok(Assets::new(bucket, run, Arc::new(SystemClock)))
    }

    async fn signer(&self, aws: &AwsSettings) -> Outcome<Option<Signer>> {
        let (text, path) = match &self.config.sign_with {
            SignWith::Nothing => return Ok(None),
            SignWith::Kms(arn) => return kms(aws, arn).await.map(Some),
            SignWith::File(path) => (read_key(path)?, path),
        };
        let signer = Signer::from_text(text.expose()).map_err(|error| {
            let message = format!("the key in {} cannot be used", path.display());
            Failure::new(Code::Configuration, message).because(&error)
        })?;
        Ok(Some(signer))
    }
}

async fn kms(aws: &AwsSettings, arn: &str) -> Outcome<Signer> {
    // A key of another region is only known there.
    let region = arn.split(':').nth(3).filter(|region| !region.is_empty());
    let aws = AwsSettings { region: region.map(ToOwned::to_owned), ..aws.clone() };
    // The address of a bucket is not that of KMS.
    let aws = AwsSettings { endpoint: None, ..aws };
    let signer = Signer::from_kms(Kms::of(&Aws::open(&aws).await), arn).await;
    signer.map_err(|error| match error {
        SignError::Kms(error) => Failure::of(Code::OtherSide, &error),
        error => Failure::of(Code::Configuration, &error),
    })
}

fn read_key(path: &Path) -> Outcome<Secret<String>> {
    let failed = |error: &std::io::Error| {
        let message = format!("could not read the key {}", path.display());
        Failure::new(Code::Configuration, message).because(error)
    };
    let known = path.metadata().map_err(|error| failed(&error))?;
    if known.len() > MOST_KEY_BYTES {
        let message = format!("{} is no key: it has {} bytes", path.display(), known.len());
        return Err(Failure::new(Code::Configuration, message));
    }
    Ok(Secret::new(std::fs::read_to_string(path).map_err(|error| failed(&error))?))
}

/// The repository at `path`.
pub(super) fn repository(context: &Context, path: &Path) -> Git {
    Git::at(&context.environment.directory.join(path))
}

/// The commit that `text` names: whole names need no repository.
pub(super) fn commit(git: &Git, text: &str) -> Outcome<CommitId> {
    match text.parse() {
        Ok(commit) => Ok(commit),
        Err(_) => git.commit(text).map_err(|error| git_failure(&error)),
    }
}

/// What goes into the build of `commit`; none where nobody shall look.
pub(super) fn inputs(
    desk: &Desk<'_>,
    git: &Git,
    commit: &CommitId,
    arguments: &InputArgs,
    listed: bool,
) -> Outcome<Option<Inputs>> {
    if arguments.no_inputs {
        return Ok(None);
    }
    let given =
        if arguments.include.is_empty() { &desk.config.include } else { &arguments.include };
    let patterns = Patterns::new(given).map_err(|error| Failure::of(Code::Usage, &error))?;
    let mut keys: BTreeMap<String, String> = desk.config.inputs.clone();
    for text in &arguments.keys {
        let (name, value) = inputs::key(text).map_err(|error| inputs_failure(&error))?;
        keys.insert(name, value);
    }
    let read = |source: Source<'_>| Inputs::read(source, &desk.project, &patterns, &keys, listed);
    let read = if arguments.working_tree {
        let tree = git.working_tree().map_err(|error| git_failure(&error))?;
        read(Source { git: tree.git(), tree: tree.tree() })
    } else {
        read(Source { git, tree: commit.as_str() })
    };
    read.map(Some).map_err(|error| inputs_failure(&error))
}

pub(super) fn git_failure(error: &GitError) -> Failure {
    let code = match error {
        GitError::NoCommit { .. } => Code::NotFound,
        _ => Code::Configuration,
    };
    Failure::of(code, error)
}

fn inputs_failure(error: &InputsError) -> Failure {
    match error {
        InputsError::Git(error) => git_failure(error),
        InputsError::NothingMatches { .. } => Failure::of(Code::Configuration, error).hint(
            "patterns are relative to the root of the repository; `portolan assets explain --files` \
             lists what goes in",
        ),
        InputsError::Key { .. } => Failure::of(Code::Usage, error),
        _ => Failure::of(Code::Configuration, error),
    }
}
