# The client of the token service: where the rack forms its swarm by itself, a node asks a manager for the join token of its
# role over ssh, with a key that can do nothing else.
secrets=$root/etc/piflash/swarm
token_service=$root/usr/local/lib/piflash/swarm-door

# The key with which this node asks a token service. It is deleted when the node needs it no longer.
token_key() { printf '%s/%s_key\n' "$secrets" "$ROLE"; }

# ask_manager MANAGER REQUEST...: prints the answer of the manager's token service. The card has its host key, under a
# name that does not depend on the address; no other key is trusted. 255 means that ssh itself failed.
ask_manager() {
    host=${1%:*}
    host=${host#\[}
    host=${host%\]}
    shift
    timeout 60 ssh -nT -F /dev/null -p "$DOOR_PORT" -i "$(token_key)" -o IdentitiesOnly=yes -o BatchMode=yes \
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
        set_clock_by "$1"
        return 0
    fi
    token=''
    if [ "$code" = 255 ] || [ "$code" = 124 ]; then
        last="manager $1 does not answer: $(clean <"$state/error")"
    else
        last="manager $1: $(clean <"$state/error")"
    fi
    return 1
}

# Certificates need the time. In a rack without a time server the manager's clock is good enough: the manager makes the
# certificates. The clock is only set forwards, and only if no time server has set it.
set_clock_by() {
    clock_is_synchronised && return 0
    manager_time=$(ask_manager "$1" time) || return 0
    case $manager_time in '' | *[!0-9]* | ????????????*) return 0 ;; esac
    [ "$manager_time" -gt "$(($(date +%s) + 30))" ] && [ "$manager_time" -ge "$FLASH_TIME" ] || return 0
    say "setting the clock by manager $1"
    date -s "@$manager_time" >/dev/null 2>"$state/error" || problem="the clock cannot be set: $(clean <"$state/error")"
}
