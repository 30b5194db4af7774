#!/usr/bin/env python3
"""Does with custom.toml what Raspberry Pi OS bookworm does at its first boot, before systemd runs.

Re-made from its documented behaviour: the uid-1000 user is renamed, an error in one step does not stop the next, an
unknown key is only told of.
"""
import os
import pwd
import subprocess
import sys
import tomllib

KNOWN = {
    "system": {"hostname"},
    "user": {"name", "password", "password_encrypted"},
    "ssh": {"enabled", "password_authentication", "authorized_keys", "ssh_import_id"},
    "wlan": {"ssid", "password", "password_encrypted", "hidden", "country"},
    "locale": {"keymap", "timezone"},
}


def run(*words, text=None):
    print("+", *words)
    subprocess.run(words, input=text, text=True, check=True)


def system(part):
    name = part["hostname"]
    old = open("/etc/hostname").read().strip()
    with open("/etc/hostname", "w") as file:
        file.write(name + "\n")
    run("sed", "-i", f"s/127.0.1.1.*{old}/127.0.1.1\\t{name}/g", "/etc/hosts")


def user(part):
    if "name" not in part:
        raise ValueError("user without a name")
    name, old = part["name"], pwd.getpwuid(1000).pw_name
    if "password" in part:
        flags = ["-e"] if part.get("password_encrypted", True) else []
        run("chpasswd", *flags, text=f"{old}:{part['password']}\n")
    else:
        run("passwd", "-l", old)
    if name != old:
        run("usermod", "-l", name, old)
        run("usermod", "-d", f"/home/{name}", "-m", name)
        run("groupmod", "-n", name, old)
        run("sed", "-i", f"s/^{old}:/{name}:/", "/etc/subuid", "/etc/subgid")
        run("sed", "-i", f"s/^{old} /{name} /", "/etc/sudoers.d/010_pi-nopasswd")


def ssh(part):
    owner = pwd.getpwuid(1000)
    if part.get("authorized_keys"):
        directory = os.path.join(owner.pw_dir, ".ssh")
        run("install", "-d", "-m", "700", "-o", owner.pw_name, "-g", owner.pw_name, directory)
        path = os.path.join(directory, "authorized_keys")
        with open(path, "w") as file:
            file.write("".join(key + "\n" for key in part["authorized_keys"]))
        run("chown", f"{owner.pw_name}:", path)
        run("chmod", "600", path)
    answer = "yes" if part.get("password_authentication") else "no"
    run("sed", "-i", f"s/^[#\\s]*PasswordAuthentication\\b.*/PasswordAuthentication {answer}/", "/etc/ssh/sshd_config")
    if part.get("enabled"):
        run("systemctl", "enable", "ssh")


def wlan(part):
    print("wlan:", part.get("ssid"))


def locale(part):
    if "keymap" in part:
        run("sed", "-i", f"s/^XKBLAYOUT=.*/XKBLAYOUT=\"{part['keymap']}\"/", "/etc/default/keyboard")
    if "timezone" in part:
        with open("/etc/timezone", "w") as file:
            file.write(part["timezone"] + "\n")
        run("ln", "-sf", f"/usr/share/zoneinfo/{part['timezone']}", "/etc/localtime")


with open(sys.argv[1], "rb") as source:
    config = tomllib.load(source)
if config.pop("config_version", None) != 1:
    print("config_version is not 1")
for key, value in config.items():
    for unknown in set(value) - KNOWN.get(key, set()):
        print("unknown key", key, unknown)
for step in (system, user, ssh, wlan, locale):
    if step.__name__ in config:
        try:
            step(config[step.__name__])
        except Exception as error:  # noqa: BLE001 - the vendor's goes on too
            print(step.__name__, "failed:", error)
