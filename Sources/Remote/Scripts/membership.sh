# Reports the swarm that this node is in, as its engine sees it; changes nothing. Prints lines "KEY VALUE".
set -u
export LC_ALL=C
PATH=$PATH:/usr/local/sbin:/usr/sbin:/sbin

# An engine that hangs counts as none.
patient() {
    if command -v timeout >/dev/null 2>&1; then timeout 20 "$@"; else "$@"; fi
}

# Docker before 1.12 has no swarm mode, and does not know this format.
answer=$(patient docker info -f '{{.Swarm.LocalNodeState}} {{.Swarm.NodeID}}{{range .Swarm.RemoteManagers}} {{.NodeID}}@{{.Addr}}{{end}}' 2>/dev/null) || answer=
[ -z "$answer" ] || printf 'swarm %s\n' "$answer"
echo 'end 1'
