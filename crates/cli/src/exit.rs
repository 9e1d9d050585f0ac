//! Exit codes: the one place that names them. They are part of the command line's promise, and are
//! printed at the end of `portolan --help`.

use std::process::ExitCode;

/// How a command ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Code {
    /// What was asked for was done.
    Done = 0,
    /// It was done, and the answer is no.
    Negative = 1,
    /// The command line makes no sense.
    Usage = 2,
    /// The configuration or the surroundings do not allow it.
    Configuration = 3,
    /// What was asked for is not there.
    NotFound = 4,
    /// It is there already, or somebody else works on it.
    Conflict = 5,
    /// The other side failed: a registry, a server, AWS.
    OtherSide = 6,
    /// Bytes are not what they were said to be.
    Verification = 7,
    /// It took too long.
    TimedOut = 8,
    /// Portolan itself is wrong.
    Bug = 70,
    /// It was interrupted from the keyboard, as shells tell it.
    Interrupted = 130,
}

/// The table, for the long help and the manual page.
pub(crate) const TABLE: &str = "\
Exit codes:
  0   done
  1   done, and the answer is no
  2   the command line makes no sense
  3   the configuration or the surroundings do not allow it
  4   not found
  5   conflict: it is there already, or somebody else works on it
  6   the other side failed (a registry, a server, AWS)
  7   verification failed: bytes are not what they were said to be
  8   timed out
  70  a bug in Portolan
  130 interrupted";

impl From<Code> for ExitCode {
    fn from(code: Code) -> Self {
        Self::from(code as u8)
    }
}
