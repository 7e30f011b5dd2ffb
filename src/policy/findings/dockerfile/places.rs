//! Names of variables and paths that mean something to Cellar, to the agent, or to
//! whoever installs packages.

use crate::policy::findings::FindingCode;

/// Where Cellar has its own things inside a bottle. `spec::layout` holds the truth, which
/// this module may not name; a test there compares.
pub const CELLAR_PATHS: [&str; 5] = [
    "/cellar",
    "/run/cellar",
    "/run/control",
    "/run/init",
    "/run/lines",
];

/// Pieces of paths, and what naming them means.
const PIECES: [(&str, FindingCode); 44] = [
    ("/.claude", FindingCode::AgentConfig),
    (".claude.json", FindingCode::AgentConfig),
    ("CLAUDE.md", FindingCode::AgentConfig),
    ("AGENTS.md", FindingCode::AgentConfig),
    (".mcp.json", FindingCode::AgentConfig),
    ("claude-code/managed", FindingCode::AgentConfig),
    ("/etc/claude-code", FindingCode::AgentConfig),
    ("docker.sock", FindingCode::EngineSocket),
    ("containerd.sock", FindingCode::EngineSocket),
    ("podman.sock", FindingCode::EngineSocket),
    ("crio.sock", FindingCode::EngineSocket),
    ("/etc/sudoers", FindingCode::Sudo),
    ("/etc/doas", FindingCode::Sudo),
    ("/etc/shadow", FindingCode::Sudo),
    ("/etc/passwd", FindingCode::Sudo),
    ("/etc/pam.d", FindingCode::Sudo),
    ("/etc/apt/sources", FindingCode::PackageSource),
    ("/etc/apt/trusted", FindingCode::PackageSource),
    ("/etc/apt/keyrings", FindingCode::PackageSource),
    ("/etc/apt/preferences", FindingCode::PackageSource),
    ("/etc/apt/apt.conf", FindingCode::PackageSource),
    ("/etc/apt/auth.conf", FindingCode::PackageSource),
    ("/usr/share/keyrings", FindingCode::PackageSource),
    ("/etc/apk/repositories", FindingCode::PackageSource),
    ("/etc/apk/keys", FindingCode::PackageSource),
    ("/etc/yum.repos.d", FindingCode::PackageSource),
    ("/etc/dnf", FindingCode::PackageSource),
    ("pip.conf", FindingCode::PackageSource),
    ("/pip/pip.", FindingCode::PackageSource),
    (".npmrc", FindingCode::PackageSource),
    ("/etc/npmrc", FindingCode::PackageSource),
    (".yarnrc", FindingCode::PackageSource),
    (".pypirc", FindingCode::PackageSource),
    (".cargo/config", FindingCode::PackageSource),
    ("/cargo/config.toml", FindingCode::PackageSource),
    (".gemrc", FindingCode::PackageSource),
    ("/ca-certificates", FindingCode::TrustChanged),
    ("/etc/ssl/", FindingCode::TrustChanged),
    ("/etc/pki/", FindingCode::TrustChanged),
    ("/etc/ld.so", FindingCode::LoaderChanged),
    ("/etc/profile", FindingCode::LoaderChanged),
    ("/etc/environment", FindingCode::LoaderChanged),
    ("/etc/bash.bashrc", FindingCode::LoaderChanged),
    ("/etc/gitconfig", FindingCode::LoaderChanged),
];

/// Variables, in capitals, and what setting or unsetting them means.
const VARIABLES: [(&str, FindingCode); 54] = [
    ("HTTP_PROXY", FindingCode::ProxyChanged),
    ("HTTPS_PROXY", FindingCode::ProxyChanged),
    ("ALL_PROXY", FindingCode::ProxyChanged),
    ("FTP_PROXY", FindingCode::ProxyChanged),
    ("NO_PROXY", FindingCode::ProxyChanged),
    ("NODE_USE_ENV_PROXY", FindingCode::ProxyChanged),
    ("NPM_CONFIG_PROXY", FindingCode::ProxyChanged),
    ("NPM_CONFIG_HTTPS_PROXY", FindingCode::ProxyChanged),
    ("NPM_CONFIG_NOPROXY", FindingCode::ProxyChanged),
    ("PIP_PROXY", FindingCode::ProxyChanged),
    ("CARGO_HTTP_PROXY", FindingCode::ProxyChanged),
    ("SSL_CERT_FILE", FindingCode::TrustChanged),
    ("SSL_CERT_DIR", FindingCode::TrustChanged),
    ("NODE_EXTRA_CA_CERTS", FindingCode::TrustChanged),
    ("REQUESTS_CA_BUNDLE", FindingCode::TrustChanged),
    ("CURL_CA_BUNDLE", FindingCode::TrustChanged),
    ("GIT_SSL_CAINFO", FindingCode::TrustChanged),
    ("GIT_SSL_CAPATH", FindingCode::TrustChanged),
    ("PIP_CERT", FindingCode::TrustChanged),
    ("CARGO_HTTP_CAINFO", FindingCode::TrustChanged),
    ("AWS_CA_BUNDLE", FindingCode::TrustChanged),
    ("NPM_CONFIG_CAFILE", FindingCode::TrustChanged),
    ("NPM_CONFIG_CA", FindingCode::TrustChanged),
    ("DENO_CERT", FindingCode::TrustChanged),
    ("NODE_TLS_REJECT_UNAUTHORIZED", FindingCode::TlsOff),
    ("PYTHONHTTPSVERIFY", FindingCode::TlsOff),
    ("GIT_SSL_NO_VERIFY", FindingCode::TlsOff),
    ("PIP_TRUSTED_HOST", FindingCode::TlsOff),
    ("NPM_CONFIG_STRICT_SSL", FindingCode::TlsOff),
    ("PIP_INDEX_URL", FindingCode::PackageSource),
    ("PIP_EXTRA_INDEX_URL", FindingCode::PackageSource),
    ("PIP_FIND_LINKS", FindingCode::PackageSource),
    ("PIP_CONFIG_FILE", FindingCode::PackageSource),
    ("UV_INDEX_URL", FindingCode::PackageSource),
    ("UV_DEFAULT_INDEX", FindingCode::PackageSource),
    ("NPM_CONFIG_REGISTRY", FindingCode::PackageSource),
    ("NPM_CONFIG_USERCONFIG", FindingCode::PackageSource),
    ("YARN_REGISTRY", FindingCode::PackageSource),
    ("GOPROXY", FindingCode::PackageSource),
    ("GOSUMDB", FindingCode::SignatureOff),
    ("GONOSUMDB", FindingCode::SignatureOff),
    ("LD_PRELOAD", FindingCode::LoaderChanged),
    ("LD_LIBRARY_PATH", FindingCode::LoaderChanged),
    ("LD_AUDIT", FindingCode::LoaderChanged),
    ("NODE_OPTIONS", FindingCode::LoaderChanged),
    ("PYTHONSTARTUP", FindingCode::LoaderChanged),
    ("PERL5OPT", FindingCode::LoaderChanged),
    ("RUBYOPT", FindingCode::LoaderChanged),
    ("BASH_ENV", FindingCode::LoaderChanged),
    ("PROMPT_COMMAND", FindingCode::LoaderChanged),
    ("GIT_SSH_COMMAND", FindingCode::LoaderChanged),
    ("GIT_CONFIG_GLOBAL", FindingCode::LoaderChanged),
    ("ANTHROPIC_BASE_URL", FindingCode::AgentConfig),
    ("CLAUDE_CONFIG_DIR", FindingCode::AgentConfig),
];

/// What a variable of this name decides over; letter case does not count, because most of
/// them are read in small letters too.
pub(super) fn of_variable(name: &str) -> Option<FindingCode> {
    let name = name.to_ascii_uppercase();
    if name.starts_with("CELLAR_") {
        return Some(FindingCode::CellarPath);
    }
    let exact = VARIABLES.iter().find(|(known, _)| *known == name);
    let by_prefix = [
        ("CARGO_REGISTRIES_", FindingCode::PackageSource),
        ("CARGO_SOURCE_", FindingCode::PackageSource),
        ("GIT_CONFIG_", FindingCode::LoaderChanged),
    ];
    let prefix = || {
        by_prefix
            .iter()
            .find(|(prefix, _)| name.starts_with(prefix))
    };
    exact.or_else(prefix).map(|(_, code)| *code)
}

/// What a word or a text names, each kind once, with the piece.
pub(super) fn of_text(text: &str) -> Vec<(FindingCode, &'static str)> {
    let mut found: Vec<(FindingCode, &'static str)> = Vec::new();
    let cellar = CELLAR_PATHS.iter().find(|path| names_path(text, path));
    found.extend(cellar.map(|path| (FindingCode::CellarPath, *path)));
    for (piece, code) in PIECES {
        if text.contains(piece) && !found.iter().any(|(known, _)| *known == code) {
            found.push((code, piece));
        }
    }
    found
}

/// Whether a text names a path from the root, or something below it.
fn names_path(text: &str, path: &str) -> bool {
    let is_part = |c: char| c.is_ascii_alphanumeric() || "_-.".contains(c);
    text.match_indices(path).any(|(at, _)| {
        let before = text.get(..at).and_then(|before| before.chars().next_back());
        let after = text
            .get(at + path.len()..)
            .and_then(|after| after.chars().next());
        !before.is_some_and(is_part) && !after.is_some_and(is_part)
    })
}

/// What is said of a place.
#[expect(clippy::wildcard_enum_match_arm, reason = "the others are no places")]
pub(super) const fn words(code: FindingCode) -> &'static str {
    match code {
        FindingCode::CellarPath => "is Cellar's own, in every bottle",
        FindingCode::AgentConfig => "is of the agent's settings, hooks or instructions",
        FindingCode::EngineSocket => {
            "is the socket of a container engine: who has it has the machine"
        }
        FindingCode::Sudo => "decides who becomes root",
        FindingCode::PackageSource => "decides where packages come from",
        FindingCode::TrustChanged => "decides which certificates are believed",
        FindingCode::TlsOff => "decides whether certificates are verified",
        FindingCode::SignatureOff => "decides whether packages are verified",
        FindingCode::ProxyChanged => "decides over the way out, which is the proxy's",
        _ => "puts code or settings into every program that starts",
    }
}
