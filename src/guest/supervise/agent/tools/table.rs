//! The tools and their arguments, as data: the schema that a model reads and the checks
//! that its arguments pass are made of the same lines.

use serde_json::{Map, Value, json};

use crate::request::{
    MAX_CHOICE_CHARS, MAX_CHOICES, MAX_DOCKERFILE_BYTES, MAX_PACKAGES, MAX_QUESTION_CHARS,
    MAX_REASON_CHARS,
};

/// One tool.
#[derive(Debug)]
pub(super) struct Tool {
    pub(super) name: &'static str,
    pub(super) task: Task,
    title: &'static str,
    about: &'static str,
    pub(super) fields: &'static [Field],
}

/// What a tool does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Task {
    Capabilities,
    Route,
    Packages,
    Image,
    Server,
    Question,
    Await,
    List,
    Withdraw,
}

/// One argument.
#[derive(Debug)]
pub(super) struct Field {
    pub(super) name: &'static str,
    pub(super) kind: Kind,
    pub(super) need: Need,
    about: &'static str,
    /// A value of it, as JSON.
    pub(super) example: &'static str,
}

/// Whether an argument may be left out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Need {
    Required,
    Optional,
}

/// What an argument looks like.
#[derive(Clone, Copy, Debug)]
pub(super) enum Kind {
    /// A text of at most this many characters.
    Text(usize),
    /// At least one and at most so many texts of at most so many characters.
    Texts(usize, usize),
    /// At least one port.
    Ports,
    /// A whole number between these two.
    Whole(u64, u64),
    Flag,
    OneOf(&'static [&'static str]),
    /// An object of texts.
    Variables,
}

const REASON: Field = Field {
    name: "reason",
    kind: Kind::Text(MAX_REASON_CHARS),
    need: Need::Required,
    about: "What you need it for, in a sentence or two. The operator decides by this.",
    example: "\"The tests fetch fixtures from there\"",
};

const ID: Field = Field {
    name: "id",
    kind: Kind::Whole(1, u64::MAX),
    need: Need::Required,
    about: "The number of the request, as it was given when it was filed.",
    example: "3",
};

pub(super) const TOOLS: &[Tool] = &[
    Tool {
        name: "list_capabilities",
        task: Task::Capabilities,
        title: "What this bottle may do now",
        about: "Lists what this bottle may do at this moment: the hosts, ports, methods and paths that the proxy lets out, what becomes of all others, the image, and how many requests wait. Holds no secret. Call it before you ask for a way out, and again after something was granted.",
        fields: &[Field {
            name: "with_dockerfile",
            kind: Kind::Flag,
            need: Need::Optional,
            about: "Whether to give the whole text of the current Dockerfile, too. A diff for request_image_change is made against it.",
            example: "true",
        }],
    },
    Tool {
        name: "request_route",
        task: Task::Route,
        title: "Ask for a way out",
        about: "Asks the operator to let this bottle reach a host that the proxy refuses. Returns at once with the number of the request; nothing has changed then, and nothing is granted by time. The route carries no credential and reaches no private address. Ask for the least that does it: exact host, and the methods and paths that you need. Wait with await_request, then try the connection again.",
        fields: &[
            Field {
                name: "host",
                kind: Kind::Text(253),
                need: Need::Required,
                about: "The host name alone: no scheme, port or path, and no address. `*.example.com` means every name below example.com.",
                example: "\"pypi.org\"",
            },
            Field {
                name: "ports",
                kind: Kind::Ports,
                need: Need::Optional,
                about: "The ports; [443] if left out.",
                example: "[443]",
            },
            Field {
                name: "methods",
                kind: Kind::Texts(16, 24),
                need: Need::Optional,
                about: "The HTTP methods, in capital letters; every one if left out. [\"GET\", \"HEAD\"] is enough to read.",
                example: "[\"GET\", \"HEAD\"]",
            },
            Field {
                name: "paths",
                kind: Kind::Texts(16, 1_024),
                need: Need::Optional,
                about: "The paths, each beginning with a slash; every one if left out. `*` stands for one segment, `**` as the last for all below.",
                example: "[\"/simple/**\"]",
            },
            Field {
                name: "websocket",
                kind: Kind::Flag,
                need: Need::Optional,
                about: "Whether a request may go on as a WebSocket; false if left out.",
                example: "true",
            },
            REASON,
        ],
    },
    Tool {
        name: "request_packages",
        task: Task::Packages,
        title: "Ask for packages",
        about: "Asks the operator to put packages into the image of this bottle. Returns at once with the number of the request; nothing has changed then, and nothing is granted by time. If it is granted, the bottle is built anew and this session goes on in it with the same conversation and files. Ask for all that you need of one manager in one request.",
        fields: &[
            Field {
                name: "manager",
                kind: Kind::OneOf(&["apt", "npm", "pip", "cargo"]),
                need: Need::Required,
                about: "What installs them.",
                example: "\"apt\"",
            },
            Field {
                name: "packages",
                kind: Kind::Texts(MAX_PACKAGES, 214),
                need: Need::Required,
                about: "Their names, each with a version if it matters, as the manager writes it: `ripgrep=14.1.0-1` (apt), `prettier@3.3.3` (npm), `requests==2.32.3` (pip), `cargo-nextest@0.9.77` (cargo). No options, addresses or paths.",
                example: "[\"ripgrep\", \"jq\"]",
            },
            REASON,
        ],
    },
    Tool {
        name: "request_image_change",
        task: Task::Image,
        title: "Ask for another image",
        about: "Asks the operator to build the image of this bottle from another Dockerfile. Give either the whole new text (`dockerfile`) or a unified diff against the current one (`diff`), not both; list_capabilities with with_dockerfile gives the current one. Returns at once with the number of the request; nothing has changed then, and nothing is granted by time. If it is granted, the image is built beside the running bottle and this session goes on in it. For plain packages request_packages is simpler.",
        fields: &[
            Field {
                name: "dockerfile",
                kind: Kind::Text(MAX_DOCKERFILE_BYTES),
                need: Need::Optional,
                about: "The whole Dockerfile as it is to be.",
                example: "\"FROM debian:bookworm-slim\\nRUN apt-get update && apt-get install -y jq\\n\"",
            },
            Field {
                name: "diff",
                kind: Kind::Text(MAX_DOCKERFILE_BYTES),
                need: Need::Optional,
                about: "A unified diff of the current Dockerfile. Line numbers and context must fit exactly.",
                example: "\"@@ -1,1 +1,2 @@\\n FROM debian:bookworm-slim\\n+RUN apt-get update\\n\"",
            },
            REASON,
        ],
    },
    Tool {
        name: "request_mcp_server",
        task: Task::Server,
        title: "Ask for an MCP server",
        about: "Asks the operator to register an MCP server with this session: a program of the image (`command`) or a server on the network (`url`), not both. A server on the network needs a route of its own. Returns at once with the number of the request; nothing has changed then, and nothing is granted by time. Put no secret into it.",
        fields: &[
            Field {
                name: "name",
                kind: Kind::Text(32),
                need: Need::Required,
                about: "What it is to be called: small letters, digits and hyphens.",
                example: "\"github\"",
            },
            Field {
                name: "command",
                kind: Kind::Texts(32, 1_000),
                need: Need::Optional,
                about: "Program and arguments, each a text of its own; no shell is involved.",
                example: "[\"npx\", \"some-server\", \"--read-only\"]",
            },
            Field {
                name: "env",
                kind: Kind::Variables,
                need: Need::Optional,
                about: "The program's environment, beside the session's. Never a secret.",
                example: "{\"LOG_LEVEL\": \"debug\"}",
            },
            Field {
                name: "url",
                kind: Kind::Text(2_000),
                need: Need::Optional,
                about: "The address of a server that speaks streamable HTTP.",
                example: "\"https://mcp.example.com/mcp\"",
            },
            REASON,
        ],
    },
    Tool {
        name: "ask_operator",
        task: Task::Question,
        title: "Ask the operator a question",
        about: "Asks the operator something that only they can answer: a choice, a missing fact, a go-ahead. Returns at once with the number of the request; the answer is read with await_request or list_requests, and no answer is ever made up by time. Give choices where there are some: they are answered with one key.",
        fields: &[
            Field {
                name: "question",
                kind: Kind::Text(MAX_QUESTION_CHARS),
                need: Need::Required,
                about: "The question, with what the operator must know to answer it.",
                example: "\"Which of the two database schemas is the one in production?\"",
            },
            Field {
                name: "choices",
                kind: Kind::Texts(MAX_CHOICES, MAX_CHOICE_CHARS),
                need: Need::Optional,
                about: "Answers to choose from; the operator may write another one.",
                example: "[\"schema A\", \"schema B\"]",
            },
        ],
    },
    Tool {
        name: "await_request",
        task: Task::Await,
        title: "Wait for an answer",
        about: "Waits until a request is answered and, if it was granted, applied, but no longer than `seconds`; then tells how it stands and what the operator said. Call it again as often as you like: nothing is lost, and nothing is granted by waiting. Do other work first if there is some.",
        fields: &[
            ID,
            Field {
                name: "seconds",
                kind: Kind::Whole(0, 300),
                need: Need::Optional,
                about: "How long to wait at most, 60 if left out. 0 only looks.",
                example: "300",
            },
        ],
    },
    Tool {
        name: "list_requests",
        task: Task::List,
        title: "Read the requests again",
        about: "Lists the requests of this bottle, newest first, each with how it stands and what the operator said: yours, and those that the proxy filed for what it refused, where it does. Reads only; answers stay readable.",
        fields: &[Field {
            name: "state",
            kind: Kind::OneOf(&["all", "waiting", "answered"]),
            need: Need::Optional,
            about: "Which ones; all if left out.",
            example: "\"answered\"",
        }],
    },
    Tool {
        name: "withdraw_request",
        task: Task::Withdraw,
        title: "Take a request back",
        about: "Takes back a request of yours that the operator has not answered yet, because you need it no more.",
        fields: &[ID],
    },
];

impl Tool {
    /// The tool as a client reads it.
    pub(super) fn told(&self) -> Value {
        let properties: Map<String, Value> = self
            .fields
            .iter()
            .map(|field| (field.name.to_owned(), field.schema()))
            .collect();
        let required: Vec<&str> = self
            .fields
            .iter()
            .filter(|field| field.need == Need::Required)
            .map(|field| field.name)
            .collect();
        let only_reads = matches!(self.task, Task::Capabilities | Task::Await | Task::List);
        // Claude Code looks other tools up when it needs them; these it needs at once.
        let is_first = matches!(self.task, Task::Route | Task::Question | Task::Await);
        let mut told = json!({
            "name": self.name,
            "title": self.title,
            "description": self.about,
            "inputSchema": {
                "type": "object",
                "properties": properties,
                "required": required,
                "additionalProperties": false,
            },
            "annotations": {
                "title": self.title,
                "readOnlyHint": only_reads,
                "destructiveHint": false,
                "idempotentHint": true,
                "openWorldHint": false,
            },
        });
        if let (true, Some(told)) = (is_first, told.as_object_mut()) {
            told.insert(
                String::from("_meta"),
                json!({ "anthropic/alwaysLoad": true }),
            );
        }
        told
    }
}

impl Field {
    fn schema(&self) -> Value {
        let mut schema = self.kind.schema();
        if let Some(schema) = schema.as_object_mut() {
            schema.insert(String::from("description"), self.about.into());
            if let Ok(example) = serde_json::from_str(self.example) {
                schema.insert(String::from("examples"), Value::Array(vec![example]));
            }
        }
        schema
    }
}

impl Kind {
    fn schema(self) -> Value {
        match self {
            Self::Text(most) => json!({ "type": "string", "minLength": 1, "maxLength": most }),
            Self::Texts(most, longest) => json!({
                "type": "array",
                "items": { "type": "string", "minLength": 1, "maxLength": longest },
                "minItems": 1,
                "maxItems": most,
            }),
            Self::Ports => json!({
                "type": "array",
                "items": { "type": "integer", "minimum": 1, "maximum": 65_535 },
                "minItems": 1,
                "maxItems": 16,
            }),
            Self::Whole(least, u64::MAX) => json!({ "type": "integer", "minimum": least }),
            Self::Whole(least, most) => {
                json!({ "type": "integer", "minimum": least, "maximum": most })
            }
            Self::Flag => json!({ "type": "boolean" }),
            Self::OneOf(words) => json!({ "type": "string", "enum": words }),
            Self::Variables => json!({
                "type": "object",
                "additionalProperties": { "type": "string" },
                "maxProperties": 16,
            }),
        }
    }

    /// What is expected, in words.
    pub(super) fn words(self) -> String {
        match self {
            Self::Text(most) => format!("a text of 1 to {most} characters"),
            Self::Texts(most, longest) => {
                format!("a list of 1 to {most} texts, each of 1 to {longest} characters")
            }
            Self::Ports => String::from("a list of 1 to 16 whole numbers between 1 and 65535"),
            Self::Whole(least, u64::MAX) => format!("a whole number from {least} on"),
            Self::Whole(least, most) => format!("a whole number between {least} and {most}"),
            Self::Flag => String::from("true or false"),
            Self::OneOf(words) => format!("one of {}", words.join(", ")),
            Self::Variables => String::from("an object of at most 16 texts"),
        }
    }
}
