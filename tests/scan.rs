//! Ordinary text meets no rule: the corpus is this repository.

#![cfg(feature = "guest")]

use std::path::{Path, PathBuf};

use cellar::policy::ScanRule;
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

/// What may be named in a manifest is what the scanner has.
#[test]
fn the_names_of_rules_are_those_of_the_rules() -> std::io::Result<()> {
    let assets = Path::new(env!("CARGO_MANIFEST_DIR")).join("assets");
    let rules = std::fs::read_to_string(assets.join("secret-rules.json"))?;
    let rules: serde_json::Value = serde_json::from_str(&rules)?;
    let rules = rules["rules"].as_array().unwrap().iter();
    let ids: Vec<&str> = rules.map(|rule| rule["id"].as_str().unwrap()).collect();
    assert_eq!(ScanRule::known().collect::<Vec<_>>(), ids);
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
