//! One run of the engine's program: with a deadline, a limit of what it may say, and no shell.

use std::ffi::OsString;
use std::io;
use std::path::PathBuf;
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process_group};
use tokio::io::{AsyncRead, AsyncReadExt};
use tokio::net::unix::pipe;
use tokio::process::Command;

use crate::error::EngineError;

/// Bytes of an error's text that are kept: its end, where the reason stands.
const MESSAGE: usize = 4 << 10;
/// How long a program's output is waited for after its end. Something that it started may have
/// inherited it.
const LINGER: Duration = Duration::from_secs(1);

/// The program, and what every run of it has in common.
#[derive(Debug, Clone)]
pub(crate) struct Program {
    /// A name, or a path.
    pub(crate) path: PathBuf,
    /// Variables besides those of this process.
    pub(crate) environment: Vec<(OsString, OsString)>,
}

/// One run. Holds secrets, so it cannot be printed.
pub(crate) struct Call {
    /// What is being done, as in "stop the container a".
    pub(crate) doing: String,
    /// The arguments.
    pub(crate) arguments: Vec<String>,
    /// Variables of this run alone.
    pub(crate) variables: Vec<(String, String)>,
    /// How long it may take.
    pub(crate) patience: Duration,
    /// How much it may say.
    pub(crate) keep: Keep,
}

/// How much of what the program says is kept.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Keep {
    /// All of its standard output; more than this is an error.
    All(usize),
    /// The last bytes of standard output and standard error, in the order in which they came.
    LastOfBoth(usize),
}

impl Call {
    /// A run that says a few lines at most.
    pub(crate) fn new(
        doing: impl Into<String>,
        patience: Duration,
        arguments: impl IntoIterator<Item = impl Into<String>>,
    ) -> Self {
        Self {
            doing: doing.into(),
            arguments: arguments.into_iter().map(Into::into).collect(),
            variables: Vec::new(),
            patience,
            keep: Keep::All(64 << 10),
        }
    }

    pub(crate) fn keep(self, keep: Keep) -> Self {
        Self { keep, ..self }
    }
}

/// Kills the whole process group of a program that was not waited for: podman without root is two
/// processes.
struct Group(Option<Pid>);

impl Drop for Group {
    fn drop(&mut self) {
        if let Some(leader) = self.0 {
            // It is gone already in the best case.
            let _ = kill_process_group(leader, Signal::KILL);
        }
    }
}

impl Program {
    /// The program as people know it.
    pub(crate) fn shown(&self) -> String {
        self.path.display().to_string()
    }

    /// Runs the program to its end and answers what it said.
    pub(crate) async fn run(&self, call: Call) -> Result<Vec<u8>, EngineError> {
        let (status, output, message) = self.finish(&call).await?;
        if status.success() {
            return Ok(output);
        }
        let said = if message.is_empty() { &output } else { &message };
        Err(EngineError::Failed {
            doing: call.doing,
            program: self.shown(),
            status: shown(status),
            message: last_lines(said),
        })
    }

    /// Runs the program to its end and answers how it ended, its output, and its error's text.
    pub(crate) async fn finish(
        &self,
        call: &Call,
    ) -> Result<(ExitStatus, Vec<u8>, Vec<u8>), EngineError> {
        tokio::time::timeout(call.patience, self.attempt(call)).await.map_err(|_| {
            EngineError::TimedOut {
                doing: call.doing.clone(),
                program: self.shown(),
                after: call.patience,
            }
        })?
    }

    async fn attempt(&self, call: &Call) -> Result<(ExitStatus, Vec<u8>, Vec<u8>), EngineError> {
        let io =
            |source| EngineError::Io { doing: call.doing.clone(), program: self.shown(), source };
        let mut command = Command::new(&self.path);
        command.args(&call.arguments);
        command.envs(self.environment.iter().map(|(key, value)| (key, value)));
        command.envs(call.variables.iter().map(|(key, value)| (key, value)));
        // A group of its own: a Ctrl-C that is meant for us must not cut a container's start in two.
        command.stdin(Stdio::null()).kill_on_drop(true).process_group(0);
        let (out, err) = pipes(call.keep, &mut command).map_err(io)?;
        let mut child = command.spawn().map_err(io)?;
        // What the parent holds of the pipes' other ends would keep them open.
        drop(command);
        let leader = child.id().and_then(|id| i32::try_from(id).ok()).and_then(Pid::from_raw);
        let mut group = Group(leader);
        let mut output = Captured::new(call.keep);
        let mut message = Captured::new(Keep::LastOfBoth(MESSAGE));
        let status = {
            let reading = async {
                tokio::join!(output.read(out), async {
                    match err {
                        Some(err) => message.read(err).await,
                        None => Ok(()),
                    }
                })
            };
            tokio::pin!(reading);
            let mut read = None;
            let status = loop {
                tokio::select! {
                    ended = child.wait() => break ended.map_err(io)?,
                    done = &mut reading, if read.is_none() => read = Some(done),
                }
            };
            group.0 = None;
            let (out, err) = match read {
                Some(read) => read,
                None => tokio::time::timeout(LINGER, reading).await.unwrap_or((Ok(()), Ok(()))),
            };
            out.and(err).map_err(io)?;
            status
        };
        output.end();
        message.end();
        if let (true, Keep::All(limit)) = (output.overflown, call.keep) {
            let (doing, program) = (call.doing.clone(), self.shown());
            return Err(EngineError::TooMuch { doing, program, limit });
        }
        Ok((status, output.bytes, message.bytes))
    }
}

/// Gives `command` its outputs, and answers where they are read.
fn pipes(
    keep: Keep,
    command: &mut Command,
) -> io::Result<(pipe::Receiver, Option<pipe::Receiver>)> {
    let (out, write) = io::pipe()?;
    let out = pipe::Receiver::from_owned_fd(out.into())?;
    if let Keep::LastOfBoth(_) = keep {
        command.stderr(write.try_clone()?).stdout(write);
        return Ok((out, None));
    }
    command.stdout(write);
    let (err, write) = io::pipe()?;
    command.stderr(write);
    Ok((out, Some(pipe::Receiver::from_owned_fd(err.into())?)))
}

/// What was read, within its limit.
struct Captured {
    keep: Keep,
    bytes: Vec<u8>,
    overflown: bool,
}

impl Captured {
    fn new(keep: Keep) -> Self {
        Self { keep, bytes: Vec::new(), overflown: false }
    }

    /// Reads to the end of `from`, or to the limit.
    async fn read(&mut self, mut from: impl AsyncRead + Unpin) -> io::Result<()> {
        let mut buffer = vec![0; 16 << 10];
        loop {
            let count = from.read(&mut buffer).await?;
            if count == 0 {
                return Ok(());
            }
            self.bytes.extend_from_slice(&buffer[..count]);
            match self.keep {
                Keep::All(limit) if self.bytes.len() > limit => {
                    self.overflown = true;
                    // The caller tells it as what it is.
                    return Ok(());
                }
                // Twice the limit before the old half goes, so that bytes move once on average.
                Keep::LastOfBoth(limit) if self.bytes.len() > limit * 2 => self.trim(limit),
                Keep::All(_) | Keep::LastOfBoth(_) => {}
            }
        }
    }

    fn trim(&mut self, limit: usize) {
        self.bytes.drain(..self.bytes.len().saturating_sub(limit));
    }

    fn end(&mut self) {
        if let Keep::LastOfBoth(limit) = self.keep {
            self.trim(limit);
        }
    }
}

fn shown(status: ExitStatus) -> String {
    use std::os::unix::process::ExitStatusExt;
    match (status.code(), status.signal()) {
        (Some(code), _) => format!("code {code}"),
        (None, Some(signal)) => format!("signal {signal}"),
        (None, None) => status.to_string(),
    }
}

/// The last few lines of what a program said, as text on one line.
pub(crate) fn last_lines(said: &[u8]) -> String {
    let start = said.len().saturating_sub(MESSAGE);
    let text = String::from_utf8_lossy(&said[start..]);
    let lines: Vec<_> = text.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
    let last = lines[lines.len().saturating_sub(3)..].join("; ");
    last.chars().filter(|character| !character.is_control()).collect()
}
