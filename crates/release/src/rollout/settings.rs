//! How rollouts are done, whatever the plan.

use std::time::Duration;

/// How rollouts are done, whatever the plan.
#[derive(Debug, Clone)]
pub struct Settings {
    /// For how long whoever applies a plan is believed to live without a sign.
    pub lease: Duration,
    /// Time between two looks at deployments under way.
    pub poll: Duration,
    /// Time before something that failed is tried again, doubled each time.
    pub again: Duration,
    /// How often something is tried that may go through a little later.
    pub attempts: u32,
    /// Things of one kind that are done at once.
    pub at_once: usize,
    /// For how long a deployment that is complete waits until events say so too.
    pub grace: Duration,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            lease: Duration::from_mins(1),
            poll: Duration::from_secs(5),
            again: Duration::from_secs(1),
            attempts: 5,
            at_once: 8,
            grace: Duration::from_mins(1),
        }
    }
}
