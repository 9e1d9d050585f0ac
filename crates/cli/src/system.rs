//! The system's clock and its sources of identities and secrets, which every floor below is handed.

use portolan_model::{Clock, Entropy, Ids, Timestamp};
use uuid::Uuid;

/// The wall clock.
#[derive(Debug, Clone, Copy)]
pub(crate) struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> Timestamp {
        #[expect(clippy::disallowed_methods, reason = "this is the Clock that is handed in")]
        let now = std::time::SystemTime::now();
        let millis = match now.duration_since(std::time::UNIX_EPOCH) {
            Ok(after) => i64::try_from(after.as_millis()).unwrap_or(i64::MAX),
            Err(before) => {
                i64::try_from(before.duration().as_millis()).map_or(i64::MIN, i64::wrapping_neg)
            }
        };
        Timestamp::from_millis(millis)
    }
}

/// The present moment.
pub(crate) fn now() -> Timestamp {
    SystemClock.now()
}

/// `UUIDv7`s, which grow within one process even inside one millisecond.
#[derive(Debug, Clone, Copy)]
pub(crate) struct SystemIds;

impl Ids for SystemIds {
    #[expect(clippy::disallowed_methods, reason = "these are the Ids that are handed in")]
    fn next(&self) -> Uuid {
        Uuid::now_v7()
    }
}

/// The system's random numbers.
#[derive(Debug, Clone, Copy)]
pub(crate) struct SystemEntropy;

impl Entropy for SystemEntropy {
    fn secret(&self) -> Result<[u8; 32], String> {
        let mut bytes = [0; 32];
        getrandom::fill(&mut bytes).map_err(|error| error.to_string())?;
        Ok(bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_are_never_the_same() {
        assert_ne!(SystemEntropy.secret().unwrap(), SystemEntropy.secret().unwrap());
    }

    #[test]
    fn identities_grow() {
        let ids: Vec<_> = (0..1000).map(|_| SystemIds.next()).collect();
        assert!(ids.windows(2).all(|pair| pair[0] < pair[1]));
    }

    #[test]
    fn the_clock_is_in_this_century() {
        let now = SystemClock.now().to_string();
        assert!(now.starts_with("20"), "{now}");
    }
}
