//! Where packages come from and whether anything is verified.

use super::super::told::Told;
use crate::policy::findings::FindingCode;
use crate::policy::findings::shell::{Simple, base};
use crate::policy::findings::shown::shown;

const APT: [&str; 3] = ["apt-get", "apt", "aptitude"];
const INSTALLERS: [&str; 8] = [
    "apt-get", "apt", "aptitude", "apk", "yum", "dnf", "microdnf", "zypper",
];

/// Options that turn verification of packages off, in small letters.
const UNSIGNED: [&str; 12] = [
    "--allow-unauthenticated",
    "--allow-insecure-repositories",
    "--force-yes",
    "--no-gpg-checks",
    "--nogpgcheck",
    "--no-gpg-check",
    "--nosignature",
    "--allow-untrusted",
    "--no-check-gpg",
    "[trusted=yes",
    "allowunauthenticated",
    "allowinsecurerepositories",
];

/// Options and settings that turn verification of certificates off, in small letters.
const UNVERIFIED: [&str; 10] = [
    "--trusted-host",
    "--no-check-certificate",
    "--no-verify-ssl",
    "--insecure",
    "--no-check-certs",
    "http.sslverify=false",
    "http.sslverify=0",
    "verify-peer",
    "verify-host",
    "stricthostkeychecking=no",
];

pub(super) fn tell(one: &Simple, line: u32, told: &mut Told) {
    let (name, arguments) = (one.name(), one.arguments());
    let installs = one.has("install") || one.has("add") || one.has("i");
    if INSTALLERS.contains(&name) && installs {
        for word in arguments.iter().filter(|word| {
            matches!(
                package(word),
                "sudo" | "doas" | "sudo-rs" | "su-exec" | "gosu"
            )
        }) {
            told.line(
                FindingCode::Sudo,
                line,
                format!("`{}` is a way to become root", shown(word)),
            );
        }
        if APT.contains(&name)
            && arguments
                .iter()
                .any(|word| word.contains('/') && word.strip_suffix(".deb").is_some())
        {
            told.line(
                FindingCode::PackageSource,
                line,
                "a package from a file and not from the distribution",
            );
        }
    }
    let words = match name {
        "apt-key" | "add-apt-repository" | "apt-add-repository" | "extrepo" => {
            Some("adds a source of packages or a key that they are believed by")
        }
        "yum-config-manager" | "rpm" | "dpkg"
            if one.arguments().iter().any(|word| {
                word.starts_with("--add-repo")
                    || word == "-i"
                    || word == "--install"
                    || word.starts_with("-i")
                    || word == "--import"
                    || word.starts_with("-U")
            }) =>
        {
            Some("installs or believes what does not come from the distribution")
        }
        "pip" | "pip3" | "pipx" | "uv" | "python" | "python3" if pip_elsewhere(arguments) => {
            Some("takes Python packages from elsewhere than the index")
        }
        "npm" | "yarn" | "pnpm" | "npx" if npm_elsewhere(arguments) => {
            Some("takes Node packages from elsewhere than the registry")
        }
        "cargo"
            if installs
                && arguments.iter().any(|word| {
                    matches!(flag(word), "--git" | "--path" | "--index" | "--registry")
                }) =>
        {
            Some("takes crates from elsewhere than the registry")
        }
        "gem"
            if arguments
                .iter()
                .any(|word| matches!(flag(word), "--source" | "-s" | "sources")) =>
        {
            Some("takes gems from elsewhere")
        }
        "go" if installs || arguments.iter().any(|word| word.starts_with("GOPROXY")) => {
            Some("takes Go modules from wherever their names say")
        }
        _ => None,
    };
    if let Some(words) = words {
        told.line(
            FindingCode::PackageSource,
            line,
            format!("`{}` {words}", shown(base(name))),
        );
    }
}

/// Whatever turns checks off, by whichever program.
pub(super) fn switches(one: &Simple, line: u32, told: &mut Told) {
    let small: Vec<String> = one.words.iter().map(|word| word.to_lowercase()).collect();
    let names = |list: &[&str]| {
        small
            .iter()
            .any(|word| list.iter().any(|part| word.contains(part)))
    };
    if names(&UNSIGNED) {
        told.line(
            FindingCode::SignatureOff,
            line,
            "packages are taken without a signature that anybody vouches for",
        );
    }
    let pairs = || small.iter().zip(small.iter().skip(1));
    let sets_off = |key: &str| {
        pairs().any(|(found, value)| {
            let is_off = matches!(value.as_str(), "false" | "0" | "no" | "off");
            found.ends_with(key) && is_off
        })
    };
    let is_curl_k = one.name() == "curl"
        && one.arguments().iter().any(|word| {
            word.strip_prefix('-').is_some_and(|letters| {
                !letters.starts_with('-')
                    && letters.contains('k')
                    && !letters.contains(['o', 'H', 'A', 'd'])
            })
        });
    if names(&UNVERIFIED)
        || is_curl_k
        || sets_off("sslverify")
        || sets_off("strict-ssl")
        || small
            .iter()
            .any(|word| word == "strict-ssl=false" || word == "--strict-ssl=false")
    {
        told.line(
            FindingCode::TlsOff,
            line,
            "certificates are not verified: whoever is on the way decides what comes",
        );
    }
    let config = one.has("config") || one.has("set");
    let is_proxy = |word: &String| {
        let word = word.split('=').next().unwrap_or_default();
        matches!(
            word,
            "--noproxy"
                | "--proxy"
                | "--no-proxy"
                | "--preproxy"
                | "http.proxy"
                | "https.proxy"
                | "acquire::http::proxy"
                | "acquire::https::proxy"
        ) || (config && matches!(word, "proxy" | "https-proxy" | "noproxy"))
    };
    if small.iter().any(is_proxy) {
        told.line(
            FindingCode::ProxyChanged,
            line,
            "another way out than the proxy's is set",
        );
    }
    if matches!(
        one.name(),
        "update-ca-certificates" | "update-ca-trust" | "trust"
    ) || (config && small.iter().any(|word| word == "cafile" || word == "ca"))
    {
        told.line(
            FindingCode::TrustChanged,
            line,
            format!(
                "`{}` changes which certificates are believed",
                shown(one.name())
            ),
        );
    }
}

/// An option without its value.
fn flag(word: &str) -> &str {
    word.split('=').next().unwrap_or(word)
}

/// A package without its version.
fn package(word: &str) -> &str {
    word.split(['=', '/', ':']).next().unwrap_or(word)
}

fn is_place(word: &str) -> bool {
    word.contains("://") || word.starts_with("git+") || word.starts_with("git@")
}

fn pip_elsewhere(arguments: &[String]) -> bool {
    let installs = arguments.iter().any(|word| word == "install");
    let sets = arguments.iter().any(|word| word == "config")
        && arguments.iter().any(|word| word.contains("index-url"));
    let option = |word: &String| {
        matches!(
            flag(word),
            "--index-url"
                | "-i"
                | "--extra-index-url"
                | "--find-links"
                | "-f"
                | "--index"
                | "--default-index"
        )
    };
    sets || (installs && arguments.iter().any(|word| option(word) || is_place(word)))
}

fn npm_elsewhere(arguments: &[String]) -> bool {
    let sets = arguments
        .iter()
        .any(|word| word == "config" || word == "set")
        && arguments.iter().any(|word| flag(word).contains("registry"));
    let is_repository = |word: &String| {
        let parts = word.split('/').count();
        is_place(word)
            || word.starts_with("github:")
            || (parts == 2 && !word.starts_with(['@', '.', '/', '-']))
    };
    let installs = arguments
        .iter()
        .any(|word| matches!(word.as_str(), "install" | "i" | "add" | "ci"));
    sets || arguments.iter().any(|word| flag(word) == "--registry")
        || (installs && arguments.iter().any(is_repository))
}
