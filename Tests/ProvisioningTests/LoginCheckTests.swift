import Filesystems
import Foundation
import SystemPackage
import Testing
import TestSupport

@testable import Provisioning

/// What the first-boot program does if the system's own first boot was cut short: with real account files, and with
/// stand-ins that change these as shadow's programs do.
@Suite struct LoginCheckTests {
    typealias Shell = NodeRig.Shell

    private static let hash = "$6$salt$recipe"
    private static let key = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIKey teacher@school"

    private static func settings(
        takeover: Bool? = nil, seed: Bool = false, groups: [String] = ["video"], hash: String? = hash
    ) -> FirstBootSettings {
        var settings = FirstBootSettings.sample(docker: false, managers: nil)
        settings.account = .init(
            name: "pirate", groups: groups, passwordHash: hash, keys: [key], takeover: takeover)
        settings.hasSeed = seed
        return settings
    }

    /// A node with the accounts `passwd` and the hash of the ordinary one.
    private static func rig(
        _ settings: FirstBootSettings, passwd: String = "", hash: String = "!", home: String? = nil
    ) throws -> NodeRig {
        let rig = try NodeRig(settings)
        let me = getuid()
        rig.scratch.write("root:x:0:0:root:/root:/bin/sh\n" + passwd, to: "root/etc/passwd")
        rig.scratch.write(hash + "\n", to: "hash")
        rig.scratch.write(passwd.isEmpty ? "" : String(passwd.prefix { $0 != ":" }), to: "group")
        rig.scratch.write("# skeleton\n", to: "root/etc/skel/.profile")
        if let home { rig.scratch.write("kept\n", to: "root/home/\(home)/notes") }
        rig.install(
            "getent",
            """
            echo "getent $*" >>"$RIG/account.log"
            case $1 in
            passwd) line=$(grep -E "^$2:|^[^:]*:x:$2:" "$RIG/root/etc/passwd") && echo "$line" ;;
            shadow) grep -q "^$2:" "$RIG/root/etc/passwd" && echo "$2:$(cat "$RIG/hash"):19000:0:99999:7:::" ;;
            group) echo "$(cat "$RIG/group"):x:$2:" ;;
            esac
            """)
        rig.install(
            "useradd",
            """
            echo "useradd $*" >>"$RIG/account.log"
            [ ! -e "$RIG/no-useradd" ] || { echo 'useradd: cannot lock /etc/passwd; try again later.' >&2; exit 1; }
            for name; do :; done
            echo "$name:x:\(me):\(me)::/home/$name:/bin/bash" >>"$RIG/root/etc/passwd"
            echo "$name" >"$RIG/group"
            """)
        rig.install(
            "usermod",
            """
            echo "usermod $*" >>"$RIG/account.log"
            case $1 in --login) sed -i "s|^[^:]*:x:\(me):.*|$2:x:\(me):\(me)::$4:/bin/bash|" "$RIG/root/etc/passwd" ;; esac
            case $1 in --append) echo "$3" >>"$RIG/groups" ;; esac
            """)
        rig.install("groupmod", "echo \"groupmod $*\" >>\"$RIG/account.log\"; echo \"$2\" >\"$RIG/group\"")
        rig.install("groupadd", "echo \"groupadd $*\" >>\"$RIG/account.log\"")
        rig.install("chpasswd", "cut -d: -f2 >\"$RIG/hash\"")
        rig.install("id", "tr '\\n' ' ' <\"$RIG/groups\" 2>/dev/null")
        for tool in ["chown", "cp", "find", "stat", "readlink", "cksum"] {
            rig.install(tool, "exec /usr/bin/\(tool) \"$@\"")
        }
        rig.install("chown", "echo \"chown $*\" >>\"$RIG/account.log\"")
        return rig
    }

    private static func user(_ name: String) -> String {
        "\(name):x:\(getuid()):\(getuid())::/home/\(name):/bin/bash\n"
    }

    @Test(arguments: Shell.allCases)
    func `a user that the system's first boot did not get to is made`(_ shell: Shell) throws {
        let rig = try Self.rig(Self.settings())
        #expect(try rig.run(shell).succeeded)
        #expect(rig.status["state"] == "done" && rig.status["last error"] == nil, "\(rig.status)")
        #expect(rig.status["repaired"] == "the user pirate")
        #expect(rig.text("root/etc/passwd").contains("pirate:"))
        #expect(rig.text("hash") == Self.hash + "\n")
        #expect(rig.text("groups") == "video\n")
        #expect(rig.text("root/home/pirate/.ssh/authorized_keys") == Self.key + "\n")
        #expect(try rig.scratch["root/home/pirate/.ssh"].stat().permissions.rawValue & 0o777 == 0o700)
        #expect(try rig.scratch["root/home/pirate/.ssh/authorized_keys"].stat().permissions.rawValue & 0o777 == 0o600)
        #expect(rig.text("root/home/pirate/.profile") == "# skeleton\n")
        #expect(rig.text("account.log").contains("chown -R pirate: \(rig.scratch["root/home/pirate/.ssh"])"))
    }

    @Test(arguments: Shell.allCases)
    func `a user that is complete is left alone, and so is every later change of it`(_ shell: Shell) throws {
        let rig = try Self.rig(Self.settings(), passwd: Self.user("pirate"), hash: Self.hash, home: "pirate")
        rig.scratch.write("video\n", to: "groups")
        rig.scratch.write("# skeleton\n", to: "root/home/pirate/.profile")
        rig.scratch.write(Self.key + "\nssh-rsa AAAA other\n", to: "root/home/pirate/.ssh/authorized_keys")
        #expect(try rig.run(shell).succeeded)
        let calls = rig.text("account.log").split(separator: "\n").filter { !$0.hasPrefix("getent") }
        #expect(calls.allSatisfy { $0.hasPrefix("chown -R pirate: ") }, "\(calls)")
        #expect(rig.status["repaired"] == nil)
        rig.scratch.write("$6$salt$own\n", to: "hash")
        #expect(try rig.run(shell).succeeded)
        #expect(rig.text("hash") == "$6$salt$own\n")
        // A changed recipe counts again.
        rig.configure(Self.settings(hash: "$6$salt$new"))
        #expect(try rig.run(shell).succeeded)
        #expect(rig.text("hash") == "$6$salt$new\n")
        #expect(rig.text("root/home/pirate/.ssh/authorized_keys").contains("other"))
    }

    /// The hash is not on the boot partition, where a system's own first boot reads: that makes the user without a password.
    @Test(arguments: Shell.allCases, ["!", "!*", "*", "!!"])
    func `a user with a locked password gets the recipe's, which repairs nothing`(_ shell: Shell, locked: String) throws
    {
        let rig = try Self.rig(Self.settings(), passwd: Self.user("pirate"), hash: locked, home: "pirate")
        rig.scratch.write("video\n", to: "groups")
        #expect(try rig.run(shell).succeeded)
        #expect(rig.text("hash") == Self.hash + "\n")
        #expect(rig.status["repaired"] == nil && rig.status["state"] == "done")
        // A person locks it later: that stays.
        rig.scratch.write("!\(Self.hash)\n", to: "hash")
        #expect(try rig.run(shell).succeeded)
        #expect(rig.text("hash") == "!\(Self.hash)\n")
    }

    /// For another instance cloud-init does its work again, and locks the password again.
    @Test(arguments: Shell.allCases)
    func `the password comes back after each work of cloud-init`(_ shell: Shell) throws {
        let rig = try Self.rig(Self.settings(seed: true), passwd: Self.user("pirate"), hash: "!", home: "pirate")
        rig.scratch.write("", to: "root\(FirstBootProgram.seedEndPath)")
        for instance in ["piflash-red01-aa", "piflash-red01-bb"] {
            try Self.seed(rig, instance: instance)
            rig.scratch.write("!" + rig.text("hash"), to: "hash")
            #expect(try rig.run(shell).succeeded)
            #expect(rig.text("hash") == Self.hash + "\n")
        }
    }

    /// Its first boot gives them a password from the boot partition.
    @Test(arguments: Shell.allCases)
    func `DietPi's own accounts are locked, once`(_ shell: Shell) throws {
        var settings = Self.settings()
        settings.lockedAccounts = ["root", "dietpi"]
        let rig = try Self.rig(
            settings, passwd: Self.user("pirate") + "dietpi:x:9:9::/:/bin/sh\n", hash: Self.hash, home: "pirate")
        for _ in 1...2 {
            #expect(try rig.run(shell).succeeded)
            let calls = rig.text("account.log").split(separator: "\n").filter { $0.contains("--lock") }
            #expect(calls == ["usermod --lock root", "usermod --lock dietpi"])
        }
    }

    /// What a power cut can leave of `usermod --login --move-home`, and of `useradd`.
    @Test(arguments: Shell.allCases, ["whole", "renamed", "homeless", "bare"])
    func `a user that is half made is completed`(_ shell: Shell, cut: String) throws {
        let takeover: Bool? = cut == "whole" || cut == "renamed" ? false : nil
        let rig = try Self.rig(
            Self.settings(takeover: takeover), passwd: Self.user(cut == "whole" ? "pi" : "pirate"),
            hash: "$6$salt$published",
            home: cut == "whole" || cut == "renamed" ? "pi" : cut == "bare" ? "pirate" : nil)
        if cut == "renamed" { rig.scratch.write("pi", to: "group") }
        rig.scratch.write("UsePAM yes\n", to: "root/etc/ssh/sshd_config")
        #expect(getuid() == 0 || takeover == nil, "run it as root")
        #expect(try rig.run(shell).succeeded)
        #expect(rig.status["state"] == "done" && rig.status["last error"] == nil, "\(rig.status)")
        #expect(rig.status["repaired"] == "the user pirate")
        #expect(rig.text("hash") == Self.hash + "\n")
        #expect(rig.text("root/etc/passwd").contains("\npirate:"))
        #expect(rig.has("root/home/pirate/.ssh/authorized_keys"))
        #expect(rig.has("root/home/pirate/.profile"))
        #expect(!rig.has("root/home/pi"))
        if cut != "homeless" { #expect(rig.text("root/home/pirate/notes") == "kept\n") }
        if takeover != nil {
            #expect(rig.text("group") == "pirate\n")
            #expect(
                rig.text("root/etc/ssh/sshd_config")
                    == SSHDConfiguration.edited("UsePAM yes\n", allowsPasswords: false))
        } else {
            #expect(rig.text("root/etc/ssh/sshd_config") == "UsePAM yes\n")
        }
    }

    @Test(arguments: Shell.allCases)
    func `a user that cannot be made is the node's state, and the next boot tries again`(_ shell: Shell) throws {
        let rig = try Self.rig(Self.settings())
        rig.scratch.write("", to: "no-useradd")
        #expect(try rig.run(shell).status == 1)
        #expect(rig.status["state"] == "failed")
        #expect(rig.status["step"] == "checking the login")
        #expect(
            rig.status["last error"] == "the user pirate: useradd: cannot lock /etc/passwd; try again later.")
        try FileManager.default.removeItem(atPath: rig.scratch["no-useradd"].string)
        #expect(try rig.run(shell).succeeded)
        #expect(rig.status["state"] == "done")
    }

    @Test(arguments: Shell.allCases)
    func `root follows no link of the user's`(_ shell: Shell) throws {
        let rig = try Self.rig(Self.settings(), passwd: Self.user("pirate"), hash: Self.hash, home: "pirate")
        rig.scratch.write("root's\n", to: "root/elsewhere/authorized_keys")
        try FileManager.default.createSymbolicLink(
            atPath: rig.scratch["root/home/pirate/.ssh"].string,
            withDestinationPath: rig.scratch["root/elsewhere"].string)
        #expect(try rig.run(shell).status == 1)
        #expect(rig.text("root/elsewhere/authorized_keys") == "root's\n")
    }

    /// sshd's keys as a power cut leaves them, and what is there afterwards.
    @Test(arguments: Shell.allCases, ["none", "empty", "half", "sound"])
    func `sshd has keys that can be read`(_ shell: Shell, state: String) throws {
        let rig = try Self.rig(Self.settings(), passwd: Self.user("pirate"), hash: Self.hash, home: "pirate")
        rig.scratch.write("", to: "root/usr/sbin/sshd")
        try FileManager.default.setAttributes(
            [.posixPermissions: 0o755], ofItemAtPath: rig.scratch["root/usr/sbin/sshd"].string)
        rig.scratch.write("", to: "root/etc/ssh/.keep")
        rig.install("ssh-keygen", "echo \"$*\" >>\"$RIG/keygen.log\"; exec /usr/bin/ssh-keygen \"$@\"")
        let file = "root/etc/ssh/ssh_host_ed25519_key"
        if state != "none" {
            _ = try OutsideTool("ssh-keygen").run([
                "-q", "-t", "ed25519", "-N", "", "-f", rig.scratch[file].string,
            ])
        }
        let before = state == "none" ? [] : rig.scratch.read(file)
        if state == "empty" { for name in [file, file + ".pub"] { rig.scratch.write("", to: name) } }
        if state == "half" { rig.scratch.write("", to: file + ".pub") }
        for name in state == "none" ? [] : [file] {
            try FileManager.default.setAttributes([.posixPermissions: 0o600], ofItemAtPath: rig.scratch[name].string)
        }
        #expect(try rig.run(shell).succeeded)
        #expect(rig.status["state"] == "done", "\(rig.status)")
        let key = try OutsideTool("ssh-keygen").run(["-y", "-P", "", "-f", rig.scratch[file].string])
        #expect(key.succeeded)
        #expect(rig.text(file + ".pub").hasPrefix(key.text.split(separator: " ").prefix(2).joined(separator: " ")))
        #expect((rig.scratch.read(file) == before) == (state == "half" || state == "sound"))
        #expect(rig.text("systemctl.log").contains("restart ssh.service") == (state == "none" || state == "empty"))
        #expect(rig.status["repaired"] == (state == "none" || state == "empty" ? "sshd's keys" : nil))
        // Later boots leave the keys to their owner.
        rig.scratch.write("", to: "keygen.log")
        #expect(try rig.run(shell).succeeded)
        #expect(rig.text("keygen.log") == "")
    }

    private static func seed(_ rig: NodeRig, instance: String) throws {
        rig.scratch.write("", to: "root/var/lib/cloud/instances/\(instance)/.keep")
        rig.scratch.write("", to: "root/var/lib/cloud/data/.keep")
        let link = rig.scratch["root/var/lib/cloud/instance"].string
        try? FileManager.default.removeItem(atPath: link)
        try FileManager.default.createSymbolicLink(
            atPath: link, withDestinationPath: "/var/lib/cloud/instances/\(instance)")
    }

    @Test(arguments: Shell.allCases)
    func `cloud-init is let go when all that it has made is on the card, for each instance once`(_ shell: Shell) throws
    {
        let rig = try Self.rig(
            Self.settings(seed: true), passwd: Self.user("pirate"), hash: Self.hash, home: "pirate")
        for instance in ["piflash-red01-aa", "piflash-red01-bb"] {
            try Self.seed(rig, instance: instance)
            try? FileManager.default.removeItem(atPath: rig.scratch["root\(FirstBootProgram.seedEndPath)"].string)
            // A boot in which cloud-init does not come to its end.
            let early = try rig.run(shell)
            #expect(early.status == 1)
            #expect(rig.status["state"] == "failed")
            #expect(rig.status["last error"]?.hasPrefix("cloud-init does not come to its end") == true)
            #expect(early.errors.contains("waiting for cloud-init"))
            #expect(rig.text("root\(FirstBootProgram.seededPath)") != instance + "\n")
            rig.scratch.write("", to: "root\(FirstBootProgram.seedEndPath)")
            #expect(try rig.run(shell).succeeded)
            #expect(rig.text("root\(FirstBootProgram.seededPath)") == instance + "\n")
            // What user-data has taken away.
            #expect(rig.text("root/var/lib/cloud/data/instance-id") == instance + "\n")
        }
    }

    @Test(arguments: Shell.allCases)
    func `keys that cloud-init made again, for other settings, are checked again`(_ shell: Shell) throws {
        let rig = try Self.rig(
            Self.settings(seed: true), passwd: Self.user("pirate"), hash: Self.hash, home: "pirate")
        rig.scratch.writeProgram("#!/bin/sh\n", to: "root/usr/sbin/sshd")
        rig.install("ssh-keygen", "exec /usr/bin/ssh-keygen \"$@\"")
        rig.scratch.write("", to: "root\(FirstBootProgram.seedEndPath)")
        let file = "root/etc/ssh/ssh_host_ed25519_key"
        for instance in ["piflash-red01-aa", "piflash-red01-bb"] {
            try Self.seed(rig, instance: instance)
            // As a power cut leaves them.
            rig.scratch.write("", to: file)
            #expect(try rig.run(shell).succeeded)
            #expect(try OutsideTool("ssh-keygen").run(["-y", "-P", "", "-f", rig.scratch[file].string]).succeeded)
        }
    }

    @Test(arguments: Shell.allCases)
    func `cloud-init is not let go as long as nobody could log in`(_ shell: Shell) throws {
        let rig = try Self.rig(Self.settings(seed: true))
        try Self.seed(rig, instance: "piflash-red01-aa")
        rig.scratch.write("", to: "root\(FirstBootProgram.seedEndPath)")
        rig.scratch.write("", to: "no-useradd")
        #expect(try rig.run(shell).status == 1)
        #expect(!rig.has("root\(FirstBootProgram.seededPath)"))
    }

    /// What cloud-init has noted (a link to its instance, and the instance's name), what is seeded, and whether cloud-init
    /// has to begin again.
    @Test(
        arguments: Shell.allCases,
        [
            (false, nil, nil, false), (true, "piflash-a", "piflash-a", false), (true, "piflash-a", nil, true),
            (true, "piflash-b", "piflash-a", true), (true, nil, "piflash-a", true), (true, "", nil, true),
            (true, nil, nil, true), (true, "", "", true), (false, "piflash-a", nil, true),
        ] as [(Bool, String?, String?, Bool)])
    func `cloud-init begins again exactly if its first boot was cut short`(
        _ shell: Shell, cloud: (link: Bool, instance: String?, seeded: String?, isCleared: Bool)
    ) throws {
        let rig = try NodeRig(Self.settings(seed: true))
        let notes = "root/var/lib/cloud"
        rig.scratch.write("user-data", to: "\(notes)/seed/nocloud-net/user-data")
        rig.scratch.write("", to: "\(notes)/sem/config_x.once")
        if cloud.link { try Self.seed(rig, instance: "piflash-a") }
        rig.scratch.write("", to: "\(notes)/data/set-hostname")
        if let instance = cloud.instance {
            rig.scratch.write(instance.isEmpty ? "" : instance + "\n", to: "\(notes)/data/instance-id")
        }
        if let seeded = cloud.seeded {
            rig.scratch.write(seeded.isEmpty ? "" : seeded + "\n", to: "root\(FirstBootProgram.seededPath)")
        }
        let path = rig.scratch.write(SeedUnit.program, to: "root\(SeedUnit.programPath)").string
        let result = try rig.run(shell.command + [path])
        #expect(result.succeeded && result.errors.isEmpty, "\(result.errors)")
        #expect(rig.has("\(notes)/data/set-hostname") != cloud.isCleared)
        #expect(rig.has("\(notes)/instances") == (cloud.link && !cloud.isCleared))
        #expect(rig.has("\(notes)/seed/nocloud-net/user-data") && rig.has("\(notes)/sem/config_x.once"))
    }

    @Test func `systemd and shellcheck accept what runs before cloud-init`() throws {
        let scratch = ScratchDirectory()
        let program = scratch.write(SeedUnit.program, to: "seed").string
        let check = try OutsideTool("shellcheck").run(["-s", "sh", program])
        #expect(check.succeeded, "\(check.text)")
        let text = SeedUnit.text(bootMountPoint: "/boot")
        scratch.write(text, to: SeedUnit.name)
        let verdict = try OutsideTool("systemd-analyze").run(
            ["verify", "--man=no", "--recursive-errors=no", scratch[SeedUnit.name].string])
        #expect(verdict.succeeded, "\(verdict.errors)")
        // The link is where the unit says that it is wanted.
        // The seed is on the boot partition: cloud-init's first unit starts when this one has ended.
        #expect(text.contains("\nRequiresMountsFor=/boot /var/lib/cloud "))
        #expect(text.contains("WantedBy=sysinit.target\n") && SeedUnit.link.contains("/sysinit.target.wants/"))
        #expect(
            SeedUnit.edits(bootMountPoint: "/boot").map(\.path) == [SeedUnit.programPath, SeedUnit.path, SeedUnit.link])
    }

    @Test(arguments: Shell.allCases)
    func `firstrun that was given up is the node's state; what a finished one has left goes`(_ shell: Shell) throws {
        let rig = try Self.rig(Self.settings(), passwd: Self.user("pirate"), hash: Self.hash, home: "pirate")
        let tries = "root/boot/\(FirstRunScript.triesPath)"
        rig.scratch.write("3\n", to: tries)
        rig.scratch.write("#!/bin/bash\n", to: "root/boot/firstrun.sh")
        #expect(try rig.run(shell).status == 1)
        #expect(rig.status["last error"] == "firstrun.sh was cut short each time; configure the card again")
        rig.scratch.write("through\n", to: tries)
        #expect(try rig.run(shell).succeeded)
        #expect(!rig.has(tries) && !rig.has("root/boot/firstrun.sh"))
    }
}
