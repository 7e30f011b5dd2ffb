//! Templates: the entries of `bottles`, the operator's alone.

use std::collections::BTreeMap;

use jsonc_parser::ast::Value;

use super::route::RoutesOf;
use super::shape::{Fields, Reader, Shape};
use crate::manifest::model::{ImageEntry, Template, WorkspaceEntry};
use crate::policy::{ASK_BOUNDS, ASK_SECONDS, Denials, NextHop, Unlisted};
use crate::spec::{Build, Clipboard, Limits, layout};

const TEMPLATE: Shape = Shape {
    what: "a bottle",
    form: "write it as { \"image\": { \"from\": \"cellar/claude:latest\" } }",
    known: &[
        "image",
        "workspace",
        "secrets",
        "routes",
        "unlisted",
        "denials",
        "budget",
        "upstream_ca",
        "upstream_proxy",
        "env",
        "limits",
        "build",
        "time_zone",
        "supervise",
        "clipboard",
        "runtime",
        "uid",
    ],
    refused: &[
        (
            "provider",
            "the provider belongs to an agent: move it to `agents`",
        ),
        (
            "prompt",
            "the prompt belongs to an agent: move it to `agents`",
        ),
        ("skills", "skills belong to an agent: move them to `agents`"),
    ],
};

const LIMITS: Shape = Shape {
    what: "the limits",
    form: "write it as { \"memory\": \"4GiB\" }",
    known: &[
        "memory",
        "cpus",
        "pids",
        "open_files",
        "tmp",
        "scrollback_lines",
        "stop_grace",
    ],
    refused: &[],
};

const IMAGE: Shape = Shape {
    what: "an image",
    form: IMAGE_HELP,
    known: &["from", "dockerfile"],
    refused: &[],
};

const WORKSPACE: Shape = Shape {
    what: "a workspace",
    form: WORKSPACE_HELP,
    known: &["copy", "mount", "read_only"],
    refused: &[],
};

const PROXY: Shape = Shape {
    what: "`upstream_proxy`",
    form: PROXY_HELP,
    known: &["address", "auth"],
    refused: &[],
};

const PROXY_HELP: &str = "write host and port, such as \"http://proxy.example.com:3128\"; a credential goes beside it: { \"address\": …, \"auth\": { \"user\": \"me\", \"secret\": \"name\" } }";

const UNLISTED: Shape = Shape {
    what: "`unlisted`",
    form: UNLISTED_HELP,
    known: &["ask"],
    refused: &[],
};

const UNLISTED_HELP: &str = "write \"deny\", \"ask\" or { \"ask\": \"2m\" }";

const CLIPBOARD_HELP: &str = "write \"never\" or \"ask\"";

const DENIALS_HELP: &str = "write \"refuse\" or \"request\"";

const IMAGE_HELP: &str =
    "write { \"from\": \"cellar/claude:latest\" } or { \"dockerfile\": \"Dockerfile\" }";
const WORKSPACE_HELP: &str =
    "write \"none\", { \"copy\": \".\" } or { \"mount\": \"~/code/api\", \"read_only\": true }";
const TIME_ZONE_HELP: &str = "write a name of the time zone database, such as \"Europe/Berlin\"";
const RUNTIME_HELP: &str = "write the name of a runtime that the engine knows, such as \"runsc\"";

impl Reader {
    pub(super) fn template(&mut self, value: &Value<'_>, name: &str) -> Option<Template> {
        let fields = self.fields(value, &TEMPLATE)?;
        let image = if let Some(value) = fields.get("image") {
            self.image(value)
        } else {
            let help =
                format!("add \"image\": {{ \"from\": \"cellar/claude:latest\" }} to `{name}`");
            self.wrong(&fields.place.clone(), "the bottle has no image", help);
            None
        };
        // Everything is read before anything is given up, so that all mistakes show.
        let workspace = fields.get("workspace").map(|value| self.workspace(value));
        let env = fields.get("env").map(|value| self.env(value));
        let limits = self.limits(&fields);
        let secrets = match fields.get("secrets") {
            Some(value) => self.secrets(value),
            None => Some(BTreeMap::new()),
        };
        let unlisted = match fields.get("unlisted") {
            Some(value) => self.unlisted(value),
            None => Some(Unlisted::Deny),
        };
        let denials = self.denials(fields.get("denials"));
        let budgets = match fields.get("budget") {
            Some(value) => self.budgets(value),
            None => Some(Vec::new()),
        };
        let of = RoutesOf {
            template: name,
            secrets: secrets
                .as_ref()
                .map(|known| known.keys().cloned().collect()),
            unlisted: unlisted.unwrap_or_default(),
        };
        let routes = fields.get("routes").map(|value| self.routes(value, &of));
        let build = match fields.get("build") {
            Some(value) => self.build(value, name),
            None => Some(Build::default()),
        };
        let upstream_ca = match fields.get("upstream_ca") {
            Some(value) => {
                let help = "write the path of a PEM file with your own certificate authority";
                self.located(value, "`upstream_ca`", help).map(Some)
            }
            None => Some(None),
        };
        let upstream_proxy = match fields.get("upstream_proxy") {
            Some(value) => self.upstream_proxy(value, &of).map(Some),
            None => Some(None),
        };
        let supervise = fields
            .get("supervise")
            .map(|value| self.boolean(value, "`supervise`"));
        let clipboard = self.clipboard(fields.get("clipboard"));
        let time_zone = match fields.get("time_zone") {
            Some(value) => self.time_zone(value).map(Some),
            None => Some(None),
        };
        let runtime = match fields.get("runtime") {
            Some(value) => self.runtime(value).map(Some),
            None => Some(None),
        };
        let uid = fields.get("uid").map(|value| self.uid(value));
        Some(Template {
            image: image?,
            env: env.unwrap_or_else(|| Some(BTreeMap::new()))?,
            workspace: workspace.unwrap_or(Some(WorkspaceEntry::None))?,
            limits,
            time_zone: time_zone?,
            routes: routes.unwrap_or_else(|| Some(Vec::new()))?,
            unlisted: unlisted?,
            denials: denials?,
            budgets: budgets?,
            secrets: secrets?,
            upstream_ca: upstream_ca?,
            upstream_proxy: upstream_proxy?,
            supervise: supervise.unwrap_or(Some(true))?,
            clipboard: clipboard?,
            runtime: runtime?,
            uid: uid.unwrap_or(Some(layout::AGENT_UID))?,
            build: build?,
        })
    }

    fn upstream_proxy(&mut self, value: &Value<'_>, of: &RoutesOf<'_>) -> Option<NextHop> {
        if !matches!(value, Value::Object(_)) {
            return self.proxy_address(value);
        }
        let fields = self.fields(value, &PROXY)?;
        let Some(address) = fields.get("address") else {
            let message = "`upstream_proxy` has no address";
            self.wrong(&fields.place.clone(), message, PROXY_HELP);
            return None;
        };
        let address = self.proxy_address(address);
        let Some(value) = fields.get("auth") else {
            return address;
        };
        let auth = self.auth(&fields, None, of)?;
        let hop = address?.wanting(auth).ok();
        if hop.is_none() {
            let help = "leave the scheme out, or write \"basic\" with a user";
            self.wrong_at(value, "a proxy takes \"basic\" or \"bearer\" alone", help);
        }
        hop
    }

    fn proxy_address(&mut self, value: &Value<'_>) -> Option<NextHop> {
        let text = self.text(value, "`upstream_proxy`", PROXY_HELP)?;
        let hop = NextHop::parse(&text).ok();
        if hop.is_none() {
            // Not repeated: it may hold a password.
            self.wrong_at(value, "`upstream_proxy` names no HTTP proxy", PROXY_HELP);
        }
        hop
    }

    fn unlisted(&mut self, value: &Value<'_>) -> Option<Unlisted> {
        if let Value::StringLit(literal) = value {
            match literal.value.as_ref() {
                "deny" => return Some(Unlisted::Deny),
                "ask" => {
                    return Some(Unlisted::Ask {
                        seconds: ASK_SECONDS,
                    });
                }
                other => {
                    let message = format!("`unlisted` cannot be \"{other}\"");
                    self.wrong_at(value, &message, UNLISTED_HELP);
                    return None;
                }
            }
        }
        let fields = self.fields(value, &UNLISTED)?;
        let Some(value) = fields.get("ask") else {
            self.wrong(
                &fields.place.clone(),
                "`unlisted` says nothing",
                UNLISTED_HELP,
            );
            return None;
        };
        let time = self.duration(value, "`ask`")?;
        let seconds = u32::try_from(time.as_secs()).unwrap_or(u32::MAX);
        if ASK_BOUNDS.contains(&seconds) {
            return Some(Unlisted::Ask { seconds });
        }
        let bounds = (ASK_BOUNDS.start(), ASK_BOUNDS.end());
        let help = format!("write a time from {} to {} s", bounds.0, bounds.1);
        self.wrong_at(value, "`ask` is out of bounds", help);
        None
    }

    fn denials(&mut self, value: Option<&Value<'_>>) -> Option<Denials> {
        let Some(value) = value else {
            return Some(Denials::Refuse);
        };
        match self.text(value, "`denials`", DENIALS_HELP)?.as_str() {
            "refuse" => Some(Denials::Refuse),
            "request" => Some(Denials::Request),
            other => {
                let message = format!("`denials` cannot be \"{other}\"");
                self.wrong_at(value, &message, DENIALS_HELP);
                None
            }
        }
    }

    fn clipboard(&mut self, value: Option<&Value<'_>>) -> Option<Clipboard> {
        let Some(value) = value else {
            return Some(Clipboard::Never);
        };
        match self.text(value, "`clipboard`", CLIPBOARD_HELP)?.as_str() {
            "never" => Some(Clipboard::Never),
            "ask" => Some(Clipboard::Ask),
            other => {
                let message = format!("`clipboard` cannot be \"{other}\"");
                self.wrong_at(value, &message, CLIPBOARD_HELP);
                None
            }
        }
    }

    fn image(&mut self, value: &Value<'_>) -> Option<ImageEntry> {
        if let Value::StringLit(literal) = value {
            let help = format!("write {{ \"from\": \"{}\" }}", literal.value);
            self.type_error(value, "`image`", "an object", &help);
            return None;
        }
        let fields = self.fields(value, &IMAGE)?;
        match self.one_of(&fields, "the image", IMAGE.known, IMAGE_HELP)? {
            ("from", value) => {
                let reference = self.text(value, "`from`", IMAGE_HELP)?;
                if is_reference(&reference) {
                    return Some(ImageEntry::From(reference));
                }
                let message = format!("`{reference}` is no image reference");
                let help = "write it like \"name:tag\" or \"host/name@sha256:…\"";
                self.wrong_at(value, &message, help);
                None
            }
            (_, value) => {
                let path = self.located(value, "`dockerfile`", IMAGE_HELP)?;
                Some(ImageEntry::Dockerfile(path))
            }
        }
    }

    pub(super) fn workspace(&mut self, value: &Value<'_>) -> Option<WorkspaceEntry> {
        if let Value::StringLit(literal) = value {
            if literal.value == "none" {
                return Some(WorkspaceEntry::None);
            }
            let message = format!("a workspace cannot be \"{}\"", literal.value);
            self.wrong_at(value, &message, WORKSPACE_HELP);
            return None;
        }
        let fields = self.fields(value, &WORKSPACE)?;
        let keys = ["copy", "mount"];
        match self.one_of(&fields, "the workspace", &keys, WORKSPACE_HELP)? {
            ("copy", value) => {
                let path = self.located(value, "`copy`", WORKSPACE_HELP)?;
                if let Some(read_only) = fields.get("read_only") {
                    let help =
                        "take it out: a copy is the bottle's own and never changes the folder";
                    self.wrong_at(read_only, "`read_only` goes with `mount` only", help);
                    return None;
                }
                Some(WorkspaceEntry::Copy(path))
            }
            (_, value) => self.mount(value, &fields),
        }
    }

    fn mount(&mut self, value: &Value<'_>, fields: &Fields<'_>) -> Option<WorkspaceEntry> {
        let path = self.located(value, "`mount`", WORKSPACE_HELP);
        let read_only = match fields.get("read_only") {
            Some(value) => self.boolean(value, "`read_only`")?,
            None => true,
        };
        Some(WorkspaceEntry::Mount {
            path: path?,
            read_only,
        })
    }

    fn limits(&mut self, fields: &Fields<'_>) -> Limits {
        let mut limits = Limits::default();
        let Some(fields) = fields
            .get("limits")
            .and_then(|value| self.fields(value, &LIMITS))
        else {
            return limits;
        };
        set(&mut limits.memory_bytes, fields.get("memory"), |value| {
            self.size(value, "`memory`", 64 << 20..=16 << 40)
        });
        set(&mut limits.cpu_millis, fields.get("cpus"), |value| {
            self.cpus(value, "`cpus`")
        });
        set(&mut limits.pids, fields.get("pids"), |value| {
            self.count(value, "`pids`", 16..=4_194_304)
        });
        set(&mut limits.open_files, fields.get("open_files"), |value| {
            self.count(value, "`open_files`", 64..=1_048_576)
        });
        set(&mut limits.tmp_bytes, fields.get("tmp"), |value| {
            self.size(value, "`tmp`", 1 << 20..=1 << 40)
        });
        let lines = fields.get("scrollback_lines");
        set(&mut limits.scrollback_lines, lines, |value| {
            let lines = self.count(value, "`scrollback_lines`", 0..=100_000)?;
            u32::try_from(lines).ok()
        });
        set(&mut limits.stop_grace, fields.get("stop_grace"), |value| {
            self.duration(value, "`stop_grace`")
        });
        limits
    }

    fn time_zone(&mut self, value: &Value<'_>) -> Option<String> {
        let zone = self.text(value, "`time_zone`", TIME_ZONE_HELP)?;
        if is_time_zone(&zone) {
            return Some(zone);
        }
        let message = format!("`{zone}` is no time zone");
        self.wrong_at(value, &message, TIME_ZONE_HELP);
        None
    }

    fn runtime(&mut self, value: &Value<'_>) -> Option<String> {
        let runtime = self.text(value, "`runtime`", RUNTIME_HELP)?;
        let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
        if runtime.chars().all(plain) {
            return Some(runtime);
        }
        let message = format!("`{runtime}` is no name of a runtime");
        self.wrong_at(value, &message, RUNTIME_HELP);
        None
    }

    fn uid(&mut self, value: &Value<'_>) -> Option<u32> {
        // 0 would make the agent root, and Claude Code refuses to run unasked as root.
        let uid = u32::try_from(self.count(value, "`uid`", 1..=60_000)?).ok()?;
        Some(uid)
    }
}

/// Sets a field if its key is there and could be read; a mistake is noted by `read`.
fn set<'v, T>(
    field: &mut T,
    value: Option<&'v Value<'v>>,
    read: impl FnOnce(&'v Value<'v>) -> Option<T>,
) {
    if let Some(read) = value.and_then(read) {
        *field = read;
    }
}

fn is_reference(text: &str) -> bool {
    let plain = |c: char| c.is_ascii_alphanumeric() || "._-/:@".contains(c);
    text.len() <= 255
        && text.starts_with(|c: char| c.is_ascii_alphanumeric())
        && text.ends_with(|c: char| c.is_ascii_alphanumeric())
        && text.chars().all(plain)
}

/// Whether the operator's zone database knows the name; where there is no
/// database, whether it is spelt like one.
fn is_time_zone(name: &str) -> bool {
    let plain = |c: char| c.is_ascii_alphanumeric() || "+-_/".contains(c);
    let is_spelt = name.chars().all(plain) && !name.starts_with('/') && !name.ends_with('/');
    let database = jiff::tz::db();
    is_spelt && (database.is_definitively_empty() || database.get(name).is_ok())
}
