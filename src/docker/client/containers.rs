//! Containers in a list and looked at one by one, whatever word their state is.
//!
//! The library's enum of states is closed: one word that it does not know, such as
//! Podman's `configured`, loses the whole answer. Here the words are taken out of the
//! JSON before the library's types see it.

use bollard::{Docker, models};
use bytes::BytesMut;
use futures_util::{StreamExt as _, TryStreamExt as _};
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::connect::Connection;
use super::convert;
use super::fail::failed;
use crate::docker::error::EngineError;
use crate::docker::model::{ContainerDetails, ContainerSummary};
use crate::state::ContainerState;

/// The longest answer that is read; a container takes a few KiB in a list.
const MAX_ANSWER_BYTES: usize = 64 * 1024 * 1024;

/// All containers that carry the label, stopped ones too.
pub(super) async fn list(
    connection: &Connection,
    label: &str,
) -> Result<Vec<ContainerSummary>, EngineError> {
    let operation = "list containers";
    let filters = serde_json::json!({ "label": [label] }).to_string();
    let path = format!("/containers/json?all=true&filters={}", escaped(&filters));
    let said: Vec<Value> = get(connection, operation, &path).await?;
    said.into_iter()
        .map(|mut container| {
            let word = take_word(container.get_mut("State"));
            let said: models::ContainerSummary = typed(operation, container)?;
            Ok(convert::summary(said, &word))
        })
        .collect()
}

/// One container, by id or name.
pub(super) async fn inspect(
    connection: &Connection,
    container: &str,
) -> Result<ContainerDetails, EngineError> {
    let operation = "inspect a container";
    let path = format!("/containers/{}/json", escaped(container));
    let mut said: Value = get(connection, operation, &path).await?;
    let state = said.get_mut("State");
    let word = take_word(state.and_then(|state| state.get_mut("Status")));
    let said: models::ContainerInspectResponse = typed(operation, said)?;
    Ok(convert::details(said, &word))
}

/// Takes a refusal for an answer where the container is as it should be.
pub(super) async fn unless_it_is(
    connection: &Connection,
    container: &str,
    wanted: &ContainerState,
    said: Result<(), EngineError>,
) -> Result<(), EngineError> {
    match said {
        Err(error) if !error.is_not_found() && !error.is_engine_away() => {
            match inspect(connection, container).await {
                Ok(found) if found.state == *wanted => Ok(()),
                _ => Err(error),
            }
        }
        said => said,
    }
}

/// The word that stands there, which it leaves as if it had not been said.
fn take_word(place: Option<&mut Value>) -> String {
    match place.map(Value::take) {
        Some(Value::String(word)) => word,
        _ => String::new(),
    }
}

/// Asks for JSON. The library gives the bytes of an answer away for a container's
/// export only, so this is one whose path is another: connection, pinned version and
/// the kinds of errors stay those of every other request.
async fn get<T: DeserializeOwned>(
    connection: &Connection,
    operation: &'static str,
    path: &str,
) -> Result<T, EngineError> {
    let client: Docker = connection.elsewhere(path);
    let limit = client.timeout();
    let read = async {
        let mut said = client
            .export_container("")
            .map_err(failed(operation))
            .boxed();
        let mut bytes = BytesMut::new();
        while let Some(piece) = said.try_next().await? {
            if bytes.len() + piece.len() > MAX_ANSWER_BYTES {
                return Err(garbled(operation, &"it is too long"));
            }
            bytes.extend_from_slice(&piece);
        }
        serde_json::from_slice(&bytes).map_err(|error| garbled(operation, &error))
    };
    tokio::time::timeout(limit, read)
        .await
        .unwrap_or(Err(EngineError::TimedOut { operation }))
}

fn typed<T: DeserializeOwned>(operation: &'static str, said: Value) -> Result<T, EngineError> {
    serde_json::from_value(said).map_err(|error| garbled(operation, &error))
}

fn garbled(operation: &'static str, why: &dyn std::fmt::Display) -> EngineError {
    EngineError::Garbled {
        operation,
        why: why.to_string(),
    }
}

/// Percent-encoded but for what is unreserved (RFC 3986, section 2.3).
fn escaped(text: &str) -> String {
    text.bytes().fold(String::new(), |mut out, byte| {
        match byte {
            b'-' | b'.' | b'_' | b'~' | b'0'..=b'9' | b'A'..=b'Z' | b'a'..=b'z' => {
                out.push(char::from(byte));
            }
            _ => {
                out.push('%');
                out.push_str(&data_encoding::HEXUPPER.encode(&[byte]));
            }
        }
        out
    })
}

#[cfg(test)]
mod tests;
