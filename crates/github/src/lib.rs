//! Repositories and teams of a GitHub organisation, as GitHub tells them over GraphQL.
//!
//! Floor 2.
