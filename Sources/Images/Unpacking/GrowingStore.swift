import Diagnostics
import Storage

/// A ``GrowingFile`` of known size as a store: reads wait until their bytes are there.
///
/// If unpacking fails or is stopped, waiting and later reads throw the reason.
final class GrowingStore: BlockStore {
    let size: Int64
    let name: String
    private let file: GrowingFile

    init(_ file: GrowingFile, size: Int64, name: String) {
        self.file = file
        self.size = size
        self.name = name
    }

    func read(into buffer: UnsafeMutableRawBufferPointer, at offset: Int64) throws(Failure) {
        try checkBounds(offset: offset, count: buffer.count)
        let end = offset + Int64(buffer.count)
        guard try file.wait(for: end) >= end else {
            throw Failure(.truncatedArchive, "\(name) is shorter than it should be", hint: "download it again")
        }
        try file.read(into: buffer, at: offset)
    }
}
