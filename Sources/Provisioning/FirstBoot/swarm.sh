# Moves the join token off the boot partition, which every user can read, and has the node join again.
take_token() {
    card=$boot/piflash/join-token
    [ -f "$card" ] || return 0
    token=$(tr -cd '0-9A-Za-z-' <"$card") || return 1
    case $token in
    SWMTKN-*)
        (umask 077 && keep "$state/join-token" "$token") || return 1
        rm -f "$state/done/swarm" "$state/finished"
        flush "$state"
        ;;
    esac
    shred_file "$card"
}

# Asks the engine to join through manager $1 and to advertise $2; prints the reason if it fails.
# printf is part of the shell, so the token is not among the arguments of any process.
join_through() {
    if command -v curl >/dev/null 2>&1; then
        answer=0
        code=$(printf '{"ListenAddr":"0.0.0.0:2377","AdvertiseAddr":"%s","RemoteAddrs":["%s"],"JoinToken":"%s"}' \
            "$2" "$1" "$token" | curl -sS --max-time 120 --unix-socket /var/run/docker.sock \
            -H 'Content-Type: application/json' --data-binary @- -o "$state/answer" -w '%{http_code}' \
            http://localhost/swarm/join 2>"$state/error") || answer=$?
        case $answer:$code in
        0:200) return 0 ;;
        0:*)
            sed -e 's/^{"message":"//' -e 's/"}[[:space:]]*$//' "$state/answer" | clean
            return 1
            ;;
        # 1, 2, 4: this curl cannot do it. With any other code no answer came.
        1:* | 2:* | 4:*) ;;
        *)
            clean <"$state/error"
            return 1
            ;;
        esac
    fi
    docker swarm join --token "$token" ${2:+--advertise-addr "$2"} "$1" >/dev/null 2>"$state/error" && return 0
    clean <"$state/error"
    return 1
}

# Whether a swarm's port is open at manager $1; if not, sets last to the reason. The engine itself would try for minutes in
# the background, and asking the token service costs the manager much more. Without curl there is no way to know, so the
# join is tried.
reachable() {
    command -v curl >/dev/null 2>&1 || return 0
    answer=0
    curl -sk --noproxy '*' --connect-timeout 5 --max-time 10 -o /dev/null "https://$1/" \
        </dev/null 2>"$state/error" || answer=$?
    # curl(1): 5 and 6 no such host, 7 refused, 28 no answer in time. Any other code means that a program listens.
    case $answer in
    7) last="manager $1 is not in a swarm yet" ;;
    5 | 6 | 28) last="manager $1 does not answer" ;;
    *) return 0 ;;
    esac
    # curl gives 7, too, if there is no way to the host, and says so.
    grep -qi 'refused' "$state/error" 2>/dev/null || last="manager $1 does not answer"
    return 1
}

# Sets token to the one for manager $1: from its token service, or from the card.
find_token() {
    if [ "$FORM" = 1 ]; then
        fetch_token "$1"
    else
        token=$(cat "$state/join-token") && [ -n "$token" ]
    fi
}

# Puts the first manager last.
rotate_managers() {
    # shellcheck disable=SC2086 # a list
    set -- $MANAGERS
    first=$1
    shift
    MANAGERS="$* $first"
}

join_swarm() {
    status working 'joining the swarm'
    delay=1 round=0 pending=0 last=''
    # A rack's swarm is formed by its first manager. If no manager lets this node in, that one is the reason.
    former='' reason='' awaited=''
    if [ "$FORM" = 1 ] && [ -n "$MANAGERS" ]; then
        former=${MANAGERS%% *}
        awaited="manager $(manager_name "$former") to form the swarm"
    fi
    while :; do
        limit=60
        # At a cold start the managers are just starting, too.
        [ "$(($(uptime) - online_since))" -ge 180 ] || limit=2
        case $(node_state) in
        active)
            rm -f "$state/join-token" "$state/joining"
            keep "$state/done/swarm" joined
            return 0
            ;;
        pending)
            # The engine keeps trying by itself for a while, and refuses a second join until then.
            status working 'joining the swarm' 'the join under way' "$last"
            pending=$((pending + 1))
            if [ "$pending" -gt 120 ]; then
                docker swarm leave --force >/dev/null 2>&1
                pending=0
                rotate_managers
            fi
            pause 1
            continue
            ;;
        locked)
            status waiting 'joining the swarm' 'docker swarm unlock' 'the swarm on this node is locked'
            limit=300
            ;;
        error)
            if [ -e "$state/joining" ]; then
                # Our own attempt has failed, so leaving loses nothing.
                rm -f "$state/joining"
                docker swarm leave --force >/dev/null 2>&1
                rotate_managers
                continue
            fi
            last=$(docker info -f '{{.Swarm.Error}}' 2>/dev/null | clean)
            status waiting 'joining the swarm' 'docker swarm leave --force on this node' "$last"
            limit=300
            ;;
        *)
            pending=0
            if [ "$FORM" = 0 ] && [ ! -s "$state/join-token" ]; then
                problem='there is no join token; write one with piflash configure'
                return 1
            fi
            for manager in $MANAGERS; do
                status working 'joining the swarm' "${awaited:-manager $manager}" "$reason"
                if ! reachable "$manager" || ! find_token "$manager"; then
                    # Another manager's answer does not take the place of the first one's.
                    if [ "${former:-$manager}" = "$manager" ] || [ -z "$reason" ]; then reason=$last; fi
                    continue
                fi
                : >"$state/joining"
                flush "$state"
                last=$(join_through "$manager" "$(advertised "$manager")") && continue 2
                case $last in
                *'invalid join token'* | *'does not match fingerprint'* | *'valid join token is necessary'*)
                    # A rack's own token is fetched again: a manager may have made a new root certificate meanwhile.
                    if [ "$FORM" = 0 ]; then
                        last="$last; write a new token with piflash configure"
                        limit=300
                    fi
                    ;;
                esac
                reason=$last
                status working 'joining the swarm' "manager $manager" "$reason"
                case $(node_state) in pending | active) continue 2 ;; esac
            done
            ;;
        esac
        round=$((round + 1))
        if [ "$rounds" -gt 0 ] && [ "$round" -ge "$rounds" ]; then
            problem=${reason:-$last}
            return 1
        fi
        # If a person has to act, there is a long pause from the first try on.
        [ "$limit" != 300 ] || delay=$limit
        back_off "$delay"
        delay=$((delay * 2))
        [ "$delay" -le "$limit" ] || delay=$limit
    done
}
