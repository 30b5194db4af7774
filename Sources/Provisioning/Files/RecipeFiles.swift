import Diagnostics
import Recipes
import Systems

/// The recipe's files by the way in which each gets to its place.
struct RecipeFiles: Sendable {
    /// Of root's, outside the homes: written where they belong.
    private(set) var direct: [Provision.NodeFile] = []
    private(set) var staged = StagedFiles(entries: [])
    /// For the boot partition.
    private(set) var boot: [Provision.BootFile] = []

    /// - Parameter read: the files with their contents; those whose contents could not be read are missing.
    init(_ node: Node, read: [Provision.NodeFile]) {
        let contents = Dictionary(read.map { ($0.path, $0) }) { first, _ in first }
        var entries: [StagedFiles.Entry] = []
        for file in node.firstBoot.files {
            guard let found = contents[file.path.value] else { continue }
            if file.isOnBootPartition {
                boot.append(
                    .init(
                        path: BootPartitionFile.relative(found.path), contents: found.contents,
                        sensitive: found.sensitive))
            } else if let entry = Self.entry(file, found, user: node.user?.name.value) {
                entries.append(entry)
            } else {
                direct.append(found)
            }
        }
        staged = StagedFiles(entries: entries)
    }

    /// Nil for a file that needs no account and no home.
    private static func entry(
        _ file: Node.FirstBoot.File, _ found: Provision.NodeFile, user: String?
    ) -> StagedFiles.Entry? {
        guard file.waitsForAccount else { return nil }
        let owner = file.owner?.value.text ?? (file.homeName == user ? user : nil) ?? "root"
        return StagedFiles.Entry(file: found, owner: owner, group: file.group?.value.text)
    }
}
