#!/bin/sh
# The swarm's token service: the requests that a node of the rack may make to a manager over ssh, and no others.
# Written by piflash. sshd_config and authorized_keys in /etc/piflash/swarm make it the only command of the rack's keys.
#
#   swarm-door serve                  runs sshd (the service piflash-swarm-door), and removes what interrupted joins have
#                                     left in the swarm
#   swarm-door worker|manager|self    carries out SSH_ORIGINAL_COMMAND for the holder of the worker's or the manager's
#                                     key, or for this manager itself:
#     token                           prints the join token of the key's role
#     time                            prints the seconds since 1970
#     joined NODE-ID [KEY=VALUE]...   sets the labels and the availability of the node that asks, and removes entries
#                                     of nodes that are not there any more
set -fu
umask 077
export LC_ALL=C
PATH=${PATH:-/usr/bin:/bin}:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
export PATH

root=${PIFLASH_ROOT:-}
AVAILABILITY_MANAGER=active AVAILABILITY_WORKER=active
# shellcheck source=/dev/null
[ -r "$root/etc/piflash/settings" ] && . "$root/etc/piflash/settings"

refuse() {
    printf 'swarm-door: %s\n' "$1" >&2
    exit 1
}

# If a swarm has lost its quorum, Docker waits much longer than the asking node does. Its messages are not passed on:
# they may contain the token.
engine() { timeout 30 docker "$@" 2>/dev/null; }

serve() {
    mkdir -p "$root/run/sshd" && chmod 755 "$root/run/sshd" || exit 1
    # Without PAM sshd refuses an account whose password starts with "!". With PAM it starts a session, which a command of
    # a few milliseconds does not need (sshd_config(5), UsePAM).
    pam=no
    grep -q '^root:!' "$root/etc/shadow" && pam=yes
    sweep >/dev/null 2>&1 </dev/null &
    exec "$root/usr/sbin/sshd" -D -e -f "$root/etc/piflash/swarm/sshd_config" -o "UsePAM=$pam"
}

token() {
    case $role in worker | manager) ;; *) refuse 'no token for this key' ;; esac
    found=$(engine swarm join-token -q "$role") || found=''
    case $found in
    SWMTKN-*) printf '%s\n' "$found" ;;
    *) refuse 'no swarm here yet' ;;
    esac
}

print_time() {
    # The first-boot program may still be waiting for a time server.
    [ -e "$root/run/piflash/clock-is-settled" ] || [ -s "$root/var/lib/piflash/finished" ] ||
        refuse 'the clock is not set yet'
    date +%s
}

is_id() {
    case $1 in *[!0-9a-z]*) return 1 ;; esac
    [ ${#1} = 25 ]
}

# The rules of swarm.labels in a recipe.
is_label() {
    case $1 in *=*) ;; *) return 1 ;; esac
    key=${1%%=*} value=${1#*=}
    case $key in '' | *[!A-Za-z0-9._/-]* | [._/-]* | *[._/-]) return 1 ;; esac
    case $value in '' | *[!A-Za-z0-9:_.+@/-]*) return 1 ;; esac
    [ ${#key} -le 128 ] && [ ${#value} -le 128 ]
}

# Of each node of the swarm: ID|name|state|address|role|address as a manager|reachability.
nodes() {
    ids=$(engine node ls -q) || return 1
    # shellcheck disable=SC2086 # a list
    engine node inspect -f '{{.ID}}|{{.Description.Hostname}}|{{.Status.State}}|{{.Status.Addr}}|{{.Spec.Role}}|{{if .ManagerStatus}}{{.ManagerStatus.Addr}}|{{.ManagerStatus.Reachability}}{{else}}|{{end}}' $ids
}

# Whether the swarm keeps its quorum without manager $1.
can_spare() {
    managers=0 reachable=0
    while IFS='|' read -r id _ _ _ its_role _ reachability; do
        # Without a reachability it has no vote.
        if [ "$its_role" != manager ] || [ "$id" = "$1" ] || [ -z "$reachability" ]; then continue; fi
        managers=$((managers + 1))
        [ "$reachability" != reachable ] || reachable=$((reachable + 1))
    done <<END
$list
END
    [ "$((reachable * 2))" -gt "$managers" ]
}

# Removes entry $1, of role $2 and, if it is a manager, of reachability $3, from the swarm: an earlier card of the same
# node or a join that did not end has left it there.
remove_entry() {
    if [ "$2" = manager ]; then
        # The key of a worker must not remove a manager.
        [ "$role" != worker ] || return 0
        # Without a reachability it never joined the managers: it has no vote, and Docker refuses to demote it.
        if [ -n "$3" ]; then
            can_spare "$1" || return 0
            engine node demote "$1" >/dev/null || return 0
        fi
    fi
    # A manager becomes a worker a moment after its demotion.
    for _ in 1 2 3 4 5; do
        engine node rm --force "$1" >/dev/null && return 0
        sleep 1
    done
}

# Removes the entries of `list` that nodes have left: those with the name `name` of the node `node` at `address`, and those
# of interrupted joins. Without a name only the latter.
remove_left_entries() {
    while IFS='|' read -r id its_name state its_address its_role _ reachability; do
        [ "$id" != "$node" ] || continue
        case $its_name in
        "$name") [ "$state" = down ] || { [ -n "$address" ] && [ "$its_address" = "$address" ]; } || continue ;;
        '') [ "$state" = down ] || continue ;;
        *) continue ;;
        esac
        # Its input must not be the list, which the loop reads.
        remove_entry "$id" "$its_role" "$reachability" </dev/null
    done <<END
$list
END
}

# A node that lost its power between its certificate and its first report has an entry without a name. It is "unknown", as
# is that of a node that joins at this moment, until a manager starts again; half a minute later it is "down".
sweep() {
    sleep "$((120 * ${PIFLASH_TICK:-1}))"
    list=$(nodes) || return 0
    node='' name='' address=''
    remove_left_entries
}

joined() {
    is_id "${1:-}" || refuse 'no node'
    node=$1
    shift
    [ $# -le 32 ] || refuse 'too many labels'
    for label in "$@"; do is_label "$label" || refuse 'no label'; done
    list=$(nodes) || refuse 'the swarm does not answer'
    name='' address='' kind=''
    while IFS='|' read -r id its_name _ its_address its_role manager_address _; do
        [ "$id" = "$node" ] || continue
        name=$its_name kind=$its_role
        # In some versions a manager's address is 0.0.0.0.
        case $its_address in '' | 0.0.0.0 | 127.0.0.1) ;; *) address=$its_address ;; esac
        case $manager_address in
        '') ;;
        *) [ -n "$address" ] || address=${manager_address%:*} ;;
        esac
    done <<END
$list
END
    [ -n "$name" ] || refuse 'no such node in the swarm'
    # A node may only register itself.
    if [ "$role" != self ]; then
        client=${SSH_CONNECTION:-}
        client=${client%% *}
        [ "${client:-none}" = "$address" ] || refuse 'not that node'
    fi
    if [ "$kind" = manager ]; then availability=$AVAILABILITY_MANAGER; else availability=$AVAILABILITY_WORKER; fi
    for label in "$@"; do
        set -- "$@" --label-add "$label"
        shift
    done
    engine node update --availability "$availability" "$@" "$node" >/dev/null || refuse 'the swarm does not take it'
    remove_left_entries
    echo joined
}

role=${1:-}
case $role in
serve) serve ;;
worker | manager | self) ;;
*) refuse 'unknown role' ;;
esac
command=${SSH_ORIGINAL_COMMAND:-}
[ ${#command} -le 16384 ] || refuse 'too long'
case $command in *[!A-Za-z0-9:_.+@/=\ -]*) refuse 'not understood' ;; esac
# shellcheck disable=SC2086 # words
set -- $command
case ${1:-}:$# in
token:1) token ;;
time:1) print_time ;;
joined:*)
    shift
    joined "$@"
    ;;
*) refuse 'not understood' ;;
esac
