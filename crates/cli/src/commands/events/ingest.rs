//! `portolan events ingest`: events of a file into the journal, many at a time.

use std::fs::File;
use std::io::{self, BufReader, Read};

use serde::Serialize;
use tokio::sync::mpsc;

use super::pieces::{self, Piece};
use crate::api::Api;
use crate::args::events::Ingest;
use crate::error::{Failure, Outcome};
use crate::exit::Code;
use crate::human::count;
use crate::printer::Printer;
use crate::progress::Progress;
use crate::session::Session;

/// Events of one request at most.
const BATCH: usize = 500;
/// Bytes of one request, unless one event is longer.
const BATCH_BYTES: usize = 512 << 10;
/// Batches that are read ahead.
const AHEAD: usize = 2;
/// Refusals that are told one by one.
const TOLD: u64 = 10;

/// What became of the events.
#[derive(Debug, Default, Serialize)]
struct Done {
    /// Those that were not in the journal before.
    recorded: u64,
    /// Those that were.
    repeated: u64,
    /// What is in the file and is no event.
    refused: u64,
}

/// Pieces that are sent together.
type Batch = Vec<Piece>;

pub(super) async fn run(session: &Session<'_>, arguments: Ingest) -> Outcome {
    let api = session.api().await?;
    let printer = &session.context.printer;
    let (send, batches) = mpsc::channel(AHEAD);
    let input = open(&arguments.file)?;
    let reader = tokio::task::spawn_blocking(move || batch(input, &send));
    let mut intake =
        Intake { api: &api, printer, key: arguments.key, done: Done::default(), sent: 0 };
    intake.take_all(batches).await?;
    let done = intake.done;
    let read = reader.await.map_err(|error| Failure::bug(&error))?;
    read.map_err(|error| unreadable(&arguments.file, &error))?;
    api.settle().await?;
    printer.answer(&done, text)?;
    if done.refused > 0 {
        let message = format!("{} of {} refused", count(done.refused, "event"), arguments.file);
        return Err(Failure::new(Code::Usage, message).hint("the others were taken in"));
    }
    Ok(())
}

fn open(file: &str) -> Outcome<Box<dyn Read + Send>> {
    if file == "-" {
        return Ok(Box::new(io::stdin()));
    }
    let opened = File::open(file).map_err(|error| unreadable(file, &error))?;
    Ok(Box::new(opened))
}

fn unreadable(file: &str, error: &io::Error) -> Failure {
    let code = if error.kind() == io::ErrorKind::NotFound { Code::NotFound } else { Code::Usage };
    Failure::new(code, format!("could not read {file}")).because(error)
}

/// Reads the file and sends its events in batches.
fn batch(input: impl Read, send: &mpsc::Sender<Batch>) -> io::Result<()> {
    let (mut batch, mut bytes) = (Batch::new(), 0);
    pieces::read(BufReader::with_capacity(1 << 16, input), &mut |piece: Piece| {
        let length = piece.text.as_ref().map_or(0, String::len);
        let full = batch.len() >= BATCH || bytes + length > BATCH_BYTES;
        if full && !batch.is_empty() {
            bytes = 0;
            // Whoever took them has failed, and says so.
            if send.blocking_send(std::mem::take(&mut batch)).is_err() {
                return false;
            }
        }
        bytes += length + 1;
        batch.push(piece);
        true
    })?;
    if !batch.is_empty() {
        let _ = send.blocking_send(batch);
    }
    Ok(())
}

/// Sends batches, and counts what becomes of them.
struct Intake<'a> {
    api: &'a Api,
    printer: &'a Printer,
    key: Option<String>,
    done: Done,
    /// Requests that were sent: each has a key of its own.
    sent: u64,
}

impl Intake<'_> {
    async fn take_all(&mut self, mut batches: mpsc::Receiver<Batch>) -> Outcome {
        let progress = Progress::start(self.printer, "taking in events");
        while let Some(batch) = batches.recv().await {
            let mut events = Vec::with_capacity(batch.len());
            for Piece { line, text } in batch {
                match text {
                    Ok(text) => events.push((line, text)),
                    Err(why) => self.refuse(line, &why),
                }
            }
            self.take(events).await?;
            progress.say(format!("taking in events: {}", self.done.recorded + self.done.repeated));
        }
        Ok(())
    }

    /// Sends these events together; where one is refused, each alone.
    async fn take(&mut self, events: Vec<(usize, String)>) -> Outcome {
        if events.is_empty() {
            return Ok(());
        }
        match self.send(&events).await {
            Err(failure) if failure.code == Code::Usage => {}
            sent => return sent,
        }
        for event in events {
            let line = event.0;
            match self.send(&[event]).await {
                Err(failure) if failure.code == Code::Usage => {
                    self.refuse(line, &failure.in_one_line().0);
                }
                sent => sent?,
            }
        }
        Ok(())
    }

    async fn send(&mut self, events: &[(usize, String)]) -> Outcome {
        self.sent += 1;
        let key = self.key.as_ref().map(|key| format!("{key}/{}", self.sent));
        let texts: Vec<&str> = events.iter().map(|(_, text)| text.as_str()).collect();
        let told = self.api.ingest(format!("[{}]", texts.join(",")), key).await?;
        self.done.recorded += told.recorded.len() as u64;
        self.done.repeated += told.repeated;
        Ok(())
    }

    fn refuse(&mut self, line: usize, why: &str) {
        self.done.refused += 1;
        if self.done.refused <= TOLD {
            self.printer.note(&format!("line {line}: {why}"));
        }
    }
}

fn text(done: &Done) -> String {
    let recorded = count(done.recorded, "event");
    match done.repeated {
        0 => format!("recorded {recorded}\n"),
        repeated => format!("recorded {recorded}; {repeated} had been recorded before\n"),
    }
}
