//! Which layers are being read in this process, so that none is read twice at the same time.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError, Weak};

use portolan_model::Digest;
use tokio::sync::{Mutex as Turn, OwnedMutexGuard};

/// Layers that are being read, and those who wait for them.
#[derive(Debug, Default)]
pub(crate) struct Readings {
    open: Mutex<HashMap<Digest, Weak<Turn<()>>>>,
}

impl Readings {
    /// Waits until nobody else in this process reads `layer`. Nobody else does until what is
    /// returned is dropped. Whoever waited looks into the store again.
    pub(crate) async fn turn(&self, layer: Digest) -> OwnedMutexGuard<()> {
        let turn = {
            let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
            open.retain(|_, turn| turn.strong_count() > 0);
            let waited_for = open.get(&layer).and_then(Weak::upgrade);
            waited_for.unwrap_or_else(|| {
                let turn = Arc::new(Turn::new(()));
                open.insert(layer, Arc::downgrade(&turn));
                turn
            })
        };
        turn.lock_owned().await
    }
}
