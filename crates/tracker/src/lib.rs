//! What runs where, and when: from events to facts, and from facts to answers.
//!
//! Floor 3. What the outside world says is opened ([`envelope`]), kept in the journal ([`intake`]),
//! read ([`read`]) and turned into facts ([`project`]). Facts merge in the store by rules that do not
//! depend on the order of arrival; what is true at a moment is derived from them by pure functions.

pub mod observation;

pub use observation::Observation;
