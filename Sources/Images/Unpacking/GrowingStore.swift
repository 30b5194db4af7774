import Diagnostics
import Storage

/// A ``GrowingFile`` of known size as a store: who reads waits until the bytes are there.
///
/// When unpacking fails, or is stopped, those who wait are woken with the reason, and so is everybody after them.
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
            throw Failure(.truncatedArchive, "\(name) is shorter than it says", hint: "download it again")
        }
        try file.read(into: buffer, at: offset)
    }
}
