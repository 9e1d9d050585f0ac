//! What a build made for a commit: checked, stored, fetched and proven. Floor 3.

pub mod legacy;
