# Swarm 0.2 of 2015: a Consul agent and a container that tells Consul where this node's engine listens; on managers a
# third one that is an engine made of all engines, on port 10000. The images are those for the Pi. Their documented
# command lines name no restart policy, so the containers are started here, at every boot.
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

# Says what is waited for, and why it has not come yet.
await() {
    awaited=$1
    status working 'joining the classic swarm' "$awaited" "$last"
}

# Image $1 may have come with the card; only otherwise it is fetched.
fetch_image() {
    docker inspect -f '{{.Id}}' "$1" >/dev/null 2>&1 && return 0
    await "the image $1"
    docker pull "$1" >/dev/null 2>"$state/error" 9>&- && return 0
    last="docker pull $1: $(clean <"$state/error")"
    return 1
}

# keep NAME ARGUMENTS...: container NAME runs as `docker run ARGUMENTS`. One that was made with other arguments, by us or
# by somebody else, is made anew.
keep() {
    name=$1
    shift
    stamp=$state/classic-$name
    if [ "$(cat "$stamp" 2>/dev/null)" = "$*" ]; then
        case $(docker inspect -f '{{.State.Running}}' "$name" 2>/dev/null) in
        true) return 0 ;;
        false)
            docker start "$name" >/dev/null 2>"$state/error" 9>&- && return 0
            # A power cut can leave one behind that never starts again.
            rm -f "$stamp"
            last="docker start $name: $(clean <"$state/error")"
            return 1
            ;;
        esac
    fi
    docker rm -f "$name" >/dev/null 2>&1
    printf '%s\n' "$*" >"$stamp.new" && mv -f "$stamp.new" "$stamp"
    sync
    docker run "$@" >/dev/null 2>"$state/error" 9>&- && return 0
    last="docker run $name: $(clean <"$state/error")"
    return 1
}

# Takes away container $1 if we have made it.
drop() {
    [ -e "$state/classic-$1" ] || return 0
    docker rm -f "$1" >/dev/null 2>&1
    rm -f "$state/classic-$1"
}

# Each of the containers ends when it cannot reach what it needs, a moment after docker run has said that all is well.
settle() {
    await "$1"
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
        keep consul --net=host --name consul -d "$consul_image" -server -bootstrap-expect 1 -advertise "$own" ||
            return 1
        settle 'Consul on this node' consul || return 1
    else
        keep consul --net=host --name consul -d "$consul_image" -server -advertise "$own" -join "$CONSUL" || return 1
        settle "Consul at $CONSUL" consul || return 1
    fi
    keep swarm -d --name swarm "$swarm_image" join --addr "$own:2375" "consul://$own:8500/swarm" || return 1
    set -- consul swarm
    if [ "$ROLE" = manager ]; then
        keep swarmmanager --name swarmmanager -d -p 10000:2375 "$swarm_image" manage "consul://$own:8500/swarm" ||
            return 1
        set -- "$@" swarmmanager
    else
        drop swarmmanager
    fi
    settle 'the containers' "$@"
}

join_classic() {
    status working 'joining the classic swarm'
    delay=2 round=0 last='' awaited=''
    until join_classic_once; do
        await "$awaited"
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

# For a card whose recipe has left the classic swarm.
leave_classic() {
    for name in swarmmanager swarm consul; do drop "$name"; done
}
