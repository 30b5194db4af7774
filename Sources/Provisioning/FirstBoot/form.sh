# A swarm that the rack forms by itself: the first manager initializes it, and all others fetch the token of their role from
# a manager's token service, join, and delete the key to it.

# A time server that is found only later may move the clock by months, and with it all certificates could expire at once.
# The first ones last 90 days, whatever --cert-expiry says (Docker 20.10); those of a new root certificate last as long as
# it says. Docker before 17.06 cannot do that, and the swarm is there without it.
prolong_certificates() {
    clock_is_synchronised && return 0
    timeout 60 docker swarm ca --rotate --quiet --cert-expiry 8760h >/dev/null 2>"$state/error" 9>&- ||
        say "the certificates last 90 days: $(clean <"$state/error")"
}

# The first manager initializes the swarm, unless another manager is in it already: then this is a new card for a node of
# that swarm, and a second swarm would split the rack. Managers that do not answer have two minutes: at a cold start they
# are just starting.
init_swarm() {
    status working 'forming the swarm'
    if [ -n "$MANAGERS" ] && [ ! -s "$(token_key)" ]; then
        last="the rack's key is not on this card any more; write the card again"
        return 1
    fi
    began=$(uptime)
    while :; do
        silent=''
        for manager in $MANAGERS; do
            if fetch_token "$manager"; then
                token=''
                return 0
            fi
            case $last in *'no swarm here yet'*) ;; *) silent="$silent $manager" ;; esac
        done
        if [ -z "$silent" ] || [ "$(($(uptime) - began))" -ge "$((120 * tick))" ]; then break; fi
        status working 'forming the swarm' "an answer from$silent" "$last"
        pause 2
    done
    own=$(advertised 0.0.0.0)
    # Its output holds the token.
    if docker swarm init --cert-expiry 8760h ${own:+--advertise-addr "$own"} >/dev/null 2>"$state/error"; then
        say 'this node has formed the swarm'
        prolong_certificates
        return 0
    fi
    last=$(clean <"$state/error")
    [ "$(node_state)" = active ]
}

node_id() { docker info -f '{{.Swarm.NodeID}}' 2>/dev/null; }

# Asks a manager to set this node's labels and availability and to remove the entry that an earlier card of the node has
# left in the swarm. A manager does that for itself. The swarm may need a moment to know a new node, and some time to see
# that the old one is down.
register_node() {
    status working 'registering this node'
    tries=0
    while :; do
        id=$(node_id)
        request="joined $id${LABELS:+ $LABELS}"
        if [ "$ROLE" = manager ]; then
            SSH_ORIGINAL_COMMAND=$request sh "$token_service" self >/dev/null 2>"$state/error" 9>&- && return 0
            last=$(clean <"$state/error")
        else
            [ -s "$(token_key)" ] || return 0
            for manager in $MANAGERS; do
                # shellcheck disable=SC2086 # words of the request
                [ "$(ask_manager "$manager" $request)" = joined ] && return 0
                last="manager $manager: $(clean <"$state/error")"
            done
        fi
        tries=$((tries + 1))
        if [ "$tries" -ge 30 ]; then
            problem="$last"
            return 1
        fi
        status working 'registering this node' 'a manager' "$last"
        pause "$((tries < 10 ? 1 : 20))"
    done
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

# Ten minutes for all nodes of the rack. A node may join later, but a stack does not wait longer.
wait_for_nodes() {
    began=$(uptime)
    while :; do
        absent=$(missing_nodes)
        [ -n "$absent" ] || return 0
        status working 'waiting for the rack' "$absent"
        if [ "$(($(uptime) - began))" -ge "$((600 * tick))" ]; then
            problem="not in the swarm yet: $absent"
            return 0
        fi
        pause 2
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
            pause "$((tries * 4))"
        done
        keep "$stamp" "$stack"
    done
}

form_swarm() {
    last=''
    if [ "$FIRST" = 1 ] && [ "$(node_state)" = inactive ]; then
        round=0
        until init_swarm; do
            round=$((round + 1))
            if [ "$rounds" -gt 0 ] && [ "$round" -ge "$rounds" ]; then
                problem=$last
                return 1
            fi
            status working 'forming the swarm' '' "$last"
            back_off "$((round < 5 ? round * 2 : 10))"
        done
    fi
    join_swarm && register_node || return 1
    shred_file "$(token_key)"
    [ "$FIRST" = 1 ] || return 0
    wait_for_nodes
    deploy_stacks
}
