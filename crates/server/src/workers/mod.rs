//! What works in the background: the journal, jobs, housekeeping.
