#!/bin/sh
# Finishes the first boot of this node: Docker's configuration, the recipe's commands, the swarm.
# Written by piflash. Runs at every boot and does only what is not done yet; its progress is in
# piflash/status.txt on the boot partition.
set -u
umask 022
export LC_ALL=C HOME="${HOME:-/root}" USER=root LOGNAME=root SHELL=/bin/sh

root=${PIFLASH_ROOT:-}
tick=${PIFLASH_TICK:-1}
rounds=${PIFLASH_ROUNDS:-0}
# What starts this program may have set nothing, and the recipe's commands run in the same environment.
[ -n "$root" ] || PATH=${PATH:+$PATH:}/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
export PATH

NODE='' BOOT=/boot FLASH_TIME=0 GENERATION='' DOCKER=0 DOCKER_CONFIG='' DOCKER_HOSTS=0 DOCKER_PROXY=0
PROXY=0 LEGACY_ARCHIVE=''
SWARM=0 MANAGERS='' ADVERTISE='' RUN='' PACKAGES='' LOCALE='' WIFI=0 HOSTS=0 FILES=''
INSTALL='' INSTALL_FROM='' CHANNEL=stable ARMV6=0 DOCKER_USER='' DEBS='' PRELOAD=''
FORM=0 ROLE=worker FIRST=0 LABELS='' STACKS='' NODES='' DOOR_PORT=2378
ADDRESS_POOL='' CERTIFICATE_HOURS=8760 NETWORKS='' SWARM_RUN='' KERNEL_PACKAGE=''
CLASSIC=0 CONSUL=''
ACCOUNT='' ACCOUNT_GROUPS='' PASSWORD_HASH='' TAKEOVER=0 PASSWORD_LOGIN='' SUDO=passwordless SEED=0 LOCKED='' WIPE=0
# shellcheck source=/dev/null
[ -r "$root/etc/piflash/settings" ] && . "$root/etc/piflash/settings"

state=$root/var/lib/piflash
boot=$root$BOOT
daemon=$root/etc/docker/daemon.json
dropin=$root/etc/systemd/system/docker.service.d/piflash.conf
proxy_dropin=$root/etc/systemd/system/docker.service.d/piflash-proxy.conf
step='' since='' shown='' problem='' clock='' repaired=''

mkdir -p "$state/done" "$root/run/piflash" || exit 1
chmod 700 "$state"
exec 9>"$root/run/piflash/first-boot.lock"
flock -n 9 || exit 0
