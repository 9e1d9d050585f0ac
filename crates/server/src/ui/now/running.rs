//! What runs where now, kept up to date: what the journal says has changed is looked at again, and
//! not the rest.

use std::collections::{BTreeSet, HashSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use futures::stream::{self, StreamExt as _, TryStreamExt as _};
use portolan_model::{EventId, Timestamp};
use portolan_store::{JournalEntry, JournalState, StoreError};
use portolan_tracker::facts::Facts;
use portolan_tracker::running::RunningFilter;
use portolan_tracker::{Running, Tracker};
use tokio::sync::Mutex;
use tokio::time::Instant;

use crate::App;

/// How long it is shown without looking again, though nothing seems to have changed: some states
/// change with time alone, and a change in another process may be told late.
const QUIET: Duration = Duration::from_secs(2);
/// After how long everything is looked at again, beside those who ask, while parts are kept up to
/// date.
const WHOLE: Duration = Duration::from_secs(5);
/// How far back the journal is looked at for what has changed since, in milliseconds: entries are
/// not always recorded in the order of their identities, nor acted on at once.
const WINDOW: i64 = 1_500;
/// Entries and places that are looked at, at most; with more, everything is.
const ENTRIES: u32 = 2_000;
const PLACES: usize = 200;
/// Places that are looked at together.
const TOGETHER: usize = 4;

/// What runs where now.
#[derive(Debug, Default)]
pub(super) struct Kept {
    state: Mutex<Option<State>>,
    renewing: AtomicBool,
}

#[derive(Debug)]
struct State {
    running: Arc<Running>,
    /// The store's count of changes when it was looked at last.
    generation: u64,
    looked_at: Instant,
    /// When all of it was looked at last.
    whole_at: Instant,
    /// Entries of the window whose changes are in it.
    done: HashSet<EventId>,
}

/// A service in an environment.
type Place = (String, String);

/// The first identity that an entry may have that was recorded at `at`: they begin with the moment.
fn first_id(at: Timestamp) -> Option<EventId> {
    let millis = u64::try_from(at.millis()).ok()?;
    format!("{:08x}-{:04x}-7000-8000-000000000000", millis >> 16, millis & 0xffff).parse().ok()
}

/// The newest entries of the journal; none where there are too many.
async fn newest(app: &App) -> Result<Option<Vec<JournalEntry>>, StoreError> {
    let Some(from) = first_id(app.store.now().plus_millis(-WINDOW)) else { return Ok(None) };
    let entries = app.store.journal_after(Some(from), ENTRIES).await?;
    Ok((entries.len() < ENTRIES as usize).then_some(entries))
}

fn settled(entries: &[JournalEntry]) -> HashSet<EventId> {
    let settled = entries.iter().filter(|entry| entry.state != JournalState::Pending);
    settled.map(|entry| entry.id).collect()
}

impl State {
    /// Everything, looked at anew.
    async fn whole(app: &App) -> Result<Self, StoreError> {
        let (generation, at) = (*app.store.change_wakes().borrow(), Instant::now());
        let done = newest(app).await?.map(|entries| settled(&entries)).unwrap_or_default();
        let all = RunningFilter::default();
        let running = Arc::new(app.tracker.running(app.store.now(), &all).await?);
        Ok(Self { running, generation, looked_at: at, whole_at: at, done })
    }

    /// Looks at what has changed again; false where it cannot be told what has.
    async fn follow(&mut self, app: &App) -> Result<bool, StoreError> {
        let (generation, at) = (*app.store.change_wakes().borrow(), Instant::now());
        let Some(entries) = newest(app).await? else { return Ok(false) };
        let done = settled(&entries);
        let news: Vec<&JournalEntry> = entries
            .iter()
            .filter(|entry| done.contains(&entry.id) && !self.done.contains(&entry.id))
            .filter(|entry| entry.state == JournalState::Applied)
            .collect();
        if news.is_empty() || !news.iter().all(|entry| Tracker::tracks(&entry.kind)) {
            return Ok(false);
        }
        let places = touched(app, &news).await?;
        if places.len() > PLACES {
            return Ok(false);
        }
        let now = app.store.now();
        let look = async |(environment, service): Place| {
            let filter = RunningFilter {
                environments: vec![environment.clone()],
                service: Some(service.clone()),
            };
            let found = app.tracker.running(now, &filter).await?;
            Ok::<_, StoreError>(((environment, service), found))
        };
        let found: Vec<(Place, Running)> =
            stream::iter(places).map(look).buffer_unordered(TOGETHER).try_collect().await?;
        let held = app.store.tasks_held(now).await?;
        let running = Arc::make_mut(&mut self.running);
        for (place, part) in found {
            replace(running, app, &place, part);
        }
        (running.at, running.held) = (now, held);
        (self.generation, self.looked_at, self.done) = (generation, at, done);
        Ok(true)
    }
}

/// The places that entries are about, as far as their images are known.
async fn touched(app: &App, entries: &[&JournalEntry]) -> Result<BTreeSet<Place>, StoreError> {
    let mut facts = Facts::default();
    for entry in entries {
        // What could not be understood is dead, and was left out.
        let _known = app.tracker.understand(&entry.raw(), &mut facts);
    }
    let facts = facts.sorted();
    let of_tasks = facts.tasks.into_iter().map(|task| (task.environment, task.deployment));
    let of_deployments = facts.deployments.into_iter().map(|it| (it.environment, it.key));
    let keys: BTreeSet<(String, String)> = of_tasks.chain(of_deployments).collect();
    let keys: Vec<_> = keys.into_iter().collect();
    let tasks = app.store.tasks_of(&keys).await?;
    let deployments = app.store.deployments_keyed(&keys).await?;
    let of_tasks = tasks.into_iter().filter_map(|it| Some((it.fact.environment, it.service?)));
    let of_deployments =
        deployments.into_iter().filter_map(|it| Some((it.fact.environment, it.service?)));
    Ok(of_tasks.chain(of_deployments).collect())
}

/// Puts what runs at `place` in the place of what did.
fn replace(running: &mut Running, app: &App, (environment, service): &Place, part: Running) {
    running.cells.retain(|cell| cell.environment != *environment || cell.service != *service);
    let places = &app.tracker.rules().places;
    for cell in part.cells {
        let rank = |name: &str| (places.rank(name), name.to_owned());
        let mine = (cell.service.clone(), rank(&cell.environment));
        let before = |other: &portolan_tracker::Cell| {
            (other.service.as_str(), rank(&other.environment)) < (mine.0.as_str(), mine.1.clone())
        };
        let place = running.cells.partition_point(before);
        running.cells.insert(place, cell);
    }
}

impl Kept {
    /// What runs where now. Whoever asks after a change sees it; whoever asks while it is being
    /// looked at waits for that.
    pub(super) async fn get(self: &Arc<Self>, app: &App) -> Result<Arc<Running>, StoreError> {
        let wanted = *app.store.change_wakes().borrow();
        let mut kept = self.state.lock().await;
        if let Some(state) = &mut *kept {
            if state.generation >= wanted && state.looked_at.elapsed() < QUIET {
                return Ok(Arc::clone(&state.running));
            }
            if state.generation < wanted && state.follow(app).await? {
                if state.whole_at.elapsed() > WHOLE {
                    self.renew(app);
                }
                return Ok(Arc::clone(&state.running));
            }
        }
        let state = State::whole(app).await?;
        let running = Arc::clone(&state.running);
        *kept = Some(state);
        Ok(running)
    }

    /// Looks at everything again, beside those who ask.
    fn renew(self: &Arc<Self>, app: &App) {
        if self.renewing.swap(true, Ordering::AcqRel) {
            return;
        }
        let (kept, app) = (Arc::clone(self), app.clone());
        tokio::spawn(async move {
            match State::whole(&app).await {
                Ok(state) => *kept.state.lock().await = Some(state),
                Err(error) => tracing::warn!(%error, "what runs could not be looked at again"),
            }
            kept.renewing.store(false, Ordering::Release);
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn identities_begin_with_their_moment() {
        let at: Timestamp = "2026-11-20T18:00:00Z".parse().unwrap();
        let [first, next] = [at, at.plus_millis(1)].map(|at| first_id(at).unwrap().to_string());
        assert!(first < next, "{first} {next}");
        assert_eq!(first_id(Timestamp::from_millis(-1)), None);
    }
}
