//! Telling programs whom to trust: egress stands in for upstream with certificates of
//! the bottle's own authority, so what verifies them must know it.

use std::path::{Path, PathBuf};

/// Variables that name one file in place of a program's own roots.
const IN_PLACE: [&str; 9] = [
    // OpenSSL, and with it Python, Ruby, Go and most of Rust.
    "SSL_CERT_FILE",
    "CURL_CA_BUNDLE",
    "GIT_SSL_CAINFO",
    "REQUESTS_CA_BUNDLE",
    "PIP_CERT",
    "CARGO_HTTP_CAINFO",
    "npm_config_cafile",
    "AWS_CA_BUNDLE",
    "NIX_SSL_CERT_FILE",
];
/// Variables that name a file to be trusted beside a program's own roots.
const BESIDE: [&str; 2] = ["NODE_EXTRA_CA_CERTS", "DENO_CERT"];

/// The files that egress leaves beside its door.
#[derive(Clone, Debug)]
pub(super) struct Trust {
    /// The bottle's authority alone.
    pub(super) ca: PathBuf,
    /// The same with the public roots.
    pub(super) bundle: PathBuf,
}

impl Trust {
    /// The variables that name the files that are there.
    pub(super) fn variables(&self) -> Vec<(String, String)> {
        let named = |names: &'static [&str], path: &Path| {
            let path = path.to_str().filter(|_| path.is_file()).map(str::to_owned);
            names
                .iter()
                .filter_map(move |name| Some(((*name).to_owned(), path.clone()?)))
        };
        named(&IN_PLACE, &self.bundle)
            .chain(named(&BESIDE, &self.ca))
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_files_that_are_there_are_named() {
        let folder = tempfile::tempdir().unwrap();
        let trust = Trust {
            ca: folder.path().join("ca.pem"),
            bundle: folder.path().join("ca-bundle.pem"),
        };
        assert_eq!(trust.variables(), []);
        std::fs::write(&trust.ca, "").unwrap();
        let names: Vec<String> = trust
            .variables()
            .into_iter()
            .map(|(name, _)| name)
            .collect();
        assert_eq!(names, BESIDE);
        std::fs::write(&trust.bundle, "").unwrap();
        let variables = trust.variables();
        assert_eq!(variables.len(), IN_PLACE.len() + BESIDE.len());
        let bundle = trust.bundle.to_str().unwrap().to_owned();
        assert!(variables.contains(&("SSL_CERT_FILE".to_owned(), bundle)));
    }
}
