//! An exec without a terminal as a line: standard output is read, standard error is
//! set aside, nothing is buffered beyond the piece that was read.

use std::pin::Pin;
use std::task::{Context, Poll};

use bollard::Docker;
use bollard::container::LogOutput;
use bollard::errors::Error;
use bollard::exec::{StartExecOptions, StartExecResults};
use bollard::models::ExecConfig;
use bytes::{Buf as _, Bytes};
use futures_util::Stream;
use futures_util::stream::BoxStream;
use tokio::io::{AsyncRead, ReadBuf};

use super::fail::failed;
use crate::docker::error::EngineError;
use crate::docker::line::{Line, LineErrors, LineTraffic};

/// What is read at once at first; it grows to what is sent.
const fn read_bytes(traffic: LineTraffic) -> usize {
    match traffic {
        LineTraffic::Quiet => 2 * 1024,
        // The engine sends pieces of up to 32 KiB; two fit.
        LineTraffic::Bulk => 64 * 1024,
    }
}

pub(super) async fn line(
    docker: &Docker,
    container: &str,
    argv: &[&str],
    traffic: LineTraffic,
) -> Result<Line, EngineError> {
    let operation = "run a program in a container";
    let config = ExecConfig {
        attach_stdin: Some(true),
        attach_stdout: Some(true),
        attach_stderr: Some(true),
        tty: Some(false),
        cmd: Some(argv.iter().map(|word| (*word).to_owned()).collect()),
        ..ExecConfig::default()
    };
    let made = docker
        .create_exec(container, config)
        .await
        .map_err(failed(operation))?;
    let options = StartExecOptions {
        detach: false,
        tty: false,
        output_capacity: Some(read_bytes(traffic)),
    };
    let started = docker.start_exec(&made.id, Some(options)).await;
    match started.map_err(failed(operation))? {
        StartExecResults::Attached { output, input } => {
            let errors = LineErrors::default();
            let reader = OutputReader {
                output,
                piece: Bytes::new(),
                errors: errors.clone(),
            };
            Ok(Line {
                reader: Box::new(reader),
                writer: Box::new(input),
                errors,
            })
        }
        StartExecResults::Detached => Err(EngineError::Garbled {
            operation,
            why: String::from("it detached, though it was asked to stay"),
        }),
    }
}

/// Standard output as a byte stream.
struct OutputReader {
    output: BoxStream<'static, Result<LogOutput, Error>>,
    piece: Bytes,
    errors: LineErrors,
}

impl AsyncRead for OutputReader {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        to: &mut ReadBuf<'_>,
    ) -> Poll<std::io::Result<()>> {
        let this = self.get_mut();
        // Ends: each round consumes one piece or returns.
        while this.piece.is_empty() {
            match Pin::new(&mut this.output).poll_next(cx) {
                Poll::Pending => return Poll::Pending,
                Poll::Ready(None) => return Poll::Ready(Ok(())),
                Poll::Ready(Some(Err(error))) => {
                    return Poll::Ready(Err(std::io::Error::other(error)));
                }
                Poll::Ready(Some(Ok(LogOutput::StdErr { message }))) => {
                    this.errors.push(&message);
                }
                Poll::Ready(Some(Ok(
                    LogOutput::StdOut { message }
                    | LogOutput::StdIn { message }
                    | LogOutput::Console { message },
                ))) => this.piece = message,
            }
        }
        let count = this.piece.len().min(to.remaining());
        to.put_slice(this.piece.get(..count).unwrap_or_default());
        this.piece.advance(count);
        Poll::Ready(Ok(()))
    }
}

#[cfg(test)]
mod tests {
    use futures_util::StreamExt as _;
    use tokio::io::AsyncReadExt as _;

    use super::*;

    #[tokio::test]
    async fn output_is_read_whole_and_errors_are_set_aside() {
        let pieces = [
            LogOutput::StdOut {
                message: Bytes::from_static(b"one "),
            },
            LogOutput::StdErr {
                message: Bytes::from_static(b"oops"),
            },
            LogOutput::StdOut {
                message: Bytes::from_static(b"two"),
            },
        ];
        let errors = LineErrors::default();
        let mut reader = OutputReader {
            output: futures_util::stream::iter(pieces.map(Ok)).boxed(),
            piece: Bytes::new(),
            errors: errors.clone(),
        };
        let mut small = [0; 3];
        reader.read_exact(&mut small).await.unwrap();
        assert_eq!(&small, b"one");
        let mut rest = String::new();
        reader.read_to_string(&mut rest).await.unwrap();
        assert_eq!(rest, " two");
        assert_eq!(errors.text(), "oops");
    }
}
