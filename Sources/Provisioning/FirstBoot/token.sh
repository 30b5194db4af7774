# The client of the token service: where the rack forms its swarm by itself, a node asks a manager for the join token of its
# role over ssh, with its own key, which can do nothing else.
secrets=$root/etc/piflash/swarm
token_service=$root/usr/local/lib/piflash/swarm-door

# The key with which this node asks a token service. It is deleted when the node needs it no longer.
token_key() { printf '%s/%s_key\n' "$secrets" "$ROLE"; }

# The key that the nodes of a rack share if an older piflash began it. A manager with the card of that time knows no other.
shared_key=$secrets/shared_key

# ask_manager MANAGER REQUEST...: prints the answer of the manager's token service. The card has its host key, under a
# name that does not depend on the address; no other key is trusted. 255 means that ssh itself failed.
ask_manager() {
    host=${1%:*}
    host=${host#\[}
    host=${host%\]}
    shift
    ask_with "$(token_key)" "$@" && return 0
    answer=$?
    if [ "$answer" != 255 ] || [ ! -s "$shared_key" ] || ! grep -q 'Permission denied' "$state/error"; then
        return "$answer"
    fi
    ask_with "$shared_key" "$@"
}

# ask_with KEY REQUEST...: asks `host`.
ask_with() {
    identity=$1
    shift
    timeout 60 ssh -nT -F /dev/null -p "$DOOR_PORT" -i "$identity" -o IdentitiesOnly=yes -o BatchMode=yes \
        -o PreferredAuthentications=publickey -o StrictHostKeyChecking=yes -o CheckHostIP=no \
        -o HostKeyAlias=piflash-swarm -o UserKnownHostsFile="$secrets/known_hosts" \
        -o GlobalKnownHostsFile=/dev/null -o ConnectTimeout=5 -o ServerAliveInterval=10 -o LogLevel=ERROR \
        "root@$host" "$*" 2>"$state/error" 9>&-
}

is_token() {
    case $1 in *[!0-9A-Za-z-]*) return 1 ;; SWMTKN-*-*-*) return 0 ;; esac
    return 1
}

# Sets token to the answer of manager $1's token service; if there is none, sets last to the reason.
fetch_token() {
    if [ ! -s "$(token_key)" ]; then
        last="the rack's key is not on this card any more; write the card again"
        return 1
    fi
    code=0
    token=$(ask_manager "$1" token) || code=$?
    if [ "$code" = 0 ] && is_token "$token"; then
        # With the wrong time the engine would hang in a join that cannot succeed.
        tell_time "$1" && return 0
        token=''
        last="manager $1 does not tell the time: $(clean <"$state/error")"
        return 1
    fi
    token=''
    if [ "$code" = 255 ] || [ "$code" = 124 ]; then
        last="manager $1 does not answer: $(clean <"$state/error")"
    else
        last="manager $1: $(clean <"$state/error")"
    fi
    return 1
}

# The name of manager $1 in the rack, and its address.
manager_name() {
    known=$(awk -v address="${1%:*}" '$1 == address { print $2; exit }' "$root/etc/piflash/hosts" 2>/dev/null)
    if [ -n "$known" ]; then printf '%s (%s)\n' "$known" "$1"; else printf '%s\n' "$1"; fi
}

# In a rack without a time server the clock of a manager is the right one, whatever the time is: the manager makes the
# certificates. So a node that no time server has told the time follows it, forwards and back. The token service's host key
# proves who answers.
tell_time() {
    clock_is_synchronised && return 0
    manager_time=$(ask_manager "$1" time) || return 1
    case $manager_time in '' | *[!0-9]* | ????????????*) return 1 ;; esac
    follow_clock "$manager_time" "manager $(manager_name "$1")"
}
