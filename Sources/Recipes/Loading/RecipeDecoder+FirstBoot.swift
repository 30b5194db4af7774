import Text
import Diagnostics

extension RecipeDecoder {
    mutating func firstBoot(_ value: RecipeValue, user: String?) -> Node.FirstBoot {
        guard let fields = fields(value, "first_boot", .firstBoot) else { return Node.FirstBoot() }
        let files = list(fields, "files").compactMap { nodeFile($0, user: user) }
        checkTogether(files)
        let legacyArchive = flag(fields, "legacy_archive").flatMap { flag in
            fields["legacy_archive"].map { Located(flag, at: $0.location) }
        }
        return Node.FirstBoot(
            packages: texts(fields, "packages"), legacyArchive: legacyArchive, files: files, run: texts(fields, "run"),
            afterSwarm: texts(fields, "after_swarm"))
    }

    private mutating func nodeFile(_ value: RecipeValue, user: String?) -> Node.FirstBoot.File? {
        guard let fields = fields(value, "first_boot.files", .firstBootFile) else { return nil }
        var path = text(fields, "path")
        let content = secret(fields, "content")
        let mode = self.mode(fields)
        let owner = text(fields, "owner").map { Located(Node.FirstBoot.Account($0.value), at: $0.location) }
        let group = text(fields, "group").map { Located(Node.FirstBoot.Account($0.value), at: $0.location) }
        if let given = path, given.value.begins(with: "~/") {
            // If the user has a mistake, that is reported; any home will do then.
            path?.value = "/home/\(user ?? "user")/\(given.value.dropFirst(2))"
            if user == nil, !report.hasErrors {
                report.error(
                    at: given.location, "first_boot.files.path: \"~\" is the home of the recipe's user: add user.name")
            }
        }
        guard let path, let content else { return nil }
        let file = Node.FirstBoot.File(
            path: path, content: content, mode: mode ?? 0o644, modeLocation: fields["mode"]?.location, owner: owner,
            group: group)
        guard file.isOnBootPartition else { return file }
        for name in ["owner", "group", "mode"] {
            guard let given = fields[name] else { continue }
            report.error(
                at: given.location,
                "first_boot.files.\(name): the boot partition is FAT, which has no owners and modes: leave it out")
        }
        return file
    }

    /// Permissions: quoted, since YAML readers disagree whether 0644 is octal and 644 never is what it looks like.
    private mutating func mode(_ fields: Fields) -> UInt16? {
        guard let value = fields["mode"] else { return nil }
        guard case .scalar(let text, isPlain: false) = value.content, ValueRule.fileMode.problem(with: text) == nil,
            let mode = UInt16(text, radix: 8)
        else {
            report.error(at: value.location, "first_boot.files.mode: write it as quoted octal digits: \"0644\"")
            return nil
        }
        return mode
    }

    /// No path appears twice, and none is a directory of another.
    private mutating func checkTogether(_ files: [Node.FirstBoot.File]) {
        // FAT does not distinguish upper and lower case.
        func key(_ file: Node.FirstBoot.File) -> String {
            file.isOnBootPartition ? file.path.value.lowercased() : file.path.value
        }
        var seen: Set<String> = []
        for file in files where !seen.insert(key(file)).inserted {
            report.error(at: file.path.location, "first_boot.files: \(file.path.value) appears twice")
        }
        for file in files {
            var directory = key(file)[...]
            while let slash = directory.unicodeScalars.lastIndex(of: "/"), slash > directory.startIndex {
                directory = directory[..<slash]
                guard seen.contains(String(directory)) else { continue }
                report.error(
                    at: file.path.location,
                    "first_boot.files: \(directory) cannot be a file and also the directory of \(file.path.value)")
            }
        }
    }
}
