//! A git repository of one commit, as the smart HTTP protocol serves it
//! (gitprotocol-http, gitprotocol-pack, gitformat-pack).

use std::io::Write as _;

use data_encoding::HEXLOWER;
use flate2::Compression;
use flate2::write::ZlibEncoder;
use ring::digest::{Digest, SHA1_FOR_LEGACY_USE_ONLY, digest};

/// One commit of one file on the branch `main`.
pub(crate) struct Repository {
    head: String,
    pack: Vec<u8>,
}

/// What a pack calls the kinds of objects.
const COMMIT: u8 = 1;
const TREE: u8 = 2;
const BLOB: u8 = 3;

impl Repository {
    pub(crate) fn new(name: &str, content: &[u8]) -> std::io::Result<Self> {
        let blob = id("blob", content);
        let mut tree = format!("100644 {name}\0").into_bytes();
        tree.extend_from_slice(blob.as_ref());
        let who = "Vintner <vintner@git.test> 1700000000 +0000";
        let commit = format!(
            "tree {}\nauthor {who}\ncommitter {who}\n\nLay it down\n",
            HEXLOWER.encode(id("tree", &tree).as_ref())
        );
        let mut pack = b"PACK\0\0\0\x02\0\0\0\x03".to_vec();
        for (kind, bytes) in [(COMMIT, commit.as_bytes()), (TREE, &tree), (BLOB, content)] {
            entry(&mut pack, kind, bytes)?;
        }
        let checksum = digest(&SHA1_FOR_LEGACY_USE_ONLY, &pack);
        pack.extend_from_slice(checksum.as_ref());
        Ok(Self {
            head: HEXLOWER.encode(id("commit", commit.as_bytes()).as_ref()),
            pack,
        })
    }

    /// The answer to `info/refs`.
    pub(crate) fn advertisement(&self, service: &str) -> Vec<u8> {
        let head = &self.head;
        [
            line(&format!("# service={service}\n")),
            String::from("0000"),
            line(&format!("{head} HEAD\0symref=HEAD:refs/heads/main\n")),
            line(&format!("{head} refs/heads/main\n")),
            String::from("0000"),
        ]
        .concat()
        .into_bytes()
    }

    /// The answer to `git-upload-pack`, whatever was asked for.
    pub(crate) fn everything(&self) -> Vec<u8> {
        let mut answer = line("NAK\n").into_bytes();
        answer.extend_from_slice(&self.pack);
        answer
    }
}

fn line(text: &str) -> String {
    format!("{:04x}{text}", text.len() + 4)
}

fn id(kind: &str, bytes: &[u8]) -> Digest {
    let mut object = format!("{kind} {}\0", bytes.len()).into_bytes();
    object.extend_from_slice(bytes);
    digest(&SHA1_FOR_LEGACY_USE_ONLY, &object)
}

/// Adds an object: its kind and length in groups of 4 and 7 bits, then its content.
fn entry(pack: &mut Vec<u8>, kind: u8, bytes: &[u8]) -> std::io::Result<()> {
    let low = |length: usize, mask: u8| u8::try_from(length & usize::from(mask)).unwrap_or(0);
    let mut left = bytes.len() >> 4;
    let mut byte = kind << 4 | low(bytes.len(), 0x0f);
    while left > 0 {
        pack.push(byte | 0x80);
        byte = low(left, 0x7f);
        left >>= 7;
    }
    pack.push(byte);
    let mut encoder = ZlibEncoder::new(pack, Compression::default());
    encoder.write_all(bytes)?;
    encoder.finish().map(drop)
}
