#!/bin/sh
# Makes the pictures of the guide from a real run of the demo. Needs a running engine.
# Run it after what the console shows has changed; it uses folders of its own and leaves
# nothing on the engine.
set -eu
cd "$(dirname "$0")/../.."
cargo build --bin cellar --example screen-svg
folder="$(cargo metadata --format-version 1 --no-deps | sed 's/.*"target_directory":"\([^"]*\)".*/\1/')"
find_built() { find "$folder" -path "*/debug/$1" -type f | head -n 1; }
cellar="$(find_built cellar)"
svg="$(find_built examples/screen-svg)"
own="$(mktemp -d)"
export XDG_CONFIG_HOME="$own/config" XDG_STATE_HOME="$own/state" XDG_CACHE_HOME="$own/cache" LANG=C.UTF-8
unset NO_COLOR COLORFGBG || true
mkdir -p "$XDG_CONFIG_HOME/cellar"
trap '"$cellar" demo --clean >/dev/null 2>&1 || true; rm -rf "$own"' EXIT
"$svg" 120x30 "$cellar" demo <<'STEPS'
wait a way out to GET example.com
wait Type help for what I can do
shot docs/images/list.svg
type i
wait adds GET example.com
shot docs/images/inbox.svg
type a
wait Approve demo-chat-
type y
wait is applied
type \e
wait 1 Session
wait example.com:443 is open to me
type e
wait example.com
shot docs/images/egress.svg
STEPS
