//! A child process that cannot outlive its owner.

use std::ffi::OsStr;
use std::fs::File;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use rustix::process::{Pid, Signal, kill_process_group};

/// A running child with its process group and its log. Dropping it kills the whole group; so does
/// the death of this process, however it dies.
#[derive(Debug)]
pub struct Process {
    name: String,
    child: Child,
    log: PathBuf,
    status: Option<ExitStatus>,
}

impl Process {
    /// Starts `command` as `name`, its standard output and error appended to the file `log`.
    pub fn spawn(name: &str, command: &Command, log: &Path) -> anyhow::Result<Self> {
        Self::spawn_with_signal(name, command, log, "KILL")
    }

    /// As [`Process::spawn`], with the name of the signal that the child gets when this process
    /// dies: for a child that has something to clean up.
    pub fn spawn_with_signal(
        name: &str,
        command: &Command,
        log: &Path,
        death_signal: &str,
    ) -> anyhow::Result<Self> {
        let output = File::options()
            .create(true)
            .append(true)
            .open(log)
            .with_context(|| format!("opening the log of {name}, {}", log.display()))?;
        let mut bound = Command::new("setpriv");
        bound.args(["--pdeathsig", death_signal, "--"]);
        bound.arg(command.get_program()).args(command.get_args());
        for (key, value) in command.get_envs() {
            match value {
                Some(value) => bound.env(key, value),
                None => bound.env_remove(key),
            };
        }
        if let Some(dir) = command.get_current_dir() {
            bound.current_dir(dir);
        }
        bound.process_group(0);
        bound.stdin(Stdio::null()).stdout(output.try_clone()?).stderr(output);
        let child = crate::spawner::spawn(bound).with_context(|| format!("starting {name}"))?;
        Ok(Self { name: name.to_owned(), child, log: log.to_owned(), status: None })
    }

    /// The process id, which is also that of the process group.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// Everything that the child has written so far.
    pub fn log(&self) -> String {
        let bytes = std::fs::read(&self.log).unwrap_or_default();
        String::from_utf8_lossy(&bytes).into_owned()
    }

    /// How it ended, if it has.
    pub fn exited(&mut self) -> Option<ExitStatus> {
        if self.status.is_none() {
            self.status = self.child.try_wait().ok().flatten();
        }
        self.status
    }

    /// How it ended, waiting up to `patience` for that.
    pub fn wait(&mut self, patience: Duration) -> anyhow::Result<ExitStatus> {
        let deadline = Instant::now() + patience;
        loop {
            if let Some(status) = self.exited() {
                return Ok(status);
            }
            if Instant::now() >= deadline {
                bail!("{} is still running after {patience:?}\n{}", self.name, self.log());
            }
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    /// Waits until `ready` says yes; fails at once when the child ends, and after `patience`.
    pub fn wait_until(
        &mut self,
        patience: Duration,
        mut ready: impl FnMut() -> bool,
    ) -> anyhow::Result<()> {
        let deadline = Instant::now() + patience;
        while !ready() {
            if let Some(status) = self.exited() {
                bail!("{} ended at its start: {status}\n{}", self.name, self.log());
            }
            if Instant::now() >= deadline {
                bail!("{} is not ready after {patience:?}\n{}", self.name, self.log());
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        Ok(())
    }

    /// Sends `SIGTERM` and waits up to `patience` for the end.
    pub fn terminate(&mut self, patience: Duration) -> anyhow::Result<ExitStatus> {
        self.signal(Signal::TERM);
        self.wait(patience)
    }

    /// Kills the whole group with `SIGKILL`, and waits for the end of its leader.
    pub fn kill(&mut self) {
        self.signal(Signal::KILL);
        if self.status.is_none() {
            self.status = self.child.wait().ok();
        }
    }

    fn signal(&self, signal: Signal) {
        // A reaped leader's id may belong to somebody else by now.
        if self.status.is_none() {
            let _ = kill_process_group(Pid::from_child(&self.child), signal);
        }
    }
}

impl Drop for Process {
    #[expect(clippy::print_stderr, reason = "the log of a peer explains why a test failed")]
    fn drop(&mut self) {
        self.exited();
        self.kill();
        if std::thread::panicking() {
            let log = self.log();
            let skip = log.len().saturating_sub(20_000);
            let tail = log.get(log.ceil_char_boundary(skip)..).unwrap_or_default();
            eprintln!("---- log of {} ----\n{tail}\n---- end of {} ----", self.name, self.name);
        }
    }
}

/// The path of `program`, looked for in `PATH` and in the system's own folders; an error that
/// names its Debian `package` when there is none.
pub fn find(program: &str, package: &str) -> anyhow::Result<PathBuf> {
    #[expect(clippy::disallowed_methods, reason = "a test finds programs as a shell does")]
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path)
        .chain(["/usr/bin", "/usr/sbin", "/bin", "/sbin"].map(PathBuf::from))
        .map(|folder| folder.join(program))
        .find(|candidate| candidate.is_file())
        .with_context(|| format!("`{program}` is not installed: apt-get install {package}"))
}

/// Runs `command` to its end and answers what it wrote to standard output; an error with all that
/// it wrote when it fails.
pub fn output(command: &mut Command) -> anyhow::Result<String> {
    let shown = || {
        let words = std::iter::once(command.get_program()).chain(command.get_args());
        words.map(OsStr::to_string_lossy).collect::<Vec<_>>().join(" ")
    };
    let shown = shown();
    let done =
        command.stdin(Stdio::null()).output().with_context(|| format!("running `{shown}`"))?;
    let stdout = String::from_utf8_lossy(&done.stdout).into_owned();
    if !done.status.success() {
        bail!("`{shown}`: {}\n{stdout}{}", done.status, String::from_utf8_lossy(&done.stderr));
    }
    Ok(stdout)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dropping_a_process_kills_its_whole_group() {
        let dir = tempfile::tempdir().unwrap();
        let pid_file = dir.path().join("pid");
        let mut command = Command::new("sh");
        command.arg("-c").arg("sleep 600 & echo $! > pid; wait").current_dir(dir.path());
        let mut process = Process::spawn("sleeper", &command, &dir.path().join("log")).unwrap();
        let grandchild = || std::fs::read_to_string(&pid_file).unwrap_or_default();
        process.wait_until(Duration::from_secs(10), || grandchild().ends_with('\n')).unwrap();
        let proc = PathBuf::from(format!("/proc/{}/cmdline", grandchild().trim()));
        let alive = || std::fs::read(&proc).is_ok_and(|cmdline| cmdline.starts_with(b"sleep"));
        // Between fork and its program, the grandchild still has the shell's command line.
        process.wait_until(Duration::from_secs(10), alive).unwrap();
        drop(process);
        let deadline = Instant::now() + Duration::from_secs(10);
        while alive() {
            assert!(Instant::now() < deadline, "the grandchild lives on");
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    #[test]
    fn a_process_that_ends_at_once_is_not_waited_for() {
        let dir = tempfile::tempdir().unwrap();
        let mut command = Command::new("sh");
        command.args(["-c", "echo broken; exit 3"]);
        let mut process = Process::spawn("broken", &command, &dir.path().join("log")).unwrap();
        let error = process.wait_until(Duration::from_mins(1), || false).unwrap_err();
        assert!(error.to_string().contains("broken\n"), "{error}");
    }

    #[test]
    fn a_missing_program_names_its_package() {
        let error = find("no-such-program", "some-package").unwrap_err().to_string();
        assert!(error.contains("apt-get install some-package"), "{error}");
    }
}
