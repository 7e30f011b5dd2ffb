//! What can go wrong between us and an engine, in the engine's own words.

/// An engine's refusal or silence. The texts of `why` and `message` are the
/// engine's own.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EngineError {
    /// Nobody answers at the address.
    #[error("reach the engine to {operation}: {why}")]
    Unreachable {
        /// What was asked.
        operation: &'static str,
        /// Why it did not get there.
        why: String,
    },
    /// The engine did not answer in time.
    #[error("{operation}: the engine did not answer in time")]
    TimedOut {
        /// What was asked.
        operation: &'static str,
    },
    /// The engine does not have it.
    #[error("{operation}: {message}")]
    NotFound {
        /// What was asked.
        operation: &'static str,
        /// The engine's words.
        message: String,
    },
    /// Something else holds the name, or it is in use.
    #[error("{operation}: {message}")]
    Conflict {
        /// What was asked.
        operation: &'static str,
        /// The engine's words.
        message: String,
    },
    /// The engine said no.
    #[error("{operation}: the engine says: {message}")]
    Refused {
        /// What was asked.
        operation: &'static str,
        /// The HTTP status.
        status: u16,
        /// The engine's words.
        message: String,
    },
    /// The engine's answer broke off or made no sense.
    #[error("{operation}: understand the engine's answer: {why}")]
    Garbled {
        /// What was asked.
        operation: &'static str,
        /// What was wrong with it.
        why: String,
    },
}

impl EngineError {
    /// Whether the thing is not there.
    #[must_use]
    pub const fn is_not_found(&self) -> bool {
        matches!(self, Self::NotFound { .. })
    }

    /// Whether a name is taken or a thing in use.
    #[must_use]
    pub const fn is_conflict(&self) -> bool {
        matches!(self, Self::Conflict { .. })
    }

    /// Whether the engine itself is away, so that asking again may help.
    #[must_use]
    pub const fn is_engine_away(&self) -> bool {
        matches!(self, Self::Unreachable { .. } | Self::TimedOut { .. })
    }
}

/// Takes "it is not there" for success: the wish was that it be gone.
pub(crate) fn gone_is_fine(answer: Result<(), EngineError>) -> Result<(), EngineError> {
    match answer {
        Err(error) if error.is_not_found() => Ok(()),
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_thing_already_gone_counts_as_removed() {
        let operation = "remove a container";
        let message = String::from("No such container: x");
        let gone = EngineError::NotFound {
            operation,
            message: message.clone(),
        };
        let busy = EngineError::Conflict { operation, message };
        assert_eq!(gone_is_fine(Err(gone)), Ok(()));
        assert_eq!(gone_is_fine(Err(busy.clone())), Err(busy));
    }
}
