import Foundation
import SystemPackage
import TestSupport
import Testing

/// Under sudo, piflash works with the rights of the user who called it; root's are those of a process that only opens cards.
@Suite struct PrivilegeTests {
    /// What root's process and the start of the other one read: the system's own files.
    private static let system = [
        "/etc/", "/lib/", "/lib64/", "/usr/", "/opt/", "/proc/", "/sys/", "/dev/null", "/run/", "/var/lib/sss",
        "/var/run/nscd",
    ]

    /// What was used with root's rights and is not the system's own.
    private func foreign(
        _ trace: RightsTrace, in station: SudoWorkstation, besides cards: [LoopDevice] = []
    ) throws -> [RightsTrace.Use] {
        let program = try BuiltProgram.path()
        return trace.asRoot.filter { use in
            guard use.path.hasPrefix("/") else { return !use.path.isEmpty && use.path != "." }
            return !Self.system.contains { use.path.hasPrefix($0) || use.path + "/" == $0 }
                && !cards.contains { $0.path.string == use.path || $0.backingFile.string == use.path }
                && !program.string.hasPrefix(use.path)
                // Where the Swift libraries of a program that was not installed are.
                && !use.path.hasPrefix(program.removingLastComponent().string)
                // It looks up whose the file behind a loop device is (another test's, too), and where mounts come from.
                // `devices` shows other tests' cards, too, if they belong to the same user.
                && use.path != "/" && !use.path.hasPrefix("/dev/loop")
                && !(use.call.contains("stat") && !use.path.hasPrefix(station.home.path.string))
        }
    }

    @Test func `no file of the user's is used with root's rights, whatever the command`() throws {
        let station = try SudoWorkstation()
        let card = try station.card()
        let device = card.path.string
        for arguments in [
            ["check", "red"], ["write", "--recipe", "red/red01.yaml", "--yes", device],
            ["configure", "--recipe", "red/red01.yaml", "--yes", device], ["inspect", device],
            ["image", "info", "sample.img"], ["plan", "red"],
            ["batch", "--device", device, "--yes", "red"], ["redo", "red", "red01"], ["devices"],
            ["write", "--recipe", "red/red01.yaml", "--yes", "out.img"], ["labels", "--output", "labels.html", "red"],
            ["context", "red"], ["new", "single", "fresh"],
        ] {
            let (trace, result) = try RightsTrace.of(arguments, in: station)
            let shown = "\(arguments): \(result.errors)"
            #expect([0, 2].contains(result.status), "\(shown)")
            if ["write", "configure", "inspect", "batch"].contains(arguments[0]) {
                #expect(result.succeeded, "\(shown)")
            }
            #expect(!trace.dropped.isEmpty, "\(shown)")
            let foreign = try foreign(trace, in: station, besides: [card])
            #expect(foreign == [], "\(shown)")
            #expect(!trace.asUser.isEmpty, "\(shown)")
        }
        // Loop devices are root's; the rest of what there is belongs to the user.
        #expect(try station.owners() == ["\(SudoWorkstation.user):\(SudoWorkstation.user)"])
    }

    @Test func `the process with root's rights opens the card and nothing else`() throws {
        let station = try SudoWorkstation()
        let card = try station.card()
        let (trace, result) = try RightsTrace.of(
            ["write", "--recipe", "red/red01.yaml", "--yes", card.path.string], in: station)
        #expect(result.succeeded, "\(result.errors)")
        #expect(trace.started.count { $0.contains("/proc/self/exe") } == 1)
        let opened = trace.asRoot.filter { $0.call.hasPrefix("open") && $0.path.hasPrefix("/dev/") }
        #expect(Set(opened.map(\.path)).subtracting(["/dev/null"]) == [card.path.string], "\(opened)")
        // The user's process tried first, and may not.
        #expect(trace.asUser.contains { $0.call == "openat" && $0.path == card.path.string })
    }

    @Test func `who may write the card needs no root's process`() throws {
        let station = try SudoWorkstation()
        let card = try station.card()
        let node = try card.path.stat()
        #expect(chown(card.path.string, SudoWorkstation.user, SudoWorkstation.user) == 0)
        // The node stays when the device goes, for whoever gets its number.
        defer { chown(card.path.string, 0, node.groupID.rawValue) }
        let log = station.home["trace"].string
        let result = try OutsideTool("setpriv").run(
            [
                "--reuid=\(SudoWorkstation.user)", "--regid=\(SudoWorkstation.user)", "--clear-groups", "sh", "-c",
                "cd \"$0\" && exec \"$@\"", station.home.path.string, try OutsideTool.path(of: "strace"), "-f", "-qq",
                "-o", log, "-e", "trace=execve", BuiltProgram.path().string, "write", "--recipe", "red/red01.yaml",
                "--yes", card.path.string,
            ],
            environment: [
                "HOME": station.home.path.string, "XDG_CACHE_HOME": station.home["cache"].string,
                "PI_PASSWORD": "black pearl",
            ])
        #expect(result.succeeded, "\(result.errors)")
        let trace = String(decoding: station.home.read("trace"), as: UTF8.self)
        #expect(!trace.contains("/proc/self/exe"))
    }

    @Test func `a recipe's program runs as the user, in the user's home, without root's files`() throws {
        let station = try SudoWorkstation(password: "!command sh who.sh")
        let report = station.home["report"].string
        station.home.write(
            """
            { id -u; id -G; echo "$HOME"; grep -E '^(Uid|Gid|CapPrm|CapEff|CapAmb):' /proc/self/status; cat \(
                station.vault["key"]); ls -l /proc/self/fd; } >\(report) 2>&1
            echo black pearl
            """, to: "who.sh")
        try station.giveHome()
        let result = try station.sudo(["write", "--recipe", "red/red01.yaml", "--yes", "out.img"])
        #expect(result.succeeded, "\(result.errors)")
        let lines = String(decoding: station.home.read("report"), as: UTF8.self)
            .split(separator: "\n").map(String.init)
        #expect(lines.prefix(2) == ["\(SudoWorkstation.user)", "\(SudoWorkstation.user)"])
        #expect(lines.contains("CapEff:\t0000000000000000"))
        #expect(lines.contains("CapPrm:\t0000000000000000"))
        #expect(lines.contains("CapAmb:\t0000000000000000"))
        #expect(!lines.contains { $0.contains(SudoWorkstation.canary.dropLast()) })
        // Not the socket of root's process, nor a device.
        #expect(!lines.contains { $0.contains("socket:") || $0.contains("/dev/loop") })
    }

    @Test func `files that only root may read are not read`() throws {
        let station = try SudoWorkstation(password: "!env PI_PASSWORD")
        let before = try station.canaries()
        let secret = station.vault["key"].string
        station.home.write(SudoWorkstation.recipe(password: "!file \(secret)"), to: "blue/blue01.yaml")
        try FileManager.default.createSymbolicLink(
            atPath: station.home["link.yaml"].string, withDestinationPath: secret)
        try station.giveHome()
        for arguments in [
            ["write", "--recipe", "blue/blue01.yaml", "--yes", "out.img"], ["check", "blue"], ["check", secret],
            ["check", "link.yaml"], ["labels", "--template", secret, "--output", "-", "red"],
            ["image", "info", secret], ["inspect", secret], ["configure", "--recipe", "red/red01.yaml", secret],
            ["new", secret, "fresh"], ["swarm", "config", secret],
        ] {
            let result = try station.sudo(arguments)
            #expect(result.status != 0, "\(arguments)")
            #expect(!(result.text + result.errors).contains("only root"), "\(arguments)")
        }
        #expect(try station.canaries() == before)
        #expect(!FileManager.default.fileExists(atPath: station.home["out.img"].string))
    }

    /// Each plants a link to root's files where piflash makes files, in the directories of the user who calls it.
    static let plants = [
        "ln -s VAULT .piflash", "mkdir .piflash; ln -s VAULT/key .piflash/ledger",
        "mkdir .piflash; ln -s VAULT/key .piflash/ledger.lock", "mkdir .piflash; ln -s VAULT/new .piflash/ledger.lock",
        "mkdir .piflash; ln -s VAULT/key .piflash/salt.key", "mkdir .piflash; ln -s VAULT .piflash/tls",
        "mkdir -p .piflash/tls; ln -s VAULT/new .piflash/tls/lock", "mkdir .piflash; ln -s VAULT/conf.d .piflash/swarm",
        "ln -s VAULT/new ../out.img", "ln -s VAULT/new ../.out.img.piflash-part", "ln -s VAULT ../cache",
        "mkdir ../cache; ln -s VAULT ../cache/piflash",
        "mkdir -p ../cache/piflash; ln -s VAULT ../cache/piflash/images",
        "mkdir -p ../cache/piflash; ln -s VAULT ../cache/piflash/sources",
        "mkdir -p ../cache/piflash/sources; ln -s VAULT/new ../cache/piflash/sources/KEY.lock",
        "mkdir -p ../cache/piflash/images; ln -s VAULT/new ../cache/piflash/images/KEY.part",
        "mkdir -p ../cache/piflash/images; ln -s VAULT/key ../cache/piflash/images/KEY.part",
        "ln -s VAULT/new ../labels.html", "ln -s VAULT ../fresh", "ln -s VAULT ../contexts",
    ]

    @Test(arguments: plants) func `a planted link leads nobody into root's files`(plant: String) throws {
        let station = try SudoWorkstation()
        let key = try OutsideTool("sh").run([
            "-c", "printf %s \"$0\" | sha256sum | cut -d' ' -f1", station.home["sample.img"].string,
        ]).text.trimmingCharacters(in: .whitespacesAndNewlines)
        let line = plant.replacingOccurrences(of: "VAULT", with: station.vault.path.string)
            .replacingOccurrences(of: "KEY", with: key)
        try station.sh(line, at: station.home["red"])
        try station.giveHome()
        let before = try station.canaries()
        for arguments in [
            ["write", "--recipe", "red/red01.yaml", "--yes", "out.img"],
            ["batch", "--yes", "--device", "card.img", "red"],
            ["configure", "--recipe", "red/red01.yaml", "--yes", "out.img"], ["context", "red"],
            ["labels", "--output", "labels.html", "red"], ["new", "single", "fresh"],
        ] {
            let result = try station.sudo(arguments)
            #expect(result.status < 128, "\(arguments): \(result.errors)")
            #expect(try station.canaries() == before, "\(arguments): \(result.errors)")
        }
    }

    @Test func `root itself, set-user-ID, and a stranger's start of root's process`() throws {
        let station = try SudoWorkstation()
        // Without a socket there is nothing to do for it.
        let service = try station.sudo(["__open-devices"])
        #expect(service.status == 2)
        // Started by the user it has no rights, and does nothing.
        let alone = try OutsideTool("setpriv").run(
            [
                "--reuid=\(SudoWorkstation.user)", "--regid=\(SudoWorkstation.user)", "--clear-groups",
                BuiltProgram.path().string, "__open-devices",
            ])
        #expect(alone.status == 2)
        let twofold = try OutsideTool("setpriv").run(
            ["--ruid=\(SudoWorkstation.user)", BuiltProgram.path().string, "devices"])
        #expect(twofold.status == 3)
        #expect(twofold.errors.contains("set-user-ID"))
    }

    @Test func `nobody but root traces it or gets a core dump`() throws {
        let station = try SudoWorkstation(password: "!command sh hold.sh")
        station.home.write("grep -E 'core file' /proc/$PPID/limits >limits; kill -ABRT $PPID; sleep 1", to: "hold.sh")
        try station.giveHome()
        let result = try OutsideTool("sh").run(
            [
                "-c", "cd \"$0\" && ulimit -c unlimited; exec \"$@\"", station.home.path.string,
                BuiltProgram.path().string, "write", "--recipe", "red/red01.yaml", "--yes", "out.img",
            ], environment: station.environment)
        #expect(result.status != 0)
        let limits = String(decoding: station.home.read("limits"), as: UTF8.self)
        #expect(limits.contains(/Max core file size +0 +0/), "\(limits)")
        let cores = try OutsideTool("find").run([station.home.path.string, "-name", "core*"])
        #expect(cores.text.isEmpty, "\(cores.text)")
    }
}
