"""What a card's files need before they can run in a container: its FAT as ext4, no settings for what is not here."""

from pathlib import Path

from card import Card
from outside import run


def fill_boot_image(card: Card, image: Path) -> None:
    """Makes an ext4 file system without a journal of the files in the card's boot partition."""
    boot, _ = card.partitions()
    files = image.with_suffix(".files")
    files.mkdir(exist_ok=True)
    run("mcopy", "-s", "-n", "-m", "-i", f"{card.path}@@{boot.start}", "::*", files)
    # As a FAT is mounted: every file can be read and run by all.
    run("chmod", "-R", "755", files)
    run("truncate", "-s", "96M", image)
    run("mkfs.ext4", "-q", "-F", "-O", "^has_journal", "-d", files, image)
    run("rm", "-rf", files)


def adapt(root: Path, has_time: bool) -> str:
    """Changes the root partition, which is mounted at `root`. Returns where the system mounts the boot partition. With
    `has_time`, its systemd will say that a time server has set the clock."""
    mount_point = _adapt_fstab(root / "etc/fstab")
    # Ubuntu's cloud-init finds its seed by the label of a device, which is not here.
    settings = root / "etc/cloud/cloud.cfg.d"
    if settings.is_dir() and any("fs_label:" in file.read_text() for file in settings.glob("*.cfg")):
        seed = f"datasource: {{NoCloud: {{fs_label: null, seedfrom: 'file://{mount_point}'}}}}\n"
        (settings / "zz-boots.cfg").write_text(seed)
    # dhcpcd waits for udev, which does not run in a container.
    dhcpcd = root / "etc/dhcpcd.conf"
    if dhcpcd.exists():
        dhcpcd.write_text("nodev\n" + dhcpcd.read_text())
    # Interfaces that udev would tell ifupdown of.
    if (root / "lib/systemd/system/networking.service").exists():
        dropin = root / "etc/systemd/system/networking.service.d/boots.conf"
        dropin.parent.mkdir(exist_ok=True)
        dropin.write_text("[Service]\nExecStart=/sbin/ifup -a --read-environment --allow=hotplug\n")
    if has_time:
        program = root / "usr/local/bin/timedatectl"
        program.write_text("#!/bin/sh\necho 'System clock synchronized: yes'\n")
        program.chmod(0o755)
    return mount_point


def _adapt_fstab(fstab: Path) -> str:
    """Takes out both partitions, whose devices are not here."""
    mount_point = "/boot"
    kept = []
    for line in fstab.read_text().splitlines():
        fields = line.split()
        if len(fields) > 1 and not line.startswith("#") and fields[1] in ("/", "/boot", "/boot/firmware"):
            if fields[1] != "/":
                mount_point = fields[1]
        else:
            kept.append(line + "\n")
    fstab.write_text("".join(kept))
    return mount_point
