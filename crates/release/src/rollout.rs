//! Rollouts: doing what a plan says, step by step, so that whoever comes next can go on or go back.
//!
//! Each step is recorded before it is done and after. All is done under a lease; whoever has lost it
//! stops. A step that may have been done when its doer died is looked at before it is done again.

mod forward;
mod hooks;
mod keeper;
mod options;
mod run;
mod settings;
mod step;
mod stop;
mod story;
mod tags;
mod tell;
mod undo;
mod watch;
mod wave;

pub use options::{OnFailure, Options, Reason};
pub use settings::Settings;
pub use step::is_change;
pub use stop::RunError;
