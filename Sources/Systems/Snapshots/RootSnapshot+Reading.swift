import Text
package import Diagnostics
package import Filesystems

extension RootSnapshot {
    /// In bytes: the largest file of ``kept`` on a real card is locale.gen with 10 KB.
    static let limit: Int64 = 1 << 20

    /// The programs whose ELF header is tried: every system has one of them, whichever its shell is.
    static let programs = ["/bin/sh", "/bin/dash", "/bin/busybox", "/usr/bin/env"]

    /// The directories of zones. tzdata's other names, such as right/ and posix/, are the same zones again.
    static let zoneDirectories = [
        "", "Africa", "America", "America/Argentina", "America/Indiana", "America/Kentucky", "America/North_Dakota",
        "Antarctica", "Arctic", "Asia", "Atlantic", "Australia", "Brazil", "Canada", "Chile", "Etc", "Europe", "Indian",
        "Mexico", "Pacific", "US",
    ]

    /// Makes a snapshot: `entry` returns what is at a path, with the size of a file; `read` and `list` follow links.
    init(
        problem: String?, entry: (String) throws(Failure) -> (Entry, size: Int64)?,
        read: (String) throws(Failure) -> [UInt8]?, list: (String) throws(Failure) -> [String]?
    ) throws(Failure) {
        self.init(problem: problem)
        for path in Self.kept + Self.noted {
            guard let (found, size) = try entry(path) else { continue }
            entries[path] = found
            if case .file = found.kind, size <= Self.limit, Self.keptPaths.contains(path) {
                entries[path]?.kind = .file(contents: try read(path))
            }
        }
        // cloud-init reads them in this order (cloudinit/util.py, read_conf_d).
        let parts = try list(RootPath.cloudConfigurationDirectory) ?? []
        let files =
            [RootPath.cloudConfiguration]
            + parts.filter { $0.ends(with: ".cfg") }.sorted().map { "\(RootPath.cloudConfigurationDirectory)/\($0)" }
        for path in files {
            guard let (found, size) = try entry(path), found.kind != .directory, size <= Self.limit,
                let contents = try read(path)
            else { continue }
            cloudConfiguration.append(String(decoding: contents, as: UTF8.self))
        }
        let status = try read(RootPath.packageStatus) ?? []
        packages = PackageList.installed(in: status, of: Self.lookedFor)
        packageCount = PackageList.count(in: status)
        for program in Self.programs {
            guard let file = try read(program), let name = ELFArchitecture.name(of: file) else { continue }
            architecture = name
            break
        }
        for directory in Self.zoneDirectories {
            let names = try list(directory.isEmpty ? RootPath.timeZones : "\(RootPath.timeZones)/\(directory)") ?? []
            for name in names where name.first?.isUppercase == true && !name.contains(scalar: ".") {
                timeZones.insert(directory.isEmpty ? name : "\(directory)/\(name)")
            }
        }
        timeZones.subtract(Self.zoneDirectories)
    }
}

extension RootSnapshot {
    /// Reads the snapshot of a root partition.
    package init(of tree: any RootTree) throws(Failure) {
        try self.init(
            problem: tree.problem?.messageWithHint,
            entry: { path throws(Failure) in
                guard let found = try tree.entry(at: path) else { return nil }
                let kind: Kind =
                    switch found.kind {
                    // A device or a pipe is not a file to read, but it occupies the name.
                    case .file, .other: .file(contents: nil)
                    case .directory: .directory
                    case .symbolicLink(let target): .symbolicLink(target: target)
                    }
                let entry = Entry(
                    kind, mode: found.mode, user: found.user, group: found.group, modified: found.modified)
                return (entry, found.size)
            }, read: { path throws(Failure) in try tree.read(path) },
            list: { path throws(Failure) in try tree.list(path) })
    }
}
