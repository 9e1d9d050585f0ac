//! The figures of a list of changes: pure functions.

use std::collections::{BTreeMap, HashSet};

use portolan_model::{Digest, Timestamp};

const DAY: i64 = 24 * 60 * 60 * 1000;

/// One deployment, as far as the figures need it.
#[derive(Debug, Clone)]
pub struct Change {
    /// The service.
    pub service: String,
    /// The image.
    pub image: Option<Digest>,
    /// When the deployment was made.
    pub at: Timestamp,
    /// When the image was made, where that is known.
    pub made_at: Option<Timestamp>,
    /// What became of it.
    pub outcome: Outcome,
}

/// What became of a change.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// It ran, since that moment.
    Ran(Timestamp),
    /// It failed or was rolled back, at that moment.
    Failed(Timestamp),
    /// That is not known yet.
    Open,
}

/// From one moment, included, to another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Period {
    /// The beginning.
    pub from: Timestamp,
    /// The end.
    pub to: Timestamp,
}

/// One figure.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Figure {
    /// The figure; none where there is nothing to compute it from.
    pub value: Option<f64>,
    /// From how many deployments it is computed.
    pub sample: u64,
    /// The same of each day of the period, oldest first.
    pub days: Vec<Option<f64>>,
}

/// The four figures. Times are in milliseconds.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Figures {
    /// Deployments that ran, a day.
    pub frequency: Figure,
    /// The median from the making of an image to its first running task.
    pub lead_time: Figure,
    /// The part of deployments that failed or were rolled back, from 0 to 1.
    pub failure_rate: Figure,
    /// How many of them that were.
    pub failures: u64,
    /// The median from a failure to the next deployment of the service that ran.
    pub time_to_restore: Figure,
    /// Failures that no deployment that ran has followed yet.
    pub unrestored: u64,
}

impl Period {
    /// The last `days` days before `to`.
    pub fn before(to: Timestamp, days: u32) -> Self {
        Self { from: to.plus_millis(-i64::from(days) * DAY), to }
    }

    fn has(&self, at: Timestamp) -> bool {
        self.from <= at && at <= self.to
    }

    fn days(&self) -> usize {
        let whole = self.to.millis_since(self.from).saturating_add(DAY - 1) / DAY;
        usize::try_from(whole).unwrap_or(0).min(366)
    }

    /// Which of its days `at` is in.
    fn day(&self, at: Timestamp) -> usize {
        let day = usize::try_from(at.millis_since(self.from) / DAY).unwrap_or(0);
        day.min(self.days().saturating_sub(1))
    }
}

/// The figures of `changes` in `period`.
pub fn figures(changes: &[Change], period: Period) -> Figures {
    let mut changes: Vec<&Change> = changes.iter().collect();
    changes.sort_by_key(|change| change.at);
    let (restored, unrestored) = restored(&changes, period);
    let (failure_rate, failures) = failure_rate(&changes, period);
    Figures {
        frequency: frequency(&changes, period),
        lead_time: medians(&lead_times(&changes, period), period),
        failure_rate,
        failures,
        time_to_restore: medians(&restored, period),
        unrestored,
    }
}

fn frequency(changes: &[&Change], period: Period) -> Figure {
    let ran = changes.iter().filter_map(|change| match change.outcome {
        Outcome::Ran(at) if period.has(at) => Some(at),
        _ => None,
    });
    let mut days = vec![Some(0.0); period.days()];
    let mut sample = 0_u64;
    for at in ran {
        sample += 1;
        if let Some(Some(day)) = days.get_mut(period.day(at)) {
            *day += 1.0;
        }
    }
    let value = (sample > 0 && !days.is_empty()).then(|| float(sample) / float(days.len() as u64));
    Figure { value, sample, days }
}

/// Each image of each service counts when it first ran.
fn lead_times(changes: &[&Change], period: Period) -> Vec<(Timestamp, i64)> {
    let mut seen = HashSet::new();
    let mut times = Vec::new();
    for change in changes {
        let (Outcome::Ran(ran), Some(image)) = (change.outcome, change.image) else { continue };
        if !seen.insert((change.service.as_str(), image)) || !period.has(ran) {
            continue;
        }
        if let Some(made) = change.made_at.filter(|made| *made <= ran) {
            times.push((ran, ran.millis_since(made)));
        }
    }
    times
}

fn failure_rate(changes: &[&Change], period: Period) -> (Figure, u64) {
    let mut days = vec![(0_u64, 0_u64); period.days()];
    for change in changes.iter().filter(|change| period.has(change.at)) {
        let Some(day) = days.get_mut(period.day(change.at)) else { continue };
        match change.outcome {
            Outcome::Ran(_) => day.1 += 1,
            Outcome::Failed(_) => *day = (day.0 + 1, day.1 + 1),
            Outcome::Open => {}
        }
    }
    let rate = |(failed, all): (u64, u64)| (all > 0).then(|| float(failed) / float(all));
    let whole = days.iter().fold((0, 0), |sum, day| (sum.0 + day.0, sum.1 + day.1));
    let days = days.iter().map(|day| rate(*day)).collect();
    (Figure { value: rate(whole), sample: whole.1, days }, whole.0)
}

/// From the first failure in a row to the next deployment of the service that ran; and how many
/// failures are still open.
fn restored(changes: &[&Change], period: Period) -> (Vec<(Timestamp, i64)>, u64) {
    let mut broken: BTreeMap<&str, Timestamp> = BTreeMap::new();
    let mut times = Vec::new();
    for change in changes {
        match change.outcome {
            Outcome::Failed(at) => {
                broken.entry(&change.service).or_insert(at);
            }
            Outcome::Ran(at) => {
                if let Some(since) = broken.remove(change.service.as_str())
                    && period.has(since)
                {
                    times.push((since, at.millis_since(since).max(0)));
                }
            }
            Outcome::Open => {}
        }
    }
    let open = broken.values().filter(|since| period.has(**since)).count();
    (times, open as u64)
}

fn medians(times: &[(Timestamp, i64)], period: Period) -> Figure {
    let mut days = vec![Vec::new(); period.days()];
    for (at, millis) in times {
        if let Some(day) = days.get_mut(period.day(*at)) {
            day.push(*millis);
        }
    }
    Figure {
        value: median(times.iter().map(|(_, millis)| *millis).collect()),
        sample: times.len() as u64,
        days: days.into_iter().map(median).collect(),
    }
}

fn median(mut millis: Vec<i64>) -> Option<f64> {
    millis.sort_unstable();
    let middle = millis.len() / 2;
    let upper = float(u64::try_from(*millis.get(middle)?).ok()?);
    if millis.len() % 2 == 1 {
        return Some(upper);
    }
    let lower = float(u64::try_from(*millis.get(middle.checked_sub(1)?)?).ok()?);
    Some(f64::midpoint(lower, upper))
}

#[expect(clippy::cast_precision_loss, reason = "a figure for people; it is exact up to 2^53")]
fn float(number: u64) -> f64 {
    number as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOUR: i64 = 60 * 60 * 1000;

    fn at(hours: i64) -> Timestamp {
        Timestamp::from_millis(100 * DAY + hours * HOUR)
    }

    fn ten_days() -> Period {
        Period::before(at(240), 10)
    }

    fn change(service: &str, image: &str, made: i64, outcome: Outcome) -> Change {
        let at = match outcome {
            Outcome::Ran(at) | Outcome::Failed(at) => at.plus_millis(-60_000),
            Outcome::Open => at(1),
        };
        let (image, made_at) = (Some(Digest::of(image.as_bytes())), Some(self::at(made)));
        Change { service: service.to_owned(), image, at, made_at, outcome }
    }

    fn close(figure: Option<f64>, expected: f64) -> bool {
        figure.is_some_and(|figure| (figure - expected).abs() < 1e-9)
    }

    #[test]
    fn of_nothing_there_is_no_figure() {
        let none = figures(&[], ten_days());
        for figure in [none.frequency, none.lead_time, none.failure_rate, none.time_to_restore] {
            assert_eq!((figure.value, figure.sample, figure.days.len()), (None, 0, 10));
        }
    }

    #[test]
    fn deployments_that_ran_are_counted_by_day() {
        let changes = [
            change("a", "1", 0, Outcome::Ran(at(1))),
            change("a", "2", 0, Outcome::Ran(at(2))),
            change("b", "1", 0, Outcome::Ran(at(30))),
            change("b", "2", 0, Outcome::Failed(at(31))),
            change("b", "3", 0, Outcome::Open),
            change("b", "4", 0, Outcome::Ran(at(-5))),
        ];
        let frequency = figures(&changes, ten_days()).frequency;
        assert_eq!(frequency.sample, 3);
        assert!(close(frequency.value, 0.3));
        assert_eq!(frequency.days[..3], [Some(2.0), Some(1.0), Some(0.0)]);
    }

    #[test]
    fn an_image_counts_when_it_first_ran() {
        let changes = [
            change("a", "1", -50, Outcome::Ran(at(-40))),
            change("a", "2", 4, Outcome::Ran(at(10))),
            change("a", "1", -50, Outcome::Ran(at(12))),
            change("a", "3", 18, Outcome::Ran(at(20))),
            change("b", "2", 4, Outcome::Ran(at(14))),
            change("b", "5", 50, Outcome::Ran(at(20))),
        ];
        let lead = figures(&changes, ten_days()).lead_time;
        assert_eq!(lead.sample, 3, "{lead:?}");
        assert!(close(lead.value, 6.0 * 3_600_000.0), "{lead:?}");
        let even = figures(&changes[..4], ten_days()).lead_time;
        assert!(close(even.value, 4.0 * 3_600_000.0), "{even:?}");
    }

    #[test]
    fn failures_are_a_part_of_what_has_an_outcome() {
        let changes = [
            change("a", "1", 0, Outcome::Ran(at(1))),
            change("a", "2", 0, Outcome::Failed(at(2))),
            change("a", "3", 0, Outcome::Ran(at(3))),
            change("a", "4", 0, Outcome::Open),
            change("b", "4", 0, Outcome::Ran(at(50))),
        ];
        let all = figures(&changes, ten_days());
        assert_eq!((all.failure_rate.sample, all.failures), (4, 1));
        assert!(close(all.failure_rate.value, 0.25));
        assert!(close(all.failure_rate.days[0], 1.0 / 3.0));
        assert_eq!(all.failure_rate.days[1], None);
    }

    #[test]
    fn a_failure_lasts_until_the_service_runs_again() {
        let changes = [
            change("a", "1", 0, Outcome::Failed(at(2))),
            change("b", "1", 0, Outcome::Ran(at(3))),
            change("a", "2", 0, Outcome::Failed(at(4))),
            change("a", "3", 0, Outcome::Ran(at(8))),
            change("a", "4", 0, Outcome::Ran(at(9))),
            change("c", "1", 0, Outcome::Failed(at(100))),
        ];
        let all = figures(&changes, ten_days());
        assert_eq!((all.time_to_restore.sample, all.unrestored), (1, 1));
        assert!(close(all.time_to_restore.value, 6.0 * 3_600_000.0));
    }
}
