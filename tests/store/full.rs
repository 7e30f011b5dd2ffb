//! A disk that takes no more: the write fails by name, and what was there stays.

use std::collections::BTreeMap;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::process::Command;

use cellar::policy::RouteSet;
use cellar::spec::{
    BottleId, Digest, ImageSource, Limits, Observe, SPEC_VERSION, Session, Spec, Workspace, layout,
};
use cellar::store::{Cause, Operation, Outcome, RECORD_VERSION, Record, Store, StoreError};
use jiff::Timestamp;

/// Set in the process that runs under the limit: the state folder.
const ROOT: &str = "CELLAR_TEST_FULL_ROOT";

/// The name of the test, by which it runs itself again.
const NAME: &str = "full::a_full_disk_loses_nothing_and_leaves_nothing";

fn record(id: &str) -> Record {
    let spec = Spec {
        version: SPEC_VERSION,
        agent: String::from("api"),
        template: String::from("default"),
        image: ImageSource::Guest,
        session: Session {
            // Longer than any limit below, and different from start to end.
            argv: (0..500).map(|word| word.to_string()).collect(),
            resume_argv: None,
            env: BTreeMap::new(),
            handed_over: Vec::new(),
            cwd: layout::WORKSPACE.to_owned(),
            home_files: Vec::new(),
            observe: Observe::Output,
            mcp_servers: BTreeMap::new(),
        },
        workspace: Workspace::None,
        limits: Limits::default(),
        uid: layout::AGENT_UID,
        routes: RouteSet::default(),
        upstream_ca: None,
        clipboard: cellar::spec::Clipboard::Never,
        upstream_proxy: None,
        supervise: true,
        runtime: None,
        build: cellar::spec::Build::default(),
    };
    Record {
        version: RECORD_VERSION,
        id: BottleId::parse(id).unwrap(),
        created: Timestamp::UNIX_EPOCH,
        engine: String::from("engine"),
        is_demo: false,
        revision: 1,
        digest: Digest::of(b"spec"),
        spec,
    }
}

/// Every file below a folder, by path, with its content.
fn files(folder: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut found = BTreeMap::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(files(&path));
        } else {
            found.insert(path.clone(), std::fs::read(&path).unwrap());
        }
    }
    found
}

/// The kernel's own limit on a file's size stands for the full disk: a write that
/// reaches it is cut short, as on a disk that fills up, and no privilege is needed.
/// The test runs itself once more below it.
#[test]
fn a_full_disk_loses_nothing_and_leaves_nothing() {
    if let Some(root) = std::env::var_os(ROOT) {
        return under_the_limit(Path::new(&root));
    }
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(folder.path()).unwrap();
    drop(store.reserve(&record("api-1")).unwrap());
    let status = Command::new("sh")
        // Ignored, so that the write fails instead of the process.
        .args(["-c", "trap '' XFSZ; ulimit -f 1; exec \"$@\"", "sh"])
        .arg(std::env::current_exe().unwrap())
        .args(["--exact", NAME, "--nocapture"])
        .env(ROOT, folder.path())
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&status.stdout);
    assert!(
        status.status.success(),
        "{said}{}",
        String::from_utf8_lossy(&status.stderr)
    );
    assert!(said.contains("1 passed"), "{said}");
    assert_eq!(store.record(&record("api-1").id).unwrap(), record("api-1"));
}

fn under_the_limit(root: &Path) {
    let store = Store::open(root).unwrap();
    let before = files(root);
    let claim = store.claim(&record("api-1").id).unwrap().unwrap();

    let changed = Record {
        revision: 2,
        ..record("api-1")
    };
    assert_is_full(&claim.update(&changed, 1, Cause::Operator));
    assert_eq!(claim.record().unwrap(), record("api-1"));
    assert_is_full(&store.reserve(&record("api-2")).map(drop));
    assert_eq!(files(root), before);

    let noted = fill_journal(&claim);
    assert_eq!(claim.journal().len(), noted);
}

/// Notes until the journal is full; gives the number of lines that were accepted.
fn fill_journal(claim: &cellar::store::Claim) -> usize {
    let begun = claim.journal().len();
    for count in 0..1000 {
        if let Err(error) = claim.note(Operation::Stop, "step", Outcome::Begun) {
            assert_is_full(&Err(error));
            return begun + count;
        }
    }
    panic!("the journal grew past the limit");
}

fn assert_is_full(outcome: &Result<(), StoreError>) {
    assert!(
        matches!(outcome, Err(StoreError::Io { error, .. }) if error.kind() == ErrorKind::FileTooLarge),
        "{outcome:?}"
    );
}
