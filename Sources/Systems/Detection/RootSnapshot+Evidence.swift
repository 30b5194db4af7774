/// What the files and packages of a root partition tell about the system.
extension RootSnapshot {
    /// /etc/os-release; a link to the other place from jessie on.
    var identification: OSRelease { OSRelease(text(RootPath.osRelease) ?? text(RootPath.vendorOSRelease) ?? "") }

    var system: OSProfile.System? { OSProfile.System(identification) }

    /// Which program is /sbin/init: systemd's is a link to it (package systemd-sysv), sysvinit's a program of its own.
    /// Where that cannot be seen, the packages of which only one can be installed tell.
    var initSystem: OSProfile.InitSystem? {
        let sysvinit = version(of: "sysvinit-core") ?? version(of: "sysvinit")
        switch entry(RootPath.initProgram)?.kind {
        case .symbolicLink(let target):
            let isSystemd = target.split(separator: "/").last == "systemd"
            return isSystemd
                ? OSProfile.InitSystem(.systemd, version: version(of: "systemd")) : OSProfile.InitSystem(.other)
        case .file:
            // From jessie on, sysvinit is an empty package that may be left over.
            return sysvinit == nil ? OSProfile.InitSystem(.other) : OSProfile.InitSystem(.sysvinit, version: sysvinit)
        case .directory: return OSProfile.InitSystem(.other)
        case nil:
            if version(of: "systemd-sysv") != nil {
                return OSProfile.InitSystem(.systemd, version: version(of: "systemd"))
            }
            return sysvinit.map { OSProfile.InitSystem(.sysvinit, version: $0) }
        }
    }

    /// The engine, by the package that brought it.
    var docker: OSProfile.Docker? {
        for package in ["docker-ce", "docker-engine", "docker.io", "docker-hypriot", "lxc-docker"] {
            guard let version = version(of: package).flatMap(PackageVersion.upstream) else { continue }
            return OSProfile.Docker(version: version, package: package, service: dockerService)
        }
        return nil
    }

    /// A unit in /etc stands in front of the package's; sysvinit reads none of them.
    private var dockerService: OSProfile.Docker.Service? {
        if initSystem?.kind != .sysvinit {
            for path in RootPath.dockerUnits {
                guard let text = text(path) else { continue }
                let unit = UnitFile(text)
                return .unit(
                    path: path, command: unit.command,
                    takesOptions: unit.passes("DOCKER_OPTS", of: RootPath.dockerOptions))
            }
        }
        return has(RootPath.dockerScript) ? .script(path: RootPath.dockerScript) : nil
    }

    /// Where /etc/fstab (fstab(5)) mounts a FAT, when that is one of the places a Pi's boot partition is mounted at.
    var bootMountPoint: String? {
        for line in (text(RootPath.fileSystemTable) ?? "").split(whereSeparator: \.isNewline) {
            let fields = line.split(whereSeparator: \.isWhitespace)
            guard fields.count >= 3, !fields[0].hasPrefix("#"), ["vfat", "auto"].contains(fields[2]) else { continue }
            if ["/boot", "/boot/firmware"].contains(fields[1]) { return String(fields[1]) }
        }
        return nil
    }
}
