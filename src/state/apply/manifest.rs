//! A yes that goes into the operator's own file too: what it changes there is looked up
//! and read before it can be said, and it covers that change alone.

use crate::request::{Answer, Scope};
use crate::state::console::State;
use crate::state::effect::Effect;
use crate::state::inbox::{Draft, ManifestLook, TermsLine};
use crate::state::view::Modal;

impl State {
    /// Goes on from the terms: to the yes, or first to what it changes in the manifest.
    pub(super) fn take_terms(
        &mut self,
        draft: Box<Draft>,
        line: TermsLine,
        effects: &mut Vec<Effect>,
    ) {
        if draft.terms.scope == Scope::Bottle {
            self.open(Modal::Approve { draft, scroll: 0 });
            return;
        }
        if let Some(why) = draft.manifest_refusal() {
            self.warn(why.to_owned());
        } else {
            self.tell(String::from("looking at what it changes in the manifest"));
            effects.push(Effect::PlanManifest {
                draft: draft.clone(),
            });
        }
        self.open(Modal::Terms { draft, line });
    }

    /// Takes what a yes would change in the manifest, for the first time, or again because
    /// the file was changed meanwhile.
    pub(super) fn on_manifest_planned(
        &mut self,
        draft: Draft,
        result: Result<Box<ManifestLook>, String>,
    ) {
        let inbox = &mut self.view.inbox;
        let is_again = draft.manifest.is_some();
        for shown in &draft.shown {
            if is_again && inbox.busy.remove(&shown.request) {
                inbox.is_stale = true;
                inbox.wish = None;
            }
        }
        let is_awaited = match &self.view.modal {
            Some(Modal::Terms { draft: asked, .. }) => **asked == draft,
            None => is_again,
            Some(_) => false,
        };
        match result {
            Ok(_) if !is_awaited && is_again => self.warn(String::from(
                "the manifest was changed since it was shown, and nothing was approved: a shows it again",
            )),
            // The operator thought better of it.
            _ if !is_awaited && !is_again => {}
            Ok(look) => {
                if is_again {
                    self.warn(String::from(
                        "the manifest was changed since it was shown: read it again",
                    ));
                } else {
                    self.view.notice = None;
                }
                let draft = Box::new(Draft {
                    manifest: Some(look),
                    ..draft
                });
                self.open(Modal::Approve { draft, scroll: 0 });
            }
            Err(why) => self.warn(why),
        }
    }

    /// Says a yes to a request and to what it changes in the manifest.
    pub(super) fn say_into_manifest(
        &mut self,
        draft: Draft,
        answer: Answer,
        effects: &mut Vec<Effect>,
    ) {
        self.answering(&draft.shown, &answer);
        let draft = Box::new(draft);
        effects.push(Effect::ApproveIntoManifest { draft, answer });
    }
}
