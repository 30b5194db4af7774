package import Diagnostics
import Storage

/// How a file packs its image, as far as it matters for the time that unpacking takes.
package struct ImagePacking: Hashable, Sendable {
    package let format: ImageSource.Format
    /// How many blocks an .xz has that can be decoded at the same time; nil for other formats, and when its index tells
    /// nothing.
    package let blocks: Int?
    /// How many threads decode on this machine.
    package let threads: Int
}

extension ImageSource {
    /// Looks at the file's index where it has one; reads nothing else.
    package func packing() throws(Failure) -> ImagePacking {
        guard format == .xz else { return ImagePacking(format: format, blocks: nil, threads: 1) }
        let index = try XZIndex(of: ImageFile(opening: path))
        return ImagePacking(format: format, blocks: index?.blocks.count, threads: try XZBlocks(self)?.threads ?? 1)
    }
}
