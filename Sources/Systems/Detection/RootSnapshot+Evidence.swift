import Text

/// What the files and packages of a root partition say about the system.
extension RootSnapshot {
    /// /etc/os-release; a link to the other place from jessie on.
    var identification: OSRelease { OSRelease(text(RootPath.osRelease) ?? text(RootPath.vendorOSRelease) ?? "") }

    var system: OSProfile.System? { OSProfile.System(identification) }

    /// The program behind /sbin/init: systemd's is a link to systemd (package systemd-sysv), sysvinit's is a program
    /// itself. Without that file, the packages decide, of which only one can be installed.
    var initSystem: OSProfile.InitSystem? {
        let sysvinit = version(of: "sysvinit-core") ?? version(of: "sysvinit")
        switch entry(RootPath.initProgram)?.kind {
        case .symbolicLink(let target):
            let isSystemd = target.split(at: "/").last == "systemd"
            return isSystemd
                ? OSProfile.InitSystem(.systemd, version: version(of: "systemd")) : OSProfile.InitSystem(.other)
        case .file:
            // From jessie on, sysvinit is an empty package that may still be installed.
            return sysvinit == nil ? OSProfile.InitSystem(.other) : OSProfile.InitSystem(.sysvinit, version: sysvinit)
        case .directory: return OSProfile.InitSystem(.other)
        case nil:
            if version(of: "systemd-sysv") != nil {
                return OSProfile.InitSystem(.systemd, version: version(of: "systemd"))
            }
            return sysvinit.map { OSProfile.InitSystem(.sysvinit, version: $0) }
        }
    }

    /// The engine, identified by its package.
    var docker: OSProfile.Docker? {
        for package in ["docker-ce", "docker-engine", "docker.io", "docker-hypriot", "lxc-docker"] {
            guard let version = version(of: package).flatMap(PackageVersion.upstream) else { continue }
            return OSProfile.Docker(version: version, package: package, service: dockerService)
        }
        return nil
    }

    /// sysvinit reads no units.
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

    /// Where /etc/fstab (fstab(5)) mounts a FAT file system, if a Pi's boot partition can be mounted there.
    var bootMountPoint: String? {
        for line in (text(RootPath.fileSystemTable) ?? "").split(whereSeparator: \.isNewline) {
            let fields = line.split(whereSeparator: \.isWhitespace)
            guard fields.count >= 3, !fields[0].begins(with: "#"), ["vfat", "auto"].contains(fields[2]) else {
                continue
            }
            if ["/boot", "/boot/firmware"].contains(fields[1]) { return String(fields[1]) }
        }
        return nil
    }
}
