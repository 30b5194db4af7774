package import Filesystems
import Provisioning
import Systems
import Text

extension Reconfiguration {
    /// The lines of a boot file that would change, with secrets masked.
    package func differenceText(of path: String, on files: any FileTree) throws -> String {
        let planned = provision.bootFiles.first { $0.path == path }
        let sensitive = planned?.sensitive ?? []
        let old = try files.read(path).map { String(decoding: $0, as: UTF8.self) }
        let new = planned.map { String(decoding: $0.contents, as: UTF8.self) }
        let head = "--- \(old == nil ? "(none)" : "card: \(path)")\n+++ \(new == nil ? "(none)" : "recipe: \(path)")\n"
        // The record holds digests, not secrets.
        let likely =
            path == CardRecord.path ? [] : MaskedText.likely(in: old ?? "").filter { new?.contains($0) != true }
        let difference = TextDifference(
            from: MaskedText.mask(old ?? "", sensitive.union(likely)), to: MaskedText.mask(new ?? "", sensitive))
        return head + (difference.isEmpty ? " (only secrets differ)" : difference.text())
    }
}
