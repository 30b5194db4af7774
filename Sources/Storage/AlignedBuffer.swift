#if canImport(Glibc)
    import Glibc
#endif

/// Memory whose address suits direct I/O, freed with its owner.
package final class AlignedBuffer {
    /// The alignment that every block device accepts: a page.
    package static let alignment = 4096

    package let bytes: UnsafeMutableRawBufferPointer

    /// `count` bytes, rounded up to a multiple of ``alignment``.
    package init(count: Int) {
        let rounded = (max(count, 1) + Self.alignment - 1) / Self.alignment * Self.alignment
        bytes = .allocate(byteCount: rounded, alignment: Self.alignment)
        bytes.fillWithZeros()
    }

    deinit { bytes.deallocate() }
}

extension UnsafeMutableRawBufferPointer {
    /// By memset(3): a debug build's `initializeMemory(as:repeating:)` calls a function for each byte.
    package func fillWithZeros() {
        if let baseAddress { memset(baseAddress, 0, count) }
    }
}
