//! Answers of engines, told by a double on a Unix socket.

use std::path::Path;

use tempfile::TempDir;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::UnixListener;

use super::*;
use crate::docker::address::EngineAddress;
use crate::docker::client::DockerEngine;
use crate::docker::engine::Engine as _;
use crate::state::ContainerState;

/// As Docker 20.10 lists and shows a container, less what nobody reads here.
const DOCKER: &str = r#"{"Id":"aa11","Names":["/cellar-x-agent"],"Image":"img","ImageID":"sha256:00","Command":"/cellar/cellar guest init","Created":1700000000,"Ports":[],"Labels":{"cellar.bottle":"x"},"State":"exited","Status":"Exited (137) 2 hours ago","HostConfig":{"NetworkMode":"none"},"NetworkSettings":{"Networks":{}},"Mounts":[]}"#;
/// As Podman 3 lists a container that was made and never started.
const PODMAN: &str = r#"{"Id":"bb22","Names":["/cellar-y-agent"],"Image":"docker.io/library/img","ImageID":"00","Command":"","Created":1700000001,"Ports":[],"Labels":{"cellar.bottle":"y"},"State":"configured","Status":"","NetworkSettings":{"Networks":null},"Mounts":[],"Name":"","Config":null,"NetworkingConfig":null,"Platform":null,"AdjustCPUShares":false}"#;

/// Answers each connection with the head of `/_ping` or with this, and gives what was
/// asked for.
async fn serve(socket: &Path, status: &str, body: &str) -> Vec<String> {
    let listener = UnixListener::bind(socket).unwrap();
    let mut asked = Vec::new();
    while asked.len() < 2 {
        let (mut stream, _) = listener.accept().await.unwrap();
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            head.push(stream.read_u8().await.unwrap());
        }
        let head = String::from_utf8(head).unwrap();
        let (line, _) = head.split_once("\r\n").unwrap();
        let (status, body) = match line {
            "GET /_ping HTTP/1.1" => ("200 OK", "OK"),
            _ => (status, body),
        };
        let answer = format!(
            "HTTP/1.1 {status}\r\nApi-Version: 1.41\r\nContent-Type: application/json\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}",
            body.len()
        );
        stream.write_all(answer.as_bytes()).await.unwrap();
        asked.push(line.to_owned());
    }
    asked
}

/// Asks an engine that says this to every question, and what it was asked.
async fn ask<T>(
    status: &str,
    body: &str,
    question: impl AsyncFnOnce(&DockerEngine) -> T,
) -> (T, String) {
    let folder = TempDir::new().unwrap();
    let socket = folder.path().join("engine.sock");
    let console = async {
        let address = EngineAddress::Unix(socket.clone());
        let engine = loop {
            if let Ok(engine) = DockerEngine::connect(&address).await {
                break engine;
            }
            tokio::task::yield_now().await;
        };
        question(&engine).await
    };
    let (mut asked, answer) = tokio::join!(serve(&socket, status, body), console);
    (answer, asked.pop().unwrap())
}

#[tokio::test]
async fn a_list_outlives_words_that_nobody_knows() {
    let newer = DOCKER.replace("exited", "hibernating");
    let body = format!("[{DOCKER},{PODMAN},{newer}]");
    let (said, asked) = ask("200 OK", &body, async |engine| {
        engine.containers("cellar.bottle=x y").await
    })
    .await;
    assert_eq!(
        asked,
        "GET /v1.41/containers/json?all=true&filters=%7B%22label%22%3A%5B%22cellar.bottle%3Dx%20y%22%5D%7D HTTP/1.1"
    );
    let said: Vec<(String, String, ContainerState)> = said
        .unwrap()
        .into_iter()
        .map(|container| (container.id, container.name, container.state))
        .collect();
    let row = |id: &str, name: &str, state| (id.to_owned(), name.to_owned(), state);
    let word = String::from("hibernating");
    let code = Some(137);
    assert_eq!(
        said,
        [
            row("aa11", "cellar-x-agent", ContainerState::Exited { code }),
            row("bb22", "cellar-y-agent", ContainerState::Created),
            row("aa11", "cellar-x-agent", ContainerState::Unknown { word }),
        ]
    );
}

#[tokio::test]
async fn a_container_is_looked_at_whatever_its_state() {
    for (word, expected) in [
        ("exited", ContainerState::Exited { code: Some(3) }),
        ("stopped", ContainerState::Exited { code: Some(3) }),
        ("stopping", ContainerState::Running),
        ("initialized", ContainerState::Created),
        (
            "hibernating",
            ContainerState::Unknown {
                word: String::from("hibernating"),
            },
        ),
    ] {
        let body = format!(
            r#"{{"Id":"aa11","Name":"/x","Image":"sha256:00","State":{{"Status":"{word}","ExitCode":3,"OOMKilled":true,"Error":"no"}},"HostConfig":{{"NetworkMode":"none"}},"Config":{{"User":"1:1"}}}}"#
        );
        let (said, asked) = ask("200 OK", &body, async |engine| engine.inspect("x").await).await;
        let said = said.unwrap();
        assert_eq!(asked, "GET /v1.41/containers/x/json HTTP/1.1");
        assert_eq!(
            (said.state, said.name.as_str(), said.is_out_of_memory),
            (expected, "x", true)
        );
    }
}

#[tokio::test]
async fn refusals_and_nonsense_are_told_as_ever() {
    let message = r#"{"message":"No such container: x"}"#;
    let inspect = async |engine: &DockerEngine| engine.inspect("x").await;
    let (said, _) = ask("404 Not Found", message, inspect).await;
    assert!(said.unwrap_err().is_not_found());
    for nonsense in ["<html>", r#"{"Id":5}"#, ""] {
        let (said, _) = ask("200 OK", nonsense, inspect).await;
        let error = said.unwrap_err();
        assert!(matches!(error, EngineError::Garbled { .. }), "{error}");
    }
}
