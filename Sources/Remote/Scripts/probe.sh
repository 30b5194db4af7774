# Reports which Docker this node has and how it is configured; changes nothing. Prints lines "KEY VALUE", and files as
# "file NAME BYTES", the contents, and a line end; of a file with more than `largest` bytes, which is set before, only
# "large NAME".
set -u
umask 077
export LC_ALL=C
PATH=$PATH:/usr/local/sbin:/usr/sbin:/sbin
root=${PIFLASH_ROOT:-}
state=$root/var/lib/piflash

report() { printf '%s %s\n' "$1" "$2"; }

report_file() {
    [ -f "$2" ] && [ -r "$2" ] || return 0
    size=$(wc -c <"$2" | tr -d ' ')
    if [ "$size" -gt "$largest" ]; then
        report large "$1"
        return 0
    fi
    report file "$1 $size"
    cat "$2"
    echo
    report "sum-$1" "$(cksum <"$2" | tr ' ' -)"
}

# An engine that hangs counts as none.
patient() {
    if command -v timeout >/dev/null 2>&1; then timeout 20 "$@"; else "$@"; fi
}

# Docker before 1.8 has no --format.
engine=$(patient docker version -f '{{.Server.Version}}' 2>/dev/null) || engine=
[ -n "$engine" ] || engine=$(patient docker version 2>/dev/null | sed -n 's/^Server version: *//p')
if [ -n "$engine" ]; then
    report up 1
    # shellcheck disable=SC2046 # two words
    set -- $(patient docker info -f '{{.Swarm.LocalNodeState}} {{.Swarm.ControlAvailable}}' 2>/dev/null)
    report swarm "${1:-none}"
    report manager "${2:-false}"
else
    engine=$({ dockerd --version || docker --version; } 2>/dev/null |
        sed -n 's/^Docker version \([^ ,]*\).*/\1/p' | head -n 1)
fi
[ -z "$engine" ] || report engine "$engine"
report machine "$(uname -m)"
command -v dpkg >/dev/null 2>&1 && report dpkg "$(dpkg --print-architecture)"
[ -r "$root/etc/os-release" ] && report system "$(. "$root/etc/os-release" && echo "${ID:-}")"
[ -d "$root/run/systemd/system" ] && report systemd 1
[ -e "$root/etc/systemd/system/docker.service.d/piflash.conf" ] && report dropin 1
[ -r "$root/etc/piflash/settings" ] && report first-boot "$(. "$root/etc/piflash/settings" && echo "${DOCKER_CONFIG:-}")"
[ -e "$root/etc/docker/piflash/cert.pem" ] && report certificate 1
report_file daemon.json "$root/etc/docker/daemon.json"
report_file docker-options "$root/etc/default/docker"
report_file proxies "$root/etc/systemd/system/docker.service.d/piflash-proxy.conf"
report_file daemon.json.written "$state/daemon.json.written"
report_file docker-options.written "$state/docker-options.written"
report end 1
