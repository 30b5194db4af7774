# Reports the state of this node: its first boot, Docker, clock and health; changes nothing. Prints lines "KEY VALUE", and
# files as "file NAME BYTES", the contents, and a line end.
set -u
export LC_ALL=C
PATH=$PATH:/usr/local/sbin:/usr/sbin:/sbin
root=${PIFLASH_ROOT:-}

report() { [ -z "$2" ] || printf '%s %s\n' "$1" "$2"; }

# A program that hangs reports nothing.
patient() {
    if command -v timeout >/dev/null 2>&1; then timeout 10 "$@"; else "$@"; fi
}

# As the user, or as root if sudo needs no password.
able() { patient "$@" 2>/dev/null || patient sudo -n "$@" 2>/dev/null; }

report time "$(date +%s)"
[ -r "$root/proc/uptime" ] && report uptime "$(cut -d. -f1 <"$root/proc/uptime")"

if [ -e "$root/etc/piflash/settings" ]; then report piflash 1; fi
# Whether the first-boot program runs: its unit is "simple". If it is not active, a job means that systemd is about to
# start it.
if [ -d "$root/run/systemd/system" ]; then
    # shellcheck disable=SC2046 # lines ActiveState=… and Job=…
    set -- $(able systemctl show -p ActiveState -p Job piflash-first-boot.service)
    case " $* " in *' Job='[1-9]*) job=1 ;; *) job=0 ;; esac
    case $job:" $* " in
    *' ActiveState=active '* | *' ActiveState=activating '*) report program running ;;
    1:*' ActiveState='*) report program queued ;;
    0:*' ActiveState='*) report program stopped ;;
    esac
fi
# The program writes each status of this boot to /run at once, and to the card at most every 15 seconds.
for file in "$root/run/piflash/status" "$root/boot/firmware/piflash/status.txt" "$root/boot/piflash/status.txt"; do
    # Some systems mount the boot partition for root alone.
    text=$(cat "$file" 2>/dev/null || patient sudo -n cat "$file" 2>/dev/null) || continue
    [ -n "$text" ] || continue
    report file "status $(printf '%s' "$text" | wc -c | tr -d ' ')"
    printf '%s\n' "$text"
    break
done

if command -v docker >/dev/null 2>&1; then
    report docker 1
    engine=$(able docker version -f '{{.Server.Version}}')
    # Docker before 1.8 has no --format; info has it since 1.13, and there was a swarm mode a little before.
    [ -n "$engine" ] || engine=$(able docker version | sed -n 's/^Server version: *//p')
    if [ -n "$engine" ]; then
        report engine "$engine"
        # shellcheck disable=SC2046 # two words
        set -- $(able docker info -f '{{.Swarm.LocalNodeState}} {{.Swarm.ControlAvailable}}')
        report swarm "${1:-}"
        report manager "${2:-}"
    fi
fi

if command -v vcgencmd >/dev/null 2>&1; then
    report temperature "$(able vcgencmd measure_temp | sed -n "s/^temp=\([0-9.]*\).*/\1/p")"
    report throttled "$(able vcgencmd get_throttled | sed -n 's/^throttled=\(0x[0-9a-fA-F]*\)$/\1/p')"
elif [ -r "$root/sys/class/thermal/thermal_zone0/temp" ]; then
    report temperature "$(awk '{ printf "%.1f", $1 / 1000 }' <"$root/sys/class/thermal/thermal_zone0/temp" 2>/dev/null)"
fi
report end 1
