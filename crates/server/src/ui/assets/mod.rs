//! Asset sets: what builds made for commits.

mod commit;
mod list;

use portolan_store::{AssetLayout, AssetState};

pub(super) use commit::of_commit;
pub(super) use list::list;

use super::show::{Chip, Shape, Visible};

/// How a set stands.
fn chip(state: AssetState) -> Chip {
    match state {
        AssetState::Complete => Chip::new(Shape::Ok, "complete"),
        AssetState::Unproven => Chip::new(Shape::Off, "no manifest"),
        AssetState::Refused => Chip::new(Shape::Bad, "not believed"),
        AssetState::Incomplete => Chip::new(Shape::Warn, "upload not ended"),
    }
}

/// Whose a set is: the project and the scope, where the layout has them.
fn whose(layout: AssetLayout, project: &str, scope: &str) -> Visible {
    match layout {
        AssetLayout::Portolan => Visible::cut(&format!("{project}, {scope}"), 140),
        AssetLayout::Legacy => Visible::new("s3-asset-manager"),
    }
}
