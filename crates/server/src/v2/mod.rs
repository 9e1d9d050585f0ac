//! The routes of the built-in registry, OCI Distribution 1.1, under `/v2/`.
