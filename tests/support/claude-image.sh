#!/usr/bin/env bash
# Makes the image that the tests of the real Claude Code start from, without a
# registry: a root file system from Debian's packages, the Linux program that the
# Python wheel `claude-agent-sdk` carries, and an ordinary user for it.
#
# Needs root (debootstrap) unless the image is there already. Prints the image's
# name on standard output and everything else on standard error. The parts are
# kept under CELLAR_TEST_CACHE, so that a second engine costs an import only.
set -euo pipefail

readonly SUITE=bookworm
readonly PACKAGES=ca-certificates,git,curl,procps
readonly WHEEL_VERSION=0.2.186
# Raise this when the recipe below changes.
readonly RECIPE=1
readonly IMAGE="cellar-test/claude:${WHEEL_VERSION}-${RECIPE}"

cache=${CELLAR_TEST_CACHE:-${HOME:-/root}/.cache/cellar-test}
root=$cache/rootfs-$SUITE-$RECIPE
wheel=$cache/wheel-$WHEEL_VERSION

say() { printf 'claude-image: %s\n' "$*" >&2; }

if [[ ${1:-} == --name ]]; then
    echo "$IMAGE"
    exit 0
fi

if docker image inspect "$IMAGE" >/dev/null 2>&1; then
    say "$IMAGE is there already"
    echo "$IMAGE"
    exit 0
fi

mkdir -p "$cache"
# Two runs at once would write the same folders.
exec 9>"$cache/lock"
flock 9

if [[ ! -e $root.done ]]; then
    if ((EUID != 0)); then
        say "needs root for debootstrap, or a finished $root"
        exit 1
    fi
    if ! command -v debootstrap >/dev/null; then
        say "install debootstrap"
        apt-get install -y --no-install-recommends debootstrap >&2
    fi
    say "make a root file system ($SUITE: $PACKAGES)"
    rm -rf --one-file-system "$root"
    debootstrap --variant=minbase --include="$PACKAGES" "$SUITE" "$root" >"$cache/debootstrap.log" 2>&1 || {
        tail -n 30 "$cache/debootstrap.log" >&2
        exit 1
    }
    chroot "$root" useradd --create-home --uid 1000 --shell /bin/bash agent
    rm -rf "$root"/var/cache/apt/archives/*.deb "$root"/var/lib/apt/lists/*
    touch "$root.done"
fi

if [[ ! -x $wheel/claude ]]; then
    say "fetch claude-agent-sdk $WHEEL_VERSION"
    rm -rf "$wheel"
    mkdir -p "$wheel"
    python3 -m pip download --quiet --no-deps --only-binary=:all: --dest "$wheel" \
        "claude-agent-sdk==$WHEEL_VERSION" >&2
    python3 -m zipfile -e "$wheel"/*.whl "$wheel/unpacked"
    mv "$wheel/unpacked/claude_agent_sdk/_bundled/claude" "$wheel/claude"
    chmod 0755 "$wheel/claude"
    rm -rf "$wheel/unpacked" "$wheel"/*.whl
fi
install -D -m 0755 "$wheel/claude" "$root/usr/local/bin/claude"

say "import $IMAGE"
tar --create --numeric-owner --one-file-system --directory "$root" . |
    docker import \
        --change 'USER 1000:1000' \
        --change 'ENV PATH=/usr/local/bin:/usr/bin:/bin LANG=C.UTF-8' \
        --change 'LABEL cellar.test=claude' \
        --message "debian $SUITE and claude-agent-sdk $WHEEL_VERSION" \
        - "$IMAGE" >&2
echo "$IMAGE"
