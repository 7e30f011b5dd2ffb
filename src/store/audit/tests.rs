use super::*;

fn audit() -> (tempfile::TempDir, Audit) {
    let folder = tempfile::tempdir().unwrap();
    let audit = Audit::of(folder.path().to_owned());
    (folder, audit)
}

fn id() -> BottleId {
    BottleId::parse("api-k3x9q").unwrap()
}

fn fill(audit: &Audit, count: usize) {
    for number in 0..count {
        let event = AuditEvent::HoldRefused {
            host: format!("{number}.example"),
            port: 443,
        };
        audit.append(&id(), event).unwrap();
    }
}

#[test]
fn a_chain_that_was_written_is_whole() {
    let (_folder, audit) = audit();
    assert_eq!(audit.verify().unwrap(), Ok(None));
    fill(&audit, 3);
    let head = audit.append(&id(), AuditEvent::Stop).unwrap();
    assert_eq!(head.seq, 4);
    assert_eq!(audit.verify().unwrap(), Ok(Some(head)));
    assert_eq!(audit.entries().unwrap().len(), 4);
}

/// Whatever single byte is changed, cut or added, the check tells.
#[test]
fn no_byte_can_be_changed_unseen() {
    let (folder, audit) = audit();
    fill(&audit, 3);
    let path = folder.path().join(FILE);
    let bytes = fs::read(&path).unwrap();
    for at in 0..bytes.len() {
        let mut changed = bytes.clone();
        changed[at] ^= 1;
        fs::write(&path, &changed).unwrap();
        assert!(audit.verify().unwrap().is_err(), "byte {at} changed");
        let mut shorter = bytes.clone();
        shorter.remove(at);
        fs::write(&path, &shorter).unwrap();
        assert!(audit.verify().unwrap().is_err(), "byte {at} removed");
    }
}

#[test]
fn lines_cannot_be_removed_swapped_or_cut_unseen() {
    let (folder, audit) = audit();
    fill(&audit, 4);
    let path = folder.path().join(FILE);
    let text = fs::read_to_string(&path).unwrap();
    let lines: Vec<&str> = text.lines().collect();
    let faults = [
        (vec![0, 2, 3], AuditFault::Broken { line: 2 }),
        (vec![0, 2, 1, 3], AuditFault::Broken { line: 2 }),
        (
            vec![0, 1, 2],
            AuditFault::Cut {
                found: 3,
                expected: 4,
            },
        ),
        (
            vec![],
            AuditFault::Cut {
                found: 0,
                expected: 4,
            },
        ),
    ];
    for (kept, fault) in faults {
        let mut kept: Vec<&str> = kept.iter().map(|line| lines[*line]).collect();
        kept.push("");
        let kept = kept.join("\n");
        fs::write(&path, kept).unwrap();
        assert_eq!(audit.verify().unwrap(), Err(fault));
    }
}

/// A crash may cut a line, or the head that tells of it; neither breaks the chain.
#[test]
fn a_crash_leaves_a_chain_that_goes_on() {
    let (folder, audit) = audit();
    fill(&audit, 2);
    let path = folder.path().join(FILE);
    let head = fs::read(folder.path().join(HEAD)).unwrap();
    let whole = fs::read(&path).unwrap();
    fill(&audit, 1);
    let longer = fs::read(&path).unwrap();
    for end in whole.len()..longer.len() {
        fs::write(&path, &longer[..end]).unwrap();
        fs::write(folder.path().join(HEAD), &head).unwrap();
        assert!(audit.verify().unwrap().is_ok(), "cut at {end}");
        fill(&audit, 1);
        let head = audit.verify().unwrap().unwrap().unwrap();
        assert_eq!(head.seq, 3, "cut at {end}");
    }
    fs::write(&path, &longer).unwrap();
    fs::write(folder.path().join(HEAD), &head).unwrap();
    assert!(audit.verify().unwrap().is_ok());
}

#[test]
fn a_long_line_is_found_whole() {
    let (_folder, audit) = audit();
    fill(&audit, 1);
    let why = "x".repeat(200_000);
    let event = AuditEvent::Start {
        spec: Digest::of(b""),
        outcome: AuditOutcome::Failed { why },
    };
    audit.append(&id(), event).unwrap();
    fill(&audit, 2);
    assert_eq!(audit.verify().unwrap().unwrap().unwrap().seq, 4);
}

#[test]
fn several_writers_make_one_chain() {
    let (_folder, audit) = audit();
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| fill(&audit, 10));
        }
    });
    assert_eq!(audit.verify().unwrap().unwrap().unwrap().seq, 40);
}

/// What is added is told once, and checked with what was before.
#[test]
fn a_reader_goes_on_where_it_was() {
    let (folder, audit) = audit();
    fill(&audit, 2);
    let mut reader = audit.reader();
    let mut told = Vec::new();
    let mut read = |reader: &mut AuditReader| {
        let before = told.len();
        reader
            .read_on(&mut |at, entry| told.push((at, entry.seq)))
            .unwrap();
        told.len() - before
    };
    assert_eq!(read(&mut reader), 2);
    assert_eq!(read(&mut reader), 0);
    fill(&audit, 3);
    assert_eq!(read(&mut reader), 3);
    assert_eq!(reader.standing().unwrap().unwrap().seq, 5);
    // From any line on, up to what was read.
    fill(&audit, 1);
    let mut again = Vec::new();
    let from = told[3].0;
    reader
        .read_from(from, &mut |entry| {
            again.push(entry.seq);
            true
        })
        .unwrap();
    assert_eq!(again, [4, 5]);
    assert!(!reader.is_another().unwrap());
    fs::write(folder.path().join(FILE), b"").unwrap();
    assert!(reader.is_another().unwrap());
}

/// A line that is none hides no entry behind it, and stays a fault.
#[test]
fn what_is_behind_a_fault_is_told() {
    let (folder, audit) = audit();
    fill(&audit, 2);
    let path = folder.path().join(FILE);
    let mut bytes = fs::read(&path).unwrap();
    bytes.splice(0..1, *b"x");
    fs::write(&path, &bytes).unwrap();
    let mut reader = audit.reader();
    let mut told = 0;
    reader.read_on(&mut |_, _| told += 1).unwrap();
    assert_eq!(told, 1);
    assert_eq!(reader.standing(), Err(AuditFault::Garbled { line: 1 }));
}
