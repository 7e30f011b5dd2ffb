//! What a key can mean, and where it means it.

use serde::{Deserialize, Serialize};

use super::audit::AuditCommand;
use super::copying::CopyCommand;
use super::log::LogCommand;
use super::order::SortKey;
use super::panes::WallMove;
use super::view::Tab;

/// What the operator wants.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(tag = "command", content = "of", rename_all = "snake_case")]
pub enum Command {
    /// One line up.
    Up,
    /// One line down.
    Down,
    /// One page up.
    PageUp,
    /// One page down.
    PageDown,
    /// To the first line.
    Top,
    /// To the last line; a paused tail follows again.
    Bottom,
    /// Attach to the selected bottle's session.
    Attach,
    /// The same on the whole terminal.
    AttachFull,
    /// Show several sessions side by side, or the list again.
    Split,
    /// Let the attached session go.
    Detach,
    /// Back to where one came from.
    Back,
    /// The keys act on the list.
    FocusList,
    /// The keys act on the detail.
    FocusDetail,
    /// The next page of the detail.
    NextTab,
    /// The previous page of the detail.
    PreviousTab,
    /// A page of the detail.
    Show(Tab),
    /// A page of the detail, and the keys act on it.
    Read(Tab),
    /// Something of the page of logs.
    Log(LogCommand),
    /// Something of a session that is read back.
    Copy(CopyCommand),
    /// Choose an agent to start.
    Start,
    /// Something that is done to the selected bottle, or to all that are marked.
    Life(Life),
    /// Cancel what is being done to the selected bottle.
    CancelOperation,
    /// Type a filter.
    Filter,
    /// Type a filter of decisions.
    FilterDecisions,
    /// Show only what was refused, or everything again.
    OnlyRefused,
    /// Read all of the selected decision.
    Open,
    /// Offer the narrowest route for what was refused.
    Permit,
    /// Count what each route let out.
    Hits,
    /// What all bottles let out, or back from there.
    AllEgress,
    /// Go to the page of the bottle that the selected decision is about.
    Visit,
    /// Show or hide the sidecars.
    Expand,
    /// Order the list.
    Order(OrderCommand),
    /// Read what was decided and done, or back from there.
    Audit,
    /// Something of that page.
    Entry(AuditCommand),
    /// Move the wall between list and detail.
    Wall(WallMove),
    /// All that waits for the operator, or back from there.
    Inbox,
    /// What waits, or what was answered.
    OtherList,
    /// Open the selected request of a bottle in the inbox.
    OpenRequest,
    /// The images that are made over all bottles, or back from there.
    Builds,
    /// Show what the selected build says.
    OpenBuild,
    /// Go to the bottle of the selected build.
    VisitBuild,
    /// Read the selected request on the whole view.
    ReadAsk,
    /// Go on to the next that waits.
    NextAsk,
    /// Approve what the selected row asks for.
    Approve,
    /// Mark the selected row of what waits, or take its mark away.
    MarkAsk,
    /// Mark all that waits, or nothing.
    MarkAllAsks,
    /// Choose the terms first.
    Terms,
    /// Deny it.
    Deny,
    /// Reply to it.
    Reply,
    /// Edit what is asked for in the operator's editor.
    Edit,
    /// Take back what it was given.
    Undo,
    /// Go to the bottle that the selected row is about.
    ToBottle,
    /// The previous value.
    Less,
    /// The next value.
    More,
    /// Select the next bottle that needs the operator.
    NextNeed,
    /// List all engines again.
    Refresh,
    /// Show the keys.
    Help,
    /// Answer what a bottle's egress holds, raise its spent budgets, or hand it the secrets it waits for.
    Answer,
    /// Refuse it.
    Refuse,
    /// Yes.
    Accept,
    /// No.
    Cancel,
    /// Rub out a character.
    Erase,
    /// Rub out everything.
    EraseAll,
    /// Type a command.
    CommandLine,
    /// Choose one.
    Palette,
    /// Complete what is typed.
    Complete,
    /// Leave the console.
    Quit,
    /// Leave it without being asked.
    QuitNow,
}

/// What is done to bottles.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Life {
    /// Stop the bottle.
    Stop,
    /// Resume the bottle.
    Resume,
    /// Remove the bottle.
    Remove,
    /// Stop it and start it again.
    Restart,
    /// Freeze it; if it is frozen, let it go on.
    Freeze,
    /// Freeze it, and nothing else.
    FreezeOnly,
    /// Let it go on, and nothing else.
    Unfreeze,
    /// Cut its egress from the network; if it is cut, connect it again.
    Cut,
    /// Cut it, and nothing else.
    CutOnly,
    /// Connect it, and nothing else.
    Reconnect,
    /// Type a line into its session without attaching.
    Send,
    /// Freeze every bottle and cut every egress, or let them go.
    Panic,
    /// Mark the bottle, or take its mark away.
    Mark,
    /// Mark all between the last mark and the bottle.
    MarkRange,
    /// Mark all that the list shows, or none.
    MarkAll,
}

/// What the operator wants of the order of the list.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OrderCommand {
    /// Choose it.
    Choose,
    /// Sort by this.
    By(SortKey),
    /// Sort the other way round.
    Reverse,
    /// Group by the next thing.
    Group,
    /// Fold or unfold the group of the selected row.
    Fold,
    /// Fold or unfold all groups.
    FoldAll,
}

/// Where keys are read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Context {
    /// The list has the keys.
    List,
    /// Several sessions are shown side by side.
    Split,
    /// The detail has the keys.
    Detail,
    /// The detail has the keys and shows logs.
    Logs,
    /// The detail has the keys and shows decisions.
    Egress,
    /// The detail has the keys and shows requests.
    Requests,
    /// The decisions of all bottles have the keys.
    AllEgress,
    /// All that waits for the operator has the keys.
    Inbox,
    /// The builds of all bottles have the keys.
    Builds,
    /// What was decided and done has the keys.
    Audit,
    /// A decision is read.
    Decision,
    /// A filter is typed.
    Filter,
    /// A session is being attached.
    Attaching,
    /// A session has the keys.
    Attached,
    /// A session is read back.
    Copying,
    /// What is to be looked for in it is typed.
    CopyFind,
    /// An agent is chosen.
    Picker,
    /// A plan is read.
    Plan,
    /// A question is asked.
    Confirm,
    /// Whether everything is to be held still, or let go, is asked.
    Panic,
    /// A held connection waits for yes, no or later.
    Answer,
    /// A budget that is spent waits for yes, no or later.
    Raise,
    /// A request waits for a yes.
    Approve,
    /// A request waits for a yes to what was found in it too.
    ApproveFindings,
    /// Several requests wait for one yes.
    ApproveAll,
    /// Terms are chosen.
    Terms,
    /// A line is typed for an agent.
    Line,
    /// A command is typed or chosen.
    Palette,
    /// It is chosen how the list is ordered.
    Order,
    /// The keys are read.
    Help,
    /// A message is read.
    Message,
    /// A secret is typed; its asker has the keys.
    Secret,
}

impl Context {
    /// All of them, those last that are of a session alone.
    pub(super) const ALL: &[Self] = &[
        Self::List,
        Self::Split,
        Self::Detail,
        Self::Logs,
        Self::Egress,
        Self::Requests,
        Self::AllEgress,
        Self::Inbox,
        Self::Builds,
        Self::Audit,
        Self::Decision,
        Self::Filter,
        Self::Attaching,
        Self::Picker,
        Self::Plan,
        Self::Confirm,
        Self::Panic,
        Self::Answer,
        Self::Raise,
        Self::Approve,
        Self::ApproveFindings,
        Self::ApproveAll,
        Self::Terms,
        Self::Line,
        Self::Palette,
        Self::Order,
        Self::Help,
        Self::Message,
        Self::Secret,
        Self::Copying,
        Self::CopyFind,
        Self::Attached,
    ];
}
