#!/usr/bin/env python3
"""Turn gitleaks' rule set into assets/secret-rules.json.

    git -C GITLEAKS show HEAD:config/gitleaks.toml > gitleaks.toml
    python3 tests/support/secret-rules.py gitleaks.toml COMMIT > assets/secret-rules.json

Needs Python 3.11 and nothing else. The same input gives the same bytes. What it
changes, and why:

- Paths go: what leaves a bottle has no file name. A rule that is only a path, or
  that means nothing without one, goes with them (DROPPED); so does an allowlist that
  demands a path.
- A lone `{` is escaped: Go's syntax takes it as itself, Rust's does not.
- `^true|false|null$` allowed every secret with `false` in it; it gets its brackets.
- Keywords and stopwords are lower-cased, sorted and named once.
"""

import json
import re
import sys
import tomllib

DROPPED = {
    "pkcs12-file": "is only a path",
    "hashicorp-tf-password": "any assignment to `password`, told apart by its path alone",
}
LOOSE = "(?i)^true|false|null$"
STRICT = "(?i)^(?:true|false|null)$"
REPETITION = re.compile(r"\{\d+(?:,\d*)?\}")


def portable(regex):
    """The regex with each `{` that begins no repetition escaped."""
    out, at, in_class = [], 0, False
    while at < len(regex):
        char = regex[at]
        if char == "\\":
            out.append(regex[at : at + 2])
            at += 2
            continue
        if char == "[" and not in_class:
            in_class = True
        elif char == "[" and regex.startswith("[:", at):
            end = regex.index(":]", at) + 2
            out.append(regex[at:end])
            at = end
            continue
        elif char == "]" and in_class:
            in_class = False
        repetition = None if in_class else REPETITION.match(regex, at)
        if repetition and out and out[-1] not in ("|", "(", r"\$"):
            out.append(repetition.group())
            at = repetition.end()
            continue
        out.append("\\{" if char == "{" and not in_class else char)
        at += 1
    return "".join(out)


def words(given):
    return sorted({word.lower() for word in given})


def allowlist(given):
    """One allowlist, or nothing if only a path could have made it apply."""
    demands_path = given.get("condition", "OR") == "AND" and "paths" in given
    regexes = [STRICT if regex == LOOSE else portable(regex) for regex in given.get("regexes", [])]
    stopwords = words(given.get("stopwords", []))
    if demands_path or not (regexes or stopwords):
        return []
    if given.get("condition", "OR") == "AND":
        raise SystemExit("an allowlist joins its conditions by AND: teach the scanner first")
    made = {"target": given.get("regexTarget", "secret")}
    if regexes:
        made["regexes"] = regexes
    if stopwords:
        made["stopwords"] = stopwords
    return [made]


def rule(given):
    made = {
        "id": given["id"],
        "description": given["description"],
        "regex": portable(given["regex"]),
        "keywords": words(given["keywords"]),
    }
    if "entropy" in given:
        made["entropy"] = given["entropy"]
    if "secretGroup" in given:
        made["secret_group"] = given["secretGroup"]
    lists = [made for one in given.get("allowlists", []) for made in allowlist(one)]
    if lists:
        made["allowlists"] = lists
    return made


def main():
    path, commit = sys.argv[1:]
    with open(path, "rb") as file:
        given = tomllib.load(file)
    made = {
        "source": "https://github.com/gitleaks/gitleaks, config/gitleaks.toml",
        "commit": commit,
        "licence": "MIT, in secret-rules.LICENSE",
        "allowlists": allowlist(given["allowlist"]),
        "rules": [rule(one) for one in given["rules"] if one["id"] not in DROPPED],
    }
    json.dump(made, sys.stdout, indent=1, ensure_ascii=False)
    sys.stdout.write("\n")
    # Manifests name rules; who reads them does not hold the rules themselves.
    names = [one["id"] + "\n" for one in made["rules"]]
    with open("assets/secret-rule-names.txt", "w") as file:
        file.writelines(names)


main()
