import Systems
import Diagnostics
import Filesystems
import Planning
import Images

extension InspectedImage {
    /// The table of `piflash image info`. Unknown facts have no line, except for those that everybody looks for.
    func text(of file: String) -> String {
        var rows = [("file", file)]
        if let digest { rows.append(("sha256", digest)) }
        if let packing { rows.append(("packing", packing.text)) }
        rows.append(("size", "\(formatBytes(size)) (\(size) bytes)"))
        rows.append(("partitions", partitionTable))
        if let system = profile.system { rows.append(("system", system.text)) }
        rows.append(("flavour", profile.flavour.title))
        rows.append(
            ("configured by", profile.flavour.mechanism + (profile.mechanismProblem.map { ", since\n\($0)" } ?? "")))
        if let release = profile.release { rows.append(("release", release)) }
        if let initSystem = profile.initSystem {
            rows.append(
                ("init", [initSystem.kind.rawValue, initSystem.version].compactMap { $0 }.joined(separator: " ")))
        }
        if let network = profile.network { rows.append(("network", network.rawValue)) }
        rows.append(("docker", profile.docker?.text ?? (root.snapshot == nil ? "not known" : "none")))
        if let version = profile.cloudInitVersion { rows.append(("cloud-init", version)) }
        rows.append(("architecture", profile.architecture ?? "not known"))
        rows.append(("boot partition", "mounted at \(profile.bootMountPoint)"))
        rows.append(("has booted", profile.hasBooted.map { $0 ? "yes" : "no" } ?? "not known"))
        rows.append(("root partition", rootText))
        if !bootProblems.isEmpty { rows.append(("may not boot", bootProblems.joined(separator: "\n"))) }
        return TextTable.pairs(rows)
    }

    private var partitionTable: String {
        TextTable.columns(
            ["NUMBER", "TYPE", "SIZE", "LABEL", "FILE SYSTEM"],
            table.partitions.map { partition in
                let filesystem = partition.filesystem
                return [
                    "\(partition.number)", partition.type, formatBytes(Int64(partition.range.count)),
                    filesystem?.label ?? "-",
                    [filesystem?.type, filesystem?.fatVersion].compactMap { $0 }.joined(separator: " "),
                ]
            })
    }

    private var rootText: String {
        guard let partition = root.partition else { return "none: \(root.problem ?? "not found")" }
        guard let problem = root.problem else { return "partition \(partition.number), can be edited" }
        // The text says why the partition cannot be edited.
        return "partition \(partition.number): \(problem)"
    }
}

extension FilesystemSignature {
    /// The width of a FAT; the versions of other file systems say nothing useful.
    var fatVersion: String? { type == "vfat" ? version : nil }
}

extension ImagePacking {
    /// The format, and for .xz why unpacking takes as long as it does.
    fileprivate var text: String {
        guard format != .raw else { return "none" }
        guard let blocks else { return format.rawValue }
        let threads = threads == 1 ? "one thread" : "\(threads) threads"
        return "\(format.rawValue) in \(blocks == 1 ? "a single block" : "\(blocks) blocks"), unpacked by \(threads)"
    }
}

extension OSProfile.System {
    fileprivate var text: String {
        let name = prettyName ?? [id, versionID].compactMap { $0 }.joined(separator: " ")
        guard let codename, !name.contains(codename) else { return name }
        return "\(name) (\(codename))"
    }
}

extension OSProfile.Docker {
    fileprivate var text: String {
        let name = [version, package.map { "(\($0))" }].compactMap { $0 }.joined(separator: " ")
        switch service {
        case .unit(let path, let command, let takesOptions):
            let options = takesOptions ? ", with DOCKER_OPTS of /etc/default/docker" : ""
            return "\(name)\nstarted by \(path)\(options)\(command.map { "\n\($0)" } ?? "")"
        case .script(let path): return "\(name)\nstarted by \(path), with DOCKER_OPTS of /etc/default/docker"
        case nil: return name
        }
    }
}
