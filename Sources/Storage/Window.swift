package import Diagnostics

/// A part of a store as a separate store: a partition of a card or an image.
package struct Window<Base: BlockStore>: BlockStore {
    package let base: Base
    /// Where the window starts in `base`, in bytes.
    package let start: Int64
    package let size: Int64
    package let name: String

    /// The `range` (in bytes) of `base`; it must lie inside.
    package init(_ base: Base, range: Range<Int64>, name: String) throws(Failure) {
        try base.checkBounds(offset: range.lowerBound, count: range.count)
        self.base = base
        self.start = range.lowerBound
        self.size = Int64(range.count)
        self.name = name
    }

    package func read(into buffer: UnsafeMutableRawBufferPointer, at offset: Int64) throws(Failure) {
        try checkBounds(offset: offset, count: buffer.count)
        try base.read(into: buffer, at: start + offset)
    }
}

extension Window: WritableBlockStore where Base: WritableBlockStore {
    package func write(_ bytes: UnsafeRawBufferPointer, at offset: Int64) throws(Failure) {
        try checkBounds(offset: offset, count: bytes.count)
        try base.write(bytes, at: start + offset)
    }

    package func synchronize() throws(Failure) { try base.synchronize() }
}
