# Tells what Docker on this node is and how it is configured; changes nothing. Lines "KEY VALUE", and files as
# "file NAME BYTES", the contents, and a line end.
set -u
umask 077
export LC_ALL=C
PATH=$PATH:/usr/local/sbin:/usr/sbin:/sbin
root=${PIFLASH_ROOT:-}
state=$root/var/lib/piflash

tell() { printf '%s %s\n' "$1" "$2"; }

give() {
    [ -f "$2" ] && [ -r "$2" ] || return 0
    tell file "$1 $(wc -c <"$2" | tr -d ' ')"
    cat "$2"
    echo
    tell "sum-$1" "$(cksum <"$2" | tr ' ' -)"
}

# An engine that hangs is no engine.
patient() {
    if command -v timeout >/dev/null 2>&1; then timeout 20 "$@"; else "$@"; fi
}

# Docker before 1.8 has no --format.
engine=$(patient docker version -f '{{.Server.Version}}' 2>/dev/null) || engine=
[ -n "$engine" ] || engine=$(patient docker version 2>/dev/null | sed -n 's/^Server version: *//p')
if [ -n "$engine" ]; then
    tell up 1
    # shellcheck disable=SC2046 # two words
    set -- $(patient docker info -f '{{.Swarm.LocalNodeState}} {{.Swarm.ControlAvailable}}' 2>/dev/null)
    tell swarm "${1:-none}"
    tell manager "${2:-false}"
else
    engine=$({ dockerd --version || docker --version; } 2>/dev/null |
        sed -n 's/^Docker version \([^ ,]*\).*/\1/p' | head -n 1)
fi
[ -z "$engine" ] || tell engine "$engine"
tell machine "$(uname -m)"
command -v dpkg >/dev/null 2>&1 && tell dpkg "$(dpkg --print-architecture)"
[ -r "$root/etc/os-release" ] && tell system "$(. "$root/etc/os-release" && echo "${ID:-}")"
[ -d "$root/run/systemd/system" ] && tell systemd 1
[ -e "$root/etc/systemd/system/docker.service.d/piflash.conf" ] && tell dropin 1
[ -r "$root/etc/piflash/settings" ] && tell first-boot "$(. "$root/etc/piflash/settings" && echo "${DOCKER_CONFIG:-}")"
[ -e "$root/etc/docker/piflash/cert.pem" ] && tell certificate 1
give daemon.json "$root/etc/docker/daemon.json"
give docker-options "$root/etc/default/docker"
give proxies "$root/etc/systemd/system/docker.service.d/piflash-proxy.conf"
give daemon.json.written "$state/daemon.json.written"
give docker-options.written "$state/docker-options.written"
tell end 1
