//! `PORTOLAN_FAILPOINT=NAME[:N]`: this process kills itself at the N-th passing of a failpoint, as a
//! power cut would. In debug builds alone.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};

use portolan_model::failpoint;

use crate::env::{Environment, FAILPOINT};
use crate::error::{Failure, Outcome};
use crate::exit::Code;

struct Armed {
    name: &'static str,
    left: AtomicU64,
}

static ARMED: OnceLock<Armed> = OnceLock::new();

/// Arms the failpoint that the environment names, where it names one.
pub(crate) fn install(environment: &Environment) -> Outcome {
    let Some(text) = environment.get(FAILPOINT) else { return Ok(()) };
    let (name, passing) = parse(text).ok_or_else(|| {
        let all = failpoint::ALL.join(", ");
        Failure::new(Code::Usage, format!("`{text}` is not NAME[:N]"))
            .hint(format!("the names are {all}"))
    })?;
    if ARMED.set(Armed { name, left: AtomicU64::new(passing) }).is_ok() {
        failpoint::install(pass);
    }
    Ok(())
}

fn parse(text: &str) -> Option<(&'static str, u64)> {
    let (name, passing) = text.split_once(':').unwrap_or((text, "1"));
    let name = failpoint::ALL.iter().find(|known| **known == name)?;
    let passing = passing.parse().ok().filter(|passing| *passing > 0)?;
    Some((name, passing))
}

fn pass(name: &str) {
    let Some(armed) = ARMED.get().filter(|armed| armed.name == name) else { return };
    if armed.left.fetch_sub(1, Ordering::SeqCst) == 1 {
        // Killed, not stopped: nothing is flushed and no destructor runs.
        let _ =
            rustix::process::kill_process(rustix::process::getpid(), rustix::process::Signal::KILL);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_numbers_are_checked() {
        assert_eq!(parse("blob.before-rename"), Some(("blob.before-rename", 1)));
        assert_eq!(parse("scan.after-batch:3"), Some(("scan.after-batch", 3)));
        for text in ["", "nowhere", "scan.after-batch:0", "scan.after-batch:x"] {
            assert_eq!(parse(text), None, "{text}");
        }
    }
}
