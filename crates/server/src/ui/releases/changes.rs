//! What a release changes: commits and files, against what was before.

use askama::Template;
use askama::filters::HtmlSafe;
use http::HeaderMap;
use portolan_model::{FileKind, Timestamp};
use portolan_release::{Base, ImageChange, Most, Plan};
use portolan_store::{Commit, CommitSpan, FileChange, FileSide, Release};

use super::words;
use crate::App;
use crate::api::ApiError;
use crate::ui::error::PageError;
use crate::ui::images::kind_word;
use crate::ui::link::Link;
use crate::ui::show::{Chip, Shape, Visible, When, bytes, count, counted, tail};

/// Commits of each side, and files of each image, that are shown at most.
const SOME: usize = 50;
/// What pages send that ask for themselves once more: what differs between two releases stays.
const AGAIN: &str = "portolan-has";

/// What changes.
#[derive(Debug, Template)]
#[template(path = "parts/changes.html")]
pub(super) struct ChangesView {
    spans: Vec<SpanView>,
    images: Vec<ImageView>,
    same: Option<String>,
}

impl HtmlSafe for ChangesView {}

/// Against what a release is held.
#[derive(Debug)]
pub(super) struct Since {
    /// What can be chosen: the value, in words, and whether it is chosen.
    pub(super) choices: Vec<(String, Visible, bool)>,
    /// The release that it is held against, where it is one.
    pub(super) against: Option<(String, Link)>,
    /// Whether there is nothing to hold it against.
    pub(super) first: bool,
    pub(super) view: ChangesView,
}

/// Commits that come and go with some images.
#[derive(Debug)]
struct SpanView {
    images: Visible,
    from: Visible,
    to: Visible,
    gained: Vec<CommitView>,
    more_gained: Option<String>,
    lost: Vec<CommitView>,
    more_lost: Option<String>,
    /// Whether it is known which commits these are.
    known: bool,
    whole: bool,
}

#[derive(Debug)]
struct CommitView {
    id: String,
    short: Visible,
    subject: Visible,
    author: Visible,
    when: When,
}

/// Files that differ in an image.
#[derive(Debug)]
struct ImageView {
    image: Visible,
    word: Option<Chip>,
    /// Whether files were looked at: none where they were not asked for.
    files: Option<FilesView>,
}

#[derive(Debug)]
enum FilesView {
    Unknown,
    Known { told: String, rows: Vec<FileView>, more: Option<String>, whole: bool },
}

#[derive(Debug)]
struct FileView {
    path: Visible,
    chip: Chip,
    what: Visible,
}

impl Since {
    /// What `release` changes since `since`: the name of an environment, or nothing for the release
    /// before it. None where the page asks for what moves alone.
    pub(super) async fn of(
        app: &App,
        release: &Release,
        since: &str,
        headers: &HeaderMap,
    ) -> Result<Option<Self>, PageError> {
        if headers.contains_key(AGAIN) {
            return Ok(None);
        }
        let base = match since {
            "" => Base::Before,
            environment => Base::Environment(environment.to_owned()),
        };
        let most = Most { commits: SOME, files: Some(SOME) };
        let changes = app.releases.changes(release.id, &base, most).await;
        let changes = changes.map_err(ApiError::from)?;
        let mut choices =
            vec![(String::new(), Visible::new("the release before it"), since.is_empty())];
        if let Some(project) = app.releases.project(&release.project) {
            for (name, _) in words::in_order(project, &app.tracker.rules().places) {
                let told = Visible::cut(&format!("what runs in {name}"), 80);
                choices.push((name.clone(), told, name == since));
            }
        }
        Ok(Some(Self {
            choices,
            against: changes.against.map(|id| (tail(id), Link::release(id))),
            first: since.is_empty() && changes.against.is_none(),
            view: ChangesView::new(&changes.images, app.store.now()),
        }))
    }
}

impl ChangesView {
    /// The commits between what runs and what shall run; none where nothing is known of them.
    pub(super) async fn of_plan(app: &App, plan: &Plan) -> Result<Option<Self>, PageError> {
        let most = Most { commits: SOME, files: None };
        let changes = app.releases.changes_of_plan(plan, most).await.map_err(ApiError::from)?;
        let spans = spans(&changes, app.store.now());
        let view = Self { spans, images: Vec::new(), same: None };
        Ok((!view.spans.is_empty()).then_some(view))
    }

    fn new(changes: &[ImageChange], now: Timestamp) -> Self {
        let same = changes.iter().filter(|it| it.is_same()).count() as u64;
        Self {
            spans: spans(changes, now),
            images: changes.iter().filter(|it| !it.is_same()).map(ImageView::new).collect(),
            same: (same > 0).then(|| counted(same, "image is the same", "images are the same")),
        }
    }
}

/// What lies between the commits of images that differ. Many images are built from one commit: that is
/// told once.
fn spans(changes: &[ImageChange], now: Timestamp) -> Vec<SpanView> {
    let mut spans: Vec<(&ImageChange, (&str, &str), Vec<&str>)> = Vec::new();
    for change in changes {
        let ([was], Some(is)) = (&change.before[..], &change.after) else { continue };
        let (Some(was), Some(is)) = (&was.revision, &is.revision) else { continue };
        if was == is {
            continue;
        }
        let pair = (was.as_str(), is.as_str());
        match spans.iter_mut().find(|(_, known, _)| *known == pair) {
            Some((_, _, images)) => images.push(&change.image),
            None => spans.push((change, pair, vec![&change.image])),
        }
    }
    spans.iter().map(|(change, pair, images)| SpanView::new(change, *pair, images, now)).collect()
}

impl SpanView {
    fn new(
        change: &ImageChange,
        (from, to): (&str, &str),
        images: &[&str],
        now: Timestamp,
    ) -> Self {
        let none = CommitSpan::default();
        let span = change.commits.as_ref().unwrap_or(&none);
        let commits = |all: &[Commit]| all.iter().map(|it| CommitView::new(it, now)).collect();
        Self {
            images: Visible::cut(&images.join(", "), 200),
            from: words::commit(from),
            to: words::commit(to),
            gained: commits(&span.gained),
            more_gained: more(span.gained_total, span.gained.len()),
            lost: commits(&span.lost),
            more_lost: more(span.lost_total, span.lost.len()),
            known: change.commits.is_some(),
            whole: span.whole,
        }
    }
}

/// How many there are besides those that are shown.
fn more(all: u64, shown: usize) -> Option<String> {
    let left = all.saturating_sub(shown as u64);
    (left > 0).then(|| counted(left, "more", "more"))
}

impl CommitView {
    fn new(commit: &Commit, now: Timestamp) -> Self {
        Self {
            id: commit.id.to_string(),
            short: words::commit(commit.id.as_str()),
            subject: Visible::cut(&commit.subject, 200),
            author: Visible::cut(&commit.author, 80),
            when: When::new(commit.committed_at, now),
        }
    }
}

impl ImageView {
    fn new(change: &ImageChange) -> Self {
        let word = match (change.before.is_empty(), &change.after) {
            (true, _) => Some(Chip::new(Shape::Run, "new")),
            (false, None) => Some(Chip::new(Shape::Off, "no more")),
            (false, Some(_)) if change.before.len() > 1 => {
                Some(Chip::new(Shape::Warn, "several before"))
            }
            _ => None,
        };
        let files = change.files.as_ref().map_or(FilesView::Unknown, |files| {
            let parts = [(files.added, "new"), (files.changed, "changed"), (files.removed, "gone")];
            let told: Vec<String> =
                parts.iter().map(|(many, word)| format!("{} {word}", count(*many))).collect();
            FilesView::Known {
                told: told.join(", "),
                rows: files.first.iter().map(FileView::new).collect(),
                more: more(files.total(), files.first.len()),
                whole: files.whole,
            }
        });
        Self {
            image: Visible::cut(&change.image, 100),
            files: word.is_none().then_some(files),
            word,
        }
    }
}

impl FileView {
    fn new(change: &FileChange) -> Self {
        let (chip, what) = match (&change.before, &change.after) {
            (None, Some(is)) => (Chip::new(Shape::Run, "new"), side(is)),
            (Some(was), None) => (Chip::new(Shape::Off, "gone"), side(was)),
            (Some(was), Some(is)) => {
                let (before, after) = (side(was), side(is));
                let told = if before == after { after } else { format!("{before} → {after}") };
                (Chip::new(Shape::Warn, "changed"), told)
            }
            (None, None) => (Chip::new(Shape::Off, "gone"), String::new()),
        };
        Self { path: Visible::cut(&change.path, 500), chip, what: Visible::cut(&what, 300) }
    }
}

/// What is there, in words.
fn side(side: &FileSide) -> String {
    match (&side.link, side.kind) {
        (Some(link), _) => format!("a link to {link}"),
        (None, FileKind::File) => format!("{}, mode {:04o}", bytes(side.size), side.mode),
        (None, kind) => format!("{}, mode {:04o}", kind_word(kind), side.mode),
    }
}
