# Docker itself, where the image has none: from packages that the card carries, from Debian, or by Docker's own script.
packages=$root/var/cache/piflash/packages
preferences=$root/etc/apt/preferences.d/piflash-docker

# apt takes files from 1.1 on (stretch).
installs_files() {
    case $(apt-get --version 2>/dev/null | head -n 1) in
    'apt 0.'* | 'apt 1.0'*) return 1 ;;
    esac
}

# The packages that the card carries, without a network: all at once, since they need each other.
install_carried() {
    [ -n "$DEBS" ] || return 0
    files=''
    for name in $DEBS; do
        if is_taken "${name%%-*}"; then
            rm -f "$packages/$name"
        elif [ -f "$packages/$name" ]; then
            files="$files $packages/$name"
        else
            problem="docker.packages: ${name#*-} is not on the card"
            return 1
        fi
    done
    [ -n "$files" ] || return 0
    status working 'installing the packages on the card'
    repair_packages
    code=0
    # shellcheck disable=SC2086 # a list
    if installs_files; then
        run_apt --no-install-recommends install $files || code=$?
    else
        dpkg -i $files >/dev/null 2>"$state/error" 9>&- || code=$?
    fi
    if [ "$code" != 0 ]; then
        problem="docker.packages: $(clean <"$state/error")"
        return 1
    fi
    for name in $DEBS; do
        take "${name%%-*}"
        rm -f "$packages/$name"
    done
    # From an earlier attempt.
    case $problem in docker.packages:*) problem='' ;; esac
    hash -r
}

install_from_debian() {
    # From trixie on the docker command is in a separate package, which docker.io only recommends.
    prepare_archive
    command=''
    if apt-cache show docker-cli >/dev/null 2>&1; then command=docker-cli; fi
    install_listed docker.io ${command:+"$command"}
}

# To a file first, never through a pipe into sh: a script that is cut off must not run.
fetch_script() {
    script=$state/get-docker.sh
    rm -f "$script"
    if command -v curl >/dev/null 2>&1; then
        by_proxy curl -fsSL --proto '=https' --max-time 120 -o "$script" https://get.docker.com 2>"$state/error" || return 1
    elif command -v wget >/dev/null 2>&1; then
        by_proxy wget -q -T 120 -O "$script" https://get.docker.com 2>"$state/error" || {
            [ -s "$state/error" ] || echo 'wget cannot fetch https://get.docker.com' >"$state/error"
            return 1
        }
    else
        echo 'there is neither curl nor wget to fetch https://get.docker.com' >"$state/error"
        return 1
    fi
    # Its last line calls the function that all other lines define.
    case $(head -n 1 "$script"):$(tail -n 1 "$script") in
    '#!/bin/sh'*:do_install | '#!/bin/sh'*:'do_install "$@"') return 0 ;;
    esac
    echo 'what https://get.docker.com gave is not its script' >"$state/error"
    return 1
}

# Docker 28 is the last one for ARMv6 (Pi 1, Zero), and apt does not know that.
hold_version() {
    [ "$ARMV6" = 1 ] || [ "$(uname -m)" = armv6l ] || return 0
    mkdir -p "${preferences%/*}" && printf '%s\n' \
        '# Written by piflash: Docker 28 is the last one that runs on ARMv6.' \
        'Package: docker-ce docker-ce-cli docker-ce-rootless-extras' 'Pin: version 5:28.*' 'Pin-Priority: 1001' \
        >"$preferences.new" && mv -f "$preferences.new" "$preferences"
}

install_by_script() {
    fetch_script && hold_version 2>"$state/error" || return 1
    code=0
    use_legacy_archive
    repair_packages
    by_proxy sh "$state/get-docker.sh" --channel "$CHANNEL" >/dev/null 2>"$state/error" 9>&- || code=$?
    rm -f "$state/get-docker.sh"
    # At its end it starts Docker, which fails as long as the unit has -H and daemon.json has hosts.
    [ "$code" = 0 ] || { [ "$DOCKER_HOSTS" = 1 ] && command -v dockerd >/dev/null 2>&1; }
}

# If it fails, $last says why.
install_engine() {
    case $INSTALL in
    debian) install_from_debian ;;
    script)
        install_by_script && return 0
        last=$(clean <"$state/error")
        return 1
        ;;
    esac
}

# About forty minutes of tries; the next boot goes on.
install_docker() {
    # Dependencies that are not on the card may come from the network.
    if ! install_carried; then
        has_route || return 1
        update_lists
        install_carried || return 1
    fi
    [ -n "$INSTALL" ] || return 0
    has_docker && return 0
    delay=15 tries=0 last=''
    while :; do
        status working 'installing Docker' "$INSTALL_FROM" "$last"
        if ! has_route; then
            last='there is no network'
        else
            if install_engine; then
                hash -r
                has_docker && return 0
                last='it is installed, but there is no docker command'
            fi
        fi
        tries=$((tries + 1))
        if [ "$tries" -ge "$(most_tries)" ]; then
            problem="installing Docker: $last"
            return 1
        fi
        status working 'installing Docker' "$INSTALL_FROM" "$last"
        back_off "$delay"
        delay=$((delay * 2))
        [ "$delay" -le 300 ] || delay=300
    done
}

# Docker's package makes the group, so later than the user exists.
join_group() {
    [ -n "$DOCKER_USER" ] || return 0
    has_docker || return 0
    # Fields of group(5): name, password, number, members.
    members=$(sed -n 's/^docker:[^:]*:[^:]*://p' "$root/etc/group" 2>/dev/null)
    case ",$members," in *",$DOCKER_USER,"*) return 0 ;; esac
    if ! grep -q '^docker:' "$root/etc/group" 2>/dev/null && ! groupadd --system docker 2>"$state/error"; then
        problem="the group docker: $(clean <"$state/error")"
    elif ! usermod --append --groups docker "$DOCKER_USER" 2>"$state/error"; then
        problem="the group docker: $(clean <"$state/error")"
    fi
}
