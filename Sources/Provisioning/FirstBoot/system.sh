# The rack's names, at every boot: cloud-init, for one, rewrites /etc/hosts each time.
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
    # In place: the file may be a mount point.
    cmp -s "$state/hosts" "$file" || cat "$state/hosts" >"$file"
    rm -f "$state/hosts"
}

# The proxies, for people and what they start; a login of a proxy is for root alone. What an earlier recipe has left goes.
write_environment() {
    file=$root/etc/environment
    lines=''
    if [ "$PROXY" = 1 ]; then
        lines=$(sed -n "s/^\\([a-z_]*\\)='\\(.*\\)'\$/\\1=\\2/p" "$root/etc/piflash/proxy" 2>/dev/null)
        case $lines in *@*) lines='' ;; esac
    else
        rm -f "$root/etc/apt/apt.conf.d/80piflash-proxy" "$root/etc/piflash/proxy"
    fi
    [ -n "$lines" ] || grep -qs '^# piflash: proxy$' "$file" || return 0
    {
        sed '/^# piflash: proxy$/,/^# piflash: end$/d' "$file" 2>/dev/null
        [ -z "$lines" ] || printf '%s\n' '# piflash: proxy' "$lines" '# piflash: end'
    } >"$state/environment"
    cmp -s "$state/environment" "$file" || cat "$state/environment" >"$file"
    rm -f "$state/environment"
}

# Raspberry Pi OS keeps the radio off until somebody has set a country.
switch_radio_on() {
    [ "$WIFI" = 1 ] || return 0
    command -v rfkill >/dev/null 2>&1 && rfkill unblock wlan 2>/dev/null
    command -v nmcli >/dev/null 2>&1 && nmcli radio wifi on 2>/dev/null
    return 0
}

# locale -a spells it en_GB.utf8.
has_locale() {
    wanted=$(printf '%s\n' "$LOCALE" | tr '[:upper:]' '[:lower:]' | tr -d '-')
    locale -a 2>/dev/null | tr '[:upper:]' '[:lower:]' | tr -d '-' | grep -qxF "$wanted"
}

# Makes the recipe's locale in the background: it takes half a minute on a small Pi, and only the recipe's commands may
# need it.
make_locale() {
    [ -n "$LOCALE" ] && [ -z "$locale_maker" ] || return 0
    command -v locale-gen >/dev/null 2>&1 || return 0
    if has_locale; then return 0; fi
    # The card's file has it, unless locale-gen has been installed just now.
    line=$(awk -v name="$LOCALE" '$1 == name { print; exit }' "$root/usr/share/i18n/SUPPORTED" 2>/dev/null)
    if [ -n "$line" ] && ! grep -qxF "$line" "$root/etc/locale.gen" 2>/dev/null; then
        echo "$line" >>"$root/etc/locale.gen"
    fi
    say "making the locale $LOCALE"
    # Debian's locale-gen makes those of its list; Ubuntu's also takes a name.
    { locale-gen && { has_locale || locale-gen "$LOCALE"; }; } >/dev/null 2>"$state/locale-error" 9>&- &
    locale_maker=$!
}
locale_maker=''

wait_for_locale() {
    [ -n "$locale_maker" ] || return 0
    kill -0 "$locale_maker" 2>/dev/null && status working "making the locale $LOCALE"
    wait "$locale_maker" || problem="locale-gen: $(clean <"$state/locale-error")"
    locale_maker=''
    rm -f "$state/locale-error"
}

# Whether an interface other than Docker's own has IPv6's default route.
has_route6() {
    awk '$1 ~ /^0+$/ && $2 == "00" && $10 !~ /^(lo|docker|br-|veth)/ { found = 1 } END { exit !found }' \
        "$root/proc/net/ipv6_route" 2>/dev/null
}

# Whether some interface other than Docker's own has a route.
has_route() {
    if has_route6; then return 0; fi
    [ -r "$root/proc/net/route" ] || return 1
    while read -r interface _; do
        case $interface in
        Iface | lo | docker* | br-* | veth* | '') ;;
        *) return 0 ;;
        esac
    done <"$root/proc/net/route"
    return 1
}

# Whether there is a way out of the network: the default route has destination 0.
has_way_out() {
    if has_route6; then return 0; fi
    awk 'NR > 1 && $1 !~ /^(lo|docker|br-|veth)/ && $2 == "00000000" { found = 1 } END { exit !found }' \
        "$root/proc/net/route" 2>/dev/null
}

# At most five minutes: a node without a network still runs its commands.
wait_for_network() {
    began=$(uptime)
    until has_route; do
        status working 'waiting for the network' 'a route'
        [ "$(($(uptime) - began))" -lt "$((300 * tick))" ] || break
        pause 1
    done
    online_since=$(uptime)
}

# has_pending DIRECTORY NAMES: whether a command of the recipe has not run yet.
has_pending() {
    for name in $2; do
        [ -e "$state/done/$1-${name#*-}" ] || return 0
    done
    return 1
}

has_commands() { has_pending run "$RUN"; }

# run_each DIRECTORY KEY NAMES: each command once. Its stamp is set before it runs, so that one cut short by a power failure
# is reported, not repeated.
run_each() {
    for name in $3; do
        stamp=$state/done/$1-${name#*-}
        if [ -e "$stamp" ]; then
            [ -s "$stamp" ] || problem="$2: command ${name%%-*} was cut short and is not repeated"
            continue
        fi
        status working "running command ${name%%-*}"
        : >"$stamp"
        flush "$stamp"
        code=0
        by_proxy sh "$root/etc/piflash/$1.d/$name" 9>&- || code=$?
        keep "$stamp" "$code"
        [ "$code" = 0 ] || problem="$2: command ${name%%-*} ended with status $code"
    done
}

run_commands() { run_each run first_boot.run "$RUN"; }
