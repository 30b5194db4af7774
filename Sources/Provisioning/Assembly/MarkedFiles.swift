import Filesystems

/// The files of a card with their secrets marked, so that they are shown only masked.
struct MarkedFiles {
    let bootFiles: [Provision.BootFile]
    let nodeFiles: [Provision.NodeFile]
    let rootChanges: [Provision.RootChange]

    init(
        bootFiles: [Provision.BootFile], nodeFiles: [Provision.NodeFile], edits: [TreeChange], secrets: Set<String>,
        certificateKey: String?
    ) {
        let nodeFiles = nodeFiles.map { SecretMarks.mark($0, hiding: secrets) }
        // In base64 a secret cannot be told from the rest of its file.
        let encoded = nodeFiles.filter { !$0.sensitive.isEmpty }.flatMap {
            [CloudConfig.base64($0.contents), FirstRunScript.encoded($0.contents)]
        }
        let hidden = secrets.union(encoded)
        self.nodeFiles = nodeFiles
        self.bootFiles = bootFiles.map { SecretMarks.mark($0, hiding: hidden) }
        rootChanges = edits.map { edit in
            // Carried files may be large, and do not hold a secret of the recipe.
            SuppliedFiles.owns(edit.path)
                ? .init(edit, sensitive: Set([certificateKey].compactMap { $0 }))
                : SecretMarks.mark(edit, hiding: secrets)
        }
    }
}
