#!/bin/sh
# The swarm's token service: the requests that a node of the rack may make to a manager over ssh, and no others.
# Written by piflash. sshd_config and authorized_keys in /etc/piflash/swarm make it the only command of the rack's keys.
#
#   swarm-door serve                  runs sshd while nodes of the rack are missing (the service piflash-swarm-door), and
#                                     removes what interrupted joins have left in the swarm
#   swarm-door worker|manager [NAME]  carries out SSH_ORIGINAL_COMMAND for the holder of the key of node NAME; without NAME
#                                     for the holder of a key that the rack shares, as those of an older piflash do
#   swarm-door self                   the same for this manager itself
#
# The requests:
#   token                           prints the join token of the key's role
#   time                            prints the seconds since 1970
#   joined NODE-ID [KEY=VALUE]...   gives the node that asks the labels and the availability that this manager's card has
#                                   for it, and removes entries of nodes that are not there any more. The labels in the
#                                   request count for nothing: managers with the card of an older piflash take them
set -fu
umask 077
export LC_ALL=C
PATH=${PATH:-/usr/bin:/bin}:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
export PATH

root=${PIFLASH_ROOT:-}
tick=${PIFLASH_TICK:-1}
rounds=${PIFLASH_ROUNDS:-0}
NODE='' AVAILABILITY_MANAGER=active AVAILABILITY_WORKER=active
# shellcheck source=/dev/null
[ -r "$root/etc/piflash/settings" ] && . "$root/etc/piflash/settings"
secrets=$root/etc/piflash/swarm
# The rack's nodes, a line for each: NAME ROLE [KEY=VALUE]...
members=$secrets/members

say() { printf 'swarm-door: %s\n' "$1" >&2; }

refuse() {
    say "$1"
    exit 1
}

# If a swarm has lost its quorum, Docker waits much longer than the asking node does. Its messages are not passed on:
# they may contain the token.
engine() { timeout 30 docker "$@" 2>/dev/null; }

open_service() {
    if [ -n "$sshd" ] && kill -0 "$sshd" 2>/dev/null; then return 0; fi
    "$root/usr/sbin/sshd" -D -e -f "$secrets/sshd_config" -o "UsePAM=$pam" &
    sshd=$!
}

close_service() {
    [ -n "$sshd" ] || return 0
    kill "$sshd" 2>/dev/null
    wait "$sshd" 2>/dev/null
    sshd=''
}

# Open from the start on, until every node of the rack has been Ready for ten minutes: a node asks for its labels a moment
# after it is Ready. Open again as soon as one is missing: it may come back with a new card.
serve() {
    mkdir -p "$root/run/sshd" && chmod 755 "$root/run/sshd" || exit 1
    # Without PAM sshd refuses an account whose password starts with "!". With PAM it starts a session, which a command of
    # a few milliseconds does not need (sshd_config(5), UsePAM).
    pam=no
    grep -q '^root:!' "$root/etc/shadow" && pam=yes
    sshd='' nap='' complete=0 round=0
    trap 'close_service; [ -z "$nap" ] || kill "$nap" 2>/dev/null; exit 0' TERM INT HUP
    sweep >/dev/null 2>&1 </dev/null &
    while :; do
        if [ "$complete" -lt 10 ]; then
            open_service
        elif [ -n "$sshd" ]; then
            close_service
            say 'closed: every node of the rack is in the swarm'
        fi
        round=$((round + 1))
        if [ "$rounds" -gt 0 ] && [ "$round" -ge "$rounds" ]; then break; fi
        sleep "$((60 * tick))" &
        nap=$!
        wait "$nap"
        if is_complete; then
            complete=$((complete + 1))
        else
            [ "$complete" -lt 10 ] || say 'open: a node of the rack is missing in the swarm'
            complete=0
        fi
    done
    close_service
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

# Of each node of the swarm: ID|state|address|role|address as a manager|reachability|"name". The name is the node's own
# word: it is last, and on one line in quotes, whatever it is.
nodes() {
    ids=$(engine node ls -q) || return 1
    # shellcheck disable=SC2086 # a list
    engine node inspect -f '{{.ID}}|{{.Status.State}}|{{.Status.Addr}}|{{.Spec.Role}}|{{if .ManagerStatus}}{{.ManagerStatus.Addr}}|{{.ManagerStatus.Reachability}}{{else}}|{{end}}|{{printf "%q" .Description.Hostname}}' $ids
}

# Whether every node of the rack is Ready.
is_complete() {
    [ -s "$members" ] || return 1
    list=$(nodes) || return 1
    ready=$(printf '%s\n' "$list" | sed -n 's/^[^|]*|ready|.*|\("[^"]*"\)$/\1/p')
    while read -r its_name _; do
        case "
$ready
" in
        *"
\"$its_name\"
"*) ;;
        *) return 1 ;;
        esac
    done <"$members"
}

# Sets labels to those of node $1; false if the rack has no such node.
find_labels() {
    labels=''
    [ -r "$members" ] || return 1
    while read -r its_name _ its_labels; do
        [ "$its_name" = "$1" ] || continue
        labels=$its_labels
        return 0
    done <"$members"
    return 1
}

# Whether the rack gives node $1 the address $2.
has_address() {
    [ -n "$1" ] && [ -n "$2" ] && [ -r "$root/etc/piflash/hosts" ] || return 1
    while read -r its_address its_name _; do
        if [ "$its_name" = "$1" ] && [ "$its_address" = "$2" ]; then return 0; fi
    done <"$root/etc/piflash/hosts"
    return 1
}

# Whether the swarm keeps its quorum without manager $1.
can_spare() {
    managers=0 reachable=0
    while IFS='|' read -r id _ _ its_role _ reachability _; do
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
    while IFS='|' read -r id state its_address its_role _ reachability its_name; do
        [ "$id" != "$node" ] || continue
        case $its_name in
        '""') [ "$state" = down ] || continue ;;
        "\"$name\"") [ "$state" = down ] || { [ -n "$address" ] && [ "$its_address" = "$address" ]; } || continue ;;
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
    sleep "$((120 * tick))"
    list=$(nodes) || return 0
    role=serve node='' name='' address=''
    remove_left_entries
}

# Sets name to the node that asks: its key says which, or the manager itself. A shared key says nothing, and everybody may
# call a node what he likes: then only the address that the rack gives a node proves which it is.
find_name() {
    name=''
    case $role:$caller in
    self:) name=$NODE ;;
    *:) if has_address "$1" "$address"; then name=$1; fi ;;
    *) name=$caller ;;
    esac
}

joined() {
    is_id "${1:-}" || refuse 'no node'
    node=$1
    shift
    [ $# -le 32 ] || refuse 'too many labels'
    for label in "$@"; do is_label "$label" || refuse 'no label'; done
    list=$(nodes) || refuse 'the swarm does not answer'
    own_name='' address='' kind=''
    while IFS='|' read -r id _ its_address its_role manager_address _ its_name; do
        [ "$id" = "$node" ] || continue
        own_name=${its_name#\"} kind=$its_role
        own_name=${own_name%\"}
        # In some versions a manager's address is 0.0.0.0.
        case $its_address in '' | 0.0.0.0 | 127.0.0.1) ;; *) address=$its_address ;; esac
        case $manager_address in
        '') ;;
        *) [ -n "$address" ] || address=${manager_address%:*} ;;
        esac
    done <<END
$list
END
    [ -n "$own_name" ] || refuse 'no such node in the swarm'
    # A node may only register itself.
    if [ "$role" != self ]; then
        client=${SSH_CONNECTION:-}
        client=${client%% *}
        [ "${client:-none}" = "$address" ] || refuse 'not that node'
    fi
    find_name "$own_name"
    if [ "$kind" = manager ]; then availability=$AVAILABILITY_MANAGER; else availability=$AVAILABILITY_WORKER; fi
    remark=''
    if [ -z "$name" ]; then
        remark='its key does not say which node it is, so it got no labels: write its card again'
        labels=''
    elif ! find_labels "$name"; then
        remark="this manager's card does not list $name, so it got no labels: configure the managers' cards"
    fi
    set --
    for label in $labels; do set -- "$@" --label-add "$label"; done
    engine node update --availability "$availability" "$@" "$node" >/dev/null || refuse 'the swarm does not take it'
    remove_left_entries
    [ -z "$remark" ] || say "$remark"
    echo joined
}

role=${1:-} caller=${2:-}
case $role in
serve)
    serve
    exit 0
    ;;
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
