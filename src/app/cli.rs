//! The command line: verbs, their arguments, nothing of what they do.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};

use crate::spec::BottleId;
use crate::wire::Role;

/// What the operator can ask for without opening the console.
#[derive(Clone, Debug, Subcommand)]
pub enum Verb {
    /// Start an agent in a new bottle.
    Start(StartArguments),
    /// List bottles.
    #[command(visible_alias = "ls")]
    List(ListArguments),
    /// Show one bottle: containers, seal, routes, last decisions.
    Show(OneArguments),
    /// Show what bottles use: CPU, memory, network, tokens and cost.
    Stats(StatsArguments),
    /// Attach to a bottle's session; ctrl-q detaches.
    Attach(AttachArguments),
    /// Print the logs of a bottle's containers.
    Logs(LogsArguments),
    /// Show what leaves a bottle, and change what may.
    Egress(EgressArguments),
    /// Show how the budgets of a bottle stand, raise them, or change them.
    Budget(BudgetArguments),
    /// List what agents ask for, over all running bottles; exit 1 if nothing waits.
    Requests(RequestsArguments),
    /// Look at one request, and answer it.
    Request {
        /// What to do.
        #[command(subcommand)]
        verb: RequestVerb,
    },
    /// List how a bottle came to be what it is.
    Revisions(OneArguments),
    /// Show what differs between a bottle now and at a revision, or the manifest.
    Diff(DiffArguments),
    /// Bring the routes of a bottle to what the manifest says today; shows it and asks first.
    Apply(ApplyArguments),
    /// Take a bottle back to an earlier revision.
    Rollback(RevisionArguments),
    /// Print what happens to bottles as it happens, until interrupted.
    Events(EventsArguments),
    /// Wait until bottles are in a state; exit 1 if that cannot be, or not in time.
    Wait(WaitArguments),
    /// List the images that are being made for bottles, and those that were made lately.
    Builds(BuildsArguments),
    /// Show what was decided and done, and check that nothing is missing.
    Audit(AuditArguments),
    /// Stop bottles; their conversation and files are kept.
    Stop(SomeArguments),
    /// Start stopped bottles again with their conversation.
    Resume(ManyArguments),
    /// Type one line into a bottle's session, without attaching.
    Send(SendArguments),
    /// Stop bottles and start them again with their conversation.
    Restart(ManyArguments),
    /// Freeze bottles where they are; their memory is kept.
    Freeze(SomeArguments),
    /// Let frozen bottles go on.
    Unfreeze(SomeArguments),
    /// Cut bottles from the network: nothing leaves, whatever their routes allow.
    Cut(SomeArguments),
    /// Give bottles that were cut their network back.
    Reconnect(SomeArguments),
    /// Freeze every bottle and cut every egress at once; nothing starts until it is undone.
    Panic(PanicArguments),
    /// Hand running bottles the secrets that their routes name, after egress lost them.
    Unlock(ManyArguments),
    /// Remove bottles with everything they hold.
    #[command(visible_alias = "remove")]
    Rm(RmArguments),
    /// Remove what belongs to no bottle any more; shows it and asks first.
    Cleanup(CleanupArguments),
    /// Check the engine and this machine, and say how to mend what would fail.
    Doctor(JsonArguments),
    /// Open the console on three real bottles with scripted agents: no network, no key.
    Demo(DemoArguments),
    /// Write a commented starter manifest.
    Init(InitArguments),
    /// Open the console and record what happens into a new file; typed text is not in it.
    Record(RecordArguments),
    /// Look at a recording: at any speed, or one event at a time.
    Replay(ReplayArguments),
    /// Record what a session's screen shows as an asciicast, for asciinema; types nothing.
    Cast(CastArguments),
    /// The console as plain lines, which `--plain` opens.
    #[command(hide = true)]
    Plain,
    /// List the console's keys by the names that config.json changes them by.
    Keys(JsonArguments),
    /// Check the manifest and every agent in it.
    Check(JsonArguments),
    /// Print a completion script for a shell.
    Completions {
        /// The shell.
        shell: clap_complete::Shell,
    },
    /// Print the man page, or write one for each verb into a folder.
    Man {
        /// The folder, such as `share/man/man1`; it is made if it is not there.
        dir: Option<PathBuf>,
    },
}

/// Arguments of `start`.
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is one independent flag"
)]
#[derive(Clone, Debug, Args)]
pub struct StartArguments {
    /// The agent, as the manifest names it.
    pub agent: String,
    /// Show what would be started and stop there; asks for no secret.
    #[arg(long)]
    pub dry_run: bool,
    /// Start without asking.
    #[arg(long, short = 'y')]
    pub yes: bool,
    /// Name the bottle instead of letting one be made up.
    #[arg(long, value_name = "NAME")]
    pub name: Option<BottleId>,
    /// Let the session be driven from the provider's own remote control.
    #[arg(long)]
    pub remote_control: bool,
    /// Attach as soon as it is ready.
    #[arg(long, short = 'a', conflicts_with = "json")]
    pub attach: bool,
    /// Print JSON.
    #[arg(long)]
    pub json: bool,
    /// More arguments for the agent's program.
    #[arg(last = true)]
    pub extra: Vec<String>,
}

/// Arguments of `record`.
#[derive(Clone, Debug, Args)]
pub struct RecordArguments {
    /// The file, which must not be there yet.
    pub file: PathBuf,
}

/// Arguments of `replay`.
#[derive(Clone, Debug, Args)]
pub struct ReplayArguments {
    /// The recording.
    pub file: PathBuf,
    /// How fast, such as 2 or 0.5; the next power of two counts.
    #[arg(long, value_name = "FACTOR", default_value_t = 1.0)]
    pub speed: f64,
    /// Begin with nothing; `.` goes one event further.
    #[arg(long)]
    pub paused: bool,
    /// Print what was known at the end as JSON, and show nothing.
    #[arg(long)]
    pub json: bool,
}

/// Arguments of `cast`.
#[derive(Clone, Debug, Args)]
pub struct CastArguments {
    /// The bottle, by id or the beginning of it.
    pub bottle: String,
    /// The file, which must not be there yet; - prints it.
    pub file: PathBuf,
    /// How long to record, such as 90s or 10m; until interrupted or the session ends without.
    #[arg(long = "for", value_name = "TIME")]
    pub time: Option<String>,
}

/// Arguments of `events`.
#[derive(Clone, Debug, Args)]
pub struct EventsArguments {
    /// Bottles, by id or the beginning of it; all without any.
    pub bottles: Vec<String>,
    /// Print one JSON object a line.
    #[arg(long)]
    pub json: bool,
}

/// Arguments of `wait`.
#[derive(Clone, Debug, Args)]
pub struct WaitArguments {
    /// Bottles, by id or the beginning of it; all of them are waited for.
    #[arg(required = true)]
    pub bottles: Vec<String>,
    /// What to wait for; one of several is enough.
    #[arg(
        long = "for",
        value_enum,
        value_name = "STATE",
        value_delimiter = ',',
        required = true
    )]
    pub states: Vec<WaitState>,
    /// How long to wait, such as 45s, 10m or 2h; for ever without.
    #[arg(long, value_name = "TIME")]
    pub timeout: Option<String>,
    /// Print JSON: each bottle and how it stands.
    #[arg(long)]
    pub json: bool,
}

/// What can be waited for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum WaitState {
    /// Its session runs, whatever it does.
    Ready,
    /// A turn runs.
    Working,
    /// No turn runs; its program waits for a prompt.
    Idle,
    /// Its program waits for you.
    Waiting,
    /// Its model answers that too much was asked for, or that it has no room.
    Limited,
    /// Its model does not take its credential.
    Expired,
    /// Its requests wait, because a budget is spent.
    Paused,
    /// Its agent is frozen.
    Frozen,
    /// Anything of it waits for you: its program, a request, a held connection.
    NeedsYou,
    /// It does not run, and nothing is wrong.
    Stopped,
    /// It cannot go on.
    Failed,
    /// It was removed.
    Gone,
}

/// Arguments of `list`.
#[derive(Clone, Debug, Args)]
pub struct ListArguments {
    /// Print JSON.
    #[arg(long)]
    pub json: bool,
    /// Do not ask the bottles what their agents are doing.
    #[arg(long)]
    pub quick: bool,
    /// Also bottles of other operators on the same engine.
    #[arg(long)]
    pub all: bool,
}

/// Arguments of `stats`.
#[derive(Clone, Debug, Args)]
pub struct StatsArguments {
    /// Bottles, by id or the beginning of it; all without any.
    pub bottles: Vec<String>,
    /// Print JSON; with `--watch` one object a line.
    #[arg(long)]
    pub json: bool,
    /// Go on every other second, until interrupted.
    #[arg(long)]
    pub watch: bool,
}

/// Arguments of a verb on one bottle that prints data.
#[derive(Clone, Debug, Args)]
pub struct OneArguments {
    /// The bottle's id, or the beginning of it.
    pub bottle: String,
    /// Print JSON.
    #[arg(long)]
    pub json: bool,
}

/// Arguments of `attach`.
#[derive(Clone, Debug, Args)]
pub struct AttachArguments {
    /// The bottle's id, or the beginning of it.
    pub bottle: String,
    /// Watch only: nothing typed reaches the session.
    #[arg(long)]
    pub watch: bool,
}

/// Arguments of `logs`.
#[derive(Clone, Debug, Args)]
pub struct LogsArguments {
    /// Ids of bottles, or the beginnings of them; their lines are merged by time.
    #[arg(required = true)]
    pub bottles: Vec<String>,
    /// Keep printing as lines come.
    #[arg(long, short = 'f')]
    pub follow: bool,
    /// Only this container; all of them when absent.
    #[arg(long, value_enum)]
    pub role: Option<RoleArgument>,
    /// Only the last lines of each container.
    #[arg(long, short = 'n', value_name = "LINES")]
    pub tail: Option<u32>,
    /// Only lines since then: `90s`, `15m`, `2h`, `1d`, or a time such as
    /// `2026-11-21T14:02:00Z`.
    #[arg(long, value_name = "WHEN", value_parser = super::verbs::since)]
    pub since: Option<jiff::Timestamp>,
    /// Only lines that hold this: a regular expression, or plain text if it is none; without
    /// a capital letter in it, case makes no difference.
    #[arg(long, value_name = "PATTERN")]
    pub grep: Option<String>,
    /// Print the time of each line.
    #[arg(long, short = 't')]
    pub timestamps: bool,
    /// Print JSON, one object a line.
    #[arg(long)]
    pub json: bool,
}

/// Arguments of `egress`.
#[derive(Clone, Debug, Args)]
#[command(args_conflicts_with_subcommands = true, subcommand_negates_reqs = true)]
pub struct EgressArguments {
    /// The bottle's id, or the beginning of it: its routes, what waits, the last decisions.
    #[arg(required = true)]
    pub bottle: Option<String>,
    /// Keep printing decisions as they come.
    #[arg(long, short = 'f')]
    pub follow: bool,
    /// Print JSON; with `--follow` one object a line.
    #[arg(long)]
    pub json: bool,
    /// What else to do.
    #[command(subcommand)]
    pub verb: Option<EgressVerb>,
}

/// What `egress` does beside showing.
#[derive(Clone, Debug, Subcommand)]
pub enum EgressVerb {
    /// Say what would become of a request, without sending anything; exit 1 if refused.
    Test {
        /// The bottle's id, or the beginning of it.
        bottle: String,
        /// The address, such as `https://api.example.com/v1/models`.
        url: String,
        /// The method.
        #[arg(long, short = 'X', default_value = "GET")]
        method: String,
        /// Ask for a WebSocket.
        #[arg(long)]
        websocket: bool,
        /// Print JSON.
        #[arg(long)]
        json: bool,
    },
    /// Propose the narrowest routes that would have allowed what was refused.
    Suggest {
        /// The bottle's id, or the beginning of it.
        bottle: String,
        /// Print JSON.
        #[arg(long)]
        json: bool,
    },
    /// Add a route while the bottle runs.
    Allow {
        /// The bottle's id, or the beginning of it.
        bottle: String,
        /// Host, port and path, such as `https://*.example.com/v1/*`; every path if there is none.
        place: String,
        /// Only these methods.
        #[arg(long, short = 'X', value_name = "METHOD", value_delimiter = ',')]
        method: Vec<String>,
        /// Let requests go on as a WebSocket.
        #[arg(long)]
        websocket: bool,
        /// End the route after this time, such as 30m or 2h.
        #[arg(long = "for", value_name = "TIME")]
        time: Option<String>,
        /// Print JSON.
        #[arg(long)]
        json: bool,
    },
    /// Take a route away while the bottle runs, by its number in `cellar egress`.
    Revoke {
        /// The bottle's id, or the beginning of it.
        bottle: String,
        /// The route's number.
        number: usize,
        /// Print JSON.
        #[arg(long)]
        json: bool,
    },
    /// Let through a connection that waits: adds a route for its host and port.
    Accept {
        /// The bottle's id, or the beginning of it.
        bottle: String,
        /// Its number in `cellar egress`.
        number: u64,
    },
    /// Refuse a connection that waits, and the same again for ten minutes.
    Refuse {
        /// The bottle's id, or the beginning of it.
        bottle: String,
        /// Its number in `cellar egress`.
        number: u64,
    },
}

/// Arguments of `budget`.
#[derive(Clone, Debug, Args)]
pub struct BudgetArguments {
    /// The bottle's id, or the beginning of it.
    pub bottle: String,
    /// Raise a budget by an amount, such as `cost=5.00`, or by what it began with, as
    /// `cost`; `cost/day` names one where there are several.
    #[arg(long, value_name = "BUDGET")]
    pub raise: Vec<String>,
    /// Set a budget to an amount, such as `tokens/day=20M`, whether there was one or not;
    /// the times are `hour`, `day` and `total`.
    #[arg(long, value_name = "BUDGET")]
    pub set: Vec<String>,
    /// Take a budget away, such as `requests/hour`.
    #[arg(long, value_name = "BUDGET")]
    pub drop: Vec<String>,
    /// Refuse what waits, and what comes until the budget is raised or its time passes.
    #[arg(long, conflicts_with_all = ["raise", "set", "drop"])]
    pub refuse: bool,
    /// Print JSON.
    #[arg(long)]
    pub json: bool,
}

/// Arguments of `requests`.
#[derive(Clone, Debug, Args)]
pub struct RequestsArguments {
    /// Only this bottle: its id, or the beginning of it.
    pub bottle: Option<String>,
    /// Wait until there is one to answer.
    #[arg(long)]
    pub wait: bool,
    /// Also those that are answered.
    #[arg(long)]
    pub all: bool,
    /// Print JSON.
    #[arg(long)]
    pub json: bool,
}

/// What can be done with a request. It is named `BOTTLE/NUMBER`, such as `api-k3x9q/2`.
#[derive(Clone, Debug, Subcommand)]
pub enum RequestVerb {
    /// Show what it would change, and why the agent asks.
    Show {
        /// The request, such as `api-k3x9q/2`.
        request: String,
        /// Print JSON.
        #[arg(long)]
        json: bool,
    },
    /// Say yes, and change the bottle.
    Approve {
        /// Requests, such as `api-k3x9q/2`, or bottles for all that they ask for. Several are
        /// listed in a line each and approved with one yes; what is to be read first is left out.
        #[arg(required = true, value_name = "REQUEST")]
        requests: Vec<String>,
        /// For so long, such as 30m or 2h.
        #[arg(long = "for", value_name = "TIME")]
        time: Option<String>,
        /// For so many requests that pass.
        #[arg(long, value_name = "N")]
        uses: Option<u64>,
        /// For whom; `manifest` shows how your cellar.json changes and asks for that too.
        #[arg(long, value_enum, default_value_t)]
        scope: ScopeWord,
        /// Only if its digest begins so, as `request show --json` prints it; asks nothing.
        #[arg(long, value_name = "DIGEST")]
        digest: Option<String>,
        /// Approve what is there now without asking.
        #[arg(long, short = 'y')]
        yes: bool,
        /// Say yes also to findings that need a yes of their own.
        #[arg(long)]
        accept_findings: bool,
        /// Print JSON.
        #[arg(long)]
        json: bool,
    },
    /// Change it in $EDITOR, then say yes to that.
    Edit {
        /// The request, such as `api-k3x9q/2`.
        request: String,
        /// For so long, such as 30m or 2h.
        #[arg(long = "for", value_name = "TIME")]
        time: Option<String>,
        /// For whom; `manifest` shows how your cellar.json changes and asks for that too.
        #[arg(long, value_enum, default_value_t)]
        scope: ScopeWord,
        /// Approve what was written without asking.
        #[arg(long, short = 'y')]
        yes: bool,
        /// Say yes also to findings that need a yes of their own.
        #[arg(long)]
        accept_findings: bool,
        /// Print JSON.
        #[arg(long)]
        json: bool,
    },
    /// Say no; the agent reads the reason.
    Deny {
        /// The request, such as `api-k3x9q/2`.
        request: String,
        /// Why.
        #[arg(long, short = 'm', default_value = "")]
        reason: String,
        /// Print JSON.
        #[arg(long)]
        json: bool,
    },
    /// Answer a question.
    Reply {
        /// The request, such as `api-k3x9q/2`.
        request: String,
        /// The answer, or the number of a choice.
        answer: String,
        /// Print JSON.
        #[arg(long)]
        json: bool,
    },
    /// Take back what it was given.
    Undo {
        /// The request, such as `api-k3x9q/2`.
        request: String,
        /// Print JSON.
        #[arg(long)]
        json: bool,
    },
}

/// For whom something is approved.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum ScopeWord {
    /// This bottle, as long as it lives.
    #[default]
    Bottle,
    /// This bottle, and in your manifest for those that are started later.
    Manifest,
}

/// Arguments of `diff`.
#[derive(Clone, Debug, Args)]
pub struct DiffArguments {
    /// The bottle's id, or the beginning of it.
    pub bottle: String,
    /// The revision's number in `cellar revisions`; the one before when absent.
    pub revision: Option<u32>,
    /// Compare with what your manifest says today instead, both ways.
    #[arg(long, conflicts_with = "revision")]
    pub manifest: bool,
    /// Print JSON.
    #[arg(long)]
    pub json: bool,
}

/// Arguments of `apply`.
#[derive(Clone, Debug, Args)]
pub struct ApplyArguments {
    /// The bottle's id, or the beginning of it.
    pub bottle: String,
    /// Do it without asking.
    #[arg(long, short = 'y')]
    pub yes: bool,
    /// Print JSON.
    #[arg(long)]
    pub json: bool,
}

/// Arguments of a verb on one revision of a bottle.
#[derive(Clone, Debug, Args)]
pub struct RevisionArguments {
    /// The bottle's id, or the beginning of it.
    pub bottle: String,
    /// The revision's number in `cellar revisions`.
    pub revision: Option<u32>,
    /// Print JSON.
    #[arg(long)]
    pub json: bool,
}

/// Arguments of `builds`.
#[derive(Clone, Copy, Debug, Args)]
pub struct BuildsArguments {
    /// Print JSON.
    #[arg(long)]
    pub json: bool,
}

/// Arguments of `audit`.
#[derive(Clone, Debug, Args)]
#[command(args_conflicts_with_subcommands = true)]
pub struct AuditArguments {
    /// Only of this bottle: its id, or the beginning of it; it may be gone.
    #[arg(long)]
    pub bottle: Option<String>,
    /// Only entries that hold this: a regular expression, or words.
    #[arg(long, short = 'g', value_name = "PATTERN")]
    pub grep: Option<String>,
    /// Only the last entries.
    #[arg(long, short = 'n', value_name = "ENTRIES")]
    pub tail: Option<usize>,
    /// Print JSON, one object a line.
    #[arg(long)]
    pub json: bool,
    /// What else to do.
    #[command(subcommand)]
    pub verb: Option<AuditVerb>,
}

/// What `audit` does beside listing.
#[derive(Clone, Debug, Subcommand)]
pub enum AuditVerb {
    /// Check that no entry was changed, added or removed; exit 1 if one was.
    Verify {
        /// Print JSON.
        #[arg(long)]
        json: bool,
    },
    /// Write one bottle's story in Markdown.
    Report {
        /// The bottle's id, or the beginning of it; it may be gone.
        bottle: String,
    },
}

/// A role as it is typed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum RoleArgument {
    /// The agent container.
    Agent,
    /// The egress proxy.
    Egress,
    /// The hub.
    Supervise,
}

impl From<RoleArgument> for Role {
    fn from(role: RoleArgument) -> Self {
        match role {
            RoleArgument::Agent => Self::Agent,
            RoleArgument::Egress => Self::Egress,
            RoleArgument::Supervise => Self::Supervise,
        }
    }
}

/// Arguments of a verb on several bottles.
#[derive(Clone, Debug, Args)]
pub struct ManyArguments {
    /// Ids, or the beginnings of them.
    #[arg(required = true)]
    pub bottles: Vec<String>,
    /// Print JSON.
    #[arg(long)]
    pub json: bool,
}

/// Arguments of a verb on several bottles, or on all that it would do something to.
#[derive(Clone, Debug, Args)]
pub struct SomeArguments {
    /// Ids, or the beginnings of them.
    #[arg(required_unless_present = "all")]
    pub bottles: Vec<String>,
    /// Every bottle that it would do something to.
    #[arg(long, conflicts_with = "bottles")]
    pub all: bool,
    /// Print JSON.
    #[arg(long)]
    pub json: bool,
}

/// Arguments of `send`.
#[derive(Clone, Debug, Args)]
pub struct SendArguments {
    /// The bottle's id, or the beginning of it.
    pub bottle: String,
    /// The text, or `-` to read it from standard input; Enter follows it.
    pub text: String,
    /// Print JSON.
    #[arg(long)]
    pub json: bool,
}

/// Arguments of `panic`.
#[derive(Clone, Debug, Args)]
pub struct PanicArguments {
    /// Let go what it holds, and nothing that was frozen or cut before it.
    #[arg(long)]
    pub undo: bool,
    /// Print JSON.
    #[arg(long)]
    pub json: bool,
}

/// Arguments of `rm`.
#[derive(Clone, Debug, Args)]
pub struct RmArguments {
    /// Ids, or the beginnings of them.
    #[arg(required = true)]
    pub bottles: Vec<String>,
    /// Remove without asking, running or not.
    #[arg(long, short = 'y')]
    pub yes: bool,
    /// Print JSON.
    #[arg(long)]
    pub json: bool,
}

/// Arguments of `cleanup`.
#[derive(Clone, Debug, Args)]
pub struct CleanupArguments {
    /// Remove without asking.
    #[arg(long, short = 'y')]
    pub yes: bool,
    /// Print JSON: what would be removed, or with `--yes` what was.
    #[arg(long)]
    pub json: bool,
}

/// Arguments of a verb that only prints.
#[derive(Clone, Debug, Args)]
pub struct JsonArguments {
    /// Print JSON.
    #[arg(long)]
    pub json: bool,
}

/// Arguments of `demo`.
#[derive(Clone, Debug, Args)]
pub struct DemoArguments {
    /// Remove every trace of the demo.
    #[arg(long)]
    pub clean: bool,
    /// Start the bottles but do not open the console.
    #[arg(long, conflicts_with = "clean")]
    pub no_console: bool,
}

/// Arguments of `init`.
#[derive(Clone, Debug, Args)]
pub struct InitArguments {
    /// Where to write; where the console looks for it when absent.
    #[arg(long, value_name = "FILE")]
    pub path: Option<PathBuf>,
}
