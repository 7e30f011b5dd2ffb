//! Grants that go into the operator's own manifest too.
//!
//! The change of the file is shown first ([`preview`]); with the yes to it, it is kept
//! beside the bottle before the verdict is given, and written once the bottle has what was
//! granted. Killed in between, whoever finishes the answer finds it there and writes it.
//! A file that is not what it was when the change was shown stays as it is, and the
//! operator is told; the bottle has its grant all the same.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::cellar::Cellar;
use super::exit::{Exit, Failure};
use super::hub::Talk;
use super::planning;
use super::requests::Answered;
use crate::manifest::{EditError, Rewrite, RewriteError, Written};
use crate::policy::{LineDiff, ScanRule};
use crate::request::{Answer, Ask, RequestRecord, RequestState, Scope, Terms, next_spec};
use crate::spec::{BottleId, Digest, ImageSource};
use crate::store::{AuditEvent, Claim, Lock, Record};

/// How often, and how far apart, the right to change the files is asked for.
const TRIES: u32 = 50;
const PACE: Duration = Duration::from_millis(100);

/// What helps where the manifest has no place for something.
const ALONE: &str = "approve it for this bottle alone, without --scope manifest";

/// A change of the manifest as it was shown.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct Proposal {
    /// The request that it is for.
    request: u64,
    /// The change; none if the manifest says so already.
    rewrite: Option<Rewrite>,
}

/// What became of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(tag = "outcome", rename_all = "snake_case")]
pub(crate) enum IntoManifest {
    /// The file was written.
    Written {
        /// It.
        file: String,
    },
    /// The manifest said so already.
    AlreadyThere,
    /// The file is as it was.
    Left {
        /// Why.
        why: String,
    },
}

impl IntoManifest {
    /// What became of it, for the end of a line.
    pub(super) fn words(&self) -> String {
        match self {
            Self::Written { file } => format!("; written into {file}"),
            Self::AlreadyThere => String::from("; the manifest has it already"),
            Self::Left { .. } => String::from("; the manifest is as it was"),
        }
    }
}

impl Proposal {
    /// Names the change and the file that it was planned for.
    pub(super) fn digest(&self) -> Result<Digest, serde_json::Error> {
        Ok(Digest::of(&serde_json::to_vec(self)?))
    }

    /// The file that changes and how; nothing if the manifest says so already.
    pub(crate) fn diff(&self) -> Option<(&str, LineDiff)> {
        let rewrite = self.rewrite.as_ref()?;
        Some((rewrite.name(), rewrite.diff()))
    }
}

/// What a grant would change in the manifest; nothing for one of the bottle alone. Reads
/// files and changes none.
///
/// # Errors
/// [`Failure`] for what cannot stand in the manifest, or not where the template has its
/// image from.
pub(crate) fn preview(
    record: &Record,
    request: u64,
    ask: &Ask,
    terms: Terms,
) -> Result<Option<Proposal>, Failure> {
    if terms.scope == Scope::Bottle {
        return Ok(None);
    }
    let attempt = || attempt(request, &record.id);
    let refused = |why: &str, help: &str| {
        let failure = Failure::because(attempt(), why);
        Err(failure.help(help).exit(Exit::Usage))
    };
    if terms.until.is_some() || terms.uses.is_some() {
        return refused(
            "what is granted for a time or so often ends with the bottle's, and the manifest is for every bottle to come",
            "leave out --for and --uses, or --scope manifest",
        );
    }
    if record.is_demo {
        return refused("a bottle of the demo comes from no manifest", ALONE);
    }
    let template = &record.spec.template;
    let rewrite = match ask {
        Ask::Route(asked) => planning::load()?
            .manifest
            .with_route(template, &asked.route(request)),
        Ask::Image { .. } | Ask::Packages { .. } => {
            let step = next_spec(&record.spec, request, ask, terms);
            let Ok(ImageSource::Dockerfile { text }) = step.map(|step| step.spec.image) else {
                return refused("this version cannot write it as a Dockerfile yet", ALONE);
            };
            planning::load()?.manifest.with_dockerfile(template, &text)
        }
        Ask::McpServer(_) => {
            return refused("a manifest has no place for MCP servers", ALONE);
        }
        Ask::ScanPass(asked) => {
            let rules: Vec<&str> = asked.rules.iter().map(ScanRule::as_str).collect();
            let help = format!(
                "leave out --scope manifest, and add \"pass\": {rules:?} to the `scan` of the route in your cellar.json"
            );
            return refused(
                "it changes a route that is there, and no route is rewritten",
                &help,
            );
        }
        Ask::Question { .. } => {
            return refused(
                "it is a question, and changes nothing",
                "`cellar request reply` answers it",
            );
        }
    };
    let rewrite = rewrite.map_err(|error| failure(attempt(), &error))?;
    Ok(Some(Proposal { request, rewrite }))
}

impl Cellar {
    /// Keeps what was shown of the manifest beside the bottle, so that it is written even
    /// if this process is not there to do it. Called before the verdict is given.
    ///
    /// # Errors
    /// [`Failure`] if nothing was shown, or the file has changed since.
    pub(super) async fn intend(
        &self,
        claim: &Claim,
        proposal: Option<&Proposal>,
        answer: &Answer,
    ) -> Result<(), Failure> {
        let Answer::Approve { terms, .. } = answer else {
            return Ok(());
        };
        if terms.scope == Scope::Bottle {
            return Ok(());
        }
        let Some(proposal) = proposal else {
            let attempt = format!("answer a request of `{}`", claim.id());
            return Err(
                Failure::because(attempt, "what it changes in the manifest was not shown")
                    .help("`cellar request approve BOTTLE/N --scope manifest` shows it first"),
            );
        };
        let attempt = || attempt(proposal.request, claim.id());
        let _lock = self.manifest_lock(attempt()).await?;
        if let Some(rewrite) = &proposal.rewrite {
            rewrite
                .check()
                .map_err(|error| failure(attempt(), &error))?;
        }
        claim
            .intend(proposal)
            .map_err(|error| Failure::new(attempt(), &error))
    }

    /// Writes what was kept for a request that is granted into the manifest; again, it
    /// changes nothing. Nothing for one that is granted to the bottle alone. What was kept
    /// is to be forgotten only when the hub knows, see [`Claim::forget_intention`].
    pub(super) async fn write_manifest(
        &self,
        claim: &Claim,
        request: &RequestRecord,
    ) -> Option<IntoManifest> {
        let (_, terms) = request.granted()?;
        if terms.scope == Scope::Bottle {
            return None;
        }
        let kept = claim.intention::<Proposal>();
        let kept = kept.filter(|kept| kept.request == request.id);
        let done = match (kept, claim.record()) {
            (Some(kept), Ok(record)) => self.write(&record, &kept).await,
            (None, _) => Err(Failure::because(
                attempt(request.id, claim.id()),
                "what was shown of it is not kept any more",
            )),
            (_, Err(error)) => Err(Failure::new(attempt(request.id, claim.id()), &error)),
        };
        Some(done.unwrap_or_else(|failure| IntoManifest::Left {
            why: failure.cause(),
        }))
    }

    /// Puts what a request was given before into the manifest too. It is one step, so
    /// nothing of it can be half done.
    ///
    /// # Errors
    /// [`Failure`] with nothing changed.
    pub(crate) async fn promote(
        &self,
        bottle: &BottleId,
        proposal: &Proposal,
    ) -> Result<Answered, Failure> {
        let attempt = || attempt(proposal.request, bottle);
        let claim = self.claim("put into the manifest what was given to", bottle)?;
        let record = claim
            .record()
            .map_err(|error| Failure::new(attempt(), &error))?;
        let talk = Talk::over(&self.links, &*self.engine, bottle)
            .await
            .map_err(|error| Failure::new(attempt(), &error))?;
        let request = talk.view.requests.get(&proposal.request).cloned();
        let request = request
            .filter(|request| matches!(request.state, RequestState::Applied { .. }))
            .ok_or_else(|| Failure::because(attempt(), "it is not in force any more"))?;
        let manifest = Some(self.write(&record, proposal).await?);
        Ok(Answered {
            request,
            reach: None,
            manifest,
        })
    }

    async fn write(&self, record: &Record, proposal: &Proposal) -> Result<IntoManifest, Failure> {
        let attempt = || attempt(proposal.request, &record.id);
        let Some(rewrite) = &proposal.rewrite else {
            return Ok(IntoManifest::AlreadyThere);
        };
        let _lock = self.manifest_lock(attempt()).await?;
        let event = AuditEvent::Manifest {
            request: proposal.request,
            file: rewrite.name().to_owned(),
            words: rewrite.diff().words(),
        };
        self.audit(record, event)?;
        let file = rewrite.name().to_owned();
        match rewrite.commit() {
            // Before: whoever was killed had come so far.
            Ok(Written::Now | Written::Before) => Ok(IntoManifest::Written { file }),
            Err(error) => Err(failure(attempt(), &error)),
        }
    }

    async fn manifest_lock(&self, attempt: String) -> Result<Lock, Failure> {
        for _ in 0..TRIES {
            let lock = self.store.lock_manifest();
            match lock.map_err(|error| Failure::new(&*attempt, &error))? {
                Some(lock) => return Ok(lock),
                None => tokio::time::sleep(PACE).await,
            }
        }
        Err(
            Failure::because(attempt, "another cellar is changing the manifest")
                .help("wait for it to finish, then try again"),
        )
    }
}

impl Answered {
    /// The failure to tell of if the manifest was to be changed and is as it was.
    pub(super) fn left_out(&self, bottle: &BottleId) -> Option<Failure> {
        let Some(IntoManifest::Left { why }) = &self.manifest else {
            return None;
        };
        let id = self.request.id;
        let help = format!(
            "the bottle has it; `cellar request approve {bottle}/{id} --scope manifest` tries again"
        );
        Some(Failure::because(attempt(id, bottle), why.clone()).help(help))
    }
}

fn attempt(request: u64, bottle: &BottleId) -> String {
    format!("put what request {request} of `{bottle}` asks for into the manifest")
}

fn failure(attempt: String, error: &RewriteError) -> Failure {
    let failure = Failure::new(attempt, error);
    match error {
        RewriteError::Changed { .. } => failure.help("look at it again, then answer"),
        RewriteError::NoDockerfile { .. } => failure.help(
            "write a Dockerfile beside cellar.json and name it there by hand: \"image\": { \"dockerfile\": \"Dockerfile\" }; or approve it for this bottle alone",
        ),
        RewriteError::Edit {
            why: EditError::Broken { .. },
            ..
        } => failure
            .help("`cellar check` shows each mistake in its place")
            .exit(Exit::BadManifest),
        RewriteError::Edit { .. } => {
            failure.help("change the file by hand, or approve it for this bottle alone")
        }
        RewriteError::Unreadable { .. } | RewriteError::Io { .. } => {
            failure.help("check that the file is there and yours")
        }
    }
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;

    use super::*;
    use crate::policy::{HostName, Methods};
    use crate::request::RouteAsk;
    use crate::state::fixture::{ago, spec};

    fn record(is_demo: bool) -> Record {
        let spec = spec();
        Record {
            version: 1,
            id: BottleId::parse("api-k3x9q").unwrap(),
            created: ago(0),
            engine: String::from("e"),
            is_demo,
            revision: 1,
            digest: spec.digest().unwrap(),
            spec,
        }
    }

    fn route() -> Ask {
        Ask::Route(RouteAsk {
            host: HostName::parse("pypi.org").unwrap().into(),
            ports: vec![443],
            methods: Methods::Any,
            paths: Vec::new(),
            websocket: false,
        })
    }

    /// None of these looks at a file.
    #[test]
    fn what_cannot_stand_in_the_manifest_says_why() {
        let terms = Terms {
            scope: Scope::Manifest,
            ..Terms::default()
        };
        let said = |record: &Record, ask: &Ask, terms: Terms| {
            preview(record, 4, ask, terms).unwrap_err().line()
        };
        let alone = preview(&record(false), 4, &route(), Terms::default());
        assert_eq!(alone.unwrap(), None);
        for terms in [
            Terms {
                until: Some(Timestamp::UNIX_EPOCH),
                ..terms
            },
            Terms {
                uses: Some(3),
                ..terms
            },
        ] {
            let told = said(&record(false), &route(), terms);
            assert!(told.contains("leave out --for and --uses"), "{told}");
        }
        let told = said(&record(true), &route(), terms);
        assert!(told.contains("comes from no manifest"), "{told}");
        let question = Ask::Question {
            text: String::from("which?"),
            choices: Vec::new(),
        };
        let told = said(&record(false), &question, terms);
        assert!(told.contains("it is a question"), "{told}");
    }
}
