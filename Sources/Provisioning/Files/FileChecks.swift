import Text
import Diagnostics
import Recipes
import Systems

/// What can be wrong with the recipe's files: with the path alone, and together with the image.
enum FileChecks {
    /// What is wrong with the path on every image; nil if nothing is.
    static func problem(_ file: Node.FirstBoot.File) -> String? {
        file.isOnBootPartition ? BootPartitionFile.problem(file.path.value) : OwnedPaths.problem(file.path.value)
    }

    static func check(
        _ node: Node, profile: OSProfile, boot: BootSnapshot, root: RootSnapshot?, previous: CardRecord?,
        report: inout DiagnosticReport
    ) {
        let accounts = root.flatMap { AccountFiles($0, time: 0) }
        let volatile = root.map(volatileDirectories) ?? []
        for file in node.firstBoot.files {
            let path = file.path.value
            func refuse(_ text: String, at location: Location? = nil) {
                report.error(at: location ?? file.path.location, "first_boot.files: \(text)")
            }
            if let problem = problem(file) {
                refuse(problem)
            } else if file.isOnBootPartition {
                if let problem = bootProblem(path, profile: profile, boot: boot, previous: previous) { refuse(problem) }
                continue
            } else if let directory = volatile.first(where: { path.begins(with: $0 + "/") }) {
                refuse("\(path) would be lost: this image keeps \(directory) in memory; choose another directory")
            }
            guard let accounts else { continue }
            if let problem = homeProblem(file, node, accounts, profile: profile, root: root) { refuse(problem) }
            if let owner = file.owner, case .name(let name) = owner.value,
                !isKnown(name, node, profile: profile, byImage: accounts.account(named: name) != nil)
            {
                refuse("owner: neither the recipe nor the image has a user \"\(name)\"", at: owner.location)
            }
            if let group = file.group, case .name(let name) = group.value,
                !(node.user?.groups.contains { $0.value == name } ?? false),
                !isKnown(name, node, profile: profile, byImage: accounts.hasGroup(name))
            {
                refuse("group: neither the recipe nor the image has a group \"\(name)\"", at: group.location)
            }
        }
    }

    /// Directories that fstab mounts in memory: (fstab(5)) device, directory, type.
    private static func volatileDirectories(_ root: RootSnapshot) -> [String] {
        (root.text(RootPath.fileSystemTable) ?? "").split(separator: "\n").compactMap { line in
            let fields = line.split { $0 == " " || $0 == "\t" }
            return fields.count > 2 && fields[2] == "tmpfs" && fields[1].begins(with: "/") ? String(fields[1]) : nil
        }
    }

    private static func bootProblem(
        _ path: String, profile: OSProfile, boot: BootSnapshot, previous: CardRecord?
    ) -> String? {
        let name = BootPartitionFile.relative(path)
        guard path == "\(profile.bootMountPoint)/\(name)" else {
            return
                "\(path): this image mounts its boot partition at \(profile.bootMountPoint): write \(profile.bootMountPoint)/\(name)"
        }
        let ours = (previous?.files ?? []).map { $0.lowercased() }
        let wanted = name.lowercased()
        guard !ours.contains(wanted) else { return nil }
        if let slash = wanted.unicodeScalars.firstIndex(of: "/") {
            let directory = wanted[...slash]
            guard boot.has(String(directory)), !ours.contains(where: { $0.hasPrefix(directory) }) else {
                return boot.has(String(directory.dropLast()))
                    ? "\(path): the boot partition has a file \(directory.dropLast())" : nil
            }
            return "\(path): the directory \(directory.dropLast()) is the vendor's; choose another one"
        }
        if boot.has(wanted) { return "\(path): the image has a file of this name, which is not replaced" }
        if boot.has(wanted + "/") { return "\(path): the image has a directory of this name" }
        return nil
    }

    /// The home of somebody who has none on the node would be made as root's.
    private static func homeProblem(
        _ file: Node.FirstBoot.File, _ node: Node, _ accounts: AccountFiles, profile: OSProfile,
        root: RootSnapshot?
    ) -> String? {
        guard let name = file.homeName, name != node.user?.name.value else { return nil }
        let vendors = accounts.firstUser?.name
        if name == vendors, let user = node.user, profile.flavour.takesOverFirstUser(root) {
            return "\(file.path.value): the user \(name) becomes \(user.name.value): write /home/\(user.name.value)/…"
        }
        return accounts.account(named: name) == nil
            ? "\(file.path.value): there is no user \"\(name)\" when files are written; choose a directory outside /home"
            : nil
    }

    /// Whether a user or group can be on the node when files are written: packages and Docker bring some.
    private static func isKnown(_ name: String, _ node: Node, profile: OSProfile, byImage: Bool) -> Bool {
        byImage || name == node.user?.name.value || !node.firstBoot.packages.isEmpty || !node.docker.packages.isEmpty
            || node.usesDocker
    }
}
