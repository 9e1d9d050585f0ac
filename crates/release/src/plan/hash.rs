//! The digest of what a plan does.

use portolan_model::Digest;
use serde_json::Value;

use super::{Plan, canonical};

/// What is told with a plan, and is not what it does.
const BESIDE: [&str; 3] = ["hash", "refusals", "notes"];

/// The digest of what `plan` does.
pub(super) fn of(plan: &Plan) -> Digest {
    // A plan is a struct with texts for keys, which always has a JSON form.
    let mut value = serde_json::to_value(plan).unwrap_or(Value::Null);
    if let Value::Object(fields) = &mut value {
        for key in BESIDE {
            fields.remove(key);
        }
    }
    Digest::of(canonical::text(&value).as_bytes())
}
