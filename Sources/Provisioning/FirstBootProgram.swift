/// The program that finishes a node's first boot: one for all flavours, which differ only in how they start it.
///
/// POSIX sh, for dash and busybox, with nothing that wheezy lacks. It runs at every boot and does what is not done yet:
/// each step leaves a stamp in /var/lib/piflash, and a lock lets only one copy work. The join token reaches the node in a
/// file of its own on the boot partition, which the program moves away and overwrites before anything else; it is handed
/// to Docker on curl's standard input, through the engine's API, since `docker swarm join` takes a token only among its
/// arguments, where every user of the node can read it. Without a curl that speaks to sockets (before 7.40) the command
/// is used all the same: nobody else is on the node that early.
///
/// For tests: PIFLASH_ROOT goes in front of every path, PIFLASH_TICK is the length of a second, and PIFLASH_ROUNDS bounds
/// the tries to join.
enum FirstBootProgram {
    static let path = "/usr/local/lib/piflash/first-boot"
    static let settingsPath = "/etc/piflash/settings"
    static let commandsDirectory = "/etc/piflash/run.d"

    static let source = #"""
        #!/bin/sh
        # Finishes the first boot of this node: Docker's configuration, the recipe's commands, the swarm.
        # Written by piflash. Runs at every boot and does only what is not done yet; its progress is in
        # piflash/status.txt on the boot partition.
        set -u
        umask 022
        export LC_ALL=C

        root=${PIFLASH_ROOT:-}
        tick=${PIFLASH_TICK:-1}
        rounds=${PIFLASH_ROUNDS:-0}

        NODE='' BOOT=/boot FLASH_TIME=0 GENERATION='' DOCKER=0 DOCKER_CONFIG='' DOCKER_HOSTS=0
        SWARM=0 MANAGERS='' ADVERTISE='' RUN='' PACKAGES='' LOCALE='' WIFI=0 HOSTS=0
        # shellcheck source=/dev/null
        [ -r "$root/etc/piflash/settings" ] && . "$root/etc/piflash/settings"

        state=$root/var/lib/piflash
        boot=$root$BOOT
        daemon=$root/etc/docker/daemon.json
        dropin=$root/etc/systemd/system/docker.service.d/piflash.conf
        step='' since='' shown='' problem=''

        mkdir -p "$state/done" "$root/run" || exit 1
        chmod 700 "$state"
        exec 9>"$root/run/piflash-first-boot.lock"
        flock -n 9 || exit 0

        say() { printf 'piflash: %s\n' "$1" >&2; }

        pause() { sleep "$(($1 * tick))"; }

        # One line, short, without a token.
        clean() {
            tr '\r\n\t' '   ' | sed -e 's/SWMTKN-[0-9A-Za-z-]*/SWMTKN-***/g' -e 's/  */ /g' -e 's/^ //' -e 's/ $//' |
                cut -c 1-300
        }

        # status STATE STEP [WAITING-FOR [LAST-ERROR]]: to the journal and, as a whole, to the boot partition.
        status() {
            if [ "$2" != "$step" ]; then
                step=$2
                since=$(date -u +%Y-%m-%dT%H:%M:%SZ)
            fi
            text=$(
                printf 'node: %s\nstate: %s\nstep: %s\nsince: %s\n' "$NODE" "$1" "$step" "$since"
                [ -z "${3:-}" ] || printf 'waiting for: %s\n' "$3"
                [ -z "${4:-}" ] || printf 'last error: %s\n' "$4"
            )
            [ "$text" = "$shown" ] && return 0
            shown=$text
            say "$1: $step${3:+, waiting for $3}${4:+ ($4)}"
            [ -d "$boot" ] || return 0
            mkdir -p "$boot/piflash" 2>/dev/null &&
                printf '%s\n' "$text" 2>/dev/null >"$boot/piflash/status.new" && sync &&
                mv -f "$boot/piflash/status.new" "$boot/piflash/status.txt" && sync
        }

        # shellcheck disable=SC2317
        stop() {
            status interrupted "${step:-starting}" '' 'stopped by a signal; goes on at the next boot'
            exit 143
        }
        trap stop TERM INT HUP

        # Moves the join token off the boot partition, which every user can read, and arms the join again.
        take_token() {
            card=$boot/piflash/join-token
            [ -f "$card" ] || return 0
            token=$(tr -cd '0-9A-Za-z-' <"$card")
            case $token in
            SWMTKN-*)
                (umask 077 && printf '%s\n' "$token" >"$state/join-token.new") &&
                    mv -f "$state/join-token.new" "$state/join-token" || return 1
                rm -f "$state/done/swarm" "$state/finished"
                sync
                ;;
            esac
            dd if=/dev/zero of="$card" bs="$(($(wc -c <"$card") + 1))" count=1 conv=notrunc 2>/dev/null
            sync
            rm -f "$card"
            sync
        }

        # The rack's names, at every boot: cloud-init, for one, writes /etc/hosts anew at each.
        write_hosts() {
            file=$root/etc/hosts
            [ -r "$file" ] || return 0
            sed '/^# piflash: the rack$/,/^# piflash: end$/d' "$file" >"$state/hosts" || return 0
            if [ "$HOSTS" = 1 ] && [ -r "$root/etc/piflash/hosts" ]; then
                {
                    echo '# piflash: the rack'
                    cat "$root/etc/piflash/hosts"
                    echo '# piflash: end'
                } >>"$state/hosts"
            fi
            # In place: the file may be mounted on its own.
            cmp -s "$state/hosts" "$file" || cat "$state/hosts" >"$file"
            rm -f "$state/hosts"
        }

        # Raspberry Pi OS keeps the radio off until somebody has set a country.
        switch_radio_on() {
            [ "$WIFI" = 1 ] || return 0
            command -v rfkill >/dev/null 2>&1 && rfkill unblock wlan 2>/dev/null
            command -v nmcli >/dev/null 2>&1 && nmcli radio wifi on 2>/dev/null
            return 0
        }

        make_locale() {
            [ -n "$LOCALE" ] || return 0
            command -v locale-gen >/dev/null 2>&1 || return 0
            # locale -a spells it en_GB.utf8.
            wanted=$(printf '%s\n' "$LOCALE" | tr '[:upper:]' '[:lower:]' | tr -d '-')
            locale -a 2>/dev/null | tr '[:upper:]' '[:lower:]' | tr -d '-' | grep -qxF "$wanted" && return 0
            status working "making the locale $LOCALE"
            locale-gen >/dev/null 2>"$state/error" || problem="locale-gen: $(clean <"$state/error")"
        }

        # Three tries: a mirror may be busy, or not be there yet when the clock was wrong.
        install_packages() {
            [ -n "$PACKAGES" ] || return 0
            [ "$(cat "$state/packages" 2>/dev/null)" = "$PACKAGES" ] && return 0
            tries=0
            while :; do
                status working 'installing packages' "$PACKAGES"
                # shellcheck disable=SC2086 # a list
                if DEBIAN_FRONTEND=noninteractive apt-get -q update >/dev/null 2>"$state/error" &&
                    DEBIAN_FRONTEND=noninteractive apt-get -q -y install $PACKAGES >/dev/null 2>"$state/error" 9>&-; then
                    printf '%s\n' "$PACKAGES" >"$state/packages"
                    return 0
                fi
                problem="apt-get: $(clean <"$state/error")"
                tries=$((tries + 1))
                [ "$tries" -lt 3 ] || return 0
                pause 30
            done
        }

        # Whether some interface other than Docker's own has a route.
        has_route() {
            [ -r "$root/proc/net/route" ] || return 1
            while read -r interface _; do
                case $interface in
                Iface | lo | docker* | br-* | veth* | '') ;;
                *) return 0 ;;
                esac
            done <"$root/proc/net/route"
            return 1
        }

        # At most five minutes: a node without a network still runs its commands.
        wait_for_network() {
            waited=0
            until has_route; do
                [ "$waited" -ge 300 ] && return 0
                status working 'waiting for the network' 'a route'
                pause 3
                waited=$((waited + 3))
            done
        }

        # A Pi has no clock of its own, and certificates need one. Without a time server two minutes are enough.
        clock_is_set() {
            [ "$(date +%s)" -ge "$FLASH_TIME" ] || return 1
            command -v timedatectl >/dev/null 2>&1 || return 0
            timedatectl 2>/dev/null | grep -q 'synchronized: yes'
        }

        wait_for_clock() {
            waited=0
            until clock_is_set; do
                [ "$waited" -ge 120 ] && break
                status working 'waiting for the clock' 'a time server'
                pause 5
                waited=$((waited + 5))
            done
            [ "$(date +%s)" -ge "$FLASH_TIME" ] || problem="the clock is behind: $(date -u +%Y-%m-%dT%H:%M:%SZ)"
        }

        # dockerd refuses to start when `hosts` stands in daemon.json and -H in its unit. The unit's own command line is
        # kept but for -H: its path and its other options differ between packages.
        write_dropin() {
            rm -f "$dropin"
            line=$(systemctl cat docker.service 2>/dev/null | sed -e ':a' -e '/\\$/N' -e 's/\\\n//' -e 'ta' |
                sed -n 's/^ExecStart=[ ]*\(..*\)$/\1/p' | tail -n 1)
            [ -n "$line" ] || return 1
            command='' skip=0
            set -f
            for word in $line; do
                if [ "$skip" = 1 ]; then
                    skip=0
                    continue
                fi
                case $word in
                -H | --host) skip=1 ;;
                -H* | --host=*) ;;
                *) command="$command${command:+ }$word" ;;
                esac
            done
            set +f
            mkdir -p "${dropin%/*}" &&
                printf '[Service]\nExecStart=\nExecStart=%s\n' "$command" >"$dropin.new" && mv -f "$dropin.new" "$dropin"
        }

        restart_docker() {
            if [ -d "$root/run/systemd/system" ]; then
                systemctl daemon-reload
                systemctl reset-failed docker.service 2>/dev/null
                systemctl restart docker.service
            else
                service docker restart 9>&-
            fi
        }

        # Restarts Docker once for each new configuration; one that the recipe has dropped is taken away.
        configure_docker() {
            had=$(cat "$state/docker-config" 2>/dev/null)
            [ "$had" = "$DOCKER_CONFIG" ] && return 0
            command -v docker >/dev/null 2>&1 || return 0
            status working 'configuring Docker'
            [ -n "$DOCKER_CONFIG" ] || rm -f "$daemon"
            if [ "$DOCKER_HOSTS" = 1 ]; then
                write_dropin || problem='docker.service has no ExecStart: its -H option may conflict with hosts in daemon.json'
            else
                rm -f "$dropin"
            fi
            if restart_docker >/dev/null 2>"$state/error"; then
                printf '%s\n' "$DOCKER_CONFIG" >"$state/docker-config"
            else
                problem="docker does not start, see its log: $(clean <"$state/error")"
            fi
        }

        # At most ten minutes: packages may still be on their way.
        wait_for_docker() {
            waited=0
            status working 'waiting for Docker' 'docker info'
            until docker info >/dev/null 2>"$state/error"; do
                if command -v docker >/dev/null 2>&1; then
                    reason=$(clean <"$state/error")
                else
                    reason='docker is not installed; add first_boot.packages: [docker.io] to the recipe'
                fi
                if [ "$waited" -ge 600 ]; then
                    problem=$reason
                    return 1
                fi
                status working 'waiting for Docker' 'docker info' "$reason"
                pause 5
                waited=$((waited + 5))
            done
        }

        # Each command once: its stamp is set before it runs, so that one cut short by a power failure is reported, not
        # repeated.
        run_commands() {
            for name in $RUN; do
                stamp=$state/done/run-${name#*-}
                if [ -e "$stamp" ]; then
                    [ -s "$stamp" ] || problem="first_boot.run: command ${name%%-*} was cut short and is not repeated"
                    continue
                fi
                status working "running command ${name%%-*}"
                : >"$stamp"
                sync
                code=0
                sh "$root/etc/piflash/run.d/$name" 9>&- || code=$?
                printf '%s\n' "$code" >"$stamp"
                [ "$code" = 0 ] || problem="first_boot.run: command ${name%%-*} ended with status $code"
            done
        }

        # The interface that leads to manager $1: its address is what the other nodes are told.
        advertised() {
            if [ -n "$ADVERTISE" ]; then
                printf '%s\n' "$ADVERTISE"
                return
            fi
            interface=''
            case ${1%:*} in
            *[!0-9.]*) ;;
            *) interface=$(ip -4 route get "${1%:*}" 2>/dev/null | sed -n 's/.* dev \([^ ]*\).*/\1/p' | head -n 1) ;;
            esac
            if [ -n "$interface" ] && [ "$interface" != lo ]; then
                printf '%s\n' "$interface"
                return
            fi
            # The default route (destination 0) with the least metric.
            awk '$2 == "00000000" && (best == "" || $7 < metric) { best = $1; metric = $7 } END { print best }' \
                "$root/proc/net/route" 2>/dev/null
        }

        # Asks the engine to join through manager $1, advertising $2; says why not on standard output.
        # printf is part of the shell, so the token is in no process's arguments.
        join() {
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
                # 1, 2, 4: this curl cannot do it. Anything else is an answer that did not come.
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

        # Whether anything listens at manager $1. The engine itself would go on for minutes, in the background, with one
        # that is silent. Without curl nobody can tell, so the join is tried.
        reachable() {
            command -v curl >/dev/null 2>&1 || return 0
            answer=0
            curl -sk --noproxy '*' --connect-timeout 5 --max-time 10 -o /dev/null "https://$1/" \
                </dev/null 2>"$state/error" || answer=$?
            # curl(1): 5 and 6 no such host, 7 refused, 28 no answer in time. All else came from a listener.
            case $answer in
            5 | 6 | 7 | 28) return 1 ;;
            esac
        }

        # Puts the first manager last.
        rotate_managers() {
            # shellcheck disable=SC2086 # a list
            set -- $MANAGERS
            first=$1
            shift
            MANAGERS="$* $first"
        }

        node_state() { docker info -f '{{.Swarm.LocalNodeState}}' 2>/dev/null; }

        # Waits $1 seconds and up to half as long again, so that a rack does not knock all at once.
        back_off() {
            random=$(od -An -N1 -tu1 /dev/urandom 2>/dev/null | tr -d ' ')
            pause "$(($1 + $1 * ${random:-0} / 512))"
        }

        join_swarm() {
            status working 'joining the swarm'
            delay=2 round=0 pending=0 last=''
            while :; do
                limit=60
                case $(node_state) in
                active)
                    rm -f "$state/join-token" "$state/joining"
                    : >"$state/done/swarm"
                    return 0
                    ;;
                pending)
                    # The engine goes on trying by itself for a while, and refuses a second join meanwhile.
                    status working 'joining the swarm' 'the join under way' "$last"
                    pending=$((pending + 1))
                    if [ "$pending" -gt 24 ]; then
                        docker swarm leave --force >/dev/null 2>&1
                        pending=0
                        rotate_managers
                    fi
                    pause 5
                    continue
                    ;;
                locked)
                    status waiting 'joining the swarm' 'docker swarm unlock' 'the swarm on this node is locked'
                    limit=300
                    ;;
                error)
                    if [ -e "$state/joining" ]; then
                        # Our own attempt ended so; there is nothing in it to lose.
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
                    if [ ! -s "$state/join-token" ]; then
                        problem='there is no join token; write one with piflash configure'
                        return 1
                    fi
                    token=$(cat "$state/join-token")
                    for manager in $MANAGERS; do
                        status working 'joining the swarm' "manager $manager" "$last"
                        if ! reachable "$manager"; then
                            last="manager $manager does not answer"
                            continue
                        fi
                        : >"$state/joining"
                        last=$(join "$manager" "$(advertised "$manager")") && continue 2
                        case $last in
                        *'invalid join token'* | *'does not match fingerprint'* | *'valid join token is necessary'*)
                            last="$last; write a new token with piflash configure"
                            limit=300
                            ;;
                        esac
                        status working 'joining the swarm' "manager $manager" "$last"
                        case $(node_state) in pending | active) continue 2 ;; esac
                    done
                    ;;
                esac
                round=$((round + 1))
                if [ "$rounds" -gt 0 ] && [ "$round" -ge "$rounds" ]; then
                    problem=$last
                    return 1
                fi
                # What needs a person is tried slowly from the start.
                [ "$limit" = 60 ] || delay=$limit
                back_off "$delay"
                delay=$((delay * 2))
                [ "$delay" -le "$limit" ] || delay=$limit
            done
        }

        write_hosts
        switch_radio_on
        take_token || status failed 'taking the join token' '' 'cannot write /var/lib/piflash'
        if [ -e "$state/finished" ] && [ "$(cat "$state/finished")" = "$GENERATION" ]; then
            exit 0
        fi
        [ "$(cat "$state/swarm-generation" 2>/dev/null)" = "$MANAGERS" ] || rm -f "$state/done/swarm"
        printf '%s\n' "$MANAGERS" >"$state/swarm-generation"

        failed=''
        make_locale
        wait_for_network
        wait_for_clock
        install_packages
        if [ "$DOCKER" = 1 ] || [ -s "$state/docker-config" ]; then
            configure_docker
        fi
        if [ "$DOCKER" = 1 ]; then
            # Docker may have been installed only now.
            if wait_for_docker; then configure_docker; else failed=$step; fi
        fi
        run_commands
        if [ "$SWARM" = 1 ] && [ -z "$failed" ] && [ ! -e "$state/done/swarm" ]; then
            join_swarm || failed=$step
        fi
        rm -f "$state/error" "$state/answer"
        if [ -n "$failed" ]; then
            status failed "$failed" '' "$problem"
            exit 1
        fi
        printf '%s\n' "$GENERATION" >"$state/finished"
        sync
        status 'done' finished '' "$problem"
        exit 0

        """#
}
