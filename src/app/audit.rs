//! What goes into the audit, and from where.
//!
//! What changes what a bottle may do is noted before it is done, and not done if it cannot
//! be noted; what only happened is noted after, and a failure there holds nothing up. The
//! demo's bottles leave no trace.

use super::cellar::Cellar;
use super::exit::Failure;
use crate::docker::Up;
use crate::spec::{BottleId, Digest};
use crate::store::{AuditEvent, AuditOutcome, Record};

impl Cellar {
    /// Notes something of a bottle on record.
    ///
    /// # Errors
    /// [`Failure`]; what it tells of must not be done then.
    pub(super) fn audit(&self, record: &Record, event: AuditEvent) -> Result<(), Failure> {
        if record.is_demo {
            return Ok(());
        }
        let noted = self.store.audit().append(&record.id, event);
        noted.map(|_| ()).map_err(|error| {
            Failure::new(format!("note it in the audit of `{}`", record.id), &error)
                .help("nothing was done; `cellar audit verify` tells what is wrong with the file, and its disk may be full")
        })
    }

    /// As [`Cellar::audit`], for what happened already. A failure is passed over: nothing
    /// can be told here without spoiling a screen, and `doctor` checks the file.
    pub(crate) fn audit_after(&self, id: &BottleId, event: AuditEvent) {
        if let Ok(record) = self.store.record(id) {
            drop(self.audit(&record, event));
        }
    }

    /// Notes how a start or a resume ended.
    pub(super) fn audit_up(
        &self,
        record: &Record,
        event: fn(Digest, AuditOutcome) -> AuditEvent,
        up: Result<&Up, String>,
    ) -> Result<(), Failure> {
        let up = match up {
            Ok(up) => up,
            Err(why) => {
                let outcome = AuditOutcome::Failed { why };
                return self.audit(record, event(record.digest, outcome));
            }
        };
        self.audit(record, event(record.digest, AuditOutcome::Done))?;
        let broken = up.seal.checks.iter().filter(|check| !check.holds);
        let event = AuditEvent::Seal {
            holds: up.seal.holds(),
            broken: broken.map(|check| check.name.clone()).collect(),
        };
        self.audit(record, event)
    }
}

/// See [`Cellar::audit_up`].
pub(super) const fn started(spec: Digest, outcome: AuditOutcome) -> AuditEvent {
    AuditEvent::Start { spec, outcome }
}

/// See [`Cellar::audit_up`].
pub(super) const fn resumed(spec: Digest, outcome: AuditOutcome) -> AuditEvent {
    AuditEvent::Resume { spec, outcome }
}
