//! Telling people and programs what happened: webhooks, by rule.
//!
//! What is so at a moment is looked at every now and then ([`notice`]); what is new of that
//! ([`happening`]) is recorded once for each rule that wants to hear of it, in one change with the
//! job that sends it. Whoever has that job records that it is about to send, sends ([`send`]), and
//! records what became of it ([`deliver`]). Killed in between, it is sent again under the same
//! identity, by which the receiver tells that it is a repetition.

pub(crate) mod deliver;
mod happening;
mod message;
pub(crate) mod notice;
mod rule;
mod send;
#[cfg(test)]
mod tests;

pub use rule::{NotificationKind, NotificationRule, Notifications, Occasion};
