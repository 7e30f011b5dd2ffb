//! The guide: each page is in the book, each link leads somewhere.

use std::collections::BTreeSet;
use std::fs::read_to_string;
use std::path::{Path, PathBuf};

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// The files of a folder that end so.
fn files(folder: &str, end: &str) -> std::io::Result<Vec<PathBuf>> {
    let entries = std::fs::read_dir(root().join(folder))?;
    let paths: std::io::Result<Vec<PathBuf>> = entries.map(|entry| Ok(entry?.path())).collect();
    let mut paths = paths?;
    paths.retain(|path| path.to_string_lossy().ends_with(end));
    paths.sort();
    Ok(paths)
}

/// The text without blocks and spans of code, in which nothing is a link.
fn prose(text: &str) -> String {
    let mut is_code = false;
    let mut out = String::new();
    for line in text.lines() {
        if line.trim_start().starts_with("```") {
            is_code = !is_code;
        } else if !is_code {
            let spoken: Vec<&str> = line.split('`').step_by(2).collect();
            out.push_str(&spoken.join("x"));
            out.push('\n');
        }
    }
    out
}

/// Where the links of a text lead.
fn links(text: &str) -> Vec<String> {
    let text = prose(text);
    let after = text.split("](").skip(1);
    after
        .filter_map(|rest| rest.split_once(')'))
        .map(|(link, _)| link.to_owned())
        .collect()
}

/// The name of a heading's place, as mdbook and code hosts make it.
fn anchor(heading: &str) -> String {
    let heading = heading.trim_start_matches('#').trim();
    heading
        .chars()
        .filter(|c| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_'))
        .map(|c| {
            if c == ' ' {
                '-'
            } else {
                c.to_ascii_lowercase()
            }
        })
        .collect()
}

fn anchors(text: &str) -> BTreeSet<String> {
    let headings = text.lines().filter(|line| line.starts_with('#'));
    headings.map(anchor).collect()
}

#[test]
fn every_page_is_in_the_book_once() -> std::io::Result<()> {
    let summary = links(&read_to_string(root().join("docs/SUMMARY.md"))?);
    let pages: Vec<String> = files("docs", ".md")?
        .iter()
        .filter_map(|path| path.file_name())
        .map(|name| name.to_string_lossy().into_owned())
        .filter(|name| name != "SUMMARY.md")
        .collect();
    for page in &pages {
        let times = summary.iter().filter(|link| *link == page).count();
        assert_eq!(times, 1, "{page} stands {times} times in docs/SUMMARY.md");
    }
    assert_eq!(summary.len(), pages.len(), "{summary:?}");
    Ok(())
}

#[test]
fn every_link_leads_somewhere() -> std::io::Result<()> {
    let mut paths = files("docs", ".md")?;
    paths.extend(files(".", ".md")?);
    let mut seen = 0;
    for path in paths {
        for link in links(&read_to_string(&path)?) {
            if link.contains("://") {
                continue;
            }
            seen += 1;
            let (file, place) = link.split_once('#').unwrap_or((&link, ""));
            let target = match path.parent() {
                Some(folder) if !file.is_empty() => folder.join(file),
                _ => path.clone(),
            };
            assert!(target.exists(), "{}: no {link}", path.display());
            if !place.is_empty() {
                let there = anchors(&read_to_string(&target)?);
                assert!(
                    there.contains(place),
                    "{}: no {link} among {there:?}",
                    path.display()
                );
            }
        }
    }
    assert!(seen > 60, "only {seen} links were found");
    Ok(())
}

#[test]
fn every_image_is_a_picture_of_something() -> std::io::Result<()> {
    let images = files("docs/images", ".svg")?;
    for path in &images {
        let text = read_to_string(path)?;
        let is_whole = text.starts_with("<svg ") && text.trim_end().ends_with("</svg>");
        assert!(is_whole, "{}", path.display());
        assert!(text.contains("<text"), "{} shows nothing", path.display());
    }
    assert!(images.len() >= 3);
    Ok(())
}
