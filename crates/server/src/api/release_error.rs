//! What it means to a client that releasing failed.

use http::StatusCode;
use portolan_release::target::TargetError;
use portolan_release::{ChangesError, OrderError, PrepareError, WorldError};

use super::error::ApiError;

impl From<TargetError> for ApiError {
    fn from(error: TargetError) -> Self {
        let chain = std::iter::successors(Some(&error as &dyn std::error::Error), |it| it.source());
        let mut texts: Vec<String> = chain.map(ToString::to_string).collect();
        texts.dedup();
        Self::new(StatusCode::BAD_GATEWAY, texts.join(": "))
    }
}

impl From<WorldError> for ApiError {
    fn from(error: WorldError) -> Self {
        match error {
            WorldError::Store(error) => error.into(),
            WorldError::Target(error) => error.into(),
            WorldError::Project { .. } | WorldError::Environment { .. } => {
                Self::new(StatusCode::NOT_FOUND, error.to_string())
            }
            WorldError::OfAnother { .. } | WorldError::Service { .. } => Self::bad(error),
        }
    }
}

impl From<PrepareError> for ApiError {
    fn from(error: PrepareError) -> Self {
        match error {
            PrepareError::World(error) => error.into(),
            PrepareError::Store(error) => error.into(),
            PrepareError::Registry(error) => error.into(),
            PrepareError::Missing { .. } | PrepareError::Release(_) => {
                Self::new(StatusCode::NOT_FOUND, error.to_string())
            }
            PrepareError::Several { .. } => Self::new(StatusCode::CONFLICT, error.to_string()),
            PrepareError::Change { ref source, .. } => Self::bad(format!("{error}: {source}")),
            PrepareError::Empty(_) | PrepareError::Commit(_) | PrepareError::Image { .. } => {
                Self::bad(error)
            }
        }
    }
}

impl From<OrderError> for ApiError {
    fn from(error: OrderError) -> Self {
        match error {
            OrderError::World(error) => error.into(),
            OrderError::Prepare(error) => error.into(),
            OrderError::Store(error) => error.into(),
            OrderError::Release(_) | OrderError::NoPrevious { .. } => {
                Self::new(StatusCode::NOT_FOUND, error.to_string())
            }
            OrderError::Changed => Self::bad(error),
            error => Self::new(StatusCode::CONFLICT, error.to_string()),
        }
    }
}

impl From<ChangesError> for ApiError {
    fn from(error: ChangesError) -> Self {
        match error {
            ChangesError::World(error) => error.into(),
            ChangesError::Store(error) => error.into(),
            ChangesError::Release(_) => Self::new(StatusCode::NOT_FOUND, error.to_string()),
            ChangesError::OfAnother(_) => Self::bad(error),
        }
    }
}
