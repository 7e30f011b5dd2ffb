//! Ordinary text meets no rule: the corpus is this repository.

#![cfg(feature = "guest")]

use std::path::{Path, PathBuf};

use cellar::scan::Scanner;

/// What this repository's own sources and words meet, and why it is no leak.
const KNOWN_NOISE: &[(&str, &str)] = &[
    // The sample nonce of RFC 6455 beside the header's name, which the proxy leaves out
    // of what it looks into.
    ("src/guest/egress/relay/tests.rs", "generic-api-key"),
    ("tests/whole/threats/messages.rs", "generic-api-key"),
];

#[test]
fn this_repository_meets_no_rule() -> std::io::Result<()> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut files: Vec<PathBuf> = vec![
        "README.md".into(),
        "ARCHITECTURE.md".into(),
        "Cargo.lock".into(),
    ];
    for folder in ["src", "docs", "tests", "benches", "assets"] {
        files.extend(files_below(root, Path::new(folder))?);
    }
    assert!(files.len() > 100, "found only {} files", files.len());
    let scanner = Scanner::new(Vec::new()).unwrap();
    let mut met: Vec<(String, String)> = Vec::new();
    for file in files {
        // The rules hold examples of what they allow.
        if file.ends_with("secret-rules.json") {
            continue;
        }
        let text = std::fs::read(root.join(&file))?;
        for found in scanner.scan_bytes(&text) {
            met.push((file.display().to_string(), found.rule));
        }
    }
    let met: Vec<(&str, &str)> = met
        .iter()
        .map(|(file, rule)| (file.as_str(), rule.as_str()))
        .collect();
    assert_eq!(met, KNOWN_NOISE);
    Ok(())
}

fn files_below(root: &Path, folder: &Path) -> std::io::Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    for entry in std::fs::read_dir(root.join(folder))? {
        let path = folder.join(entry?.file_name());
        if root.join(&path).is_dir() {
            files.extend(files_below(root, &path)?);
        } else {
            files.push(path);
        }
    }
    files.sort();
    Ok(files)
}
