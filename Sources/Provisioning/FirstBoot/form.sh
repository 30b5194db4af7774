# A swarm that the rack forms by itself. The first manager makes it; all others fetch the token of their role from a
# manager's door (swarm-door), over ssh with a key that can do nothing else, and throw the key away when they are in.
secrets=$root/etc/piflash/swarm
door_program=$root/usr/local/lib/piflash/swarm-door

# The key that opens the doors for this node, until it has no more use for one.
door_key() { printf '%s/%s_key\n' "$secrets" "$ROLE"; }

# door MANAGER REQUEST...: what the manager's door answers. Its host key is known beforehand, under a name of its own
# that does not depend on the address; nothing else is trusted. 255 is ssh's own failure.
door() {
    host=${1%:*}
    host=${host#\[}
    host=${host%\]}
    shift
    timeout 60 ssh -nT -F /dev/null -p "$DOOR_PORT" -i "$(door_key)" -o IdentitiesOnly=yes -o BatchMode=yes \
        -o PreferredAuthentications=publickey -o StrictHostKeyChecking=yes -o CheckHostIP=no \
        -o HostKeyAlias=piflash-swarm -o UserKnownHostsFile="$secrets/known_hosts" \
        -o GlobalKnownHostsFile=/dev/null -o ConnectTimeout=5 -o ServerAliveInterval=10 -o LogLevel=ERROR \
        "root@$host" "$*" 2>"$state/error" 9>&-
}

is_token() {
    case $1 in *[!0-9A-Za-z-]*) return 1 ;; SWMTKN-*-*-*) return 0 ;; esac
    return 1
}

# Sets token to what the door of manager $1 gives; otherwise last to the reason.
fetch_token() {
    if [ ! -s "$(door_key)" ]; then
        last="the rack's key is not on this card any more; write the card again"
        return 1
    fi
    code=0
    token=$(door "$1" token) || code=$?
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

# Certificates need a clock, and a rack without a time server has none: the manager's is as good as any, for it is the
# manager who makes them. Only forwards, and only where no time server has set the clock.
set_clock_by() {
    clock_is_synchronised && return 0
    told=$(door "$1" time) || return 0
    case $told in '' | *[!0-9]* | ????????????*) return 0 ;; esac
    [ "$told" -gt "$(($(date +%s) + 30))" ] && [ "$told" -ge "$FLASH_TIME" ] || return 0
    say "setting the clock by manager $1"
    date -s "@$told" >/dev/null 2>"$state/error" || problem="the clock cannot be set: $(clean <"$state/error")"
}

# A clock that is older than the card would make certificates that are over before anybody uses them.
set_clock_to_flash_time() {
    [ "$(date +%s)" -ge "$FLASH_TIME" ] && return 0
    say 'setting the clock to the time when the card was written'
    if date -s "@$FLASH_TIME" >/dev/null 2>"$state/error"; then problem=''; fi
}

# The first manager makes the swarm, unless another manager has it already: then this card is a new one for a node that
# was in it, and a second swarm would split the rack. Managers that are silent are given two minutes: at a cold start
# they are about to come up.
found_swarm() {
    status working 'forming the swarm'
    if [ -n "$MANAGERS" ] && [ ! -s "$(door_key)" ]; then
        last="the rack's key is not on this card any more; write the card again"
        return 1
    fi
    waited=0
    while :; do
        silent=''
        for manager in $MANAGERS; do
            if fetch_token "$manager"; then
                token=''
                return 0
            fi
            case $last in *'no swarm here yet'*) ;; *) silent="$silent $manager" ;; esac
        done
        if [ -z "$silent" ] || [ "$waited" -ge 120 ]; then break; fi
        status working 'forming the swarm' "an answer from$silent" "$last"
        pause 5
        waited=$((waited + 5))
    done
    own=$(advertised 0.0.0.0)
    # Its output holds the token.
    if docker swarm init ${own:+--advertise-addr "$own"} >/dev/null 2>"$state/error"; then
        say 'this node has formed the swarm'
        return 0
    fi
    last=$(clean <"$state/error")
    [ "$(node_state)" = active ]
}

node_id() { docker info -f '{{.Swarm.NodeID}}' 2>/dev/null; }

# Has a manager set this node's labels and availability and take away what an earlier card of the node has left in the
# swarm. A manager does that for itself. The swarm may need a moment to know a new node, and a while to see that the
# old one is down.
introduce() {
    status working 'telling the swarm about this node'
    tries=0
    while :; do
        id=$(node_id)
        request="joined $id${LABELS:+ $LABELS}"
        if [ "$ROLE" = manager ]; then
            SSH_ORIGINAL_COMMAND=$request sh "$door_program" self >/dev/null 2>"$state/error" 9>&- && return 0
            last=$(clean <"$state/error")
        else
            [ -s "$(door_key)" ] || return 0
            for manager in $MANAGERS; do
                # shellcheck disable=SC2086 # words of the request
                [ "$(door "$manager" $request)" = joined ] && return 0
                last="manager $manager: $(clean <"$state/error")"
            done
        fi
        tries=$((tries + 1))
        if [ "$tries" -ge 30 ]; then
            problem="$last"
            return 1
        fi
        status working 'telling the swarm about this node' 'a manager' "$last"
        pause "$((tries < 10 ? 2 : 20))"
    done
}

# Overwrites and deletes file $1.
shred_file() {
    [ -f "$1" ] || return 0
    dd if=/dev/zero of="$1" bs="$(($(wc -c <"$1") + 1))" count=1 conv=notrunc 2>/dev/null
    sync
    rm -f "$1"
    sync
}

# The rack's nodes that are not Ready in the swarm.
missing_nodes() {
    ids=$(docker node ls -q 2>/dev/null)
    # shellcheck disable=SC2086 # a list
    ready=$(docker node inspect -f '{{.Description.Hostname}} {{.Status.State}}' $ids 2>/dev/null)
    missing=''
    for name in $NODES; do
        case "
$ready
" in
        *"
$name ready
"*) ;;
        *) missing="$missing${missing:+ }$name" ;;
        esac
    done
    printf '%s\n' "$missing"
}

# Ten minutes for the whole rack; who comes later is welcome, but a stack need not wait.
wait_for_nodes() {
    waited=0
    while :; do
        absent=$(missing_nodes)
        [ -n "$absent" ] || return 0
        if [ "$waited" -ge 600 ]; then
            problem="not in the swarm yet: $absent"
            return 0
        fi
        status working 'waiting for the rack' "$absent"
        pause 5
        waited=$((waited + 5))
    done
}

# STACKS holds NAME:DIGEST of each: a stack is deployed again when its file has changed.
deploy_stacks() {
    for stack in $STACKS; do
        name=${stack%%:*}
        stamp=$state/done/stack-$name
        [ "$(cat "$stamp" 2>/dev/null)" = "$stack" ] && continue
        status working "deploying the stack $name"
        tries=0
        until docker stack deploy --compose-file "$root/etc/piflash/stacks/$name.yml" "$name" \
            >/dev/null 2>"$state/error" 9>&-; do
            tries=$((tries + 1))
            if [ "$tries" -ge 5 ]; then
                problem="stack $name: $(clean <"$state/error")"
                return 1
            fi
            status working "deploying the stack $name" '' "$(clean <"$state/error")"
            pause 10
        done
        printf '%s\n' "$stack" >"$stamp"
    done
}

form_swarm() {
    last=''
    set_clock_to_flash_time
    if [ "$FIRST" = 1 ] && [ "$(node_state)" = inactive ]; then
        round=0
        until found_swarm; do
            round=$((round + 1))
            if [ "$rounds" -gt 0 ] && [ "$round" -ge "$rounds" ]; then
                problem=$last
                return 1
            fi
            status working 'forming the swarm' '' "$last"
            back_off 10
        done
    fi
    join_swarm && introduce || return 1
    shred_file "$(door_key)"
    [ "$FIRST" = 1 ] || return 0
    wait_for_nodes
    deploy_stacks
}
