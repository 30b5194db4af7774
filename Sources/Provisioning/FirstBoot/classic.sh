# Swarm 0.2 of 2015: a Consul agent, and a container that registers this node's engine in Consul; on managers a third
# container that serves all engines as one, on port 10000. The images are those for the Pi. Their documented command lines
# have no restart policy, so the containers are started here, at every boot.
consul_image=dduportal/arm-consul:0.5.0
swarm_image=dduportal/arm-swarm:0.2.0

# The address that the other nodes reach this one at.
own_address() {
    # shellcheck disable=SC2086 # a list
    set -- $MANAGERS $CONSUL 0.0.0.0
    own=$(advertised "$1")
    case $own in
    '') ;;
    *[!0-9.]*) ip -4 addr show dev "$own" 2>/dev/null | sed -n 's/^ *inet \([0-9.]*\).*/\1/p' | head -n 1 ;;
    *) printf '%s\n' "$own" ;;
    esac
}

is_running() { [ "$(docker inspect -f '{{.State.Running}}' "$1" 2>/dev/null)" = true ]; }

# Reports what the join waits for, and the last error.
report_wait() {
    awaited=$1
    status working 'joining the classic swarm' "$awaited" "$last"
}

# Pulls image $1, unless it came with the card.
fetch_image() {
    docker inspect -f '{{.Id}}' "$1" >/dev/null 2>&1 && return 0
    report_wait "the image $1"
    docker pull "$1" >/dev/null 2>"$state/error" 9>&- && return 0
    last="docker pull $1: $(clean <"$state/error")"
    return 1
}

# run_container NAME ARGUMENTS...: container NAME runs as `docker run ARGUMENTS`. A container of that name that was made
# with other arguments, by us or by somebody else, is replaced.
run_container() {
    name=$1
    shift
    stamp=$state/classic-$name
    if [ "$(cat "$stamp" 2>/dev/null)" = "$*" ]; then
        case $(docker inspect -f '{{.State.Running}}' "$name" 2>/dev/null) in
        true) return 0 ;;
        false)
            docker start "$name" >/dev/null 2>"$state/error" 9>&- && return 0
            # A power failure can leave a container that never starts again.
            rm -f "$stamp"
            last="docker start $name: $(clean <"$state/error")"
            return 1
            ;;
        esac
    fi
    docker rm -f "$name" >/dev/null 2>&1
    keep "$stamp" "$*"
    docker run "$@" >/dev/null 2>"$state/error" 9>&- && return 0
    last="docker run $name: $(clean <"$state/error")"
    return 1
}

# Removes container $1 if we have made it.
remove_container() {
    [ -e "$state/classic-$1" ] || return 0
    docker rm -f "$1" >/dev/null 2>&1
    rm -f "$state/classic-$1"
}

# check_containers WAITING-FOR NAME...: each of the containers stops if it cannot reach what it needs, a moment after
# docker run has reported success.
check_containers() {
    report_wait "$1"
    shift
    pause 5
    for name in "$@"; do
        is_running "$name" && continue
        last="$name has stopped: $(docker logs --tail=1 "$name" 2>&1 | clean)"
        return 1
    done
}

join_classic_once() {
    own=$(own_address)
    if [ -z "$own" ]; then
        awaited='an address of this node'
        last='this node has no address'
        return 1
    fi
    fetch_image "$consul_image" && fetch_image "$swarm_image" || return 1
    if [ -z "$CONSUL" ] || [ "$CONSUL" = "$own" ]; then
        run_container consul --net=host --name consul -d "$consul_image" -server -bootstrap-expect 1 -advertise "$own" ||
            return 1
        check_containers 'Consul on this node' consul || return 1
    else
        run_container consul --net=host --name consul -d "$consul_image" -server -advertise "$own" -join "$CONSUL" ||
            return 1
        check_containers "Consul at $CONSUL" consul || return 1
    fi
    run_container swarm -d --name swarm "$swarm_image" join --addr "$own:2375" "consul://$own:8500/swarm" || return 1
    set -- consul swarm
    if [ "$ROLE" = manager ]; then
        run_container swarmmanager --name swarmmanager -d -p 10000:2375 "$swarm_image" manage \
            "consul://$own:8500/swarm" || return 1
        set -- "$@" swarmmanager
    else
        remove_container swarmmanager
    fi
    check_containers 'the containers' "$@"
}

join_classic() {
    status working 'joining the classic swarm'
    delay=2 round=0 last='' awaited=''
    until join_classic_once; do
        report_wait "$awaited"
        round=$((round + 1))
        if [ "$rounds" -gt 0 ] && [ "$round" -ge "$rounds" ]; then
            problem=$last
            return 1
        fi
        back_off "$delay"
        delay=$((delay * 2))
        [ "$delay" -le 60 ] || delay=60
    done
}

# If the recipe no longer has a classic swarm.
leave_classic() {
    for name in swarmmanager swarm consul; do remove_container "$name"; done
}
