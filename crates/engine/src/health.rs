//! From single checks to a verdict.

use std::time::Instant;

use crate::spec::Health;

/// How many commands that did not end in time may stay behind in one container.
const ABANDONED: u32 = 3;

/// Whether a container is well.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HealthStatus {
    /// Not known yet.
    Starting,
    /// The last checks succeeded.
    Healthy,
    /// As many checks in a row failed as may.
    Unhealthy,
}

/// What the checks of a container said so far.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HealthReport {
    /// The verdict.
    pub status: HealthStatus,
    /// How many checks in a row failed lately, those of the start period included.
    pub failures: u32,
    /// What the last failed check said; empty after a success.
    pub message: String,
}

/// Why a check failed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Failure {
    /// The answer was no.
    Negative(String),
    /// A command did not end in time.
    Hung(String),
}

/// The checks of one container.
#[derive(Debug)]
pub(crate) struct Tracker {
    since: Instant,
    next: Instant,
    report: HealthReport,
    /// Failures in a row that count.
    counted: u32,
    hung: u32,
    /// When it was last asked for.
    pub(crate) seen: Instant,
}

impl Tracker {
    /// No check yet, the start being now.
    pub(crate) fn new(now: Instant) -> Self {
        let report =
            HealthReport { status: HealthStatus::Starting, failures: 0, message: String::new() };
        Self { since: now, next: now, report, counted: 0, hung: 0, seen: now }
    }

    pub(crate) fn report(&self) -> HealthReport {
        self.report.clone()
    }

    /// Whether a check is due now; it is then no more, for one interval.
    pub(crate) fn take_turn(&mut self, health: &Health, now: Instant) -> bool {
        let due = now >= self.next && self.hung < ABANDONED;
        if due {
            self.next = now + health.interval;
        }
        due
    }

    /// Takes in what a check said that ended `now`.
    pub(crate) fn take(&mut self, health: &Health, outcome: Result<(), Failure>, now: Instant) {
        let Err(failure) = outcome else {
            self.report =
                HealthReport { status: HealthStatus::Healthy, failures: 0, message: String::new() };
            (self.counted, self.hung) = (0, 0);
            return;
        };
        self.report.message = match failure {
            Failure::Negative(message) => message,
            Failure::Hung(message) => {
                self.hung += 1;
                message
            }
        };
        self.report.failures = self.report.failures.saturating_add(1);
        let starting = self.report.status == HealthStatus::Starting
            && now.duration_since(self.since) < health.start_period;
        if !starting {
            self.counted = self.counted.saturating_add(1);
        }
        if self.counted >= health.retries || self.hung >= ABANDONED {
            self.report.status = HealthStatus::Unhealthy;
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::spec::Check;

    fn health() -> Health {
        Health { start_period: Duration::from_secs(5), ..Health::new(Check::Http("/".into())) }
    }

    fn no() -> Result<(), Failure> {
        Err(Failure::Negative("no".into()))
    }

    #[test]
    fn failures_of_the_start_do_not_count() {
        let (health, start) = (health(), Instant::now());
        let mut tracker = Tracker::new(start);
        let at = |seconds| start + Duration::from_secs(seconds);
        for second in 0..5 {
            tracker.take(&health, no(), at(second));
            assert_eq!(tracker.report().status, HealthStatus::Starting);
        }
        assert_eq!((tracker.report().failures, &*tracker.report().message), (5, "no"));
        tracker.take(&health, no(), at(5));
        tracker.take(&health, no(), at(6));
        assert_eq!(tracker.report().status, HealthStatus::Starting);
        tracker.take(&health, no(), at(7));
        assert_eq!(tracker.report().status, HealthStatus::Unhealthy);
        tracker.take(&health, Ok(()), at(8));
        assert_eq!(tracker.report().status, HealthStatus::Healthy);
    }

    #[test]
    fn the_first_success_ends_the_start() {
        let (health, start) = (health(), Instant::now());
        let mut tracker = Tracker::new(start);
        tracker.take(&health, Ok(()), start);
        for _ in 0..2 {
            tracker.take(&health, no(), start);
            assert_eq!(tracker.report().status, HealthStatus::Healthy);
        }
        tracker.take(&health, no(), start);
        assert_eq!(tracker.report().status, HealthStatus::Unhealthy);
    }

    #[test]
    fn a_check_comes_once_in_an_interval() {
        let (health, start) = (health(), Instant::now());
        let mut tracker = Tracker::new(start);
        assert!(tracker.take_turn(&health, start));
        assert!(!tracker.take_turn(&health, start + Duration::from_millis(999)));
        assert!(tracker.take_turn(&health, start + Duration::from_secs(1)));
    }

    #[test]
    fn commands_that_hang_are_not_piled_up() {
        let (health, start) = (Health { retries: 100, ..health() }, Instant::now());
        let mut tracker = Tracker::new(start);
        for turn in 0..ABANDONED {
            let now = start + health.interval * turn;
            assert!(tracker.take_turn(&health, now));
            tracker.take(&health, Err(Failure::Hung("slow".into())), now);
        }
        assert_eq!(tracker.report().status, HealthStatus::Unhealthy);
        assert!(!tracker.take_turn(&health, start + Duration::from_hours(1)));
    }
}
