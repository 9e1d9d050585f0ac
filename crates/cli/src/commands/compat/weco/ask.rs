//! Questions. Nothing is waited for that nobody will say.

use std::io::{self, BufRead as _, IsTerminal as _, Write as _};
use std::sync::mpsc;
use std::time::Duration;

use super::end::{Done, End};

/// How long a line of a pipe is waited for: what a script says is there already.
const PIPE: Duration = Duration::from_secs(2);
/// How often a question is asked.
const TRIES: usize = 5;
/// The longest answer, in bytes.
const MOST: u64 = 64 << 10;

/// Asks on the terminal, or takes the lines that a pipe has; or, where nothing shall be asked,
/// takes what is usual.
#[derive(Debug)]
pub(super) struct Asker {
    silent: bool,
    lines: Option<mpsc::Receiver<String>>,
}

impl Asker {
    /// One that asks nothing where it is `silent`.
    pub(super) fn new(silent: bool) -> Self {
        Self { silent, lines: None }
    }

    /// What was `told`, else the answer to `question`, where nothing stands for `usual`.
    pub(super) fn value(
        &mut self,
        told: Option<String>,
        question: &str,
        usual: Option<&str>,
    ) -> Done<String> {
        if let Some(told) = told {
            return Ok(told);
        }
        if self.silent {
            let missing = || End::Usage(format!("nothing is asked with --confirm: {question}?"));
            return usual.map(str::to_owned).ok_or_else(missing);
        }
        let shown = usual.map(|usual| format!(" [{usual}]")).unwrap_or_default();
        for _ in 0..TRIES {
            let answer = self.ask(&format!("{question}{shown}: "))?;
            match (answer.is_empty(), usual) {
                (true, Some(usual)) => return Ok(usual.to_owned()),
                (true, None) => {}
                (false, _) => return Ok(answer),
            }
        }
        Err(End::Aborted(None))
    }

    /// Which of `choices`.
    pub(super) fn choice(&mut self, question: &str, choices: &[String]) -> Done<String> {
        let all = choices.join(", ");
        if self.silent {
            return Err(End::Usage(format!("--project-id is needed: the file has {all}")));
        }
        for _ in 0..TRIES {
            let answer = self.ask(&format!("{question} ({all}): "))?;
            if choices.contains(&answer) {
                return Ok(answer);
            }
            say(&format!("Error: '{answer}' is not one of {all}.\n"));
        }
        Err(End::Aborted(None))
    }

    /// Whether to go on; nothing stands for no.
    pub(super) fn go_on(&mut self, question: &str) -> Done {
        if self.silent {
            return Ok(());
        }
        for _ in 0..TRIES {
            match self.ask(&format!("{question} [y/N]: "))?.to_lowercase().as_str() {
                "y" | "yes" => return Ok(()),
                "n" | "no" | "" => return Err(End::Aborted(None)),
                _ => say("Error: invalid input\n"),
            }
        }
        Err(End::Aborted(None))
    }

    fn ask(&mut self, question: &str) -> Done<String> {
        say(question);
        let is_terminal = io::stdin().is_terminal();
        let lines = self.lines.get_or_insert_with(read);
        let answer = if is_terminal {
            lines.recv().ok()
        } else {
            let answer = lines.recv_timeout(PIPE).ok();
            say("\n");
            answer
        };
        let hint = "nobody answers: --confirm (-y) asks nothing, and each question has an option";
        answer.ok_or(End::Aborted((!is_terminal).then_some(hint)))
    }
}

fn say(text: &str) {
    // A question that cannot be shown is answered by nobody, which is seen then.
    let _ = io::stdout().write_all(text.as_bytes()).and_then(|()| io::stdout().flush());
}

/// The lines of standard input, as they come. The thread ends with the process.
fn read() -> mpsc::Receiver<String> {
    let (send, receive) = mpsc::sync_channel(1);
    std::thread::spawn(move || {
        let mut stdin = io::BufReader::new(io::Read::take(io::stdin(), MOST));
        let mut line = String::new();
        while stdin.read_line(&mut line).is_ok_and(|bytes| bytes > 0) {
            if send.send(line.trim().to_owned()).is_err() {
                return;
            }
            line.clear();
        }
    });
    receive
}
