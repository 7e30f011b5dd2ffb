#!/usr/bin/env bash
# A second, throw-away engine beside the installed one: Docker 28 from Debian sid, in
# a mount and a network namespace of its own, so that engine tests run against a new
# engine too and one may be restarted under a console.
#
#   engine-28.sh start     prints DOCKER_HOST=unix://…
#   engine-28.sh restart   stops and starts it; its containers go through that
#   engine-28.sh stop      ends it; images and containers stay for the next start
#   engine-28.sh remove    ends it and removes all that it kept
#
# Needs root, debootstrap, iproute2 and util-linux.
set -euo pipefail

readonly SUITE=sid
readonly PACKAGES=docker.io,ca-certificates,iptables
readonly NETNS=cellar-test-28

cache=${CELLAR_TEST_CACHE:-${HOME:-/root}/.cache/cellar-test}
root=$cache/engine-28-root
state=$cache/engine-28
socket=$state/docker.sock

say() { printf 'engine-28: %s\n' "$*" >&2; }

# The daemon's process id if it runs: the file may outlive it.
running_pid() {
    local pid
    pid=$(cat "$state/docker.pid" 2>/dev/null) || return 1
    [[ $(cat "/proc/$pid/comm" 2>/dev/null) == dockerd ]] && echo "$pid"
}

make_root() {
    [[ -e $root.done ]] && return
    say "make a root file system ($SUITE: $PACKAGES)"
    rm -rf --one-file-system "$root"
    debootstrap --variant=minbase --include="$PACKAGES" "$SUITE" "$root" >"$cache/engine-28.log" 2>&1 || {
        tail -n 30 "$cache/engine-28.log" >&2
        return 1
    }
    mkdir -p "$root/old"
    touch "$root.done"
}

# Runs in the new mount namespace. Not `ip netns exec`: that mounts /sys anew and
# hides the cgroups.
inside() {
    mount --make-rprivate /
    mount --bind "$root" "$root"
    mount -t proc proc "$root/proc"
    mount --rbind /sys "$root/sys"
    mount --rbind /dev "$root/dev"
    mount -t tmpfs tmpfs "$root/run"
    mkdir -p "$root/run/engine"
    mount --bind "$state" "$root/run/engine"
    # Where the tests keep what a bottle mounts.
    mount --bind /tmp "$root/tmp"
    cd "$root"
    pivot_root . old
    umount -l /old
    exec chroot . /usr/sbin/dockerd \
        --data-root /run/engine/data --exec-root /run/engine/exec \
        --pidfile /run/engine/docker.pid -H unix:///run/engine/docker.sock
}

start() {
    mkdir -p "$state" "$cache"
    if ! running_pid >/dev/null; then
        make_root
        rm -f "$state/docker.pid" "$socket"
        ip netns list | grep -qw "$NETNS" || ip netns add "$NETNS"
        ip -n "$NETNS" link set lo up
        nsenter --net="/run/netns/$NETNS" setsid unshare --mount \
            "$0" inside >"$state/dockerd.log" 2>&1 </dev/null &
    fi
    for _ in {1..300}; do
        if DOCKER_HOST=unix://$socket docker version >/dev/null 2>&1; then
            echo "DOCKER_HOST=unix://$socket"
            return
        fi
        sleep 0.1
    done
    say "no answer after 30 s:"
    tail -n 20 "$state/dockerd.log" >&2
    return 1
}

stop() {
    local pid
    pid=$(running_pid) || return 0
    kill "$pid"
    for _ in {1..300}; do
        running_pid >/dev/null || return 0
        sleep 0.1
    done
    say "still there after 30 s: killed"
    kill -KILL "$pid"
}

if ((EUID != 0)); then
    say "needs root"
    exit 1
fi
case ${1:-} in
    start) start ;;
    stop) stop ;;
    restart) stop && start ;;
    remove)
        if running_pid >/dev/null; then
            DOCKER_HOST=unix://$socket docker ps -q |
                DOCKER_HOST=unix://$socket xargs -r docker kill >/dev/null
            stop
        fi
        ip netns del "$NETNS" 2>/dev/null || true
        rm -rf --one-file-system "$state" "$root" "$root.done"
        ;;
    inside) inside ;;
    *)
        sed -n '2,/^set -/{/^set -/!s/^# \{0,1\}//p}' "$0" >&2
        exit 2
        ;;
esac
