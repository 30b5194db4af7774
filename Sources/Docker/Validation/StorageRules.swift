import Diagnostics
import Text

/// Storage drivers by version (moby/moby, daemon/graphdriver; release notes). A Pi's card is ext4.
extension DaemonValidation {
    /// Built in, and the versions that have it.
    private static let drivers: [(name: String, since: EngineVersion, until: EngineVersion?)] = [
        ("aufs", EngineVersion(1, 6), EngineVersion(24, 0)), ("btrfs", EngineVersion(1, 6), nil),
        ("devicemapper", EngineVersion(1, 6), EngineVersion(25, 0)),
        ("fuse-overlayfs", EngineVersion(20, 10), nil), ("overlay", EngineVersion(1, 6), EngineVersion(24, 0)),
        ("overlay2", EngineVersion(1, 12), nil), ("vfs", EngineVersion(1, 6), nil), ("zfs", EngineVersion(1, 7), nil),
    ]

    /// Of containerd, where dockerd uses its snapshotters.
    private static let snapshotters: Set<String> = ["overlayfs", "native"]

    private var usesSnapshotters: Bool {
        if case .object(let inner)? = value("features"),
            case .bool(let isOn)? = inner.first(where: { $0.name == "containerd-snapshotter" })?.value
        {
            return isOn && has(24, 0)
        }
        return has(29, 0)
    }

    /// "btrfs, overlay2, vfs, zfs": for the hint.
    private var available: String {
        var names = Self.drivers.filter { version >= $0.since && $0.until.map { version < $0 } ?? true }.map(\.name)
        if usesSnapshotters { names += Self.snapshotters.sorted() }
        let poor: Set<String> = ["aufs", "devicemapper", "btrfs", "zfs", "fuse-overlayfs"]
        return names.filter { !poor.contains($0) }.sorted().joined(separator: ", ")
    }

    mutating func validateStorage() {
        let at = index(of: "storage-driver")
        if let name = text("storage-driver") { validateDriver(name, at) }
        validateStorageOptions()
    }

    private mutating func validateDriver(_ name: String, _ at: Int?) {
        if usesSnapshotters, Self.snapshotters.contains(name) { return }
        let choice = "on a Pi's card: \(available)"
        guard let driver = Self.drivers.first(where: { $0.name == name }) else {
            let near = nearest(to: name, among: Self.drivers.map(\.name))
            return error(
                at,
                "Docker \(version) has no storage driver \"\(name)\", and does not start with it ("
                    + (near.map { "did you mean \"\($0)\"? " } ?? "") + "\(choice))")
        }
        if let until = driver.until, version >= until {
            return error(
                at, "Docker \(version) does not start with \"\(name)\", which is gone since \(until) (\(choice))")
        }
        if version < driver.since {
            return error(
                at, "Docker \(version) has no storage driver \"\(name)\", which came with \(driver.since) (\(choice))")
        }
        switch name {
        case "aufs":
            // Kernels of the Pi lost the patch for it long before, and Debian's and Docker's own never had it there.
            let text = "aufs needs a kernel that was patched for it"
            if has(18, 6) {
                error(at, "\(text), and no kernel of a system with Docker \(version) is (\(choice))")
            } else {
                warning(at, text)
            }
        case "devicemapper":
            if has(20, 10) {
                error(
                    at, "builds of Docker \(version) leave devicemapper out: it is deprecated since 18.09 (\(choice))")
            } else {
                warning(at, "devicemapper is slow on files, deprecated since 18.09 and gone since 25.0 (\(choice))")
            }
        case "overlay":
            if has(18, 9) {
                warning(at, "overlay is deprecated since 18.09 and gone since 24.0; write overlay2")
            }
        case "btrfs", "zfs":
            if text("data-root") ?? text("graph") == nil {
                error(
                    at,
                    "dockerd does not start with \(name) unless data-root is on a \(name) file system, and a Pi's card "
                        + "is ext4 (\(choice))")
            } else {
                warning(at, "dockerd does not start unless data-root is on a \(name) file system")
            }
        case "fuse-overlayfs":
            if flag("rootless") != true {
                error(at, "fuse-overlayfs is for a rootless Docker, and needs a separate program (\(choice))")
            }
        default: break
        }
        if name != "vfs", has(29, 0), text("userns-remap") == nil, flagOfFeature("containerd-snapshotter") == true {
            warning(at, "\"\(name)\" and the feature containerd-snapshotter contradict each other")
        }
    }

    func flagOfFeature(_ name: String) -> Bool? {
        guard case .object(let inner)? = value("features"),
            case .bool(let flag)? = inner.first(where: { $0.name == name })?.value
        else { return nil }
        return flag
    }

    private mutating func validateStorageOptions() {
        guard let at = index(of: "storage-opts") else { return }
        // What 1.12 to 29 choose where nothing is named, on ext4: overlay2, or older ones with options of their own.
        let driver = text("storage-driver") ?? (has(17, 9) ? "overlay2" : nil)
        if text("storage-driver") == nil, usesSnapshotters, !texts("storage-opts").isEmpty {
            warning(
                at,
                "Docker \(version) stores images with containerd unless storage-driver names overlay2, and then "
                    + "storage-opts do nothing")
        }
        for option in texts("storage-opts") {
            let parts = option.split(at: "=", maxSplits: 1, omittingEmptySubsequences: false).map(\.trimmed)
            guard parts.count == 2, !parts[0].isEmpty else {
                error(at, "\"\(option)\" is not a valid option (driver.option=value)")
                continue
            }
            guard let driver else { continue }
            validateStorageOption(parts[0].lowercased(), String(parts[1]), option, driver, at)
        }
    }

    private mutating func validateStorageOption(
        _ name: String, _ value: String, _ option: String, _ driver: String, _ at: Int
    ) {
        let known: [String: [String]] = [
            "overlay2": ["overlay2.size"] + (has(24, 0) ? [] : ["overlay2.override_kernel_check"]), "overlay": [],
            "btrfs": ["btrfs.min_space"], "zfs": ["zfs.fsname"], "vfs": has(23, 0) ? ["vfs.xfs", "size"] : ["size"],
            "fuse-overlayfs": [],
        ]
        guard let names = known[driver] else { return }
        guard names.contains(name) else {
            let gone = name == "overlay2.override_kernel_check" ? ": it is gone since 24.0; leave it out" : ""
            let list = names.isEmpty ? "it has none" : "known: \(names.joined(separator: ", "))"
            return error(
                at,
                "dockerd \(version) does not start with \"\(option)\" and the storage driver \(driver)"
                    + (gone.isEmpty ? " (\(list))" : gone))
        }
        if name == "overlay2.override_kernel_check" {
            let flags = ["1", "t", "true", "0", "f", "false"]
            if !flags.contains(value.lowercased()) { error(at, "\"\(option)\": write true or false") }
        } else if name.hasSuffix("size") || name.hasSuffix("min_space") {
            if !TextRules.isSize(value) {
                error(at, "\"\(value)\" is not a valid size (\"10G\")")
            } else if name == "overlay2.size" || driver == "vfs" {
                let text = "\(name) needs a file system with project quotas (xfs with pquota), and a Pi's card is ext4"
                if self.text("data-root") == nil { error(at, text) } else { warning(at, text) }
            }
        }
    }
}
