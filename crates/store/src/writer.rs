//! The one writer of SQLite: changes that wait together are committed together.
//!
//! A commit costs one sync of the disk, whatever is in it. So the writer takes what has queued up
//! while the last commit ran, does each change in a savepoint of one transaction, commits, and only
//! then answers all of them. A change that fails is undone alone.

use std::any::Any;

use futures::future::BoxFuture;
use sqlx::SqliteConnection;
use tokio::sync::{mpsc, oneshot};

use crate::StoreError;
use crate::db::{Connection, Tx, plain};

type Answer = Result<Box<dyn Any + Send>, StoreError>;
pub(crate) type Change =
    Box<dyn for<'t> FnOnce(&'t mut Tx) -> BoxFuture<'t, Answer> + Send + 'static>;

/// Changes in one commit at most. More would make the first wait long for no gain.
const GROUP: usize = 256;
/// Changes that may wait; past that, those who ask wait to ask.
const QUEUE: usize = 1024;

pub(crate) struct Request {
    change: Change,
    size: Size,
    reply: oneshot::Sender<Answer>,
}

/// How much a change writes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Size {
    /// A few rows: committed with others.
    Small,
    /// Thousands: committed alone. In company it would need a savepoint, for which SQLite copies each
    /// page before it is written.
    Large,
}

/// The way to the writer.
#[derive(Debug, Clone)]
pub(crate) struct Writer(mpsc::Sender<Request>);

impl Writer {
    /// Starts the writer on its connection.
    pub(crate) fn start(connection: SqliteConnection) -> Self {
        let (sender, receiver) = mpsc::channel(QUEUE);
        tokio::spawn(run(connection, receiver));
        Self(sender)
    }

    /// Makes `change`, and answers when it is committed.
    pub(crate) async fn write(&self, change: Change, size: Size) -> Answer {
        let (reply, answer) = oneshot::channel();
        let request = Request { change, size, reply };
        self.0.send(request).await.map_err(|_| StoreError::Closed)?;
        answer.await.map_err(|_| StoreError::Closed)?
    }
}

async fn run(connection: SqliteConnection, mut requests: mpsc::Receiver<Request>) {
    let mut tx = Tx(Connection::Sqlite(Box::new(connection)));
    let mut waiting = Vec::with_capacity(GROUP);
    while requests.recv_many(&mut waiting, GROUP).await > 0 {
        let mut together = Vec::with_capacity(waiting.len());
        for request in waiting.drain(..) {
            if request.size == Size::Large {
                commit(&mut tx, std::mem::take(&mut together)).await;
                commit(&mut tx, vec![request]).await;
            } else {
                together.push(request);
            }
        }
        commit(&mut tx, together).await;
    }
}

/// Makes changes and commits them together; then answers whoever asked for them.
async fn commit(tx: &mut Tx, group: Vec<Request>) {
    if group.is_empty() {
        return;
    }
    let alone = group.len() == 1;
    let mut answers = Vec::with_capacity(group.len());
    let begun = control(tx, "BEGIN IMMEDIATE").await;
    let mut broken = begun.err().map(|error| error.to_string());
    for Request { change, reply, .. } in group {
        let answer = match &broken {
            Some(reason) => Err(StoreError::Commit(reason.clone())),
            // Undone as a whole, it needs no savepoint.
            None if alone => change(tx).await,
            None => match apart(tx, change).await {
                Ok(answer) => answer,
                Err(error) => {
                    broken = Some(error.to_string());
                    Err(StoreError::Commit(error.to_string()))
                }
            },
        };
        answers.push((reply, answer));
    }
    let undo = alone && answers.iter().any(|(_, answer)| answer.is_err());
    if broken.is_none() && !undo {
        broken = control(tx, "COMMIT").await.err().map(|error| error.to_string());
    }
    if broken.is_some() || undo {
        // Fails where nothing was begun, which is what was wanted.
        control(tx, "ROLLBACK").await.ok();
    }
    for (reply, answer) in answers {
        let answer = match (&broken, answer) {
            (Some(reason), Ok(_)) => Err(StoreError::Commit(reason.clone())),
            (_, answer) => answer,
        };
        // Whoever asked may have gone; the change stands all the same.
        reply.send(answer).ok();
    }
}

/// Makes one change in a savepoint. The outer error means that the transaction cannot go on.
async fn apart(tx: &mut Tx, change: Change) -> Result<Answer, sqlx::Error> {
    control(tx, "SAVEPOINT change").await?;
    let answer = change(tx).await;
    if answer.is_err() {
        control(tx, "ROLLBACK TO change").await?;
    }
    control(tx, "RELEASE change").await?;
    Ok(answer)
}

async fn control(tx: &mut Tx, text: &'static str) -> Result<(), sqlx::Error> {
    match &mut tx.0 {
        Connection::Sqlite(connection) => plain(connection, text).await,
        // The writer is only ever started on SQLite.
        Connection::Postgres(_) => Ok(()),
    }
}
