//! The archives that packages come in.

use std::io::Write as _;

use flate2::write::GzEncoder;
use flate2::{Compression, Crc};

/// Packs files as `tar` and `gzip` do.
pub(crate) fn tar_gz(files: &[(&str, &[u8])]) -> std::io::Result<Vec<u8>> {
    let mut archive = tar::Builder::new(Vec::new());
    for (path, content) in files {
        let mut header = tar::Header::new_gnu();
        header.set_size(content.len() as u64);
        header.set_mode(0o644);
        archive.append_data(&mut header, path, *content)?;
    }
    gzip(&archive.into_inner()?)
}

pub(crate) fn gzip(bytes: &[u8]) -> std::io::Result<Vec<u8>> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(bytes)?;
    encoder.finish()
}

/// A wheel of one module (PEP 427). Its record names no hashes, which it need not.
pub(crate) fn wheel(name: &str, version: &str) -> Vec<u8> {
    let about = format!("{name}-{version}.dist-info");
    let files = [
        (format!("{name}.py"), String::from("YEAR = 'a good year'\n")),
        (
            format!("{about}/METADATA"),
            format!("Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n"),
        ),
        (
            format!("{about}/WHEEL"),
            String::from(
                "Wheel-Version: 1.0\nGenerator: double\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
            ),
        ),
        (
            format!("{about}/RECORD"),
            format!("{name}.py,,\n{about}/METADATA,,\n{about}/WHEEL,,\n{about}/RECORD,,\n"),
        ),
    ];
    let files: Vec<(&str, &[u8])> = files
        .iter()
        .map(|(path, content)| (path.as_str(), content.as_bytes()))
        .collect();
    zip(&files)
}

/// Packs files as `zip -0` does (PKWARE's APPNOTE, 4.3).
fn zip(files: &[(&str, &[u8])]) -> Vec<u8> {
    let small = |length: usize| u16::try_from(length).unwrap_or(u16::MAX).to_le_bytes();
    let large = |length: usize| u32::try_from(length).unwrap_or(u32::MAX).to_le_bytes();
    let (mut archive, mut directory) = (Vec::new(), Vec::new());
    for (path, content) in files {
        let mut crc = Crc::new();
        crc.update(content);
        // Version 2.0, no flags, stored, 1980-01-01.
        let common = [
            &b"\x14\0\0\0\0\0\0\0\x21\0"[..],
            &crc.sum().to_le_bytes(),
            &large(content.len()),
            &large(content.len()),
            &small(path.len()),
            &[0, 0],
        ]
        .concat();
        directory.extend_from_slice(b"PK\x01\x02\x14\0");
        directory.extend_from_slice(&common);
        // No comment, disk 0, no attributes, where it stands.
        directory.extend_from_slice(&[0; 10]);
        directory.extend_from_slice(&large(archive.len()));
        directory.extend_from_slice(path.as_bytes());
        archive.extend_from_slice(b"PK\x03\x04");
        archive.extend_from_slice(&common);
        archive.extend_from_slice(path.as_bytes());
        archive.extend_from_slice(content);
    }
    let (start, count) = (archive.len(), small(files.len()));
    archive.extend_from_slice(&directory);
    archive.extend_from_slice(b"PK\x05\x06\0\0\0\0");
    archive.extend_from_slice(&[count, count].concat());
    archive.extend_from_slice(&large(directory.len()));
    archive.extend_from_slice(&large(start));
    archive.extend_from_slice(&[0, 0]);
    archive
}
