import Diagnostics
import Filesystems
import Recipes
import Systems
import Text

/// Makes a card's provision from what the flavour has rendered: adds what every card gets, and leaves out what an earlier
/// configuration of this card has put on it already.
struct CardAssembly {
    let draft: Draft
    /// What the flavour has rendered, with the files of the cluster and the supplies.
    let rendering: Rendering
    let cluster: (any Orchestration)?
    let supplied: SuppliedFiles
    /// The recipe's files that the first-boot program installs.
    let installed: [Provision.NodeFile]
    /// The kernel command line that the card has.
    let kernel: KernelCommandLine
    /// The card's record of its last configuration, and of one that was begun.
    let previous: CardRecord?
    /// For the digests in the card's record, which every user of the node can read.
    let recordDigest: KeyedDigest
    /// See ``CardRecord/bootSecrets``.
    let hasBootSecrets: Bool

    func provision(image: ImageIdentity?, version: String, warnings: [Diagnostic]) -> Provision {
        let managed = rendering.bootFiles.map(\.path) + [CardRecord.path]
        let foreign = ForeignFirstBoot(draft, kernel: kernel, managed: managed, previous: previous)
        let commandLine = commandLine(without: foreign.words)
        let rootFiles = rootFiles
        let node = draft.node
        let record = CardRecord(
            node: node.hostname.value, role: node.swarm?.role.rawValue,
            recipe: node.recipePath.split(at: "/").last.map(String.init) ?? node.recipePath,
            recipeDigest: node.recipeDigest, image: image ?? previous?.image, flavour: draft.profile.flavour,
            release: draft.profile.release, mechanismProblem: draft.profile.mechanismProblem,
            writtenAt: draft.flashTime, version: version, files: managed,
            cmdlineAdded: commandLine.added, rootFiles: rootFiles.listed, consumed: consumed,
            bootSecrets: hasBootSecrets)

        let applied = applied
        var bootFiles = rendering.bootFiles.filter { !applied.contains($0.path) }
        bootFiles += [commandLine.file, fakeClock].compactMap { $0 }
        bootFiles.append(.init(path: CardRecord.path, contents: record.encoded))

        let material = draft.material
        let marked = MarkedFiles(
            bootFiles: bootFiles, nodeFiles: rendering.nodeFiles, edits: rootEdits + rootFiles.removals,
            secrets: material.sensitive, certificateKey: supplied.certificate?.key)
        return Provision(
            bootFiles: marked.bootFiles, rootChanges: marked.rootChanges,
            removedBootFiles: (previous?.files ?? []).filter {
                RemovableFiles.isBootFile($0) && !managed.contains($0)
            } + foreign.files,
            nodeFiles: marked.nodeFiles, installedFiles: installed,
            hasPlaceholders: material.hasPlaceholders || supplied.certificate?.isPlaceholder == true,
            warnings: warnings + [foreign.warning(at: node.hostname.location)].compactMap { $0 })
    }

    // MARK: What the first boot deletes

    private var consumedBootFiles: [String: String] {
        Dictionary(
            uniqueKeysWithValues: rendering.bootFiles.filter(\.isConsumed).map {
                ($0.path, recordDigest.hex(of: [$0.contents], digits: 12))
            })
    }

    /// Without the root partition there are none of the cluster.
    private var consumedRootFiles: [String: String] {
        guard draft.root != nil, let cluster else { return [:] }
        return cluster.consumed.mapValues { recordDigest.hex(of: [Array($0.utf8)], digits: 12) }
    }

    /// For the record: each file that the first boot deletes, with a digest. One of an earlier version, which had no key,
    /// is never the same, so that file is put on the card again.
    private var consumed: [String: String] { consumedBootFiles.merging(consumedRootFiles) { $1 } }

    /// Boot files that the first boot has deleted: the card's record says that they were there, with these contents.
    private var applied: Set<String> {
        Set(
            consumedBootFiles.filter { previous?.consumed[$0.key] == $0.value && !draft.boot.has($0.key) }.map(\.key))
    }

    // MARK: The boot partition

    /// The kernel command line's file, when it changes, and the tokens in it that are ours.
    private func commandLine(without foreign: [String]) -> (file: Provision.BootFile?, added: [String]) {
        let started = FirstRunScript.kernelTokens(draft.profile)
        // The script has taken its own tokens out of the line.
        let isStarted = applied.contains(FirstRunScript.name)
        var edited = kernel
        edited.remove(previous?.cmdlineAdded ?? [])
        edited.remove(foreign)
        let added = edited.append(rendering.kernelTokens.filter { !isStarted || !started.contains($0) })
        let path = draft.profile.cmdlinePath
        let isSame = edited == kernel && draft.boot.contents(path) == edited.contents
        return (isSame ? nil : .init(path: path, contents: edited.contents), added + (isStarted ? started : []))
    }

    /// The image's substitute for a clock, with the flashing time, unless the node has been running since.
    private var fakeClock: Provision.BootFile? {
        guard let text = draft.boot.text(BootPath.fakeClock) else { return nil }
        if let stamp = UTCTime(plain: text), stamp.seconds >= draft.flashTime { return nil }
        return .init(
            path: BootPath.fakeClock, contents: Array((UTCTime(seconds: draft.flashTime).plain + "\n").utf8))
    }

    // MARK: The root partition

    private var rootEdits: [TreeChange] {
        var edits = rendering.rootEdits
        if let root = draft.root {
            let used = consumedRootFiles
            edits.removeAll {
                used[$0.path] != nil && previous?.consumed[$0.path] == used[$0.path] && !root.has($0.path)
            }
        }
        // Only the clock's file has a time, which a running node keeps moving forward.
        if previous?.writtenAt == draft.flashTime { edits.removeAll { $0.modified != nil } }
        return edits
    }

    /// The files that the record lists, also those that the first boot has deleted, and the removal of those that only an
    /// earlier configuration has put there.
    private var rootFiles: (listed: [String], removals: [TreeChange]) {
        let before = (previous?.rootFiles ?? []).filter(RemovableFiles.isRootFile)
        // Without the root partition they are still there.
        guard let root = draft.root, root.problem == nil else { return (before, []) }
        let listed = (rendering.rootEdits.map(\.path) + supplied.taken).filter(RemovableFiles.isRootFile).sorted()
        let stale = before.filter { !listed.contains($0) }
        return (listed, stale.map { TreeChange(.removal, at: $0) })
    }
}
