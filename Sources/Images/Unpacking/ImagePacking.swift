package import Diagnostics
import Host
import Storage

/// How an image is compressed, as far as it decides how long unpacking takes.
package struct ImagePacking: Hashable, Sendable {
    package let format: ImageSource.Format
    /// How many blocks of an .xz can be decoded at the same time; nil for other formats, and if its index cannot be
    /// read.
    package let blocks: Int?
    /// How many threads decode on this machine.
    package let threads: Int
}

extension ImageSource {
    /// Reads the file's index if it has one, and nothing else.
    package func packing() throws(Failure) -> ImagePacking {
        guard Confinement.isUsed else { return try packingHere() }
        var result = try ConfinedProcess(.archive).call(
            ArchiveTask.request(.packing, path), passing: file.descriptor)
        let blocks = try result.number(Int.self)
        return ImagePacking(format: format, blocks: blocks < 0 ? nil : blocks, threads: try result.number(Int.self))
    }

    func packingHere() throws(Failure) -> ImagePacking {
        guard format == .xz else { return ImagePacking(format: format, blocks: nil, threads: 1) }
        let index = try XZIndex(of: file)
        return ImagePacking(format: format, blocks: index?.blocks.count, threads: try XZBlocks(self)?.threads ?? 1)
    }
}
