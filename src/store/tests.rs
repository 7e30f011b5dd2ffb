use std::collections::BTreeMap;

use jiff::Timestamp;

use super::*;
use crate::policy::RouteSet;
use crate::spec::{
    Digest, ImageSource, Limits, Observe, SPEC_VERSION, Session, Spec, Workspace, layout,
};

fn record(id: &str) -> Record {
    let spec = Spec {
        version: SPEC_VERSION,
        agent: String::from("api"),
        template: String::from("default"),
        image: ImageSource::Guest,
        session: Session {
            argv: vec![String::from("true")],
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
        clipboard: crate::spec::Clipboard::Never,
        upstream_proxy: None,
        supervise: true,
        runtime: None,
        build: crate::spec::Build::default(),
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

fn store() -> (tempfile::TempDir, Store) {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(folder.path()).unwrap();
    (folder, store)
}

#[test]
fn the_owner_is_minted_once() {
    let (folder, store) = store();
    assert_eq!(Store::open(folder.path()).unwrap().owner(), store.owner());
    assert!(store.owner().len() >= 16);
}

#[test]
fn an_id_is_reserved_once_and_reads_back_as_written() {
    let (_folder, store) = store();
    let claim = store.reserve(&record("api-1")).unwrap();
    assert!(matches!(
        store.reserve(&record("api-1")),
        Err(StoreError::Taken { .. })
    ));
    assert_eq!(claim.record().unwrap(), record("api-1"));
    assert_eq!(store.records().unwrap().0, vec![record("api-1")]);
}

#[test]
fn a_claim_is_held_by_one_and_given_back() {
    let (_folder, store) = store();
    let claim = store.reserve(&record("api-1")).unwrap();
    let id = claim.id().clone();
    assert!(store.claim(&id).unwrap().is_none());
    assert!(store.unfinished().unwrap().is_empty(), "its process lives");
    drop(claim);
    assert!(store.claim(&id).unwrap().is_some());
}

#[test]
fn what_is_locked_is_held_by_one_and_given_back() {
    let (_folder, store) = store();
    let claim = store.reserve(&record("api-1")).unwrap();
    let id = claim.id().clone();
    // Beside the claim: it is for what takes its time.
    let work = store.work(&id).unwrap();
    assert!(work.is_some() && store.work(&id).unwrap().is_none());
    drop(work);
    assert!(store.work(&id).unwrap().is_some());
    let slots = [store.build_slot(2).unwrap(), store.build_slot(2).unwrap()];
    assert!(slots.iter().all(Option::is_some));
    assert!(store.build_slot(2).unwrap().is_none());
    drop(slots);
    assert!(store.build_slot(2).unwrap().is_some());
    let manifest = store.lock_manifest().unwrap();
    assert!(manifest.is_some() && store.lock_manifest().unwrap().is_none());
    let gone = BottleId::parse("api-2").unwrap();
    assert!(matches!(store.work(&gone), Err(StoreError::Unknown { .. })));
}

#[test]
fn what_nobody_closed_is_found_at_each_step() {
    let (_folder, store) = store();
    let steps = [
        (Operation::Start, Outcome::Begun, true),
        (Operation::Start, Outcome::Done, false),
        (Operation::Stop, Outcome::Begun, true),
        (Operation::Stop, Outcome::Done, false),
        (Operation::Remove, Outcome::Begun, true),
        (Operation::Remove, Outcome::Failed, false),
    ];
    let mut claim = store.reserve(&record("api-1")).unwrap();
    let id = claim.id().clone();
    for (operation, outcome, is_open) in steps {
        claim.note(operation, "step", outcome).unwrap();
        drop(claim);
        let found: Vec<_> = store
            .unfinished()
            .unwrap()
            .into_iter()
            .map(|found| found.operation)
            .collect();
        assert_eq!(found, if is_open { vec![operation] } else { vec![] });
        claim = store.claim(&id).unwrap().unwrap();
    }
}

/// A reservation killed after each of its steps leaves a hidden folder with a lock,
/// a journal and a record at most; none is ever taken for a bottle, and all are swept.
#[test]
fn a_reservation_killed_anywhere_is_swept_and_never_a_bottle() {
    for made in ["lock", "journal.jsonl", "record.json"] {
        let (folder, store) = store();
        let hidden = folder.path().join(BOTTLES).join(format!("{NEW}api-1-7"));
        fs::create_dir(&hidden).unwrap();
        fs::write(hidden.join("lock"), b"").unwrap();
        fs::write(hidden.join(made), b"{\"at\":\"2026-01-0").unwrap();
        assert!(store.unfinished().unwrap().is_empty());
        assert!(store.records().unwrap().0.is_empty());
        drop(store.reserve(&record("api-1")).unwrap());
        let store = Store::open(folder.path()).unwrap();
        assert!(!hidden.exists(), "after {made}");
        assert_eq!(store.unfinished().unwrap().len(), 1);
    }
}

/// A file system that is full: the reservation fails, says so, and leaves nothing.
#[test]
fn a_folder_that_cannot_be_written_reserves_nothing() {
    let (folder, store) = store();
    let bottles = folder.path().join(BOTTLES);
    // A folder in the place of the temporary file makes the write fail for any user.
    fs::remove_dir(&bottles).unwrap();
    fs::write(&bottles, b"").unwrap();
    assert!(matches!(
        store.reserve(&record("api-1")),
        Err(StoreError::Io { .. })
    ));
    assert_eq!(fs::read(&bottles).unwrap(), b"");
}

#[test]
fn a_removal_killed_after_its_rename_is_swept() {
    let (folder, _store) = store();
    let trash = folder.path().join(BOTTLES).join(format!("{TRASH}api-1-7"));
    fs::create_dir(&trash).unwrap();
    Store::open(folder.path()).unwrap();
    assert!(!trash.exists());
}

#[test]
fn a_broken_record_hides_no_other() {
    let (folder, store) = store();
    drop(store.reserve(&record("api-1")).unwrap());
    for (name, text) in [("api-2", "{"), ("api-3", "{\"version\":99}")] {
        let bottle = folder.path().join(BOTTLES).join(name);
        fs::create_dir(&bottle).unwrap();
        fs::write(bottle.join("record.json"), text).unwrap();
    }
    let (good, broken) = store.records().unwrap();
    assert_eq!(good.len(), 1);
    let names: Vec<_> = broken.iter().map(|broken| broken.name.as_str()).collect();
    assert_eq!(names, ["api-2", "api-3"]);
    assert!(matches!(
        broken[1].error,
        StoreError::Newer { version: 99, .. }
    ));
}

#[test]
fn an_update_of_a_stale_revision_is_refused() {
    let (_folder, store) = store();
    let claim = store.reserve(&record("api-1")).unwrap();
    let next = Record {
        revision: 2,
        ..record("api-1")
    };
    claim.update(&next, 1, Cause::Operator).unwrap();
    assert!(matches!(
        claim.update(&next, 1, Cause::Operator),
        Err(StoreError::Changed { found: 2, .. })
    ));
}

#[test]
fn each_step_is_kept_with_its_cause_and_its_spec() {
    let (folder, store) = store();
    let claim = store.reserve(&record("api-1")).unwrap();
    let mut next = Record {
        revision: 2,
        ..record("api-1")
    };
    next.spec.uid = 7;
    next.digest = next.spec.digest().unwrap();
    let cause = Cause::Request { id: 4 };
    claim.update(&next, 1, cause).unwrap();
    let steps = store.revisions(claim.id()).unwrap();
    let told: Vec<_> = steps
        .iter()
        .map(|step| (step.revision, step.cause))
        .collect();
    assert_eq!(told, [(1, Cause::Start), (2, cause)]);
    let second = &steps[1];
    assert_eq!(second.previous, Some(record("api-1").digest));
    assert_eq!(second.words, ["changes the user id"]);
    assert_eq!(store.spec(claim.id(), next.digest).unwrap(), next.spec);
    // What somebody wrote into it is not taken for what it was.
    let specs = folder.path().join(BOTTLES).join("api-1").join("specs");
    let path = specs.join(format!("{}.json", next.digest.hex()));
    fs::write(path, b"{}").unwrap();
    assert!(store.spec(claim.id(), next.digest).is_err());
}

/// Killed between the line and the record, a step was not taken; the next one of its
/// number takes its place.
#[test]
fn a_step_that_the_record_never_named_does_not_count() {
    let (folder, store) = store();
    let claim = store.reserve(&record("api-1")).unwrap();
    let path = folder
        .path()
        .join(BOTTLES)
        .join("api-1")
        .join("record.json");
    let before = fs::read(&path).unwrap();
    let mut next = Record {
        revision: 2,
        ..record("api-1")
    };
    next.spec.uid = 7;
    next.digest = next.spec.digest().unwrap();
    claim.update(&next, 1, Cause::Request { id: 4 }).unwrap();
    fs::write(&path, before).unwrap();
    assert_eq!(store.revisions(claim.id()).unwrap().len(), 1);
    claim.update(&next, 1, Cause::Operator).unwrap();
    let steps = store.revisions(claim.id()).unwrap();
    assert_eq!(steps[1].cause, Cause::Operator);
}

#[test]
fn a_torn_line_spoils_only_itself() {
    let (folder, store) = store();
    let claim = store.reserve(&record("api-1")).unwrap();
    let path = folder
        .path()
        .join(BOTTLES)
        .join("api-1")
        .join("journal.jsonl");
    let mut bytes = fs::read(&path).unwrap();
    bytes.extend_from_slice(b"{\"at\":\"2026");
    fs::write(&path, bytes).unwrap();
    claim
        .note(Operation::Start, "ready", Outcome::Done)
        .unwrap();
    assert_eq!(claim.journal().len(), 2);
    assert_eq!(claim.open_operation(), None);
}
