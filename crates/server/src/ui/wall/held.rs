//! Tasks whose image is not known, and which are therefore not shown.

use std::collections::BTreeMap;

use portolan_store::TaskFilter;

use crate::App;
use crate::ui::error::PageError;
use crate::ui::link::Link;
use crate::ui::moment::Moment;
use crate::ui::show::{Visible, counted};

/// How many tasks are held, and where.
#[derive(Debug)]
pub(super) struct HeldView {
    pub(super) tasks: String,
    pub(super) places: Vec<(u64, Visible, Link)>,
}

/// What is said of `many` held tasks; nothing where there are none.
pub(super) async fn held(
    app: &App,
    many: u64,
    moment: &Moment,
) -> Result<Option<HeldView>, PageError> {
    if many == 0 {
        return Ok(None);
    }
    let filter = TaskFilter { at: Some(moment.at), held: true, ..TaskFilter::default() };
    let mut places: BTreeMap<String, u64> = BTreeMap::new();
    for task in app.store.tasks(&filter).await? {
        *places.entry(task.fact.environment).or_default() += 1;
    }
    let place = |(name, many): (String, u64)| {
        (many, Visible::new(&name), moment.on(Link::environment(&name)).at("held"))
    };
    Ok(Some(HeldView {
        tasks: counted(many, "task is", "tasks are"),
        places: places.into_iter().map(place).collect(),
    }))
}
