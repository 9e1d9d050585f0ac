//! The pages, under `/ui/`.
