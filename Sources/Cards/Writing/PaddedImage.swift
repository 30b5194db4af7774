import Diagnostics
import Storage

/// An image as it is on the card: padded to whole sectors with zeros.
struct PaddedImage: Sendable {
    let store: any BlockStore

    func read(into buffer: UnsafeMutableRawBufferPointer, at offset: Int64) throws(Failure) {
        let present = max(0, min(buffer.count, Int(store.size - offset)))
        try store.read(into: UnsafeMutableRawBufferPointer(rebasing: buffer[..<present]), at: offset)
        UnsafeMutableRawBufferPointer(rebasing: buffer[present...]).fillWithZeros()
    }
}
