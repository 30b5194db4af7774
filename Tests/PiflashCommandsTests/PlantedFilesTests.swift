import Foundation
import SystemPackage
import TestSupport
import Testing

/// Somebody plants links, FIFOs and huge files under the names that piflash is about to use. No command follows one out of
/// its directory, waits, or fills the memory.
@Suite struct PlantedFilesTests {
    private struct Plant: CustomTestStringConvertible {
        /// For the shell, in the world's directory; `$canary` is a directory.
        let shell: String
        let arguments: [String]
        /// What the refusal says; nil if the command may also go on, as long as the canaries stay.
        var message: String?

        var testDescription: String { "\(arguments[0]): \(shell)" }
    }

    private static let write = ["write", "--recipe", "red/red01.yaml", "--yes", "card.img"]

    private static let plants: [Plant] =
        [
            // The rack's state.
            ("ledger", write), ("salt.key", write), ("tls", write), ("swarm", write),
            ("ledger.lock", ["redo", "red01", "red"]),
            ("contexts", ["context", "red"]), ("tls/client", ["context", "red"]), ("swarm/nodes.key", write),
        ].flatMap { name, arguments in
            ["ln -s \"$canary/file\"", "ln -s \"$canary/directory\"", "mkfifo"].map {
                Plant(
                    shell: "rm -rf red/.piflash/\(name) && \($0) red/.piflash/\(name)", arguments: arguments,
                    message: "red/.piflash/\(name) is a ")
            }
        } + [
            Plant(
                shell: "rm -rf red/.piflash && ln -s \"$canary/directory\" red/.piflash", arguments: write,
                message: "red/.piflash is a symbolic link"),
            Plant(
                shell: "rm -rf red/.piflash && ln -s \"$canary/directory\" red/.piflash",
                arguments: ["configure", "--recipe", "red/red01.yaml", "card.img"],
                message: "red/.piflash is a symbolic link"),
            Plant(shell: "chown 4242 red/.piflash/salt.key", arguments: write, message: "belongs to user 4242"),
            Plant(shell: "chmod 777 red/.piflash", arguments: write, message: "others may write to it"),
            Plant(
                shell: "truncate -s 20G red/.piflash/ledger", arguments: ["plan", "red"], message: "it is longer than"),
            Plant(
                shell: "truncate -s 20G red/red01.yaml", arguments: ["check", "red/red01.yaml"], message: "red01.yaml"),
            Plant(
                shell: "truncate -s 20G red/vault",
                arguments: ["write", "--recipe", "red/red01.yaml", "--yes", "new.img"], message: "vault"),
            Plant(
                shell: "rm red/red01.yaml && mkfifo red/red01.yaml", arguments: ["check", "red/red01.yaml"],
                message: "red01.yaml"),
            // The cache.
            Plant(
                shell: "rm -rf cache/piflash/images && ln -s \"$canary/directory\" cache/piflash/images",
                arguments: write, message: "cache/piflash/images is a symbolic link"),
            Plant(
                shell: "rm -rf cache/piflash/sources && ln -s \"$canary/directory\" cache/piflash/sources",
                arguments: write, message: "cache/piflash/sources is a symbolic link"),
            Plant(
                shell: "rm -rf cache/piflash && ln -s \"$canary/directory\" cache/piflash", arguments: write,
                message: "cache/piflash is a symbolic link"),
            Plant(
                shell: "chmod 1777 cache/piflash", arguments: write, message: "others may write to it"),
            Plant(shell: "chown 4242 cache/piflash", arguments: write, message: "belongs to user 4242"),
            Plant(
                shell: "for lock in cache/piflash/sources/*.lock; do ln -sf \"$canary/none\" $lock; done",
                arguments: write, message: ".lock is a symbolic link"),
            Plant(
                shell: "for lock in cache/piflash/sources/*.lock; do rm $lock && mkfifo $lock; done", arguments: write,
                message: ".lock is a FIFO"),
            // piflash sweeps the link away unless its lock is held; it is given up while piflash waits for it.
            Plant(
                shell: "for index in cache/piflash/sources/*.json; do rm $index; key=$(basename $index .json); "
                    + "ln -s \"$canary/file\" cache/piflash/images/$key.part; "
                    + "(flock cache/piflash/sources/$key.lock sleep 2 >/dev/null 2>&1 &); sleep 0.2; done; "
                    + "rm -f cache/piflash/images/*.img",
                arguments: write),
            // Results.
            Plant(shell: "ln -sf \"$canary/file\" .card.img.piflash-part", arguments: write),
            Plant(shell: "rm -f .card.img.piflash-part && mkfifo .card.img.piflash-part", arguments: write),
            Plant(shell: "ln -sf \"$canary/card.img\" card.img", arguments: write, message: "is a link to"),
            Plant(shell: "ln -sf \"$canary/none.img\" card.img", arguments: write, message: "is neither a card"),
            Plant(
                shell: "ln -s \"$canary/directory\" out", arguments: ["context", "--output", "out", "red"],
                message: "out is a symbolic link"),
            Plant(shell: "ln -sf \"$canary/file\" red/labels.html", arguments: ["labels", "red"]),
            Plant(shell: "ln -s \"$canary/none\" out.html", arguments: ["labels", "--output", "out.html", "red"]),
            Plant(shell: "ln -s \"$canary/directory\" set", arguments: ["new", "rack", "set"]),
            Plant(shell: "ln -s \"$canary/none\" set", arguments: ["new", "rack", "set"]),
            Plant(
                shell: "ln -s \"$canary/none\" tree",
                arguments: ["render", "--recipe", "red/red01.yaml", "--into", "tree"]),
        ]

    /// A directory in which everything was made once.
    private static let used = Result {
        let world = try Workstation()
        for arguments in [write, ["context", "red"], ["redo", "red01", "red"]] {
            let made = try world.run(arguments)
            guard made.succeeded else { throw OutsideTool.Missing(description: made.errors) }
        }
        return world
    }

    /// Bytes, modes, owners, times and names of all canaries.
    private func canaries(_ world: Workstation) throws -> String {
        try OutsideTool("sh").run([
            "-c",
            "cd \"$0/canary\" && find . -printf '%p %m %U %y %s %T@\\n' | sort && find . -type f -exec sha256sum {} +",
            world.scratch.path.string,
        ]).text
    }

    @Test(arguments: plants.indices)
    func `what is planted is not followed, and what it leads to stays`(_ number: Int) throws {
        let plant = Self.plants[number]
        let world = try Workstation(copying: Self.used.get())
        try world.sh(
            "mkdir -p canary/directory && echo precious >canary/file && echo more >canary/directory/file && "
                + "printf image >canary/card.img && chmod 600 canary/file")
        let before = try canaries(world)
        try world.sh("canary=$PWD/canary && \(plant.shell)")
        let result = try OutsideTool("sh").run(
            [
                "-c", "cd \"$1\" && unset SUDO_UID SUDO_GID && shift && exec timeout -k 5 60 \"$@\"", "sh",
                world.scratch.path.string, BuiltProgram.path().string,
            ] + plant.arguments,
            environment: [
                "HOME": world.scratch.path.string, "XDG_CACHE_HOME": world.scratch["cache"].string,
                "WIFI": Workstation.passphrase, "PI_PASSWORD": Workstation.password,
            ])
        #expect(![124, 137].contains(result.status), "\(plant): it hung")
        #expect(result.status < 128, "\(plant): it crashed: \(result.errors)")
        if let message = plant.message {
            #expect(!result.succeeded, "\(plant)")
            #expect((result.errors + result.text).contains(message), "\(plant): \(result.errors)")
        }
        #expect(try canaries(world) == before, "\(plant)")
    }

    @Test(arguments: ["0", "022", "077"])
    func `an image file is for its owner alone, whatever the umask`(_ mask: String) throws {
        let world = try Workstation(copying: Self.used.get())
        let result = try OutsideTool("sh").run(
            [
                "-c",
                "cd \"$1\" && unset SUDO_UID SUDO_GID && umask \(mask) && shift && rm -rf card.img red/.piflash && exec strace -f -qq -e trace=openat,open,creat,mkdir,mkdirat -o trace \"$@\"",
                "sh", world.scratch.path.string, BuiltProgram.path().string,
            ] + Self.write,
            environment: [
                "HOME": world.scratch.path.string, "XDG_CACHE_HOME": world.scratch["cache"].string,
                "WIFI": Workstation.passphrase, "PI_PASSWORD": Workstation.password,
            ])
        #expect(result.succeeded, "\(result.errors)")
        #expect(try world.scratch["card.img"].stat().permissions.rawValue & 0o7777 == 0o600)
        let made = String(decoding: world.scratch.read("trace"), as: UTF8.self).split(separator: "\n")
            .filter { $0.contains("O_CREAT") && !$0.contains(" = -1 ") && !$0.contains("/dev/") }
        #expect(made.contains { $0.contains(".card.img.piflash-part") && $0.contains(", 0600") })
        #expect(made.allSatisfy { $0.contains(", 0600") || $0.contains(", 0400") }, "\(made)")
        #expect(try world.scratch["red/.piflash"].stat().permissions.rawValue & 0o077 == 0)
    }

    /// lrzip, grzip and lzop, by the magic numbers of their formats: libarchive would run these programs.
    @Test(arguments: ["LRZI\\000\\006\\000\\000", "GRZipII\\000\\002\\004:)", "\\211LZO\\000\\015\\012\\032\\012"])
    func `a carried file makes piflash run no program`(_ magic: String) throws {
        let world = try Workstation(copying: Self.used.get())
        try world.sh(
            "(printf '\(magic)'; head -c 4096 /dev/zero) >red/image.tar && "
                + "sed -i 's/^docker: {/docker: { preload: [image.tar],/' red/red01.yaml")
        let result = try OutsideTool("sh").run(
            [
                "-c", "cd \"$1\" && shift && exec strace -f -qq -e trace=execve -o trace \"$@\"", "sh",
                world.scratch.path.string, BuiltProgram.path().string, "check", "red/red01.yaml",
            ],
            environment: [
                "HOME": world.scratch.path.string, "XDG_CACHE_HOME": world.scratch["cache"].string,
                "WIFI": Workstation.passphrase, "PI_PASSWORD": Workstation.password,
            ])
        #expect(!result.succeeded && (result.errors + result.text).contains("docker.preload"), "\(result.errors)")
        let calls = String(decoding: world.scratch.read("trace"), as: UTF8.self).split(separator: "\n")
            .filter { $0.contains("execve(") }
            // piflash itself, once more: as root it reads such files in processes without rights.
            .filter { !$0.contains("\"/proc/self/exe\"") }
        #expect(calls.count == 1, "\(calls)")
    }
}
