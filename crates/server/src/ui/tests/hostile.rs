//! Names and texts that want to be more than text.
