# A swarm that the rack forms by itself: the first manager initializes it, and all others fetch the token of their role from
# a manager's token service, join, and delete the key to it.

# A swarm whose nodes are all switched off for longer than their certificates last is dead. The first certificates last 90
# days, whatever --cert-expiry says (Docker 20.10); those of a new root certificate last as long as it says. Every node gets
# one of those, so none may be away meanwhile. Docker before 17.06 cannot make one, and renews the first ones in time while
# the swarm runs.
prolong_certificates() {
    stamp=$state/done/certificates
    had=$(cat "$stamp" 2>/dev/null)
    [ "$had" != "$CERTIFICATE_HOURS" ] || return 0
    status working "prolonging the swarm's certificates"
    expiry=--cert-expiry=${CERTIFICATE_HOURS}h
    if can_renew && timeout 120 docker swarm ca --rotate --quiet "$expiry" >/dev/null 2>"$state/error" 9>&- ||
        timeout 60 docker swarm update "$expiry" >/dev/null 2>"$state/error" 9>&-; then
        keep "$stamp" "$CERTIFICATE_HOURS"
    else
        say "the certificates last 90 days: $(clean <"$state/error")"
    fi
}

# Whether the swarm is new, and all its nodes are there.
can_renew() {
    [ -z "$had" ] || return 1
    # shellcheck disable=SC2046 # a list
    case $(docker node inspect -f '{{.Status.State}}' $(docker node ls -q 2>/dev/null) 2>/dev/null) in
    *down* | *unknown* | *disconnected*) return 1 ;;
    esac
}

# Whether manager $1 listens as a member of a swarm. Without curl there is no way to know.
is_in_swarm() (
    command -v curl >/dev/null 2>&1 && reachable "$1"
)

# The first manager initializes the swarm, unless another manager is in it already: then this is a new card for a node of
# that swarm, and a second swarm would split the rack. Managers that do not answer have two minutes: at a cold start they
# are just starting. A manager that is in a swarm has as long as it takes: its token service is closed while no node is
# missing, and opens when the managers miss this one.
init_swarm() {
    status working 'forming the swarm'
    if [ -n "$MANAGERS" ] && [ ! -s "$(token_key)" ]; then
        last="the rack's key is not on this card any more; write the card again"
        return 1
    fi
    began=$(uptime)
    while :; do
        silent='' closed=''
        for manager in $MANAGERS; do
            if fetch_token "$manager"; then
                token=''
                return 0
            fi
            case $last in *'no swarm here yet'*) continue ;; esac
            silent="$silent $manager"
            if is_in_swarm "$manager"; then closed="manager $manager is in a swarm, and gives no token: $last"; fi
        done
        [ -n "$silent" ] || break
        if [ "$(($(uptime) - began))" -ge "$((120 * tick))" ]; then
            [ -n "$closed" ] || break
            last=$closed
            return 1
        fi
        status working 'forming the swarm' "an answer from$silent" "$last"
        pause 2
    done
    own=$(advertised 0.0.0.0)
    # The pools come last: an engine that knows no such option says so.
    set --
    for network in $ADDRESS_POOL; do set -- "$@" --default-addr-pool "$network"; done
    [ $# = 0 ] || set -- "$@" --default-addr-pool-mask-length 24
    # Its output holds the token.
    if docker swarm init --cert-expiry "${CERTIFICATE_HOURS}h" ${own:+--advertise-addr "$own"} "$@" \
        >/dev/null 2>"$state/error"; then
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
                if [ "$(ask_manager "$manager" $request)" = joined ]; then
                    # What it could not do.
                    remark=$(sed -n 's/^swarm-door: //p' "$state/error" 2>/dev/null | clean)
                    [ -z "$remark" ] || problem="manager $manager: $remark"
                    return 0
                fi
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
    ready=$(docker node inspect -f '{{printf "%q" .Description.Hostname}} {{.Status.State}}' $ids 2>/dev/null)
    missing=''
    for name in $NODES; do
        case "
$ready
" in
        *"
\"$name\" ready
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

# The commands of first_boot.after_swarm want every node, however long that takes. Fails only in tests.
wait_for_rack() {
    round=0
    while :; do
        absent=$(missing_nodes)
        if [ -z "$absent" ]; then
            # What the shorter wait has said.
            case $problem in 'not in the swarm yet:'*) problem='' ;; esac
            return 0
        fi
        status waiting 'waiting for the rack' "$absent" "$undeployed"
        round=$((round + 1))
        if [ "$rounds" -gt 0 ] && [ "$round" -ge "$rounds" ]; then
            undeployed="${undeployed:+$undeployed; }not in the swarm yet: $absent"
            return 1
        fi
        back_off 5
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
    join_swarm || return 1
    [ "$FIRST" = 0 ] || prolong_certificates
    register_node || return 1
    shred_file "$(token_key)"
    shred_file "$shared_key"
    [ "$FIRST" = 1 ] || return 0
    make_networks
    wait_for_nodes
    deploy_stacks
    has_pending swarm-run "$SWARM_RUN" && wait_for_rack && run_each swarm-run first_boot.after_swarm "$SWARM_RUN"
    [ -z "$undeployed" ] || problem=$undeployed
    [ -z "$undeployed" ]
}
