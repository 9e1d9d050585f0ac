//! Parts of long lists.

/// Which part of a list is wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Page {
    /// Items to leave out first.
    pub offset: u64,
    /// Items at most.
    pub limit: u64,
}

impl Page {
    /// The whole list: for lists whose shape has no paging.
    pub const ALL: Self = Self { offset: 0, limit: i64::MAX as u64 };

    /// The first `limit` items.
    pub const fn first(limit: u64) -> Self {
        Self { offset: 0, limit }
    }
}

/// A part of a list, and how long the whole list is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Paged<T> {
    /// The part.
    pub items: Vec<T>,
    /// Items of the whole list.
    pub total: u64,
}
