//! What the files say today of a bottle that was started before.

use std::path::PathBuf;

use uuid::Uuid;

use super::load::Manifest;
use super::resolve::{ResolveError, ResolveOptions};
use super::workspace::Folder;
use crate::spec::{Observe, Spec};

/// The argument that the provider's `--remote-control` becomes.
const REMOTE_CONTROL: &str = "--remote-control";

impl Manifest {
    /// Gives the spec that the bottle's agent would have if it were started today.
    ///
    /// What no file says but only the start of the bottle did is taken from the bottle: its
    /// conversation's id, the operator's time zone, where a relative folder started, and
    /// arguments behind those of the files. So equal files give an equal spec. No secret is
    /// looked up.
    ///
    /// # Errors
    /// As [`Manifest::resolve`].
    pub fn resolve_again(&self, bottle: &Spec) -> Result<Spec, ResolveError> {
        let session = &bottle.session;
        let (session_id, remote_control) = match &session.observe {
            Observe::Claude { session_id } => {
                let is_remote = session.argv.iter().any(|word| word == REMOTE_CONTROL);
                (Uuid::parse_str(session_id).unwrap_or_default(), is_remote)
            }
            Observe::Output => (Uuid::nil(), false),
        };
        let mut options = ResolveOptions {
            extra_args: Vec::new(),
            remote_control,
            session_id,
            time_zone: session.env.get("TZ").cloned(),
            cwd: PathBuf::new(),
        };
        let folder = Folder::Kept(&bottle.workspace);
        let resolve = |options: &ResolveOptions| self.resolve_in(&bottle.agent, options, folder);
        let spec = match resolve(&options) {
            // The provider is another now, which has none.
            Err(ResolveError::RemoteControl) => {
                options.remote_control = false;
                resolve(&options)?.spec
            }
            plan => plan?.spec,
        };
        let Some(extra) = session.argv.strip_prefix(spec.session.argv.as_slice()) else {
            return Ok(spec);
        };
        if extra.is_empty() {
            return Ok(spec);
        }
        options.extra_args = extra.to_vec();
        Ok(resolve(&options).map_or(spec, |plan| plan.spec))
    }
}
