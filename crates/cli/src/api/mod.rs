//! One small client of the HTTP API: of a server, or of the same router in this process.

pub(crate) mod answers;
pub(crate) mod changes;
pub(crate) mod events;
pub(crate) mod notifications;
pub(crate) mod releases;
pub(crate) mod tokens;
pub(crate) mod track;
mod transport;

use futures::{StreamExt as _, TryStreamExt as _, stream};
use portolan_model::{Digest, Reference, RepositoryName, Target};
use portolan_server::App;
use serde::de::DeserializeOwned;
use url::form_urlencoded::Serializer;

use crate::error::{Failure, Outcome};
use crate::exit::Code;
use answers::{
    File, FileList, Image, Job, Paged, RepositoryLine, RepositoryPage, TagHistory, TagLine, TagPage,
};
pub(crate) use transport::{Api, Request};

/// Items that are asked for at a time.
const PAGE: u64 = 1000;
/// Pages that are asked for at once.
const AT_ONCE: usize = 4;
/// No list is followed over more pages.
const MOST_PAGES: u64 = 10_000;

/// Which files of an image are wanted.
#[derive(Debug, Clone, Default)]
pub(crate) struct FileQuery {
    /// Only paths that contain this.
    pub(crate) contains: Option<String>,
    /// Only files whose contents are kept.
    pub(crate) kept: bool,
    /// Of an index, the image for this platform.
    pub(crate) platform: Option<String>,
}

/// What a collection is to remove.
#[derive(Debug, Clone)]
pub(crate) struct Collection {
    /// Seconds for which a blob is left alone.
    pub(crate) grace: u64,
    /// Seconds after which a manifest without a tag goes.
    pub(crate) untagged: Option<u64>,
    /// Only tell what would go.
    pub(crate) plan: bool,
}

/// `path?name=value&…`
fn path(path: &str, query: &[(&str, &str)]) -> String {
    if query.is_empty() {
        return path.to_owned();
    }
    let query = Serializer::new(String::new()).extend_pairs(query).finish();
    format!("{path}?{query}")
}

impl Api {
    async fn get<T: DeserializeOwned>(&self, at: &str, query: &[(&str, &str)]) -> Outcome<T> {
        self.send(Request::get(path(at, query))).await?.json()
    }

    /// All pages of a list: the first, and then the others, several at a time.
    async fn pages<T: DeserializeOwned + Paged>(
        &self,
        at: &str,
        query: &[(&str, &str)],
    ) -> Outcome<Vec<T::Item>> {
        let size = PAGE.to_string();
        let ask = |page: u64| {
            let (page, size) = (page.to_string(), &size);
            async move {
                let part = [("page", page.as_str()), ("size", size)];
                self.get::<T>(at, &[query, &part].concat()).await
            }
        };
        let (mut found, pages) = ask(1).await?.parts();
        let others = stream::iter(2..=pages.min(MOST_PAGES)).map(ask).buffered(AT_ONCE);
        for part in others.try_collect::<Vec<_>>().await? {
            found.extend(part.parts().0);
        }
        Ok(found)
    }

    /// Every repository that the catalogue knows.
    pub(crate) async fn repositories(&self) -> Outcome<Vec<RepositoryLine>> {
        self.pages::<RepositoryPage>("/images", &[]).await
    }

    /// Every tag of a repository.
    pub(crate) async fn tags(&self, repository: &RepositoryName) -> Outcome<Vec<TagLine>> {
        let found = self.pages::<TagPage>("/tags", &[("repo", repository.as_str())]).await?;
        if found.is_empty() {
            return Err(Failure::new(
                Code::NotFound,
                format!("there is no repository {repository}"),
            )
            .hint("`portolan image list` shows every repository"));
        }
        Ok(found)
    }

    /// The digest that a reference leads to, by the catalogue's word.
    pub(crate) async fn resolve(&self, reference: &Reference) -> Outcome<Digest> {
        let tag = match reference.target() {
            Target::Digest(digest) => return Ok(digest),
            Target::Tag(tag) => tag,
        };
        let repository = &reference.repository;
        let query = [("repo", repository.as_str()), ("tag", tag.as_str())];
        let history: Outcome<TagHistory> = self.get("/tags/history", &query).await;
        let digest = match history {
            Ok(history) => history.moves.first().and_then(|moved| moved.digest),
            Err(failure) if failure.code == Code::NotFound => None,
            Err(failure) => return Err(failure),
        };
        digest.ok_or_else(|| {
            Failure::new(Code::NotFound, format!("there is no image {repository}:{tag}"))
                .hint(format!("`portolan image list {repository}` shows the tags that there are"))
        })
    }

    /// What is known of an image.
    pub(crate) async fn image(&self, digest: &Digest) -> Outcome<Image> {
        self.get(&format!("/images/{digest}"), &[]).await
    }

    /// A part of an image's files, after the path `after`.
    pub(crate) async fn files(
        &self,
        digest: &Digest,
        wanted: &FileQuery,
        after: Option<&str>,
    ) -> Outcome<FileList> {
        let mut query = Vec::new();
        query.extend(wanted.contains.as_deref().map(|text| ("contains", text)));
        query.extend(wanted.kept.then_some(("kept", "true")));
        query.extend(wanted.platform.as_deref().map(|platform| ("platform", platform)));
        query.extend(after.map(|path| ("after", path)));
        self.get(&format!("/images/{digest}/files"), &query).await
    }

    /// The entry at exactly `path` in an image.
    pub(crate) async fn file_at(
        &self,
        digest: &Digest,
        at: &str,
        platform: Option<String>,
    ) -> Outcome<Option<File>> {
        let wanted = FileQuery { contains: Some(at.to_owned()), kept: false, platform };
        let mut after = None;
        for _ in 0..MOST_PAGES {
            let part = self.files(digest, &wanted, after.as_deref()).await?;
            if let Some(found) = part.files.into_iter().find(|file| file.path == at) {
                return Ok(Some(found));
            }
            match part.next {
                // Paths come in byte order, so it cannot come any more.
                Some(next) if next.as_str() < at => after = Some(next),
                _ => break,
            }
        }
        Ok(None)
    }

    /// The contents of a file that was kept.
    pub(crate) async fn contents(&self, layer: &Digest, at: &str) -> Outcome<Vec<u8>> {
        let request = Request::get(path(&format!("/files/{layer}"), &[("path", at)]));
        Ok(self.send(request).await?.bytes.to_vec())
    }

    /// Scans the image under a tag.
    pub(crate) async fn scan(&self, repository: &RepositoryName, tag: &str) -> Outcome {
        let query = [("repo", repository.as_str()), ("tag", tag)];
        self.send(Request::post(path("/admin/scan", &query))).await.map(|_| ())
    }

    /// Queues a collection.
    pub(crate) async fn collect(&self, wanted: &Collection) -> Outcome<Job> {
        let (grace, plan) = (wanted.grace.to_string(), wanted.plan.to_string());
        let untagged = wanted.untagged.map(|seconds| seconds.to_string());
        let mut query = vec![("graceSeconds", grace.as_str()), ("dryRun", &plan)];
        query.extend(untagged.as_deref().map(|seconds| ("untaggedAfterSeconds", seconds)));
        self.send(Request::post(path("/admin/registry-gc", &query))).await?.json()
    }

    /// A job.
    pub(crate) async fn job(&self, id: &str) -> Outcome<Job> {
        self.get(&format!("/jobs/{id}"), &[]).await
    }

    /// Points a tag to what a reference leads to, in the built-in registry itself.
    pub(crate) async fn tag(&self, from: &Reference, tag: &portolan_model::Tag) -> Outcome<Digest> {
        let repository = &from.repository;
        let at = format!("/v2/{repository}/manifests/{}", from.target());
        let mut request = Request::get(at);
        request.accept = Some(MANIFESTS);
        let manifest = self.send(request).await.map_err(|failure| {
            if failure.code == Code::NotFound {
                let hint = format!("`portolan image list {repository}` shows its tags");
                Failure::new(Code::NotFound, format!("there is no image {from}")).hint(hint)
            } else {
                failure
            }
        })?;
        let digest = Digest::of(&manifest.bytes);
        let mut request = Request::put(format!("/v2/{repository}/manifests/{tag}"));
        request.content_type = manifest.content_type;
        request.body = manifest.bytes;
        self.send(request).await?;
        self.settle().await?;
        Ok(digest)
    }

    /// Does what waits in the journal and the queue, where no server does it.
    pub(crate) async fn settle(&self) -> Outcome {
        match self {
            Self::Remote { .. } => Ok(()),
            Self::Embedded { app, .. } => run_jobs(app).await,
        }
    }
}

/// What a client takes for a manifest.
const MANIFESTS: &str = "application/vnd.oci.image.index.v1+json, \
     application/vnd.oci.image.manifest.v1+json, \
     application/vnd.docker.distribution.manifest.list.v2+json, \
     application/vnd.docker.distribution.manifest.v2+json";

async fn run_jobs(app: &App) -> Outcome {
    let done = app.run_jobs_until_idle().await;
    done.map_err(|error| Failure::of(Code::Configuration, &error))
}
