"""What the campaign writes to cards: a small image of the project's sample files, and recipes for it."""

import os
import shutil
from pathlib import Path

from outside import ROOT, run

MIB = 1 << 20
# The partitions of the image: start and size in bytes.
BOOT = (1 * MIB, 4 * MIB)
SYSTEM = (5 * MIB, 7 * MIB)
SIZE = 12 * MIB
# A card is larger than its image.
CARD = 16 * MIB

VARIANT = "raspberry-pi-os-bookworm"
FEATURES = "none,has_journal,ext_attr,resize_inode,dir_index,filetype,extent,flex_bg,sparse_super,large_file"
FEATURES += ",dir_nlink,extra_isize,metadata_csum"

KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIDeTkYTxRC13NwRkUmqUfoEDjIWbiMNZTpCkDYq7Yg6L me@host"


def recipe(name: str, last: int = 4) -> str:
    """The recipe of a node that gets files on both partitions. `last` goes into its address: another one changes files
    on both."""
    # No secret: its digest in the ledger would take most of a run's time (scrypt).
    last += 10 * int(name[-2:])
    return f"""\
image: {{ source: ../image/card.img.xz }}
hostname: {name}
address: 192.168.7.{last}/24
network: {{ gateway: 192.168.7.1, dns: [192.168.7.1] }}
user: {{ name: pirate, ssh_authorized_keys: ["{KEY}"] }}
docker: {{ daemon: {{ labels: [berth=b{last}] }} }}
"""


def make(directory: Path) -> Path:
    """Makes card.img and card.img.xz in `directory`; returns the path of the latter."""
    work = directory / "sample"
    for name in ("boot", "root"):
        (work / name).mkdir(parents=True)
        run(ROOT / "scripts" / f"make-sample-{name}", VARIANT, work / name)
    # What is more than one transfer long, and not zeros.
    (work / "root/usr/lib/ballast").write_bytes(os.urandom(MIB))
    for path in [work, *work.rglob("*")]:
        os.utime(path, (1700000000, 1700000000), follow_symlinks=False)
    image = directory / "card.img"
    with open(image, "wb") as file:
        file.truncate(SIZE)
    lines = ["label: dos", "label-id: 0x7ee80803"]
    for (start, size), kind in ((BOOT, "c"), (SYSTEM, "83")):
        lines.append(f"start={start // 512},size={size // 512},type={kind}")
    run("sfdisk", "--quiet", image, input="\n".join([*lines, ""]).encode())
    run("mkfs.fat", "-F", "16", "-s", "1", "-i", "7ee80803", "--invariant", "--offset", str(BOOT[0] // 512),
        "-n", "bootfs", image, str(BOOT[1] // 1024))
    run("mcopy", "-s", "-m", "-i", f"{image}@@{BOOT[0]}", *sorted((work / "boot").iterdir()), "::")
    uuid = "3e3b1d6e-0000-4000-8000-00007ee80803"
    run("mkfs.ext4", "-q", "-b", "1024", "-I", "256", "-O", FEATURES, "-U", uuid, "-E",
        f"hash_seed={uuid},root_owner=0:0", "-L", "rootfs", "-d", work / "root", work / "root.ext4",
        f"{SYSTEM[1] // 1024}k")
    with open(image, "r+b") as file:
        file.seek(SYSTEM[0])
        file.write((work / "root.ext4").read_bytes())
    shutil.rmtree(work)
    run("xz", "-0", "-k", image)
    return directory / "card.img.xz"
