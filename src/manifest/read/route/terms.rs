//! On what terms a route lets out: methods and paths, what is looked at, how much, how
//! long, and with which credential.

use std::collections::BTreeSet;

use jsonc_parser::ast::Value;

use super::{RoutesOf, is_known};
use crate::manifest::read::shape::{Fields, Reader, Shape, suggest};
use crate::policy::{
    Auth, AuthScheme, Effect, HeaderField, Method, Methods, PathPattern, Route, RouteRole,
    ScanMode, ScanRule, SecretName, Tls,
};

const AUTH: Shape = Shape {
    what: "an `auth`",
    form: "write it as { \"scheme\": \"bearer\", \"secret\": \"name\" }",
    known: &["scheme", "secret", "user", "header"],
    refused: &[],
};

const SCAN: Shape = Shape {
    what: "a `scan`",
    form: "write it as { \"request\": \"warn\" }",
    known: &["request", "response", "pass"],
    refused: &[],
};

const BUDGET: Shape = Shape {
    what: "a budget",
    form: "write it as { \"bytes\": \"1GiB\", \"requests\": 1000 }",
    known: &["bytes", "requests"],
    refused: &[],
};

const SCHEMES: [&str; 4] = ["bearer", "token", "basic", "header"];
const SCANS: [&str; 4] = ["block", "redact", "warn", "off"];

/// Where the model API looks for a key.
const API_KEY_HEADER: &str = "x-api-key";

impl Reader {
    /// Reads which requests are meant.
    pub(super) fn narrow(&mut self, fields: &Fields<'_>, route: &mut Route) {
        if let Some(value) = fields.get("methods") {
            route.methods = self.methods(value).unwrap_or_default();
        }
        if let Some(value) = fields.get("paths") {
            route.paths = self.paths(value).unwrap_or_default();
        }
        if let Some(value) = fields.get("deny")
            && self.boolean(value, "`deny`") == Some(true)
        {
            route.effect = Effect::Deny;
        }
        if let Some(value) = fields.get("expires") {
            route.expires = self.expires(value);
        }
    }

    fn methods(&mut self, value: &Value<'_>) -> Option<Methods> {
        let help = "write a list such as [\"GET\", \"HEAD\"]; without `methods` every one is meant";
        let words = self.texts(value, "`methods`", help)?;
        let mut methods = BTreeSet::new();
        for word in &words {
            if let Ok(method) = Method::parse(&word.value) {
                methods.insert(method);
            } else {
                let message = format!("`{}` is no method of a route", word.value);
                let help = "write capital letters, such as GET; no route lets CONNECT, TRACE or TRACK through";
                self.wrong(&word.place, &message, help);
            }
        }
        if words.is_empty() {
            self.wrong_at(value, "`methods` is empty", help);
        }
        Some(Methods::from(methods))
    }

    fn paths(&mut self, value: &Value<'_>) -> Option<Vec<PathPattern>> {
        let help = "write a list such as [\"/v1/messages\", \"/repos/*\"]; without `paths` every one is meant";
        let words = self.texts(value, "`paths`", help)?;
        let mut paths = Vec::new();
        for word in &words {
            if let Ok(path) = PathPattern::parse(&word.value) {
                paths.push(path);
            } else {
                let message = format!("`{}` is no path of a route", word.value);
                let help = "write one such as \"/v1/messages\" or \"/repos/*\": it begins with /, has no . or .. as a part, and a * is a whole part";
                self.wrong(&word.place, &message, help);
            }
        }
        if words.is_empty() {
            self.wrong_at(value, "`paths` is empty", help);
        }
        Some(paths)
    }

    fn expires(&mut self, value: &Value<'_>) -> Option<jiff::Timestamp> {
        let help = "write a time with its zone, such as \"2027-01-31T18:00:00Z\"";
        let text = self.text(value, "`expires`", help)?;
        if let Ok(time) = text.parse() {
            return Some(time);
        }
        self.wrong_at(value, &format!("`expires` cannot be \"{text}\""), help);
        None
    }

    /// Reads what is looked at, and how much may pass.
    pub(super) fn inspection(&mut self, fields: &Fields<'_>, route: &mut Route) {
        if let Some(value) = fields.get("tls") {
            let word = self.word(value, "`tls`", &["intercept", "splice"]);
            if word == Some("splice") {
                route.tls = Tls::Splice;
            }
        }
        if let Some(value) = fields.get("websocket") {
            route.websocket = self.boolean(value, "`websocket`").unwrap_or_default();
        }
        if let Some(fields) = fields
            .get("scan")
            .and_then(|value| self.fields(value, &SCAN))
        {
            if let Some(mode) = self.scan_mode(&fields, "request") {
                route.scan.request = mode;
            }
            if let Some(mode) = self.scan_mode(&fields, "response") {
                route.scan.response = mode;
            }
            if let Some(value) = fields.get("pass") {
                route.scan_pass = self.scan_pass(value);
            }
        }
        if let Some(fields) = fields
            .get("budget")
            .and_then(|value| self.fields(value, &BUDGET))
        {
            if let Some(value) = fields.get("bytes") {
                route.budget.bytes = self.size(value, "`bytes`", 1..=1 << 50);
            }
            if let Some(value) = fields.get("requests") {
                route.budget.requests = self.count(value, "`requests`", 1..=1 << 50);
            }
        }
    }

    /// Rules that find by shape: a secret of the bottle has no such name.
    fn scan_pass(&mut self, value: &Value<'_>) -> BTreeSet<ScanRule> {
        let help = "write a list such as [\"github-pat\"]; `cellar egress` tells the names of what was found";
        let mut rules = BTreeSet::new();
        for word in self.texts(value, "`pass`", help).unwrap_or_default() {
            match ScanRule::parse(&word.value) {
                Ok(rule) if ScanRule::known().any(|known| known == rule.as_str()) => {
                    rules.insert(rule);
                }
                Ok(_) | Err(_) => {
                    let help = suggest(&word.value, ScanRule::known())
                        .map_or(String::from(help), |near| format!("did you mean `{near}`?"));
                    let message = format!("the scanner has no rule `{}`", word.value);
                    self.wrong(&word.place, &message, help);
                }
            }
        }
        rules
    }

    fn scan_mode(&mut self, fields: &Fields<'_>, key: &'static str) -> Option<ScanMode> {
        let value = fields.get(key)?;
        let word = self.word(value, &format!("`{key}`"), &SCANS)?;
        Some(match word {
            "redact" => ScanMode::Redact,
            "warn" => ScanMode::Warn,
            "off" => ScanMode::Off,
            _ => ScanMode::Block,
        })
    }

    /// Reads which credential is put in, and how. A role says how by itself.
    pub(in crate::manifest::read) fn auth(
        &mut self,
        fields: &Fields<'_>,
        role: Option<RouteRole>,
        of: &RoutesOf<'_>,
    ) -> Option<Auth> {
        let value = fields.get("auth")?;
        let fields = self.fields(value, &AUTH)?;
        let scheme = match role {
            Some(role) => self.scheme_of_role(&fields, role),
            None => self.scheme(&fields),
        };
        let secret = self.secret_name(&fields);
        let auth = Auth {
            scheme: scheme?,
            secret: secret?,
        };
        if !is_known(of, &auth) {
            let names = of.secrets.iter().flatten().map(SecretName::as_str);
            let help = match suggest(auth.secret.as_str(), names) {
                Some(near) => format!("did you mean `{near}`?"),
                None => format!(
                    "add it to this bottle: \"secrets\": {{ \"{}\": {{ \"env\": \"NAME\" }} }}",
                    auth.secret
                ),
            };
            let message = format!("no secret of this bottle is called `{}`", auth.secret);
            self.wrong_at(fields.get("secret")?, &message, help);
        }
        Some(auth)
    }

    fn secret_name(&mut self, fields: &Fields<'_>) -> Option<SecretName> {
        let help = "add \"secret\": \"name\" with a name from this bottle's `secrets`";
        let Some(value) = fields.get("secret") else {
            self.wrong(&fields.place.clone(), "the `auth` names no secret", help);
            return None;
        };
        let name = self.text(value, "`secret`", help)?;
        let parsed = SecretName::parse(&name).ok();
        if parsed.is_none() {
            // Not repeated: it may be the secret itself.
            let help = "name an entry of this bottle's `secrets`; a secret is never written here";
            self.wrong_at(value, "this is no name of a secret", help);
        }
        parsed
    }

    fn scheme_of_role(&mut self, fields: &Fields<'_>, role: RouteRole) -> Option<AuthScheme> {
        for key in ["scheme", "user", "header"] {
            if let Some(value) = fields.get(key) {
                let message = format!("`{key}` stands beside the role `{}`", role.as_str());
                self.wrong_at(
                    value,
                    &message,
                    "take it out: the role says how the secret is sent",
                );
            }
        }
        match role {
            RouteRole::ClaudeCodeOauth => Some(AuthScheme::Bearer),
            RouteRole::AnthropicApiKey => HeaderField::parse(API_KEY_HEADER)
                .ok()
                .map(|name| AuthScheme::Header { name }),
        }
    }

    fn scheme(&mut self, fields: &Fields<'_>) -> Option<AuthScheme> {
        let word = match fields.get("scheme") {
            Some(value) => self.word(value, "`scheme`", &SCHEMES)?,
            None if fields.get("header").is_some() => "header",
            None if fields.get("user").is_some() => "basic",
            None => "bearer",
        };
        for (key, scheme) in [("user", "basic"), ("header", "header")] {
            if let Some(value) = fields.get(key)
                && word != scheme
            {
                let message = format!("`{key}` goes with the scheme \"{scheme}\" alone");
                self.wrong_at(value, &message, "take one of the two out");
            }
        }
        match word {
            "token" => Some(AuthScheme::Token),
            "basic" => self.user(fields).map(|user| AuthScheme::Basic { user }),
            "header" => self.header(fields).map(|name| AuthScheme::Header { name }),
            _ => Some(AuthScheme::Bearer),
        }
    }

    fn user(&mut self, fields: &Fields<'_>) -> Option<String> {
        let help = "add \"user\": \"name\", without a colon; code hosts take any, such as \"x-access-token\"";
        let Some(value) = fields.get("user") else {
            self.wrong(
                &fields.place.clone(),
                "the scheme \"basic\" needs a user",
                help,
            );
            return None;
        };
        let user = self.text(value, "`user`", help)?;
        // A colon would end it (RFC 7617).
        if user.contains(':') || user.chars().any(char::is_control) {
            self.wrong_at(value, "`user` holds a colon or a control character", help);
            return None;
        }
        Some(user)
    }

    fn header(&mut self, fields: &Fields<'_>) -> Option<HeaderField> {
        let help = "add \"header\": \"x-api-key\", or the name that the host wants";
        let Some(value) = fields.get("header") else {
            let message = "the scheme \"header\" names no header";
            self.wrong(&fields.place.clone(), message, help);
            return None;
        };
        let name = self.text(value, "`header`", help)?;
        let header = HeaderField::parse(&name).ok();
        if header.is_none() {
            let message = format!("`{name}` is no header for a credential");
            self.wrong_at(value, &message, help);
        }
        header
    }
}
