//! One thread that starts every child.
//!
//! A child asks the kernel to be killed when its parent goes (`setpriv --pdeathsig`), and the
//! kernel takes the parent to be the *thread* that started it. A test's thread ends with the test,
//! and a peer may be shared by many, so children are started by a thread that lives as long as the
//! process.

use std::io;
use std::process::{Child, Command};
use std::sync::OnceLock;
use std::sync::mpsc::{Sender, channel};

use anyhow::Context;

type Order = (Command, Sender<io::Result<Child>>);

static SPAWNER: OnceLock<Sender<Order>> = OnceLock::new();

/// Starts `command` from the thread that outlives every test.
pub(crate) fn spawn(command: Command) -> anyhow::Result<Child> {
    let (reply, answer) = channel();
    let spawner = SPAWNER.get_or_init(|| {
        let (sender, orders) = channel::<Order>();
        std::thread::spawn(move || {
            for (mut command, reply) in orders {
                // Whoever asked waits for the answer; if it is gone, so is the need for it.
                let _ = reply.send(command.spawn());
            }
        });
        sender
    });
    spawner.send((command, reply)).context("the thread that starts children is gone")?;
    Ok(answer.recv().context("the thread that starts children is gone")??)
}
