//! Which services a reader wants to see.

use portolan_model::Version;
use portolan_tracker::Cell;
use serde::Deserialize;

use super::cell::{self, Health};
use super::row;
use crate::ui::ask::given;
use crate::ui::error::PageError;
use crate::ui::link::Link;
use crate::ui::now::Teams;
use crate::ui::show::{Visible, count};

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(in crate::ui) struct WallQuery {
    #[serde(rename = "q")]
    contains: String,
    team: String,
    state: String,
    pub(super) at: String,
    #[serde(deserialize_with = "given")]
    pub(super) back: Option<i64>,
    #[serde(deserialize_with = "given")]
    pub(super) page: Option<u64>,
}

/// The state of a service that a filter names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    /// It is so in some environment.
    Is(Health),
    /// It is behind an earlier environment somewhere.
    Behind,
}

/// Which services are wanted.
#[derive(Debug, Clone)]
pub(super) struct Filter {
    contains: String,
    team: String,
    state: Option<State>,
    at: String,
}

impl State {
    fn all() -> impl Iterator<Item = Self> {
        Health::ALL.into_iter().map(Self::Is).chain([Self::Behind])
    }

    fn word(self) -> &'static str {
        match self {
            Self::Is(health) => health.word(),
            Self::Behind => "behind",
        }
    }
}

impl WallQuery {
    /// The filter that it names.
    pub(super) fn filter(&self) -> Result<Filter, PageError> {
        let state = match self.state.as_str() {
            "" => None,
            word => {
                let state = State::all().find(|state| state.word() == word);
                let all: Vec<_> = State::all().map(State::word).collect();
                let said: String = word.chars().take(40).collect();
                let problem = || format!("`{said}` is no state: one of {}", all.join(", "));
                Some(state.ok_or_else(|| PageError::bad(problem()))?)
            }
        };
        Ok(Filter {
            contains: self.contains.trim().to_owned(),
            team: self.team.clone(),
            state,
            at: self.at.clone(),
        })
    }
}

impl Filter {
    /// The address of the wall with this filter, at no moment.
    pub(super) fn link(&self) -> Link {
        let kept = self.kept().into_iter();
        kept.fold(Link::to("/ui/"), |link, (name, value)| link.with(name, value))
    }

    /// Its parameters.
    pub(super) fn kept(&self) -> Vec<(&'static str, String)> {
        let state = self.state.map_or("", State::word).to_owned();
        vec![("q", self.contains.clone()), ("team", self.team.clone()), ("state", state)]
    }

    /// The text that is looked for.
    pub(super) fn contains(&self) -> Visible {
        Visible::new(&self.contains)
    }

    /// The moment, as it was asked for.
    pub(super) fn at(&self) -> &str {
        &self.at
    }

    /// Whether only services of this team are wanted.
    pub(super) fn is_team(&self, slug: &str) -> bool {
        self.team == slug
    }

    /// Whether anything is left out.
    pub(super) fn narrows(&self) -> bool {
        !self.contains.is_empty() || !self.team.is_empty() || self.state.is_some()
    }

    /// The states that can be asked for, and whether each is.
    pub(super) fn states(&self) -> Vec<(&'static str, bool)> {
        State::all().map(|state| (state.word(), self.state == Some(state))).collect()
    }

    /// Whether the service with these cells is wanted.
    pub(super) fn fits(&self, cells: &[Cell], environments: &[String], teams: &Teams) -> bool {
        let Some(first) = cells.first() else { return false };
        let text = self.contains.to_lowercase();
        let has_text = || {
            first.service.to_lowercase().contains(&text)
                || cells.iter().any(|it| cell::version(it).to_lowercase().contains(&text))
        };
        let is_so = |state| match state {
            State::Is(health) => cells.iter().any(|cell| Health::of(cell) == health),
            State::Behind => is_behind(cells, environments),
        };
        (text.is_empty() || has_text())
            && (self.team.is_empty() || teams.of(&first.service).contains(&self.team))
            && self.state.is_none_or(is_so)
    }
}

/// Whether an environment has another version than the one before it, unless a higher one.
fn is_behind(cells: &[Cell], environments: &[String]) -> bool {
    let placed = row::place(cells, environments);
    let version = |text: &str| text.parse::<Version>().ok();
    placed.iter().enumerate().any(|(index, cell)| {
        let (Some(cell), Some(earlier)) = (cell, row::before(&placed, index)) else { return false };
        let (mine, theirs) = (cell::version(cell), cell::version(earlier));
        let ahead = version(mine).zip(version(theirs)).is_some_and(|(mine, theirs)| mine > theirs);
        mine != theirs && !ahead && Health::of(cell) != Health::Undeployed
    })
}

/// How many cells are not as they should be: `1 failing, 1 rolling out`.
pub(in crate::ui) fn summary<'a>(cells: impl IntoIterator<Item = &'a Cell>) -> String {
    let all: Vec<Health> = cells.into_iter().map(Health::of).collect();
    let said = Health::ALL.into_iter().take_while(|health| *health != Health::Healthy);
    let said: Vec<String> = said
        .filter_map(|health| {
            let many = all.iter().filter(|each| **each == health).count();
            (many > 0).then(|| format!("{} {}", count(many as u64), health.word()))
        })
        .collect();
    let recorded = all.iter().filter(|each| **each == Health::Recorded).count();
    match (said.is_empty(), recorded) {
        (true, 0) => "all is well".to_owned(),
        (true, many) => format!("{} {}", count(many as u64), Health::Recorded.word()),
        (false, _) => said.join(", "),
    }
}
