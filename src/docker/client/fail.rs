//! Errors of the client library, told in ours.

use bollard::errors::Error;

use crate::docker::error::EngineError;

/// Gives a closure for `map_err` that says what was asked.
pub(super) fn failed(operation: &'static str) -> impl Fn(Error) -> EngineError {
    move |error| tell(operation, error)
}

fn tell(operation: &'static str, error: Error) -> EngineError {
    #[expect(
        clippy::wildcard_enum_match_arm,
        reason = "the library's enum is open and depends on its features"
    )]
    match error {
        Error::DockerResponseServerError {
            status_code,
            message,
        } => refusal(operation, status_code, message.trim().to_owned()),
        Error::RequestTimeoutError => EngineError::TimedOut { operation },
        Error::DockerStreamError { error } => refusal(operation, 200, error),
        Error::HyperLegacyError { .. }
        | Error::HyperResponseError { .. }
        | Error::IOError { .. }
        | Error::SocketNotFoundError(_) => EngineError::Unreachable {
            operation,
            why: innermost(&error),
        },
        other => EngineError::Garbled {
            operation,
            why: other.to_string(),
        },
    }
}

fn refusal(operation: &'static str, status: u16, message: String) -> EngineError {
    match status {
        404 => EngineError::NotFound { operation, message },
        409 => EngineError::Conflict { operation, message },
        _ => EngineError::Refused {
            operation,
            status,
            message,
        },
    }
}

/// The last cause says what happened (`connection refused`), the first only where.
fn innermost(error: &Error) -> String {
    let mut last: &dyn std::error::Error = error;
    // Bounded: an error that is its own source must not hang us.
    for _ in 0..16 {
        match last.source() {
            Some(source) => last = source,
            None => break,
        }
    }
    last.to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn statuses_become_kinds() {
        let of = |status_code| {
            tell(
                "x",
                Error::DockerResponseServerError {
                    status_code,
                    message: String::from("words\n"),
                },
            )
        };
        assert!(of(404).is_not_found());
        assert!(of(409).is_conflict());
        assert_eq!(
            of(500),
            EngineError::Refused {
                operation: "x",
                status: 500,
                message: String::from("words")
            }
        );
        assert!(tell("x", Error::RequestTimeoutError).is_engine_away());
    }
}
