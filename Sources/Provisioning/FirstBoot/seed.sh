#!/bin/sh
# Lets cloud-init begin again if its first boot was cut short. Written by piflash; runs before cloud-init at every boot.
# cloud-init never repeats what it has noted as begun, and stops at notes that a power cut has left empty. The first-boot
# program says in the file `seeded` of which instance everything is on the card; until then the notes go.
root=${PIFLASH_ROOT:-}
cloud=$root/var/lib/cloud
seeded=$(cat "$root/var/lib/piflash/seeded" 2>/dev/null)
instance=$(cat "$cloud/data/instance-id" 2>/dev/null)
# At the first boot there is neither. The image's own `seed`, `scripts` and `sem` stay.
if [ "$seeded" != "$instance" ] || { [ -z "$instance" ] && [ -e "$cloud/instances" ]; }; then
    rm -rf "$cloud/instance" "$cloud/instances" "$cloud/data"
fi
