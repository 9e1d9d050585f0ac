//! Looking at what runs on this machine, every few seconds: what changed by itself is told, and what
//! ended is brought back.
//!
//! It is done in each process: each has its own machine.

use std::time::Duration;

use tokio_util::sync::CancellationToken;

use crate::App;

/// How often it is looked.
const LOOK: Duration = Duration::from_secs(3);
/// The same while fewer tasks run than shall.
const SOON: Duration = Duration::from_secs(1);
/// The wait after something failed.
const PAUSE: Duration = Duration::from_secs(15);

/// Looks until `stop`. It does nothing where nothing is configured to run here.
pub(super) async fn run(app: App, stop: CancellationToken) {
    if !app.machine.is_used() {
        return;
    }
    let mut failed = false;
    loop {
        let pause = match app.machine.look().await {
            Ok(looked) => {
                failed = false;
                if looked.short > 0 { SOON } else { LOOK }
            }
            Err(error) => {
                // Once is enough while it stays so.
                if !failed {
                    let cause = std::error::Error::source(&error).map(ToString::to_string);
                    tracing::warn!(%error, cause, "what runs on this machine is not known");
                }
                failed = true;
                PAUSE
            }
        };
        tokio::select! {
            () = stop.cancelled() => return,
            () = tokio::time::sleep(pause) => {}
        }
    }
}
