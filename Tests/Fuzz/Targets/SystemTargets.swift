import Diagnostics
import Text

@testable import Provisioning
@testable import Systems

/// The texts and programs on a card.
extension FuzzTarget {
    static let systems = [
        osRelease, packageList, unitFile, elf, cloudConfiguration, detection, cardRecord, firstBootStatus, commandLine,
        dockerOptions, accounts,
    ]

    private static let osRelease = FuzzTarget(
        "os-release", words: ["ID=", "VERSION_ID=", "VERSION=", "PRETTY_NAME=", "VERSION_CODENAME=", "(wheezy)"]
    ) { bytes in
        let release = OSRelease(String(decoding: bytes, as: UTF8.self))
        try require(release["ID"] != "", "an empty value")
        _ = OSProfile.System(release)
    }

    /// The oracle splits the same text by lines.
    private static let packageList = FuzzTarget(
        "dpkg-status",
        words: [
            "Package: ", "Status: install ok installed", "Status: hold ok installed", "Version: ", "docker-ce", "\n\n",
        ]
    ) { bytes in
        let found = PackageList.installed(in: bytes, of: RootSnapshot.lookedFor)
        let lines = bytes.split(separator: 0x0A, omittingEmptySubsequences: false)
        let count = lines.count { $0.starts(with: Array("Package: ".utf8)) }
        try require(
            PackageList.count(in: bytes) == count, "counts \(PackageList.count(in: bytes)) packages, not \(count)")
        try require(found.count <= count, "more packages than lines")
        for version in found.values { _ = PackageVersion.upstream(version) }
    }

    private static let unitFile = FuzzTarget(
        "unit-file", words: ["[Service]", "ExecStart=", "EnvironmentFile=-/etc/default/docker", "$DOCKER_OPTS", "\\\n"]
    ) { bytes in
        let unit = UnitFile(String(decoding: bytes, as: UTF8.self))
        _ = unit.passes("DOCKER_OPTS", of: "/etc/default/docker")
        try require(unit.environmentFiles.allSatisfy { !$0.contains("\n") }, "a line end in a path")
    }

    private static let elf = FuzzTarget("elf", words: ["\u{7F}ELF", "aeabi", "A"]) { bytes in
        _ = ELFArchitecture.name(of: bytes)
        _ = ELFArchitecture.name(of: [0x7F, 0x45, 0x4C, 0x46, 1, 1] + bytes)
    }

    private static let cloudConfiguration = FuzzTarget(
        "cloud-config", words: ["datasource_list:", "[", "]", "- ", "NoCloud", "None"]
    ) { bytes in
        let text = String(decoding: bytes, as: UTF8.self)
        _ = CloudInitReader.sources(in: text)
        _ = PiGenImage.date(in: text)
        _ = HypriotRelease.build(RootSnapshot(cloudConfiguration: [text]))
    }

    /// The files of both partitions by which a system is recognised, in two parts: the boot partition's, the root's.
    private static let detection = FuzzTarget(
        "detection", mutations: 80,
        words: [
            "HypriotOS", "pi-gen", "Raspberry Pi reference 2025-11-24", "resize", "init=/usr/lib/raspi-config/",
            "root=",
        ]
    ) { bytes in
        var input = FuzzInput(bytes)
        let names = Set((0..<(input.byte() & 7)).map { _ in bootNames[input.byte() % bootNames.count] })
        var files: [String: [UInt8]] = [:]
        for path in BootSnapshot.kept where input.byte() & 1 == 1 { files[path] = input.part() }
        let boot = BootSnapshot(label: input.byte() & 1 == 0 ? nil : input.text(), names: names, files: files)
        var root = RootSnapshot(packageCount: input.byte() * 4)
        for _ in 0..<(input.byte() & 15) {
            let path = RootSnapshot.kept[input.byte() % RootSnapshot.kept.count]
            root.entries[path] = .init(.file(contents: input.part()))
        }
        for _ in 0..<(input.byte() & 15) {
            let path = RootSnapshot.noted[input.byte() % RootSnapshot.noted.count]
            root.entries[path] = .init(input.byte() & 1 == 0 ? .directory : .symbolicLink(target: input.text()))
        }
        let packages = RootSnapshot.lookedFor.sorted()
        for _ in 0..<(input.byte() & 15) { root.packages[packages[input.byte() % packages.count]] = input.text() }
        root.cloudConfiguration = [input.text()]
        for root in [nil, root] {
            let profile = try answer { try OSProfile.detect(boot, root: root) }
            _ = profile?.initSystem?.major
            _ = profile?.answersLocalNames(root)
        }
        _ = root.keyboards
        _ = root.locales
    }

    private static let bootNames = [
        "cmdline.txt", "config.txt", "user-data", "meta-data", "occidentalis.txt", "device-init.yaml", "dietpi.txt",
        "sysconf.txt", "issue.txt", "overlays/", "ssh", "userconf.txt", "kernel8.img", "current/",
    ]

    /// What was read is written and read again as the same.
    private static let cardRecord = FuzzTarget(
        "card-record",
        words: [
            "schema", "node", "role", "recipe", "recipeDigest", "image", "digest", "flavour", "writtenAt", "files",
            "cmdlineAdded", "rootFiles", "consumed", "bootSecrets", "mechanismProblem", "piflash",
            "2026-08-17T10:15:00Z",
        ]
    ) { bytes in
        guard let record = try answer({ try CardRecord(decoding: bytes) }) else { return }
        try require(record.writtenAtText.hasSuffix("Z"), "a time that cannot be shown")
        guard let again = try answer({ try CardRecord(decoding: record.encoded) }) else {
            throw BrokenProperty(description: "what was written cannot be read")
        }
        // Years beyond 9999 are written with more digits than are read.
        guard (0...253_402_300_799).contains(record.writtenAt) else { return }
        try require(again == record, "\(again) is not \(record)")
        try require(again.encoded == record.encoded, "other bytes")
    }

    private static let firstBootStatus = FuzzTarget(
        "first-boot-status",
        words: ["state: ", "step: ", "since: ", "waiting for: ", "last error: ", "repaired: ", "clock: ", "working"]
    ) { bytes in
        guard let status = FirstBootStatus(String(decoding: bytes, as: UTF8.self)) else { return }
        try requirePrintable(status.summary, "the summary")
        for text in [status.since, status.repaired, status.clock] { try requirePrintable(text, "the status") }
        try require(status.summary.unicodeScalars.count < 2100, "a summary without a limit")
    }

    /// What was appended is there once, and removing it again gives the same words.
    private static let commandLine = FuzzTarget(
        "kernel-command-line", words: ["root=", "init=", "cgroup_enable=memory", "\"", "systemd.run=", "\r\n"]
    ) { bytes in
        guard let line = try answer({ try KernelCommandLine(parsing: bytes, path: "cmdline.txt") }) else { return }
        let again = try KernelCommandLine(parsing: line.contents, path: "cmdline.txt")
        try require(again == line || line.tokens.last?.contains("\"") == true, "\(again.tokens) is not \(line.tokens)")
        var edited = line
        let added = edited.append(KernelCommandLine.controlGroups)
        edited.remove(added)
        try require(edited == line, "other words after adding and removing")
    }

    /// dash is the oracle of the tests. Here, a card that is configured again and again gets the same file, at the latest from
    /// the second time on: a first edit may close what the file leaves open.
    private static let dockerOptions = FuzzTarget(
        "docker-options",
        words: [
            "DOCKER_OPTS=", "--storage-driver=overlay", "if true; then", "fi", "export ", "\\\n", "case x in", "esac",
        ]
    ) { bytes in
        let text = String(decoding: bytes, as: UTF8.self)
        _ = DockerOptions.options(in: text)
        let words = DockerOptions(words: ["--label=a", "-H=fd://"])
        let once = String(decoding: words.edited(text), as: UTF8.self)
        let twice = String(decoding: words.edited(once), as: UTF8.self)
        let again = String(decoding: words.edited(twice), as: UTF8.self)
        try require(twice == again, "the third edit changes the file")
        _ = words.edited(text, keeping: .others(earlier: ["--label=b"]))
        _ = DockerOptions(words: nil, environment: ["export X=1"]).edited(text)
    }

    private static let accounts = FuzzTarget(
        "accounts", mutations: 80, words: ["pi:x:1000:1000::/home/pi:/bin/bash", ":", "1000"]
    ) {
        bytes in
        var input = FuzzInput(bytes)
        var root = RootSnapshot()
        for path in AccountFiles.paths { root.entries[path] = .init(.file(contents: input.part())) }
        guard var accounts = AccountFiles(root, time: 1_770_000_000) else { return }
        if let first = accounts.firstUser { _ = accounts.rename(first, to: "ann") }
        let ann = accounts.account(named: "ann") ?? accounts.add("ann", like: accounts.firstUser)
        accounts.join(ann.name, to: "docker")
        accounts.leave(ann.name, group: "adm")
        accounts.setPassword(of: ann.name, hash: "$6$x")
        _ = accounts.hasPassword("root")
        for file in accounts.changed { _ = AccountFiles.hashes(at: file.path, in: Array(file.text.utf8)) }
        _ = SSHDConfiguration.edited(String(decoding: bytes, as: UTF8.self), allowsPasswords: true)
        _ = LocaleGen.edited(String(decoding: bytes, as: UTF8.self), adding: "de_DE.UTF-8 UTF-8")
    }
}
