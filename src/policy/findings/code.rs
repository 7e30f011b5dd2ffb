//! The codes of findings, which stay: tests, documents and records share them.

use serde::{Deserialize, Serialize};

/// How much a finding matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    /// Worth knowing.
    Note,
    /// Worth a look before a yes.
    Warn,
    /// A yes to the whole is no yes to this: it is asked for apart.
    NeedsYes,
    /// Refused, unless the operator edits it out or overrides it knowingly.
    Refuse,
}

impl Severity {
    /// All, the least first.
    pub const ALL: [Self; 4] = [Self::Note, Self::Warn, Self::NeedsYes, Self::Refuse];

    /// The stable word, as records have it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Note => "note",
            Self::Warn => "warn",
            Self::NeedsYes => "needs_yes",
            Self::Refuse => "refuse",
        }
    }
}

/// Makes the enum, its list, its words and its severities from one table.
macro_rules! codes {
    ($($(#[$doc:meta])* $name:ident = $word:literal, $severity:ident;)*) => {
        /// What a finding is. The code is stable; `docs/findings.md` lists them.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[cfg_attr(test, derive(schemars::JsonSchema))]
        #[serde(rename_all = "snake_case")]
        #[non_exhaustive]
        pub enum FindingCode {
            $($(#[$doc])* $name,)*
        }

        impl FindingCode {
            /// All of them, as documents list them.
            pub const ALL: &[Self] = &[$(Self::$name),*];

            /// Gives the stable code, such as `user_root`.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$name => $word,)* }
            }

            /// How much it matters.
            #[must_use]
            pub const fn severity(self) -> Severity {
                match self { $(Self::$name => Severity::$severity,)* }
            }
        }
    };
}

codes! {
    /// No route names the host yet.
    NewHost = "new_host", Note;
    /// No route names any host of its domain yet.
    NewDomain = "new_domain", Warn;
    /// It names every host below a suffix.
    WildcardHost = "wildcard_host", NeedsYes;
    /// It names methods that write.
    WriteMethods = "write_methods", Warn;
    /// It lets every method through.
    AnyMethod = "any_method", Warn;
    /// It lets every path through.
    AnyPath = "any_path", Note;
    /// Its requests carry a credential, or go where another route's do.
    CredentialInReach = "credential_in_reach", NeedsYes;
    /// Wider routes end to count for the host.
    ShadowsRoutes = "shadows_routes", Note;
    /// A route that refuses matches it, so it changes little.
    AlreadyRefused = "already_refused", Note;
    /// A name in letters beyond ASCII.
    PunycodeHost = "punycode_host", NeedsYes;
    /// A name made to be taken for another.
    LookalikeHost = "lookalike_host", Refuse;
    /// A name close to one that is allowed or well known.
    SimilarHost = "similar_host", NeedsYes;
    /// Anybody's text can be left there.
    PasteSite = "paste_site", NeedsYes;
    /// Anybody's files can be left there.
    FileDrop = "file_drop", NeedsYes;
    /// It shows whatever is sent to it.
    WebhookCatcher = "webhook_catcher", NeedsYes;
    /// It leads on to anybody's machine.
    Tunnel = "tunnel", NeedsYes;
    /// It leads on to anywhere.
    UrlShortener = "url_shortener", NeedsYes;
    /// Anybody's buckets are there.
    ObjectStorage = "object_storage", NeedsYes;
    /// Messages to anybody can be sent there.
    Messaging = "messaging", NeedsYes;
    /// It answers questions of DNS, in which data can leave.
    NameResolver = "name_resolver", NeedsYes;
    /// A name that holds its own address.
    AddressName = "address_name", NeedsYes;
    /// It goes to one address, whatever the name says.
    FixedAddress = "fixed_address", NeedsYes;
    /// It may go to addresses that are not public.
    PrivateAddress = "private_address", NeedsYes;
    /// It goes where a cloud hands out credentials.
    MetadataAddress = "metadata_address", Refuse;
    /// It is no port of the web.
    OddPort = "odd_port", Warn;
    /// Its requests travel without TLS.
    PlainText = "plain_text", Warn;
    /// Nobody looks into its connections.
    NotLookedInto = "not_looked_into", NeedsYes;
    /// What leaves is not searched for secrets, or leaves with them.
    ScanWeakened = "scan_weakened", NeedsYes;
    /// What looks like secrets of some kinds leaves.
    ScanExempted = "scan_exempted", NeedsYes;
    /// It may go on as a stream of which no request is judged.
    Websocket = "websocket", Warn;
    /// It names the path of a push to a git repository.
    GitPush = "git_push", Refuse;

    /// Another program than the builder reads the file.
    SyntaxDirective = "syntax_directive", Refuse;
    /// Another character continues lines.
    EscapeDirective = "escape_directive", Warn;
    /// The builder's own checks are changed.
    CheckDirective = "check_directive", Note;
    /// Characters that no reader sees, or that turn a line around.
    HiddenText = "hidden_text", Refuse;
    /// A comment that tells its reader what to do.
    CommentInstructs = "comment_instructs", Warn;
    /// A comment that reads as an instruction which is in force.
    CommentLikeInstruction = "comment_like_instruction", Note;
    /// A builder that knows no here-documents reads instructions out of one.
    HeredocAmbiguous = "heredoc_ambiguous", NeedsYes;
    /// A value that looks like a secret.
    SecretInText = "secret_in_text", Refuse;
    /// A variable with the name of a secret has a value.
    SecretNamed = "secret_named", Warn;

    /// The engine fetches an image, outside what egress decides.
    FromRemote = "from_remote", NeedsYes;
    /// An image without a digest: what it is can change.
    FromUnpinned = "from_unpinned", Warn;
    /// Only the builder knows which image it is.
    FromUnknown = "from_unknown", NeedsYes;
    /// The engine fetches a URL or a repository, outside what egress decides.
    AddRemote = "add_remote", Refuse;
    /// Only the builder knows what is added.
    AddUnknown = "add_unknown", NeedsYes;
    /// Files of an image that the engine fetches.
    CopyFromRemote = "copy_from_remote", NeedsYes;

    /// The image ends with root as its user.
    UserRoot = "user_root", NeedsYes;
    /// The image ends with whatever user the one below it has.
    UserUnset = "user_unset", Warn;
    /// The user at the end is another than before.
    UserChanged = "user_changed", Warn;
    /// What starts with every container is replaced.
    EntrypointReplaced = "entrypoint_replaced", Warn;
    /// What starts by default is replaced.
    CmdReplaced = "cmd_replaced", Note;
    /// Another program reads the text of RUN.
    ShellReplaced = "shell_replaced", Warn;
    /// A command that the engine runs again and again.
    Healthcheck = "healthcheck", Warn;
    /// Another signal stops it.
    Stopsignal = "stopsignal", Note;
    /// A folder outside the image, for each container anew.
    Volume = "volume", Note;
    /// A port that is named, though nobody can reach it.
    Expose = "expose", Note;
    /// An instruction for builds that begin from this image.
    Onbuild = "onbuild", Warn;
    /// A label by which Cellar knows its own objects.
    CellarLabel = "cellar_label", Refuse;
    /// A path or a variable of Cellar's own.
    CellarPath = "cellar_path", Refuse;
    /// Settings, hooks or instructions of the agent.
    AgentConfig = "agent_config", NeedsYes;

    /// RUN with more rights than a container has.
    RunInsecure = "run_insecure", Refuse;
    /// RUN in the machine's own network.
    RunHostNetwork = "run_host_network", Refuse;
    /// RUN with a device of the machine.
    RunDevice = "run_device", NeedsYes;
    /// RUN with a secret or an SSH agent of whoever builds.
    MountSecret = "mount_secret", NeedsYes;
    /// RUN with files from elsewhere in place.
    MountBind = "mount_bind", Warn;
    /// What was fetched goes straight into an interpreter.
    PipeToShell = "pipe_to_shell", NeedsYes;
    /// What was fetched is run later.
    RunDownloaded = "run_downloaded", NeedsYes;
    /// It fetches from these hosts.
    Fetches = "fetches", Note;
    /// Packages come from somewhere else.
    PackageSource = "package_source", NeedsYes;
    /// Packages are taken without a signature.
    SignatureOff = "signature_off", NeedsYes;
    /// Certificates are not verified.
    TlsOff = "tls_off", NeedsYes;
    /// The way out by the proxy is changed.
    ProxyChanged = "proxy_changed", NeedsYes;
    /// Which certificates are believed is changed.
    TrustChanged = "trust_changed", NeedsYes;
    /// A variable by which code gets into every program.
    LoaderChanged = "loader_changed", NeedsYes;
    /// A way to become root.
    Sudo = "sudo", NeedsYes;
    /// A program that runs with its owner's rights.
    Setuid = "setuid", NeedsYes;
    /// A program that gets capabilities.
    Capabilities = "capabilities", NeedsYes;
    /// The socket of a container engine.
    EngineSocket = "engine_socket", Refuse;
    /// A text that is decoded before it runs, so that no reader sees what does.
    Obfuscated = "obfuscated", NeedsYes;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_code_is_the_name_in_records() {
        for code in FindingCode::ALL {
            assert_eq!(serde_json::to_value(code).unwrap(), code.as_str());
        }
        for severity in Severity::ALL {
            assert_eq!(serde_json::to_value(severity).unwrap(), severity.as_str());
        }
        assert!(Severity::ALL.is_sorted());
    }

    #[test]
    fn the_documents_list_every_code_once_with_its_severity_and_no_other() {
        let page = include_str!("../../../docs/findings.md");
        let listed: Vec<(&str, &str)> = page
            .lines()
            .filter_map(|line| {
                let mut cells = line.strip_prefix("| `")?.split('|').map(str::trim);
                let code = cells.next()?.strip_suffix('`')?;
                let severity = cells.next()?;
                assert!(cells.filter(|cell| !cell.is_empty()).count() == 2, "{line}");
                Some((code, severity))
            })
            .collect();
        let expected: Vec<_> = FindingCode::ALL
            .iter()
            .map(|code| (code.as_str(), code.severity().as_str()))
            .collect();
        assert_eq!(listed, expected);
    }
}
