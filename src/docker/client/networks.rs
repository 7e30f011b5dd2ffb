//! The one network that sidecars join, made once however many consoles ask.

use std::collections::HashMap;

use bollard::{Docker, models, query_parameters as query};

use super::connect::Connection;
use super::convert;
use super::fail::failed;
use crate::docker::error::EngineError;
use crate::docker::model::{NetworkRequest, NetworkSighting};

pub(super) async fn list(
    docker: &Docker,
    filters: HashMap<String, Vec<String>>,
) -> Result<Vec<NetworkSighting>, EngineError> {
    let options = query::ListNetworksOptionsBuilder::default()
        .filters(&filters)
        .build();
    let said = docker.list_networks(Some(options)).await;
    let said = said.map_err(failed("list networks"))?;
    Ok(said.into_iter().map(convert::network).collect())
}

/// Engines before API 1.44 make a second network of the same name when asked twice
/// at once, so: the oldest of the name is the one, a younger one of ours goes again.
pub(super) async fn ensure(
    docker: &Docker,
    request: &NetworkRequest,
) -> Result<String, EngineError> {
    if let Some(id) = oldest(docker, &request.name).await? {
        return Ok(id);
    }
    let options = [
        // Sidecars of different bottles must not reach each other.
        ("com.docker.network.bridge.enable_icc", "false"),
    ];
    let body = models::NetworkCreateRequest {
        name: request.name.clone(),
        driver: Some(String::from("bridge")),
        enable_ipv6: Some(false),
        options: Some(
            options
                .iter()
                .map(|(key, value)| ((*key).to_owned(), (*value).to_owned()))
                .collect(),
        ),
        labels: Some(request.labels.clone().into_iter().collect()),
        ..models::NetworkCreateRequest::default()
    };
    let made = match docker.create_network(body).await {
        Ok(made) => Some(made.id),
        Err(error) => match failed("create a network")(error) {
            // Another console was first.
            error if error.is_conflict() => None,
            error => return Err(error),
        },
    };
    let Some(id) = oldest(docker, &request.name).await? else {
        return Err(EngineError::Garbled {
            operation: "create a network",
            why: String::from("it made the network, but does not list it"),
        });
    };
    if let Some(ours) = made.filter(|ours| *ours != id) {
        // Left behind it is harmless and labelled; cleanup finds it.
        drop(docker.remove_network(&ours).await);
    }
    Ok(id)
}

/// Joins a container to a network it is not on.
pub(super) async fn join(
    connection: &Connection,
    network: &str,
    container: &str,
) -> Result<(), EngineError> {
    let body = models::NetworkConnectRequest {
        container: container.to_owned(),
        ..models::NetworkConnectRequest::default()
    };
    let said = connection.control.connect_network(network, body).await;
    unless_on(
        connection,
        container,
        said.map_err(failed("give a container a network")),
        |networks| networks > 0,
    )
    .await
}

/// Takes a container off a network it is on.
pub(super) async fn part(
    connection: &Connection,
    network: &str,
    container: &str,
) -> Result<(), EngineError> {
    let body = models::NetworkDisconnectRequest {
        container: container.to_owned(),
        force: Some(true),
    };
    let said = connection.control.disconnect_network(network, body).await;
    unless_on(
        connection,
        container,
        said.map_err(failed("take a container's network away")),
        |networks| networks == 0,
    )
    .await
}

/// Engines refuse both ways with words alone where there is nothing to do, so the
/// container itself is looked at.
async fn unless_on(
    connection: &Connection,
    container: &str,
    said: Result<(), EngineError>,
    is_done: fn(usize) -> bool,
) -> Result<(), EngineError> {
    match said {
        Err(error) if !error.is_not_found() && !error.is_engine_away() => {
            match super::containers::inspect(connection, container).await {
                Ok(found) if is_done(found.networks.len()) => Ok(()),
                _ => Err(error),
            }
        }
        said => said,
    }
}

async fn oldest(docker: &Docker, name: &str) -> Result<Option<String>, EngineError> {
    let filters = HashMap::from([(String::from("name"), vec![name.to_owned()])]);
    let mut found = list(docker, filters).await?;
    // The filter matches parts of names.
    found.retain(|network| network.name == name);
    found.sort_by(|one, other| (one.created, &one.id).cmp(&(other.created, &other.id)));
    Ok(found.into_iter().next().map(|network| network.id))
}
