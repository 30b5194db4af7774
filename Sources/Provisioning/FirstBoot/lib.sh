# Functions that several of the following parts use.

say() { printf 'piflash: %s\n' "$1" >&2; }

pause() { sleep "$(($1 * tick))"; }

# Seconds since the node was switched on: the clock may jump.
uptime() { sed 's/[. ].*//' /proc/uptime; }

# Writes what belongs to the file system of file or directory $1 to the card. Before coreutils 8.24 there is only the
# whole of it.
flush() { sync -f "$1" 2>/dev/null || sync; }

# keep FILE TEXT: from now on FILE holds TEXT, also after a power cut. Without the flush in the middle the file could
# have its new name, and be empty.
keep() {
    printf '%s\n' "$2" >"$1.new" && flush "$1.new" && mv -f "$1.new" "$1" && flush "$1"
}

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

# Puts the status on the boot partition, in a file that is replaced.
publish() {
    [ -d "$boot" ] || return 0
    {
        flock 8
        mkdir -p "$boot/piflash" 2>/dev/null && cat "$root/run/piflash/status" 2>/dev/null >"$boot/piflash/status.new" &&
            flush "$boot/piflash" && mv -f "$boot/piflash/status.new" "$boot/piflash/status.txt" && flush "$boot/piflash"
    } 8>"$root/run/piflash/status.lock"
}

# status STATE STEP [WAITING-FOR [LAST-ERROR]]: to the journal and to the boot partition; there, since each write wears
# the card, at most once in 15 seconds while the node works. What comes sooner waits in the background, and only the last
# of it is written.
status() {
    if [ "$2" != "$step" ]; then
        step=$2
        since=$(date -u +%Y-%m-%dT%H:%M:%SZ)
    fi
    text=$(
        printf 'node: %s\nstate: %s\nstep: %s\nsince: %s\n' "$NODE" "$1" "$step" "$since"
        [ -z "${3:-}" ] || printf 'waiting for: %s\n' "$3"
        [ -z "${4:-}" ] || printf 'last error: %s\n' "$4"
        [ -z "$repaired" ] || printf 'repaired: %s\n' "$repaired"
        [ -z "$clock" ] || printf 'clock: %s\n' "$clock"
    )
    [ "$text" = "$shown" ] && return 0
    shown=$text
    say "$1: $step${3:+, waiting for $3}${4:+ ($4)}"
    printf '%s\n' "$text" >"$root/run/piflash/status.new" &&
        mv -f "$root/run/piflash/status.new" "$root/run/piflash/status"
    now=$(uptime)
    if [ "$1" != working ] || [ "$now" -ge "$due" ]; then
        end_writer
        publish
        due=$((now + 15 * tick))
    elif [ "$now" -ge "$later" ]; then
        later=$due
        publish_in "$((later - now))" 9>&- &
        writer=$!
        due=$((due + 15 * tick))
    fi
}
# From when the next status may be written to the card, when the one that waits will be, and the process that does it.
due=0 later=0 writer=''

# In the background, after $1 seconds.
publish_in() {
    trap 'kill "$nap" 2>/dev/null; exit 0' TERM
    sleep "$1" &
    nap=$!
    wait "$nap"
    publish
}

end_writer() {
    [ -n "$writer" ] || return 0
    kill "$writer" 2>/dev/null
    wait "$writer" 2>/dev/null
    writer='' later=0
}

# shellcheck disable=SC2317
stop() {
    status interrupted "${step:-starting}" '' 'stopped by a signal; goes on at the next boot'
    exit 143
}
trap stop TERM INT HUP

# Runs a command with the recipe's proxies in its environment. The program itself has none: it reaches the managers of its
# swarm, and Docker's socket, directly.
by_proxy() {
    if [ "$PROXY" = 0 ] || [ ! -r "$root/etc/piflash/proxy" ]; then
        "$@"
        return
    fi
    (
        http_proxy='' https_proxy='' no_proxy=''
        # shellcheck source=/dev/null
        . "$root/etc/piflash/proxy"
        # curl reads the first only in lower case, and Go's programs either.
        [ -z "$http_proxy" ] || export http_proxy HTTP_PROXY="$http_proxy"
        [ -z "$https_proxy" ] || export https_proxy HTTPS_PROXY="$https_proxy"
        [ -z "$no_proxy" ] || export no_proxy NO_PROXY="$no_proxy"
        "$@"
    )
}

# Overwrites and deletes file $1.
shred_file() {
    [ -f "$1" ] || return 0
    dd if=/dev/zero of="$1" bs="$(($(wc -c <"$1") + 1))" count=1 conv=notrunc 2>/dev/null
    flush "$1"
    rm -f "$1"
    flush "${1%/*}"
}

# Carried files that are used up are listed here, one digest a line: piflash reads the list and does not put them on the
# card again.
is_taken() { grep -qxF "$1" "$state/taken" 2>/dev/null; }

take() {
    printf '%s\n' "$1" >>"$state/taken"
    flush "$state"
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
