# Functions that several of the following parts use.

say() { printf 'piflash: %s\n' "$1" >&2; }

pause() { sleep "$(($1 * tick))"; }

# Waits $1 seconds and up to half as long again, so that the nodes of a rack do not all try at the same moment.
back_off() {
    random=$(od -An -N1 -tu1 /dev/urandom 2>/dev/null | tr -d ' ')
    pause "$(($1 + $1 * ${random:-0} / 512))"
}

# One line, short, without a token.
clean() {
    tr '\r\n\t' '   ' | sed -e 's/SWMTKN-[0-9A-Za-z-]*/SWMTKN-***/g' -e 's/  */ /g' -e 's/^ //' -e 's/ $//' |
        cut -c 1-300
}

# status STATE STEP [WAITING-FOR [LAST-ERROR]]: to the journal and, in a file that is replaced, to the boot partition.
status() {
    if [ "$2" != "$step" ]; then
        step=$2
        since=$(date -u +%Y-%m-%dT%H:%M:%SZ)
    fi
    text=$(
        printf 'node: %s\nstate: %s\nstep: %s\nsince: %s\n' "$NODE" "$1" "$step" "$since"
        [ -z "${3:-}" ] || printf 'waiting for: %s\n' "$3"
        [ -z "${4:-}" ] || printf 'last error: %s\n' "$4"
    )
    [ "$text" = "$shown" ] && return 0
    shown=$text
    say "$1: $step${3:+, waiting for $3}${4:+ ($4)}"
    [ -d "$boot" ] || return 0
    mkdir -p "$boot/piflash" 2>/dev/null &&
        printf '%s\n' "$text" 2>/dev/null >"$boot/piflash/status.new" && sync &&
        mv -f "$boot/piflash/status.new" "$boot/piflash/status.txt" && sync
}

# shellcheck disable=SC2317
stop() {
    status interrupted "${step:-starting}" '' 'stopped by a signal; goes on at the next boot'
    exit 143
}
trap stop TERM INT HUP

# Overwrites and deletes file $1.
shred_file() {
    [ -f "$1" ] || return 0
    dd if=/dev/zero of="$1" bs="$(($(wc -c <"$1") + 1))" count=1 conv=notrunc 2>/dev/null
    sync
    rm -f "$1"
    sync
}

# Carried files that are used up are listed here, one digest a line: piflash reads the list and does not put them on the
# card again.
is_taken() { grep -qxF "$1" "$state/taken" 2>/dev/null; }

take() {
    printf '%s\n' "$1" >>"$state/taken"
    sync
}

has_docker() { command -v docker >/dev/null 2>&1; }

node_state() { docker info -f '{{.Swarm.LocalNodeState}}' 2>/dev/null; }

# What this node advertises to the other nodes: the recipe's address, or the interface that leads to manager $1.
advertised() {
    if [ -n "$ADVERTISE" ]; then
        printf '%s\n' "$ADVERTISE"
        return
    fi
    interface=''
    case ${1%:*} in
    *[!0-9.]*) ;;
    *) interface=$(ip -4 route get "${1%:*}" 2>/dev/null | sed -n 's/.* dev \([^ ]*\).*/\1/p' | head -n 1) ;;
    esac
    if [ -n "$interface" ] && [ "$interface" != lo ]; then
        printf '%s\n' "$interface"
        return
    fi
    # The default route (destination 0) with the least metric.
    awk '$2 == "00000000" && (best == "" || $7 < metric) { best = $1; metric = $7 } END { print best }' \
        "$root/proc/net/route" 2>/dev/null
}
