# The clock: a Pi has none with a battery.

# What it starts with may be years behind, but not truly before its card was written.
set_clock_to_flash_time() {
    [ "$(date +%s)" -lt "$FLASH_TIME" ] || return 0
    say 'setting the clock to the time when the card was written'
    date -s "@$FLASH_TIME" >/dev/null 2>"$state/error" ||
        problem="the clock is behind, and cannot be set: $(clean <"$state/error")"
}

# Whether a time server has set the clock, as far as systemd knows. Without systemd nobody knows.
clock_is_synchronised() { timedatectl 2>/dev/null | grep -q 'synchronized: yes'; }

clock_is_settled() {
    [ -z "$told" ] || return 0
    command -v timedatectl >/dev/null 2>&1 || return 0
    clock_is_synchronised
}
# The manager that has told the time.
told=''

# A number of seconds, for a person.
duration() {
    if [ "$1" -ge 172800 ]; then
        echo "$(($1 / 86400)) days"
    elif [ "$1" -ge 7200 ]; then
        echo "$(($1 / 3600)) hours"
    elif [ "$1" -ge 120 ]; then
        echo "$(($1 / 60)) minutes"
    else
        echo "$1 seconds"
    fi
}

# Saves the time where the next boot takes its own from. Otherwise that would begin with the old time, at which the node's
# certificate is not valid. The time in timesyncd's file is that of its modification (systemd-timesyncd(8)); before systemd
# 229 it was one directory higher. Some boards have a battery-backed clock.
save_clock() {
    for file in "$root/var/lib/systemd/timesync/clock" "$root/var/lib/systemd/clock"; do
        [ ! -f "$file" ] || touch "$file"
    done
    if command -v fake-hwclock >/dev/null 2>&1; then fake-hwclock save force >/dev/null 2>&1; fi
    [ -e "$root/dev/rtc0" ] || return 0
    hwclock --systohc >/dev/null 2>"$state/error" ||
        say "the battery-backed clock cannot be set, so the next boot starts with its time: $(clean <"$state/error")"
}

# Sets the clock to $1 seconds since 1970, the time of $2. Half a minute is good enough for certificates.
follow_clock() {
    ahead=$(($(date +%s) - $1))
    told=$2
    if [ "$ahead" -gt 30 ]; then
        moved="set back by $(duration "$ahead")"
    elif [ "$ahead" -lt -30 ]; then
        moved="set forward by $(duration "$((-ahead))")"
    else
        return 0
    fi
    if date -s "@$1" >/dev/null 2>"$state/error"; then
        clock="$moved, to the time of $2"
        say "the clock was $clock"
        save_clock
    else
        problem="the clock cannot be set to the time of $2: $(clean <"$state/error")"
    fi
}
