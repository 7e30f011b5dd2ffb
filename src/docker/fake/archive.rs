//! Archives that the fake engine is sent, read as an engine reads them.

use std::collections::BTreeMap;
use std::io::Read as _;

use futures_util::StreamExt as _;

use crate::docker::engine::Body;
use crate::docker::error::EngineError;
use crate::docker::model::ImageSighting;

/// A file or folder of an archive: owner and content.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Unpacked {
    pub(crate) uid: u64,
    pub(crate) content: Vec<u8>,
}

pub(super) async fn whole(mut body: Body, operation: &'static str) -> Result<Vec<u8>, EngineError> {
    let mut bytes = Vec::new();
    while let Some(piece) = body.next().await {
        let piece = piece.map_err(|error| refused(operation, &error))?;
        bytes.extend_from_slice(&piece);
    }
    Ok(bytes)
}

/// The entries of an archive by path, without slashes at the ends.
pub(super) fn unpack(
    bytes: &[u8],
    operation: &'static str,
) -> Result<BTreeMap<String, Unpacked>, EngineError> {
    let read = || -> std::io::Result<_> {
        let mut found = BTreeMap::new();
        for entry in tar::Archive::new(bytes).entries()? {
            let mut entry = entry?;
            let path = entry.path()?.display().to_string();
            let uid = entry.header().uid()?;
            let mut content = Vec::new();
            entry.read_to_end(&mut content)?;
            found.insert(path.trim_matches('/').to_owned(), Unpacked { uid, content });
        }
        Ok(found)
    };
    read().map_err(|error| refused(operation, &error))
}

/// The image in an archive of the `docker save` form.
pub(super) fn image(bytes: &[u8], operation: &'static str) -> Result<ImageSighting, EngineError> {
    let files = unpack(bytes, operation)?;
    let json = |name: &str| {
        let file = files.get(name).ok_or(std::io::ErrorKind::NotFound)?;
        serde_json::from_slice::<serde_json::Value>(&file.content).map_err(std::io::Error::other)
    };
    let read = || -> std::io::Result<_> {
        let manifest = json("manifest.json")?;
        let text = |value: &serde_json::Value| value.as_str().unwrap_or_default().to_owned();
        let name = text(&manifest[0]["Config"]);
        let config = json(&name)?;
        let labels = serde_json::from_value(config["config"]["Labels"].clone())?;
        Ok(ImageSighting {
            id: format!("sha256:{}", name.trim_end_matches(".json")),
            tags: vec![text(&manifest[0]["RepoTags"][0])],
            labels,
            env: Vec::new(),
            size_bytes: bytes.len() as u64,
        })
    };
    read().map_err(|error| refused(operation, &error))
}

fn refused(operation: &'static str, error: &dyn std::fmt::Display) -> EngineError {
    EngineError::Refused {
        operation,
        status: 500,
        message: error.to_string(),
    }
}
